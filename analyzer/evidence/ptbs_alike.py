"""The PTBs about flows that are judged together: of each flow as many, of the same kinds, their numbers as columns.

Emits `PtbsAlike`; see `flows_alike`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.evidence.lockstep import Column, FrameNumber, Key, Lane, Lockstep
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.ptb_index import PtbIndex
from analyzer.model.statement import FrameRef

MOST_PTBS = 48
"""PTBs about a flow in either direction, at most; flows with more are judged one by one."""

PLACES = 1 << 10
"""From here on places of PTBs are counted; those of a flow's packets are fewer."""

Packets = Sequence[tuple[int, int, int]]
"""(sequence number, time, IP length) of the data packets of a direction, in order."""


class _Kind(NamedTuple):
    version: int
    checksum_wrong: bool
    without_seq: bool
    of_no_flow: bool


class Found(NamedTuple):
    """Places of PTBs among all: about side 0 and side 1, and of what each side was told about other flows."""

    lists: tuple[tuple[int, ...], ...]
    alike: tuple[tuple[_Kind, ...], ...]  # of what kind each of them is
    kind: int  # the same for flows whose PTBs are alike


class PtbsAlike:
    """What PTBs there are about each flow. `packets_of` gives the data packets of a row and side."""

    def __init__(
        self, index: PtbIndex, ends_of: Callable[[int], Any], packets_of: Callable[[int, int], Packets]
    ) -> None:
        self._index = index
        self._ends_of = ends_of
        self._packets_of = packets_of
        self._place = {id(ptb): place for place, ptb in enumerate(index.ptbs)}
        self._kinds: dict[Any, int] = {}
        self._found: dict[int, Found | None] = {}
        routers: dict[str, int] = {}
        self._columns = {
            name: np.array([getattr(ptb, name) for ptb in index.ptbs], np.int64)
            for name in ("ts", "mtu", "quoted_len", "quoted_id", "una", "snd_max")
        }
        self._columns["router"] = np.array([routers.setdefault(ptb.router, len(routers)) for ptb in index.ptbs])
        self._columns["file"] = np.array([ptb.ref.file for ptb in index.ptbs])
        self._columns["frame"] = np.array([ptb.ref.frame for ptb in index.ptbs])
        self._columns["quoted_seq"] = np.array([ptb.quoted_seq or 0 for ptb in index.ptbs], np.int64)

    def kind_of(self, row: int) -> int:
        """What flows have in common whose PTBs are alike; 0: it has none, -1: too many, or one twice."""
        if row not in self._found:
            self._found[row] = self._look(row)
        found = self._found[row]
        return found.kind if found is not None else -1

    def _look(self, row: int) -> Found | None:
        ends = self._ends_of(row)
        about = [self._index.about_packets(row, side, ends, self._packets_of(row, side)) for side in (0, 1)]
        told = [[(ptb, False) for ptb in self._index.told(row, side, ends)] for side in (0, 1)]
        lists = tuple(tuple(self._place[id(ptb)] for ptb, _ in each) for each in (*about, *told))
        if any(len(each) > MOST_PTBS or len(set(each)) < len(each) for each in lists):
            return None
        if not any(lists):
            return Found(lists, (), 0)
        alike = tuple(tuple(_kind(ptb, tied) for ptb, tied in each) for each in (*about, *told))
        return Found(lists, alike, self._kinds.setdefault(alike, len(self._kinds) + 1))

    def together(self, rows: Column, together: Lockstep) -> tuple[list[PtbSeen], ...]:
        """The PTBs of flows of one kind: about side 0 and side 1, and what each side was told."""
        found = [each for each in (self._found[row] for row in rows.tolist()) if each is not None]
        made: list[list[PtbSeen]] = []
        for number in range(4):
            places = np.array([each.lists[number] for each in found], np.int64).reshape(len(found), -1)
            of_side: list[PtbSeen] = []
            for column in range(places.shape[1]):
                at = places[:, column]
                kind = found[0].alike[number][column]
                of_side.append(self._made(at, PLACES + MOST_PTBS * number + column, kind, together))
            made.append(of_side)
        return tuple(made)

    def _made(self, at: Column, place: int, kind: _Kind, together: Lockstep) -> PtbSeen:
        columns = {name: column[at] for name, column in self._columns.items()}
        key = {name: Key(columns[name], together) for name in ("router", "mtu", "quoted_len", "quoted_id")}
        file: Any = Key(columns["file"], together) if self._columns["file"].any() else 0
        frame: Any = FrameNumber(columns["frame"], together, place)
        lane = {name: Lane(columns[name], together) for name in ("ts", "una", "snd_max")}
        return PtbSeen(
            ref=FrameRef(file, frame),
            version=kind.version,
            target="",
            checksum_wrong=kind.checksum_wrong,
            quoted_df=False,
            quoted_src="",
            quoted_dst="",
            quoted_ports=None,
            quoted_seq=Key(columns["quoted_seq"], together) if not kind.without_seq else None,  # type: ignore[arg-type]
            flow=-1 if kind.of_no_flow else 0,
            side=0,
            **key,  # type: ignore[arg-type]
            **lane,  # type: ignore[arg-type]
        )


def _kind(ptb: PtbSeen, tied: bool) -> _Kind:
    return _Kind(ptb.version, ptb.checksum_wrong, ptb.quoted_seq is None, ptb.flow < 0 and not tied)
