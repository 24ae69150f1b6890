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
from analyzer.evidence.outcomes import Blocks, outcomes_of, outcomes_with, sack_blocks
from analyzer.evidence.segments import segments_of
from analyzer.flows.flow_tables import MARK_DUPLICATE, MARK_KEEPALIVE, MARK_NO_LENGTH, MARK_RESENT, MARK_SUPER
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.wire_sizes import IPV4_TCP_HEADERS, IPV6_TCP_HEADERS
from analyzer.passes.reread import rows_of
from analyzer.passes.second import ROW

Array = np.ndarray[Any, Any]

FIN, SYN, RST = 1, 2, 4

MOST_READ = 2_000_000
"""Packets of a flow that are read again to be drawn: 200 MB of memory."""


def is_drawable(flow: Flow) -> bool:
    """True if packets of this flow were recorded."""
    return flow.timeline is not None and len(flow.timeline) > 0


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
    outcome: Array  # int64: DELIVERED and so on of `evidence.outcomes`, NONE where nothing is to be acknowledged
    sacked: Sequence[tuple[int, int, int]] = ()  # (ts, first, behind the last byte) acknowledged selectively

    def __len__(self) -> int:
        return len(self.ts)

    def where(self, chosen: Array) -> Packets:
        """Only the packets that `chosen` (bool, or indices) names; SACK blocks from the first to the last."""
        columns = {name: getattr(self, name)[chosen] for name in COLUMNS}
        ts = columns["ts"]
        kept = [block for block in self.sacked if len(ts) and ts[0] <= block[0] <= ts[-1]]
        return Packets(**columns, sacked=kept)

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
    "merged", "outcome",
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
    blocks = _recorded_blocks(rows, None if flow.header_bytes is None else flow.header_bytes[originals])
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
        outcome=outcomes_with(rows, blocks, flow.round_trips).outcome,
        sacked=_sacked(rows, blocks, side),
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
        sacked=_sacked(rows, sack_blocks(rows, edges, np.flatnonzero(rows["blocks"] > 0)), side),
        outcome=outcomes_of(rows, edges, flow.round_trips).outcome,
    )
    originals = (marks & MARK_DUPLICATE) == 0
    return found.where(originals) if originals.any() else None


def _sacked(rows: Array, blocks: Blocks, side: int) -> list[tuple[int, int, int]]:
    """The SACK blocks that answer the packets of `side`, as in `Packets.sacked`."""
    row, low, high = blocks
    kept = (low >= rows["ack"][row]) & (rows["side"][row] != side)  # one below the ACK reports a duplicate (RFC 2883)
    return list(zip(rows["ts"][row][kept].tolist(), low[kept].tolist(), high[kept].tolist(), strict=True))


def _recorded_blocks(rows: Array, header_bytes: Array | None) -> Blocks:
    """The SACK blocks in the headers of recorded rows."""
    found: list[tuple[int, int, int]] = []
    if header_bytes is not None:
        bare = np.where(rows["ip_id"] < 0, IPV6_TCP_HEADERS, IPV4_TCP_HEADERS)
        chosen = np.flatnonzero(rows["ip_len"] - rows["payload"] > bare)
        for row, segment in zip(chosen.tolist(), segments_of(rows[chosen], header_bytes[chosen]), strict=True):
            found += [(row, low, high) for low, high in segment.sack]
    columns = np.array(found, np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]
