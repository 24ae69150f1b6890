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
    NET,
    OK,
    PROTO,
    QUOTE,
    SPORT,
    TS,
    VERSION,
)
from analyzer.decode.tunnel import PROTO_ESP, PROTO_UDP
from analyzer.flows.conversation_tables import (
    ESP_PORT,
    KEYS,
    LARGE_KEYS,
    MANY,
    TUNNEL_ESP,
    TUNNEL_NONE,
)
from analyzer.flows.datagram_keys import UDP_HEADER, datagram_key
from analyzer.flows.datagram_ring import MASK, keep_in_ring, record_conversation, record_row
from analyzer.flows.flow_tables import (
    C_CONVERSATIONS,
    C_FILE,
    C_SEED,
    C_UDP_LOST,
    C_UDP_PACKETS,
    C_UDP_STREAMS,
    RECENT_CONVERSATIONS,
    State,
)
from analyzer.flows.fragments import many_receivers
from analyzer.flows.lookup import (
    Endpoints,
    endpoint_order,
    endpoints_of,
    hash_endpoints,
    mixed,
    put_endpoints,
    same_endpoints,
)
from analyzer.flows.questions import DNS_PORT, asked_before
from analyzer.flows.timed_packets import note_large, note_reply, tunnel_of
from analyzer.kernels.marks import checked_in_front, inlined, kernel, unlikely
from analyzer.settings import DATAGRAMS_AFTER, LARGE_DATAGRAMS_AFTER, REMEMBERED_MS, RESENT_MS

LARGE = 1281
"""IP total length from which on a packet says something about a path MTU (`Settings.exercised_bytes`)."""


@inlined
@checked_in_front
def find_conversation(state: State, ends: Endpoints) -> int:
    """The number of the conversation with these endpoints; -1 less the slot where it belongs if there is none yet.

    Numbers found lately stand close together in `udp_recent`, in places that need no hashing to be known.
    """
    place = mixed(ends) & (RECENT_CONVERSATIONS - 1)
    number = state.udp_recent[at(place)] - 1
    if number >= 0 and same_endpoints(state.conversations[at(number)], state.odd_conversations[at(number)], ends):
        return int(number)
    mask = len(state.udp_slots) - 1
    slot = hash_endpoints(ends, state.counters[C_SEED]) & mask
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
    put_endpoints(row, state.odd_conversations[number], ends)
    row["client"] = side
    row["recording"] = MANY if many_receivers(h) else 0
    return int(number)


@inlined
def number_conversation(state: State, row: Any) -> None:
    """Give a conversation its stream number, at its first datagram that Wireshark takes for one."""
    if row["stream"] == 0:
        state.counters[C_UDP_STREAMS] += 1
        row["stream"] = state.counters[C_UDP_STREAMS]


@kernel
def note_udp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Follow a UDP datagram, of which this is all or the first fragment; and ESP, as far as that goes."""
    if h[PROTO] == PROTO_ESP:
        if h[FRAGMENT] == 0 and h[IP_LEN]:
            note_esp(state, buf, h, frame)
    elif has_udp_header(buf, h):
        follow_udp(state, buf, h, frame, own_direction(state, buf, h))


@inlined
def has_udp_header(buf: Buffer, h: list[int]) -> bool:
    """Whether the decoded packet is a UDP datagram, or the first fragment of one, with its whole header."""
    if h[PROTO] != PROTO_UDP or h[FRAGMENT] == 2:
        return False
    return h[IP_LEN] != 0 and h[L4] + UDP_HEADER <= h[IP_END] and h[IP_END] <= len(buf)


@inlined
def own_direction(state: State, buf: Buffer, h: list[int]) -> int:
    """The row of `udp_sent` for a datagram with its whole header in `buf`; -1: no room for its conversation."""
    state.counters[C_UDP_PACKETS] += 1
    ports = be32_inside(buf, h[L4])
    h[SPORT] = ports >> 16
    h[DPORT] = ports & 0xFFFF
    side = endpoint_order(h)
    number = find_conversation(state, endpoints_of(h, side))
    if unlikely(number < 0):
        number = new_conversation(state, h, side, -1 - number)
        if number < 0:
            state.counters[C_UDP_LOST] += 1
            return -1
    return 2 * number + side


@inlined
@checked_in_front
def count_carrier(state: State, own: int, ip_len: int, df: int, ts: int, frame: int) -> None:
    """Count a whole datagram, IP total length `ip_len`, that carries TCP: whether it is sent again shows inside."""
    if own >= 0:
        row = state.conversations[at(own >> 1)]
        note_time(state, row, own, ts, frame)
        count_whole(state, row, own, ip_len, df)
        count_answer(state, own >> 1, 1 - (own & 1), ts, row["tunnel"] + 0)


@inlined
def note_time(state: State, row: Any, own: int, ts: int, frame: int) -> None:
    """Note when a datagram of the conversation came."""
    if unlikely(row["first_frame"] == 0):
        row["first_frame"] = frame
        row["file"] = state.counters[C_FILE]
        row["first_ts"] = ts
        row["client"] = own & 1
    row["last_ts"] = ts


@inlined
@checked_in_front
def count_whole(state: State, row: Any, own: int, ip_len: int, df: int) -> None:
    """Count a datagram that is not fragmented, of the direction `own`."""
    number_conversation(state, row)
    sent = state.udp_sent[at(own)]
    sent["packets"] += 1
    sent["bytes"] += ip_len
    sent["waiting"] = max(sent["waiting"] + 0, ip_len)
    if df:
        sent["largest_df"] = max(sent["largest_df"] + 0, ip_len)
    else:
        sent["largest_nodf"] = max(sent["largest_nodf"] + 0, ip_len)


@inlined
@checked_in_front
def follow_udp(state: State, buf: Buffer, h: list[int], frame: int, own: int) -> None:
    """Follow a UDP datagram of the direction `own` (-1: none), of which this is all or the first fragment.

    No index is checked when compiled: its whole header is in `buf`, conversations' numbers come from our own tables,
    places in the ring are masked.
    """
    if own < 0:
        return
    o = h[L4]
    number = own >> 1
    side = own & 1
    row = state.conversations[at(number)]
    ts = h[TS]
    size = h[IP_LEN]
    length = be16_inside(buf, o + 4)
    if unlikely(row["first_frame"] == 0):
        row["opening"] = buf[at(o + UDP_HEADER)] if o + UDP_HEADER < h[IP_END] else 0
    note_time(state, row, own, ts, frame)
    if unlikely(h[FRAGMENT] != 0):
        sent = state.udp_sent[at(own)]
        sent["packets"] += 1
        sent["bytes"] += size
        sent["waiting"] = max(sent["waiting"] + 0, 1)
        size = o - h[NET] + length
        count_fragmented(state, number, side, size)
    else:
        count_whole(state, row, own, size, h[DF])
    tunnel = row["tunnel"] + 0
    count_answer(state, number, 1 - side, ts, tunnel)
    if size >= LARGE:
        if tunnel == TUNNEL_NONE:
            tunnel = tunnel_of(buf, h, o + UDP_HEADER, row["opening"] + 0)
            row["tunnel"] = tunnel
        if unlikely(tunnel != TUNNEL_NONE):
            note_large(state, buf, h, number, side, frame, size)
    if unlikely(row["recording"] == MANY):
        return  # nobody need answer these
    key = datagram_key(buf, o, h[IP_END], length)
    counter = keep_in_ring(state, buf, h, row["last_row"] + 0, frame, key)
    place = state.udp_ring[at(counter & MASK)]
    place["flow"] = number
    place["size"] = size
    place["side"] = side
    row["last_row"] = counter + 1
    before = asked_before(state, buf, h, number, side) if h[DPORT] == DNS_PORT else -1
    again = is_again(state, row, number, side, key, ts, size)
    if unlikely(again or before >= 0):
        if again:
            row["resent"] += 1
        if before >= 0:
            record_conversation(state, before, DATAGRAMS_AFTER)
        record_conversation(state, number, LARGE_DATAGRAMS_AFTER if size >= LARGE else DATAGRAMS_AFTER)
    elif unlikely(row["recording"] > 0):
        row["recording"] -= 1
        record_row(state, number, counter)


@kernel
def count_fragmented(state: State, number: int, side: int, size: int) -> None:
    """Count a datagram of which the first fragment came; `size`: bytes of IP, put together."""
    odd = state.odd_conversations[number]
    if side:
        odd["fragmented_b"] += 1
        odd["largest_b"] = max(odd["largest_b"] + 0, size)
    else:
        odd["fragmented_a"] += 1
        odd["largest_a"] = max(odd["largest_a"] + 0, size)


@inlined
@checked_in_front
def count_answer(state: State, number: int, side: int, ts: int, tunnel: int) -> None:
    """The end `side` gets something, whatever it may be about."""
    sent = state.udp_sent[at(2 * number + side)]
    waiting = sent["waiting"] + 0
    if waiting:
        sent["answered"] = max(sent["answered"] + 0, waiting)
        if waiting >= LARGE:
            sent["answers"] += 1
        sent["waiting"] = 0
        if unlikely(tunnel != TUNNEL_NONE):
            note_reply(state, number, side, ts)


@kernel
def note_esp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Count an ESP packet (RFC 4303) of its hosts, and look at large ones. It has no ports, and no stream number."""
    h[SPORT] = ESP_PORT
    h[DPORT] = ESP_PORT
    side = endpoint_order(h)
    number = find_conversation(state, endpoints_of(h, side))
    if number < 0:
        number = new_conversation(state, h, side, -1 - number)
    if number >= 0:
        row = state.conversations[number]
        if row["first_frame"] == 0:
            row["first_frame"] = frame
            row["file"] = state.counters[C_FILE]
            row["first_ts"] = h[TS]
            row["tunnel"] = TUNNEL_ESP
        row["last_ts"] = h[TS]
        sent = state.udp_sent[2 * number + side]
        sent["packets"] += 1
        sent["bytes"] += h[IP_LEN]
        sent["waiting"] = h[IP_LEN]
        count_answer(state, number, 1 - side, h[TS], TUNNEL_ESP)
        if h[IP_LEN] >= LARGE:
            note_large(state, buf, h, number, side, frame, h[IP_LEN])


@inlined
@checked_in_front
def is_again(state: State, row: Any, number: int, side: int, key: int, ts: int, size: int) -> bool:
    """Whether this end sent the same a while ago, as far as that is remembered."""
    now = (ts // 1_000_000) & 0x7FFFFFFF
    keys = state.udp_keys[at(2 * number + side)]
    for i in range(KEYS):
        if unlikely(keys[at(i)] == key):
            return is_later(keys, KEYS + i, now)
    shift = 2 * side
    place = (row["next_key"] >> shift) & (KEYS - 1)
    row["next_key"] = (row["next_key"] & (0xF ^ ((KEYS - 1) << shift))) | ((place + 1) & (KEYS - 1)) << shift
    keys[at(place)] = key
    keys[at(KEYS + place)] = now
    return size >= LARGE and is_large_again(state.udp_large_keys[at(2 * number + side)], key, now)


@inlined
@checked_in_front
def is_later(keys: Any, place: int, now: int) -> bool:
    """Whether a datagram whose time is at `place` comes as late as one that is sent again, and not as a copy of it."""
    if (now - keys[at(place)]) & 0x7FFFFFFF < RESENT_MS:
        return False  # captured twice, or one of several in a row
    keys[at(place)] = now
    return True


@inlined
@checked_in_front
def is_large_again(keys: Any, key: int, now: int) -> bool:
    """As `is_again`, of a large datagram that was not among the latest: many others may go between its repeats.

    Of all large ones those with the smallest keys are remembered, however many come, until REMEMBERED_MS after they
    were sent: of several that are sent again and again, side by side, these are then seen each time.
    """
    for i in range(LARGE_KEYS):
        if unlikely(keys[at(i)] == key):
            return is_later(keys, LARGE_KEYS + i, now)
    for i in range(LARGE_KEYS):
        kept = keys[at(i)] + 0
        if unlikely(kept == 0 or key < kept or (now - keys[at(LARGE_KEYS + i)]) & 0x7FFFFFFF > REMEMBERED_MS):
            keys[at(i)] = key
            keys[at(LARGE_KEYS + i)] = now
            return False
    return False


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
