"""The page on accuracy: every number from the judgements, every miss by name, the first result kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.accuracy_page import (
    FirstSight,
    Pair,
    confusion,
    first_sights_from_json,
    first_sights_to_json,
    page,
)
from lab.judging import Judged, Judgement


def judged(capture: str, allowed: tuple[str, ...], got: str, **changed: Any) -> Judged:
    facts: dict[str, Any] = {"vantage": "sender", "group": "held_out", "port": None}
    return Judged(capture=capture, allowed=allowed, got=got, **(facts | changed))


def judgement(*verdicts: Judged, **changed: Any) -> Judgement:
    facts: dict[str, Any] = {"brackets": 2, "missed": (), "inexact": (), "ptbs": 0, "misjudged_ptbs": ()}
    return Judgement(verdicts=verdicts, **(facts | changed))


def entry(group: str, scenario: str) -> dict[str, Any]:
    return {"group": group, "scenario": scenario}


RIGHT = judgement(judged("hole.sender.pcap", ("blackhole",), "blackhole"))
ALARM = judgement(
    judged("lossy.sender.pcap", ("loss", "ok"), "blackhole_probable"),
    missed=("lossy.sender.pcap: ?..1399, truly 1500",),
)
SEEN = judgement(judged("old.receiver.pcap", ("ok",), "stall", group="seen", vantage="receiver"))
TRUTH = {
    "hole.sender.pcap": entry("held_out", "hole"),
    "lossy.sender.pcap": entry("held_out", "lossy"),
    "old.receiver.pcap": entry("seen", "old"),
}
JUDGEMENTS = {"hole.sender.pcap": RIGHT, "lossy.sender.pcap": ALARM, "old.receiver.pcap": SEEN}


def test_the_matrix_sets_wrong_answers_apart() -> None:
    verdicts = [
        judged("a", ("blackhole",), "blackhole"),
        judged("b", ("blackhole",), "blackhole"),
        judged("c", ("blackhole", "stall"), "stall"),
        judged("d", ("blackhole",), "stall"),
        judged("e", ("ok",), "no flow"),
    ]
    assert confusion(verdicts) == [
        "| truth | blackhole | stall | no flow |",
        "|---|---:|---:|---:|",
        "| blackhole | 2 | 1 + **1** |  |",
        "| ok |  |  | **1** |",
    ]


def test_a_truth_that_only_forbids_a_size_problem_has_a_row_of_its_own() -> None:
    anything = ("ok", "loss", "stall", "inconclusive", "dead_path")
    rows = confusion([judged("a", anything, "loss"), judged("b", (*anything[:4], "blackhole_suspected"), "ok")])
    assert rows[2:] == ["| ok |  | 1 |", "| not the path MTU | 1 |  |"]


def test_the_groups_are_counted_apart() -> None:
    text = page(TRUTH, JUDGEMENTS, [], [])
    held_out, others = text.split("\n## The others\n")
    assert "2 scenarios, 2 captures, 2 verdicts: **1 right (50.0 %)**" in held_out
    assert "| false `blackhole*` or `ptb_ignored` | 1 |" in held_out
    assert "- lossy.sender.pcap: expected loss or ok, got blackhole_probable" in held_out
    assert "- lossy.sender.pcap: ?..1399, truly 1500" in held_out
    assert "old.receiver" not in held_out
    assert "1 scenarios, 1 captures, 1 verdicts: **0 right (0.0 %)**" in others
    assert "| false `blackhole*` or `ptb_ignored` | 0 |" in others
    assert "### The others: receiver (0 of 1 right)" in others


def test_the_first_result_stays_when_the_present_one_changes() -> None:
    first = FirstSight.of("first blind set", JUDGEMENTS)
    assert (first.captures, first.verdicts, first.right, len(first.false_accusations)) == (2, 2, 1, 1)
    assert first_sights_from_json(first_sights_to_json([first])) == (first,)
    now = JUDGEMENTS | {"lossy.sender.pcap": replace(ALARM, verdicts=(judged("lossy.sender.pcap", ("loss",), "loss"),))}
    text = page(TRUTH, now, [], [replace(first, remarks=("A label was wrong.",))])
    assert "**2 right (100.0 %)**" in text
    assert "**1 of 2 verdicts right (50.0 %)** on 2 captures of 2 scenarios" in text
    assert "A label was wrong." in text


def test_each_blind_set_has_a_first_result_of_its_own() -> None:
    sights = [replace(FirstSight.of(name, JUDGEMENTS), right=right) for name, right in (("one", 1), ("another", 2))]
    text = page(TRUTH, JUDGEMENTS, [], sights)
    one, another = text.split("### One, first run")[1].split("### Another, first run")
    assert "1 of 2 verdicts right" in one
    assert "2 of 2 verdicts right" in another.split("## The others")[0]


def test_pairs_are_right_only_with_an_answer() -> None:
    pair = Pair(captures=("a", "b"), allowed=("ok", "loss"), got=("ok",))
    assert pair.right
    assert not replace(pair, got=("ok", "blackhole")).right
    assert not replace(pair, got=()).right
    assert "| a, b | 1 | 1 ok | yes |" in page(TRUTH, JUDGEMENTS, [pair], [])


def test_the_same_judgements_give_the_same_page() -> None:
    assert page(TRUTH, JUDGEMENTS, [], []) == page(TRUTH, dict(reversed(JUDGEMENTS.items())), [], [])
