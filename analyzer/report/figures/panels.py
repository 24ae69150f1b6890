"""What all plots share: size of the paper and letters, looks of the axes, labels that do not collide."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from analyzer.report.figures.palette import Theme
from analyzer.report.figures.time_axis import EvenAxis, TimeAxis


@dataclass(frozen=True, slots=True)
class Sheet:
    """The paper to draw on: inches, and letters in points."""

    width: float
    sequence_height: float
    sizes_height: float
    letters: float
    callout_letters: int  # on one line of the callout
    ticks: int


WIDE = Sheet(10.0, 3.7, 1.9, 9.0, 72, 9)
"""For screens and paper."""

NARROW = Sheet(4.1, 3.4, 2.0, 8.5, 38, 5)
"""For phones."""

LETTER_WIDTH = 0.63 / 72
LINE_HEIGHT = 1.35 / 72
"""Inches for each point of letter size, in the default font's bold face."""

KEY_LETTER_WIDTH = 0.58 / 72
"""The same of a letter in the key."""


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


def dress_even_time(axes: Axes, sheet: Sheet) -> None:
    """An axis of even seconds."""
    axes.xaxis.set_major_locator(MaxNLocator(sheet.ticks, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def dress_time(axes: Axes, axis: TimeAxis, theme: Theme, sheet: Sheet) -> None:
    """The scale of a flow's time, its limits and ticks, and marks where the scale changes."""
    if isinstance(axis, EvenAxis):
        axes.set_xlim(*axis.limits)
        dress_even_time(axes, sheet)
        return
    axes.set_xscale("function", functions=(axis.share, axis.seconds))
    axes.set_xlim(*axis.limits)
    letters = (sheet.width - 1) / (LETTER_WIDTH * (sheet.letters - 1))
    places, names = axis.ticks(letters)
    axes.set_xticks(places, names)
    axes.xaxis.set_minor_locator(NullLocator())
    if axis.broken:
        style: dict[str, Any] = {"fc": theme.grid, "ec": "none", "zorder": 0}
        axes.axvspan(axis.zero + axis.flight, axis.zero + axis.waiting, **style)
    for border in axis.borders:
        axes.axvline(border, color=theme.muted, lw=0.8, ls=(0, (1, 2)), zorder=0.5)


def wrapped(text: str, sheet: Sheet) -> str:
    """The text on lines that fit the callout."""
    return "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, sheet.callout_letters))


def clusters(marks: Sequence[tuple[float, int]], least_gap: float) -> list[list[tuple[float, int]]]:
    """Marks in order of their first number, grouped so that the groups' starts are `least_gap` apart."""
    groups: list[list[tuple[float, int]]] = []
    for mark in sorted(marks):
        if groups and mark[0] - groups[-1][0][0] < least_gap:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def draw_key(part: FigureBase, all_axes: Sequence[Axes], theme: Theme, sheet: Sheet) -> None:
    """What the marks mean, below the plots, on as few lines as they need."""
    handles: list[Any] = []
    labels: list[str] = []
    for axes in all_axes:
        more, names = axes.get_legend_handles_labels()
        for handle, name in zip(more, names, strict=True):
            if name not in labels:
                handles.append(handle)
                labels.append(name)
    if not handles:
        return
    letters = (sheet.width - 0.2) / (KEY_LETTER_WIDTH * (sheet.letters - 1))
    columns = len(handles)
    while columns > 1 and sum(_widths(labels, columns)) > letters:
        columns -= 1
    columns = -(-len(handles) // -(-len(handles) // columns))  # no fewer lines for it, but more even ones
    part.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=columns,
        fontsize=sheet.letters - 1,
        frameon=False,
        labelcolor=theme.ink,
        columnspacing=1.2,
        handletextpad=0.5,
    )


def _widths(labels: Sequence[str], columns: int) -> list[int]:
    """Letters that each column of a key takes, its sign included; matplotlib fills one column after the other."""
    rows, longer = divmod(len(labels), columns)
    widths = []
    begin = 0
    for column in range(columns):
        count = rows + (column < longer)
        widths.append(max(map(len, labels[begin : begin + count])) + 6)
        begin += count
    return widths
