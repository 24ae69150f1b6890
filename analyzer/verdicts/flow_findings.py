"""From judgements to flows: every flow of a capture judged, merged over capture points, with its fixes filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.direction import Conversation
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.vantage import vantage
from analyzer.flows.flow_tables import State
from analyzer.knowledge.fixes import fixes_for
from analyzer.model.brief import Brief, ignored_for, stuck_size
from analyzer.model.flow import Endpoint, Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path
from analyzer.model.statement import FrameRef, Statement
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS, those
from analyzer.settings import Settings
from analyzer.verdicts.bulk_verdicts import CODES, BulkVerdicts, bulk_verdicts
from analyzer.verdicts.capture_quality import CaptureQuality
from analyzer.verdicts.context import announced, captured, carried, encapsulation, tunnel_told
from analyzer.verdicts.half_open import announced_mss, half_open, half_open_flow
from analyzer.verdicts.judge import Judgement, judge
from analyzer.verdicts.merge_points import chosen_of
from analyzer.verdicts.path_findings import Pools, add_bulk, add_judgement, add_probes
from analyzer.verdicts.why_not import why_not

ADVISED = those(lambda verdict: verdict.advised)
"""Verdicts for which there is something to do."""


MADE_AT_ONCE = 1_000
"""Flows that are made when they are judged; of more, most are never shown, and are judged once more where they are."""

QUIET_ONES = 64
"""Connections without trouble that several points saw, of which more is told: the largest."""

UNDIRECTED = frozenset({"not_exercised"})
"""Verdicts about no direction."""


class _Found(NamedTuple):
    """A flow and what was found about it."""

    conversation: Conversation
    directions: list[Judgement]
    chosen: Judgement


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes flows of rows of the flow table."""

    collector: Collector
    settings: Settings
    quality: CaptureQuality
    simple: Any  # bool: rows that `half_open` tells

    def __call__(self, row: int) -> Flow:
        return self.flow_and_found(row)[0]

    def flow_and_found(self, row: int) -> tuple[Flow, list[Judgement]]:
        """The flow with all that is to be told of it, and what was found about its directions."""
        if self.simple[row]:
            return half_open_flow(self.collector, row), []
        found = self.judged(row)
        flow = _flow(self.collector, found, self.settings, self.quality)
        return flow, found.directions

    def judged(self, row: int) -> _Found:
        """What is found about the flow."""
        conversation = self.collector.conversation(row)
        return _Found(conversation, *judge(conversation, self.settings))

    def brief(self, found: _Found) -> Brief:
        """As `brief_of` that flow."""
        chosen, series = found.chosen, found.chosen.series
        side = chosen.side if chosen.verdict not in UNDIRECTED else 1 - found.conversation.client_side
        ends = self.collector.endpoints(found.conversation.stream)
        ptbs = chosen.tell().ptb if any(direction.ptbs for direction in found.conversation.directions) else ()
        return Brief(
            verdict=chosen.verdict,
            confidence=self.quality.confidence(chosen.verdict, chosen.confidence, self.settings),
            sender=ends[side][0],
            receiver=ends[1 - side][0],
            reasons=ignored_for(ptbs),
            path_mtu=chosen.path_mtu,
            stuck=stuck_size(chosen.verdict, chosen.path_mtu, series.stuck_segment.ip_len if series else None),
            first_time=series.first.ts if series else found.conversation.first_ts,
            last_time=series.tries[-1].ts if series else found.conversation.last_ts,
        )


@dataclass(frozen=True, slots=True)
class _ByNumber:
    """Makes flows by their stream numbers."""

    maker: _Maker
    rows: Mapping[int, int]  # where they differ, of the flow table

    def __call__(self, stream: int) -> Flow:
        return self.maker(self.rows.get(stream, stream))


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Says why flows have not other verdicts, by judging them once more."""

    maker: _Maker
    rows: Mapping[int, Sequence[int]]  # rows of the flow table by stream number, where these differ

    def __call__(self, stream: int, verdict: str) -> Statement:
        rows = self.rows.get(stream, (stream,))
        row = rows[chosen_of([self.maker(row) for row in rows]) if len(rows) > 1 else 0]
        conversation = self.maker.collector.conversation(row)
        settings = self.maker.settings
        return why_not(verdict, conversation, judge(conversation, settings).chosen, settings)


class JudgedFlows(NamedTuple):
    """What was found about the flows of a capture."""

    flows: FlowList[Flow]
    paths: tuple[Path, ...]
    ptb_timeline: tuple[tuple[int, int, int, FrameRef], ...]  # time, stream or -1, mtu, frame
    notes: tuple[str, ...]
    rows: Mapping[int, Sequence[int]]
    """Rows of the flow table by stream number: of flows judged one by one, and of some others that several points saw."""
