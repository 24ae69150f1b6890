"""What the plots of one flow have in common: which packets, which stretch of time, what became of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.evidence.outcomes import DELIVERED, LOST, NONE
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import bracket, seconds, times
from analyzer.model.verdicts import BY_NAME
from analyzer.report.figures.drawn_packets import FIN, RST, SYN, Packets
from analyzer.report.figures.time_axis import LEAST_TRIES, WaitingAxis, axis_of

Array = np.ndarray[Any, Any]

SHOWN_GAPS = 8

SHOWN_FLIGHTS = 3
"""Before and behind a stuck segment, as much data is drawn as so many flights like its own hold."""

LEAST_SEGMENTS = 10
"""A flight counts as so many segments at least: the initial window (RFC 6928)."""


class Scene:
    """A flow's packets worth showing; times are seconds from the flow's start."""

    def __init__(self, analysis: Analysis, flow: Flow, packets: Packets) -> None:
        self.flow = flow
        stuck = self._stuck(packets)
        outcome = self._outcomes(packets, stuck)
        opening = packets.flags & SYN != 0
        self.scale_known = bool((opening & packets.forward).any() and (opening & ~packets.forward).any())
        shown = self._worth_showing(packets, stuck)
        self.packets = packets.where(shown)
        self.outcome = outcome[shown]
        self.stuck = np.flatnonzero(stuck[shown])
        self.x = self.seconds(self.packets.ts)
        self.first = float(self.x.min())
        self.last = self._until(analysis)
        self.closed = self._closed() if flow.verdict == "zero_window" and not len(self.stuck) else None
        tries, over = self._waits()
        self.axis = axis_of(self.x, tries, over, self.last)
        self.ptbs = [
            (float(self.seconds(np.array([ts]))[0]), mtu)
            for ts, stream, mtu, _ in analysis.ptb_timeline
            if stream == flow.stream and self.packets.ts[0] <= ts <= self.packets.ts[-1] + 1_000_000_000
        ]

    def seconds(self, ts: Array) -> Array:
        """Times in ns as seconds from the flow's start."""
        return np.asarray((ts - self.flow.first_time) / 1e9)

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the time axis in seconds from the flow's start, with a margin."""
        return self.axis.limits

    @property
    def counts_from(self) -> tuple[str, int]:
        """From where the time axis counts, in words and as ns."""
        if not isinstance(self.axis, WaitingAxis):
            return "the start of the flow", self.flow.first_time
        if self.closed is not None:
            return "the window closed", int(self.packets.ts[np.searchsorted(self.x, self.closed[0])])
        first = self.stuck[0]
        again = bool(self.packets.resent[first])  # the first transmission is beyond what was recorded
        return "a retransmission" if again else "the stalled packet was first seen", int(self.packets.ts[first])

    def _waits(self) -> tuple[list[float], float | None]:
        """The times that `axis_of` asks for: what broke the silence of a wait, and when that was over."""
        if self.closed is not None:
            since, until = self.closed
            between = self.x[(self.x > since) & (self.x < until)].tolist()
            return [since, *between, until], until if (self.packets.carrying & (self.x > until)).any() else None
        stalled = self.flow.stalled
        if stalled is None or len(self.stuck) < LEAST_TRIES:
            return [], None
        tries = self.x[self.stuck].tolist()
        over = max(float(self.seconds(np.array([stalled.first_time]))[0]) + stalled.seconds, tries[-1])
        return tries, over if (self.packets.carrying & (self.x > over)).any() else None

    def _closed(self) -> tuple[float, float] | None:
        """The longest time during which the receiver's window was closed: seconds from the flow's start."""
        acks = np.flatnonzero(self.packets.acknowledging)
        x, window = self.x[acks], self.packets.window[acks]
        if not (window == 0).any():
            return None
        begins = np.flatnonzero((window == 0) & np.append(True, window[:-1] != 0))
        opens = [int(np.argmax(window[begin:] != 0)) + begin for begin in begins]
        until = [float(x[i]) if window[i] else self.last for i in opens]
        k = int(np.argmax(np.array(until) - x[begins]))
        return float(x[begins[k]]), until[k]

    def _stuck(self, packets: Packets) -> Array:
        """True for each transmission of the stalled segment."""
        stalled = self.flow.stalled
        if stalled is None:
            return np.zeros(len(packets), bool)
        file = stalled.first_frame.file
        frames = [ref.frame for ref in stalled.frames if ref.file == file]
        return np.asarray(np.isin(packets.frame, frames) & (packets.file == file) & (packets.payload > 0))

    def _outcomes(self, packets: Packets, stuck: Array) -> Array:
        """What became of each packet: the stuck ones are lost if anything says so, the verdict or their like."""
        if BY_NAME[self.flow.verdict].at_receiver:  # at the receiver all that is seen has arrived
            return np.where(packets.carrying, DELIVERED, NONE)
        outcome = packets.outcome.copy()
        outcome[stuck & (outcome != DELIVERED)] = LOST
        return outcome

    def _worth_showing(self, packets: Packets, stuck: Array) -> Array:
        """All packets, or those around the stall if that is a small part of a long flow, in time or in bytes."""
        ts = packets.ts
        shown = np.ones(len(ts), bool)
        if not stuck.any():
            return shown
        start, end = int(ts[stuck][0]), int(ts[-1])
        before = max((end - start) // 4, 200_000_000)
        if start - int(ts[0]) > 3 * (end - start + before):
            shown &= ts >= start - before
        if stuck.sum() >= LEAST_TRIES:
            shown &= self._near(packets, stuck)
        return shown

    @staticmethod
    def _near(packets: Packets, stuck: Array) -> Array:
        """Packets of the time in which data was sent that is a few flights away from what got stuck at most."""
        tries = np.flatnonzero(stuck)
        first = tries[0]
        low, size = int(packets.seq[first]), int(packets.payload[first])
        ends = packets.seq + packets.payload
        flying = packets.carrying & (packets.ts >= packets.ts[first]) & (packets.ts < packets.ts[tries[1]])
        flight = max(int(ends[flying].max(initial=low)) - low, LEAST_SEGMENTS * size)
        behind = packets.carrying & (packets.ts < packets.ts[first]) & (ends < low - SHOWN_FLIGHTS * flight)
        beyond = packets.carrying & (packets.seq > low + (1 + SHOWN_FLIGHTS) * flight)
        since = packets.ts[behind].max() if behind.any() else packets.ts[0]
        until = packets.ts[beyond].min() if beyond.any() else packets.ts[-1]
        return np.asarray((packets.ts >= since) & (packets.ts <= max(until, packets.ts[tries[-1]])))

    def _until(self, analysis: Analysis) -> float:
        """Right end: silence after a hole is part of the story, but must not squeeze the rest away."""
        last = float(self.x.max())
        if not BY_NAME[self.flow.verdict].at_receiver or (self.packets.flags & (FIN | RST)).any():
            return last
        silence = float(self.seconds(np.array([analysis.last_time]))[0]) - last
        return last + min(max(silence, 0.0), 2 * (last - self.first))

    @property
    def share(self) -> str:
        """How many of the flow's packets are drawn; empty if all are."""
        drawn, whole = len(self.packets), self.flow.packet_count
        return f"{drawn:,} of its {whole:,} packets drawn" if drawn < whole else ""

    @property
    def callout(self) -> str:
        """What stuck, how often it was sent and in what rhythm; empty where nothing stuck."""
        stalled = self.flow.stalled
        if stalled is None or not len(self.stuck):
            return ""
        df = " with DF" if stalled.df and self.flow.version == 4 else ""
        text = f"{stalled.ip_len}-byte packet{df}: sent again {times(stalled.retransmissions)}"
        if stalled.waited:
            text += f", stalled for {seconds(stalled.seconds)}"
        gaps = np.diff(self.x[self.stuck])
        if len(gaps) > 1:
            shown = ", ".join(f"{gap:.2g}" if gap < 10 else f"{gap:.0f}" for gap in gaps[:SHOWN_GAPS])
            text += f"\nagain after {shown}{', ...' if len(gaps) > SHOWN_GAPS else ''}\u00a0s"
        return text

    @property
    def title(self) -> str:
        """The verdict's path MTU, or empty."""
        size = bracket(self.flow.path_mtu.on_links_of(self.flow.sender.ip))
        return f"path MTU {size} bytes" if size != "-" else ""
