"""Many UDP conversations: four of five ask a DNS server once, the fifth is a QUIC connection. Ten packets on average.

Every 100 microseconds five of them begin. DNS answers take 20 ms, a QUIC connection has 14 round trips of 50 ms, so
that nearly eight thousand are open at any moment. QUIC is as RFC 9000 17 has it: Initials of 1,200 bytes both ways,
then packets with short headers; what is encrypted is random.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.layout import IPV4_HEADER, SERVER_ADDRESS, Numbers, Records, client_ends, set_checksum, set_times

DNS_OF_ONE, QUIC_OF_ONE = 2, 42
PACKETS = 4 * DNS_OF_ONE + QUIC_OF_ONE  # of the five conversations that begin in one slot
CONVERSATIONS = 5
_HEADERS = 14 + 20 + 8
_HEAD = 54  # bytes of payload captured
_CHUNK = 4096  # slots
_SLOT_MICROS = 100
_DNS_WAIT, _ROUND = 200, 500  # slots
_SEED = 11

_QUERY_BYTES, _ANSWER_BYTES = _HEAD, 130
_INITIAL_BYTES, _DATA_BYTES, _ACK_BYTES = 1200, 1350, _HEAD

_QUESTION = (
    b"\x08resolver\x07example\x03com\0"
    + bytes.fromhex("0001 0001")
    + bytes.fromhex("00 0029 04d0 00000000 0005 000c0001 00")
)  # with EDNS, and padding (RFC 7830)

_RECORD = np.dtype(
    [
        ("seconds", "<u4"), ("micros", "<u4"), ("captured", "<u4"), ("wire", "<u4"),
        ("macs", "V12"), ("type", ">u2"), ("ip", IPV4_HEADER),
        ("sport", ">u2"), ("dport", ">u2"), ("length", ">u2"), ("sum", ">u2"),
        ("payload", "u1", _HEAD),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class _Step:
    """One packet of each conversation of a kind: when (slots after it began), from whom, what and how much."""

    which: int  # of the five: 0 to 3 DNS, 4 QUIC
    after: int
    client: bool
    payload: int
    first: bytes  # of the payload, in front of what is random


def _steps() -> tuple[_Step, ...]:
    steps = []
    for which in range(4):
        steps.append(_Step(which, 0, True, _QUERY_BYTES, bytes.fromhex("0120 0001 0000 0000 0001") + _QUESTION))
        steps.append(
            _Step(which, _DNS_WAIT, False, _ANSWER_BYTES, bytes.fromhex("8180 0001 0001 0000 0001") + _QUESTION)
        )
    initial = bytes.fromhex("c3 00000001 08")
    steps.append(_Step(4, 0, True, _INITIAL_BYTES, initial))
    steps += [_Step(4, _ROUND, False, _INITIAL_BYTES, initial), _Step(4, _ROUND, False, _DATA_BYTES, b"\x55")]
    steps += [_Step(4, _ROUND + 1, True, _INITIAL_BYTES, initial), _Step(4, _ROUND + 1, True, 300, b"\x47")]
    for turn in range(2, 14):
        steps += [_Step(4, turn * _ROUND, False, _DATA_BYTES, b"\x4a")] * 2
        steps.append(_Step(4, turn * _ROUND + 1, True, _ACK_BYTES, b"\x5c"))
    steps.append(_Step(4, 14 * _ROUND, False, 60, b"\x41"))
    return tuple(steps)


_STEPS = _steps()


@dataclass(frozen=True)
class Datagrams:
    """A capture in which so many times five conversations begin, each complete."""

    slots: int
    snap: int = _HEADERS + _HEAD

    @property
    def packets(self) -> int:
        """Packets of the whole capture."""
        return self.slots * PACKETS

    @property
    def flows(self) -> int:
        """Conversations."""
        return self.slots * CONVERSATIONS

    def chunks(self) -> Iterator[memoryview]:
        """The records in order. Each piece is valid until the next one is asked for."""
        last = max(step.after for step in _STEPS)
        slots = self.slots + last
        buffer = _empty(min(_CHUNK, slots))
        for first in range(0, slots, len(buffer)):
            slot = np.arange(first, min(first + len(buffer), slots), dtype=np.int64)
            part = buffer[: len(slot)]
            for number, step in enumerate(_STEPS):
                _set(part[:, number], step, number, slot)
            begun = slot[:, None] - np.array([step.after for step in _STEPS])
            yield memoryview(part[(begun >= 0) & (begun < self.slots)].tobytes())


def _empty(slots: int) -> Records:
    records: Records = np.zeros((slots, len(_STEPS)), _RECORD)
    records["captured"] = _HEADERS + _HEAD
    records["macs"] = np.void(bytes.fromhex("020000000202020000000101"))
    records["type"] = 0x0800
    ip = records["ip"]
    ip["version"], ip["ttl"], ip["protocol"] = 0x45, 64, 17
    random = np.random.PCG64(_SEED).random_raw(records.size * (_HEAD + 2) // 8 + 1).astype("<u8").view("u1")
    records["payload"] = random[: records.size * _HEAD].reshape(*records.shape, _HEAD)
    records["sum"] = random[-2 * records.size :].view(">u2").reshape(records.shape)
    for number, step in enumerate(_STEPS):
        column = records[:, number]
        start = 2 if step.which < 4 else 0
        column["payload"][:, start : start + len(step.first)] = np.frombuffer(step.first, "u1")
        if step.payload == _INITIAL_BYTES:  # no identifier of its own, no token, and the length of the rest
            column["payload"][:, 14:18] = np.frombuffer(bytes.fromhex("00 00 449e"), "u1")
        column["length"], column["wire"] = 8 + step.payload, _HEADERS + step.payload
        column["ip"]["length"] = 28 + step.payload
        column["ip"]["fragment"] = 0x4000 if step.which == 4 else 0
    return records


def _set(records: Records, step: _Step, number: int, slot: Numbers) -> None:
    flow = (slot - step.after) * CONVERSATIONS + step.which
    address, port = client_ends(flow)
    service = 443 if step.which == 4 else 53
    ip = records["ip"]
    here, there = ("source", "target") if step.client else ("target", "source")
    near, far = ("sport", "dport") if step.client else ("dport", "sport")
    ip[here], ip[there] = address, SERVER_ADDRESS
    records[near], records[far] = port, service
    payload = records["payload"]
    if step.which < 4:  # the query's identifier
        payload[:, 0], payload[:, 1] = flow >> 8 & 0xFF, flow & 0xFF
    else:  # the client's choice of a connection identifier, or the server's
        start = 6 if payload[0, 0] & 0x80 else 1
        payload[:, start : start + 8] = (flow * 0x9E3779B97F4A7C1 + step.client).astype(">i8").view("u1").reshape(-1, 8)
    ip["id"] = flow * 5 + number & 0xFFFF
    set_times(records, slot * _SLOT_MICROS + number)
    set_checksum(ip)
