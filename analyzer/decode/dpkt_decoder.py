"""Complete decoding with dpkt of the few packets that evidence rests on. Nothing else imports dpkt.

Truncation is a result, not an exception: `None` fields say what was not there to decode.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, NamedTuple

import dpkt

from analyzer.model.text import packed_ip_text

QUOTED_BYTES = 24

TCP_BYTES_BEHIND_WINDOW = 4  # checksum and urgent pointer


class FullTcp(NamedTuple):
    """What evidence rests on of a TCP packet."""

    seq: int
    df: bool
    sack: tuple[tuple[int, int], ...]


class Quote(NamedTuple):
    """The packet quoted in an ICMP error; ports and sequence number are None where the quote ends before."""

    src: str
    dst: str
    ip_len: int
    df: bool
    sport: int | None
    dport: int | None
    seq: int | None
    echo: tuple[int, int] | None = None  # identifier and sequence number of a quoted echo request
    ip_id: int = -1  # IPv4 identification, -1 for IPv6
    protocol: int = -1
    transport: bytes = b""  # what is quoted behind the IP header, QUOTED_BYTES at most


class FullIcmp(NamedTuple):
    """An ICMP or ICMPv6 message with what it quotes."""

    src: str
    dst: str
    kind: int
    code: int
    mtu: int
    quote: Quote | None


def _ip(head: bytes) -> Any:
    """The IP packet in `head`, or None if its header is cut or malformed."""
    try:
        return dpkt.ip6.IP6(head) if head and head[0] >> 4 == 6 else dpkt.ip.IP(head)
    except (dpkt.UnpackError, IndexError, ValueError, AttributeError):
        return None  # AttributeError: what dpkt 1.9.8 does with extension headers behind a fragment header


def _addresses(packet: Any) -> tuple[str, str]:
    return _address(bytes(packet.src)), _address(bytes(packet.dst))


@lru_cache(maxsize=1024)
def _address(packed: bytes) -> str:
    return packed_ip_text(packed)


def _ip_len(packet: Any) -> int:
    return 40 + int(packet.plen) if isinstance(packet, dpkt.ip6.IP6) else int(packet.len)


def _df(packet: Any) -> bool:
    # dpkt calls the whole 16-bit field of flags and offset `_flags_offset`.
    return isinstance(packet, dpkt.ip6.IP6) or bool(packet.df)


def _header_len(packet: Any, head: bytes) -> int:
    """Bytes before the transport header; dpkt has stepped over IPv6 extension headers already."""
    if isinstance(packet, dpkt.ip6.IP6):
        return 40 + sum(len(bytes(extension)) for extension in packet.all_extension_headers)
    return int(packet.hl) * 4


def sack_blocks(packed: bytes) -> tuple[tuple[int, int], ...]:
    """The SACK blocks among TCP options, but for what is cut off."""
    try:
        options = dpkt.tcp.parse_opts(packed)
    except (ValueError, IndexError, dpkt.UnpackError):
        return ()
    blocks: list[tuple[int, int]] = []
    for option in options:
        if option is None or option[0] == dpkt.tcp.TCP_OPT_EOL:  # None: the length byte is cut
            break
        kind, value = option
        if kind == dpkt.tcp.TCP_OPT_SACK:
            edges = struct.unpack(f">{len(value) // 4}I", value[: len(value) & ~3])
            blocks.extend(zip(edges[::2], edges[1::2], strict=False))
    return tuple(blocks)


def decode_tcp_packet(head: bytes) -> FullTcp | None:
    """Decode `head`, a packet from its IP header on (cut anywhere behind the TCP window field)."""
    packet = _ip(head)
    if packet is not None and not isinstance(packet.data, dpkt.tcp.TCP):
        packet = _ip(head + bytes(TCP_BYTES_BEHIND_WINDOW))  # dpkt asks for them, nothing here needs them
    if packet is None or not isinstance(packet.data, dpkt.tcp.TCP):
        return None
    return FullTcp(packet.data.seq, _df(packet), sack_blocks(packet.data.opts))


def decode_icmp_packet(head: bytes) -> FullIcmp | None:
    """Decode `head`, an ICMP or ICMPv6 packet from its IP header on, with the packet it quotes."""
    packet = _ip(head)
    if packet is None:
        return None
    start = _header_len(packet, head)
    message = head[start:]
    if len(message) < 8:
        return None
    src, dst = _addresses(packet)
    v6 = isinstance(packet, dpkt.ip6.IP6)
    mtu = int.from_bytes(message[4:8] if v6 else message[6:8], "big")
    return FullIcmp(src, dst, message[0], message[1], mtu, _quote(message[8:]))


def _quote(quoted: bytes) -> Quote | None:
    """The quoted packet; dpkt leaves its transport header as raw bytes when only 8 of them were quoted."""
    packet = _ip(quoted)
    if packet is None:
        return None
    src, dst = _addresses(packet)
    transport = quoted[_header_len(packet, quoted) :]
    protocol = packet.nxt if isinstance(packet, dpkt.ip6.IP6) else packet.p
    tcp = int(protocol) == dpkt.ip.IP_PROTO_TCP
    echo = (int(protocol), transport[:1]) in (
        (dpkt.ip.IP_PROTO_ICMP, b"\x08"),
        (dpkt.ip.IP_PROTO_ICMP6, b"\x80"),
    ) and len(transport) >= 8
    return Quote(
        src=src,
        dst=dst,
        ip_len=_ip_len(packet),
        df=_df(packet),
        sport=int.from_bytes(transport[0:2], "big") if tcp and len(transport) >= 2 else None,
        dport=int.from_bytes(transport[2:4], "big") if tcp and len(transport) >= 4 else None,
        seq=int.from_bytes(transport[4:8], "big") if tcp and len(transport) >= 8 else None,
        echo=(int.from_bytes(transport[4:6], "big"), int.from_bytes(transport[6:8], "big")) if echo else None,
        ip_id=-1 if isinstance(packet, dpkt.ip6.IP6) else int(packet.id),
        protocol=int(protocol),
        transport=bytes(transport[:QUOTED_BYTES]),
    )
