"""One captured packet without its payload, and with other addresses.

Checksums are updated by what changed (RFC 1624), not made anew: one that was right stays right, and one
that was wrong, which may be the very fault, stays wrong.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.decode.integers import be16, ones_sum
from analyzer.decode.link import (
    C_HDLC,
    ETHERNET,
    IPV4,
    IPV6,
    LOOP,
    NULL,
    PPP,
    PPP_ETHER,
    PPP_HDLC,
    PPP_WITH_DIR,
    RAW,
    RAW_BSD,
    RAW_OPENBSD,
    SLL,
    SLL2,
)
from analyzer.decode.network import AUTHENTICATION, DESTINATION_OPTIONS, HOP_BY_HOP, MAX_EXTENSIONS, MOBILITY, ROUTING
from analyzer.decode.tcp import (
    OPTION_END,
    OPTION_MSS,
    OPTION_NOP,
    OPTION_SACK,
    OPTION_SACK_OK,
    OPTION_TIMESTAMPS,
    OPTION_WSCALE,
)
from analyzer.flows.datagram_keys import UDP_HEADER
from analyzer.model.analysis import AddressMap
from analyzer.redaction.datagram_payload import StandIns
from analyzer.redaction.header_layout import (
    MAC_PAIR,
    NO_PLACE,
    TAGS,
    TYPED_LINKS,
    Cover,
    IpHeader,
    Layout,
    layout_of_frame,
    layout_of_packet,
)

PLAIN_LINKS = {
    ETHERNET: (0, 12), SLL: (6, 14), SLL2: (12, 20),
    NULL: (0, 0), LOOP: (0, 0), RAW: (0, 0), RAW_BSD: (0, 0), RAW_OPENBSD: (0, 0), IPV4: (0, 0), IPV6: (0, 0),
    PPP: (0, 0), PPP_HDLC: (0, 0), PPP_WITH_DIR: (0, 0), PPP_ETHER: (0, 0), C_HDLC: (0, 0),
}  # fmt: skip
"""Link headers that stay when addresses are replaced, and where their hardware addresses lie. Others can hold
names of processes, interfaces and rules, or places on earth; they are left out."""

HARMLESS_OPTIONS = (OPTION_MSS, OPTION_WSCALE, OPTION_SACK_OK, OPTION_SACK, OPTION_TIMESTAMPS)
"""TCP options that hold no address. Multipath TCP and load balancers put some into theirs."""


class Redacted(NamedTuple):
    """What is left of a packet."""

    data: bytes
    link_type: int
    wire_len: int
    addresses: frozenset[bytes]  # of all its IP headers, packed, as they are now


def redacted(
    frame: bytes,
    link_type: int,
    wire_len: int,
    *,
    keep_payload: bool = False,
    bare: bool = False,
    anonymizer: AddressMap | None = None,
    stand_ins: StandIns | None = None,
) -> Redacted | None:
    """The frame without payload and with other addresses; None if it holds no TCP or ICMP to be kept.

    An ICMP error keeps its length: what it quotes behind the headers becomes zeros, with its checksum updated.

    Args:
        frame: as captured.
        link_type: LINKTYPE_ number.
        wire_len: bytes on the wire.
        keep_payload: change nothing, unless addresses are replaced.
        bare: keep what is neither TCP nor ICMP, too: its outermost IP header, and UDP's.
        anonymizer: replaces all IP addresses; hardware addresses become zeros.
        stand_ins: puts something in the place of a datagram's payload, if it is `bare`; by default nothing stays.
    """
    data = bytearray(frame)
    skipped = 0
    layout = layout_of_frame(data, link_type, wire_len, bare=bare)
    if layout is None:
        return None
    editor = _Editor(data, layout)
    if not keep_payload:
        # Checksums in the quote stay those of the quoted packet, so that it can be found.
        editor.write(layout.blank, bytes(layout.end - layout.blank), below=layout.quote)
        data[layout.end :] = _stand_in(data, layout, stand_ins)
    if anonymizer is not None:
        _anonymize(editor, layout, anonymizer)
        if link_type in PLAIN_LINKS:
            start, end = PLAIN_LINKS[link_type]
            data[start:end] = bytes(end - start)
        else:
            link_type, skipped = RAW, layout.network
    left = (header for header in layout.headers if header.transport <= len(data))
    addresses = frozenset(bytes(part) for header in left for part in _addresses(data, header))
    return Redacted(bytes(data[skipped:]), link_type, wire_len - skipped, addresses)


def _stand_in(data: bytearray, layout: Layout, stand_ins: StandIns | None) -> bytes:
    """What stands for the payload of a datagram. Its checksum stays: it tells datagrams apart, too."""
    if stand_ins is None or not layout.payload:
        return b""
    header = layout.payload - UDP_HEADER
    ports = frozenset((be16(data, header), be16(data, header + 2)))
    return stand_ins.of(bytes(data[layout.payload : min(layout.payload_end, len(data))]), ports)


def link_header(frame: bytes, link_type: int, *, anonymous: bool) -> bytes | None:
    """The link header of a frame that is no IP, and nothing behind it; None where that may not be kept.

    `anonymous` makes its hardware addresses zeros.
    """
    if link_type not in PLAIN_LINKS or link_type not in TYPED_LINKS:
        return None
    place, end = TYPED_LINKS[link_type]
    if be16(frame, place) in TAGS:
        end += TAGS[be16(frame, place)][1]
    header = bytearray(frame[:end])
    if anonymous:
        first, last = PLAIN_LINKS[link_type]
        header[first:last] = bytes(last - first)
    return bytes(header)


def anonymize_packet(data: bytearray, version: int, anonymizer: AddressMap) -> None:
    """Replace all addresses of a packet that starts with its IP header, in place; zeros if it is not understood."""
    layout = layout_of_packet(data, version)
    if layout is None:
        data[:] = bytes(len(data))
    else:
        _anonymize(_Editor(data, layout), layout, anonymizer)


def _addresses(data: bytearray, header: IpHeader) -> tuple[bytearray, bytearray]:
    first, length = (12, 4) if header.version == 4 else (8, 16)
    o = header.start + first
    return data[o : o + length], data[o + length : o + 2 * length]


def _anonymize(editor: _Editor, layout: Layout, anonymizer: AddressMap) -> None:
    for header in layout.headers:
        source, target = _addresses(editor.data, header)
        place = header.start + (12 if header.version == 4 else 8)
        editor.write(place, anonymizer.packed(bytes(source)) + anonymizer.packed(bytes(target)), pseudo=header.start)
        _blank_ip_options(editor, header)
    for start in layout.hardware:
        editor.write(start, bytes(MAC_PAIR))
    _blank_tcp_options(editor, *layout.options)


def _blank_ip_options(editor: _Editor, header: IpHeader) -> None:
    """Overwrite what may hold addresses: IPv4 options (routes), IPv6 routing headers and options."""
    data = editor.data
    if header.version == 4:
        length = (data[header.start] & 15) * 4
        editor.write(header.start + 20, bytes([OPTION_NOP]) * (length - 20))
        return
    following, o = data[header.start + 6], header.start + 40
    for _ in range(MAX_EXTENSIONS):
        if o + 8 > header.transport:
            return
        units = data[o + 1]
        length = (units + 2) * 4 if following == AUTHENTICATION else (units + 1) * 8
        if following in (HOP_BY_HOP, DESTINATION_OPTIONS, MOBILITY):
            editor.write(o + 2, bytes(min(o + length, len(data)) - o - 2))
        elif following == ROUTING:
            editor.write(o + 4, bytes(min(o + length, len(data)) - o - 4))
        following, o = data[o], o + length


def _blank_tcp_options(editor: _Editor, o: int, end: int) -> None:
    data = editor.data
    while o < end:
        kind = data[o]
        if kind == OPTION_NOP:
            o += 1
            continue
        length = data[o + 1] if o + 1 < end else 0
        if kind == OPTION_END or length < 2 or o + length > end:
            editor.write(o, bytes(end - o))
            return
        if kind not in HARMLESS_OPTIONS:
            editor.write(o, bytes([OPTION_NOP]) * length)
        o += length


class _Editor:
    """Changes bytes of a packet and the checksums over them."""

    def __init__(self, data: bytearray, layout: Layout) -> None:
        self.data = data
        self._covers = layout.covers

    def write(self, place: int, new: bytes, *, pseudo: int = NO_PLACE, below: int = 1 << 62) -> None:
        """Put `new` at `place`, and update the checksums that lie before `below`.

        As addresses of the IP header at `pseudo` they are in its pseudo-header too.
        """
        old = bytes(self.data[place : place + len(new)])
        new = new[: len(old)]
        if new == old:
            return
        self.data[place : place + len(new)] = new
        for cover in (cover for cover in self._covers if cover.place < below):
            if cover.start <= place < cover.end and not place <= cover.place < place + len(new):
                self._update(cover, old, new, odd=bool((place - cover.start) & 1))
            if pseudo != NO_PLACE and cover.pseudo == pseudo:
                self._update(cover, old, new, odd=False)

    def _update(self, cover: Cover, old: bytes, new: bytes, *, odd: bool) -> None:
        present = be16(self.data, cover.place)
        if cover.optional and present == 0:
            return
        lead = b"\0" if odd else b""
        total = (present ^ 0xFFFF) + (_sum(lead + old) ^ 0xFFFF) + _sum(lead + new)
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        updated = total ^ 0xFFFF
        self.write(cover.place, (0xFFFF if cover.optional and updated == 0 else updated).to_bytes(2))


def _sum(data: bytes) -> int:
    return ones_sum(data, 0, len(data), 0)
