"""From one IP packet to the next inside it: IP protocols and UDP ports that carry IP or Ethernet.

`descend` goes on until TCP or ICMP, or until nothing is recognised. Each step pushes its layer.

    GRE (RFC 2784, 2890; version 1: RFC 2637)   0 flags/version  2 EtherType  4 checksum, key, sequence as flagged
    EoIP (MikroTik)       0 GRE, version 1 with a key  2 0x6400  4 length of the frame  6 tunnel  8 inner Ethernet
    VXLAN (RFC 7348)      0 flags  4 network     VXLAN-GPE: 3 next protocol       8 inner Ethernet
    Geneve (RFC 8926)     0 version/options length  2 EtherType  4 network  8 options
    GTP-U (3GPP 29.281)   0 flags  1 type  2 length  4 tunnel  8 sequence, N-PDU, next extension as flagged
    L2TPv2 (RFC 2661)     0 flags/version, then length, tunnel, session, Ns, Nr, offset as flagged, PPP
"""

from __future__ import annotations

from analyzer.decode.ether import (
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_METADATA,
    NOTHING,
    follow_ether,
    metadata_bytes,
    ppp_bytes,
    ppp_ether_type,
    push_layer,
)
from analyzer.decode.integers import Buffer, be16, be32, ones_sum
from analyzer.decode.layers import (
    EOIP,
    ERSPAN,
    ETHERIP,
    FOU,
    FOUR_IN_SIX,
    GENEVE,
    GRE,
    GRETAP,
    GTP_U,
    GUE,
    IPIP,
    L2TP,
    PPTP,
    SIX_IN_FOUR,
    SIX_IN_SIX,
    TEREDO,
    VXLAN,
    VXLAN_GPE,
)
from analyzer.decode.link import decode_wifi
from analyzer.decode.network import EXTENSIONS, PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, decode_network
from analyzer.decode.packet_fields import (
    END,
    ETHER_TYPE,
    FRAGMENT,
    IP_END,
    L4,
    NET,
    OK,
    PROTO,
    REASON_ENCRYPTED,
    REASON_INNER_FRAGMENT,
    REASON_NESTED,
    REASON_NOT_TCP,
    REASON_TUNNEL_CUT,
    VERSION,
)
from analyzer.kernels.marks import inlined, kernel

MAX_NESTING = 5  # tunnels in tunnels; each pushes two layers at most

PROTO_IPIP = 4
PROTO_UDP = 17
PROTO_IPV6 = 41
PROTO_GRE = 47
PROTO_ESP = 50
PROTO_ETHERIP = 97
PROTO_L2TP = 115

PORT_L2TP = 1701
PORT_GTP_U = 2152
PORT_TEREDO = 3544
PORT_IPSEC = 4500  # ESP in UDP, RFC 3948
PORT_GRE = 4754  # RFC 8086
PORT_VXLAN = 4789
PORT_VXLAN_LINUX = 8472  # Linux' own default, older than the assignment
PORT_VXLAN_GPE = 4790
PORT_GUE = 6080
PORT_GENEVE = 6081
PORT_WIREGUARD = 51820  # the customary one

GRE_TEB = 0x6558  # transparent Ethernet bridging
GRE_ERSPAN = 0x88BE
GRE_ERSPAN_3 = 0x22EB
GRE_PPP = 0x880B
GRE_ARUBA = 0x8200  # and multiples of 16 above it: from an access point to its controller, the frame as in the air
GRE_ARUBA_MASK = 0xFE0F
GRE_WCCP = 0x883E  # Cisco: to a web cache
GRE_EOIP = 0x6400  # MikroTik
EOIP_FLAGS = 0x2001  # the only ones it sends


@kernel
def descend(buf: Buffer, h: list[int]) -> int:
    """Go from the decoded IP packet to the TCP or ICMP inside its payload; returns OK or a reason."""
    for _ in range(MAX_NESTING):
        reason = enter_payload(buf, h)
        if reason != OK:
            return reason
        h[END] = h[IP_END]
        reason = decode_network(buf, h)
        if reason != OK:
            return reason
        if h[FRAGMENT] == 2:
            return REASON_INNER_FRAGMENT
        if h[PROTO] == PROTO_TCP or h[PROTO] == (PROTO_ICMP if h[VERSION] == 4 else PROTO_ICMPV6):
            return OK
    return REASON_NESTED


@inlined
def carries(buf: Buffer, h: list[int]) -> bool:
    """True if the IP packet at NET holds something else than TCP: it may be a tunnel's."""
    if h[ETHER_TYPE] == ETHER_IPV4:
        return h[NET] + 10 <= h[END] and buf[h[NET] + 9] != PROTO_TCP
    return h[NET] + 7 <= h[END] and buf[h[NET] + 6] != PROTO_TCP


@kernel
def step_in(buf: Buffer, h: list[int]) -> int:
    """Go from the decoded IP packet to that of a TCP segment inside of it, and leave the inner IP header undecoded.

    As `descend`, but for that header: ETHER_TYPE, NET, END and LAYERS are those of the inner packet. Returns OK, or a
    reason, with all of them undefined. If LAYERS is what it was, the packet carries nothing, and the reason is that of
    `descend`.
    """
    for _ in range(MAX_NESTING):
        reason = enter_payload(buf, h)
        if reason != OK:
            return reason
        h[END] = h[IP_END]
        if not carries(buf, h):
            return OK
        reason = decode_network(buf, h)
        if reason != OK:
            return reason
        if h[FRAGMENT]:
            return REASON_INNER_FRAGMENT
    return REASON_NESTED


@kernel
def enter_payload(buf: Buffer, h: list[int]) -> int:
    """Find the IP packet inside the payload of the decoded one: sets ETHER_TYPE and NET; returns a reason."""
    proto = h[PROTO]
    o = h[L4]
    end = h[IP_END]
    outer = h[NET]
    if proto == PROTO_IPIP:
        push_layer(h, IPIP if h[VERSION] == 4 else FOUR_IN_SIX, outer)
        return follow_ether(buf, o, end, ETHER_IPV4, h)
    if proto == PROTO_IPV6:
        push_layer(h, SIX_IN_FOUR if h[VERSION] == 4 else SIX_IN_SIX, outer)
        return follow_ether(buf, o, end, ETHER_IPV6, h)
    if proto == PROTO_GRE:
        return enter_gre(buf, o, end, outer, h)
    if proto == PROTO_UDP:
        return enter_udp(buf, o, end, outer, h)
    if proto == PROTO_ETHERIP:  # RFC 3378: 2 bytes, version 3
        if o + 16 > end:
            return REASON_TUNNEL_CUT
        push_layer(h, ETHERIP, outer)
        return follow_ether(buf, o + 16, end, be16(buf, o + 14), h)
    if proto == PROTO_L2TP:
        return enter_l2tp3(buf, o, end, outer, h)
    return REASON_ENCRYPTED if proto == PROTO_ESP else REASON_NOT_TCP


@kernel
def enter_gre(buf: Buffer, o: int, end: int, outer: int, h: list[int]) -> int:
    """Step over the GRE header at `o` and what it carries before IP; returns OK or a reason."""
    if o + 4 > end:
        return REASON_TUNNEL_CUT
    flags = be16(buf, o)
    kind = be16(buf, o + 2)
    o += 4
    if kind == GRE_EOIP and flags == EOIP_FLAGS:
        if o + 4 > end:
            return REASON_TUNNEL_CUT
        if be16(buf, o) == 0:
            return REASON_NOT_TCP  # a keepalive
        push_layer(h, EOIP, outer)
        return enter_frame(buf, o + 4, end, h)
    if flags & 7 == 1:  # PPTP: the key holds payload length and call, an acknowledgement may follow
        o += 4 + (4 if flags & 0x1000 else 0) + (4 if flags & 0x0080 else 0)
    elif flags & 0x4007:
        return REASON_NOT_TCP  # source routing (RFC 1701), or an unknown version
    else:
        o += (4 if flags & 0x8000 else 0) + (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if kind == GRE_PPP:
        length = ppp_bytes(buf, o, end)
        kind = ppp_ether_type(buf, o, end)
        push_layer(h, PPTP, outer)
        return follow_ether(buf, o + length, end, kind, h)
    if kind == GRE_ERSPAN:  # type I has no header of its own, and no sequence number
        o += 8 if flags & 0x1000 else 0
    elif kind == GRE_ERSPAN_3:
        if o + 12 > end:
            return REASON_TUNNEL_CUT
        o += 20 if (buf[o + 11] + 0) & 1 else 12
    elif kind & GRE_ARUBA_MASK == GRE_ARUBA:
        push_layer(h, GRE, outer)
        return decode_wifi(buf, o, end, 0, h)
    elif kind != GRE_TEB:
        push_layer(h, GRE, outer)
        if kind == GRE_WCCP:
            if o + 4 > end:
                return REASON_TUNNEL_CUT
            kind = ETHER_IPV4
            o += 0 if (buf[o] + 0) >> 4 == 4 else 4  # version 2 has a header of its own
        elif kind == ETHER_METADATA:  # here the EtherType comes first, as Wireshark reads it
            if o + 8 > end:
                return REASON_TUNNEL_CUT
            kind = be16(buf, o)
            o += metadata_bytes(buf, o + 2)
        return follow_ether(buf, o, end, kind, h)
    push_layer(h, GRETAP if kind == GRE_TEB else ERSPAN, outer)
    return enter_frame(buf, o, end, h)


@inlined
def enter_frame(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Step over the Ethernet header at `o`."""
    if o + 14 > end:
        return REASON_TUNNEL_CUT
    kind = be16(buf, o + 12)
    if kind in (ETHER_IPV4, ETHER_IPV6):
        h[ETHER_TYPE] = kind
        h[NET] = o + 14
        return OK
    return follow_ether(buf, o + 14, end, kind, h)


@inlined
def enter_udp(buf: Buffer, o: int, end: int, outer: int, h: list[int]) -> int:
    """Recognise a tunnel by its UDP port, or an IP packet right behind the UDP header by its fit."""
    if o + 8 > end:
        return REASON_NOT_TCP
    source = be16(buf, o)
    target = be16(buf, o + 2)
    length = be16(buf, o + 4) - 8
    o += 8
    if target in (PORT_VXLAN, PORT_VXLAN_LINUX, PORT_VXLAN_GPE):
        if o + 8 > end:
            return REASON_TUNNEL_CUT
        if target != PORT_VXLAN_GPE or not (buf[o] + 0) & 0x04:
            push_layer(h, VXLAN, outer)
            return enter_frame(buf, o + 8, end, h)
        following = buf[o + 3] + 0
        push_layer(h, VXLAN_GPE, outer)
        if following == 3:
            return enter_frame(buf, o + 8, end, h)
        kind = ETHER_IPV4 if following == 1 else ETHER_IPV6 if following == 2 else NOTHING
        return follow_ether(buf, o + 8, end, kind, h)
    if target == PORT_GENEVE:
        if o + 8 > end:
            return REASON_TUNNEL_CUT
        kind = be16(buf, o + 2)
        o += 8 + ((buf[o] + 0) & 0x3F) * 4
        push_layer(h, GENEVE, outer)
        return enter_frame(buf, o, end, h) if kind == GRE_TEB else follow_ether(buf, o, end, kind, h)
    if target == PORT_GRE:
        return enter_gre(buf, o, end, outer, h)
    if PORT_GTP_U in (source, target):
        return enter_gtp(buf, o, end, outer, h)
    if PORT_L2TP in (source, target):
        return enter_l2tp(buf, o, end, outer, h)
    if target == PORT_GUE and o + 4 <= end and (buf[o] + 0) >> 6 == 0:  # variant 0, 0 C/length  1 protocol
        if (buf[o] + 0) & 0x20:
            return REASON_NOT_TCP  # a control message
        push_layer(h, GUE, outer)
        proto = buf[o + 1] + 0
        o += 4 + ((buf[o] + 0) & 0x1F) * 4
        if proto == PROTO_GRE:
            return enter_gre(buf, o, end, outer, h)
        kind = ETHER_IPV4 if proto == PROTO_IPIP else ETHER_IPV6 if proto == PROTO_IPV6 else NOTHING
        return follow_ether(buf, o, end, kind, h)
    kind = bare_ip(buf, o, end, length)
    if kind:
        teredo = PORT_TEREDO in (source, target) and kind == ETHER_IPV6
        push_layer(h, TEREDO if teredo else GUE if target == PORT_GUE else FOU, outer)
        return follow_ether(buf, o, end, kind, h)
    encrypted = PORT_IPSEC in (source, target) or PORT_WIREGUARD in (source, target)
    return REASON_ENCRYPTED if encrypted else REASON_NOT_TCP


@kernel
def bare_ip(buf: Buffer, o: int, end: int, length: int) -> int:
    """EtherType of an IP packet that fills the `length` bytes at `o` exactly, or 0.

    No port says so (RFC 8086's relatives choose their own); its length must fit, and the IPv4 header's
    checksum, or for IPv6 a protocol that is worth following.
    """
    if o + 20 > end or length < 20:
        return 0
    first = buf[o] + 0
    if first >> 4 == 4:
        header = (first & 15) * 4
        if header < 20 or o + header > end or be16(buf, o + 2) != length:
            return 0
        return ETHER_IPV4 if ones_sum(buf, o, o + header, 0) == 0xFFFF else 0
    if first >> 4 == 6 and o + 40 <= end and be16(buf, o + 4) + 40 == length:
        following = buf[o + 6] + 0
        known = following in (PROTO_TCP, PROTO_ICMPV6, PROTO_IPIP, PROTO_IPV6, PROTO_GRE) or following in EXTENSIONS
        return ETHER_IPV6 if known else 0
    return 0


@kernel
def enter_gtp(buf: Buffer, o: int, end: int, outer: int, h: list[int]) -> int:
    """Step over the GTPv1-U header at `o` with its extension headers; only G-PDUs carry user packets."""
    if o + 8 > end:
        return REASON_TUNNEL_CUT
    flags = buf[o] + 0
    if flags >> 5 != 1 or not flags & 0x10 or buf[o + 1] != 0xFF:
        return REASON_NOT_TCP
    o += 8
    if flags & 7:
        if o + 4 > end:
            return REASON_TUNNEL_CUT
        following = buf[o + 3] + 0
        o += 4
        for _ in range(8):
            if not (following and flags & 4):
                break
            if o >= end:
                return REASON_TUNNEL_CUT
            units = buf[o] + 0
            if units == 0:
                return REASON_NOT_TCP
            o += units * 4
            if o > end:
                return REASON_TUNNEL_CUT
            following = buf[o - 1] + 0
    if o >= end:
        return REASON_TUNNEL_CUT
    version = (buf[o] + 0) >> 4
    push_layer(h, GTP_U, outer)
    return follow_ether(buf, o, end, ETHER_IPV4 if version == 4 else ETHER_IPV6 if version == 6 else NOTHING, h)


@kernel
def enter_l2tp(buf: Buffer, o: int, end: int, outer: int, h: list[int]) -> int:
    """Step over the L2TP header at `o` (behind UDP): version 2 carries PPP, version 3 mostly Ethernet."""
    if o + 8 > end:
        return REASON_TUNNEL_CUT
    flags = be16(buf, o)
    if flags & 0x8000:
        return REASON_NOT_TCP  # a control message
    if flags & 15 == 3:
        return enter_l2tp3(buf, o + 4, end, outer, h)
    if flags & 15 != 2:
        return REASON_NOT_TCP
    o += 6 + (2 if flags & 0x4000 else 0) + (4 if flags & 0x0800 else 0)
    if flags & 0x0200:
        if o + 2 > end:
            return REASON_TUNNEL_CUT
        o += 2 + be16(buf, o)
    length = ppp_bytes(buf, o, end)
    kind = ppp_ether_type(buf, o, end)
    push_layer(h, L2TP, outer)
    return follow_ether(buf, o + length, end, kind, h)


@kernel
def enter_l2tp3(buf: Buffer, o: int, end: int, outer: int, h: list[int]) -> int:
    """Find the Ethernet frame behind an L2TPv3 session id at `o` (RFC 3931 4.1).

    Cookie (0, 4 or 8 bytes) and sublayer (0 or 4) were agreed before; the place is the one where an
    Ethernet frame with IP fits. Session 0 is control.
    """
    if o + 4 > end:
        return REASON_TUNNEL_CUT
    if be32(buf, o) == 0:
        return REASON_NOT_TCP
    for skipped in (4, 8, 12, 16):
        place = o + skipped
        if place + 34 > end:
            break
        kind = be16(buf, place + 12)
        first = buf[place + 14] + 0
        if (kind == ETHER_IPV4 and first >> 4 == 4 and first & 15 >= 5) or (kind == ETHER_IPV6 and first >> 4 == 6):
            push_layer(h, L2TP, outer)
            return enter_frame(buf, place, end, h)
    return REASON_NOT_TCP
