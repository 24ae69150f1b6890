"""UDP conversations: who sent how much to whom, numbered as Wireshark numbers udp.stream.

Every datagram passes through a ring. Where an end sends the same datagram again, or a router says that one is too big,
the conversation's latest ones are brought back from there into the table of datagrams, and the next are recorded.

A datagram is the same again where its first and last bytes, its length and its checksum are equal. Two protocols write
a new packet each time; there it is known by what they repeat (`resent_part`).
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16, be32
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
from analyzer.decode.tunnel import PROTO_ESP, PROTO_UDP
from analyzer.flows.conversation_tables import (
    ESP_PORT,
    KEYS,
    SENT_DF,
    SENT_FRAGMENTED,
    SENT_INSIDE,
    TUNNEL_ESP,
    TUNNEL_NONE,
)
from analyzer.flows.flow_tables import (
    C_CONVERSATIONS,
    C_DATAGRAMS,
    C_FILE,
    C_SEED,
    C_UDP_LOST,
    C_UDP_PACKETS,
    C_UDP_ROWS,
    C_UDP_STREAMS,
    State,
)
from analyzer.flows.fragments import many_receivers
from analyzer.flows.lookup import Endpoints, endpoint_order, endpoints_of, hash_endpoints, same_endpoints
from analyzer.flows.questions import DNS_PORT, asked_before
from analyzer.flows.timed_packets import note_large, note_reply, tunnel_of
from analyzer.kernels.marks import kernel
from analyzer.settings import (
    DATAGRAM_HISTORY,
    DATAGRAM_RING_ROWS,
    DATAGRAMS_AFTER,
    MAX_DATAGRAMS_OF_ONE,
    RESENT_MS,
    UDP_HEAD_BYTES,
)

MASK = DATAGRAM_RING_ROWS - 1
UDP_HEADER = 8
LARGE = 1281
"""IP total length from which on a packet says something about a path MTU (`Settings.exercised_bytes`)."""

DTLS_HANDSHAKE = 22
DTLS_VERSIONS = 0xFE
QUIC_HEADER = 7  # bytes: flags, version, length of the destination's connection identifier
"""RFC 8999 5.1."""

FNV = 0x01000193


@kernel
def conversation_of(state: State, h: list[int], side: int, ends: Endpoints) -> int:
    """The number of the packet's conversation, a new one if need be; -1 if there is no room for it."""
    mask = len(state.udp_slots) - 1
    slot = hash_endpoints(ends, state.counters[C_SEED]) & mask
    while True:
        number = state.udp_slots[slot] - 1
        if number < 0:
            break
        if same_endpoints(state.conversations[number], state.conversations[number], ends):
            return int(number)
        slot = (slot + 1) & mask
    number = state.counters[C_CONVERSATIONS]
    if number >= len(state.conversations):
        return -1
    state.counters[C_CONVERSATIONS] = number + 1
    state.udp_slots[slot] = number + 1
    row = state.conversations[number]
    row["a0"] = ends.low[0]
    row["a1"] = ends.low[1]
    row["a2"] = ends.low[2]
    row["a3"] = ends.low[3]
    row["b0"] = ends.high[0]
    row["b1"] = ends.high[1]
    row["b2"] = ends.high[2]
    row["b3"] = ends.high[3]
    row["port_a"] = ends.low_port
    row["port_b"] = ends.high_port
    row["version"] = ends.version
    row["point"] = ends.point
    row["client"] = side
    row["many"] = 1 if many_receivers(h) else 0
    return int(number)


@kernel
def number_conversation(state: State, number: int) -> None:
    """Give a conversation its stream number, at its first datagram that Wireshark takes for one."""
    row = state.conversations[number]
    if row["stream"] == 0:
        state.counters[C_UDP_STREAMS] += 1
        row["stream"] = state.counters[C_UDP_STREAMS]


@kernel
def note_udp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Follow a UDP datagram, of which this is all or the first fragment; and ESP, as far as that goes."""
    o = h[L4]
    if h[PROTO] == PROTO_ESP and h[FRAGMENT] == 0 and h[IP_LEN]:
        note_esp(state, buf, h, frame)
        return
    if h[PROTO] != PROTO_UDP or h[FRAGMENT] == 2 or h[IP_LEN] == 0 or o + UDP_HEADER > h[IP_END]:
        return
    state.counters[C_UDP_PACKETS] += 1
    h[SPORT] = be16(buf, o)
    h[DPORT] = be16(buf, o + 2)
    side = endpoint_order(h)
    number = conversation_of(state, h, side, endpoints_of(h, side))
    if number < 0:
        state.counters[C_UDP_LOST] += 1
        return
    if h[FRAGMENT] == 0:
        number_conversation(state, number)
    row = state.conversations[number]
    if row["first_frame"] == 0:
        row["first_frame"] = frame
        row["file"] = state.counters[C_FILE]
        row["first_ts"] = h[TS]
        row["client"] = side
        row["opening"] = buf[o + UDP_HEADER] + 0 if o + UDP_HEADER < h[IP_END] else 0
    row["last_ts"] = h[TS]
    header = o - h[NET]
    length = be16(buf, o + 4)
    size = h[IP_LEN] if h[FRAGMENT] == 0 else header + length
    sent = state.udp_sent[2 * number + side]
    sent["packets"] += 1
    sent["bytes"] += h[IP_LEN]
    sent["largest"] = max(sent["largest"] + 0, size)
    if h[FRAGMENT]:
        sent["fragmented"] += 1
        sent["waiting"] = max(sent["waiting"] + 0, 1)
    else:
        sent["waiting"] = max(sent["waiting"] + 0, h[IP_LEN])
        if h[DF]:
            sent["largest_df"] = max(sent["largest_df"] + 0, h[IP_LEN])
        else:
            sent["largest_nodf"] = max(sent["largest_nodf"] + 0, h[IP_LEN])
    count_answer(state, number, 1 - side, h[TS], row["tunnel"])
    if size >= LARGE:
        if row["tunnel"] == TUNNEL_NONE:
            row["tunnel"] = tunnel_of(buf, h, o + UDP_HEADER, row["opening"])
        if row["tunnel"] != TUNNEL_NONE:
            note_large(state, buf, h, number, side, frame, size)
    if row["many"]:
        return  # nobody need answer these
    key = datagram_key(buf, o, h[IP_END], length)
    keep_in_ring(state, buf, h, number, side, frame, size, key)
    before = asked_before(state, buf, h, number, side) if h[DPORT] == DNS_PORT else -1
    again = is_again(state, number, side, key, h[TS])
    if again:
        row["resent"] += 1
    if before >= 0:
        record_conversation(state, before)
    if again or before >= 0:
        record_conversation(state, number)
    elif row["recording"] > 0:
        row["recording"] -= 1
        record_row(state, number, row["last_row"] - 1)


@kernel
def count_answer(state: State, number: int, side: int, ts: int, tunnel: int) -> None:
    """The end `side` gets something, whatever it may be about."""
    sent = state.udp_sent[2 * number + side]
    if sent["waiting"]:
        sent["answered"] = max(sent["answered"] + 0, sent["waiting"] + 0)
        if sent["waiting"] >= LARGE:
            sent["answers"] += 1
        sent["waiting"] = 0
        if tunnel != TUNNEL_NONE:
            note_reply(state, number, side, ts)


@kernel
def note_esp(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Count an ESP packet (RFC 4303) of its hosts, and look at large ones. It has no ports, and no stream number."""
    h[SPORT] = ESP_PORT
    h[DPORT] = ESP_PORT
    side = endpoint_order(h)
    number = conversation_of(state, h, side, endpoints_of(h, side))
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


@kernel
def datagram_key(buf: Buffer, o: int, end: int, length: int) -> int:
    """What is equal for the same datagram sent again, of the UDP header at `o`."""
    start = o + UDP_HEADER
    key = length
    first = buf[start] + 0 if start < end else 0
    if first == DTLS_HANDSHAKE and start + 25 <= end and buf[start + 1] + 0 == DTLS_VERSIONS:
        stop = start + 25  # the message, its number and which part of it: but for the number of the record
        start += 11
    elif first & 0xC0 == 0xC0 and start + QUIC_HEADER <= end and is_quic(be32(buf, start + 1)):
        key = first & 0x30
        stop = min(start + 6 + (buf[start + 5] + 0), end)  # both are one connection's, whatever they carry
        start += 1
    else:
        stop = min(start + 32, end)
        key ^= be16(buf, o + 6) << 16
        if end - 16 > stop:
            for i in range(4):
                key = ((key ^ be32(buf, end - 16 + 4 * i)) * FNV) & 0xFFFFFFFF
    while start + 4 <= stop:
        key = ((key ^ be32(buf, start)) * FNV) & 0xFFFFFFFF
        key ^= key >> 15
        start += 4
    while start < stop:
        key = ((key ^ (buf[start] + 0)) * FNV) & 0xFFFFFFFF
        start += 1
    return key | 1


@kernel
def is_quic(version: int) -> bool:
    """Whether this is a version of QUIC: 1 (RFC 9000), 2 (RFC 9369), or a draft."""
    return version in (1, 0x6B3343CF) or version >> 8 == 0xFF0000


@kernel
def is_again(state: State, number: int, side: int, key: int, ts: int) -> bool:
    """Whether this end sent the same a while ago, as far as that is remembered."""
    now = (ts // 1_000_000) & 0xFFFFFFFF
    row = 2 * number + side
    for i in range(KEYS):
        if state.udp_keys[row, 2 * i] == key:
            if (now - state.udp_keys[row, 2 * i + 1]) & 0xFFFFFFFF < RESENT_MS:
                return False  # captured twice, or one of several in a row
            state.udp_keys[row, 2 * i + 1] = now
            return True
    place = state.udp_sent[row]["next_key"] + 0
    state.udp_sent[row]["next_key"] = (place + 1) % KEYS
    state.udp_keys[row, 2 * place] = key
    state.udp_keys[row, 2 * place + 1] = now
    return False


@kernel
def keep_in_ring(
    state: State, buf: Buffer, h: list[int], number: int, side: int, frame: int, size: int, key: int
) -> None:
    """Write the datagram into the ring, linked to the one before it of its conversation."""
    counter = state.counters[C_DATAGRAMS]
    state.counters[C_DATAGRAMS] = counter + 1
    conversation = state.conversations[number]
    row = state.udp_ring[counter & MASK]
    row["ts"] = h[TS]
    row["frame"] = frame
    row["prev"] = conversation["last_row"]
    row["flow"] = number
    row["file"] = state.counters[C_FILE]
    row["size"] = size
    row["payload"] = be16(buf, h[L4] + 4) - UDP_HEADER
    row["key"] = key
    row["marks"] = (
        (SENT_DF if h[DF] else 0) | (SENT_FRAGMENTED if h[FRAGMENT] else 0) | (SENT_INSIDE if h[LAYERS] else 0)
    )
    row["side"] = side
    row["ttl"] = h[TTL]
    start = h[L4] + UDP_HEADER
    length = min(h[IP_END] - start, UDP_HEAD_BYTES)
    row["head_len"] = length
    for i in range(length):
        state.udp_ring_heads[counter & MASK, i] = buf[start + i]
    conversation["last_row"] = counter + 1


@kernel
def record_row(state: State, number: int, counter: int) -> None:
    """Copy the datagram `counter` of the ring into the table of datagrams, unless a bound is reached."""
    conversation = state.conversations[number]
    if conversation["recorded"] > counter:
        return
    conversation["recorded"] = counter + 1
    place = state.counters[C_UDP_ROWS]
    if place >= len(state.datagrams) or conversation["rows"] >= MAX_DATAGRAMS_OF_ONE:
        conversation["lost_rows"] += 1
        return
    state.counters[C_UDP_ROWS] = place + 1
    conversation["rows"] += 1
    state.datagrams[place] = state.udp_ring[counter & MASK]
    for i in range(state.udp_ring[counter & MASK]["head_len"]):
        state.datagram_heads[place, i] = state.udp_ring_heads[counter & MASK, i]


@kernel
def record_conversation(state: State, number: int) -> None:
    """Record what the ring still holds of a conversation, oldest first, and what comes next."""
    conversation = state.conversations[number]
    conversation["recording"] = DATAGRAMS_AFTER
    oldest = state.counters[C_DATAGRAMS] - DATAGRAM_RING_ROWS
    counter = conversation["last_row"] - 1
    found = 0
    while counter >= 0 and counter >= oldest and counter >= conversation["recorded"] and found < DATAGRAM_HISTORY:
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
    number = conversation_of(state, q, side, endpoints_of(q, side))
    if number >= 0:
        number_conversation(state, number)
    return number
