"""A capture of a few packets that does some of everything: the first call of compiled kernels is for it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from analyzer.capture.container import COUNT
from analyzer.capture.pcap import MAGIC_NANO, read_file_header
from analyzer.model.wire_sizes import ETHERNET_MSS

CLIENT, SERVER, ROUTER = bytes((192, 0, 2, 1)), bytes((198, 51, 100, 1)), bytes((192, 0, 2, 254))
SYN, ACK, PUSH = 0x02, 0x10, 0x18
OPTIONS = bytes.fromhex("020405b4 01030307 0402 0101")
"""Maximum segment size, window scale, selective acknowledgements."""
QUESTION = bytes.fromhex("0001 0100 0001 0000 0000 0000 0161 00 0010 0001")
DF, MORE = 0x4000, 0x2000


def trial_capture() -> tuple[Any, Any]:
    """The bytes of the capture, and the state of the walk through it at the first packet."""
    large = _tcp(1, PUSH, 3001, 301, size=ETHERNET_MSS)
    packets = [
        _tcp(0, SYN, 0, options=OPTIONS),
        _tcp(1, SYN | ACK, 0, options=OPTIONS),
        _tcp(0, ACK, 1, 1),
        _tcp(0, PUSH, 1, 1, size=300),
        _tcp(1, ACK, 1, 301),
        *(_tcp(1, ACK, 1 + 500 * i, 301, size=500) for i in range(6)),
        _tcp(0, ACK, 301, 3001),
        large,
        _tcp(1, PUSH, 4461, 301, size=200),
        _tcp(0, ACK, 301, 3001, options=bytes.fromhex("0101050a") + struct.pack(">II", 5461, 5661)),
        _ip(ROUTER, SERVER, 1, struct.pack(">BBHHH", 3, 4, 0, 0, 1400) + large[14:42]),
        *[large] * 4,
        _tcp(0, ACK, 301, 4661),
        _ip(CLIENT, SERVER, 17, bytes(8)),
        _ip(CLIENT, SERVER, 17, bytes(80), MORE),
        _ip(CLIENT, SERVER, 17, bytes(40), 10),
        _ip(CLIENT, SERVER, 17, bytes(30)),
        *[_ip(CLIENT, SERVER, 17, struct.pack(">HHHH", 40000, 53, 40, 1) + bytes(range(32)))] * 4,
        *_alone(),
        *_large_again(),
        *[_ip(CLIENT, SERVER, 17, struct.pack(">HHHH", 40001 + i, 53, 27, 1) + QUESTION) for i in range(2)],
    ]
    capture = struct.pack("<IHHiIII", MAGIC_NANO, 2, 4, 0, 0, 65535, 1)
    for number, packet in enumerate(packets):
        capture += struct.pack("<IIII", 1 + number // 2, number * 40_000_000, len(packet), len(packet)) + packet
    container = np.zeros(COUNT, np.int64)
    read_file_header(capture, container)  # type: ignore[arg-type]  # an array of integers does as a list of them
    return np.frombuffer(bytearray(capture), np.uint8), container


def _alone() -> list[bytes]:
    """Large packets of ESP with others between them, so that gaps double: of 200, 400 and 800 ms."""
    other = _ip(SERVER, CLIENT, 50, struct.pack(">II", 8, 1) + bytes(30))
    packets = []
    for number, between in enumerate((4, 9, 19, 0)):
        packets += [_ip(CLIENT, SERVER, 50, struct.pack(">II", 7, number) + bytes(1400)), *[other] * between]
    return packets


def _large_again() -> list[bytes]:
    """A large datagram, and the same again after more than are remembered."""
    others = [struct.pack(">HHHHI", 40002, 2049, 12, 1, number) for number in range(6)]
    large = struct.pack(">HHHH", 40002, 2049, 1408, 1) + bytes(range(200)) * 7
    return [_ip(CLIENT, SERVER, 17, each) for each in (large, *others, large)]


def _tcp(side: int, flags: int, seq: int, ack: int = 1, *, size: int = 0, options: bytes = b"") -> bytes:
    """A segment from the client (side 0) or the server, numbers relative to the first."""
    ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
    ports = (40000, 443) if side == 0 else (443, 40000)
    length = (20 + len(options)) // 4 << 4
    first = 1000 * (1 + side)
    header = struct.pack(">HHIIBBHHH", *ports, first + seq, 3000 - first + ack, length, flags, 500, 0, 0)
    return _ip(*ends, 6, header + options + bytes(size))


def _ip(src: bytes, dst: bytes, protocol: int, content: bytes, place: int = DF) -> bytes:
    """An Ethernet frame with an IPv4 packet."""
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), 7, place, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + header + src + dst + content
