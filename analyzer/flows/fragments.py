"""Fragments, each a row, and the unfragmented packets of the same hosts beside them, counted.

No packet of a plain TCP connection comes here: only fragments, and what is neither TCP nor fragmented. The latter is
looked at once some fragment was seen, since it matters only beside them. Followed are the outermost IP packets.
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16, be32
from analyzer.decode.network import FRAGMENT_HEADER, MAX_EXTENSIONS
from analyzer.decode.packet_fields import DST, FRAGMENT, IP_END, IP_ID, IP_LEN, L4, NET, POINT, PROTO, SRC, TS, VERSION
from analyzer.decode.tunnel import PROTO_UDP
from analyzer.flows.flow_tables import C_FILE, C_FRAGMENTS, C_FRAGMENTS_LOST, C_PAIRS, C_SEED, State
from analyzer.flows.lookup import product, put_hosts
from analyzer.kernels.marks import kernel


@kernel
def note_datagram(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """Keep a fragment as a row; count another packet if fragments of its hosts were seen."""
    if h[FRAGMENT]:
        keep_fragment(state, buf, h, frame)
    elif state.counters[C_PAIRS] and h[IP_LEN]:
        protocol = buf[h[NET] + 9] + 0 if h[VERSION] == 4 else h[PROTO]
        number = state.pair_slots[find_pair(state, h, protocol)] - 1
        if number >= 0:
            pair = state.pairs[number]
            pair["whole"] += 1
            if pair["whole_frame"] == 0:
                pair["whole_frame"] = frame
                pair["whole_file"] = state.counters[C_FILE]
            pair["largest"] = max(pair["largest"] + 0, h[IP_LEN])


@kernel
def fragment_header(buf: Buffer, h: list[int]) -> int:
    """Where the fragment header of an IPv6 packet is, which has one."""
    o = h[NET] + 40
    following = buf[h[NET] + 6] + 0
    for _ in range(MAX_EXTENSIONS):
        if following == FRAGMENT_HEADER or o + 8 > h[L4]:
            break
        following = buf[o] + 0
        o += ((buf[o + 1] + 0) + 1) * 8
    return o


@kernel
def keep_fragment(state: State, buf: Buffer, h: list[int], frame: int) -> None:
    """A row of the table of fragments."""
    if h[IP_LEN] == 0:
        return
    if h[VERSION] == 4:
        place = be16(buf, h[NET] + 6)
        offset = (place & 0x1FFF) * 8
        more = place >> 13 & 1
        header = (buf[h[NET]] & 15) * 4
        protocol = buf[h[NET] + 9] + 0
        ident = h[IP_ID]
    else:
        o = fragment_header(buf, h)
        if o + 8 > h[L4]:
            return
        place = be16(buf, o + 2)
        offset = place & 0xFFF8
        more = place & 1
        header = o + 8 - h[NET]
        protocol = buf[o] + 0
        ident = be32(buf, o + 4)
    pair = pair_of(state, h, protocol)
    number = state.counters[C_FRAGMENTS]
    if pair < 0 or number >= len(state.fragments) or h[IP_LEN] <= header:
        state.counters[C_FRAGMENTS_LOST] += 1
        return
    state.counters[C_FRAGMENTS] = number + 1
    row = state.fragments[number]
    row["ts"] = h[TS]
    row["frame"] = frame
    row["file"] = state.counters[C_FILE]
    row["pair"] = pair
    row["ident"] = ident
    row["offset"] = offset
    row["length"] = h[IP_LEN] - header
    row["more"] = more
    row["ip_len"] = h[IP_LEN]
    row["whole"] = state.pairs[pair]["whole"]
    if offset == 0 and protocol == PROTO_UDP and h[NET] + header + 4 <= h[IP_END]:
        row["sport"] = be16(buf, h[NET] + header)
        row["dport"] = be16(buf, h[NET] + header + 2)


@kernel
def find_pair(state: State, h: list[int], protocol: int) -> int:
    """The slot that holds the pair of this packet's hosts, or the empty one where it belongs."""
    seed = state.counters[C_SEED]
    value = product(seed, h[SRC], h[DST], 0x2C1B3C6D) ^ (protocol << 8 | h[POINT])
    if h[VERSION] == 6:
        value ^= product(seed, h[SRC + 1], h[DST + 1], 0x297A2D39)
        value ^= product(seed, h[SRC + 2], h[DST + 2], 0x5851F42D)
        value ^= product(seed, h[SRC + 3], h[DST + 3], 0x4C957F2D)
    value = ((value ^ (value >> 32)) & 0xFFFFFFFF) * 0x5BD1E995
    mask = len(state.pair_slots) - 1
    slot = (value ^ (value >> 32)) & mask
    while True:
        number = state.pair_slots[slot] - 1
        if number < 0 or same_pair(state, number, h, protocol):
            return slot
        slot = (slot + 1) & mask


@kernel
def same_pair(state: State, number: int, h: list[int], protocol: int) -> bool:
    """True if the pair is that of the packet's hosts."""
    pair = state.pairs[number]
    if pair["protocol"] != protocol or pair["version"] != h[VERSION] or pair["point"] != h[POINT]:
        return False
    if pair["s0"] != h[SRC] or pair["s1"] != h[SRC + 1] or pair["s2"] != h[SRC + 2] or pair["s3"] != h[SRC + 3]:
        return False
    return bool(
        pair["d0"] == h[DST] and pair["d1"] == h[DST + 1] and pair["d2"] == h[DST + 2] and pair["d3"] == h[DST + 3]
    )


@kernel
def pair_of(state: State, h: list[int], protocol: int) -> int:
    """The number of the pair of the packet's hosts, a new one if need be; -1 if there is no room for it."""
    slot = find_pair(state, h, protocol)
    number = state.pair_slots[slot] - 1
    if number >= 0:
        return int(number)
    number = state.counters[C_PAIRS]
    if number >= len(state.pairs):
        return -1
    state.counters[C_PAIRS] = number + 1
    state.pair_slots[slot] = number + 1
    pair = state.pairs[number]
    pair["protocol"] = protocol
    pair["version"] = h[VERSION]
    pair["point"] = h[POINT]
    put_hosts(pair, h)
    pair["many"] = 1 if many_receivers(h) else 0
    return int(number)


@kernel
def many_receivers(h: list[int]) -> bool:
    """Whether the destination is a multicast address, or may be a broadcast address."""
    if h[VERSION] == 6:
        return bool(h[DST] >> 24 == 0xFF)
    return bool(h[DST] >> 28 >= 0xE or h[DST] & 0xFF == 0xFF)
