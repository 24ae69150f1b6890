"""Where in a packet its IP headers, checksums, hardware addresses and payload lie, tunnels and quotes included.

Emits `Layout`. The decoders of the skim find the headers, one after the other; nothing is guessed here that
they do not recognise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.decode.ether import (
    ETHER_E_TAG,
    ETHER_FABRIC_PATH,
    ETHER_I_TAG,
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_METADATA,
    ETHER_QINQ,
    ETHER_QINQ_OLD,
    ETHER_VLAN,
    ETHER_VN_TAG,
    LARGEST_LENGTH,
    metadata_bytes,
)
from analyzer.decode.icmp import decode_icmp
from analyzer.decode.integers import be16
from analyzer.decode.layers import EOIP, ERSPAN, ETHERIP, GENEVE, GRE, GRETAP, L2TP, MPLS, VXLAN, VXLAN_GPE
from analyzer.decode.link import C_HDLC, ETHERNET, SLL, SLL2, decode_link
from analyzer.decode.network import PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, decode_network
from analyzer.decode.packet_fields import (
    COUNT,
    END,
    ETHER_TYPE,
    FRAGMENT,
    IP_END,
    L4,
    LAYERS,
    LINK,
    NET,
    OK,
    PROTO,
    QUOTE,
    START,
    TCP_LEN,
    VERSION,
    WIRE_LEN,
)
from analyzer.decode.tcp import decode_tcp
from analyzer.decode.tunnel import (
    GRE_ARUBA,
    GRE_ARUBA_MASK,
    MAX_NESTING,
    PORT_GUE,
    PROTO_ESP,
    PROTO_GRE,
    PROTO_L2TP,
    PROTO_UDP,
    enter_payload,
)

GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE = 0x8000, 0x2000, 0x1000
MAC_PAIR = 12  # two hardware addresses
ETHERNET_HEADER = 14
NO_PLACE = -1
TYPED_LINKS = {ETHERNET: (12, 14), SLL: (14, 16), SLL2: (0, 20), C_HDLC: (2, 4)}
"""Link headers with an EtherType: where it is, and where they end."""
TAGS = {
    ETHER_VLAN: (2, 4), ETHER_QINQ: (2, 4), ETHER_QINQ_OLD: (2, 4), ETHER_VN_TAG: (4, 6), ETHER_E_TAG: (6, 8),
    ETHER_METADATA: (6, 8),
}  # fmt: skip
"""The same for tags behind an EtherType; Cisco's metadata may be longer."""
TAGGED_FRAMES = {ETHER_I_TAG: 4, ETHER_FABRIC_PATH: 2}
"""Bytes of a tag behind which a whole Ethernet frame follows."""


class IpHeader(NamedTuple):
    """An IP header; `transport` is the first byte behind it and its extension headers, `end` one past its packet."""

    start: int
    version: int
    transport: int
    end: int
    proto: int


class Cover(NamedTuple):
    """A checksum at `place` over `start`..`end`, and over the addresses of the IP header at `pseudo` (-1: none)."""

    place: int
    start: int
    end: int
    pseudo: int = NO_PLACE
    optional: bool = False  # UDP: 0 means that there is none


@dataclass
class Layout:
    """Offsets in one captured packet."""

    network: int  # first IP header
    headers: list[IpHeader] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    hardware: list[int] = field(default_factory=list)  # where pairs of MAC addresses start, inside of tunnels
    options: tuple[int, int] = (0, 0)  # of TCP
    end: int = 0  # one past the headers; of an ICMP error, one past the whole message
    quote: int = 0  # where an ICMP error starts to quote; `end` if it does not
    blank: int = 0  # from here to `end` an ICMP error quotes payload; `end` if none
    payload: int = 0  # of a UDP datagram, or the first fragment of one, that carries nothing known; else 0
    payload_end: int = 0


def layout_of_frame(data: bytearray, link_type: int, wire_len: int, *, bare: bool = False) -> Layout | None:
    """The layout of a captured frame; None if it holds no TCP or ICMP that can be decoded, or if `bare` no IP."""
    h = [0] * COUNT
    h[LINK], h[START], h[END], h[WIRE_LEN] = link_type, 0, len(data), wire_len
    if decode_link(data, h) != OK:
        return None
    layout = Layout(h[NET])
    if link_type in TYPED_LINKS:
        place, end = TYPED_LINKS[link_type]
        _note_frames(data, end, be16(data, place), h[NET], layout)
    if h[LAYERS] & 31 == MPLS:
        _note_hardware(data, 0, h[NET], MPLS, layout)
    if _follow(data, h, layout):
        return layout
    return _outermost(data, layout) if bare and layout.headers else None


def _outermost(data: bytearray, layout: Layout) -> Layout:
    """The layout of a packet that ends behind its outermost IP header, or UDP's: of fragments, and all else."""
    outer = layout.headers[0]
    h = [0] * COUNT
    h[END], h[NET], h[ETHER_TYPE] = len(data), outer.start, ETHER_IPV4 if outer.version == 4 else ETHER_IPV6
    decode_network(data, h)
    # Of UDP the header, of ESP what tells its packets apart (RFC 4303 2).
    begin = 8 if outer.proto in (PROTO_UDP, PROTO_ESP) and h[FRAGMENT] != 2 else 0
    layout.end = layout.quote = layout.blank = min(outer.transport + begin, outer.end)
    if begin and outer.proto == PROTO_UDP:
        layout.payload, layout.payload_end = layout.end, outer.end
    return layout


def layout_of_packet(data: bytearray, version: int) -> Layout | None:
    """As `layout_of_frame`, for data that starts with an IP header."""
    h = [0] * COUNT
    h[START], h[END], h[WIRE_LEN], h[NET] = 0, len(data), len(data), 0
    h[ETHER_TYPE] = ETHER_IPV4 if version == 4 else ETHER_IPV6
    layout = Layout(0)
    return layout if _follow(data, h, layout) else None


def _follow(data: bytearray, h: list[int], layout: Layout) -> bool:
    """Note all headers from the IP header at NET on; False if they lead to no TCP or ICMP."""
    if not _descend(data, h, layout):
        return False
    if h[PROTO] == PROTO_TCP:
        if decode_tcp(data, h) != OK:
            return False
        layout.end = layout.quote = layout.blank = min(h[L4] + h[TCP_LEN], h[IP_END])
        layout.options = (h[L4] + 20, layout.end)
        return True
    if decode_icmp(data, h) != OK:
        return False
    layout.end = layout.quote = layout.blank = h[L4] + 8
    if h[QUOTE]:
        layout.end = h[IP_END]
        layout.blank = _follow_quote(data, h, layout)
    return True


def _descend(data: bytearray, h: list[int], layout: Layout) -> bool:
    """Note IP headers and what they carry down to TCP or ICMP; False if that is not reached."""
    for _ in range(MAX_NESTING + 1):
        if decode_network(data, h) != OK:
            return False
        header = IpHeader(h[NET], h[VERSION], h[L4], h[IP_END], h[PROTO])
        layout.headers.append(header)
        if header.version == 4:
            start_of_options = header.start + 20
            layout.covers.append(
                Cover(header.start + 10, header.start, max(start_of_options, header.start + (data[h[NET]] & 15) * 4))
            )
        if h[FRAGMENT] == 2:
            return False
        _note_checksum(data, header, layout)
        if header.proto in (PROTO_TCP, PROTO_ICMP if header.version == 4 else PROTO_ICMPV6):
            return True
        h[LAYERS] = 0
        if enter_payload(data, h) != OK:
            return False
        _note_hardware(data, header.transport, h[NET], h[LAYERS] & 31, layout, header.proto)
        h[END] = h[IP_END]
    return False


def _follow_quote(data: bytearray, h: list[int], layout: Layout) -> int:
    """Note the headers that an ICMP error quotes; returns where the payload among the quoted bytes starts."""
    end = h[IP_END]
    q = [0] * COUNT
    q[START], q[END], q[NET], q[WIRE_LEN] = 0, end, h[QUOTE], end
    q[ETHER_TYPE] = ETHER_IPV4 if h[VERSION] == 4 else ETHER_IPV6
    known = len(layout.headers)
    reached = _descend(data, q, layout)
    if len(layout.headers) == known:
        return h[QUOTE]
    last = layout.headers[-1]
    o = last.transport
    if not reached or last.proto != PROTO_TCP:  # ports and the like: what a router must quote (RFC 792)
        return min(o + 8, end)
    if o + 13 > end:
        return end
    header = max(20, (data[o + 12] >> 4) * 4)
    layout.options = (min(o + 20, end), min(o + header, end))
    return min(o + header, end)


def _note_checksum(data: bytearray, header: IpHeader, layout: Layout) -> None:
    """Note the checksum of what the IP header carries, as far as it was captured."""
    o, proto = header.transport, header.proto
    if proto == PROTO_GRE:
        if o + 6 <= header.end and be16(data, o) & GRE_CHECKSUM:
            layout.covers.append(Cover(o + 4, o, header.end))
        return
    places = {PROTO_TCP: 16, PROTO_UDP: 6, PROTO_ICMP: 2, PROTO_ICMPV6: 2}
    if proto in places and o + places[proto] + 2 <= header.end:
        pseudo = NO_PLACE if proto == PROTO_ICMP else header.start
        layout.covers.append(Cover(o + places[proto], o, header.end, pseudo, optional=proto == PROTO_UDP))


def _note_hardware(data: bytearray, transport: int, network: int, layer: int, layout: Layout, proto: int = 0) -> None:
    """Note the MAC addresses of an Ethernet frame that a tunnel carries, if it carries one."""
    if layer in (VXLAN, VXLAN_GPE):
        start = transport + 16
    elif layer == GENEVE:
        start = transport + 16 + (data[transport + 8] & 0x3F) * 4
    elif layer in (GRETAP, GRE, EOIP):
        gre = transport
        if proto == PROTO_UDP:  # RFC 8086, or behind the header of GUE
            gre += 8 if be16(data, transport + 2) != PORT_GUE else 12 + (data[transport + 8] & 0x1F) * 4
        flags = be16(data, gre)
        start = gre + 4 + 4 * sum(bool(flags & bit) for bit in (GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE))
        if layer == GRE:
            kind = be16(data, gre + 2)
            if kind & GRE_ARUBA_MASK == GRE_ARUBA:  # an 802.11 header: three addresses, and one behind the sequence
                layout.hardware += [start + 4, start + 10]
                if data[start + 1] & 3 == 3:
                    layout.hardware.append(start + 18)
                return
            if kind == ETHER_METADATA:  # here its EtherType comes first
                kind = be16(data, start)
                start += metadata_bytes(data, start + 2)
            _note_frames(data, start, kind, network, layout)
            return
    elif layer == ETHERIP:
        start = transport + 2
    elif layer in (ERSPAN, MPLS) or (layer == L2TP and (proto == PROTO_L2TP or data[transport + 9] & 15 == 3)):
        # Their headers have no length of their own that tells; the frame's header ends where IP starts.
        start = network - ETHERNET_HEADER
        if be16(data, network - 2) not in (ETHER_IPV4, ETHER_IPV6):
            return  # IP right behind the MPLS labels: the bottom of the stack ends in an odd byte and the TTL
        while tag := _tag_before(data, start + MAC_PAIR, transport + MAC_PAIR):
            start -= tag
    else:
        return
    if transport <= start <= network - ETHERNET_HEADER:
        layout.hardware.append(start)
        _note_frames(data, start + ETHERNET_HEADER, be16(data, start + MAC_PAIR), network, layout)


def _tag_before(data: bytearray, o: int, first: int) -> int:
    """Bytes of the tag that ends where an EtherType stands at `o`, and starts at `first` or later; 0 if none does."""
    fitting = (length for kind, (_, length) in TAGS.items() if first <= o - length and be16(data, o - length) == kind)
    return next(fitting, 0)


def _note_frames(data: bytearray, o: int, kind: int, network: int, layout: Layout) -> None:
    """Note the MAC addresses of Ethernet frames in Ethernet, from the payload of EtherType `kind` at `o` on."""
    while o < network:
        if kind == ETHER_METADATA:
            length = metadata_bytes(data, o)
            place = length - 2
        elif kind in TAGS:
            place, length = TAGS[kind]
        elif kind in TAGGED_FRAMES:
            o += TAGGED_FRAMES[kind]
            layout.hardware.append(o)
            place, length = MAC_PAIR, ETHERNET_HEADER
        elif kind <= LARGEST_LENGTH:
            place, length = 6, 8  # LLC/SNAP
        else:
            return
        kind = be16(data, o + place)
        o += length
