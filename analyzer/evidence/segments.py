"""The recorded packets of one flow as Python objects, decoded in full by dpkt.

Emits `Segment`. Sequence numbers are unwrapped (the low 32 bits are those on the wire).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
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


@dataclass(frozen=True, slots=True)
class Segment:
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


_COLUMNS = (
    "ts", "frame", "file", "side", "seq", "ack", "flags", "payload", "ip_len", "window", "ip_id", "ttl", "marks",
    "head_len",
)  # fmt: skip


def segments_of(rows: Any, heads: Any) -> list[Segment]:
    """Decode event rows (dtype PACKET) with their header bytes; copies made by the capture are left out.

    dpkt reads each packet again; where it disagrees with the skim on what the evidence rests on, the
    packet is left out rather than trusted.
    """
    from analyzer.decode.full import decode_tcp_packet  # loads dpkt: only where there are packets to decode

    out: list[Segment] = []
    columns = (rows[name].tolist() for name in _COLUMNS)  # fields of one row at a time are slow to read
    for head, *values in zip(heads, *columns, strict=True):
        ts, frame, file, side, seq, ack, flags, payload, ip_len, window, ip_id, ttl, marks, head_len = values
        if marks & MARK_DUPLICATE:
            continue
        full = decode_tcp_packet(head[:head_len].tobytes())
        if full is None or full.seq != seq & 0xFFFFFFFF or full.df != bool(marks & MARK_DF):
            continue
        out.append(
            Segment(
                ref=FrameRef(file, frame),
                ts=ts,
                side=side,
                seq=seq,
                end=seq + payload + bool(flags & SYN) + bool(flags & FIN),
                payload=payload,
                ip_len=ip_len,
                ack=ack,
                window=window,
                flags=flags,
                df=full.df,
                ip_id=ip_id,
                ttl=ttl,
                marks=marks,
                sack=tuple((near(a, ack), near(b, ack)) for a, b in full.sack),
                options_cut=head_len < ip_len - payload,
            )
        )
    return out


def refs(segments: Sequence[Segment]) -> tuple[FrameRef, ...]:
    """The frames of some segments."""
    return tuple(segment.ref for segment in segments)
