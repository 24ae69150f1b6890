"""The tables of UDP conversations as the skim left them, with the stream number of each row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzer.evidence.row_addresses import ADDRESS_WORDS, numbered
from analyzer.flows.conversation_tables import ESP_PORT, TIMED_ROWS, TUNNEL_ESP, TUNNEL_NONE
from analyzer.flows.conversations import LARGE
from analyzer.flows.flow_tables import C_SERIES, C_UDP_ROWS, C_UDP_STREAMS, State
from analyzer.flows.table_parts import conversation_table


@dataclass(frozen=True)
class Tables:
    """The tables of conversations."""

    rows: Any
    sent: Any
    datagrams: Any
    header_bytes: Any
    numbers: Any  # udp.stream of each row
    udp: Any  # of each row, whether it is UDP: ESP is not
    alone: Any
    timed: Any
    timed_heads: Any

    @classmethod
    def of(cls, state: State) -> Tables:
        """Those of a finished skim."""
        rows = conversation_table(state)
        recorded = int(state.counters[C_UDP_ROWS])
        numbers = rows["stream"].astype(np.int64) - 1
        unnumbered = np.flatnonzero(numbers < 0)  # only first fragments: Wireshark may not number them at all
        numbers[unnumbered] = int(state.counters[C_UDP_STREAMS]) + np.arange(len(unnumbered))
        return cls(
            rows,
            state.udp_sent[: 2 * len(rows)],
            state.datagrams[:recorded],
            state.datagram_heads[:recorded],
            _of_several_points(rows, numbers),
            (rows["port_a"] != ESP_PORT) | (rows["port_b"] != ESP_PORT) | (rows["tunnel"] != TUNNEL_ESP),
            state.udp_alone[: 2 * len(rows)],
            state.timed[: TIMED_ROWS * int(state.counters[C_SERIES])],
            state.timed_heads[: TIMED_ROWS * int(state.counters[C_SERIES])],
        )

    def tunnel(self, row: int) -> int:
        """How large the packets of an encrypted tunnel were, at most; 0 if it is none, or has no large ones."""
        if self.rows["tunnel"][row] == TUNNEL_NONE:
            return 0
        sent = self.sent[2 * row : 2 * row + 2]
        each = self.rows[row]
        sizes = [each["largest_a"], each["largest_b"], sent["largest_df"].max(), sent["largest_nodf"].max()]
        return int(max(sizes))

    def large(self, row: int) -> tuple[int, int, int]:
        """How often something came after a large packet, and the largest such with DF, and without.

        Of an encrypted tunnel nothing: what comes back may be about anything that is in it.
        """
        best = (0, 0, 0)
        if self.tunnel(row):
            return best
        for sent in self.sent[2 * row : 2 * row + 2]:
            answers, answered = int(sent["answers"]), int(sent["answered"])
            if answers and answered >= LARGE:
                nodf = int(sent["largest_nodf"])
                found = (answers, answered, 0) if nodf < LARGE else (answers, 0, answered)
                best = max(best, found)
        return best


def _of_several_points(rows: Any, numbers: Any) -> Any:
    """One number for a conversation that several capture points saw: the first."""
    if not rows["point"].any():
        return numbers
    words = [rows[name].astype(np.uint64) for name in (*ADDRESS_WORDS, "port_a", "port_b", "version")]
    key = np.zeros(len(rows), np.uint64)
    for word in words:
        key = key * np.uint64(0x9E3779B97F4A7C15) + word
    groups, count = numbered(key)
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, groups, numbers)
    order = np.argsort(least, kind="stable")
    first = np.empty(count, np.int64)
    first[order] = np.arange(count)
    return first[groups]
