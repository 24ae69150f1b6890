"""What became of each recorded data segment: covered by an ACK or SACK, and whether that proves its size.

An ACK says which bytes arrived, not which packet brought them. A size is proven delivered when the bytes
were sent in one shape only before the ACK; or, if in several, by the last transmission that the ACK can
answer (half a round trip or more before it), since an earlier one was given up by the sender.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.evidence.segments import Segment

MAX_OUTSTANDING = 2048  # bounds the work for hostile captures; a flight of 2,048 segments is 3 MB


MEANINGFUL_RTT_NS = 1_000_000
"""A shorter round trip is within the noise of timestamps, and tells nothing about which packet was answered."""


@dataclass
class Transmission:
    """One sending of some bytes."""

    segment: Segment
    covered_by: Segment | None = None  # the first packet of the peer that acknowledges all its bytes
    by_sack: bool = False
    one_shape: bool = True  # until then its bytes were sent in this shape only
    replaced_ts: int | None = None  # when some of its bytes were sent again in another shape
    attributed: bool = False  # of several shapes, this one brought the bytes

    @property
    def proven(self) -> bool:
        """True if this packet, at its size, got through."""
        return self.covered_by is not None and (self.one_shape or self.attributed)


def same_shape(a: Segment, b: Segment) -> bool:
    """True if two segments carry the same bytes in a packet of the same size and DF."""
    return a.seq == b.seq and a.payload == b.payload and a.df == b.df


def covers(ack: Segment, segment: Segment) -> int:
    """1 if `ack` acknowledges all of the segment's payload cumulatively, 2 if by SACK, else 0."""
    end = segment.seq + segment.payload
    if end <= ack.ack:
        return 1
    for left, right in ack.sack:  # asked of every ACK for all that is outstanding: a generator would take half of it
        if left <= segment.seq and end <= right:
            return 2
    return 0


def transmissions_of(segments: list[Segment], side: int, rtt: int) -> list[Transmission]:
    """All data transmissions of `side` in order; `rtt` in ns (0 unknown) tells which one an ACK answers."""
    guard = rtt // 2 if rtt >= MEANINGFUL_RTT_NS else 0
    out: list[Transmission] = []
    outstanding: list[Transmission] = []
    for segment in segments:
        if segment.side == side:
            if not segment.data:
                continue
            new = Transmission(segment)
            if segment.resent:
                _compare_shapes(new, outstanding)
            out.append(new)
            outstanding.append(new)
            if len(outstanding) > MAX_OUTSTANDING:
                outstanding.pop(0)
        elif segment.has_ack:
            outstanding = _acknowledge(outstanding, segment, guard)
    return out


def _compare_shapes(new: Transmission, outstanding: list[Transmission]) -> None:
    start, end = new.segment.seq, new.segment.seq + new.segment.payload
    for old in outstanding:
        overlaps = old.segment.seq < end and start < old.segment.seq + old.segment.payload
        if overlaps and not same_shape(old.segment, new.segment):
            old.one_shape = new.one_shape = False
            if old.replaced_ts is None:
                old.replaced_ts = new.segment.ts


def _acknowledge(outstanding: list[Transmission], ack: Segment, guard: int) -> list[Transmission]:
    left: list[Transmission] = []
    for transmission in outstanding:
        how = covers(ack, transmission.segment)
        if not how:
            left.append(transmission)
            continue
        transmission.covered_by = ack
        transmission.by_sack = how == 2
        replaced = transmission.replaced_ts
        answered = ack.ts - transmission.segment.ts >= guard
        transmission.attributed = answered and (replaced is None or ack.ts - replaced < guard)
    return left
