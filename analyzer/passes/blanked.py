"""A capture without its payload, byte for byte as long: what the analysis says of it is what it says of the capture.

For who reads a capture in one place and analyses it in another: compressed, zeros take no room. Records, offsets, frame
numbers, lengths and comments stay as they are. Of a TCP segment only its payload is blanked, and of that the first two
bytes become its one's-complement sum (RFC 1071), so that the checksum is as right or as wrong as before; of a UDP
datagram that no tunnel carries, and of ESP, all but the first bytes. Nothing else is touched: not ICMP, no fragments,
nothing that is not decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analyzer.capture.container import DAMAGED, GOT_PACKET, I_WIDTH, NEED_BYTES, POS, SKIP, SKIP_BYTES
from analyzer.capture.pcapng import next_packet
from analyzer.capture.reader import CaptureReader
from analyzer.decode.integers import Buffer, be16, ones_sum
from analyzer.decode.network import PROTO_TCP
from analyzer.decode.packet_fields import (
    COUNT,
    FRAGMENT,
    IP_END,
    L4,
    LAYERS,
    OK,
    PAYLOAD,
    PROTO,
    REASON_ENCRYPTED,
    REASON_NOT_TCP,
    TCP_LEN,
)
from analyzer.decode.tunnel import (
    PORT_GENEVE,
    PORT_GRE,
    PORT_GTP_U,
    PORT_GUE,
    PORT_L2TP,
    PORT_TEREDO,
    PORT_VXLAN,
    PORT_VXLAN_GPE,
    PORT_VXLAN_LINUX,
    PROTO_ESP,
    PROTO_UDP,
)
from analyzer.errors import CaptureError
from analyzer.kernels.marks import kernel
from analyzer.passes.first import Skimmer
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.trial import trial_capture
from analyzer.settings import MAX_RECORD_BYTES

KEPT_BYTES = 160
"""Bytes that are kept behind the IP header of what is no TCP: an IP packet right behind a UDP header is looked for."""

TUNNEL_PORTS = (
    PORT_L2TP,
    PORT_GTP_U,
    PORT_TEREDO,
    PORT_GRE,
    PORT_VXLAN,
    PORT_VXLAN_LINUX,
    PORT_VXLAN_GPE,
    PORT_GUE,
    PORT_GENEVE,
)
"""UDP ports behind which packets are looked for."""

LEAST_BLANKED = 16
"""Payload up to which nothing is saved."""


@kernel
def is_bare_datagram(buf: Buffer, h: list[int], reason: int) -> bool:
    """True if what is not TCP is ESP, or UDP of ports that no tunnel has."""
    if reason not in (REASON_NOT_TCP, REASON_ENCRYPTED) or h[LAYERS] != 0 or h[FRAGMENT] != 0:
        return False
    if h[PROTO] == PROTO_ESP:
        return True
    if h[PROTO] != PROTO_UDP or h[L4] + 8 > h[IP_END]:
        return False
    return be16(buf, h[L4]) not in TUNNEL_PORTS and be16(buf, h[L4] + 2) not in TUNNEL_PORTS


@kernel
def blank_packet(buf: Any, h: list[int]) -> None:
    """Blank the payload of the packet at START."""
    reason = decode_packet(buf, h)
    end = h[IP_END]
    if reason == OK:
        if h[PROTO] != PROTO_TCP or h[FRAGMENT] != 0 or h[PAYLOAD] == 0:
            return
        o = h[L4] + h[TCP_LEN]
        if o + LEAST_BLANKED > end:
            return
        total = ones_sum(buf, o, end, 0)
        buf[o] = total >> 8
        buf[o + 1] = total & 0xFF
        o += 2
    elif is_bare_datagram(buf, h, reason):
        o = h[L4] + KEPT_BYTES
    else:
        return
    for i in range(o, end):
        buf[i] = 0


@kernel
def blank_chunk(buf: Any, end: int, container: list[int], interfaces: list[int], h: list[int]) -> int:
    """Blank the packets of buf[POS:end]; returns why it stopped."""
    while True:
        status = next_packet(buf, end, container, interfaces, h)
        if status != GOT_PACKET:
            return status
        blank_packet(buf, h)


def examples() -> dict[str, tuple[Any, ...]]:
    """Arguments of the compiled entry, for a call that does some of everything."""
    buf, container = trial_capture()
    numbers = np.zeros(COUNT, np.int64)
    return {"blank_chunk": (buf, len(buf), container, np.zeros(I_WIDTH, np.int64), numbers)}


class _Blanker(Skimmer):
    """As the Skimmer, but blanks what it takes; it keeps no state."""

    def __init__(self, *, compiled: bool) -> None:
        super().__init__(compiled=False)
        self._blank = self._entry(blank_chunk, examples, "blanking", compiled=compiled)
        self._skim = self._chunk
        self._h = self.integers(COUNT)

    def _chunk(self, view: Any, end: int, container: Any, interfaces: Any, h: Any, q: Any, until: int) -> int:
        del q, until  # there is one input
        return self._blank(view, end, container, interfaces, h)


def blank(reader: CaptureReader, write: Callable[[memoryview], object], *, compiled: bool = True) -> int:
    """Read a capture, which it starts, and hand on its bytes, decompressed and without payload.

    Returns:
        How many bytes at its end are no whole record.

    Raises:
        CaptureError: it is no capture, or is damaged before its end: what would be handed on would not end as it does.
    """
    reader.start()
    blanker = _Blanker(compiled=compiled)
    container = blanker.integers(len(reader.container))
    container[:] = reader.container
    reader.container = container
    interfaces = [blanker.integers(16 * I_WIDTH)]
    reader.read_ahead()
    begin = 0  # what lies before it in the buffer was handed on
    more = True
    while more:
        view = blanker.view(reader.buffer)
        status = blanker.take(view, reader.ready, container, interfaces)
        del view
        with memoryview(reader.buffer) as whole, whole[begin : int(container[POS])] as done:
            write(done)
        begin = int(container[POS])
        if status == DAMAGED or (status == SKIP and int(container[SKIP_BYTES]) > MAX_RECORD_BYTES):
            raise CaptureError(reader.name, reader.offset, "expected records that can be copied, found others")
        if status in (NEED_BYTES, SKIP):
            before = reader.offset
            more = reader.fill()
            begin = int(container[POS])
            if reader.offset != before:
                raise AssertionError("bytes were passed over")
    if reader.damaged_at is not None:
        raise CaptureError(reader.name, reader.damaged_at, reader.problem)
    with memoryview(reader.buffer) as whole, whole[begin : reader.ready] as rest:
        write(rest)
        return len(rest)
