"""Bytes of packets and captures, built field by field in the order in which they lie on the wire."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from typing import Literal, NamedTuple

ByteOrder = Literal["little", "big"]

CLIENT = "192.0.2.10"
SERVER = "203.0.113.10"
CLIENT6 = "2001:db8:c::10"
SERVER6 = "2001:db8:5::10"

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


def icmp(kind: int, code: int, rest: bytes, body: bytes = b"", *, pseudo_header: bytes = b"") -> bytes:
    """An ICMP or ICMPv6 message with the right checksum; `rest` are the four bytes behind it."""
    message = bytes([kind, code, 0, 0]) + rest + body
    return message[:2] + internet_checksum(pseudo_header + message).to_bytes(2) + message[4:]


def frag_needed(mtu: int, quote: bytes) -> bytes:
    return icmp(3, 4, bytes(2) + mtu.to_bytes(2), quote)


def too_big(mtu: int, quote: bytes, *, src: str = CLIENT6, dst: str = SERVER6) -> bytes:
    length = 8 + len(quote)
    pseudo = address(src) + address(dst) + length.to_bytes(4) + bytes([0, 0, 0, 58])
    return icmp(2, 0, mtu.to_bytes(4), quote, pseudo_header=pseudo)


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


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
    protocol: int = 6,
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
    following: int = 6,
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


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return bytes.fromhex("02 00 00 00 00 02  02 00 00 00 00 01") + kind.to_bytes(2) + payload


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


def pcap_header(order: ByteOrder = "little", *, magic: int = 0xA1B2C3D4, link: int = RAW, snap: int = 262144) -> bytes:
    return (
        magic.to_bytes(4, order)
        + (2).to_bytes(2, order)
        + (4).to_bytes(2, order)
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


def pcap(packets: Iterable[Packet], order: ByteOrder = "little", *, link: int = RAW) -> bytes:
    """A nanosecond pcap."""
    header = pcap_header(order, magic=0xA1B23C4D, link=link)
    return header + b"".join(pcap_record(packet, order) for packet in packets)


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


def as_pcapng(data: bytes) -> bytes:
    """The packets of a little-endian, microsecond pcap as a pcapng, with a comment and a foreign block."""
    out = section() + interface(int.from_bytes(data[20:24], "little")) + block(5, bytes(20))
    for record in pcap_records(data):
        seconds, micros, _, wire = struct.unpack("<4I", record[:16])
        packet = Packet(seconds * 1_000_000 + micros, record[16:], wire)
        out += enhanced(packet, options=option(1, b"comment") + END_OF_OPTIONS)
    return out
