"""What all plots share: size of the paper and letters, looks of the axes, labels that do not collide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.report.figures.palette import Theme


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper to draw on: inches, and letters in points."""

    width: float
    sequence_height: float
    sizes_height: float
    letters: float
    legend_columns: int
    callout_letters: int  # on one line of the callout
    ticks: int


WIDE = Sheet(10.0, 3.7, 1.9, 9.0, 8, 72, 9)
"""For screens and paper."""

NARROW = Sheet(4.1, 3.4, 2.0, 8.5, 2, 38, 5)
"""For phones."""

LETTER_WIDTH = 0.63 / 72
LINE_HEIGHT = 1.35 / 72
"""Inches for each point of letter size, in the default font's bold face."""


def dress(axes: Axes, theme: Theme, sheet: Sheet) -> None:
    """Looks that all plots share."""
    axes.set_facecolor("none")
    axes.grid(color=theme.grid, lw=0.6)
    axes.set_axisbelow(True)
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    for edge in ("left", "bottom"):
        axes.spines[edge].set_color(theme.muted)
    axes.tick_params(colors=theme.muted, labelcolor=theme.ink, labelsize=sheet.letters - 1)
    axes.xaxis.label.set_color(theme.ink)
    axes.yaxis.label.set_color(theme.ink)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(sheet.ticks, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def wrapped(text: str, sheet: Sheet) -> str:
    """The text on lines that fit the callout."""
    return "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, sheet.callout_letters))


def share_of(text: str, axes: Axes, sheet: Sheet) -> tuple[float, float]:
    """Width and height of a text with a box around it, as shares of the axes (at most 1)."""
    lines = text.split("\n")
    figure = axes.figure.figure
    assert figure is not None  # noqa: S101 - axes belong to a figure until they are removed
    width, height = figure.get_size_inches()
    place = axes.get_position()
    letters = max(map(len, lines)) + 2
    return (
        min(letters * LETTER_WIDTH * sheet.letters / (width * place.width), 1.0),
        min((len(lines) + 0.9) * LINE_HEIGHT * sheet.letters / (height * place.height), 1.0),
    )


def clusters(marks: Sequence[tuple[float, int]], least_gap: float) -> list[list[tuple[float, int]]]:
    """Marks in order of their first number, grouped so that the groups' starts are `least_gap` apart."""
    groups: list[list[tuple[float, int]]] = []
    for mark in sorted(marks):
        if groups and mark[0] - groups[-1][0][0] < least_gap:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups
