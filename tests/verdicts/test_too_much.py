"""A flow that takes too much work to judge says so, with its counts; the others are judged all the same."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import analyzer
from analyzer import settings
from analyzer.evidence import effort
from analyzer.report.formats.json_report import to_json
from analyzer.verdicts.unjudged_rules import TOO_MUCH
from tests.fuzz.products import both_resend
from tests.reading import ROOT

SAMPLE = ROOT / "sample_pcaps" / "tunnel_blackhole_at_server.pcap"


def test_it_is_inconclusive_with_the_counts() -> None:
    (flow,) = analyzer.analyze(io.BytesIO(both_resend(1200))).all_flows
    assert (flow.verdict, flow.rule, flow.confidence) == ("inconclusive", TOO_MUCH, "low")
    assert flow.explanation.startswith("Too much to judge: of the 1024 recorded packets of this connection 300 are ")
    assert flow.evidence[0].frames
    assert str(flow.why_not("blackhole")).startswith(TOO_MUCH)


def test_a_flow_below_the_bound_is_judged() -> None:
    (flow,) = analyzer.analyze(io.BytesIO(both_resend(200))).all_flows
    assert flow.rule != TOO_MUCH


def test_every_report_tells_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(effort, "LOOKS_AT_A_PACKET", 1)
    analysis = analyzer.analyze(SAMPLE)
    flow = next(flow for flow in analysis.all_flows if flow.rule == TOO_MUCH)
    told = json.loads(to_json(analysis))["flows"][flow.stream]
    assert (told["path_mtu"], told["verdict"]) == ({"at_least": None, "at_most": None, "exact": None}, "inconclusive")
    assert analysis.flows.set_index("stream")["rule"][flow.stream] == TOO_MUCH
    report = tmp_path / "report.md"
    analysis.save(report)
    assert "Too much to judge" in report.read_text(encoding="utf-8")


def test_captures_that_people_keep_are_far_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "LOOKS_AT_A_PACKET", settings.LOOKS_AT_A_PACKET // 40)
    for path in sorted((ROOT / "sample_pcaps").glob("*.pcap")):
        assert all(flow.rule != TOO_MUCH for flow in analyzer.analyze(path).all_flows)
