"""The report in a real browser. Each visit also asserts: no console message, no request, no dialog."""

import base64

import numpy as np
import pytest

from partwise import NMF, Dataset
from partwise.io import Layout
from partwise.report import write_report
from tests.report.conftest import HOSTILE, KINDS, fit, make_data, payload_of

pytestmark = pytest.mark.browser

PIXELS = "id => document.querySelector(`#${id} canvas`).toDataURL()"


def shown(page, panel):
    """What a panel shows: the pixels of its canvas, or the text and widths of its bars."""
    if page.locator(f"#{panel} canvas").count():
        return page.evaluate(PIXELS, panel)
    return page.locator(f"#{panel}").inner_html()


def settle(page):
    """Wait until what was asked for is painted."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def move(page, place, value):
    slider = page.locator("#sliders input").nth(place)
    slider.evaluate("(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", str(value))
    settle(page)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slider_changes_the_mix_and_the_residual_but_not_the_original(visit, pages, kind):
    page = visit(pages[kind]).page
    settle(page)
    before = {panel: shown(page, panel) for panel in ("original", "mix", "residual")}
    error = page.locator("#mix-error").inner_text()
    move(page, 0, 0)
    assert shown(page, "mix") != before["mix"]
    assert shown(page, "residual") != before["residual"]
    assert shown(page, "original") == before["original"]
    assert page.locator("#mix-error").inner_text() != error
    page.click("#reset")
    settle(page)
    assert shown(page, "mix") == before["mix"]
    assert page.locator("#mix-error").inner_text() == error


@pytest.mark.parametrize("kind", KINDS)
def test_another_sample_changes_every_panel(visit, pages, kind):
    page = visit(pages[kind]).page
    settle(page)
    before = {panel: shown(page, panel) for panel in ("original", "mix", "residual")}
    page.select_option("#sample", index=3)
    settle(page)
    assert all(shown(page, panel) != before[panel] for panel in before)
    page.click("#previous")
    page.click("#next")
    settle(page)
    assert page.locator("#sample").input_value() == "3"


def test_the_keyboard_alone_moves_a_slider_and_switches_the_theme(visit, pages):
    page = visit(pages["image"]).page
    settle(page)
    before = shown(page, "mix")
    page.locator("#sliders input").first.focus()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    settle(page)
    assert shown(page, "mix") != before
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("kind", KINDS)
def test_the_script_and_python_agree_on_the_error_of_every_mix(visit, pages, models, kind):
    model, data = models[kind]
    page = visit(pages[kind]).page
    sample = payload_of(pages[kind].read_text(encoding="utf-8"))["samples"][0]
    dense = data.X[[sample["row"]]]
    x = dense.toarray()[0] if hasattr(dense, "toarray") else dense[0]
    silent = np.linalg.norm(x - np.array(sample["weights"]) @ model.components_) / np.linalg.norm(x)
    assert float(page.locator("#mix-error").inner_text().rstrip("\u00a0%")) == pytest.approx(100 * silent, rel=6e-3)
    page.click("#silence")
    settle(page)
    assert page.locator("#mix-error").inner_text() == "100\u00a0%"


def test_the_picture_of_the_mix_is_the_product_of_weights_and_parts(visit, pages, models):
    model, data = models["image"]
    page = visit(pages["image"]).page
    settle(page)
    sample = payload_of(pages["image"].read_text(encoding="utf-8"))["samples"][0]
    top = payload_of(pages["image"].read_text(encoding="utf-8"))["top"]
    canvas = "document.querySelector('#mix canvas')"
    pixels = page.evaluate(f"Array.from({canvas}.getContext('2d').getImageData(0, 0, 6, 8).data)")
    expected = np.clip(255 * (np.array(sample["weights"]) @ model.components_) / top, 0, 255)
    assert data.layout.shape == (8, 6)
    np.testing.assert_allclose(np.reshape(pixels, (48, 4))[:, 0], expected, atol=2.0)


def test_parts_are_ordered_by_what_they_add_and_the_rest_unfolds(visit, tmp_path):
    data = make_data("image")
    page = visit(write_report(fit(data, k=15), tmp_path / "report.html", data)).page
    figures = page.locator("#sliders .figure").all_text_contents()
    shares = [float(figure.rstrip("\u00a0%")) for figure in figures]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=1)
    assert page.locator("#sliders li:visible").count() == 12
    page.click("#more")
    assert page.locator("#sliders li:visible").count() == 15


@pytest.mark.parametrize("kind", [*KINDS, "no data"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(visit, pages, kind, scheme):
    page = visit(pages[kind], width=375, scheme=scheme).page
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert page.evaluate("document.body.scrollWidth") == 375


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_the_page_follows_the_system_and_the_button_goes_the_other_way(visit, pages, scheme, dark):
    page = visit(pages["values"], scheme=scheme).page
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, before[4:-1].split(","))) < 384) is dark
    assert page.locator(".chart.dark-only").first.is_visible() is dark
    assert page.locator(".chart.light-only").first.is_visible() is not dark
    settle(page)
    profile = shown(page, "mix")
    page.click("#theme")
    settle(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert page.locator(".chart.dark-only").first.is_visible() is not dark
    assert shown(page, "mix") != profile


def test_print_is_light_and_without_controls(visit, pages):
    page = visit(pages["image"], scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".chart.light-only").first.is_visible()
    assert not page.locator(".chart.dark-only").first.is_visible()
    assert not page.locator("#theme").is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_a_residual_that_was_dark_is_printed_light(visit, pages):
    page = visit(pages["image"], scheme="dark").page
    settle(page)
    page.evaluate(f"""() => addEventListener("beforeprint", () => {{
      window.printed = ({PIXELS})("residual");
    }})""")
    page.pdf()
    printed = page.evaluate("window.printed")
    page.click("#theme")
    settle(page)
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert printed == shown(page, "residual")


@pytest.mark.parametrize("kind", ["image", "table"])
def test_what_announces_something_is_printed_on_its_page(visit, pages, kind):
    page = visit(pages[kind]).page
    page.emulate_media(media="print")
    breaks = "all => all.map((element) => getComputedStyle(element).breakAfter)"
    for announcement in ("h2", "h3", ".note.wide", ".chooser", ".desk-head"):
        assert set(page.eval_on_selector_all(announcement, breaks)) == {"avoid"}


@pytest.mark.parametrize("selector", [".gallery-image h3", ".sizes .what"])
@pytest.mark.parametrize(("media", "width"), [("print", 680), ("screen", 375), ("screen", 1100)])  # 680: A4's inside
def test_a_part_is_named_in_full(visit, tmp_path, selector, media, width):
    data = make_data("image")
    page = visit(write_report(fit(data, k=25), tmp_path / "report.html", data), width=width).page
    page.emulate_media(media=media)
    fits = "all => all.map((name) => name.scrollWidth <= name.clientWidth && name.clientHeight < 25)"
    assert set(page.eval_on_selector_all(selector, fits)) == {True}


@pytest.mark.parametrize("width", [320, 375, 1100])
def test_no_section_hides_behind_the_theme_button(visit, pages, width):
    page = visit(pages["text"], width=width).page
    box = "element => { const { left, right } = element.getBoundingClientRect(); return [left, right]; }"
    page.locator(".bar a").last.scroll_into_view_if_needed()
    first, last, button = (
        page.eval_on_selector(selector, box) for selector in (".bar a:first-child", ".bar a:last-child", "#theme")
    )
    assert last[1] <= button[0]
    assert button[1] <= width
    assert width < 375 or first[0] >= 0


def test_a_phone_shows_the_weights_of_the_words(visit, pages):
    page = visit(pages["text"], width=375).page
    figures = page.locator("#parts .bars .figure")
    assert figures.first.is_visible()
    widths = page.eval_on_selector_all("#parts .bars .name", "all => all.map((name) => name.clientWidth)")
    assert min(widths) > 40


def test_text_has_contrast_in_both_themes(visit, pages):
    ratio = """(theme) => {
      document.documentElement.dataset.theme = theme;
      const light = (name) => {
        const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
        const linear = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
          .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
      };
      const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return ["--ink", "--muted", "--accent", "--contrast"].flatMap((name) =>
        ["--paper", "--surface"].map((ground) => contrast(light(name), light(ground))));
    }"""
    page = visit(pages["table"]).page
    assert min(page.evaluate(ratio, "light")) >= 4.5
    assert min(page.evaluate(ratio, "dark")) >= 4.5


@pytest.mark.parametrize("kind", ["table", "text", "image"])
def test_hostile_names_are_text_and_nothing_runs(visit, tmp_path, kind):
    data = make_data(kind)
    rows = tuple(f"{HOSTILE} row {i}" for i in range(90))
    columns = None if kind == "image" else tuple(f"{HOSTILE} column {j}" for j in range(48))
    hostile = Dataset(data.X, rows, columns, data.layout, f"{HOSTILE}.csv")
    path = write_report(fit(hostile), tmp_path / "report.html", hostile, command=f"partwise fit '{HOSTILE}.csv'")
    opened = visit(path)
    page = opened.page
    page.select_option("#sample", index=2)
    move(page, 1, 700)
    assert page.locator("img[src='x']").count() == 0
    assert page.evaluate("document.scripts.length") == 2
    assert HOSTILE.partition("/")[2] in page.locator("h1").inner_text()  # a source is titled by its last part
    assert f"{HOSTILE}.csv" in page.locator("#data dd").first.inner_text()
    assert f"partwise fit '{HOSTILE}.csv'" in page.locator("pre").inner_text()
    assert HOSTILE in page.locator("#sample option").first.text_content()
    if columns:
        assert HOSTILE in page.locator("#parts .bars .name").first.text_content()
        assert HOSTILE in page.locator("#sliders label").first.text_content()
        assert HOSTILE in page.locator("#mix .name").first.text_content()


def test_the_policy_stops_a_script_that_was_smuggled_in(browser, pages, tmp_path):
    page = browser.new_page()
    smuggled = pages["table"].read_text(encoding="utf-8").replace("<h1>", "<script>window.smuggled = 1</script><h1>")
    (tmp_path / "smuggled.html").write_text(smuggled, encoding="utf-8")
    page.goto((tmp_path / "smuggled.html").as_uri())
    assert page.evaluate("window.smuggled") is None
    assert page.locator("#sliders li").count() == 5
    page.close()


# --- missing entries --------------------------------------------------------------------------------------------------


def report_with_holes(kind, folder):
    """A report on data with holes, its model, data and mask."""
    data, mask = make_data(kind), np.random.default_rng(3).random((90, 48)) < 0.8
    mask[:, 7] = False
    model = NMF(5, init="random", random_state=0, tol=1e-3, max_iter=2000)
    with pytest.warns(UserWarning, match="1 of 48 columns"):
        model.fit(data, mask=mask)
    return write_report(model, folder / "holes.html", data, mask=mask), model, data, mask


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_every_mix_counts_observed_entries_only(visit, tmp_path, kind):
    path, model, data, mask = report_with_holes(kind, tmp_path)
    page = visit(path).page
    X = data.X.toarray() if hasattr(data.X, "toarray") else data.X
    for place, sample in enumerate(payload_of(path.read_text(encoding="utf-8"))["samples"][:4]):
        page.select_option("#sample", index=place)
        settle(page)
        seen, x = mask[sample["row"]], X[sample["row"]]
        gap = (x - np.array(sample["weights"]) @ model.components_)[seen]
        expected = 100 * np.linalg.norm(gap) / np.linalg.norm(x[seen])
        assert float(page.locator("#mix-error").inner_text().rstrip("\u00a0%")) == pytest.approx(expected, rel=6e-3)
        assert f"over {seen.sum()} of 48 " in page.locator("#observed").inner_text()
        page.click("#silence")
        settle(page)
        assert page.locator("#mix-error").inner_text() == "100\u00a0%"


def test_missing_pixels_show_the_hatched_ground(visit, tmp_path):
    path, _, _, mask = report_with_holes("image", tmp_path)
    page = visit(path).page
    sample = payload_of(path.read_text(encoding="utf-8"))["samples"][0]
    settle(page)
    alpha = "id => Array.from(document.querySelector(`#${id} canvas`).getContext('2d').getImageData(0, 0, 6, 8).data)"
    for panel, hidden in (
        ("original", ~mask[sample["row"]]),
        ("residual", ~mask[sample["row"]]),
        ("mix", np.arange(48) == 7),
    ):
        pixels = np.reshape(page.evaluate(alpha, panel), (48, 4))
        assert ((pixels[:, 3] == 0) == hidden).all(), panel
        ground = page.eval_on_selector(f"#{panel} canvas", "canvas => getComputedStyle(canvas).backgroundImage")
        assert ground.startswith("repeating-linear-gradient")
    assert page.locator(".legend .missing").is_visible()


def test_missing_cells_are_named_so_and_what_fills_them_is_striped(visit, tmp_path):
    path, _, _, mask = report_with_holes("table", tmp_path)
    page = visit(path).page
    sample = payload_of(path.read_text(encoding="utf-8"))["samples"][0]
    settle(page)
    hidden = ~mask[sample["row"]]
    for panel in ("original", "residual"):
        figures = page.locator(f"#{panel} .figure").all_text_contents()
        assert [figure == "missing" for figure in figures] == hidden.tolist()
        assert page.locator(f"#{panel} .track.missing").count() == hidden.sum()
    assert page.locator("#mix i.filled").count() == hidden.sum() - 1  # of one column nothing is known at all
    assert page.locator("#mix .track.missing").count() == 1


def test_a_profile_is_broken_where_it_is_missing(visit, tmp_path):
    path, *_ = report_with_holes("values", tmp_path)
    page = visit(path).page
    settle(page)
    column = """column => {
      const canvas = document.querySelector("#original canvas");
      const x = Math.round(8 + ((column + 0.5) / 48) * (canvas.width - 16));
      const data = canvas.getContext("2d").getImageData(x - 3, 12, 7, canvas.height - 24).data;
      return data.filter((_, i) => i % 4 === 3 && data[i] > 0).length;
    }"""
    assert page.evaluate(column, 7) > 100  # hatched from top to bottom


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways_for_what_is_missing(visit, tmp_path, kind, scheme):
    page = visit(report_with_holes(kind, tmp_path)[0], width=375, scheme=scheme).page
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_another_loss_is_told_beside_each_sample(visit, tmp_path):
    data = make_data("table")
    model = NMF(5, init="random", random_state=0, tol=1e-3, max_iter=2000, beta_loss="kullback-leibler").fit(data)
    page = visit(write_report(model, tmp_path / "kl.html", data)).page
    assert page.locator("#sample option").first.text_content().endswith(" per entry)")
    assert "Relative error of this mix, in squares" in page.locator(".readout").inner_text()


def test_the_forty_people_of_orl(visit, data_dir, tmp_path):
    images = np.load(data_dir / "orl_faces/orl_faces.npz")["images"][::4]
    faces = Dataset(images.reshape(100, -1), layout=Layout("image", (112, 92)), source="orl_faces")
    path = write_report(fit(faces, k=9), tmp_path / "faces.html", faces)
    page = visit(path).page
    settle(page)
    data = payload_of(path.read_text(encoding="utf-8"))
    assert data["shape"] == [112, 92]
    sample = data["samples"][0]
    pixels = np.frombuffer(base64.b64decode(sample["values"]["data"]), np.uint8) * sample["values"]["scale"]
    np.testing.assert_allclose(pixels, faces.X[sample["row"]], atol=0.51 * sample["values"]["scale"])
    before = shown(page, "mix")
    move(page, 0, 1000)
    assert shown(page, "mix") != before
    assert path.stat().st_size < 6_000_000
