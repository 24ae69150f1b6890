"""One black hole, recorded once, reads the same through every link type, encapsulation and container."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

import analyzer
from analyzer.decode.packet_fields import UNDECODED_REASONS
from analyzer.model.flow import Encapsulation, Flow
from docs.formats import MEANINGS, page
from tests.builders import Packet, ethernet, frag_needed, ipv4, ipv6, pcap, too_big
from tests.reading import ROOT, SAMPLE_FOLDER
from tests.wrapping import (
    CONTAINERS,
    ENCAPSULATIONS,
    ENCAPSULATIONS6,
    FAR6,
    LINKS,
    OUTER6,
    Wrap,
    around,
    frame,
    ip_packets,
    wrapped,
)

PACKETS = ip_packets(SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap")
PACKETS6 = ip_packets(SAMPLE_FOLDER / "ipv6_upload_blackhole_at_client.pcap")


def judged(data: bytes) -> tuple[object, ...]:
    analysis = analyzer.analyze(io.BytesIO(data))
    counted = analysis.totals
    assert counted.packets == counted.tcp_packets + counted.icmp_packets + counted.udp_packets + sum(
        counted.undecoded.values()
    )
    assert not counted.undecoded
    return tuple(essence(flow) for flow in analysis.all_flows)


def essence(flow: Flow) -> tuple[object, ...]:
    return (
        flow.stream,
        flow.client,
        flow.server,
        flow.verdict,
        flow.confidence,
        flow.path_mtu,
        flow.stalled,
        flow.explanation,
        flow.packet_count,
    )


PLAIN = judged(pcap(wrapped(PACKETS, frame), link=1))
PLAIN6 = judged(pcap(wrapped(PACKETS6, frame), link=1))


def test_the_recordings_are_black_holes() -> None:
    assert {flow[3] for flow in PLAIN} >= {"blackhole"}  # type: ignore[index]
    assert {flow[3] for flow in PLAIN6} >= {"blackhole"}  # type: ignore[index]


@pytest.mark.parametrize(("link", "wrap"), LINKS.values(), ids=LINKS)
def test_link_types(link: int, wrap: Wrap) -> None:
    assert judged(pcap(wrapped(PACKETS, wrap), link=link)) == PLAIN
    assert judged(pcap(wrapped(PACKETS6, wrap), link=link)) == PLAIN6


@pytest.mark.parametrize(("wrap", "layers", "overhead"), ENCAPSULATIONS.values(), ids=ENCAPSULATIONS)
def test_encapsulations(wrap: Wrap, layers: tuple[str, ...], overhead: int) -> None:
    check(PACKETS, PLAIN, wrap, Encapsulation(layers, overhead, False))


@pytest.mark.parametrize(("wrap", "layers", "overhead"), ENCAPSULATIONS6.values(), ids=ENCAPSULATIONS6)
def test_encapsulations_of_ipv6(wrap: Wrap, layers: tuple[str, ...], overhead: int) -> None:
    check(PACKETS6, PLAIN6, wrap, Encapsulation(layers, overhead, False))


def check(packets: list[Packet], plain: tuple[object, ...], wrap: Wrap, expected: Encapsulation) -> None:
    data = pcap(wrapped(packets, around(wrap)), link=1)
    assert judged(data) == plain
    for flow in analyzer.analyze(io.BytesIO(data)).all_flows:
        assert flow.encapsulation == expected
        assert any(f"headers take {expected.overhead} bytes" in text for text, _ in flow.evidence)


@pytest.mark.parametrize("write", CONTAINERS.values(), ids=CONTAINERS)
def test_containers(write: Callable[[list[Packet]], bytes]) -> None:
    assert judged(write(wrapped(PACKETS, frame))) == PLAIN


@pytest.mark.parametrize(("wrap", "layers", "overhead"), ENCAPSULATIONS.values(), ids=ENCAPSULATIONS)
def test_inner_and_outer_packets_are_counted_once(wrap: Wrap, layers: tuple[str, ...], overhead: int) -> None:
    check_both(PACKETS, PLAIN, wrap, Encapsulation(layers, overhead, True))


@pytest.mark.parametrize(("wrap", "layers", "overhead"), ENCAPSULATIONS6.values(), ids=ENCAPSULATIONS6)
def test_inner_and_outer_packets_of_ipv6_are_counted_once(wrap: Wrap, layers: tuple[str, ...], overhead: int) -> None:
    check_both(PACKETS6, PLAIN6, wrap, Encapsulation(layers, overhead, True))


def check_both(packets: list[Packet], plain: tuple[Any, ...], wrap: Wrap, expected: Encapsulation) -> None:
    """Each packet twice, as the host at a tunnel's end captures it: as it is, then on its way inside the tunnel."""
    inside = wrapped(packets, around(wrap))
    outside = wrapped(packets, frame)
    both = [p for a, b in zip(outside, inside, strict=True) for p in (a, b._replace(ts=b.ts + 20_000))]
    flows = analyzer.analyze(io.BytesIO(pcap(both, link=1))).all_flows
    assert [(f.verdict, f.path_mtu, f.confidence) for f in flows] == [(p[3], p[5], p[4]) for p in plain]
    for flow, expectation in zip(flows, plain, strict=True):
        stalled = expectation[6]
        assert flow.encapsulation == expected
        assert (flow.stalled is None) == (stalled is None)
        assert flow.stalled is None or flow.stalled.retransmissions == stalled.retransmissions


@pytest.mark.parametrize(("wrap", "layers", "overhead"), ENCAPSULATIONS.values(), ids=ENCAPSULATIONS)
def test_a_router_on_the_tunnels_way_names_the_flow_inside(wrap: Wrap, layers: tuple[str, ...], overhead: int) -> None:
    """It tells the tunnel's end, which keeps it to itself: a black hole for the sender; the report says who knew."""
    packets = wrapped(PACKETS, around(wrap))
    if layers == ("MPLS",):
        return  # no IP header around it: a router's quote starts with the flow's own
    lost = max(range(len(PACKETS)), key=lambda i: PACKETS[i].wire_len)
    quote = packets[lost].data[14:300]
    if quote[0] >> 4 == 4:
        told = ethernet(ipv4(frag_needed(1400 + overhead, quote), src="198.51.100.9", protocol=1))
    else:
        message = too_big(1400 + overhead, quote, src=FAR6, dst=OUTER6)
        told = ethernet(ipv6(message, src=FAR6, dst=OUTER6, following=58), 0x86DD)
    packets.insert(lost + 1, Packet(packets[lost].ts + 1000, told))
    flows = analyzer.analyze(io.BytesIO(pcap(packets, link=1))).all_flows
    assert [(f.verdict, f.path_mtu) for f in flows] == [(p[3], p[5]) for p in PLAIN]  # type: ignore[index]
    said = [(text, frames) for flow in flows for text, frames in flow.evidence if "leaves 1400 for this flow" in text]
    assert [frames for _, frames in said] == [((0, lost + 2),)]


def test_the_page_on_formats_is_what_the_analysis_says() -> None:
    assert (ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == page(), "run: python -m docs.formats"


def test_the_page_explains_every_reason() -> None:
    assert set(MEANINGS) == set(UNDECODED_REASONS) - {""}
