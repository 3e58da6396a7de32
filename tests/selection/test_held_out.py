"""The error on what a fit has not seen, against loops over entries."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import nnls

from partwise import NMF
from partwise._errors import DataError, ParameterError
from partwise.selection import one_standard_error
from partwise.selection._tasks import run_tasks
from partwise.selection.bi_cross_validation import BiCrossValidation
from partwise.selection.held_out import Speckled
from partwise.selection.question import Question
from partwise.selection.validation import MIXED, restrained, tally
from tests.reference.beta import beta_divergence
from tests.reference.matrices import counts, noisy

KL = NMF(beta_loss="kullback-leibler", max_iter=500)
X = noisy(40, 25, 3)
COUNTS = np.random.default_rng(0).poisson(6 * noisy(40, 25, 3)).astype(float)


def question(data: Any, estimator: NMF | None = None, mask: Any = None, weights: Any = None, seed: int = 0) -> Question:
    return Question.of(estimator or NMF(max_iter=500), data, mask, weights, seed)


def errors(plan: Speckled | BiCrossValidation, ranks: tuple[int, ...]) -> np.ndarray:
    return plan.gather(ranks, run_tasks(plan.tasks(ranks)))


def held_out(plan: Speckled, fold: int) -> np.ndarray:
    return ~plan.speckle(fold).rows(0, *plan.question.shape)


def test_each_entry_is_held_out_once() -> None:
    plan = Speckled.of(question(X), 5)
    np.testing.assert_array_equal(sum(held_out(plan, fold).astype(int) for fold in range(5)), 1)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_is_the_mean_loss_of_what_was_held_out(weighted: bool) -> None:
    weights = np.random.default_rng(1).random(X.shape) if weighted else None
    asked = question(X, weights=weights)
    plan = Speckled.of(asked, 4)
    found = errors(plan, (2, 3))
    v = np.ones_like(X) if weights is None else weights
    for place, k in enumerate((2, 3)):
        for fold in range(4):
            hidden = held_out(plan, fold)
            estimator = plan.question.estimator(k, 2, fold, k)
            W = estimator.fit_transform(X, mask=~hidden, weights=weights)
            squares = 0.5 * v * (X - W @ estimator.components_) ** 2
            assert found[place, fold] == pytest.approx(squares[hidden].sum() / v[hidden].sum(), rel=1e-9)


def test_predictions_of_counts_are_mixed_with_one_part() -> None:
    plan = Speckled.of(question(COUNTS, KL), 3)
    found = errors(plan, (4,))
    for fold in range(3):
        hidden = held_out(plan, fold)
        fitted = plan.question.estimator(4, 2, fold, 4)
        one = plan.question.estimator(1, 3, alpha_W=0.0, alpha_H=0.0, init="random")
        model = fitted.fit_transform(COUNTS, mask=~hidden) @ fitted.components_
        w, h = one.fit_transform(COUNTS, mask=~hidden), one.components_
        whole = (w + MIXED * w.mean()) @ (h + MIXED * h.mean())
        assert (model[hidden & (COUNTS > 0)] == 0).any(), "a prediction of zero should be met here"
        mixed = (1 - MIXED) * model + MIXED * whole
        loss = beta_divergence(COUNTS[hidden], mixed[hidden], 1.0) / hidden.sum()
        assert found[0, fold] == pytest.approx(loss, rel=1e-6)


def test_what_was_zero_in_a_line_can_still_be_found_there() -> None:
    data = np.zeros((12, 10))
    data[:6, :5] = 3
    data[11, 9] = 1  # in one fold it is the only count of its row and its column
    assert np.isfinite(errors(Speckled.of(question(data, KL), 3), (1, 2))).all()


@pytest.mark.parametrize("beta", [2.0, 1.5, 1.0, 0.5, 0.0, "itakura-saito"])
def test_every_loss(beta: Any) -> None:
    rng = np.random.default_rng(0)
    W, H = rng.random((40, 3)) ** 3 + 0.01, rng.random((3, 30)) ** 3 + 0.01
    data = (W @ H) * rng.gamma(100, 0.01, (40, 30))
    plan = Speckled.of(question(data, NMF(beta_loss=beta, max_iter=1000)), 4)
    ranks = (2, 3, 4)
    assert ranks[one_standard_error(errors(plan, ranks))[0]] == 3


@pytest.mark.parametrize("zeros", ["observed", "missing"])
def test_sparse_data_have_the_errors_of_dense_ones(zeros: str) -> None:
    dense = counts(40, 30, 0.5).toarray().astype(float)
    mask = None if zeros == "observed" else dense > 0
    sparse = question(sp.csr_array(dense), NMF(max_iter=500, implicit_zeros=zeros, tol=1e-8))
    other = question(dense, NMF(max_iter=500, tol=1e-8), mask)
    found = [errors(Speckled.of(asked, 4, 0.2), (2, 3)) for asked in (sparse, other)]
    np.testing.assert_allclose(*found, rtol=1e-3)


def test_of_sparse_data_no_more_is_held_out_than_twice_what_they_store() -> None:
    data = counts(300, 200, 0.02)
    assert Speckled.of(question(data), 5).share == pytest.approx(2 * data.nnz / 60000)
    assert Speckled.of(question(data.toarray()), 5).share == 0.2
    assert Speckled.of(question(counts(100, 200, 0.3), NMF(implicit_zeros="missing")), 5).share == 0.2


def masks() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    dense = rng.random(X.shape) < 0.9
    holes = np.where(dense, X, np.nan)
    csr = sp.csr_array(np.where(rng.random(X.shape) < 0.6, X, 0))
    missing = NMF(implicit_zeros="missing")
    return {
        "mask": (question(X, mask=dense), dense.astype(float)),
        "sparse mask": (question(X, mask=sp.csr_array(dense)), dense.astype(float)),
        "NaN": (question(holes), dense.astype(float)),
        "masked array": (question(np.ma.masked_array(X, ~dense)), dense.astype(float)),
        "row weights": (question(X, weights=np.arange(1.0, 41)), np.repeat(np.arange(1.0, 41)[:, None], 25, axis=1)),
        "weights": (question(X, weights=X), X),
        "zeros missing": (question(csr, missing), (csr.toarray() > 0).astype(float)),
        "zeros missing, mask": (question(csr, missing, mask=dense), (csr.toarray() > 0) * dense.astype(float)),
        "zeros missing, sparse mask": (
            question(csr, missing, mask=sp.csr_array(dense)),
            (csr.toarray() > 0) * dense.astype(float),
        ),
        "zeros missing, weights": (question(csr, missing, weights=X), (csr.toarray() > 0) * X),
    }


@pytest.mark.parametrize("name", masks())
def test_what_is_observed_is_counted(name: str) -> None:
    asked, weights = masks()[name]
    plan = Speckled.of(asked, 4)
    everything = tally(asked, None)
    np.testing.assert_allclose(everything.rows, weights.sum(axis=1))
    np.testing.assert_allclose(everything.columns, weights.sum(axis=0))
    for fold, held in enumerate(plan.weights):
        assert held == pytest.approx(weights[held_out(plan, fold)].sum())
    assert np.isfinite(errors(plan, (1, 2))).all()


def test_the_user_s_mask_is_kept_from_the_error() -> None:
    mask = np.random.default_rng(0).random(X.shape) < 0.9
    broken = np.where(mask, X, 1e6)
    found = [errors(Speckled.of(question(data, mask=mask), 4), (2,)) for data in (X, broken)]
    np.testing.assert_array_equal(*found)


def test_a_slight_penalty_bounds_what_data_hardly_do() -> None:
    """Without it a part of one row may predict anything where that row is held out."""
    rng = np.random.default_rng(0)
    data = np.vstack([rng.random((60, 2)) @ rng.random((2, 30)), 5 * rng.random((3, 30))])
    plan = Speckled.of(question(data, NMF(max_iter=2000)), 5)
    free = Speckled(question(data, NMF(max_iter=2000)), 5, plan.share, False, plan.weights)
    assert errors(plan, (6,)).max() < data.var()
    assert errors(free, (6,)).max() > 10 * data.var()


@pytest.mark.parametrize("beta", [2.0, 1.5, 1.0, 0.0])
def test_the_slight_penalty_scales_as_the_loss_does(beta: float) -> None:
    one, other = (restrained(question(t * (X + 0.1), NMF(beta_loss=beta))).prototype for t in (1, 1e3))
    # W and H of t X are √t times those of X, so that the penalty scales with t alpha.
    assert 1e3 * other.alpha_W == pytest.approx(1e3**beta * one.alpha_W)
    assert 1e3 * other.alpha_H == pytest.approx(1e3**beta * one.alpha_H)


@pytest.mark.parametrize("beta", [2.0, 1.0])
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_errors_scale_as_the_loss_does(beta: float, scale: float) -> None:
    data = X[:15, :10] + 0.1
    estimator = NMF(beta_loss=beta, tol=1e-8, max_iter=5000)  # how scale is shared between W and H takes its time
    one, other = (errors(Speckled.of(question(t * data, estimator), 3), (2,)) for t in (1, scale))
    np.testing.assert_allclose(other, scale**beta * one, rtol=1e-3)


def test_penalties_of_the_user_stay() -> None:
    asked = question(X, NMF(alpha_W=1e-3))
    assert restrained(asked) is asked
    prototype = restrained(question(X)).prototype
    assert prototype.alpha_W * 25 == pytest.approx(1e-4 * np.linalg.norm(X))
    assert prototype.alpha_H * 40 == pytest.approx(1e-4 * np.linalg.norm(X))


def test_warm_starts_are_as_good() -> None:
    ranks = (1, 2, 3, 4, 5)
    cold, warm = (errors(Speckled.of(question(X), 5, warm=warm), ranks) for warm in (False, True))
    # Three parts, and the mean of the noise.
    assert ranks[one_standard_error(cold)[0]] == ranks[one_standard_error(warm)[0]] == 4
    np.testing.assert_allclose(warm[:4].mean(axis=1), cold[:4].mean(axis=1), rtol=0.05)


# --- bi-cross-validation ----------------------------------------------------------------------------------------------


def test_blocks_are_predicted_from_what_is_beside_and_below() -> None:
    plan = BiCrossValidation.of(question(X, NMF(max_iter=2000, tol=1e-6)), (2, 3), (2,))
    found = errors(plan, (2,))
    rows, columns = plan._sides
    assert found.shape == (1, 6)
    for pair in range(6):
        (kept_rows, rows_out), (kept_columns, columns_out) = rows[pair // 3], columns[pair % 3]
        model = plan.question.estimator(2, 2, pair, 2)
        W = model.fit_transform(X[np.ix_(kept_rows, kept_columns)])
        H = model.components_
        W_out = np.array([nnls(H.T, x)[0] for x in X[np.ix_(rows_out, kept_columns)]])
        H_out = np.array([nnls(W, x)[0] for x in X[np.ix_(kept_rows, columns_out)].T]).T
        residual = X[np.ix_(rows_out, columns_out)] - W_out @ H_out
        assert found[0, pair] == pytest.approx(0.5 * np.mean(residual**2), rel=1e-2)


@pytest.mark.parametrize("estimator", [NMF(max_iter=500), KL], ids=["frobenius", "kullback-leibler"])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
def test_blocks_tell_the_rank(estimator: NMF, container: Any) -> None:
    rng = np.random.default_rng(0)
    data = rng.poisson(20 * rng.random((80, 3)) ** 3 @ rng.random((3, 50)) ** 3).astype(float)
    ranks = (1, 2, 3, 4, 5)
    plan = BiCrossValidation.of(question(container(data), estimator), (3, 3), ranks)
    assert ranks[one_standard_error(errors(plan, ranks))[0]] == 3


def test_blocks_know_masks_and_weights() -> None:
    mask = np.random.default_rng(0).random(X.shape) < 0.9
    broken = np.where(mask, X, 1e6)
    found = [errors(BiCrossValidation.of(question(x, mask=mask), (2, 2), (2,)), (2,)) for x in (X, broken)]
    np.testing.assert_array_equal(*found)
    weights = np.random.default_rng(1).integers(1, 3, 40).astype(float)
    each = np.repeat(weights[:, None], 25, axis=1)
    one, other = (errors(BiCrossValidation.of(question(X, weights=v), (2, 2), (2,)), (2,)) for v in (weights, each))
    np.testing.assert_allclose(one, other, rtol=1e-2)


def test_the_transposed_question_exchanges_the_penalties() -> None:
    turned = question(X, NMF(alpha_W=0.1, alpha_H=0.2)).transposed()
    assert (turned.prototype.alpha_W, turned.prototype.alpha_H) == (0.2, 0.1)
    assert question(X, NMF(alpha_W=0.1)).transposed().prototype.alpha_H == "same"


# --- the rule of one standard error -----------------------------------------------------------------------------------


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(2, 6)), elements=st.floats(0, 10)))
def test_the_chosen_rank_is_the_smallest_that_is_not_surely_worse(table: np.ndarray) -> None:
    chosen, best, spread = one_standard_error(table)
    means = table.mean(axis=1)
    assert means[best] == means.min()
    assert chosen <= best
    worse = means - means[best]
    assert worse[chosen] <= spread[chosen] + 1e-12
    assert (worse[:chosen] >= spread[:chosen] * (1 - 1e-9)).all()


def test_how_hard_a_fold_is_cancels() -> None:
    table = np.array([[2.0, 12.0, 102.0], [1.0, 11.0, 101.0]])
    assert one_standard_error(table)[0] == 1


# --- bad input --------------------------------------------------------------------------------------------------------


def test_folds_that_leave_nothing_of_a_line_are_refused() -> None:
    data = counts(30, 20, 0.5).toarray().astype(float)
    data[:, 4] = 0
    data[7, 4] = 1
    estimator = NMF(implicit_zeros="missing")
    with pytest.raises(
        DataError, match=r"Fold \d of 5 leaves nothing observed in 1 columns, .* column 4 \(counted from 0\)"
    ):
        Speckled.of(question(sp.csr_array(data), estimator), 5)
    holes = np.where(data.T > 0, data.T, np.nan)
    with pytest.raises(DataError, match=r"nothing observed in 1 rows, .* row 4 \(counted from 0\): leave out rows"):
        Speckled.of(question(holes), 5)


@pytest.mark.parametrize("folds", [1, 0, 2.5, True, "five"])
def test_folds_are_at_least_two(folds: Any) -> None:
    with pytest.raises(ParameterError, match=r"folds=.* cannot be: give an integer ≥ 2, such as 5\."):
        Speckled.of(question(X), folds)


@pytest.mark.parametrize("share", [0.0, -0.1, 0.3])
def test_folds_cannot_hold_out_more_than_there_is(share: float) -> None:
    with pytest.raises(ParameterError, match=r"4 folds that each hold out a share of .* at most 0\.25\."):
        Speckled.of(question(X), 4, share)


@pytest.mark.parametrize("folds", [(1, 2), (2, 26), (41, 2), (2, 2.0)])
def test_groups_are_no_more_than_lines(folds: Any) -> None:
    with pytest.raises(ParameterError, match=r"groups of (40 rows|25 columns) cannot be: give an integer from 2 to"):
        BiCrossValidation.of(question(X), folds, (2,))


def test_groups_leave_enough_for_the_parts() -> None:
    with pytest.raises(ParameterError, match=r"20 parts cannot be with 2 × 2 groups, outside of which only 12 rows"):
        BiCrossValidation.of(question(X), (2, 2), (2, 20))


def test_folds_hold_out_something() -> None:
    with pytest.raises(DataError, match="of 900 holds out nothing that is observed: take fewer folds"):
        Speckled.of(question(X), 900)


def test_blocks_where_nothing_is_observed_are_left_out() -> None:
    whole = BiCrossValidation.of(question(X), (3, 3), (1, 2))
    mask = np.ones(X.shape, bool)
    (_, rows), (_, columns) = whole.lines(4)
    mask[np.ix_(rows, columns)] = False
    plan = BiCrossValidation.of(question(X, mask=mask), (3, 3), (1, 2))
    assert plan.pairs == [0, 1, 2, 3, 5, 6, 7, 8]
    found = plan.gather((1, 2), run_tasks(plan.tasks((1, 2))))
    assert found.shape == (2, 8)
    assert np.isfinite(found).all()


def test_two_blocks_at_least_are_compared() -> None:
    whole = BiCrossValidation.of(question(X), (2, 2), (1,))
    mask = np.zeros(X.shape, bool)
    (_, rows), (_, columns) = whole.lines(0)
    mask[np.ix_(rows, columns)] = True
    asked = replace(question(X), mask=mask)
    with pytest.raises(DataError, match=r"Of 2 × 2 groups of rows and columns 1 hold out anything"):
        BiCrossValidation.of(asked, (2, 2), (1,))
