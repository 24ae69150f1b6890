"""Which rows of the table of ICMP messages are of one kind, and what errors quote."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analyzer.decode.icmp import TIME_EXCEEDED, UNREACHABLE, V6_TIME_EXCEEDED, V6_UNREACHABLE
from analyzer.model.text import packed_ip_text

IN_REASSEMBLY = 1
"""Code of time exceeded: parts of a datagram did not come in time (RFC 792, RFC 4443 3.3)."""

IN_TRANSIT = 0
"""Code of time exceeded: a TTL ran out on the way."""

PORT, V6_PORT = 3, 4
"""Codes of destination unreachable: nobody listens at the UDP port."""


def in_reassembly(icmps: Any) -> Any:
    """True where a host gave up putting a datagram together."""
    return (icmps["code"] == IN_REASSEMBLY) & (icmps["type"] == _of_version(icmps, TIME_EXCEEDED, V6_TIME_EXCEEDED))


def refusing(icmps: Any) -> Any:
    """True where a packet is not passed on, or not taken, whatever the reason; among these are PTBs."""
    late = (icmps["code"] == IN_TRANSIT) & (icmps["type"] == _of_version(icmps, TIME_EXCEEDED, V6_TIME_EXCEEDED))
    return late | (icmps["type"] == _of_version(icmps, UNREACHABLE, V6_UNREACHABLE))


def port_unreachable(icmps: Any) -> Any:
    """True where a host says that nobody listens at the port: the quoted datagram came to it."""
    kind = icmps["type"] == _of_version(icmps, UNREACHABLE, V6_UNREACHABLE)
    return kind & (icmps["code"] == _of_version(icmps, PORT, V6_PORT)) & (icmps["quoted"] > 0)


def _of_version(icmps: Any, four: int, six: int) -> Any:
    return np.where(icmps["version"] == 6, six, four)


class QuotedPacket(NamedTuple):
    """The beginning of the packet that an ICMP error is about."""

    src: str
    dst: str
    protocol: int  # as its fixed IP header has it
    data: bytes  # from this header on


def quoted_packet(head: bytes, version: int) -> QuotedPacket | None:
    """What an ICMP error quotes, given the bytes kept of it from its own IP header on; None if that is too little."""
    quote = head[(head[0] & 15) * 4 + 8 :] if version == 4 else head[48:]
    if version == 4 and len(quote) >= 20:
        return QuotedPacket(packed_ip_text(quote[12:16]), packed_ip_text(quote[16:20]), quote[9], quote)
    if version == 6 and len(quote) >= 40:
        return QuotedPacket(packed_ip_text(quote[8:24]), packed_ip_text(quote[24:40]), quote[6], quote)
    return None
