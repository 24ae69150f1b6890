"""What stands for the payload of a UDP datagram in an evidence capture: enough to be judged alike, and nothing of it.

Headers that protocols write in clear stay: identifiers, flags and numbers, no names, users, keys or data. Behind them,
and for all else, a number stands for the bytes: the same for the same ones, and counted up from 1, so that it tells
nothing but whether two are equal.
"""

from __future__ import annotations

from collections.abc import Callable

from analyzer.flows.datagram_keys import DTLS_HANDSHAKE, DTLS_VERSIONS, QUIC_HEADER, is_quic
from analyzer.flows.datagram_protocols import (
    DNS_HEADER,
    DNS_OPT,
    IKE_HEADER,
    IKE_PORTS,
    NFS_PORT,
    RADIUS_HEADER,
    RADIUS_PORTS,
    RPC_CALL_HEADER,
    RPC_REPLY_HEADER,
)
from analyzer.flows.questions import DNS_PORT

NUMBER = 4
"""Bytes of the number."""

RADIUS_CLEAR = 4
"""Bytes; the authenticator behind code, identifier and length is made with a secret (RFC 2865 3)."""

IKE_PAYLOAD_HEADER = 8
"""Bytes behind the header of IKE: of a message that was cut, which part it is (RFC 7383 2.5)."""

NON_ESP = bytes(4)
"""What IKE has in front on port 4500 (RFC 3948 2.2)."""

ESP_HEADER = 8
"""Bytes: SPI and sequence number (RFC 4303 2), which WireGuard's kind and OpenVPN's packet number do not exceed."""

WIREGUARD_DATA, WIREGUARD_HEADER = b"\x04\0\0\0", 16
OPENVPN_PORT = 1194
OPENVPN_DATA = (0x30, 0x48)
DTLS_HEADER, DTLS_HANDSHAKE_HEADER = 13, 25
DTLS_KINDS = range(20, 27)
TFTP_PORT = 69
SIP_BEGINS = (b"INVITE s", b"REGISTER", b"OPTIONS ", b"SIP/")
OPT_RECORD = 11
"""Bytes of the OPT record without its data (RFC 6891 6.1.2)."""

LONGEST_LABEL = 63


class StandIns:
    """Numbers for payloads, of one evidence capture."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def of(self, payload: bytes, ports: frozenset[int]) -> bytes:
        """What stands for the captured payload of a datagram between these ports; not longer than it."""
        return next(made for kind in KINDS if (made := kind(self, payload, ports)) is not None)[: len(payload)]

    def number(self, content: bytes) -> int:
        """From 1: the same for the same bytes."""
        return self._numbers.setdefault(content, len(self._numbers) + 1)

    def marked(self, header: bytes, payload: bytes) -> bytes:
        """The header, and the number of the whole payload."""
        number = self.number(payload).to_bytes(NUMBER)
        room = max(len(payload) - len(header), 0)
        return header + (number if room >= NUMBER else number[NUMBER - room :])


def _dns(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if DNS_PORT not in ports or len(payload) < DNS_HEADER:
        return None
    header = payload[:DNS_HEADER]
    if payload[2] & 0x80:  # an answer
        return numbers.marked(header, payload)
    end = DNS_HEADER
    while end < len(payload) and payload[end]:
        end += 1 + payload[end]
    kind = payload[end + 1 : end + 5]
    if end >= len(payload) or len(kind) < 4:
        return numbers.marked(header, payload)
    record = payload[end + 5 : end + 5 + OPT_RECORD]
    edns = record if record[:3] == bytes([0, 0, DNS_OPT]) else b""
    return header + _name(numbers, payload[DNS_HEADER:end]) + kind + edns


def _name(numbers: StandIns, labels: bytes) -> bytes:
    """A name as long as these labels, but for very long ones; nothing else of it."""
    if len(labels) < 2:
        return labels[:1] and b"\0"
    length = min(len(labels) - 1, LONGEST_LABEL)
    return (
        bytes([length]) + str(numbers.number(b"name " + labels.lower())).rjust(length, "0")[-length:].encode() + b"\0"
    )


def _radius(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if not ports & RADIUS_PORTS or len(payload) < RADIUS_HEADER:
        return None
    return numbers.marked(payload[:RADIUS_CLEAR] + bytes(RADIUS_HEADER - RADIUS_CLEAR), payload)


def _nfs(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if NFS_PORT not in ports or len(payload) < RPC_REPLY_HEADER:
        return None
    call = not any(payload[4:RPC_REPLY_HEADER])
    return numbers.marked(payload[: RPC_CALL_HEADER if call else RPC_REPLY_HEADER], payload)


def _ike(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if not ports & IKE_PORTS or len(payload) < ESP_HEADER:
        return None
    skipped = len(NON_ESP) if payload.startswith(NON_ESP) else 0
    if len(payload) >= skipped + IKE_HEADER and payload[skipped + 17] == 0x20:
        return numbers.marked(payload[: skipped + IKE_HEADER + IKE_PAYLOAD_HEADER], payload)
    return numbers.marked(payload[:ESP_HEADER], payload)


def _tunnel(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if payload.startswith(WIREGUARD_DATA):
        return numbers.marked(payload[:WIREGUARD_HEADER], payload)
    if OPENVPN_PORT in ports and payload:
        data = payload[0] & 0xF8 in OPENVPN_DATA
        return numbers.marked(payload[: ESP_HEADER if data else 1], payload)
    return None


def _dtls(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if len(payload) < DTLS_HEADER or payload[0] not in DTLS_KINDS or payload[1] != DTLS_VERSIONS:
        return None
    return numbers.marked(payload[: DTLS_HANDSHAKE_HEADER if payload[0] == DTLS_HANDSHAKE else DTLS_HEADER], payload)


def _quic(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    if len(payload) < QUIC_HEADER or payload[0] & 0xC0 != 0xC0 or not is_quic(int.from_bytes(payload[1:5])):
        return None
    length = payload[5]
    ident = numbers.number(b"ident " + payload[6 : 6 + length]).to_bytes(NUMBER).rjust(length, b"\0")[-length:]
    return numbers.marked(bytes([payload[0] & 0xF0]) + payload[1:6] + (ident if length else b""), payload)


def _sip(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    begin = next((begin for begin in SIP_BEGINS if payload.startswith(begin)), None)
    return numbers.marked(begin, payload) if begin is not None else None


def _tftp(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes | None:
    return numbers.marked(payload[:2], payload) if TFTP_PORT in ports else None


def _other(numbers: StandIns, payload: bytes, ports: frozenset[int]) -> bytes:
    return numbers.marked(b"", payload)


KINDS: tuple[Callable[[StandIns, bytes, frozenset[int]], bytes | None], ...] = (
    _dns,
    _radius,
    _nfs,
    _ike,
    _tunnel,
    _dtls,
    _quic,
    _sip,
    _tftp,
    _other,
)
"""Each gives what stands for a payload of its kind, or None."""
