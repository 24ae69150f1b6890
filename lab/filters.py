"""Hazards that single out a flow by its ports, whatever size its packets have, and a path of several members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lab.hazards import Fate, Passage
from lab.headers import TCP, Packet, read_packet


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadFilter:
    """Of the flow of one server port every packet with payload is dropped, from the `first` on; bare ACKs pass."""

    port: int
    first: int = 1  # counted from 1, each transmission for itself

    def begin(self) -> Passage:
        count = 0

        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            nonlocal count
            seen = read_packet(packet)
            if seen is None or not seen.payload_len or self.port not in (seen.source_port, seen.destination_port):
                return [Fate(packet)]
            count += 1
            return [] if count >= self.first else [Fate(packet)]

        return passage


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowMember:
    """Of two parallel paths the one that odd ports of this end take drops silently what exceeds `mtu`."""

    mtu: int
    odd: Literal["client", "server"]
    servers: range = range(8000, 10000)  # ports of servers; all others belong to clients

    def takes(self, *, client_port: int, server_port: int) -> bool:
        """Whether this flow goes over the narrow member."""
        return (client_port if self.odd == "client" else server_port) % 2 == 1

    def begin(self) -> Passage:
        def passage(packet: bytes, now: float) -> Sequence[Fate]:
            seen = read_packet(packet)
            if seen is None or seen.protocol != TCP or seen.ip_len <= self.mtu:
                return [Fate(packet)]
            return [] if self.takes(**self._ports(seen)) else [Fate(packet)]

        return passage

    def _ports(self, seen: Packet) -> dict[str, int]:
        if seen.source_port in self.servers:
            return {"client_port": seen.destination_port, "server_port": seen.source_port}
        return {"client_port": seen.source_port, "server_port": seen.destination_port}
