"""What the pictures of the gallery share."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from partwise.plot._style import LIGHT

# Okabe and Ito's colours, which people with any colour vision tell apart, without their yellow.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]
RESULTS = Path(__file__).parents[1] / "results"


def save(figure: Figure, name: str) -> None:
    """Into the folder of the pages, with a palette of 256 colours: a third of the bytes."""
    RESULTS.mkdir(exist_ok=True)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=120)
    Image.open(drawn).convert("RGB").quantize(256).save(RESULTS / name, optimize=True)


def label(ax: Any, text: str) -> None:
    """A bold title at the left edge."""
    ax.set_title(text, loc="left", fontsize=10, fontweight="bold", color=LIGHT.ink)


def cosines(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Of every row of A with every row of B."""
    A, B = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (A, B))
    return np.asarray(A @ B.T)
