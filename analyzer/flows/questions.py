"""DNS questions that are asked again with a new identifier or from another port, as resolvers do for each try.

Each try is a UDP conversation of its own. A small table has what was asked lately: where the same hosts have the same
question again, and the answer was large, the datagrams of both conversations are recorded; so are further tries,
however small the answers are by then: where these get lost, too, it was not the size.
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16
from analyzer.decode.packet_fields import DPORT, DST, IP_END, L4, POINT, SRC, TS, VERSION
from analyzer.flows.conversation_tables import QUESTION_ROWS
from analyzer.flows.flow_tables import C_SEED, State
from analyzer.flows.lookup import product
from analyzer.kernels.marks import kernel
from analyzer.settings import ASKED_WITHIN_MS, RESENT_MS

DNS_PORT = 53
DNS_HEADER = 12
MOST_NAME = 64
"""Bytes of a question that are compared."""

EXERCISED = 1281


@kernel
def asked_before(state: State, buf: Buffer, h: list[int], number: int, side: int) -> int:
    """The conversation in which the same was asked a while ago, and got a large answer, or one before did; -1: none."""
    o = h[L4] + 8
    if h[DPORT] != DNS_PORT or o + DNS_HEADER + 5 > h[IP_END] or buf[o + 2] & 0x80 or be16(buf, o + 4) != 1:
        return -1
    key = product(state.counters[C_SEED], h[SRC], h[DST], 0x2C1B3C6D)
    if h[VERSION] == 6:
        key ^= product(state.counters[C_SEED], h[SRC + 3], h[DST + 3], 0x4C957F2D)
    key = (key & 0xFFFFFFFF) ^ h[POINT]  # what another capture point saw is no second question
    stop = min(o + DNS_HEADER + MOST_NAME, h[IP_END])
    at = o + DNS_HEADER
    while at < stop:
        byte = buf[at] + 0
        if 0x41 <= byte <= 0x5A:
            byte |= 0x20  # some resolvers write letters large and small at random
        key = ((key ^ byte) * 0x01000193) & 0xFFFFFFFF
        key ^= key >> 15
        if byte == 0:
            stop = min(stop, at + 5)  # its type and class
        at += 1
    key |= 1
    now = h[TS] // 1_000_000
    row = state.questions[key % QUESTION_ROWS]
    before = row[2]
    again = row[0] == key and before != number and RESENT_MS <= now - row[1] <= ASKED_WITHIN_MS
    row[0] = key
    row[1] = now
    row[2] = number
    if not again:
        return -1
    # It may be another key's hosts by chance: then no more is recorded than need be.
    side = 1 - state.conversations[before]["client"]
    whole = state.udp_sent[2 * before + side]
    parts = state.odd_conversations[before]
    largest = max(
        whole["largest_df"] + 0, whole["largest_nodf"] + 0, (parts["largest_b"] if side else parts["largest_a"]) + 0
    )
    return int(before) if largest >= EXERCISED or parts["recorded"] > 0 else -1
