"""Captures made to be slow or large. `python -m tests.fuzz.measurements` measures each at full size.

Each case takes the number of packets, so that the tests can count the work of small ones.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.builders import (
    CLIENT,
    END_OF_OPTIONS,
    SERVER,
    SYN,
    Packet,
    block,
    enhanced,
    frag_needed,
    icmp,
    interface,
    ipv4,
    ipv6,
    option,
    pcap,
    pcap_header,
    sack,
    section,
    tcp,
)
from tests.talk import Talk

MILLION = 1_000_000
STEP = 1_000_000  # ns between two packets
START = 1_700_000_000

_TALK = Talk(client_base=999, server_base=4999, counts_ids=False)
HANDSHAKE = tuple(packet.data for packet in _TALK.handshake(shifts=(None, None)))
SEGMENT = ipv4(tcp(bytes(100), seq=1000, ack=5000), total=1500)


def records(packets: Any, *, link: int = 101, before: tuple[bytes, ...] = ()) -> bytes:
    """A pcap of packets of one length, rows of an array, one step apart, behind some others."""
    head = pcap_header(magic=0xA1B23C4D, link=link)
    first = b"".join(pcap([Packet(START * 10**9 + i, data)])[24:] for i, data in enumerate(before))
    count, length = packets.shape
    rows = np.zeros((count, 16 + length), np.uint8)
    times = np.arange(count, dtype=np.int64) * STEP + START * 10**9 + STEP
    columns = np.stack([times // 10**9, times % 10**9, np.full(count, length), np.full(count, length)], axis=1)
    rows[:, :16] = columns.astype("<u4").view(np.uint8).reshape(count, 16)
    rows[:, 16:] = packets
    return head + first + rows.tobytes()


def repeated(packet: bytes, count: int) -> Any:
    return np.tile(np.frombuffer(packet, np.uint8), (count, 1))


def numbers(packets: Any, place: int, values: Any) -> Any:
    """The packets with a 32-bit number of their own at `place`."""
    packets[:, place : place + 4] = values.astype(">u4").view(np.uint8).reshape(len(packets), 4)
    return packets


def syns(count: int) -> bytes:
    """Each from another address: a flow of its own."""
    return records(numbers(repeated(ipv4(tcp(flags=SYN)), count), 12, np.arange(count) + 0x0A000000))


def syns_of_one(count: int) -> bytes:
    """The same endpoints, another initial sequence number each time: a flow of its own, in Wireshark too."""
    return records(numbers(repeated(ipv4(tcp(flags=SYN)), count), 24, np.arange(count) * 7919))


def retransmissions(count: int) -> bytes:
    """One segment, again and again, with identifications of their own."""
    packets = repeated(SEGMENT, count)
    packets[:, 4:6] = (np.arange(count) & 0xFFFF).astype(">u2").view(np.uint8).reshape(count, 2)
    return records(packets, before=HANDSHAKE)


def sack_blocks(count: int) -> bytes:
    """ACKs with three blocks each, all different, beside data."""
    answer = ipv4(
        tcp(sport=80, dport=40000, seq=5000, ack=1000, options=sack((0, 0), (0, 0), (0, 0))),
        src=SERVER,
        dst=CLIENT,
    )
    packets = repeated(answer, count)
    random = np.random.default_rng(1)
    for i in range(6):
        numbers(packets, 44 + 4 * i, random.integers(1000, 2**31, count))
    return records(packets, before=(*HANDSHAKE, SEGMENT))


def random_numbers(count: int) -> bytes:
    """One flow of segments with sequence and acknowledgement numbers without sense, from both ends."""
    random = np.random.default_rng(2)
    packets = numbers(repeated(SEGMENT, count), 24, random.integers(0, 2**32, count))
    numbers(packets, 20 + 4, random.integers(0, 2**32, count))
    back = random.random(count) < 0.5
    ends = packets[back, 12:20]
    packets[back, 12:16], packets[back, 16:20] = ends[:, 4:].copy(), ends[:, :4].copy()
    ports = packets[back, 20:24]
    packets[back, 20:22], packets[back, 22:24] = ports[:, 2:].copy(), ports[:, :2].copy()
    return records(packets, before=HANDSHAKE)


def ptbs_of_one(count: int) -> bytes:
    """ICMP messages about one flow, the quoted number another each time."""
    message = ipv4(frag_needed(1400, SEGMENT[:28]), src="198.51.100.1", dst="192.0.2.10", protocol=1)
    return records(numbers(repeated(message, count), 28 + 24, np.arange(count)), before=(*HANDSHAKE, SEGMENT))


def ptbs_of_many(count: int) -> bytes:
    """ICMP messages that quote a flow of their own each, which is not in the capture."""
    message = ipv4(frag_needed(1400, SEGMENT[:44]), src="198.51.100.1", dst="192.0.2.10", protocol=1)
    return records(numbers(repeated(message, count), 28 + 12, np.arange(count)))


def echoes(count: int) -> bytes:
    """Pings with DF, each to another address, never answered."""
    message = ipv4(icmp(8, 0, b"\0\1\0\2", bytes(100)), protocol=1)
    return records(numbers(repeated(message, count), 16, np.arange(count) + 0x0A000000))


def troubled_flows(count: int) -> bytes:
    """Flows between the same two addresses, each with a segment sent five times and no answer to it."""
    each = []
    for step in range(5):
        packets = repeated(SEGMENT, count // 5)
        packets[:, 20:22] = (np.arange(count // 5) % 60000 + 1024).astype(">u2").view(np.uint8).reshape(-1, 2)
        packets[:, 4:6] = (step + 1 >> 8, step + 1)
        each.append(packets)
    return records(np.concatenate(each))


def links_in_turn(count: int) -> bytes:
    """Link types that change from packet to packet."""
    links = (1, 101, 113, 276, 105, 127, 0, 239, 7777)
    out = [section(), *(interface(link) for link in links)]
    data = SEGMENT[:60]
    out += [enhanced(Packet(i * 1000, data), number=i % len(links)) for i in range(count)]
    return b"".join(out)


def interfaces(count: int) -> bytes:
    """As many interfaces, each with one packet and an option."""
    comment = option(2, b"x" * 8) + END_OF_OPTIONS
    out = [section(), *(interface(101, options=comment) for _ in range(count))]
    out += [enhanced(Packet(i * 1000, SEGMENT[:60]), number=i) for i in range(count)]
    return b"".join(out)


def sections(count: int) -> bytes:
    """A section and an interface for each packet."""
    return b"".join(section() + interface(101) + enhanced(Packet(i * 1000, SEGMENT[:60])) for i in range(count))


def nested(count: int) -> bytes:
    """IP in IP, forty times; labels and tags by the hundred; a chain of extension headers."""
    packet = SEGMENT[:60]
    for _ in range(40):
        packet = ipv4(packet, protocol=4)
    long = [packet, ipv6(b"\0\0\0\0\0\0\0\0" * 90, following=0)]
    ethernet = [bytes(12) + b"\x81\x00\x00\x05" * 200, bytes(12) + b"\x88\x47" + b"\x00\x01\x00\x40" * 200]
    out = [section(), interface(101), interface(1)]
    for i in range(count // 4):
        out += [enhanced(Packet(i * 1000, each)) for each in long]
        out += [enhanced(Packet(i * 1000, each), number=1) for each in ethernet]
    return b"".join(out)


def options_of_blocks(count: int) -> bytes:
    """Packet blocks with as many options as they hold: sixteen thousand each."""
    options = option(2988, b"") * 16_000
    return (
        section()
        + interface(101)
        + b"".join(enhanced(Packet(i * 1000, SEGMENT[:60]), options=options) for i in range(max(count // 1000, 1)))
    )


def foreign_blocks(count: int) -> bytes:
    """Blocks that hold no packet."""
    return section() + interface(101) + block(0x0BAD, bytes(4)) * (count // 2) + block(0x7777, b"") * (count // 2)


def bomb(count: int) -> bytes:
    """A capture of nothing, compressed a thousandfold: as many records without a byte."""
    out = gzip.compress(pcap_header(), 1)
    piece = gzip.compress(bytes(16 * 65536), 9)
    return out + piece * (count // 65536)


# Name, what makes it, and how many packets it has at full size.
CASES: dict[str, tuple[Callable[[int], bytes], int]] = {
    "SYNs, each a flow of its own": (syns, 5 * MILLION),
    "SYNs of the same endpoints, other sequence numbers": (syns_of_one, MILLION),
    "retransmissions of one segment": (retransmissions, MILLION),
    "ACKs with three SACK blocks each": (sack_blocks, MILLION),
    "one flow, random sequence numbers": (random_numbers, MILLION),
    "PTBs about one flow": (ptbs_of_one, MILLION),
    "PTBs about flows that are not there": (ptbs_of_many, MILLION),
    "pings with DF to as many addresses": (echoes, MILLION),
    "retransmissions in 60,000 flows of two addresses": (troubled_flows, 300_000),
    "link types in turn": (links_in_turn, MILLION),
    "interfaces": (interfaces, 65_535),
    "sections": (sections, 65_535),
    "packets nested 40 deep": (nested, MILLION // 10),
    "blocks with 16,000 options each": (options_of_blocks, MILLION // 10),
    "blocks without a packet": (foreign_blocks, MILLION),
    "gzip bomb, empty records": (bomb, 64 * 65536 * 16),
}
