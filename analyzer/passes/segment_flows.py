"""A segment of packets before its flows are shared out: where each packet lies, and which flow it is of."""

from __future__ import annotations

from typing import Any

from analyzer.capture.container import (
    BIG,
    DROPPED,
    FORMAT,
    FRAME,
    GOT_PACKET,
    PCAP,
    POS,
    RECORD,
)
from analyzer.capture.pcapng import ENHANCED_PACKET
from analyzer.decode.ether import ETHER_IPV4
from analyzer.decode.integers import Buffer, at, be32_inside, int32
from analyzer.decode.link import decode_link
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import OK, REASON_TCP_CUT, REASON_TCP_MALFORMED
from analyzer.decode.tcp import ACK_FLAG, SYN
from analyzer.flows.fast_path import LEAST_BYTES, MOST_FIXED_BYTES
from analyzer.flows.flow_tables import (
    C_FLOWS,
    C_ROWS,
    State,
)
from analyzer.flows.lookup import NO_FLOW, find_flow, find_slot, first_slot, open_flow, same_endpoints
from analyzer.kernels.marks import (
    atomic_set,
    checked_in_front,
    inlined,
    kernel,
    prefetch,
    unlikely,
)
from analyzer.passes.one_packet import decode_inside
from analyzer.passes.packet_queue import (
    ITEM,
    OTHER_BLOCK,
    Q_END,
    Q_ETHER_TYPE,
    Q_EVENTS,
    Q_HINT,
    Q_LAYERS,
    Q_NET,
    Q_REASON,
    Q_RECORD,
    Q_ROW,
    Q_SLOT,
    bare_endpoints,
    get_packet,
    next_before,
    put_packet,
)
from analyzer.passes.segment_board import (
    B_BEGUN,
    B_COUNT,
    B_CURRENT,
    B_POINT,
    B_REPLACED,
    B_STATUS,
    B_STOP,
    B_WALKED,
    GROUPS,
)
from analyzer.settings import SEGMENT_PACKETS

UNKNOWN = -1  # instead of a flow's number: it has to be looked for once more, in order
OTHER = -2  # a packet without TCP or ICMP
ODD = -3  # the packet ends the segments

NEIGHBOURS = 6
"""Flows come into groups in runs of 2**NEIGHBOURS: the rows of one run share no memory word with another's."""


@inlined
def is_packet_next(buf: Buffer, end: int, container: list[int]) -> bool:
    """Whether what comes next in the file is a packet, and nothing before it."""
    place = container[POS]
    return container[FORMAT] == PCAP or place + 4 > end or int32(buf, place, container[BIG]) == ENHANCED_PACKET


@kernel
def walk_segment(
    board: list[int],
    half: int,
    items: list[int],
    buf: Buffer,
    end: int,
    container: list[int],
    interfaces: list[int],
    walk: list[int],
    until: int,
) -> None:
    """Put the next packets of buf[POS:end], as many as are a segment, into a half of the items."""
    place = half * SEGMENT_PACKETS * ITEM
    last = place + SEGMENT_PACKETS * ITEM
    status = GOT_PACKET
    while place < last:
        if not is_packet_next(buf, end, container):
            status = OTHER_BLOCK
            break
        dropped = container[DROPPED]
        status = next_before(buf, end, container, interfaces, walk, until)
        if unlikely(status != GOT_PACKET):
            break
        if unlikely(container[DROPPED] != dropped):  # it would count twice if it were read again
            container[DROPPED] = dropped
            container[POS] = container[RECORD]
            container[FRAME] -= 1
            status = OTHER_BLOCK
            break
        put_packet(items, place, walk, container[FRAME], decode_link(buf, walk))
        items[place + Q_RECORD] = container[RECORD]
        items[place + Q_EVENTS] = 0
        place += ITEM
    board[B_COUNT + half] = place // ITEM - half * SEGMENT_PACKETS
    board[B_STATUS + half] = status
    atomic_set(board, B_WALKED, 1)


@inlined
@checked_in_front
def is_plain_tcp(buf: Buffer, items: list[int], place: int) -> bool:
    """True if a packet is TCP in IP, outside of all, and whatever the decoders make of it they make a TCP packet.

    Its headers are there (LEAST_BYTES of them, at least), it is no fragment, and its lengths fit.
    """
    net = items[at(place + Q_NET)]
    room = items[at(place + Q_END)] - net
    if (
        items[at(place + Q_REASON)] != OK
        or items[at(place + Q_LAYERS)] != 0
        or net < 0
        or room < LEAST_BYTES
        or net + MOST_FIXED_BYTES > len(buf)
    ):
        return False
    word = be32_inside(buf, net)
    if items[at(place + Q_ETHER_TYPE)] == ETHER_IPV4:
        protocol = be32_inside(buf, net + 8) >> 16 & 0xFF
        if word >> 24 != 0x45 or be32_inside(buf, net + 4) & 0x3FFF != 0 or protocol != PROTO_TCP:
            return False
        header = (be32_inside(buf, net + 32) >> 28) * 4
        return header >= 20 and word & 0xFFFF >= 20 + header
    hops = be32_inside(buf, net + 4)
    if word >> 28 != 6 or hops >> 8 & 0xFF != PROTO_TCP or room < 60:
        return False
    header = (be32_inside(buf, net + 52) >> 28) * 4
    return header >= 20 and hops >> 16 >= header


@kernel
def kind_of(buf: Buffer, items: list[int], place: int, h: list[int]) -> int:
    """OTHER or ODD, of a packet that is not plain TCP."""
    reason = items[place + Q_REASON]
    if reason == OK:
        get_packet(items, place, h)
        reason = decode_inside(buf, h)
    return ODD if reason in (OK, REASON_TCP_CUT, REASON_TCP_MALFORMED) else OTHER


@kernel
@checked_in_front
def look_up(state: State, buf: Buffer, items: list[int], first: int, last: int, point: int, h: list[int]) -> None:
    """Find the flows of the items in items[first:last]: Q_HINT is a flow's number, or UNKNOWN, OTHER or ODD.

    Nothing is known of a flow that begins in the segment; and of a SYN it is not sure which flow it belongs to.
    """
    for place in range(first, last, ITEM):
        if is_plain_tcp(buf, items, place):
            net = items[at(place + Q_NET)]
            _, ends = bare_endpoints(buf, net, be32_inside(buf, net) >> 28, point)
            slot = first_slot(state, ends)
            items[at(place + Q_HINT)] = UNKNOWN
            items[at(place + Q_SLOT)] = slot
            prefetch(state.slots, slot, 0)
        else:
            items[at(place + Q_HINT)] = kind_of(buf, items, place, h)
    for place in range(first, last, ITEM):
        if items[at(place + Q_HINT)] == UNKNOWN:
            number = state.slots[at(items[at(place + Q_SLOT)])] - 1
            items[at(place + Q_SLOT)] = number
            if number >= 0:
                prefetch(state.flows, number, 0)
    for place in range(first, last, ITEM):
        number = items[at(place + Q_SLOT)]
        if items[at(place + Q_HINT)] == UNKNOWN and number >= 0:
            net = items[at(place + Q_NET)]
            version = be32_inside(buf, net) >> 28
            if flags_of(buf, net, version) & SYN == 0:
                _, ends = bare_endpoints(buf, net, version, point)
                if unlikely(not same_endpoints(state.flows[at(number)], state.odd_flows[at(number)], ends)):
                    number = state.slots[at(find_slot(state, ends))] - 1
                items[at(place + Q_HINT)] = number


@inlined
def flags_of(buf: Buffer, net: int, version: int) -> int:
    """The TCP flags of a plain TCP packet."""
    return be32_inside(buf, net + (32 if version == 4 else 52)) >> 16 & 0xFF


@kernel
def number_in_order(state: State, board: list[int], buf: Buffer, net: int, begun: int) -> int:
    """The flow of a plain TCP packet, made if need be, when all before it have theirs; ODD if that cannot be said yet.

    As `lookup.flow_of_packet`. Flows from `begun` on have begun in this segment. Of these the initial sequence numbers
    are noted here, as `tcp_state.track_tcp` does later; of others they are known, or depend on packets of the segment.
    """
    version = be32_inside(buf, net) >> 28
    side, ends = bare_endpoints(buf, net, version, board[B_POINT])
    tcp = net + (20 if version == 4 else 40)
    flags = flags_of(buf, net, version)
    seq = be32_inside(buf, tcp + 4)
    opens = flags & (SYN | ACK_FLAG) == SYN
    number = state.slots[find_slot(state, ends)] - 1 if opens else find_flow(state, ends)
    if number >= 0 and flags & SYN:
        direction = state.directions[2 * number + side]
        if direction["base_set"] == 0:
            if opens and number < begun:
                return ODD
        elif direction["base"] != seq:
            if not opens:
                return ODD  # its sequence numbers may begin anew
            board[B_REPLACED] = 1
            number = NO_FLOW
    if number < 0:
        number = open_flow(state, ends, side, opens, find_slot(state, ends))
        if number == NO_FLOW:
            return ODD
    if number >= begun:
        me = state.directions[2 * number + side]
        peer = state.directions[2 * number + 1 - side]
        if me["base_set"] == 0:
            me["base_set"] = 1
            me["base"] = seq if flags & SYN else (seq - 1) & 0xFFFFFFFF
        if peer["base_set"] == 0 and flags & ACK_FLAG:
            peer["base_set"] = 1
            peer["base"] = (be32_inside(buf, tcp + 8) - 1) & 0xFFFFFFFF
    return int(number)


@kernel
def number_flows(state: State, board: list[int], items: list[int], order: Any, buf: Buffer) -> None:
    """Give the packets of the current half their flows, and their rows in the ring, before the first odd one.

    `order`: (1 + GROUPS, 1 + SEGMENT_PACKETS) for each group how many of the packets are of its flows, and which; the
    first group is of packets without TCP.
    """
    base = board[B_CURRENT] * SEGMENT_PACKETS * ITEM
    begun = state.counters[C_FLOWS]
    board[B_BEGUN] = begun
    row = state.counters[C_ROWS]
    stop = board[B_COUNT + board[B_CURRENT]]
    board[B_REPLACED] = 0
    for group in range(1 + GROUPS):
        order[group, 0] = 0
    for i in range(stop):
        place = base + i * ITEM
        number = items[place + Q_HINT]
        group = 0
        if number != OTHER:
            if number == UNKNOWN or (number >= 0 and unlikely(board[B_REPLACED] != 0)):
                number = number_in_order(state, board, buf, items[place + Q_NET], begun)
            if number == ODD:
                stop = i
                break
            items[place + Q_HINT] = number
            items[place + Q_ROW] = row
            row += 1
            group = 1 + (number >> NEIGHBOURS & (GROUPS - 1))
        filled = order[group, 0] + 1
        order[group, 0] = filled
        order[group, filled] = i
    state.counters[C_ROWS] = row
    board[B_STOP] = stop
