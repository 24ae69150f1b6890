"""What is done to a recorded file afterwards, when a real recorder would have left the same file.

Stopping early, starting late, losing records, a mirror port that copies twice, a VLAN tag: each is
exactly what another recorder of the same packets would have written, so the truth stays known.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, replace
from typing import Protocol

from lab.capture_file import ETHERNET, CaptureFile, Record
from lab.headers import TCP, Packet


class Edit(Protocol):
    """One change to a recorded file."""

    def apply(self, capture: CaptureFile) -> CaptureFile: ...


@dataclass(frozen=True, slots=True)
class EndAfterRetransmissions:
    """The recorder is stopped right after the nth retransmission of the stalled segment."""

    count: int
    min_payload: int = 200

    def apply(self, capture: CaptureFile) -> CaptureFile:
        seen: dict[tuple[str, int, int], int] = {}
        for number, _, packet in capture.packets():
            if packet.payload_len >= self.min_payload:
                key = (packet.source, packet.source_port, packet.seq)
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == self.count + 1:
                    return capture.with_records(list(capture.records[:number]))
        raise ValueError(f"no segment is retransmitted {self.count} times")


@dataclass(frozen=True, slots=True)
class StartAtRetransmission:
    """The recorder is started only when the stalled segment has been sent `count` times."""

    count: int
    min_payload: int = 200

    def apply(self, capture: CaptureFile) -> CaptureFile:
        seen: dict[tuple[str, int, int], int] = {}
        for number, _, packet in capture.packets():
            if packet.payload_len >= self.min_payload:
                key = (packet.source, packet.source_port, packet.seq)
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == self.count + 1:
                    return capture.with_records(list(capture.records[number - 1 :]))
        raise ValueError(f"no segment is retransmitted {self.count} times")


@dataclass(frozen=True, slots=True)
class LoseRecords:
    """The recorder could not keep up: it lost this share of the records."""

    rate: float
    seed: int = 1

    def apply(self, capture: CaptureFile) -> CaptureFile:
        chance = random.Random(self.seed)
        return capture.with_records([r for r in capture.records if chance.random() >= self.rate])


@dataclass(frozen=True, slots=True)
class LoseStretch:
    """The recorder wrote nothing for a while, seconds after its first record."""

    since: float
    until: float

    def apply(self, capture: CaptureFile) -> CaptureFile:
        begins = capture.records[0].time_ns
        lost = range(begins + int(self.since * 1e9), begins + int(self.until * 1e9))
        return capture.with_records([r for r in capture.records if r.time_ns not in lost])


@dataclass(frozen=True, slots=True)
class ClockOff:
    """The clock of this host is wrong by so many seconds."""

    seconds: float

    def apply(self, capture: CaptureFile) -> CaptureFile:
        shift = int(self.seconds * 1e9)
        return capture.with_records([replace(r, time_ns=r.time_ns + shift) for r in capture.records])


@dataclass(frozen=True, slots=True)
class MirrorTwice:
    """A SPAN port that copies a packet as it enters and again as it leaves the switch."""

    delay_ns: int = 9_000

    def apply(self, capture: CaptureFile) -> CaptureFile:
        copies = [replace(r, time_ns=r.time_ns + self.delay_ns) for r in capture.records]
        both = sorted([*capture.records, *copies], key=lambda record: record.time_ns)
        return capture.with_records(both)


@dataclass(frozen=True, slots=True)
class VlanTag:
    """The same frames as a trunk port carries them."""

    vlan: int = 100

    def apply(self, capture: CaptureFile) -> CaptureFile:
        if capture.link_type != ETHERNET:
            raise ValueError("only Ethernet frames carry a VLAN tag")
        tag = b"\x81\x00" + self.vlan.to_bytes(2, "big")
        return capture.with_records(
            [
                Record(
                    r.time_ns,
                    r.wire_len + 4,
                    (r.data[:12] + tag + r.data[12:])[: capture.snap_length],
                )
                for r in capture.records
            ]
        )


@dataclass(frozen=True, slots=True)
class PppoeSession:
    """The same packets as a PPPoE access concentrator sees them (RFC 2516)."""

    session: int = 17

    def apply(self, capture: CaptureFile) -> CaptureFile:
        if capture.link_type != ETHERNET:
            raise ValueError("PPPoE runs over Ethernet")
        return capture.with_records([self._wrap(r, capture.snap_length) for r in capture.records])

    def _wrap(self, record: Record, snap_length: int) -> Record:
        ppp = {b"\x08\x00": b"\x00\x21", b"\x86\xdd": b"\x00\x57"}.get(record.data[12:14])
        if ppp is None:  # ARP does not travel over PPP
            return record
        header = struct.pack("!BBHH", 0x11, 0, self.session, record.wire_len - 14 + 2) + ppp
        data = record.data[:12] + b"\x88\x64" + header + record.data[14:]
        return Record(record.time_ns, record.wire_len + 8, data[:snap_length])


@dataclass(frozen=True, slots=True)
class DropPackets:
    """A capture filter or a tap in one direction: what `source` sent is missing."""

    source: str

    def apply(self, capture: CaptureFile) -> CaptureFile:
        hidden = {number for number, _, packet in capture.packets() if self._hides(packet)}
        return capture.with_records([r for number, r in enumerate(capture.records, start=1) if number not in hidden])

    def _hides(self, packet: Packet) -> bool:
        return packet.source == self.source


@dataclass(frozen=True, slots=True)
class EndAfterSeconds:
    """The recorder is stopped so many seconds after its first record."""

    seconds: float

    def apply(self, capture: CaptureFile) -> CaptureFile:
        end = capture.records[0].time_ns + int(self.seconds * 1e9)
        return capture.with_records([record for record in capture.records if record.time_ns <= end])


@dataclass(frozen=True, slots=True)
class EndAfterSegments:
    """The file ends with its nth TCP segment."""

    segments: int

    def apply(self, capture: CaptureFile) -> CaptureFile:
        numbers = [number for number, _, packet in capture.packets() if packet.protocol == TCP]
        if len(numbers) < self.segments:
            raise ValueError(f"there are only {len(numbers)} segments")
        return capture.with_records(list(capture.records[: numbers[self.segments - 1]]))
