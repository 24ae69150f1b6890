"""Connections between the same two hosts that all hang: a request, and an answer of full size that never arrives.

Captured at the server. Ten packets a flow: handshake, request and its ACK, then one segment five times, at 0, 0.3, 0.9,
2.1 and 4.5 seconds. Each step happens to all flows before the next one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.layout import (
    ACK,
    MSS,
    PSH,
    SERVER_PORT,
    SYN,
    SYN_OPTIONS,
    TIMESTAMPS,
    Numbers,
    Records,
    Shape,
    first_sequence,
    set_checksum,
    set_ends,
    set_lengths,
    set_numbers,
)

PACKETS = 10  # of one flow
_CHUNK = 8192  # flows
_REQUEST = 200
_PORTS = 40_000  # of the client; the next flows go to another port of the server
_STEP_MICROS = 100_000  # in which one step happens to all flows
_ROUND_TRIP_MICROS = 120_000
_FAR_TTL = 55


@dataclass(frozen=True)
class _Step:
    """One packet of each flow: when, from whom, and whether the request was sent before."""

    micros: int
    client: bool
    flags: int
    payload: int = 0
    asked: bool = False


_STEPS = (
    _Step(0, True, SYN),
    _Step(120_000, False, SYN | ACK),
    _Step(240_000, True, ACK),
    _Step(360_000, True, ACK | PSH, _REQUEST),
    _Step(480_000, False, ACK, asked=True),
    *(_Step(600_000 + wait, False, ACK, MSS, asked=True) for wait in (0, 300_000, 900_000, 2_100_000, 4_500_000)),
)


@dataclass(frozen=True)
class Hung:
    """A capture of so many hung connections."""

    flows: int
    snap: int = 96

    @property
    def packets(self) -> int:
        """Packets of the whole capture."""
        return self.flows * PACKETS

    def chunks(self) -> Iterator[memoryview]:
        """The records in order. Each piece is valid until the next one is asked for."""
        for number, step in enumerate(_STEPS):
            shape = Shape(SYN_OPTIONS if step.flags & SYN else TIMESTAMPS, step.payload, self.snap)
            for first in range(0, self.flows, _CHUNK):
                flow = np.arange(first, min(first + _CHUNK, self.flows), dtype=np.int64)
                records = shape.empty(len(flow))
                self._set(records, shape, step, number, flow)
                yield records.data.cast("B")

    def _set(self, records: Records, shape: Shape, step: _Step, number: int, flow: Numbers) -> None:
        set_ends(records, 0, client=step.client)
        mine, other = ("sport", "dport") if step.client else ("dport", "sport")
        records[mine], records[other] = 20_000 + flow % _PORTS, SERVER_PORT + flow // _PORTS
        by_client = first_sequence(flow, client=True) + (step.flags != SYN) + (_REQUEST if step.asked else 0)
        by_server = first_sequence(flow, client=False) + (not step.flags & SYN)
        set_lengths(shape, records, step.payload)
        numbers = (by_client, by_server) if step.client else (by_server, by_client)
        micros = step.micros + flow * _STEP_MICROS // self.flows
        set_numbers(records, step.flags, numbers, micros, step.micros - _ROUND_TRIP_MICROS)
        records["ip"]["id"] = flow * 11 + number & 0xFFFF
        records["ip"]["ttl"] = _FAR_TTL if step.client else 64
        set_checksum(records["ip"])
