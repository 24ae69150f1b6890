"""Fragments of which no datagram is complete: lost, hidden by a filter, or just lost now and then."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

import analyzer
from analyzer.model.fragment_count import FragmentCount
from tests.builders import (
    CLIENT,
    CLIENT6,
    END_OF_OPTIONS,
    SECOND,
    SERVER,
    SERVER6,
    UDP,
    Packet,
    address,
    cut,
    enhanced,
    ethernet,
    icmp,
    interface,
    ipv4,
    ipv6,
    option,
    pcap,
    pseudo_header,
    section,
    udp,
)

FIRST, LATER, BOTH = "first", "later", "both"


def datagram(
    at: float, ident: int, which: str, *, back: bool = False, v6: bool = False, protocol: int = UDP, port: int = 1812
) -> list[Packet]:
    """A datagram of 1,608 bytes in two fragments, of which `which` came."""
    message = udp(bytes(1600), sport=port, dport=40000) if protocol == UDP else bytes(1608)
    parts = []
    for more, offset, part in ((True, 0, message[:1400]), (False, 1400, message[1400:])):
        if which == (LATER if offset == 0 else FIRST):
            continue
        if v6:
            header = bytes([protocol, 0]) + (offset | more).to_bytes(2) + ident.to_bytes(4)
            src, dst = (CLIENT6, SERVER6) if back else (SERVER6, CLIENT6)
            parts.append(ipv6(header + part, src=src, dst=dst, following=44))
        else:
            src, dst = (CLIENT, SERVER) if back else (SERVER, CLIENT)
            parts.append(
                ipv4(part, src=src, dst=dst, protocol=protocol, df=False, more=more, offset=offset, ident=ident)
            )
    return [Packet(int((at + i / 1000) * SECOND), part) for i, part in enumerate(parts)]


def small(at: float, *, v6: bool = False, protocol: int = UDP) -> list[Packet]:
    """An unfragmented packet of the same sender."""
    message = udp(bytes(200), sport=1812, dport=40000) if protocol == UDP else bytes(208)
    if v6:
        packet = ipv6(message, src=SERVER6, dst=CLIENT6, following=protocol)
    else:
        packet = ipv4(message, src=SERVER, dst=CLIENT, protocol=protocol, df=False)
    return [Packet(int(at * SECOND), packet)]


def around(at: float) -> list[Packet]:
    return [Packet(int(at * SECOND), ipv4(bytes(8), src="192.0.2.77", dst="192.0.2.78", protocol=89))]


def mixed(which: str, count: int = 5, *, v6: bool = False, protocol: int = UDP) -> list[Packet]:
    packets = [*around(0), *around(60)]
    for i in range(count):
        packets += datagram(3 + 2 * i, 100 + i, which, v6=v6, protocol=protocol)
        packets += small(4 + 2 * i, v6=v6, protocol=protocol)
    return packets


OTHER_WAY = [packet for i in range(2) for packet in datagram(20 + i, 7 + i, BOTH, back=True)]


def analysed(packets: list[Packet], capture_filter: str = "") -> analyzer.Analysis:
    packets = sorted(packets, key=lambda packet: packet.ts)
    if not capture_filter:
        return analyzer.analyze(io.BytesIO(pcap(packets)))
    described = interface(options=option(11, b"\0" + capture_filter.encode()) + END_OF_OPTIONS)
    micros = (packet._replace(ts=packet.ts // 1000) for packet in packets)
    return analyzer.analyze(io.BytesIO(section() + described + b"".join(map(enhanced, micros))))


def of_server(found: analyzer.Analysis) -> FragmentCount:
    (count,) = (each for each in found.all_fragments if each.src in (SERVER, SERVER6))
    return count


@pytest.mark.parametrize("protocol", [UDP, 50, 47, 4])
def test_only_first_fragments_come(protocol: int) -> None:
    found = analysed([*mixed(FIRST, protocol=protocol), *OTHER_WAY])
    count = of_server(found)
    assert (count.complete, count.first_only, count.later_only, count.whole) == (0, 5, 0, 5)
    assert count.verdict == "fragment_loss"
    (trouble,) = found.all_troubles
    assert (trouble.kind, trouble.verdict, trouble.confidence) == ("fragments", "fragment_loss", "medium")
    assert (trouble.sender, trouble.receiver) == (SERVER, CLIENT)
    assert trouble.protocol == {UDP: "udp", 50: "esp", 47: "gre", 4: "ipip"}[protocol]
    assert {ref.frame for ref in count.frames} <= {ref.frame for ref in trouble.frames}
    assert "none is complete at this point" in trouble.headline


@pytest.mark.parametrize("v6", [False, True])
def test_only_later_fragments_come(v6: bool) -> None:
    found = analysed(mixed(LATER, v6=v6))
    assert of_server(found).later_only == 5
    assert [trouble.verdict for trouble in found.all_troubles] == ["fragment_loss"]


@pytest.mark.parametrize("v6", [False, True])
def test_twin_all_are_complete(v6: bool) -> None:
    found = analysed(mixed(BOTH, v6=v6))
    assert (of_server(found).complete, of_server(found).verdict) == (5, None)
    assert not found.all_troubles


def test_twin_some_are_complete() -> None:
    assert not analysed([*mixed(FIRST), *OTHER_WAY, *datagram(30, 300, BOTH)]).all_troubles


def test_only_first_fragments_may_be_the_filter() -> None:
    """Later fragments have no ports: a filter for ports shows none of them."""
    found = analysed(mixed(FIRST))
    assert of_server(found).verdict == "inconclusive"
    assert not found.all_troubles


@pytest.mark.parametrize(("text", "accused"), [("udp port 1812", False), ("host 203.0.113.10", True)])
def test_a_filter_that_is_known(text: str, accused: bool) -> None:
    assert bool(analysed(mixed(FIRST), text).all_troubles) is accused


def test_two_lost_datagrams_are_loss() -> None:
    assert not analysed([*mixed(FIRST, count=2), *OTHER_WAY]).all_troubles


def test_without_unfragmented_packets_nothing_is_concluded() -> None:
    packets = [packet for packet in mixed(FIRST) if len(packet.data) != 228]
    assert not analysed([*packets, *OTHER_WAY]).all_troubles


def test_all_in_one_moment_may_be_an_outage() -> None:
    packets = [*around(0), *around(60), *OTHER_WAY]
    for i in range(5):
        packets += [*datagram(3 + i / 100, 100 + i, FIRST), *small(3.005 + i / 100)]
    assert not analysed(packets).all_troubles


def test_fragments_for_many_receivers_are_not_accused() -> None:
    packets = [
        packet._replace(data=packet.data[:16] + address("239.1.2.3") + packet.data[20:]) for packet in mixed(LATER)
    ]
    assert not analysed(packets).all_troubles


def test_at_the_end_the_rest_may_still_come() -> None:
    packets = [packet for packet in mixed(FIRST, count=3) if packet.ts < 60 * SECOND]
    last = max(packet.ts for packet in packets if len(packet.data) > 1000)
    assert not analysed([packet for packet in packets + OTHER_WAY[:2] if packet.ts <= last]).all_troubles


def gave_up(at: float, ident: int, *, v6: bool = False) -> list[Packet]:
    """The receiver's time to put the datagram together is exceeded."""
    quote = datagram(0, ident, FIRST, v6=v6)[0].data[:100]
    if v6:
        body = icmp(3, 1, bytes(4), quote, pseudo=pseudo_header(CLIENT6, SERVER6, 58, 8 + len(quote)))
        packet = ipv6(body, src=CLIENT6, dst=SERVER6, following=58)
    else:
        packet = ipv4(icmp(11, 1, bytes(4), quote), src=CLIENT, dst=SERVER, protocol=1)
    return [Packet(int(at * SECOND), packet)]


@pytest.mark.parametrize("v6", [False, True])
def test_the_receiver_gives_up(v6: bool) -> None:
    """Captured at the sender, all are complete."""
    packets = mixed(BOTH, v6=v6)
    for i in range(4):
        packets += gave_up(33 + 2 * i, 100 + i, v6=v6)
    found = analysed(packets)
    assert (of_server(found).complete, of_server(found).gave_up) == (5, 4)
    (trouble,) = found.all_troubles
    assert (trouble.verdict, trouble.confidence) == ("fragment_loss", "high")
    assert any("time exceeded in reassembly" in text for text, _ in trouble.evidence)


def test_of_icmp_alone_it_is_told_that_the_receiver_gave_up() -> None:
    found = analysed([packet for i in range(4) for packet in gave_up(33 + 2 * i, 100 + i)])
    count = of_server(found)
    assert (count.datagrams, count.gave_up, count.verdict) == (0, 4, None)
    assert len(count.frames) == 4


def test_twin_it_gives_up_a_few() -> None:
    packets = [*mixed(BOTH, count=20), *gave_up(50, 100), *gave_up(52, 104), *gave_up(54, 107)]
    assert not analysed(packets).all_troubles


def test_another_order_and_copies_are_no_loss() -> None:
    packets = mixed(BOTH)
    copies = [packet._replace(ts=packet.ts + 5) for packet in packets]
    turned = [packet._replace(ts=packet.ts + (2_000_000 if i % 2 else 0)) for i, packet in enumerate(packets)]
    for capture in (packets + copies, turned):
        count = of_server(analysed(capture))
        assert (count.complete, count.first_only, count.later_only, count.overlapping) == (5, 0, 0, 0)


def test_overlapping_fragments_are_counted() -> None:
    packets = mixed(BOTH, count=1)
    inside = ipv4(bytes(32), src=SERVER, dst=CLIENT, protocol=UDP, df=False, more=True, offset=800, ident=100)
    assert of_server(analysed([*packets, Packet(3 * SECOND + 2_000_000, inside)])).overlapping == 1


@pytest.mark.parametrize(("port", "word"), [(53, "1232"), (1812, "Framed-MTU"), (4500, "fragmentation = yes")])
def test_the_fix_fits_what_is_fragmented(port: int, word: str) -> None:
    packets = [*around(0), *around(60), *OTHER_WAY]
    for i in range(5):
        packets += [*datagram(3 + 2 * i, 200 + i, FIRST, port=port), *small(4 + 2 * i)]
    (trouble,) = analysed(packets).all_troubles
    assert any(word in fix.command for fix in trouble.fixes)
    assert all(fix.source.startswith("https://") for fix in trouble.fixes)


def test_anonymized_addresses_are_the_same_everywhere() -> None:
    packets = mixed(BOTH)
    for i in range(4):
        packets += gave_up(33 + 2 * i, 100 + i)
    data = pcap(sorted(packets, key=lambda packet: packet.ts))
    found = analyzer.analyze(io.BytesIO(data), anonymizer=analyzer.Anonymizer())
    (trouble,) = found.all_troubles
    assert SERVER not in (trouble.sender, trouble.headline)
    assert trouble.sender in trouble.headline


def test_ethernet_padding_is_no_part_of_a_fragment() -> None:
    packets = []
    for i in range(3):
        both = datagram(2 + i, 50 + i, BOTH)
        packets += [packet._replace(data=ethernet(packet.data) + bytes(4)) for packet in both]
    count = of_server(analyzer.analyze(io.BytesIO(pcap(packets, link=1))))
    assert (count.complete, count.overlapping) == (3, 0)


def in_tunnel(packets: Sequence[Packet], protocol: int) -> list[Packet]:
    """Each in IP in IP (4), GRE (47), or VXLAN (17)."""

    def carried(data: bytes) -> bytes:
        if protocol == UDP:
            return udp(bytes.fromhex("0800000000000000") + ethernet(data), sport=40000, dport=4789)
        return data if protocol == 4 else bytes.fromhex("00000800") + data

    return [
        Packet(each.ts, ipv4(carried(each.data), protocol=protocol, src="198.51.100.1", dst="198.51.100.9"))
        for each in packets
    ]


@pytest.mark.parametrize("protocol", [4, 17, 47])
@pytest.mark.parametrize("came", [LATER, FIRST, BOTH])
def test_fragments_inside_of_a_tunnel_are_followed_as_those_outside(protocol: int, came: str) -> None:
    """Those of eight datagrams, beside whole packets; the outer packets are no fragments, and all there."""
    inner = [packet for i in range(8) for packet in [*datagram(5 + i, i, came), *small(5.5 + i)]]
    bare, carried = (analyzer.analyze(io.BytesIO(pcap(packets))) for packets in (inner, in_tunnel(inner, protocol)))
    assert [each.verdict for each in carried.all_troubles] == [each.verdict for each in bare.all_troubles]
    assert [each.headline for each in carried.all_troubles] == [each.headline for each in bare.all_troubles]
    assert carried.all_fragments == bare.all_fragments
    assert carried.all_fragments[0].complete == (8 if came == BOTH else 0)


@pytest.mark.parametrize("protocol", [4, 17, 47])
def test_fragments_seen_inside_of_a_tunnel_and_outside_are_no_loss(protocol: int) -> None:
    """A capture on all interfaces of the tunnel's end: each fragment is there twice, the datagrams are complete."""
    inner = [packet for i in range(8) for packet in [*datagram(5 + i, i, BOTH), *small(5.5 + i)]]
    both = sorted([*inner, *in_tunnel(inner, protocol)], key=lambda packet: packet.ts)
    found = analyzer.analyze(io.BytesIO(pcap(both)))
    assert found.all_troubles == ()
    assert all(each.complete == 8 for each in found.all_fragments)


def test_a_snap_length_that_cuts_the_inner_header_leaves_no_fragment_to_be_missed() -> None:
    """Later fragments' inner headers are cut, first ones' are not, so that only these could be followed."""
    inner = [packet for i in range(8) for packet in [*datagram(5 + i, i, BOTH), *small(5.5 + i)]]
    outer = in_tunnel(inner, 4)
    found = analyzer.analyze(io.BytesIO(pcap([cut(each, 32) for each in outer])))
    assert found.all_troubles == ()
