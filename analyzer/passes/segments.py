"""The skim by two processors: segments of some thousand packets, whose flows are shared out between them.

A segment goes through four steps. It is walked: where each packet lies. Its flows are looked up, all at once. What is
then still unknown, which flows begin, is settled by one of the two, in order, so that each flow gets the number that it
would get anyway. From then on packets of different flows have nothing to do with each other: each processor takes the
flows of some groups, whoever is free the next group. What they find out is put together behind that, in the packets'
order, and so the tables are to the bit what one processor leaves.

While one settles, the other walks the next segment, which is looked up beside the packets of this one. A packet that
does not fit in (an ICMP error, a fragment, TCP in a tunnel, a SYN of which it depends on packets before it whether it
opens a flow) ends all this: `first.skim_chunk` takes it, and some more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.capture.container import (
    BIG,
    DROPPED,
    FORMAT,
    FRAME,
    GOT_PACKET,
    I_WIDTH,
    PCAP,
    POS,
    RECORD,
)
from analyzer.capture.container import COUNT as CONTAINER
from analyzer.capture.pcapng import ENHANCED_PACKET
from analyzer.decode.ether import ETHER_IPV4
from analyzer.decode.integers import Buffer, at, be32_inside, int32
from analyzer.decode.link import decode_link
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import COUNT, OK, POINT, REASON_TCP_CUT, REASON_TCP_MALFORMED, TS
from analyzer.decode.tcp import ACK_FLAG, SYN
from analyzer.flows.fast_path import LEAST_BYTES, MOST_FIXED_BYTES
from analyzer.flows.flow_tables import (
    C_COUNT,
    C_EVENTS,
    C_FIRST_TS,
    C_FLOWS,
    C_LAST_TS,
    C_PACKETS,
    C_RECENT,
    C_ROWS,
    C_TROUBLED,
    PACKET,
    State,
)
from analyzer.flows.lookup import NO_FLOW, find_flow, find_slot, first_slot, open_flow, same_endpoints
from analyzer.flows.table_pages import new_state
from analyzer.kernels.marks import (
    array_at,
    atomic_add,
    atomic_exchange,
    atomic_get,
    atomic_set,
    checked_in_front,
    inlined,
    kernel,
    prefetch,
    unlikely,
)
from analyzer.passes.one_packet import decode_inside, take_packet
from analyzer.passes.packet_queue import (
    ITEM,
    ODD_PACKET,
    OTHER_BLOCK,
    Q_END,
    Q_ETHER_TYPE,
    Q_EVENTS,
    Q_FRAME,
    Q_HINT,
    Q_LAYERS,
    Q_NET,
    Q_REASON,
    Q_RECORD,
    Q_ROW,
    Q_SLOT,
    SOON,
    ask_for_rows,
    bare_endpoints,
    get_packet,
    next_before,
    put_packet,
)
from analyzer.settings import HEAD_BYTES, MAX_TROUBLED, RING_ROWS, SEGMENT_PACKETS

WAITING = -14
"""Nothing is left to do here until the other processor is done: call again."""

UNKNOWN = -1  # instead of a flow's number: it has to be looked for once more, in order
OTHER = -2  # a packet without TCP or ICMP
ODD = -3  # the packet ends the segments

GROUPS = 8
NEIGHBOURS = 6
"""Flows come into groups in runs of 2**NEIGHBOURS: the rows of one run share no memory word with another's."""
LOOKED_UP = 256
"""Packets that are looked up as one task."""
TASKS = 1 + GROUPS + SEGMENT_PACKETS // LOOKED_UP
"""Of a job: packets without TCP, groups of flows, and blocks of the next segment."""
EVENTS_MADE = RING_ROWS + SEGMENT_PACKETS
"""Rows of the event table that a segment can add at most: each packet of the ring once."""

# Places on the board, at which the two meet: each in a line of memory of its own.
B_CLAIMED = 0  # number of the job << JOB_SHIFT | tasks of it that somebody has taken
B_DONE = 8  # tasks of the job that are done
B_WALKED = 16  # 1: the half that is to be prepared is walked
B_FAILED = 17  # 1: the other one gave up
# What follows is written by who leads, before a job begins.
B_TASKS = 25
B_CURRENT = 26  # which half of the items is taken; the other is prepared
B_COUNT = 27  # and next: packets in each half
B_STATUS = 29  # and next: why the walk of each half ended
B_STAGE = 31
B_POINT = 32
B_STOP = 33  # packets of the current half before the first odd one
B_BEGUN = 35  # flows before the segment
B_REPLACED = 34  # 1: of a flow of the segment, or an older one, another has the endpoints now
# The chunk: where it lies, up to where it is to be read, and what the walk needs.
B_BUFFER = 40
B_BUFFER_BYTES = 41
B_END = 42
B_UNTIL = 43
B_CONTAINER = 44
B_INTERFACES = 45
B_INTERFACES_SIZE = 46
BOARD = 48
JOB_SHIFT = 32
TASK_MASK = (1 << JOB_SHIFT) - 1

ITEMS = 2 * SEGMENT_PACKETS * ITEM
"""Integers of two halves of items: one is taken while the other is prepared."""

ORDER = (1 + GROUPS, 1 + SEGMENT_PACKETS)

WALK = 1 << 20
"""The task of each job with an odd number: to walk the next segment. It alone does not count in B_DONE."""

STAGE_BEGIN = 0
STAGE_READY = 1
STAGE_SHARED = 2

PATIENCE = 1 << 18
"""Looks at the board before whoever waits lets others have the processor: some hundred microseconds."""

EVENT_BITS = 20
"""Q_EVENTS: who << 2 * EVENT_BITS | first row << EVENT_BITS | rows."""
ROWS_MASK = (1 << EVENT_BITS) - 1


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


@kernel
def take_group(
    view: State,
    who: int,
    board: list[int],
    items: list[int],
    base: int,
    packets: Any,
    buf: Buffer,
    h: list[int],
    q: list[int],
) -> None:
    """Take the packets of a group: packets[0] of them, then which of the items from `base` on."""
    count = packets[0]
    begun = board[B_BEGUN]
    for k in range(1, 1 + count):
        if k + SOON <= count:
            later = items[base + packets[k + SOON] * ITEM + Q_HINT]
            if later < begun:  # rows of newer ones are near still, or in pages that nobody has touched yet
                ask_for_rows(view, later)
        place = base + packets[k] * ITEM
        get_packet(items, place, h)
        known = max(items[place + Q_HINT], -1)
        if known >= 0:
            view.counters[C_ROWS] = items[place + Q_ROW]
        before = view.counters[C_EVENTS]
        take_packet(view, buf, h, q, items[place + Q_FRAME], items[place + Q_REASON], -1, known)
        made = view.counters[C_EVENTS] - before
        if unlikely(made != 0):
            items[place + Q_EVENTS] = who << 2 * EVENT_BITS | before << EVENT_BITS | made


@kernel
def do_task(
    view: State,
    who: int,
    task: int,
    board: list[int],
    items: list[int],
    order: Any,
    buf: Buffer,
    container: list[int],
    interfaces: list[int],
    walk: list[int],
    h: list[int],
    q: list[int],
) -> None:
    """Do one task of the job on the board."""
    half = board[B_CURRENT]
    base = half * SEGMENT_PACKETS * ITEM
    if task == WALK:
        walk_segment(board, 1 - half, items, buf, board[B_END], container, interfaces, walk, board[B_UNTIL])
        return
    if task <= GROUPS:
        h[POINT] = board[B_POINT]
        q[POINT] = board[B_POINT]
        take_group(view, who, board, items, base, order[task], buf, h, q)
    else:
        while atomic_get(board, B_WALKED) == 0 and atomic_get(board, B_FAILED) == 0:
            pass  # most often it is since long: groups come first
        other = (1 - half) * SEGMENT_PACKETS
        first = (task - 1 - GROUPS) * LOOKED_UP
        last = min(first + LOOKED_UP, board[B_COUNT + 1 - half])
        look_up(view, buf, items, (other + first) * ITEM, (other + last) * ITEM, board[B_POINT], h)
    atomic_add(board, B_DONE, 1)


@inlined
def claim(board: list[int]) -> int:
    """The next task that nobody has yet, WALK or a number below TASKS; -1: all are taken.

    Which it is, its own word tells: whoever leads may have begun the next job before this one looks again.
    """
    while True:
        word = atomic_get(board, B_CLAIMED)
        if word & TASK_MASK >= atomic_get(board, B_TASKS):
            return -1
        if atomic_exchange(board, B_CLAIMED, word, word + 1):
            return WALK if word >> JOB_SHIFT & 1 else word & TASK_MASK


@inlined
def post(board: list[int], tasks: int) -> None:
    """Begin the next job: what has to be known for it is written already. Each other one is the walk."""
    word = atomic_get(board, B_CLAIMED)
    atomic_set(board, B_CLAIMED, word | TASK_MASK)  # nobody takes a task while they change
    atomic_set(board, B_TASKS, tasks)
    atomic_set(board, B_DONE, 0)
    atomic_set(board, B_CLAIMED, ((word >> JOB_SHIFT) + 1) << JOB_SHIFT)


@kernel
def follow(
    view: State,
    board: list[int],
    items: list[int],
    order: Any,
    h: list[int],
    q: list[int],
    walk: list[int],
    buf: Buffer,
    patience: int,
) -> int:
    """Do tasks of the jobs on the board until none came for long; returns how many.

    Who leads goes on only once a task is done, so until then all is there that the board tells of. `buf` is any.
    """
    looks = 0
    done = 0
    while looks < patience:
        task = claim(board)
        looks += 1
        if task >= 0:
            chunk = array_at(buf, board[B_BUFFER], board[B_BUFFER_BYTES])
            container = array_at(board, board[B_CONTAINER], CONTAINER)
            interfaces = array_at(board, board[B_INTERFACES], board[B_INTERFACES_SIZE])
            do_task(view, 1, task, board, items, order, chunk, container, interfaces, walk, h, q)
            looks = 0
            done += 1
    return done


@kernel
def put_together(state: State, mine: State, other: State, board: list[int], items: list[int]) -> None:
    """Bring what both found in a segment into the tables, in the packets' order, and make both ready for the next."""
    if mine.counters[C_EVENTS] + other.counters[C_EVENTS] > 0:
        base = board[B_CURRENT] * SEGMENT_PACKETS * ITEM
        event = state.counters[C_EVENTS]
        for i in range(board[B_STOP]):
            made = items[base + i * ITEM + Q_EVENTS]
            first = made >> EVENT_BITS & ROWS_MASK
            for row in range(first, first + (made & ROWS_MASK)):
                if made >> 2 * EVENT_BITS == 0:
                    state.events[event] = mine.events[row]
                    for k in range(mine.events[row]["header_len"]):
                        state.event_header_bytes[event, k] = mine.event_header_bytes[row, k]
                else:
                    state.events[event] = other.events[row]
                    for k in range(other.events[row]["header_len"]):
                        state.event_header_bytes[event, k] = other.event_header_bytes[row, k]
                event += 1
        state.counters[C_EVENTS] = event
    for place in range(C_RECENT):
        if place not in (C_FLOWS, C_ROWS, C_EVENTS, C_FIRST_TS, C_LAST_TS):
            before = state.counters[place]
            state.counters[place] = mine.counters[place] + other.counters[place] - before
    state.counters[C_FIRST_TS] = min(mine.counters[C_FIRST_TS], other.counters[C_FIRST_TS])
    state.counters[C_LAST_TS] = max(mine.counters[C_LAST_TS], other.counters[C_LAST_TS])


@kernel
def hand_out(state: State, view: State) -> None:
    """Give a processor the counters as they are before a segment, and an empty table of events."""
    for place in range(C_RECENT):
        view.counters[place] = state.counters[place]
    view.counters[C_EVENTS] = 0


@inlined
def has_room(state: State) -> bool:
    """Whether no bound can be reached within a segment; near to one, and at the very first, packets take turns."""
    if state.counters[C_PACKETS] == 0 or state.counters[C_EVENTS] + EVENTS_MADE > len(state.events):
        return False
    return bool(state.counters[C_TROUBLED] + SEGMENT_PACKETS <= MAX_TROUBLED)


@inlined
def is_done(board: list[int]) -> bool:
    """Wait for the tasks that the other one has taken; False if that takes long."""
    looks = 0
    while atomic_get(board, B_DONE) != board[B_TASKS] and looks < PATIENCE:
        looks += 1
    return looks < PATIENCE


@kernel
def lead(
    state: State,
    mine: State,
    other: State,
    board: list[int],
    items: list[int],
    order: Any,
    h: list[int],
    q: list[int],
    walk: list[int],
    buf: Buffer,
    container: list[int],
    interfaces: list[int],
) -> int:
    """As `first.skim_chunk`, for two: `follow` may be called meanwhile with the same arguments, and need not be.

    `mine` and `other` are `state`, with counters and events of their own. The board tells where the chunk lies. It may
    also return ODD_PACKET or OTHER_BLOCK, before what `skim_chunk` has to take next, or WAITING: it is not done, and
    to be called again.
    """
    if board[B_STAGE] == STAGE_BEGIN:
        if len(h) < COUNT or len(q) < COUNT or len(walk) < COUNT or len(state.counters) < C_COUNT or len(board) < BOARD:
            raise IndexError  # what is checked here need not be checked at each access below
        if len(items) < ITEMS or len(container) < CONTAINER or len(buf) < board[B_END]:
            raise IndexError
        board[B_CURRENT] = 0  # an empty half, of which the next is prepared as usual
        board[B_COUNT] = 0
        board[B_STATUS] = GOT_PACKET
        board[B_STAGE] = STAGE_READY
    while True:
        half = board[B_CURRENT]
        if board[B_STAGE] == STAGE_READY:
            board[B_STOP] = 0
            if board[B_STATUS + half] != GOT_PACKET and board[B_COUNT + half] == 0:
                break
            if board[B_COUNT + half] > 0 and not has_room(state):
                break
            board[B_COUNT + 1 - half] = 0
            board[B_STATUS + 1 - half] = board[B_STATUS + half]
            goes_on = board[B_STATUS + half] == GOT_PACKET  # else the file, or the chunk, ends here
            board[B_WALKED] = 0 if goes_on else 1
            post(board, 1 if goes_on else 0)
            number_flows(state, board, items, order, buf)
            if claim(board) == WALK:
                do_task(mine, 0, WALK, board, items, order, buf, container, interfaces, walk, h, q)
            hand_out(state, mine)
            hand_out(state, other)
            post(board, TASKS)
            board[B_STAGE] = STAGE_SHARED
        while True:
            task = claim(board)
            if task < 0:
                break
            do_task(mine, 0, task, board, items, order, buf, container, interfaces, walk, h, q)
        if not is_done(board):
            return WAITING
        put_together(state, mine, other, board, items)
        board[B_STAGE] = STAGE_READY
        if board[B_STOP] < board[B_COUNT + half]:
            break
        board[B_CURRENT] = 1 - half
    half = board[B_CURRENT]
    board[B_STAGE] = STAGE_BEGIN
    h[TS] = walk[TS]
    if board[B_COUNT + half] == 0:
        return board[B_STATUS + half]
    first = (half * SEGMENT_PACKETS + board[B_STOP]) * ITEM
    container[POS] = items[first + Q_RECORD]
    container[FRAME] = items[first + Q_FRAME] - 1
    return ODD_PACKET


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entries, for calls that do some of everything."""
    from analyzer.passes.trial import trial_capture

    state = new_state(0, flows=8, events=EVENTS_MADE, icmps=8)
    state.counters[C_PACKETS] = 1
    buf, container = trial_capture()
    both = tuple(np.zeros(shape, np.int64) for shape in (ITEMS, ORDER, COUNT, COUNT, COUNT))
    board, done = np.zeros(BOARD, np.int64), np.zeros(BOARD, np.int64)
    board[B_END], board[B_UNTIL] = len(buf), (1 << 63) - 1
    done[B_WALKED] = 1
    return {
        "lead": (state, view_of(state), view_of(state), board, *both, buf, container, np.zeros(I_WIDTH, np.int64)),
        "follow": (view_of(state), done, *both, buf, 2),
    }


def view_of(state: State) -> State:
    """The tables as one of two processors has them: with counters and a table of events of its own."""
    events = np.zeros(EVENTS_MADE, PACKET)
    heads = np.zeros((EVENTS_MADE, HEAD_BYTES), np.uint8)
    return state._replace(counters=state.counters.copy(), events=events, event_header_bytes=heads)
