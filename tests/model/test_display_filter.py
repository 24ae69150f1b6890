from __future__ import annotations

import shutil
import subprocess

import pytest

import analyzer
from analyzer.model.display_filter import flow_filter, frame_filters, frames_of
from analyzer.model.flow import Endpoint
from analyzer.model.statement import FrameRef
from tests.reading import SAMPLE_FOLDER
from tests.report.factory import make_flow, refs


def test_frames_become_a_set_with_runs() -> None:
    assert frame_filters(refs(19, 12, 17, 18, 12)) == (("", "frame.number in {12, 17..19}"),)
    assert frame_filters(()) == ()


def test_each_of_several_files_has_its_own_filter() -> None:
    filters = frame_filters([FrameRef(1, 7), FrameRef(0, 3)], ["a.pcap", "b.pcap"])
    assert filters == (("a.pcap", "frame.number in {3}"), ("b.pcap", "frame.number in {7}"))


def test_a_flow_of_several_files_is_named_by_its_addresses() -> None:
    assert flow_filter(make_flow(3), several_files=False) == "tcp.stream eq 3"
    assert flow_filter(make_flow(3), several_files=True) == (
        "ip.addr eq 10.0.1.2 and ip.addr eq 10.0.2.2 and tcp.port eq 40003 and tcp.port eq 443"
    )
    flow = make_flow(0, client=Endpoint("2001:db8::1", 5), server=Endpoint("2001:db8::2", 5))
    assert flow_filter(flow, several_files=True) == (
        "ipv6.addr eq 2001:db8::1 and ipv6.addr eq 2001:db8::2 and tcp.port eq 5"
    )


def test_all_that_speaks_for_a_verdict_is_in_the_filter() -> None:
    assert frame_filters(frames_of(make_flow(0, "ptb_ignored"))) == (("", "frame.number in {12..19, 22}"),)


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("name", ["tunnel_blackhole_at_server", "ipv6_upload_blackhole_at_client"])
def test_wireshark_shows_those_frames(name: str) -> None:
    capture = SAMPLE_FOLDER / f"{name}.pcap"
    analysis = analyzer.analyze(capture)
    for flow in analysis.problem_flows:
        ((_, text),) = frame_filters(frames_of(flow))
        assert shown(capture, text) == [ref.frame for ref in frames_of(flow)]
        assert len(shown(capture, flow_filter(flow, several_files=False))) == flow.packet_count
        assert len(shown(capture, flow_filter(flow, several_files=True))) == flow.packet_count


def shown(capture: object, text: str) -> list[int]:
    command = ["tshark", "-r", str(capture), "-Y", text, "-T", "fields", "-e", "frame.number"]
    return [int(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]
