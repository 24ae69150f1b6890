"""The receiver's window during a stall, and how long it stayed closed."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.decode.tcp import UNKNOWN
from analyzer.evidence.direction import Way
from analyzer.evidence.retransmissions import Run
from analyzer.model.statement import FrameRef


class WindowSeen(NamedTuple):
    """The receiver's window while a segment was stuck: bytes beyond its ACK as announced last, and by which frame."""

    size: int
    closed: bool  # it had no room at all for at least half of the transmissions
    ref: FrameRef


def window_at(way: Way, run: Run) -> WindowSeen | None:
    """The peer's window that held while the head was stuck; None if it was never seen.

    A window smaller than the segment is open: the sender may send as much as fits.
    """
    # Without the SYN (or its options) the scale is unknown, and only a window of 0 is sure to have no room.
    known = way.full_size > 0 and UNKNOWN not in (way.count["wscale"], way.peer["wscale"])
    tries = {segment.ref for segment in run.tries}
    end = run.over_ts(way.ended_ts)
    found: WindowSeen | None = None
    closed = 0
    closing: FrameRef | None = None  # what closed it, while it is closed
    cited: FrameRef | None = None
    for segment in way.segments:
        if segment.ts > end:
            break
        if segment.side == way.side:
            if segment.ref in tries and closing is not None:
                closed += 1
                cited = cited or closing
        elif segment.has_ack:
            size = segment.window if segment.syn else segment.window << way.window_scale
            room = segment.ack + size - run.head.seq if known else size
            closing = (closing or segment.ref) if room <= 0 else None
            found = WindowSeen(size, False, segment.ref)
    if found is None:
        if way.peer["window"] < 0:
            return None
        return WindowSeen(way.peer["window"], way.peer["window"] == 0, FrameRef(0, 0))
    if cited is not None and 2 * closed >= len(tries):
        return found._replace(closed=True, ref=cited)
    return found
