"""UDP probes with DF to ports where nobody listens: what a sweep of sizes shows, and what must not be taken for one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

import analyzer
from analyzer.model.trouble import Trouble
from tests.builders import (
    CLIENT,
    CLIENT6,
    ICMP,
    ICMPV6,
    SECOND,
    SERVER,
    SERVER6,
    Packet,
    frag_needed,
    icmp,
    ipv4,
    ipv6,
    pcap,
    pseudo_header,
    udp,
)
from tests.builders import UDP as PROTO_UDP
from tests.datagram_talk import EDGES

ROUTER = "198.51.100.9"


class Sent(NamedTuple):
    """A probe of `size` bytes of IP at `at` seconds."""

    at: float
    size: int
    answered: bool = True
    port: int = 33434
    sport: int = 40000
    df: bool = True
    ttl: int = 64
    came: int = 57  # TTL with which it arrives, as the answer quotes it
    reply_ttl: int = 57
    rtt: float = 0.02
    error: tuple[int, int] = (3, 3)  # type and code of the answer
    by: str = ""  # who answers; "": the receiver


def story(sizes: str, *, step: float = 1.5, each: int = 1) -> list[Sent]:
    """A probe each 1.5 s, each from a port of its own: "1400" is answered, "-1500" is not."""
    words = sizes.split()
    return [
        Sent(i * step, abs(int(word)), not word.startswith("-"), sport=40000 + i // each)
        for i, word in enumerate(words)
    ]


def frames_of(probes: Sequence[Sent], *, v6: bool = False) -> list[Packet]:
    packets = []
    for number, probe in enumerate(probes):
        if v6:
            message = udp(bytes(probe.size - 48), sport=probe.sport, dport=probe.port)
            sent = ipv6(message, src=CLIENT6, dst=SERVER6, following=PROTO_UDP)
            quoted = ipv6(message, src=CLIENT6, dst=SERVER6, following=PROTO_UDP, hop_limit=probe.came)[:1232]
            by = probe.by or SERVER6
            pseudo = pseudo_header(by, CLIENT6, ICMPV6, 8 + len(quoted))
            kind, code = (1, 4) if probe.error == (3, 3) else probe.error
            message = icmp(kind, code, bytes(4), quoted, pseudo=pseudo)
            back = ipv6(message, src=by, dst=CLIENT6, following=ICMPV6, hop_limit=probe.reply_ttl)
        else:
            message = udp(bytes(probe.size - 28), sport=probe.sport, dport=probe.port)
            sent = ipv4(message, protocol=PROTO_UDP, df=probe.df, ttl=probe.ttl, ident=number)
            quoted = ipv4(message, protocol=PROTO_UDP, df=probe.df, ttl=probe.came, ident=number)[:56]
            message = icmp(*probe.error, bytes(4), quoted)
            back = ipv4(message, src=probe.by or SERVER, dst=CLIENT, protocol=ICMP, df=False, ttl=probe.reply_ttl)
        packets.append(Packet(int((1 + probe.at) * SECOND), sent))
        if probe.answered:
            packets.append(Packet(int((1 + probe.at + probe.rtt) * SECOND), back))
    return packets


def analysed(probes: Sequence[Sent], *more: Packet, v6: bool = False, until: float = 90) -> analyzer.Analysis:
    edges = [EDGES[0], EDGES[1]._replace(ts=int(until * SECOND))]
    packets = sorted([*frames_of(probes, v6=v6), *more, *edges], key=lambda packet: packet.ts)
    return analyzer.analyze(io.BytesIO(pcap(packets)))


def troubles(probes: Sequence[Sent], *more: Packet, v6: bool = False, until: float = 90) -> tuple[Trouble, ...]:
    return analysed(probes, *more, v6=v6, until=until).all_troubles


SWEEP = "84 84 84 -1500 -1500 -1500 1400 1400 1400 -1450 -1450 -1450 84 84 84"


@pytest.mark.parametrize("v6", [False, True])
def test_a_sweep_shows_a_black_hole(v6: bool) -> None:
    found = analysed(story(SWEEP), v6=v6)
    (trouble,) = found.all_troubles
    assert (trouble.kind, trouble.verdict, trouble.confidence) == ("probes", "blackhole", "medium")
    assert trouble.rule == "probes/blackhole"
    assert (trouble.path_mtu.at_least, trouble.path_mtu.at_most, trouble.lost) == (1400, 1449, 1450)
    assert (trouble.sender, trouble.receiver) == ((CLIENT6, SERVER6) if v6 else (CLIENT, SERVER))
    assert trouble.protocol == "udp"
    assert trouble.shown_by == "UDP probes"
    assert trouble.display_filter.endswith("and udp")
    assert {path.verdict for path in found.all_paths if path.src == trouble.sender} == {"blackhole"}
    assert {ref.frame for ref in trouble.rests_on} == {8, 9, 10, 17, 18, 19}
    assert "UDP probe" in trouble.headline
    assert not any("ping" in text.lower() for text in (trouble.headline, trouble.explanation, str(trouble.evidence)))


def test_each_size_tried_three_times_from_one_port() -> None:
    """As nping does: one conversation of several equal datagrams."""
    (trouble,) = troubles(story(SWEEP, each=3))
    assert (trouble.kind, trouble.verdict) == ("probes", "blackhole")
    assert (trouble.path_mtu.at_least, trouble.path_mtu.at_most) == (1400, 1449)


def test_all_from_one_port() -> None:
    """One conversation: its datagrams are known one by one where some are sent again."""
    (trouble,) = (t for t in troubles(story(SWEEP, each=100)) if t.kind == "probes")
    assert (trouble.verdict, trouble.path_mtu.at_least, trouble.path_mtu.at_most) == ("blackhole", 1400, 1449)


def traceroute(at: float, size: int, hops: int, *, narrow: int, mtu: int = 1400) -> list[Sent]:
    """As `traceroute -F`: three probes a hop, a port each; beyond hop `narrow` the path takes `mtu` bytes only."""
    probes: list[Sent] = []
    port = 33434
    for hop in range(1, 31):
        for _ in range(3):
            sent = Sent(at + 1.2 * len(probes), size, port=port, sport=50000 + int(at), ttl=hop, came=1)
            port += 1
            if hop >= narrow and size > mtu:
                sent = sent._replace(answered=False)
            elif hop < hops:
                sent = sent._replace(error=(11, 0), by=f"198.51.100.{hop}", came=1)
            probes.append(sent)
        if hop >= hops and size <= mtu:
            break
    return probes


def test_traceroute_with_df_of_two_sizes() -> None:
    probes = [
        *traceroute(0, 1400, 5, narrow=3), *traceroute(20, 1500, 5, narrow=3)[:20], *traceroute(46, 1400, 5, narrow=3)
    ]  # fmt: skip
    (trouble,) = troubles(probes)
    assert (trouble.kind, trouble.path_mtu.at_least, trouble.path_mtu.at_most) == ("probes", 1400, 1499)
    assert trouble.verdict in ("blackhole", "blackhole_probable")


def test_twin_traceroute_where_all_sizes_pass() -> None:
    probes = [
        p for at, size in ((0, 1400), (20, 1500), (40, 1400)) for p in traceroute(at, size, 5, narrow=3, mtu=1500)
    ]
    assert not troubles(probes)


def with_ports(probes: Sequence[Sent], ports: dict[int, int]) -> list[Sent]:
    return [probe._replace(port=ports.get(probe.size, probe.port)) for probe in probes]


TOO_MANY = [Sent(0.05 * i, size, i < 6, sport=40000 + i) for i, size in enumerate([84] * 12 + [1500] * 20)]

HEALTHY = {
    "twin: all are answered": story(SWEEP.replace("-", "")),
    "twin: one of them is answered": story("84 84 84 -1500 1500 -1500 -1500 -1500 84 84 84"),
    "one lost one is loss": story("84 84 84 -1500 84 84 84"),
    "loss of all sizes": story("84 -84 84 -84 -1500 84 -84 -1500 84 -84 -1500 84"),
    "lost by time, not by size": story("84 1400 -84 -1400 -1500 -84 -1400 -1500 84 1400"),
    "nothing is answered": story("-84 -84 -1500 -1500 -1500 -84 -84"),
    "larger ones only after the host died": story("84 84 -1500 -84 -1500 -84 -1500 -84"),
    "up to an outage in which small ones, sent at once after an answer, get none either": [
        *[Sent(0.1 * i, 84 if i < 6 else 600, i < 8, sport=40000 + i) for i in range(12)],
        *[Sent(2 + 0.2 * i, 1500, False, sport=40100 + i) for i in range(10)],
    ],
    "without DF": [probe._replace(df=False) for probe in story(SWEEP)],
    "hours apart": [
        Sent(600 * i, abs(s), s > 0, sport=40000 + i) for i, s in enumerate((84, 84, -1500, 84, -1500, 84, -1500, 84))
    ],
    "hardly any path is narrower": story("84 84 84 -1000 -1000 -1000 84 84 84"),
    "captured beside the host that does not answer": [
        probe._replace(came=57, reply_ttl=64, rtt=0.0001) for probe in story(SWEEP)
    ],
    "a host answers once a second at most, after six": TOO_MANY,
    "and each large one follows an answer within a second": [
        probe._replace(at=2 * (i // 2) + 0.3 * (i % 2)) for i, probe in enumerate(story("84 -1500 " * 20))
    ],
    "a host answers once in five seconds at most": story("84 -1500 " * 10, step=2.5),
    "its answer is on its way when the large one is sent": [
        probe._replace(at=2 * (i // 2) + 0.3 * (i % 2), rtt=0.6) for i, probe in enumerate(story("84 -1500 " * 20))
    ],
    "the large ones go to a port where somebody listens": with_ports(story(SWEEP), {1500: 514, 1450: 514}),
    "or where nothing tells whether somebody does": with_ports(story(SWEEP), {1500: 5004, 1450: 5006, 84: 5005}),
    "a router prohibits": [
        p if p.answered else p._replace(answered=True, error=(3, 13), by=ROUTER) for p in story(SWEEP)
    ],
    "a TTL ran out": [p if p.answered else p._replace(answered=True, error=(11, 0), by=ROUTER) for p in story(SWEEP)],
    "a router refuses the small ones: they never came": [p._replace(by=ROUTER) for p in story(SWEEP)],
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_black_hole(name: str) -> None:
    assert not troubles(HEALTHY[name], until=6000)


def video(count: int, *, answered: bool = False) -> list[Sent]:
    """MPEG-TS over UDP in one direction, all of one size, to a port beside those that refuse."""
    return [Sent(1.3 * i, 1344, answered, port=33434, sport=9000) for i in range(count)]


def test_a_stream_in_one_direction_is_no_probe() -> None:
    """Even if somebody began to listen at that port later on."""
    small = [Sent(7.8 * i + 0.65, 84, sport=50000 + i) for i in range(12)]
    assert not troubles([*small, *video(60)], until=200)


def test_the_last_ones_may_be_answered_later() -> None:
    probes = [*story("84 84 84 -1500"), Sent(6.0, 1500, answered=False, sport=40009)]
    assert not troubles(probes, until=7.5)


def test_what_is_not_answered_at_the_end_is_less_sure() -> None:
    (trouble,) = troubles(story("84 84 84 -1500 -1500 -1500"))
    assert (trouble.verdict, trouble.confidence) == ("blackhole_probable", "low")


def test_ports_in_a_row_are_less_sure() -> None:
    """As scripts do that count ports up: at those of the large ones perhaps somebody listens."""
    probes = [probe._replace(port=33434 + i) for i, probe in enumerate(story(SWEEP))]
    (trouble,) = troubles(probes)
    assert (trouble.verdict, trouble.confidence) == ("blackhole_probable", "low")


def test_of_both_ends_on_one_link_less_is_sure() -> None:
    (trouble,) = troubles([probe._replace(came=64, reply_ttl=64) for probe in story(SWEEP)])
    assert (trouble.verdict, trouble.confidence) == ("blackhole_probable", "low")


def test_twin_a_router_tells() -> None:
    told = []
    for probe in (p for p in story(SWEEP) if not p.answered):
        message = udp(bytes(probe.size - 28), sport=probe.sport, dport=probe.port)
        quoted = ipv4(message, protocol=PROTO_UDP, ttl=60)[:56]
        packet = ipv4(frag_needed(1400, quoted), src=ROUTER, dst=CLIENT, protocol=ICMP)
        told.append(Packet(int((1.01 + probe.at) * SECOND), packet))
    assert not [t for t in troubles(story(SWEEP), *told) if t.verdict.startswith("blackhole")]


def nping(*, refused: bool) -> analyzer.Analysis:
    """Raw sockets, as nping's, send on at any size; all from one port."""
    probes = [p if p.answered else p._replace(answered=True) for p in story("84 84 -1500 -1500 -1500 84 84", each=100)]
    packets = frames_of([p for p in probes if p.size == 84]) if refused else []
    for probe in (p for p in probes if p.size == 1500):
        message = udp(bytes(probe.size - 28), sport=probe.sport, dport=probe.port, checksum=7)
        sent = ipv4(message, protocol=PROTO_UDP, ident=int(10 * probe.at))
        told = ipv4(frag_needed(1400, sent[:56]), src=ROUTER, dst=CLIENT, protocol=ICMP)
        packets += [Packet(int((1 + probe.at) * SECOND), sent), Packet(int((1.01 + probe.at) * SECOND), told)]
    return analyzer.analyze(io.BytesIO(pcap(sorted([*packets, *EDGES], key=lambda packet: packet.ts))))


def test_who_probes_on_although_ptbs_came_is_not_accused() -> None:
    found = nping(refused=True)
    assert not found.all_troubles
    assert "udp/pmtud-probed" in [flow.rule for flow in found.all_udp_flows]
    assert {(path.exact, path.verdict) for path in found.all_paths if path.exact} == {(1400, "inconclusive")}


def test_twin_where_nobody_refuses_it_is() -> None:
    assert [trouble.verdict for trouble in nping(refused=False).all_troubles] == ["ptb_ignored"]


def test_something_as_large_gets_through() -> None:
    answered = Sent(40, 1500, sport=41000, port=7)
    assert not troubles([*story(SWEEP), answered])


def test_captures_of_both_ends_say_the_same(tmp_path: Path) -> None:
    """At the receiver, from where the answers come, the large ones are not seen."""
    for ends in ("ab", "ba"):
        near = frames_of(story(SWEEP))
        there = [
            Packet(packet.ts + 10_000_000 * (1 if packet.data[9] == PROTO_UDP else -1), packet.data)
            for packet in frames_of([p._replace(ttl=57, reply_ttl=64, rtt=0.0201) for p in story(SWEEP)])
            if len(packet.data) <= 1400
        ]
        for name, packets in (("a", near), ("b", there)):
            data = pcap(sorted([*packets, *EDGES], key=lambda packet: packet.ts))
            (tmp_path / f"{name}.pcap").write_bytes(data)
        found = analyzer.analyze([tmp_path / f"{end}.pcap" for end in ends])
        assert len(found.joined_points) == 2
        assert [(t.kind, t.verdict, t.confidence) for t in found.all_troubles] == [("probes", "blackhole", "medium")]
        (trouble,) = found.all_troubles
        assert trouble.located is not None


def test_an_evidence_capture_says_the_same(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pcap"
    whole.write_bytes(pcap(sorted([*frames_of(story(SWEEP)), *EDGES], key=lambda packet: packet.ts)))
    found = analyzer.analyze(whole)
    found.save(tmp_path / "evidence.pcapng")
    (again,) = analyzer.analyze(tmp_path / "evidence.pcapng").all_troubles
    (trouble,) = found.all_troubles
    assert (again.kind, again.verdict, again.path_mtu) == (trouble.kind, trouble.verdict, trouble.path_mtu)
    assert len(trouble.frames) > 12


RECORDED = Path(__file__).parents[1] / "data" / "udp" / "probes"
FOUND = {
    "nping_narrow_client": ("blackhole", 1400, 1457),
    "traceroute_narrow_client": ("blackhole_probable", 1400, 1499),
}
"""Of the others nothing is wrong, or tracepath, which sends no smaller ones, and many probes at once do not tell."""


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.pcap")), ids=lambda path: path.stem)
def test_real_programs(path: Path) -> None:
    found = [(t.verdict, t.path_mtu.at_least, t.path_mtu.at_most) for t in analyzer.analyze(path).all_troubles]
    assert found == ([FOUND[path.stem]] if path.stem in FOUND else [])


@pytest.mark.parametrize("program", ["nping", "traceroute"])
def test_real_programs_at_both_ends(program: str) -> None:
    ends = [RECORDED / f"{program}_narrow_{end}.pcap" for end in ("client", "server")]
    for order in (ends, ends[::-1]):
        (trouble,) = analyzer.analyze(order).all_troubles
        assert trouble.verdict == FOUND[f"{program}_narrow_client"][0]


def test_the_recorded_ones_are_there() -> None:
    assert len(list(RECORDED.glob("*.pcap"))) == 16
