"""A pass over all packets that lists those of some flows, with what tells a packet from every other.

It emits `WATCHED`. Nothing is tracked: which packet is a copy of which, at this point and at others, is for `points` to
find out. So a pass costs less than the first one, and two of them can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.container import FRAME, GOT_PACKET, I_WIDTH
from analyzer.decode.icmp import KIND_PTB, icmp_kind
from analyzer.decode.integers import Buffer, be16, be32, ones_sum
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    ACK,
    CHECKSUM,
    COUNT,
    DF,
    DPORT,
    END,
    FLAGS,
    FRAGMENT,
    HAS_TS,
    IP_END,
    IP_ID,
    IP_LEN,
    L4,
    LAYERS,
    MSS,
    NET,
    OK,
    OUTER,
    PAYLOAD,
    PROTO,
    REASON_INNER_FRAGMENT,
    REASON_LATER_FRAGMENT,
    SEQ,
    SPORT,
    TCP_LEN,
    TS,
    TTL,
    VERSION,
    WINDOW,
)
from analyzer.decode.tcp import (
    ACK_FLAG,
    FIN,
    OPTION_SACK,
    OPTION_TIMESTAMPS,
    RST,
    SYN,
    ip_length_on_wire,
    is_sum_wrong,
    option_from,
)
from analyzer.flows.flow_tables import C_FILE, C_PACKETS, State
from analyzer.flows.lookup import Endpoints, endpoint_order, endpoints_of, find_flow, find_slot, new_flow
from analyzer.flows.table_pages import new_state
from analyzer.kernels.marks import bound, inlined, kernel
from analyzer.passes.first import FOREVER, Skimmer
from analyzer.passes.interfaces import interface_of
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.packet_queue import next_before
from analyzer.passes.trial import trial_capture

WATCHED = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),
        ("seq", "i8"), ("ack", "i8"),  # as on the wire; ack -1 without the flag
        ("tsval", "i8"),  # value of the timestamps option, -1: none
        ("sack_left", "i8"), ("sack_right", "i8"),  # of the first SACK block, -1: none
        ("watch", "i4"), ("file", "i4"),
        ("interface", "i8"),  # number within the file, -1 where it has none
        ("ip_len", "i4"), ("payload", "i4"), ("ip_id", "i4"), ("window", "i4"), ("checksum", "i4"),
        ("mss", "i4"), ("overhead", "i4"),  # of what encapsulates it, bytes; 0: nothing
        ("flags", "i2"), ("ttl", "i2"), ("side", "i2"), ("df", "i2"),
        ("fragment", "i2"),  # 0 whole, 1 first, 2 later one
        ("sum", "i2"),  # SUM_ of its TCP checksum
    ],
    align=True,
)  # fmt: skip

SUM_UNKNOWN = 0  # not all of it was captured
SUM_RIGHT = 1
SUM_WRONG = 2
SUM_PARTIAL = 3  # left to the interface (offload): the sum of the pseudo-header alone

EVERYTHING = 1 << 32
WORD = 0xFFFFFFFF
ROWS_FULL = -12


class Watch(NamedTuple):
    """A flow at one point, and the part of it that matters: a window of sequence numbers for each side, as on the wire.

    Data within, ACKs of it, and what opens and ends the connection are listed. A span of `EVERYTHING` lists all.
    """

    ends: Endpoints
    low: tuple[int, int]
    span: tuple[int, int]
    most: int  # packets that are listed at one capture point at most


@kernel
def read_timestamp_and_sack(buf: Buffer, h: list[int], row: Any) -> None:
    """Write the value of the timestamps option and the first SACK block into the row."""
    end = min(h[IP_END], h[L4] + h[TCP_LEN])
    o = option_from(buf, h[L4] + 20, end)
    while o >= 0:
        kind = buf[o] + 0
        length = buf[o + 1] + 0
        if kind == OPTION_TIMESTAMPS and length == 10:
            row["tsval"] = be32(buf, o + 2)
        elif kind == OPTION_SACK and length >= 10:
            row["sack_left"] = be32(buf, o + 2)
            row["sack_right"] = be32(buf, o + 6)
        o = option_from(buf, o + length, end)


@kernel
def sum_state(buf: Buffer, h: list[int]) -> int:
    """SUM_ of the packet's TCP checksum."""
    end = h[NET] + h[IP_LEN]
    if h[IP_LEN] == 0 or end > h[END] or h[FRAGMENT]:
        return SUM_UNKNOWN
    if not is_sum_wrong(buf, h):
        return SUM_RIGHT
    addresses = h[NET] + (12 if h[VERSION] == 4 else 8)
    half = ones_sum(buf, addresses, addresses + (8 if h[VERSION] == 4 else 32), PROTO_TCP + end - h[L4])
    return SUM_PARTIAL if half == be16(buf, h[L4] + 16) else SUM_WRONG


@inlined
def matters(h: list[int], lows: list[int], spans: list[int], place: int, side: int) -> bool:
    """True if the packet belongs to the part of the flow that is asked for."""
    if h[FLAGS] & (SYN | FIN | RST):
        return True
    if h[PAYLOAD]:
        last = h[SEQ] + h[PAYLOAD] - 1
        low = lows[place + side]
        span = spans[place + side]
        return (h[SEQ] - low) & WORD < span or (last - low) & WORD < span
    return (h[ACK] - lows[place + 1 - side]) & WORD <= spans[place + 1 - side]


@kernel
def begin_row(row: Any, number: int, file: int, buf: Buffer, container: list[int], h: list[int]) -> None:
    """What every row has: when and where the packet was seen, and what it was looked for."""
    row["ts"] = h[TS]
    row["frame"] = container[FRAME]
    row["watch"] = number
    row["file"] = file
    row["interface"] = interface_of(buf, container, h)


@kernel
def list_watched(
    state: State,
    ports: list[int],
    lows: list[int],
    spans: list[int],
    counts: list[int],
    rows: Any,
    filled: int,
    buf: Buffer,
    container: list[int],
    h: list[int],
) -> int:
    """List the decoded packet if it is asked for; returns how many rows are filled afterwards."""
    side = endpoint_order(h)
    number = find_flow(state, endpoints_of(h, side))
    if number < 0 or counts[number] <= 0:
        return filled
    later = h[FRAGMENT] == 2
    if not later and not matters(h, lows, spans, 2 * number, side):
        return filled
    counts[number] -= 1
    row = rows[filled]
    begin_row(row, number, state.counters[C_FILE], buf, container, h)
    row["seq"] = -1 if later else h[SEQ]
    row["ack"] = h[ACK] if not later and h[FLAGS] & ACK_FLAG else -1
    row["tsval"] = -1
    row["sack_left"] = -1
    row["sack_right"] = -1
    row["ip_len"] = ip_length_on_wire(h)
    row["payload"] = 0 if later else h[PAYLOAD]
    row["ip_id"] = h[IP_ID]
    row["window"] = 0 if later else h[WINDOW]
    row["checksum"] = 0 if later else h[CHECKSUM]
    row["mss"] = -1 if later else h[MSS]
    row["overhead"] = h[NET] - h[OUTER] if h[LAYERS] else 0
    row["flags"] = 0 if later else h[FLAGS]
    row["ttl"] = h[TTL]
    row["side"] = side
    row["df"] = h[DF]
    row["fragment"] = h[FRAGMENT]
    row["sum"] = SUM_UNKNOWN
    if not later:
        if h[TCP_LEN] > 20 and (h[HAS_TS] or h[TCP_LEN] > 28):
            read_timestamp_and_sack(buf, h, row)
        row["sum"] = sum_state(buf, h)
    return filled + 1


@kernel
def list_ptb(
    counts: list[int], rows: Any, filled: int, buf: Buffer, container: list[int], h: list[int], file: int
) -> int:
    """List the decoded ICMP message if it is a PTB, and where it was seen; returns how many rows are filled then."""
    number = len(counts) - 1
    if counts[number] <= 0 or icmp_kind(h) != KIND_PTB:
        return filled
    counts[number] -= 1
    begin_row(rows[filled], number, file, buf, container, h)
    return filled + 1


@kernel
def watch_chunk(
    state: State,
    ports: list[int],
    lows: list[int],
    spans: list[int],
    counts: list[int],
    rows: Any,
    filled: list[int],
    times: list[int],
    buf: Buffer,
    end: int,
    container: list[int],
    interfaces: list[int],
    h: list[int],
    q: list[int],
    until: int,
) -> int:
    """List the packets of buf[POS:end] before the first later than `until` (ns); returns why it stopped."""
    while True:
        if filled[0] >= len(rows):
            return ROWS_FULL
        status = next_before(buf, end, container, interfaces, h, until)
        if status != GOT_PACKET:
            return status
        state.counters[C_PACKETS] += 1
        file = 2 * state.counters[C_FILE]
        times[file] = min(times[file], h[TS])
        times[file + 1] = max(times[file + 1], h[TS])
        reason = decode_packet(buf, h)
        if reason in (REASON_LATER_FRAGMENT, REASON_INNER_FRAGMENT):
            h[SPORT] = 0
            h[DPORT] = 0
        elif reason != OK:
            continue
        elif h[PROTO] != PROTO_TCP:
            filled[0] = list_ptb(counts, rows, filled[0], buf, container, h, state.counters[C_FILE])
            continue
        if ports[h[SPORT]] and ports[h[DPORT]]:
            filled[0] = list_watched(state, ports, lows, spans, counts, rows, filled[0], buf, container, h)


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entry, for a call that does some of everything."""
    buf, container = trial_capture()
    state = _table([_trial_watch()])
    one = np.zeros(2, np.int64), np.full(2, EVERYTHING, np.int64), np.full(2, 16, np.int64)
    rows = np.zeros(64, WATCHED), np.zeros(1, np.int64), np.zeros(2, np.int64)
    chunk = (
        buf,
        len(buf),
        container,
        np.zeros(I_WIDTH, np.int64),
        np.zeros(COUNT, np.int64),
        np.zeros(COUNT, np.int64),
    )
    return {"watch_chunk": (state, np.ones(1 << 16, np.int64), *one, *rows, *chunk, FOREVER)}


def _trial_watch() -> Watch:
    low, high = int.from_bytes(bytes((192, 0, 2, 1))), int.from_bytes(bytes((198, 51, 100, 1)))
    return Watch(Endpoints(4, 0, (low, 0, 0, 0), (high, 0, 0, 0), 40000, 443), (0, 0), (EVERYTHING, EVERYTHING), 64)


def _table(watches: Sequence[Watch]) -> State:
    """A flow table in which each watch has the row of its number."""
    state = new_state(0, flows=max(len(watches), 8), events=1, icmps=1)
    for watch in watches:
        new_flow(state, watch.ends, 0, find_slot(state, watch.ends))
    return state


class Watcher(Skimmer):
    """As the Skimmer, but lists packets of the flows in `watches`, which differ in their ends, up to `most` rows.

    `ptbs`: so many PTBs are listed besides, whatever they quote: times, frames and interfaces.
    """

    def __init__(self, watches: Sequence[Watch], *, files: int, most: int, compiled: bool, ptbs: int = 0) -> None:
        super().__init__(compiled=False, input_bytes=0)
        chunk = self._entry(watch_chunk, examples, "watching", compiled=compiled)
        self.state = _table(watches)
        self._h = self.integers(COUNT)
        self._q = self.integers(COUNT)
        self._rows = np.zeros(most, WATCHED)
        self._filled = self.integers(1)
        ports = self.integers(1 << 16)
        ports[0] = 1  # that of later fragments, which have none
        for watch in watches:
            ports[watch.ends.low_port] = ports[watch.ends.high_port] = 1
        lows, spans = self.integers(2 * len(watches)), self.integers(2 * len(watches))
        for number, watch in enumerate(watches):
            for side in (0, 1):
                lows[2 * number + side], spans[2 * number + side] = watch.low[side], watch.span[side]
        counts = self.integers(len(watches) + 1)  # that may still be listed; the last: of PTBs
        counts[:] = [*(watch.most for watch in watches), ptbs]
        self._times = self.integers(2 * files)
        self._times[::2] = [FOREVER] * files if isinstance(self._times, list) else FOREVER
        self._skim = bound(chunk, self.state, ports, lows, spans, counts, self._rows, self._filled, self._times)

    @property
    def full(self) -> bool:
        """True if there is no room for more, and nothing more is read."""
        return int(self._filled[0]) >= len(self._rows)

    @property
    def times(self) -> list[tuple[int, int]]:
        """Of each file, the earliest and the latest time of its packets, ns."""
        found = [int(value) for value in self._times]
        return list(zip(found[::2], found[1::2], strict=True))

    @property
    def rows(self) -> Any:
        """The packets listed so far, in the order in which they were read, dtype WATCHED; `watch` of PTBs is none."""
        return self._rows[: int(self._filled[0])]
