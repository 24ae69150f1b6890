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

from analyzer.capture.container import COUNT as CONTAINER
from analyzer.capture.container import (
    FRAME,
    GOT_PACKET,
    I_WIDTH,
    POS,
)
from analyzer.decode.integers import Buffer
from analyzer.decode.packet_fields import COUNT, POINT, TS
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
from analyzer.flows.recording import put_event
from analyzer.flows.table_pages import new_state
from analyzer.kernels.marks import (
    array_at,
    atomic_add,
    atomic_get,
    inlined,
    kernel,
    unlikely,
)
from analyzer.passes.one_packet import take_packet
from analyzer.passes.packet_queue import (
    ITEM,
    ODD_PACKET,
    Q_EVENTS,
    Q_FRAME,
    Q_HINT,
    Q_REASON,
    Q_RECORD,
    Q_ROW,
    SOON,
    ask_for_rows,
    get_packet,
)
from analyzer.passes.segment_board import (
    B_BEGUN,
    B_BUFFER,
    B_BUFFER_BYTES,
    B_CONTAINER,
    B_COUNT,
    B_CURRENT,
    B_DONE,
    B_END,
    B_FAILED,
    B_INTERFACES,
    B_INTERFACES_SIZE,
    B_POINT,
    B_STAGE,
    B_STATUS,
    B_STOP,
    B_UNTIL,
    B_WALKED,
    BOARD,
    GROUPS,
    ITEMS,
    LOOKED_UP,
    ORDER,
    TASKS,
    WALK,
    claim,
    is_done,
    post,
)
from analyzer.passes.segment_flows import look_up, number_flows, walk_segment
from analyzer.settings import HEAD_BYTES, MAX_TROUBLED, RING_ROWS, SEGMENT_PACKETS

EVENTS_MADE = RING_ROWS + SEGMENT_PACKETS
"""Rows of the event table that a segment can add at most: each packet of the ring once."""

STAGE_BEGIN = 0
STAGE_READY = 1
STAGE_SHARED = 2

EVENT_BITS = 20
"""Q_EVENTS: who << 2 * EVENT_BITS | first row << EVENT_BITS | rows."""
ROWS_MASK = (1 << EVENT_BITS) - 1

WAITING = -14
"""Nothing is left to do here until the other processor is done: call again."""


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
                    put_event(state, event, mine.events, mine.event_header_bytes, row)
                else:
                    put_event(state, event, other.events, other.event_header_bytes, row)
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
        if not is_done(board) or atomic_get(board, B_FAILED):
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
