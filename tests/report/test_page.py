"""The report as a file: what it answers, what it carries, how it is written."""

import base64
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, Dataset, load, save
from partwise._errors import DataError, FileError, MissingExtraError
from partwise.io import Layout
from partwise.report import _words as words
from partwise.report import write_report
from partwise.report._payload import most_rows
from partwise.report._pictures import shrink
from partwise.report._samples import choose
from partwise.report._study import Study
from tests.cli.harness import partwise, write_table
from tests.report.conftest import KINDS, fit, make_data, payload_of

RECOGNISED = "header: yes, row names: from the first column"
HEADINGS = ["What was factorised", "How well it fits", "The parts", "How a", "The clusters", "Provenance"]


def text_of(path):
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [*KINDS, "no data"])
def test_the_questions_are_answered_in_their_order(pages, kind):
    found = re.findall(r"<h2[^>]*>(.*?)</h2>", text_of(pages[kind]))
    assert len(found) == len(HEADINGS)
    assert all(title.startswith(start) for title, start in zip(found, HEADINGS, strict=True))


@pytest.mark.parametrize("kind", [*KINDS, "no data"])
def test_the_page_needs_nothing_from_anywhere(pages, kind):
    page = text_of(pages[kind])
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "url(" not in re.sub(r"url\(#", "", page)
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize("kind", [*KINDS, "no data", "few cards"])
def test_sentences_are_apart(pages, models, kind, tmp_path, monkeypatch):
    monkeypatch.setattr("partwise.report._cards.CARDS", 3)
    path = pages[kind] if kind in pages else write_report(models["text"][0], tmp_path / "few.html", models["text"][1])
    for paragraph in re.findall(r'<p class="(?:lead|note|note wide)">(.*?)</p>', text_of(path), re.DOTALL):
        assert not re.search(r"[a-z%]\.[A-Z\d]", re.sub("<[^>]*>", "", paragraph)), paragraph


@pytest.mark.parametrize("kind", [*KINDS, "no data"])
def test_every_id_is_unique(pages, kind):
    ids = re.findall(r'\sid="([^"]+)"', text_of(pages[kind]))
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_and_the_fit_are_those_of_the_data_and_the_model(pages, models, kind):
    model, data = models[kind]
    page = text_of(pages[kind])
    assert data.source in page
    assert words.percent(model.relative_error_) in page
    assert words.percent(1 - model.relative_error_**2) in page
    assert model.status_.sentence in page
    assert all(words.percent(share) in page for share in model.shares_)
    assert "seed (random_state)" in page


def test_the_page_without_data_says_what_data_would_add(pages):
    page = text_of(pages["no data"])
    assert "A model keeps no data. Pass the data too" in page
    assert '<script type="application/json"' not in page
    assert "column 0" in page


def test_the_error_to_compare_a_mix_with_is_that_of_the_fit(pages):
    assert 'at the fit <span id="fit-error">' in text_of(pages["table"])  # under penalties no minimum of the error


def test_the_command_that_repeats_it(models, tmp_path):
    model, data = models["table"]
    given = text_of(write_report(model, tmp_path / "a.html", data, command="partwise fit table.csv -k 5", title="Air"))
    assert "<code>partwise fit table.csv -k 5</code>" in given
    assert "<title>Air</title>" in given
    own = text_of(write_report(model, tmp_path / "b.html", data))
    assert "partwise.io.read(&#39;table.csv&#39;)" in own
    assert "random_state=0" in own


def test_two_reports_of_one_model_differ_in_their_date_only(models, tmp_path):
    pair = [text_of(write_report(*models["text"][:1], tmp_path / f"{i}.html", models["text"][1])) for i in range(2)]
    first, second = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", page) for page in pair)
    assert first == second


def test_rows_from_a_bare_matrix_are_still_the_pictures_of_the_model(models, tmp_path):
    model, data = models["image"]
    save(model, tmp_path / "model.npz")
    np.save(tmp_path / "rows.npy", data.X[:20])
    done = partwise("report", tmp_path / "model.npz", tmp_path / "rows.npy", "--out", tmp_path / "report.html")
    assert done.code == 0, done.err
    page = text_of(tmp_path / "report.html")
    assert payload_of(page)["shape"] == [8, 6]
    assert "How a picture is made of parts" in page


@pytest.fixture
def fitted_by_the_command(tmp_path, monkeypatch):
    """A model of 30 rows of ``first.csv``, and the 7 rows of ``other.csv``."""
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "first.csv")
    write_table(tmp_path / "other.csv", (7, 8), seed=1)
    assert partwise("fit", "first.csv", "-k", 2, "--init", "random", "--out", "model.npz").code == 0


def facts_of(page):
    section = page[page.index('<section id="data"') : page.index('<section id="fit"')]
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", section.replace("\u00a0", " ")))


@pytest.mark.usefixtures("fitted_by_the_command")
def test_rows_that_are_not_those_of_the_fit_are_told_apart():
    assert partwise("report", "model.npz", "other.csv", "--out", "r.html").code == 0
    page = text_of(Path("r.html"))
    assert "<title>2\u00a0parts of first.csv</title>" in page
    assert "partwise fit first.csv" in page
    facts = facts_of(page)
    assert facts["Source"] == "first.csv"
    assert facts["Shape"] == "30 rows × 8 columns"
    assert facts["The rows shown here"] == "other.csv, 7 rows"
    assert facts["Recognised"] == RECOGNISED
    assert "Their range" in facts
    assert "Range" not in facts


@pytest.mark.usefixtures("fitted_by_the_command")
def test_what_was_factorised_is_known_without_the_data_too():
    assert partwise("report", "model.npz", "--out", "alone.html").code == 0
    assert partwise("report", "model.npz", "first.csv", "--out", "same.html").code == 0
    alone, same = (facts_of(text_of(Path(name))) for name in ("alone.html", "same.html"))
    assert alone["Source"] == same["Source"] == "first.csv"
    assert alone["Shape"] == same["Shape"] == "30 rows × 8 columns"
    assert alone["Recognised"] == same["Recognised"] == RECOGNISED
    assert "The rows shown here" not in {*alone, *same}
    assert "<code>partwise fit first.csv" in text_of(write_report(load("model.npz"), "python.html"))


def test_two_nearly_equal_documents_in_one_part_are_reported_without_a_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("docs.jsonl").write_text('{"text": "apple pear"}\n{"text": "pear"}\n', encoding="utf-8")
    done = partwise("fit", "docs.jsonl", "--field", "text", "-k", 1, "--report", "r.html")
    assert (done.code, done.err) == (0, "")
    page = text_of(Path("r.html"))
    assert "Recognised" not in facts_of(page)  # nothing had to be looked for
    assert 'aria-label="Histogram: relative errors of the rows' in page


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_is_called_by_the_same_name_all_over(pages, kind):
    page = text_of(pages[kind])
    assert [f"Part {part}" for part in range(5)] == re.findall(r"<h3>([^<]*)<span class=.share", page)
    assert all(name.startswith("Part ") for name in re.findall(r"<b>([^<]*)</b>", page))
    assert "<code>nmf3</code>" in page


def test_the_list_of_clusters_has_the_numbers_and_sizes_of_the_parts(models, pages):
    model, data = models["table"]
    rows = Study.of(model, data).rows
    sizes = {part: int(np.sum(rows.dominant == part)) for part in range(5)}
    page = text_of(pages["table"])
    section = page[page.index('<ol class="sizes') :]
    found = re.findall(r'<li value="(\d+)">.*?<span class="figure">(\d+) <span[^>]*>· ([^<]*)<', section, re.DOTALL)
    assert found == [(str(part), str(n), words.proportion(n, 90)) for part, n in sizes.items() if n]


def test_parts_that_lead_nowhere_are_explained(models, pages, tmp_path):
    model, data = models["table"]
    page = text_of(write_report(model, tmp_path / "one.html", data.X[:1]))
    assert "4 parts lead in no row: in each, another part adds more." in page
    assert "lead in no row" not in text_of(pages["table"])


# --- missing entries, weights, other losses ---------------------------------------------------------------------------

BETAS = {"frobenius": 2, "kullback-leibler": 1, "itakura-saito": 0, 0.5: 0.5}


def with_holes(kind):
    """Data of which a tenth is missing, a whole row and a whole column among it, and the mask."""
    data = make_data(kind)
    mask = np.random.default_rng(3).random(data.shape) < 0.9
    mask[5], mask[:, 7] = False, False
    return data, mask


def fit_holes(data, mask, **parameters):
    model = NMF(5, init="random", random_state=0, tol=1e-3, max_iter=2000, **parameters)
    with pytest.warns(UserWarning, match="1 of 90 rows and 1 of 48 columns"):
        return model.fit(data, mask=mask)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_entries_are_told_and_count_nowhere(kind, tmp_path):
    data, mask = with_holes(kind)
    model = fit_holes(data, mask)
    page = text_of(write_report(model, tmp_path / "r.html", data, mask=mask))
    missing = int((~mask).sum())
    assert facts_of(page)[
        "Missing entries"
    ] == f"{words.percent(missing / mask.size)} ({missing} of 4\u202f320)".replace("\u00a0", " ")
    assert "Missing entries count nowhere." in page
    assert "Nothing is observed of 1 row." in page
    assert "Nothing is observed of 1 " + ("pixel value." if kind in ("image", "colour") else "column.") in page
    assert '<span class="missing">missing</span>' in page
    assert facts_of(text_of(write_report(model, tmp_path / "alone.html")))["Missing entries"].startswith("1")
    alike = fit_holes(
        Dataset(np.where(mask, filled(data), np.nan), data.row_names, data.column_names, data.layout), None
    )
    rows = Study.of(model, data, mask).rows
    np.testing.assert_allclose(rows.residuals.rows.error, alike.relative_error_, rtol=1e-3)


def filled(data):
    return data.X.toarray() if sp.issparse(data.X) else data.X


@pytest.mark.parametrize("kind", KINDS)
def test_missing_values_reach_the_script_as_such_and_errors_leave_them_out(kind, tmp_path):
    data, mask = with_holes(kind)
    model = fit_holes(data, mask)
    payload = payload_of(text_of(write_report(model, tmp_path / "r.html", data, mask=mask)))
    for sample in payload["samples"][:3]:
        seen, x, w = mask[sample["row"]], filled(data)[sample["row"]], np.array(sample["weights"])
        assert sample["observed"] == seen.sum()
        if kind in ("image", "colour"):
            assert ((decoded(sample["values"], np.uint8) == sample["values"]["gap"]) == ~seen).all()
        elif kind != "text":
            np.testing.assert_allclose(decoded(sample["values"], "<f4"), np.where(seen, x, np.nan), rtol=1e-6)
        gram = np.zeros((5, 5))
        gram[np.tril_indices(5)] = np.frombuffer(base64.b64decode(sample["gram"]), "<f4")
        gram += np.tril(gram, -1).T
        lost = sample["size"] - 2 * w @ sample["cross"] + w @ gram @ w
        assert lost == pytest.approx(
            ((x - w @ model.components_)[seen] ** 2).sum(), rel=1e-3, abs=1e-5 * sample["size"]
        )


def decoded(values, dtype):
    return np.frombuffer(base64.b64decode(values["data"]), dtype)


def test_rows_without_missing_entries_share_the_products_of_the_parts(pages):
    for sample in payload_of(text_of(pages["table"]))["samples"]:
        assert sample["gram"] is sample["observed"] is sample["told"] is None


def test_weights_are_told_and_every_error_counts_them(tmp_path, rng):
    data = make_data("table")
    weights = rng.random(data.shape) + 0.5
    model = NMF(5, init="random", random_state=0, tol=1e-3, max_iter=2000).fit(data, weights=weights)
    page = text_of(write_report(model, tmp_path / "r.html", data, weights=weights)).replace("\u00a0", " ")
    assert facts_of(page)["Weights"].startswith("one for each entry, 0.5")
    assert "fit(partwise.io.read(&#39;table.csv&#39;), weights=weights)" in page
    squares = weights * (data.X - model.transform(data, weights=weights) @ model.components_) ** 2
    left = re.search(r"sum to Q = ([\d.]+), ([\d.]+) for each observed entry", page)
    assert [float(left[1]), float(left[2])] == pytest.approx([squares.sum(), squares.mean()], rel=5e-3)
    rows = Study.of(model, data, None, weights).rows
    expected = np.sqrt(squares.sum(axis=1) / (weights * data.X**2).sum(axis=1))
    np.testing.assert_allclose(rows.residuals.rows.errors, expected, rtol=1e-6)
    by_row = text_of(write_report(model, tmp_path / "r.html", data, weights=weights[:, 0]))
    assert facts_of(by_row)["Weights"].startswith("one for each row, 0.5")
    assert payload_of(by_row)["samples"][0]["gram"] is None


@pytest.mark.parametrize("beta_loss", BETAS)
@pytest.mark.parametrize("holes", [False, True])
def test_errors_are_told_in_the_loss_that_was_fitted(beta_loss, holes, tmp_path):
    data, mask = with_holes("table")
    mask = mask if holes else np.ones_like(mask)
    model = NMF(5, init="random", random_state=0, tol=1e-3, max_iter=300, beta_loss=beta_loss)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(data, mask=mask)
    beta, rows = BETAS[beta_loss], Study.of(model, data, mask).rows
    x, y = data.X, rows.W @ model.components_
    y = np.where(mask, y, 1)
    each = (
        mask
        * {
            2: (x - y) ** 2,
            1: x * np.log(x / y) - x + y,
            0: x / y - np.log(x / y) - 1,
            0.5: (x**0.5 - 0.5 * y**0.5 - 0.5 * x * y**-0.5) / -0.25,
        }[beta]
    )
    sizes = mask * x**2 if beta == 2 else mask
    for axis, side in ((1, rows.residuals.rows), (0, rows.residuals.columns)):
        np.testing.assert_allclose(side.lost, each.sum(axis=axis), rtol=1e-6, atol=1e-9)
        with np.errstate(invalid="ignore"):
            expected = each.sum(axis=axis) / sizes.sum(axis=axis)
        np.testing.assert_allclose(side.errors, np.sqrt(expected) if beta == 2 else expected, rtol=1e-6)
    page = text_of(write_report(model, tmp_path / "r.html", data, mask=mask))
    shown = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    if beta == 2:
        assert shown["Relative error"] == words.percent(model.relative_error_)
        assert "Divergence per entry" not in shown
        return
    total = model.reconstruction_err_**2 / 2
    assert shown["Divergence in all"] == words.weight(total)
    assert shown["Divergence per entry"] == words.weight(total / mask.sum())
    assert total == pytest.approx(each.sum(), rel=1e-2)
    assert "Relative error" not in shown
    assert "In squares, the relative error" in page
    assert "Relative error of this mix, in squares" in page
    assert '<th scope="col">divergence per entry</th>' in page
    assert 'aria-label="Histogram: divergences per entry of the rows' in page
    lost = rows.residuals.columns.lost
    worst = int(lost.argmax())
    table = page[page.index("Columns that lose most") :]
    first = re.search(r'<th scope="row">([^<]*)</th><td>([^<]*)</td><td>([^<]*)</td>', table)
    error = words.weight(rows.residuals.columns.errors[worst])
    assert first.groups() == (f"column {worst}", error, words.percent(lost[worst] / lost.sum()))
    sample = payload_of(page)["samples"][0]
    assert sample["told"] == f"{words.weight(rows.residuals.rows.errors[sample['row']])} per entry"


def test_of_a_column_without_observed_entries_the_mix_says_nothing(tmp_path):
    data, mask = with_holes("values")
    payload = payload_of(text_of(write_report(fit_holes(data, mask), tmp_path / "r.html", data, mask=mask)))
    for part in payload["parts"]:
        assert np.flatnonzero(np.isnan(decoded(part, "<f4"))).tolist() == [7]
    whole = fit(data)
    payload = payload_of(text_of(write_report(whole, tmp_path / "r.html", data, mask=mask)))
    assert not any(np.isnan(decoded(part, "<f4")).any() for part in payload["parts"])


def test_large_pictures_with_holes_shrink_by_what_is_observed():
    pictures = np.arange(32.0).reshape(2, 16)
    pictures[0, [0, 1, 4, 5]] = np.nan
    pictures[1, 0] = np.nan
    small = shrink(pictures, (4, 4), 2)
    assert np.isnan(small[0, 0, 0])
    assert small[1, 0, 0] == pytest.approx(np.mean([20, np.mean([17, 21])]))
    np.testing.assert_allclose(small[0, 1], [np.mean([8, 9, 12, 13]), np.mean([10, 11, 14, 15])])


def test_many_parts_with_holes_keep_the_page_small(tmp_path):
    data, mask = with_holes("values")
    rows = Study.of(NMF(5, init="random", random_state=0, tol=1e-3, max_iter=2000).fit(data), data, mask).rows
    assert most_rows(rows) == 60
    assert most_rows(replace(rows, W=np.ones((90, 200)))) == 37
    assert most_rows(replace(rows, W=np.ones((90, 2000)))) == 12


def test_large_data_are_represented_by_a_stated_few(tmp_path, rng):
    X = sp.random_array((20_000, 3_000), density=0.002, rng=rng, format="csr")
    names = tuple(f"term {j}" for j in range(3000))
    data = Dataset(X, column_names=names, layout=Layout("text"), source="many.jsonl")
    with pytest.warns(UserWarning, match="Maximum number of iterations"):
        model = NMF(8, init="random", random_state=0, max_iter=5).fit(data)
    path = write_report(model, tmp_path / "many.html", data)
    page, samples = text_of(path), payload_of(text_of(path))["samples"]
    assert len(samples) <= 60
    assert f"{len(samples)} of 20000 documents are here" in page
    assert path.stat().st_size < 2_000_000


def test_the_few_hold_the_best_the_worst_and_one_typical_of_each_part(models):
    model, data = models["table"]
    rows = Study.of(model, data).rows
    chosen = {}
    for sample in choose(rows):
        chosen.setdefault(sample.group, []).append(sample.row)
    errors = rows.residuals.rows.errors
    assert errors.argmin() in {*chosen["Best fitted"], *chosen["Typical of a part"]}
    assert errors.argmax() in {*chosen["Worst fitted"], *chosen["Typical of a part"]}
    for part in set(rows.dominant.tolist()):
        assert any(rows.dominant[row] == part for row in chosen["Typical of a part"])
    assert choose(rows) == choose(Study.of(model, data).rows)


def test_large_pictures_shrink_and_the_page_says_so(tmp_path, rng):
    shape = (300, 400, 3)
    X = rng.gamma(0.5, 1.0, (12, 2)) @ rng.gamma(0.5, 1.0, (2, 360_000))
    data = Dataset(X, layout=Layout("image", shape))
    path = write_report(fit(data, k=2), tmp_path / "large.html", data)
    height, width, colours = payload_of(text_of(path))["shape"]
    assert colours == 3
    assert 14 * height * width * 3 <= 3_000_000
    assert "Pictures are shown at 1/" in text_of(path)
    assert path.stat().st_size < 6_000_000


def test_many_bare_columns_are_binned_and_the_page_says_so(tmp_path, rng):
    data = Dataset(rng.gamma(0.5, 1.0, (40, 2)) @ rng.gamma(0.5, 1.0, (2, 5000)))
    page = text_of(write_report(fit(data, k=2), tmp_path / "bins.html", data))
    assert "are shown as 1024 means of neighbours" in page


def test_zero_rows_zero_columns_and_a_single_sample(tmp_path):
    X = make_data("values").X.copy()
    X[5] = 0
    X[:, 7] = 0
    page = text_of(write_report(fit(Dataset(X)), tmp_path / "zeros.html", X))
    assert "1 row is zero and has no relative error" in page
    assert "1 column is zero and has no relative error" in page
    assert "1 row has no part at all" in page
    model = fit(Dataset(X))
    assert "The one row is here" in text_of(write_report(model, tmp_path / "one.html", X[:1]))


@pytest.mark.parametrize("kind", KINDS)
def test_of_data_without_anything_nothing_is_explained(kind, tmp_path):
    data = make_data(kind)
    zero = replace(data, X=0 * data.X)
    with pytest.warns(UserWarning, match="zero"):
        model = fit(zero)
    for shown in (zero, None):
        page = text_of(write_report(model, tmp_path / "zero.html", shown))
        assert "there was nothing to explain" in page
        assert "Together they explain" not in page
        assert "<dt>Explained</dt><dd>–</dd>" in page
        assert "<dt>Relative error</dt><dd>–</dd>" in page
        assert ("is zero: there is nothing to mix" in page) is (shown is zero)


def test_names_that_xml_and_mathtext_cannot_hold_are_shown_all_the_same(tmp_path):
    data = make_data("table")
    odd = ("$\\frac{", "\x00\x1b", "漢字", *data.column_names[3:])
    renamed = Dataset(data.X, ("\x07", *data.row_names[1:]), odd, source="odd\x02.csv")
    assert "漢字" in text_of(write_report(fit(renamed), tmp_path / "odd.html", renamed))


def test_other_columns_than_the_models_are_refused(models, tmp_path):
    with pytest.raises(DataError, match="3 columns"):
        write_report(models["table"][0], tmp_path / "report.html", np.ones((2, 3)))
    assert not (tmp_path / "report.html").exists()


def test_an_old_report_survives_where_a_new_one_cannot_be_written(models, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(FileError):
        write_report(models["table"][0], tmp_path / "no such folder" / "report.html")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(FileError, match="cannot be written"):
        write_report(models["table"][0], path)
    assert path.read_text() == "old"


def test_a_missing_extra_is_named(models, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"partwise\[report\]"):
        write_report(models["table"][0], tmp_path / "report.html")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.14934, "14.9\u00a0%"),
        (0.15, "15.0\u00a0%"),
        (1.0, "100\u00a0%"),
        (0.99999, ">\u00a099.9\u00a0%"),
        (0.0, "0\u00a0%"),
        (0.000420, "0.0420\u00a0%"),
        (float("nan"), "–"),
        (12.5, "1250\u00a0%"),
    ],
)
def test_shares_have_three_digits(value, text):
    assert words.percent(value) == text


@pytest.mark.parametrize(
    ("amount", "total", "text"),
    [
        (3, 400, "0.8"),
        (12, 90, "13"),
        (90, 90, "100"),
        (1, 18846, "<\u00a00.1"),
        (0, 400, "0.0"),
        (1, 2001, "<\u00a00.1"),
    ],
)
def test_the_share_of_a_count_is_no_finer_than_the_count(amount, total, text):
    assert words.proportion(amount, total) == f"{text}\u00a0%"
