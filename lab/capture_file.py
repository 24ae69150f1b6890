"""Reading and writing classic pcap files, and finding the IP packet in a record."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lab.headers import Packet, read_packet

ETHERNET, RAW, SLL, SLL2 = 1, 101, 113, 276
_NANOSECONDS = 0xA1B23C4D
_MICROSECONDS = 0xA1B2C3D4
_IP_TYPES = (0x0800, 0x86DD)
_PPPOE_SESSION = 0x8864
_VXLAN_PORT = 4789
_IPIP, _UDP, _SIX_IN_FOUR, _GRE = 4, 17, 41, 47


@dataclass(frozen=True, slots=True)
class Record:
    """One record: what was captured of a frame, and how long it was."""

    time_ns: int
    wire_len: int
    data: bytes


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A whole capture in memory: the laboratory's are small."""

    link_type: int
    snap_length: int
    records: tuple[Record, ...]

    def with_records(self, records: list[Record]) -> CaptureFile:
        return replace(self, records=tuple(records))

    def packets(self) -> Iterator[tuple[int, Record, Packet]]:
        """(frame number, record, IP packet) of every record that holds one."""
        for number, record in enumerate(self.records, start=1):
            packet = read_packet(ip_of(self.link_type, record.data))
            if packet is not None:
                yield number, record, packet


def ip_of(link_type: int, data: bytes) -> bytes:
    """The IP packet inside a link layer frame; empty when there is none."""
    if link_type == RAW:
        return data
    at, protocol_at = {ETHERNET: (14, 12), SLL: (16, 14), SLL2: (20, 0)}[link_type]
    protocol = int.from_bytes(data[protocol_at : protocol_at + 2], "big")
    while protocol in (0x8100, 0x88A8):
        protocol = int.from_bytes(data[at + 2 : at + 4], "big")
        at += 4
    if protocol == _PPPOE_SESSION:
        return data[at + 8 :]
    return data[at:] if protocol in _IP_TYPES else b""


def inside_tunnel(capture: CaptureFile) -> CaptureFile:
    """The same capture as seen inside VXLAN, IPIP, 6in4 or plain GRE (IPv4 outside, without options)."""
    records = []
    for record in capture.records:
        inner = _inside(ip_of(capture.link_type, record.data))
        if inner:
            skipped = len(record.data) - len(inner)
            records.append(Record(record.time_ns, record.wire_len - skipped, inner))
    return CaptureFile(RAW, capture.snap_length, tuple(records))


def _inside(outer: bytes) -> bytes:
    """The inner IP packet of an outer IPv4 packet; empty when there is none, or the rest of a fragment."""
    if len(outer) <= 20 or int.from_bytes(outer[6:8], "big") & 0x1FFF:
        return b""
    protocol = outer[9]
    if protocol in (_IPIP, _SIX_IN_FOUR):
        return outer[20:]
    if protocol == _GRE:
        return outer[24:]
    if protocol == _UDP and outer[22:24] == _VXLAN_PORT.to_bytes(2, "big"):
        return ip_of(ETHERNET, outer[36:])
    return b""


def read_capture(path: Path) -> CaptureFile:
    """A whole classic pcap file of this machine's byte order, as tcpdump writes it."""
    raw = path.read_bytes()
    magic, _, _, _, _, snap_length, link_type = struct.unpack_from("=IHHiIII", raw)
    unit = {_NANOSECONDS: 1, _MICROSECONDS: 1000}[magic]
    records = []
    at = 24
    while at < len(raw):
        seconds, fraction, captured_len, wire_len = struct.unpack_from("=IIII", raw, at)
        data = raw[at + 16 : at + 16 + captured_len]
        if len(data) < captured_len:
            raise ValueError(f"{path.name}: record cut short at byte {at}")
        records.append(Record(seconds * 1_000_000_000 + fraction * unit, wire_len, data))
        at += 16 + captured_len
    return CaptureFile(link_type, snap_length, tuple(records))


def capture_bytes(capture: CaptureFile, *, nanoseconds: bool = False) -> bytes:
    """Classic pcap, little-endian, in microseconds or nanoseconds."""
    magic, unit = (_NANOSECONDS, 1) if nanoseconds else (_MICROSECONDS, 1000)
    parts = [struct.pack("<IHHiIII", magic, 2, 4, 0, 0, capture.snap_length, capture.link_type)]
    for record in capture.records:
        seconds, fraction = divmod(record.time_ns, 1_000_000_000)
        parts.append(struct.pack("<IIII", seconds, fraction // unit, len(record.data), record.wire_len))
        parts.append(record.data)
    return b"".join(parts)


def write_capture(path: Path, capture: CaptureFile) -> None:
    """Microsecond pcap, little-endian."""
    path.write_bytes(capture_bytes(capture))
