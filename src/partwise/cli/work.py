"""The work of the commands: read, fit, write."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as member
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from partwise._errors import DataError, FileError, ParameterError, PartwiseError
from partwise._types import Array
from partwise.cli.interrupts import interrupts
from partwise.cli.outcome import Interrupted, in_flags
from partwise.cli.progress import Progress, waiting
from partwise.engine.result import Status
from partwise.estimators import NMF
from partwise.estimators.parameters import checked
from partwise.estimators.persistence import load, save
from partwise.io import Dataset, ReadOptions, read, write_table
from partwise.io.dataset import writable
from partwise.io.files import reason
from partwise.io.options import CommonOptions, JsonLinesOptions, TextOptions
from partwise.io.reading import FILES, FOLDERS


@dataclass
class Fit:
    """A fitted model, its data, and what became of the files: written, or the sentences why not."""

    model: NMF
    data: Dataset
    targets: Mapping[str, Path]
    written: dict[str, Path] = member(default_factory=dict)
    failures: list[str] = member(default_factory=list)
    stopped: bool = False

    def write(self, option: str, write: Callable[[Path], object]) -> None:
        """Write the file if it was asked for; what goes wrong is kept for the end."""
        path = self.targets.get(option)
        if path is None:
            return
        try:
            write(path)
            self.written[option] = path
        except PartwiseError as error:
            self.failures.append(str(error))
        except ValueError as error:
            self.failures.append(
                f"{path} cannot be written ({reason(error)}): run the command again with --debug, and report this."
            )

    def conclude(self) -> None:
        """Raise what the exit code has to tell, once the result has been shown.

        Raises
        ------
        Interrupted
            If Ctrl-C ended the fit or the writing.
        FileError
            If a file could not be written.
        """
        early = self.model.status_ is Status.INTERRUPTED
        if early or self.stopped:
            kept = ", ".join(map(str, self.written.values()))
            sentences = [
                self.model.stop_reason_ if early else "Interrupted while writing.",
                f"Written: {kept}." if kept else "Nothing was written.",
                *self.failures,
            ]
            raise Interrupted(" ".join(sentences))
        if self.failures:
            raise FileError(" ".join(self.failures))


def fit(
    model: NMF,
    source: Callable[[], Dataset],
    targets: Mapping[str, Path],
    command: str,
    *,
    field: str | None = None,
) -> Fit:
    """Read the data, fit the model and write what was asked for, also after Ctrl-C.

    Parameters
    ----------
    model : NMF
        With the parameters of the fit.
    source : callable
        Reads the data.
    targets : mapping of str to Path
        Where to write, by option: ``--out``, ``--h``, ``--w``, ``--report``.
    command : str
        What repeats this.
    field : str or None, default=None
        The field of the texts, kept for further ones.
    """
    _check(model)
    with waiting("Reading the data …"):
        data = source()
    with interrupts() as further:
        W = _fitted(model, data)
        further.hold()
        # Saved with the model, as its attributes are.
        model.origin_ = {
            "source": data.source,
            "command": writable(command),
            "n_samples": data.shape[0],
            "recognised": data.recognised,
            "field": field,
        }
        done = Fit(model, data, targets)
        _write_model(done)
        try:
            further.release()
            _write_rows(done, W)
        except KeyboardInterrupt:
            done.stopped = True
        return done


@contextmanager
def naming(data: Dataset) -> Iterator[None]:
    """Add to an error about an entry of the data where it is, in the words of the source."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}{_whereabouts(data)}") from error


def _whereabouts(data: Dataset) -> str:
    place = _first_bad(data.X)
    if place is None:
        return ""
    names = ((data.row_names, "row"), (data.column_names, "column"))
    labels = [f"{what} {known[i]!r}" for i, (known, what) in zip(place, names, strict=True) if known is not None]
    return f" In {data.source} it is {', '.join(labels)}." if labels else f" It was read from {data.source}."


def _first_bad(X: Any) -> tuple[int, int] | None:
    """Return the row and column of the first entry that is not finite or else negative, as the library looks."""
    entries = X if isinstance(X, np.ndarray) else X.data
    for bad in (~np.isfinite(entries), entries < 0):
        if bad.any():
            i, *j = np.unravel_index(bad.argmax(), bad.shape)
            return (int(i), int(j[0])) if j else (int(np.searchsorted(X.indptr, i, "right")) - 1, int(X.indices[i]))
    return None


def _check(model: NMF) -> None:
    try:
        checked(model)
    except ParameterError as error:
        raise ParameterError(in_flags(str(error))) from error


def _fitted(model: NMF, data: Dataset) -> Array | None:
    """Fit the model and return W; None after Ctrl-C, which leaves the parts that there are."""
    model.set_callbacks(Progress())
    try:
        with naming(data), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the result tells how the fit ended
            show = warnings.showwarning
            warnings.showwarning = lambda message, *rest: show(in_flags(str(message)), *rest)
            W: Array = model.fit_transform(data)
            return W
    except KeyboardInterrupt:
        if not hasattr(model, "status_"):
            raise
        return None
    finally:
        model.set_callbacks()


def _write_model(done: Fit) -> None:
    """Write what is dearest and takes a moment."""
    model = done.model
    parts = list(model.get_feature_names_out())
    with waiting("Writing …"):
        done.write("--out", lambda path: save(model, path))
        done.write("--h", lambda path: write_table(path, model.components_, parts, done.data.column_names))


def _write_rows(done: Fit, W: Array | None) -> None:
    """Write what shows the rows; after Ctrl-C their coefficients have to be computed first."""
    model, data = done.model, done.data
    parts = list(model.get_feature_names_out())
    with waiting("Writing …" if W is not None else "Interrupted; computing W …"):
        done.write(
            "--w", lambda path: write_table(path, model.transform(data) if W is None else W, data.row_names, parts)
        )
        done.write("--report", lambda path: write_report(model, path, data, model.origin_["command"]))


def write_report(model: NMF, path: Path, data: Dataset | None, command: str | None) -> None:
    """Write the report; matplotlib is imported here."""
    from partwise.report import write_report as write

    write(model, path, data, command=command)


# --- models and their data --------------------------------------------------------------------------------------------


def read_data(path: Path, options: ReadOptions, model: NMF | None = None) -> Dataset:
    """Read data, for a model of text with its words and term weights, and from the field that it was fitted on.

    Raises
    ------
    DataError
        If there is nothing in it.
    """
    recipe = model.recipe_ if model is not None and _is_kind(path, TextOptions) else {}
    if options.field is None and _is_kind(path, JsonLinesOptions):
        options = replace(options, field=getattr(model, "origin_", {}).get("field"))
    data = read(path, options, **recipe)
    if 0 in data.shape:
        m, n = data.shape
        raise DataError(f"{path} is empty: its matrix has {m} rows and {n} columns, and there must be one of each.")
    return data


def _is_kind(path: Path, options: type[CommonOptions]) -> bool:
    """Whether the source may be of the kind that these options concern, going by its name."""
    files = [reader.options for suffix, reader in FILES.items() if path.name.lower().endswith(suffix)]
    folders = [reader.options for reader in FOLDERS.values() if path.is_dir()]
    return any(issubclass(kind, options) for kind in files + folders)


def open_model(path: Path) -> NMF:
    """Load a fitted model.

    Raises
    ------
    FileError
        If the file holds none.
    """
    model = load(path)
    if not hasattr(model, "components_"):
        raise FileError(f"{path} holds a model that has not been fitted: fit it first, with partwise fit or in Python.")
    return model


def describe(path: Path) -> dict[str, Any]:
    """Return what a saved model holds, as plain values."""
    from partwise.cli.summary import model_facts

    model = open_model(path)
    parameters = {name: _value(value) for name, value in model.get_params().items()}
    return {"file": path, **model_facts(model), "parameters": parameters, "versions": model.versions_}


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)
