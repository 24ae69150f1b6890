"""Flows in bulk: judged by the rules of `judge`, many at a time, where their packets are alike.

One run of the judge is over columns (`evidence.lockstep`): it holds for all flows that answer every question on its way
as the first one does. Those that left at the same question go another way together. What is left in groups too small
to be worth it is for the caller to judge one by one. Emits `JudgedTogether`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.direction import Conversation
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.flows_alike import FlowsAlike, Tables
from analyzer.evidence.lockstep import Column, Lane, UnlikeError
from analyzer.model.brief import ignored_for
from analyzer.settings import Settings
from analyzer.verdicts.judge import Judged, judge

FEWEST_TOGETHER = 48
"""Flows that are judged together at least: a run over columns takes as long as judging so many one by one."""

MOST_TOGETHER = 8192
"""And at most, so that the columns stay in the processor's cache."""

FIRST_RUNS = 32
"""Runs after which it has to show that it pays."""


class JudgedTogether(NamedTuple):
    """Some flows of which the same was found."""

    rows: Column  # of the flow table
    among: Column  # their places in the columns
    conversation: Conversation  # its numbers may be columns
    judged: Judged  # likewise; of its words nothing is to be told
    reasons: tuple[str, ...]  # why the PTBs had no effect, see `Brief`

    def column(self, value: Any) -> list[Any]:
        """A number of what was found, for each of the flows."""
        if isinstance(value, Lane):
            column: list[Any] = value.values[self.among].tolist()
            return column
        return [value] * len(self.rows)


@dataclass
class ManyFlows:
    """Judges flows in bulk. `left` is what has to be judged one by one, once `together` has come to its end."""

    collector: Collector
    settings: Settings
    least: int = FEWEST_TOGETHER
    left: list[Column] = field(default_factory=list)
    _runs: int = 0
    _done: int = 0

    def together(self, rows: Column) -> Iterator[JudgedTogether]:
        """Judge those of the flows that can be judged with others."""
        if self.collector.flows["point"].any():
            self.left.append(rows)
            return
        tables = Tables(self.collector)
        groups, rest = tables.alike(rows)
        self.left.append(rest)
        for group in groups:
            open_: list[FlowsAlike] = [
                FlowsAlike(group.rows[at : at + MOST_TOGETHER], group.tables)
                for at in range(0, len(group.rows), MOST_TOGETHER)
            ]
            while open_:
                alike = open_.pop()
                if len(alike.rows) < self.least or not self._pays:
                    self.left.append(alike.rows)
                    continue
                found, others = self._judged(alike)
                if found is not None:
                    yield found
                open_ += others
        tables.let_go()

    @property
    def _pays(self) -> bool:
        return self._runs < FIRST_RUNS or self._done >= self._runs * FEWEST_TOGETHER

    def _judged(self, alike: FlowsAlike) -> tuple[JudgedTogether | None, list[FlowsAlike]]:
        self._runs += 1
        try:
            flows, conversation = alike.together()
            judged = judge(conversation, self.settings)
            reasons = ignored_for(judged.chosen.ptbs())
        except (TypeError, UnlikeError):  # they do what columns cannot follow
            self.left.append(alike.rows)
            return None, []
        stayed = np.flatnonzero(flows.left_at == 0)
        self._done += len(stayed)
        order = np.argsort(flows.left_at, kind="stable")
        edges = np.flatnonzero(np.diff(flows.left_at[order])) + 1
        others = [FlowsAlike(alike.rows[part], alike.tables) for part in np.split(order, edges)[1:]]
        return JudgedTogether(alike.rows[stayed], stayed, conversation, judged, reasons), others
