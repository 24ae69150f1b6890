"""What an EtherType can lead to before IP: tags of switches, MPLS, PPPoE, LLC/SNAP, and PPP behind some of them.

Emits ETHER_TYPE and NET, and pushes the layers that take space from the IP packet.

    VLAN (IEEE 802.1Q):   0 tag  2 EtherType
    VN-Tag (Cisco):       0 tag (4 bytes)  4 EtherType
    E-TAG (IEEE 802.1BR): 0 tag (6 bytes)  6 EtherType
    MetaData (Cisco):     0 version  1 length, in units of 8  2 options (usually a security group tag)  6 EtherType
    I-TAG (IEEE 802.1ah): 0 tag (4 bytes)  4 the customer's Ethernet frame
    FabricPath (Cisco):   0 tag (2 bytes)  2 the original Ethernet frame
    MPLS (RFC 3032):      0 label (20 bits) class (3) bottom of stack (1) TTL (8)
    PPPoE (RFC 2516):     0 version/type  1 code (0: session data)  2 session  4 length  6 PPP protocol
    LLC/SNAP (RFC 1042):  0 AA AA 03  3 OUI  6 EtherType
"""

from __future__ import annotations

from analyzer.decode.integers import Buffer, be16, be32
from analyzer.decode.layers import MPLS, PPPOE, pushed
from analyzer.decode.packet_fields import (
    ETHER_TYPE,
    LAYERS,
    NET,
    OK,
    OUTER,
    REASON_LINK_CUT,
    REASON_NESTED,
    REASON_NOT_IP,
    REASON_TUNNEL_CUT,
)
from analyzer.kernels.marks import inlined, kernel

ETHER_IPV4 = 0x0800
ETHER_IPV6 = 0x86DD
ETHER_VLAN = 0x8100  # IEEE 802.1Q
ETHER_QINQ = 0x88A8  # IEEE 802.1ad
ETHER_QINQ_OLD = 0x9100  # before 802.1ad
ETHER_VN_TAG = 0x8926
ETHER_E_TAG = 0x893F
ETHER_METADATA = 0x8909
ETHER_I_TAG = 0x88E7
ETHER_FABRIC_PATH = 0x8903
ETHER_MPLS = 0x8847
ETHER_MPLS_UPSTREAM = 0x8848  # RFC 5332
ETHER_PPPOE = 0x8864  # session stage
NOTHING = 0xFFFF  # reserved: stands for what leads to no IP
LARGEST_LENGTH = 1535  # IEEE 802.3 3.2.6: below 1536 the field is no EtherType but a length, and LLC follows
SNAP = 0xAAAA03
OUI_ETHER = 0x000000
OUI_BRIDGE_TUNNEL = 0x0000F8  # IEEE 802.1H
LLC_IP = 0x060603
MAX_STEPS = 16  # tags and labels stepped over in one packet
PPP_IPV4 = 0x21
PPP_IPV6 = 0x57
PPP_MPLS = 0x281


@kernel
def follow_ether(buf: Buffer, o: int, end: int, kind: int, h: list[int]) -> int:
    """Step from the payload of EtherType `kind` at `o` to the IP packet in it; returns OK or a reason."""
    for _ in range(MAX_STEPS):
        if kind in (ETHER_IPV4, ETHER_IPV6):
            h[ETHER_TYPE] = kind
            h[NET] = o
            return OK
        if kind in (ETHER_VLAN, ETHER_QINQ, ETHER_QINQ_OLD):
            if o + 4 > end:
                return REASON_LINK_CUT
            kind = be16(buf, o + 2)
            o += 4
        elif kind == ETHER_VN_TAG:
            if o + 6 > end:
                return REASON_LINK_CUT
            kind = be16(buf, o + 4)
            o += 6
        elif kind in (ETHER_E_TAG, ETHER_METADATA):
            if o + 8 > end:
                return REASON_LINK_CUT
            o += 8 if kind == ETHER_E_TAG else metadata_bytes(buf, o)
            if o > end:
                return REASON_LINK_CUT
            kind = be16(buf, o - 2)
        elif kind in (ETHER_I_TAG, ETHER_FABRIC_PATH):
            o += 14 + (4 if kind == ETHER_I_TAG else 2)
            if o > end:
                return REASON_LINK_CUT
            kind = be16(buf, o - 2)
        elif kind in (ETHER_MPLS, ETHER_MPLS_UPSTREAM):
            if o + 5 > end:
                return REASON_TUNNEL_CUT
            push_layer(h, MPLS, o)
            bottom = (buf[o + 2] + 0) & 1
            o += 4
            if not bottom:
                continue
            # Nothing says what follows the labels (RFC 4928): IP shows by its version, a pseudowire
            # carries Ethernet, behind a control word that starts with 0 (RFC 4448).
            first = (buf[o] + 0) >> 4
            if first == 4:
                kind = ETHER_IPV4
            elif first == 6:
                kind = ETHER_IPV6
            else:
                if first == 0 and o + 4 <= end and be32(buf, o) >> 28 == 0:
                    o += 4
                if o + 14 > end:
                    return REASON_TUNNEL_CUT
                kind = be16(buf, o + 12)
                o += 14
        elif kind == ETHER_PPPOE:
            if o + 8 > end:
                return REASON_TUNNEL_CUT
            if buf[o + 1] != 0:
                return REASON_NOT_IP
            push_layer(h, PPPOE, o)
            o += 6
            kind = ppp_ether_type(buf, o, end)
            o += ppp_bytes(buf, o, end)
        elif kind <= LARGEST_LENGTH:
            if o + 8 > end:
                return REASON_LINK_CUT
            service = be32(buf, o) >> 8
            oui = be32(buf, o + 2) & 0xFFFFFF
            if service == SNAP and oui in (OUI_ETHER, OUI_BRIDGE_TUNNEL):
                kind = be16(buf, o + 6)
                o += 8
                if kind <= LARGEST_LENGTH:
                    return REASON_NOT_IP
            elif service == LLC_IP:
                kind = ETHER_IPV4
                o += 3
            else:
                return REASON_NOT_IP
        else:
            return REASON_NOT_IP
    return REASON_NESTED


@kernel
def metadata_bytes(buf: Buffer, o: int) -> int:
    """Length of the Cisco MetaData at `o`, of which 2 bytes are there: as Snort reads it, with the EtherType."""
    return max(buf[o + 1] + 0, 1) * 8


@inlined
def push_layer(h: list[int], layer: int, o: int) -> None:
    """Note an encapsulation whose header starts at `o`; a run of the same (MPLS labels) counts once."""
    if h[LAYERS] == 0:
        h[OUTER] = o
    if layer != MPLS or h[LAYERS] & 31 != MPLS:
        h[LAYERS] = pushed(h[LAYERS], layer)


@kernel
def ppp_bytes(buf: Buffer, o: int, end: int) -> int:
    """Length of the PPP header at `o` (RFC 1661, RFC 1662): address and control, then the protocol.

    Either may be compressed: left out, or one byte instead of two.
    """
    length = 0
    if o + 2 <= end and be16(buf, o) == 0xFF03:
        length = 2
    if o + length < end and (buf[o + length] + 0) & 1:
        return length + 1
    return length + 2


@kernel
def ppp_ether_type(buf: Buffer, o: int, end: int) -> int:
    """The EtherType that stands for the protocol in the PPP header at `o`; NOTHING: another, or cut."""
    length = ppp_bytes(buf, o, end)
    if o + length > end:
        return NOTHING
    protocol = buf[o + length - 1] + 0 if length & 1 else be16(buf, o + length - 2)
    if protocol == PPP_IPV4:
        return ETHER_IPV4
    if protocol == PPP_IPV6:
        return ETHER_IPV6
    return ETHER_MPLS if protocol == PPP_MPLS else NOTHING
