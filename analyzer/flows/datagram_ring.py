"""The ring through which every UDP datagram passes, and the table of those that matter."""

from __future__ import annotations

from typing import Any

from analyzer.decode.integers import Buffer, at, be16_inside
from analyzer.decode.packet_fields import DF, DPORT, FRAGMENT, IP_END, L4, LAYERS, SPORT, TS, TTL
from analyzer.flows.conversation_tables import MANY, SENT_DF, SENT_FRAGMENTED, SENT_INSIDE
from analyzer.flows.datagram_keys import UDP_HEADER
from analyzer.flows.flow_tables import C_DATAGRAMS, C_FILE, C_UDP_ROWS, State
from analyzer.kernels.marks import checked_in_front, compiled_as, inlined, kernel
from analyzer.settings import (
    DATAGRAM_HISTORY,
    DATAGRAM_RING_ROWS,
    MAX_DATAGRAMS_OF_ONE,
    UDP_HEAD_BYTES,
)

MASK = DATAGRAM_RING_ROWS - 1

HTTPS = 443
ENCRYPTED_HEAD_BYTES = 32
"""Of QUIC and of DTLS on that port nothing behind these tells anything: beyond their headers they are encrypted."""


@inlined
@checked_in_front
def keep_in_ring(state: State, buf: Buffer, h: list[int], before: int, frame: int, key: int) -> int:
    """Write the datagram into the ring, behind the counter `before` of its conversation; its own counter.

    What conversation it is of, its size and its sender are for the caller to say.
    """
    counter = state.counters[C_DATAGRAMS]
    state.counters[C_DATAGRAMS] = counter + 1
    row = state.udp_ring[at(counter & MASK)]
    row["ts"] = h[TS]
    row["frame"] = frame
    row["prev"] = before
    row["file"] = state.counters[C_FILE]
    row["payload"] = be16_inside(buf, h[L4] + 4) - UDP_HEADER
    row["key"] = key
    row["marks"] = (
        (SENT_DF if h[DF] else 0) | (SENT_FRAGMENTED if h[FRAGMENT] else 0) | (SENT_INSIDE if h[LAYERS] else 0)
    )
    row["ttl"] = h[TTL]
    start = h[L4] + UDP_HEADER
    if h[SPORT] == HTTPS or h[DPORT] == HTTPS:
        length = min(h[IP_END] - start, ENCRYPTED_HEAD_BYTES)
        copy_payload(state.udp_ring_heads, counter & MASK, buf, start, length, ENCRYPTED_HEAD_BYTES)
    else:
        length = min(h[IP_END] - start, UDP_HEAD_BYTES)
        copy_payload(state.udp_ring_heads, counter & MASK, buf, start, length, UDP_HEAD_BYTES)
    row["head_len"] = length
    return counter


def _copy_fixed(target: Any, row: int, source: Any, start: int, count: int, width: int) -> None:
    if not (0 <= row < len(target) and width <= target.shape[1] and 0 <= start <= len(source)):
        raise IndexError
    if start + width <= len(source):
        for i in range(width):
            target[row, i] = source[start + i]
    elif count <= min(width, len(source) - start):
        for i in range(count):
            target[row, i] = source[start + i]
    else:
        raise IndexError


@compiled_as(_copy_fixed)
def copy_payload(target: Any, row: int, source: Any, start: int, count: int, width: int) -> None:
    """Copy source[start:start + count] to the beginning of target[row]; behind it, up to `width`, is undefined.

    Every datagram passes here. The compiled twin copies the same number of bytes wherever it can: that needs no loop.
    """
    target[row, :count] = source[start : start + count]


@kernel
def record_row(state: State, number: int, counter: int) -> None:
    """Copy the datagram `counter` of the ring into the table of datagrams, unless a bound is reached."""
    odd = state.odd_conversations[number]
    if odd["recorded"] > counter:
        return
    odd["recorded"] = counter + 1
    place = state.counters[C_UDP_ROWS]
    if place >= len(state.datagrams) or odd["rows"] >= MAX_DATAGRAMS_OF_ONE:
        odd["lost_rows"] += 1
        return
    state.counters[C_UDP_ROWS] = place + 1
    odd["rows"] += 1
    state.datagrams[place] = state.udp_ring[counter & MASK]
    for i in range(state.udp_ring[counter & MASK]["head_len"]):
        state.datagram_heads[place, i] = state.udp_ring_heads[counter & MASK, i]


@kernel
def record_conversation(state: State, number: int, after: int) -> None:
    """Record what the ring still holds of a conversation, oldest first, and so many of those that come next."""
    conversation = state.conversations[number]
    if conversation["recording"] != MANY:
        conversation["recording"] = max(conversation["recording"] + 0, after)
    oldest = state.counters[C_DATAGRAMS] - DATAGRAM_RING_ROWS
    recorded = state.odd_conversations[number]["recorded"] + 0
    counter = conversation["last_row"] - 1
    found = 0
    while counter >= 0 and counter >= oldest and counter >= recorded and found < DATAGRAM_HISTORY:
        found += 1
        counter = state.udp_ring[counter & MASK]["prev"] - 1
    for back in range(found - 1, -1, -1):
        counter = conversation["last_row"] - 1
        for _ in range(back):
            counter = state.udp_ring[counter & MASK]["prev"] - 1
        record_row(state, number, counter)
