"""Flows that are made when somebody asks behave like a tuple of them."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest

import analyzer
from analyzer.model import flow_list
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.verdicts import VERDICTS
from tests.reading import CAPTURES
from tests.traffic import generated

MANY = generated()["many flows"]


@pytest.fixture
def flows() -> FlowList[analyzer.Flow]:
    found = analyzer.analyze(io.BytesIO(MANY)).all_flows
    assert isinstance(found, FlowList)
    return found


def test_it_reads_like_a_tuple(flows: FlowList[analyzer.Flow]) -> None:
    whole = tuple(flows)
    assert len(whole) == len(flows) > 50
    assert flows == whole
    assert flows != whole[:-1]
    assert flows != list(whole)
    assert (flows[0], flows[-1], flows[3:9:2]) == (whole[0], whole[-1], whole[3:9:2])
    assert [flow.stream for flow in whole] == flows.streams.tolist() == sorted(flows.streams.tolist())
    with pytest.raises(IndexError):
        flows[len(flows)]


def test_what_is_asked_without_making_flows_agrees_with_the_flows(flows: FlowList[analyzer.Flow]) -> None:
    counts = flows.counts()
    assert counts == Counter(flow.verdict for flow in flows)
    assert 0 not in counts.values()
    for verdict in VERDICTS:
        assert flows.having({verdict}) == [flow for flow in flows if flow.verdict == verdict]
    assert str(dict(counts)) in repr(flows)


def test_a_flow_is_found_by_its_number(flows: FlowList[analyzer.Flow]) -> None:
    for flow in flows[:20]:
        assert flows.find(flow.stream) is flow
    assert flows.find(-1) is flows.find(10**9) is None


def test_every_flow_belongs_to_the_analysis() -> None:
    analysis = analyzer.analyze(io.BytesIO(MANY))
    assert all(flow.analysis is analysis for flow in analysis.all_flows)


def test_few_flows_are_kept_and_the_others_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_list, "KEPT", 3)
    flows = analyzer.analyze(io.BytesIO(MANY)).all_flows
    kept = [index for index in range(len(flows)) if flows[index] is flows[index]]
    assert kept == [0, 1, 2]
    assert all(flows[index] == flows[index] for index in range(len(flows)))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_the_counts_of_the_totals_are_those_of_the_flows(path: Path) -> None:
    analysis = analyzer.analyze(path)
    said: Counter[str] = Counter(flow.verdict for flow in analysis.all_flows)
    assert analysis.totals.verdicts == dict(said)
    assert analysis.verdict_counts == said


def test_a_narrowed_analysis_answers_the_same_questions() -> None:
    whole = analyzer.analyze(io.BytesIO(MANY))
    part = whole.where("stream < 5")
    assert isinstance(part.all_flows, tuple)
    assert part.verdict_counts == Counter(flow.verdict for flow in whole.all_flows[:5])
    assert part.find(7) is None
    verdicts = set(part.verdict_counts)
    found: tuple[Flow, ...] = part.flows_with(verdicts)
    assert found == part.all_flows
