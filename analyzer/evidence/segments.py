"""The recorded packets of one flow as Python objects, read once more from their bytes.

Emits `Segment`. Sequence numbers are unwrapped (the low 32 bits are those on the wire).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.common_headers import usual_headers
from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.flows.flow_tables import (
    FILE_SHIFT,
    MARK_BAD_SUM,
    MARK_DF,
    MARK_DUPLICATE,
    MARK_FILLS,
    MARK_FRAGMENT,
    MARK_KEEPALIVE,
    MARK_NO_LENGTH,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_STRAY,
    MARK_SUPER,
)
from analyzer.flows.tcp_state import unwrap_seq
from analyzer.model.statement import FrameRef
from analyzer.settings import OF_LONG_FLOWS

Blocks = tuple[tuple[int, int], ...]


def frame_of(frame_id: int) -> FrameRef:
    """The frame that a row of a table names, see `flow_tables.FILE_SHIFT`."""
    return FrameRef(frame_id >> FILE_SHIFT, frame_id & ((1 << FILE_SHIFT) - 1))


class Segment(NamedTuple):
    """One recorded packet. Times in ns, sizes in bytes; `window` is not scaled."""

    ref: FrameRef
    ts: int
    side: int
    seq: int
    end: int  # sequence number behind its last byte, SYN and FIN counted
    payload: int
    ip_len: int
    ack: int  # unwrapped; 0 without ACK flag
    window: int
    flags: int
    df: bool
    ip_id: int
    ttl: int
    marks: int
    sack: tuple[tuple[int, int], ...]  # unwrapped blocks
    options_cut: bool = False  # the snap length cut its TCP options: SACK blocks may be missing

    @property
    def has_ack(self) -> bool:
        """True if the acknowledgement number counts."""
        return bool(self.flags & ACK_FLAG) and not self.flags & RST

    @property
    def resent(self) -> bool:
        """True if its bytes were seen before, and it is not the capture's copy."""
        return bool(self.marks & MARK_RESENT)

    @property
    def keepalive(self) -> bool:
        """True for a keep-alive probe."""
        return bool(self.marks & MARK_KEEPALIVE)

    @property
    def fills_hole(self) -> bool:
        """True if it brings bytes of an open hole."""
        return bool(self.marks & MARK_FILLS)

    @property
    def spurious(self) -> bool:
        """True if its bytes were acknowledged before it was sent again."""
        return bool(self.marks & MARK_SPURIOUS)

    @property
    def super_segment(self) -> bool:
        """True if no packet of this size was on the wire."""
        return bool(self.marks & (MARK_SUPER | MARK_NO_LENGTH))

    @property
    def bad_sum(self) -> bool:
        """True if it was sent again with a wrong TCP checksum, as far as it was captured whole."""
        return bool(self.marks & MARK_BAD_SUM)

    @property
    def fragment(self) -> bool:
        """True for the first fragment of a packet, whose size says nothing about the whole."""
        return bool(self.marks & MARK_FRAGMENT)

    @property
    def data(self) -> bool:
        """True if it carries payload that is not a keep-alive's byte."""
        return self.payload > 0 and not self.keepalive

    @property
    def syn(self) -> bool:
        """True for SYN and SYN/ACK."""
        return bool(self.flags & SYN)

    @property
    def fin(self) -> bool:
        """True if it closes its direction."""
        return bool(self.flags & FIN)

    @property
    def rst(self) -> bool:
        """True if it aborts the connection."""
        return bool(self.flags & RST)


ONE_BY_ONE = OF_LONG_FLOWS
"""Up to so many packets of a flow dpkt reads all of them: columns take as long to begin with."""


def segments_of(rows: Any, header_bytes: Any) -> list[Segment]:
    """Event rows (dtype PACKET) with their header bytes as segments.

    Copies made by the capture are left out, and packets whose numbers belong to no live byte. Where their bytes say
    something else than the skim about what the evidence rests on, the packet is left out rather than trusted. Where
    there are many, headers of the usual form are compared in columns. dpkt reads those of any other, and of all
    retransmissions, and TCP options.
    """
    own = rows["marks"] & (MARK_DUPLICATE | MARK_STRAY) == 0
    if not own.all():
        rows, header_bytes = rows[own], header_bytes[own]
    seq, ack, marks = rows["seq"].tolist(), rows["ack"].tolist(), rows["marks"].tolist()
    if len(rows) > ONE_BY_ONE:
        blocks = _compared(rows, header_bytes)
    else:
        lengths = rows["header_len"].tolist()
        blocks = [
            _read(head[:n].tobytes(), s, m) for head, n, s, m in zip(header_bytes, lengths, seq, marks, strict=True)
        ]
    flags, payload = rows["flags"], rows["payload"]
    columns = (
        map(FrameRef, rows["file"].tolist(), rows["frame"].tolist()),
        rows["ts"].tolist(),
        rows["side"].tolist(),
        seq,
        (rows["seq"] + payload + (flags & SYN != 0) + (flags & FIN != 0)).tolist(),
        payload.tolist(),
        rows["ip_len"].tolist(),
        ack,
        rows["window"].tolist(),
        flags.tolist(),
        (rows["marks"] & MARK_DF != 0).tolist(),
        rows["ip_id"].tolist(),
        rows["ttl"].tolist(),
        marks,
        [
            b and tuple([(unwrap_seq(left, a), unwrap_seq(right, a)) for left, right in b])
            for b, a in zip(blocks, ack, strict=True)
        ],
        (rows["header_len"] < rows["ip_len"] - payload).tolist(),
    )
    out = list(map(Segment, *columns))  # a row at a time takes three times as long
    if None in blocks:
        return [segment for segment, read in zip(out, blocks, strict=True) if read is not None]
    return out


def _read(head: bytes, seq: int, marks: int) -> Blocks | None:
    """The SACK blocks of a packet as dpkt reads it; None if it reads something else than the skim did."""
    from analyzer.decode.dpkt_decoder import decode_tcp_packet  # loads dpkt: only where there are packets to decode

    full = decode_tcp_packet(head)
    if full is None or full.seq != seq & 0xFFFFFFFF or full.df != bool(marks & MARK_DF):
        return None
    return full.sack


def _compared(rows: Any, header_bytes: Any) -> list[Blocks | None]:
    """As `_read` for each row, which it asks only where columns do not tell."""
    from analyzer.decode.dpkt_decoder import sack_blocks

    marks = rows["marks"]
    usual = usual_headers(header_bytes, rows["header_len"], rows["seq"] & 0xFFFFFFFF, marks & MARK_DF)
    in_full = ~usual.form | (marks & MARK_RESENT != 0)
    chosen = np.flatnonzero(in_full | ~usual.bare)
    blocks: list[Blocks | None] = [()] * len(rows)
    columns = (in_full, rows["header_len"], usual.begin, usual.end, rows["seq"], marks)
    values = (column[chosen].tolist() for column in columns)
    for i, head, whole, length, begin, end, seq, mark in zip(
        chosen.tolist(), header_bytes[chosen], *values, strict=True
    ):
        blocks[i] = _read(head[:length].tobytes(), seq, mark) if whole else sack_blocks(head[begin:end].tobytes())
    return blocks


def refs(segments: Sequence[Segment]) -> tuple[FrameRef, ...]:
    """The frames of some segments."""
    return tuple(segment.ref for segment in segments)
