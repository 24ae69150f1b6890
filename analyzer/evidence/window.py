"""The receiver's window during a stall, and how long it stayed closed."""

from __future__ import annotations

from typing import NamedTuple

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
        known = way.peer["mss"] >= 0 or size > 0
        room = segment.ack + size - run.head.seq
        found = WindowSeen(size, known and size < (1 << 30) and room < min(run.head.payload, 1), segment.ref)
    if found is None and way.peer["window"] >= 0:
        found = WindowSeen(way.peer["window"], way.peer["window"] == 0, FrameRef(way.file, 0))
    return found
