"""Numbers of the protocols over UDP whose headers are read."""

from __future__ import annotations

DNS_HEADER = 12
DNS_OPT = 41
"""Type of the record that says how large answers may be (RFC 6891 6.1.1)."""

RADIUS_HEADER = 20
RADIUS_PORTS = frozenset({1645, 1646, 1812, 1813})

NFS_PORT = 2049
RPC_CALL_HEADER, RPC_REPLY_HEADER = 12, 8
"""Bytes: identifier of the transaction, whether it is a call, and of a call the version of RPC (RFC 5531 9)."""

IKE_HEADER = 28
IKE_PORTS = frozenset({500, 4500})
"""Of one service: a conversation that begins on the first goes on on the second (RFC 7296 2.23)."""
