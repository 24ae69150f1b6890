"""Exchanges of two hosts over UDP as stories: what each end sends, what of it comes, and who captures it where.

A story is the truth; a capture of it is taken beside the client, beside the server, or between them, on either side of
where things get lost. It may be cut by a snap length, or hold one packet in a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from tests.builders import CLIENT, SECOND, SERVER, Packet, cut, icmp, ipv4, udp
from tests.builders import ICMP as PROTO_ICMP
from tests.builders import UDP as PROTO_UDP

POINTS = ("client", "before", "behind", "server")
"""Beside the client; in the middle, where what gets lost is still, and no longer, to be seen; beside the server."""

UNREACHABLE_BY = {"port": 3, "host": 1, "prohibited": 13}
"""Codes of ICMP destination unreachable (RFC 792, RFC 1812 5.2.7.1)."""


class Told(NamedTuple):
    """A datagram of a story."""

    at: float
    payload: bytes
    back: bool = False  # from the server
    comes: bool = True
    port: int = 40000  # of the client
    df: bool = True


class Speech(NamedTuple):
    """How a protocol asks and answers; each message has so many bytes of IP."""

    port: int

    def ask(self, number: int, size: int) -> bytes:
        head, _ = HEADS.get(self.port, UNKNOWN)
        return head(number, size).ljust(size - 28, bytes([1 + number & 255]))

    def answer(self, number: int, size: int) -> bytes:
        _, head = HEADS.get(self.port, UNKNOWN)
        return head(number, size).ljust(size - 28, bytes([101 + number & 255]))


def dns(flags: str, number: int) -> bytes:
    return number.to_bytes(2) + bytes.fromhex(flags)


def radius(code: int, number: int, size: int) -> bytes:
    return bytes([code, number & 255]) + (size - 28).to_bytes(2)


def ike(flags: int, number: int, size: int) -> bytes:
    return b"initiateresponse" + bytes([46, 0x20, 35, flags]) + number.to_bytes(4) + (size - 28).to_bytes(4)


def rpc(*words: int) -> bytes:
    return b"".join(word.to_bytes(4) for word in words)


Head = Callable[[int, int], bytes]
"""The first bytes of a datagram by its number, and its size as an IP packet."""

HEADS: dict[int, tuple[Head, Head]] = {
    53: (
        lambda n, _: (
            dns("01200001000000000001", n) + bytes([7]) + f"name{n:03d}".encode() + bytes.fromhex("0000100001")
        ),
        lambda n, _: dns("85000001000100000001", n),
    ),
    1812: (lambda n, size: radius(1, n, size), lambda n, size: radius(11, n, size)),
    500: (lambda n, size: ike(0x08, n, size), lambda n, size: ike(0x20, n, size)),
    2049: (lambda n, _: rpc(n, 0, 2, 100_003, 3, 6), lambda n, _: rpc(n, 1, 0)),
    5060: (
        lambda n, _: f"INVITE sip:{n:05d}@example.net SIP/2.0\r\n".encode(),
        lambda n, _: f"SIP/2.0 200 {n:05d}\r\n".encode(),
    ),
    69: (lambda n, _: rpc(3 << 16 | n), lambda n, _: rpc(4 << 16 | n)),
}
"""Questions and answers, by the port of the server."""
UNKNOWN: tuple[Head, Head] = (lambda n, _: b"ask %d" % n, lambda n, _: b"told %d" % n)


SPEECHES = {
    name: Speech(port)
    for name, port in {
        "DNS": 53, "RADIUS": 1812, "IKE": 500, "NFS": 2049, "SIP": 5060, "TFTP": 69, "unknown": 7000,
    }.items()
}  # fmt: skip
ASKING = ("DNS", "RADIUS", "IKE", "NFS")


def packet_of(told: Told, speech: Speech, ttl: int, number: int) -> bytes:
    ports = (speech.port, told.port) if told.back else (told.port, speech.port)
    ends = (SERVER, CLIENT) if told.back else (CLIENT, SERVER)
    checksum = 1 + hash(told.payload) % 65000
    message = udp(told.payload, sport=ports[0], dport=ports[1], checksum=checksum)
    return ipv4(message, src=ends[0], dst=ends[1], protocol=PROTO_UDP, df=told.df, ttl=ttl, ident=number)


def seen(story: Iterable[Told], speech: Speech, point: str) -> list[Packet]:
    """What a capture holds."""
    hops = {"client": (64, 58), "before": (61, 61), "behind": (61, 61), "server": (58, 64)}[point]
    found = []
    for number, told in enumerate(story, 1):
        lost_here = point in ("behind", "client" if told.back else "server")
        if told.comes or not lost_here:
            later = 0.02 if point == ("client" if told.back else "server") else 0
            data = packet_of(told, speech, hops[told.back], number)
            found.append(Packet(int((told.at + later) * SECOND), data))
    return found


def refusals(story: Iterable[Told], speech: Speech, why: str, router: str = "198.51.100.9") -> list[Packet]:
    """For each datagram that does not come an ICMP error to its sender: from who was to get it, or of a router."""
    found = []
    for number, told in enumerate(story, 1):
        if not told.comes:
            quoted = packet_of(told, speech, 58, number)[:28]
            ends = (SERVER, CLIENT) if told.back else (CLIENT, SERVER)
            message = icmp(3, UNREACHABLE_BY[why], bytes(4), quoted)
            src = ends[1] if why == "port" else router
            packet = ipv4(message, src=src, dst=ends[0], protocol=PROTO_ICMP, ttl=60)
            found.append(Packet(int((told.at + 0.03) * SECOND), packet))
    return found


def cut_at(packets: Iterable[Packet], snap: int) -> list[Packet]:
    return [cut(packet, snap) for packet in packets]


def one_in(packets: Iterable[Packet], few: float, seed: int) -> list[Packet]:
    """A capture that holds each packet with the chance of one in `few`."""
    lot = np.random.default_rng(seed)
    return [packet for packet in packets if lot.random() < 1 / few]
