"""What a capture says of itself: losses and filters lower the confidence, never raise it, and are reported."""

from __future__ import annotations

import io
from typing import Any

import pytest

import analyzer
from analyzer.evidence.vantage import BETWEEN, CLIENT, SERVER, UNKNOWN
from analyzer.model.flow import Flow
from tests.builders import (
    END_OF_OPTIONS,
    NANOSECONDS,
    Packet,
    block,
    enhanced,
    interface,
    obsolete,
    option,
    pcap,
    section,
)
from tests.test_formats import PACKETS
from tests.wrapping import cooked2, frame, wrapped

FRAMES = wrapped(PACKETS, frame)


def analysed(head: bytes, blocks: list[bytes]) -> Any:
    return analyzer.analyze(io.BytesIO(head + b"".join(blocks)))


def stalled(analysis: Any) -> Flow:
    flow: Flow = analysis.problem_flows[0]
    assert flow.verdict == "blackhole"
    return flow


def with_filter(text: bytes) -> bytes:
    return section() + interface(1, options=option(11, b"\0" + text) + NANOSECONDS)


def test_without_conditions() -> None:
    analysis = analysed(section() + interface(1, options=NANOSECONDS), [enhanced(p) for p in FRAMES])
    assert stalled(analysis).confidence == "high"
    assert analysis.notes == ()
    assert analysis.files[0].dropped == 0


def test_a_filter_without_icmp() -> None:
    analysis = analysed(with_filter(b"tcp port 8081"), [enhanced(p) for p in FRAMES])
    assert stalled(analysis).confidence == "medium"
    assert any("lets no ICMP through" in note and "tcp port 8081" in note for note in analysis.notes)


def test_a_filter_with_icmp() -> None:
    analysis = analysed(with_filter(b"tcp or icmp"), [enhanced(p) for p in FRAMES])
    assert stalled(analysis).confidence == "high"
    assert analysis.notes == ()


def statistics(interface_drops: int, system_drops: int, order: str = "little") -> bytes:
    body = bytes(12) + option(5, interface_drops.to_bytes(8, order)) + option(7, system_drops.to_bytes(8, order))  # type: ignore[arg-type]
    return block(5, body + END_OF_OPTIONS, order)  # type: ignore[arg-type]


@pytest.mark.parametrize("drops", [0, 1, 5000])
def test_interface_statistics(drops: int) -> None:
    blocks = [statistics(drops // 2, 0), *[enhanced(p) for p in FRAMES], statistics(drops, 0), statistics(0, drops)]
    analysis = analysed(section() + interface(1, options=NANOSECONDS), blocks)
    assert analysis.files[0].dropped == drops
    assert stalled(analysis).confidence == ("medium" if drops == 5000 else "high")
    assert (f"The capturing host says that it lost {drops} packets." in analysis.notes) == (drops > 0)


def test_drops_counted_with_the_packets() -> None:
    head = section() + interface(1, options=NANOSECONDS)
    some = option(4, (2).to_bytes(8, "little")) + END_OF_OPTIONS
    assert analysed(head, [enhanced(p, options=some) for p in FRAMES]).files[0].dropped == 2 * len(FRAMES)
    assert analysed(head, [obsolete(p, drops=1) for p in FRAMES]).files[0].dropped == len(FRAMES)
    assert analysed(head, [obsolete(p, drops=0xFFFF) for p in FRAMES]).files[0].dropped == 0


def test_statistics_of_an_interface_that_is_not_there() -> None:
    blocks = [block(5, (7).to_bytes(4, "little") + bytes(8) + option(5, (9).to_bytes(8, "little")))]
    assert analysed(section() + interface(1), blocks).files[0].dropped == 0


# Where it was captured.


def test_by_time_to_live() -> None:
    where = stalled(analyzer.analyze(io.BytesIO(pcap(FRAMES, link=1)))).vantage
    assert where.where == SERVER
    assert "2 routers" in where.because


def noted(client: int, server: int) -> str:
    """The vantage when every packet of the client and of the server is flagged so: 1 in, 2 out, 3 both."""
    head = section() + interface(1, options=NANOSECONDS)
    blocks = []
    for packet in FRAMES:
        ours = server if packet.data[26:30] == bytes([203, 0, 113, 10]) else client
        for bit in (1, 2):
            if ours & bit:
                copy = packet._replace(ts=packet.ts + 10_000 * bit)
                blocks.append(enhanced(copy, options=option(2, bit.to_bytes(4, "little")) + END_OF_OPTIONS))
    return stalled(analysed(head, blocks)).vantage.where


def test_by_packet_flags() -> None:
    assert noted(2, 1) == CLIENT
    assert noted(1, 2) == SERVER
    assert noted(3, 3) == BETWEEN


def test_by_cooked_headers() -> None:
    packets = wrapped(PACKETS, cooked2)  # all flagged as sent by the capturing host: both ends live there
    where = stalled(analyzer.analyze(io.BytesIO(pcap(packets, link=276)))).vantage
    assert where.where == SERVER  # falls back to TTL


def test_by_handshake_where_no_router_is_on_either_side() -> None:
    same = [p._replace(data=p.data[:22] + b"\x40" + p.data[23:]) for p in FRAMES]  # every TTL is 64
    assert seen(same).where == SERVER  # as recorded: the client is 31 ms away
    assert seen(moved(same, 29_000_000)).where == CLIENT
    assert seen(moved(same, 15_000_000)).where == UNKNOWN


def seen(packets: list[Packet]) -> Any:
    return analyzer.analyze(io.BytesIO(pcap(packets, link=1))).flow(0).vantage


def moved(packets: list[Packet], shift: int) -> list[Packet]:
    """The server's packets of the handshake come later: the capture point moves towards the client."""
    return sorted(p._replace(ts=p.ts + shift * (p.data[26:30] == bytes([203, 0, 113, 10]))) for p in packets[:3])
