"""Packets before their turn: where each lies, what its link header says, and which flow it seems to belong to.

With many flows most of the time would go into waiting for their rows to come from memory, one flow after the other. So
packets are put into a queue first, a few at a time, and the rows of those that come next are asked for while others
are taken. A flow that is found here is a hint: when the packet's turn comes, a later flow may have its endpoints.
"""

from __future__ import annotations

import numpy as np

from analyzer.capture.container import FRAME, GOT_PACKET, POS, RECORD
from analyzer.capture.pcapng import next_packet
from analyzer.decode.integers import Buffer, at, be32_inside
from analyzer.decode.link import decode_link
from analyzer.decode.packet_fields import (
    END,
    ETHER_TYPE,
    LAYERS,
    LINK,
    NET,
    OK,
    PACKET_DIRECTION,
    POINT,
    START,
    TS,
    WIRE_LEN,
)
from analyzer.flows.fast_path import LEAST_BYTES, MOST_FIXED_BYTES, four_words
from analyzer.flows.flow_tables import C_ROWS, State
from analyzer.flows.lookup import Endpoints, first_slot
from analyzer.flows.recording import RING_MASK
from analyzer.kernels.marks import checked_in_front, inlined, kernel, prefetch, unlikely

REACHED_TIME = -11
OTHER_BLOCK = -12
"""`shared_segments` does not read on: what comes next in the file is no packet, or tells of more than that."""
ODD_PACKET = -13
"""`shared_segments` does not go on: the next packet does not fit in."""

FAR = 1 << 14
"""Packets between two of one flow from which on its rows are no longer near the processor: what so many touch, 600
bytes each, is more than its caches hold. Measured: of 100,000 flows that take turns a packet takes a third less time
when it is queued; of 4,000, or of short flows of which 200 are open, it takes a fifth more."""

SAMPLE = 256
"""So many packets are looked at to see how far apart a flow's packets are."""

ENOUGH = 8
"""One in so many of them has to be far from the one before it of its flow."""

ENOUGH_TO_SHARE = 8
"""So many packets of SAMPLE have to be the first of their flow, or far from the one before it, for two processors to
share them. Each costs some accesses to memory, of which two wait for twice as many at a time; the rest is not worth
it."""

BATCH = 64
"""Packets that are put into the queue together."""

SOON = 8
"""How many packets ahead rows are asked for: the time of so many is some hundred nanoseconds, as memory takes."""

ITEM = 16
"""Integers a packet: the following, and the fields that the walk and the link layer set."""
Q_FRAME = 0
Q_REASON = 1  # what `decode_link` says
Q_HINT = 2  # the flow, -1: nobody knows
Q_SLOT = 3  # where its number is, -1: nowhere
Q_TS = 4
Q_WIRE_LEN = 5
Q_LINK = 6
Q_START = 7
Q_END = 8
Q_ETHER_TYPE = 9
Q_NET = 10
Q_LAYERS = 11
Q_PACKET_DIRECTION = 12
Q_ROW = 13  # these are for `shared_segments`: the packet's row in the ring
Q_EVENTS = 14  # rows of the event table that it made
Q_RECORD = 15  # where its record starts in the buffer

QUEUE = ITEM * (BATCH + SOON)
"""Integers of the queue: behind the last packet are some that are asked for their flow, and have none."""


@inlined
def next_before(buf: Buffer, end: int, container: list[int], interfaces: list[int], h: list[int], until: int) -> int:
    """As `next_packet`, but one later than `until` (ns) is left where it is: packets of other files come first."""
    status = next_packet(buf, end, container, interfaces, h)
    if unlikely(status == GOT_PACKET and h[TS] > until):
        container[POS] = container[RECORD]
        container[FRAME] -= 1
        return REACHED_TIME
    return status


@inlined
@checked_in_front
def put_packet(queue: list[int], place: int, h: list[int], frame: int, reason: int) -> None:
    """Write the packet into the queue."""
    queue[at(place + Q_FRAME)] = frame
    queue[at(place + Q_REASON)] = reason
    queue[at(place + Q_TS)] = h[TS]
    queue[at(place + Q_WIRE_LEN)] = h[WIRE_LEN]
    queue[at(place + Q_LINK)] = h[LINK]
    queue[at(place + Q_START)] = h[START]
    queue[at(place + Q_END)] = h[END]
    queue[at(place + Q_ETHER_TYPE)] = h[ETHER_TYPE]
    queue[at(place + Q_NET)] = h[NET]
    queue[at(place + Q_LAYERS)] = h[LAYERS]
    queue[at(place + Q_PACKET_DIRECTION)] = h[PACKET_DIRECTION]


@inlined
@checked_in_front
def get_packet(queue: list[int], place: int, h: list[int]) -> None:
    """Bring the packet's fields back."""
    h[TS] = queue[at(place + Q_TS)]
    h[WIRE_LEN] = queue[at(place + Q_WIRE_LEN)]
    h[LINK] = queue[at(place + Q_LINK)]
    h[START] = queue[at(place + Q_START)]
    h[END] = queue[at(place + Q_END)]
    h[ETHER_TYPE] = queue[at(place + Q_ETHER_TYPE)]
    h[NET] = queue[at(place + Q_NET)]
    h[LAYERS] = queue[at(place + Q_LAYERS)]
    h[PACKET_DIRECTION] = queue[at(place + Q_PACKET_DIRECTION)]


@inlined
def ask_for_rows(state: State, number: int) -> None:
    """Ask for what a packet of a flow needs (-1: nobody knows which), that comes soon."""
    if number >= 0:
        prefetch(state.flows, number, 0)
        prefetch(state.flows, number, 64)
        prefetch(state.directions, 2 * number, 0)  # those of both sides, as below
        prefetch(state.directions, 2 * number, 64)
        prefetch(state.directions, 2 * number, 128)
        prefetch(state.transfers, 2 * number, 0)
        prefetch(state.transfers, 2 * number, 64)
        prefetch(state.transfers, 2 * number, 128)
        prefetch(state.transfers, 2 * number, 192)


@inlined
def bare_endpoints(buf: Buffer, net: int, version: int, point: int) -> tuple[int, Endpoints]:
    """Which endpoint is the source, and the endpoints of a packet whose IP header at `net` has no options.

    As in `take_fast_path`, where it is not called: with this between, every packet took 5 % longer.
    """
    if version == 4:
        ports = be32_inside(buf, net + 20)
        source = be32_inside(buf, net + 12)
        target = be32_inside(buf, net + 16)
        side = 0 if source < target or (source == target and ports >> 16 <= ports & 0xFFFF) else 1
        low = target if side else source
        high = source if side else target
        low_port = ports & 0xFFFF if side else ports >> 16
        high_port = ports >> 16 if side else ports & 0xFFFF
        return side, Endpoints(4, point, (low, 0, 0, 0), (high, 0, 0, 0), low_port, high_port)
    ports = be32_inside(buf, net + 40)
    sources = four_words(buf, net + 8)
    targets = four_words(buf, net + 24)
    side = 0 if sources < targets or (sources == targets and ports >> 16 <= ports & 0xFFFF) else 1
    low_port = ports & 0xFFFF if side else ports >> 16
    high_port = ports >> 16 if side else ports & 0xFFFF
    if side:
        return side, Endpoints(6, point, targets, sources, low_port, high_port)
    return side, Endpoints(6, point, sources, targets, low_port, high_port)


@inlined
@checked_in_front
def find_flows(state: State, buf: Buffer, queue: list[int], end: int, point: int) -> None:
    """Look for the flows of the packets before `end` in the queue, all at once; where flows share a slot, perhaps."""
    for place in range(0, end, ITEM):
        net = queue[at(place + Q_NET)]
        queue[at(place + Q_SLOT)] = -1
        if unlikely(
            queue[at(place + Q_REASON)] != OK
            or net < 0
            or net + LEAST_BYTES > queue[at(place + Q_END)]
            or net + MOST_FIXED_BYTES > len(buf)
        ):
            continue
        word = be32_inside(buf, net)
        if word >> 24 == 0x45 or word >> 28 == 6:
            _, ends = bare_endpoints(buf, net, word >> 28, point)
            slot = first_slot(state, ends)
            queue[at(place + Q_SLOT)] = slot
            prefetch(state.slots, slot, 0)
    for place in range(0, end, ITEM):
        slot = queue[at(place + Q_SLOT)]
        queue[at(place + Q_HINT)] = state.slots[at(slot)] - 1 if slot >= 0 else -1


@kernel
def is_spread(state: State, far: int) -> bool:
    """True if packets of one flow lie farther apart than `far` packets, often enough; below 0 is always."""
    count = state.counters[C_ROWS]
    sample = min(count, SAMPLE)
    found = 0
    for counter in range(count - sample, count):
        before = state.ring[counter & RING_MASK]["prev"]
        if before >= 0 and counter - before > far:
            found += 1
    return far < 0 or (sample == SAMPLE and found * ENOUGH >= sample)


@inlined
def queue_packets(
    state: State,
    buf: Buffer,
    end: int,
    container: list[int],
    interfaces: list[int],
    h: list[int],
    until: int,
    queue: list[int],
) -> tuple[int, int]:
    """Put up to BATCH packets of buf[POS:end] before the first later than `until` (ns) into the queue.

    Returns how many, and why it stopped: GOT_PACKET if the queue is full. The fields of `h` are those of the last
    packet that was looked at.
    """
    place = 0
    status = GOT_PACKET
    while place < BATCH * ITEM:
        status = next_before(buf, end, container, interfaces, h, until)
        if unlikely(status != GOT_PACKET):
            break
        put_packet(queue, place, h, container[FRAME], decode_link(buf, h))
        place += ITEM
    find_flows(state, buf, queue, place, h[POINT])
    return place // ITEM, status


def is_worth_sharing(state: State) -> bool:
    """True if of the latest packets enough begin a flow, or lie far from the one before it of their flow.

    As `is_spread`, by whole columns: this is asked once a chunk, and not by compiled code.
    """
    count = int(state.counters[C_ROWS])
    if count < SAMPLE:
        return False
    rows = np.arange(count - SAMPLE, count)
    before = state.ring["prev"][rows & RING_MASK]
    return bool(np.count_nonzero((before < 0) | (rows - before > FAR)) >= ENOUGH_TO_SHARE)
