"""Every scenario says what the tool must say of it, at each capture point and cut that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.checks import differences
from tests.scenarios.notation import Scenario, load_scenarios
from tests.scenarios.words import Expectation

SCENARIOS = load_scenarios(Path(__file__).parent)


def _cases() -> list[Any]:
    return [
        pytest.param(
            scenario,
            expected,
            id=f"{topic}: {scenario.name} [{expected.text.split(':')[0].removeprefix('expect ')}]",
            marks=[pytest.mark.xfail(strict=True, reason=expected.xfail)] if expected.xfail else [],
        )
        for topic, scenarios in SCENARIOS.items()
        for scenario in scenarios
        for expected in scenario.expectations
    ]


@pytest.mark.parametrize(("scenario", "expected"), _cases())
def test_says(scenario: Scenario, expected: Expectation) -> None:
    wrong = differences(scenario, expected)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("topic", SCENARIOS)
def test_every_accusation_has_a_healthy_twin_beside_it(topic: str) -> None:
    alone = []
    scenarios = SCENARIOS[topic]
    for scenario, following in zip(scenarios, [*scenarios[1:], None], strict=True):
        accused = any(e.accuses for e in scenario.expectations)
        if scenario.is_twin:
            assert not accused, f"{scenario.name!r} is a healthy twin, yet accuses"
        elif accused and (following is None or not (following.is_twin or following.expectations[0].accuses)):
            alone.append(scenario.name)
    assert not alone


@pytest.mark.parametrize("topic", SCENARIOS)
def test_every_scenario_expects_something(topic: str) -> None:
    assert [s.name for s in SCENARIOS[topic] if not s.expectations] == []
