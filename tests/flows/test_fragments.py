"""Fragments in the tables of the skim, compiled and interpreted, and their bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest

from analyzer.flows.flow_tables import C_FRAGMENTS, C_FRAGMENTS_LOST, C_PAIRS
from analyzer.flows.table_pages import new_state
from tests.builders import CLIENT6, SERVER6, UDP, Packet, ipv4, ipv6, pcap, tcp
from tests.reading import Skimmed, same, skim
from tests.verdicts.test_fragment_findings import BOTH, FIRST, LATER, datagram, mixed, small


def ordered(packets: list[Packet]) -> bytes:
    return pcap(sorted(packets, key=lambda packet: packet.ts))


EVERYTHING = [
    *mixed(FIRST),
    *mixed(LATER, v6=True),
    *mixed(BOTH, protocol=50),
    *[packet for i in range(20) for packet in datagram(i, i, BOTH, back=bool(i % 2), v6=bool(i % 3))],
]


def rows(skimmed: Skimmed) -> list[tuple[int, ...]]:
    """(offset, length, more, identification, sport, dport) of each fragment."""
    names = ["offset", "length", "more", "ident", "sport", "dport"]
    table = skimmed.state.fragments[: skimmed.state.counters[C_FRAGMENTS]]
    return [tuple(int(row[name]) for name in names) for row in table]


def test_compiled_and_interpreted_agree() -> None:
    same(skim(ordered(EVERYTHING)), skim(ordered(EVERYTHING), compiled=True))


@pytest.mark.parametrize("v6", [False, True])
def test_what_is_kept_of_a_fragment(v6: bool) -> None:
    found = skim(ordered(datagram(1, 77, BOTH, v6=v6)))
    assert rows(found) == [(0, 1400, 1, 77, 1812, 40000), (1400, 208, 0, 77, 0, 0)]


def test_a_fragment_header_behind_other_extension_headers() -> None:
    options = bytes([44, 0, 1, 4, 0, 0, 0, 0])  # hop-by-hop, padding
    header = bytes([UDP, 0]) + (1232 | 1).to_bytes(2) + (5).to_bytes(4)
    packet = ipv6(options + header + bytes(80), src=SERVER6, dst=CLIENT6, following=0)
    assert rows(skim(pcap([Packet(0, packet)]))) == [(1232, 80, 1, 5, 0, 0)]


def test_unfragmented_packets_are_counted_beside_them() -> None:
    packets = [*small(0), *datagram(1, 1, FIRST), *small(2), *small(3), *datagram(4, 2, FIRST)]
    state = skim(ordered(packets)).state
    assert (int(state.counters[C_PAIRS]), int(state.pairs["whole"][0]), int(state.pairs["largest"][0])) == (1, 2, 228)
    assert state.fragments["whole"][:2].tolist() == [0, 2]


def test_fragments_of_tcp_are_kept_and_its_packets_are_not_counted() -> None:
    segment = tcp(bytes(600))
    packets = [
        Packet(0, ipv4(segment[:400], df=False, more=True, ident=9)),
        Packet(1, ipv4(segment[400:], df=False, offset=400, ident=9)),
        *[Packet(2 + i, ipv4(tcp(bytes(100), seq=1600 + 100 * i))) for i in range(5)],
    ]
    state = skim(pcap(packets)).state
    assert (int(state.counters[C_FRAGMENTS]), int(state.pairs["whole"][0])) == (2, 0)


@pytest.mark.parametrize("compiled", [False, True])
def test_beyond_the_bounds_fragments_are_counted(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(seed: int, **_: object) -> object:
        return new_state(seed, icmps=30)

    monkeypatch.setattr("analyzer.passes.first.new_state", few)
    many = [packet for i in range(20) for packet in datagram(i, i, BOTH)]
    counters = skim(ordered(many), compiled=compiled).state.counters
    assert (int(counters[C_FRAGMENTS]), int(counters[C_FRAGMENTS_LOST])) == (30, 10)


@pytest.mark.parametrize("compiled", [False, True])
def test_beyond_so_many_senders_their_fragments_are_counted(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.flows.table_pages.MAX_FRAGMENTED_PAIRS", 4)
    many = [
        Packet(i, ipv4(bytes(80), src=f"192.0.2.{i}", dst="192.0.2.200", protocol=UDP, df=False, more=True))
        for i in range(1, 10)
    ]
    counters = skim(pcap(many), compiled=compiled).state.counters
    assert (int(counters[C_FRAGMENTS]), int(counters[C_FRAGMENTS_LOST]), int(counters[C_PAIRS])) == (4, 5, 4)


def test_nonsense_is_no_fragment() -> None:
    """A length of 0, or no longer than its header."""
    empty = ipv4(b"", protocol=UDP, df=False, more=True)
    unknown = ipv4(bytes(80), protocol=UDP, df=False, more=True, total=0)
    counters = skim(pcap([Packet(0, empty), Packet(1, unknown)])).state.counters
    assert int(counters[C_FRAGMENTS]) == 0


def test_the_packets_come_in_order() -> None:
    found = skim(ordered(EVERYTHING)).state
    times = found.fragments["ts"][: found.counters[C_FRAGMENTS]].tolist()
    assert all(a <= b for a, b in pairwise(times))
