"""No verdict hangs on names, addresses, ports, times, sequence numbers or the very sizes of the captures.

Every capture is rewritten packet by packet, quotes in ICMP errors included, and must be judged as before.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import analyzer
from analyzer.settings import Settings
from tests.builders import (
    ACK,
    ICMP,
    ICMPV6,
    SECOND,
    SYN,
    TCP,
    Packet,
    internet_checksum,
    packets_of,
    pcap_record,
    pcap_records,
)
from tests.reading import CAPTURES

LINK = 14  # all captures are Ethernet
IP = (b"\x08\x00", b"\x86\xdd")
Bytes = bytes | bytearray


@dataclass
class Header:
    """Where the parts of an IP packet lie in a frame."""

    start: int
    version: int
    transport: int
    protocol: int

    @property
    def addresses(self) -> tuple[slice, slice]:
        if self.version == 4:
            return slice(self.start + 12, self.start + 16), slice(self.start + 16, self.start + 20)
        return slice(self.start + 8, self.start + 24), slice(self.start + 24, self.start + 40)


def header_at(frame: Bytes, start: int) -> Header | None:
    """The IP header at `start`; the captures hold no IPv6 extension headers before TCP."""
    if len(frame) < start + 20:
        return None
    if frame[start] >> 4 == 4:
        return Header(start, 4, start + (frame[start] & 15) * 4, frame[start + 9])
    if frame[start] >> 4 == 6 and len(frame) >= start + 40:
        return Header(start, 6, start + 40, frame[start + 6])
    return None


Endpoint = tuple[bytes, int]


@dataclass
class Rewriter:
    """What to change. Each end of a connection has its own shift of sequence numbers."""

    address: Callable[[bytes], bytes] = lambda old: old
    port: Callable[[int], int] = lambda old: old
    seconds: int = 0
    shift: dict[Endpoint, int] = field(default_factory=dict)
    stretch: int = 1
    """Every payload byte becomes this many; header sizes stay."""
    options: int = 12
    """Bytes of TCP options in every data segment of the capture."""
    starts: dict[Endpoint, int] = field(default_factory=dict)
    fins: dict[Endpoint, int] = field(default_factory=dict)

    def capture(self, data: bytes) -> bytes:
        """The capture with every packet rewritten."""
        packets = packets_of(data)
        for packet in packets:
            self._learn(packet.data)
        out = data[:24]
        for packet in packets:
            frame = bytearray(packet.data)
            grown = self._packet(frame, LINK) if bytes(frame[12:14]) in IP else 0
            rewritten = Packet(packet.ts + self.seconds * SECOND, bytes(frame), packet.wire_len + grown)
            out += pcap_record(rewritten, nano=False)
        return out

    # Sequence numbers.

    def _learn(self, frame: bytes) -> None:
        """Note where each direction's numbers start and end."""
        ip = header_at(frame, LINK) if frame[12:14] in IP else None
        if ip is None or ip.protocol != TCP:
            return
        end, peer = self._ends(frame, ip)
        seq, ack = struct.unpack(">II", frame[ip.transport + 4 : ip.transport + 12])
        flags = frame[ip.transport + 13]
        self.starts.setdefault(end, (seq + bool(flags & SYN)) % 2**32)
        if flags & ACK:
            self.starts.setdefault(peer, ack)
        if flags & 1:
            self.fins[end] = (seq + self._payload(frame, ip)) % 2**32

    def _ends(self, frame: Bytes, ip: Header) -> tuple[Endpoint, Endpoint]:
        src, dst = (bytes(frame[part]) for part in ip.addresses)
        sport, dport = struct.unpack(">HH", frame[ip.transport : ip.transport + 4])
        return (src, sport), (dst, dport)

    def _number(self, end: Endpoint, old: int) -> int:
        """The new sequence number of the direction that `end` sends."""
        start = self.starts.get(end)
        if start is None:
            return old
        distance = (old - start + 2**31) % 2**32 - 2**31
        fin = self.fins.get(end)
        behind_fin = fin is not None and (old - fin + 2**31) % 2**32 - 2**31 > 0
        if distance > 0:
            distance = (distance - behind_fin) * self.stretch + behind_fin
        return (start + distance + self.shift.get(end, 0)) % 2**32

    # Sizes.

    def _payload(self, frame: Bytes, ip: Header) -> int:
        total = int.from_bytes(frame[ip.start + 2 : ip.start + 4])
        if ip.version == 6:
            total = 40 + int.from_bytes(frame[ip.start + 4 : ip.start + 6])
        return total - (ip.transport - ip.start) - (frame[ip.transport + 12] >> 4) * 4

    def size(self, old: int, headers: int) -> int:
        """The new size of something that holds `headers` bytes besides payload."""
        return (old - headers) * self.stretch + headers if old > headers else old

    def _packet(self, frame: bytearray, start: int, *, quoted: bool = False) -> int:
        """Rewrite the IP packet at `start`; returns by how much it grew on the wire."""
        ip = header_at(frame, start)
        if ip is None:
            return 0
        right = ip.protocol in (ICMP, ICMPV6) and self._icmp_checksum(frame, ip) == 0
        grown = 0
        if ip.protocol == TCP and len(frame) >= ip.transport + 8:
            grown = self._tcp(frame, ip, quoted)
        elif ip.protocol in (ICMP, ICMPV6) and not quoted and len(frame) > ip.transport:
            kind = frame[ip.transport]
            if kind in ((3, 11) if ip.version == 4 else (1, 2, 3)):
                self._error(frame, ip)
        for part in ip.addresses:
            frame[part] = self.address(bytes(frame[part]))
        if right:
            place = ip.transport + 2
            frame[place : place + 2] = b"\0\0"
            frame[place : place + 2] = self._icmp_checksum(frame, ip).to_bytes(2)
        return grown

    def _tcp(self, frame: bytearray, ip: Header, quoted: bool) -> int:
        o = ip.transport
        end, peer = self._ends(frame, ip)
        seq = int.from_bytes(frame[o + 4 : o + 8])
        headers = o - ip.start + (20 + self.options if quoted else (frame[o + 12] >> 4) * 4)
        at = ip.start + (2 if ip.version == 4 else 4)
        fixed = 0 if ip.version == 4 else 40  # IPv6's length does not count its own header
        old = int.from_bytes(frame[at : at + 2]) + fixed
        new = self.size(old, headers)
        frame[at : at + 2] = (new - fixed).to_bytes(2)
        frame[o : o + 4] = struct.pack(">HH", self.port(end[1]), self.port(peer[1]))
        frame[o + 4 : o + 8] = self._number(end, seq).to_bytes(4)
        if len(frame) >= o + 14 and frame[o + 13] & ACK:
            ack = int.from_bytes(frame[o + 8 : o + 12])
            frame[o + 8 : o + 12] = self._number(peer, ack).to_bytes(4)
        if not quoted:
            self._options(frame, o + 20, min(len(frame), o + (frame[o + 12] >> 4) * 4), peer)
        return new - old

    def _options(self, frame: bytearray, o: int, end: int, peer: Endpoint) -> None:
        while o + 1 < end and frame[o]:
            if frame[o] == 1:
                o += 1
                continue
            length = frame[o + 1]
            if frame[o] == 2:
                size = int.from_bytes(frame[o + 2 : o + 4])
                frame[o + 2 : o + 4] = self.size(size, self.options).to_bytes(2)
            elif frame[o] == 5:
                for edge in range(o + 2, min(o + length, end - 3), 4):
                    number = int.from_bytes(frame[edge : edge + 4])
                    frame[edge : edge + 4] = self._number(peer, number).to_bytes(4)
            o += max(length, 2)

    def _error(self, frame: bytearray, ip: Header) -> None:
        o = ip.transport
        if (ip.version, frame[o], frame[o + 1]) in ((4, 3, 4), (6, 2, 0)):
            place = slice(o + 6, o + 8) if ip.version == 4 else slice(o + 4, o + 8)
            headers = (40 if ip.version == 4 else 60) + self.options
            mtu = self.size(int.from_bytes(frame[place]), headers)
            frame[place] = mtu.to_bytes(place.stop - place.start)
        self._packet(frame, o + 8, quoted=True)

    def _icmp_checksum(self, frame: bytearray, ip: Header) -> int:
        """The checksum over message and checksum field: 0 if that is right; 1 if not all was captured."""
        if ip.version == 4:
            length = int.from_bytes(frame[ip.start + 2 : ip.start + 4]) - (ip.transport - ip.start)
            pseudo = b""
        else:
            length = int.from_bytes(frame[ip.start + 4 : ip.start + 6])
            pseudo = bytes(frame[ip.start + 8 : ip.start + 40]) + length.to_bytes(4) + bytes([0, 0, 0, ICMPV6])
        if len(frame) < ip.transport + length:
            return 1
        return internet_checksum(pseudo + bytes(frame[ip.transport : ip.transport + length]))


Judgement = tuple[int, str, str, str | None, int, list[str | None]]


def judged(analysis: analyzer.Analysis) -> list[Judgement]:
    """What must not change, flow by flow."""
    return [
        (
            flow.stream,
            flow.verdict,
            flow.confidence,
            flow.direction,
            flow.stalled.retransmissions if flow.stalled else 0,
            [ptb.reason for ptb in flow.ptb],
        )
        for flow in analysis.all_flows
    ]


def analysed(tmp_path: Path, data: bytes, settings: Settings | None = None) -> analyzer.Analysis:
    path = tmp_path / "nameless"
    path.write_bytes(data)
    return analyzer.analyze(path, settings=settings, compiled=False)


def ends_of(data: bytes) -> Rewriter:
    """A rewriter that knows every direction of the capture."""
    rewriter = Rewriter()
    rewriter.capture(data)
    return rewriter


def mirrored(old: bytes) -> bytes:
    """Another address; of two addresses the lower becomes the higher."""
    number = int.from_bytes(old)
    if len(old) == 4:
        return (0xE0000000 - 1 - (number & 0x1FFFFFFF)).to_bytes(4)
    return ((0x20010DB8 << 96) | (~number & (2**96 - 1))).to_bytes(16)


captures = pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)


@captures
def test_a_rewriter_that_changes_nothing_changes_nothing(path: Path) -> None:
    assert Rewriter().capture(path.read_bytes()) == path.read_bytes()


@captures
def test_names_addresses_ports_and_times_do_not_matter(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    before = analyzer.analyze(path)
    rewritten = Rewriter(address=mirrored, port=lambda port: port ^ 0x5A5A, seconds=300_000_007).capture(data)
    after = analysed(tmp_path, rewritten)
    assert judged(after) == judged(before)
    assert [flow.path_mtu for flow in after.all_flows] == [flow.path_mtu for flow in before.all_flows]
    for new, old in zip(after.all_flows, before.all_flows, strict=True):
        assert new.client.port == old.client.port ^ 0x5A5A
        assert new.client.ip != old.client.ip
        swapped = (new.client.ip, new.server.ip)
        order = [ipaddress.ip_address(ip) for ip in swapped]
        was = [ipaddress.ip_address(ip) for ip in (old.client.ip, old.server.ip)]
        assert (order[0] < order[1]) != (was[0] < was[1])  # type: ignore[operator]  # both of one version


@pytest.mark.sampled(3)
@captures
@pytest.mark.parametrize("start", [2**32 - 700, 2**32 - 1, 2**31 - 700])
def test_sequence_numbers_do_not_matter(path: Path, tmp_path: Path, start: int) -> None:
    """Numbers that wrap amid the data, at its first byte, or cross the sign bit."""
    data = path.read_bytes()
    known = ends_of(data)
    shift = {end: start - first for end, first in known.starts.items()}
    before, after = analyzer.analyze(path), analysed(tmp_path, Rewriter(shift=shift).capture(data))
    assert judged(after) == judged(before)
    assert [flow.path_mtu for flow in after.all_flows] == [flow.path_mtu for flow in before.all_flows]


def has_fragments(data: bytes) -> bool:
    return any(record[28:30] == b"\x08\x00" and record[36] & 0x3F for record in pcap_records(data))


@captures
@pytest.mark.parametrize("stretch", [2, 3])
def test_sizes_do_not_matter(path: Path, tmp_path: Path, stretch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jumbo paths: every payload byte becomes two or three, and the limits of the path grow alike."""
    data = path.read_bytes()
    if has_fragments(data):
        pytest.skip("fragments cannot grow without a new offset")
    rewriter = Rewriter(stretch=stretch)
    # What counts as large enough to tell is the one absolute size there is.
    large = rewriter.size(Settings().exercised_bytes, 52)
    before = analyzer.analyze(path)
    after = analysed(tmp_path, rewriter.capture(data), Settings(exercised_bytes=large))
    assert judged(after) == judged(before)
    for new, old in zip(after.all_flows, before.all_flows, strict=True):
        headers = (40 if old.version == 4 else 60) + rewriter.options
        was, became = old.path_mtu, new.path_mtu
        for limit, grown in ((was.at_least, became.at_least), (was.exact, became.exact)):
            assert grown == (None if limit is None else rewriter.size(limit, headers))
        # One below the smallest that was lost, or what a router said.
        below = 0 if was.at_most == was.exact else 1
        assert became.at_most == (None if was.at_most is None else rewriter.size(was.at_most + below, headers) - below)
