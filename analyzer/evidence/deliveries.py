"""What became of each recorded data segment: covered by an ACK or SACK, and whether that proves its size.

An ACK says which bytes arrived, not which packet brought them. A size is proven delivered when the bytes
were sent in one shape only before the ACK; or, if in several, by the last transmission that the ACK can
answer (half a round trip or more before it), since an earlier one was given up by the sender.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.evidence.effort import Effort
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


class _Twins:
    """Transmissions of the same bytes in the same shape that are not acknowledged yet, in order."""

    __slots__ = ("end", "gone", "items", "lost", "replaced", "seq")

    def __init__(self, first: Transmission) -> None:
        self.seq = first.segment.seq
        self.end = first.segment.seq + first.segment.payload
        self.items = deque([first])
        self.lost = 0  # how many of them, from the first on, were sent again
        self.replaced = 0  # and in another shape
        self.gone = False  # acknowledged, or forgotten

    @property
    def told(self) -> bool:
        """True if it changes nothing for them that their bytes are sent once more."""
        return self.replaced == len(self.items)

    def sent_again(self, new: Transmission) -> None:
        """Some of the bytes were sent once more: all were lost, and may have had another shape."""
        ts, count = new.segment.ts, len(self.items)
        for i in range(self.lost, count):
            self.items[i].again_ts, self.items[i].lost = ts, True
        self.lost = count
        if not same_shape(self.items[-1].segment, new.segment):
            new.one_shape = False
            for i in range(self.replaced, count):
                self.items[i].one_shape, self.items[i].replaced_ts = False, ts
            self.replaced = count


class _Outstanding:
    """Transmissions not acknowledged yet, in order of their ends, so that an ACK finds those it covers at once."""

    def __init__(self, guard: int, effort: Effort | None) -> None:
        self._guard = guard
        self._effort = effort
        self._ends: list[int] = []
        self._items: list[_Twins] = []
        self._open_ends: list[int] = []  # of those for which it matters whether they are sent again
        self._open: list[_Twins] = []
        self._as_sent: deque[tuple[Transmission, _Twins]] = deque()  # with acknowledged ones, until they are the first
        self._count = 0
        self._longest = 0  # payload

    def _spend(self, looks: int) -> None:
        if self._effort is not None:
            self._effort.spend(looks)

    def add(self, new: Transmission) -> None:
        """One more was sent; of too many, the one sent first is forgotten."""
        end = new.segment.seq + new.segment.payload
        self._longest = max(self._longest, new.segment.payload)
        at = bisect_right(self._ends, end)
        twins = next((t for t in self._alike(at, end) if same_shape(t.items[-1].segment, new.segment)), None)
        told = twins is None or twins.told
        if twins is not None:
            twins.items.append(new)
        else:
            twins = _Twins(new)
            self._ends.insert(at, end)
            self._items.insert(at, twins)
        if told:
            at = bisect_right(self._open_ends, end)
            self._open_ends.insert(at, end)
            self._open.insert(at, twins)
        self._as_sent.append((new, twins))
        self._count += 1
        if self._count > MAX_OUTSTANDING:
            self._forget_first()

    def _alike(self, at: int, end: int) -> Iterator[_Twins]:
        while at > 0 and self._ends[at - 1] == end:
            at -= 1
            self._spend(1)
            yield self._items[at]

    def _forget_first(self) -> None:
        while (first := self._as_sent.popleft())[0].covered_by is not None:
            pass
        twins = first[1]
        twins.items.popleft()
        twins.lost, twins.replaced = max(twins.lost - 1, 0), max(twins.replaced - 1, 0)
        self._count -= 1
        if not twins.items:
            twins.gone = True
            at = bisect_left(self._ends, twins.end)
            while self._items[at] is not twins:
                at += 1
            del self._ends[at], self._items[at]

    def replace(self, new: Transmission) -> None:
        """Mark what has bytes in common with a retransmission: it was lost, and may have had another shape."""
        start, end = new.segment.seq, new.segment.seq + new.segment.payload
        first, last = bisect_right(self._open_ends, start), bisect_left(self._open_ends, end + self._longest)
        self._spend(max(last - first, 0))
        for twins in self._open[first:last]:
            if not twins.gone and twins.seq < end:
                twins.sent_again(new)
        left = [twins for twins in self._open[first:last] if not twins.gone and not twins.told]
        if len(left) < last - first:
            self._open[first:last] = left
            self._open_ends[first:last] = [twins.end for twins in left]
        if new.one_shape and any(
            not same_shape(twins.items[0].segment, new.segment) for twins in self._over(start, end)
        ):
            new.one_shape = False

    def _over(self, start: int, end: int) -> Iterator[_Twins]:
        """Those that have bytes in common with [start, end)."""
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, end + self._longest)
        for i in range(first, last):
            self._spend(1)
            if self._items[i].seq < end:
                yield self._items[i]

    def acknowledge(self, ack: Segment) -> None:
        """Take out what the packet acknowledges: cumulatively, or in one of its SACK blocks."""
        if count := bisect_right(self._ends, ack.ack):
            for twins in self._items[:count]:
                self._settle(twins, ack, by_sack=False)
            del self._ends[:count], self._items[:count]
        reached = bisect_left(self._ends, ack.ack + self._longest)
        self._spend(reached)
        for twins in self._items[:reached]:
            if twins.seq < ack.ack:
                self._spend(len(twins.items))
                for old in twins.items:
                    old.in_part = True
        for left, right in ack.sack:
            first, last = bisect_right(self._ends, left), bisect_right(self._ends, right)
            if first >= last:
                continue  # as in most ACKs: they repeat the blocks of the one before
            self._spend(last - first)
            begin_before = [twins for twins in self._items[first:last] if twins.seq < left]
            for twins in self._items[first:last]:
                if twins.seq >= left:
                    self._settle(twins, ack, by_sack=True)
            self._items[first:last] = begin_before
            self._ends[first:last] = [twins.end for twins in begin_before]
        while self._as_sent and self._as_sent[0][0].covered_by is not None:
            self._as_sent.popleft()

    def _settle(self, twins: _Twins, ack: Segment, *, by_sack: bool) -> None:
        self._count -= len(twins.items)
        twins.gone = True
        for old in twins.items:
            old.covered_by = ack
            old.by_sack = by_sack
            old.lost = old.again_ts is not None and is_lost(old.again_ts, ack.ts, self._guard)
            replaced = old.replaced_ts
            answered = ack.ts - old.segment.ts >= self._guard
            old.attributed = answered and (replaced is None or ack.ts - replaced < self._guard)


def transmissions_of(segments: list[Segment], side: int, rtt: int, effort: Effort | None = None) -> list[Transmission]:
    """All data transmissions of `side` in order; `rtt` in ns (0 unknown) tells which one an ACK answers.

    What is outstanding is drawn from `effort`.
    """
    outstanding = _Outstanding(guard_of(rtt), effort)
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
