"""The plot of sizes: each data packet at its IP total length, delivered or lost, and where the path MTU lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from analyzer.evidence.outcomes import DELIVERED, LOST, SPURIOUS, UNANSWERED
from analyzer.model.text import bracket, clock
from analyzer.report.figures import thinning
from analyzer.report.figures.palette import Theme
from analyzer.report.figures.panels import WIDE, Sheet, dress, dress_time
from analyzer.report.figures.scene import Scene
from analyzer.report.figures.time_axis import WaitingAxis

MOST_LARGE = 300
"""More markers than that are drawn smaller."""

LABEL_WIDTH, LABEL_HEIGHT = 1.7, 0.17
"""Room that the label of the path MTU takes: inches, and share of the height."""

FULL_SIZE = 1500
"""The axis reaches at least to a full Ethernet packet, bytes."""


def draw_sizes(scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
    """Draw a scene's packets by size into axes."""
    packets = scene.packets
    data = packets.carrying
    single = data & ~packets.merged
    known = [value for value in scene.flow.path_mtu if value is not None]
    ceiling = 1.22 * max([*known, FULL_SIZE, int(packets.ip_len[single].max(initial=0))])
    dress_time(axes, scene.axis, theme, sheet)
    axes.set_ylim(0, ceiling)
    dress(axes, theme, sheet)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel("IP length, bytes", fontsize=sheet.letters)
    axes.set_xlabel(label_of_time(scene, sheet), fontsize=sheet.letters)
    _band(scene, axes, theme, sheet)
    for kinds, marker, color in (
        ((UNANSWERED,), "s", theme.unsure),
        ((DELIVERED, SPURIOUS), "o", theme.delivered),
        ((LOST,), "x", theme.lost),
    ):
        rows = single & np.isin(scene.outcome, kinds)
        x, y = thinning.points(scene.x[rows], packets.ip_len[rows], scene.axis.share(scene.x[rows]))
        size = 4.5 if len(x) <= MOST_LARGE else 2.5
        style: dict[str, Any] = {"color": color, "ms": size, "ls": "", "zorder": 3}
        if marker == "s":
            style["mfc"] = "none"
        axes.plot(x, y, marker, mew=0 if marker == "o" else 0.28 * size, **style)
    merged = data & packets.merged
    if merged.any():
        x, _ = thinning.points(scene.x[merged], np.zeros(int(merged.sum())), scene.axis.share(scene.x[merged]))
        y = np.full(len(x), 0.93 * ceiling)
        axes.plot(x, y, "^", mfc="none", mec=theme.ink, ms=5, mew=1, ls="", label="larger than on the wire (offload)")


def label_of_time(scene: Scene, sheet: Sheet) -> str:
    """What the time axis counts, the hour, and how much of the flow is drawn if not all; in lines on a phone."""
    parts = time_parts(scene)
    if sheet is WIDE:
        return ", ".join(parts) + (f" ({scene.share})" if scene.share else "")
    return "\n".join([*parts, scene.share] if scene.share else parts)


def time_parts(scene: Scene) -> tuple[str, str]:
    """From where the time axis counts, and when that was."""
    begin, at = scene.counts_from
    if isinstance(scene.axis, WaitingAxis):
        return f"time since {begin}", f"{clock(at)}; the wait is logarithmic"
    return f"seconds from {begin}", clock(at)


def _band(scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
    """Where the path MTU lies: between the largest size that got through and the smallest that did not."""
    size = scene.flow.path_mtu.on_links_of(scene.flow.sender.ip)
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
    height = LABEL_HEIGHT * axes.get_ylim()[1]
    low, high = (edge - height, edge) if below else (edge, edge + height)
    place, align = _freest_place(scene, low, high, LABEL_WIDTH / sheet.width)
    axes.annotate(
        f"path MTU {bracket(size)}",
        (place, edge),
        xycoords=("axes fraction", "data"),
        xytext=(0, -3 if below else 3),
        textcoords="offset points",
        ha=align,
        va="top" if below else "bottom",
        fontsize=sheet.letters - 0.5,
        color=theme.ink,
        fontweight="bold",
        bbox={"boxstyle": "round,pad=0.15", "fc": theme.paper, "ec": "none", "alpha": 0.75},
        zorder=5,
    )


def _freest_place(scene: Scene, low: float, high: float, share: float) -> tuple[float, str]:
    """Where along the axis (0 to 1) fewest packets of sizes [low, high] lie, and how to align a label there."""
    packets = scene.packets
    chosen = packets.carrying & (packets.ip_len >= low) & (packets.ip_len <= high)
    at = scene.axis.share(scene.x[chosen])
    places = {
        (0.995, "right"): at > 1 - share,
        (0.5, "center"): np.abs(at - 0.5) < share / 2,
        (0.005, "left"): at < share,
    }
    return min(places, key=lambda place: int(places[place].sum()))
