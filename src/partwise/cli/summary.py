"""Results for programs (one JSON object) and for people (a few lines and a table)."""

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from partwise.cli.outcome import plain
from partwise.estimators import NMF
from partwise.io import Layout
from partwise.plot._loss import Measure

SHOWN_PARTS, SHOWN_WORDS, TOP = 12, 6, 10

_NOUNS = {"image": ("pictures", "pixel values"), "text": ("documents", "terms"), "table": ("rows", "columns")}


def print_json(facts: Mapping[str, Any]) -> None:
    """Write one JSON object; numbers that JSON has not (infinite, NaN) become null."""
    print(json.dumps(_json(facts), allow_nan=False))


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def model_facts(model: NMF) -> dict[str, Any]:
    """Return what a fitted model knows of its fit and its parts, as plain values."""
    history = {name: values.tolist() for name, values in model.history_.items()}
    last = {name: values[-1] if values else None for name, values in history.items()}
    origin = getattr(model, "origin_", {})
    return {
        "source": origin.get("source"),
        "command": origin.get("command"),
        "recognised": origin.get("recognised", {}),
        "shape": [origin.get("n_samples"), int(model.n_features_in_)],
        "layout": {"kind": model.layout_.kind, "shape": model.layout_.shape},
        "n_components": int(model.n_components_),
        "n_iter": int(model.n_iter_),
        "seconds": last["seconds"],
        "status": model.status_.value,
        "sentence": model.status_.sentence,
        "reason": model.stop_reason_,
        "loss": Measure.of(model).loss,
        "beta": Measure.of(model).beta,
        "missing": int(getattr(model, "n_missing_", 0)),
        "mask": origin.get("mask"),
        "weights": origin.get("weights"),
        "relative_error": float(model.relative_error_),
        "reconstruction_err": float(model.reconstruction_err_),
        "objective": last["objective"],
        "optimality": last["optimality"],
        "dead_components": model.dead_components_.tolist(),
        "parts": [
            {
                "name": str(name),
                "share": float(share),
                "top": [{"feature": word, "weight": weight} for word, weight in top],
            }
            for name, share, top in zip(
                model.get_feature_names_out(), model.shares_, model.top_features(TOP), strict=True
            )
        ],
    }


# --- for people -------------------------------------------------------------------------------------------------------


def print_fit(model: NMF, written: Mapping[str, Path]) -> None:
    """Show what came out of a fit, and where it is."""
    facts = model_facts(model)
    files = Text("Written: " + plain(", ".join(map(str, written.values()))))
    if not written:
        files = Text("Nothing was written: --out FILE.npz keeps the model, --report FILE.html shows it.", "yellow")
    show(
        _title(facts, model.layout_),
        grid(_course(facts)),
        parts_table(facts, model.layout_, SHOWN_PARTS),
        files,
    )


def print_info(facts: Mapping[str, Any]) -> None:
    """Show what a saved model holds."""
    layout = Layout(**facts["layout"])
    parameters = ", ".join(f"{name}={value!r}" for name, value in facts["parameters"].items())
    dead = [facts["parts"][i]["name"] for i in facts["dead_components"]]
    lines = [
        ("Dead parts", ", ".join(dead) or "none"),
        ("Made by", facts["command"] or "no command"),
        ("Parameters", parameters),
        ("Versions", ", ".join(f"{name} {version}" for name, version in facts["versions"].items())),
    ]
    show(_title(facts, layout), grid([*_course(facts), *lines]), parts_table(facts, layout, len(facts["parts"])))


def show(*blocks: RenderableType) -> None:
    """Write blocks on the standard output with a blank line between them."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, 100)
    for number, block in enumerate(blocks):
        console.print(*[""] * (number > 0), block, sep="\n", soft_wrap=not isinstance(block, Table | Group))


def _title(facts: Mapping[str, Any], layout: Layout) -> Text:
    k = facts["n_components"]
    size = shape_in_words(facts["shape"], layout)
    return Text.assemble(
        (plain(facts["source"] or "a matrix"), "bold"), f": {size} in {k:,} {'part' if k == 1 else 'parts'}"
    )


def shape_in_words(shape: tuple[int | None, int], layout: Layout) -> str:
    """Return for example "38 rows × 5,000 columns"."""
    (m, n), (row, column) = shape, _NOUNS[layout.kind]
    return f"{m:,} {row} × {n:,} {column}" if m is not None else f"{n:,} {column}"


def grid(lines: list[tuple[str, str]]) -> Table:
    """Return names and values in two columns."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in lines:
        table.add_row(Text(f"  {name}"), Text(plain(value)))
    return table


def _course(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    error, seconds = facts["relative_error"], facts["seconds"]
    recognised = ", ".join(f"{what}: {how}" for what, how in facts["recognised"].items())
    nothing = facts["reconstruction_err"] == 0 and not any(part["share"] for part in facts["parts"])
    weighted = "weighted " * (facts["weights"] is not None)
    explained = f"{error:.2%}, so the parts explain {1 - error**2:.2%} of the {weighted}sum of squares"
    return [
        *[("Recognised", recognised)] * bool(recognised),
        *_counted(facts),
        *_lost(facts) * (not nothing),
        ("Relative error", "none: all entries are zero, so there was nothing to explain" if nothing else explained),
        ("Iterations", f"{facts['n_iter']:,}" + (f" in {seconds:.3g} s" if seconds is not None else "")),
        ("Status", f"{facts['status']}: {facts['reason' if facts['status'] == 'converged' else 'sentence']}"),
    ]


def _counted(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was missing in the fit, and what said how much entries count."""
    (m, n), missing = facts["shape"], facts["missing"]
    share = f", {missing / (m * n):.1%}" if m else ""
    told = [("Missing", f"{missing:,} of the entries{share}")] * bool(missing)
    return [*told, *[(name.capitalize(), facts[name]) for name in ("mask", "weights") if facts[name] is not None]]


def _lost(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The divergence of the fit, penalties left out, or the weighted squares, which relative errors do not tell."""
    squares, weighted = facts["reconstruction_err"] ** 2, facts["weights"] is not None
    if facts["beta"] == 2:
        return [("Weighted squares", f"{_amount(squares)} left{_each(facts, squares)}")] * weighted
    each = "" if weighted else _each(facts, squares / 2)
    return [("Divergence", f"{_amount(squares / 2)} left{each} ({facts['loss']})")]


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 1e4 else f"{value:.4g}"


def _each(facts: Mapping[str, Any], whole: float) -> str:
    """What an observed entry has of it, where their number is known."""
    m, n = facts["shape"]
    return f", {whole / (m * n - facts['missing']):.3g} per entry" if m else ""


def parts_table(facts: Mapping[str, Any], layout: Layout, count: int) -> RenderableType:
    """Return the ``count`` largest parts with their shares and, where a word says something, their top features."""
    parts = sorted(facts["parts"], key=lambda part: -part["share"])
    largest = parts[0]["share"] or 1.0
    words = layout.kind != "image"
    table = Table(box=None, pad_edge=False, padding=(0, 2), header_style="cyan", expand=words)
    width = 2 + max(len(part["name"]) for part in parts)
    table.add_column("  Part", no_wrap=True, min_width=width)
    table.add_column("Share", justify="right", no_wrap=True, min_width=5)
    table.add_column("", width=16)
    if words:
        table.add_column("Top features", overflow="ellipsis", no_wrap=True, ratio=1)
    for part in parts[:count]:
        bar = ProgressBar(total=largest, completed=part["share"], width=16)
        top = ", ".join(plain(feature["feature"]) for feature in part["top"][:SHOWN_WORDS])
        table.add_row(Text(f"  {part['name']}"), f"{part['share']:.1%}", bar, *[Text(top)] * words)
    rest = parts[count:]
    if not rest:
        return table
    share = sum(part["share"] for part in rest)
    return Group(table, Text(f"  and {len(rest):,} more with {share:.1%} together", style="dim"))
