"""Recorded packets that no capture has: few numbers, so that they meet in every way."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from analyzer.decode.tcp import ACK_FLAG
from analyzer.evidence.segments import Segment
from analyzer.flows.flow_tables import MARK_FILLS, MARK_KEEPALIVE, MARK_RESENT, MARK_SPURIOUS
from analyzer.model.statement import FrameRef

PLACES = st.integers(0, 8).map(lambda n: 100 * n)
LOW = st.sampled_from((0, 0, 0, 0, 0, 0, 100, 100, 200, 300, 600))
BLOCKS = st.tuples(PLACES, st.integers(1, 3)).map(lambda block: (block[0], block[0] + 100 * block[1]))
KINDS = (0, 0, 0, MARK_RESENT, MARK_RESENT, MARK_KEEPALIVE, MARK_RESENT | MARK_FILLS, MARK_RESENT | MARK_SPURIOUS)
STEPS = st.tuples(
    st.sampled_from((0, 1_000_000, 30_000_000)),
    st.booleans(),
    PLACES,
    st.sampled_from((0, 50, 100, 100, 100, 300)),
    LOW,
    st.sampled_from(KINDS),
    st.lists(BLOCKS, max_size=2).map(tuple),
)


def made_up(steps: list[tuple[Any, ...]]) -> list[Segment]:
    """The packets, each of (ns since the one before, side, number, bytes, acknowledged, marks, SACK blocks)."""
    ts = 0
    out: list[Segment] = []
    for gap, side, seq, payload, ack, marks, sack in steps:
        ts += gap
        out.append(
            Segment(
                ref=FrameRef(0, len(out) + 1),
                ts=ts,
                side=int(side),
                seq=seq,
                end=seq + payload,
                payload=payload,
                ip_len=payload + 40,
                ack=ack,
                window=0,
                flags=ACK_FLAG,
                df=True,
                ip_id=0,
                ttl=0,
                marks=marks,
                sack=sack,
            )
        )
    return out
