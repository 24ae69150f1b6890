"""What must hold for every scenario: a poorer capture never turns a healthy conversation into a black hole."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from analyzer import analyze
from analyzer.model.flow import Flow, PathMtu
from tests.scenarios.checks import accusations, analysis_in, analysis_of
from tests.scenarios.compiler import START
from tests.scenarios.notation import Scenario, load_scenarios
from tests.scenarios.packets import Record, capture_of
from tests.scenarios.words import NS, View

SCENARIOS = load_scenarios(Path(__file__).parent)


def _healthy(*, with_known_gaps: bool = True) -> list[Any]:
    """Each scenario and capture point at which nothing is to be accused, whole captures only."""
    found = []
    for topic, scenarios in SCENARIOS.items():
        for scenario in scenarios:
            points = {e.view.point for e in scenario.expectations}
            for point in sorted(points):
                said = [e for e in scenario.expectations if e.view.point == point]
                if not any(e.accuses or e.xfail for e in said) and any(e.view == View(point) for e in said):
                    gap = scenario.unsteady.get(point) if with_known_gaps else None
                    marks = [pytest.mark.xfail(strict=True, reason=gap)] if gap else []
                    found.append(
                        pytest.param(scenario, View(point), id=f"{topic}: {scenario.name} [{point}]", marks=marks)
                    )
    return found


def _distinct(scenario: Scenario, records: list[Record]) -> list[tuple[str, list[Record]]]:
    """The captures to try, each with what was done to it."""
    start = START + round(scenario.alike_until * NS)
    shorter = [(f"cut after packet {n}", records[:n]) for n in range(1, len(records)) if records[n - 1].ts >= start]
    dropped = [
        (f"without packet {n + 1}, sent at {record.sent.written_at}", records[:n] + records[n + 1 :])
        for n, record in enumerate(records)
        if record.sent.written_at not in scenario.alike_without
    ]
    return [*shorter, *dropped]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("scenario", "view"), _healthy())
def test_a_cut_or_gap_never_makes_a_healthy_conversation_a_black_hole(scenario: Scenario, view: View) -> None:
    found = [
        f"{what}: {wrong[0][:110]}"
        for what, records in _distinct(scenario, scenario.records(view))
        if (wrong := accusations(analysis_of(records)))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("scenario", "view"), _healthy(with_known_gaps=False))
def test_a_snap_length_of_64_never_makes_a_healthy_conversation_a_black_hole(scenario: Scenario, view: View) -> None:
    found = accusations(analysis_in(scenario, replace(view, snap=64)))
    assert not found, "\n".join(found)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("scenario", "view"), _healthy(with_known_gaps=False))
def test_copies_made_by_the_capture_change_no_verdict(scenario: Scenario, view: View) -> None:
    once = [f.verdict for f in analysis_in(scenario, view).all_flows]
    twice = [f.verdict for f in analysis_in(scenario, replace(view, twice=True)).all_flows]
    assert once == twice


def _said(flow: Flow, view: View) -> tuple[str, str | None, PathMtu]:
    # Without the SYN the lower port is the server's, and mirrored it is the other's.
    return flow.verdict, flow.direction if not view.since else None, flow.path_mtu


@pytest.mark.parametrize("topic", SCENARIOS)
def test_addresses_ports_and_vlan_tags_change_no_verdict(topic: str) -> None:
    changed = []
    for scenario in SCENARIOS[topic]:
        for view in {e.view for e in scenario.expectations if e.view.snap > 96}:
            plain = analysis_in(scenario, view).all_flows
            other = analysis_in(scenario, replace(view, mirrored=True, vlan=7)).all_flows
            if [_said(f, view) for f in plain] != [_said(f, view) for f in other]:
                changed.append(f"{scenario.name} {view}")
    assert not changed, "\n".join(changed)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("off", [0, 20_000_000, -1_500_000_000])
@pytest.mark.parametrize("topic", SCENARIOS)
def test_captures_of_both_hosts_together_accuse_nobody_whom_none_accuses(topic: str, off: int) -> None:
    """The second host's clock is off by so many ns."""
    found = []
    for scenario in SCENARIOS[topic]:
        views = [View("S"), View("C")]
        alone = [analysis_in(scenario, view) for view in views]
        records = scenario.records(views[1])
        other = capture_of([replace(record, ts=record.ts + off) for record in records])
        both = analyze([BytesIO(capture_of(scenario.records(views[0]))), BytesIO(other)], compiled=False)
        if both.files[-1].point and accusations(both) and not any(accusations(each) for each in alone):
            found.append(f"{scenario.name}: {accusations(both)[0]}")
    assert not found, "\n".join(found)
