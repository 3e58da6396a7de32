"""Numbers as a reader wants them."""

from __future__ import annotations

import math

from partwise.plot._loss import Measure

NBSP, MINUS = "\u00a0", "\u2212"


def number(value: float, digits: int = 4) -> str:
    """At most ``digits`` significant digits; whole numbers in full, with thin groups of three."""
    if not math.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e12:
        return count(int(value))
    return f"{value:.{digits}g}".replace("-", MINUS)


def count(value: int) -> str:
    """Groups of three, kept on one line: 18 846."""
    return f"{value:,}".replace(",", "\u202f").replace("-", MINUS)


def percent(share: float) -> str:
    """Three significant digits: 14.9 %, 0.042 %; never 100 % for less than all."""
    if not math.isfinite(share):
        return "–"
    if 0.9995 <= share < 1:
        return f">{NBSP}99.9{NBSP}%"
    return f"{three_digits(100 * share)}{NBSP}%"


def error(value: float, measure: Measure) -> str:
    """An error in the words of its loss: 14.9 %, or 0.104 of divergence per entry."""
    if measure.relative:
        return percent(value)
    return weight(value)


def proportion(amount: int, total: int) -> str:
    """A count as per cent of another, no finer than the total tells: 13 % of 90, 0.8 % of 400, < 0.1 % of 9000."""
    decimals = 0 if total <= 100 else 1
    least = 10.0**-decimals
    share = 100 * amount / total
    below = 0 < share < least / 2
    return f"{f'<{NBSP}' if below else ''}{least if below else share:.{decimals}f}{NBSP}%"


def three_digits(value: float) -> str:
    """Three significant digits with their zeros, never an exponent: 15.0, 1.80, 0.0420, 1250."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value) * (1 + 1e-9))))
    return f"{value:.{decimals}f}"


def weight(value: float) -> str:
    """Three significant digits, with an exponent only where zeros would hide them."""
    if not math.isfinite(value):
        return "–"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return three_digits(value)
    return number(value, 3)


def size(octets: float) -> str:
    """Bytes in the unit that keeps the number below 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < 1000:
            return f"{octets:.3g}{NBSP}{unit}"
        octets /= 1000
    return f"{octets:.3g}{NBSP}TB"


def seconds(value: float) -> str:
    """Seconds below two minutes, else minutes."""
    return f"{value:.3g}{NBSP}s" if value < 120 else f"{value / 60:.3g}{NBSP}min"


def plural(amount: int, noun: str) -> str:
    """``1 part``, ``2 parts``."""
    return f"{count(amount)}{NBSP}{noun}" + ("" if amount == 1 else "s")
