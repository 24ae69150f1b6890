"""ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443) errors with their quoted packet, and echo.

0 type  1 code  2 checksum  4 (v4 code 4: 0, next-hop MTU 6; v6 type 2: MTU 4)  8 quoted packet
echo: 4 identifier  6 sequence number
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16, be32, ones_sum
from analyzer.decode.network import PROTO_ICMPV6
from analyzer.decode.packet_fields import (
    DST,
    ECHO_ID,
    ECHO_SEQ,
    FRAGMENT,
    ICMP_CODE,
    ICMP_MTU,
    ICMP_SUM,
    ICMP_TYPE,
    IP_END,
    IP_LEN,
    L4,
    NET,
    OK,
    QUOTE,
    REASON_ICMP_CUT,
    SRC,
    VERSION,
)
from analyzer.kernels.marks import kernel

UNREACHABLE = 3
FRAG_NEEDED = 4  # a code of UNREACHABLE
SOURCE_QUENCH = 4
TIME_EXCEEDED = 11
PARAMETER_PROBLEM = 12
ECHO_REPLY = 0
ECHO_REQUEST = 8
V6_UNREACHABLE = 1
V6_TOO_BIG = 2
V6_TIME_EXCEEDED = 3
V6_PARAMETER_PROBLEM = 4
V6_ECHO_REQUEST = 128
V6_ECHO_REPLY = 129

KIND_OTHER = 0
KIND_PTB = 1
KIND_ERROR = 2
KIND_ECHO_REQUEST = 3
KIND_ECHO_REPLY = 4


@kernel
def icmp_checksum_state(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """1 if the checksum of the ICMP message is right, 2 if wrong, 0 if not all of it was captured."""
    if h[IP_LEN] == 0 or h[NET] + h[IP_LEN] > end or h[FRAGMENT]:
        return 0
    total = 0
    if h[VERSION] == 6:  # pseudo-header, RFC 8200 8.1
        for i in range(4):
            total += (h[SRC + i] >> 16) + (h[SRC + i] & 0xFFFF) + (h[DST + i] >> 16) + (h[DST + i] & 0xFFFF)
        total += (end - o) + PROTO_ICMPV6
    return 1 if ones_sum(buf, o, end, total) == 0xFFFF else 2


@kernel
def decode_icmp(buf: Buffer, h: list[int]) -> int:
    """Decode the ICMP or ICMPv6 header at L4; returns OK or a reason."""
    o = h[L4]
    end = h[IP_END]
    h[QUOTE] = 0
    h[ICMP_MTU] = 0
    if o + 8 > end:
        return REASON_ICMP_CUT
    h[ICMP_TYPE] = buf[o] + 0
    h[ICMP_CODE] = buf[o + 1] + 0
    h[ECHO_ID] = be16(buf, o + 4)
    h[ECHO_SEQ] = be16(buf, o + 6)
    kind = icmp_kind(h)
    if kind == KIND_PTB:
        h[ICMP_MTU] = be32(buf, o + 4) if h[VERSION] == 6 else be16(buf, o + 6)
    if kind in (KIND_PTB, KIND_ERROR):
        h[ICMP_SUM] = icmp_checksum_state(buf, o, end, h)
        if end > o + 8:
            h[QUOTE] = o + 8
    return OK


@kernel
def icmp_kind(h: list[int]) -> int:
    """Which of the KIND_ numbers the decoded message is."""
    kind = h[ICMP_TYPE]
    if h[VERSION] == 6:
        if kind == V6_TOO_BIG:
            return KIND_PTB
        if kind in (V6_UNREACHABLE, V6_TIME_EXCEEDED, V6_PARAMETER_PROBLEM):
            return KIND_ERROR
        if kind == V6_ECHO_REQUEST:
            return KIND_ECHO_REQUEST
        return KIND_ECHO_REPLY if kind == V6_ECHO_REPLY else KIND_OTHER
    if kind == UNREACHABLE:
        return KIND_PTB if h[ICMP_CODE] == FRAG_NEEDED else KIND_ERROR
    if kind in (SOURCE_QUENCH, TIME_EXCEEDED, PARAMETER_PROBLEM):
        return KIND_ERROR
    if kind == ECHO_REQUEST:
        return KIND_ECHO_REQUEST
    return KIND_ECHO_REPLY if kind == ECHO_REPLY else KIND_OTHER
