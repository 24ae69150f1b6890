"""The board at which two processors meet who share a segment of packets: what is to be done, and what is.

Who leads posts a job; both claim its tasks, one after the other, until none is left. Each claim and each task that is
done is one atomic step, and all that was written before it is there for whoever sees it.
"""

from __future__ import annotations

from analyzer.kernels.marks import (
    atomic_exchange,
    atomic_get,
    atomic_set,
    inlined,
)
from analyzer.passes.packet_queue import (
    ITEM,
)
from analyzer.settings import SEGMENT_PACKETS

GROUPS = 8
LOOKED_UP = 128
"""Packets that are looked up as one task."""
TASKS = 1 + GROUPS + SEGMENT_PACKETS // LOOKED_UP
"""Of a job: packets without TCP, groups of flows, and blocks of the next segment."""
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

PATIENCE = 1 << 18
"""Looks at the board before whoever waits lets others have the processor: some hundred microseconds."""


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


@inlined
def is_done(board: list[int]) -> bool:
    """Wait for the tasks that the other one has taken; False if that takes long."""
    looks = 0
    while atomic_get(board, B_DONE) != board[B_TASKS] and looks < PATIENCE:
        looks += 1
    return looks < PATIENCE
