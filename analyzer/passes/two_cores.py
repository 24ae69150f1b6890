"""Where a capture of many flows is skimmed by two processors: a helper beside the thread that reads. Emits `Pair`."""

from __future__ import annotations

import functools
import threading
import time
import weakref
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.capture.container import POS
from analyzer.decode.packet_fields import COUNT, POINT
from analyzer.flows.flow_tables import State
from analyzer.kernels.background import BOTH, coming, processors
from analyzer.kernels.cache import CompileError, can_be_kept, load_kernels
from analyzer.kernels.marks import bound
from analyzer.passes.packet_queue import ODD_PACKET, OTHER_BLOCK
from analyzer.passes.segment_board import (
    B_BUFFER,
    B_BUFFER_BYTES,
    B_CONTAINER,
    B_END,
    B_FAILED,
    B_INTERFACES,
    B_INTERFACES_SIZE,
    B_POINT,
    B_UNTIL,
    BOARD,
    ITEMS,
    ORDER,
)
from analyzer.passes.shared_segments import WAITING, examples, view_of

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "sharing"

LEAST_ALONE = 64 << 10
MOST_ALONE = 8 << 20
"""Bytes that are skimmed alone after a packet that does not fit in: the more, the sooner the next one came."""

FAR_ENOUGH = 2 << 20
"""Bytes from one of these to the next, from which on starting again at once pays."""

PATIENCE = 1 << 19
"""How often a helper that has nothing to do looks at the board before it lets the processor go: a millisecond."""


class Sharing:
    """Whether two processors are to be had, and the compiled entries for them; they come when they are wanted."""

    def __init__(self) -> None:
        self._pair: Pair | None = None
        self._impossible = processors() < BOTH or not can_be_kept(GROUP)

    def pair(self, state: State, h: Any, q: Any) -> Pair | None:
        """Who takes the next packets together; None if that is not possible, or not yet.

        `h` and `q` are the fields that `skim_chunk` is called with.
        """
        if self._impossible:
            return None
        if self._pair is None:
            try:
                entries = _entries()
            except CompileError:
                self._impossible = True
                return None
            if entries is not None:
                self._pair = Pair(entries, state, h, q)
        return self._pair


def _entries() -> dict[str, Callable[..., int]] | None:
    """The compiled entries; None as long as they are not there.

    Raises:
        CompileError: they will never be.
    """
    waiting = coming(examples, GROUP)
    return waiting.kernels() if waiting is not None else load_kernels(examples, GROUP)


class Pair:
    """This thread and another one, which helps it for as long as there is something to do."""

    def __init__(self, entries: dict[str, Callable[..., int]], state: State, h: Any, q: Any) -> None:
        self._board = np.zeros(BOARD, np.int64)
        mine, other = view_of(state), view_of(state)
        both = (self._board, np.zeros(ITEMS, np.int64), np.zeros(ORDER, np.int64))
        walk = np.zeros(COUNT, np.int64)
        self._fields = h
        self._lead = bound(entries["lead"], state, mine, other, *both, h, q, walk)
        own = np.zeros(COUNT, np.int64), np.zeros(COUNT, np.int64)
        help_on = bound(entries["follow"], other, *both, *own, walk, np.zeros(1, np.uint8), PATIENCE)
        self._piece = LEAST_ALONE
        self._helper = _Helper(help_on, self._board)
        weakref.finalize(self, self._helper.stop)

    def take(self, view: Any, end: int, container: Any, interfaces: Any, until: int) -> int:
        """As `skim_chunk`; also ODD_PACKET or OTHER_BLOCK, before what that has to take."""
        board = self._board
        board[B_POINT], board[B_END], board[B_UNTIL] = self._fields[POINT], end, until
        board[B_BUFFER], board[B_BUFFER_BYTES] = view.ctypes.data, len(view)
        board[B_CONTAINER] = container.ctypes.data
        board[B_INTERFACES], board[B_INTERFACES_SIZE] = interfaces.ctypes.data, len(interfaces)
        begin = int(container[POS])
        self._helper.wake()
        lead = functools.partial(self._lead, view, container, interfaces)
        interrupted = None
        while (status := lead()) == WAITING:
            if self._helper.failed is not None:
                raise self._helper.failed
            try:
                time.sleep(0)
            except KeyboardInterrupt as interrupt:  # what was begun is brought to its end: tables are whole behind it
                interrupted = interrupt
        if interrupted is not None:
            raise interrupted
        if status in (ODD_PACKET, OTHER_BLOCK):
            near = int(container[POS]) - begin < FAR_ENOUGH
            self._piece = min(2 * self._piece, MOST_ALONE) if near else LEAST_ALONE
        return status

    def alone_to(self, position: int, end: int) -> int:
        """Up to where one takes the packets alone, after one that does not fit in."""
        return min(position + self._piece, end)


class _Helper:
    """The other thread: it looks for work on the board, and sleeps when there was none for long."""

    def __init__(self, help_on: Callable[[], int], board: Any) -> None:
        self.failed: BaseException | None = None
        self._awake = True
        self._calls: SimpleQueue[bool] = SimpleQueue()
        threading.Thread(target=self._run, args=(help_on, board), daemon=True).start()

    def wake(self) -> None:
        """There will be work soon. One that is just falling asleep may miss this call, and hears the next."""
        if not self._awake:
            self._awake = True
            self._calls.put(True)

    def stop(self) -> None:
        """There will be none any more."""
        self._calls.put(False)

    def _run(self, help_on: Callable[[], int], board: Any) -> None:
        try:
            while True:
                while help_on():
                    pass
                self._awake = False
                if not self._calls.get():
                    return
        except BaseException as error:
            self.failed = error
            board[B_FAILED] = 1
