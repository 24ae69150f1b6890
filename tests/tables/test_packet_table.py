"""Tables of single packets: of a flow, and of a whole capture in chunks."""

from __future__ import annotations

import gzip
import io
import os
import pickle
from pathlib import Path

import pandas as pd
import pytest
import zstandard

import analyzer
from analyzer.errors import CaptureError, UsageError
from analyzer.kernels.cache import CompileError
from analyzer.tables.columns import CHUNK_PACKETS, PACKETS
from analyzer.tables.packet_table import packets_of
from tests.builders import pcap_records
from tests.reading import LAB, SAMPLES
from tests.traffic import generated

STORY = next(path for path in SAMPLES if path.name == "tunnel_blackhole_at_server.pcap")
BOTH = [path for path in LAB if path.name.startswith("recovered_linux_1024.")]


def names(columns: tuple[object, ...]) -> list[str]:
    return [column.name for column in columns if column.name != "file"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("compiled", [False, True])
def test_every_packet_of_every_flow(compiled: bool) -> None:
    analysis = analyzer.analyze(STORY)
    for flow in analysis.all_flows:
        packets = packets_of(analysis, flow, compiled=compiled)
        assert list(packets.columns) == names(PACKETS)
        assert len(packets) == flow.packet_count
        assert packets["ip_len"].sum() == flow.bytes
        assert packets["stream"].eq(flow.stream).all()
        assert packets["time"].iloc[0] == pd.Timestamp(flow.first_time, unit="ns", tz="UTC")
        assert packets["direction"].iloc[0] == "client_to_server"


def test_the_stalled_segment_is_lost_again_and_again() -> None:
    flow = analyzer.analyze(STORY).flow(1)
    assert flow.stalled is not None
    packets = flow.packets.set_index("frame")
    frames = [ref.frame for ref in flow.stalled.frames]
    assert packets.loc[frames[:-1], "fate"].eq("lost").all()
    assert packets.loc[frames[-1], "fate"] == "unanswered"
    assert packets.loc[frames[1:], "retransmission_of"].eq(frames[0]).all()
    assert packets.loc[frames, "ip_len"].eq(1500).all()


def test_every_large_transmission_is_lost_and_smaller_ones_come_through() -> None:
    path = next(path for path in SAMPLES if path.name == "recovered_by_mtu_probing_at_server.pcap")
    flow = analyzer.analyze(path).problem_flows[0]
    data = flow.packets.query("payload_len > 0 and direction == 'server_to_client' and not offloaded")
    delivered = data[data["fate"] == "delivered"]
    assert delivered["ip_len"].max() == flow.path_mtu.at_least
    assert data.query("ip_len == 1500")["fate"].eq("lost").all()


def test_two_files_have_a_column_for_the_file(tmp_path: Path) -> None:
    """A capture that was rotated into two files in the middle."""
    data = STORY.read_bytes()
    records = pcap_records(data)
    parts = [tmp_path / "ring_1.pcap", tmp_path / "ring_2.pcap"]
    for path, part in zip(parts, (records[:60], records[60:]), strict=True):
        path.write_bytes(data[:24] + b"".join(part))
    analysis = analyzer.analyze(parts)
    packets = analysis.flow(1).packets
    assert set(packets["file"]) == {path.name for path in parts}
    assert len(packets) == analysis.flow(1).packet_count
    again = packets.dropna(subset="retransmission_of")
    assert again["retransmission_of.file"].notna().all()
    assert list(analysis.events.columns).count("file") == 1


def test_an_open_file_is_read_again_from_where_it_began() -> None:
    file = io.BytesIO(b"before" + STORY.read_bytes())
    file.seek(6)
    flow = analyzer.analyze(file).flow(1)
    end = file.tell()
    pd.testing.assert_frame_equal(flow.packets, analyzer.analyze(STORY).flow(1).packets)
    assert file.tell() == end
    file.close()
    with pytest.raises(UsageError, match="was closed"):
        _ = flow.packets


def test_a_pipe_cannot_be_read_again_but_its_events_remain() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(STORY.read_bytes())
    with os.fdopen(reading, "rb") as pipe:
        flow = analyzer.analyze(pipe).flow(1)
    with pytest.raises(UsageError, match="cannot be read again, as a pipe"):
        _ = flow.packets
    assert len(flow.events) > 10


def test_a_capture_that_changed_is_not_taken_for_the_one_analysed(tmp_path: Path) -> None:
    path = tmp_path / "growing.pcap"
    path.write_bytes(STORY.read_bytes())
    flow = analyzer.analyze(path).flow(1)
    with path.open("ab") as more:
        more.write(STORY.read_bytes()[24:])
    with pytest.raises(UsageError, match=r"growing\.pcap: changed since it was analysed"):
        _ = flow.packets
    path.unlink()
    with pytest.raises(UsageError, match="is not there any more"):
        _ = flow.packets


def test_a_relative_path_is_found_again_from_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(STORY.parent)
    flow = analyzer.analyze(STORY.name).flow(1)
    monkeypatch.chdir(tmp_path)
    assert len(flow.packets) == flow.packet_count


def test_chunks_add_up_to_the_capture() -> None:
    tables = list(analyzer.read_packets(io.BytesIO(generated()["few flows"]), chunk=700))
    assert [len(table) for table in tables[:-1]] == [700] * (len(tables) - 1)
    whole = pd.concat(tables, ignore_index=True)
    analysis = analyzer.analyze(io.BytesIO(generated()["few flows"]))
    assert len(whole) == analysis.totals.tcp_packets
    assert whole.groupby("stream").size().to_dict() == {flow.stream: flow.packet_count for flow in analysis.all_flows}
    for table in tables:
        assert list(table.columns) == names(CHUNK_PACKETS)
        assert table.dtypes.equals(tables[0].dtypes) or set(table["flags"].cat.categories) != set(
            tables[0]["flags"].cat.categories
        )


def test_where_picks_packets() -> None:
    path = next(path for path in SAMPLES if path.name == "zero_window_at_server.pcap")
    tables = list(analyzer.read_packets(path, where="window == 0"))
    assert len(tables) == 1
    assert tables[0]["window"].eq(0).all()
    assert tables[0].index.tolist() == list(range(len(tables[0])))
    assert not list(analyzer.read_packets(path, where="payload_len > 100_000"))


def test_progress_of_chunks() -> None:
    seen: list[tuple[int, int | None, int]] = []
    for _ in analyzer.read_packets(STORY, progress=lambda *how_far: seen.append(how_far)):
        pass
    size = STORY.stat().st_size
    assert seen[-1] == (size, size, 118)


def test_what_is_no_capture_is_said_so() -> None:
    with pytest.raises(CaptureError, match="expected a pcap or pcapng"):
        next(analyzer.read_packets(io.BytesIO(b"no capture at all")))
    with pytest.raises(CaptureError, match="at least one"):
        next(analyzer.read_packets([]))
    with pytest.raises(UsageError, match="chunk"):
        next(analyzer.read_packets(STORY, chunk=0))


def test_a_capture_given_twice() -> None:
    analysis = analyzer.analyze([STORY, io.BytesIO(STORY.read_bytes())])
    assert [file.point for file in analysis.files] == [0, 1]
    assert len(set(analysis.flow(1).packets["file"])) == 1
    assert analysis.flow(1).packet_count == analyzer.analyze(STORY).flow(1).packet_count


def test_an_analysis_can_come_from_another_process() -> None:
    analysis = pickle.loads(pickle.dumps(analyzer.analyze(STORY)))  # noqa: S301 - just made
    flow = analysis.flow(1)
    assert flow.analysis is analysis
    assert repr(flow.evidence) == repr(analyzer.analyze(STORY).flow(1).evidence)
    pd.testing.assert_frame_equal(flow.packets, analyzer.analyze(STORY).flow(1).packets)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_capture_is_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"story.pcap.{suffix}"
    content = STORY.read_bytes()
    path.write_bytes(gzip.compress(content) if suffix == "gz" else zstandard.compress(content))
    pd.testing.assert_frame_equal(analyzer.analyze(path).flow(1).packets, analyzer.analyze(STORY).flow(1).packets)


def test_where_nothing_compiles_the_packets_are_listed_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise CompileError("ImportError: no numba here")

    flow = analyzer.analyze(STORY).flow(1)
    usual = flow.packets
    monkeypatch.setattr("analyzer.kernels.cache.load_kernels", fails)
    pd.testing.assert_frame_equal(packets_of(flow.analysis, flow, compiled=True), usual)
