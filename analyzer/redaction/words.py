"""Strings of a capture file that may name hosts and people."""

from __future__ import annotations

import re

KEPT_WORDS = frozenset(
    ["tcp", "udp", "sctp", "icmp", "icmp6", "ip", "ip6", "arp", "port", "portrange", "and", "or", "not", "src", "dst", "host", "net", "proto", "greater", "less", "vlan", "mpls"]
)
_TOKEN = re.compile(r"[A-Za-z0-9_.:/-]+|\s+|.")
_PORT = re.compile(r"\d{1,5}(-\d{1,5})?")
LEFT_OUT = "..."


def anonymous_filter(text: str) -> str:
    """A capture filter without addresses and names: keywords, operators and ports are left."""
    out: list[str] = []
    words: list[str] = []
    for token in _TOKEN.findall(text):
        if token.isspace():
            out.append(" ")
            continue
        if re.match(r"\w", token):
            last = words[-1] if words else ""
            kept = token.lower() in KEPT_WORDS or (last in ("port", "portrange") and _PORT.fullmatch(token))
            words.append(token.lower())
            out.append(token if kept else LEFT_OUT)
        else:
            out.append(token if token in "()[]!&|" else LEFT_OUT if token not in "=<>+*^" else token)
    return re.sub(r"(\.\.\.\s*)+(?=\.\.\.)", "", "".join(out))
