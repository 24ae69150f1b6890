"""Bytes that never came: what a black hole looks like from behind the narrow hop.

Emits `Hole`. Beyond the narrow hop no retransmission is visible. What is visible is a gap in the received
stream that is not filled (or only much later), while smaller packets sent after it arrive.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.evidence.segments import Segment

TIMESTAMPS_OPTION = 12  # bytes that timestamps take from each segment (RFC 7323 3.2, padded)
LEAST_FULL_PAYLOAD = 1220  # IPv6's guaranteed 1280 bytes less headers: a full segment is hardly smaller


@dataclass
class Hole:
    """Missing bytes [start, end) of one direction."""

    start: int
    end: int
    opened_by: Segment
    missing: int = 0  # bytes missing when it opened
    arrived: list[Segment] = field(default_factory=list)  # data beyond the hole that arrived while it was open
    filled_by: list[Segment] = field(default_factory=list)
    filled_ts: int | None = None  # None: still open when the capture ends

    def seconds_open(self, capture_end: int) -> float:
        """How long the bytes were missing."""
        return ((self.filled_ts if self.filled_ts is not None else capture_end) - self.opened_by.ts) / 1e9


def holes_of(segments: list[Segment], side: int) -> list[Hole]:
    """Holes in the data of `side`, as the capture point saw it, in order.

    A hole that the peer acknowledges without the capture having seen its bytes was made by the capture.
    """
    holes: list[Hole] = []
    open_holes: list[Hole] = []
    highest: int | None = None
    for segment in segments:
        if segment.side != side:
            if segment.has_ack:
                for hole in [h for h in open_holes if h.end <= segment.ack]:
                    open_holes.remove(hole)
                    holes.remove(hole)
            continue
        if segment.end == segment.seq or segment.keepalive:
            continue
        end = segment.end
        for hole in list(open_holes):
            if segment.seq < hole.end and end > hole.start:
                hole.filled_by.append(segment)
                if segment.seq <= hole.start:
                    hole.start = min(end, hole.end)
                if hole.start >= hole.end:
                    hole.filled_ts = segment.ts
                    open_holes.remove(hole)
            elif segment.seq >= hole.end:
                hole.arrived.append(segment)
        if segment.opens_hole and highest is not None and segment.seq > highest:
            hole = Hole(highest, segment.seq, segment, segment.seq - highest, [segment])
            holes.append(hole)
            open_holes.append(hole)
        highest = end if highest is None else max(highest, end)
    return holes


def fits_full_size(length: int, mss: int) -> bool:
    """True if `length` missing bytes are as many as some full-size segments hold.

    Options may take 0 or 12 bytes of each; without a known MSS (<= 0) any length of a segment fits.
    """
    if mss <= 0:
        return length >= LEAST_FULL_PAYLOAD
    return any(length % payload == 0 for payload in (mss, mss - TIMESTAMPS_OPTION) if payload > 0)
