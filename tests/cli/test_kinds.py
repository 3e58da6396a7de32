"""Every kind of data that can be read can be fitted, transformed and reported."""

import numpy as np
import pytest

from partwise import load, read
from partwise.io.reading import FILES, FOLDERS
from tests.cli.harness import partwise
from tests.io.samples import SAMPLES


def test_every_registered_kind_is_tried():
    assert set(SAMPLES) == set(FILES) | set(FOLDERS)


def flags(options):
    return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_kind_goes_through_all_commands(kind, tmp_path):
    sample = SAMPLES[kind]
    path, options = sample.make(tmp_path, kind), flags(sample.options)
    model, W, again = tmp_path / "model.npz", tmp_path / "W.csv", tmp_path / "again.csv"
    fit = partwise("fit", path, *options, "-k", 2, "--tol", 0, "--out", model, "--w", W, "--json")
    assert fit.code == 0, fit.err
    assert fit.json["shape"] == list(np.shape(sample.X))
    assert fit.json["layout"]["kind"] == read(path, **sample.options).layout.kind
    transform = partwise("transform", model, path, *options, "--out", again)
    assert transform.code == 0, transform.err
    first, second = read(W), read(again)
    assert first.row_names == second.row_names == sample.row_names
    assert first.column_names == second.column_names == ("nmf0", "nmf1")
    np.testing.assert_allclose(first.X, second.X, rtol=1e-6, atol=1e-12)
    X = read(path, **sample.options).X
    error = np.linalg.norm(X - first.X @ load(model).components_) / np.linalg.norm(np.asarray(sample.X))
    assert error == pytest.approx(fit.json["relative_error"], abs=1e-6)
