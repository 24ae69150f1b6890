"""What can stand around the packets of a steady transfer: link types, tunnels, IPv6, blocks of pcapng with options.

A form gives the bytes from the start of the frame to the inner IPv4 header. Lengths in them are right, and so are the
checksums of outer IPv4 headers.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

_MACS = bytes.fromhex("020000000202020000000101")
_IPV4, _UDP, _GRE = 20, 17, 47
_ETHERNET = _MACS + b"\x08\x00"


class Form(NamedTuple):
    """One way to carry IP packets."""

    title: str
    link: int  # LINKTYPE_ number
    front: Callable[[int], bytes]  # what stands before an IP packet of so many bytes
    v6: bool = False
    options: bytes = b""  # of each block, in pcapng


def _sum(header: bytes) -> int:
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return int(0xFFFF - total)


def _ipv4(protocol: int, payload: int) -> bytes:
    """The header of an outer packet."""
    ends = bytes([192, 0, 2, 1, 192, 0, 2, 2])
    header = struct.pack(">BBHHHBBH", 0x45, 0, _IPV4 + payload, 0, 0x4000, 64, protocol, 0) + ends
    return header[:10] + _sum(header).to_bytes(2) + header[12:]


def _in_ipv4(protocol: int, inside: bytes) -> Callable[[int], bytes]:
    return lambda length: _ETHERNET + _ipv4(protocol, len(inside) + length) + inside


def _in_udp(port: int, inside: bytes) -> Callable[[int], bytes]:
    def front(length: int) -> bytes:
        size = 8 + len(inside) + length
        return _ETHERNET + _ipv4(_UDP, size) + struct.pack(">4H", 49_152, port, size, 0) + inside

    return front


def _gtp(length: int) -> bytes:
    return _in_udp(2152, b"\x30\xff" + length.to_bytes(2) + b"\0\0\0\1")(length)


def _pppoe(length: int) -> bytes:
    return _MACS + bytes.fromhex("8864 1100 0007") + (length + 2).to_bytes(2) + b"\0\x21"


def _always(head: str) -> Callable[[int], bytes]:
    return lambda _: bytes.fromhex(head)


FORMS: dict[str, Form] = {
    "plain": Form("Ethernet", 1, lambda _: _ETHERNET),
    "ipv6": Form("IPv6", 1, lambda _: _MACS + b"\x86\xdd", v6=True),
    "vlan": Form("VLAN", 1, lambda _: _MACS + bytes.fromhex("8100 0005 0800")),
    "qinq": Form("VLAN in VLAN (QinQ)", 1, lambda _: _MACS + bytes.fromhex("88a8 0007 8100 0005 0800")),
    "mpls": Form("MPLS, two labels", 1, lambda _: _MACS + bytes.fromhex("8847 00010040 00011140")),
    "pppoe": Form("PPPoE", 1, _pppoe),
    "gre": Form("GRE", 1, _in_ipv4(_GRE, bytes.fromhex("0000 0800"))),
    "ipip": Form("IPIP", 1, _in_ipv4(4, b"")),
    "vxlan_form": Form("VXLAN", 1, _in_udp(4789, bytes.fromhex("08000000 00004d00") + _ETHERNET)),
    "geneve": Form("Geneve", 1, _in_udp(6081, bytes.fromhex("0000 6558 00004d00") + _ETHERNET)),
    "gtpu": Form("GTP-U", 1, _gtp),
    "sll": Form("`-i any`, SLL", 113, _always("0004 0001 0006 020000000101 0000 0800")),
    "sll2": Form("`-i any`, SLL2", 276, _always("0800 0000 00000002 0001 04 06 020000000101 0000")),
    "options": Form("pcapng, two options a packet", 1, lambda _: _ETHERNET, options=bytes.fromhex(
        "0200 0400 01000000" "0400 0800 0000000000000000" "00000000"
    )),
}  # fmt: skip
"""By the kind of capture. `plain` is what the others are compared with."""
