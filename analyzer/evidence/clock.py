"""Times that go backwards within a flow: a clock that was set, or packets that are not in the order of their times.

Emits `Straightened`. A capture's clock may step (NTP, a virtual machine that was moved); then the order of the file
is right. Or the file is made of parts in the wrong order; then the times are. The numbers tell: acknowledgements never
fall, sequence numbers only where something is sent again, and nothing is acknowledged before it is sent (RFC 9293 3.4).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from analyzer.evidence.segments import Segment
from analyzer.model.statement import FrameRef
from analyzer.settings import BACKWARDS_NS


@dataclass(frozen=True)
class Straightened:
    """Segments whose times never fall by more than BACKWARDS_NS, and what was done for that."""

    segments: list[Segment]
    stepped: tuple[tuple[FrameRef, int], ...] = ()  # from that frame on so many ns were added
    disordered: bool = False  # the file is not in the order of its times: nothing that was followed in it holds

    @cached_property
    def _steps(self) -> list[FrameRef]:
        return [frame for frame, _ in self.stepped]

    @cached_property
    def _frames(self) -> list[FrameRef]:
        return [segment.ref for segment in self.segments]

    def time_of(self, ref: FrameRef, ts: int) -> int:
        """The time of another packet of the file on this time line, ns."""
        at = bisect_right(self._steps, ref)
        added = self.stepped[at - 1][1] if at else 0
        before = bisect_right(self._frames, ref)
        if before and at < len(self.stepped) and ts + added < self.segments[before - 1].ts - BACKWARDS_NS:
            added = self.stepped[at][1]  # the clock was set between the flow's packet before it and this one
        return ts + added


def straighten(segments: list[Segment]) -> Straightened:
    """Set right the times of a flow's packets, in the order of the file."""
    if all(b.ts >= a.ts - BACKWARDS_NS for a, b in pairwise(segments)):
        return Straightened(segments)
    if _falls(sorted(segments, key=lambda s: s.ts)) < _falls(segments):
        return Straightened(segments, disordered=True)
    out: list[Segment] = []
    stepped: list[tuple[FrameRef, int]] = []
    added = 0
    for segment in segments:
        if out and segment.ts + added < out[-1].ts - BACKWARDS_NS:
            added = out[-1].ts - segment.ts
            stepped.append((segment.ref, added))
        out.append(segment._replace(ts=segment.ts + added) if added else segment)
    return Straightened(out, tuple(stepped))


def _falls(segments: list[Segment]) -> int:
    """How often numbers are out of order: lower than the same host's before, or acknowledging what is yet to come."""
    found = 0
    last_ack, last_seq, sent = [0, 0], [0, 0], [0, 0]
    for segment in segments:
        side = segment.side
        if segment.has_ack:
            found += segment.ack < last_ack[side]
            found += 0 < sent[1 - side] < segment.ack
            last_ack[side] = segment.ack
        found += segment.seq < last_seq[side]
        last_seq[side] = segment.seq
        sent[side] = max(sent[side], segment.end)
    return found
