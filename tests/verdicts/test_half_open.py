"""Flows that were never opened get the answer that judging them would give."""

from __future__ import annotations

import io

import numpy as np
import pytest

import analyzer
from analyzer.evidence.flow_index import Collector
from analyzer.verdicts import flow_findings
from tests.builders import ACK, CLIENT, RST, SERVER, SYN, Packet, ipv4, mss, pcap, tcp


def scan(count: int) -> list[Packet]:
    """SYNs from ever new ports; every third is refused, every fifth is sent twice, one connection opens."""
    packets = []
    for i in range(count):
        syn = ipv4(tcp(sport=1000 + i, flags=SYN, seq=i, options=mss(1460)), ident=i + 1)
        packets.append(Packet(i * 1000, syn))
        if i % 3 == 0:
            packets.append(
                Packet(
                    i * 1000 + 1,
                    ipv4(tcp(sport=80, dport=1000 + i, flags=RST | ACK, ack=i + 1), src=SERVER, dst=CLIENT),
                )
            )
        if i % 5 == 0:
            packets.append(Packet(i * 1000 + 1_000_000_000, syn[:4] + b"\x77\x77" + syn[6:]))
        if i == 7:
            packets.append(
                Packet(i * 1000 + 1, ipv4(tcp(sport=80, dport=1007, flags=SYN | ACK, ack=8), src=SERVER, dst=CLIENT))
            )
            packets.append(Packet(i * 1000 + 2, ipv4(tcp(b"hello", sport=1007, flags=ACK, seq=8, ack=1))))
    return sorted(packets)


def test_the_answer_is_that_of_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pcap(scan(100))
    quick = analyzer.analyze(io.BytesIO(data)).all_flows
    monkeypatch.setattr(flow_findings, "half_open", lambda collector: np.zeros(len(collector.flows), bool))
    assert quick == analyzer.analyze(io.BytesIO(data)).all_flows


def test_most_of_a_scan_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []
    conversation = Collector.conversation

    def counted(self: Collector, stream: int) -> object:
        judged.append(stream)
        return conversation(self, stream)

    monkeypatch.setattr(Collector, "conversation", counted)
    assert len(list(analyzer.analyze(io.BytesIO(pcap(scan(100)))).all_flows)) >= 100
    assert 0 < len(judged) < 5
