"""What is mutated: pieces of all recordings, in every link type, encapsulation and container."""

from __future__ import annotations

import struct
from functools import cache
from random import Random

from tests.builders import (
    END_OF_OPTIONS,
    ETHERNET,
    SECOND,
    ByteOrder,
    Packet,
    block,
    cut,
    enhanced,
    interface,
    obsolete,
    option,
    pcap_records,
    section,
    simple,
)
from tests.reading import CAPTURES
from tests.traffic import random_capture
from tests.wrapping import CONTAINERS, ENCAPSULATIONS, ENCAPSULATIONS6, LINKS, MACS, Wrap, frame, ip_packets, wrapped

MOST_PACKETS = 16
"""Packets of one input: few, so that many inputs are tried and most mutations hit a header."""
SNAP = 140

MPLS = ENCAPSULATIONS["MPLS"][0]
LINK_WRAPS = tuple(LINKS.values())
WRAPS4 = tuple(wrap for wrap, _, _ in ENCAPSULATIONS.values() if wrap is not MPLS)
WRAPS6 = tuple(wrap for wrap, _, _ in ENCAPSULATIONS6.values() if wrap is not MPLS)
ODD_LINKS = (3, 6, 8, 107, 147, 149, 163, 189, 0xFFFF)


@cache
def recordings() -> tuple[tuple[Packet, ...], ...]:
    """IP packets of all samples and laboratory captures, and traffic without sense, all cut short."""
    found = []
    for path in CAPTURES:
        data = path.read_bytes()
        if int.from_bytes(data[20:24], "little") == ETHERNET and pcap_records(data):
            found.append([packet for packet in ip_packets(path) if packet.data])
    found.append([p._replace(data=p.data[14:], wire=p.wire_len - 14) for p in random_capture(5, 6, 400)])
    return tuple(tuple(cut(packet, SNAP) for packet in packets) for packets in found if packets)


def piece(random: Random) -> list[Packet]:
    """The beginning of one recording, mostly with its handshake, and a run of later packets."""
    packets = random.choice(recordings())
    head = random.randint(0, 5)
    start = random.randrange(len(packets))
    step = random.choice((1, 1, 1, 2, 5))
    return list(packets[:head] + packets[max(head, start) :: step])[: random.randint(1, MOST_PACKETS)]


def wrap_packets(packets: list[Packet], random: Random) -> tuple[list[Packet], int]:
    """The packets inside of up to six tunnels and a link layer, and its type."""
    depth = random.choice((0, 0, 1, 1, 1, 2, 6))
    for _ in range(depth):
        version = packets[0].data[0] >> 4 if packets and packets[0].data else 4
        wrap: Wrap = random.choice(WRAPS4 if version == 4 else WRAPS6)
        packets = wrapped([packet for packet in packets if packet.data], wrap)
    if random.random() < 0.02:
        return packets, random.choice(ODD_LINKS)
    if random.random() < 0.05:
        return wrapped(packets, lambda p, w: MACS + b"\x88\x47" + MPLS(p, w)), ETHERNET
    link, wrap = random.choice(LINK_WRAPS) if random.random() < 0.5 else (ETHERNET, frame)
    return wrapped([packet for packet in packets if packet.data], wrap), link


def contained(packets: list[Packet], link: int, random: Random) -> bytes:
    """A capture file of the packets, in any container."""
    if random.random() < 0.4:
        return mixed_blocks(packets, link, random)
    name = random.choice(tuple(CONTAINERS))
    if name == "pcap, modified (Kuznetzov)" or not packets:
        name = "pcapng"
    whole = CONTAINERS[name](packets)
    if link == ETHERNET or whole[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return whole
    return whole[:20] + struct.pack("<I", link) + whole[24:]


def mixed_blocks(packets: list[Packet], link: int, random: Random) -> bytes:
    """A pcapng with every kind of block and option, several sections and interfaces."""
    order: ByteOrder = random.choice(("little", "big"))
    texts = [option(random.choice((1, 2, 3, 11)), random.randbytes(random.randint(0, 9)), order) for _ in range(2)]
    clock = random.choice((option(9, bytes([random.choice((0, 3, 6, 9, 18, 19, 0x80, 0xA0, 0xBF, 0xFF))]), order), b""))
    shift = random.choice((b"", b"", option(14, random.randbytes(8), order)))
    start = section(order, texts[0] + END_OF_OPTIONS) + interface(
        link, order, snap=random.choice((0, 0, 60, 262144)), options=clock + shift + texts[1] + END_OF_OPTIONS
    )
    out = start
    for packet in packets:
        kind = random.random()
        flags = option(2, random.randbytes(4), order) + option(4, bytes(7) + b"\1", order) + END_OF_OPTIONS
        ticks = packet._replace(ts=packet.ts // random.choice((1, 1000)) if packet.ts > 0 else 0)
        if kind < 0.6:
            out += enhanced(ticks, order, options=random.choice((b"", flags)))
        elif kind < 0.75:
            out += simple(packet, order)
        elif kind < 0.85:
            out += obsolete(ticks, order, drops=random.choice((0, 1, 0xFFFF)))
        else:
            number = random.choice((4, 5, 9, 10, 0xBAD, 0x40000BAD, 0x7777))
            out += block(number, random.randbytes(4 * random.randint(0, 9)), order)
        if random.random() < 0.05:
            out += start
    return out


def later(packets: list[Packet], random: Random) -> list[Packet]:
    """The packets at other times: apart, backwards, or at the ends of what a clock can say."""
    kind = random.random()
    if kind < 0.7:
        return packets
    if kind < 0.85:
        step = random.choice((0, 1, 1_000_000, SECOND, 100 * SECOND))
        return [packet._replace(ts=packets[0].ts + i * step) for i, packet in enumerate(packets)]
    return [packet._replace(ts=random.choice((0, 1, packet.ts, (2**32 - 1) * SECOND))) for packet in packets]
