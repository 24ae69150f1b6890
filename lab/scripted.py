"""Scripted timelines: captures written by hand for stacks that cannot be recorded here.

What macOS, Windows and FreeBSD do in a black hole is known from their sources and documentation;
these files replay it packet by packet. They prove nothing about those systems and their names say
that they are scripted. Data flow from the server to the client, or from the client if `upload`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

from lab.capture_file import ETHERNET, CaptureFile, Record
from lab.headers import ACK, FIN, PSH, RST, SYN, TCP, build_icmp, build_ip, build_tcp
from lab.network import ADDRESSES
from lab.vocabulary import Group

_BEGINS_NS = 1_750_000_000 * 1_000_000_000
_SNAP_LENGTH = 128
_CLIENT_PORT, _SERVER_PORT = 50_000, 8080
_MAC = {"client": b"\x02\x00\x00\x00\x00\x0c", "server": b"\x02\x00\x00\x00\x00\x05"}
_HALF_RTT = 0.015

Side = Literal["client", "server"]


@dataclass(frozen=True, slots=True)
class Data:
    """`sender` sends the bytes from `offset` on, seconds after the beginning."""

    at: float
    offset: int
    length: int
    df: bool = True
    zero_ip_len: bool = False  # Windows records some super-segments with an IP length of zero


@dataclass(frozen=True, slots=True)
class Ack:
    """The receiver acknowledges everything before `offset`, and with SACK the given blocks."""

    at: float
    offset: int
    sack: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Ptb:
    """A router answers the segment at `offset` with a PTB."""

    at: float
    offset: int
    length: int
    mtu: int


@dataclass(frozen=True, slots=True)
class Ends:
    """The sender closes (FIN) or aborts (RST)."""

    at: float
    offset: int
    how: Literal["fin", "rst"]


Event = Data | Ack | Ptb | Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One connection: a handshake, a request of 180 bytes, and the events of the reply."""

    name: str
    shows: str
    path_mtu: int
    accept: tuple[str, ...]
    events: tuple[Event, ...]
    ptb: tuple[str, ...] = ()
    why: str = ""
    family: Literal[4, 6] = 4
    ttl: int = 64
    mss: int = 1460
    group: Group | None = None  # as of recorded scenarios

    def truth(self) -> dict[str, Any]:
        """Its entry in truth.json."""
        addresses = ADDRESSES[self.family]
        return {
            "scenario": self.name,
            "shows": self.shows,
            "vantage": "sender",
            "path_mtu": self.path_mtu,
            "sender": addresses.server,
            "receiver": addresses.client,
            "accept": list(self.accept),
            "ptb": list(self.ptb),
            "group": self.group,
            "scripted": True,
            **({"why": self.why} if self.why else {}),
        }

    def capture(self) -> CaptureFile:
        """The packets, as a recorder at the server would have written them."""
        writer = _Writer(self)
        writer.handshake()
        for event in self.events:
            writer.write(event)
        return CaptureFile(ETHERNET, _SNAP_LENGTH, tuple(writer.records))


FULL = 1460  # payload of full segments of these stacks
WHOLE = 3 * FULL + 300  # of a flight


def flight(at: float, full: int = FULL) -> tuple[Event, ...]:
    """Three full segments and a small one; the receiver's SACK shows that the small one arrived."""
    return (
        Data(at, 0, full),
        Data(at + 0.0001, full, full),
        Data(at + 0.0002, 2 * full, full),
        Data(at + 0.0003, 3 * full, 300),
        Ack(at + 0.03, 0, ((3 * full, 3 * full + 300),)),
    )


def whole(full: int, tail: int = 300) -> int:
    """The bytes of a flight."""
    return 3 * full + tail


def delivered(at: float, full: int) -> tuple[Event, ...]:
    """A flight that arrives."""
    return (*flight(at, full)[:4], Ack(at + 0.03, whole(full)))


def again(*times: float, length: int = FULL, df: bool = True) -> tuple[Event, ...]:
    """The first segment, again."""
    return tuple(Data(at, 0, length, df) for at in times)


def lost_head(full: int, times: tuple[float, ...]) -> tuple[Event, ...]:
    """Four full segments of which only the first is lost, at first and at `times` again."""
    return (
        *(Data(1.0 + n / 10_000, n * full, full) for n in range(4)),
        Ack(1.0301, 0, ((full, 4 * full),)),
        *again(*times, length=full),
    )


def recut(at: float, piece: int, end: int, total: int, df: bool = True) -> tuple[Event, ...]:
    """The bytes up to `end` in pieces of `piece`, each ACKed; then everything up to `total` is."""
    events: list[Event] = []
    for offset in range(0, end, piece):
        length = min(piece, end - offset)
        acked = offset + length
        events += [
            Data(at, offset, length, df),
            Ack(at + 0.03, total if acked == end else acked),
        ]
        at += 0.031
    return (*events, Ends(at, total, "fin"))


class _Writer:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.records: list[Record] = []
        addresses = ADDRESSES[script.family]
        self.address = {"client": addresses.client, "server": addresses.server}
        self.router = addresses.server_gateway
        self.begins = {"client": 1_000_000, "server": 9_000_000}
        self.identification = {"client": 100, "server": 7000}

    def handshake(self) -> None:
        """Three packets, then the request and its ACK; the events follow from one second on."""
        options = struct.pack("!BBH", 2, 4, self.script.mss) + b"\1\3\3\7\1\1\4\2"
        self._segment(0.0, "client", -1, SYN, options=options)
        self._segment(0.0001, "server", -1, SYN | ACK, options=options)
        self._segment(2 * _HALF_RTT, "client", 0, ACK)
        self._segment(0.9, "client", 0, PSH | ACK, payload=180)
        self._segment(0.9001, "server", 0, ACK, acknowledged=180)

    def write(self, event: Event) -> None:
        """One event of the reply."""
        if isinstance(event, Data):
            self._segment(
                event.at,
                "server",
                event.offset,
                PSH | ACK,
                payload=event.length,
                acknowledged=180,
                df=event.df,
                zero_ip_len=event.zero_ip_len,
            )
        elif isinstance(event, Ack):
            blocks = b"".join(
                struct.pack("!II", self._number("server", left), self._number("server", right))
                for left, right in event.sack
            )
            options = bytes((1, 1, 5, 2 + len(blocks))) + blocks if blocks else b""
            self._segment(event.at, "client", 180, ACK, acknowledged=event.offset, options=options)
        elif isinstance(event, Ptb):
            self._ptb(event)
        else:
            flags = (FIN if event.how == "fin" else RST) | ACK
            self._segment(event.at, "server", event.offset, flags, acknowledged=180)

    def _number(self, side: Side, offset: int) -> int:
        return (self.begins[side] + 1 + offset) & 0xFFFFFFFF

    def _segment(
        self,
        at: float,
        side: Side,
        offset: int,
        flags: int,
        *,
        payload: int = 0,
        acknowledged: int = 0,
        options: bytes = b"",
        df: bool = True,
        zero_ip_len: bool = False,
    ) -> None:
        other: Side = "server" if side == "client" else "client"
        ports = (_CLIENT_PORT, _SERVER_PORT) if side == "client" else (_SERVER_PORT, _CLIENT_PORT)
        segment = build_tcp(
            self.address[side],
            self.address[other],
            ports,
            seq=self._number(side, offset),
            ack=self._number(other, acknowledged) if flags & ACK else 0,
            flags=flags,
            options=options,
            payload=bytes(payload),
        )
        self.identification[side] += 1
        packet = build_ip(
            self.address[side],
            self.address[other],
            TCP,
            segment,
            ttl=self.script.ttl if side == "server" else 62,
            df=df,
            identification=self.identification[side],
        )
        if zero_ip_len:
            packet = packet[:2] + b"\0\0" + packet[4:]
        self._record(at, side, other, packet)

    def _ptb(self, event: Ptb) -> None:
        segment = build_tcp(
            self.address["server"],
            self.address["client"],
            (_SERVER_PORT, _CLIENT_PORT),
            seq=self._number("server", event.offset),
            ack=self._number("client", 180),
            flags=PSH | ACK,
            payload=bytes(event.length),
        )
        quoted = build_ip(self.address["server"], self.address["client"], TCP, segment, ttl=63)
        kind, code = (3, 4) if self.script.family == 4 else (2, 0)
        quote = quoted[:548]
        packet = build_icmp(self.router, self.address["server"], kind, code, rest=event.mtu, body=quote)
        self._record(event.at, "client", "server", packet)

    def _record(self, at: float, side: Side, other: Side, packet: bytes) -> None:
        kind = b"\x08\x00" if self.script.family == 4 else b"\x86\xdd"
        frame = _MAC[other] + _MAC[side] + kind + packet
        self.records.append(Record(_BEGINS_NS + round(at * 1e9), len(frame), frame[:_SNAP_LENGTH]))
