"""Arrays as PNG pictures inside the page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from partwise._optional import require
from partwise.plot import _measures as measures
from partwise.plot import _style


def grey_png(picture: Any) -> str:
    """A picture (h, w) or (h, w, 3) from 0 to 1 as a data URI, 8 bits a value."""
    return _png(np.rint(255 * np.clip(picture, 0.0, 1.0)).astype(np.uint8))


def strip_png(values: measures.Floats, theme: _style.Theme) -> str:
    """A row of values as a heat map one pixel high, from 0 to its largest."""
    shade = values / (values.max(initial=0.0) or 1.0)
    return _png(np.rint(255 * np.asarray(_style.sequential(theme)(shade))[None, :, :3]).astype(np.uint8))


def _png(values: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    image: Any = require("PIL.Image", "report", "Writing a report")
    buffer = io.BytesIO()
    image.fromarray(values).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def shrink(rows: measures.Floats, shape: tuple[int, ...], factor: int) -> measures.Floats:
    """Pictures in rows, at 1/factor of their size by means of neighbours: an array (count, height, width[, 3])."""
    pictures = rows.reshape(-1, *shape)
    for axis in (1, 2):
        limit = max(1, shape[axis - 1] // factor)
        pictures = np.moveaxis(measures.bin_rows(np.moveaxis(pictures, axis, 0), limit), 0, axis)
    return pictures
