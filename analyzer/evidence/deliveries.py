"""What became of each recorded data segment: covered by an ACK or SACK, and whether that proves its size.

An ACK says which bytes arrived, not which packet brought them. A size is proven delivered when the bytes
were sent in one shape only before the ACK; or, if in several, by the last transmission that the ACK can
answer (half a round trip or more before it), since an earlier one was given up by the sender.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass

from analyzer.evidence.outcomes import guard_of, is_lost
from analyzer.evidence.segments import Segment

MAX_OUTSTANDING = 2048  # bounds the work for hostile captures; a flight of 2,048 segments is 3 MB


@dataclass(slots=True)
class Transmission:
    """One sending of some bytes."""

    segment: Segment
    covered_by: Segment | None = None  # the first packet of the peer that acknowledges all its bytes
    by_sack: bool = False
    one_shape: bool = True  # until then its bytes were sent in this shape only
    replaced_ts: int | None = None  # when some of its bytes were sent again in another shape
    again_ts: int | None = None  # when some of its bytes were sent again first
    lost: bool = False  # they were sent again, and no ACK was on its way then
    in_part: bool = False  # an ACK of a byte in its middle: what arrived until then was not this packet as it is
    attributed: bool = False  # of several shapes, this one brought the bytes

    @property
    def proven(self) -> bool:
        """True if this packet, at its size, got through."""
        return self.covered_by is not None and (self.one_shape or self.attributed) and not self.in_part


def same_shape(a: Segment, b: Segment) -> bool:
    """True if two segments carry the same bytes in a packet of the same size and DF."""
    return a.seq == b.seq and a.payload == b.payload and a.df == b.df


class _Outstanding:
    """Transmissions not acknowledged yet, in order of their ends, so that an ACK finds those it covers at once."""

    def __init__(self, guard: int) -> None:
        self._guard = guard
        self._ends: list[int] = []
        self._items: list[Transmission] = []
        self._as_sent: deque[Transmission] = deque()  # acknowledged ones among them, until they are the first
        self._longest = 0  # payload

    def add(self, new: Transmission) -> None:
        """One more was sent; of too many, the one sent first is forgotten."""
        end = new.segment.seq + new.segment.payload
        self._longest = max(self._longest, new.segment.payload)
        at = bisect_right(self._ends, end)
        self._ends.insert(at, end)
        self._items.insert(at, new)
        self._as_sent.append(new)
        if len(self._items) > MAX_OUTSTANDING:
            self._forget_first()

    def _forget_first(self) -> None:
        while (first := self._as_sent.popleft()).covered_by is not None:
            pass
        at = bisect_left(self._ends, first.segment.seq + first.segment.payload)  # of equal ends the one sent first
        del self._ends[at], self._items[at]

    def replace(self, new: Transmission) -> None:
        """Mark what has bytes in common with a retransmission: it was lost, and may have had another shape."""
        start, end = new.segment.seq, new.segment.seq + new.segment.payload
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, end + self._longest)
        for old in self._items[first:last]:
            if old.segment.seq >= end:
                continue
            if old.again_ts is None:
                old.again_ts = new.segment.ts
                old.lost = True
            if not same_shape(old.segment, new.segment):
                old.one_shape = new.one_shape = False
                if old.replaced_ts is None:
                    old.replaced_ts = new.segment.ts

    def acknowledge(self, ack: Segment) -> None:
        """Take out what the packet acknowledges: cumulatively, or in one of its SACK blocks."""
        if count := bisect_right(self._ends, ack.ack):
            for old in self._items[:count]:
                self._settle(old, ack, by_sack=False)
            del self._ends[:count], self._items[:count]
        for old in self._items[: bisect_left(self._ends, ack.ack + self._longest)]:
            if old.segment.seq < ack.ack:
                old.in_part = True
        for left, right in ack.sack:
            first, last = bisect_right(self._ends, left), bisect_right(self._ends, right)
            if first >= last:
                continue  # as in most ACKs: they repeat the blocks of the one before
            begin_before = [old for old in self._items[first:last] if old.segment.seq < left]
            for old in self._items[first:last]:
                if old.segment.seq >= left:
                    self._settle(old, ack, by_sack=True)
            self._items[first:last] = begin_before
            self._ends[first:last] = [old.segment.seq + old.segment.payload for old in begin_before]
        while self._as_sent and self._as_sent[0].covered_by is not None:
            self._as_sent.popleft()

    def _settle(self, old: Transmission, ack: Segment, *, by_sack: bool) -> None:
        old.covered_by = ack
        old.by_sack = by_sack
        old.lost = old.again_ts is not None and is_lost(old.again_ts, ack.ts, self._guard)
        replaced = old.replaced_ts
        answered = ack.ts - old.segment.ts >= self._guard
        old.attributed = answered and (replaced is None or ack.ts - replaced < self._guard)


def transmissions_of(segments: list[Segment], side: int, rtt: int) -> list[Transmission]:
    """All data transmissions of `side` in order; `rtt` in ns (0 unknown) tells which one an ACK answers."""
    outstanding = _Outstanding(guard_of(rtt))
    out: list[Transmission] = []
    for segment in segments:
        if segment.side == side:
            if not segment.data:
                continue
            new = Transmission(segment)
            if segment.resent:
                outstanding.replace(new)
            out.append(new)
            outstanding.add(new)
        elif segment.has_ack:
            outstanding.acknowledge(segment)
    return out
