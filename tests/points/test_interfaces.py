"""Several interfaces in one file: what went in by one may not have gone out by another."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest

import analyzer
from analyzer.capture.capture_filter import read_names
from lab.simulated.cases import CASES
from lab.simulated.elements import Tap
from lab.simulated.path import EPOCH, shown_at
from tests.builders import END_OF_OPTIONS, ETHERNET, Packet, enhanced, ethernet, interface, option, section


def pcapng_of(taps: Sequence[Tap]) -> bytes:
    """One pcapng file with an interface for each tap, as a host with several interfaces writes it."""
    out = section() + b"".join(
        interface(ETHERNET, options=option(2, tap.name.encode()) + END_OF_OPTIONS) for tap in taps
    )
    rows = [(time, number, data) for number, tap in enumerate(taps) for time, data in shown_at(tap)]
    for time, number, data in sorted(rows, key=lambda row: row[0]):
        out += enhanced(Packet(int((EPOCH + time) * 1e6), ethernet(data)), number=number)
    return out


def of_two_interfaces(name: str) -> analyzer.Analysis:
    file = io.BytesIO(pcapng_of(CASES[name].run()[1:3]))
    file.name = "host.pcapng"
    return analyzer.analyze(file)


@pytest.mark.parametrize("name", ["silent_middle", "underlay", "ipv6_silent", "offload_silent"])
def test_large_packets_that_enter_and_never_leave_are_lost_in_that_host(name: str) -> None:
    found = of_two_interfaces(name)
    assert [(point.number, point.files, point.interface) for point in found.all_points] == [
        (0, (0,), "router-a"),
        (1, (0,), "router-b"),
    ]
    flow = found.flow(0)
    assert (flow.verdict, flow.confidence) == ("blackhole", "high")
    assert flow.located is not None
    assert flow.located.between == (1, 0)
    assert flow.explanation.startswith("Packets of 15" if "ipv6" not in name else "Packets of")
    assert "between host.pcapng (router-b) and host.pcapng (router-a)" in flow.explanation


@pytest.mark.parametrize("name", ["plain", "lossy_20", "zero_window", "dead", "content"])
def test_no_other_trouble_is_taken_for_it(name: str) -> None:
    found = of_two_interfaces(name)
    assert all(flow.located is None for flow in found.all_flows)
    assert all(leg.ends != "size" for path in found.all_paths for leg in path.legs)


def test_names_of_interfaces() -> None:
    data = pcapng_of(CASES["plain"].run())
    assert read_names(data) == ("client", "router-a", "router-b", "server")
    assert read_names(data[:40]) == ()


def test_a_ptb_that_comes_in_by_one_interface_and_never_goes_out_by_the_other_is_lost_in_that_host() -> None:
    flow = of_two_interfaces("ptb_lost_between_routers").flow(0)
    assert flow.located is not None
    assert flow.located.ptb_lost_between == (0, 1)
    assert "came back as far as host.pcapng (router-a) and never reached host.pcapng (router-b)" in flow.explanation


def test_a_ptb_that_went_through_the_host_is_not() -> None:
    flow = of_two_interfaces("ptb_lost_later").flow(0)
    assert flow.located is not None
    assert flow.located.ptb_lost_between is None


@pytest.mark.parametrize("compiled", [False, True])
def test_interfaces_of_ptbs_are_told_in_both_modes(compiled: bool) -> None:
    file = io.BytesIO(pcapng_of(CASES["ptb_lost_between_routers"].run()[1:3]))
    file.name = "host.pcapng"
    located = analyzer.analyze(file, compiled=compiled).flow(0).located
    assert located is not None
    assert located.ptb_lost_between == (0, 1)


def test_the_evidence_keeps_the_interfaces_apart(tmp_path: Path) -> None:
    file = io.BytesIO(pcapng_of(CASES["ptb_lost_between_routers"].run()[1:3]))
    file.name = "host.pcapng"
    found = analyzer.analyze(file)
    found.save(tmp_path / "evidence.pcapng")
    content = (tmp_path / "evidence.pcapng").read_bytes()
    assert read_names(content) == ("router-a", "router-b")
    again = analyzer.analyze(tmp_path / "evidence.pcapng")
    one, two = found.flow(0).located, again.flow(0).located
    assert one is not None
    assert two is not None
    assert (one.between, one.ptb_lost_between) == (two.between, two.ptb_lost_between)


def test_names_of_interfaces_stay_at_home_with_other_addresses(tmp_path: Path) -> None:
    file = io.BytesIO(pcapng_of(CASES["silent_middle"].run()[1:3]))
    file.name = "host.pcapng"
    found = analyzer.analyze(file, anonymizer=analyzer.Anonymizer())
    found.save(tmp_path / "evidence.pcapng")
    assert read_names((tmp_path / "evidence.pcapng").read_bytes()) == ("interface 0", "interface 1")
