"""Captures of several points that were read apart, as one: what `found_in` finds in all of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from analyzer.api.pipeline import Tables, judged, wants_joining, with_notes
from analyzer.capture.sources import Given, Source, expand, open_source, sources_of, without_repeated
from analyzer.errors import CaptureError, UsageError
from analyzer.flows.concatenation import concatenated
from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.passes.capture_points import MOST_POINTS
from analyzer.passes.watched import Watch
from analyzer.points.datagram_legs import located_datagrams, ways_of
from analyzer.points.join import join
from analyzer.points.listed_datagrams import MOST_DATAGRAMS, ROW, WantedDatagrams, datagrams_apart, list_datagrams
from analyzer.points.listed_packets import ListedPackets, Share, list_packets, listed_apart
from analyzer.settings import Settings

Ask = Callable[[Sequence[Sequence[Watch]], int, WantedDatagrams], Sequence[ListedPackets]]
"""Lists packets of each capture: called with what to list of each, how many PTBs besides, and which datagrams."""


def found_together(parts: Sequence[Tables], ask: Ask, settings: Settings | None = None) -> Analysis:
    """The analysis of captures that were read apart, each at points of its own, by what was found in each.

    Args:
        parts: of each capture, as `found_in` hands it to `keep`.
        ask: lists packets of the captures, in this order: only those of flows that are compared, and the datagrams of
            hosts between which large ones get lost. It is called once, or not at all.
        settings: those of the analysis.

    Raises:
        UsageError: they have too many points.
    """
    shares = [Share(len(part.files), max((file.point for file in part.files), default=0) + 1) for part in parts]
    if sum(share.points for share in shares) > MOST_POINTS:
        raise UsageError(f"expected captures of {MOST_POINTS} points, found more")
    tables = _one(parts, shares)
    result, found = judged(tables, settings or Settings(), (None,) * len(tables.files))
    if wants_joining(result):
        datagrams = WantedDatagrams(ways_of(result), MOST_DATAGRAMS // len(parts))
        listed: list[Sequence[ListedPackets]] = []

        def lister(watches: Sequence[Watch], ptbs: int) -> ListedPackets:
            def asked(wanted: Sequence[Sequence[Watch]]) -> Sequence[ListedPackets]:
                listed.append(ask(wanted, ptbs, datagrams))
                return listed[0]

            return listed_apart(shares, watches, ptbs, asked)

        result = join(result, tables.state, found.rows, found.judged_alone, lister=lister)
        if datagrams.ways:
            if not listed:  # there is no flow to compare
                listed.append(ask([[] for _ in parts], 0, datagrams))
            files = [share.files for share in shares]
            result = located_datagrams(
                result, datagrams_apart(datagrams.ways, files, [each.datagrams for each in listed[0]])
            )
    return with_notes(result, tables)


def _one(parts: Sequence[Tables], shares: Sequence[Share]) -> Tables:
    """What was read of all captures."""
    before = [0, *accumulate(share.points for share in shares)][:-1]
    files = [
        replace(file, point=file.point + points)
        for part, points in zip(parts, before, strict=True)
        for file in part.files
    ]
    renumbered = [
        ((one[0] + points, *one[1:]), (two[0] + points, *two[1:]))
        for part, points in zip(parts, before, strict=True)
        for one, two in part.renumbered
    ]
    return Tables(
        concatenated([part.state for part in parts], [share.points for share in shares]),
        tuple(files),
        renumbered,
        [line for part in parts for line in part.unread],
        [names for part in parts for names in part.repeated],
    )


def listed_in(
    paths: Given | Sequence[Given],
    files: Sequence[CaptureFile],
    watches: Sequence[Watch],
    ptbs: int,
    datagrams: WantedDatagrams,
    settings: Settings | None = None,
) -> ListedPackets:
    """List packets of a capture, whose files were read as `files` before; for datagrams these are read twice.

    Raises:
        CaptureError: they are not what they were.
    """
    settings = settings or Settings()
    given, _ = without_repeated(expand(sources_of(paths)))
    names = {file.path for file in files}
    opened = [open_source(each, settings.max_decompressed_bytes) for each in given]
    taken = [reader for reader in opened if reader.name in names]
    try:
        if [reader.name for reader in taken] != [file.path for file in files]:
            raise CaptureError(files[0].path, None, "changed since it was analysed")
        found = list_packets(taken, [file.point for file in files], watches, ptbs)
    finally:
        for reader in opened:
            reader.release()
    sources = [each for each, reader in zip(given, opened, strict=True) if reader.name in names]
    return found._replace(datagrams=_datagrams_in(sources, datagrams, settings))


def _datagrams_in(sources: Sequence[Source], wanted: WantedDatagrams, settings: Settings) -> Any:
    parts = [np.zeros(0, ROW)]
    for file, source in enumerate(sources if wanted.ways else ()):
        reader = open_source(source, settings.max_decompressed_bytes)
        try:
            parts.append(list_datagrams(reader, file, wanted))
        finally:
            reader.release()
        wanted = wanted._replace(most=wanted.most - len(parts[-1]))
    return np.concatenate(parts)
