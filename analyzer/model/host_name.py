"""Names of hosts that a capture tells: what counts as one, and how it is written beside an address.

They come from packets, so that anybody may have written them. Only names of letters, digits, hyphens and dots count, as
RFC 1123 2.1 has them; names in other scripts are A-labels ("xn--...", RFC 5890) on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

NameSource = Literal["dns", "sni", "capture"]
"""An answer of DNS or mDNS; the server name of a TLS ClientHello; a name resolution block of a pcapng."""

SOURCE_WORDS: dict[NameSource, str] = {"dns": "DNS", "sni": "TLS", "capture": "the capture file"}

LONGEST_NAME = 253
NAMES_PER_ADDRESS = 4
"""Names of one address that are kept, the first that the capture tells. Servers of many sites have thousands."""

NAMED_ADDRESSES = 10_000
"""Addresses of which names are kept."""

SHOWN_NAMES = 2
"""Names that are written beside an address; the others are counted."""

SHOWN_CHARACTERS = 48
"""Of a name beside an address. What is at its end says whose it is, so its beginning is left out."""

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class HostName(NamedTuple):
    """A name of an address, and what says so, in the order in which that was seen."""

    name: str
    sources: tuple[NameSource, ...]


Names = Mapping[str, Sequence[HostName]]
"""Names by the usual text of an address."""


def host_name(labels: Sequence[bytes]) -> str:
    """The name of these labels in lower case, without the last dot; empty if it is no name of a host.

    One whose last label is a number could pass for an address (RFC 1123 2.1).
    """
    name = b".".join(labels).decode("latin-1").lower()
    parts = name.split(".")
    fits = len(name) <= LONGEST_NAME and len(parts) == len(labels) and not parts[-1].isdigit()
    return name if fits and all(_LABEL.fullmatch(part) for part in parts) else ""


def host_name_of(text: bytes) -> str:
    """As `host_name`, of a name that is written with dots."""
    return host_name(text.removesuffix(b".").split(b"."))


def names_text(found: Sequence[HostName]) -> str:
    """Names in short: "www.example.com", "a.example, b.example +2"."""
    shown = ", ".join(shortened(each.name) for each in found[:SHOWN_NAMES])
    return shown + (f" +{len(found) - SHOWN_NAMES}" if len(found) > SHOWN_NAMES else "")


def with_sources(found: Sequence[HostName]) -> str:
    """All names, each with what says so: "www.example.com (DNS, TLS)"."""
    return ", ".join(f"{each.name} ({', '.join(SOURCE_WORDS[source] for source in each.sources)})" for each in found)


def shortened(name: str) -> str:
    """A name that fits beside an address."""
    return name if len(name) <= SHOWN_CHARACTERS else f"..{name[2 - SHOWN_CHARACTERS :]}"
