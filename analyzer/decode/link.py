"""Link layers: from the start of a frame to its network header.

Emits ETHER_TYPE and NET into the packet. Numbers of link types: the LINKTYPE_ registry of pcap
(draft-ietf-opsawg-pcaplinktype). Pictures: IEEE 802.3 and 802.1Q/ad; Linux cooked captures as in
LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2.
"""

from __future__ import annotations

from analyzer.decode.fields import (
    CAP_LEN,
    END,
    ETHER_TYPE,
    LINK,
    NET,
    OK,
    REASON_LINK_CUT,
    REASON_LINK_TYPE,
    REASON_NOT_IP,
    START,
)
from analyzer.decode.integers import Buffer, be16
from analyzer.kernel import inlined

NULL = 0
ETHERNET = 1
RAW_BSD = 12
RAW_OPENBSD = 14
RAW = 101
LOOP = 108
SLL = 113
IPV4 = 228
IPV6 = 229
SLL2 = 276

NAMES = {
    NULL: "NULL", ETHERNET: "ETHERNET", RAW_BSD: "RAW", RAW_OPENBSD: "RAW", RAW: "RAW", LOOP: "LOOP",
    SLL: "LINUX_SLL", IPV4: "IPV4", IPV6: "IPV6", SLL2: "LINUX_SLL2",
    105: "IEEE802_11", 127: "IEEE802_11_RADIOTAP", 9: "PPP", 50: "PPP_HDLC", 192: "PPI", 239: "NFLOG",
    195: "IEEE802_15_4", 189: "USB_LINUX", 147: "USER0",
}  # fmt: skip
"""Names for reports; a number not listed is shown as a number."""

ETHER_IPV4 = 0x0800
ETHER_IPV6 = 0x86DD
ETHER_VLAN = 0x8100  # IEEE 802.1Q
ETHER_QINQ = 0x88A8  # IEEE 802.1ad
ETHER_QINQ_OLD = 0x9100  # before 802.1ad
MAX_TAGS = 4  # nesting bound; 802.1ad has two


@inlined
def past_tags(buf: Buffer, o: int, end: int, h: list[int]) -> int:
    """Read the EtherType at `o`, step over VLAN tags, set ETHER_TYPE and NET; returns a reason."""
    if o + 2 > end:
        return REASON_LINK_CUT
    kind = be16(buf, o)
    o += 2
    for _ in range(MAX_TAGS):
        if kind not in (ETHER_VLAN, ETHER_QINQ, ETHER_QINQ_OLD):
            break
        if o + 4 > end:
            return REASON_LINK_CUT
        kind = be16(buf, o + 2)
        o += 4
    h[ETHER_TYPE] = kind
    h[NET] = o
    return OK if kind in (ETHER_IPV4, ETHER_IPV6) else REASON_NOT_IP


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
    o = h[START]
    end = h[END]
    link = h[LINK]
    if link == ETHERNET:
        return past_tags(buf, o + 12, end, h)
    if link == SLL:  # packet type 2, ARPHRD 2, address length 2, address 8, protocol 2
        return past_tags(buf, o + 14, end, h)
    if link == SLL2:  # protocol 2, reserved 2, interface 4, ARPHRD 2, type 1, length 1, address 8
        if o + 20 > end:
            return REASON_LINK_CUT
        kind = be16(buf, o)
        if kind in (ETHER_VLAN, ETHER_QINQ, ETHER_QINQ_OLD):
            return past_tags(buf, o + 22, end, h)
        h[ETHER_TYPE] = kind
        h[NET] = o + 20
        return OK if kind in (ETHER_IPV4, ETHER_IPV6) else REASON_NOT_IP
    if link in (RAW, RAW_BSD, RAW_OPENBSD, IPV4, IPV6):
        return by_version(buf, o, end, h)
    if link in (NULL, LOOP):
        # A 4-byte address family in the byte order of the capturing host; its values differ between
        # systems, the version nibble behind it does not.
        if h[CAP_LEN] < 5:
            return REASON_LINK_CUT
        return by_version(buf, o + 4, end, h)
    return REASON_LINK_TYPE
