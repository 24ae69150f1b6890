"""The traps of the field: without the rule that avoids a trap, some scenario falls into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tests.scenarios
from analyzer.evidence.collect import Collector
from analyzer.evidence.conversation import Way
from analyzer.evidence.episodes import Run
from analyzer.evidence.ptb import PtbSeen
from analyzer.flows import sizes, track
from analyzer.verdicts.calm import Calm
from analyzer.verdicts.facts import Facts
from tests.scenarios.checks import differences
from tests.scenarios.notation import Expectation, Scenario, load_scenarios


def always(value: object) -> property:
    """A property that says the same of everything."""
    return property(lambda _: value)


def never(*_: object, **__: object) -> bool:
    """A test that nothing passes."""
    return False


TRAPS: list[tuple[str, str, Any, str, Callable[..., Any] | property]] = [
    ("T1 random loss: packets as large got through", "loss", Facts, "as_large", always((None, None))),
    ("T2 super-segments have no size on the wire", "offload", sizes, "is_super", never),
    (
        "T2a a super-segment resent after a PTB looks unchanged",
        "offload",
        Way,
        "size_known_without_cap",
        lambda *_: True,
    ),
    ("T2b after a fallback captured sizes may be two packets", "offload", Way, "size_known", lambda *_: True),
    (
        "T2c a stuck super-segment has the size of its retransmission",
        "offload",
        Run,
        "head",
        property(lambda r: r.first),
    ),
    ("T3 a dead path fails small packets too", "dead", Facts, "failed", always(None)),
    ("T4 the window is closed", "window", Facts, "window_closed", always(False)),
    ("T5 one payload is dropped while others as large pass", "content", Facts, "as_large", always((None, None))),
    ("T6 other connections stop at the same time", "blackhole", Collector, "_others", lambda *_: []),
    ("T7 the capture loses packets", "capture", Way, "missing_share", always(0.0)),
    ("T8 one direction only", "capture", Way, "one_sided", always(False)),
    ("T10 copies made by the capture", "capture", track, "is_copy", never),
    ("T14 a spurious retransmission", "loss", Calm, "real_losses", property(lambda c: c.way.count["resent"])),
    ("T15 a lost probe for a larger path MTU", "recovered", Facts, "gave_up_size", always(True)),
    ("T21 PTBs about something else", "ptb", PtbSeen, "defect", always(None)),
]


def cases(topic: str) -> Iterator[tuple[Scenario, Expectation]]:
    """The scenarios of a topic with each of their expectations."""
    for scenario in load_scenarios(Path(next(iter(tests.scenarios.__path__))))[topic]:
        for expected in scenario.expectations:
            if not expected.xfail:
                yield scenario, expected


@pytest.mark.parametrize(("trap", "topic", "owner", "name", "blind"), TRAPS, ids=[t[0] for t in TRAPS])
def test_without_its_rule_a_scenario_falls_into_the_trap(
    trap: str,
    topic: str,
    owner: Any,
    name: str,
    blind: Callable[..., Any] | property,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owner, name, blind)
    assert any(differences(scenario, expected) for scenario, expected in cases(topic)), trap
