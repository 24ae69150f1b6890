"""More flows of a compressed capture than may be judged one by one: the rest say so, with their counts."""

from __future__ import annotations

import gzip
import io

import pytest

import analyzer
from analyzer.evidence import effort
from analyzer.evidence.effort import Allowance, paid_for
from analyzer.model.brief import brief_of
from analyzer.model.flow_list import FlowList
from analyzer.model.verdicts import VERDICTS
from analyzer.verdicts import flow_findings
from analyzer.verdicts.unjudged_rules import TOO_MANY
from tests.builders import UDP, Packet, ipv4, pcap, tcp, udp

FLOWS = 40
SECOND = 1_000_000_000


def captured() -> bytes:
    """Hung flows, each with as many packets as no other."""
    packets = [
        Packet(flow * SECOND // 100 + wait * SECOND, ipv4(tcp(bytes(1000 + flow), sport=1024 + flow, seq=1, ack=1)))
        for flow in range(FLOWS)
        for wait in range(2 + flow)
    ]
    return pcap(sorted(packets, key=lambda packet: packet.ts))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_findings, "MADE_AT_ONCE", 5)
    monkeypatch.setattr(effort, "JUDGED_PACKETS", 100)


def test_uncompressed_all_are_judged(few: None) -> None:
    analysis = analyzer.analyze(io.BytesIO(captured()))
    assert len(analysis.all_flows) == FLOWS
    assert all(flow.rule != TOO_MANY for flow in analysis.all_flows)
    assert not analysis.notes


def test_compressed_the_first_are_judged_and_the_others_say_that_they_were_not(few: None) -> None:
    data = captured()
    squeezed = gzip.compress(data)
    assert len(squeezed) < len(data) // 50
    plain = analyzer.analyze(io.BytesIO(data)).all_flows
    analysis = analyzer.analyze(io.BytesIO(squeezed))
    unjudged = [flow for flow in analysis.all_flows if flow.rule == TOO_MANY]
    judged = [flow for flow in analysis.all_flows if flow.rule != TOO_MANY]
    assert 0 < len(judged) < len(plain)
    assert [flow.stream for flow in judged] == list(range(len(judged)))
    assert [(flow.rule, flow.verdict) for flow in judged] == [(flow.rule, flow.verdict) for flow in plain][
        : len(judged)
    ]
    assert {(flow.verdict, flow.confidence) for flow in unjudged} == {("inconclusive", "low")}
    last = unjudged[-1]
    assert f"this one has {FLOWS + 1} recorded packets, {FLOWS} of them retransmissions" in last.explanation
    assert last.evidence[0].frames
    assert str(last.why_not("blackhole")).startswith(TOO_MANY)
    assert any(note.startswith(f"{len(unjudged)} flows were not judged") for note in analysis.notes)
    assert analysis.flows["rule"].tolist()[-1] == TOO_MANY


def repeated() -> bytes:
    """UDP conversations, each with a large datagram that is sent again and again."""
    packets = [
        Packet(i * SECOND // 100 + 2**wait * SECOND, ipv4(udp(bytes(1400), sport=1024 + i, dport=9), protocol=UDP))
        for i in range(FLOWS)
        for wait in range(4)
    ]
    return pcap(sorted(packets, key=lambda packet: packet.ts))


def test_uncompressed_all_conversations_are_judged(few: None) -> None:
    """However few bytes of a datagram are captured."""
    cut_short = pcap(
        Packet(t * SECOND // 50 + wait * SECOND, ipv4(udp(b"", sport=1024 + t, dport=9), protocol=UDP, total=1400))
        for wait in range(2)
        for t in range(FLOWS)
    )
    for data in (repeated(), cut_short):
        analysis = analyzer.analyze(io.BytesIO(data))
        assert len(analysis.all_udp_flows) == FLOWS
        assert all(flow.rule != TOO_MANY for flow in analysis.all_udp_flows)
        assert not analysis.notes


def test_of_compressed_conversations_those_beyond_say_so(few: None) -> None:
    data = repeated()
    plain = analyzer.analyze(io.BytesIO(data)).all_udp_flows
    analysis = analyzer.analyze(io.BytesIO(gzip.compress(data)))
    unjudged = [flow for flow in analysis.all_udp_flows if flow.rule == TOO_MANY]
    judged = [flow for flow in analysis.all_udp_flows if flow.rule != TOO_MANY]
    assert 0 < len(judged) < len(plain)
    assert judged == list(plain)[: len(judged)]
    assert {(flow.verdict, flow.confidence) for flow in unjudged} == {("inconclusive", "low")}
    assert "this one has 4 datagrams, 3 of them sent again" in unjudged[-1].explanation
    assert unjudged[-1].evidence[0].frames == unjudged[-1].rests_on
    assert any(note.startswith(f"{len(unjudged)} UDP conversations") for note in analysis.notes)
    assert analysis.totals.udp_verdicts["inconclusive"] >= len(unjudged)


def test_in_short_they_are_as_in_full(few: None) -> None:
    analysis = analyzer.analyze(io.BytesIO(gzip.compress(captured())))
    assert isinstance(analysis.all_flows, FlowList)
    briefs = dict(analysis.all_flows.briefs_with(VERDICTS))
    for flow in analysis.all_flows:
        assert briefs[flow.stream] == brief_of(flow)


def test_ptbs_leave_less_but_never_less_than_the_size_allows() -> None:
    assert Allowance(0, 10**6).allows(0, 1) is False
    by_size = Allowance(paid_for([(16 * 50, 16 * 50), (64 * 50, 10**6)]), 10**6)
    assert [by_size.allows(row, 6) for row in range(12)] == [True] * 10 + [False] * 2
    assert by_size.beyond == {10, 11}
