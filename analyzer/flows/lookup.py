"""Flows by their endpoints: an open-addressing hash table, numbered as Wireshark numbers tcp.stream."""

from __future__ import annotations

from typing import Any, NamedTuple

from analyzer.decode.integers import at
from analyzer.decode.packet_fields import DPORT, DST, FLAGS, POINT, SEQ, SPORT, SRC, VERSION
from analyzer.decode.tcp import ACK_FLAG, SYN, UNKNOWN
from analyzer.flows.flow_tables import C_FLOWS, C_RECENT, C_SEED, RECENT_FLOWS, REPLACED, State
from analyzer.kernels.marks import checked_in_front, inlined, kernel

NO_FLOW = -1
"""Instead of a flow's number: the bound on flows is reached."""


class Endpoints(NamedTuple):
    """The two endpoints of a packet, the lower first: what makes it belong to a flow. IPv4 has one word an address."""

    version: int
    point: int  # of the capture
    low: tuple[int, int, int, int]
    high: tuple[int, int, int, int]
    low_port: int
    high_port: int


@kernel
def put_hosts(row: Any, h: list[int]) -> None:
    """Write a packet's source and destination into the fields s0 to s3 and d0 to d3 of a row."""
    row["s0"] = h[SRC]
    row["s1"] = h[SRC + 1]
    row["s2"] = h[SRC + 2]
    row["s3"] = h[SRC + 3]
    row["d0"] = h[DST]
    row["d1"] = h[DST + 1]
    row["d2"] = h[DST + 2]
    row["d3"] = h[DST + 3]


@kernel
def put_endpoints(row: Any, odd: Any, ends: Endpoints) -> None:
    """Write both endpoints into a row; `odd` is the row with the other words of IPv6 addresses."""
    row["a0"] = ends.low[0]
    row["b0"] = ends.high[0]
    if ends.version == 6:
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


@inlined
def endpoint_order(h: list[int]) -> int:
    """0 if the source is the lower endpoint, 1 if the destination is."""
    for i in range(4):
        if h[SRC + i] != h[DST + i]:
            return 0 if h[SRC + i] < h[DST + i] else 1
    return 0 if h[SPORT] <= h[DPORT] else 1


@inlined
def endpoints_of(h: list[int], side: int) -> Endpoints:
    """The endpoints of the decoded packet, whose source is the endpoint `side`."""
    low = DST if side else SRC
    high = SRC if side else DST
    return Endpoints(
        h[VERSION],
        h[POINT],
        (h[low], h[low + 1], h[low + 2], h[low + 3]),
        (h[high], h[high + 1], h[high + 2], h[high + 3]),
        h[DPORT] if side else h[SPORT],
        h[SPORT] if side else h[DPORT],
    )


@inlined
def product(seed: int, low: int, high: int, factor: int) -> int:
    """Two words below 2**32 and the salt, multiplied: below 2**63. Both factors are secret or odd constants."""
    return (low ^ seed) * ((high & 0x7FFFFFFF) ^ factor)


@inlined
def hash_endpoints(ends: Endpoints, seed: int) -> int:
    """Salted hash of the two endpoints, the same for both directions, below 2**31.

    A sum of products that do not wait for one another, then one more to spread it.
    """
    value = product(seed, ends.low[0], ends.high[0], 0x2C1B3C6D)
    if ends.version == 6:
        value ^= product(seed, ends.low[1], ends.high[1], 0x297A2D39)
        value ^= product(seed, ends.low[2], ends.high[2], 0x5851F42D)
        value ^= product(seed, ends.low[3], ends.high[3], 0x4C957F2D)
    value = (((value ^ (value >> 32)) & 0xFFFFFFFF) ^ (ends.low_port << 16 | ends.high_port)) * 0x5BD1E995
    return (value ^ (value >> 32)) & 0x7FFFFFFF


@inlined
def same_endpoints(flow: Any, odd: Any, ends: Endpoints) -> bool:
    """True if the flow has these endpoints; `odd` is its row of `odd_flows`, or any that has the fields of IPv6."""
    if flow["port_a"] != ends.low_port or flow["port_b"] != ends.high_port or flow["version"] != ends.version:
        return False
    if flow["point"] != ends.point:
        return False
    if flow["a0"] != ends.low[0] or flow["b0"] != ends.high[0]:
        return False
    if ends.version == 4:
        return True
    return (
        odd["a1"] == ends.low[1]
        and odd["a2"] == ends.low[2]
        and odd["a3"] == ends.low[3]
        and odd["b1"] == ends.high[1]
        and odd["b2"] == ends.high[2]
        and odd["b3"] == ends.high[3]
    )


@inlined
def mixed(ends: Endpoints) -> int:
    """A number of the endpoints whose lowest bits differ between most of those that are seen at a time."""
    words = ends.low_port ^ ends.high_port ^ ends.low[0] ^ ends.high[0]
    return words ^ ends.low[3] ^ ends.high[3] if ends.version == 6 else words


@inlined
def recent_place(ends: Endpoints) -> int:
    """Which counter remembers the flow with these endpoints while it was seen lately."""
    return C_RECENT + (mixed(ends) & (RECENT_FLOWS - 1))


@inlined
@checked_in_front
def find_flow(state: State, ends: Endpoints) -> int:
    """The number of the latest flow with these endpoints, -1 if there is none."""
    place = recent_place(ends)
    recent = state.counters[at(place)]
    if recent < state.counters[C_FLOWS] and same_endpoints(state.flows[at(recent)], state.odd_flows[at(recent)], ends):
        return recent
    number = state.slots[at(find_slot(state, ends))] - 1
    if number >= 0:
        state.counters[at(place)] = number
    return number


@inlined
@checked_in_front
def find_hinted(state: State, ends: Endpoints, hint: int, known: int) -> int:
    """As `find_flow`, where it is the flow `known`, or may be `hint` (-1: nobody knows)."""
    if known >= 0:
        return known
    if (
        0 <= hint < state.counters[C_FLOWS]
        and state.flows[at(hint)]["seen"] & REPLACED == 0
        and same_endpoints(state.flows[at(hint)], state.odd_flows[at(hint)], ends)
    ):
        return hint
    return find_flow(state, ends)


@inlined
def first_slot(state: State, ends: Endpoints) -> int:
    """The slot where a flow with these endpoints is looked for first."""
    return hash_endpoints(ends, state.counters[C_SEED]) & (len(state.slots) - 1)


@inlined
@checked_in_front
def find_slot(state: State, ends: Endpoints) -> int:
    """The slot that holds the flow with these endpoints, or the empty slot where it belongs."""
    mask = len(state.slots) - 1
    slot = first_slot(state, ends)
    while True:
        number = state.slots[at(slot)]
        if number == 0:
            return slot
        if same_endpoints(state.flows[at(number - 1)], state.odd_flows[at(number - 1)], ends):
            return slot
        slot = (slot + 1) & mask


@kernel
def new_flow(state: State, ends: Endpoints, side: int, slot: int) -> int:
    """Number a new flow, enter it at `slot` (in place of an older one with the same endpoints)."""
    number = state.counters[C_FLOWS]
    state.counters[C_FLOWS] = number + 1
    state.counters[recent_place(ends)] = number
    if state.slots[slot] > 0:
        state.flows[state.slots[slot] - 1]["seen"] |= REPLACED
    state.slots[slot] = number + 1
    flow = state.flows[number]
    put_endpoints(flow, state.odd_flows[number], ends)
    flow["client"] = side
    flow["last_row"] = -1
    for i in range(2):
        direction = state.directions[number * 2 + i]
        direction["mss"] = -1
        direction["wscale"] = UNKNOWN
        direction["window"] = -1
        direction["ttl_min"] = 256
    return number


@inlined
def flow_of_packet(state: State, h: list[int], side: int) -> int:
    """The packet's flow, made if need be; NO_FLOW if the bound on flows is reached.

    A SYN with another initial sequence number on known endpoints opens a new flow, as in Wireshark.
    """
    opens = h[FLAGS] & (SYN | ACK_FLAG) == SYN
    ends = endpoints_of(h, side)
    if not opens:
        number = find_flow(state, ends)
        if number >= 0:
            return number
    slot = find_slot(state, ends)
    number = state.slots[slot] - 1
    if number >= 0:
        direction = state.directions[2 * number + side]
        if not direction["base_set"] or direction["base"] == h[SEQ]:
            return number
    return open_flow(state, ends, side, opens, slot)


@inlined
def open_flow(state: State, ends: Endpoints, side: int, opens: bool, slot: int) -> int:
    """A new flow, entered at `slot`, of a packet from the endpoint `side`; NO_FLOW if the bound is reached."""
    if state.counters[C_FLOWS] >= len(state.flows):
        return NO_FLOW
    # Who opened it is not known without the SYN: servers listen on well-known ports, which are the lower ones.
    client = side if opens or ends.low_port == ends.high_port else 0 if ends.low_port > ends.high_port else 1
    return new_flow(state, ends, client, slot)


@kernel
def number_stream(state: State, h: list[int]) -> None:
    """Give a packet that cannot be followed its stream number all the same, as Wireshark does."""
    flow_of_packet(state, h, endpoint_order(h))
