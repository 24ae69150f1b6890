"""The pages in docs/ tell the truth: their traces and samples get the verdicts that they stand for."""

from __future__ import annotations

import re
from functools import cache

import pytest

from analyzer import analyze
from analyzer.model.verdicts import VERDICTS, worst
from tests.reading import ROOT, SAMPLE_FOLDER
from tests.scenarios.checks import differences
from tests.scenarios.notation import Scenario, parse_scenarios

HEALTHY = frozenset(VERDICTS[VERDICTS.index("loss") :])
SHAPE = ["What it means", "How it looks", "A trace", "The healthy twin", "Told apart from", "Conditions", "What to do"]


@cache
def sections() -> dict[str, str]:
    """The text of each section of verdicts.md by its title."""
    parts = re.split(r"^## `(\w+)`$", (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def trace(verdict: str, heading: str) -> Scenario:
    """The timeline under a heading of a section."""
    below = sections()[verdict].split(f"**{heading}.**")[1]
    (scenario,) = parse_scenarios(below.split("```text\n")[1].split("```")[0])
    return scenario


def test_every_verdict_has_its_section_the_worst_first() -> None:
    assert list(sections()) == list(VERDICTS)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_section_has_the_same_shape(verdict: str) -> None:
    text = sections()[verdict]
    assert re.findall(r"^\*\*([^*]+)\.\*\*", text, flags=re.MULTILINE) == SHAPE
    assert text.count("```text") == 2


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_trace_gets_the_verdict(verdict: str) -> None:
    scenario = trace(verdict, "A trace")
    assert scenario.expectations
    for expected in scenario.expectations:
        assert expected.verdicts == {verdict}
        assert differences(scenario, expected) == []


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_twin_is_healthy_and_another_verdict(verdict: str) -> None:
    scenario = trace(verdict, "The healthy twin")
    assert scenario.expectations
    for expected in scenario.expectations:
        assert expected.verdicts <= HEALTHY - {verdict}
        assert differences(scenario, expected) == []


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_samples_get_the_verdict(verdict: str) -> None:
    for line in re.findall(r"^Sample: (.*)$", sections()[verdict], flags=re.MULTILINE):
        for name in re.findall(r"`([^`]+)`", line):
            analysis = analyze(SAMPLE_FOLDER / name, compiled=False)
            assert worst(flow.verdict for flow in analysis.all_flows) == verdict


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / target).exists(), target
