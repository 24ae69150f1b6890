"""Conversations in which one end sends and the other never did: answers that come from another address than was asked.

A server with several addresses may answer from any of them, and hosts behind one address (anycast) from their own.
Their packets make conversations of their own, with the port of who asked, and the port that was asked.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.model.statement import FrameRef

if TYPE_CHECKING:
    from analyzer.evidence.conversation_rows import Tables

MIXING = np.uint64(0x9E3779B97F4A7C15)
"""Any odd number: 2**64 divided by the golden ratio."""


class Unasked:
    """The conversations of one end only, by the end that is silent and the port that speaks to it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @cached_property
    def _silent(self) -> tuple[Any, Any, Any]:
        """Rows in which one end is silent, which end, and a number for it and the other's port, in its order."""
        packets = self._tables.sent["packets"].reshape(-1, 2)
        rows = np.flatnonzero((packets == 0).any(axis=1) & (packets > 0).any(axis=1))
        sides = (packets[rows, 0] > 0).astype(np.int64)
        found = [self._number(rows[sides == side], side) for side in (0, 1)]
        numbers = np.empty(len(rows), np.uint64)
        for side in (0, 1):
            numbers[sides == side] = found[side]
        order = np.argsort(numbers, kind="stable")
        return rows[order], sides[order], numbers[order]

    def _number(self, rows: Any, side: int) -> Any:
        """The same for the same silent end, port that speaks to it, and capture point; hardly ever for another."""
        own, other = "ab"[side], "ba"[side]
        number = np.zeros(len(rows), np.uint64)
        for name in (*(f"{own}{i}" for i in range(4)), f"port_{own}", f"port_{other}", "version", "point"):
            number = number * MIXING + self._tables.rows[name][rows].astype(np.uint64)
        return number

    def at(self, row: int, side: int, first: int, last: int) -> tuple[FrameRef, ...]:
        """First frames of what came to the end `side` of a conversation unasked, from that port of other addresses.

        Args:
            row: of the conversation.
            side: the end.
            first: it must go on at this time, ns.
            last: it must have begun by this time, ns.
        """
        rows, sides, numbers = self._silent
        wanted = self._number(np.array([row]), side)[0]
        place = slice(*(int(np.searchsorted(numbers, wanted, end)) for end in ("left", "right")))
        found = []
        for other, silent in zip(rows[place].tolist(), sides[place].tolist(), strict=True):
            each, mine = self._tables.rows[other], self._tables.rows[row]
            own = all(each[f"{'ab'[silent]}{i}"] == mine[f"{'ab'[side]}{i}"] for i in range(4))
            if other != row and own and each["first_ts"] <= last and each["last_ts"] >= first:
                found.append(FrameRef(int(each["file"]), int(each["first_frame"])))
        return tuple(found)
