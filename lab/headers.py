"""Reading and building the few headers that the laboratory needs: IPv4, IPv6, TCP, ICMP.

Only whole packets as they cross the path come here, or the first bytes of them from a capture
with a snap length; sizes are those that the headers state. Nothing here comes from `analyzer` or
from `tests/builders.py`, which says why; the tests compare what is built in both places.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_FRAGMENT_HEADER = 44


@dataclass(frozen=True, slots=True)
class Packet:
    """An IP packet as far as it could be read; fields of absent headers are zero."""

    version: int
    source: str
    destination: str
    ip_len: int
    df: bool  # true for IPv6: no router may fragment it
    fragment: bool  # any fragment, the first included
    protocol: int
    transport_at: int  # offset of the transport header
    identification: int = 0
    source_port: int = 0
    destination_port: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    payload_len: int = 0
    icmp_type: int = -1
    icmp_code: int = -1
    has_sack: bool = False

    @property
    def is_ptb(self) -> bool:
        """Packet Too Big: ICMP type 3 code 4 or ICMPv6 type 2."""
        if self.protocol == ICMP:
            return (self.icmp_type, self.icmp_code) == (3, 4)
        return self.protocol == ICMPV6 and self.icmp_type == 2


def read_packet(data: bytes) -> Packet | None:
    """The headers of an IP packet, or None when it is not one or too short to tell."""
    if len(data) < 20:
        return None
    if data[0] >> 4 == 4:
        return _read_ipv4(data)
    return _read_ipv6(data) if data[0] >> 4 == 6 and len(data) >= 40 else None


def _read_ipv4(data: bytes) -> Packet:
    ip_len, identification, fragmentation = struct.unpack_from("!HHH", data, 2)
    return _read_transport(
        data,
        Packet(
            version=4,
            source=str(ipaddress.IPv4Address(data[12:16])),
            destination=str(ipaddress.IPv4Address(data[16:20])),
            ip_len=ip_len,
            identification=identification,
            df=bool(fragmentation & 0x4000),
            fragment=bool(fragmentation & 0x3FFF),
            protocol=data[9],
            transport_at=(data[0] & 15) * 4,
        ),
        first_fragment=not fragmentation & 0x1FFF,
    )


def _read_ipv6(data: bytes) -> Packet:
    protocol, at, fragment = data[6], 40, False
    if protocol == _FRAGMENT_HEADER and len(data) >= 48:
        protocol, at, fragment = data[40], 48, True
    return _read_transport(
        data,
        Packet(
            version=6,
            source=str(ipaddress.IPv6Address(data[8:24])),
            destination=str(ipaddress.IPv6Address(data[24:40])),
            ip_len=40 + int.from_bytes(data[4:6], "big"),
            df=True,
            fragment=fragment,
            protocol=protocol,
            transport_at=at,
        ),
        first_fragment=not fragment,
    )


def _read_transport(data: bytes, packet: Packet, first_fragment: bool) -> Packet:
    at = packet.transport_at
    fields = {name: getattr(packet, name) for name in Packet.__slots__}
    if first_fragment and packet.protocol in (ICMP, ICMPV6) and len(data) >= at + 2:
        fields.update(icmp_type=data[at], icmp_code=data[at + 1])
    if first_fragment and packet.protocol == TCP and len(data) >= at + 16:
        source_port, destination_port, seq, ack = struct.unpack_from("!HHII", data, at)
        header_len = (data[at + 12] >> 4) * 4
        fields.update(
            source_port=source_port,
            destination_port=destination_port,
            seq=seq,
            ack=ack,
            flags=data[at + 13],
            window=int.from_bytes(data[at + 14 : at + 16], "big"),
            payload_len=max(0, packet.ip_len - at - header_len),
            has_sack=_has_sack(data[at + 20 : at + header_len]),
        )
    return Packet(**fields)


def _has_sack(options: bytes) -> bool:
    at = 0
    while at + 1 < len(options) and options[at]:
        if options[at] == 5:
            return True
        at += 1 if options[at] == 1 else max(2, options[at + 1])
    return False


def checksum(data: bytes) -> int:
    """The Internet checksum, RFC 1071."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_adds_up(data: bytes, packet: Packet) -> bool:
    """Whether the checksum of this whole TCP packet is right."""
    at, width = (12, 4) if packet.version == 4 else (8, 16)
    addresses = data[at : at + width], data[at + width : at + 2 * width]
    segment = data[packet.transport_at : packet.ip_len]
    return checksum(_pseudo_header(*addresses, TCP, len(segment)) + segment) == 0


def _pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    if len(source) == 4:
        return source + destination + struct.pack("!BBH", 0, protocol, length)
    return source + destination + struct.pack("!IHBB", length, 0, 0, protocol)


def build_ip(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    df: bool = True,
    identification: int = 0,
) -> bytes:
    """An IP packet of either family around `payload`."""
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if src.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + src.packed + dst.packed + payload
    head = struct.pack(
        "!BBHHHBBH",
        0x45,
        0,
        20 + len(payload),
        identification,
        0x4000 if df else 0,
        ttl,
        protocol,
        0,
    )
    head += src.packed + dst.packed
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def build_tcp(
    source: str,
    destination: str,
    ports: tuple[int, int],
    *,
    seq: int,
    ack: int,
    flags: int,
    window: int = 502,
    options: bytes = b"",
    payload: bytes = b"",
) -> bytes:
    """A TCP segment with its checksum; `options` are padded to whole words."""
    options += b"\1" * (-len(options) % 4)
    offset = (20 + len(options)) // 4 << 4
    head = struct.pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, offset, flags, window, 0, 0)
    segment = head + options + payload
    src, dst = ipaddress.ip_address(source).packed, ipaddress.ip_address(destination).packed
    total = checksum(_pseudo_header(src, dst, TCP, len(segment)) + segment)
    return segment[:16] + total.to_bytes(2, "big") + segment[18:]


def build_icmp(source: str, destination: str, kind: int, code: int, *, rest: int, body: bytes) -> bytes:
    """An ICMP or ICMPv6 packet, IP header included; `rest` is the second word of its header."""
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    message = struct.pack("!BBHI", kind, code, 0, rest) + body
    protocol, covered = ICMP, message
    if src.version == 6:
        protocol = ICMPV6
        covered = _pseudo_header(src.packed, dst.packed, ICMPV6, len(message)) + message
    message = message[:2] + checksum(covered).to_bytes(2, "big") + message[4:]
    return build_ip(source, destination, protocol, message, df=False)
