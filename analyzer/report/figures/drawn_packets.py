"""One flow's packets as plain columns, and what became of each: what the figures draw.

The columns can come from the recorded packets of a flow (`recorded`) or from any other table of its
packets; nothing else in the figures knows where they came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.errors import UsageError
from analyzer.evidence.segments import segments_of
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_KEEPALIVE, MARK_NO_LENGTH, MARK_RESENT, MARK_SUPER
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.passes.reread import rows_of
from analyzer.passes.second import ROW
from analyzer.tables import outcomes as all_fates
from analyzer.tables.outcomes import sack_blocks

Array = np.ndarray[Any, Any]

FIN, SYN, RST = 1, 2, 4

IPV4_HEADERS, IPV6_HEADERS = 40, 60
"""Bytes of IP and TCP header without options."""

NO_DATA, DELIVERED, LOST, OPEN = 0, 1, 2, 3

PATIENCE_NS = 1_000_000_000
"""Data without ACK for this long, ns, is called lost: the minimum RTO of RFC 6298 2.4."""

MOST_READ = 2_000_000
"""Packets of a flow that are read again to be drawn: 200 MB of memory."""

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Packets:
    """Columns of equal length, in order of time. `forward` packets go the way that the verdict is about."""

    ts: Array  # int64, ns since the epoch
    frame: Array  # int64
    file: Array  # int64, index in `Analysis.files`
    forward: Array  # bool
    seq: Array  # int64, unwrapped
    ack: Array  # int64, unwrapped; 0 without ACK flag
    payload: Array  # int64, bytes
    ip_len: Array  # int64, bytes of IP total length
    window: Array  # int64, bytes (scaled)
    flags: Array  # int64, the low bits of the TCP header's
    resent: Array  # bool: holds bytes that were seen before
    keepalive: Array  # bool
    merged: Array  # bool: larger than any packet on the wire (segmentation or receive offload)
    sacked: Sequence[tuple[int, int, int]] = ()  # (ts, first, behind the last byte) acknowledged selectively
    fate: Array | None = None  # int64, as `fates` tells it, where it is known already

    def __len__(self) -> int:
        return len(self.ts)

    def where(self, chosen: Array) -> Packets:
        """Only the packets that `chosen` (bool, or indices) names; SACK blocks from the first to the last."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        ts = columns["ts"]
        kept = [block for block in self.sacked if len(ts) and ts[0] <= block[0] <= ts[-1]]
        return Packets(**columns, sacked=kept, fate=None if self.fate is None else self.fate[chosen])

    @property
    def carrying(self) -> Array:
        """Forward packets with payload that is not a keep-alive's byte."""
        return np.asarray(self.forward & (self.payload > 0) & ~self.keepalive)

    @property
    def acknowledging(self) -> Array:
        """Packets of the other way with an acknowledgement number."""
        return np.asarray(~self.forward & (self.ack > 0))


COLUMNS = (
    "ts", "frame", "file", "forward", "seq", "ack", "payload", "ip_len", "window", "flags", "resent", "keepalive",
    "merged",
)  # fmt: skip


def recorded(flow: Flow) -> Packets | None:
    """The recorded packets of a flow, copies made by the capture left out; None where there are none."""
    rows = flow.timeline
    if rows is None or not len(rows):
        return None
    originals = (rows["marks"] & MARK_DUPLICATE) == 0
    if not originals.any():
        originals[:] = True
    rows = rows[originals]
    side = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
    scales = np.array(flow.window_scales)[rows["side"]]
    marks = rows["marks"]
    return Packets(
        ts=rows["ts"].astype(np.int64),
        frame=rows["frame"].astype(np.int64),
        file=rows["file"].astype(np.int64),
        forward=rows["side"] == side,
        seq=rows["seq"].astype(np.int64),
        ack=rows["ack"].astype(np.int64),
        payload=rows["payload"].astype(np.int64),
        ip_len=rows["ip_len"].astype(np.int64),
        window=rows["window"].astype(np.int64) << np.where(rows["flags"] & SYN, 0, scales),
        flags=rows["flags"].astype(np.int64),
        resent=(marks & MARK_RESENT) != 0,
        keepalive=(marks & MARK_KEEPALIVE) != 0,
        merged=(marks & (MARK_SUPER | MARK_NO_LENGTH)) != 0,
        sacked=() if flow.heads is None else _sack_blocks(rows, flow.heads[originals], side),
    )


def read_again(analysis: Analysis, flow: Flow) -> Packets | None:
    """All packets of a flow, from another pass over the capture: for flows of which none were recorded.

    None where the capture cannot be read again, or the flow has more than `MOST_READ` packets.
    """
    if not analysis.sources or not 0 < flow.packet_count <= MOST_READ:
        return None
    try:
        rows, edges = rows_of(analysis, flow)
    except UsageError:
        return None
    side = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
    marks = rows["marks"]
    found = Packets(
        **{name: rows[name].astype(np.int64) for name in COLUMNS if name in (ROW.names or ())},
        forward=rows["side"] == side,
        resent=(marks & MARK_RESENT) != 0,
        keepalive=(marks & MARK_KEEPALIVE) != 0,
        merged=(marks & (MARK_SUPER | MARK_NO_LENGTH)) != 0,
        sacked=_sacked_again(rows, edges, side),
        fate=_fates_again(rows, edges, flow.last_time),
    )
    originals = (marks & MARK_DUPLICATE) == 0
    return found.where(originals) if originals.any() else None


def _sacked_again(rows: Array, edges: Array, side: int) -> list[tuple[int, int, int]]:
    answers = np.flatnonzero((rows["side"] != side) & (rows["blocks"] > 0))
    row, low, high = sack_blocks(rows, edges, answers)
    kept = low >= rows["ack"][row]  # a block below the ACK reports a duplicate (RFC 2883)
    return list(zip(rows["ts"][row][kept].tolist(), low[kept].tolist(), high[kept].tolist(), strict=True))


def _fates_again(rows: Array, edges: Array, last_time: int) -> Array:
    """As `fates`, from those that look at every packet."""
    known = all_fates.fates_of(rows, edges).fate
    silent = known == all_fates.UNANSWERED
    waited = rows["ts"] < last_time - PATIENCE_NS
    lost = (known == all_fates.LOST) | (silent & waited)
    fate = np.select([lost, silent], [LOST, OPEN], DELIVERED)
    fate[(rows["payload"] == 0) | (rows["marks"] & MARK_KEEPALIVE != 0)] = NO_DATA
    return np.asarray(fate)


def _sack_blocks(rows: Array, heads: Array, side: int) -> list[tuple[int, int, int]]:
    """SACK blocks that answer the packets of `side`, as in `Packets.sacked`."""
    with_options = rows["ip_len"] - rows["payload"] > np.where(rows["ip_id"] < 0, IPV6_HEADERS, IPV4_HEADERS)
    chosen = (rows["side"] != side) & with_options
    return [
        (segment.ts, low, high)
        for segment in segments_of(rows[chosen], heads[chosen])
        for low, high in segment.sack
        if low >= segment.ack  # a block below the ACK reports a duplicate (RFC 2883)
    ]


def fates(packets: Packets, until: int) -> Array:
    """What became of the payload of each packet: DELIVERED, LOST or OPEN; NO_DATA where it carries none.

    Delivered: its ACK came before any of its bytes were sent again. Lost: they were sent again before, or
    no ACK came within `PATIENCE_NS`. Bytes acknowledged before (a needless retransmission) are delivered.

    Args:
        packets: of one flow.
        until: to this time, ns, all of the flow's packets are known.
    """
    out = np.full(len(packets), NO_DATA)
    chosen = np.flatnonzero(packets.carrying)
    if not len(chosen):
        return out
    start, end = packets.seq[chosen], packets.seq[chosen] + packets.payload[chosen]
    acked_at = _acknowledged_at(packets, end)
    again_at = _sent_again_at(packets.ts[chosen], start, end, packets.resent[chosen])
    for ts, low, high in packets.sacked:
        covered = (start >= low) & (end <= high)
        acked_at[covered] = np.minimum(acked_at[covered], ts)
    fate = np.where(acked_at <= again_at, DELIVERED, LOST)
    silent = (acked_at == NEVER) & (again_at == NEVER)
    fate[silent] = np.where(packets.ts[chosen][silent] < until - PATIENCE_NS, LOST, OPEN)
    out[chosen] = fate
    return out


def _acknowledged_at(packets: Packets, end: Array) -> Array:
    """When a cumulative ACK first reached each `end`; NEVER where none did."""
    acks = packets.acknowledging
    if not acks.any():
        return np.full(len(end), NEVER)
    times, reach = packets.ts[acks], np.maximum.accumulate(packets.ack[acks])
    first = np.searchsorted(reach, end, side="left")
    return np.where(first < len(times), times[np.minimum(first, len(times) - 1)], NEVER)


def _sent_again_at(ts: Array, start: Array, end: Array, resent: Array) -> Array:
    """When some of the bytes [start, end) were next sent; NEVER where they were not."""
    out = np.full(len(ts), NEVER)
    order = np.lexsort((ts[resent], start[resent]))
    starts, times = start[resent][order], ts[resent][order]
    low, high = np.searchsorted(starts, start, side="left"), np.searchsorted(starts, end, side="left")
    for i in np.flatnonzero(high > low):
        later = times[low[i] : high[i]]
        later = later[later > ts[i]]
        if len(later):
            out[i] = later.min()
    return out
