"""Pages out of templates: all of it in one file, and nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from partwise._optional import require
from partwise.io.atomic import atomic_write
from partwise.plot import _style


def write_page(path: str | Path, template: str, context: Mapping[str, Any]) -> Path:
    """Write the page; an old one is replaced only when the new one is complete.

    Parameters
    ----------
    path : str or Path
        The file.
    template : str
        A file of the folder ``templates`` that extends ``base.html.j2``.
    context : mapping
        What it speaks of; the base needs "title" and "sections", the names in the bar by their ids.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    page = _render(template, context)
    with atomic_write(Path(path)) as beside:
        Path(beside).write_text(page, encoding="utf-8")
    return Path(path)


def _render(template: str, context: Mapping[str, Any]) -> str:
    jinja2 = require("jinja2", "report", "Writing a report")
    markup = require("markupsafe", "report", "Writing a report").Markup
    texts = {file.name: file.read_text(encoding="utf-8") for file in (files("partwise.report") / "templates").iterdir()}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(texts),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    digest = base64.b64encode(hashlib.sha256(texts["report.js"].encode()).digest()).decode("ascii")
    page: str = environment.get_template(template).render(
        context,
        themes={theme.name: asdict(theme) for theme in (_style.LIGHT, _style.DARK)},
        css=markup(texts["style.css"]),
        script=markup(texts["report.js"]),
        script_hash=f"sha256-{digest}",
    )
    return page
