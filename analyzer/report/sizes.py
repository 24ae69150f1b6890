"""The plot of sizes: each data packet at its IP total length, delivered or lost, and where the path MTU lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analyzer.report import thinning
from analyzer.report.packets import DELIVERED, LOST, OPEN
from analyzer.report.palette import Theme
from analyzer.report.panels import Sheet, dress
from analyzer.report.scene import Scene
from analyzer.report.text import bracket

MOST_LARGE = 300
"""More markers than that are drawn smaller."""

FULL_SIZE = 1500
"""The axis reaches at least to a full Ethernet packet, bytes."""


def draw_sizes(scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
    """Draw a scene's packets by size into axes."""
    packets = scene.packets
    data = packets.carrying
    single = data & ~packets.merged
    known = [value for value in scene.flow.path_mtu if value is not None]
    ceiling = 1.22 * max([*known, FULL_SIZE, int(packets.ip_len[single].max(initial=0))])
    axes.set_xlim(*scene.limits)
    axes.set_ylim(0, ceiling)
    dress(axes, theme, sheet)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel("IP length, bytes", fontsize=sheet.letters)
    axes.set_xlabel("seconds from the start of the flow", fontsize=sheet.letters)
    _band(scene, axes, theme, sheet)
    for fate, marker, color in (
        (OPEN, "o", theme.unsure),
        (DELIVERED, "o", theme.delivered),
        (LOST, "x", theme.lost),
    ):
        rows = single & (scene.fate == fate)
        x, y = thinning.points(scene.x[rows], packets.ip_len[rows])
        size = 4.5 if len(x) <= MOST_LARGE else 2.5
        axes.plot(x, y, marker, color=color, ms=size, mew=0.28 * size if marker == "x" else 0, ls="", zorder=3)
    merged = data & packets.merged
    if merged.any():
        x, _ = thinning.points(scene.x[merged], np.zeros(int(merged.sum())))
        y = np.full(len(x), 0.93 * ceiling)
        axes.plot(x, y, "^", mfc="none", mec=theme.muted, ms=5, mew=1, ls="", label="larger than on the wire (offload)")


def _band(scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
    """Where the path MTU lies: between the largest size that got through and the smallest that did not."""
    size = scene.flow.path_mtu
    style: dict[str, Any] = {"color": theme.band, "zorder": 1}
    if size.exact is not None:
        axes.axhline(size.exact, lw=1.6, **style)
        edge = size.exact
    elif size.at_least is not None and size.at_most is not None and size.at_most > size.at_least:
        axes.axhspan(size.at_least, size.at_most + 1, alpha=0.25, lw=0, **style)
        edge = size.at_least
    else:
        edges = [value for value in (size.at_least, size.at_most) if value is not None]
        if not edges:
            return
        axes.axhline(edges[0], lw=1.2, ls="--", **style)
        edge = edges[0]
    below = edge > 0.3 * axes.get_ylim()[1]
    axes.annotate(
        f"path MTU {bracket(size)}",
        (0.995, edge),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3 if below else 3),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        fontsize=sheet.letters - 0.5,
        color=theme.ink,
        fontweight="bold",
        bbox={"boxstyle": "round,pad=0.15", "fc": theme.paper, "ec": "none", "alpha": 0.75},
        zorder=5,
    )
