"""A black hole captured inside of a tunnel: the tunnel is what to mend, and its number is known."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import analyzer
from tests.builders import pcap
from tests.wrapping import ENCAPSULATIONS, Wrap, ip_packets, wrapped

SAMPLES = Path(__file__).parents[2] / "sample_pcaps"


def analysed(name: str, wrap: Wrap) -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(wrapped(ip_packets(SAMPLES / name), wrap))))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("VXLAN", "set the MTU of the VXLAN tunnel to 1450"),
        ("GRE", "set the MTU of the GRE tunnel to 1476"),
        ("IPIP", "set the MTU of the IPIP tunnel to 1480"),
    ],
)
def test_the_tunnel_comes_first(name: str, told: str) -> None:
    analysis = analysed("tunnel_blackhole_at_server.pcap", ENCAPSULATIONS[name][0])
    flow = next(iter(analysis.flows_with({"blackhole"})))
    assert next(fix.short for fix in flow.fixes if fix.kind == "fix") == told


def test_bare_packets_name_no_tunnel() -> None:
    analysis = analyzer.analyze(SAMPLES / "tunnel_blackhole_at_server.pcap")
    for flow in analysis.problem_flows:
        assert not any("tunnel to" in fix.short for fix in flow.fixes)


def test_a_healthy_flow_inside_a_tunnel_gets_no_advice() -> None:
    analysis = analysed("tunnel_pmtud_ok_at_server.pcap", ENCAPSULATIONS["VXLAN"][0])
    assert len(analysis) > 0
    assert all(not flow.fixes for flow in analysis)
