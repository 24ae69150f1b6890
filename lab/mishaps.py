"""Hazards of paths that are wide enough: sudden delay, damage, bad luck, bit errors, false warnings, spraying."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from lab import handmade
from lab.hazards import Fate, Passage
from lab.headers import ACK, SYN, TCP, read_packet


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayBetween:
    """From `since` to `until` everything takes `seconds` longer; nothing is lost."""

    since: float
    until: float
    seconds: float

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            return [Fate(packet, delay=self.seconds if self.since <= now < self.until else 0.0)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Some data segments arrive with a bit of their payload turned over: the receiver's checksum rejects them."""

    rate: float
    seed: int = 1
    above: int = 0  # only in packets of more bytes than this

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            spared = seen is None or not seen.payload_len or seen.ip_len <= self.above
            if spared or chance.random() >= self.rate:
                return [Fate(packet)]
            return [Fate(packet[:-1] + bytes([packet[-1] ^ 0x10]))]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LossyPort:
    """One of two parallel paths, taken by the flows of `port`, loses packets of any size."""

    port: int
    rate: float
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            mine = seen is not None and self.port in (seen.source_port, seen.destination_port)
            return [] if mine and chance.random() < self.rate else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sprayed:
    """Packets are spread over two paths at random; the one that takes this share passes `mtu` bytes only."""

    mtu: int
    share: float
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            narrow = chance.random() < self.share
            return [] if narrow and len(packet) > self.mtu else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseControl:
    """Segments with all of these flags are lost the first `times` times (SYN+ACK, FIN)."""

    flags: int
    times: int

    def begin(self) -> Passage:
        lost = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal lost
            seen = read_packet(packet)
            meant = seen is not None and seen.protocol == TCP and seen.flags & self.flags == self.flags
            if meant and lost < self.times:
                lost += 1
                return []
            return [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseMarked:
    """The packet with this payload is lost by mere chance, so many times; then it arrives as it is."""

    marker: bytes
    times: int

    def begin(self) -> Passage:
        lost = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal lost
            if self.marker in packet and lost < self.times:
                lost += 1
                return []
            return [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseWarning:
    """A router, or a forger, sends PTBs about large packets that it passes on all the same."""

    above: int
    said_mtu: int
    limit: int
    ptb: handmade.Kind = "plain"

    def begin(self) -> Passage:
        answered = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal answered
            if len(packet) <= self.above or answered >= self.limit:
                return [Fate(packet)]
            answered += 1
            return [Fate(packet), Fate(handmade.packet_too_big(packet, self.said_mtu, self.ptb), back=True)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class BitErrors:
    """Every bit is wrong with the same chance, and a packet with a wrong bit is lost: large ones more often."""

    rate: float
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            whole = (1.0 - self.rate) ** (8 * len(packet))
            return [Fate(packet)] if chance.random() < whole else []

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSyn:
    """The first SYN of every connection takes `seconds` longer than all that follows."""

    seconds: float = 0.3

    def begin(self) -> Passage:
        met: set[tuple[int, int]] = set()

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            if seen is None or seen.flags & (SYN | ACK) != SYN or (seen.source_port, seen.destination_port) in met:
                return [Fate(packet)]
            met.add((seen.source_port, seen.destination_port))
            return [Fate(packet, delay=self.seconds)]

        return passage
