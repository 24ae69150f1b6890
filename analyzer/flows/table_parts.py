"""The tables as later stages read them: no more than is in use, and as one what is kept in parts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from analyzer.flows.conversation_tables import TIMED_ROWS
from analyzer.flows.flow_tables import (
    C_CONVERSATIONS,
    C_EVENTS,
    C_FLOWS,
    C_FRAGMENTS,
    C_ICMPS,
    C_PAIRS,
    C_SERIES,
    C_UDP_ROWS,
    FILE_SHIFT,
    SAW_SYN,
    SIDES,
    State,
)


class Joined:
    """Tables with the same rows, or one row of them: read by field name as one table."""

    def __init__(self, *tables: Any) -> None:
        self._tables = tables

    def __getitem__(self, key: Any) -> Any:
        """A column (or the value, of one row) by its name; else rows, as numpy indexes them, joined again."""
        if isinstance(key, str):
            return next(table for table in self._tables if key in table.dtype.names)[key]
        return type(self)(*(table[key] for table in self._tables))

    def __setitem__(self, name: str, value: Any) -> None:
        next(table for table in self._tables if name in table.dtype.names)[name] = value

    def __len__(self) -> int:
        return len(self._tables[0])

    def copy(self) -> Self:
        """The same rows, to be changed."""
        return type(self)(*(table.copy() for table in self._tables))

    def values(self) -> dict[str, int]:
        """All fields of one row."""
        return {
            name: int(value) for row in self._tables for name, value in zip(row.dtype.names, row.item(), strict=True)
        }


class FlowTable(Joined):
    """Rows of `flows` with the same rows of `odd_flows`, and what both tell of SYNs.

    `syn_ts`, `syn_frame`: of the first SYN. `syn_last_ts`, `syn_ack_last_ts`: of the last before the answer. 0: none.
    """

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key == "syn_ts":
            return np.where(
                (self["seen"] & SAW_SYN != 0) & (self["odd_syn_ts"] == 0), self["first_ts"], self["odd_syn_ts"]
            )
        if key == "syn_frame":
            first = np.asarray(self["file"]).astype(np.int64) << FILE_SHIFT | self["first_frame"]
            return np.where((self["seen"] & SAW_SYN != 0) & (self["odd_syn_frame"] == 0), first, self["odd_syn_frame"])
        if key in ("syn_last_ts", "syn_ack_last_ts"):
            again = self["again_syn_ts" if key == "syn_last_ts" else "again_syn_ack_ts"]
            first_one = self["syn_ts" if key == "syn_last_ts" else "syn_ack_ts"]
            return np.where(again == 0, first_one, np.maximum(again, 0))
        return super().__getitem__(key)


def flow_table(state: State) -> FlowTable:
    """All flows there are."""
    rows = int(state.counters[C_FLOWS])
    return FlowTable(state.flows[:rows], state.odd_flows[:rows])


def direction_table(state: State) -> Joined:
    """The directions of all flows there are."""
    rows = SIDES * int(state.counters[C_FLOWS])
    return Joined(*(table[:rows] for table in (state.directions, state.transfers, state.odd_transfers)))


def conversation_table(state: State) -> Joined:
    """All UDP conversations there are."""
    rows = int(state.counters[C_CONVERSATIONS])
    return Joined(state.conversations[:rows], state.odd_conversations[:rows])


MOST_COPIED = 16 << 20
"""Bytes of a table in use that are copied, at most: more is kept where it is."""


def in_use(state: State) -> State:
    """What was found, once the last packet was taken: the rows in use, and nothing that only a next packet needs.

    Small ones are copied, so that an analysis holds, and pickles, no more than that: else each that somebody keeps
    would hold the pages and the addresses of whole tables.
    """
    flows, events, icmps = (int(state.counters[i]) for i in (C_FLOWS, C_EVENTS, C_ICMPS))
    rows = {name: table[:0] for name, table in state._asdict().items() if name != "counters"}
    rows |= {name: getattr(state, name)[:flows] for name in ("flows", "odd_flows")}
    rows |= {"events": state.events[:events], "icmps": state.icmps[:icmps]}
    by_direction = ("directions", "transfers", "odd_transfers", "progress")
    rows |= {name: getattr(state, name)[: SIDES * flows] for name in by_direction}
    rows |= {"event_header_bytes": state.event_header_bytes[:events]}
    rows |= {"icmp_header_bytes": state.icmp_header_bytes[:icmps]}
    rows |= {"fragments": state.fragments[: int(state.counters[C_FRAGMENTS])]}
    rows |= {"pairs": state.pairs[: int(state.counters[C_PAIRS])]}
    talks = int(state.counters[C_CONVERSATIONS])
    rows |= {name: getattr(state, name)[:talks] for name in ("conversations", "odd_conversations")}
    rows |= {name: getattr(state, name)[: SIDES * talks] for name in ("udp_sent", "udp_alone")}
    for name in ("datagrams", "datagram_heads"):
        rows[name] = getattr(state, name)[: int(state.counters[C_UDP_ROWS])]
    for name in ("timed", "timed_heads"):
        rows[name] = getattr(state, name)[: TIMED_ROWS * int(state.counters[C_SERIES])]
    kept = {name: table.copy() if table.nbytes <= MOST_COPIED else table for name, table in rows.items()}
    return State(counters=state.counters, **kept)
