"""The state of one capture file while it is walked, and how a walk reports back.

A flat array of integers (list when interpreted, int64 when compiled) so that the kernels can keep it.
POS is the place in the chunk buffer where the next record starts; it only moves past whole records,
so a walk can stop anywhere and go on after more bytes were read.
"""

from __future__ import annotations

FORMAT = 0  # an index into FORMAT_NAMES
BIG = 1  # 1 if the file (pcapng: the section) is big-endian
RECORD_HEADER = 2  # pcap: bytes of a record header, 16 or 24 (modified format)
FRACTION_NS = 3  # pcap: nanoseconds in a unit of the fraction, 1000 or 1
LINK_TYPE = 4  # pcap: link type of all packets
POS = 5
FRAME = 6  # frame number of the last packet, Wireshark's: from 1 within the file
INTERFACES = 7  # pcapng: interfaces known so far, all sections
SECTION_FIRST = 8  # pcapng: number of the section's first interface
SKIP_BYTES = 9  # bytes to skip from POS without looking
PROBLEM = 10  # index into PROBLEMS
LAST_TS = 11  # time of the last packet, for records without one
RECORD = 12  # where the record of the last packet starts, to step back to it
OTHER_FRAMES = 13  # frames counted that are no packets
DROPPED = 14  # packets that the capturing host lost, by what packet blocks say
LENGTHS = 15  # pcap: the order of a record's two lengths, LENGTHS_ number
COUNT = 16

LENGTHS_CAPTURED_FIRST = 0
LENGTHS_WIRE_FIRST = 1
LENGTHS_UNSURE = 2  # the smaller is the captured one

PCAP = 0
PCAPNG = 1  # alone in having blocks, and interfaces that they describe
FORMAT_NAMES = ("pcap", "pcapng")

# Columns of the interface table, a flat array of WIDTH integers an interface.
I_LINK = 0
I_UNITS = 1  # clock ticks in a second; 0: unusable, all times read as the offset
I_OFFSET = 2  # seconds to add
I_SNAP = 3  # snap length, 0: none
I_DROPPED = 4  # packets that the capturing host lost, by the latest statistics block
I_WIDTH = 5
MAX_INTERFACES = 1 << 17

# What a walk answers.
GOT_PACKET = 1
NEED_BYTES = -1
DAMAGED = -2
SKIP = -3
GROW_INTERFACES = -4

PROBLEM_TOO_LONG = 1
PROBLEM_BLOCK_LENGTH = 2
PROBLEM_TRAILER = 3
PROBLEM_INTERFACE = 4
PROBLEM_BYTE_ORDER = 5
PROBLEM_CUT = 6
PROBLEM_INTERFACES = 7
PROBLEM_COMPRESSION = 8
PROBLEM_DECOMPRESSED = 9
PROBLEM_GONE = 10
PROBLEMS = (
    "",
    "expected a packet of at most 4 MiB, found an impossible length",
    "expected a block length that is a multiple of 4 and fits the block, found another",
    "expected the block length repeated at the end of the block, found another number",
    "expected a packet of a described interface, found one of an unknown interface",
    "expected a byte-order magic in the section header, found none",
    "expected the rest of a record, found the end of the file",
    "expected at most 131072 interfaces, found more",
    "expected more compressed data, found none that decompresses",
    "expected less: the limit on decompressed bytes is reached (see --max-decompressed)",
    "expected the rest of the file, found it gone, or another in its place",
)
