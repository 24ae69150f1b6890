"""Packets without payload and with other addresses: nothing of the old ones is left, and checksums keep their sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.redaction.addresses import Anonymizer
from analyzer.redaction.packet_rewrite import redacted
from tests.builders import (
    CLIENT,
    CLIENT6,
    ETHERNET,
    RAW,
    SERVER,
    SERVER6,
    UDP,
    address,
    ethernet,
    frag_needed,
    icmp,
    internet_checksum,
    ipv4,
    ipv6,
    mss,
    pseudo_header,
    sack,
    tcp,
    timestamps,
    too_big,
    udp,
    with_header_sum,
    with_tcp_sum,
)
from tests.wrapping import ENCAPSULATIONS, ENCAPSULATIONS6, FAR, FAR6, LINKS, OUTER, OUTER6, Wrap

SECRET = b"hunter2 in clear text"
HOSTS = [address(text) for text in (CLIENT, SERVER, CLIENT6, SERVER6, OUTER, FAR, OUTER6, FAR6)]
KEY = bytes(range(32))


def segment4(payload: bytes = SECRET, options: bytes = b"") -> bytes:
    """A TCP packet over IPv4 with both checksums right."""
    return with_header_sum(ipv4(with_tcp_sum(tcp(payload, options=options), CLIENT, SERVER)))


def segment6(payload: bytes = SECRET) -> bytes:
    return ipv6(with_tcp_sum(tcp(payload), CLIENT6, SERVER6))


def transport_remainder(packet: bytes) -> int:
    """What is left of the transport checksum: 0 if it is right."""
    if packet[0] >> 4 == 4:
        start, ends, proto = (packet[0] & 15) * 4, packet[12:20], packet[9]
    else:
        start, ends, proto = 40, packet[8:40], packet[6]
    body = packet[start:]
    pseudo = b"" if proto == 1 else ends + len(body).to_bytes(4) + bytes([0, 0, 0, proto])
    return internet_checksum(pseudo + body)


def anonymous(packet: bytes, link: int = RAW, *, keep_payload: bool = True) -> bytes:
    out = redacted(packet, link, len(packet), keep_payload=keep_payload, anonymizer=Anonymizer(KEY))
    assert out is not None
    return out.data


def assert_no_host(data: bytes) -> None:
    for host in HOSTS:
        assert host not in data


@pytest.mark.parametrize("packet", [segment4(), segment6()], ids=["IPv4", "IPv6"])
def test_headers_only_is_the_start_of_the_packet_and_its_length(packet: bytes) -> None:
    out = redacted(packet, RAW, len(packet))
    assert out is not None
    assert out.data == packet[: -len(SECRET)]
    assert (out.link_type, out.wire_len) == (RAW, len(packet))


@pytest.mark.parametrize("packet", [segment4(), segment6()], ids=["IPv4", "IPv6"])
@given(wrong=st.integers(0, 0xFFFF), payload=st.binary(max_size=9))
def test_a_right_checksum_stays_right_and_a_wrong_one_wrong(packet: bytes, wrong: int, payload: bytes) -> None:
    fresh = segment4(payload) if packet[0] >> 4 == 4 else segment6(payload)
    start = 20 if packet[0] >> 4 == 4 else 40
    assert transport_remainder(fresh) == 0
    out = anonymous(fresh)
    assert_no_host(out)
    assert transport_remainder(out) == 0
    if packet[0] >> 4 == 4:
        assert internet_checksum(out[:20]) == 0
    damaged = fresh[: start + 16] + wrong.to_bytes(2) + fresh[start + 18 :]
    # Its error, not only that there is one, is what it was: that may be what a router saw.
    assert transport_remainder(anonymous(damaged)) % 0xFFFF == transport_remainder(damaged) % 0xFFFF


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("version", [4, 6])
def test_what_an_icmp_error_quotes_loses_payload_and_addresses(version: int, right: bool) -> None:
    if version == 4:
        packet = with_header_sum(ipv4(frag_needed(1400, segment4()), src=OUTER, dst=CLIENT, protocol=1))
    else:
        packet = ipv6(too_big(1400, segment6(), src=OUTER6, dst=CLIENT6), src=OUTER6, dst=CLIENT6, following=58)
    if not right:
        packet = packet[:-1] + bytes([packet[-1] ^ 1])
    assert (transport_remainder(packet) == 0) is right
    plain = redacted(packet, RAW, len(packet))
    assert plain is not None
    for out in (plain.data, anonymous(packet, keep_payload=False)):
        assert len(out) == len(packet)
        assert SECRET not in out
        assert out.endswith(bytes(len(SECRET)))
        assert (transport_remainder(out) == 0) is right
    assert_no_host(anonymous(packet, keep_payload=False))
    # The quoted packet is that of the flow, so that it is still found by it.
    quote = 28 if version == 4 else 48
    assert anonymous(packet, keep_payload=False)[quote:][: len(packet) - quote - len(SECRET)] == anonymous(
        segment4() if version == 4 else segment6(), keep_payload=False
    )


def test_a_ping_keeps_its_numbers_only() -> None:
    packet = ipv4(icmp(8, 0, b"\x12\x34\x00\x01", SECRET), protocol=1)
    out = redacted(packet, RAW, len(packet))
    assert out is not None
    assert out.data == packet[:28]


@pytest.mark.parametrize("name", LINKS)
def test_every_link(name: str) -> None:
    link, wrap = LINKS[name]
    frame = wrap(segment4(), len(segment4()))
    out = redacted(frame, link, len(frame), anonymizer=Anonymizer(KEY))
    assert out is not None
    assert out.data.endswith(anonymous(segment4(), keep_payload=False))
    assert out.wire_len - len(out.data) == len(SECRET)
    assert b"\x02\0\0\0\0" not in out.data  # how the hardware addresses of the tests start
    assert_no_host(out.data)
    plain = redacted(frame, link, len(frame))
    assert plain is not None
    assert plain.data == frame[: -len(SECRET)]
    assert plain.link_type == link


CASES = [(name, wrap, segment4()) for name, (wrap, _, _) in ENCAPSULATIONS.items()]
CASES += [(f"{name}, IPv6 inside", wrap, segment6()) for name, (wrap, _, _) in ENCAPSULATIONS6.items()]


@pytest.mark.parametrize(("wrap", "inner"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_every_tunnel(wrap: Wrap, inner: bytes) -> None:
    body = wrap(inner, len(inner))
    outside = {4: 0x0800, 6: 0x86DD}.get(body[0] >> 4, 0x8847)
    frame = ethernet(body, outside)
    out = redacted(frame, ETHERNET, len(frame), anonymizer=Anonymizer(KEY))
    assert out is not None
    assert out.data.endswith(anonymous(inner, keep_payload=False))
    assert len(out.data) == len(frame) - len(SECRET)
    assert b"\x02\0\0\0\0" not in out.data
    assert_no_host(out.data)
    again = redacted(out.data, ETHERNET, out.wire_len)
    assert again is not None  # it still decodes
    assert again.data == out.data


def test_the_checksum_of_a_tunnel_s_udp_header_covers_what_changes_inside() -> None:
    inner = segment4()
    body = bytes.fromhex("0800000000000a00") + ethernet(inner)
    bare = udp(body, dport=4789)
    checksum = internet_checksum(pseudo_header(OUTER6, FAR6, UDP, len(bare)) + bare)
    packet = ipv6(udp(body, dport=4789, checksum=checksum), src=OUTER6, dst=FAR6, following=UDP)
    assert transport_remainder(packet) == 0
    out = anonymous(packet)
    assert transport_remainder(out) == 0
    assert_no_host(out)
    without = ipv6(bare, src=OUTER6, dst=FAR6, following=UDP)
    assert anonymous(without)[46:48] == bytes(2)


def test_options_that_hold_addresses_are_blanked_and_others_stay() -> None:
    add_address = bytes([30, 8, 0x30, 1]) + address(SERVER)
    keep = mss(1460) + sack((1, 2)) + timestamps(1, 2)
    packet = segment4(options=keep + add_address)
    out = anonymous(packet)
    assert_no_host(out)
    assert out[40 : 40 + len(keep)] == keep
    assert out[40 + len(keep) : 48 + len(keep)] == b"\x01" * 8
    assert transport_remainder(out) == 0
    route = with_header_sum(ipv4(tcp(SECRET), options=bytes([7, 11, 8]) + address(SERVER) + address(OUTER) + b"\0"))
    recorded = anonymous(route)
    assert_no_host(recorded)
    assert internet_checksum(recorded[:32]) == 0


def test_addresses_in_ipv6_extension_headers_are_blanked() -> None:
    routing = bytes([6, 2, 4, 0]) + bytes(4) + address(OUTER6)
    out = anonymous(ipv6(routing + tcp(SECRET), following=43))
    assert_no_host(out)
    assert out.endswith(SECRET)


@pytest.mark.parametrize("cut", range(0, 90, 1))
def test_cut_packets_do_no_harm(cut: int) -> None:
    packet = ethernet(ipv4(frag_needed(1400, segment4()), src=OUTER, dst=CLIENT, protocol=1))[:cut]
    out = redacted(packet, ETHERNET, 500, anonymizer=Anonymizer(KEY))
    if out is not None:
        assert len(out.data) == len(packet)
        assert_no_host(out.data)
        # Half an address at the end would be half an address.
        assert address(CLIENT)[:3] not in out.data[26:]


def test_what_is_no_tcp_or_icmp_is_not_for_others() -> None:
    assert redacted(ipv4(b"\0\x35\0\x35\0\x20\0\0 dns", protocol=17), RAW, 60) is None
    assert redacted(b"", ETHERNET, 60) is None
