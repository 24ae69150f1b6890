"""Many short connections: handshake, a request, a reply of two segments, and both ends close. Ten packets a flow.

A new flow begins every 20 microseconds while those before it go on, so about two hundred are open at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.layout import (
    ACK,
    FIN,
    MSS,
    PSH,
    SYN,
    SYN_OPTIONS,
    TIMESTAMPS,
    Numbers,
    Records,
    Shape,
    Value,
    first_sequence,
    set_checksum,
    set_ends,
    set_lengths,
    set_numbers,
)

PACKETS = 10  # of one flow
_CHUNK = 8192  # slots
_SLOT_MICROS = 20  # in each slot one flow begins, and each of the other nine steps happens to an older one


def _request(flow: Value) -> Value:
    return 100 + flow * 37 % 400


def _rest(flow: Value) -> Value:
    """Bytes of the reply behind its first, full segment."""
    return 200 + flow * 101 % 1200


@dataclass(frozen=True)
class _Step:
    """One packet of each flow: when (slots after the SYN), from whom, and which bytes before it were sent."""

    after: int
    client: bool
    flags: int
    payload: int = 0  # 0: none, 1: the request, 2: the full segment, 3: the rest of the reply
    asked: bool = True  # the request was sent before
    replied: int = 0  # segments of the reply that were sent, or acknowledged, before
    closed: tuple[int, int] = (0, 0)  # whether the client, the server sent its FIN before


_STEPS = (
    _Step(0, True, SYN, asked=False),
    _Step(50, False, SYN | ACK, asked=False),
    _Step(51, True, ACK, asked=False),
    _Step(52, True, ACK | PSH, payload=1, asked=False),
    _Step(104, False, ACK, payload=2),
    _Step(105, False, ACK | PSH, payload=3, replied=1),
    _Step(155, True, ACK, replied=2),
    _Step(156, True, ACK | FIN, replied=2),
    _Step(206, False, ACK | FIN, replied=2, closed=(1, 0)),
    _Step(207, True, ACK, replied=2, closed=(1, 1)),
)


@dataclass(frozen=True)
class Short:
    """A capture of so many short connections, each complete."""

    flows: int
    snap: int = 96

    @property
    def packets(self) -> int:
        """Packets of the whole capture."""
        return self.flows * PACKETS

    def chunks(self) -> Iterator[memoryview]:
        """The records in order. Each piece is valid until the next one is asked for."""
        shapes = [
            Shape(SYN_OPTIONS if step.flags & SYN else TIMESTAMPS, (0, 100, MSS, 200)[step.payload], self.snap)
            for step in _STEPS
        ]
        one = np.dtype([(f"{number}", shape.dtype) for number, shape in enumerate(shapes)])
        slots = self.flows + _STEPS[-1].after
        buffer: Records = np.zeros(min(_CHUNK, slots), one)
        for number, shape in enumerate(shapes):
            buffer[f"{number}"] = shape.empty(len(buffer))
        for first in range(0, slots, len(buffer)):
            slot = np.arange(first, min(first + len(buffer), slots), dtype=np.int64)
            part = buffer[: len(slot)]
            for number, (step, shape) in enumerate(zip(_STEPS, shapes, strict=True)):
                _set(part[f"{number}"], shape, step, number, slot)
            if slot[0] >= _STEPS[-1].after and slot[-1] < self.flows:
                yield part.data.cast("B")
            else:
                yield memoryview(self._existing(part, slot))

    def _existing(self, part: Records, slot: Numbers) -> bytes:
        """At both ends of the capture, leave out the steps of flows that there are not."""
        pieces = []
        columns = [part[f"{number}"] for number in range(PACKETS)]
        for row, at in enumerate(slot):
            for column, step in zip(columns, _STEPS, strict=True):
                if 0 <= at - step.after < self.flows:
                    pieces.append(column[row].tobytes())
        return b"".join(pieces)


def _set(records: Records, shape: Shape, step: _Step, number: int, slot: Numbers) -> None:
    flow = slot - step.after
    request, rest = _request(flow), _rest(flow)
    by_client = 1 + (request if step.asked else 0) + step.closed[0]
    by_server = 1 + (0, MSS, MSS + rest)[step.replied] + step.closed[1]
    if step.flags == SYN:
        by_client = by_server = 0
    elif step.flags & SYN:
        by_server = 0
    mine, theirs = first_sequence(flow, client=True) + by_client, first_sequence(flow, client=False) + by_server
    set_ends(records, flow, client=step.client)
    set_lengths(shape, records, (0, request, MSS, rest)[step.payload])
    micros = slot * _SLOT_MICROS + number * 2
    numbers = (mine, theirs) if step.client else (theirs, mine)
    set_numbers(records, step.flags, numbers, micros, micros - _SLOT_MICROS * 50)
    records["ip"]["id"] = flow * 5 + number & 0xFFFF
    set_checksum(records["ip"])
