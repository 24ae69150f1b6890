"""Captures of several points that were read apart, as one: what `found_in` finds in all of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate

from analyzer.api.pipeline import Tables, judged, wants_joining, with_notes
from analyzer.capture.sources import Given, expand, open_source, sources_of, without_repeated
from analyzer.errors import CaptureError, UsageError
from analyzer.flows.concatenation import concatenated
from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.passes.capture_points import MOST_POINTS
from analyzer.passes.watched import Watch
from analyzer.points.join import join
from analyzer.points.listed_packets import ListedPackets, Share, list_packets, listed_apart
from analyzer.settings import Settings

Ask = Callable[[Sequence[Sequence[Watch]], int], Sequence[ListedPackets]]
"""Lists packets of each capture: called with what to list of each, and how many PTBs besides."""


def found_together(parts: Sequence[Tables], ask: Ask, settings: Settings | None = None) -> Analysis:
    """The analysis of captures that were read apart, each at points of its own, by what was found in each.

    Args:
        parts: of each capture, as `found_in` hands it to `keep`.
        ask: lists packets of the captures, in this order: only those of flows that are compared.
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

        def lister(watches: Sequence[Watch], ptbs: int) -> ListedPackets:
            return listed_apart(shares, watches, ptbs, lambda wanted: ask(wanted, ptbs))

        result = join(result, tables.state, found.rows, found.judged_alone, lister=lister)
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
    settings: Settings | None = None,
) -> ListedPackets:
    """List packets of a capture, whose files were read as `files` before.

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
        return list_packets(taken, [file.point for file in files], watches, ptbs)
    finally:
        for reader in opened:
            reader.release()
