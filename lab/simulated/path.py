"""Conversations over a path of elements, and the captures of its taps."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from lab.capture_file import ETHERNET, CaptureFile, Record, capture_bytes
from lab.headers import TCP, Packet, read_packet
from lab.simulated.elements import Element, Tap, Way, in_vxlan, known, with_sums
from lab.simulated.hosts import Host, Stack

EPOCH = 1_790_000_000


@dataclass(frozen=True)
class Talk:
    """One connection: who writes how many bytes when (seconds after the start): ("client", 0.1, 300)."""

    writes: tuple[tuple[str, float, int], ...]
    client: str = "192.0.2.10"
    server: str = "203.0.113.10"
    ports: tuple[int, int] = (40_001, 443)
    begins: float = 0.0
    client_stack: Stack = field(default_factory=Stack)
    server_stack: Stack = field(default_factory=Stack)


class Run:
    """Everything that happens in `seconds` on a path."""

    def __init__(
        self,
        elements: Sequence[Element],
        talks: Sequence[Talk],
        seconds: float,
        outside: Mapping[str, int] | None = None,
    ) -> None:
        self.elements = elements
        self.now = 0.0
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self.hosts: dict[tuple[str, int], Host] = {}
        for number, talk in enumerate(talks):
            self._begin(talk, number, dict(outside or {}))
        while self._due and self._due[0][0] <= seconds:
            self.now, _, act = heapq.heappop(self._due)
            act()

    def at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time, next(self._order), act))

    def _begin(self, talk: Talk, number: int, outside: dict[str, int]) -> None:
        client_end, server_end = (talk.client, talk.ports[0]), (talk.server, talk.ports[1])
        # A NAT shows the server another client: its address, and how far its ports are moved.
        shown, moved = next(iter(outside.items())) if outside else (talk.client, 0)

        def wait(delay: float, act: Callable[[], None]) -> None:
            self.at(self.now + delay, act)

        client = Host(
            *client_end, server_end, talk.client_stack, lambda p: self.enter(p, "to_server"), wait, lambda: self.now,
            isn=1_000_000 + number * 7_654_321, opens=True,
        )  # fmt: skip
        server = Host(
            *server_end, (shown, talk.ports[0] + moved), talk.server_stack, lambda p: self.enter(p, "to_client"), wait,
            lambda: self.now, isn=3_000_000_000 + number * 1_234_567, opens=False,
        )  # fmt: skip
        self.hosts[client_end] = client
        self.hosts[(talk.server, talk.ports[1] * 100_000 + talk.ports[0] + moved)] = server
        self.at(talk.begins, client.open)
        for who, time, count in talk.writes:
            writer = client if who == "client" else server
            self.at(talk.begins + time, partial(writer.write, count))

    def enter(self, packet: bytes, way: Way) -> None:
        place = 0 if way == "to_server" else len(self.elements) - 1
        self._travel(packet, way, place, self.now)

    def _travel(self, packet: bytes, way: Way, place: int, time: float) -> None:
        step = 1 if way == "to_server" else -1
        if not 0 <= place < len(self.elements):
            self.at(time, lambda: self._arrive(packet, way))
            return
        for out, delay, back in self.elements[place].carry(packet, way, time):
            if back:
                other: Way = "to_client" if way == "to_server" else "to_server"
                self.at(time + delay, partial(self._travel, out, other, place - step, time + delay))
            elif delay:
                self.at(time + delay, partial(self._travel, out, way, place + step, time + delay))
            else:
                self._travel(out, way, place + step, time)

    def _arrive(self, packet: bytes, way: Way) -> None:
        seen = known(packet)
        if seen.fragment:
            whole = self._whole(seen, packet)
            if whole is None:
                return
            packet = whole
            seen = known(packet)
        quoted = read_packet(packet[28 if seen.version == 4 else 48 :]) if seen.is_ptb else None
        if quoted is not None:
            ends = (quoted.source, quoted.source_port, quoted.destination_port)
        else:
            ends = (seen.destination, seen.destination_port, seen.source_port)
        # A server's end is known by the client's port as well: each connection has a host of its own there.
        key = ends[:2] if way == "to_client" else (ends[0], ends[1] * 100_000 + ends[2])
        host = self.hosts.get(key)
        if host is not None:
            host.take(packet)

    _pieces: dict[tuple[str, int], dict[int, bytes]]

    def _whole(self, seen: Packet, packet: bytes) -> bytes | None:
        if not hasattr(self, "_pieces"):
            self._pieces = {}
        offset = int.from_bytes(packet[6:8])
        pieces = self._pieces.setdefault((seen.source, seen.identification), {})
        pieces[offset & 0x1FFF] = packet
        body, at = b"", 0
        while at // 8 in pieces:
            piece = pieces[at // 8]
            body += piece[20:]
            at += len(piece) - 20
            if not int.from_bytes(piece[6:8]) & 0x2000:
                head = pieces[0][:2] + (20 + len(body)).to_bytes(2) + pieces[0][4:6] + b"\0\0" + pieces[0][8:20]
                return head + body
        return None


def taps_of(elements: Sequence[Element]) -> list[Tap]:
    """The capture points of a path, from the client to the server."""
    return [element for element in elements if isinstance(element, Tap)]


def capture_of(tap: Tap, *, missing: float = 0.0, seed: int = 0, snap: int = 0, offset: float | None = None) -> bytes:
    """What the tap's file holds, as a pcap file; `missing` is the share of packets that its host lost."""
    luck = random.Random(seed)
    off = tap.offset if offset is None else offset
    records = []
    stamp = 0
    for time, shown in shown_at(tap):
        if luck.random() < missing:
            continue
        kind = b"\x08\x00" if shown[0] >> 4 == 4 else b"\x86\xdd"
        frame = b"\x02\0\0\0\0\x11\x02\0\0\0\0\x12" + kind + shown
        stamp = max(int((EPOCH + time + off + tap.drift * time) * 1e6) * 1000, stamp + 1000)
        records.append(Record(stamp, len(frame), frame[:snap] if snap else frame))
    return capture_bytes(CaptureFile(ETHERNET, 262_144, tuple(records)))


def shown_at(tap: Tap) -> list[tuple[float, bytes]]:
    """What the tap's host captures, in order: (seconds after the start, IP packet)."""
    rows = sorted(tap.seen, key=lambda row: row[0])
    if tap.merges >= 0:
        rows = merged_rows(rows, tap.merges)
    return [(time, in_vxlan(data, number) if tap.inside else data) for number, (time, _, data) in enumerate(rows)]


def merged_rows(rows: list[tuple[float, Way, bytes]], within: float) -> list[tuple[float, Way, bytes]]:
    """Neighbouring segments of one direction and moment as one: what a host with segmentation offload shows."""
    out: list[tuple[float, Way, bytes]] = []
    last: dict[tuple[Way, int, int], tuple[int, Packet]] = {}
    for time, way, data in rows:
        seen = known(data)
        key = (way, seen.source_port, seen.destination_port)
        if seen.protocol == TCP and seen.payload_len and not seen.fragment:
            before = last.get(key)
            if before is not None and before[0] >= 0:
                place, packet = before
                then, _, whole = out[place]
                if (
                    time - then <= within
                    and (packet.seq + packet.payload_len) & 0xFFFFFFFF == seen.seq
                    and packet.ack == seen.ack
                    and packet.payload_len + seen.payload_len < 60_000
                ):
                    joined = whole + data[len(data) - seen.payload_len :]
                    at = 2 if seen.version == 4 else 4
                    length = len(joined) if seen.version == 4 else len(joined) - 40
                    joined = with_sums(joined[:at] + length.to_bytes(2) + joined[at + 2 :])
                    out[place] = (then, way, joined)
                    last[key] = (place, replace(packet, payload_len=packet.payload_len + seen.payload_len))
                    continue
            last[key] = (len(out), seen)
        elif seen.protocol == TCP:
            last[key] = (-1, seen)
        out.append((time, way, data))
    return out
