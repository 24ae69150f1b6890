"""What is said of real programs over UDP whose path is narrow, and over one that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import analyzer
from lab.datagram_judging import fault, wrong

DATA = Path(__file__).parents[1] / "data" / "udp"

ACCUSED = {
    "dns_fragments_server": ("udp/fragments", "198.51.100.2", 1376),
    "dtls_silent_server": ("udp/blackhole-probable", "198.51.100.2", 1400),
    "quic_silent_server": ("udp/blackhole-probable", "198.51.100.2", 1428),
    "radius_fragments_client": ("udp/fragments-missing", "198.51.100.2", 1506),
    "radius_fragments_server": ("udp/fragments", "198.51.100.2", 1506),
}
"""Rule, sender, and smallest lost datagram; the path carries 1,300 bytes at most."""

HEALTHY = sorted({path.stem for path in DATA.glob("*.pcap")} - ACCUSED.keys())
"""Those of a healthy path, of one whose PTBs come, and those taken at the receiver, who cannot tell."""


@pytest.mark.parametrize("name", ACCUSED)
def test_large_datagrams_of_real_programs_are_found_lost(name: str) -> None:
    analysis = analyzer.analyze(DATA / f"{name}.pcap")
    [trouble] = [trouble for trouble in analysis.all_troubles if trouble.kind == "udp"]
    assert (trouble.rule, trouble.sender, trouble.lost) == ACCUSED[name]
    low, high, _ = trouble.path_mtu
    assert (low or 0) <= 1300 <= (high or 1300)


@pytest.mark.parametrize("name", HEALTHY)
def test_nobody_is_accused_where_the_path_is_healthy_or_nothing_tells(name: str) -> None:
    analysis = analyzer.analyze(DATA / f"{name}.pcap")
    assert [trouble for trouble in analysis.all_troubles if trouble.kind == "udp"] == []
    assert analysis.totals.udp_flows


def test_both_sides_were_recorded() -> None:
    assert len(HEALTHY) >= 5


BOTH = DATA / "recorded"
TRUTHS = json.loads((BOTH / "truth.json").read_text())
MISSED = {"ipsec_tcp_switch_server"}
"""Answers of another connection in the tunnel came right behind most of what was sent again: nobody can tell."""


@pytest.mark.parametrize("program", sorted({truth["program"] for truth in TRUTHS.values()}))
def test_what_is_said_at_both_ends_of_a_path_is_right(program: str) -> None:
    for name in (name for name, truth in TRUTHS.items() if truth["program"] == program):
        for end in ("client", "server"):
            words = list(wrong(analyzer.analyze(BOTH / f"{name}_{end}.pcap"), TRUTHS[name], end))
            assert bool(words) == (f"{name}_{end}" in MISSED), (name, end, words)


def test_the_recordings_are_of_all_kinds() -> None:
    faults = {truth["program"] for truth in TRUTHS.values() if fault(truth, "client") or fault(truth, "server")}
    names = (
        "dns",
        "dns_smaller",
        "dns_resolver",
        "radius",
        "ike",
        "ike_4500",
        "ike_4500_fragmented_large",
        "dtls",
        "quic",
    )
    assert faults.issuperset({*names, "wireguard_tcp", "openvpn_tcp", "ipsec_tcp"})
    assert len(MISSED) <= 0.02 * 2 * len(TRUTHS)


@pytest.mark.parametrize("name", ["healthy", "ptb"])
def test_the_judge_sees_a_false_accusation(name: str) -> None:
    """Of a capture whose path is narrow, held against the truth of one that is not."""
    accused = analyzer.analyze(BOTH / "dns_fragments_server.pcap")
    assert any("is false" in text for text in wrong(accused, TRUTHS[f"dns_{name}"], "server"))
