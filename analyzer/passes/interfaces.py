"""On which interface a packet was captured, in files of several."""

from __future__ import annotations

from analyzer.capture.container import BIG, FORMAT, PCAPNG, RECORD
from analyzer.capture.pcapng import ENHANCED_PACKET
from analyzer.decode.integers import Buffer, be32, int32
from analyzer.decode.link import SLL2
from analyzer.decode.packet_fields import LINK, START
from analyzer.kernels.marks import inlined


@inlined
def interface_of(buf: Buffer, container: list[int], h: list[int]) -> int:
    """The number of the interface that captured the packet, within its section; -1 where the file does not tell."""
    if h[LINK] == SLL2:
        return be32(buf, h[START] + 4)
    if container[FORMAT] != PCAPNG:
        return -1
    o = container[RECORD]
    return int32(buf, o + 8, container[BIG]) if int32(buf, o, container[BIG]) == ENHANCED_PACKET else 0
