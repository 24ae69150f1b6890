"""Bulk transfers that run well: per flow a handshake and a request, then two full-size segments and one ACK in turn.

The flows take turns. What is captured is the sender's side: a segment is acknowledged five rounds after it was sent
(ten segments in flight, the initial window), and the transfers go on when the capture ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.forms import Form
from benchmarks.layout import (
    ACK,
    MSS,
    PSH,
    SYN,
    SYN_OPTIONS,
    TIMESTAMPS,
    Container,
    Numbers,
    Records,
    Shape,
    first_sequence,
    set_checksum,
    set_ends,
    set_ident,
    set_lengths,
    set_times,
)

REQUEST = 120
IN_FLIGHT = 5  # rounds
_CHUNK = 8 << 20  # bytes: few enough to stay near the processor, enough to make numpy's calls cheap
_ROUND_MICROS = 3  # 2 segments of 1500 bytes and an ACK: some 8 Gbit/s


@dataclass(frozen=True)
class Steady:
    """A capture of `packets` packets in `flows` flows; `chunks` makes its bytes behind the file header."""

    packets: int
    flows: int
    snap: int
    container: Container = "pcap"
    vxlan: bool = False
    form: Form | None = None
    round_trip: int = 1000  # microseconds between the packets of a handshake, at least

    def chunks(self) -> Iterator[memoryview]:
        """The records in order. Each piece is valid until the next one is asked for."""
        left = self.packets
        for records in self._opening():
            yield memoryview(records[:left].tobytes())
            left -= min(left, len(records))
        yield from self._rounds(left)

    @property
    def opening_micros(self) -> int:
        """How long the handshakes and requests last."""
        return 4 * self._step

    @property
    def _step(self) -> int:
        """Microseconds between the packets of a handshake."""
        return max(self.round_trip, self.flows)

    def _shape(self, options: int, payload: int) -> Shape:
        return Shape(options, payload, self.snap, self.container, self.vxlan, self.form)

    def _opening(self) -> list[Records]:
        """The handshakes and the requests: all SYNs first, then all answers to them, and so on."""
        flow = np.arange(self.flows, dtype=np.int64)
        mine, theirs = first_sequence(flow, client=True), first_sequence(flow, client=False)
        steps: tuple[tuple[int, int, bool, Numbers, Numbers | int, int], ...] = (
            (SYN_OPTIONS, SYN, True, mine, 0, 0),
            (SYN_OPTIONS, SYN | ACK, False, theirs, mine + 1, 0),
            (TIMESTAMPS, ACK, True, mine + 1, theirs + 1, 0),
            (TIMESTAMPS, ACK | PSH, True, mine + 1, theirs + 1, REQUEST),
        )
        made = []
        for number, (options, flags, client, seq, ack, payload) in enumerate(steps):
            shape = self._shape(options, payload)
            records = shape.empty(self.flows)
            set_ends(records, flow, client=client)
            set_lengths(shape, records, payload)
            set_times(records, number * self._step + flow)
            records["flags"], records["seq"], records["ack"] = flags, seq & 0xFFFF_FFFF, ack & 0xFFFF_FFFF
            set_ident(records["ip"], number)
            records["tsval"] = 1000 + number
            records["tsecr"] = 1000 if number else 0
            set_checksum(records["ip"])
            made.append(records)
        return made

    def _rounds(self, packets: int) -> Iterator[memoryview]:
        segment, answer = self._shape(TIMESTAMPS, MSS), self._shape(TIMESTAMPS, 0)
        one = np.dtype([("first", segment.dtype), ("second", segment.dtype), ("ack", answer.dtype)])
        turns = max(IN_FLIGHT, _CHUNK // one.itemsize // self.flows)
        buffer: Records = np.zeros(turns * self.flows, one)
        flow = np.tile(np.arange(self.flows, dtype=np.int64), turns)
        turn = np.repeat(np.arange(turns, dtype=np.int64), self.flows)
        index = np.arange(len(buffer), dtype=np.int64)
        for name, shape in (("first", segment), ("second", segment), ("ack", answer)):
            buffer[name] = shape.empty(len(buffer))
            set_ends(buffer[name], flow, client=name == "ack")
            set_lengths(shape, buffer[name], MSS if shape is segment else 0)
            buffer[name]["flags"] = ACK
        theirs = first_sequence(flow, client=False)
        buffer["first"]["ack"] = buffer["second"]["ack"] = (
            first_sequence(flow, client=True) + 1 + REQUEST
        ) & 0xFFFF_FFFF
        buffer["ack"]["seq"] = buffer["first"]["ack"]
        bytes_of = buffer.data.cast("B")
        left, done = packets, 0
        while left > 0:
            self._advance(buffer, index + done * self.flows, turn + done, theirs)
            whole = 0
            if done == 0:
                for number in range(IN_FLIGHT * self.flows):
                    if left <= 0:
                        return
                    begin, segments = number * one.itemsize, min(left, 2)
                    yield bytes_of[begin : begin + segments * segment.dtype.itemsize]
                    left -= segments
                whole = IN_FLIGHT * self.flows
            rounds = min(left // 3, len(buffer) - whole)
            yield bytes_of[whole * one.itemsize : (whole + rounds) * one.itemsize]
            left -= rounds * 3
            done += turns
            if 0 < left < 3 and whole + rounds < len(buffer):
                begin = (whole + rounds) * one.itemsize
                yield bytes_of[begin : begin + left * segment.dtype.itemsize]
                return

    def _advance(self, buffer: Records, index: Numbers, turn: Numbers, theirs: Numbers) -> None:
        """Set what differs from round to round: times, sequence and acknowledgement numbers, ids."""
        micros = self.opening_micros + index * _ROUND_MICROS
        millis = 3000 + micros // 1000
        sent = theirs + 1 + turn * (2 * MSS)
        for number, name in enumerate(("first", "second", "ack")):
            records = buffer[name]
            set_times(records, micros + number)
            records["tsval"] = millis
            records["tsecr"] = millis
            set_ident(records["ip"], (turn * 2 + number if name != "ack" else turn) & 0xFFFF)
            if name == "ack":
                records["ack"] = (sent - (IN_FLIGHT - 1) * 2 * MSS) & 0xFFFF_FFFF
            else:
                records["seq"] = (sent + number * MSS) & 0xFFFF_FFFF
            set_checksum(records["ip"])
