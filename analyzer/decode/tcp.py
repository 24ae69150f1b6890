"""TCP header and options (RFC 9293 3.1, RFC 7323, RFC 2018, RFC 2883).

    0 source port  2 destination port  4 seq  8 ack  12 data offset  13 flags  14 window  16 checksum

PAYLOAD comes from the headers: with a snap length, fewer bytes were captured. When the IP length is 0
(segmentation offload), it comes from the wire length that the capture recorded.
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16, be32, ones_sum
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    ACK,
    CHECKSUM,
    DPORT,
    DSACK,
    END,
    FLAGS,
    HAS_TS,
    IP_END,
    IP_LEN,
    L4,
    MSS,
    NET,
    OK,
    PAYLOAD,
    REASON_TCP_CUT,
    REASON_TCP_MALFORMED,
    SACK_OK,
    SEQ,
    SPORT,
    START,
    TCP_LEN,
    VERSION,
    WINDOW,
    WIRE_LEN,
    WSCALE,
)
from analyzer.kernels.marks import inlined, kernel
from analyzer.settings import MAX_RECORD_BYTES

FIN = 0x01
SYN = 0x02
RST = 0x04
PSH = 0x08
ACK_FLAG = 0x10

UNKNOWN = -2  # window scale: the snap length cut the options before it was found

NUMBERED_BYTES = 16  # of a header: enough for Wireshark to give even a cut, malformed or quoted one a stream number

OPTION_END = 0
OPTION_NOP = 1
OPTION_MSS = 2
OPTION_WSCALE = 3
OPTION_SACK_OK = 4
OPTION_SACK = 5
OPTION_TIMESTAMPS = 8
TIMESTAMPS_ONLY = 0x0101080A  # NOP NOP timestamps, 10 bytes: the options of nearly every segment that has any


@inlined
def option_from(buf: Buffer, o: int, end: int) -> int:
    """Where the next option of more than one byte begins in buf[o:end]; -1: none does, or it is cut or malformed."""
    while o + 2 <= end:
        kind = buf[o] + 0
        if kind == OPTION_END:
            return -1
        if kind != OPTION_NOP:
            return o if 2 <= buf[o + 1] + 0 <= end - o else -1
        o += 1
    return -1


@kernel
def decode_options(buf: Buffer, o: int, end: int, h: list[int]) -> None:
    """Read the options in buf[o:end]; what is cut or malformed ends the reading without an error."""
    o = option_from(buf, o, end)
    while o >= 0:
        kind = buf[o] + 0
        length = buf[o + 1] + 0
        if kind == OPTION_TIMESTAMPS and length == 10:
            h[HAS_TS] = 1
        elif kind == OPTION_SACK and length >= 10:
            left = be32(buf, o + 2)
            right = be32(buf, o + 6)
            # RFC 2883 4: the first block lies below the cumulative ACK, or inside the second block.
            if (h[ACK] - left) & 0xFFFFFFFF < 0x80000000 and left != h[ACK]:
                h[DSACK] = 1
            elif length >= 18:
                outer_left = be32(buf, o + 10)
                outer_right = be32(buf, o + 14)
                if (left - outer_left) & 0xFFFFFFFF < 0x80000000 and (outer_right - right) & 0xFFFFFFFF < 0x80000000:
                    h[DSACK] = 1
        elif kind == OPTION_MSS and length == 4:
            h[MSS] = be16(buf, o + 2)
        elif kind == OPTION_WSCALE and length == 3:
            h[WSCALE] = min(buf[o + 2] + 0, 14)  # RFC 7323 2.3: 14 is the largest shift
        elif kind == OPTION_SACK_OK and length == 2:
            h[SACK_OK] = 1
        o = option_from(buf, o + length, end)


@inlined
def decode_tcp(buf: Buffer, h: list[int]) -> int:
    """Decode the TCP header at L4; returns OK or a reason, with SPORT -1 where not even the flags are there."""
    o = h[L4]
    end = h[IP_END]
    header = 0
    h[SPORT] = -1
    if o + NUMBERED_BYTES <= end:
        word = be32(buf, o)
        h[SPORT] = word >> 16
        h[DPORT] = word & 0xFFFF
        h[SEQ] = be32(buf, o + 4)
        h[ACK] = be32(buf, o + 8)
        word = be32(buf, o + 12)
        header = (word >> 28) * 4
        h[FLAGS] = word >> 16 & 0xFF
        h[WINDOW] = word & 0xFFFF
    all_captured = h[IP_LEN] and h[NET] + h[IP_LEN] <= h[END]
    if h[SPORT] < 0 or (all_captured and o + 20 > end):
        return REASON_TCP_MALFORMED if all_captured else REASON_TCP_CUT
    if header < 20:
        return REASON_TCP_MALFORMED
    if h[IP_LEN]:
        payload = h[IP_LEN] - (o - h[NET]) - header
    else:
        payload = min(h[WIRE_LEN], MAX_RECORD_BYTES) - (o - h[START]) - header
    if payload < 0:
        return REASON_TCP_MALFORMED
    h[CHECKSUM] = be16(buf, o + 16) if o + 18 <= end else 0
    h[TCP_LEN] = header
    h[PAYLOAD] = payload
    h[MSS] = -1
    h[WSCALE] = -1
    h[SACK_OK] = 0
    h[HAS_TS] = 0
    h[DSACK] = 0
    if header > 20:
        if header == 32 and o + 32 <= end and be32(buf, o + 20) == TIMESTAMPS_ONLY:
            h[HAS_TS] = 1
        else:
            decode_options(buf, o + 20, min(end, o + header), h)
            if o + header > end and h[WSCALE] < 0:
                h[WSCALE] = UNKNOWN
    return OK


@inlined
def ip_length_on_wire(h: list[int]) -> int:
    """IP total length; rebuilt from the wire length where offload left the IP length 0."""
    if h[IP_LEN]:
        return h[IP_LEN]
    return min(h[WIRE_LEN], MAX_RECORD_BYTES) - (h[NET] - h[START])


@kernel
def is_sum_wrong(buf: Buffer, h: list[int]) -> bool:
    """True if all of the packet was captured and its TCP checksum is wrong (RFC 9293 3.1).

    A packet captured on its way out of its host has often no right one yet: the interface fills it in.
    """
    end = h[NET] + h[IP_LEN]
    if h[IP_LEN] == 0 or end > h[END]:
        return False
    addresses = h[NET] + (12 if h[VERSION] == 4 else 8)
    total = ones_sum(buf, addresses, addresses + (8 if h[VERSION] == 4 else 32), PROTO_TCP + end - h[L4])
    return ones_sum(buf, h[L4], end, total) != 0xFFFF
