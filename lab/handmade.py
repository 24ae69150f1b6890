"""Packets that no kernel here would send: PTBs with a fault, and resets by a middlebox."""

from __future__ import annotations

import ipaddress
import struct
from typing import Literal, get_args

from lab.headers import ACK, RST, TCP, build_icmp, build_ip, build_tcp, read_packet

Kind = Literal[
    "none",  # no answer at all
    "plain",  # correct in every respect
    "eight_bytes",  # quotes the IP header and 8 bytes, as RFC 792 asks and no more
    "bad_checksum",
    "sequence",  # the quoted sequence number lies far outside the window
    "ports",  # the quote carries the port that a NAT put there
    "addresses",  # the quote carries the address that a NAT put there
    "own_source",  # sent in the name of the very host that it is for
    "sibling",  # about a flow of another host, delivered here by ECMP
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_ROUTER = {4: "198.51.100.77", 6: "2001:db8:ffff::77"}
_NAT_SOURCE = {4: "203.0.113.99", 6: "2001:db8:5::99"}
_ELSEWHERE = {4: "192.0.2.222", 6: "2001:db8:c::222"}


def packet_too_big(packet: bytes, mtu: int, kind: Kind) -> bytes:
    """The PTB that a router with a next-hop MTU of `mtu` sends about `packet`, or a faulty one."""
    seen = read_packet(packet)
    if seen is None or seen.protocol != TCP:
        raise ValueError("a PTB quotes a TCP packet")
    addresses_at, width = (12, 4) if seen.version == 4 else (8, 16)
    at = seen.transport_at
    quote = bytearray(packet[:548] if seen.version == 4 else packet[:1232])
    if kind == "eight_bytes":
        del quote[at + 8 :]
    elif kind == "sequence":
        struct.pack_into("!I", quote, at + 4, (seen.seq - 50_000_000) & 0xFFFFFFFF)
    elif kind == "ports":
        struct.pack_into("!H", quote, at, 61_234)
    elif kind == "addresses":
        quote[addresses_at : addresses_at + width] = _packed(_NAT_SOURCE[seen.version])
    elif kind == "sibling":
        quote[addresses_at + width : addresses_at + 2 * width] = _packed(_ELSEWHERE[seen.version])
        struct.pack_into("!HHI", quote, at, seen.source_port, 45_678, seen.seq ^ 0x5A5A5A5A)
    icmp_type, code = (3, 4) if seen.version == 4 else (2, 0)
    router = seen.source if kind == "own_source" else _ROUTER[seen.version]
    ptb = bytearray(build_icmp(router, seen.source, icmp_type, code, rest=mtu, body=bytes(quote)))
    if kind == "bad_checksum":
        ptb[(20 if seen.version == 4 else 40) + 2] ^= 0x55
    return bytes(ptb)


def reset(packet: bytes, *, towards_sender: bool, outside: int = 0) -> bytes:
    """The RST with which a middlebox ends the flow of `packet`, in the name of the other end.

    One that lies `outside` the window, so many bytes below it, is believed by nobody.
    """
    seen = read_packet(packet)
    if seen is None or seen.protocol != TCP:
        raise ValueError("a reset answers a TCP packet")
    if towards_sender:
        ends = seen.destination, seen.source
        ports = seen.destination_port, seen.source_port
        seq, ack = seen.ack, seen.seq + seen.payload_len
    else:
        ends = seen.source, seen.destination
        ports = seen.source_port, seen.destination_port
        seq, ack = seen.seq, seen.ack
    segment = build_tcp(*ends, ports, seq=seq - outside, ack=ack, flags=RST | ACK, window=0)
    return build_ip(*ends, TCP, segment, ttl=250, identification=4711)  # a TTL of its own


def _packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed
