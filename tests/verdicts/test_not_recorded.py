"""Beyond the bounds on what is recorded a hang is not told from loss, and nobody says that it got through."""

from __future__ import annotations

import io

import pytest

import analyzer
from analyzer.flows.table_pages import new_state
from tests.builders import ACK, CLIENT, PSH, SERVER, SYN, Packet, ipv4, pcap, tcp

MS = 1_000_000


def flow(port: int, *, hangs: bool, at: int) -> list[Packet]:
    def up(seq: int, ack: int, flags: int = ACK, size: int = 0) -> bytes:
        return ipv4(tcp(sport=port, dport=80, seq=seq, ack=ack, flags=flags), total=40 + size)

    def down(seq: int, ack: int, flags: int = ACK, size: int = 0, ident: int = 1) -> bytes:
        segment = tcp(sport=80, dport=port, seq=seq, ack=ack, flags=flags)
        return ipv4(segment, src=SERVER, dst=CLIENT, total=40 + size, ident=ident)

    packets = [
        (0, up(1000, 0, SYN)),
        (10, down(5000, 1001, SYN | ACK)),
        (20, up(1001, 5001)),
        (30, up(1001, 5001, ACK | PSH, 100)),
        (40, down(5001, 1101, size=1460)),
        *((again, down(5001, 1101, size=1460, ident=again)) for again in (340, 940, 2140, 4540)),
    ]
    if not hangs:
        packets.append((4600, up(1101, 6461)))
    return [Packet(1_700_000_000_000 * MS + (at + ms) * MS, data) for ms, data in packets]


def analysed(monkeypatch: pytest.MonkeyPatch, events: int, *, hangs: bool) -> analyzer.Analysis:
    monkeypatch.setattr("analyzer.passes.first.new_state", lambda seed, **_: new_state(seed, events=events))
    packets = [packet for i in range(6) for packet in flow(40_000 + i, hangs=hangs, at=i)]
    packets.sort(key=lambda packet: packet.ts)
    return analyzer.analyze(io.BytesIO(pcap(packets)), compiled=False)


def test_hangs_that_were_not_recorded_are_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = analysed(monkeypatch, 1, hangs=True)
    assert "packets of troubled flows were counted but not recorded" in " ".join(analysis.notes)
    for each in analysis:
        assert (each.verdict, each.confidence) == ("inconclusive", "low")
        assert "not all of this flow's packets were recorded" in each.explanation
    rules = {each.rule for each in analysis}
    assert "unstalled/not-recorded" in rules


def test_what_got_through_in_the_end_is_loss_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {each.verdict for each in analysed(monkeypatch, 1, hangs=False)} == {"loss"}


def test_with_room_for_all_of_it_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(each.rule.startswith("stalled/") for each in analysed(monkeypatch, 1000, hangs=True))
