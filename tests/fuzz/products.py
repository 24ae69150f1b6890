"""Captures whose parts ask about each other: what takes too long if every packet is compared with every other.

Each case takes the number of packets, as those of `hostile` do.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator

from tests.builders import (
    ACK,
    CLIENT,
    ICMP,
    PSH,
    SERVER,
    SYN,
    UDP,
    Packet,
    frag_needed,
    icmp,
    ipv4,
    mss,
    pcap,
    sack,
    tcp,
)

SECOND = 1_000_000_000
MS = SECOND // 1000
START = 1_700_000_000 * SECOND
ROUTER = "198.51.100.1"
FIRST, PEER_FIRST = 1000, 5000
"""Sequence numbers of the first bytes of both ends."""


def up(at: int, size: int = 1400, *, port: int = 40000, flags: int = ACK, ident: int = 1) -> bytes:
    """Data of the client, `size` bytes from number `at` on; the capture holds the headers."""
    return ipv4(tcp(sport=port, seq=at, ack=PEER_FIRST, flags=flags), total=40 + size, ident=ident & 0xFFFF)


def down(
    at: int = PEER_FIRST, size: int = 0, *, ack: int = FIRST, port: int = 40000, flags: int = ACK, options: bytes = b""
) -> bytes:
    """What the server sends."""
    segment = tcp(sport=80, dport=port, seq=at, ack=ack, flags=flags, options=options)
    return ipv4(segment, src=SERVER, dst=CLIENT, total=20 + len(segment) + size)


def opening(port: int = 40000) -> Iterator[bytes]:
    """SYN and SYN/ACK, with MSS."""
    yield ipv4(tcp(sport=port, seq=FIRST - 1, flags=SYN, options=mss(1460)))
    yield down(PEER_FIRST - 1, port=port, flags=SYN | ACK, options=mss(1460))


def ptb(quote: bytes, mtu: int = 1300) -> bytes:
    return ipv4(frag_needed(mtu, quote), src=ROUTER, dst=CLIENT, protocol=ICMP)


def timed(packets: Iterator[tuple[int, bytes]]) -> bytes:
    """A pcap of packets with their times, ns from the start."""
    return pcap(Packet(START + ts, data) for ts, data in packets)


def paced(packets: Iterator[bytes], step: int = MS) -> bytes:
    """A pcap of packets one step apart."""
    return timed((i * step, data) for i, data in enumerate(packets))


def both_resend(count: int) -> bytes:
    """Two ends that acknowledge nothing and send everything once more: a run of retransmissions for each segment."""

    def packets() -> Iterator[bytes]:
        for _ in range(2):
            yield from (up(FIRST + 1000 * i, 1000, flags=PSH) for i in range(count // 4))
        for _ in range(2):
            yield from (down(PEER_FIRST + 10 * i, 10, flags=PSH) for i in range(count // 4))

    return paced(packets(), 10 * MS)


def episodes(count: int) -> bytes:
    """One episode after another, each acknowledged in the end, and the peer sends again what it has got the ACK of."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        for i in range(count // 8):
            yield down(PEER_FIRST, 100, ack=FIRST + 1400 * i)
            yield from (up(FIRST + 1400 * i) for _ in range(6))
            yield down(PEER_FIRST, ack=FIRST + 1400 * (i + 1))

    return paced(packets(), 400 * MS)


def numbered_ptbs(count: int) -> bytes:
    """PTBs that quote one sequence number with addresses of no flow, between the copies of that segment."""
    quote = ipv4(tcp(seq=FIRST), src="203.0.113.77", total=1440)[:28]

    def packets() -> Iterator[bytes]:
        yield from opening()
        for i in range(count // 2):
            yield up(FIRST, ident=i)
            yield ptb(quote)

    return paced(packets(), 30 * MS)


def ptbs_and_runs(count: int) -> bytes:
    """PTBs about a flow of many runs, each about other bytes, from another router, with another MTU."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        for i in range(count // 4):
            yield up(FIRST + 1400 * i)
            yield ipv4(frag_needed(1399 - i % 700, up(FIRST + 1400 * i)[:28]), src=f"198.51.{i % 256}.{i // 256 % 256}",
                       dst=CLIENT, protocol=ICMP)  # fmt: skip
            yield up(FIRST + 1400 * i)
            yield up(FIRST + 1400 * i)

    return paced(packets(), 50 * MS)


def portless_ptbs(count: int) -> bytes:
    """PTBs that quote an IP header only, and many flows between its addresses that sent a packet of that size."""
    flows = count // 8

    def packets() -> Iterator[bytes]:
        for port in range(flows):
            yield from opening(1024 + port % 60000)
            yield up(FIRST, port=1024 + port % 60000)
        yield from (ptb(up(FIRST, ident=i)[:20]) for i in range(count // 4))
        for _ in range(3):
            yield from (up(FIRST, port=1024 + port % 60000) for port in range(flows))

    return paced(packets(), max(4 * SECOND // count, 1000))


def narrowing(count: int) -> bytes:
    """PTBs about one flow that each name less than the one before, beside hung flows between the same hosts."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        yield up(FIRST, 60_000)
        yield from (ptb(up(FIRST, 60_000)[:28], max(59_000 - i, 600)) for i in range(count // 2))
        for _ in range(5):
            yield from (up(FIRST, port=1024 + i % 60000) for i in range(count // 10))

    return paced(packets(), MS)


def pings(count: int) -> bytes:
    """Pings with DF: half of them answered, half larger ones of all sizes that are not."""

    def packets() -> Iterator[bytes]:
        for i in range(count // 4):
            rest = (i >> 16).to_bytes(2) + (i & 0xFFFF).to_bytes(2)
            yield ipv4(icmp(8, 0, rest), protocol=ICMP, total=80)
            yield ipv4(icmp(0, 0, rest), src=SERVER, dst=CLIENT, protocol=ICMP, total=80)
        for i in range(count // 2):
            rest = (0xFF00 + (i >> 16)).to_bytes(2) + (i & 0xFFFF).to_bytes(2)
            yield ipv4(icmp(8, 0, rest), protocol=ICMP, total=1000 + i // 2 % 60_000)

    return paced(packets())


def shapes(count: int) -> bytes:
    """The same bytes again and again, each time in a packet of another length."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        yield from (up(FIRST, 100 + i % 1300) for i in range(count))

    return paced(packets(), 20 * MS)


def holes(count: int) -> bytes:
    """Every second segment is missing, and nothing is acknowledged."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        yield from (up(FIRST + 2800 * i) for i in range(count // 2))
        yield from (up(FIRST + 2800 * i) for i in range(count // 2))

    return paced(packets(), 5 * MS)


def super_segments(count: int) -> bytes:
    """Super-segments that nobody acknowledges, then each of their pieces in a run of its own."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        yield from (up(FIRST + 14_600 * i, 14_600) for i in range(count // 4))
        for i in range(count // 4):
            yield from (up(FIRST + 14_600 * i, 1460) for _ in range(3))

    return paced(packets(), 500 * MS)


def duplicate_acks(count: int) -> bytes:
    """A segment that is stuck, small ones and copies behind it, and without SACK a duplicate ACK for each."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        yield up(FIRST)
        yield down()
        for i in range(count // 4):
            yield up(FIRST + 1400 + 10 * i, 10)
            yield down()
            yield up(FIRST)
            yield down()

    return paced(packets(), 10 * MS)


def many_blocks(count: int) -> bytes:
    """A flow with runs, in which each ACK names three blocks of its own."""

    def packets() -> Iterator[bytes]:
        yield from opening()
        for i in range(count // 3):
            yield up(FIRST + 1400 * i)
            yield up(FIRST + 1400 * (i // 2))
            far = FIRST + 1_000_000
            yield down(options=sack(*((far + 1000 * (3 * i + k), far + 1000 * (3 * i + k) + 500) for k in range(3))))

    return paced(packets(), 300 * MS)


def set_clock(count: int) -> bytes:
    """A clock that is set back again and again within one flow, and PTBs about it."""

    def packets() -> Iterator[tuple[int, bytes]]:
        yield from ((i * MS, data) for i, data in enumerate(opening()))
        for i in range(count // 3):
            ts = i * MS * 100 - (i // 50) * 20 * SECOND + 10**6 * SECOND
            yield ts, up(FIRST + 1400 * (i // 3))
            yield ts + MS, ptb(up(FIRST + 1400 * (i // 3))[:28])
            yield ts + 2 * MS, down(ack=FIRST)

    return timed(packets())


def unlike(count: int) -> bytes:
    """Hung flows with IP options, which are judged one by one."""

    def packets() -> Iterator[tuple[int, bytes]]:
        for i in range(count // 2):
            client = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
            segment = tcp(sport=40000, seq=FIRST, ack=PEER_FIRST, flags=ACK)
            packet = ipv4(segment, src=client, total=44 + 1000 + i % 400, options=b"\x01" * 4)
            yield i * MS, packet
            yield i * MS + SECOND, packet

    return timed(iter(sorted(packets(), key=lambda packet: packet[0])))


def unlike_squeezed(count: int) -> bytes:
    """The same, compressed: a small file of many flows, of which not all are judged."""
    return gzip.compress(unlike(count), 9)


def ask(number: int, *, size: int = 1400, port: int = 20_000, dst: str = SERVER) -> bytes:
    """A datagram of the client, of which the capture holds the beginning."""
    head = struct.pack(">HHHH", port, 9999, size - 20, number & 0xFFFF) + number.to_bytes(8)
    return ipv4(head, dst=dst, protocol=UDP, total=size, ident=number & 0xFFFF)


def unanswered_ports(count: int) -> bytes:
    """Conversations of two hosts in which a small datagram is answered, and a large one sent again and again."""

    def packets() -> Iterator[tuple[int, bytes]]:
        for i in range(count // 6):
            port, ts = 1024 + i % 60_000, i * MS
            yield ts, ask(i, size=60, port=port)
            answer = struct.pack(">HHHH", 9999, port, 16, i & 0xFFFF) + i.to_bytes(8)
            yield ts + MS, ipv4(answer, src=SERVER, dst=CLIENT, protocol=UDP)
            yield from ((ts + (2 + after) * SECOND, ask(i, port=port)) for after in (0, 1, 3, 7))

    return timed(iter(sorted(packets(), key=lambda packet: packet[0])))


def unanswered_squeezed(count: int) -> bytes:
    """The same, compressed, of which not all are judged."""
    return gzip.compress(unanswered_ports(count), 9)


def udp_probes(count: int) -> bytes:
    """Datagrams with DF to a closed port of many hosts: small ones are refused, large ones get no answer."""

    def packets() -> Iterator[bytes]:
        for i in range(count // 3):
            host, port = f"203.{i // 6 // 256 % 256}.{i // 6 % 256}.7", 1024 + i % 2000
            for size in (60, 1400):
                probe = ask(i, size=size, port=port + 2000 * (size > 60), dst=host)
                yield probe
                if size == 60:
                    yield ipv4(icmp(3, 3, bytes(4), probe[:28]), src=host, dst=CLIENT, protocol=ICMP)

    return paced(packets(), 2 * SECOND)


def obeyed_late(count: int) -> bytes:
    """PTBs about a conversation that goes on with datagrams too big for them, none of which was sent before."""

    def packets() -> Iterator[tuple[int, bytes]]:
        for i in range(count // 2):
            yield i * 10 * MS, ask(i)
            yield i * 10 * MS + MS, ptb(ask(i)[:28])

    return timed(packets())


HUNDRED_THOUSAND = 100_000

# Name, what makes it, and how many packets it has at full size.
PRODUCTS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "all segments of both ends sent twice, none acknowledged": (both_resend, HUNDRED_THOUSAND),
    "an episode after the other in one flow": (episodes, HUNDRED_THOUSAND),
    "PTBs about one sequence number, of other addresses": (numbered_ptbs, HUNDRED_THOUSAND),
    "PTBs of all kinds about a flow of many runs": (ptbs_and_runs, HUNDRED_THOUSAND),
    "PTBs cut before the ports, and many flows of their addresses": (portless_ptbs, HUNDRED_THOUSAND),
    "PTBs that each name less, and hung flows of their addresses": (narrowing, HUNDRED_THOUSAND),
    "pings with DF of all sizes between two addresses": (pings, HUNDRED_THOUSAND),
    "the same bytes in packets of all lengths": (shapes, HUNDRED_THOUSAND),
    "every second segment missing": (holes, HUNDRED_THOUSAND),
    "super-segments that are lost, and runs of their pieces": (super_segments, HUNDRED_THOUSAND),
    "duplicate ACKs without SACK": (duplicate_acks, HUNDRED_THOUSAND),
    "runs, and SACK blocks beyond all of them": (many_blocks, HUNDRED_THOUSAND),
    "a clock that is set back again and again": (set_clock, HUNDRED_THOUSAND),
    "UDP datagrams that are sent again, of many ports": (unanswered_ports, HUNDRED_THOUSAND),
    "UDP datagrams that are sent again, of many ports, gzip": (unanswered_squeezed, HUNDRED_THOUSAND),
    "UDP probes of many paths, of which large ones get no answer": (udp_probes, HUNDRED_THOUSAND),
    "PTBs about UDP datagrams, and too large ones after each": (obeyed_late, HUNDRED_THOUSAND),
    "hung flows with IP options": (unlike, HUNDRED_THOUSAND),
    "hung flows with IP options, gzip": (unlike_squeezed, HUNDRED_THOUSAND),
}
