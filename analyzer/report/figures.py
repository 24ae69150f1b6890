"""Time-sequence plots with matplotlib: what was sent when, what was acknowledged, and what stuck.

Figures are made as objects, without pyplot: nothing global, nothing on a screen. Colours are those of
Okabe and Ito, told apart by colour-blind readers; retransmissions carry a marker besides.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analyzer.errors import UsageError
from analyzer.flows.tables import MARK_DUPLICATE, MARK_KEEPALIVE, MARK_RESENT
from analyzer.report.text import bracket, endpoint, plural, seconds
from analyzer.report.wording import WORDS, headline
from analyzer.results import Analysis, Flow

SENT = "#0072B2"
RESENT = "#D55E00"
ACKED = "#009E73"
WINDOW = "#BBBBBB"
PTB = "#AA3377"
CONTROL = "#333333"

FIN, SYN, RST = 1, 2, 4

MOST_PANELS = 12
PANEL_WIDTH = 10.0  # inches
PANEL_HEIGHT = 4.4
DOTS_PER_INCH = 110

MOST_MARKERS = 300
"""Retransmissions with a marker of their own; more would hide one another."""

CALLOUT_WIDTH = 0.52
CALLOUT_HEIGHT = 0.12
"""Shares of the axes that the callout takes."""

HEADROOM = 0.24
"""Share of the plot's height kept free above the data, for the callout."""

NOTHING_TO_DRAW = "No timelines: of these flows no single packets were recorded."

Packets = np.ndarray[Any, Any]


def timeline(analysis: Analysis, flow: Flow, axes: Axes | None = None) -> Figure:
    """Draw a flow as time against sequence number, in the direction that its verdict is about.

    Args:
        analysis: where the flow comes from; its PTBs are drawn.
        flow: must have a `timeline`.
        axes: to draw into; by default those of a new figure.

    Returns:
        The figure drawn into.

    Raises:
        UsageError: no packets of this flow were recorded.
    """
    if flow.timeline is None or not len(flow.timeline):
        raise UsageError(f"no packets of stream {flow.stream} were recorded: there is nothing to draw")
    if axes is None:
        axes = Figure(figsize=(PANEL_WIDTH, PANEL_HEIGHT), layout="constrained").add_subplot()
    _Plot(analysis, flow, axes).draw()
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes belong to a figure until they are removed
    return figure


class _Plot:
    """One flow on one pair of axes: x is seconds from the flow's start, y bytes of the sequence."""

    def __init__(self, analysis: Analysis, flow: Flow, axes: Axes) -> None:
        assert flow.timeline is not None  # noqa: S101 - `timeline` has checked it
        self.flow = flow
        self.axes = axes
        side = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
        copies = (flow.timeline["marks"] & MARK_DUPLICATE) != 0
        rows = flow.timeline if copies.all() else flow.timeline[~copies]
        self.stuck = self._stuck_rows(rows)
        rows = rows[self._worth_showing(rows["ts"])]
        self.sent = rows[rows["side"] == side]
        self.back = rows[rows["side"] != side]
        self.data = self.sent[(self.sent["payload"] > 0) & ((self.sent["marks"] & MARK_KEEPALIVE) == 0)]
        self.acks = self.back[self.back["ack"] > 0]
        self.scale = flow.window_scales[1 - side]
        self.first, self.last = _range(self._seconds(rows["ts"]))
        self.last = self._until(analysis, rows)
        self.base, self.top = self._sequence_range()
        self.ptbs = [
            (float(self._seconds(np.array([ts]))[0]), mtu)
            for ts, stream, mtu, _ in analysis.ptb_timeline
            if stream == flow.stream and rows["ts"][0] <= ts <= rows["ts"][-1] + 1_000_000_000
        ]

    def _seconds(self, ts: Packets) -> Packets:
        return np.asarray((ts - self.flow.first_time) / 1e9)

    def _stuck_rows(self, rows: Packets) -> Packets:
        if self.flow.stalled is None:
            return rows[:0]
        frames = [ref.frame for ref in self.flow.stalled.frames if ref.file == self.flow.stalled.first_frame.file]
        same_file = rows["file"] == self.flow.stalled.first_frame.file
        return np.asarray(rows[np.isin(rows["frame"], frames) & same_file & (rows["payload"] > 0)])

    def _worth_showing(self, ts: Packets) -> Packets:
        """All packets, or those of the stall if that is a small part of a long flow."""
        everything = np.ones(len(ts), bool)
        if not len(self.stuck):
            return everything
        start, end = int(self.stuck["ts"][0]), int(ts[-1])
        before = max((end - start) // 4, 200_000_000)
        if start - int(ts[0]) <= 3 * (end - start + before):
            return everything
        return np.asarray(ts >= start - before)

    def _until(self, analysis: Analysis, rows: Packets) -> float:
        """Right end, s: silence after a hole is part of the story, but must not squeeze the rest away."""
        if self.flow.verdict != "blackhole_suspected" or (rows["flags"] & (FIN | RST)).any():
            return self.last
        silence = float(self._seconds(np.array([analysis.last_time]))[0]) - self.last
        return self.last + min(max(silence, 0.0), 2 * (self.last - self.first))

    def _sequence_range(self) -> tuple[int, int]:
        """Lowest and highest sequence number to show, unwrapped."""
        if len(self.data):
            low = int(self.data["seq"].min())
            high = int((self.data["seq"] + self.data["payload"]).max())
        elif len(self.acks):
            low, high = int(self.acks["ack"].min()), int(self.acks["ack"].max())
        else:
            low = high = int(self.sent["seq"].min()) if len(self.sent) else 0
        return low, max(high, low + 1)

    def draw(self) -> None:
        axes = self.axes
        span = (self.last - self.first) or 1.0
        height = self.top - self.base
        axes.set_xlim(self.first - 0.02 * span, self.last + 0.04 * span)
        axes.set_ylim(-0.06 * height, height * (1 + HEADROOM))
        self._window_edge()
        self._ack_line()
        self._segments()
        self._control_marks()
        self._ptb_lines(span)
        self._callout()
        self._hole()
        self._frame()

    def _window_edge(self) -> None:
        """How far the receiver allows; mostly far above the data and then out of the picture."""
        if not len(self.acks):
            return
        edge = self.acks["ack"] - self.base + (self.acks["window"].astype(np.int64) << self.scale)
        if (edge <= (self.top - self.base) * (1 + HEADROOM)).any():
            self.axes.step(self._seconds(self.acks["ts"]), edge, where="post", color=WINDOW, lw=1, label="window edge")

    def _ack_line(self) -> None:
        acks = self.acks[self.acks["ack"] >= self.base]
        if not len(acks):
            return
        x = np.append(self._seconds(acks["ts"]), self.last)
        y = np.maximum.accumulate(acks["ack"] - self.base)
        self.axes.step(x, np.append(y, y[-1]), where="post", color=ACKED, lw=1.6, label="acknowledged", zorder=2)

    def _segments(self) -> None:
        again = (self.data["marks"] & MARK_RESENT) != 0
        for rows, color, label in (
            (self.data[~again], SENT, "sent"),
            (self.data[again], RESENT, "sent again"),
        ):
            if not len(rows):
                continue
            x = self._seconds(rows["ts"])
            low = rows["seq"] - self.base
            bars = np.stack([np.stack([x, low], 1), np.stack([x, low + rows["payload"]], 1)], 1)
            width = 2.4 if len(rows) <= MOST_MARKERS else 1.4
            # Projecting ends keep a bar visible where it is less than a pixel high.
            self.axes.add_collection(
                LineCollection(
                    list(bars), colors=color, linewidths=width, capstyle="projecting", zorder=3, label=label
                ),
                autolim=False,
            )
            if color == RESENT and len(rows) <= MOST_MARKERS:
                middle = low + rows["payload"] / 2
                self.axes.plot(x, middle, "D", color=RESENT, ms=4.5, mec="white", mew=0.6, zorder=4)

    def _control_marks(self) -> None:
        """SYN, FIN and RST of both sides, at the height where the sequence or ACK then was."""
        for flag, marker, label in ((SYN, "^", "SYN"), (FIN, "v", "FIN"), (RST, "X", "RST")):
            x: list[float] = []
            y: list[float] = []
            for rows, field in ((self.sent, "seq"), (self.back, "ack")):
                marked = rows[(rows["flags"] & flag) != 0]
                x.extend(self._seconds(marked["ts"]))
                y.extend(np.clip(marked[field] - self.base, 0, self.top - self.base))
            if x:
                self.axes.plot(x, y, marker, color=CONTROL, ms=7, mec="white", mew=0.6, zorder=5, label=label, ls="")

    def _ptb_lines(self, span: float) -> None:
        """PTBs as lines over the full height; labels stand above the axes, near ones share one."""
        over_all = self.axes.get_xaxis_transform()
        self.axes.vlines(
            [x for x, _ in self.ptbs], 0, 1, transform=over_all, colors=PTB, lw=1, ls=(0, (4, 3)), zorder=1
        )
        for group in _clusters(self.ptbs, 0.14 * span):
            mtus = sorted({mtu for _, mtu in group})
            named = f"MTU {mtus[0]}" if len(mtus) == 1 else f"MTU {mtus[0]}..{mtus[-1]}"
            count = "PTB" if len(group) == 1 else f"{len(group)} PTBs"
            right = group[0][0] > self.first + 0.85 * span
            self.axes.annotate(
                f"{count}, {named}",
                (group[0][0], 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="right" if right else "left",
                va="bottom",
                color=PTB,
                fontsize=8,
            )

    def _callout(self) -> None:
        stalled = self.flow.stalled
        if stalled is None or not len(self.stuck):
            return
        low = int(self.stuck["seq"][0]) - self.base
        middle = low + stalled.payload_len / 2
        x = self._seconds(self.stuck["ts"])
        self.axes.plot([x[0], x[-1]], [middle, middle], color=RESENT, lw=1, ls=":", zorder=2)
        df = " with DF" if stalled.df and self.flow.version == 4 else ""
        text = (
            f"{stalled.ip_len}-byte packet{df}: sent again {times(stalled.retransmissions)}, "
            f"stalled for {seconds(stalled.seconds)}"
        )
        place = self._free_place((float(x[0]) + float(x[-1])) / 2, low + stalled.payload_len)
        self.axes.annotate(
            text,
            xy=(float(x[np.abs(x - place[0]).argmin()]), middle),
            xytext=place,
            ha="center",
            va="center",
            fontsize=9,
            color=RESENT,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.35", "fc": "white", "ec": RESENT, "lw": 0.8},
            arrowprops={"arrowstyle": "->", "color": RESENT, "lw": 1},
            zorder=6,
        )

    def _hole(self) -> None:
        """For what a receiver sees of a black hole: the bytes that are missing below a later segment."""
        if self.flow.verdict != "blackhole_suspected" or not len(self.data):
            return
        rows = np.sort(self.data, order="seq")
        reach = np.maximum.accumulate(rows["seq"] + rows["payload"])[:-1]
        gaps = rows["seq"][1:] - reach
        if not len(gaps) or gaps.max() <= 0:
            return
        i = int(gaps.argmax())
        low, high = int(reach[i]) - self.base, int(rows["seq"][i + 1]) - self.base
        since = float(self._seconds(rows["ts"][i + 1 :]).min())
        left, right = self.axes.get_xlim()
        place = (since, low)
        self.axes.add_patch(Rectangle(place, right - since, high - low, fc=RESENT, alpha=0.13, ec="none", zorder=0))
        self.axes.text(
            (left + right) / 2,
            self.top - self.base + (self.top - self.base) * HEADROOM / 2,
            f"{high - low:,} bytes never came (shaded), though later ones did",
            ha="center",
            va="center",
            fontsize=9,
            color=RESENT,
            fontweight="bold",
        )

    def _free_place(self, wanted: float, above: float) -> tuple[float, float]:
        """Centre for the callout: near `wanted`, just above height `above`, clear of bars and ACK line."""
        left, right = self.axes.get_xlim()
        height = self.top - self.base
        half = CALLOUT_WIDTH / 2 * (right - left)
        x = min(max(wanted, left + half), right - half)
        near = np.abs(self._seconds(self.data["ts"]) - x) < half
        lows = (self.data["seq"] - self.base)[near]
        tops = lows + self.data["payload"][near]
        acked = self.acks[np.abs(self._seconds(self.acks["ts"]) - x) < half]["ack"] - self.base
        margin = CALLOUT_HEIGHT / 2 * height * (1 + HEADROOM)
        for y in np.arange(above + 2 * margin, height, margin):
            low, high = y - margin, y + margin
            if not ((lows < high) & (tops > low)).any() and not ((acked < high) & (acked > low)).any():
                return x, float(y)
        return x, height * (1 + HEADROOM / 2)

    def _frame(self) -> None:
        axes, flow = self.axes, self.flow
        size = bracket(flow.path_mtu)
        mtu = f", path MTU {size} bytes" if size != "-" else ""
        axes.set_title(
            f"Stream {flow.stream}: {endpoint(flow.sender)} -> {endpoint(flow.receiver)}\n"
            f"{WORDS[flow.verdict].title} ({flow.verdict}){mtu}",
            loc="left",
            fontsize=10,
            pad=18 if self.ptbs else 8,
        )
        axes.set_xlabel("seconds from the start of the flow", fontsize=9)
        axes.set_ylabel("sequence number, bytes", fontsize=9)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.tick_params(labelsize=8)
        axes.grid(color="#E4E4E4", lw=0.6)
        axes.set_axisbelow(True)
        for edge in ("top", "right"):
            axes.spines[edge].set_visible(False)
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            axes.legend(
                handles,
                labels,
                loc="upper center",
                bbox_to_anchor=(0.5, -0.14),
                ncols=len(handles),
                fontsize=8,
                frameon=False,
            )


def times(count: int) -> str:
    """once, twice, 5 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _range(values: Packets) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _clusters(marks: Sequence[tuple[float, int]], least_gap: float) -> list[list[tuple[float, int]]]:
    """Marks in order of time, grouped so that the groups' starts are `least_gap` apart."""
    groups: list[list[tuple[float, int]]] = []
    for mark in sorted(marks):
        if groups and mark[0] - groups[-1][0][0] < least_gap:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def timelines(analysis: Analysis) -> Figure:
    """One panel for each flow with a problem, the worst first; the healthy ones where there is none.

    Where nothing was recorded, which is usual of healthy flows, the figure says so.
    """
    concerned = analysis.problem_flows or analysis.all_flows
    drawable = [flow for flow in concerned if flow.timeline is not None and len(flow.timeline)]
    shown = drawable[:MOST_PANELS]
    figure = Figure(figsize=(PANEL_WIDTH, PANEL_HEIGHT * len(shown) + 0.8), dpi=DOTS_PER_INCH, layout="constrained")
    if shown:
        for flow, axes in zip(shown, np.atleast_1d(figure.subplots(len(shown))), strict=True):
            timeline(analysis, flow, axes)
    else:
        figure.text(0.01, 0.3, NOTHING_TO_DRAW, fontsize=10)
    figure.suptitle(textwrap.fill(headline(analysis), 105), fontsize=11, fontweight="bold", x=0.01, ha="left")
    left_out = len(analysis.problem_flows) - len(shown)
    if shown and left_out > 0:
        figure.supxlabel(f"{plural(left_out, 'more flow')} with a problem not drawn", fontsize=9)
    return figure


def timelines_image(analysis: Analysis, image_format: str) -> bytes:
    """The figure of `timelines` as an image file: "png", "svg" or "pdf"."""
    out = io.BytesIO()
    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # the same input, the same file
    timelines(analysis).savefig(out, format=image_format, metadata=dates.get(image_format))
    return out.getvalue()


def save_timelines(analysis: Analysis, path: str) -> None:
    """Write the timelines to a file; its suffix picks the format. See `report.save` for the safe way."""
    from analyzer.report import save

    save(analysis, path)
