"""The capture filters that a pcapng file names (if_filter), and whether they let ICMP through."""

from __future__ import annotations

import re

SECTION = 0x0A0D0D0A
INTERFACE = 1
OPTION_FILTER = 11
LIBPCAP_STRING = 0
MAX_FILTERS = 16
MAX_LENGTH = 500

_SELECTS = re.compile(r"\b(tcp|udp|sctp|port|portrange)\b")
_UNSURE = re.compile(r"icmp|\bnot\b|!|\bproto\b|\[|\barp\b")


def read_filters(data: bytes) -> tuple[str, ...]:
    """Filter strings of the interfaces described at the beginning of a pcapng file, `data`; others are left."""
    order = "big" if data[8:12] == b"\x1a\x2b\x3c\x4d" else "little"
    found: list[str] = []
    position = 0
    while position + 12 <= len(data) and len(found) < MAX_FILTERS:
        kind = int.from_bytes(data[position : position + 4], order)  # type: ignore[arg-type]  # the two orders there are
        length = int.from_bytes(data[position + 4 : position + 8], order)  # type: ignore[arg-type]
        if kind not in (SECTION, INTERFACE) or length < 12 or position + length > len(data):
            break
        if kind == INTERFACE:
            found += _filter_option(data[position + 16 : position + length - 4], order)
        position += length
    return tuple(dict.fromkeys(found))


def _filter_option(options: bytes, order: str) -> list[str]:
    position = 0
    while position + 4 <= len(options):
        code = int.from_bytes(options[position : position + 2], order)  # type: ignore[arg-type]
        length = int.from_bytes(options[position + 2 : position + 4], order)  # type: ignore[arg-type]
        value = options[position + 4 : position + 4 + length]
        if code == 0:
            break
        if code == OPTION_FILTER and value[:1] == bytes([LIBPCAP_STRING]):
            text = value[1:].rstrip(b"\0").decode("utf-8", "replace")[:MAX_LENGTH]
            return [text] if text else []
        position += 4 + ((length + 3) & ~3)
    return []


def excludes_icmp(text: str) -> bool:
    """True if a filter surely lets no ICMP through: it selects TCP or ports, and nothing beside.

    Each alternative must select TCP or ports; where one negates or looks into headers, nothing is sure.
    """
    lower = text.lower()
    alternatives = re.split(r"\bor\b|\|\|", lower)
    return all(_SELECTS.search(part) and not _UNSURE.search(part) for part in alternatives)
