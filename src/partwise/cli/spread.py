"""Dataclasses as groups of options."""

import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the fields of its dataclass parameters as parameters of its own, for Typer to see.

    Parameters
    ----------
    command : callable
        Some of its parameters are annotated with dataclasses, whose fields are annotated as Typer's options are.
    """
    signature = inspect.signature(command)
    groups: dict[str, Any] = {
        name: parameter.annotation
        for name, parameter in signature.parameters.items()
        if is_dataclass(parameter.annotation)
    }

    def run(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    parameters = [own for parameter in signature.parameters.values() for own in _own(parameter)]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def _own(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """Return the parameter itself, or one for each field of its dataclass."""
    group = parameter.annotation
    if not is_dataclass(group):
        return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    return [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(group)
    ]
