from __future__ import annotations

import pytest

from analyzer.model.flow import Endpoint, PathMtu
from analyzer.model.verdicts import VERDICTS
from analyzer.report.verdict_text import WORDS, headline
from tests.report.factory import make_analysis, make_flow


def test_every_verdict_has_its_words() -> None:
    assert set(WORDS) == set(VERDICTS)


def test_the_answer_in_one_sentence() -> None:
    flows = [make_flow(0), *(make_flow(i, "ok") for i in range(1, 12))]
    assert headline(make_analysis(flows)) == (
        "1 of 12 flows hangs in a PMTUD black hole, from 10.0.2.2 to 10.0.1.2. "
        "1500-byte packets vanish, 1400-byte packets arrive."
    )


def test_several_flows_on_several_paths_and_other_problems() -> None:
    elsewhere = make_flow(2, server=Endpoint("10.0.3.3", 443), client=Endpoint("10.9.1.2", 5))
    flows = [make_flow(0), make_flow(1), elsewhere, make_flow(3, "dead_path"), make_flow(4, "ok")]
    assert headline(make_analysis(flows)) == (
        "3 of 5 flows hang in a PMTUD black hole, from 10.0.2.2 to 10.0.1.2, and 1 other path likewise. "
        "1500-byte packets vanish, 1400-byte packets arrive. Also: 1 x dead path."
    )


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("size", [PathMtu(1400, 1499), PathMtu(), PathMtu(None, 1499), PathMtu(1400, 1400, 1400)])
def test_every_verdict_makes_a_sentence(verdict: str, count: int, size: PathMtu) -> None:
    flows = [make_flow(i, verdict, path_mtu=size) for i in range(count)]
    sentence = headline(make_analysis(flows))
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert sentence.endswith(".")
    assert "None" not in sentence
    assert "ICMP is blocked" not in sentence


def test_healthy() -> None:
    works = make_flow(0, "pmtud_ok", path_mtu=PathMtu(1400, 1400, 1400))
    assert headline(make_analysis([works, make_flow(1, "ok")])) == (
        "No path MTU problem found: 1 of 2 flows carried full-size packets, 1 obeyed a PTB. "
        "PMTUD worked: the path MTU 10.0.2.2 -> 10.0.1.2 is 1400 bytes."
    )
    assert headline(make_analysis([make_flow(0, "ok"), make_flow(1, "loss"), make_flow(2, "not_exercised")])) == (
        "No path MTU problem found: 1 of 3 flows carried full-size packets, 1 had ordinary packet loss, "
        "1 sent nothing large enough to tell."
    )


def test_a_dead_path_is_no_more_than_seen() -> None:
    sentence = headline(make_analysis([make_flow(0, "dead_path")]))
    assert sentence == "The only flow hangs, and nothing is seen to get through any more, from 10.0.2.2 to 10.0.1.2."


def test_nothing_large_was_sent_is_not_called_healthy() -> None:
    assert headline(make_analysis([make_flow(i, "not_exercised") for i in range(3)])) == (
        "No problem seen, but nothing was tested: none of the 3 flows sent a large packet."
    )


def test_undecided_is_no_clean_bill() -> None:
    assert headline(make_analysis([make_flow(0, "inconclusive"), make_flow(1, "ok")])) == (
        "No path MTU problem found: 1 of 2 flows carried full-size packets, 1 is such that it cannot tell."
    )


def test_a_capture_without_tcp_says_what_it_holds() -> None:
    assert headline(make_analysis()) == "No TCP in this capture: 130 packets (4 ICMP, 2 not IP)."


def test_the_pooled_bracket_is_the_one_in_the_headline() -> None:
    flows = [make_flow(0, path_mtu=PathMtu(752, 1499)), make_flow(1, path_mtu=PathMtu(1400, 1999))]
    assert "1500-byte packets vanish, 1400-byte packets arrive" in headline(make_analysis(flows))
