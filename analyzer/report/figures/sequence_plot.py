"""The time-sequence plot: what was sent when, what was acknowledged, and what stuck.

x is seconds from the flow's start, y bytes of the sequence, counted from the lowest shown.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from analyzer.evidence.outcomes import DELIVERED, LOST, SPURIOUS, UNANSWERED
from analyzer.model.text import seconds
from analyzer.model.verdicts import BY_NAME
from analyzer.report.figures import thinning
from analyzer.report.figures.drawn_packets import FIN, RST, SYN
from analyzer.report.figures.palette import Theme
from analyzer.report.figures.panels import LETTER_WIDTH, LINE_HEIGHT, Sheet, clusters, dress, share_of, wrapped
from analyzer.report.figures.scene import Array, Scene

LEAST_HEADROOM = 0.3
"""Part of the data's height kept free above it, at least; more where the callout needs it."""

AXES_SHARE = 0.8
"""Of the height of the sequence plot, what its axes get beside labels."""

LABEL_LETTERS = 20
"""Letters of a PTB's label, at most."""

MOST_MARKERS = 300
"""Retransmissions with a marker of their own; more would hide one another."""


class SequencePlot:
    """Draws a scene into axes whose place on the figure is settled already (see `Figure.draw_without_rendering`)."""

    def __init__(self, scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
        self.scene, self.axes, self.theme, self.sheet = scene, axes, theme, sheet
        packets = scene.packets
        self.data = np.flatnonzero(packets.carrying)
        self.acks = np.flatnonzero(packets.acknowledging)
        self.arrived = self._arrived()
        self.base, self.top = self._range()
        self.height = self.top - self.base
        self.headroom = self._headroom()

    def _arrived(self) -> Array:
        """What reached the receiver behind a narrow hop: bare packets too, which tell how far the sender is."""
        packets = self.scene.packets
        if not BY_NAME[self.scene.flow.verdict].at_receiver or not len(self.data):
            return self.data
        single = packets.forward & ((packets.flags & (SYN | RST)) == 0) & ~packets.keepalive
        return np.flatnonzero(single & (packets.seq >= packets.seq[self.data].min()))

    def _range(self) -> tuple[int, int]:
        packets = self.scene.packets
        if len(self.data):
            low = int(packets.seq[self.data].min())
            high = int((packets.seq + packets.payload)[self.arrived].max())
        elif len(self.acks):
            low, high = int(packets.ack[self.acks].min()), int(packets.ack[self.acks].max())
        else:
            low = high = int(packets.seq.min())
        return low, max(high, low + 1)

    def _headroom(self) -> float:
        """Room for the callout above the data, where it hides none of it, as a part of the data's height."""
        lines = wrapped(self.scene.callout, self.sheet).count("\n") + 1
        inches = (lines + 1.8) * LINE_HEIGHT * self.sheet.letters
        share = min(inches / (AXES_SHARE * self.sheet.sequence_height), 0.5)
        return max(LEAST_HEADROOM, share / (1 - share))

    def draw(self) -> None:
        """Everything but the callouts, which need to know how large the axes came out."""
        axes = self.axes
        axes.set_xlim(*self.scene.limits)
        axes.set_ylim(-0.06 * self.height, self.height * (1 + self.headroom))
        dress(axes, self.theme, self.sheet)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_ylabel("sequence number, bytes", fontsize=self.sheet.letters)
        self._window_edge()
        self._ack_line()
        self._sacks()
        self._segments()
        self._control_marks()
        self._ptb_lines()

    def _window_edge(self) -> None:
        """How far the receiver allows; mostly far above the data and then out of the picture."""
        packets = self.scene.packets
        edge = (packets.ack + packets.window)[self.acks] - self.base
        if len(edge) and (edge <= self.height * (1 + self.headroom)).any():
            x, y = thinning.steps(self.scene.x[self.acks], edge)
            # Above the ACK line, on which it lies while the window is closed.
            style: dict[str, Any] = {"color": self.theme.window, "lw": 1.1, "ls": "--", "zorder": 2.5}
            self.axes.step(x, y, where="post", label="window edge", **style)

    def _ack_line(self) -> None:
        ack = self.scene.packets.ack[self.acks]
        chosen = ack >= self.base
        if not chosen.any():
            return
        x, y = thinning.steps(self.scene.x[self.acks][chosen], np.maximum.accumulate(ack[chosen] - self.base))
        x, y = np.append(x, self.scene.last), np.append(y, y[-1])
        self.axes.step(x, y, where="post", color=self.theme.acked, lw=1.6, label="acknowledged", zorder=2)

    def _sacks(self) -> None:
        blocks = np.array(self.scene.packets.sacked, np.int64).reshape(-1, 3)
        blocks = blocks[blocks[:, 2] > self.base]
        if len(blocks):
            x = self.scene.seconds(blocks[:, 0])
            self._bars(x, blocks[:, 1], blocks[:, 2], self.theme.sacked, 1.2, "SACK")

    def _bars(self, x: Array, low: Array, high: Array, color: str, width: float, label: str) -> None:
        if len(x) > MOST_MARKERS:
            label, width = f"{label} ({len(x):,})", min(width, 1.4)
        x, low, high = thinning.bars(x, low - self.base, high - self.base)
        gaps = np.full(len(x), np.nan)  # one line with gaps: many lines make large files
        self.axes.plot(
            np.stack([x, x, gaps], 1).ravel(),
            np.stack([low, high, gaps], 1).ravel(),
            color=color,
            lw=width,
            solid_capstyle="projecting",  # keeps a bar visible where it is less than a pixel high
            scalex=False,
            scaley=False,
            zorder=3,
            label=label,
        )

    def _segments(self) -> None:
        packets, x, theme = self.scene.packets, self.scene.x, self.theme
        outcomes = self.scene.outcome[self.data]
        for kinds, color, label in (
            ((UNANSWERED,), theme.unsure, "no ACK recorded"),
            ((DELIVERED, SPURIOUS), theme.delivered, "delivered"),
            ((LOST,), theme.lost, "lost"),
        ):
            rows = self.data[np.isin(outcomes, kinds)]
            if not len(rows):
                continue
            low = packets.seq[rows]
            width = 0.8 if LOST in kinds and len(rows) > MOST_MARKERS else 2.4  # must not hide all else
            self._bars(x[rows], low, low + packets.payload[rows], color, width, label)
            again = rows[packets.resent[rows]]
            if 0 < len(again) <= MOST_MARKERS:
                middle = packets.seq[again] - self.base + packets.payload[again] / 2
                self.axes.plot(x[again], middle, "D", color=color, ms=4.6, mec=theme.paper, mew=0.7, zorder=4, ls="")
        if 0 < packets.resent[self.data].sum() <= MOST_MARKERS:
            self.axes.plot([], [], "D", mfc="none", mec=theme.ink, ms=4.6, mew=0.9, ls="", label="sent again")

    def _control_marks(self) -> None:
        """SYN, FIN and RST of both sides, at the height where the sequence or ACK then was."""
        packets = self.scene.packets
        height = np.where(packets.forward, packets.seq, packets.ack) - self.base
        for flag, marker, label in ((SYN, "^", "SYN"), (FIN, "v", "FIN"), (RST, "X", "RST")):
            marked = (packets.flags & flag) != 0
            if marked.any():
                x, y = thinning.points(self.scene.x[marked], np.clip(height[marked], 0, self.height))
                style: dict[str, Any] = {"color": self.theme.ink, "mec": self.theme.paper, "ls": ""}
                self.axes.plot(x, y, marker, ms=7, mew=0.7, zorder=5, label=label, **style)

    def _ptb_lines(self) -> None:
        """PTBs as lines over the full height; labels stand above the axes, near ones share one."""
        scene = self.scene
        over_all = self.axes.get_xaxis_transform()
        x, _ = thinning.points(np.array([x for x, _ in scene.ptbs]), np.zeros(len(scene.ptbs)))
        self.axes.vlines(x, 0, 1, transform=over_all, colors=self.theme.ptb, lw=1, ls=(0, (4, 3)), zorder=1)
        room = LABEL_LETTERS * LETTER_WIDTH * (self.sheet.letters - 1) / (self.sheet.width - 0.8)  # a label's share
        groups = clusters(scene.ptbs, room * scene.span)
        at_edge = len(groups) > 1 and groups[-1][0][0] > scene.first + (1 - room) * scene.span
        # The last label then reaches to the left, where the one before may be.
        if at_edge and groups[-1][0][0] - groups[-2][0][0] < 2 * room * scene.span:
            groups[-2:] = [groups[-2] + groups[-1]]
        for group in groups:
            mtus = sorted({mtu for _, mtu in group})
            named = f"MTU {mtus[0]}" if len(mtus) == 1 else f"MTU {mtus[0]}..{mtus[-1]}"
            right = group[0][0] > scene.first + (1 - room) * scene.span
            self.axes.annotate(
                f"{'PTB' if len(group) == 1 else f'{len(group)} PTBs'}, {named}",
                (group[0][0], 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="right" if right else "left",
                va="bottom",
                color=self.theme.ptb,
                fontsize=self.sheet.letters - 1,
            )

    def call_out(self) -> None:
        """The stalled segment, or the hole, told in words where nothing else is drawn."""
        if self.scene.callout:
            self._stalled()
        elif BY_NAME[self.scene.flow.verdict].at_receiver:
            self._hole()
        elif self.scene.flow.verdict == "zero_window":
            self._closed_window()

    def _stalled(self) -> None:
        scene, stuck = self.scene, self.scene.stuck
        low = int(scene.packets.seq[stuck[0]]) - self.base
        assert scene.flow.stalled is not None  # noqa: S101 - else there is no callout
        size = scene.flow.stalled.payload_len
        x = scene.x[stuck]
        self.axes.plot([x[0], x[-1]], [low + size / 2] * 2, color=self.theme.lost, lw=1, ls=":", zorder=2)
        text = wrapped(scene.callout, self.sheet)
        place = self._free_place(text, (float(x[0]) + float(x[-1])) / 2, low + size)
        self.axes.annotate(
            text,
            xy=(float(x[np.abs(x - place[0]).argmin()]), low + size / 2),
            xytext=place,
            ha="center",
            va="center",
            fontsize=self.sheet.letters,
            color=self.theme.lost,
            fontweight="bold",
            linespacing=1.3,
            bbox={"boxstyle": "round,pad=0.35", "fc": self.theme.paper, "ec": self.theme.lost, "lw": 0.8},
            arrowprops={"arrowstyle": "->", "color": self.theme.lost, "lw": 1},
            zorder=6,
        )

    def _hole(self) -> None:
        """For what a receiver sees of a black hole: the bytes that are missing below a later segment."""
        packets = self.scene.packets
        rows = self.arrived[np.argsort(packets.seq[self.arrived], kind="stable")]
        if len(rows) < 2:
            return
        reach = np.maximum.accumulate(packets.seq[rows] + packets.payload[rows])[:-1]
        gaps = packets.seq[rows][1:] - reach
        i = int(gaps.argmax())
        if gaps[i] <= 0:
            return
        low, high = int(reach[i]) - self.base, int(packets.seq[rows[i + 1]]) - self.base
        since = float(self.scene.x[rows[i + 1 :]].min())
        right = self.axes.get_xlim()[1]
        patch = Rectangle((since, low), right - since, high - low, fc=self.theme.lost, alpha=0.15, ec="none", zorder=0)
        self.axes.add_patch(patch)
        later = rows[i + 1 :][packets.payload[rows[i + 1 :]] == 0]
        x, y = thinning.points(self.scene.x[later], packets.seq[later] - self.base)
        self.axes.plot(x, y, ".", color=self.theme.delivered, ms=7, zorder=4)
        self._headline(f"{high - low:,} bytes never came (shaded), though later ones did")

    def _closed_window(self) -> None:
        """The longest time during which the receiver's window was closed."""
        x, window = self.scene.x[self.acks], self.scene.packets.window[self.acks]
        if not (window == 0).any():
            return
        ends = np.append(x[1:], self.scene.last)
        begins = np.flatnonzero((window == 0) & np.append(True, window[:-1] != 0))
        opens = [int(np.argmax(window[begin:] != 0)) + begin for begin in begins]
        until = [float(x[i]) if window[i] else float(ends[-1]) for i in opens]
        k = int(np.argmax(np.array(until) - x[begins]))
        since = float(x[begins[k]])
        self.axes.axvspan(since, until[k], color=self.theme.lost, alpha=0.15, lw=0, zorder=0)
        self._headline(f"the receiver's window was closed for {seconds(until[k] - since)} (shaded)")

    def _headline(self, text: str) -> None:
        """Words above the data."""
        left, right = self.axes.get_xlim()
        self.axes.text(
            (left + right) / 2,
            self.height * (1 + self.headroom / 2),
            wrapped(text, self.sheet),
            ha="center",
            va="center",
            fontsize=self.sheet.letters,
            color=self.theme.lost,
            fontweight="bold",
        )

    def _free_place(self, text: str, wanted: float, above: float) -> tuple[float, float]:
        """Centre for the callout: near `wanted`, just above height `above`, clear of bars and ACK line."""
        scene = self.scene
        left, right = self.axes.get_xlim()
        bottom, ceiling = self.axes.get_ylim()
        wide, high = share_of(text, self.axes, self.sheet)
        half, margin = wide / 2 * (right - left), high / 2 * (ceiling - bottom)
        x = min(max(wanted, left + half), max(right - half, (left + right) / 2))
        near = self.data[np.abs(scene.x[self.data] - x) < half]
        lows = scene.packets.seq[near] - self.base
        tops = lows + scene.packets.payload[near]
        acked = scene.packets.ack[self.acks[np.abs(scene.x[self.acks] - x) < half]] - self.base
        for y in np.arange(above + 2.2 * margin, ceiling - margin, margin / 2):
            under, over = y - margin, y + margin
            if not ((lows < over) & (tops > under)).any() and not ((acked < over) & (acked > under)).any():
                return x, float(y)
        return x, ceiling - margin
