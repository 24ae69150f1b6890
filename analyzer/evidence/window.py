"""The receiver's window during a stall, and how long it stayed closed."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.decode.tcp import UNKNOWN
from analyzer.evidence.direction import Direction
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.model.statement import FrameRef


class WindowSeen(NamedTuple):
    """The receiver's window while a segment was stuck: bytes beyond its ACK as announced last, and by which frame."""

    size: int
    closed: bool  # it had no room at all for at least half of the transmissions
    ref: FrameRef


def window_at(direction: Direction, series: RetransmissionSeries) -> WindowSeen | None:
    """The peer's window that held while the stuck segment was stuck; None if it was never seen.

    A window smaller than the segment is open: the sender may send as much as fits.
    """
    # Without the SYN (or its options) the scale is unknown, and only a window of 0 is sure to have no room.
    known = direction.full_size > 0 and UNKNOWN not in (direction.count["wscale"], direction.peer["wscale"])
    tries = {segment.ref for segment in series.tries}
    end = series.over_ts(direction.ended_ts)
    found: WindowSeen | None = None
    closed = 0
    closing: WindowSeen | None = None  # what closed it, while it is closed
    cited: WindowSeen | None = None
    for segment in direction.exchanged:
        if segment.ts > end:
            break
        if segment.side == direction.side:
            if segment.ref in tries and closing is not None:
                closed += 1
                cited = cited or closing
        elif segment.has_ack:
            size = segment.window if segment.syn else segment.window << direction.window_scale
            room = segment.ack + size - series.stuck_segment.seq if known else size
            found = WindowSeen(size, False, segment.ref)
            closing = (closing or found._replace(closed=True)) if room <= 0 else None
    if found is None:
        if direction.peer["window"] < 0:
            return None
        return WindowSeen(direction.peer["window"], direction.peer["window"] == 0, FrameRef(0, 0))
    if cited is not None and 2 * closed >= len(tries):
        return cited
    return found
