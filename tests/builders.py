"""Bytes of packets and captures, built field by field in the order in which they lie on the wire.

This is the one place where tests build a packet or a capture file. What is built on top of it:

- `tests/scenarios/notation.py` writes conversations as timelines; with what should be said of them, the usual way.
- `tests/talk.py` writes conversations packet by packet, where a test wants to set single fields or play with chance.
- `tests/wrapping.py` puts link types, tunnels and containers around packets; `tests/traffic.py` makes traffic without
  sense; `tests/fuzz/hostile.py` repeats a packet a million times.

Four makers of packets are kept apart because each judges, or outruns, another:

- Nothing here uses `analyzer`: a header that it misread would be misbuilt in the same way, and no test would notice.
- `lab/headers.py` and `lab/capture_file.py` read and answer packets while the laboratory records, simulates a path
  (`lab/simulated/`, where conversations come out of a small TCP stack) or writes a timeline down, and check recordings
  without `analyzer` and without the tests. Their tests build packets here, so that each checks the other.
- `analyzer/passes/trial.py` has the few packets by which compiled kernels are tried where there are no tests.
- `benchmarks/layout.py` fills numpy columns, since a capture there has up to 10^8 packets.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

ByteOrder = Literal["little", "big"]

CLIENT = "192.0.2.10"
SERVER = "203.0.113.10"
CLIENT6 = "2001:db8:c::10"
SERVER6 = "2001:db8:5::10"

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

ETHERNET, RAW = 1, 101
SECOND = 1_000_000_000


# Packets, from the inside out.


def tcp(
    payload: bytes = b"",
    *,
    sport: int = 40000,
    dport: int = 80,
    seq: int = 1000,
    ack: int = 0,
    flags: int = ACK,
    window: int = 65535,
    options: bytes = b"",
    checksum: int = 0,
) -> bytes:
    options += bytes(-len(options) % 4)
    return (
        sport.to_bytes(2)
        + dport.to_bytes(2)
        + (seq % 2**32).to_bytes(4)
        + (ack % 2**32).to_bytes(4)
        + bytes([(20 + len(options)) // 4 << 4, flags])
        + window.to_bytes(2)
        + checksum.to_bytes(2)
        + bytes(2)  # urgent pointer
        + options
        + payload
    )


def with_tcp_sum(segment: bytes, src: str, dst: str) -> bytes:
    """The TCP segment with the right checksum."""
    bare = segment[:16] + bytes(2) + segment[18:]
    total = internet_checksum(pseudo_header(src, dst, TCP, len(bare)) + bare)
    return segment[:16] + total.to_bytes(2) + segment[18:]


def mss(size: int) -> bytes:
    return b"\x02\x04" + size.to_bytes(2)


def window_scale(shift: int) -> bytes:
    return b"\x01\x03\x03" + bytes([shift])


SACK_PERMITTED = b"\x01\x01\x04\x02"


def timestamps(value: int, echo: int) -> bytes:
    return b"\x01\x01\x08\x0a" + value.to_bytes(4) + echo.to_bytes(4)


def sack(*blocks: tuple[int, int]) -> bytes:
    edges = b"".join((edge % 2**32).to_bytes(4) for block in blocks for edge in block)
    return b"\x01\x01\x05" + bytes([2 + len(edges)]) + edges


def icmp(kind: int, code: int, rest: bytes, body: bytes = b"", *, pseudo: bytes = b"") -> bytes:
    """An ICMP or ICMPv6 message with the right checksum; `rest` are the four bytes behind it."""
    message = bytes([kind, code, 0, 0]) + rest + body
    return message[:2] + internet_checksum(pseudo + message).to_bytes(2) + message[4:]


def frag_needed(mtu: int, quote: bytes) -> bytes:
    return icmp(3, 4, bytes(2) + mtu.to_bytes(2), quote)


def too_big(mtu: int, quote: bytes, *, src: str = CLIENT6, dst: str = SERVER6) -> bytes:
    return icmp(2, 0, mtu.to_bytes(4), quote, pseudo=pseudo_header(src, dst, ICMPV6, 8 + len(quote)))


def udp(payload: bytes, *, sport: int = 50000, dport: int, length: int | None = None, checksum: int = 0) -> bytes:
    length = 8 + len(payload) if length is None else length
    return sport.to_bytes(2) + dport.to_bytes(2) + length.to_bytes(2) + checksum.to_bytes(2) + payload


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def pseudo_header(src: str, dst: str, protocol: int, length: int) -> bytes:
    """What the checksums of TCP, UDP and ICMPv6 cover besides the message."""
    rest = length.to_bytes(4) + protocol.to_bytes(4) if ":" in src else protocol.to_bytes(2) + length.to_bytes(2)
    return address(src) + address(dst) + rest


def internet_checksum(data: bytes) -> int:
    data += bytes(len(data) % 2)
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ipv4(
    payload: bytes,
    *,
    src: str = CLIENT,
    dst: str = SERVER,
    protocol: int = TCP,
    df: bool = True,
    more: bool = False,
    offset: int = 0,
    ident: int = 1,
    ttl: int = 64,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    length = 20 + len(options) + len(payload)
    return (
        bytes([0x40 | (20 + len(options)) // 4, 0])
        + (length if total is None else total).to_bytes(2)
        + ident.to_bytes(2)
        + (df << 14 | more << 13 | offset // 8).to_bytes(2)
        + bytes([ttl, protocol, 0, 0])  # checksum left to the card
        + address(src)
        + address(dst)
        + options
        + payload
    )


def ipv6(
    payload: bytes,
    *,
    src: str = CLIENT6,
    dst: str = SERVER6,
    following: int = TCP,
    hop_limit: int = 64,
    length: int | None = None,
) -> bytes:
    return (
        bytes([0x60, 0, 0, 0])
        + (len(payload) if length is None else length).to_bytes(2)
        + bytes([following, hop_limit])
        + address(src)
        + address(dst)
        + payload
    )


def with_header_sum(packet: bytes) -> bytes:
    """The IPv4 packet with the right checksum in its header."""
    head = packet[:10] + bytes(2) + packet[12 : (packet[0] & 15) * 4]
    return packet[:10] + internet_checksum(head).to_bytes(2) + packet[12:]


def ip(
    payload: bytes,
    *,
    src: str,
    dst: str,
    protocol: int = TCP,
    ttl: int = 64,
    length: int | None = None,
    **ipv4_only: Any,
) -> bytes:
    """A packet of the version of its addresses; `length` is what its header says, IPv6 has nothing of `ipv4_only`."""
    if ":" in src:
        return ipv6(payload, src=src, dst=dst, following=protocol, hop_limit=ttl, length=length)
    return ipv4(payload, src=src, dst=dst, protocol=protocol, ttl=ttl, total=length, **ipv4_only)


def ether_type(packet: bytes) -> bytes:
    """That of an IP packet, by its version."""
    return b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"


def ethernet(payload: bytes, kind: int | None = None, *, vlan: int | None = None) -> bytes:
    """A frame; without a `kind` around an IP packet."""
    tag = b"" if vlan is None else b"\x81\x00" + vlan.to_bytes(2)
    behind = ether_type(payload) if kind is None else kind.to_bytes(2)
    return bytes.fromhex("02 00 00 00 00 02  02 00 00 00 00 01") + tag + behind + payload


# Captures.


class Packet(NamedTuple):
    """One packet of a capture: time in ns, bytes captured, bytes on the wire (None: all were captured)."""

    ts: int
    data: bytes
    wire: int | None = None

    @property
    def wire_len(self) -> int:
        return len(self.data) if self.wire is None else self.wire


def cut(packet: Packet, snap: int) -> Packet:
    """The packet as a capture with this snap length holds it."""
    return Packet(packet.ts, packet.data[:snap], packet.wire_len)


WHOLE = 262144
"""The snap length of captures that are not cut."""


def pcap_header(
    order: ByteOrder = "little",
    *,
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    link: int = RAW,
    snap: int = WHOLE,
) -> bytes:
    return (
        magic.to_bytes(4, order)
        + version[0].to_bytes(2, order)
        + version[1].to_bytes(2, order)
        + bytes(8)  # time zone, accuracy
        + snap.to_bytes(4, order)
        + link.to_bytes(4, order)
    )


def pcap_record(packet: Packet, order: ByteOrder = "little", *, nano: bool = True) -> bytes:
    seconds, rest = divmod(packet.ts, SECOND)
    return (
        seconds.to_bytes(4, order)
        + (rest if nano else rest // 1000).to_bytes(4, order)
        + len(packet.data).to_bytes(4, order)
        + packet.wire_len.to_bytes(4, order)
        + packet.data
    )


def pcap(packets: Iterable[Packet], order: ByteOrder = "little", *, link: int = RAW, snap: int = WHOLE) -> bytes:
    """A nanosecond pcap."""
    header = pcap_header(order, magic=0xA1B23C4D, link=link, snap=snap)
    return header + b"".join(pcap_record(cut(packet, snap), order) for packet in packets)


def block(kind: int, body: bytes, order: ByteOrder = "little") -> bytes:
    body += bytes(-len(body) % 4)
    length = (12 + len(body)).to_bytes(4, order)
    return kind.to_bytes(4, order) + length + body + length


def option(code: int, value: bytes, order: ByteOrder = "little") -> bytes:
    return code.to_bytes(2, order) + len(value).to_bytes(2, order) + value + bytes(-len(value) % 4)


END_OF_OPTIONS = bytes(4)


def section(order: ByteOrder = "little", options: bytes = b"") -> bytes:
    magic = (0x1A2B3C4D).to_bytes(4, order)
    version = (1).to_bytes(2, order) + (0).to_bytes(2, order)
    return block(0x0A0D0D0A, magic + version + b"\xff" * 8 + options, order)


def interface(link: int = RAW, order: ByteOrder = "little", *, snap: int = 0, options: bytes = b"") -> bytes:
    return block(1, link.to_bytes(2, order) + bytes(2) + snap.to_bytes(4, order) + options, order)


def enhanced(packet: Packet, order: ByteOrder = "little", *, number: int = 0, options: bytes = b"") -> bytes:
    """An enhanced packet block; `packet.ts` is written as it is, in ticks of the interface."""
    return block(
        6,
        number.to_bytes(4, order)
        + (packet.ts >> 32).to_bytes(4, order)
        + (packet.ts & 0xFFFFFFFF).to_bytes(4, order)
        + len(packet.data).to_bytes(4, order)
        + packet.wire_len.to_bytes(4, order)
        + packet.data
        + bytes(-len(packet.data) % 4)
        + options,
        order,
    )


def obsolete(packet: Packet, order: ByteOrder = "little", *, number: int = 0, drops: int = 0) -> bytes:
    return block(
        2,
        number.to_bytes(2, order)
        + drops.to_bytes(2, order)
        + (packet.ts >> 32).to_bytes(4, order)
        + (packet.ts & 0xFFFFFFFF).to_bytes(4, order)
        + len(packet.data).to_bytes(4, order)
        + packet.wire_len.to_bytes(4, order)
        + packet.data,
        order,
    )


def simple(packet: Packet, order: ByteOrder = "little") -> bytes:
    return block(3, packet.wire_len.to_bytes(4, order) + packet.data, order)


NANOSECONDS = option(9, b"\x09") + END_OF_OPTIONS


def pcapng(packets: Iterable[Packet], *, link: int = RAW) -> bytes:
    """A pcapng of one section and one interface with nanosecond times."""
    return section() + interface(link, options=NANOSECONDS) + b"".join(enhanced(packet) for packet in packets)


def pcap_records(data: bytes) -> list[bytes]:
    """The records of a little-endian pcap, headers included."""
    out = []
    offset = 24
    while offset < len(data):
        end = offset + 16 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        out.append(data[offset:end])
        offset = end
    return out


def packets_of(data: bytes) -> list[Packet]:
    """The packets of a little-endian, microsecond pcap, times in ns."""
    out = []
    for record in pcap_records(data):
        seconds, micros, _, wire = struct.unpack("<4I", record[:16])
        out.append(Packet(seconds * SECOND + micros * 1000, record[16:], wire))
    return out


def as_pcapng(data: bytes) -> bytes:
    """The packets of a little-endian, microsecond pcap as a pcapng, with a comment and a foreign block."""
    out = section() + interface(int.from_bytes(data[20:24], "little")) + block(5, bytes(20))
    for packet in packets_of(data):
        micros = packet._replace(ts=packet.ts // 1000)
        out += enhanced(micros, options=option(1, b"comment") + END_OF_OPTIONS)
    return out
