"""Each row of the two tables is needed: without it some scenario gets another verdict."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import tests.scenarios
from analyzer.verdicts import judge
from analyzer.verdicts import stalled_rules as rules
from analyzer.verdicts import unstalled_rules as plain
from analyzer.verdicts.stalled_facts import StalledFacts
from analyzer.verdicts.stalled_rules import STALLED, StalledRule
from analyzer.verdicts.unstalled_facts import UnstalledFacts
from analyzer.verdicts.unstalled_rules import UNSTALLED, UnstalledRule
from tests.scenarios.checks import analysis_in, differences
from tests.scenarios.notation import Scenario, load_scenarios
from tests.scenarios.words import Expectation

Case = tuple[Scenario, Expectation]


@cache
def cases() -> list[Case]:
    """All scenarios with each of their expectations."""
    topics = load_scenarios(Path(next(iter(tests.scenarios.__path__))))
    return [(s, e) for scenarios in topics.values() for s in scenarios for e in s.expectations if not e.xfail]


@cache
def deciding() -> dict[StalledRule | UnstalledRule, list[Case]]:
    """For each row, the cases in which it applied to some direction."""
    found: dict[StalledRule | UnstalledRule, list[Case]] = defaultdict(list)
    current: list[Case] = []

    def judge_stalled(facts: StalledFacts) -> StalledRule:
        rule = rules.judge_stalled(facts)
        found[rule].append(current[0])
        return rule

    def judge_unstalled(calm: UnstalledFacts) -> UnstalledRule:
        rule = plain.judge_unstalled(calm)
        found[rule].append(current[0])
        return rule

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "judge_stalled", judge_stalled)
        patch.setattr(judge, "judge_unstalled", judge_unstalled)
        for case in cases():
            current[:] = [case]
            list(analysis_in(case[0], case[1].view).all_flows)  # flows are made when somebody asks for them
    return found


def is_red(case: Case) -> bool:
    """True if the case's expectation is not met, or the table has no answer."""
    try:
        return bool(differences(*case))
    except (StopIteration, RuntimeError):  # raised again by a generator
        return True


@pytest.mark.parametrize("row", range(len(STALLED)), ids=[f"{r.verdict}/{r.words.__name__}" for r in STALLED])
def test_a_stalled_run_needs_this_row(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = deciding()[STALLED[row]]
    monkeypatch.setattr(rules, "STALLED", STALLED[:row] + STALLED[row + 1 :])
    assert any(is_red(case) for case in candidates)


ELSEWHERE = {"unstalled/not-recorded"}
"""Of a bound that no scenario reaches: `test_not_recorded.py` needs it."""
IN_SCENARIOS = [row for row, rule in enumerate(UNSTALLED) if rule.id not in ELSEWHERE]


@pytest.mark.parametrize(
    "row", IN_SCENARIOS, ids=lambda row: f"{UNSTALLED[row].verdict}/{UNSTALLED[row].words.__name__}"
)
def test_a_calm_direction_needs_this_row(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = deciding()[UNSTALLED[row]]
    monkeypatch.setattr(plain, "UNSTALLED", UNSTALLED[:row] + UNSTALLED[row + 1 :])
    assert any(is_red(case) for case in candidates)


def test_every_verdict_is_expected_somewhere() -> None:
    all_of_them = {
        "blackhole",
        "blackhole_probable",
        "blackhole_suspected",
        "blackhole_recovered",
        "ptb_ignored",
        "pmtud_ok",
        "fragment_loss",
        "content_drop",
        "zero_window",
        "dead_path",
        "loss",
        "stall",
        "ok",
        "no_df",
        "not_exercised",
        "inconclusive",
    }
    only = {next(iter(e.verdicts)) for _, e in cases() if len(e.verdicts) == 1}
    assert all_of_them - only == set()
