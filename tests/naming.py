"""Messages that name hosts: answers of DNS, ClientHellos, name blocks of pcapng."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.builders import SERVER, ByteOrder, address, block, ipv4, tcp, udp

RESOLVER = "192.0.2.53"
A, CNAME, AAAA = 1, 5, 28

Rdata = str | bytes


def labels(name: str | Sequence[bytes]) -> bytes:
    parts = [part.encode("latin-1") for part in name.split(".")] if isinstance(name, str) else name
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def answer(asked: str | Sequence[bytes] | None, *records: bytes, flags: int = 0x8180) -> bytes:
    """A DNS message with these records in its answer."""
    question = b"" if asked is None else labels(asked) + struct.pack(">HH", A, 1)
    return struct.pack(">6H", 7, flags, asked is not None, len(records), 0, 0) + question + b"".join(records)


def a_record(owner: str, ip: str) -> bytes:
    return record(labels(owner), AAAA if ":" in ip else A, address(ip))


def cname(owner: str, target: str) -> bytes:
    return record(labels(owner), CNAME, labels(target))


def dns_packet(message: bytes, *, port: int = 53, client: str = "192.0.2.1") -> bytes:
    return ipv4(udp(message, sport=port, dport=40000), src=RESOLVER, dst=client, protocol=17)


def client_hello(name: bytes, *, before: bytes = b"", kind: int = 0) -> bytes:
    """A TLS record with a ClientHello that asks for the server `name`; `before`: extensions in front of that."""
    inside = bytes([kind]) + struct.pack(">H", len(name)) + name
    extension = struct.pack(">HHH", 0, len(inside) + 2, len(inside)) + inside
    extensions = before + extension
    body = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + b"\0\x04\x13\x01\x13\x02" + b"\x01\0"
    body += struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3) + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def hello_packet(name: bytes, *, server: str = SERVER, sport: int = 40000) -> bytes:
    return ipv4(tcp(client_hello(name), sport=sport, dport=443), dst=server)


def name_block(names: dict[str, Sequence[bytes]], order: ByteOrder = "little") -> bytes:
    """A name resolution block."""
    body = b""
    for ip, found in names.items():
        data = address(ip) + b"".join(name + b"\0" for name in found)
        body += (2 if ":" in ip else 1).to_bytes(2, order) + len(data).to_bytes(2, order) + data
        body += bytes(-len(data) % 4)
    return block(4, body + bytes(4), order)
