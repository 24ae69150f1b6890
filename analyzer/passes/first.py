"""The skim: one ordered pass over all packets, interpreted for small captures, compiled for large ones.

It emits the tables of `flows.flow_tables.State`. `skim_chunk` ties the container walk, the decoders and the
tracking together; `Skimmer` owns the state and hides which of the two modes runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.capture.container import COUNT as CONTAINER
from analyzer.capture.container import (
    DAMAGED,
    FRAME,
    GOT_PACKET,
    GROW_INTERFACES,
    I_WIDTH,
    MAX_INTERFACES,
    NEED_BYTES,
    POS,
    PROBLEM,
    PROBLEM_INTERFACES,
)
from analyzer.decode.integers import Buffer
from analyzer.decode.link import decode_link
from analyzer.decode.packet_fields import (
    COUNT,
    POINT,
    TS,
)
from analyzer.flows.flow_tables import (
    C_COUNT,
    C_FILE,
    C_FILES,
    C_FLOWS,
    C_ROWS,
    State,
)
from analyzer.flows.recording import finish_flows
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import in_use
from analyzer.kernels.marks import bound, kernel, unlikely
from analyzer.passes.one_packet import take_packet
from analyzer.passes.packet_queue import (
    FAR,
    ITEM,
    ODD_PACKET,
    OTHER_BLOCK,
    Q_FRAME,
    Q_HINT,
    Q_REASON,
    QUEUE,
    SOON,
    ask_for_rows,
    get_packet,
    is_spread,
    is_worth_sharing,
    next_before,
    queue_packets,
)
from analyzer.settings import RING_ROWS

if TYPE_CHECKING:
    from analyzer.kernels.background import Coming
    from analyzer.passes.two_cores import Pair, Sharing

FOREVER = (1 << 63) - 1

SHARED_FROM = 1 << 20
"""Below this, some ten segments, two processors would wait for one another more than they work."""


@kernel
def skim_chunk(
    state: State,
    far: int,
    walk: list[int],
    queue: list[int],
    buf: Buffer,
    end: int,
    container: list[int],
    interfaces: list[int],
    h: list[int],
    q: list[int],
    until: int,
) -> int:
    """Take the packets of buf[POS:end] before the first later than `until` (ns); returns why it stopped.

    Where packets of one flow are more than `far` packets apart, they are queued first, in `queue`; `walk` holds the
    fields of the last one.
    """
    if len(h) < COUNT or len(q) < COUNT or len(container) < CONTAINER or len(state.counters) < C_COUNT:
        raise IndexError  # what is checked here need not be checked at each access below
    if len(walk) < COUNT or len(queue) < QUEUE:
        raise IndexError
    queued = is_spread(state, far)
    walk[POINT] = h[POINT]
    status = GOT_PACKET
    place = 0
    last = 0
    while True:  # one loop for both ways: the code behind `take_packet` is large, and stands here once
        if queued:
            if unlikely(place == last):
                if status != GOT_PACKET:
                    h[TS] = walk[TS]
                    return status
                count, status = queue_packets(state, buf, end, container, interfaces, walk, until, queue)
                place = 0
                last = count * ITEM
                continue
            get_packet(queue, place, h)
            ask_for_rows(state, queue[place + SOON * ITEM + Q_HINT])
            frame = queue[place + Q_FRAME]
            reason = queue[place + Q_REASON]
            hint = queue[place + Q_HINT]
            place += ITEM
        else:
            status = next_before(buf, end, container, interfaces, h, until)
            if unlikely(status != GOT_PACKET):
                return status
            frame = container[FRAME]
            reason = decode_link(buf, h)
            hint = -1
        take_packet(state, buf, h, q, frame, reason, hint, -1)


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entries, for a call that does some of everything."""
    from analyzer.passes.trial import trial_capture

    state = new_state(0, flows=8, events=64, icmps=8)
    buf, container = trial_capture()
    walk, queue, h, q = (np.zeros(length, np.int64) for length in (COUNT, QUEUE, COUNT, COUNT))
    interfaces = np.zeros(I_WIDTH, np.int64)
    skim = (state, -1, walk, queue, buf, len(buf), container, interfaces, h, q, FOREVER)
    return {"skim_chunk": skim, "finish_flows": (_troubled(), np.zeros(1, np.int64))}


def _troubled() -> State:
    """The tables of one flow whose last packets are not recorded yet."""
    state = new_state(0, flows=8, events=64, icmps=8)
    state.counters[C_FLOWS] = 1
    state.counters[C_ROWS] = 2
    state.flows["last_row"][0] = 1
    state.ring["prev"][:2] = -1, 0
    state.ring["header_len"][:2] = 40
    state.ring_header_bytes[:2] = 7
    return state


def _over(*_: object) -> int:
    raise RuntimeError("the tables were let go")


class Skimmer:
    """The state of one run and the mode it runs in.

    `compiled` chooses the mode; where kernels cannot be compiled it falls back to interpreted and
    `fell_back` says why. Results are the same in both. Without `wait` it begins interpreted where they are still to be
    compiled, and goes on compiled once they are there. `large` and `input_bytes` say how large the tables shall be,
    and of which pages (`new_state`). Where a capture has many flows and there are processors, two of them take it
    together (`two_cores`), but not if it is to be `alone`.
    """

    shared_from = SHARED_FROM
    """Bytes of a chunk from which on two processors may take it together."""

    far = FAR
    """Packets between two of one flow from which on they are queued before their turn."""

    def __init__(
        self,
        *,
        compiled: bool,
        seed: int = 0,
        large: bool = False,
        input_bytes: int | None = None,
        wait: bool = True,
        alone: bool = False,
    ) -> None:
        self.compiled = False
        self.fell_back = ""
        self._shares = compiled and not alone
        self._sharing: Sharing | None = None
        self._coming: Coming | None = None
        if compiled and not wait:
            from analyzer.kernels.background import coming  # a small capture does without

            self._coming = coming(examples, "skim")
        skim = self._entry(skim_chunk, examples, "skim", compiled=compiled and self._coming is None)
        self.state: State = new_state(seed, large=large, input_bytes=input_bytes)
        self._skim = self._bound(skim)
        self._h = self.integers(COUNT)
        self._q = self.integers(COUNT)

    def _bound(self, skim: Callable[..., int]) -> Callable[..., int]:
        """The skim with the tables, and with room for packets before their turn."""
        return bound(skim, self.state, self.far, self.integers(COUNT), self.integers(QUEUE))

    def _entry(
        self,
        interpreted: Callable[..., int],
        examples: Callable[[], Mapping[str, Sequence[Any]]],
        group: str,
        *,
        compiled: bool,
    ) -> Callable[..., int]:
        """The entry of a group as this run takes it: compiled if asked for and possible, or as it is."""
        return self._loaded(examples, group).get(interpreted.__name__, interpreted) if compiled else interpreted

    def _loaded(
        self, examples: Callable[[], Mapping[str, Sequence[Any]]], group: str
    ) -> Mapping[str, Callable[..., int]]:
        """The compiled entries of a group, which is the mode from now on; none where they cannot be compiled."""
        from analyzer.kernels.cache import CompileError, load_kernels  # a small capture does without

        try:
            kernels = self._coming.kernels() if self._coming is not None else load_kernels(examples, group)
        except CompileError as error:
            self.fell_back = str(error)
            self._coming = None
            return {}
        self.compiled = kernels is not None
        return kernels or {}

    def turns_to_compiled(self) -> bool:
        """Go on compiled if the kernels have come meanwhile: `integers` and `view` are others then. True: not yet."""
        if self._coming is None:
            return False
        skim = self._loaded(examples, "skim").get("skim_chunk")
        if skim is not None:
            self._coming = None
            self._skim = self._bound(skim)
            self._h, self._q = np.array(self._h, np.int64), np.array(self._q, np.int64)
        return self._coming is not None

    def integers(self, count: int) -> Any:
        """A flat array of `count` zeros in the kind this mode is quick with."""
        return np.zeros(count, np.int64) if self.compiled else [0] * count

    def view(self, buffer: bytearray) -> Any:
        """The buffer as the kernels of this mode read it."""
        return np.frombuffer(buffer, np.uint8) if self.compiled else memoryview(buffer)

    @property
    def last_time(self) -> int:
        """Time of the packet read last, ns: after REACHED_TIME, that of the next one to take."""
        return int(self._h[TS])

    def begin_file(self, number: int, point: int = 0) -> None:
        """Packets from now on belong to file `number`, captured at `point`."""
        self._h[POINT] = self._q[POINT] = point
        self.state.counters[C_FILE] = number
        self.state.counters[C_FILES] = max(self.state.counters[C_FILES], number + 1)

    def take(self, view: Any, end: int, container: Any, interfaces: Any, until: int = FOREVER) -> int:
        """Take the packets of view[POS:end]; returns a container status or REACHED_TIME."""
        while True:
            last = end
            pair = self._pair() if end - container[POS] >= self.shared_from else None
            if pair is not None:
                status = pair.take(view, end, container, interfaces[0], until)
                if status not in (ODD_PACKET, OTHER_BLOCK):
                    return status
                last = pair.alone_to(int(container[POS]), end)
            status = self._skim(view, last, container, interfaces[0], self._h, self._q, until)
            if status == NEED_BYTES and last < end:
                continue
            if status != GROW_INTERFACES:
                return int(status)
            if len(interfaces[0]) >= MAX_INTERFACES * I_WIDTH:
                container[PROBLEM] = PROBLEM_INTERFACES
                return DAMAGED
            larger = self.integers(2 * len(interfaces[0]))
            larger[: len(interfaces[0])] = interfaces[0]
            interfaces[0] = larger

    def _pair(self) -> Pair | None:
        """Two who take packets together, where that is possible and pays."""
        if not (self._shares and self.compiled and is_worth_sharing(self.state)):
            return None
        if self._sharing is None:
            from analyzer.passes.two_cores import Sharing  # few captures want it, and it takes long to load

            self._sharing = Sharing()
        return self._sharing.pair(self.state, self._h, self._q)

    def let_go(self) -> None:
        """Give back what only a next packet needs: there will be none."""
        self._skim = _over
        self._sharing = None
        self.state = in_use(self.state)

    def finish(self) -> None:
        """End of all input."""
        count = self.state.counters[C_FLOWS]
        rows = np.flatnonzero(self.state.transfers["odd"][: 2 * count])
        odd = self.state.odd_transfers
        trouble = (odd["run_count"][rows] > 0) | (odd["hole_ts"][rows] != 0) | (odd["window_zero_ts"][rows] != 0)
        numbers = rows[trouble] // 2
        numbers = numbers[np.diff(numbers, prepend=-1) > 0]
        last = self.state.flows["last_row"][numbers]
        kept = last >= max(self.state.counters[C_ROWS] - RING_ROWS, 0)
        kept &= last >= self.state.odd_flows["recorded"][numbers]
        numbers = numbers[kept]
        finish = self._entry(finish_flows, examples, "skim", compiled=self.compiled)
        finish(self.state, numbers if self.compiled else numbers.tolist())
