"""The work of the commands: read, fit, write."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, replace
from dataclasses import field as member
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
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
from partwise.io import Dataset, ReadOptions, read, read_mask, read_weights, write_table
from partwise.io.dataset import writable
from partwise.io.files import reason
from partwise.io.options import CommonOptions, JsonLinesOptions, NumberOptions, TextOptions
from partwise.io.reading import FILES, FOLDERS


@dataclass(frozen=True)
class Given:
    """Data, and how much of them counts."""

    data: Dataset
    mask: Any = None
    weights: Any = None
    files: Mapping[str, Path] = member(default_factory=dict)

    @property
    def counting(self) -> dict[str, Any]:
        """What ``NMF.fit`` takes beside the data."""
        return {"mask": self.mask, "weights": self.weights}

    def transformed(self, model: NMF) -> Array:
        """W of these data for the parts of a model."""
        W: Array = model.transform(self.data, **self.counting)
        return W


@dataclass
class Outputs:
    """What became of the files that were asked for: written, or the sentences why not."""

    targets: Mapping[str, Path]
    written: dict[str, Path] = member(default_factory=dict)
    failures: list[str] = member(default_factory=list)

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
        FileError
            If a file could not be written.
        """
        if self.failures:
            raise FileError(" ".join(self.failures))


@dataclass
class Fit(Outputs):
    """A fitted model, its data, and what became of the files."""

    _: KW_ONLY
    model: NMF
    given: Given
    stopped: bool = False

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
        super().conclude()


def fit(
    model: NMF,
    source: Callable[[], Given],
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
        Reads the data and what counts of them.
    targets : mapping of str to Path
        Where to write, by option: ``--out``, ``--h``, ``--w``, ``--report``.
    command : str
        What repeats this.
    field : str or None, default=None
        The field of the texts, kept for further ones.
    """
    check(model)
    with waiting("Reading the data …"):
        given = source()
    with interrupts() as further:
        W = _fitted(model, given)
        further.hold()
        model.origin_ = origin_of(given, command, field)
        done = Fit(targets, model=model, given=given)
        _write_model(done)
        try:
            further.release()
            _write_rows(done, W)
        except KeyboardInterrupt:
            done.stopped = True
        return done


def origin_of(given: Given, command: str, field: str | None) -> dict[str, Any]:
    """Return what a model is to know of its data; it is saved with it, as its attributes are."""
    return {
        "source": given.data.source,
        "command": writable(command),
        "n_samples": given.data.shape[0],
        "recognised": given.data.recognised,
        "field": field,
        **{name: writable(str(path)) for name, path in given.files.items()},
    }


@contextmanager
def naming(given: Given) -> Iterator[None]:
    """Add to an error about an entry of the data where it is, in the words of the source."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{error}{_whereabouts(given)}") from error


def _whereabouts(given: Given) -> str:
    data, place = given.data, _first_bad(given)
    if place is None:
        return ""
    names = ((data.row_names, "row"), (data.column_names, "column"))
    labels = [f"{what} {known[i]!r}" for i, (known, what) in zip(place, names, strict=True) if known is not None]
    return f" In {data.source} it is {', '.join(labels)}." if labels else f" It was read from {data.source}."


def _first_bad(given: Given) -> tuple[int, int] | None:
    """Return the row and column of the first entry that is not finite or else negative, as the library looks."""
    X = given.data.X
    if isinstance(X, np.ndarray):
        missing = np.isnan(X) if X.dtype.kind == "f" else np.zeros(X.shape, bool)
        for kept in (given.mask, given.weights):
            if kept is not None and np.shape(kept) == X.shape:
                missing |= (kept if isinstance(kept, np.ndarray) else kept.toarray()) == 0
        entries = np.where(missing, 0, X)
    elif given.mask is None and given.weights is None:
        entries = X.data
    else:
        return None
    for bad in (~np.isfinite(entries), entries < 0):
        if bad.any():
            i, *j = np.unravel_index(bad.argmax(), bad.shape)
            return (int(i), int(j[0])) if j else (int(np.searchsorted(X.indptr, i, "right")) - 1, int(X.indices[i]))
    return None


def check(model: NMF) -> None:
    """Refuse parameters that cannot be, in the words of the command."""
    try:
        checked(model)
    except ParameterError as error:
        raise ParameterError(in_flags(str(error))) from error


def _fitted(model: NMF, given: Given) -> Array | None:
    """Fit the model and return W; None after Ctrl-C, which leaves the parts that there are."""
    model.set_callbacks(Progress())
    try:
        with flagged(given):
            W: Array = model.fit_transform(given.data, **given.counting)
            return W
    except KeyboardInterrupt:
        if not hasattr(model, "status_"):
            raise
        return None
    finally:
        model.set_callbacks()


@contextmanager
def flagged(given: Given) -> Iterator[None]:
    """Say errors and warnings of a fit in the words of the command, and where in the data they arise."""
    try:
        with naming(given), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the result tells how the fit ended
            show = warnings.showwarning
            warnings.showwarning = lambda message, *rest: show(in_flags(str(message)), *rest)
            yield
    except ParameterError as error:  # one that only shows beside the data
        raise ParameterError(in_flags(str(error))) from error


def _write_model(done: Fit) -> None:
    """Write what is dearest and takes a moment."""
    model = done.model
    parts = list(model.get_feature_names_out())
    with waiting("Writing …"):
        done.write("--out", lambda path: save(model, path))
        done.write("--h", lambda path: write_table(path, model.components_, parts, done.given.data.column_names))


def _write_rows(done: Fit, W: Array | None) -> None:
    """Write what shows the rows; after Ctrl-C their coefficients have to be computed first."""
    model, given = done.model, done.given
    parts = list(model.get_feature_names_out())
    with waiting("Writing …" if W is not None else "Interrupted; computing W …"):
        done.write(
            "--w",
            lambda path: write_table(path, given.transformed(model) if W is None else W, given.data.row_names, parts),
        )
        done.write("--report", lambda path: write_report(model, path, given, model.origin_["command"]))


def write_report(model: NMF, path: Path, given: Given | None, command: str | None) -> None:
    """Write the report; matplotlib is imported here."""
    from partwise.report import write_report as write

    if given is None:
        write(model, path, command=command)
    else:
        write(model, path, given.data, **given.counting, command=command)


# --- models and their data --------------------------------------------------------------------------------------------


def read_given(path: Path, options: ReadOptions, files: Mapping[str, Path], model: NMF | None = None) -> Given:
    """Read data and the files that say how much of them counts; for a model as it was fitted.

    Parameters
    ----------
    path : Path
        The data.
    options : ReadOptions
        How they are written.
    files : mapping of str to Path
        Of "weights" and "mask" those that are given.
    model : NMF or None, default=None
        What the data are for; None for a fit, whose model knows of ``options.missing``.
    """
    data = read_data(path, options, model)
    mask = read_mask(files["mask"], data, options) if "mask" in files else None
    weights = read_weights(files["weights"], data, options) if "weights" in files else None
    if model is not None:
        _remind(model, data, files)
        if options.missing and model.implicit_zeros == "observed" and not isinstance(data.X, np.ndarray):
            mask = _stored(data.X, mask)
    return Given(data, mask, weights, files)


def _remind(model: NMF, data: Dataset, files: Mapping[str, Path]) -> None:
    """Warn where the data of the fit come without what counted of them there."""
    origin = getattr(model, "origin_", {})
    left = [f"--{name} {origin[name]}" for name in ("weights", "mask") if name in origin and name not in files]
    if left and origin.get("source") == data.source:
        warnings.warn(
            f"The model was fitted to {data.source} with {' and '.join(left)}: say so here too, or all of its entries "
            "count alike.",
            UserWarning,
            stacklevel=3,
        )


def _stored(X: Any, mask: Any) -> Any:
    """The mask of what sparse data store, as far as another one observes it."""
    pattern = sparse.csr_array((np.ones(len(X.data), bool), X.indices, X.indptr), shape=X.shape)
    return pattern if mask is None else sparse.csr_array(pattern.multiply(mask), dtype=bool)


def read_data(path: Path, options: ReadOptions, model: NMF | None = None) -> Dataset:
    """Read data, for a model of text with its words and term weights, and from the field that it was fitted on.

    For a model that was fitted with missing entries, cells may be without a value.

    Raises
    ------
    DataError
        If there is nothing in it.
    """
    recipe = model.recipe_ if model is not None and _is_kind(path, TextOptions) else {}
    if options.field is None and _is_kind(path, JsonLinesOptions):
        options = replace(options, field=getattr(model, "origin_", {}).get("field"))
    if model is not None and model.implicit_zeros == "missing" and _is_kind(path, NumberOptions):
        options = replace(options, missing=True)
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
