"""Classic pcap (draft-ietf-opsawg-pcap) and its relatives: byte orders, fractions of seconds, longer headers.

file:    0 magic  4 version  8 zone  12 sigfigs  16 snap length  20 link type
record:  0 seconds  4 fraction  8 captured length  12 wire length  (modified: 8 more bytes)

Before version 2.3, and in version 543.0 of DG/UX, the two lengths are the other way round; in version 2.3 they
may be. That is how libpcap reads them. AIX writes version 2.2 with nanoseconds and link types of its own (ifType,
RFC 1573), by which Wireshark knows it. Ixia has magics of its own and four more bytes in the file header.
"""

from __future__ import annotations

from analyzer.capture.container import (
    BIG,
    DAMAGED,
    FRACTION_NS,
    FRAME,
    GOT_PACKET,
    LENGTHS,
    LENGTHS_CAPTURED_FIRST,
    LENGTHS_UNSURE,
    LENGTHS_WIRE_FIRST,
    LINK_TYPE,
    NEED_BYTES,
    POS,
    PROBLEM,
    PROBLEM_TOO_LONG,
    RECORD,
    RECORD_HEADER,
)
from analyzer.decode.integers import Buffer, be32_inside, int16, int32, le32_inside
from analyzer.decode.packet_fields import END, LINK, START, TS, WAY, WAY_UNKNOWN, WIRE_LEN
from analyzer.kernels.marks import inlined, unlikely
from analyzer.settings import MAX_RECORD_BYTES

FILE_HEADER = 24
RECORD_WORDS = 16  # bytes of a record's header that are read
MAGIC_MICRO = 0xA1B2C3D4
MAGIC_NANO = 0xA1B23C4D
MAGIC_MODIFIED = 0xA1B2CD34
MAGIC_IXIA_MICRO = 0x1C0001AB
MAGIC_IXIA_NANO = 0x1C0001AC
MAGICS = (MAGIC_MICRO, MAGIC_NANO, MAGIC_MODIFIED, MAGIC_IXIA_MICRO, MAGIC_IXIA_NANO)
IXIA_BYTES = 4  # length of all records
VERSION = 2
VERSION_DG_UX = 543
AIX_LINKS = {6: 1, 9: 6, 15: 10, 24: 0}
"""From AIX' link types to ours: Ethernet, Token Ring, FDDI, loopback."""


def read_file_header(header: bytes, container: list[int]) -> bool:
    """Read the file header into `container`; False if `header` does not start a pcap file. POS is where it ends."""
    for big, order in ((0, "little"), (1, "big")):
        magic = int.from_bytes(header[:4], order)  # type: ignore[arg-type]  # the two orders there are
        if magic in MAGICS:
            major, minor = int16(header, 4, big), int16(header, 6, big)
            container[BIG] = big
            container[RECORD_HEADER] = 24 if magic == MAGIC_MODIFIED else 16
            container[FRACTION_NS] = 1 if magic in (MAGIC_NANO, MAGIC_IXIA_NANO) else 1000
            # The upper bits carry the length of a frame check sequence, not the type.
            container[LINK_TYPE] = int32(header, 20, big) & 0xFFFF
            container[LENGTHS] = order_of_lengths(major, minor)
            if (magic, major, minor) == (MAGIC_MICRO, 2, 2) and container[LINK_TYPE] in AIX_LINKS:
                container[LINK_TYPE] = AIX_LINKS[container[LINK_TYPE]]
                container[FRACTION_NS] = 1
            container[POS] = FILE_HEADER + (IXIA_BYTES if magic in (MAGIC_IXIA_MICRO, MAGIC_IXIA_NANO) else 0)
            return True
    return False


def order_of_lengths(major: int, minor: int) -> int:
    """In which order a file of this version has a record's lengths, LENGTHS_ number."""
    if major == VERSION_DG_UX or (major == VERSION and minor < 3):
        return LENGTHS_WIRE_FIRST
    return LENGTHS_UNSURE if (major, minor) == (VERSION, 3) else LENGTHS_CAPTURED_FIRST


@inlined
def next_pcap(buf: Buffer, end: int, container: list[int], h: list[int]) -> int:
    """Step to the next packet record in buf[POS:end]; returns what happened."""
    o = container[POS]
    header = container[RECORD_HEADER]
    if unlikely(o < 0 or header < RECORD_WORDS or o + header > end or end > len(buf)):
        return NEED_BYTES
    if container[BIG]:
        seconds, fraction = be32_inside(buf, o), be32_inside(buf, o + 4)
        length, wire = be32_inside(buf, o + 8), be32_inside(buf, o + 12)
    else:
        seconds, fraction = le32_inside(buf, o), le32_inside(buf, o + 4)
        length, wire = le32_inside(buf, o + 8), le32_inside(buf, o + 12)
    order = container[LENGTHS]
    if unlikely(order == LENGTHS_WIRE_FIRST or (order == LENGTHS_UNSURE and length > wire)):
        length, wire = wire, length
    if unlikely(length > MAX_RECORD_BYTES):
        container[PROBLEM] = PROBLEM_TOO_LONG
        return DAMAGED
    start = o + header
    stop = start + length
    if unlikely(stop > end):
        return NEED_BYTES
    ts = seconds * 1_000_000_000 + fraction * container[FRACTION_NS]
    h[TS] = ts
    h[WIRE_LEN] = max(length, wire)
    h[LINK] = container[LINK_TYPE]
    h[WAY] = WAY_UNKNOWN
    h[START] = start
    h[END] = stop
    container[RECORD] = o
    container[POS] = stop
    container[FRAME] += 1
    return GOT_PACKET
