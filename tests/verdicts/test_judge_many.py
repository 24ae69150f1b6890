"""Flows that are judged together get what judging them one by one gives: verdict, rule, confidence, sizes and times."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from analyzer.evidence.effort import Allowance
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.lockstep import Lane
from analyzer.flows.flow_tables import State
from analyzer.settings import Settings
from analyzer.verdicts import judge_many
from analyzer.verdicts.bulk_verdicts import bulk_verdicts
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.flow_making import Maker
from analyzer.verdicts.half_open import half_open
from analyzer.verdicts.judge import Judged, judge
from analyzer.verdicts.judge_many import JudgedTogether, ManyFlows
from tests.builders import ETHERNET, Packet, internet_checksum, pcap
from tests.reading import CAPTURES, ROOT, skim
from tests.scenarios.notation import load_scenarios
from tests.scenarios.packets import Record, capture_of

SETTINGS = Settings()
SCENARIOS = [scenario for each in load_scenarios(ROOT / "tests" / "scenarios").values() for scenario in each]
MS = 1_000_000


def said(judged: Judged) -> list[object]:
    return [
        *((j.verdict, j.rule, j.confidence, *j.path_mtu, j.side, j.longest_wait_ns) for j in judged.directions),
        (judged.chosen.rule, judged.chosen.side),
    ]


def said_of(together: JudgedTogether, at: int) -> list[object]:
    place = together.among[at]
    return [
        tuple(each.values[place].item() if isinstance(each, Lane) else each for each in part)  # type: ignore[attr-defined]
        for part in said(together.judged)
    ]


def check(state: State, least: int = 1) -> Counter[str]:
    """Compare all that can be judged together with the judge; returns how often each rule decided."""
    collector = Collector(state)
    maker = Maker(collector, SETTINGS, CaptureQuality(0, 0, None), half_open(collector), Allowance(1 << 40))
    troubled = (collector.flows["packets"] > 0) & ~bulk_verdicts(collector, SETTINGS).rows & ~maker.simple
    many = ManyFlows(collector, SETTINGS, least)
    rules: Counter[str] = Counter()
    hosts: dict[int, tuple[str, str]] = {}
    rows: list[int] = []
    for together in many.together(np.flatnonzero(troubled)):
        briefs = dict(maker.briefs(together, hosts))
        for at, row in enumerate(together.rows.tolist()):
            found = maker.judged(row)
            assert said_of(together, at) == said(Judged(found.directions, found.chosen)), row
            assert briefs[row] == maker.brief(found)
            rules[found.chosen.rule] += 1
            rows.append(row)
    assert sorted([*rows, *np.concatenate(many.left).tolist()]) == np.flatnonzero(troubled).tolist()
    return rules


@pytest.fixture(autouse=True)
def _however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_many, "FIRST_RUNS", 1 << 30)


def test_on_every_capture() -> None:
    rules = sum((check(skim(path).state) for path in CAPTURES), Counter[str]())
    assert len(rules) >= 8


def copies(records: list[Record], count: int, seed: int, lost: float) -> bytes:
    """A conversation many times, from other ports, at other times and paces; some packets are not captured."""
    draw = random.Random(seed)  # noqa: S311
    packets = []
    for number in range(count):
        pace, start, last = draw.choice((1, 1, draw.uniform(0.7, 1.4))), draw.randrange(2000 * MS), 0
        for record in records:
            ts = int((record.ts - records[0].ts) * pace) + draw.randrange(MS)
            last = max(ts, last + 1)
            if draw.random() >= lost:
                packets.append(Packet(records[0].ts + start + last, _from_another_port(record.frame, number)))
    return pcap(sorted(packets, key=lambda packet: packet.ts), link=ETHERNET)


def _from_another_port(frame: bytes, number: int) -> bytes:
    """The frame with another number for the higher of its two ports, if it is TCP, or quotes TCP over IPv4."""
    start = {b"\x08\0": 34, b"\x86\xdd": 54}.get(frame[12:14], 0)
    if not start or frame[14] not in (0x45, 0x60):
        return frame
    quote = start == 34 and frame[23] == 1 and frame[34:36] == b"\x03\x04"
    if not quote and frame[{34: 23, 54: 20}[start]] != 6:
        return frame
    start += 28 if quote else 0
    at = max((start, start + 2), key=lambda place: frame[place : place + 2])
    changed = frame[:at] + (20000 + number).to_bytes(2) + frame[at + 2 :]
    if not quote:
        return changed
    message = changed[34:36] + bytes(2) + changed[38:]
    return changed[:36] + internet_checksum(message).to_bytes(2) + changed[38:]


def test_on_every_scenario_and_flows_like_it() -> None:
    rules: Counter[str] = Counter()
    for number, scenario in enumerate(SCENARIOS):
        for view in {e.view for e in scenario.expectations}:
            records = scenario.records(view)
            rules += check(skim(capture_of(records)).state)
            if number % 4 == 0:
                for lost in (0.0, 0.1):
                    rules += check(skim(copies(records, 6, number, lost)).state)
    assert len(rules) > 35, rules
    assert rules["stalled/blackhole"] > 100
    assert rules["stalled/ptb-ignored"] > 10
    assert rules["unstalled/pmtud-works"] > 10


def test_they_are_judged_in_few_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    hung, view = next((s, e.view) for s in SCENARIOS for e in s.expectations if "blackhole" in e.verdicts)
    runs: list[object] = []

    def counted(*args: Any) -> Judged:
        runs.append(args)
        return judge(*args)

    monkeypatch.setattr("analyzer.verdicts.judge_many.judge", counted)
    rules = check(skim(copies(hung.records(view), 200, 1, 0.0)).state, least=32)
    assert sum(rules.values()) > 100
    assert len(runs) < 10


def test_where_it_does_not_pay_they_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_many, "FIRST_RUNS", 2)
    monkeypatch.setattr(judge_many, "FEWEST_TOGETHER", 100)
    records = SCENARIOS[0].records(next(iter(SCENARIOS[0].expectations)).view)
    assert sum(check(skim(copies(records, 30, 2, 0.3)).state).values()) < 30
