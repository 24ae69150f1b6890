"""Holes: bytes of a direction that were not seen while later ones were. The first open one is followed."""

from __future__ import annotations

from typing import Any

from analyzer.decode.packet_fields import PAYLOAD, TS
from analyzer.flows.flow_tables import MARK_FILLS
from analyzer.kernels.marks import kernel


@kernel
def close_hole(odd: Any, ts: int) -> None:
    """The open hole of a direction was filled or proved harmless at time `ts`."""
    odd["hole_longest"] = max(odd["hole_longest"], ts - odd["hole_ts"])
    odd["hole_ts"] = 0


@kernel
def note_late(odd_out: Any, h: list[int], seq: int) -> int:
    """A late segment may fill the open hole; returns MARK_FILLS if it does, and closes the hole."""
    end = seq + h[PAYLOAD]
    if not odd_out["hole_ts"] or seq >= odd_out["hole_end"] or end <= odd_out["hole_start"]:
        return 0
    odd_out["filled"] += 1
    if seq <= odd_out["hole_start"]:
        odd_out["hole_start"] = end
    if odd_out["hole_start"] >= odd_out["hole_end"]:
        close_hole(odd_out, h[TS])
    return MARK_FILLS


@kernel
def note_hole(me: Any, out: Any, odd_out: Any, h: list[int], seq: int, frame: int) -> None:
    """A segment beyond the highest byte seen: bytes are missing. The first open hole is followed."""
    out["odd"] = 1
    odd_out["holes"] += 1
    if odd_out["hole_ts"] == 0:
        odd_out["hole_start"] = me["snd_max"]
        odd_out["hole_end"] = seq
        odd_out["hole_ts"] = h[TS]
        odd_out["hole_frame"] = frame
