"""What the tunnels of the user-space path put around a packet, and how they take it off again."""

from __future__ import annotations

import hashlib
import socket
import struct
from dataclasses import dataclass
from typing import Literal

_IP_MTU_DISCOVER, _PMTUDISC_DONT = 10, 0
_IPIP, _SIX_IN_FOUR, _GRE = 4, 41, 47
_WIREGUARD_PORT = 51820
_WIREGUARD = struct.Struct("<IIQ")  # type, receiver, counter
_TAG_LEN = 16
_GRE_HEADER = struct.Struct("!HH")  # flags and version, protocol

Kind = Literal["tunnel", "ipip", "gre"]


@dataclass(slots=True)
class Outer:
    """One end of a tunnel: its socket towards the other end. Outer packets may be fragmented."""

    kind: Kind
    socket: socket.socket
    counter: int = 0

    @classmethod
    def open(cls, kind: Kind, family: Literal[4, 6], here: str, there: str) -> Outer:
        """Opened in the namespace that this thread is in."""
        if kind == "tunnel":
            made, port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), _WIREGUARD_PORT
        else:
            plain = _IPIP if family == 4 else _SIX_IN_FOUR
            protocol = _GRE if kind == "gre" else plain
            made, port = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol), 0
        made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_DONT)
        made.bind((here, port))
        made.connect((there, port))
        return cls(kind, made)

    def send(self, packet: bytes) -> None:
        self.counter += 1
        self.socket.send(wrap(self.kind, packet, self.counter))

    def receive(self) -> bytes:
        """The next inner packet."""
        datagram = self.socket.recv(65535)
        if self.kind != "tunnel":  # raw sockets receive the outer IP header as well
            datagram = datagram[(datagram[0] & 15) * 4 :]
        return unwrap(self.kind, datagram)


def wrap(kind: Kind, packet: bytes, counter: int) -> bytes:
    """The payload of the outer packet; `counter` is the number of the packet in a `tunnel`."""
    if kind == "ipip":
        return packet
    if kind == "gre":
        return _GRE_HEADER.pack(0, 0x0800 if packet[0] >> 4 == 4 else 0x86DD) + packet
    # Laid out and sized like WireGuard's transport data; opaque, but no secret is kept.
    padded = len(packet) + -len(packet) % 16
    body = packet + bytes(padded - len(packet))
    sealed = bytes(a ^ b for a, b in zip(body, _keystream(counter, padded), strict=True))
    return _WIREGUARD.pack(4, 0x1234, counter) + sealed + _keystream(~counter & 0xFFFF, _TAG_LEN)


def unwrap(kind: Kind, payload: bytes) -> bytes:
    """The inverse of `wrap`."""
    if kind == "ipip":
        return payload
    if kind == "gre":
        return payload[_GRE_HEADER.size :]
    _, _, counter = _WIREGUARD.unpack_from(payload)
    sealed = payload[_WIREGUARD.size : -_TAG_LEN]
    body = bytes(a ^ b for a, b in zip(sealed, _keystream(counter, len(sealed)), strict=True))
    length = int.from_bytes(body[2:4], "big") if body[0] >> 4 == 4 else 40 + int.from_bytes(body[4:6], "big")
    return body[:length]


def _keystream(counter: int, length: int) -> bytes:
    return hashlib.shake_128(counter.to_bytes(8, "big")).digest(length)
