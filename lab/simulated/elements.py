"""What a path is made of, from the client to the server: each element takes a packet and says what becomes of it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lab.headers import ACK, ICMP, SYN, TCP, Packet, build_icmp, build_ip, checksum, read_packet

Way = Literal["to_server", "to_client"]
WORD = 0xFFFFFFFF
Passed = tuple[bytes, float, bool]
"""A packet, the seconds until it is there, and whether it goes back to where the packet came from."""


class Element:
    """Lets everything pass."""

    def carry(self, packet: bytes, way: Way, now: float) -> list[Passed]:
        """What leaves the element when `packet` enters it at `now`, seconds."""
        del way, now
        return [(packet, 0.0, False)]


@dataclass
class Tap(Element):
    """A capture point. What it misses, and how its clock goes, is nobody's trouble but its own."""

    name: str
    offset: float = 0.0  # seconds that its clock is ahead
    drift: float = 0.0  # and gains in each second
    begins: float = -1.0
    ends: float = 1e9
    only: Way | None = None  # a tap of one direction
    merges: float = -1.0  # seconds within which neighbouring segments are captured as one: TSO and GRO; negative: none
    inside: bool = False  # captures the packets in VXLAN
    mac: int = 0  # as the inner and the outer interface of one host: below another interface in the same file
    seen: list[tuple[float, Way, bytes]] = field(default_factory=list)

    def carry(self, packet: bytes, way: Way, now: float) -> list[Passed]:
        if self.begins <= now <= self.ends and self.only in (None, way):
            self.seen.append((now, way, packet))
        return [(packet, 0.0, False)]


@dataclass
class Link(Element):
    """A router and the link behind it, in both directions: TTL, delay, loss, an MTU, and PTBs."""

    delay: float = 0.002
    mtu: int = 1500
    mtu_back: int = 1500  # towards the client
    ptb: Literal["send", "silent"] = "send"
    ptb_mtu: int = 0  # what its PTBs say, if not the truth
    loss: float = 0.0
    loss_back: float = 0.0
    router: str = "198.51.100.1"
    hop: bool = True  # False: a switch
    since: float = 0.0  # seconds from which on the MTU holds
    narrow_for: Callable[[Packet], bool] = lambda packet: True
    random: random.Random = field(default_factory=lambda: random.Random(1))

    def carry(self, packet: bytes, way: Way, now: float) -> list[Passed]:
        seen = known(packet)
        if self.hop:
            packet = aged(packet)
        mtu = self.mtu if way == "to_server" else self.mtu_back
        if seen.ip_len > mtu and now >= self.since and self.narrow_for(seen):
            if not seen.df:
                return [(piece, self.delay, False) for piece in fragments(packet, mtu)]
            return [(self._told(packet, seen, mtu), 0.0, True)] if self.ptb == "send" else []
        if self.random.random() < (self.loss if way == "to_server" else self.loss_back):
            return []
        return [(packet, self.delay, False)]

    def _told(self, packet: bytes, seen: Packet, mtu: int) -> bytes:
        kind, code, most = (3, 4, 548) if seen.version == 4 else (2, 0, 1232)
        router = self.router if seen.version == 4 else "2001:db8:ffff::1"
        return build_icmp(router, seen.source, kind, code, rest=self.ptb_mtu or mtu, body=packet[:most])


@dataclass
class Drop(Element):
    """Drops what a rule names; the rule gets the packet, its bytes, the way and the time."""

    rule: Callable[[Packet, bytes, Way, float], bool]

    def carry(self, packet: bytes, way: Way, now: float) -> list[Passed]:
        seen = known(packet)
        return [] if self.rule(seen, packet, way, now) else [(packet, 0.0, False)]


@dataclass
class Change(Element):
    """Changes packets: the rule returns what leaves."""

    rule: Callable[[Packet, bytes, Way, float], Sequence[bytes]]

    def carry(self, packet: bytes, way: Way, now: float) -> list[Passed]:
        seen = known(packet)
        return [(each, 0.0, False) for each in self.rule(seen, packet, way, now)]


def known(data: bytes) -> Packet:
    """The headers of a packet, which is one."""
    packet = read_packet(data)
    if packet is None:
        raise ValueError("no IP packet")
    return packet


# Rules.


def no_icmp(packet: Packet, data: bytes, way: Way, now: float) -> bool:
    """ICMP, PTBs among it."""
    del data, way, now
    return packet.protocol in (ICMP, 58)


def clamp(size: int, *, way: Way | None = None) -> Change:
    """Rewrites the MSS of SYNs, in one direction or both."""

    def rule(seen: Packet, data: bytes, each: Way, now: float) -> Sequence[bytes]:
        del now
        if seen.protocol != TCP or not seen.flags & 2 or way not in (None, each):
            return [data]
        at = seen.transport_at + 20
        out = bytearray(data)
        if out[at : at + 2] == b"\x02\x04" and int.from_bytes(out[at + 2 : at + 4]) > size:
            out[at + 2 : at + 4] = size.to_bytes(2)
        return [with_sums(bytes(out))]

    return Change(rule)


def nat(inside: str, outside: str, ports: int) -> Change:
    """Source NAT of the client's address; its ports are moved by `ports`. PTBs are translated back, quotes included."""

    def rule(seen: Packet, data: bytes, way: Way, now: float) -> Sequence[bytes]:
        del now
        if way == "to_server":
            if seen.is_ptb:
                quoted = known(data[28:])
                quote = readdressed(data[28:], quoted, target=(outside, ports), whole=False)
                return [build_icmp(seen.source, seen.destination, 3, 4, rest=int.from_bytes(data[24:28]), body=quote)]
            if seen.source != inside:
                return [data]
            return [readdressed(data, seen, source=(outside, ports))]
        if seen.destination != outside:
            return [data]
        if seen.is_ptb:
            quoted = known(data[28:])
            quote = data[28:]
            if quoted.source == outside:
                quote = readdressed(quote, quoted, source=(inside, -ports), whole=False)
            elif quoted.destination == outside:
                quote = readdressed(quote, quoted, target=(inside, -ports), whole=False)
            rest = int.from_bytes(data[24:28])
            return [build_icmp(seen.source, inside, 3, 4, rest=rest, body=quote)]
        return [readdressed(data, seen, target=(inside, -ports))]

    return Change(rule)


def renumbered(by_client: int, by_server: int = 0) -> Change:
    """A firewall that puts in initial sequence numbers of its own; SACK blocks are moved as well."""

    def rule(seen: Packet, data: bytes, way: Way, now: float) -> Sequence[bytes]:
        del now
        if seen.is_ptb:
            at = 28 if seen.version == 4 else 48
            quoted = known(data[at:])
            if quoted.protocol != TCP:
                return [data]
            # It quotes what left the firewall the other way: the numbers there are put back.
            moved = -by_server if way == "to_server" else -by_client
            body = bytearray(data[at:])
            place = quoted.transport_at + 4
            body[place : place + 4] = ((int.from_bytes(body[place : place + 4]) + moved) & WORD).to_bytes(4)
            kind, code = (3, 4) if seen.version == 4 else (2, 0)
            rest = int.from_bytes(data[at - 4 : at])
            return [build_icmp(seen.source, seen.destination, kind, code, rest=rest, body=bytes(body))]
        if seen.protocol != TCP or seen.fragment:
            return [data]
        seq, ack = (by_client, -by_server) if way == "to_server" else (by_server, -by_client)
        out = bytearray(data)
        at = seen.transport_at

        def move(place: int, by: int) -> None:
            out[place : place + 4] = ((int.from_bytes(out[place : place + 4]) + by) & WORD).to_bytes(4)

        move(at + 4, seq)
        if seen.flags & ACK:
            move(at + 8, ack)
        options = data[at + 20 : at + (data[at + 12] >> 4) * 4]
        sack = options.find(b"\x01\x01\x05")
        if sack >= 0 and not seen.flags & SYN:
            for place in range(sack + 4, sack + 2 + options[sack + 3], 4):
                move(at + 20 + place, ack)
        return [with_sums(bytes(out))]

    return Change(rule)


def without_df(seen: Packet, data: bytes, way: Way, now: float) -> Sequence[bytes]:
    """Clears DF."""
    del way, now
    return [data if seen.version == 6 else with_sums(data[:6] + b"\0\0" + data[8:])]


def damaged(seen: Packet, data: bytes) -> bytes:
    """With a payload that the checksum does not fit."""
    del seen
    return data[:-9] + bytes([data[-9] ^ 0x40]) + data[-8:]


def readdressed(
    data: bytes,
    seen: Packet,
    *,
    source: tuple[str, int] | None = None,
    target: tuple[str, int] | None = None,
    whole: bool = True,
) -> bytes:
    """The IPv4 packet with another address, and its port moved."""
    out = bytearray(data)
    for change, at, port in ((source, 12, 0), (target, 16, 2)):
        if change is None:
            continue
        out[at : at + 4] = bytes(int(part) for part in change[0].split("."))
        if seen.protocol == TCP:
            place = seen.transport_at + port
            out[place : place + 2] = (int.from_bytes(out[place : place + 2]) + change[1]).to_bytes(2)
    return with_sums(bytes(out)) if whole else bytes(out)


def aged(data: bytes) -> bytes:
    """The packet behind one more router."""
    out = bytearray(data)
    out[8 if data[0] >> 4 == 4 else 7] -= 1
    return with_ip_sum(bytes(out))


def with_ip_sum(data: bytes) -> bytes:
    """The packet with the right checksum of its IP header."""
    if data[0] >> 4 != 4:
        return data
    head = data[:10] + b"\0\0" + data[12:20]
    return head[:10] + checksum(head).to_bytes(2) + head[12:] + data[20:]


def with_sums(data: bytes) -> bytes:
    """The packet with the right checksums of IP and TCP."""
    seen = known(data)
    if seen.protocol == TCP and not seen.fragment:
        at = seen.transport_at
        segment = data[at : at + 16] + b"\0\0" + data[at + 18 :]
        ends = data[12:20] if seen.version == 4 else data[8:40]
        counted = (
            struct.pack("!BBH", 0, TCP, len(segment))
            if seen.version == 4
            else struct.pack("!IHBB", len(segment), 0, 0, TCP)
        )
        total = checksum(ends + counted + segment)
        data = data[:at] + segment[:16] + total.to_bytes(2) + segment[18:]
    return with_ip_sum(data)


def fragments(data: bytes, mtu: int) -> list[bytes]:
    """The IPv4 packet in fragments."""
    room = (mtu - 20) // 8 * 8
    body = data[20:]
    out = []
    for at in range(0, len(body), room):
        piece = body[at : at + room]
        more = 0x2000 if at + room < len(body) else 0
        head = data[:2] + (20 + len(piece)).to_bytes(2) + data[4:6] + (more | at // 8).to_bytes(2) + data[8:20]
        out.append(with_ip_sum(head + piece))
    return out


def in_vxlan(packet: bytes, number: int) -> bytes:
    """The outer packet of an underlay around the inner one."""
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    inner = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + kind + packet
    body = struct.pack("!HHHHII", 40000 + number % 999, 4789, 16 + len(inner), 0, 0x08000000, 42 << 8) + inner
    return build_ip("10.99.0.1", "10.99.0.2", 17, body, df=False, identification=number % 65535 + 1)
