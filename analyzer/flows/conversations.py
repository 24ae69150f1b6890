"""UDP conversations: who sent how much to whom, numbered as Wireshark numbers udp.stream.

Every datagram passes through a ring. Where an end sends the same datagram again, or a router says that one is too big,
the conversation's latest ones are brought back from there into the table of datagrams, and the next are recorded.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.integers import Buffer, at, be16, be16_inside, be32_inside
from analyzer.decode.network import decode_ipv4, decode_ipv6
from analyzer.decode.packet_fields import (
    DF,
    DPORT,
    FRAGMENT,
    IP_END,
    IP_LEN,
    L4,
    LAYERS,
    NET,
    OK,
    PROTO,
    QUOTE,
    SPORT,
    TS,
    TTL,
    VERSION,
)
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.flows.conversation_tables import KEYS, SENT_DF, SENT_FRAGMENTED, SENT_INSIDE
from analyzer.flows.datagram_keys import UDP_HEADER, datagram_key
from analyzer.flows.flow_tables import (
    C_CONVERSATIONS,
    C_DATAGRAMS,
    C_FILE,
    C_SEED,
    C_UDP_LOST,
    C_UDP_PACKETS,
    C_UDP_ROWS,
    C_UDP_STREAMS,
    RECENT_CONVERSATIONS,
    State,
)
from analyzer.flows.fragments import many_receivers
from analyzer.flows.lookup import Endpoints, endpoint_order, endpoints_of, hash_endpoints, same_endpoints
from analyzer.kernels.marks import checked_in_front, compiled_as, inlined, kernel, unlikely
from analyzer.settings import (
    DATAGRAM_HISTORY,
    DATAGRAM_RING_ROWS,
    DATAGRAMS_AFTER,
    MAX_DATAGRAMS_OF_ONE,
    RESENT_MS,
    UDP_HEAD_BYTES,
)

MASK = DATAGRAM_RING_ROWS - 1
LARGE = 1281
"""IP total length from which on a packet says something about a path MTU (`Settings.exercised_bytes`)."""

HTTPS = 443
ENCRYPTED_HEAD_BYTES = 32
"""Of QUIC and of DTLS on that port nothing behind these tells anything: beyond their headers they are encrypted."""


@inlined
@checked_in_front
def find_conversation(state: State, ends: Endpoints) -> int:
    """The number of the conversation with these endpoints; -1 less the slot where it belongs if there is none yet.

    Numbers found lately stand close together in `udp_recent`, by the same hash: a look there costs less than one into
    the table of all.
    """
    hashed = hash_endpoints(ends, state.counters[C_SEED])
    place = hashed & (RECENT_CONVERSATIONS - 1)
    number = state.udp_recent[at(place)] - 1
    if number >= 0 and same_endpoints(state.conversations[at(number)], state.odd_conversations[at(number)], ends):
        return int(number)
    mask = len(state.udp_slots) - 1
    slot = hashed & mask
    while True:
        number = state.udp_slots[at(slot)] - 1
        if number < 0:
            return -1 - slot
        if same_endpoints(state.conversations[at(number)], state.odd_conversations[at(number)], ends):
            state.udp_recent[at(place)] = number + 1
            return int(number)
        slot = (slot + 1) & mask


@kernel
def new_conversation(state: State, h: list[int], side: int, slot: int) -> int:
    """Enter a conversation of a packet's endpoints at `slot`; -1 if there is no room for it."""
    number = state.counters[C_CONVERSATIONS]
    if number >= len(state.conversations):
        return -1
    ends = endpoints_of(h, side)
    state.counters[C_CONVERSATIONS] = number + 1
    state.udp_slots[slot] = number + 1
    row = state.conversations[number]
    row["a0"] = ends.low[0]
    row["b0"] = ends.high[0]
    if ends.version == 6:
        odd = state.odd_conversations[number]
        odd["a1"] = ends.low[1]
        odd["a2"] = ends.low[2]
        odd["a3"] = ends.low[3]
        odd["b1"] = ends.high[1]
        odd["b2"] = ends.high[2]
        odd["b3"] = ends.high[3]
    row["port_a"] = ends.low_port
    row["port_b"] = ends.high_port
    row["version"] = ends.version
    row["point"] = ends.point
    row["client"] = side
    row["many"] = 1 if many_receivers(h) else 0
    return int(number)


@inlined
def number_conversation(state: State, row: Any) -> None:
    """Give a conversation its stream number, at its first datagram that Wireshark takes for one."""
    if row["stream"] == 0:
        state.counters[C_UDP_STREAMS] += 1
        row["stream"] = state.counters[C_UDP_STREAMS]


@kernel
def note_udp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Follow a UDP datagram, of which this is all or the first fragment."""
    if has_udp_header(buf, h):
        follow_udp(state, buf, h, frame)


@inlined
def has_udp_header(buf: Buffer, h: list[int]) -> bool:
    """Whether the decoded packet is a UDP datagram, or the first fragment of one, with its whole header."""
    if h[PROTO] != PROTO_UDP or h[FRAGMENT] == 2:
        return False
    return h[IP_LEN] != 0 and h[L4] + UDP_HEADER <= h[IP_END] and h[IP_END] <= len(buf)


@inlined
@checked_in_front
def follow_udp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """As `note_udp`, where the whole header is known to be in `buf`.

    No index is checked when compiled: conversations' numbers come from our own tables, places in the ring are masked.
    """
    o = h[L4]
    counters = state.counters
    counters[C_UDP_PACKETS] += 1
    ports = be32_inside(buf, o)
    h[SPORT] = ports >> 16
    h[DPORT] = ports & 0xFFFF
    side = endpoint_order(h)
    number = find_conversation(state, endpoints_of(h, side))
    if unlikely(number < 0):
        number = new_conversation(state, h, side, -1 - number)
        if number < 0:
            counters[C_UDP_LOST] += 1
            return
    row = state.conversations[at(number)]
    ts = h[TS]
    ip_len = h[IP_LEN]
    length = be16_inside(buf, o + 4)
    size = ip_len
    if unlikely(row["first_frame"] == 0):
        row["first_frame"] = frame
        row["file"] = counters[C_FILE]
        row["first_ts"] = ts
        row["client"] = side
    row["last_ts"] = ts
    sent = state.udp_sent[at(2 * number + side)]
    sent["packets"] += 1
    sent["bytes"] += ip_len
    if unlikely(h[FRAGMENT] != 0):
        size = o - h[NET] + length
        count_fragmented(state, number, side)
    else:
        number_conversation(state, row)
        sent["waiting"] = max(sent["waiting"] + 0, ip_len)
        if h[DF]:
            sent["largest_df"] = max(sent["largest_df"] + 0, ip_len)
        else:
            sent["largest_nodf"] = max(sent["largest_nodf"] + 0, ip_len)
    other = state.udp_sent[at(2 * number + 1 - side)]
    waiting = other["waiting"] + 0
    if waiting:
        other["answered"] = max(other["answered"] + 0, waiting)
        if waiting >= LARGE:
            other["answers"] += 1
        other["waiting"] = 0
    if unlikely(row["many"] != 0):
        return  # nobody need answer these
    key = datagram_key(buf, o, h[IP_END], length)
    counter = keep_in_ring(state, buf, h, row["last_row"] + 0, frame, key)
    place = state.udp_ring[at(counter & MASK)]
    place["flow"] = number
    place["size"] = size
    place["side"] = side
    row["last_row"] = counter + 1
    if unlikely(is_again(state, row, number, side, key, ts)):
        row["resent"] += 1
        record_conversation(state, number)
    elif unlikely(row["recording"] > 0):
        row["recording"] -= 1
        record_row(state, number, counter)


@kernel
def count_fragmented(state: State, number: int, side: int) -> None:
    """Count a datagram of which the first fragment came."""
    if side:
        state.odd_conversations[number]["fragmented_b"] += 1
    else:
        state.odd_conversations[number]["fragmented_a"] += 1


@inlined
@checked_in_front
def is_again(state: State, row: Any, number: int, side: int, key: int, ts: int) -> bool:
    """Whether this end sent the same a while ago, as far as that is remembered."""
    now = (ts // 1_000_000) & 0x7FFFFFFF
    keys = state.udp_keys[at(2 * number + side)]
    for i in range(KEYS):
        if unlikely(keys[at(i)] == key):
            if (now - keys[at(KEYS + i)]) & 0x7FFFFFFF < RESENT_MS:
                return False  # captured twice, or one of several in a row
            keys[at(KEYS + i)] = now
            return True
    if side:
        place = row["next_b"] & (KEYS - 1)
        row["next_b"] = place + 1
    else:
        place = row["next_a"] & (KEYS - 1)
        row["next_a"] = place + 1
    keys[at(place)] = key
    keys[at(KEYS + place)] = now
    return False


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
def record_conversation(state: State, number: int) -> None:
    """Record what the ring still holds of a conversation, oldest first, and what comes next."""
    conversation = state.conversations[number]
    conversation["recording"] = DATAGRAMS_AFTER
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


@kernel
def number_quoted_udp(state: State, buf: Buffer, h: list[int], q: list[int]) -> int:
    """Number the stream of a UDP packet that an ICMP error quotes, as Wireshark does; its conversation, or -1."""
    if h[QUOTE] == 0:
        return -1
    if h[VERSION] == 4:
        if decode_ipv4(buf, h[QUOTE], h[IP_END], q) != OK:
            return -1
    elif decode_ipv6(buf, h[QUOTE], h[IP_END], q) != OK:
        return -1
    if q[PROTO] != PROTO_UDP or q[FRAGMENT] or q[L4] + UDP_HEADER > h[IP_END]:
        return -1
    q[SPORT] = be16(buf, q[L4])
    q[DPORT] = be16(buf, q[L4] + 2)
    side = endpoint_order(q)
    number = find_conversation(state, endpoints_of(q, side))
    if number < 0:
        number = new_conversation(state, q, side, -1 - number)
    if number >= 0:
        number_conversation(state, state.conversations[number])
    return int(number)
