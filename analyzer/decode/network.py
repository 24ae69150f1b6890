"""IPv4 (RFC 791) and IPv6 (RFC 8200) headers.

Emits VERSION, IP_LEN, IP_END, TTL, IP_ID, DF, FRAGMENT, PROTO, L4 and the addresses. Header checksums
are not checked: a capture at the sender often holds packets whose checksum the card fills in later.

    IPv4:  0 version/ihl  2 total length  4 id  6 flags/offset  8 ttl  9 protocol  12 src  16 dst
    IPv6:  0 version      4 payload len   6 next header  7 hop limit  8 src  24 dst
"""

from __future__ import annotations

from analyzer.decode.ether import ETHER_IPV4
from analyzer.decode.integers import Buffer, be16, be32
from analyzer.decode.packet_fields import (
    DF,
    DST,
    END,
    ETHER_TYPE,
    FRAGMENT,
    IP_END,
    IP_ID,
    IP_LEN,
    L4,
    NET,
    OK,
    PROTO,
    REASON_NETWORK_CUT,
    REASON_NETWORK_MALFORMED,
    SRC,
    TTL,
    VERSION,
)
from analyzer.kernels.marks import inlined

PROTO_ICMP = 1
PROTO_TCP = 6
PROTO_ICMPV6 = 58
HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT_HEADER = 44
AUTHENTICATION = 51
DESTINATION_OPTIONS = 60
MOBILITY = 135
EXTENSIONS = (HOP_BY_HOP, ROUTING, FRAGMENT_HEADER, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY)
MAX_EXTENSIONS = 8  # RFC 8200 4.1 recommends each at most once, destination options twice: seven


@inlined
def decode_ipv4(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Decode the IPv4 header at `o`; returns OK or a reason."""
    if o + 20 > end:
        return REASON_NETWORK_CUT
    # Words, not their parts: each read checks its bounds, and every packet passes here.
    word = be32(buf, o)
    header = (word >> 24 & 15) * 4
    if word >> 28 != 4 or header < 20:
        return REASON_NETWORK_MALFORMED
    total = word & 0xFFFF
    if total and total < header:
        return REASON_NETWORK_MALFORMED
    if o + header > end:
        return REASON_NETWORK_CUT
    flags = be32(buf, o + 4)
    word = be32(buf, o + 8)
    h[VERSION] = 4
    h[IP_LEN] = total
    h[IP_ID] = flags >> 16
    h[DF] = (flags >> 14) & 1
    h[TTL] = word >> 24
    h[PROTO] = word >> 16 & 0xFF
    h[SRC] = be32(buf, o + 12)
    h[DST] = be32(buf, o + 16)
    for i in range(1, 4):
        h[SRC + i] = 0
        h[DST + i] = 0
    h[IP_END] = min(end, o + total) if total else end
    h[FRAGMENT] = 2 if flags & 0x1FFF else (1 if flags & 0x2000 else 0)
    h[L4] = o + header
    if h[PROTO] == AUTHENTICATION and h[FRAGMENT] != 2:  # RFC 4302 2: as an extension header of IPv6
        if h[L4] + 8 > h[IP_END]:
            return REASON_NETWORK_CUT
        h[PROTO] = buf[h[L4]] + 0
        h[L4] += ((buf[h[L4] + 1] + 0) + 2) * 4
    return OK


@inlined
def decode_ipv6(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Decode the IPv6 header at `o` and step over its extension headers; returns OK or a reason."""
    if o + 40 > end:
        return REASON_NETWORK_CUT
    if (buf[o] + 0) >> 4 != 6:
        return REASON_NETWORK_MALFORMED
    length = be16(buf, o + 4)
    h[VERSION] = 6
    # Payload length 0 with data behind it is a jumbogram (BIG TCP): as unknown as IPv4's 0.
    h[IP_LEN] = 40 + length if length else 0
    h[IP_ID] = -1
    h[DF] = 1
    h[TTL] = buf[o + 7] + 0
    for i in range(4):
        h[SRC + i] = be32(buf, o + 8 + 4 * i)
        h[DST + i] = be32(buf, o + 24 + 4 * i)
    h[FRAGMENT] = 0
    # Where the packet ends inside its own headers it is the sender's doing, else the snap length's.
    unfinished = REASON_NETWORK_CUT
    if length and o + 40 + length <= end:
        end = o + 40 + length
        unfinished = REASON_NETWORK_MALFORMED
    h[IP_END] = end
    following = buf[o + 6] + 0
    o += 40
    for _ in range(MAX_EXTENSIONS):
        if following not in EXTENSIONS:
            break
        if o + 8 > end:
            return unfinished
        kind = following
        following = buf[o] + 0
        if kind == FRAGMENT_HEADER:
            position = be16(buf, o + 2)
            o += 8
            if position >> 3:
                h[FRAGMENT] = 2
                break
            if position & 1:
                h[FRAGMENT] = 1
        elif kind == AUTHENTICATION:
            o += ((buf[o + 1] + 0) + 2) * 4
        else:
            o += ((buf[o + 1] + 0) + 1) * 8
    if o > end:
        return unfinished
    h[PROTO] = following
    h[L4] = o
    return OK


@inlined
def decode_network(buf: Buffer, h: list[int]) -> int:
    """Decode the network header at NET; returns OK or a reason."""
    if h[ETHER_TYPE] == ETHER_IPV4:
        return decode_ipv4(buf, h[NET], h[END], h)
    return decode_ipv6(buf, h[NET], h[END], h)
