"""Reports of models fitted on small real-looking data, and a browser to open them."""

import json
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from partwise import NMF, Dataset
from partwise.io import Layout
from partwise.report import write_report
from tests.support import skip_or_fail

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def make_data(kind: str) -> Dataset:
    """A small matrix that is shown as ``kind``."""
    rng = np.random.default_rng(7)
    X = rng.gamma(0.5, 1.0, (90, 4)) @ rng.gamma(0.4, 1.0, (4, 48)) + rng.gamma(0.5, 0.05, (90, 48))
    names = tuple(f"column {j}" for j in range(48))
    rows = tuple(f"sample {i}" for i in range(90))
    return {
        "image": Dataset(X, rows, layout=Layout("image", (8, 6)), source="pictures.npz"),
        "colour": Dataset(X, rows, layout=Layout("image", (4, 4, 3)), source="colours.npz"),
        "table": Dataset(X, rows, names, source="table.csv"),
        "text": Dataset(sp.csr_array(np.floor(3 * X)), rows, names, Layout("text"), "talk.jsonl"),
        "values": Dataset(X, source="values.npy"),
    }[kind]


KINDS = ("image", "colour", "table", "text", "values")


def fit(data: Dataset, k: int = 5) -> NMF:
    """A model that has converged, so that nothing warns."""
    return NMF(k, init="random", random_state=0, tol=1e-3, max_iter=2000).fit(data)


@pytest.fixture(scope="session")
def models() -> dict[str, tuple[NMF, Dataset]]:
    """A model and its data for each kind."""
    return {kind: (fit(make_data(kind)), make_data(kind)) for kind in KINDS}


@pytest.fixture(scope="session")
def pages(models, tmp_path_factory) -> dict[str, Path]:
    """A report for each kind, and one without data."""
    folder = tmp_path_factory.mktemp("reports")
    written = {kind: write_report(model, folder / f"{kind}.html", data) for kind, (model, data) in models.items()}
    written["no data"] = write_report(models["table"][0], folder / "no-data.html")
    return written


def payload_of(page: str) -> dict:
    """What the page hands to its script."""
    found = re.search(r'<script type="application/json" id="remix-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Headless Chromium."""
    if find_spec("playwright") is None:
        skip_or_fail("Playwright is not installed (pip install playwright)")
    from playwright.sync_api import sync_playwright

    executable = next((path for path in CHROMIUM if Path(path).exists()), shutil.which("chromium"))
    if executable is None:
        skip_or_fail("no Chromium is installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(QUIET))
        yield browser
        browser.close()


class Visit:
    """A page that was opened, with all that it said and asked for."""

    def __init__(self, page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def visit(browser):
    """Open a report; at the end nothing may have been complained about or fetched."""
    visits = []

    def open_page(path: Path, width: int = 1100, scheme: str = "light") -> Visit:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened = Visit(context.new_page())
        visits.append((context, opened, path))
        opened.page.goto(path.as_uri())
        return opened

    yield open_page
    for context, opened, path in visits:
        outside = [url for url in opened.requests if url != path.as_uri() and not url.startswith("data:")]
        context.close()
        assert opened.complaints == []
        assert outside == []
        assert opened.dialogs == []
