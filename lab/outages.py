"""Hazards that begin at a moment of the connection, not of the clock: outages, and devices that forget a flow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lab import handmade
from lab.hazards import Fate, Passage
from lab.headers import TCP, read_packet


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageAtLarge:
    """From the first packet on that carries `min_payload` bytes, everything this way is lost for `seconds`."""

    min_payload: int = 1000
    seconds: float = float("inf")

    def begin(self) -> Passage:
        begun: float | None = None

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal begun
            seen = read_packet(packet)
            if begun is None and seen is not None and seen.payload_len >= self.min_payload:
                begun = now
            return [] if begun is not None and now < begun + self.seconds else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageAfterBytes:
    """When so many bytes of payload have passed, everything this way is lost for `seconds`."""

    payload: int
    seconds: float = float("inf")

    def begin(self) -> Passage:
        passed, begun = 0, float("inf")

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal passed, begun
            seen = read_packet(packet)
            if begun == float("inf") and passed >= self.payload:
                begun = now
            if begun <= now < begun + self.seconds:
                return []
            passed += 0 if seen is None else seen.payload_len
            return [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenFlow:
    """A stateful device forgets the flow of one server port at `since`: it drops its packets, or resets both ends."""

    port: int
    since: float
    action: Literal["drop", "reset"] = "drop"

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            if seen is None or seen.protocol != TCP or now < self.since:
                return [Fate(packet)]
            if self.port not in (seen.source_port, seen.destination_port):
                return [Fate(packet)]
            if self.action == "drop":
                return []
            return [
                Fate(handmade.reset(packet, towards_sender=True), back=True),
                Fate(handmade.reset(packet, towards_sender=False)),
            ]

        return passage
