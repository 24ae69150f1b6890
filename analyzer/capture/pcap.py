"""Classic pcap (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, modified format.

file:    0 magic  4 version  8 zone  12 sigfigs  16 snap length  20 link type
record:  0 seconds  4 fraction  8 captured length  12 wire length  (modified: 8 more bytes)
"""

from __future__ import annotations

from analyzer.capture.container import (
    BIG,
    DAMAGED,
    FRACTION_NS,
    FRAME,
    GOT_PACKET,
    LAST_TS,
    LINK_TYPE,
    NEED_BYTES,
    POS,
    PROBLEM,
    PROBLEM_TOO_LONG,
    RECORD,
    RECORD_HEADER,
)
from analyzer.decode.fields import CAP_LEN, END, LINK, START, TS, WAY, WAY_UNKNOWN, WIRE_LEN
from analyzer.decode.integers import Buffer, int32
from analyzer.kernel import inlined
from analyzer.settings import MAX_RECORD_BYTES

FILE_HEADER = 24
MAGIC_MICRO = 0xA1B2C3D4
MAGIC_NANO = 0xA1B23C4D
MAGIC_MODIFIED = 0xA1B2CD34


def read_file_header(header: bytes, container: list[int]) -> bool:
    """Read the file header into `container`; False if `header` does not start a pcap file."""
    for big, order in ((0, "little"), (1, "big")):
        magic = int.from_bytes(header[:4], order)  # type: ignore[arg-type]  # the two orders there are
        if magic in (MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED):
            container[BIG] = big
            container[RECORD_HEADER] = 24 if magic == MAGIC_MODIFIED else 16
            container[FRACTION_NS] = 1 if magic == MAGIC_NANO else 1000
            # The upper bits carry the length of a frame check sequence, not the type.
            container[LINK_TYPE] = int32(header, 20, big) & 0xFFFF
            return True
    return False


@inlined
def next_pcap(buf: Buffer, end: int, container: list[int], h: list[int]) -> int:
    """Step to the next packet record in buf[POS:end]; returns what happened."""
    o = container[POS]
    header = container[RECORD_HEADER]
    if o + header > end:
        return NEED_BYTES
    big = container[BIG]
    length = int32(buf, o + 8, big)
    if length > MAX_RECORD_BYTES:
        container[PROBLEM] = PROBLEM_TOO_LONG
        return DAMAGED
    if o + header + length > end:
        return NEED_BYTES
    h[TS] = int32(buf, o, big) * 1_000_000_000 + int32(buf, o + 4, big) * container[FRACTION_NS]
    h[CAP_LEN] = length
    h[WIRE_LEN] = max(length, int32(buf, o + 12, big))
    h[LINK] = container[LINK_TYPE]
    h[WAY] = WAY_UNKNOWN
    h[START] = o + header
    h[END] = o + header + length
    container[RECORD] = o
    container[POS] = h[END]
    container[FRAME] += 1
    container[LAST_TS] = h[TS]
    return GOT_PACKET
