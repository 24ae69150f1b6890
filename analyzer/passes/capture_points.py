"""Which of several files were captured at different points: the same packet is in two of them.

A both-ends capture of one incident is not one capture in time order: clocks differ, and every packet that
arrived is there twice. Flows of different points are followed apart, and judged together (`verdicts.points`).
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.capture.reader import CaptureReader
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    ACK,
    DPORT,
    DST,
    FLAGS,
    IP_ID,
    L4,
    OK,
    PAYLOAD,
    PROTO,
    SEQ,
    SPORT,
    SRC,
    TCP_LEN,
)
from analyzer.passes.first import decode_packet

SAMPLED_PACKETS = 3_000
"""Packets of a file that are compared, of few files; of many, fewer of each."""

SHARED_PACKETS = 2
"""Packets in common that tell: none is, of files that one host wrote one after the other."""

FEW_FILES = 8
TIMESTAMPED = 32  # a TCP header with timestamps

Signature = tuple[object, ...]


def points_of(readers: Sequence[CaptureReader]) -> list[int]:
    """The capture point of each started reader, from 0; all 0 where no packet is in two of them."""
    if len(readers) < 2:
        return [0] * len(readers)
    most = SAMPLED_PACKETS if len(readers) <= FEW_FILES else SAMPLED_PACKETS // 10
    seen_at: list[set[Signature]] = []
    points = []
    for reader in readers:
        own = _signatures(reader, most)
        point = next((i for i, others in enumerate(seen_at) if len(own & others) < SHARED_PACKETS), len(seen_at))
        if point == len(seen_at):
            seen_at.append(set())
        seen_at[point] |= own
        points.append(point)
    return points


def _signatures(reader: CaptureReader, most: int) -> set[Signature]:
    """What tells a packet from every other, retransmissions included; those of which nothing does are left out.

    A retransmission has a new IPv4 identification, or where that is 0 a new timestamp.
    """
    found: set[Signature] = set()
    for _, h, view in reader.sample(most):
        if decode_packet(view, h) != OK or h[PROTO] != PROTO_TCP:
            continue
        start = h[L4] + 20
        options = bytes(view[start : h[L4] + h[TCP_LEN]]) if h[TCP_LEN] >= TIMESTAMPED else b""
        if h[IP_ID] <= 0 and not options:
            continue
        ends = (*h[SRC : SRC + 4], *h[DST : DST + 4], h[SPORT], h[DPORT])
        found.add((ends, h[SEQ], h[ACK], h[PAYLOAD], h[FLAGS], h[IP_ID], b"" if h[IP_ID] > 0 else options))
    return found
