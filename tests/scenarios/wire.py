"""Real bytes: Ethernet, IPv4, IPv6, TCP, ICMP and a pcap file around them, checksums included."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16
ICMP, TCP, ICMPV6 = 1, 6, 58
WORD = 0xFFFFFFFF


def internet_checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(src: str, dst: str, proto: int, length: int) -> bytes:
    """What TCP and ICMPv6 checksums cover besides themselves."""
    addresses = ip_address(src).packed + ip_address(dst).packed
    if ":" in src:
        return addresses + struct.pack("!IxxxB", length, proto)
    return addresses + struct.pack("!xBH", proto, length)


def ip_packet(
    src: str, dst: str, proto: int, body: bytes, *, ttl: int, ident: int, df: bool, zero_length: bool = False
) -> bytes:
    """`body` in an IPv4 or IPv6 packet; `zero_length` leaves the length field 0 as segmentation offload does."""
    addresses = ip_address(src).packed + ip_address(dst).packed
    if ":" in src:
        length = 0 if zero_length else len(body)
        return struct.pack("!IHBB", 6 << 28, length, proto, ttl) + addresses + body
    length = 0 if zero_length else 20 + len(body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, ident, 0x4000 if df else 0, ttl, proto, 0) + addresses
    return head[:10] + struct.pack("!H", internet_checksum(head)) + head[12:] + body


@dataclass(frozen=True)
class Options:
    """TCP options of one packet."""

    mss: int | None = None
    wscale: int | None = None
    sack_permitted: bool = False
    timestamps: tuple[int, int] | None = None
    sack: tuple[tuple[int, int], ...] = ()

    def to_bytes(self) -> bytes:
        """The options, padded with NOPs to a multiple of four."""
        out = b""
        if self.mss is not None:
            out += struct.pack("!BBH", 2, 4, self.mss)
        if self.sack_permitted:
            out += b"\x01\x01\x04\x02"
        if self.timestamps is not None:
            out += b"\x01\x01\x08\x0a" + struct.pack("!II", *self.timestamps)
        if self.wscale is not None:
            out += b"\x01" + struct.pack("!BBB", 3, 3, self.wscale)
        if self.sack:
            out += struct.pack("!BBBB", 1, 1, 5, 2 + 8 * len(self.sack))
            out += b"".join(struct.pack("!II", left & WORD, right & WORD) for left, right in self.sack)
        return out


def tcp_segment(
    src: tuple[str, int],
    dst: tuple[str, int],
    *,
    seq: int,
    ack: int,
    flags: int,
    window: int,
    options: bytes,
    payload: bytes,
) -> bytes:
    """One TCP segment with its checksum; `window` as in the header."""
    offset = (20 + len(options)) // 4
    head = struct.pack("!HHIIBBHHH", src[1], dst[1], seq & WORD, ack & WORD, offset << 4, flags, window, 0, 0)
    segment = head + options + payload
    checksum = internet_checksum(pseudo_header(src[0], dst[0], TCP, len(segment)) + segment)
    return segment[:16] + struct.pack("!H", checksum) + segment[18:]


def ptb_message(src: str, dst: str, mtu: int, quote: bytes, *, bad_checksum: bool = False) -> bytes:
    """ICMP type 3 code 4 (RFC 1191) or ICMPv6 type 2 (RFC 4443) with the quoted packet."""
    if ":" in src:
        message = struct.pack("!BBHI", 2, 0, 0, mtu) + quote
        checksum = internet_checksum(pseudo_header(src, dst, ICMPV6, len(message)) + message)
    else:
        message = struct.pack("!BBHHH", 3, 4, 0, 0, mtu) + quote
        checksum = internet_checksum(message)
    if bad_checksum:
        checksum ^= 0x5555
    return message[:2] + struct.pack("!H", checksum) + message[4:]


def ethernet(packet: bytes, vlan: int | None = None) -> bytes:
    """An Ethernet frame around an IP packet."""
    kind = struct.pack("!H", 0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, vlan)
    return bytes.fromhex("020000000002020000000001") + tag + kind + packet


def pcap(records: Iterable[tuple[int, bytes]], snap: int = 262144) -> bytes:
    """A nanosecond pcap file of (time in ns, frame), cut to `snap` bytes a packet."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, snap, 1)]
    for ts, frame in records:
        kept = frame[:snap]
        parts += (struct.pack("<IIII", ts // 10**9, ts % 10**9, len(kept), len(frame)), kept)
    return b"".join(parts)


def filler(start: int, length: int) -> bytes:
    """Payload that depends on the sequence number only, so that a retransmission carries the same bytes."""
    pattern: Sequence[int] = [(start + i) * 7 & 0xFF for i in range(min(length, 256))]
    return (bytes(pattern) * (length // 256 + 1))[:length]
