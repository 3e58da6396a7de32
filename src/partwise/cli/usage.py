"""How the help shows the use of a command: arguments and flags by their bare names."""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _Plain:
    """Typer writes a required argument ``{DATA}``, and flags as options that take a truth value."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the words of the line of usage."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [piece.strip("{}") for piece in pieces]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options and arguments; flags take no value."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_Plain, TyperCommand):
    """A command whose help is so."""


class Group(_Plain, TyperGroup):
    """A group of commands whose help is so."""
