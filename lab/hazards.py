"""What can befall a packet on the path: loss, delay, duplication, a narrow hop, a firewall.

Each hazard is a frozen row of settings; `begin` starts its state for one recording and returns a
function that is called with every packet and answers with what becomes of it. An empty list means
the packet is lost. Random choices come from a seeded generator.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lab import handmade
from lab.headers import ACK, ICMP, ICMPV6, RST, SYN, TCP, read_packet


@dataclass(frozen=True, slots=True)
class Fate:
    """A packet to pass on, after `delay` seconds more, or to send `back` to where it came from."""

    packet: bytes
    delay: float = 0.0
    back: bool = False


Passage = Callable[[bytes, float], Sequence[Fate]]  # (packet, seconds since the start) -> fates


class Hazard(Protocol):
    """The settings of one hazard."""

    def begin(self) -> Passage:
        """Start its state for one recording."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowHop:
    """A hop that drops every packet above `mtu`, from `since` on, and answers as `ptb` says.

    With `ptb="none"` it is a black hole by itself, as a switch with a smaller MTU is. `port`
    narrows only the flows of one server port, as one of several parallel paths does.
    """

    mtu: int
    ptb: handmade.Kind = "none"
    said_mtu: int | None = None
    since: float = 0.0
    until: float = float("inf")
    port: int | None = None
    limit: int | None = None  # answer only so many packets, as a rate limit does
    silent_first: int = 0  # so many answers are lost before one gets through
    answers_after: float = 0.0  # seconds by which its answers are late

    def begin(self) -> Passage:
        answered = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal answered
            seen = read_packet(packet)
            if seen is None or seen.ip_len <= self.mtu or not self.since <= now < self.until:
                return [Fate(packet)]
            if self.port is not None and self.port not in (seen.source_port, seen.destination_port):
                return [Fate(packet)]
            if self.ptb == "none" or (self.limit is not None and answered >= self.limit):
                return []
            answered += 1
            if answered <= self.silent_first:
                return []
            said = self.mtu if self.said_mtu is None else self.said_mtu
            return [Fate(handmade.packet_too_big(packet, said, self.ptb), delay=self.answers_after, back=True)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomLoss:
    """Each packet is lost with the same chance, whatever its size unless `above` says otherwise."""

    rate: float
    seed: int = 1
    above: int = 0

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            lost = chance.random() < self.rate and len(packet) > self.above
            return [] if lost else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstLoss:
    """Gilbert's two states: in the bad one everything is lost."""

    enter: float
    leave: float
    seed: int = 1

    def begin(self) -> Passage:
        chance, bad = random.Random(self.seed), False

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal bad
            bad = chance.random() >= self.leave if bad else chance.random() < self.enter
            return [] if bad else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseData:
    """The data packets numbered in `which` (from 1, each transmission counts) are lost."""

    which: frozenset[int]
    min_payload: int = 1

    def begin(self) -> Passage:
        count = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal count
            seen = read_packet(packet)
            if seen is None or seen.payload_len < self.min_payload:
                return [Fate(packet)]
            count += 1
            return [] if count in self.which else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Policer:
    """A token bucket that drops what exceeds the rate: no queue, no mercy."""

    bytes_per_second: float
    bucket: float

    def begin(self) -> Passage:
        tokens, then = self.bucket, 0.0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal tokens, then
            tokens = min(self.bucket, tokens + (now - then) * self.bytes_per_second)
            then = now
            if tokens < len(packet):
                return []
            tokens -= len(packet)
            return [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """A slow link with a queue of `queue` bytes; what does not fit is dropped at the tail."""

    bytes_per_second: float
    queue: float

    def begin(self) -> Passage:
        free_at = 0.0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal free_at
            begins = max(now, free_at)
            if (begins - now) * self.bytes_per_second > self.queue:
                return []
            free_at = begins + len(packet) / self.bytes_per_second
            return [Fate(packet, delay=free_at - now)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Reordering:
    """Some packets take a detour of `delay` seconds and are overtaken."""

    rate: float
    delay: float
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            return [Fate(packet, delay=self.delay if chance.random() < self.rate else 0.0)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplication:
    """Some packets arrive twice."""

    rate: float
    delay: float = 0.0005
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            twice = chance.random() < self.rate
            return [Fate(packet), Fate(packet, delay=self.delay)] if twice else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """Nothing passes from `since` to `until`."""

    since: float
    until: float = float("inf")

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            return [] if self.since <= now < self.until else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFilter:
    """A middlebox that dislikes one payload: drops it for ever, resets the connection, or tries to reset its sender."""

    marker: bytes
    action: Literal["drop", "reset", "poor_reset"] = "drop"

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            if self.marker not in packet:
                return [Fate(packet)]
            if self.action == "drop":
                return []
            if self.action == "poor_reset":
                return [Fate(handmade.reset(packet, towards_sender=True, outside=10_000_000), back=True)]
            return [
                Fate(handmade.reset(packet, towards_sender=True), back=True),
                Fate(handmade.reset(packet, towards_sender=False)),
            ]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentFilter:
    """A firewall that drops every IP fragment."""

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            return [] if seen is not None and seen.fragment else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LosePureAcks:
    """ACKs without data are lost."""

    rate: float
    since: float = 0.0
    until: float = float("inf")
    seed: int = 1

    def begin(self) -> Passage:
        chance = random.Random(self.seed)

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            pure = (
                seen is not None
                and seen.protocol == TCP
                and not seen.payload_len
                and seen.flags & (SYN | RST | ACK) == ACK
            )
            lost = pure and self.since <= now < self.until and chance.random() < self.rate
            return [] if lost else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseIcmp:
    """ICMP of every kind is dropped on the path itself."""

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            return [] if seen is not None and seen.protocol in (ICMP, ICMPV6) else [Fate(packet)]

        return passage
