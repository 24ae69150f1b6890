"""What tells a packet that is no TCP from every other, at whichever point it was captured: UDP, ICMP, fragments, ESP.

Emits `DatagramMark`. TTL, checksums of the IP header and DF may differ from point to point: they are no part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from analyzer.decode.integers import be16
from analyzer.decode.link import decode_link
from analyzer.decode.network import FRAGMENT_HEADER, decode_network
from analyzer.decode.packet_fields import (
    COUNT,
    END,
    FRAGMENT,
    IP_END,
    IP_LEN,
    L4,
    LINK,
    NET,
    OK,
    PROTO,
    START,
    TTL,
    VERSION,
    WIRE_LEN,
)
from analyzer.flows.fragments import many_receivers

COMPARED_BYTES = 40
"""Of what follows the IP header: the UDP header and what identifiers there are, in captures cut to 96 bytes, too."""

LEAST_COMPARED = 12
"""Fewer bytes tell nothing: keep-alives of NAT have one, the same at all times (RFC 3948 4)."""

MORE, OFFSET = 0x2000, 0x1FFF


class DatagramMark(NamedTuple):
    """A packet by its outermost IP header."""

    ends: bytes  # source and destination address
    protocol: int
    ident: int  # of IPv4, or of a fragment of IPv6; 0: none
    offset: int  # bytes of the datagram before this fragment
    more: bool  # fragments follow
    ip_len: int
    content: bytes  # the first bytes behind the header
    ttl: int

    @property
    def fragment(self) -> bool:
        """True of a part of a datagram."""
        return self.more or self.offset > 0

    @property
    def key(self) -> tuple[bytes, int, int, int, bytes]:
        """Equal for the same packet at another point."""
        return self.ends, self.protocol, self.ident, self.offset, self.content


def datagram_mark(view: Any, fields: Sequence[int]) -> DatagramMark | None:
    """The mark of a packet by the fields of its record; None of what is no IP, or goes to many receivers."""
    h = [0] * COUNT
    h[LINK], h[START], h[END], h[WIRE_LEN] = fields[LINK], fields[START], fields[END], fields[WIRE_LEN]
    if decode_link(view, h) != OK or decode_network(view, h) != OK or not h[IP_LEN] or many_receivers(h):
        return None
    net = h[NET]
    start = h[L4]
    if h[VERSION] == 4:
        ends = bytes(view[net + 12 : net + 20])
        ident, flags = be16(view, net + 4), be16(view, net + 6)
        offset, more = (flags & OFFSET) * 8, bool(flags & MORE)
    else:
        ends = bytes(view[net + 8 : net + 40])
        ident = offset = 0
        more = False
        if h[FRAGMENT] and view[net + 6] == FRAGMENT_HEADER:
            ident = int.from_bytes(view[net + 44 : net + 48])
            word = be16(view, net + 42)
            offset, more, start = word & 0xFFF8, bool(word & 1), net + 48
    content = bytes(view[start : min(start + COMPARED_BYTES, h[IP_END])])
    return DatagramMark(ends, h[PROTO], ident, offset, more, h[IP_LEN], content, h[TTL])


SHARED_IDENTS = 4
"""Identifications of packets in common that tell, as of TCP whose addresses are translated."""

SHARED_PLAIN = 8
"""The same of packets without identification, each of which a file has once."""

SAME_TRANSIT_NS = 2_000_000_000
"""Packets that two points saw are so far apart by their clocks, more or less."""

ZONE_NS, ZONE_LIMIT_NS = 900_000_000_000, 50_400_000_000_000
"""Clocks may be set to another time zone: by quarters of an hour, up to 14 hours."""


class SeenMarks:
    """The datagrams of a file, or of a point: by what they are known, their identification and when they came."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[int, int]] = {}
        self._several: set[int] = set()

    def note(self, mark: DatagramMark, ts: int) -> None:
        """Note one packet of a file; what the file has several times tells nothing."""
        if len(mark.content) < LEAST_COMPARED:
            return
        key = hash(mark.key)
        if key in self._of:
            self._several.add(key)
        self._of[key] = (mark.ident, ts)

    def over(self) -> None:
        """All of the file is noted."""
        for key in self._several:
            del self._of[key]
        self._several.clear()

    def add(self, other: SeenMarks) -> None:
        """Those of another file as well."""
        self._of.update(other._of)

    def shared(self, other: SeenMarks) -> bool:
        """Whether enough of the same are in both, and at times that differ by the same.

        Where the times of the two do not overlap, the files are rather of one host that wrote one after the other, in
        which a program may say the same again, be it with the same identifications from a new start on.
        """
        both = self._of.keys() & other._of.keys()
        apart = [(other._of[key][1] - self._of[key][1], self._of[key][0]) for key in both]
        if len(apart) < SHARED_IDENTS:
            return False
        middle = sorted(apart)[len(apart) // 2][0]
        near = [ident for gap, ident in apart if abs(gap - middle) <= SAME_TRANSIT_NS]
        idents = len(set(near) - {0})
        if self._overlap(other):
            return idents >= SHARED_IDENTS or near.count(0) >= SHARED_PLAIN
        off = (middle + ZONE_NS // 2) % ZONE_NS - ZONE_NS // 2
        return idents >= SHARED_IDENTS and abs(middle) <= ZONE_LIMIT_NS and abs(off) <= SAME_TRANSIT_NS

    def _overlap(self, other: SeenMarks) -> bool:
        mine, theirs = [ts for _, ts in self._of.values()], [ts for _, ts in other._of.values()]
        return min(mine) <= max(theirs) and min(theirs) <= max(mine)
