"""The notation itself: what it compiles to is read back by dpkt, which shares no code with it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import dpkt
import pytest

from tests.scenarios.notation import Scenario, load_scenarios, parse_scenarios
from tests.scenarios.packets import Record, capture_of
from tests.scenarios.words import NotationError, View

HELLO = """
=== hello
handshake
0.021  C > S  data 1:518
0.031  S > C  data 1:2897 by 1448 lost 1:1449
0.041  C > S  ack 1 sack 1449:2897
0.042  R > S  ptb 1400 of 1:1449
"""


def scenario(text: str) -> Scenario:
    """The last scenario of a text."""
    return parse_scenarios(text)[-1]


def packets(text: str, view: View | None = None) -> list[dpkt.ip.IP | dpkt.ip6.IP6]:
    """The IP packets of a scenario as dpkt reads them from its capture."""
    reader = dpkt.pcap.Reader(BytesIO(capture_of(scenario(text).records(view or View()))))
    return [dpkt.ethernet.Ethernet(frame).data for _, frame in reader]


def brief(text: str, point: str) -> list[tuple[float, str, int]]:
    """(time, direction, frame length) of what a capture point sees."""
    records: list[Record] = scenario(text).records(View(point))
    return [((r.ts - 1_700_000_000 * 10**9) / 1e9, r.sent.src + r.sent.dst, len(r.frame) - 14) for r in records]


def test_each_point_sees_what_passes_it_when_it_passes() -> None:
    assert brief(HELLO, "C") == [
        (0.0, "CS", 64),
        (0.02, "SC", 64),
        (0.02, "CS", 52),
        (0.021, "CS", 569),
        (0.041012, "SC", 1500),
        (0.041012, "CS", 64),
    ]
    assert brief(HELLO, "M")[4:] == [
        (0.036, "SC", 1500),
        (0.036012, "SC", 1500),
        (0.042, "RS", 576),
        (0.046012, "CS", 64),
    ]


@pytest.mark.parametrize("version", ["", "ipv6\n"])
def test_checksums_and_lengths_are_right(version: str) -> None:
    text = HELLO.replace("handshake", f"{version}handshake")
    for packet in packets(text):
        upper = packet.data
        raw = bytes(packet)
        upper.sum = 0
        if isinstance(packet, dpkt.ip.IP):
            packet.sum = 0
            assert packet.len == len(raw)
        else:
            assert packet.plen == len(raw) - 40
        assert bytes(packet) == raw  # dpkt fills in the checksums that it finds missing


def test_options_of_syn_and_sack() -> None:
    syn, _, ack, _, _, _, sack = (dict(dpkt.tcp.parse_opts(p.data.opts)) for p in packets(HELLO) if p.p == 6)
    assert syn[dpkt.tcp.TCP_OPT_MSS] == (1460).to_bytes(2, "big")
    assert syn[dpkt.tcp.TCP_OPT_WSCALE] == b"\x07"
    assert set(ack) == {dpkt.tcp.TCP_OPT_NOP, dpkt.tcp.TCP_OPT_TIMESTAMP}
    edges = sack[dpkt.tcp.TCP_OPT_SACK]
    assert [int.from_bytes(edges[i : i + 4], "big") - 5_000_000 for i in (0, 4)] == [1449, 2897]


def test_a_ptb_quotes_the_packet_as_it_was_sent() -> None:
    (ptb,) = (p for p in packets(HELLO) if p.p == 1)
    assert (ptb.data.type, ptb.data.code, ptb.data.data.mtu) == (3, 4, 1400)
    quote = dpkt.ip.IP(bytes(ptb.data.data.data))
    lost = next(p for p in packets(HELLO) if len(p) == 1500)
    assert (quote.id, quote.len, quote.df) == (lost.id, 1500, 1)
    assert bytes(quote.data)[:20] == bytes(lost.data)[:20]


def test_ip_ids_count_the_packets_on_the_wire() -> None:
    text = "=== gso\nhandshake\n0.03 S > C data 1:3597 gso 1448\n0.03 S > C data 3597:3600\n"
    first, second = (p.id for p in packets(text)[3:])
    assert second - first == 3


def test_a_retransmission_has_a_new_ip_id_and_a_copy_has_not() -> None:
    text = "=== again\nhandshake\n0.03 0.23 S > C data 1:1449 lost\n"
    once = [p.id for p in packets(text) if p.len == 1500]
    twice = [p.id for p in packets(text, View("S", twice=True)) if p.len == 1500]
    assert len(set(once)) == 2
    assert twice == sorted(once + once)


def test_as_above_copies_and_changes() -> None:
    twin = scenario(HELLO + "=== twin: hello\nas above until 0.04\nwith lost 1:1449 -> lost\n")
    assert twin.is_twin
    assert [line.body for line in twin.lines][-1] == "data 1:2897 by 1448 lost"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0.05 S > C data 1:10 ack 600", "did not arrive"),  # the client sent 517 bytes only
        ("0.05 C > S ack 1 sack 1:1449", "did not arrive"),  # it was lost
        ("mtu S>C 1400", "pass a path MTU of 1400"),  # the second packet is not marked lost
        ("0.035 R > S ptb 1400 of 1449:2897", "before the router has the packet"),
        ("0.05 R > S ptb 1400 of 7:8", "never sent as one packet"),
        ("0.05 C > S hello", "unknown word"),
        ("delay 10 s", "unknown directive"),
    ],
)
def test_a_scenario_that_contradicts_itself_is_refused(line: str, complaint: str) -> None:
    with pytest.raises(NotationError, match=complaint):
        scenario(HELLO + line).records(View())


def test_claims_are_unique() -> None:
    topics = load_scenarios(Path(__file__).parent)
    for topic, scenarios in topics.items():
        names = [s.name for s in scenarios]
        assert len(names) == len(set(names)), topic
