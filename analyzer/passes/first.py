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
    PROBLEM,
    PROBLEM_INTERFACES,
)
from analyzer.decode.icmp import decode_icmp
from analyzer.decode.integers import Buffer
from analyzer.decode.link import decode_link
from analyzer.decode.network import PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, decode_network
from analyzer.decode.packet_fields import (
    COUNT,
    DF,
    END,
    FRAGMENT,
    IP_LEN,
    L4,
    LAYERS,
    LINK,
    OK,
    POINT,
    PROTO,
    REASON_ENCRYPTED,
    REASON_FLOW_LIMIT,
    REASON_LATER_FRAGMENT,
    REASON_LINK_TYPE,
    REASON_NOT_TCP,
    REASON_TCP_CUT,
    REASON_TCP_MALFORMED,
    SPORT,
    TS,
    VERSION,
)
from analyzer.decode.tcp import decode_tcp
from analyzer.decode.tunnel import PROTO_ESP, PROTO_UDP, carries, descend, step_in
from analyzer.flows.conversations import count_carrier, follow_udp, has_udp_header, note_udp, own_direction
from analyzer.flows.fast_path import take_fast_path
from analyzer.flows.flow_tables import (
    C_COUNT,
    C_FILE,
    C_FILES,
    C_FIRST_TS,
    C_FLOWS,
    C_ICMP_PACKETS,
    C_LAST_LINK,
    C_LAST_TS,
    C_PACKETS,
    C_PAIRS,
    C_ROWS,
    C_UDP_ENDS,
    C_UNDECODED,
    State,
)
from analyzer.flows.fragments import note_datagram
from analyzer.flows.icmp_quotes import track_icmp
from analyzer.flows.lookup import NO_FLOW, number_stream
from analyzer.flows.recording import finish_flow
from analyzer.flows.table_pages import new_state
from analyzer.flows.table_parts import in_use
from analyzer.flows.tcp_state import track_tcp
from analyzer.kernels.marks import bound, inlined, kernel, unlikely
from analyzer.passes.packet_queue import (
    FAR,
    ITEM,
    Q_FRAME,
    Q_HINT,
    Q_REASON,
    QUEUE,
    get_packet,
    is_spread,
    next_before,
    queue_packets,
)
from analyzer.settings import RING_ROWS

if TYPE_CHECKING:
    from analyzer.kernels.background import Coming

FOREVER = (1 << 63) - 1


@inlined
def decode_packet(buf: Buffer, h: list[int]) -> int:
    """Decode the packet at START down to TCP or ICMP; returns OK or the reason why not."""
    reason = decode_link(buf, h)
    return decode_inside(buf, h) if reason == OK else reason


@inlined
def decode_inside(buf: Buffer, h: list[int]) -> int:
    """As `decode_packet`, of a packet whose link header is decoded already."""
    reason = decode_network(buf, h)
    return decode_transport(buf, h) if reason == OK else reason


@inlined
def decode_transport(buf: Buffer, h: list[int]) -> int:
    """As `decode_packet`, of a packet whose outermost IP header is decoded already."""
    if h[FRAGMENT] == 2:
        return REASON_LATER_FRAGMENT
    if h[PROTO] != PROTO_TCP and h[PROTO] != (PROTO_ICMP if h[VERSION] == 4 else PROTO_ICMPV6):
        reason = descend(buf, h)
        if reason != OK:
            return reason
    if h[PROTO] == PROTO_TCP:
        return decode_tcp(buf, h)
    return decode_icmp(buf, h)


@kernel
def follow_outer(state: State, buf: Buffer, h: list[int], frame: int, end: int, own: int) -> int:
    """Follow the whole datagram outside of a packet that no TCP is in, decoded down to that, and decode it again."""
    h[END] = end
    decode_link(buf, h)
    decode_network(buf, h)
    follow_udp(state, buf, h, frame, own)
    return decode_transport(buf, h)


@inlined
def count_undecoded(state: State, buf: Buffer, h: list[int], reason: int) -> None:
    """Count a packet in which no TCP or ICMP was found: as UDP, if it is followed as that."""
    if reason == REASON_NOT_TCP and has_udp_header(buf, h):
        state.counters[C_UDP_ENDS] += 1
    else:
        state.counters[C_UNDECODED + reason] += 1


@inlined
def take_packet(state: State, buf: Buffer, h: list[int], q: list[int], frame: int, reason: int, hint: int) -> None:
    """Decode one packet behind its link header and follow it: every packet ends in exactly one counter.

    `reason` is what decoding the link header said, `hint` its flow, perhaps (-1: nobody knows).
    """
    counters = state.counters
    ts = h[TS]
    packets = counters[C_PACKETS]
    counters[C_PACKETS] = packets + 1
    if ts > counters[C_LAST_TS] or packets == 0:
        counters[C_LAST_TS] = ts
    if unlikely(ts < counters[C_FIRST_TS] or packets == 0):
        counters[C_FIRST_TS] = ts
    end = h[END]
    stepped = False
    own = -1  # direction of the conversation of UDP that it is of, outside of all, while that is to be followed
    may_be_steady = reason == OK
    while may_be_steady:
        if not unlikely(not take_fast_path(state, buf, h, frame, hint)):
            return
        may_be_steady = False
        if not stepped and carries(buf, h) and decode_network(buf, h) == OK and h[FRAGMENT] == 0:
            stepped = True
            hint = -1
            if h[PROTO] != PROTO_TCP:
                if unlikely(counters[C_PAIRS] != 0):
                    note_datagram(state, buf, h, frame)
                if has_udp_header(buf, h):
                    own = own_direction(state, buf, h)
                elif h[PROTO] == PROTO_ESP:
                    note_udp(state, buf, h, frame)
            ip_len = h[IP_LEN]
            df = h[DF]
            protocol = h[PROTO]
            layers = h[LAYERS]
            reason = step_in(buf, h)
            may_be_steady = reason == OK
            if reason == OK:
                count_carrier(state, own, ip_len, df, ts, frame)
                own = -1
            elif protocol == PROTO_UDP and reason in (REASON_NOT_TCP, REASON_ENCRYPTED) and h[LAYERS] == layers:
                follow_udp(state, buf, h, frame, own)
                # It carries nothing: that is all there is to it.
                count_undecoded(state, buf, h, reason)
                return
    if stepped:  # it is no next packet of a steady flow: once more from the start, step by step
        h[END] = end
        reason = decode_link(buf, h)
    if reason == OK:
        reason = decode_network(buf, h)
        if reason == OK:
            if unlikely(not stepped and (h[PROTO] != PROTO_TCP or h[FRAGMENT] != 0)):
                note_datagram(state, buf, h, frame)
                note_udp(state, buf, h, frame)
            outermost = h[L4]
            reason = decode_transport(buf, h)
            if unlikely(own >= 0):
                reason = follow_outer(state, buf, h, frame, end, own)
            if unlikely(reason != OK and h[L4] != outermost):
                note_udp(state, buf, h, frame)
    if reason == OK:
        if h[PROTO] != PROTO_TCP:
            counters[C_ICMP_PACKETS] += 1
            track_icmp(state, buf, h, q, frame)
        elif track_tcp(state, buf, h, frame) == NO_FLOW:
            reason = REASON_FLOW_LIMIT
    if reason != OK:
        count_undecoded(state, buf, h, reason)
        if reason in (REASON_TCP_CUT, REASON_TCP_MALFORMED) and h[SPORT] >= 0 and not h[FRAGMENT]:
            number_stream(state, h)
        if reason == REASON_LINK_TYPE and counters[C_LAST_LINK] == 0:
            counters[C_LAST_LINK] = h[LINK] + 1


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
    while not queued:
        status = next_before(buf, end, container, interfaces, h, until)
        if unlikely(status != GOT_PACKET):
            return status
        take_packet(state, buf, h, q, container[FRAME], decode_link(buf, h), -1)
    walk[POINT] = h[POINT]
    status = GOT_PACKET
    while status == GOT_PACKET:
        count, status = queue_packets(state, buf, end, container, interfaces, walk, until, queue)
        for place in range(0, count * ITEM, ITEM):
            get_packet(state, queue, place, h)
            take_packet(state, buf, h, q, queue[place + Q_FRAME], queue[place + Q_REASON], queue[place + Q_HINT])
    h[TS] = walk[TS]
    return status


def _examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entries, for a call that does some of everything."""
    from analyzer.passes.trial import trial_capture

    state = new_state(0, flows=8, events=64, icmps=8)
    buf, container = trial_capture()
    walk, queue, h, q = (np.zeros(length, np.int64) for length in (COUNT, QUEUE, COUNT, COUNT))
    interfaces = np.zeros(I_WIDTH, np.int64)
    return {"skim_chunk": (state, -1, walk, queue, buf, len(buf), container, interfaces, h, q, FOREVER)}


def _over(*_: object) -> int:
    raise RuntimeError("the tables were let go")


class Skimmer:
    """The state of one run and the mode it runs in.

    `compiled` chooses the mode; where kernels cannot be compiled it falls back to interpreted and
    `fell_back` says why. Results are the same in both. Without `wait` it begins interpreted where they are still to be
    compiled, and goes on compiled once they are there. `large` and `input_bytes` say how large the tables shall be,
    and of which pages (`new_state`).
    """

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
    ) -> None:
        self.compiled = False
        self.fell_back = ""
        self._coming: Coming | None = None
        if compiled and not wait:
            from analyzer.kernels.background import coming  # a small capture does without

            self._coming = coming(_examples, "skim")
        skim = self._entry(skim_chunk, _examples, "skim", compiled=compiled and self._coming is None)
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
        skim = self._loaded(_examples, "skim").get("skim_chunk")
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
            status = self._skim(view, end, container, interfaces[0], self._h, self._q, until)
            if status != GROW_INTERFACES:
                return int(status)
            if len(interfaces[0]) >= MAX_INTERFACES * I_WIDTH:
                container[PROBLEM] = PROBLEM_INTERFACES
                return DAMAGED
            larger = self.integers(2 * len(interfaces[0]))
            larger[: len(interfaces[0])] = interfaces[0]
            interfaces[0] = larger

    def let_go(self) -> None:
        """Give back what only a next packet needs: there will be none."""
        self._skim = _over
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
        for number in numbers[kept].tolist():
            finish_flow(self.state, number)  # interpreted: they are few
