"""Packets that are queued before their turn: all is as it is without."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.capture import reader
from analyzer.flows.flow_tables import C_FLOWS, REPLACED
from analyzer.passes.first import Skimmer
from analyzer.passes.packet_queue import is_spread
from tests.builders import ACK, CLIENT, SERVER, SYN, Packet, ipv4, pcap, pcap_records, tcp
from tests.reading import CAPTURES, Skimmed, same, skim
from tests.traffic import generated


def answer(segment: bytes) -> bytes:
    return ipv4(segment, src=SERVER, dst=CLIENT)


def queued(monkeypatch: pytest.MonkeyPatch, *sources: Path | bytes, far: int = -1, compiled: bool = False) -> Skimmed:
    with monkeypatch.context() as patched:
        patched.setattr(Skimmer, "far", far)
        return skim(*sources, compiled=compiled)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_captures_are_the_same_with_and_without(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = skim(path)
    same(usual, queued(monkeypatch, path))
    same(usual, queued(monkeypatch, path, compiled=True))


@pytest.mark.parametrize("far", [-1, 0, 3, 100])
@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
def test_generated_traffic_is_the_same_whenever_the_queue_is_used(
    name: str, far: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = generated()[name]
    usual = skim(data, compiled=True)
    monkeypatch.setattr(reader, "CHUNK_BYTES", 10_000)
    same(usual, queued(monkeypatch, data, far=far, compiled=True))


def test_the_queue_is_used_where_packets_of_a_flow_are_far_apart() -> None:
    """Flows that take turns, and as many packets of flows one after the other."""
    turns, blocks = (
        skim(
            pcap(
                [Packet(1000 * i, ipv4(tcp(bytes(10), sport=port, seq=1000 + 10 * i))) for i, port in enumerate(ports)]
            )
        )
        for ports in ([1000 + i % 100 for i in range(1000)], [1000 + i // 10 for i in range(1000)])
    )
    assert is_spread(turns.state, 99)
    assert not is_spread(turns.state, 100)
    assert not is_spread(blocks.state, 99)
    assert not is_spread(blocks.state, 1)
    assert is_spread(blocks.state, 0)
    assert is_spread(blocks.state, -1)


def test_several_files_take_turns_at_the_same_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    data = generated()["many flows"]
    parts = [data[:24] + b"".join(pcap_records(data)[i::3]) for i in range(3)]
    same(skim(*parts, compiled=True), queued(monkeypatch, *parts, compiled=True))


@pytest.mark.parametrize("size", [200, 4096, 1 << 16])
def test_chunks_have_no_effect(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = generated()["many flows"]
    usual = skim(data, compiled=True)
    monkeypatch.setattr(reader, "CHUNK_BYTES", size)
    same(usual, queued(monkeypatch, data, compiled=True))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_flow_is_not_taken_for_the_one_that_replaced_it_within_a_queue(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it is in the queue at once, when only the first flow is there to be found."""
    packets = []
    for first in (1000, 900_000, 5_000_000):
        packets += [
            ipv4(tcp(seq=first, flags=SYN)),
            answer(tcp(sport=80, dport=40000, seq=7 * first, ack=first + 1, flags=SYN | ACK)),
            ipv4(tcp(seq=first + 1, ack=7 * first + 1)),
            ipv4(tcp(bytes(100), seq=first + 1, ack=7 * first + 1)),
            answer(tcp(sport=80, dport=40000, seq=7 * first + 1, ack=first + 101)),
        ]
    data = pcap([Packet(1_000_000 * i, each) for i, each in enumerate(packets)])
    usual = skim(data)
    assert usual.state.counters[C_FLOWS] == 3
    assert [int(row) & REPLACED for row in usual.state.flows["seen"][:3]] == [REPLACED, REPLACED, 0]
    assert usual.state.flows["packets"][:3].tolist() == [5, 5, 5]
    same(usual, queued(monkeypatch, data, compiled=compiled))
