"""Plots into matplotlib Axes, for notebooks: they take Axes, return them, and leave everything else alone.

Fonts, background, grid and sizes are those of the user's style; what a colour means is fixed, as in the reports.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.errors import UsageError
from analyzer.evidence.outcomes import DELIVERED, LOST, SPURIOUS, UNANSWERED, outcomes_of
from analyzer.flows.flow_tables import MARK_NO_LENGTH, MARK_SUPER
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow, PathMtu
from analyzer.model.path import Path
from analyzer.model.text import bracket, clock, plural
from analyzer.model.verdicts import CARRYING, SIZE_PROBLEMS, rank
from analyzer.passes.second import MAX_BLOCKS, ROW
from analyzer.report.document import tone_of
from analyzer.report.figures.drawn_packets import read_again, recorded
from analyzer.report.figures.palette import LIGHT
from analyzer.report.figures.panels import WIDE, dress_time
from analyzer.report.figures.scene import Scene
from analyzer.report.figures.size_plot import time_parts
from analyzer.report.figures.time_axis import WaitingAxis
from analyzer.report.figures.timelines import timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_PATHS = 25

TONES = {"bad": LIGHT.hole, "warn": LIGHT.hung, "good": LIGHT.healthy, "plain": LIGHT.unsure}
NEVER_SENT = LIGHT.unsure
SENT = LIGHT.delivered
RESENT = LIGHT.lost

GRID = (1500, 500)
"""Columns and rows of places in the size plot. Packets at one place are drawn once: no eye could tell."""

Array = np.ndarray[Any, Any]


def plot_flow(analysis: Analysis, flow: Flow, ax: Axes | None = None) -> Axes:
    """See `Flow.plot`."""
    packets = recorded(flow)
    if packets is None:
        packets = read_again(analysis, flow)
    if packets is None:
        raise UsageError(f"no packets of stream {flow.stream} were recorded, and its capture cannot be read again")
    ax = _axes(ax, (10, 4.4))
    timeline(analysis, flow, ax, packets=packets)
    return ax


def plot_sizes(analysis: Analysis, flow: Flow, ax: Axes | None = None) -> Axes:
    """See `Flow.plot_sizes`."""
    ax = _axes(ax, (10, 4.4))
    rows, outcome = _packets(analysis, flow)
    side = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
    if flow.direction is None and len(rows):
        sent = [int(rows["payload"][rows["side"] == each].sum(dtype=np.int64)) for each in (0, 1)]
        side = sent.index(max(sent))
    mine = (rows["side"] == side) & (rows["payload"] > 0)
    rows, outcome = rows[mine], outcome[mine]
    offloaded = (rows["marks"] & (MARK_SUPER | MARK_NO_LENGTH)) != 0
    for name, chosen, marker, colour in (
        ("captured before segmentation", offloaded, "s", NEVER_SENT),
        ("delivered", ~offloaded & (outcome == DELIVERED), "o", SENT),
        ("sent again needlessly", ~offloaded & (outcome == SPURIOUS), "+", SENT),
        ("neither acknowledged nor sent again", ~offloaded & (outcome == UNANSWERED), "d", NEVER_SENT),
        ("lost", ~offloaded & (outcome == LOST), "X", RESENT),
    ):
        if chosen.any():
            x, y = _places((rows["ts"][chosen] - flow.first_time) / 1e9, rows["ip_len"][chosen])
            label = f"{name} ({np.count_nonzero(chosen):,})"
            ax.plot(x, y, marker, color=colour, label=label, ms=6 if colour == RESENT else 4, alpha=0.8, ls="")
    _band(ax, flow.path_mtu.on_links_of(flow.sender.ip))
    _time(ax, analysis, flow, rows)
    ax.set_ylabel("IP total length, bytes")
    ax.set_ylim(0, max(1.1 * ax.dataLim.y1, 100))
    ends = (flow.client, flow.server) if side == flow.client_side else (flow.server, flow.client)
    ax.set_title(f"Stream {flow.stream}: sizes of data packets {ends[0].ip} -> {ends[1].ip}", loc="left")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return ax


def _time(ax: Axes, analysis: Analysis, flow: Flow, rows: Array) -> None:
    """The time axis of `Flow.plot`, so that both can stand one above the other, for all packets of the flow."""
    packets = recorded(flow)
    if packets is None or not len(rows):
        ax.set_xlabel(f"seconds from the start of the flow, {clock(flow.first_time)}")
        return
    scene = Scene(analysis, flow, packets)
    if isinstance(scene.axis, WaitingAxis):
        ends = (rows["ts"][[0, -1]] - flow.first_time) / 1e9 - scene.axis.zero
        first, last = min(scene.axis.first, float(ends[0])), max(scene.axis.last, float(ends[1]))
        dress_time(ax, replace(scene.axis, first=first, last=last), LIGHT, WIDE)
    ax.set_xlabel(", ".join(time_parts(scene)))


def _packets(analysis: Analysis, flow: Flow) -> tuple[Array, Array]:
    """Rows of all packets, or of the recorded ones where the capture cannot be read again, and their fates."""
    from analyzer.passes.reread import rows_of

    try:
        rows, edges = rows_of(analysis, flow)
    except UsageError:
        recorded = flow.timeline if flow.timeline is not None else np.zeros(0, ROW)
        rows, edges = np.zeros(len(recorded), ROW), np.zeros((len(recorded), 2 * MAX_BLOCKS), np.uint32)
        for name in ("ts", "frame", "seq", "ack", "payload", "ip_len", "marks", "flags", "side"):
            rows[name] = recorded[name]
    return rows, outcomes_of(rows, edges, flow.round_trips).outcome


def _places(x: Array, y: Array) -> tuple[Array, Array]:
    """The points, those that fall on one place of the grid only once."""
    places = np.zeros((len(x), 2), np.int64)
    for column, values in enumerate((x, y)):
        span = float(values.max() - values.min()) or 1.0
        places[:, column] = (values - values.min()) / span * GRID[column]
    _, first = np.unique(places, axis=0, return_index=True)
    return x[first], y[first]


def _band(ax: Axes, size: PathMtu) -> None:
    """The bracket of the path MTU, as a band or a line."""
    text = f"path MTU {bracket(size)}"
    if size.exact is not None:
        ax.axhline(size.exact, color=RESENT, lw=1, ls="--", zorder=0, label=text)
    elif size.at_least is not None and size.at_most is not None:
        ax.axhspan(size.at_least, size.at_most, color=RESENT, alpha=0.15, lw=0, zorder=0, label=text)
    elif size.at_least is not None:
        ax.axhline(size.at_least, color=SENT, lw=1, ls="--", zorder=0, label=text)
    elif size.at_most is not None:
        ax.axhline(size.at_most, color=RESENT, lw=1, ls="--", zorder=0, label=text)


def plot_paths(analysis: Analysis, ax: Axes | None = None) -> Axes:
    """See `Analysis.plot`."""
    known = known_paths(analysis)
    shown = known[:SHOWN_PATHS]
    ax = _axes(ax, paths_size(analysis))
    for y, path in enumerate(shown):
        _bracket(ax, y, path)
    ax.set_yticks(range(len(shown)), [f"{path.src} -> {path.dst}" for path in shown])
    ax.set_ylim(len(shown) - 0.4, -0.6)
    if shown:
        left, right = ax.dataLim.intervalx
        width = max(right - left, 100)
        ax.set_xlim(left - 0.1 * width, right + 0.4 * width)  # the labels stand at the right
    ax.set_xlabel(f"path MTU, bytes of IP total length; captured from {clock(analysis.first_time)}")
    left_out = len(known) - len(shown)
    more = f"; {plural(left_out, 'more path')} not drawn" if left_out else ""
    ax.set_title(f"Path MTU by path, the worst first{more}" if shown else "No path shows its MTU", loc="left")
    return ax


def known_paths(analysis: Analysis) -> list[Path]:
    """The paths whose MTU the capture tells something about, the worst first."""
    known = [
        path
        for path in analysis.all_paths
        if path.at_most is not None or path.exact is not None or path.verdict in {*CARRYING, "no_df"}
    ]
    return sorted(known, key=_severity)


def paths_size(analysis: Analysis) -> tuple[float, float]:
    """Inches of a figure in which the paths have room."""
    return 9, 1.1 + 0.35 * max(1, min(len(known_paths(analysis)), SHOWN_PATHS))


def _severity(path: Path) -> tuple[int, int, str, str]:
    return (rank(path.verdict), path.exact or path.at_most or 1 << 16, path.src, path.dst)


def _bracket(ax: Axes, y: int, path: Path) -> None:
    colour = TONES[tone_of(path.verdict)]
    size = PathMtu(path.at_least, path.at_most, path.exact).on_links_of(path.src)
    if size.exact is not None:
        ax.plot([size.exact], [y], "D", color=colour)
    elif size.at_least is not None and size.at_most is not None:
        ax.plot([size.at_least, size.at_most], [y, y], "|-", color=colour, lw=6, ms=12, solid_capstyle="butt")
    else:
        # Open to one side.
        at = size.at_least if size.at_least is not None else size.at_most
        assert at is not None  # noqa: S101 - paths of which nothing is known are not drawn
        ax.plot([at], [y], ">" if size.at_least is not None else "<", color=colour)
    right = max(value for value in size if value is not None)
    problem = f", {path.verdict}" if path.verdict in SIZE_PROBLEMS else ""
    ax.annotate(f"{bracket(size)}{problem}", (right, y), (8, 0), textcoords="offset points", va="center")


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The Axes given, or those of a new pyplot figure, which a notebook shows by itself."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, new = plt.subplots(figsize=size, layout="constrained")
    return new
