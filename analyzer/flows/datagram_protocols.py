"""Numbers of the protocols over UDP whose headers are read."""

from __future__ import annotations

DNS_HEADER = 12
DNS_OPT = 41
"""Type of the record that says how large answers may be (RFC 6891 6.1.1)."""

RADIUS_HEADER = 20
RADIUS_PORTS = frozenset({1645, 1646, 1812, 1813})

IKE_HEADER = 28
IKE_PORTS = frozenset({500, 4500})
"""Of one service: a conversation that begins on the first goes on on the second (RFC 7296 2.23)."""
