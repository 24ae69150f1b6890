"""One capture wrapped in everything that can be around IP packets: link types, encapsulations, containers."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import zstandard

from tests.builders import (
    NANOSECONDS,
    UDP,
    ByteOrder,
    Packet,
    as_pcapng,
    block,
    enhanced,
    ether_type,
    interface,
    ipv4,
    ipv6,
    obsolete,
    packets_of,
    pcap,
    pcap_header,
    pcap_record,
    section,
    udp,
    with_header_sum,
)

OUTER, FAR = "198.51.100.1", "198.51.100.2"
OUTER6, FAR6 = "2001:db8:aa::1", "2001:db8:aa::2"
MACS = bytes.fromhex("020000000012 020000000011")

Wrap = Callable[[bytes, int], bytes]
"""From an IP packet (as captured) and its length on the wire to what carries it."""


def ip_packets(path: Path) -> list[Packet]:
    """The IP packets of a little-endian, microsecond Ethernet capture, times in ns."""
    return [
        Packet(packet.ts, packet.data[14:], packet.wire_len - 14)
        for packet in packets_of(path.read_bytes())
        if packet.data[12:14] in (b"\x08\x00", b"\x86\xdd")
    ]


def wrapped(packets: list[Packet], wrap: Wrap) -> list[Packet]:
    """Each packet in what `wrap` puts around it."""
    out = []
    for packet in packets:
        data = wrap(packet.data, packet.wire_len)
        out.append(Packet(packet.ts, data, packet.wire_len + len(data) - len(packet.data)))
    return out


def before(head: str | bytes) -> Wrap:
    """Fixed bytes in front."""
    front = bytes.fromhex(head) if isinstance(head, str) else head
    return lambda packet, _wire: front + packet


def typed(head: str) -> Wrap:
    """Fixed bytes in front, then the packet's EtherType."""
    front = bytes.fromhex(head)
    return lambda packet, _wire: front + ether_type(packet) + packet


frame = typed(MACS.hex())


def outer4(protocol: int, payload: bytes, wire: int) -> bytes:
    """An IPv4 header with the right checksum in front of `payload`, which has `wire` bytes on the wire."""
    return with_header_sum(ipv4(payload, src=OUTER, dst=FAR, protocol=protocol, total=20 + wire))


def in_ipv4(protocol: int, inner: Wrap) -> Wrap:
    def wrap(packet: bytes, wire: int) -> bytes:
        payload = inner(packet, wire)
        return outer4(protocol, payload, wire + len(payload) - len(packet))

    return wrap


def in_ipv6(protocol: int, inner: Wrap) -> Wrap:
    def wrap(packet: bytes, wire: int) -> bytes:
        payload = inner(packet, wire)
        length = wire + len(payload) - len(packet)
        return ipv6(payload, src=OUTER6, dst=FAR6, following=protocol, length=length)

    return wrap


def in_udp(port: int, inner: Wrap, *, source: int = 50000) -> Wrap:
    def wrap(packet: bytes, wire: int) -> bytes:
        payload = inner(packet, wire)
        length = 8 + wire + len(payload) - len(packet)
        return outer4(UDP, udp(payload, sport=source, dport=port, length=length), length)

    return wrap


def bare(packet: bytes, _wire: int) -> bytes:
    return packet


def then(head: str, inner: Wrap) -> Wrap:
    front = bytes.fromhex(head)
    return lambda packet, wire: front + inner(packet, wire)


def ppp(packet: bytes, _wire: int) -> bytes:
    return (b"\x00\x21" if packet[0] >> 4 == 4 else b"\x00\x57") + packet


def pppoe(packet: bytes, wire: int) -> bytes:
    return MACS + b"\x88\x64\x11\x00\x00\x07" + (wire + 2).to_bytes(2) + ppp(packet, wire)


def nflog(packet: bytes, wire: int) -> bytes:
    family = b"\x02" if packet[0] >> 4 == 4 else b"\x0a"
    header = struct.pack("<HH", 8, 1) + ether_type(packet) + b"\0\0"
    prefix = struct.pack("<HH", 5, 10) + b"\0\0\0\0"
    return family + b"\0\0\x05" + header + prefix + struct.pack("<HH", 4 + len(packet), 9) + packet


def erf(kind: int, inner: Wrap, *, padding: bytes = b"") -> Wrap:
    def wrap(packet: bytes, wire: int) -> bytes:
        data = inner(packet, wire)
        length = wire + len(data) - len(packet)
        lengths = (16 + len(padding) + len(data)).to_bytes(2) + bytes(2) + length.to_bytes(2)
        return bytes(8) + bytes([kind, 4]) + lengths + padding + data

    return wrap


def pflog(packet: bytes, _wire: int) -> bytes:
    return bytes([61, 2 if packet[0] >> 4 == 4 else 24, 0, 0]) + b"em0".ljust(16, b"\0") + bytes(44) + packet


def snap(packet: bytes, wire: int) -> bytes:
    return MACS + (wire + 8).to_bytes(2) + b"\xaa\xaa\x03\0\0\0" + ether_type(packet) + packet


def cooked2(packet: bytes, _wire: int) -> bytes:
    return ether_type(packet) + bytes.fromhex("0000 00000002 0001 04 06 0200000000010000") + packet


PDU_SESSION = bytes.fromhex("00000001 00000085 01 1001 00")


def eoip(packet: bytes, wire: int, inner: Wrap = frame) -> bytes:
    data = inner(packet, wire)
    return bytes.fromhex("2001 6400") + (wire + len(data) - len(packet)).to_bytes(2) + b"\x64\0" + data


def geneve(packet: bytes, wire: int) -> bytes:
    return bytes.fromhex("02 00 6558 00000a 00  0102 80 01 00000005") + frame(packet, wire)


WIFI = "0801 0000 020000000001 020000000002 020000000003 0000"

# Link type, what the frame is made of.
LINKS: dict[str, tuple[int, Wrap]] = {
    "Ethernet": (1, frame),
    "Ethernet, 802.1Q": (1, typed(f"{MACS.hex()} 8100 0005")),
    "Ethernet, 802.1ad (QinQ)": (1, typed(f"{MACS.hex()} 88a8 0064 8100 0005")),
    "Ethernet, VN-Tag": (1, typed(f"{MACS.hex()} 8926 00010002")),
    "Ethernet, 802.1BR (E-TAG)": (1, typed(f"{MACS.hex()} 893f 0000 0001 0000")),
    "Ethernet, Cisco MetaData": (1, typed(f"{MACS.hex()} 8909 01 01 0001 0064")),
    "Ethernet, all tags": (1, typed(f"{MACS.hex()} 893f 4001 1002 0304 8100 0005 8909 01 01 0001 0064")),
    "Ethernet, 802.1ah (MAC-in-MAC)": (1, then(f"{MACS.hex()} 88e7 00000007", frame)),
    "Ethernet, FabricPath": (1, then(f"{MACS.hex()} 8903 0440", frame)),
    "Ethernet, 802.3 with LLC/SNAP": (1, snap),
    "Ethernet, MPLS, two labels": (1, before(MACS + bytes.fromhex("8847 00010040 00011140"))),
    "Ethernet, MPLS pseudowire with control word": (1, then(f"{MACS.hex()} 8847 00011140 00000000", frame)),
    "Ethernet, PPPoE": (1, pppoe),
    "Linux cooked (SLL)": (113, typed("0004 0001 0006 020000000001 0000")),
    "Linux cooked 2 (SLL2)": (276, cooked2),
    "raw IP (101)": (101, bare),
    "raw IP (12)": (12, bare),
    "raw IP (14)": (14, bare),
    "IPv4 only (228)": (228, bare),
    "NULL (BSD loopback)": (0, before("02000000")),
    "LOOP (OpenBSD loopback)": (108, before("00000002")),
    "PPP": (9, ppp),
    "PPP that is Cisco HDLC": (9, typed("0f00")),
    "PPP in HDLC-like framing": (50, then("ff03", ppp)),
    "PPP in HDLC-like framing that is Cisco HDLC, multicast": (50, typed("8f00")),
    "PPP with direction": (204, then("00", ppp)),
    "PPP with direction that is Cisco HDLC": (204, typed("01 0f00")),
    "PPPoE without Ethernet": (51, lambda p, w: pppoe(p, w)[14:]),
    "Cisco HDLC": (104, typed("0f00")),
    "FDDI": (10, typed(f"50 {MACS.hex()} aaaa03 000000")),
    "IP over InfiniBand": (242, lambda p, _w: bytes(40) + ether_type(p) + bytes(2) + p),
    "Juniper Ethernet": (178, then("4d4743 01", frame)),
    "Juniper Ethernet with extensions": (178, then("4d4743 80 0006 0202 0004 0300", frame)),
    "MPLS": (219, before("00010040 00011140")),
    "IEEE 802.11": (105, typed(f"{WIFI} aaaa03 000000")),
    "IEEE 802.11, QoS": (105, typed("8801 0000 020000000001 020000000002 020000000003 0000 0000 aaaa03 000000")),
    "IEEE 802.11 with radiotap": (
        127,
        typed(
            "0000 1200 03000000 0000000000000000 20 00"  # TSFT, flags: padded behind the header
            "8801 0000 020000000001 020000000002 020000000003 0000 0000 0000 aaaa03 000000"
        ),
    ),
    "PPI with Ethernet": (192, then("00 00 0800 01000000", frame)),
    "NFLOG": (239, nflog),
    "PKTAP with Ethernet": (258, then("6c000000 01000000 01000000" + "00" * 96, frame)),
    "ERF with Ethernet": (197, erf(2, frame, padding=bytes(2))),
    "ERF with PPP": (197, erf(1, then("ff03", ppp))),
    "ERF with Cisco HDLC, coloured": (197, erf(10, typed("0f00"))),
    "OpenBSD enc": (109, before("02000000 00000001 00000000")),
    "OpenBSD pflog": (117, pflog),
}  # fmt: skip

# What is around the IP packet, behind an Ethernet header; the layers the analysis names; bytes in front.
ENCAPSULATIONS: dict[str, tuple[Wrap, tuple[str, ...], int]] = {
    "MPLS": (before("00011140"), ("MPLS",), 4),
    "GRE": (in_ipv4(47, typed("0000")), ("GRE",), 24),
    "GRE with checksum, key and sequence": (
        in_ipv4(47, lambda p, _w: b"\xb0\0" + ether_type(p) + bytes(12) + p), ("GRE",), 36,
    ),
    "GRE over IPv6": (in_ipv6(47, typed("0000")), ("GRE",), 44),
    "GRE in UDP": (in_udp(4754, typed("0000")), ("GRE",), 32),
    "gretap in UDP": (in_udp(4754, then("0000 6558", frame)), ("gretap/NVGRE",), 46),
    "GRE with an 802.11 frame (Aruba)": (
        in_ipv4(47, typed(f"0000 8200 {WIFI} aaaa03 000000")), ("GRE",), 56,
    ),
    "GRE with MPLS": (in_ipv4(47, before("0000 8847 00011140")), ("GRE", "MPLS"), 28),
    "GRE to a web cache (WCCP)": (in_ipv4(47, before("0000 883e 00000000")), ("GRE",), 28),
    "GRE with Cisco MetaData": (
        in_ipv4(47, lambda p, _w: bytes.fromhex("0000 8909") + ether_type(p) + bytes.fromhex("01 01 0001 0064") + p),
        ("GRE",), 32,
    ),
    "gretap": (in_ipv4(47, then("0000 6558", frame)), ("gretap/NVGRE",), 38),
    "NVGRE": (in_ipv4(47, then("2000 6558 00000a00", frame)), ("gretap/NVGRE",), 42),
    "ERSPAN I": (in_ipv4(47, then("0000 88be", frame)), ("ERSPAN",), 38),
    "ERSPAN II": (in_ipv4(47, then("1000 88be 00000001 1005000000000000", frame)), ("ERSPAN",), 50),
    "ERSPAN III": (in_ipv4(47, then("1000 22eb 00000001 200500000000000000000000", frame)), ("ERSPAN",), 54),
    "ERSPAN II with an E-TAG and Cisco MetaData inside": (
        in_ipv4(47, typed(
            f"1000 88be 00000001 1005000000000000 {MACS.hex()} 893f 0000 0001 0000 8909 01 01 0001 0064"
        )),
        ("ERSPAN",), 66,
    ),
    "EoIP (MikroTik)": (in_ipv4(47, eoip), ("EoIP",), 42),
    "EoIP with a VLAN inside": (
        in_ipv4(47, lambda p, w: eoip(p, w, typed(f"{MACS.hex()} 8100 0005"))), ("EoIP",), 46,
    ),
    "EoIP over IPv6": (in_ipv6(97, then("6430", frame)), ("EtherIP",), 56),
    "PPTP": (in_ipv4(47, then("3001 880b 00000001 00000001", ppp)), ("PPTP",), 34),
    "IPIP": (in_ipv4(4, bare), ("IPIP",), 20),
    "4in6": (in_ipv6(4, bare), ("4in6",), 40),
    "EtherIP": (in_ipv4(97, then("3000", frame)), ("EtherIP",), 36),
    "VXLAN": (in_udp(4789, then("08000000 00000a00", frame)), ("VXLAN",), 50),
    "VXLAN, Linux' own port": (in_udp(8472, then("08000000 00000a00", frame)), ("VXLAN",), 50),
    "VXLAN with a VLAN inside": (
        in_udp(4789, then("08000000 00000a00", typed(f"{MACS.hex()} 8100 0005"))), ("VXLAN",), 54,
    ),
    "VXLAN-GPE": (in_udp(4790, before("0c000001 00000a00")), ("VXLAN-GPE",), 36),
    "Geneve with an option": (in_udp(6081, geneve), ("Geneve",), 58),
    "GTP-U": (in_udp(2152, lambda p, w: b"\x30\xff" + w.to_bytes(2) + b"\0\0\0\1" + p), ("GTP-U",), 36),
    "GTP-U with a PDU session container": (
        in_udp(2152, lambda p, w: b"\x34\xff" + (w + 8).to_bytes(2) + PDU_SESSION + p),
        ("GTP-U",), 44,
    ),
    "L2TPv2": (in_udp(1701, then("0002 0001 0001 ff03", ppp), source=1701), ("L2TP",), 38),
    "L2TPv2 with length and sequence": (
        in_udp(1701, lambda p, w: b"\x48\x02" + (w + 16).to_bytes(2) + bytes(8) + b"\xff\x03" + ppp(p, w)),
        ("L2TP",), 44,
    ),
    "L2TPv3 over IP with a cookie": (in_ipv4(115, then("00000007 0102030405060708", frame)), ("L2TP",), 46),
    "FOU": (in_udp(5555, bare), ("FOU",), 28),
    "GUE": (in_udp(6080, before("00040000")), ("GUE",), 32),
    "GRE in GUE": (in_udp(6080, then("002f0000", typed("0000"))), ("GUE", "GRE"), 36),
    "gretap in GUE": (in_udp(6080, then("002f0000 0000 6558", frame)), ("GUE", "gretap/NVGRE"), 50),
    "MAC-in-MAC in VXLAN": (
        in_udp(4789, then(f"08000000 00000a00 {MACS.hex()} 88e7 00000007", frame)), ("VXLAN",), 68,
    ),
    "VXLAN in IPIP": (in_ipv4(4, in_udp(4789, then("08000000 00000a00", frame))), ("IPIP", "VXLAN"), 70),
}  # fmt: skip

ENCAPSULATIONS6: dict[str, tuple[Wrap, tuple[str, ...], int]] = {
    "6in4": (in_ipv4(41, bare), ("6in4",), 20),
    "6in6": (in_ipv6(41, bare), ("6in6",), 40),
    "Teredo": (in_udp(3544, bare), ("Teredo",), 28),
    "VXLAN-GPE": (in_udp(4790, before("0c000002 00000a00")), ("VXLAN-GPE",), 36),
    "GUE": (in_udp(6080, before("00290000")), ("GUE",), 32),
} | {
    name: ENCAPSULATIONS[name]
    for name in (
        "MPLS", "GRE", "GRE over IPv6", "GRE in UDP",
        "GRE with an 802.11 frame (Aruba)", "gretap", "ERSPAN II", "EoIP (MikroTik)", "PPTP", "EtherIP", "VXLAN",
        "Geneve with an option",
        "GTP-U", "L2TPv2", "L2TPv3 over IP with a cookie", "FOU", "GRE in GUE",
    )
}  # fmt: skip
"""The same for IPv6 inside."""


def around(wrap: Wrap) -> Wrap:
    """`wrap` behind an Ethernet header."""

    def in_frame(packet: bytes, wire: int) -> bytes:
        data = wrap(packet, wire)
        return MACS + b"\x88\x47" + data if wrap is ENCAPSULATIONS["MPLS"][0] else frame(data, wire)

    return in_frame


def pcap_as(
    packets: list[Packet], order: ByteOrder, magic: int, *, version: tuple[int, int] = (2, 4), link: int = 1
) -> bytes:
    """Classic pcap in one of its shapes; before version 2.4 the length on the wire comes first."""
    out = pcap_header(order, magic=magic, version=version, link=link)
    nanoseconds = magic in (0xA1B23C4D, 0x1C0001AC) or link == 6  # that of AIX
    if magic >> 16 == 0x1C00:
        out += bytes(4)  # Ixia: the length of what follows
    for packet in packets:
        record = pcap_record(packet, order, nano=nanoseconds)
        if version != (2, 4):
            record = record[:8] + record[12:16] + record[8:12] + record[16:]
        if magic == 0xA1B2CD34:  # modified by Kuznetzov: interface, protocol, type, padding
            record = record[:16] + (2).to_bytes(4, order) + (0x0800).to_bytes(2, order) + bytes(2) + record[16:]
        out += record
    return out


def many_blocks(packets: list[Packet]) -> bytes:
    """A pcapng of two sections in two byte orders, of two interfaces, with all kinds of blocks around the packets."""
    names = block(4, struct.pack("<HH", 1, 6) + bytes([192, 0, 2, 1]) + b"a\0" + bytes(4))
    out = block(0x0A0D0D0A, bytes.fromhex("1a2b3c4d 0001 0000") + b"\xff" * 8, "big") + interface(1, "big")
    for packet in packets[:5]:
        out += enhanced(packet._replace(ts=packet.ts // 1000), "big")
    out += section() + interface(101) + interface(1, options=NANOSECONDS) + names + block(0xA, bytes(12))
    for number, packet in enumerate(packets[5:]):
        out += enhanced(packet, number=1) if number % 2 else obsolete(packet, number=1)
    return out + block(5, bytes(12))


CONTAINERS: dict[str, Callable[[list[Packet]], bytes]] = {
    "pcap, little-endian": lambda p: pcap_as(p, "little", 0xA1B2C3D4),
    "pcap, big-endian": lambda p: pcap_as(p, "big", 0xA1B2C3D4),
    "pcap, nanoseconds": lambda p: pcap_as(p, "little", 0xA1B23C4D),
    "pcap, nanoseconds, big-endian": lambda p: pcap_as(p, "big", 0xA1B23C4D),
    "pcap, modified (Kuznetzov)": lambda p: pcap_as(p, "little", 0xA1B2CD34),
    "pcap 2.2, lengths the other way round": lambda p: pcap_as(p, "big", 0xA1B2C3D4, version=(2, 2)),
    "pcap 2.3, lengths the other way round": lambda p: pcap_as(p, "little", 0xA1B2C3D4, version=(2, 3)),
    "pcap 543.0 (DG/UX)": lambda p: pcap_as(p, "big", 0xA1B2C3D4, version=(543, 0)),
    "pcap 2.2 of AIX": lambda p: pcap_as(p, "big", 0xA1B2C3D4, version=(2, 2), link=6),
    "pcap of Ixia, microseconds": lambda p: pcap_as(p, "little", 0x1C0001AB),
    "pcap of Ixia, nanoseconds": lambda p: pcap_as(p, "big", 0x1C0001AC),
    "pcapng": lambda p: as_pcapng(pcap_as(p, "little", 0xA1B2C3D4)),
    "pcapng, sections, interfaces, all blocks": many_blocks,
    "pcap.gz": lambda p: gzip.compress(pcap(p, link=1), mtime=0),
    "pcap.zst": lambda p: zstandard.compress(pcap(p, link=1)),
    "pcap.lz4": lambda p: bytes(lz4.frame.compress(pcap(p, link=1))),
    "pcap.xz": lambda p: lzma.compress(pcap(p, link=1)),
    "pcap.bz2": lambda p: bz2.compress(pcap(p, link=1)),
}
