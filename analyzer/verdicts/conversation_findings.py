"""From the tables of UDP conversations to their verdicts: most by their counters, the rest packet by packet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.evidence.conversation_rows import Tables
from analyzer.flows.conversation_tables import TUNNEL_NONE
from analyzer.flows.conversations import LARGE
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_LAST_TS, State
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.verdicts import VERDICTS, rank
from analyzer.settings import LEAST_LARGE_ANSWERS, Settings

if TYPE_CHECKING:
    from analyzer.evidence.effort import Allowance
    from analyzer.evidence.icmp_errors import IcmpErrors
    from analyzer.evidence.ptb import PtbSeen
    from analyzer.model.trouble import Trouble
    from analyzer.verdicts.path_findings import Pools


class JudgedConversations(NamedTuple):
    """What was found about UDP."""

    flows: FlowList[Flow]
    troubles: tuple[Trouble, ...]
    unjudged: int  # conversations that are too many to be judged


NO_FLOWS: FlowList[Flow] = FlowList.of(())


@dataclass(frozen=True)
class Making:
    """Makes the flow of a conversation that needs no judge."""

    tables: Tables
    streams: Any  # stream numbers, ascending
    rows: Any  # of each
    unjudged: frozenset[int]  # stream numbers of those that are too many to be judged

    def __call__(self, stream: int) -> Flow:
        """The flow with this stream number."""
        from analyzer.verdicts.plain_conversations import plain_flow, unjudged_flow

        row = int(self.rows[np.searchsorted(self.streams, stream)])
        make = unjudged_flow if stream in self.unjudged else plain_flow
        return make(self.tables, row, stream)


def judged_conversations(
    state: State,
    ptbs: Sequence[PtbSeen],
    errors: IcmpErrors,
    pools: Pools,
    settings: Settings,
    allowance: Allowance,
) -> JudgedConversations | None:
    """Judge every UDP conversation; None where there is none.

    Args:
        state: the tables.
        ptbs: of the capture.
        errors: the other ICMP errors.
        pools: what TCP flows tell of the paths.
        settings: thresholds.
        allowance: on which conversations draw that are judged one by one.
    """
    if not state.counters[C_CONVERSATIONS]:
        return None
    tables = Tables.of(state)
    troubles: tuple[Trouble, ...] = ()
    if len(tables.timed):
        from analyzer.verdicts.tunnel_findings import judged_tunnels

        troubles = tuple(judged_tunnels(tables, int(state.counters[C_LAST_TS])))
    seen = np.flatnonzero((tables.rows["first_frame"] > 0) & tables.udp)  # others were only quoted in an ICMP error
    if not len(seen):
        return JudgedConversations(NO_FLOWS, troubles, 0) if troubles else None
    codes = _codes(tables)
    made: dict[int, Flow] = {}
    unjudged: frozenset[int] = frozenset()
    if len(tables.datagrams):
        from analyzer.verdicts.conversation_making import judge_recorded

        made, more, unjudged = judge_recorded(tables, state, ptbs, errors, pools, settings, allowance)
        troubles = (*more, *troubles)
    numbers = tables.numbers[seen]
    order = np.argsort(numbers, kind="stable")
    numbers, codes, rows = numbers[order], codes[seen][order], seen[order]
    first = np.ones(len(numbers), bool)
    first[1:] = np.diff(numbers) > 0
    numbers, codes, rows = numbers[first], codes[first], rows[first]
    for number, flow in made.items():
        codes[np.searchsorted(numbers, number)] = rank(flow.verdict)
    codes[np.isin(numbers, list(unjudged))] = rank("inconclusive")
    making = Making(tables, numbers, rows, unjudged)
    return JudgedConversations(FlowList(numbers, codes, VERDICTS, made, making), troubles, len(unjudged))


def _codes(tables: Tables) -> Any:
    """The verdict of each row, as its counters tell it: its rank."""
    sent = tables.sent
    counts = (sent["answers"] >= LEAST_LARGE_ANSWERS) & (sent["answered"] >= LARGE)
    with_df = counts & (sent["largest_nodf"] < LARGE)
    both = (sent["packets"][0::2] > 0) & (sent["packets"][1::2] > 0)
    ok = (with_df[0::2] | with_df[1::2]) & both
    any_large = (counts[0::2] | counts[1::2]) & both
    codes = np.where(ok, rank("ok"), np.where(any_large, rank("no_df"), rank("not_exercised")))
    codes[(tables.rows["tunnel"] != TUNNEL_NONE) & both] = rank("inconclusive")
    return codes.astype(np.int64)
