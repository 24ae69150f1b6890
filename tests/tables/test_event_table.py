"""Tables of what the analysis holds in memory, and how pandas gets on with all tables."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import analyzer
from analyzer.model.seen_ptb import SeenPtb
from analyzer.model.statement import FrameRef
from analyzer.tables.columns import EPISODES, EVENTS, PTBS, TABLES, Column
from tests.reading import CAPTURES, ROOT, SAMPLE_FOLDER, SAMPLES
from tests.report.factory import handed_out, make_flow

STORY = SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap"
IGNORED = SAMPLE_FOLDER / "ptb_ignored_by_host_at_server.pcap"


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def names(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns if column.name != "file"]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_events_are_the_recorded_packets(path: Path) -> None:
    analysis = analyzer.analyze(path)
    events = analysis.events
    assert list(events.columns) == names(EVENTS)
    recorded = {flow.stream: len(flow.timeline) for flow in analysis.all_flows if flow.timeline is not None}
    assert events.groupby("stream").size().to_dict() == recorded
    for stream in recorded:
        flow = analysis.flow(stream)
        packets = flow.packets.set_index("frame").loc[flow.events["frame"]].reset_index()
        shared = [column for column in events.columns if column in packets.columns and column != "flags"]
        pd.testing.assert_frame_equal(flow.events[shared], packets[shared])
        assert flow.events["flags"].astype(str).tolist() == packets["flags"].astype(str).tolist()


def test_kinds_of_events() -> None:
    kinds = analyzer.analyze(SAMPLE_FOLDER / "zero_window_at_server.pcap").events["kind"].value_counts()
    assert kinds["zero_window"] == 6
    assert kinds["syn"] == 2
    kinds = analyzer.analyze(STORY).events.query("stream == 1")["kind"].value_counts()
    assert kinds["retransmission"] == 7


def test_ptbs_say_what_came_of_them() -> None:
    analysis = analyzer.analyze(IGNORED)
    ptbs = analysis.ptbs
    assert list(ptbs.columns) == names(PTBS)
    assert len(ptbs) == analysis.totals.ptb_packets
    assert ptbs["mtu"].eq(1400).all()
    assert ptbs["effect"].eq("ignored").all()
    assert ptbs["reason"].eq("host").all()
    assert ptbs["time"].is_monotonic_increasing
    assert analysis.where("verdict == 'ok'").ptbs.empty


def test_ptbs_of_no_flow_are_listed_too() -> None:
    told = SeenPtb(FrameRef(0, 7), 5, None, "198.51.100.9", "", 1400, "", "", None, "", None, 0, cut=True)
    ptbs = handed_out(all_ptbs=(told,)).ptbs
    assert ptbs["frame"].tolist() == [7]
    assert ptbs["router"].tolist() == ["198.51.100.9"]
    for name in ("stream", "protocol", "quoted.source.ip", "quoted.source.port", "quoted.ip_len", "effect", "verdict"):
        assert ptbs[name].isna().all(), name


def test_episodes_are_what_the_verdict_speaks_of() -> None:
    flow = analyzer.analyze(STORY).flow(1)
    episodes = flow.episodes
    assert list(episodes.columns) == names(EPISODES)
    (row,) = episodes[episodes["episode"]].itertuples()
    assert flow.stalled is not None
    assert (row.first_frame, row.retransmissions, row.ip_len) == (24, 6, 1500)
    assert row.seconds == pytest.approx(flow.stalled.seconds)
    assert row.seq_raw == flow.stalled.seq
    assert row.acked_by is pd.NA
    assert analyzer.analyze(STORY).flow(0).episodes.empty


def test_runs_that_ended_name_the_ack() -> None:
    flow = analyzer.analyze(SAMPLE_FOLDER / "recovered_by_mtu_probing_at_server.pcap").problem_flows[0]
    episodes = flow.episodes
    assert episodes["acked_by"].notna().any()


def test_where_narrows_flows_and_paths() -> None:
    analysis = analyzer.analyze(STORY)
    holes = analysis.where("verdict == 'blackhole'")
    assert [flow.stream for flow in holes.all_flows] == [1, 2]
    assert holes.totals == analysis.totals
    assert "verdict == 'blackhole'" in holes.selection
    one = holes.where("`server.port` == 8082")
    assert [flow.stream for flow in one.all_flows] == [2]
    assert len(one.flow(2).packets) == one.flow(2).packet_count
    assert not analysis.where("packets > 1000").all_flows


@pytest.mark.parametrize("path", [STORY, IGNORED], ids=lambda path: path.stem)
def test_tables_have_the_declared_dtypes_and_units(path: Path, tmp_path: Path) -> None:
    analysis = analyzer.analyze(path)
    flow = analysis.problem_flows[0]
    tables = {
        "analysis.flows": analysis.flows,
        "analysis.paths": analysis.paths,
        "analysis.points": analysis.points,
        "analysis.legs": analysis.legs,
        "analysis.ptbs": analysis.ptbs,
        "analysis.udp_flows": analysis.udp_flows,
        "analysis.fragments": analysis.fragments,
        "analysis.findings": analysis.findings,
        "analysis.events, flow.events": analysis.events,
        "flow.episodes": flow.episodes,
        "flow.packets": flow.packets,
        "analyzer.read_packets()": next(analyzer.read_packets(path)),
    }
    assert set(tables) == set(TABLES)
    for name, table in tables.items():
        declared = {column.name: column for column in TABLES[name][1]}
        for column in table.columns:
            expected = {"int": "Int64", "count": "int64", "flag": "bool", "text": "string", "list": "object",
                        "float": "Float64", "bool": "boolean", "category": "category",
                        "time": "datetime64[ns, UTC]"}[declared[str(column)].kind]  # fmt: skip
            assert str(table[column].dtype) == expected, (name, column)
        assert table.attrs["units"] == {c: declared[c].unit for c in table.columns if declared[c].unit}
        table.to_parquet(tmp_path / "table.parquet")
        back = pd.read_parquet(tmp_path / "table.parquet")
        assert list(back.columns) == list(table.columns)
        assert back["frame"].tolist() == table["frame"].tolist() if "frame" in table else True


def test_tables_can_be_changed_without_a_warning_or_an_effect_on_the_next() -> None:
    analysis = analyzer.analyze(STORY)
    flows = analysis.flows
    bad = flows.query("verdict == 'blackhole'").copy()
    bad["mine"] = bad["bytes"] / bad["packets"]
    flows.loc[flows["stream"] == 1, "confidence"] = "low"
    flows["packets"] += 1
    assert analysis.flows["packets"].tolist() == (flows["packets"] - 1).tolist()
    assert "low" not in set(analysis.flows["confidence"])
    packets = analysis.flow(1).packets
    packets["ip_len"] = 0
    packets.loc[0, "fate"] = "lost"
    assert analysis.flow(1).packets["ip_len"].max() == 1500


def test_two_analyses_side_by_side() -> None:
    before, after = analyzer.analyze(STORY).flows, analyzer.analyze(SAMPLES[-2]).flows
    keys = ["client.ip", "server.ip", "server.port"]
    both = before.merge(after, on=keys, suffixes=(" before", " after"))
    assert both["verdict before"].dtype == before["verdict"].dtype
    assert pd.concat([before, after])["verdict"].dtype == before["verdict"].dtype
    assert before.groupby("verdict", observed=True)["packets"].sum()["blackhole"] > 0
    assert before["verdict"].min() == "blackhole"


def test_empty_tables_have_the_same_columns_and_dtypes() -> None:
    full, empty = handed_out([make_flow()]), handed_out()
    for name in ("flows", "paths", "ptbs", "events"):
        pd.testing.assert_series_equal(
            getattr(full, name).dtypes.astype(str), getattr(empty, name).dtypes.astype(str), check_names=False
        )


def test_import_loads_nothing_heavy() -> None:
    program = (
        "import numpy, sys, time; started = time.perf_counter(); import analyzer; analyzer.analyze; "
        "analyzer.read_packets; analyzer.ProgressBar; analyzer.Flow; "
        "print(*sorted({'matplotlib', 'pandas', 'typer', 'rich', 'numba', 'dpkt', 'IPython'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
