"""The second pass: every packet of one flow, or of all flows, as rows; or packets by their frame numbers.

It emits `ROW`. Each packet goes through the same decoders and the same tracking as in the skim, so stream
numbers, unwrapped sequence numbers and marks are the skim's. For one flow, packets of other endpoints are
passed over before any table is touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from analyzer.capture.container import FRAME, GOT_PACKET, I_WIDTH
from analyzer.capture.pcapng import next_packet
from analyzer.decode.integers import Buffer, be32
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    COUNT,
    DPORT,
    FLAGS,
    FRAGMENT,
    IP_END,
    L4,
    OK,
    PROTO,
    REASON_TCP_CUT,
    REASON_TCP_MALFORMED,
    SPORT,
    TCP_LEN,
    TS,
    TTL,
    WINDOW,
    WIRE_LEN,
)
from analyzer.decode.tcp import OPTION_SACK, SYN, option_from
from analyzer.flows.flow_tables import C_FILE, C_PACKETS, C_ROWS, State
from analyzer.flows.icmp_quotes import QUOTED_PORTS, number_quoted, read_quote, track_icmp
from analyzer.flows.lookup import NO_FLOW, endpoint_order, endpoints_of, number_stream, same_endpoints
from analyzer.flows.recording import RING_MASK
from analyzer.flows.table_pages import new_state
from analyzer.flows.tcp_state import track_tcp, unwrap_seq
from analyzer.kernels.marks import bound, inlined, kernel
from analyzer.passes.first import FOREVER, Skimmer
from analyzer.passes.interfaces import interface_of
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.packet_queue import next_before
from analyzer.passes.trial import trial_capture

ROW = np.dtype(
    [
        ("ts", "i8"), ("frame", "i8"),
        ("seq", "i8"), ("ack", "i8"),  # unwrapped and relative to the initial numbers, as Wireshark shows them
        ("wire_len", "i8"),
        ("stream", "i4"), ("file", "i4"),
        ("raw_seq", "u4"), ("raw_ack", "u4"),
        ("ip_len", "i4"), ("payload", "i4"),
        ("window", "i4"),  # scaled, where the scale is known
        ("marks", "i4"),
        ("flags", "i2"), ("ttl", "i2"),
        ("side", "i1"),
        ("from_client", "i1"),  # 1 if the client sent it, as far as known by then
        ("blocks", "i1"),  # SACK blocks in the row of `edges`
    ],
    align=True,
)  # fmt: skip

KNOWN = np.dtype(
    [
        *((f"{end}{i}", "u4") for end in "ab" for i in range(4)),
        ("port_a", "u2"), ("port_b", "u2"), ("point", "u2"), ("version", "u1"),
        ("first_frame", "i8"), ("file", "i4"),
    ],
    align=True,
)  # fmt: skip
"""By which a flow of the flow table is known again."""

MAX_BLOCKS = 4
"""SACK blocks that fit into the 40 bytes of TCP options (RFC 2018 3)."""

ROWS_FULL = -12
PICKED = -13


@inlined
def is_watched(watched: Any, h: list[int]) -> bool:
    """True if the packet has the endpoints of the one flow in `watched`, or if that is empty: all are."""
    if len(watched) == 0:
        return True
    low = watched[0]["port_a"]
    if h[SPORT] != low and h[DPORT] != low:
        return False
    return same_endpoints(watched[0], watched[0], endpoints_of(h, endpoint_order(h)))


@kernel
def note_sack(buf: Buffer, h: list[int], edges: Any, row: int) -> int:
    """Write the edges of the packet's SACK blocks, as on the wire; returns the number of blocks."""
    end = min(h[IP_END], h[L4] + h[TCP_LEN])
    o = option_from(buf, h[L4] + 20, end)
    while o >= 0:
        length = buf[o + 1] + 0
        if buf[o] == OPTION_SACK:
            count = min((length - 2) // 8, MAX_BLOCKS)
            for i in range(count):
                edges[row, 2 * i] = be32(buf, o + 2 + 8 * i)
                edges[row, 2 * i + 1] = be32(buf, o + 6 + 8 * i)
            return count
        o = option_from(buf, o + length, end)
    return 0


@inlined
def write_listed(state: State, rows: Any, edges: Any, place: int, buf: Buffer, h: list[int], number: int) -> None:
    """Write the packet that was just tracked, from the newest row of the ring."""
    newest = state.ring[(state.counters[C_ROWS] - 1) & RING_MASK]
    side = newest["side"] + 0
    me = state.directions[2 * number + side]
    peer = state.directions[2 * number + 1 - side]
    seq = newest["seq"] + 0
    ack = newest["ack"] + 0
    row = rows[place]
    row["ts"] = h[TS]
    row["frame"] = newest["frame"]
    row["stream"] = number
    row["file"] = newest["file"]
    # Where the initial numbers are is known modulo 2**32; the first number seen tells the rest.
    row["seq"] = seq - unwrap_seq(int(np.int64(me["base"])), me["first_seq"] + 0 if me["ref"] else seq)
    row["ack"] = (
        ack - unwrap_seq(int(np.int64(peer["base"])), peer["first_seq"] + 0 if peer["ref"] else ack) if ack else 0
    )
    row["raw_seq"] = seq & 0xFFFFFFFF
    row["raw_ack"] = ack & 0xFFFFFFFF
    row["wire_len"] = h[WIRE_LEN]
    row["ip_len"] = newest["ip_len"]
    row["payload"] = newest["payload"]
    scaled = not h[FLAGS] & SYN and me["wscale"] >= 0 and peer["wscale"] >= 0
    row["window"] = h[WINDOW] << (int(me["wscale"]) if scaled else 0)
    row["marks"] = newest["marks"]
    row["flags"] = h[FLAGS]
    row["ttl"] = h[TTL]
    row["side"] = side
    row["from_client"] = 1 if side == state.flows[number]["client"] else 0
    row["blocks"] = note_sack(buf, h, edges, place) if h[TCP_LEN] > 20 else 0


@inlined
def list_packet(
    state: State, watched: Any, rows: Any, edges: Any, filled: int, buf: Buffer, h: list[int], q: list[int], frame: int
) -> int:
    """Decode and follow one packet; returns how many rows are filled afterwards."""
    state.counters[C_PACKETS] += 1
    reason = decode_packet(buf, h)
    if reason != OK:
        cut = reason in (REASON_TCP_CUT, REASON_TCP_MALFORMED) and h[SPORT] >= 0 and not h[FRAGMENT]
        if cut and is_watched(watched, h):
            number_stream(state, h)
        return filled
    if h[PROTO] != PROTO_TCP:
        # Flows that are only quoted take stream numbers too, and a quoted SYN ends the flow before it.
        if len(watched) == 0:
            track_icmp(state, buf, h, q, frame)
        elif read_quote(buf, h, q) >= QUOTED_PORTS and is_watched(watched, q):
            number_quoted(state, buf, h, q)
        return filled
    if not is_watched(watched, h):
        return filled
    number = track_tcp(state, buf, h, frame, -1)
    if number == NO_FLOW:
        return filled
    if len(watched):
        flow = state.flows[number]
        if flow["first_frame"] != watched[0]["first_frame"] or state.odd_flows[number]["file"] != watched[0]["file"]:
            return filled  # the same endpoints before or after: ports are used again
    write_listed(state, rows, edges, filled, buf, h, number)
    return filled + 1


@kernel
def list_chunk(
    state: State,
    watched: Any,
    rows: Any,
    edges: Any,
    filled: list[int],
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
        filled[0] = list_packet(state, watched, rows, edges, filled[0], buf, h, q, container[FRAME])


@kernel
def pick_chunk(
    wanted: list[int],
    place: list[int],
    moment: list[int],
    buf: Buffer,
    end: int,
    container: list[int],
    interfaces: list[int],
    h: list[int],
    until: int,
) -> int:
    """Step to the next packet of buf[POS:end] whose frame is in `wanted`, or that is of that moment (ns).

    Returns PICKED, or why it stopped. `wanted` ascends; it is passed up to `place`.
    """
    at = place[0]
    while True:
        status = next_before(buf, end, container, interfaces, h, until)
        if status != GOT_PACKET:
            place[0] = at
            return status
        frame = container[FRAME]
        while at < len(wanted) and wanted[at] < frame:
            at += 1
        if (at < len(wanted) and wanted[at] == frame) or h[TS] == moment[0]:
            place[0] = at
            return PICKED


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entries, for a call that does some of everything."""
    state = new_state(0, flows=8, events=64, icmps=8)
    buf, container = trial_capture()
    numbers = np.zeros(COUNT, np.int64)
    rows = 64
    table = (
        np.zeros(0, KNOWN),
        np.zeros(rows, ROW),
        np.zeros((rows, 2 * MAX_BLOCKS), np.uint32),
        np.zeros(1, np.int64),
    )
    chunk = (buf, len(buf), container, np.zeros(I_WIDTH, np.int64), numbers)
    picked = (np.array([3, 9]), np.ones(1, np.int64), np.zeros(1, np.int64))
    return {"list_chunk": (state, *table, *chunk, numbers, FOREVER), "pick_chunk": (*picked, *chunk, FOREVER)}


class Lister(Skimmer):
    """As the Skimmer, but keeps rows of the packets: all, or those of the flow in `watched` (dtype KNOWN).

    That flow is known by its endpoints (a0.., port_a, .., version), `first_frame` and `file`. `rows` is the
    size of the output table; the pass stops whenever it is full.
    """

    def __init__(self, watched: Any = None, *, compiled: bool, rows: int, input_bytes: int | None = None) -> None:
        super().__init__(compiled=False, input_bytes=input_bytes)
        self._watched = np.zeros(0, KNOWN) if watched is None else watched
        self._rows = np.zeros(rows, ROW)
        self._edges = np.zeros((rows, 2 * MAX_BLOCKS), np.uint32)
        kernel = self._entry(list_chunk, examples, "listing", compiled=compiled)
        self._h = self.integers(COUNT)
        self._q = self.integers(COUNT)
        self._filled = self.integers(1)
        self._skim = bound(kernel, self.state, self._watched, self._rows, self._edges, self._filled)

    @property
    def full(self) -> bool:
        """True if the pass waits for `drain`."""
        return int(self._filled[0]) >= len(self._rows)

    def drain(self) -> tuple[Any, Any]:
        """The rows since the last call, and the edges of their SACK blocks (uint32, left and right in turn)."""
        filled = int(self._filled[0])
        self._filled[0] = 0
        portion = self._rows[:filled].copy(), self._edges[:filled].copy()
        self._edges[:filled] = 0
        return portion

    def rest(self) -> tuple[Any, Any]:
        """As `drain`, for the last time: nothing is copied."""
        filled = int(self._filled[0])
        return self._rows[:filled], self._edges[:filled]


class Picker(Skimmer):
    """As the Skimmer, but hands single packets to `take`, with the numbers of their file, frame and interface.

    All others are passed over.

    `wanted` has the frame numbers in each file. The first packet of the time `moment` (ns) is handed over, too.
    """

    def __init__(
        self,
        wanted: Mapping[int, Iterable[int]],
        moment: int,
        take: Callable[[Any, list[int], int, int, int], None],
        *,
        compiled: bool,
    ) -> None:
        super().__init__(compiled=False)
        self._picked = take
        kernel = self._entry(pick_chunk, examples, "listing", compiled=compiled)
        self._h = self.integers(COUNT)
        self._q = self.integers(COUNT)
        self._moment = self._array([moment])
        self._of_no_file = bound(kernel, self._array([]), self._array([0]), self._moment)
        self._of_file = {
            file: bound(kernel, self._array(sorted(frames)), self._array([0]), self._moment)
            for file, frames in wanted.items()
        }
        self._skim = self._pick

    def _array(self, values: list[int]) -> Any:
        return np.array(values, np.int64) if self.compiled else values

    def _pick(self, view: Any, end: int, container: Any, interfaces: Any, h: Any, q: Any, until: int) -> int:
        del q
        file = int(self.state.counters[C_FILE])
        pick = self._of_file.get(file, self._of_no_file)
        while (status := pick(view, end, container, interfaces, h, until)) == PICKED:
            if h[TS] == self._moment[0]:
                self._moment[0] = FOREVER  # which no packet's time is
            interface = int(interface_of(view, container, h))
            self._picked(view, [int(value) for value in h], file, int(container[FRAME]), interface)
        return status


class EveryPacket(Skimmer):
    """As the Skimmer, but hands every packet to `take`: the bytes read, its fields in them, its frame number."""

    def __init__(self, take: Callable[[Any, list[int], int], None]) -> None:
        super().__init__(compiled=False)
        self._taken = take
        self._skim = self._each

    def _each(self, view: Any, end: int, container: Any, interfaces: Any, h: Any, q: Any, until: int) -> int:
        del q, until  # there is one input
        while (status := next_packet(view, end, container, interfaces, h)) == GOT_PACKET:
            self._taken(view, h, container[FRAME])
        return int(status)
