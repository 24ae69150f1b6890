"""Evidence captures of what UDP, fragments and tunnels show: the same verdicts from them, and no payload in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

import analyzer
from analyzer.model.analysis import Analysis
from analyzer.redaction.addresses import Anonymizer
from analyzer.report.formats.evidence_capture import excerpt_of

DATA = Path(__file__).parents[2] / "data" / "udp"
RECORDED = sorted([*DATA.glob("*.pcap"), *(DATA / "recorded").glob("*.pcap")])


def told(analysis: Analysis) -> list[tuple[Any, ...]]:
    return sorted(
        (
            each.rule,
            each.verdict,
            each.confidence,
            each.sender,
            each.receiver,
            str(each.path_mtu),
            each.lost or 0,
            len(each.streams),
            each.first_time,
            each.last_time,
        )
        for each in analysis.all_troubles
    )


def by_rule() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in RECORDED:
        for trouble in analyzer.analyze(path).all_troubles:
            found.setdefault(trouble.rule, []).append(path)
    return found


BY_RULE = by_rule()


def test_the_recordings_show_many_kinds() -> None:
    assert len(BY_RULE) >= 7


@pytest.mark.parametrize("rule", sorted(BY_RULE))
def test_the_evidence_gives_the_same_verdicts(rule: str) -> None:
    for path in BY_RULE[rule]:
        original = analyzer.analyze(path)
        taken = excerpt_of(original)
        assert not taken.left_out
        again = analyzer.analyze(io.BytesIO(taken.content))
        assert told(again) == told(original), path.name
        assert again.totals.undecoded.keys() <= original.totals.undecoded.keys(), path.name


@pytest.mark.parametrize("rule", sorted(BY_RULE))
def test_so_does_the_anonymous_evidence(rule: str) -> None:
    for path in BY_RULE[rule][:3]:
        hidden = analyzer.analyze(path, anonymizer=Anonymizer())
        assert told(analyzer.analyze(io.BytesIO(excerpt_of(hidden).content))) == told(hidden), path.name
