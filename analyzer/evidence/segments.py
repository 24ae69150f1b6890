"""The recorded packets of one flow as Python objects, read once more from their bytes.

Emits `Segment`. Sequence numbers are unwrapped (the low 32 bits are those on the wire).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.decode.usual import Usual, usual_headers
from analyzer.flows.tables import (
    FILE_SHIFT,
    MARK_DF,
    MARK_DUPLICATE,
    MARK_FILLS,
    MARK_KEEPALIVE,
    MARK_NO_LENGTH,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_SUPER,
)


class FrameRef(NamedTuple):
    """A frame: the index of its file in `Analysis.files`, and its number there."""

    file: int
    frame: int

    @classmethod
    def at(cls, place: int) -> FrameRef:
        """The frame that a direction's row names."""
        return cls(place >> FILE_SHIFT, place & ((1 << FILE_SHIFT) - 1))

    def name(self, *, several: bool) -> str:
        """`frame 7`, or `frame 7 of file 2` where there are several files (counted from 1, as given)."""
        return f"frame {self.frame} of file {self.file + 1}" if several else f"frame {self.frame}"


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


def near(raw: int, reference: int) -> int:
    """The 64-bit number nearest to `reference` whose low 32 bits are `raw`."""
    return reference + ((raw - reference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def segments_of(rows: Any, heads: Any) -> list[Segment]:
    """Event rows (dtype PACKET) with their header bytes as segments; copies made by the capture are left out.

    Where their bytes say something else than the skim about what the evidence rests on, the packet is left out
    rather than trusted. Headers of the usual form are compared in columns. dpkt reads those of any other, and of all
    retransmissions, and TCP options.
    """
    own = rows["marks"] & MARK_DUPLICATE == 0
    if not own.all():
        rows, heads = rows[own], heads[own]
    flags, payload, marks = rows["flags"], rows["payload"], rows["marks"]
    raw, df = rows["seq"] & 0xFFFFFFFF, marks & MARK_DF
    usual = usual_headers(heads, rows["head_len"], raw, df)
    in_full = ~usual.form | (marks & MARK_RESENT != 0)
    refused, sack = _decoded(rows, heads, usual, in_full)
    columns = (
        map(FrameRef, rows["file"].tolist(), rows["frame"].tolist()),
        rows["ts"].tolist(),
        rows["side"].tolist(),
        rows["seq"].tolist(),
        (rows["seq"] + payload + (flags & SYN != 0) + (flags & FIN != 0)).tolist(),
        payload.tolist(),
        *(rows[name].tolist() for name in ("ip_len", "ack", "window", "flags")),
        (df != 0).tolist(),
        *(rows[name].tolist() for name in ("ip_id", "ttl", "marks")),
        sack,
        (rows["head_len"] < rows["ip_len"] - payload).tolist(),
    )
    out = list(map(Segment, *columns))  # a row at a time takes three times as long
    return [segment for i, segment in enumerate(out) if i not in refused] if refused else out


def _decoded(rows: Any, heads: Any, usual: Usual, in_full: Any) -> tuple[set[int], list[tuple[tuple[int, int], ...]]]:
    """Which of the rows to be decoded in full dpkt reads differently, and the SACK blocks of all rows."""
    refused: set[int] = set()
    sack: list[tuple[tuple[int, int], ...]] = [()] * len(rows)
    chosen = np.flatnonzero(in_full | ~usual.bare)
    if not len(chosen):
        return refused, sack
    from analyzer.decode.full import decode_tcp_packet, sack_blocks  # loads dpkt: only where it has to read

    columns = (rows["ack"], rows["seq"] & 0xFFFFFFFF, rows["marks"], rows["head_len"], usual.begin, usual.end, in_full)
    values = (column[chosen].tolist() for column in columns)
    for i, head, ack, seq, marks, length, begin, end, whole in zip(
        chosen.tolist(), heads[chosen], *values, strict=True
    ):
        if whole:
            full = decode_tcp_packet(head[:length].tobytes())
            if full is None or full.seq != seq or full.df != bool(marks & MARK_DF):
                refused.add(i)
                continue
            blocks = full.sack
        else:
            blocks = sack_blocks(head[begin:end].tobytes())
        if blocks:
            sack[i] = tuple([(near(left, ack), near(right, ack)) for left, right in blocks])
    return refused, sack


def refs(segments: Sequence[Segment]) -> tuple[FrameRef, ...]:
    """The frames of some segments."""
    return tuple(segment.ref for segment in segments)
