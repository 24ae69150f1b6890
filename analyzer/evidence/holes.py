"""Bytes that never came: what a black hole looks like from behind the narrow hop.

Emits `Hole`. Beyond the narrow hop no retransmission is visible. What is visible is a gap in the received
stream that is not filled (or only much later), while smaller packets sent after it arrive.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property

from analyzer.evidence.effort import Effort
from analyzer.evidence.segments import Segment
from analyzer.model.wire_sizes import ETHERNET_MSS
from analyzer.settings import LEAST_FULL_PAYLOAD

TIMESTAMPS_OPTION = 12  # bytes that timestamps take from each segment (RFC 7323 3.2, padded)


@dataclass
class Came:
    """A part of the packets of a direction: from `since` on, and before `until`."""

    packets: list[Segment]
    since: int
    effort: Effort
    until: int | None = None  # None: all

    def taken(self) -> list[Segment]:
        """Those packets."""
        found = self.packets[self.since : self.until]
        self.effort.spend(len(found))
        return found


@dataclass
class Hole:
    """Missing bytes [start, end) of one direction."""

    start: int
    end: int
    opened_by: Segment
    came: Came | None = None  # what came while it was open
    filled_by: list[Segment] = field(default_factory=list)
    filled_ts: int | None = None  # None: still open when the capture ends
    parts: list[tuple[int, int]] = field(default_factory=list)  # what is still missing
    acknowledged: bool = False  # the peer has the bytes: the capture lost them, not the path

    @cached_property
    def arrived(self) -> list[Segment]:
        """What came from beyond the hole while it was open."""
        return [] if self.came is None else [s for s in self.came.taken() if s.seq >= self.end]

    @property
    def missing(self) -> int:
        """Bytes missing when it opened."""
        return self.end - self.start

    def seconds_open(self, capture_end: int) -> float:
        """How long the bytes were missing."""
        return max((self.filled_ts if self.filled_ts is not None else capture_end) - self.opened_by.ts, 0) / 1e9

    def fill(self, segment: Segment) -> None:
        """Take the bytes of a late segment out of what is missing."""
        left, right = segment.seq, segment.seq + segment.payload
        rest = []
        for start, end in self.parts:
            rest += [(a, b) for a, b in ((start, min(end, left)), (max(start, right), end)) if a < b]
        self.parts = rest
        self.filled_by.append(segment)
        if not rest:
            self.filled_ts = segment.ts


def holes_of(segments: list[Segment], side: int, una: int, effort: Effort | None = None) -> list[Hole]:
    """Holes in the data of `side`, as the capture point saw it, in order.

    A hole that the peer acknowledges without the capture having seen its bytes was made by the capture: it is marked
    so. `una` is the highest acknowledgement of the whole capture, recorded or not. What is open is drawn from `effort`.
    """
    effort = effort or Effort(len(segments))
    holes: list[Hole] = []
    open_holes: list[Hole] = []  # in order, like their ends
    ends: list[int] = []
    came: list[Segment] = []
    highest: int | None = None

    def close(first: int, last: int) -> None:
        for hole in open_holes[first:last]:
            if hole.came is not None:
                hole.came.until = len(came)
        del open_holes[first:last], ends[first:last]

    for segment in segments:
        if segment.side != side:
            if segment.has_ack:
                acknowledged = bisect_right(ends, segment.ack)
                for hole in open_holes[:acknowledged]:
                    hole.acknowledged = True
                close(0, acknowledged)
                if highest is not None and segment.ack > highest:
                    holes.append(Hole(highest, segment.ack, segment, acknowledged=True))
                    highest = segment.ack
            continue
        if segment.keepalive or segment.rst:
            continue
        if segment.syn:
            # Another attempt may have another initial sequence number: what came before it was no data.
            dropped = {id(hole) for hole in open_holes}
            holes = [hole for hole in holes if id(hole) not in dropped]
            open_holes, ends = [], []
            highest = segment.end
            continue
        # A bare ACK carries SND.NXT: it too tells that bytes before it were sent and did not come.
        if segment.data:
            at = bisect_right(ends, segment.seq)
            while at < len(open_holes) and open_holes[at].start < segment.end:
                effort.spend(1)
                open_holes[at].fill(segment)
                if open_holes[at].filled_ts is not None:
                    close(at, at + 1)
                else:
                    at += 1
        if highest is not None and segment.seq > highest:
            hole = Hole(highest, segment.seq, segment, Came(came, len(came), effort), parts=[(highest, segment.seq)])
            holes.append(hole)
            open_holes.append(hole)
            ends.append(hole.end)
        came.append(segment)
        highest = segment.end if highest is None else max(highest, segment.end)
    for hole in open_holes:
        hole.acknowledged = hole.end <= una
    return holes


def fits_full_size(length: int, mss: int, own_mss: int = 0) -> bool:
    """True if `length` missing bytes are as many as some full-size segments hold.

    The sender keeps to the MSS it was told and to its own; where a router on the way lowers both, behind it
    only the one the sender announces shows what it was told. Options may take 0 or 12 bytes of each segment.
    Without a known MSS (<= 0) any length of a segment fits.
    """
    if mss <= 0:
        return length >= LEAST_FULL_PAYLOAD
    sizes = {mss, min(mss, own_mss) if own_mss > 0 else mss}
    return any(length % payload == 0 for size in sizes for payload in (size, size - TIMESTAMPS_OPTION) if payload > 0)


def fits_larger_than(length: int, arrived: int, mss: int) -> bool:
    """True if `length` missing bytes fit into segments that all have more payload than the `arrived` bytes that passed.

    Full segments and a large tail do, or segments of a size that the sender learnt before. Without a known MSS
    (<= 0) one of Ethernet's is assumed.
    """
    pieces = -(-length // (mss if mss > 0 else ETHERNET_MSS))
    return pieces > 0 and length // pieces > arrived
