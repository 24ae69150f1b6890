"""What is said of real programs over UDP whose path is narrow, and over one that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzer

DATA = Path(__file__).parents[1] / "data" / "udp"

ACCUSED = {
    "dns_fragments_server": ("udp/fragments", "198.51.100.2", 1376),
    "dtls_silent_server": ("udp/blackhole-probable", "198.51.100.2", 1400),
    "quic_silent_server": ("udp/blackhole-probable", "198.51.100.2", 1428),
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
