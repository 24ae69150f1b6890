"""All flows over time, coloured by verdict: when what went wrong, and what went well meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import clock, plural
from analyzer.model.verdicts import VERDICTS, rank
from analyzer.report.figures.palette import GROUPS, Theme
from analyzer.report.figures.panels import WIDE, Sheet, draw_key, dress, dress_even_time

Array = np.ndarray[Any, Any]

NAMED_FLOWS = 24
"""Up to so many flows each line carries its stream number."""

MOST_LINES = 600
"""More lines than that cannot be told apart; of the flows of each verdict an even sample is drawn."""

LEAST_SHARE = 1 / 16
"""Of the height, for each verdict: a label must have room beside its lines."""

LINE_WIDTH = 6.0
"""Points, of few flows; a flow that stalls is thinner while it does not, one that never does between."""

LEAST_INCHES, LINE_INCHES, MOST_INCHES = 1.2, 0.17, 4.5


def overview_height(count: int) -> float:
    """Inches for so many flows."""
    return min(LEAST_INCHES + LINE_INCHES * min(count, MOST_LINES), MOST_INCHES)


def draw_overview(analysis: Analysis, part: FigureBase, theme: Theme, sheet: Sheet) -> None:
    """One line a flow from its first packet to its last, the worst verdict on top; thick and dark while it stalls."""
    axes = part.subplots()
    counts = analysis.verdict_counts
    flows = _chosen(analysis.all_flows, counts)
    start = np.array([(flow.first_time - analysis.first_time) / 1e9 for flow in flows])
    end = np.array([(flow.last_time - analysis.first_time) / 1e9 for flow in flows])
    span = float(end.max() - min(start.min(), 0.0)) or 1.0
    row = _rows(flows)
    width = LINE_WIDTH if len(flows) <= NAMED_FLOWS else max(0.8, min(5.0, 200 / len(flows)))
    stalls = np.array([_stall(flow, analysis) for flow in flows])
    hung = np.isfinite(stalls[:, 0])
    groups = np.array([GROUPS[flow.verdict] for flow in flows])
    longer = hung & (end - start > stalls[:, 1] - stalls[:, 0] + span / 500)  # else the stall hides the thin line
    for kind, chosen, ends, alpha, share in (
        ("never stalled", ~hung, (start, end), 1.0, 0.7),
        ("while not stalled", longer, (start, end), 0.45, 0.35),
        ("stalled", hung, (stalls[:, 0], stalls[:, 1]), 1.0, 1.0),
    ):
        for group in dict.fromkeys(groups[chosen].tolist()):
            rows = np.flatnonzero(chosen & (groups == group))
            left = ends[0][rows]
            right = np.maximum(ends[1][rows], left + span / 250)  # a moment is a dot
            gaps = np.full(len(rows), np.nan)  # one line with gaps: many lines make large files
            style: dict[str, Any] = {"color": getattr(theme, group), "lw": width * share, "alpha": alpha}
            axes.plot(
                np.stack([left, right, gaps], 1).ravel(),
                np.stack([row[rows], row[rows], gaps], 1).ravel(),
                solid_capstyle="butt",
                gid=f"{kind}, {group}",
                **style,
            )
    axes.set_xlim(min(float(start.min()), 0.0) - 0.02 * span, float(end.max()) + 0.04 * span)
    axes.set_ylim(float(row.max()) + 0.6, -0.6)
    dress(axes, theme, sheet)
    dress_even_time(axes, sheet)
    axes.grid(visible=False, axis="y")
    label = "seconds from the start of the capture"
    gap = ", " if sheet is WIDE else "\n"
    axes.set_xlabel(f"{label}{gap}{clock(analysis.first_time)}", fontsize=sheet.letters)
    if hung.any():
        plain: dict[str, Any] = {"color": theme.muted, "solid_capstyle": "butt"}
        axes.plot([], [], lw=LINE_WIDTH, label="stalled: first to last transmission", **plain)
        axes.plot([], [], lw=0.35 * LINE_WIDTH, alpha=0.45, label="before and afterwards", **plain)
        draw_key(part, (axes,), theme, sheet)
    _labels(flows, row, counts, axes, sheet)
    if len(flows) < len(analysis.all_flows):
        shown = f"{len(flows):,} of {plural(len(analysis.all_flows), 'flow')} drawn"
        axes.set_title(shown, loc="right", fontsize=sheet.letters - 1, color=theme.muted)


def _stall(flow: Flow, analysis: Analysis) -> tuple[float, float]:
    """The first and the last transmission of what stalled: seconds from the capture's start, NaN if nothing did."""
    if flow.stalled is None:
        return np.nan, np.nan
    first, last = flow.stalled.first_time, flow.stalled.last_time
    return (first - analysis.first_time) / 1e9, (last - analysis.first_time) / 1e9


def _chosen(flows: Sequence[Flow], counts: Counter[str]) -> list[Flow]:
    """The flows in the order of the plot; an even sample of each verdict where there are too many."""
    ordered = sorted(flows, key=lambda flow: (rank(flow.verdict), flow.first_time, flow.stream))
    if len(ordered) <= MOST_LINES:
        return ordered
    chosen: list[Flow] = []
    begin = 0
    for verdict in (v for v in VERDICTS if counts[v]):
        group = ordered[begin : begin + counts[verdict]]
        begin += counts[verdict]
        share = max(1, round(MOST_LINES * len(group) / len(ordered)))
        chosen += [group[int(i)] for i in np.linspace(0, len(group) - 1, min(share, len(group)))]
    return chosen


def _rows(flows: Sequence[Flow]) -> Array:
    """The height of each flow's line; with many flows the verdicts stand apart, and none is too thin for its name."""
    if len(flows) <= NAMED_FLOWS:
        return np.arange(len(flows), dtype=float)
    least = len(flows) * LEAST_SHARE
    rows: list[Array] = []
    begin = 0.0
    for verdict in VERDICTS:
        count = sum(flow.verdict == verdict for flow in flows)
        if count:
            height = max(float(count), least)
            rows.append(begin + (height - count) / 2 + np.arange(count))
            begin += height + least / 3
    return np.concatenate(rows)


def _labels(flows: Sequence[Flow], rows: Array, counts: Counter[str], axes: Axes, sheet: Sheet) -> None:
    """Stream numbers where there is room; else the verdicts at the middle of their lines."""
    if len(flows) <= NAMED_FLOWS:
        names = [f"stream {flow.stream}: {flow.verdict}" for flow in flows]
        axes.set_yticks(rows, names, fontsize=sheet.letters - 1)
        return
    verdicts = np.array([flow.verdict for flow in flows])
    drawn = [verdict for verdict in VERDICTS if counts[verdict]]
    places = [float(rows[verdicts == verdict].mean()) for verdict in drawn]
    axes.set_yticks(places, [f"{counts[v]:,} {v}" for v in drawn], fontsize=sheet.letters - 1)
    axes.tick_params(axis="y", length=0)
