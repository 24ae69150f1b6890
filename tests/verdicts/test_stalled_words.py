"""What explanations of a stall say of packets that the capture does not hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from analyzer.evidence.retransmissions import series_of
from analyzer.flows.flow_tables import MARK_RESENT
from analyzer.verdicts import stalled_explanations as words
from analyzer.verdicts.stalled_facts import StalledFacts
from tests.evidence.segments import made_up


@pytest.mark.parametrize(
    ("copies", "said"),
    [(1, "was retransmitted once, but"), (2, "was retransmitted twice within 0.00 s, but")],
)
def test_a_copy_is_not_called_the_first_transmission(copies: int, said: str) -> None:
    again: list[tuple[Any, ...]] = [(0, True, 50, 40, 0, MARK_RESENT, ())] * copies
    (series,) = series_of(made_up([(0, True, 500, 100, 0, 0, ()), *again]), 1, 500)
    assert series.original is None
    facts = SimpleNamespace(
        series=series,
        stuck_segment=series.stuck_segment,
        direction=SimpleNamespace(version=4),
        name=lambda ref: f"frame {ref.frame}",
    )
    told = words.one_sided(cast(StalledFacts, facts))
    assert "first sent" not in told
    assert f"its original is not in the capture, its first copy is frame {series.tries[0].ref.frame})" in told
    assert said in told
