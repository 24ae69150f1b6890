"""Which packets are kept: a ring of recent ones, and the event table of those that matter.

Every TCP packet passes through the ring. When a flow gets into trouble, its recent packets are brought
back from the ring into the event table, and its next ones are recorded until the trouble is over.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.integers import Buffer, at
from analyzer.decode.packet_fields import (
    CHECKSUM,
    DF,
    FLAGS,
    FRAGMENT,
    IP_END,
    IP_ID,
    IP_LEN,
    L4,
    LAYERS,
    NET,
    PAYLOAD,
    TCP_LEN,
    TS,
    TTL,
    WINDOW,
)
from analyzer.flows.flow_tables import (
    C_EVENTS,
    C_FILE,
    C_ROWS,
    C_TROUBLED,
    MARK_DF,
    MARK_FRAGMENT,
    MARK_INSIDE,
    MARK_NO_LENGTH,
    SAW_MORE,
    State,
)
from analyzer.kernels.marks import checked_in_front, compiled_as, inlined, kernel
from analyzer.settings import (
    DUPLICATE_ID_NS,
    DUPLICATE_NS,
    HEAD_BYTES,
    HISTORY_ROWS,
    MAX_EVENTS_PER_FLOW,
    MAX_TROUBLED,
    RING_ROWS,
    RING_SLOTS,
)

RING_MASK = RING_SLOTS - 1


def _copy_bytes_one_by_one(target: Any, row: int, source: Any, start: int, count: int) -> None:
    if not (0 <= row < len(target) and 0 <= count <= target.shape[1] and 0 <= start <= len(source) - count):
        raise IndexError
    for i in range(count):
        target[row, i] = source[start + i]


@compiled_as(_copy_bytes_one_by_one)
def copy_bytes(target: Any, row: int, source: Any, start: int, count: int) -> None:
    """Copy source[start:start + count] to the beginning of target[row]."""
    target[row, :count] = source[start : start + count]


def _copy_whole_row(target: Any, row: int, source: Any, start: int, count: int) -> None:
    if not (0 <= row < len(target) and target.shape[1] == HEAD_BYTES and 0 <= start <= len(source)):
        raise IndexError
    if start + HEAD_BYTES <= len(source):
        for i in range(HEAD_BYTES):
            target[row, i] = source[start + i]
    elif count <= min(HEAD_BYTES, len(source) - start):
        for i in range(count):
            target[row, i] = source[start + i]
    else:
        raise IndexError


@compiled_as(_copy_whole_row)
def copy_head(target: Any, row: int, source: Any, start: int, count: int) -> None:
    """Copy source[start:start + count] to the beginning of target[row]; what is behind it in the row is undefined.

    Every packet passes here. The compiled twin copies a row's full width where it can: a fixed number of bytes needs
    no loop.
    """
    target[row, :count] = source[start : start + count]


@kernel
def put_event(state: State, event: int, rows: Any, header_bytes: Any, row: int) -> None:
    """Copy a row of a table of packets, and its headers, to a row of the event table."""
    state.events[event] = rows[row]
    for i in range(rows[row]["header_len"]):
        state.event_header_bytes[event, i] = header_bytes[row, i]


@kernel
def append_event(state: State, counter: int, number: int) -> None:
    """Copy the ring row `counter` of flow `number` into the event table, unless a bound is reached."""
    odd = state.odd_flows[number]
    if odd["recorded"] > counter:
        return
    odd["recorded"] = counter + 1
    event = state.counters[C_EVENTS]
    first = odd["events"] == 0
    if (
        odd["events"] >= MAX_EVENTS_PER_FLOW
        or event >= len(state.events)
        or (first and state.counters[C_TROUBLED] >= MAX_TROUBLED)
    ):
        odd["lost_events"] += 1
        state.flows[number]["seen"] |= SAW_MORE
        return
    if first:
        state.counters[C_TROUBLED] += 1
    put_event(state, event, state.ring, state.ring_header_bytes, counter & RING_MASK)
    state.counters[C_EVENTS] = event + 1
    odd["events"] += 1


@kernel
def bring_back(state: State, number: int, rows: int) -> None:
    """Record up to `rows` of the flow's latest packets that the ring still holds, oldest first.

    The walk back turns the chain's links around so that the way forward needs no memory; each link is
    turned back as it is passed.
    """
    oldest_kept = state.counters[C_ROWS] - RING_ROWS
    counter = state.flows[number]["last_row"] + 0
    recorded = state.odd_flows[number]["recorded"] + 0
    following = -1
    for _ in range(min(rows, HISTORY_ROWS)):
        if counter < 0 or counter < oldest_kept or counter < recorded:
            break
        row = state.ring[counter & RING_MASK]
        before = row["prev"] + 0
        row["prev"] = following
        following = counter
        counter = before
    while following >= 0:
        row = state.ring[following & RING_MASK]
        later = row["prev"] + 0
        row["prev"] = counter
        counter = following
        append_event(state, counter, number)
        following = later


@kernel
def start_recording(state: State, number: int, history: int, aftermath: int) -> None:
    """Bring back `history` packets of a flow and record at least `aftermath` further ones."""
    bring_back(state, number, history)
    flow = state.flows[number]
    flow["recording"] = max(flow["recording"], aftermath)
    flow["fast_path"] = 0


@inlined
def is_part_of_copy(row: Any, h: list[int], seq: int, inside: int) -> bool:
    """True if the packet was cut from the one in `row`, or merged from it and others, between two capture points.

    Segmentation counts the IPv4 identification up from that of the whole, merging keeps that of the
    first. Without one, only a tunnel between the points is proof enough.
    """
    start = row["seq"] + 0
    cut = start <= seq and seq + h[PAYLOAD] <= start + row["payload"]
    merged = start == seq and row["payload"] < h[PAYLOAD]
    if not cut and not merged:
        return False
    if h[IP_ID] <= 0 or row["ip_id"] <= 0:
        return (row["marks"] & MARK_INSIDE) != inside
    steps = (h[IP_ID] - row["ip_id"]) & 0xFFFF
    if merged:
        return steps == 0
    return (steps > 0) == (seq > start) and steps <= (seq - start) // h[PAYLOAD]


@kernel
def is_capture_duplicate(state: State, h: list[int], flow: Any, side: int, seq: int, ack: int, rows: int) -> bool:
    """True if one of the flow's last `rows` packets is the same packet, captured twice.

    A retransmission gets a new IPv4 identification. Where there is none to compare (IPv6, or 0), the
    checksum must be equal, which covers the timestamp option; unless one of the two was captured inside a
    tunnel and the other outside, where offload may fill in the checksum in between.
    """
    inside = MARK_INSIDE if h[LAYERS] else 0
    oldest_kept = state.counters[C_ROWS] - RING_ROWS
    counter = flow["last_row"]
    for _ in range(rows):
        if counter < 0 or counter < oldest_kept:
            return False
        row = state.ring[counter & RING_MASK]
        age = h[TS] - row["ts"]
        if age > DUPLICATE_ID_NS or age < -DUPLICATE_NS:  # much earlier: the clock was set meanwhile
            return False
        if row["side"] == side and row["seq"] == seq and row["payload"] == h[PAYLOAD]:
            if row["ack"] == ack and row["flags"] == h[FLAGS] and row["ip_id"] == h[IP_ID]:
                if h[IP_ID] > 0:
                    return True
                same = row["checksum"] == h[CHECKSUM] or (row["marks"] & MARK_INSIDE) != inside
                if age <= DUPLICATE_NS and same:
                    return True
        elif (
            age <= DUPLICATE_NS
            and row["side"] == side
            and row["ack"] == ack
            and h[PAYLOAD]
            and row["payload"]
            and is_part_of_copy(row, h, seq, inside)
        ):
            return True
        counter = row["prev"] + 0
    return False


@inlined
def write_row(
    state: State, buf: Buffer, h: list[int], frame: int, number: int, side: int, seq: int, ack: int, marks: int
) -> None:
    """Write the decoded packet into the ring as the newest of its flow, and record it if the flow is recorded."""
    if h[DF]:
        marks |= MARK_DF
    if h[IP_LEN] == 0:
        marks |= MARK_NO_LENGTH
    if h[FRAGMENT]:
        marks |= MARK_FRAGMENT
    if h[LAYERS]:
        marks |= MARK_INSIDE
    flow = state.flows[number]
    counter = store_row(
        state,
        buf,
        flow,
        h[TS],
        frame,
        number,
        side,
        seq,
        ack,
        h[PAYLOAD],
        h[IP_LEN] if h[IP_LEN] else h[PAYLOAD] + h[TCP_LEN] + h[L4] - h[NET],
        h[WINDOW],
        h[IP_ID],
        h[CHECKSUM],
        marks,
        h[FLAGS],
        h[TTL],
        h[NET],
        min(h[L4] + h[TCP_LEN], h[IP_END]) - h[NET],
    )
    if flow["recording"] > 0:
        flow["recording"] -= 1
        append_event(state, counter, number)


@inlined
@checked_in_front
def store_row(
    state: State,
    buf: Buffer,
    flow: Any,
    ts: int,
    frame: int,
    number: int,
    side: int,
    seq: int,
    ack: int,
    payload: int,
    ip_len: int,
    window: int,
    ip_id: int,
    checksum: int,
    marks: int,
    flags: int,
    ttl: int,
    start: int,
    head_len: int,
) -> int:
    """Write a packet whose headers are buf[start:start + head_len] into the ring; returns its row counter."""
    counter = state.counters[C_ROWS]
    state.counters[C_ROWS] = counter + 1
    slot = counter & RING_MASK
    row = state.ring[at(slot)]
    row["ts"] = ts
    row["frame"] = frame
    row["prev"] = flow["last_row"]
    row["seq"] = seq
    row["ack"] = ack
    row["flow"] = number
    row["file"] = state.counters[C_FILE]
    row["payload"] = payload
    row["ip_len"] = ip_len
    row["window"] = window
    row["ip_id"] = ip_id
    row["checksum"] = checksum
    row["marks"] = marks
    row["flags"] = flags
    row["side"] = side
    row["ttl"] = ttl
    length = min(head_len, HEAD_BYTES)
    row["header_len"] = length
    copy_head(state.ring_header_bytes, slot, buf, start, length)
    flow["last_row"] = counter
    return counter


@kernel
def finish_flows(state: State, numbers: list[int]) -> int:
    """At the end of the capture: record what is left of flows whose trouble was not over; returns how many."""
    for place in range(len(numbers)):
        bring_back(state, numbers[place], HISTORY_ROWS)
    return len(numbers)
