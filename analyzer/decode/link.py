"""Link layers: from the start of a frame to its network header.

Emits ETHER_TYPE and NET into the packet. Numbers and headers of link types: the LINKTYPE_ registry of pcap
(draft-ietf-opsawg-pcaplinktype) and the pages it links. Some link types only wrap another one; the wrap
is stepped over first.
"""

from __future__ import annotations

from analyzer.decode.ether import (
    ETHER_IPV4,
    ETHER_IPV6,
    ETHER_MPLS,
    ETHER_PPPOE,
    follow_ether,
    ppp_bytes,
    ppp_ether_type,
)
from analyzer.decode.integers import Buffer, be16, be32, le16, le32
from analyzer.decode.packet_fields import (
    END,
    ETHER_TYPE,
    LAYERS,
    LINK,
    NET,
    OK,
    REASON_AGGREGATE,
    REASON_ENCRYPTED,
    REASON_LINK_CUT,
    REASON_LINK_TYPE,
    REASON_NOT_IP,
    START,
    WAY,
    WAY_IN,
    WAY_OUT,
)
from analyzer.kernels.marks import inlined, kernel

NULL = 0
ETHERNET = 1
PPP = 9
FDDI = 10
RAW_BSD = 12
RAW_OPENBSD = 14
PPP_HDLC = 50
PPP_ETHER = 51
RAW = 101
C_HDLC = 104
IEEE802_11 = 105
LOOP = 108
ENC = 109
SLL = 113
PFLOG = 117
IEEE802_11_RADIOTAP = 127
PKTAP_USER = 149  # USER2, which Apple's tcpdump used before it had a number of its own
JUNIPER_ETHER = 178
PPI = 192
ERF = 197
PPP_WITH_DIR = 204
MPLS = 219
IPV4 = 228
IPV6 = 229
NFLOG = 239
IPOIB = 242
PKTAP = 258
SLL2 = 276
NONE = -1  # a wrapped type that is not known
NO_PACKET = -2  # what is wrapped are notes of the capturing card

MAX_WRAPS = 3
CISCO_ADDRESSES = (0x0F, 0x8F)  # unicast, multicast: Cisco HDLC (RFC 1547 4.3.1) where link types of PPP promise PPP
SENT_BY_US = 4  # PACKET_OUTGOING
LLC_FOLLOWS = 8  # stands for the EtherType where there is none: a length, too small for one
JUNIPER_IN = 0x01
JUNIPER_NO_FRAME = 0x02
JUNIPER_EXTENSIONS = 0x80
RADIOTAP_TSFT = 1
RADIOTAP_FLAGS = 2
RADIOTAP_DATA_PAD = 0x20
WIFI_DATA = 2  # frame type
WIFI_NO_DATA = 4  # a bit of the data subtypes: null function
WIFI_QOS = 8  # a bit of the data subtypes
NFLOG_PAYLOAD = 9  # NFULA_PAYLOAD


@inlined
def past_ethernet(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Read the EtherType at `o` and step to the IP packet behind it; returns a reason."""
    if o + 2 > end:
        return REASON_LINK_CUT
    kind = be16(buf, o)
    if kind in (ETHER_IPV4, ETHER_IPV6):
        h[ETHER_TYPE] = kind
        h[NET] = o + 2
        return OK
    return follow_ether(buf, o + 2, end, kind, h)


@inlined
def by_version(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Set ETHER_TYPE from the version nibble of a raw IP packet at `o`; returns a reason."""
    if o >= end:
        return REASON_LINK_CUT
    version = (buf[o] + 0) >> 4
    h[NET] = o
    if version == 4:
        h[ETHER_TYPE] = ETHER_IPV4
        return OK
    if version == 6:
        h[ETHER_TYPE] = ETHER_IPV6
        return OK
    return REASON_NOT_IP


@inlined
def decode_link(buf: Buffer, h: list[int]) -> int:
    """Step over the link header of the frame START..END; returns OK or the reason why not."""
    h[LAYERS] = 0
    if h[LINK] == ETHERNET:
        return past_ethernet(buf, h[START] + 12, h[END], h)
    return decode_rarer_link(buf, h)


@kernel
def decode_rarer_link(buf: Buffer, h: list[int]) -> int:
    """As `decode_link`, for everything but Ethernet."""
    o = h[START]
    end = h[END]
    link = h[LINK]
    for _ in range(MAX_WRAPS):
        if link not in (PPI, PKTAP, PKTAP_USER, ERF):
            break
        if o + 20 > end:
            return REASON_LINK_CUT
        skipped = wrap_bytes(buf, o, end, link)
        link = wrapped_type(buf, o, link)
        o += skipped
    if link == ETHERNET:
        return past_ethernet(buf, o + 12, end, h)
    if link in (RAW, RAW_BSD, RAW_OPENBSD, IPV4, IPV6):
        return by_version(buf, o, end, h)
    if link in (NULL, LOOP):
        # A 4-byte address family in the byte order of the capturing host; its values differ between
        # systems, the version nibble behind it does not.
        return by_version(buf, o + 4, end, h)
    if link == SLL:  # packet type 2, ARPHRD 2, address length 2, address 8, protocol 2
        if o + 2 <= end:
            h[WAY] = WAY_OUT if be16(buf, o) == SENT_BY_US else WAY_IN
        return past_ethernet(buf, o + 14, end, h)
    if link == SLL2:  # protocol 2, reserved 2, interface 4, ARPHRD 2, type 1, length 1, address 8
        if o + 20 > end:
            return REASON_LINK_CUT
        h[WAY] = WAY_OUT if buf[o + 10] == SENT_BY_US else WAY_IN
        return follow_ether(buf, o + 20, end, be16(buf, o), h)
    if link == C_HDLC:  # address 1, control 1, EtherType 2
        return past_ethernet(buf, o + 2, end, h)
    if link in (PPP, PPP_HDLC, PPP_WITH_DIR):
        if link == PPP_WITH_DIR:
            o += 1
        if o < end and buf[o] in CISCO_ADDRESSES:
            return past_ethernet(buf, o + 2, end, h)
        return follow_ether(buf, o + ppp_bytes(buf, o, end), end, ppp_ether_type(buf, o, end), h)
    if link == PPP_ETHER:
        return follow_ether(buf, o, end, ETHER_PPPOE, h)
    if link == MPLS:
        return follow_ether(buf, o, end, ETHER_MPLS, h)
    if link == FDDI:  # control 1, addresses 6 and 6, LLC
        return follow_ether(buf, o + 13, end, LLC_FOLLOWS, h)
    if link == IPOIB:  # addresses 40, EtherType 2, reserved 2
        if o + 44 > end:
            return REASON_LINK_CUT
        return follow_ether(buf, o + 44, end, be16(buf, o + 40), h)
    if link == JUNIPER_ETHER:
        return decode_juniper(buf, o, end, h)
    if link == IEEE802_11_RADIOTAP:
        return decode_radiotap(buf, o, end, h)
    if link == IEEE802_11:
        return decode_wifi(buf, o, end, 0, h)
    if link == NFLOG:
        return decode_nflog(buf, o, end, h)
    if link == ENC:  # address family 4, SPI 4, flags 4
        return by_version(buf, o + 12, end, h)
    if link == PFLOG:  # its length comes first, padded to 4
        if o + 1 > end:
            return REASON_LINK_CUT
        return by_version(buf, o + ((buf[o] + 3) & ~3), end, h)
    return REASON_NOT_IP if link == NO_PACKET else REASON_LINK_TYPE


@kernel
def wrap_bytes(buf: Buffer, o: int, end: int, link: int) -> int:
    """Length of the wrapping header at `o`, of which 20 bytes are there."""
    if link == PPI:  # 0 version  1 flags  2 length  4 link type, little-endian
        return max(le16(buf, o + 2), 8)
    if link == ERF:  # 8 timestamp  1 type (bit 7: extension header follows)  1 flags  2 length  2 lost  2 wire
        length = 16
        following = (buf[o + 8] + 0) & 0x80
        for _ in range(8):
            if not following or o + length + 8 > end:
                break
            following = (buf[o + length] + 0) & 0x80
            length += 8
        return length + (2 if erf_is_ethernet(buf, o) else 0)
    return max(le32(buf, o), 12) if le32(buf, o) < 1 << 16 else 1 << 16  # PKTAP: 0 length  4 next  8 link type


@kernel
def erf_is_ethernet(buf: Buffer, o: int) -> bool:
    """True if the ERF record at `o` holds Ethernet, which has two bytes of padding in front."""
    # TYPE_ETH, TYPE_COLOR_ETH, TYPE_DSM_COLOR_ETH, TYPE_COLOR_HASH_ETH
    return (buf[o + 8] + 0) & 0x7F in (2, 11, 16, 20)


@kernel
def wrapped_type(buf: Buffer, o: int, link: int) -> int:
    """Link type of what the wrapping header at `o` wraps."""
    if link == PPI:
        return le32(buf, o + 4)
    if link == ERF:
        if erf_is_ethernet(buf, o):
            return ETHERNET
        kind = (buf[o + 8] + 0) & 0x7F
        if kind in (1, 10, 15, 19):  # TYPE_HDLC_POS, TYPE_COLOR_HDLC_POS, TYPE_DSM_COLOR_HDLC_POS, TYPE_COLOR_HASH_POS
            return PPP_HDLC
        if kind in (27, 48):  # TYPE_META, TYPE_PAD
            return NO_PACKET
        return RAW if kind in (22, 23) else NONE  # TYPE_IPV4, TYPE_IPV6
    return le32(buf, o + 8)


@kernel
def decode_nflog(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Find the payload among the attributes: 0 family  1 version  2 resource, then (length 2, type 2, value).

    Attributes are in the byte order of the capturing host, which their lengths tell.
    """
    o += 4
    for _ in range(32):
        if o + 4 > end:
            break
        length = le16(buf, o)
        kind = le16(buf, o + 2)
        if kind & 0xFF == 0 and kind:  # types are small: the other byte order
            length = be16(buf, o)
            kind = be16(buf, o + 2)
        if length < 4:
            break
        if kind & 0x7FFF == NFLOG_PAYLOAD:
            return by_version(buf, o + 4, end, h)
        o += (length + 3) & ~3
    return REASON_LINK_CUT


@kernel
def decode_juniper(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Step over what Juniper's tcpdump puts in front: 0 "MGC"  3 flags  4 length of extensions, where flagged."""
    if o + 6 > end:
        return REASON_LINK_CUT
    flags = buf[o + 3] + 0
    h[WAY] = WAY_IN if flags & JUNIPER_IN else WAY_OUT
    o += 4
    if flags & JUNIPER_EXTENSIONS:
        o += 2 + be16(buf, o)
    if flags & JUNIPER_NO_FRAME:  # four bytes instead of a link header
        return by_version(buf, o + 4, end, h)
    return past_ethernet(buf, o + 12, end, h)


@kernel
def decode_radiotap(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Step over the radiotap header: 0 version  2 length  4 which fields are present, little-endian."""
    if o + 8 > end:
        return REASON_LINK_CUT
    length = le16(buf, o + 2)
    present = le32(buf, o + 4)
    flags = 0
    if present & RADIOTAP_FLAGS:
        place = o + 8
        following = present >> 31
        for _ in range(8):  # bit 31: another word of bits
            if not following or place + 4 > end:
                break
            following = le32(buf, place) >> 31
            place += 4
        if present & RADIOTAP_TSFT:
            place += (-(place - o) & 7) + 8  # aligned to its size
        if place < end:
            flags = buf[place] + 0
    return decode_wifi(buf, o + length, end, 1 if flags & RADIOTAP_DATA_PAD else 0, h)


@kernel
def decode_wifi(buf: Buffer, o: int, end: int, padded: int, h: list[int]) -> int:
    """Step over an IEEE 802.11 data header (9.3.2): 0 control  4, 10, 16 addresses  22 sequence  24 more.

    A fourth address, QoS and HT control follow where the control bits say so. An A-MSDU is several
    packets under one frame number, and not taken apart.
    """
    if o + 24 > end:
        return REASON_LINK_CUT
    first = buf[o] + 0
    second = buf[o + 1] + 0
    subtype = first >> 4
    if (first >> 2) & 3 != WIFI_DATA or subtype & WIFI_NO_DATA:
        return REASON_NOT_IP
    if second & 0x40:
        return REASON_ENCRYPTED
    length = 24 + (6 if second & 3 == 3 else 0)
    if subtype & WIFI_QOS:
        if o + length + 2 > end:
            return REASON_LINK_CUT
        if (buf[o + length] + 0) & 0x80:
            return REASON_AGGREGATE
        length += 2 + (4 if second & 0x80 else 0)
    if padded:
        length = (length + 3) & ~3
    if o + length + 8 > end:
        return REASON_LINK_CUT
    if be32(buf, o + length) >> 8 != 0xAAAA03:
        return REASON_NOT_IP
    return follow_ether(buf, o + length, end, LLC_FOLLOWS, h)
