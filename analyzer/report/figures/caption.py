"""The strip above the data of a sequence plot: words about the trouble, and below them the names of PTBs.

Nothing else is drawn there, so that words never hide a bar, a mark or a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from analyzer.report.figures.palette import Theme
from analyzer.report.figures.panels import LETTER_WIDTH, LINE_HEIGHT, Sheet, clusters
from analyzer.report.figures.scene import Scene

LABEL_LETTERS = 20
"""Letters of a PTB's label, at most."""

BOX_LINES = 1.5
"""Height of the box around words and of the space about it, in lines."""

LEAST_STRIP = 0.6
"""Lines kept free above the data, so that marks on its upper edge are whole."""

LEAST_DATA = 0.4
"""Of the height of the axes, what the data keep at least."""

BELOW = 0.06
"""Below the data, as a part of their height."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Where everything is, in shares of the height of the axes (inches in `height`)."""

    height: float  # of the axes, inches
    words: float  # upper edge of the words
    labels: float  # lower edge of the PTBs' labels, and upper edge of the data with their marks
    top: float  # the upper limit of the axes, as a multiple of the data's height


def strip_of(axes: Axes, scene: Scene, text: str, sheet: Sheet) -> Strip:
    """The strip for some words (already wrapped; may be empty), for axes whose place on the figure is settled."""
    _, height = _inches(axes)
    line = LINE_HEIGHT * sheet.letters / max(height, 0.1)
    lines = LEAST_STRIP + (text.count("\n") + 1 + BOX_LINES if text else 0) + bool(scene.ptbs)
    data = max(1 - lines * line, LEAST_DATA)
    edge = data + LEAST_STRIP * line
    # The data reach from BELOW below zero to 1, and end where `data` is.
    return Strip(height, 1 - 0.3 * line, edge, (1 + BELOW) / data - BELOW)


def _inches(axes: Axes) -> tuple[float, float]:
    """Width and height of axes, also of those in a part of a figure."""
    figure = axes.figure.figure
    assert figure is not None  # noqa: S101 - axes belong to a figure until they are removed
    return float(axes.bbox.width / figure.dpi), float(axes.bbox.height / figure.dpi)


def draw_words(
    axes: Axes, scene: Scene, text: str, target: tuple[float, float] | None, theme: Theme, sheet: Sheet
) -> None:
    """Words in the strip: in a box with an arrow to `target` (share along the axis, data), or bare in the middle."""
    strip = strip_of(axes, scene, text, sheet)
    width, _ = _inches(axes)
    lines = text.split("\n")
    half = min((max(map(len, lines)) + 3) * LETTER_WIDTH * sheet.letters / width / 2, 0.5)
    height = (len(lines) + 0.3) * LINE_HEIGHT * sheet.letters / strip.height
    middle = min(max(target[0] if target is not None else 0.5, half), 1 - half)
    if target is not None:
        axes.annotate(
            "",
            xy=target,
            xycoords=("axes fraction", "data"),
            xytext=(target[0], strip.words - height),
            textcoords="axes fraction",
            arrowprops={"arrowstyle": "->", "color": theme.lost, "lw": 1, "shrinkA": 0, "shrinkB": 2},
            zorder=6,
        )
    axes.text(
        middle,
        strip.words - height / 2,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=sheet.letters,
        color=theme.lost,
        fontweight="bold",
        linespacing=1.25,
        bbox=None
        if target is None
        else {"boxstyle": "round,pad=0.8", "mutation_aspect": 0.5, "fc": theme.paper, "ec": theme.lost, "lw": 0.8},
        zorder=7,
    )


def draw_ptb_labels(axes: Axes, scene: Scene, edge: float, theme: Theme, sheet: Sheet) -> list[tuple[float, float]]:
    """Names of PTBs above their lines, near ones share one.

    Args:
        axes: whose place on the figure is settled.
        scene: its PTBs.
        edge: lower edge of the labels, as a share of the axes' height.
        theme: colours.
        sheet: paper.

    Returns:
        From where to where along the axis each reaches, 0 to 1.
    """
    if not scene.ptbs:
        return []
    room = LABEL_LETTERS * LETTER_WIDTH * (sheet.letters - 1) / (sheet.width - 0.8)  # a label's share
    places = scene.axis.share(np.array([x for x, _ in scene.ptbs])).tolist()
    groups = clusters([(place, mtu) for place, (_, mtu) in zip(places, scene.ptbs, strict=True)], room)
    # The last label reaches to the left where there is no room for it, and there the one before may be.
    if len(groups) > 1 and groups[-1][0][0] > 1 - room and groups[-1][0][0] - groups[-2][0][0] < 2 * room:
        groups[-2:] = [groups[-2] + groups[-1]]
    taken = []
    for group in groups:
        place = group[0][0]
        right = place > 1 - room
        axes.annotate(
            label_of(group),
            (place, edge),
            xycoords="axes fraction",
            xytext=(0, 2),
            textcoords="offset points",
            ha="right" if right else "left",
            va="bottom",
            color=theme.ptb,
            fontsize=sheet.letters - 1,
        )
        taken.append((place - room, place) if right else (place, place + room))
    return taken


def label_of(group: Sequence[tuple[float, int]]) -> str:
    """What a group of PTBs (place, MTU) is called."""
    mtus = sorted({mtu for _, mtu in group})
    named = f"MTU {mtus[0]}" if len(mtus) == 1 else f"MTU {mtus[0]}..{mtus[-1]}"
    return f"{'PTB' if len(group) == 1 else f'{len(group)} PTBs'}, {named}"
