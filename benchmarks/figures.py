"""Medians, spreads and ratios of alternating runs, and how they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Summary:
    """The median of some figures, the least and the greatest."""

    median: float
    low: float
    high: float


def summary(figures: Sequence[float]) -> Summary:
    """Median and spread of at least one figure."""
    return Summary(median(figures), min(figures), max(figures))


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Their figure over ours, run by run: neighbours in time share what else the machine was doing."""
    return [one / other for one, other in zip(theirs, ours, strict=False)]


def differences(small: Sequence[float], large: Sequence[float]) -> list[float]:
    """What the larger capture cost more, run by run."""
    return [more - less for less, more in zip(small, large, strict=False)]


def rates(amount: float, seconds: Sequence[float]) -> list[float]:
    """Amount per second."""
    return [amount / one for one in seconds]


def number(value: float) -> str:
    """Two or three significant digits, with k, M or G: `15.2 M`, `0.45`, `0.0031`."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * size:
            return _digits(value / size) + letter
    return _digits(value)


def _digits(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.0995 or value == 0 else f"{value:.2g}"


def seconds(value: float) -> str:
    """Seconds, to about a hundredth of the value."""
    return f"{_digits(value)} s"


def megabytes(value: float) -> str:
    """Bytes as MB (10^6)."""
    return f"{value / 1e6:,.0f} MB"


def spread(one: Summary) -> str:
    """`1.90 (1.70 to 2.20)`."""
    return f"{number(one.median)} ({number(one.low)} to {number(one.high)})"
