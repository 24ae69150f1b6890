"""The recorded packets of one flow from one side, and how to find those that a question is about.

A question about one run of retransmissions costs what lies in its time, not what lies in the flow. Emits `Exchange`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from analyzer.evidence.answered import Asked, asked_of
from analyzer.evidence.effort import Effort
from analyzer.evidence.in_time import InTime
from analyzer.evidence.segments import Segment
from analyzer.model.statement import FrameRef
from analyzer.settings import MAX_EVENTS_PER_FLOW


class Spans:
    """Bytes, as ranges of sequence numbers that neither overlap nor touch."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(ranges):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def hold(self, left: int, right: int | None = None) -> bool:
        """True if all of [left, right) is among them; without `right`, the one byte."""
        at = bisect_right(self._starts, left) - 1
        return at >= 0 and (left + 1 if right is None else right) <= self._ends[at]


@dataclass(kw_only=True)
class Exchange:
    """The packets of a flow in the order of the file, seen from `side`; its peer is the other one."""

    side: int
    segments: list[Segment]
    effort: Effort = field(default_factory=lambda: Effort(MAX_EVENTS_PER_FLOW))  # of the flow, for both sides

    def _in_time(self, segments: list[Segment]) -> InTime[Segment]:
        return InTime(segments, [s.ts for s in segments], self.effort)

    @cached_property
    def exchanged(self) -> InTime[Segment]:
        """All packets."""
        return self._in_time(self.segments)

    @cached_property
    def sent(self) -> InTime[Segment]:
        """The packets of this side."""
        return self._in_time([s for s in self.segments if s.side == self.side])

    @cached_property
    def heard(self) -> InTime[Segment]:
        """The packets of the peer."""
        return self._in_time([s for s in self.segments if s.side != self.side])

    @cached_property
    def data_sent(self) -> InTime[Segment]:
        """The data packets of this side."""
        return self._in_time([s for s in self.segments if s.side == self.side and s.data])

    @cached_property
    def resent(self) -> InTime[Segment]:
        """The retransmissions of this side."""
        return self._in_time([s for s in self.segments if s.side == self.side and s.resent])

    @cached_property
    def acks_in_turn(self) -> InTime[tuple[Segment, Segment]]:
        """Each ACK of the peer behind the one before it, at the time of the later."""
        turns = list(pairwise(s for s in self.heard.items if s.has_ack))
        return InTime(turns, [ack.ts for _, ack in turns], self.effort)

    @cached_property
    def asked(self) -> InTime[Asked]:
        """What the peer sent that asks for an acknowledgement, and what became of that."""
        asked = asked_of(self.segments, self.side)
        return InTime(asked, [each.segment.ts for each in asked], self.effort)

    @cached_property
    def fins(self) -> frozenset[int]:
        """Sequence numbers of this side's FINs."""
        return frozenset(s.end - 1 for s in self.sent.items if s.fin)

    @cached_property
    def first_rst(self) -> Segment | None:
        """The peer's first RST, or None."""
        return next((s for s in self.heard.items if s.rst), None)

    @cached_property
    def first_fin(self) -> Segment | None:
        """The peer's first FIN, or None."""
        return next((s for s in self.heard.items if s.fin), None)

    @cached_property
    def _places(self) -> dict[FrameRef, int]:
        return {segment.ref: i for i, segment in enumerate(self.segments)}

    def position(self, segment: Segment) -> int:
        """The index of a recorded packet among the segments."""
        return self._places[segment.ref]

    def time_of(self, ref: FrameRef) -> int:
        """When a recorded packet was captured, ns."""
        return self.segments[self._places[ref]].ts

    @cached_property
    def _data_places(self) -> list[int]:
        return [self._places[s.ref] for s in self.data_sent.items]

    def data_before(self, segment: Segment) -> Segment | None:
        """The last data packet of this side in front of a recorded packet, or None."""
        at = bisect_left(self._data_places, self.position(segment))
        return self.data_sent.items[at - 1] if at else None

    @cached_property
    def _new_places(self) -> list[int]:
        heard = self.heard.items
        return [self._places[s.ref] for s in heard if s.payload and not s.resent and not s.keepalive]

    def spoken_before(self, segment: Segment) -> Segment | None:
        """The last new data of the peer in front of a recorded packet, or None."""
        at = bisect_left(self._new_places, self.position(segment))
        return self.segments[self._new_places[at - 1]] if at else None

    @cached_property
    def _spoken_times(self) -> list[int]:
        return sorted(s.ts for s in self.heard.items if not s.rst)

    def speaks_between(self, after: int, until: int) -> bool:
        """True if the peer sends something, other than a RST, in (after, until]."""
        return bisect_right(self._spoken_times, after) < bisect_right(self._spoken_times, until)

    @cached_property
    def _peer_resends(self) -> dict[int, InTime[Segment]]:
        found: dict[int, list[Segment]] = defaultdict(list)
        for s in self.heard.items:
            if s.resent:
                found[s.seq].append(s)
        return {seq: self._in_time(segments) for seq, segments in found.items()}

    def resent_by_peer(self, seq: int, after: int) -> list[Segment]:
        """What the peer sent again with that sequence number later than `after`."""
        resends = self._peer_resends.get(seq)
        return resends.between(after + 1, 1 << 62) if resends is not None else []

    @cached_property
    def _data_spans(self) -> Spans:
        return Spans((s.seq, s.seq + s.payload) for s in self.data_sent.items)

    def carried(self, left: int, right: int) -> bool:
        """True if data packets of this side in the capture hold all of the bytes [left, right)."""
        return left >= right or self._data_spans.hold(left, right)

    @cached_property
    def sacked(self) -> Spans:
        """Bytes of this side that SACK blocks of the peer name."""
        return Spans({block for s in self.heard.items for block in s.sack})
