"""Strings of a capture file that may name hosts and people."""

from __future__ import annotations

import re

KEPT_WORDS = frozenset(
    (
        "tcp", "udp", "sctp", "icmp", "icmp6", "ip", "ip6", "arp", "port", "portrange", "and", "or", "not", "src",
        "dst", "host", "net", "proto", "greater", "less", "vlan", "mpls",
    )
)  # fmt: skip
OPERATORS = "()[]!&|=<>+*^"
_PIECE = re.compile(r"[A-Za-z0-9_.:/-]+|\s+|.")
_PORT = re.compile(r"\d{1,5}(-\d{1,5})?")
LEFT_OUT = "..."


def anonymous_filter(text: str) -> str:
    """A capture filter without addresses and names: keywords, operators and ports are left."""
    out: list[str] = []
    last = ""
    for piece in _PIECE.findall(text):
        if piece.isspace():
            out.append(" ")
        elif re.match(r"\w", piece):
            is_port = last in ("port", "portrange") and _PORT.fullmatch(piece)
            out.append(piece if piece.lower() in KEPT_WORDS or is_port else LEFT_OUT)
            last = piece.lower()
        else:
            out.append(piece if piece in OPERATORS else LEFT_OUT)
    return re.sub(r"(\.\.\.\s*)+(?=\.\.\.)", "", "".join(out))
