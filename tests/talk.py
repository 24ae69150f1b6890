"""One TCP connection packet by packet, where a test wants to set single fields or play with chance.

Conversations whose verdict matters are better written as timelines (`tests/scenarios/notation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from tests import builders
from tests.builders import ACK, CLIENT, SERVER, SYN, Packet, mss, tcp, window_scale

MS = 1_000_000
CLIENT_SIDE, SERVER_SIDE = 0, 1  # of two addresses the lower is side 0, unless a test gives others
IPV6_ENDS = ("2001:db8::10", "2001:db8::20")


@dataclass
class Talk:
    """Where the numbers start and what the packets have in common.

    `at` and `upto` count payload bytes of the sender and of its peer from 0; times are milliseconds since `start`.
    """

    client_base: int = 5_000
    server_base: int = 1_000
    ends: tuple[str, str] = (CLIENT, SERVER)
    ports: tuple[int, int] = (40_000, 80)
    start: int = 1_700_000_000_000_000_000
    counts_ids: bool = True  # else every packet has the identification 1

    def __post_init__(self) -> None:
        self._ident = count(1)

    def ip_packet(self, side: int, payload: bytes = b"", *, ip: dict[str, Any] | None = None, **fields: Any) -> bytes:
        """What one side sends; `fields` are those of the builder of TCP, `ip` has those of IP."""
        ports = {"sport": self.ports[side], "dport": self.ports[1 - side]}
        segment = tcp(payload, **{**ports, **fields})
        ident = next(self._ident) % 65536 if self.counts_ids else 1
        return builders.ip(segment, src=self.ends[side], dst=self.ends[1 - side], **{"ident": ident, **(ip or {})})

    def packet(
        self, side: int, ms: float, payload: bytes = b"", *, at: int = 0, upto: int = 0, **fields: Any
    ) -> Packet:
        bases = (self.client_base, self.server_base)
        numbers = {"seq": bases[side] + 1 + at, "ack": bases[1 - side] + 1 + upto}
        return Packet(self.start + round(ms * MS), self.ip_packet(side, payload, **{**numbers, **fields}))

    def from_client(self, ms: float, payload: bytes = b"", **fields: Any) -> Packet:
        return self.packet(CLIENT_SIDE, ms, payload, **fields)

    def from_server(self, ms: float, payload: bytes = b"", **fields: Any) -> Packet:
        return self.packet(SERVER_SIDE, ms, payload, **fields)

    def handshake(
        self,
        ms: float = 0,
        *,
        every: float = 10,
        client_mss: int | None = 1460,
        server_mss: int | None = 1460,
        shifts: tuple[int | None, int | None] = (7, 7),
    ) -> list[Packet]:
        """SYN, SYN/ACK and ACK, `every` so many milliseconds; what is None is not announced."""

        def options(size: int | None, shift: int | None) -> bytes:
            return (b"" if size is None else mss(size)) + (b"" if shift is None else window_scale(shift))

        return [
            self.from_client(ms, at=-1, flags=SYN, ack=0, options=options(client_mss, shifts[0])),
            self.from_server(ms + every, at=-1, flags=SYN | ACK, options=options(server_mss, shifts[1])),
            self.from_client(ms + 2 * every),
        ]

    def data(self, ms: float, at: int, size: int, **more: Any) -> Packet:
        return self.from_server(ms, bytes(size), at=at, **more)

    def ack(self, ms: float, upto: int, **more: Any) -> Packet:
        return self.from_client(ms, upto=upto, **more)
