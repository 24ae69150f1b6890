"""What became of each recorded data segment: covered by an ACK or SACK, and whether that proves its size.

An ACK says which bytes arrived, not which packet brought them. A size is proven delivered when the bytes
were sent in one shape only before the ACK; or, if in several, by the last transmission that the ACK can
answer (half a round trip or more before it), since an earlier one was given up by the sender.
"""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.evidence.segments import Segment

MAX_OUTSTANDING = 2048  # bounds the work for hostile captures; a flight of 2,048 segments is 3 MB


@dataclass
class Transmission:
    """One sending of some bytes."""

    segment: Segment
    covered_by: Segment | None = None  # the first packet of the peer that acknowledges all its bytes
    by_sack: bool = False
    one_shape: bool = True  # until then its bytes were sent in this shape only
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
    return 2 if any(left <= segment.seq and end <= right for left, right in ack.sack) else 0


def transmissions_of(segments: list[Segment], side: int, rtt: int) -> list[Transmission]:
    """All data transmissions of `side` in order; `rtt` in ns (0 unknown) tells which one an ACK answers."""
    out: list[Transmission] = []
    outstanding: list[Transmission] = []
    for segment in segments:
        if segment.side == side:
            if not segment.data:
                continue
            new = Transmission(segment)
            if segment.resent:
                end = segment.seq + segment.payload
                for old in outstanding:
                    overlaps = old.segment.seq < end and segment.seq < old.segment.seq + old.segment.payload
                    if overlaps and not same_shape(old.segment, segment):
                        old.one_shape = new.one_shape = False
            out.append(new)
            outstanding.append(new)
            if len(outstanding) > MAX_OUTSTANDING:
                outstanding.pop(0)
        elif segment.has_ack:
            outstanding = _acknowledge(outstanding, segment, rtt)
    return out


def _acknowledge(outstanding: list[Transmission], ack: Segment, rtt: int) -> list[Transmission]:
    left: list[Transmission] = []
    covered: list[Transmission] = []
    for transmission in outstanding:
        how = covers(ack, transmission.segment)
        if how:
            transmission.covered_by = ack
            transmission.by_sack = how == 2
            covered.append(transmission)
        else:
            left.append(transmission)
    mixed = [t for t in covered if not t.one_shape]
    for transmission in mixed:
        if ack.ts - transmission.segment.ts < rtt // 2:
            continue  # too soon: the ACK answers an earlier sending
        later = [
            t
            for t in mixed
            if t.segment.ts > transmission.segment.ts
            and t.segment.seq < transmission.segment.seq + transmission.segment.payload
            and transmission.segment.seq < t.segment.seq + t.segment.payload
            and ack.ts - t.segment.ts >= rtt // 2
            and not same_shape(t.segment, transmission.segment)
        ]
        transmission.attributed = not later
    return left
