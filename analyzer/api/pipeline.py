"""From paths to what was found, as plain data. The only file that sees every stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

# Loaded here, near the start of the chain of imports, although the files below import it, too: where the chain is deep,
# CPython 3.11 allocates and frees a piece of its stack at each of many calls, which costs some 15 ms.
import numpy as np  # noqa: F401

from analyzer.capture.reader import CaptureReader
from analyzer.capture.sources import (
    Given,
    Source,
    expand,
    files_behind,
    is_optional,
    open_source,
    rereadable,
    sources_of,
    stamp,
    without_repeated,
)
from analyzer.decode.link import SLL2
from analyzer.decode.link_names import NAMES
from analyzer.decode.packet_fields import REASON_FLOW_LIMIT, UNDECODED_REASONS
from analyzer.errors import CaptureError, UsageError
from analyzer.evidence.effort import paid_for
from analyzer.flows.flow_tables import (
    C_FIRST_TS,
    C_FLOWS,
    C_ICMP_PACKETS,
    C_ICMPS_LOST,
    C_LAST_LINK,
    C_LAST_TS,
    C_PACKETS,
    C_PTB,
    C_ROWS,
    C_UDP_ENDS,
    C_UNDECODED,
    State,
)
from analyzer.flows.table_parts import direction_table
from analyzer.knowledge.fixes import ALL, PLATFORMS, unknown_platforms
from analyzer.model.analysis import Analysis, CaptureFile, Rereadable, Totals
from analyzer.model.text import extent, joined, plural, printable
from analyzer.model.verdicts import PROBLEMS
from analyzer.passes.capture_points import PointOpening, Points, told_apart
from analyzer.passes.first import Skimmer
from analyzer.passes.walk import (
    Meter,
    Notify,
    Progress,
    bytes_in,
    goes_compiled,
    prepare,
    start_all,
    walk_inputs,
)
from analyzer.settings import HUGE_PAGES_BYTES, Settings
from analyzer.verdicts import merge_points
from analyzer.verdicts.capture_quality import quality_of
from analyzer.verdicts.flow_findings import JudgedFlows, judged_flows

if TYPE_CHECKING:
    from analyzer.capture.stop import Stop
    from analyzer.redaction.addresses import Anonymizer

ANONYMIZED = (
    "All addresses are replaced by others that share prefixes as they did (Crypto-PAn), with a key made for this run "
    "and not kept; names of files are replaced, too."
)

ANY_DEVICE = NAMES[SLL2]
"""Link type of Linux's "any" device where it says which interface each packet was on."""

NOTED_FILES = 20
"""Files about which there is a note each; of the others there is one about how many they are."""


class Tables(NamedTuple):
    """What was read of some files, before it is judged."""

    state: State
    files: tuple[CaptureFile, ...]
    renumbered: Sequence[tuple[PointOpening, PointOpening]]
    unread: Sequence[str]  # why files of directories were left out
    repeated: Sequence[tuple[str, str]]  # names of the same file
    fell_back: str = ""  # why the packet loop could not be compiled


class _Taken(NamedTuple):
    """A source and what reads it."""

    source: Source
    again: Rereadable | None
    reader: CaptureReader


def check_platforms(names: Sequence[str]) -> None:
    """Raise UsageError if fixes are asked for a platform that nobody knows."""
    for name in unknown_platforms(names):
        raise UsageError(f"{name!r} is no platform; platforms are {', '.join((*PLATFORMS, ALL))}")


def found_in(
    paths: Given | Sequence[Given],
    *,
    settings: Settings | None = None,
    progress: Progress | None = None,
    notify: Notify | None = None,
    compiled: bool | None = None,
    anonymizer: Anonymizer | None = None,
    stop: Stop | None = None,
    names: bool = False,
    at: Sequence[int] | None = None,
    keep: Callable[[Tables], object] | None = None,
    alone: bool = False,
) -> Analysis:
    """As `analyze`, as plain data: enough for reports, and cheaper where there are very many flows.

    Args and errors are those of `analyze`, but for `stop`: once it asks for it, no more is read, and what was read is
    analysed. Where that is nothing, KeyboardInterrupt is raised. `at` has the capture point of each file that can be
    read, where it is known. `keep` is handed what was read, before it is judged. `alone`: other
    processes have work for the other processors.
    """
    settings = settings or Settings()
    check_platforms(settings.platforms)
    if names and anonymizer is not None:
        raise UsageError("names of hosts cannot be told where addresses are replaced: names or an anonymizer")
    given, repeated = without_repeated(expand(sources_of(paths)))
    opened = [
        _Taken(each, rereadable(each), open_source(each, settings.max_decompressed_bytes, stop)) for each in given
    ]
    behind = tuple(file for each in opened for file in files_behind(each.source, each.again))
    try:
        unread: dict[CaptureReader, CaptureError] = {}
        points = Points(len(opened))
        found_at = [points.of(reader) if at is None else 0 for reader in _started(opened, stop, unread)]
        at = found_at if at is None else at
        taken = [each for each in opened if each.reader not in unread]
        readers = [each.reader for each in taken]
        wait = compiled is not None
        large = goes_compiled(readers, "packet loop", "skim", compiled, notify, wait=wait)
        skimmer = _skimmer(readers, large, stop, wait=wait, alone=alone)
        inputs = prepare(skimmer, readers, at)
        meter = Meter(inputs)
        for each in walk_inputs(skimmer, inputs):
            if progress is not None:
                progress(*meter.after(each), int(skimmer.state.counters[C_PACKETS]))
        if stop is not None:
            stop.over = True
        skimmer.finish()
        skimmer.let_go()
        apart = told_apart(skimmer.state, at) if found_at is at and len(at) > 1 else None
        files = tuple(each.described(stamp(by.source)) for each, by in zip(inputs, taken, strict=True))
        if anonymizer is not None:
            from analyzer.redaction.table_mapping import anonymize_tables  # only where asked for

            anonymize_tables(skimmer.state, anonymizer)
            files = tuple(_anonymous(file, anonymizer) for file in files)
    finally:
        for one in opened:
            one.reader.release()
    interrupted = stop is not None and stop.asked
    if apart is not None and not interrupted and all(each.again is not None for each in taken):
        for file in taken:
            if file.again is not None and not isinstance(file.again.source, FilePath):
                file.again.source.seek(file.again.start)
        if notify is not None:
            notify("the files hold the same packets, though not at their beginnings: they are read once more, apart")
        if stop is not None:
            stop.over = False
        found_apart = found_in(
            paths,
            settings=settings,
            progress=progress,
            notify=notify,
            compiled=compiled,
            anonymizer=anonymizer,
            stop=stop,
            at=apart,
            names=names,
            keep=keep,
            alone=alone,
        )
        return _with_datagrams_located(found_apart)
    again = tuple(each.again for each in taken)
    left_out = [str(error) for error in unread.values()]
    tables = Tables(skimmer.state, files, points.renumbered, left_out, repeated, skimmer.fell_back)
    if keep is not None:
        keep(tables)
    result, found = judged(tables, settings, again, anonymizer, interrupted=interrupted)
    if not interrupted and wants_joining(result):
        result = _joined(result, tables.state, found, compiled, notify)
        # Points that are given were not told apart by their packets, which is what legs of datagrams rest on.
        result = _with_datagrams_located(result) if at is found_at else result
    result = with_notes(replace(result, inputs=behind), tables)
    return _with_names(result, notify, compiled) if names and not interrupted else result


def with_notes(result: Analysis, tables: Tables) -> Analysis:
    """The analysis, and what became of files that are not in it."""
    named = result.anonymizer is None
    notes = [
        *_noted([f"{error}: left out." for error in tables.unread], "could not be read, and left out", named=named),
        *_noted(
            [f"{name} is the same file as {first}, and was read once." for name, first in tables.repeated],
            "given more than once, and read once",
            named=named,
        ),
    ]
    return replace(result, notes=(*notes, *result.notes))


def _with_names(result: Analysis, notify: Notify | None, compiled: bool | None) -> Analysis:
    from analyzer.passes.names import names_in  # few ask for them

    names, note = names_in(result, notify, compiled=compiled)
    return replace(result, names=names, notes=(*result.notes, note) if note else result.notes)


def wants_joining(result: Analysis) -> bool:
    """True of several points, and of trouble in a file of several interfaces, one of which may have lost it."""
    if any(file.point for file in result.files):
        return True
    several = any(file.interfaces > 1 or ANY_DEVICE in file.link_types for file in result.files)
    return several and any(verdict in PROBLEMS for verdict in result.verdict_counts)


def _joined(
    result: Analysis,
    state: State,
    found: JudgedFlows,
    compiled: bool | None,
    notify: Notify | None,
) -> Analysis:
    """The analysis of several points, joined; as it is, and a note, where the files cannot be read once more."""
    from analyzer.points.join import join  # of one point there is nothing to join

    pipes = [printable(file.path) for file, again in zip(result.files, result.sources, strict=True) if again is None]
    if pipes:
        told = (
            f"What becomes of packets between the points is not told: {joined(pipes)} cannot be read once more, as "
            "no pipe can. Save it to a file first."
        )
        return replace(result, notes=(*result.notes, told))
    try:
        return join(result, state, found.rows, found.judged_alone, compiled=compiled, notify=notify)
    except UsageError as error:
        return replace(
            result, notes=(*result.notes, f"What becomes of packets between the points is not told: {error}.")
        )


def _with_datagrams_located(result: Analysis) -> Analysis:
    """With where large datagrams get lost, if several points saw them and their files can be read once more."""
    if not result.joined_points or not result.all_troubles or None in result.sources:
        return result
    from analyzer.points.datagram_legs import located_datagrams  # few captures are of several points

    try:
        return located_datagrams(result)
    except UsageError:
        return result  # that files cannot be read once more is told already


def _noted(lines: Sequence[str], what: str, *, named: bool = True) -> list[str]:
    """The lines, each about a file, or the first of them; `named`: they may name files."""
    shown = list(lines[:NOTED_FILES]) if named else []
    more = len(lines) - len(shown)
    return [*shown, f"{plural(more, 'more file' if shown else 'file')}: {what}."] if more else shown


def _started(
    opened: Sequence[_Taken], stop: Stop | None, unread: dict[CaptureReader, CaptureError]
) -> Iterator[CaptureReader]:
    """The readers, started. Of what was found in directories, `unread` gets what is no capture, if others are."""
    optional = {each.reader for each in opened if is_optional(each.source)}

    def leave_out(reader: CaptureReader, error: CaptureError) -> None:
        unread[reader] = error
        if reader not in optional or len(unread) == len(opened) or (stop is not None and stop.asked):
            raise next(iter(unread.values())) if reader in optional else error

    try:
        yield from start_all([each.reader for each in opened], leave_out)
    except CaptureError:
        if stop is not None and stop.asked:  # its beginning did not come
            raise KeyboardInterrupt from None
        raise


def _skimmer(
    readers: Sequence[CaptureReader], compiled: bool, stop: Stop | None, *, wait: bool, alone: bool
) -> Skimmer:
    seed = int.from_bytes(os.urandom(4), "little")
    large = sum(reader.size or 0 for reader in readers) >= HUGE_PAGES_BYTES
    size = bytes_in(readers)
    if stop is not None and compiled:
        try:
            with stop.raising():
                return Skimmer(compiled=True, seed=seed, large=large, input_bytes=size, wait=wait, alone=alone)
        except KeyboardInterrupt:  # who does not wait for the compiler gets what came so far without it
            compiled = False
    return Skimmer(compiled=compiled, seed=seed, large=large, input_bytes=size, wait=wait, alone=alone)


def _anonymous(file: CaptureFile, anonymizer: Anonymizer) -> CaptureFile:
    from analyzer.redaction.filter_text import anonymous_filter

    return replace(
        file,
        path=anonymizer.file_name(file.format),
        filters=tuple(dict.fromkeys(anonymous_filter(text) for text in file.filters)),
    )


def judged(
    tables: Tables,
    settings: Settings,
    sources: tuple[Rereadable | None, ...],
    anonymizer: Anonymizer | None = None,
    *,
    interrupted: bool = False,
) -> tuple[Analysis, JudgedFlows]:
    """What was found at each point alone."""
    state, files = tables.state, tables.files
    counters = state.counters
    undecoded = {
        reason: int(counters[C_UNDECODED + i])
        for i, reason in enumerate(UNDECODED_REASONS)
        if reason and counters[C_UNDECODED + i]
    }
    notes = [] if anonymizer is None else [ANONYMIZED]
    if interrupted:
        notes.append(
            f"Interrupted after {plural(int(counters[C_PACKETS]), 'packet')}: what came later is not in this analysis."
        )
    if tables.fell_back:
        notes.append(f"The packet loop could not be compiled, which makes it slow: {tables.fell_back}")
    damaged = [file for file in files if file.damaged_at is not None]
    notes += _noted(
        [f"{each.path} {extent(each)}. Analysed up to there." for each in damaged],
        "damaged, and analysed up to there",
    )
    if counters[C_LAST_LINK]:
        link = int(counters[C_LAST_LINK]) - 1
        notes.append(f"Packets of link type {NAMES.get(link, link)} are not decoded.")
    if counters[C_ICMPS_LOST]:
        notes.append(f"{int(counters[C_ICMPS_LOST])} ICMP messages were counted but not kept: the bound is reached.")
    if counters[C_UNDECODED + REASON_FLOW_LIMIT]:
        notes.append(
            f"{int(counters[C_UNDECODED + REASON_FLOW_LIMIT])} packets belong to flows beyond the first "
            f"{int(counters[C_FLOWS])}: they were counted, but not followed. Narrow the capture with a filter."
        )
    quality = quality_of(files, int(counters[C_PACKETS]))
    notes += quality.notes()
    notes += merge_points.notes(files)
    paid = paid_for((file.stored, file.bytes) for file in files)
    found = judged_flows(state, settings, quality, paid, tables.renumbered)
    flows = found.flows
    ways = direction_table(state)
    totals = Totals(
        packets=int(counters[C_PACKETS]),
        tcp_packets=int(counters[C_ROWS]),
        icmp_packets=int(counters[C_ICMP_PACKETS]),
        ptb_packets=int(counters[C_PTB]),
        udp_packets=int(counters[C_UDP_ENDS]),
        undecoded=undecoded,
        flows=len(flows),
        verdicts=dict(flows.counts()),
        udp_flows=len(found.udp_flows),
        udp_verdicts=dict(found.udp_flows.counts()),
        payload_bytes=int(ways["payload_bytes"].sum()),
        unseen_bytes=int(ways["unseen"].sum()),
    )
    analysis = Analysis(
        files=files,
        first_time=int(counters[C_FIRST_TS]),
        last_time=int(counters[C_LAST_TS]),
        totals=totals,
        all_flows=flows,
        all_paths=found.paths,
        ptb_timeline=found.ptb_timeline,
        all_ptbs=found.ptbs,
        all_fragments=found.fragments,
        all_troubles=found.troubles,
        all_udp_flows=found.udp_flows,
        notes=(*notes, *found.notes),
        settings=settings,
        sources=sources,
        anonymizer=anonymizer,
    )
    return analysis, found
