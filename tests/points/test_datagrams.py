"""UDP and fragments at several points: captures of both ends are told apart, and where large ones get lost is said."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.json_report import to_json_dict
from tests.builders import CLIENT, ICMP, SECOND, SERVER, Packet, ipv4, pcap, udp
from tests.builders import UDP as PROTO_UDP
from tests.report.test_schema import STRICT

RECORDED = Path(__file__).parents[1] / "data" / "udp" / "recorded"
TRUTHS = json.loads((RECORDED / "truth.json").read_text())

HOUR = 3600.0


def points_of(*captures: Iterable[Packet]) -> list[int]:
    return [file.point for file in analyzer.analyze([io.BytesIO(pcap(list(each))) for each in captures]).files]


def recorded(name: str, *, first: str = "client") -> analyzer.Analysis:
    second = "server" if first == "client" else "client"
    return analyzer.analyze([RECORDED / f"{name}_{first}.pcap", RECORDED / f"{name}_{second}.pcap"])


def moved(packets: Iterable[Packet], by: float) -> list[Packet]:
    return [Packet(packet.ts + int(by * SECOND), packet.data) for packet in packets]


def sent(
    at: float, number: int, content: bytes = b"", *, ident: int | None = None, protocol: int = PROTO_UDP
) -> Packet:
    """A datagram, or what `protocol` says; those of each number have their own content, unless `content` is given."""
    body = content or number.to_bytes(4) * 10
    message = udp(body, sport=4000, dport=5000) if protocol == PROTO_UDP else b"\x08\0\0\0" + body
    return Packet(
        int(at * SECOND),
        ipv4(message, src=CLIENT, dst=SERVER, protocol=protocol, ident=number if ident is None else ident, df=False),
    )


KINDS: dict[str, Callable[[float, int], Packet]] = {
    "udp": sent,
    "udp without identification": lambda at, number: sent(at, number, ident=0),
    "pings": lambda at, number: sent(at, number, protocol=ICMP),
    "fragments": lambda at, number: Packet(
        int(at * SECOND),
        ipv4(number.to_bytes(4) * 10, src=CLIENT, dst=SERVER, protocol=47, ident=number, more=True, df=False),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", [0.0, 0.02, -1.5])
def test_both_ends_of_a_path_without_tcp_are_two_points(kind: str, by: float) -> None:
    packets = [KINDS[kind](5 + i, i + 1) for i in range(12)]
    assert points_of(packets, moved(packets, by)) == [0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_one_ring_buffer_are_one_point(kind: str) -> None:
    packets = [KINDS[kind](5 + i, i + 1) for i in range(60)]
    assert points_of(packets[:20], packets[20:40], packets[40:]) == [0, 0, 0]


@pytest.mark.parametrize("by", [HOUR, -10_800.0])
def test_clocks_may_be_of_another_time_zone(by: float) -> None:
    packets = [sent(20_000 + i, i + 1) for i in range(12)]
    assert points_of(packets, moved(packets, by)) == [0, 1]


TWINS: dict[str, Callable[[float], list[Packet]]] = {
    "a program says the same in each file": lambda at: [
        sent(at + i, i, b"hello, are you there", ident=0) for i in range(20)
    ],
    "many hosts keep their NAT entries": lambda at: [
        Packet(
            int((at + i / 10) * SECOND),
            ipv4(udp(b"\xff", sport=i, dport=4500), src=CLIENT, dst=SERVER, protocol=PROTO_UDP, ident=0, df=True),
        )
        for i in range(1, 40)
    ],
    "each of many programs says its own again": lambda at: [sent(at + i / 10, i, ident=0) for i in range(1, 40)],
    "a host starts anew, and begins with the same": lambda at: [sent(at + i / 10, i) for i in range(1, 40)],
    "one identification is in all": lambda at: [sent(at + i / 10, i, ident=7) for i in range(1, 40)],
    "to a group": lambda at: [
        Packet(
            int((at + i / 10) * SECOND),
            ipv4(
                udp(i.to_bytes(4) * 9, sport=4000, dport=1900),
                src=CLIENT,
                dst="239.255.255.250",
                protocol=PROTO_UDP,
                ident=i,
            ),
        )
        for i in range(1, 40)
    ],
}


@pytest.mark.parametrize("twin", TWINS)
def test_files_that_one_host_wrote_after_another_are_one_point_where(twin: str) -> None:
    assert points_of(TWINS[twin](5), TWINS[twin](65)) == [0, 0]


def test_recordings_of_both_ends_are_two_points() -> None:
    for name in ("dns_fragments", "radius_healthy", "ike_silent", "dtls_healthy", "openvpn_idle_healthy"):
        assert [file.point for file in recorded(name).files] == [0, 1], name


LOCATED = {
    "dns_fragments": (217, 1479, "client"),
    "dns_resolver_fragments": (190, 1451, "client"),
    "dtls_silent": (1056, 1400, "client"),
    "radius_switch": (108, 1506, "client"),
    "ike_fragments": (912, 2176, "server"),
    "ike_4500_fragmented_large_silent": (924, 1396, "server"),
}
"""The largest that crossed, the smallest that did not, and the end that they were lost before."""


@pytest.mark.parametrize("first", ["client", "server"])
@pytest.mark.parametrize("name", LOCATED)
def test_it_is_said_between_which_points_large_ones_are_lost(name: str, first: str) -> None:
    analysis = recorded(name, first=first)
    crossed, lost, at = LOCATED[name]
    [trouble] = [each for each in analysis.all_troubles if each.verdict in SIZE_PROBLEMS]
    assert trouble.located is not None
    start, end = trouble.located.between
    assert (trouble.located.crossed, trouble.located.lost) == (crossed, lost)
    assert end == (0 if first == at else 1)
    assert start == 1 - end
    assert trouble.located.frames
    found = to_json_dict(analysis)
    STRICT.validate(found)
    assert found["findings"][0]["leg"] == [start, end]
    assert all(found["udp_flows"][stream]["located"] for stream in trouble.streams)
    assert "are lost between" in to_html(analysis, plots=False)


def test_so_it_is_of_anonymous_captures() -> None:
    files = [RECORDED / f"dtls_silent_{end}.pcap" for end in ("client", "server")]
    [trouble] = analyzer.analyze(files, anonymizer=Anonymizer()).all_troubles
    assert trouble.located is not None
    assert trouble.located.between == (1, 0)


@pytest.mark.parametrize("name", sorted(name for name in TRUTHS if name.endswith("_healthy")))
def test_of_a_healthy_path_nothing_is_located_nor_accused(name: str) -> None:
    analysis = recorded(name)
    assert not [each for each in analysis.all_troubles if each.verdict in SIZE_PROBLEMS]
    assert all(flow.located is None for flow in analysis.all_udp_flows)


def test_one_point_locates_nothing() -> None:
    [trouble] = analyzer.analyze(RECORDED / "dtls_silent_server.pcap").all_troubles
    assert trouble.located is None


def test_html_shows_both_ends_of_the_leg() -> None:
    assert to_html(recorded("dtls_silent")).count('class="plot"') == 2
    assert to_html(analyzer.analyze(RECORDED / "dtls_silent_server.pcap")).count('class="plot"') == 1
