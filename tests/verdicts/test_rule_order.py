"""The tables say themselves where the order of their rules matters: only where a rule names those that it yields to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pytest

import analyzer
from analyzer.model.verdicts import VERDICTS
from analyzer.verdicts import judge
from analyzer.verdicts.rule import EVERYTHING, Condition, Rule, checked, decide, frames_in, high
from analyzer.verdicts.stalled_rules import STALLED
from analyzer.verdicts.unstalled_rules import UNSTALLED
from tests.reading import CAPTURES
from tests.scenarios.checks import analysis_in
from tests.verdicts.test_rule_tables import cases

TABLES: dict[str, Sequence[Rule[Any]]] = {"judge_stalled": STALLED, "judge_unstalled": UNSTALLED}


@cache
def applying() -> dict[str, Counter[tuple[str, ...]]]:
    """By table, how often which rules apply together, in all scenarios and captures of the tests."""
    found: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    with pytest.MonkeyPatch.context() as patch:
        for name, table in TABLES.items():

            def judged(facts: object, name: str = name, table: Sequence[Rule[Any]] = table) -> Rule[Any]:
                found[name][tuple(rule.id for rule in table if rule.applies(facts))] += 1
                return decide(table, facts)

            patch.setattr(judge, name, judged)
        for scenario, expectation in cases():
            list(analysis_in(scenario, expectation.view).all_flows)
        for path in CAPTURES:
            list(analyzer.analyze(path).all_flows)
    return found


def yields(later: Rule[Any], earlier: str) -> bool:
    return earlier in later.yields_to or EVERYTHING in later.yields_to


@pytest.mark.parametrize("name", TABLES)
def test_of_two_rules_that_apply_the_later_one_says_that_it_yields(name: str) -> None:
    rules = {rule.id: rule for rule in TABLES[name]}
    undeclared = {
        (later, earlier)
        for together in applying()[name]
        for place, later in enumerate(together)
        for earlier in together[:place]
        if not yields(rules[later], earlier)
    }
    assert undeclared == set()


@pytest.mark.parametrize("name", TABLES)
def test_the_declared_order_decides_as_the_table_does(name: str) -> None:
    """So rows could stand in any order: the one that decides yields to no other that applies."""
    rules = {rule.id: rule for rule in TABLES[name]}
    assert sum(applying()[name].values()) > 250
    for together in applying()[name]:
        left = [each for each in together if not any(yields(rules[each], other) for other in earlier(together, each))]
        assert left == [together[0]]


def earlier(together: Iterable[str], than: str) -> list[str]:
    """The rules of the same case that stand before one in its table, which is all that EVERYTHING means."""
    listed = list(together)
    return listed[: listed.index(than)]


def test_every_verdict_has_a_rule_and_every_rule_an_id_of_its_own() -> None:
    rules: list[Rule[Any]] = [*STALLED, *UNSTALLED]
    assert {rule.verdict for rule in rules} == set(VERDICTS)
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.id.startswith("stalled/") for rule in STALLED)
    assert all(rule.id.startswith("unstalled/") for rule in UNSTALLED)


def test_a_table_with_a_double_or_a_rule_that_yields_to_a_later_one_is_refused() -> None:
    def rule(name: str, *yields_to: str) -> Rule[object]:
        return Rule(id=name, verdict="ok", confidence=high, words=str, yields_to=yields_to)

    assert [each.id for each in checked([rule("a"), rule("b", "a"), rule("c", EVERYTHING)])] == ["a", "b", "c"]
    with pytest.raises(LookupError, match="two rules are called a"):
        checked([rule("a"), rule("a")])
    with pytest.raises(LookupError, match="a yields to b"):
        checked([rule("a", "b"), rule("b")])


def test_the_first_unmet_condition_is_named_with_its_frames() -> None:
    size = Condition[dict[str, int]]("it is large", lambda f: f["size"] > 9)
    sent = Condition[dict[str, int]]("it was sent", lambda f: f["sent"])
    rule = Rule(id="x/y", verdict="ok", requires=(size,), excludes=(sent,), confidence=high, words=str)
    assert rule.unmet({"size": 10, "sent": 0}, ()) is None
    small = rule.unmet({"size": 1, "sent": 1}, ())
    assert small is not None
    assert (small.words, small.left) == ("needs that it is large, which is not shown", 2)
    late = rule.unmet({"size": 10, "sent": 1}, ())
    assert late is not None
    assert (late.words, late.left) == ("is excluded where it was sent", 1)
    assert frames_in([True, None, 3]) == ()
