"""Two captures of one incident, given together: each is judged by itself, and neither contradicts the other."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import analyzer
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.verdicts.merge_points import VAGUE, chosen_of
from tests.builders import packets_of, pcap_record, pcap_records
from tests.reading import LAB_FOLDER

PAIRS = sorted(path.name.removesuffix(".sender.pcap") for path in LAB_FOLDER.glob("*.sender.pcap"))
MILLISECOND = 1_000_000


def shifted(path: Path, ns: int) -> bytes:
    """The capture as a clock that is off by so much would have stamped it."""
    data = path.read_bytes()
    moved = (packet._replace(ts=packet.ts + ns) for packet in packets_of(data))
    return data[:24] + b"".join(pcap_record(packet, nano=False) for packet in moved)


def alone(path: Path) -> Analysis:
    return analyzer.analyze(path)


def finding(flow: Flow) -> tuple[object, ...]:
    return flow.verdict, flow.confidence, flow.direction, flow.path_mtu, flow.packet_count


@pytest.mark.parametrize("off", [0, 20 * MILLISECOND, -2 * MILLISECOND, 1500 * MILLISECOND, -1500 * MILLISECOND])
@pytest.mark.parametrize("name", PAIRS)
def test_the_verdict_is_that_of_one_of_them(name: str, off: int) -> None:
    sender, receiver = LAB_FOLDER / f"{name}.sender.pcap", LAB_FOLDER / f"{name}.receiver.pcap"
    both = analyzer.analyze([sender, io.BytesIO(shifted(receiver, off))])
    assert [file.point for file in both.files] == [0, 1]
    assert any("captured at 2 points" in note for note in both.notes)
    one, other = alone(sender), alone(receiver)
    assert len(both.all_flows) == len(one.all_flows)
    for flow in both.all_flows:
        candidates = [analysis.flow(flow.stream) for analysis in (one, other)]
        assert finding(flow) in [finding(each) for each in candidates]
        assert finding(flow) == finding(candidates[chosen_of(candidates)])
        accused = any(each.verdict in SIZE_PROBLEMS - VAGUE for each in candidates)
        assert (flow.verdict in SIZE_PROBLEMS - VAGUE) == accused


@pytest.mark.parametrize("name", PAIRS)
def test_the_order_of_the_files_does_not_matter(name: str) -> None:
    files = [LAB_FOLDER / f"{name}.sender.pcap", LAB_FOLDER / f"{name}.receiver.pcap"]
    one, other = analyzer.analyze(files), analyzer.analyze(files[::-1])
    assert [finding(flow) for flow in one.all_flows] == [finding(flow) for flow in other.all_flows]
    assert [(p.src, p.dst, p.at_least, p.at_most, p.exact, p.verdict) for p in one.all_paths] == [
        (p.src, p.dst, p.at_least, p.at_most, p.exact, p.verdict) for p in other.all_paths
    ]


@pytest.mark.parametrize("compiled", [False, True])
def test_both_modes_see_the_same(compiled: bool) -> None:
    files = [LAB_FOLDER / "blackhole_gso_on.sender.pcap", LAB_FOLDER / "blackhole_gso_on.receiver.pcap"]
    flow = analyzer.analyze(files, compiled=compiled).flow(0)
    assert finding(flow) == finding(alone(files[0]).flow(0))
    assert flow.located is not None
    assert flow.located.between == (0, 1)


def test_the_packets_of_a_flow_are_those_of_the_point_that_judged_it() -> None:
    files = [LAB_FOLDER / "blackhole_gso_on.receiver.pcap", LAB_FOLDER / "blackhole_gso_on.sender.pcap"]
    flow = analyzer.analyze(files).flow(0)
    assert flow.file == 1
    assert len(flow.packets) == flow.packet_count == alone(files[1]).flow(0).packet_count


def test_files_that_one_host_wrote_one_after_the_other_are_one_capture(tmp_path: Path) -> None:
    """A ring buffer cut in the middle of a hang: the same segment is sent again in every file."""
    whole = LAB_FOLDER / "blackhole_gso_on.sender.pcap"
    data = whole.read_bytes()
    records = pcap_records(data)
    for i in range(5):
        part = records[i * len(records) // 5 : (i + 1) * len(records) // 5]
        (tmp_path / f"ring_{i}.pcap").write_bytes(data[:24] + b"".join(part))
    (tmp_path / "notes.txt").write_text("no capture")
    analysis = analyzer.analyze(tmp_path)
    assert [file.point for file in analysis.files] == [0] * 5
    assert [finding(flow) for flow in analysis.all_flows] == [finding(flow) for flow in alone(whole).all_flows]


def test_two_halves_of_a_tap_are_one_capture(tmp_path: Path) -> None:
    whole = LAB_FOLDER / "blackhole_gso_on.sender.pcap"
    data = whole.read_bytes()
    one_way = [[], []]  # type: list[list[bytes]]
    for record in pcap_records(data):
        one_way[record[16 + 26 : 16 + 30] == pcap_records(data)[0][16 + 26 : 16 + 30]].append(record)
    for name, part in zip("ab", one_way, strict=True):
        (tmp_path / f"{name}.pcap").write_bytes(data[:24] + b"".join(part))
    analysis = analyzer.analyze(tmp_path)
    assert [file.point for file in analysis.files] == [0, 0]
    assert [finding(flow) for flow in analysis.all_flows] == [finding(flow) for flow in alone(whole).all_flows]


def test_more_files_than_are_kept_open(tmp_path: Path) -> None:
    whole = LAB_FOLDER / "path_dies.sender.pcap"
    data = whole.read_bytes()
    for i, record in enumerate(pcap_records(data)):
        (tmp_path / f"{i:04}.pcap").write_bytes(data[:24] + record)
    assert len(list(tmp_path.iterdir())) > 8
    analysis = analyzer.analyze(tmp_path)
    assert [finding(flow) for flow in analysis.all_flows] == [finding(flow) for flow in alone(whole).all_flows]
    assert analysis.totals.packets == len(pcap_records(data))


def test_a_directory_without_captures(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no capture")
    with pytest.raises(analyzer.CaptureError, match="a directory without captures"):
        analyzer.analyze(tmp_path)
