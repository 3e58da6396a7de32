"""Sphinx configuration."""

import importlib.metadata
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

project = "partwise"
author = "the partwise developers"
project_copyright = "2026, the partwise developers"
release = importlib.metadata.version("partwise")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2

html_theme = "furo"
html_title = f"partwise {release}"
html_math_renderer = "mathml"

autodoc_default_options = {"members": True}
autodoc_typehints = "none"  # the types stand in the docstrings
numpydoc_show_class_members = False  # autodoc lists them


def inline_math(translator: Any, node: nodes.Element) -> None:
    """Write a formula within a line as MathML, which browsers show without a script or a network."""
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def block_math(translator: Any, node: nodes.Element) -> None:
    """Write a formula on a line of its own."""
    translator.body.append(convert(node.astext(), display="block"))
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Register the renderer of formulas."""
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
