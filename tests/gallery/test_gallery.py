"""The gallery's own arithmetic: what its figures rest on, on made-up data."""

import numpy as np
import pytest
import scipy.sparse as sp

from docs.gallery import melody, movielens, mutations, race, robust
from partwise import NMF


def triples(shape: tuple[int, int] = movielens.SHAPE) -> movielens.Ratings:
    rng = np.random.default_rng(0)
    places = rng.choice(shape[0] * shape[1], 400, replace=False)
    return movielens.Ratings(*np.divmod(places, shape[1]), rng.integers(1, 6, 400).astype(float))


def test_the_reference_by_rows_lowers_the_objective_to_that_of_partwise() -> None:
    rng = np.random.default_rng(0)
    x = sp.random_array((20, 15), density=0.6, format="csr", rng=rng)
    data = movielens.Ratings(*x.tocoo().coords, x.tocoo().data)
    W, G = rng.random((20, 2)), rng.random((15, 2))
    model = NMF(2, init="custom", tol=0, max_iter=3000, implicit_zeros="missing")
    ours = model.fit_transform(x, W=W, H=np.ascontiguousarray(G.T))
    course = []
    for _ in range(3000):
        race.by_rows(x, W, G)
        race.by_rows(sp.csr_array(x.T), G, W)
        course.append(race.half_squares(data, W, G.T))
    assert (np.diff(course) <= 1e-12).all()
    assert course[-1] == pytest.approx(race.half_squares(data, ours, model.components_), rel=1e-3)


def test_errors_are_those_of_clipped_predictions() -> None:
    data = triples()
    assert movielens.rmse(data.stars, data) == 0
    assert movielens.rmse(np.full(400, 7.0), data) == movielens.rmse(np.full(400, 5.0), data)


def test_offsets_find_a_user_who_rates_higher() -> None:
    users, films = (axis.ravel() for axis in np.meshgrid(np.arange(50), np.arange(40), indexing="ij"))
    data = movielens.Ratings(users, films, 3.0 + (users == 7))
    assert movielens.offsets(data, data)[users == 7].mean() > movielens.offsets(data, data)[users != 7].mean() + 0.5


def test_a_spectrum_of_harmonics_has_their_pitch_and_noise_has_none() -> None:
    frequencies = np.linspace(0, melody.RATE / 2, 129)
    for note, hertz in melody.PITCHES.items():
        spectrum = sum(np.exp(-(((frequencies - h * hertz) / 50) ** 2)) / h for h in range(1, 9))
        assert melody.pitch(spectrum) == note
    assert melody.pitch(np.random.default_rng(0).gamma(1, size=129)) == "–"


def test_matching_finds_shuffled_signatures() -> None:
    rng = np.random.default_rng(0)
    signatures = rng.dirichlet(np.full(96, 0.3), 6)
    found = mutations.matched(3 * signatures[[4, 0, 2]], list("abcdef"), signatures)
    assert sorted(name for name, _ in found) == ["a", "c", "e"]
    assert [cosine for _, cosine in found] == pytest.approx([1, 1, 1])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_reweighting_never_raises_hubers_loss() -> None:
    X, _, _ = robust.planted(0)
    course = robust.huber(X, robust.SIGMA, robust.K, robust.LIMIT, robust.FEW)[2]
    assert len(course) > 3
    assert (np.diff(course) <= 1e-9 * course[0]).all()
