"""The recorded captures: every verdict is one that the recording's configuration allows, every bracket is true."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.model.flow import Flow
from analyzer.model.verdicts import VERDICTS
from tests.reading import LAB_FOLDER, SAMPLE_FOLDER


def _recordings() -> list[Any]:
    cases = []
    for folder in (LAB_FOLDER, SAMPLE_FOLDER):
        truth = json.loads((folder / "truth.json").read_text())
        cases += [pytest.param(folder / name, facts, id=name) for name, facts in sorted(truth.items())]
    return cases


def _judged(flows: Sequence[Flow], truth: dict[str, Any]) -> list[tuple[Flow, list[str]]]:
    """Each flow that the truth speaks of, with the verdicts it may get: by port, or else the worst of all."""
    by_port = truth.get("flows")
    if by_port:
        return [(flow, by_port[str(flow.server.port)]) for flow in flows]
    return [(min(flows, key=lambda flow: VERDICTS.index(flow.verdict)), truth["accept"])]


@pytest.mark.parametrize(("path", "truth"), _recordings())
def test_the_verdict_is_what_was_recorded(path: Path, truth: dict[str, Any]) -> None:
    analysis = analyzer.analyze(path)
    for flow, accepted in _judged(analysis.all_flows, truth):
        assert flow.verdict in accepted, flow.explanation


@pytest.mark.parametrize(("path", "truth"), _recordings())
def test_the_path_mtu_lies_in_the_bracket(path: Path, truth: dict[str, Any]) -> None:
    if truth["path_mtu"] is None:
        pytest.skip("the configuration has no path MTU")
    for flow in analyzer.analyze(path).all_flows:
        if truth.get("sender") not in (None, flow.sender.ip) or flow.direction is None:
            continue  # the other direction has another path MTU
        bracket = flow.path_mtu
        assert (bracket.at_least or 0) <= truth["path_mtu"] <= (bracket.at_most or 1 << 16)
        assert bracket.exact in (None, truth["path_mtu"])


def test_a_problem_names_its_frames() -> None:
    analysis = analyzer.analyze(SAMPLE_FOLDER / "tunnel_blackhole_at_server.pcap")
    assert analysis.problem_flows
    for flow in analysis.problem_flows:
        assert flow.stalled is not None
        assert flow.stalled.first_frame in flow.stalled.frames
        assert all(frames for text, frames in flow.evidence if "PTB" not in text)
