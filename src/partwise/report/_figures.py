"""matplotlib's figures as SVG inside the page, once for each theme."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree import ElementTree

from partwise._optional import require
from partwise.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw: TypeAlias = Callable[[_style.Theme], "Axes"]

IMAGE_DPI = 160
PIXELS_PER_POINT = 1.5  # one size of text in all figures of the page, however wide they are
_RC_LOCK = Lock()  # matplotlib.rc_context swaps a process-wide dictionary: two of ours must not interleave


@dataclass(frozen=True)
class Drawing:
    """A figure in both themes, as SVG elements, with the sentence that stands for it."""

    light: Any
    dark: Any
    label: str


def drawing(draw: Draw, name: str, label: str) -> Drawing:
    """Draw in both themes; ``name`` keeps the ids of several figures on one page apart."""
    light, dark = (_svg(draw(theme), f"{name}-{theme.name}", label) for theme in (_style.LIGHT, _style.DARK))
    return Drawing(light, dark, label)


def _svg(ax: Axes, name: str, label: str) -> Any:
    """The figure of ``ax`` as one <svg> element: text stays text, the page's font applies."""
    matplotlib = require("matplotlib", "report", "Writing a report")
    markupsafe = require("markupsafe", "report", "Writing a report")
    figure: Any = ax.figure
    buffer = io.BytesIO()
    with _RC_LOCK, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=IMAGE_DPI, facecolor="none", metadata={"Date": None})
    root = ElementTree.fromstring(buffer.getvalue())
    _simplify(root, name)
    root.attrib.update({"role": "img", "aria-label": label})
    return markupsafe.Markup(ElementTree.tostring(root, encoding="unicode"))


def _simplify(root: ElementTree.Element, name: str) -> None:
    """What stands alone in a file becomes part of a page: no namespaces, no metadata, ids of its own."""
    for parent in root.iter():
        for child in [child for child in parent if child.tag.endswith(("}metadata", "}style"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {_local(key): _own(_local(key), value, name) for key, value in element.attrib.items()}
    width = float(root.attrib["viewBox"].split()[2])
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib["style"] = f"max-width:{PIXELS_PER_POINT * width:.0f}px"


def _local(key: str) -> str:
    return key.rpartition("}")[2]


def _own(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "href" and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    return value.replace("url(#", f"url(#{name}-")
