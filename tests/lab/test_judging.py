"""Answers beside the truth: what counts as right, as a false alarm, and as a missed bracket."""

from __future__ import annotations

from typing import Any

import pytest

from lab.judging import Answer, Bracket, FlowAnswer, Judged, judge

ORDER = ("blackhole", "ptb_ignored", "blackhole_probable", "stall", "inconclusive", "loss", "ok", "not_exercised")
SERVER, CLIENT = "203.0.113.10", "192.0.2.10"


def truth(**changed: Any) -> dict[str, Any]:
    facts = {
        "scenario": "made_up",
        "vantage": "sender",
        "path_mtu": 1400,
        "path_mtu_back": 1500,
        "sender": SERVER,
        "receiver": CLIENT,
        "accept": ["blackhole", "blackhole_probable"],
        "ptb": [],
        "group": "held_out",
    }
    return facts | changed


def flow(verdict: str, port: int = 8080, **said: Any) -> FlowAnswer:
    return FlowAnswer(port=port, verdict=verdict, **said)


def onward(**said: Any) -> Bracket:
    return Bracket(source=SERVER, destination=CLIENT, **said)


def only(verdicts: tuple[Judged, ...]) -> Judged:
    (one,) = verdicts
    return one


def test_without_a_truth_by_port_the_worst_flow_counts() -> None:
    answer = Answer(flows=(flow("ok"), flow("blackhole_probable"), flow("loss")))
    verdict = only(judge("c.pcap", truth(), answer, ORDER).verdicts)
    assert (verdict.got, verdict.right, verdict.port) == ("blackhole_probable", True, None)


def test_with_a_truth_by_port_each_port_counts_once_and_its_wrong_flow_decides() -> None:
    facts = truth(flows={"8080": ["not_exercised"], "8081": ["blackhole"]})
    answer = Answer(flows=(flow("not_exercised"), flow("ok"), flow("not_exercised"), flow("blackhole", 8081)))
    first, second = judge("c.pcap", facts, answer, ORDER).verdicts
    assert (first.port, first.got, first.right) == (8080, "ok", False)
    assert (second.port, second.got, second.right) == (8081, "blackhole", True)


def test_a_port_that_the_truth_knows_must_be_found_and_no_other() -> None:
    facts = truth(flows={"8081": ["blackhole"]})
    found = judge("c.pcap", facts, Answer(flows=(flow("ok"),)), ORDER).verdicts
    assert [(one.port, one.got, one.right) for one in found] == [(8080, "ok", False), (8081, "no flow", False)]


def test_a_capture_in_which_no_flow_was_found_is_wrong() -> None:
    verdict = only(judge("c.pcap", truth(accept=["ok"]), Answer(flows=()), ORDER).verdicts)
    assert (verdict.got, verdict.right, verdict.false_accusation) == ("no flow", False, False)


@pytest.mark.parametrize(
    ("allowed", "got", "false"),
    [
        (["ok", "loss"], "blackhole", True),
        (["ok", "loss"], "ptb_ignored", True),
        (["blackhole_probable"], "blackhole", False),  # wrong, but the path MTU is to blame
        (["blackhole"], "loss", False),
        (["ok", "loss"], "stall", False),
    ],
)
def test_a_false_accusation_blames_the_path_mtu_where_nothing_allows_it(
    allowed: list[str], got: str, false: bool
) -> None:
    verdict = only(judge("c.pcap", truth(accept=allowed), Answer(flows=(flow(got),)), ORDER).verdicts)
    assert verdict.false_accusation is false


@pytest.mark.parametrize(
    ("bracket", "missed", "inexact"),
    [
        (onward(at_least=1400, at_most=1499), False, False),
        (onward(at_least=1300, at_most=1400, exact=1400), False, False),
        (onward(at_least=1401), True, False),
        (onward(at_most=1399), True, False),
        (onward(at_most=1450, exact=1450), False, True),
        (Bracket(source=CLIENT, destination=SERVER, at_least=1500), False, False),
        (Bracket(source=CLIENT, destination=SERVER, at_most=1400), True, False),
        (Bracket(source=CLIENT, destination="198.18.0.1", at_most=99), False, False),
    ],
)
def test_brackets_are_held_against_their_own_direction(bracket: Bracket, missed: bool, inexact: bool) -> None:
    for answer in (Answer(flows=(), paths=(bracket,)), Answer(flows=(flow("ok", bracket=bracket),))):
        judgement = judge("c.pcap", truth(), answer, ORDER)
        assert (bool(judgement.missed), bool(judgement.inexact)) == (missed, inexact)


def test_a_path_that_changes_has_two_path_mtus() -> None:
    judgement = judge("c.pcap", truth(path_mtu_also=1500), Answer(flows=(), paths=(onward(at_least=1500),)), ORDER)
    assert (judgement.brackets, judgement.missed) == (1, ())


def test_nothing_is_expected_of_a_path_through_which_nothing_gets() -> None:
    judgement = judge("c.pcap", truth(path_mtu=None), Answer(flows=(), paths=(onward(at_most=99),)), ORDER)
    assert (judgement.brackets, judgement.missed) == (0, ())


def test_a_bracket_that_says_nothing_is_none() -> None:
    assert judge("c.pcap", truth(), Answer(flows=(), paths=(onward(),)), ORDER).brackets == 0


@pytest.mark.parametrize(
    ("ptb", "complaint"),
    [
        (("ignored", "checksum"), False),
        (("ignored", None), False),
        (("ignored", "host"), True),
        (("accepted", None), True),
    ],
)
def test_ptbs_have_an_effect_and_a_reason(ptb: tuple[str, str | None], complaint: bool) -> None:
    answer = Answer(flows=(flow("ptb_ignored", ptbs=(ptb,)),))
    judgement = judge("c.pcap", truth(ptb=["ignored", "checksum"]), answer, ORDER)
    assert (judgement.ptbs, bool(judgement.misjudged_ptbs)) == (1, complaint)
