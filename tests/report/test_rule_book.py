"""Every rule that a flow may carry is in the book, and so in `--explain`, in `docs/verdicts.md` and for `--why-not`."""

from __future__ import annotations

import ast
import re

import pytest

import analyzer
from analyzer.model.verdicts import VERDICTS
from analyzer.report.rule_book import BY_ID, RULES, TABLES
from lab.simulated.judging import analysed
from lab.simulated.later_cases import ALL as SIMULATED
from tests.reading import ROOT

POINTS = ROOT / "tests" / "data" / "points"

SOURCES = sorted((ROOT / "analyzer").rglob("*.py"))


def strings(node: ast.AST) -> list[str]:
    return [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]


def test_each_id_is_in_one_table_and_begins_with_its_name() -> None:
    assert len(BY_ID) == len(RULES)
    for name, table in TABLES.items():
        begins = ("flow/", "capture/") if name == "unjudged" else f"{name}/"
        assert all(rule.id.startswith(begins) and rule.verdict in VERDICTS for rule in table)


def test_no_other_id_of_a_rule_is_written_anywhere() -> None:
    like = re.compile(r"(?:flow|capture|stalled|unstalled|points|udp)/[a-z0-9-]+")
    written = {
        text
        for path in SOURCES
        for text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if like.fullmatch(text)
    }
    assert written == set(BY_ID)


def test_no_flow_gets_a_rule_as_it_is_written() -> None:
    """A flow's rule is the id of one of a table: no string beside it, which the book would not know."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Flow", "Judgement", "replace"):
                told = [word.value for word in node.keywords if word.arg == "rule"]
                assert not any(isinstance(value, ast.Constant) for value in told), path


def check(found: analyzer.Analysis) -> None:
    for flow in found.all_flows:
        assert BY_ID[flow.rule].verdict == flow.verdict
        for verdict in VERDICTS:
            reason = flow.why_not(verdict)
            own = [rule.id for rule in RULES if rule.verdict == verdict]
            assert (reason is None) == (verdict == flow.verdict)
            assert reason is None or any(name in reason for name in own), (verdict, reason)
            of_points = [rule.id for rule in TABLES["points"] if rule.verdict == verdict]
            if reason is not None and of_points and flow.located is not None:
                assert any(name in reason for name in of_points), reason


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.sampled(3)) for name in SIMULATED])
def test_flows_of_several_points_carry_rules_of_the_book(name: str) -> None:
    taps = SIMULATED[name].run()
    check(analysed(taps))
    check(analysed(taps[::3]))


@pytest.mark.parametrize("name", ["ptb", "nat", "none"])
def test_recorded_flows_of_several_points_do_so_too(name: str) -> None:
    check(analyzer.analyze(sorted((POINTS / name).glob("*.pcap"))))


def test_what_one_point_would_say_is_not_said_to_apply() -> None:
    taps = SIMULATED["silent_middle"].run()
    flow = analysed([taps[0], taps[3]]).flow(0)
    other = analysed([taps[0]]).flow(0).verdict
    reason = flow.why_not(other)
    assert reason is not None
    assert "what all of them prove" in reason or "needs that" in reason


def test_every_rule_of_the_points_decides_somewhere() -> None:
    ids = {
        flow.rule
        for name in ("one_direction", "fragments_one_direction", "damaged_large")
        for some in (slice(0, 3), slice(1, 3))
        for flow in analysed(SIMULATED[name].run()[some]).all_flows
    }
    assert {rule.id for rule in TABLES["points"]} <= ids
