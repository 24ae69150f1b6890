"""One connection packet by packet: the server sends data, the client acknowledges it.

`at` and `upto` count the server's payload bytes from 0; times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

from analyzer.flows import flow_tables as tables
from analyzer.flows.flow_tables import ways_of
from tests.builders import (
    ACK,
    CLIENT,
    RAW,
    SERVER,
    SYN,
    Packet,
    ipv4,
    ipv6,
    mss,
    pcap,
    tcp,
    window_scale,
)
from tests.reading import Skimmed, skim

CLIENT_SIDE, SERVER_SIDE = 0, 1  # the lower address is side 0
CLIENT_V6, SERVER_V6 = "2001:db8::10", "2001:db8::20"
MARKS = {
    name[5:].lower(): value
    for name, value in vars(tables).items()
    if name.startswith("MARK_") and name != "MARK_BAD_SUM"  # the packets made here have no checksums
}


@dataclass
class Talk:
    """Where the numbers start and what the packets have in common."""

    client_base: int = 5_000
    server_base: int = 1_000
    v6: bool = False
    client_port: int = 40_000

    def __post_init__(self) -> None:
        self._ident = count(1)

    def _packet(self, ms: float, segment: bytes, src: str, dst: str, ip: dict[str, Any]) -> Packet:
        ts = 1_700_000_000_000_000_000 + round(ms * 1_000_000)
        if self.v6:
            return Packet(ts, ipv6(segment, src=src, dst=dst, **ip))
        return Packet(ts, ipv4(segment, src=src, dst=dst, **{"ident": next(self._ident) % 65536, **ip}))

    def from_client(
        self,
        ms: float,
        payload: bytes = b"",
        *,
        at: int = 0,
        upto: int = 0,
        ip: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Packet:
        fields = {"flags": ACK, "seq": self.client_base + 1 + at, "ack": self.server_base + 1 + upto, **fields}
        segment = tcp(payload, sport=self.client_port, dport=80, **fields)
        return self._packet(ms, segment, CLIENT_V6 if self.v6 else CLIENT, SERVER_V6 if self.v6 else SERVER, ip or {})

    def from_server(
        self,
        ms: float,
        payload: bytes = b"",
        *,
        at: int = 0,
        upto: int = 0,
        ip: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Packet:
        fields = {"flags": ACK, "seq": self.server_base + 1 + at, "ack": self.client_base + 1 + upto, **fields}
        segment = tcp(payload, sport=80, dport=self.client_port, **fields)
        return self._packet(ms, segment, SERVER_V6 if self.v6 else SERVER, CLIENT_V6 if self.v6 else CLIENT, ip or {})

    def handshake(
        self,
        ms: float = 0,
        *,
        client_mss: int = 1460,
        server_mss: int = 1460,
        shifts: tuple[int | None, int | None] = (7, 7),
    ) -> list[Packet]:
        def options(size: int, shift: int | None) -> bytes:
            return mss(size) + (b"" if shift is None else window_scale(shift))

        return [
            self.from_client(ms, at=-1, flags=SYN, ack=0, options=options(client_mss, shifts[0])),
            self.from_server(ms + 10, at=-1, flags=SYN | ACK, options=options(server_mss, shifts[1])),
            self.from_client(ms + 20),
        ]

    def data(self, ms: float, at: int, size: int, **more: Any) -> Packet:
        return self.from_server(ms, bytes(size), at=at, **more)

    def ack(self, ms: float, upto: int, **more: Any) -> Packet:
        return self.from_client(ms, upto=upto, **more)


def run(*packets: Packet | list[Packet]) -> Skimmed:
    """Skim the packets as one capture."""
    flat: list[Packet] = []
    for each in packets:
        flat += [each] if isinstance(each, Packet) else each
    return skim(pcap(flat, link=RAW))


def marks(skimmed: Skimmed) -> list[set[str]]:
    """Names of each packet's marks; DF, which nearly all carry, is left out."""
    return [{name for name, bit in MARKS.items() if row["marks"] & bit} - {"df"} for row in skimmed.rows()]


def client(skimmed: Skimmed) -> Any:
    return ways_of(skimmed.state)[CLIENT_SIDE]


def server(skimmed: Skimmed) -> Any:
    return ways_of(skimmed.state)[SERVER_SIDE]
