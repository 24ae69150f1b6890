"""Flows that are made only where somebody asks are the same as those that are made at once, and few are made."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from analyzer.api.pipeline import found_in
from analyzer.model.brief import brief_of
from analyzer.model.flow_list import FlowList
from analyzer.report.formats.json_report import to_json
from analyzer.report.formats.terminal_report import SHOWN_DIAGNOSES, SHOWN_FINDINGS, show
from analyzer.verdicts import flow_findings, flow_making
from tests.fuzz.products import portless_ptbs
from tests.reading import CAPTURES


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_nothing_depends_on_when_a_flow_is_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = found_in(path)
    monkeypatch.setattr(flow_findings, "MADE_AT_ONCE", 0)
    later = found_in(path)
    assert later.problems == at_once.problems
    assert isinstance(later.all_flows, FlowList)
    for flow in at_once.all_flows:
        assert later.all_flows.brief(flow.stream) == brief_of(flow)
    assert to_json(later) == to_json(at_once)


def test_a_terminal_report_makes_the_flows_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_findings, "MADE_AT_ONCE", 0)
    analysis = found_in(io.BytesIO(portless_ptbs(2000)), compiled=False)
    assert len(analysis.problems) >= 200
    made: list[object] = []
    make_flow = flow_making._flow

    def counted(*args: Any) -> Any:
        made.append(args)
        return make_flow(*args)

    monkeypatch.setattr(flow_making, "_flow", counted)
    show(analysis, file=io.StringIO())
    assert 0 < len(made) <= 2 * (SHOWN_FINDINGS + SHOWN_DIAGNOSES)
