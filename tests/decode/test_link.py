"""Link layers: each leads to the same IP header."""

from __future__ import annotations

import pytest

from analyzer.decode.packet_fields import NET, SPORT, VERSION
from tests.builders import ipv4, ipv6, tcp
from tests.reading import decode

MACS = "020000000002 020000000001"

# link type, header bytes, what they announce
HEADERS = {
    "Ethernet, IPv4": (1, f"{MACS} 0800", 4),
    "Ethernet, IPv6": (1, f"{MACS} 86dd", 6),
    "VLAN 5": (1, f"{MACS} 8100 0005 0800", 4),
    "QinQ 802.1ad": (1, f"{MACS} 88a8 0064 8100 0005 86dd", 6),
    "QinQ before 802.1ad": (1, f"{MACS} 9100 0064 8100 0005 0800", 4),
    "802.1BR E-TAG": (1, f"{MACS} 893f e123 1456 0708 0800", 4),
    "E-TAG, VLAN": (1, f"{MACS} 893f 0000 0001 0000 8100 0005 86dd", 6),
    "Cisco MetaData": (1, f"{MACS} 8909 01 01 0001 0064 0800", 4),
    "Cisco MetaData of 16 bytes": (1, f"{MACS} 8909 01 02 0001 0064 0001 0065 0000 0000 86dd", 6),
    "Cisco MetaData that says 0 bytes": (1, f"{MACS} 8909 01 00 0001 0064 0800", 4),
    "four tags": (1, f"{MACS} 8100 0001 8100 0002 8100 0003 8100 0004 0800", 4),
    # packet type 4 (sent by us), ARPHRD 1, address length 6, address, protocol
    "SLL": (113, "0004 0001 0006 020000000001 0000 0800", 4),
    "SLL, loopback, IPv6": (113, "0000 0304 0006 000000000000 0000 86dd", 6),
    "SLL, VLAN": (113, "0004 0001 0006 020000000001 0000 8100 0005 0800", 4),
    # protocol, reserved, interface 2, ARPHRD 1, packet type 4, address length 6, address
    "SLL2": (276, "0800 0000 00000002 0001 04 06 0200000000010000", 4),
    "SLL2, IPv6": (276, "86dd 0000 00000002 0001 04 06 0200000000010000", 6),
    "SLL2, VLAN": (276, "8100 0000 00000002 0001 04 06 0200000000010000 0005 0800", 4),
    "RAW": (101, "", 4),
    "RAW, IPv6": (101, "", 6),
    "RAW as BSD numbers it": (12, "", 4),
    "RAW as OpenBSD numbers it": (14, "", 6),
    "IPV4": (228, "", 4),
    "IPV6": (229, "", 6),
    "NULL, AF_INET little-endian": (0, "02000000", 4),
    "NULL, AF_INET big-endian": (0, "00000002", 4),
    "NULL, AF_INET6 of FreeBSD": (0, "1c000000", 6),
    "NULL, AF_INET6 of macOS, big-endian": (0, "0000001e", 6),
    "LOOP": (108, "00000002", 4),
    "LOOP, AF_INET6 of OpenBSD": (108, "00000018", 6),
}


@pytest.mark.parametrize(("link", "header", "version"), HEADERS.values(), ids=HEADERS)
def test_the_ip_header_is_found_behind_the_link_header(link: int, header: str, version: int) -> None:
    segment = tcp(sport=4711)
    head = bytes.fromhex(header)
    h, reason = decode(head + (ipv4(segment) if version == 4 else ipv6(segment)), link)
    assert (reason, h[NET], h[VERSION], h[SPORT]) == ("", len(head), version, 4711)


@pytest.mark.parametrize(("link", "header", "version"), HEADERS.values(), ids=HEADERS)
def test_a_link_header_cut_anywhere_says_so(link: int, header: str, version: int) -> None:
    head = bytes.fromhex(header)
    for length in range(len(head)):
        assert decode(head[:length], link)[1] == "link header cut by snap length"
    # With a type field in front, a cut right behind it leaves the IP header to be missed.
    missing = "IP header" if link in (1, 113, 276) else "link header"
    assert decode(head, link)[1] == f"{missing} cut by snap length"


@pytest.mark.parametrize("link", [9, 50, 204])
@pytest.mark.parametrize("start", ["0f00", "8f00"])
def test_cisco_hdlc_where_the_link_type_says_ppp(link: int, start: str) -> None:
    head = bytes.fromhex(("01" if link == 204 else "") + start)
    for kind, packet in ((b"\x08\0", ipv4(tcp())), (b"\x86\xdd", ipv6(tcp()))):
        assert decode(head + kind + packet, link)[1] == ""
        assert decode(head + kind, link)[1] == "IP header cut by snap length"
        assert decode(head + kind[:1], link)[1] == decode(head, link)[1] == "link header cut by snap length"
    assert decode(head + b"\x80\x35" + bytes(18), link)[1] == "not IP"  # its keepalives: SLARP


@pytest.mark.parametrize(("kind", "reason"), [(27, "not IP"), (48, "not IP"), (3, "link type not supported")])
def test_erf_that_holds_no_packet_does_not_speak_against_the_link_type(kind: int, reason: str) -> None:
    assert decode(bytes(8) + bytes([kind, 4, 0, 32]) + bytes(20), 197)[1] == reason


def test_a_length_of_metadata_beyond_the_frame() -> None:
    assert decode(bytes.fromhex(f"{MACS} 8909 01 ff 0001 0064 0800") + ipv4(tcp()), 1)[1] == (
        "link header cut by snap length"
    )


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, f"{MACS} 0806 0001 0800 0604 0001"),  # ARP
        (1, f"{MACS} 0026 4242 03 000000000000"),  # 802.3 length and LLC: spanning tree
        (1, f"{MACS} 8100 0005 0806 0001"),
        (113, "0004 0001 0006 020000000001 0000 0806 0001"),
        (276, "0806 0000 00000002 0001 04 06 0200000000010000 0001"),
        (101, "30"),  # neither version 4 nor 6
        (0, "02000000 00"),
    ],
)
def test_what_is_not_ip(link: int, frame: str) -> None:
    assert decode(bytes.fromhex(frame), link)[1] == "not IP"


def test_more_tags_than_any_network_has() -> None:
    assert decode(bytes.fromhex(MACS + " 8100 0001" * 20 + " 0800 45"), 1)[1] == "encapsulated too often"


@pytest.mark.parametrize("link", [2, 8, 107, 147, 65535])
def test_a_link_type_that_is_not_supported(link: int) -> None:
    assert decode(ipv4(tcp()), link)[1] == "link type not supported"


WIFI_ADDRESSES = "0000 020000000001 020000000002 020000000003 0000"
LLC = "aaaa03 000000 0800"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (f"0801 {WIFI_ADDRESSES} {LLC}", ""),
        (f"8801 {WIFI_ADDRESSES} 0000 {LLC}", ""),
        (f"0803 {WIFI_ADDRESSES} 020000000004 {LLC}", ""),  # between two access points
        (f"8881 {WIFI_ADDRESSES} 0000 00000000 {LLC}", ""),  # HT control
        (
            f"8801 {WIFI_ADDRESSES} 8000 020000000001 020000000002 0030 {LLC}",
            "several 802.11 packets in one frame (A-MSDU)",
        ),
        (f"0841 {WIFI_ADDRESSES} {LLC}", "encrypted"),
        (f"4801 {WIFI_ADDRESSES} {LLC}", "not IP"),  # null function: no data
        (f"8000 {WIFI_ADDRESSES} {LLC}", "not IP"),  # a beacon
        (f"0801 {WIFI_ADDRESSES} 424203 000000 0800", "not IP"),  # spanning tree
    ],
)
@pytest.mark.parametrize(("link", "before"), [(105, ""), (127, "0000 0800 00000000")])
def test_data_frames_of_802_11(link: int, before: str, head: str, reason: str) -> None:
    assert decode(bytes.fromhex(before + head) + ipv4(tcp()), link)[1] == reason
