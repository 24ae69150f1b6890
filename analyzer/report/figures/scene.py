"""What the plots of one flow have in common: which packets, which stretch of time, what became of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.evidence.outcomes import DELIVERED, LOST, NONE
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import bracket, plural, seconds
from analyzer.model.verdicts import BY_NAME
from analyzer.report.figures.drawn_packets import FIN, RST, Packets

Array = np.ndarray[Any, Any]

SHOWN_GAPS = 8


class Scene:
    """A flow's packets worth showing; times are seconds from the flow's start."""

    def __init__(self, analysis: Analysis, flow: Flow, packets: Packets) -> None:
        self.flow = flow
        stuck = self._stuck(packets)
        outcome = self._outcomes(packets, stuck)
        shown = self._worth_showing(packets.ts, stuck)
        self.packets = packets.where(shown)
        self.outcome = outcome[shown]
        self.stuck = np.flatnonzero(stuck[shown])
        self.x = self.seconds(self.packets.ts)
        self.first = float(self.x.min())
        self.last = self._until(analysis)
        self.ptbs = [
            (float(self.seconds(np.array([ts]))[0]), mtu)
            for ts, stream, mtu, _ in analysis.ptb_timeline
            if stream == flow.stream and self.packets.ts[0] <= ts <= self.packets.ts[-1] + 1_000_000_000
        ]

    def seconds(self, ts: Array) -> Array:
        """Times in ns as seconds from the flow's start."""
        return np.asarray((ts - self.flow.first_time) / 1e9)

    @property
    def span(self) -> float:
        """Seconds shown."""
        return (self.last - self.first) or 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the time axis, with a margin."""
        return self.first - 0.02 * self.span, self.last + 0.04 * self.span

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

    @staticmethod
    def _worth_showing(ts: Array, stuck: Array) -> Array:
        """All packets, or those of the stall if that is a small part of a long flow."""
        if not stuck.any():
            return np.ones(len(ts), bool)
        start, end = int(ts[stuck][0]), int(ts[-1])
        before = max((end - start) // 4, 200_000_000)
        if start - int(ts[0]) <= 3 * (end - start + before):
            return np.ones(len(ts), bool)
        return np.asarray(ts >= start - before)

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
        text = (
            f"{stalled.ip_len}-byte packet{df}: sent again {times(stalled.retransmissions)}, "
            f"stalled for {seconds(stalled.seconds)}"
        )
        gaps = np.diff(self.x[self.stuck])
        if len(gaps) > 1:
            shown = ", ".join(f"{gap:.2g}" if gap < 10 else f"{gap:.0f}" for gap in gaps[:SHOWN_GAPS])
            text += f"\nagain after {shown}{', ...' if len(gaps) > SHOWN_GAPS else ''}\u00a0s"
        return text

    @property
    def title(self) -> str:
        """The verdict's path MTU, or empty."""
        size = bracket(self.flow.path_mtu)
        return f"path MTU {size} bytes" if size != "-" else ""


def times(count: int) -> str:
    """once, twice, 5 times."""
    return {1: "once", 2: "twice"}.get(count, f"{plural(count, 'time')}")
