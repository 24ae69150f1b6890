"""Which sizes were sent and which provably arrived."""

from __future__ import annotations

import pytest

from tests.builders import Packet, frag_needed, ipv4
from tests.flows.skimmed_packets import marks, run, server
from tests.talk import IPV6_ENDS, Talk

talk = Talk()
OPEN = talk.handshake()


def way(*packets: Packet, opened: list[Packet] = OPEN) -> dict[str, int]:
    """The server's direction after the handshake and these packets."""
    values: dict[str, int] = server(run(opened, list(packets))).values()
    return values


def test_a_size_is_delivered_when_its_bytes_are_acknowledged() -> None:
    sent = talk.data(30, 0, 1000)
    assert way(sent)["delivered"] == 0
    assert way(sent, talk.ack(40, 999))["delivered"] == 0  # part of it is not enough
    got = way(sent, talk.ack(40, 1000))
    assert (got["delivered"], got["delivered_frame"], got["delivered_ack"]) == (1040, 4, 5)
    assert got["delivered_ts"] == talk.ack(40, 1000).ts


def test_the_largest_delivered_size_stays() -> None:
    packets = []
    for i, size in enumerate((500, 1200, 800)):
        at = sum((500, 1200, 800)[:i])
        packets += [talk.data(30 + 10 * i, at, size), talk.ack(35 + 10 * i, at + size)]
    got = way(*packets)
    assert (got["delivered"], got["delivered_frame"]) == (1240, 6)


def test_of_a_flight_the_first_and_the_largest_are_followed() -> None:
    sizes = [400, 300, 900, 1300, 700]
    flight = [talk.data(30 + i, sum(sizes[:i]), size) for i, size in enumerate(sizes)]
    assert way(*flight, talk.ack(60, 400))["delivered"] == 440
    assert way(*flight, talk.ack(60, 2_900))["delivered"] == 1340
    assert way(*flight, talk.ack(60, 1_600))["delivered"] == 440  # up to the 900: not the largest, and not kept


def test_sizes_with_and_without_df_are_kept_apart() -> None:
    got = way(talk.data(30, 0, 800), talk.data(31, 800, 1460, ip={"df": False}), talk.ack(40, 2260), talk.ack(41, 2260))
    assert (got["delivered"], got["delivered_nodf"]) == (840, 1500)


def test_ipv6_counts_as_df() -> None:
    own = Talk(ends=IPV6_ENDS)
    got = way(own.data(30, 0, 1000), own.ack(40, 1000), opened=own.handshake())
    assert (got["delivered"], got["delivered_nodf"]) == (1060, 0)


def test_bytes_sent_in_two_shapes_prove_neither() -> None:
    large, halves = talk.data(30, 0, 1400), [talk.data(230, 0, 700), talk.data(231, 700, 700)]
    assert way(large, *halves, talk.ack(300, 1400))["delivered"] == 0


def test_bytes_sent_twice_in_one_shape_do() -> None:
    assert way(talk.data(30, 0, 1400), talk.data(230, 0, 1400), talk.ack(300, 1400))["delivered"] == 1440


def test_bytes_sent_again_without_df_prove_nothing_about_df() -> None:
    cleared = talk.data(230, 0, 1400, ip={"df": False})
    assert way(talk.data(30, 0, 1400), cleared, talk.ack(300, 1400))["delivered"] == 0


# Super-segments were never on the wire.


def test_a_packet_above_the_announced_mss_is_a_super_segment() -> None:
    packets = [talk.data(30, 0, 1460), talk.data(31, 1460, 1461), talk.data(32, 2921, 2920)]
    skimmed = run(OPEN, packets, talk.ack(40, 5841))
    assert marks(skimmed)[3:6] == [set(), {"super"}, {"super"}]
    got = way(*packets, talk.ack(40, 5841))
    assert (got["delivered"], got["max_sent"], got["max_sent_frame"]) == (1500, 1500, 4)
    assert (got["super_packets"], got["super_multiples"], got["super_frame"]) == (2, 1, 5)


def test_options_take_their_room_from_the_payload() -> None:
    options = b"\x01\x01\x08\x0a" + bytes(8)
    at_limit = talk.data(30, 0, 1448, options=options)
    above = talk.data(30, 0, 1449, options=options)
    assert [bool(way(packet)["super_packets"]) for packet in (at_limit, above)] == [False, True]


def test_ipv6_has_a_longer_header() -> None:
    own = Talk(ends=IPV6_ENDS)
    opened = own.handshake(client_mss=1440)
    assert [way(own.data(30, 0, size), opened=opened)["super_packets"] for size in (1440, 1441)] == [0, 1]


def test_the_mss_that_counts_is_the_receivers() -> None:
    opened = talk.handshake(client_mss=1200, server_mss=1460)
    assert way(talk.data(30, 0, 1300), opened=opened)["super_packets"] == 1


def test_without_a_syn_packets_above_the_ethernet_mtu_are_taken_for_super_segments() -> None:
    got = [way(talk.data(30, 0, size), opened=[])["super_packets"] for size in (1460, 1461)]
    assert got == [0, 1]


def test_a_length_of_0_is_a_super_segment() -> None:
    packet = talk.data(30, 0, 3000, ip={"length": 0})
    skimmed = run(OPEN, packet)
    assert marks(skimmed)[-1] == {"super", "no_length"}
    assert skimmed.rows()[-1]["payload"] == 3000
    assert skimmed.rows()[-1]["ip_len"] == 3040


# After a PTB, larger packets in the capture may have been cut behind it.


@pytest.mark.parametrize(("mtu", "cap"), [(1400, 1400), (1500, 0), (1600, 0), (68, 68), (67, 0), (0, 0)])
def test_a_ptb_caps_the_sizes_that_are_believed(mtu: int, cap: int) -> None:
    large = talk.data(30, 0, 1460)
    ptb = Packet(
        large.ts + 1, ipv4(frag_needed(mtu, large.data[:28]), src="198.51.100.1", dst="203.0.113.10", protocol=1)
    )
    got = way(large, ptb)
    assert (got["size_cap"], got["ptbs"]) == (cap, 1)


def test_sizes_above_the_cap_prove_nothing_and_those_below_do() -> None:
    large = talk.data(30, 0, 1460)
    ptb = Packet(large.ts + 1, ipv4(frag_needed(1400, large.data[:28]), src="198.51.100.1", protocol=1))
    again = [talk.data(31, 0, 1360), talk.data(32, 1360, 100), talk.ack(60, 1460)]
    after = [talk.data(70, 1460, 1450), talk.ack(90, 2910), talk.data(91, 2910, 1360), talk.ack(99, 4270)]
    assert way(large, ptb, *again, *after[:2])["delivered"] < 1400
    assert way(large, ptb, *again, *after)["delivered"] == 1400
