"""What a pcapng file says of its interfaces: their names, their capture filters, and whether these let ICMP through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

Order = Literal["big", "little"]

SECTION = 0x0A0D0D0A
INTERFACE = 1
OPTION_NAME = 2
OPTION_FILTER = 11
LIBPCAP_STRING = 0
MAX_FILTERS = 16
MAX_NAMES = 64
MAX_LENGTH = 500

_SELECTS = re.compile(r"\b(tcp|udp|sctp|port|portrange)\b")
_UNSURE = re.compile(r"icmp|\bnot\b|!|\bproto\b|\[|\barp\b")


def read_filters(data: bytes) -> tuple[str, ...]:
    """Filter strings of the interfaces described at the beginning of a pcapng file, `data`; others are left."""
    found: list[str] = []
    for options, order in _described(data):
        value = _option(options, order, OPTION_FILTER)
        if value[:1] == bytes([LIBPCAP_STRING]) and len(found) < MAX_FILTERS:
            found.append(value[1:].rstrip(b"\0").decode("utf-8", "replace")[:MAX_LENGTH])
    return tuple(dict.fromkeys(text for text in found if text))


def read_names(data: bytes) -> tuple[str, ...]:
    """Names of the interfaces described in the first bytes of a pcapng file, in order; empty where it has none."""
    return tuple(
        _option(options, order, OPTION_NAME).rstrip(b"\0").decode("utf-8", "replace")[:MAX_LENGTH]
        for options, order in _described(data, between_packets=True)
    )


def _described(data: bytes, *, between_packets: bool = False) -> Iterator[tuple[bytes, Order]]:
    """The options of the interfaces at the beginning of a file, before its packets or all, and its byte order."""
    order: Order = "big" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "little"
    position = found = 0
    while position + 12 <= len(data) and found < MAX_NAMES:
        kind = int.from_bytes(data[position : position + 4], order)
        length = int.from_bytes(data[position + 4 : position + 8], order)
        if length < 12 or position + length > len(data) or (kind not in (SECTION, INTERFACE) and not between_packets):
            return
        if kind == INTERFACE:
            found += 1
            yield data[position + 16 : position + length - 4], order
        position += length


def _option(options: bytes, order: Order, wanted: int) -> bytes:
    position = 0
    while position + 4 <= len(options):
        code = int.from_bytes(options[position : position + 2], order)
        length = int.from_bytes(options[position + 2 : position + 4], order)
        if code == 0:
            break
        if code == wanted:
            return options[position + 4 : position + 4 + length]
        position += 4 + ((length + 3) & ~3)
    return b""


def excludes_icmp(text: str) -> bool:
    """True if a filter surely lets no ICMP through: it selects TCP or ports, and nothing beside.

    Each alternative must select TCP or ports; where one negates or looks into headers, nothing is sure.
    """
    lower = text.lower()
    alternatives = re.split(r"\bor\b|\|\|", lower)
    return all(_SELECTS.search(part) and not _UNSURE.search(part) for part in alternatives)
