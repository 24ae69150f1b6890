"""The receiver's window during a stall, and how long it stayed closed."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.decode.tcp import UNKNOWN
from analyzer.evidence.conversation import Way
from analyzer.evidence.episodes import Run
from analyzer.evidence.segments import FrameRef


class WindowSeen(NamedTuple):
    """The last window announced before the head's first retransmission: bytes beyond its ACK, and the frame."""

    size: int
    closed: bool  # the stuck segment did not fit
    ref: FrameRef


def window_at(way: Way, run: Run) -> WindowSeen | None:
    """The peer's window that held while the head was stuck; None if it was never seen."""
    found: WindowSeen | None = None
    end = run.end_ts(way.capture_end)
    for segment in way.segments:
        if segment.ts > end:
            break
        if segment.side == way.side or not segment.has_ack:
            continue
        size = segment.window if segment.syn else segment.window << way.window_scale
        # Without the SYN (or its options) the scale is unknown, and only a window of 0 is sure to be too small.
        known = way.full_size > 0 and UNKNOWN not in (way.count["wscale"], way.peer["wscale"])
        fits = segment.ack + size - run.head.seq >= run.head.payload if known else size > 0
        found = WindowSeen(size, not fits, segment.ref)
    if found is None and way.peer["window"] >= 0:
        found = WindowSeen(way.peer["window"], way.peer["window"] == 0, FrameRef(0, 0))
    return found
