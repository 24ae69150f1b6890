"""The packets of the connections that are joined, listed at their points: by one pass over all files, or by one each.

Emits `ListedPackets`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.capture_filter import read_names
from analyzer.capture.container import FORMAT, PCAPNG
from analyzer.capture.reader import CaptureReader
from analyzer.passes.walk import Notify, goes_compiled, prepare, start_all, walk_inputs
from analyzer.passes.watched import Watch, Watcher

MOST_ROWS = 150_000
"""Packets that are listed of all connections together (17 MB)."""

MOST_PTBS = 4_096
"""PTBs of which it is looked up on which interface of a host they were seen."""


class ListedPackets(NamedTuple):
    """What was read of the files once more."""

    rows: Any  # dtype WATCHED; `watch` of PTBs is the number of watches
    times: list[tuple[int, int]]  # of each file the first and the last, ns
    names: dict[int, tuple[str, ...]]  # of the interfaces of each file
    full: bool  # there were more
    datagrams: Any = None  # `listed_datagrams.ROW`, where these were asked for, too


Lister = Callable[[Sequence[Watch], int], ListedPackets]
"""Called with what to list, and how many PTBs besides."""


def list_packets(
    readers: Sequence[CaptureReader],
    points: Sequence[int],
    watches: Sequence[Watch],
    ptbs: int,
    *,
    compiled: bool | None = None,
    notify: Notify | None = None,
) -> ListedPackets:
    """List packets by a pass over readers, which it starts; `points`: where each was captured."""
    names = {number: _names(reader) for number, reader in enumerate(start_all(readers))}
    large = goes_compiled(readers, "packet matching", "watching", compiled, notify)
    watcher = Watcher(watches, files=len(readers), most=MOST_ROWS, compiled=large, ptbs=ptbs)
    for _ in walk_inputs(watcher, prepare(watcher, readers, points)):
        if watcher.full:
            break
    return ListedPackets(watcher.rows, watcher.times, names, watcher.full)


def _names(reader: CaptureReader) -> tuple[str, ...]:
    """Names of a started reader's interfaces; empty where its file has none."""
    return read_names(bytes(reader.buffer[: reader.ready])) if int(reader.container[FORMAT]) == PCAPNG else ()


class Share(NamedTuple):
    """One of several captures that are joined: its files and points follow those of the ones before."""

    files: int
    points: int


def listed_apart(
    shares: Sequence[Share],
    watches: Sequence[Watch],
    ptbs: int,
    ask: Callable[[Sequence[Sequence[Watch]]], Sequence[ListedPackets]],
) -> ListedPackets:
    """What one pass over several captures would list, where each of them is read by itself.

    Args:
        shares: the captures.
        watches: what to list of all of them.
        ptbs: how many PTBs besides.
        ask: lists what is wanted of each capture, by its own points and the numbers of files and watches there.
    """
    wanted, begin = [], 0
    for share in shares:
        wanted.append([i for i, each in enumerate(watches) if begin <= each.ends.point < begin + share.points])
        begin += share.points
    asked, begin = [], 0
    for share, mine in zip(shares, wanted, strict=True):
        ends = [watches[i].ends for i in mine]
        own = [each._replace(point=each.point - begin) for each in ends]
        asked.append([watches[i]._replace(ends=there) for i, there in zip(mine, own, strict=True)])
        begin += share.points
    rows: list[Any] = []
    times: list[tuple[int, int]] = []
    names: dict[int, tuple[str, ...]] = {}
    full, file = False, 0
    for share, mine, found in zip(shares, wanted, ask(asked), strict=True):
        part = found.rows.copy()
        part["watch"] = np.array([*mine, len(watches)], np.int32)[part["watch"]]
        part["file"] += file
        rows.append(part)
        times += found.times
        names |= {number + file: those for number, those in found.names.items()}
        full = full or found.full
        file += share.files
    together = np.concatenate(rows)
    of_ptb = together["watch"] == len(watches)
    together = together[~of_ptb | (np.cumsum(of_ptb) <= ptbs)]
    return ListedPackets(together[:MOST_ROWS], times, names, full or len(together) > MOST_ROWS)
