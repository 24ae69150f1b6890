"""Captures of transfers of many shapes, to be drawn: a server sends, and something goes wrong or does not."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import analyzer
from analyzer.model.analysis import Analysis
from tests.builders import Packet, pcap, sack
from tests.talk import Talk

RTT = 40.0  # ms
MSS = 1460


@dataclass(frozen=True)
class Shape:
    """A transfer: flights of `flight` segments delivered, then one of which the large segments vanish."""

    flights: int = 0
    flight: int = 10
    timer: float = 200.0  # ms, doubles
    retransmissions: int = 7
    pause: float = 0.0  # ms before the flight that gets stuck
    small: bool = True  # its last segment is small, and is selectively acknowledged
    smaller: int = 0  # payload bytes with which the sender gets over it in the end; 0 never
    after: int = 0  # flights after that
    window: int = 502
    loses: bool = True


def packets_of(
    shape: Shape, *, start: int = 1_700_000_000_000_000_000, port: int = 40_000, ends: int = 10
) -> list[Packet]:
    """The packets at the server."""
    talk = Talk(start=start, ports=(port, 443), ends=(f"10.1.{ends % 250}.10", f"10.2.{ends % 250}.20"))
    out = talk.handshake(every=RTT / 2)
    ms, at = RTT + 5, 0
    out.append(talk.from_client(ms, bytes(200), upto=0))

    def flight(count: int, size: int) -> None:
        nonlocal ms, at
        for i in range(count):
            out.append(talk.data(ms + 0.3 * i, at + i * size, size, upto=200))
        ms, at = ms + RTT, at + count * size
        out.append(talk.ack(ms, at, window=shape.window))

    for size in (400, 400):
        flight(1, size)
    for _ in range(shape.flights):
        flight(shape.flight, MSS)
    if not shape.loses:
        return out
    ms += shape.pause
    since, stuck = ms, at
    for i in range(shape.flight):
        out.append(talk.data(ms + 0.3 * i, stuck + i * MSS, MSS, upto=200))
    end = stuck + shape.flight * MSS
    if shape.small:
        out.append(talk.data(ms + 0.3 * shape.flight, end, 300, upto=200))
        out.append(
            talk.ack(
                ms + RTT, stuck, window=shape.window, options=sack((5_000 + 0, 0)) and sack((1_001 + end, 1_301 + end))
            )
        )
    wait = shape.timer
    for _ in range(shape.retransmissions):
        ms, wait = ms + wait, 2 * wait
        out.append(talk.data(ms, stuck, MSS, upto=200))
    assert ms > since
    if shape.smaller:
        ms, at = ms + wait, stuck
        rest = end - stuck + (300 if shape.small else 0)
        flight(-(-rest // shape.smaller), shape.smaller)
        for _ in range(shape.after):
            flight(shape.flight, shape.smaller)
    return out


def analysed(packets: Iterable[Packet]) -> Analysis:
    """The analysis of some packets."""
    return analyzer.analyze(io.BytesIO(pcap(sorted(packets))))


SHAPES = {
    "first flight": Shape(),
    "half a minute": Shape(timer=250.0),
    "recovers": Shape(retransmissions=5, smaller=1200, after=4),
    "recovers into a long transfer": Shape(retransmissions=4, smaller=1400, after=300),
    "minutes, then a stall": Shape(flights=4000, flight=20),
    "an hour of silence, then a stall": Shape(flights=3, pause=3_600_000.0),
    "one segment only": Shape(flight=1, small=False, flights=2),
    "a large flight": Shape(flight=600, flights=2, window=20_000),
    "very many retransmissions": Shape(timer=1.0, retransmissions=16),
    "long timers": Shape(timer=3000.0, retransmissions=8),
    "healthy": Shape(flights=20, loses=False),
    "a small window": Shape(flights=6, flight=4, window=46),
}
