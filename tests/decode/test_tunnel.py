"""Tunnels that say less than usual: keepalives, cut headers, and lengths beyond the packet."""

from __future__ import annotations

import pytest

from analyzer.decode.layers import layer_names
from analyzer.decode.packet_fields import LAYERS, SPORT
from tests.builders import RAW, ethernet, ipv4, tcp
from tests.reading import decode

INNER = ethernet(ipv4(tcp(sport=4711)))


def in_gre(head: str, inner: bytes = b"") -> bytes:
    return ipv4(bytes.fromhex(head) + inner, protocol=47)


def test_eoip_carries_ethernet() -> None:
    h, reason = decode(in_gre(f"2001 6400 {len(INNER):04x} 6400", INNER), RAW)
    assert (reason, h[SPORT], layer_names(h[LAYERS])) == ("", 4711, ("EoIP",))


@pytest.mark.parametrize("length", ["0001", "ffff"])
def test_the_length_of_the_frame_in_eoip_is_not_needed(length: str) -> None:
    assert decode(in_gre(f"2001 6400 {length} 6400", INNER), RAW)[1] == ""


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("2001 6400 0000 6400", "not TCP or ICMP"),  # a keepalive
        ("3001 6400 002a 6400 00000000", "not IP"),  # flags that MikroTik does not send: PPTP of an unknown protocol
        ("2001 6400 002a 6400 020000000001 020000000002 0806", "not IP"),
        ("0000 8909 0800 01 ff 0001 0064", "IP header cut by snap length"),
    ],
)
def test_what_holds_no_ip(head: str, reason: str) -> None:
    assert decode(in_gre(head), RAW)[1] == reason


@pytest.mark.parametrize(
    "head",
    ["2001 6400 002a 6400 020000000001 020000000002 0800", "0000 8909 0800 01 01 0001 0064"],
    ids=["EoIP", "Cisco MetaData"],
)
def test_a_header_cut_anywhere_says_so(head: str) -> None:
    packet = in_gre(head, ipv4(tcp()))
    assert decode(packet, RAW)[1] == ""
    for length in range(20, 20 + len(bytes.fromhex(head))):
        assert decode(packet[:length], RAW)[1] == "encapsulation cut by snap length"
