"""Flows by their endpoints: an open-addressing hash table, numbered as Wireshark numbers tcp.stream."""

from __future__ import annotations

from typing import Any

from analyzer.decode.fields import DPORT, DST, POINT, SPORT, SRC, VERSION
from analyzer.decode.tcp import UNKNOWN
from analyzer.flows.tables import C_FLOWS, C_LATEST, C_SEED, State
from analyzer.kernel import inlined, kernel


@inlined
def endpoint_order(h: list[int]) -> int:
    """0 if the source is the lower endpoint, 1 if the destination is."""
    for i in range(4):
        if h[SRC + i] != h[DST + i]:
            return 0 if h[SRC + i] < h[DST + i] else 1
    return 0 if h[SPORT] <= h[DPORT] else 1


@inlined
def product(seed: int, low: int, high: int, factor: int) -> int:
    """Two words below 2**32 and the salt, multiplied: below 2**63. Both factors are secret or odd constants."""
    return (low ^ seed) * ((high & 0x7FFFFFFF) ^ factor)


@inlined
def hash_endpoints(h: list[int], side: int, seed: int) -> int:
    """Salted hash of the two endpoints, the same for both directions, below 2**31.

    A sum of products that do not wait for one another, then one more to spread it: every packet is hashed.
    """
    low = DST if side else SRC
    high = SRC if side else DST
    value = product(seed, h[low], h[high], 0x2C1B3C6D)
    if h[VERSION] == 6:
        value ^= product(seed, h[low + 1], h[high + 1], 0x297A2D39)
        value ^= product(seed, h[low + 2], h[high + 2], 0x5851F42D)
        value ^= product(seed, h[low + 3], h[high + 3], 0x4C957F2D)
    low_port = h[DPORT] if side else h[SPORT]
    high_port = h[SPORT] if side else h[DPORT]
    value = (((value ^ (value >> 32)) & 0xFFFFFFFF) ^ (low_port << 16 | high_port)) * 0x5BD1E995
    return (value ^ (value >> 32)) & 0x7FFFFFFF


@inlined
def same_endpoints(flow: Any, h: list[int], side: int) -> bool:
    """True if `flow` has the endpoints of the packet."""
    low = DST if side else SRC
    high = SRC if side else DST
    low_port = h[DPORT] if side else h[SPORT]
    high_port = h[SPORT] if side else h[DPORT]
    if flow["port_a"] != low_port or flow["port_b"] != high_port or flow["version"] != h[VERSION]:
        return False
    if flow["point"] != h[POINT]:
        return False
    if flow["a0"] != h[low] or flow["b0"] != h[high]:
        return False
    if h[VERSION] == 4:
        return True
    return (
        flow["a1"] == h[low + 1]
        and flow["a2"] == h[low + 2]
        and flow["a3"] == h[low + 3]
        and flow["b1"] == h[high + 1]
        and flow["b2"] == h[high + 2]
        and flow["b3"] == h[high + 3]
    )


@inlined
def find_slot(state: State, h: list[int], side: int) -> int:
    """The slot that holds the packet's flow, or the empty slot where it belongs."""
    mask = len(state.slots) - 1
    slot = hash_endpoints(h, side, state.counters[C_SEED]) & mask
    while True:
        number = state.slots[slot]
        if number == 0 or same_endpoints(state.flows[number - 1], h, side):
            return slot
        slot = (slot + 1) & mask


@kernel
def new_flow(state: State, h: list[int], side: int, slot: int) -> int:
    """Number a new flow, enter it at `slot` (in place of an older one with the same endpoints)."""
    number = state.counters[C_FLOWS]
    state.counters[C_FLOWS] = number + 1
    state.counters[C_LATEST] = number
    state.slots[slot] = number + 1
    flow = state.flows[number]
    low = DST if side else SRC
    high = SRC if side else DST
    flow["a0"] = h[low]
    flow["a1"] = h[low + 1]
    flow["a2"] = h[low + 2]
    flow["a3"] = h[low + 3]
    flow["b0"] = h[high]
    flow["b1"] = h[high + 1]
    flow["b2"] = h[high + 2]
    flow["b3"] = h[high + 3]
    flow["port_a"] = h[DPORT] if side else h[SPORT]
    flow["port_b"] = h[SPORT] if side else h[DPORT]
    flow["version"] = h[VERSION]
    flow["point"] = h[POINT]
    flow["client"] = side
    flow["last_row"] = -1
    flow["recorded"] = -1
    for i in range(2):
        direction = state.directions[number * 2 + i]
        direction["mss"] = -1
        direction["wscale"] = UNKNOWN
        direction["window"] = -1
        direction["ttl_min"] = 256
    return number
