"""Sphinx configuration."""

import importlib.metadata

project = "partwise"
author = "the partwise developers"
project_copyright = "2026, the partwise developers"
release = importlib.metadata.version("partwise")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2

html_theme = "furo"
html_title = f"partwise {release}"

autodoc_default_options = {"members": True}
autodoc_typehints = "none"  # the types stand in the docstrings
numpydoc_show_class_members = False  # autodoc lists them
