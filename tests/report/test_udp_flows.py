"""UDP conversations in reports and tables, the healthy ones, too; and that no payload gets there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

import analyzer
from analyzer.cli.main import main
from analyzer.report.formats.json_report import to_json, to_json_dict
from tests.builders import SECOND, Packet, pcap
from tests.datagram_talk import EDGES, question, sent
from tests.report.test_schema import STRICT
from tests.verdicts.test_conversation_rules import dns

SECRET = b"\x06secret\x07example\x00"


def secret() -> list[Packet]:
    """The question and the answers hold a name."""
    packets = [Packet(each.ts, each.data.replace(b"\x05small\x07example\x00", SECRET)) for each in dns()]
    return sorted([*packets, *EDGES], key=lambda packet: packet.ts)


def analysed() -> analyzer.Analysis:
    return analyzer.analyze(io.BytesIO(pcap(secret())))


@pytest.fixture
def capture(tmp_path: Path) -> str:
    (tmp_path / "capture.pcap").write_bytes(pcap(secret()))
    return str(tmp_path / "capture.pcap")


def test_the_json_lists_all_of_them() -> None:
    found = to_json_dict(analysed())
    STRICT.validate(found)
    assert found["totals"]["udp_flows"] == 3
    assert found["totals"]["udp_verdicts"] == {"blackhole_probable": 1, "not_exercised": 2}
    assert [(flow["stream"], flow["protocol"]) for flow in found["udp_flows"]] == [(0, "udp"), (1, "dns"), (2, "dns")]
    stuck = found["udp_flows"][1]["stalled"]
    assert (stuck["ip_len"], stuck["df"], stuck["seq"], stuck["retransmissions"]) == (1400, True, None, 3)
    assert found["findings"][0]["udp_streams"] == [1]
    assert found["totals"]["flows"] == 0


def test_the_table_of_them_has_the_columns_that_datagrams_have() -> None:
    table = analysed().udp_flows
    assert table["protocol"].tolist() == ["udp", "dns", "dns"]
    assert table["rule"].tolist() == ["udp/one-direction", "udp/blackhole-probable", "udp/small"]
    assert table["display_filter"].tolist()[1] == "udp.stream eq 1"
    assert not {"stalled.seq", "client.mss", "rtt"} & set(table.columns)


def test_healthy_ones_are_listed_where_all_are_asked_for(capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([capture])
    short = capsys.readouterr().out
    assert "udp 2" not in short
    assert "2 UDP conversations not listed" in short
    main([capture, "--all"])
    assert "udp 2" in capsys.readouterr().out


def test_udp_is_not_told_to_be_undecoded(capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    totals = analyzer.analyze(capture).totals
    assert (totals.udp_packets, totals.undecoded) == (totals.packets, {})
    main([capture])
    told = " ".join(capsys.readouterr().out.split())
    assert f"{totals.udp_packets} UDP in {totals.udp_flows} conversations" in told
    assert "not decoded" not in told


def test_names_that_end_in_udp_csv_ask_for_the_conversations(tmp_path: Path) -> None:
    analysis = analysed()
    analysis.save(tmp_path / "case7.UDP.csv")
    rows = list(csv.DictReader((tmp_path / "case7.UDP.csv").open(newline="")))
    assert [(row["stream"], row["protocol"], row["verdict"]) for row in rows] == [
        (str(flow.stream), flow.protocol, flow.verdict) for flow in analysis.all_udp_flows
    ]
    assert rows[1]["stalled.ip_len"] == "1400"
    analysis.save(tmp_path / "case7.csv")
    assert len((tmp_path / "case7.csv").read_text().splitlines()) == 1


def test_and_so_for_parquet(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    analysis = analysed()
    analysis.save(tmp_path / "udp.parquet")
    read = pq.read_table(tmp_path / "udp.parquet")
    assert read.column_names == list(analysis.udp_flows.columns)
    assert read["protocol"].to_pylist() == [flow.protocol for flow in analysis.all_udp_flows]


@pytest.mark.parametrize("name", ["r.json", "r.html", "r.md", "r.csv", "r.udp.csv", "r.pcapng"])
def test_no_report_holds_payload(name: str, tmp_path: Path) -> None:
    analysed().save(tmp_path / name)
    written = (tmp_path / name).read_bytes()
    assert b"secret" not in written
    if name in ("r.html", "r.md"):
        assert b"udp 1" in written


def test_they_can_be_selected(capture: str, capsys: pytest.CaptureFixture[str]) -> None:
    main([capture, "--port", "9", "--json"])
    assert [flow["stream"] for flow in json.loads(capsys.readouterr().out)["udp_flows"]] == [0]


@pytest.mark.parametrize(("wanted", "code"), [("size", 1), ("blackhole_probable", 1), ("ptb_ignored", 0)])
def test_fail_on_counts_them(wanted: str, code: int, capture: str) -> None:
    assert main([capture, "--fail-on", wanted, "--json"]) == code


def test_that_nobody_answers_fails_only_who_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "capture.pcap"
    path.write_bytes(pcap([EDGES[0], *(sent(5 + i, question(3)) for i in range(4)), EDGES[1]]))
    assert main([str(path), "--fail-on", "dead_path", "--json"]) == 1
    assert main([str(path), "--fail-on", "problem", "--json"]) == 0


def test_addresses_are_replaced(capture: str) -> None:
    found = to_json(analyzer.analyze(capture, anonymizer=analyzer.Anonymizer()))
    assert "203.0.113.10" not in found
    assert "secret" not in found
    [finding] = json.loads(found)["findings"]
    ends = {json.loads(found)["udp_flows"][1][end]["ip"] for end in ("client", "server")}
    assert {*finding["senders"], *finding["receivers"]} == ends


def test_the_time_of_what_is_stuck_is_that_of_the_finding() -> None:
    [finding] = analysed().all_findings
    assert (finding.first_time, finding.last_time) == (int(10.01 * SECOND), 13 * SECOND)
