"""pcapng (draft-ietf-opsawg-pcapng): sections, interfaces, enhanced, simple and obsolete packet blocks.

    block:   0 type  4 total length  8 body ...  total length again
    section: 8 byte-order magic      interface: 8 link type  12 snap length  16 options
    enhanced: 8 interface  12 time high  16 time low  20 captured  24 wire  28 data
    obsolete: 8 interface (16 bits)  12 ...   as enhanced       simple: 8 wire  12 data

    statistics: 8 interface  20 options

Blocks of other types are skipped by their length, however long. Custom blocks and those of the systemd
journal have frame numbers in Wireshark, so they are counted.

`next_packet` steps through a file of any format.
"""

from __future__ import annotations

from analyzer.capture.container import (
    BIG,
    DAMAGED,
    DROPPED,
    FORMAT,
    FRAME,
    GOT_PACKET,
    GROW_INTERFACES,
    I_DROPPED,
    I_LINK,
    I_OFFSET,
    I_SNAP,
    I_UNITS,
    I_WIDTH,
    INTERFACES,
    LAST_TS,
    NEED_BYTES,
    OTHER_FRAMES,
    PCAP,
    POS,
    PROBLEM,
    PROBLEM_BLOCK_LENGTH,
    PROBLEM_BYTE_ORDER,
    PROBLEM_INTERFACE,
    PROBLEM_TOO_LONG,
    PROBLEM_TRAILER,
    RECORD,
    SECTION_FIRST,
    SKIP,
    SKIP_BYTES,
)
from analyzer.capture.pcap import next_pcap
from analyzer.decode.integers import Buffer, int16, int32
from analyzer.decode.packet_fields import (
    DIRECTION_UNKNOWN,
    END,
    INBOUND,
    LINK,
    OUTBOUND,
    PACKET_DIRECTION,
    START,
    TS,
    WIRE_LEN,
)
from analyzer.kernels.marks import inlined, kernel
from analyzer.settings import MAX_RECORD_BYTES

SECTION = 0x0A0D0D0A
INTERFACE = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
NAME_RESOLUTION = 4
ENHANCED_PACKET = 6
JOURNAL = 9
CUSTOM = 0xBAD
CUSTOM_NOT_COPIED = 0x40000BAD
BYTE_ORDER_MAGIC = 0x1A2B3C4D
STATISTICS = 5
OPTION_TSRESOL = 9
OPTION_TSOFFSET = 14
OPTION_PACKET_FLAGS = 2  # bits 0 and 1: 1 inbound, 2 outbound
OPTION_PACKET_DROPS = 4
OPTION_DROPPED_BY_INTERFACE = 5
OPTION_DROPPED_BY_SYSTEM = 7
UNKNOWN_DROPS = 0xFFFF  # obsolete packet blocks say so
MICROSECONDS = 1_000_000  # the resolution where no option says otherwise
LATEST_SECOND = 4_500_000_000  # year 2112; the span of two times must fit 64-bit nanoseconds, too


@kernel
def ticks_per_second(resolution: int) -> int:
    """Clock ticks in a second for an if_tsresol byte; 0 if that does not fit 63 bits."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return 1 << exponent if exponent <= 62 else 0
    if exponent > 18:
        return 0
    units = 1
    for _ in range(exponent):
        units *= 10
    return units


@inlined
def nanoseconds(high: int, low: int, units: int, offset: int) -> int:
    """Time in ns from a 64-bit tick count; out-of-range input gives a clamped time, never an overflow."""
    ticks = ((high & 0x7FFFFFFF) << 32) | low
    if units == 0:
        return max(-LATEST_SECOND, min(offset, LATEST_SECOND)) * 1_000_000_000
    seconds = min(ticks // units, LATEST_SECOND)
    fraction = ticks % units
    if units > 8_000_000_000:  # coarser units first, so that the product below fits 63 bits
        fine = units // 1_000_000_000
        nanos = min(fraction // fine, 999_999_999)
    else:
        nanos = fraction * 1_000_000_000 // units
    seconds = max(-LATEST_SECOND, min(seconds + offset, LATEST_SECOND))
    return seconds * 1_000_000_000 + nanos


@kernel
def add_interface(buf: Buffer, o: int, end: int, container: list[int], interfaces: list[int]) -> None:
    """Append the interface described by the block body buf[o:end] to the table."""
    big = container[BIG]
    row = container[INTERFACES] * I_WIDTH
    interfaces[row + I_LINK] = int16(buf, o, big)
    interfaces[row + I_SNAP] = int32(buf, o + 4, big)
    interfaces[row + I_UNITS] = MICROSECONDS
    interfaces[row + I_OFFSET] = 0
    interfaces[row + I_DROPPED] = 0
    o += 8
    while o + 4 <= end:
        code = int16(buf, o, big)
        length = int16(buf, o + 2, big)
        o += 4
        if code == 0 or o + length > end:
            break
        if code == OPTION_TSRESOL and length >= 1:
            interfaces[row + I_UNITS] = ticks_per_second(buf[o] + 0)
        elif code == OPTION_TSOFFSET and length >= 8:
            low = int32(buf, o + 4, big) if big else int32(buf, o, big)
            high = int32(buf, o, big) if big else int32(buf, o + 4, big)
            if high >= 0x80000000:
                high -= 0x100000000
            high = max(-2, min(high, 2))  # seconds beyond +-2**33 are clamped with the time itself
            interfaces[row + I_OFFSET] = high * 0x100000000 + low
        o += (length + 3) & ~3
    container[INTERFACES] += 1


@kernel
def packet_options(buf: Buffer, o: int, end: int, container: list[int], h: list[int]) -> None:
    """Read the options of a packet block: which way the packet went, and packets lost before it."""
    big = container[BIG]
    while o + 4 <= end:
        code = int16(buf, o, big)
        length = int16(buf, o + 2, big)
        o += 4
        if code == 0 or o + length > end:
            break
        if code == OPTION_PACKET_FLAGS and length >= 4:
            direction = int32(buf, o, big) & 3
            h[PACKET_DIRECTION] = INBOUND if direction == 1 else OUTBOUND if direction == 2 else DIRECTION_UNKNOWN
        elif code == OPTION_PACKET_DROPS and length >= 8:
            container[DROPPED] += int32(buf, o + 4 if big else o, big)
        o += (length + 3) & ~3


@kernel
def read_statistics(buf: Buffer, o: int, end: int, container: list[int], interfaces: list[int]) -> None:
    """Read how many packets an interface lost; the counts are totals, so the largest stands."""
    big = container[BIG]
    number = int32(buf, o, big)
    if number >= container[INTERFACES] - container[SECTION_FIRST]:
        return
    row = (container[SECTION_FIRST] + number) * I_WIDTH
    o += 12
    dropped = 0
    while o + 4 <= end:
        code = int16(buf, o, big)
        length = int16(buf, o + 2, big)
        o += 4
        if code == 0 or o + length > end:
            break
        if code in (OPTION_DROPPED_BY_INTERFACE, OPTION_DROPPED_BY_SYSTEM) and length >= 8:
            dropped += int32(buf, o + 4 if big else o, big)
        o += (length + 3) & ~3
    interfaces[row + I_DROPPED] = max(interfaces[row + I_DROPPED], dropped)


@kernel
def packet_block(
    buf: Buffer, o: int, kind: int, body_end: int, container: list[int], interfaces: list[int], h: list[int]
) -> int:
    """Read the packet block at `o`; returns GOT_PACKET or DAMAGED."""
    big = container[BIG]
    number = 0
    if kind == ENHANCED_PACKET:
        number = int32(buf, o + 8, big)
    elif kind == OBSOLETE_PACKET:
        number = int16(buf, o + 8, big)
    if number >= container[INTERFACES] - container[SECTION_FIRST]:
        container[PROBLEM] = PROBLEM_INTERFACE
        return DAMAGED
    row = (container[SECTION_FIRST] + number) * I_WIDTH
    if kind == SIMPLE_PACKET:
        start = o + 12
        wire = int32(buf, o + 8, big)
        length = min(wire, body_end - start)
        if interfaces[row + I_SNAP]:
            length = min(length, interfaces[row + I_SNAP])
        h[TS] = container[LAST_TS]
    else:
        start = o + 28
        length = int32(buf, o + 20, big)
        wire = int32(buf, o + 24, big)
        h[TS] = nanoseconds(
            int32(buf, o + 12, big),
            int32(buf, o + 16, big),
            interfaces[row + I_UNITS],
            interfaces[row + I_OFFSET],
        )
    if start + length > body_end:
        container[PROBLEM] = PROBLEM_BLOCK_LENGTH
        return DAMAGED
    h[WIRE_LEN] = max(length, wire)
    h[LINK] = interfaces[row + I_LINK]
    h[PACKET_DIRECTION] = DIRECTION_UNKNOWN
    if kind == OBSOLETE_PACKET and int16(buf, o + 10, big) != UNKNOWN_DROPS:
        container[DROPPED] += int16(buf, o + 10, big)
    options = start + ((length + 3) & ~3)
    if kind != SIMPLE_PACKET and options + 8 <= body_end:
        packet_options(buf, options, body_end, container, h)
    h[START] = start
    h[END] = start + length
    container[FRAME] += 1
    container[LAST_TS] = h[TS]
    return GOT_PACKET


@inlined
def next_pcapng(buf: Buffer, end: int, container: list[int], interfaces: list[int], h: list[int]) -> int:
    """Step to the next packet block in buf[POS:end], taking in what lies before it."""
    while True:
        o = container[POS]
        if o + 12 > end:
            return NEED_BYTES
        big = container[BIG]
        kind = int32(buf, o, big)
        if kind == SECTION:
            if int32(buf, o + 8, 0) == BYTE_ORDER_MAGIC:
                big = 0
            elif int32(buf, o + 8, 1) == BYTE_ORDER_MAGIC:
                big = 1
            else:
                container[PROBLEM] = PROBLEM_BYTE_ORDER
                return DAMAGED
        length = int32(buf, o + 4, big)
        least = 12
        if kind in (ENHANCED_PACKET, OBSOLETE_PACKET):
            least = 32
        elif kind == SECTION:
            least = 28
        elif kind in (INTERFACE, STATISTICS):
            least = 20 if kind == INTERFACE else 24
        elif kind == SIMPLE_PACKET:
            least = 16
        if length < least or length & 3:
            container[PROBLEM] = PROBLEM_BLOCK_LENGTH
            return DAMAGED
        if kind in (CUSTOM, CUSTOM_NOT_COPIED, JOURNAL):
            container[OTHER_FRAMES] += 1
            container[FRAME] += 1
        known = kind in (ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET, INTERFACE, SECTION, STATISTICS)
        if not known and o + length > end:
            container[SKIP_BYTES] = length
            return SKIP
        if known and length > MAX_RECORD_BYTES:
            container[PROBLEM] = PROBLEM_TOO_LONG
            return DAMAGED
        if o + length > end:
            return NEED_BYTES
        if int32(buf, o + length - 4, big) != length:
            container[PROBLEM] = PROBLEM_TRAILER
            return DAMAGED
        body_end = o + length - 4
        if kind == SECTION:
            container[BIG] = big
            container[SECTION_FIRST] = container[INTERFACES]
        elif kind == INTERFACE:
            if (container[INTERFACES] + 1) * I_WIDTH > len(interfaces):
                return GROW_INTERFACES
            add_interface(buf, o + 8, body_end, container, interfaces)
        elif kind == STATISTICS:
            read_statistics(buf, o + 8, body_end, container, interfaces)
        elif known:
            status = packet_block(buf, o, kind, body_end, container, interfaces, h)
            if status == GOT_PACKET:
                container[RECORD] = o
                container[POS] = o + length
            return status
        container[POS] = o + length


@inlined
def next_packet(buf: Buffer, end: int, container: list[int], interfaces: list[int], h: list[int]) -> int:
    """Step to the next packet of the file, whatever its format; returns what happened."""
    if container[FORMAT] == PCAP:
        return next_pcap(buf, end, container, h)
    return next_pcapng(buf, end, container, interfaces, h)
