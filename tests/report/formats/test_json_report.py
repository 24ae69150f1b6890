from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyzer.model.path import Probe
from analyzer.model.statement import FrameRef
from analyzer.model.text import iso_time
from analyzer.model.verdicts import VERDICTS
from analyzer.report.formats.csv_report import harmless, to_csv
from analyzer.report.formats.json_report import json_pieces, to_json, to_json_dict
from analyzer.report.save import save
from analyzer.tables.columns import PATHS
from analyzer.tables.flow_table import FLOW_NAMES, flow_table, path_table
from tests.report.factory import START, make_analysis, make_file, make_flow

GOLDEN = Path(__file__).parent / "golden" / "blackhole.json"


def test_golden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.model.tool.__version__", "1.2.3")
    text = to_json(make_analysis([make_flow(0), make_flow(1, "ptb_ignored"), make_flow(2, "ok")]))
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_members_are_kept() -> None:
    document = to_json_dict(make_analysis([make_flow(0, "ptb_ignored")]))
    assert document["schema"] == "pmtu-analyze/1"
    assert set(document) >= {"schema", "tool", "capture", "totals", "flows", "paths", "notes"}
    assert set(document["tool"]) == {"name", "version"}
    assert set(document["capture"]["files"][0]) >= {
        "path", "format", "link_types", "bytes", "packets", "damaged_at",
    }  # fmt: skip
    assert set(document["totals"]) >= {
        "packets", "tcp_packets", "ptb_packets", "undecoded", "flows", "verdicts",
    }  # fmt: skip
    (flow,) = document["flows"]
    assert set(flow) >= {
        "stream", "client", "server", "verdict", "confidence", "direction", "path_mtu", "stalled", "ptb",
        "ruled_out", "explanation", "fixes", "display_filter", "packets", "bytes", "first_time", "last_time",
    }  # fmt: skip
    assert set(flow["stalled"]) == {
        "frames", "first_frame", "ip_len", "payload_len", "seq", "df", "retransmissions", "seconds",
        "first_time", "last_time",
    }  # fmt: skip
    assert set(flow["ptb"][0]) == {"frame", "router", "mtu", "effect", "reason"}
    assert set(flow["ruled_out"][0]) == {"cause", "because", "frames"}
    assert set(flow["fixes"][0]) == {"kind", "where", "command", "why", "platform", "source"}
    assert flow["path_mtu"] == {"at_least": 1400, "at_most": 1499, "exact": None}
    assert set(document["paths"][0]) >= {
        "src", "dst", "at_least", "at_most", "exact", "verdict", "consistent_with", "streams", "probes",
    }  # fmt: skip


def test_frames_come_with_their_file_when_there_are_several() -> None:
    one = to_json_dict(make_analysis([make_flow()]))
    assert one["flows"][0]["stalled"]["first_frame"] == 12
    two = to_json_dict(make_analysis([make_flow()], files=[make_file("a.pcap"), make_file("b.pcap")]))
    assert two["flows"][0]["stalled"]["first_frame"] == {"file": "a.pcap", "frame": 12}


def test_probes() -> None:
    analysis = make_analysis([make_flow()])
    probe = Probe(FrameRef(0, 3), 1500, None, 1400)
    analysis = make_analysis([make_flow()], all_paths=(replace_path(analysis.all_paths[0], probe),))
    assert to_json_dict(analysis)["paths"][0]["probes"] == [
        {"frame": 3, "ip_len": 1500, "reply": None, "ptb_mtu": 1400}
    ]


def replace_path(path: Any, probe: Probe) -> Any:
    from dataclasses import replace

    return replace(path, probes=(probe,))


def test_times_keep_their_nanoseconds() -> None:
    assert iso_time(START) == "2026-11-22T13:50:00.123456789Z"
    assert iso_time(0) == "1970-01-01T00:00:00.000000000Z"
    assert iso_time(-1) == "1969-12-31T23:59:59.999999999Z"


def test_hostile_names_stay_harmless_in_json() -> None:
    text = to_json(make_analysis(files=[make_file("\x1b[31m\u202e\udcff.pcap")]))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["capture"]["files"][0]["path"] == "\x1b[31m\u202e\ufffd.pcap"


def test_many_flows_are_written_on_one_line() -> None:
    analysis = make_analysis([make_flow(i, "ok") for i in range(1001)])
    text = to_json(analysis)
    assert text == json.dumps(to_json_dict(analysis)) + "\n"
    assert text.count("\n") == 1
    assert len(json.loads(text)["flows"]) == 1001


def test_many_flows_are_written_in_pieces(tmp_path: Path) -> None:
    """All of it at once took more memory than the analysis."""
    analysis = make_analysis([make_flow(i, "ok") for i in range(1001)])
    assert max(map(len, json_pieces(analysis))) < 10_000
    save(analysis, tmp_path / "many.json")
    assert (tmp_path / "many.json").read_text() == to_json(analysis)


def test_an_empty_capture_has_no_times() -> None:
    empty = make_analysis()
    totals = empty.totals
    empty = make_analysis(totals=type(totals)(0, 0, 0, 0, {}, 0, {}))
    assert to_json_dict(empty)["capture"]["first_time"] is None


def test_flow_table() -> None:
    analysis = make_analysis([make_flow(0), make_flow(1, "ok", direction=None)])
    table = flow_table(analysis)
    assert list(table.columns) == FLOW_NAMES
    assert table["verdict"].tolist() == ["blackhole", "ok"]
    assert list(table["verdict"].cat.categories) == list(VERDICTS)
    assert (table["verdict"] <= "inconclusive").tolist() == [True, False]  # ordered: the worst first
    assert str(table["first_time"].dtype) == "datetime64[ns, UTC]"
    assert table["first_time"][0].value == START
    assert str(table["path_mtu.at_most"].dtype) == "Int64"
    assert table["path_mtu.at_most"].isna().tolist() == [False, True]
    assert table["stalled.seconds"][0] == 26.6


def test_path_table() -> None:
    table = path_table(make_analysis([make_flow(0), make_flow(1)]))
    assert list(table.columns) == [column.name for column in PATHS]
    assert table["streams"][0] == [0, 1]


def test_tables_of_nothing_have_the_same_types() -> None:
    full, empty = flow_table(make_analysis([make_flow()])), flow_table(make_analysis())
    assert len(empty) == 0
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)


def test_csv() -> None:
    text = to_csv(make_analysis([make_flow(0), make_flow(1, "ok", explanation="=HYPERLINK(1)")]))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == FLOW_NAMES
    assert rows[0]["first_time"] == "2026-11-22T13:50:00.123456789Z"
    assert rows[0]["stalled.df"] == "true"
    assert rows[1]["stalled.seq"] == ""
    assert rows[1]["explanation"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_spreadsheet_formula(start: str) -> None:
    assert harmless(f"{start}cmd") == f"'{start}cmd"
    assert harmless(f"cmd{start}") == f"cmd{start}"
