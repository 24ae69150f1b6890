"""The time-sequence plot: what was sent when, what was acknowledged, and what stuck.

x is time (see `time_axis`), y bytes of the sequence, counted from the lowest shown. No meaning rests on colour alone:
what was lost bears a cross, what was sent again a diamond, what no ACK is known of is dashed, SACKs have caps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from analyzer.evidence.outcomes import DELIVERED, LOST, SPURIOUS, UNANSWERED
from analyzer.model.text import seconds
from analyzer.model.verdicts import BY_NAME
from analyzer.report.figures import thinning
from analyzer.report.figures.caption import BELOW, draw_ptb_labels, draw_words, strip_of
from analyzer.report.figures.drawn_packets import FIN, RST, SYN
from analyzer.report.figures.palette import Theme
from analyzer.report.figures.panels import Sheet, dress, dress_time, wrapped
from analyzer.report.figures.scene import Array, Scene
from analyzer.report.figures.time_axis import WaitingAxis

MOST_MARKERS = 300
"""Marks of one kind that stand beside their bars; more would hide one another."""

MARK_SIZE: dict[str, Any] = {"ms": 5.5, "mew": 1.5}

KINDS = (
    ((UNANSWERED,), "unsure", "no ACK recorded", (0, (1.4, 0.9)), "s"),
    ((DELIVERED, SPURIOUS), "delivered", "delivered", "-", ""),
    ((LOST,), "lost", "lost", "-", "x"),
)
"""Outcomes: their role in the palette, name, line, and the mark of what was sent for the first time."""


class SequencePlot:
    """Draws a scene into axes; the words come once the place of the axes on the figure is settled."""

    def __init__(self, scene: Scene, axes: Axes, theme: Theme, sheet: Sheet) -> None:
        self.scene, self.axes, self.theme, self.sheet = scene, axes, theme, sheet
        packets = scene.packets
        self.data = np.flatnonzero(packets.carrying)
        self.acks = np.flatnonzero(packets.acknowledging)
        self.arrived = self._arrived()
        self.base, self.top = self._range()
        self.height = self.top - self.base
        self.inside: list[Artist] = []
        """What would reach into the strip of the words, were it not cut off."""

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

    def draw(self) -> None:
        """Everything but the words and what depends on the room that they take."""
        axes = self.axes
        dress_time(axes, self.scene.axis, self.theme, self.sheet)
        dress(axes, self.theme, self.sheet)
        ticks = MaxNLocator(6, integer=True).tick_values(0, self.height)
        axes.set_yticks([float(tick) for tick in ticks if 0 <= tick <= self.height])
        axes.set_ylim(-BELOW * self.height, 1.3 * self.height)
        axes.set_ylabel("sequence number, bytes", fontsize=self.sheet.letters)
        self._ack_line()
        self._sacks()
        self._segments()
        self._control_marks()
        self._ptb_lines()
        self._window()
        if isinstance(self.scene.axis, WaitingAxis) and self.scene.axis.broken:
            axes.plot([], [], "s", color=self.theme.grid, ms=9, label="silence, cut short")

    def _window(self) -> None:
        """How far the receiver allows; where that is far above the data, the window is told instead."""
        packets, scene = self.scene.packets, self.scene
        bare = self.acks[(packets.flags[self.acks] & (SYN | RST)) == 0]
        if not len(bare):
            return
        window = packets.window[bare]
        edge = packets.ack[bare] + window - self.base
        if scene.scale_known and (edge <= self.height).any():
            x = scene.x[bare]
            x, y = thinning.steps(x, edge, scene.axis.share(x))
            # Above the ACK line, on which it lies while the window is closed.
            style: dict[str, Any] = {"color": self.theme.window, "lw": 1.2, "ls": "--", "zorder": 2.5}
            (line,) = self.axes.step(x, y, where="post", label="window edge", **style)
            self.inside.append(line)
        elif window.min() > 0 and edge.min() > self.height:
            self.axes.plot([], [], ls="", label=window_text(window, known=scene.scale_known))

    def _ack_line(self) -> None:
        ack = self.scene.packets.ack[self.acks]
        chosen = ack >= self.base
        if not chosen.any():
            return
        x = self.scene.x[self.acks][chosen]
        x, y = thinning.steps(x, np.maximum.accumulate(ack[chosen] - self.base), self.scene.axis.share(x))
        x, y = np.append(x, self.scene.last), np.append(y, y[-1])
        style: dict[str, Any] = {"color": self.theme.acked, "lw": 1.6, "zorder": 2}
        (line,) = self.axes.step(x, y, where="post", label="acknowledged", **style)
        self.inside.append(line)

    def _sacks(self) -> None:
        blocks = np.array(self.scene.packets.sacked, np.int64).reshape(-1, 3)
        blocks = blocks[blocks[:, 2] > self.base]
        if not len(blocks):
            return
        x, low, high = self.scene.seconds(blocks[:, 0]), blocks[:, 1], blocks[:, 2]
        capped = len(blocks) <= MOST_MARKERS
        self._bars(x, low, high, self.theme.sacked, 1.0, "SACK", mark="_" if capped else "")

    def _bars(
        self, x: Array, low: Array, high: Array, color: str, width: float, label: str, ls: Any = "-", mark: str = ""
    ) -> None:
        if len(x) > MOST_MARKERS:
            label, width = f"{label} ({len(x):,})", min(width, 1.4)
        x, low, high = thinning.bars(x, low - self.base, high - self.base, self.scene.axis.share(x))
        gaps = np.full(len(x), np.nan)  # one line with gaps: many lines make large files
        (line,) = self.axes.plot(
            np.stack([x, x, gaps], 1).ravel(),
            np.stack([low, high, gaps], 1).ravel(),
            color=color,
            lw=width,
            ls=ls,
            marker="_" if mark == "_" else "",
            **MARK_SIZE,
            solid_capstyle="projecting",  # keeps a bar visible where it is less than a pixel high
            scalex=False,
            scaley=False,
            zorder=3,
        )
        self.inside.append(line)
        self.axes.plot([], [], color=color, lw=width, ls=ls, marker=mark, label=label, **MARK_SIZE)

    def _segments(self) -> None:
        packets, x = self.scene.packets, self.scene.x
        outcomes = self.scene.outcome[self.data]
        for kinds, role, label, ls, mark in KINDS:
            rows = self.data[np.isin(outcomes, kinds)]
            if not len(rows):
                continue
            color = getattr(self.theme, role)
            low = packets.seq[rows]
            width = 0.8 if LOST in kinds and len(rows) > MOST_MARKERS else 2.4  # must not hide all else
            self._bars(x[rows], low, low + packets.payload[rows], color, width, label, ls, mark if mark == "x" else "")
            again = packets.resent[rows]
            if mark == "x":
                self._marks(rows[~again], "x", color, **MARK_SIZE)
            # Filled where it was delivered, hollow where not.
            fill = (
                {"mec": self.theme.paper, "mew": 0.7}
                if not mark
                else {"mfc": self.theme.paper, "mec": color, "mew": 1.4}
            )
            self._marks(rows[again], "D", color, ms=4.8, label=f"sent again, {label}", **fill)

    def _marks(self, rows: Array, marker: str, color: str, **style: Any) -> None:
        """Marks at the middle of some segments; none where they are too many."""
        if 0 < len(rows) <= MOST_MARKERS:
            packets = self.scene.packets
            middle = packets.seq[rows] - self.base + packets.payload[rows] / 2
            self.axes.plot(self.scene.x[rows], middle, marker, color=color, zorder=4, ls="", **style)

    def _control_marks(self) -> None:
        """SYN, FIN and RST of both sides, at the height where the sequence or ACK then was."""
        packets = self.scene.packets
        height = np.where(packets.forward, packets.seq, packets.ack) - self.base
        for flag, marker, label in ((SYN, "^", "SYN"), (FIN, "v", "FIN"), (RST, "X", "RST")):
            marked = (packets.flags & flag) != 0
            if marked.any():
                x = self.scene.x[marked]
                x, y = thinning.points(x, np.clip(height[marked], 0, self.height), self.scene.axis.share(x))
                style: dict[str, Any] = {"color": self.theme.ink, "mec": self.theme.paper, "ls": ""}
                self.axes.plot(x, y, marker, ms=7, mew=0.7, zorder=5, label=label, **style)

    def _ptb_lines(self) -> None:
        """PTBs as lines over all of the data's height."""
        if self.scene.ptbs:
            at = np.array([x for x, _ in self.scene.ptbs])
            x, _ = thinning.points(at, np.zeros(len(at)), self.scene.axis.share(at))
            style: dict[str, Any] = {"colors": self.theme.ptb, "lw": 1, "ls": (0, (4, 3)), "zorder": 1}
            lines = self.axes.vlines(x, 0, 1, transform=self.axes.get_xaxis_transform(), **style)
            self.inside.append(lines)

    def call_out(self) -> None:
        """The stalled segment, or the hole, told in words above the data."""
        scene = self.scene
        text = ""
        if scene.callout:
            text = scene.callout
        elif BY_NAME[scene.flow.verdict].at_receiver:
            text = self._hole()
        else:
            text = self._closed_window()
        text = wrapped(text, self.sheet)
        strip = strip_of(self.axes, scene, text, self.sheet)
        self.axes.set_ylim(-BELOW * self.height, strip.top * self.height)
        for artist in self.inside:
            artist.set_clip_path(Rectangle((0, 0), 1, strip.labels, transform=self.axes.transAxes))
        labels = draw_ptb_labels(self.axes, scene, strip.labels, self.theme, self.sheet)
        if text:
            target = self._stalled(labels) if scene.callout else None
            draw_words(self.axes, scene, text, target, self.theme, self.sheet)

    def _stalled(self, labels: list[tuple[float, float]]) -> tuple[float, float]:
        """Join the transmissions of the stalled segment; the end of an arrow to that which has least above it."""
        scene, stuck = self.scene, self.scene.stuck
        packets = scene.packets
        low = int(packets.seq[stuck[0]]) - self.base
        assert scene.flow.stalled is not None  # noqa: S101 - else there is no callout
        size = scene.flow.stalled.payload_len
        x = scene.x[stuck]
        self.axes.plot([x[0], x[-1]], [low + size / 2] * 2, color=self.theme.lost, lw=1, ls=":", zorder=2)
        places = scene.axis.share(x)
        above = self.data[packets.seq[self.data] - self.base >= low + size]
        others = scene.axis.share(scene.x[above])
        middle = (places[0] + places[-1]) / 2

        def crossed(place: float) -> tuple[int, float]:
            bars = int((np.abs(others - place) < 0.01).sum())
            return bars + sum(left - 0.01 < place < right + 0.01 for left, right in labels), abs(place - middle)

        place = min(places.tolist(), key=crossed)
        return place, low + size

    def _hole(self) -> str:
        """For what a receiver sees of a black hole: the bytes that are missing below a later segment."""
        packets = self.scene.packets
        rows = self.arrived[np.argsort(packets.seq[self.arrived], kind="stable")]
        if len(rows) < 2:
            return ""
        reach = np.maximum.accumulate(packets.seq[rows] + packets.payload[rows])[:-1]
        gaps = packets.seq[rows][1:] - reach
        i = int(gaps.argmax())
        if gaps[i] <= 0:
            return ""
        low, high = int(reach[i]) - self.base, int(packets.seq[rows[i + 1]]) - self.base
        since = float(self.scene.x[rows[i + 1 :]].min())
        right = self.axes.get_xlim()[1]
        patch = Rectangle((since, low), right - since, high - low, fc=self.theme.lost, alpha=0.15, ec="none", zorder=0)
        self.axes.add_patch(patch)
        later = rows[i + 1 :][packets.payload[rows[i + 1 :]] == 0]
        x = self.scene.x[later]
        x, y = thinning.points(x, packets.seq[later] - self.base, self.scene.axis.share(x))
        self.axes.plot(x, y, ".", color=self.theme.delivered, ms=7, zorder=4)
        return f"{high - low:,} bytes never came (shaded), though later ones did"

    def _closed_window(self) -> str:
        """The longest time during which the receiver's window was closed."""
        if self.scene.closed is None:
            return ""
        since, until = self.scene.closed
        self.inside.append(self.axes.axvspan(since, until, color=self.theme.lost, alpha=0.15, lw=0, zorder=0))
        return f"the receiver's window was closed for {seconds(until - since)} (shaded)"


def window_text(window: Array, *, known: bool) -> str:
    """Windows in bytes that had room for all that is drawn: "window 64,512, open", ">=" where it changes."""
    least = int(window.min())
    if not known:  # what the header holds, to be multiplied by what only a SYN tells
        return f"window >= {least:,}, open (scale not captured)"
    return f"window {'' if least == window.max() else '>= '}{least:,}, open"
