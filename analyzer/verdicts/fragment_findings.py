"""Fragmented datagrams of which none gets through, while unfragmented packets of the same hosts do.

Where only first fragments are in a capture, it may be its filter: one for ports never shows later fragments, which have
none. Where some are complete, or the capturing host lost packets, what is missing is loss of some kind.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.decode.packet_fields import REASON_NOT_IP
from analyzer.evidence.datagrams import (
    COMPLETE,
    FIRST_ONLY,
    LATER_ONLY,
    PARTIAL,
    Datagram,
    Fragments,
    Untimely,
    different,
    fragments_of,
    gave_up,
)
from analyzer.flows.flow_tables import (
    C_FIRST_TS,
    C_FRAGMENTS,
    C_ICMPS,
    C_LAST_TS,
    C_PAIRS,
    C_UNDECODED,
    State,
)
from analyzer.knowledge.fragment_fixes import fragment_fixes
from analyzer.model.flow import PathMtu
from analyzer.model.fragment_count import FragmentCount, protocol_name
from analyzer.model.seen_sizes import MOST_SEEN, SeenFragments, SeenSizes
from analyzer.model.statement import FrameRef, RuledOut, Statement
from analyzer.model.text import plural, seconds
from analyzer.model.trouble import Trouble
from analyzer.settings import (
    CAPTURE_EDGE_NS,
    GIVEN_UP_SHARE,
    LEAST_DATAGRAMS,
    LEAST_DATAGRAMS_MIXED,
    LEAST_FRAGMENTS_SPAN_NS,
    LEAST_WHOLE,
)
from analyzer.verdicts.capture_quality import CaptureQuality

MOST_FRAMES = 16

BY_PORT = re.compile(r"\b(?:port|portrange)\b|\[|\budp\b|\btcp\b|\bproto\b")
"""Capture filters that may hide later fragments."""


class Seen(NamedTuple):
    """What is known of the whole capture."""

    first: int  # ns
    last: int
    filters: tuple[str, ...]  # capture filters that the files name
    dropped: int  # packets that the capturing host lost
    other: int  # packets that are no IP: a filter for ports would have hidden them
    torn: bool = False  # of other hosts' fragments chance took some: the capture does not hold all that passed


def judged(state: State, quality: CaptureQuality) -> tuple[tuple[FragmentCount, ...], list[Trouble]]:
    """All fragmented datagrams of a capture, counted, and what they show to be wrong."""
    counters = state.counters
    found = fragments_of(state.fragments[: counters[C_FRAGMENTS]], state.pairs[: counters[C_PAIRS]])
    seen = Seen(
        int(counters[C_FIRST_TS]),
        int(counters[C_LAST_TS]),
        quality.filters,
        quality.dropped,
        int(counters[C_UNDECODED + REASON_NOT_IP]),
    )
    rows = counters[C_ICMPS]
    errors = gave_up(state.icmps[:rows], state.icmp_header_bytes[:rows])
    torn = _torn(found)
    with_later = {
        frozenset((each.src, each.dst))
        for each in found
        if any(d.came in (LATER_ONLY, PARTIAL, COMPLETE) for d in each.datagrams)
    }
    counts, troubles = [], []
    for each in found:
        later_seen = frozenset((each.src, each.dst)) in with_later
        told = errors.get((each.src, each.dst, each.protocol), [])
        rest = seen._replace(torn=any(other is not each and other.point == each.point for other in torn))
        count, trouble = judged_fragments(each, told, later_seen, rest)
        counts.append(count)
        troubles += [trouble] if trouble is not None else []
    ways = {(each.src, each.dst, each.protocol) for each in found}
    counts += [_only_told(way, told) for way, told in errors.items() if way not in ways]
    return tuple(sorted(counts, key=lambda count: (count.src, count.dst, count.protocol, count.point))), troubles


def _only_told(way: tuple[str, str, int], errors: Sequence[Untimely]) -> FragmentCount:
    """That a receiver gave up, of fragments that are not in the capture."""
    src, dst, protocol = way
    frames = [error.ref for error in errors]
    return counted(Fragments(src, dst, protocol, 0, 0, 0, frames[0]), None, errors, frames)


def counted(
    each: Fragments, verdict: str | None, errors: Sequence[Untimely], frames: Iterable[FrameRef]
) -> FragmentCount:
    """The fragments as they are reported."""
    return FragmentCount(
        src=each.src,
        dst=each.dst,
        protocol=protocol_name(each.protocol),
        point=each.point,
        complete=len(each.of(COMPLETE)),
        first_only=len(each.of(FIRST_ONLY)),
        later_only=len(each.of(LATER_ONLY)),
        partial=len(each.of(PARTIAL)),
        overlapping=each.overlapping,
        gave_up=different(errors),
        whole=each.whole,
        frames=tuple(sorted(set(frames)))[:MOST_FRAMES],
        verdict=verdict,
    )


def judged_fragments(
    each: Fragments, errors: Sequence[Untimely], later_seen: bool, seen: Seen
) -> tuple[FragmentCount, Trouble | None]:
    """What fragments of one kind show.

    Args:
        each: the datagrams.
        errors: the receiver's, that it gave up putting some of them together.
        later_seen: whether a later fragment of these hosts is in the capture, whichever way.
        seen: what is known of the capture.
    """
    bad = [datagram for datagram in each.of(FIRST_ONLY, LATER_ONLY, PARTIAL) if not _at_edge(datagram, seen)]
    frames = [*(ref for datagram in bad for ref in datagram.frames), *(error.ref for error in errors)]
    lost = _not_late(each, errors)
    if _given_up(each, lost):
        told = _told_by_receiver(each, lost)
        return counted(each, told.verdict, errors, frames), told
    verdict = _verdict(each, bad, later_seen, seen)
    trouble = _lost_before(each, bad) if verdict == "fragment_loss" else None
    return counted(each, verdict, errors, frames), trouble


def _torn(found: Iterable[Fragments]) -> list[Fragments]:
    """Those of which now the first fragment is missing, now later ones, more often than none: no path does that.

    Whatever drops fragments drops first ones, or later ones, or large ones. A sampled capture drops any.
    """
    return [each for each in found if _by_chance(each.datagrams) and 2 * len(each.of(COMPLETE)) <= len(each.datagrams)]


def _by_chance(datagrams: Iterable[Datagram]) -> bool:
    """Whether beginnings came of some, and ends of others; or mostly neither: a part between others is missing."""
    shapes = [_shape(datagram) for datagram in datagrams]
    return {"beginning", "end"} <= set(shapes) or shapes.count("torn") > len(shapes) / 2


def _shape(datagram: Datagram) -> str:
    if datagram.came == COMPLETE:
        return "whole"
    if any(after[0] > before[1] for before, after in itertools.pairwise(datagram.pieces)):
        return "torn"
    if datagram.came != LATER_ONLY:
        return "beginning"
    return "end" if datagram.ended else "torn"


def _not_late(each: Fragments, errors: Sequence[Untimely]) -> list[Untimely]:
    """The errors, but for those about datagrams of which more came here after the error: that is only late."""
    came: dict[int, list[Datagram]] = defaultdict(list)
    for datagram in sorted(each.datagrams, key=lambda datagram: datagram.first_ts):
        came[datagram.ident].append(datagram)

    def is_late(error: Untimely) -> bool:
        same = came[error.ident]
        before = bisect_left(same, error.ts, key=lambda datagram: datagram.first_ts)
        return before > 0 and same[before - 1].last_ts > error.ts

    return [error for error in errors if not is_late(error)]


def _at_edge(datagram: Datagram, seen: Seen) -> bool:
    return (
        datagram.first_ts < seen.first + CAPTURE_EDGE_NS
        if datagram.came == LATER_ONLY
        else datagram.last_ts > seen.last - CAPTURE_EDGE_NS
    )


def _given_up(each: Fragments, errors: Sequence[Untimely]) -> bool:
    """Whether the receiver could not put together most of what was sent."""
    datagrams = different(errors)
    if datagrams < LEAST_DATAGRAMS or errors[-1].ts - errors[0].ts < LEAST_FRAGMENTS_SPAN_NS:
        return False
    before = sum(datagram.first_ts < errors[-1].ts for datagram in each.datagrams)
    return datagrams >= GIVEN_UP_SHARE * max(before, 1) and each.whole >= LEAST_WHOLE


def _verdict(each: Fragments, bad: Sequence[Datagram], later_seen: bool, seen: Seen) -> str | None:
    if each.of(COMPLETE) or len(bad) < LEAST_DATAGRAMS or bad[-1].first_ts - bad[0].first_ts < LEAST_FRAGMENTS_SPAN_NS:
        return None
    if _by_chance(bad) or seen.torn:
        return None
    if len({datagram.came for datagram in bad}) > 1 and len(bad) < LEAST_DATAGRAMS_MIXED:
        return None
    if each.many or seen.dropped or bad[-1].whole < LEAST_WHOLE:
        return None
    if any(datagram.came != FIRST_ONLY for datagram in bad):
        return "fragment_loss"  # a filter for ports shows none but the first
    if seen.filters:
        return None if any(BY_PORT.search(text) for text in seen.filters) else "fragment_loss"
    return "fragment_loss" if later_seen or seen.other else "inconclusive"


def _lost_before(each: Fragments, bad: Sequence[Datagram]) -> Trouble:
    """None is complete at the capture point."""
    name, came = protocol_name(each.protocol).upper(), {datagram.came for datagram in bad}
    what = {FIRST_ONLY: "the first fragment", LATER_ONLY: "later fragments", PARTIAL: "some fragments"}
    of_it = what[came.pop()] if len(came) == 1 else "some fragments"
    text = (
        f"Of {plural(len(bad), f'fragmented {name} datagram')} {each.src} -> {each.dst} none is complete at this "
        f"point: only {of_it} of each came; {each.whole:,} unfragmented ones came meanwhile."
    )
    return _trouble(
        each,
        "medium" if len(bad) > LEAST_DATAGRAMS else "low",
        text,
        f"{text} The rest was lost before, or took another way than past this point.",
        [ref for datagram in bad for ref in datagram.frames][:MOST_FRAMES],
        [],
        (bad[0].first_ts, bad[-1].last_ts),
        (),
    )


def _told_by_receiver(each: Fragments, errors: Sequence[Untimely]) -> Trouble:
    """The receiver says that parts did not come."""
    name = protocol_name(each.protocol).upper()
    who = errors[0].host if errors[0].host == each.dst else f"{errors[0].host}, on the way to {each.dst},"
    text = (
        f"{who} could not put together {plural(different(errors), f'fragmented {name} datagram')} of {each.src}: "
        f"parts of them did not come in time; {each.whole:,} unfragmented ones were sent meanwhile."
    )
    told = Statement(
        f"time exceeded in reassembly, from {errors[0].host}", tuple(error.ref for error in errors[:MOST_FRAMES])
    )
    return _trouble(
        each,
        "high" if each.of(COMPLETE) else "medium",
        text,
        text,
        [error.ref for error in errors][:MOST_FRAMES],
        [told],
        (errors[0].ts, errors[-1].ts),
        errors,
    )


def _trouble(
    each: Fragments,
    confidence: str,
    headline: str,
    explanation: str,
    frames: Sequence[FrameRef],
    more: Sequence[Statement],
    times: tuple[int, int],
    errors: Sequence[Untimely],
) -> Trouble:
    ports = {port for datagram in each.datagrams for port in datagram.ports}
    of_all = plural(len(each.datagrams), "fragmented datagram")
    failed = f"no one of {of_all} is complete" if not more else f"most of {of_all} failed"
    span = seconds((times[1] - times[0]) / 1e9)
    sizes = max(datagram.largest for datagram in each.datagrams)
    return Trouble(
        kind="fragments",
        protocol=protocol_name(each.protocol),
        verdict="fragment_loss",
        confidence=confidence,
        sender=each.src,
        receiver=each.dst,
        path_mtu=PathMtu(),
        lost=None,
        headline=headline,
        explanation=explanation,
        rests_on=tuple(frames),
        evidence=(
            *more,
            Statement(f"fragments of up to {sizes} bytes, over {span}", tuple(frames)),
            Statement(
                f"control: {plural(each.whole, 'unfragmented packet')} of up to {each.largest} bytes, and the first",
                (each.whole_frame,),
            ),
        ),
        ruled_out=(
            RuledOut("loss", f"{failed}, and unfragmented packets came", ()),
            RuledOut("dead_path", "unfragmented packets came meanwhile", (each.whole_frame,)),
        ),
        fixes=fragment_fixes(
            each.src, each.dst, protocol_name(each.protocol), ports, came=max(sizes, each.largest) or None
        ),
        first_time=times[0],
        last_time=times[1],
        seen=_seen(each, errors),
    )


def _seen(each: Fragments, errors: Sequence[Untimely]) -> SeenSizes:
    """What is drawn: each fragmented datagram by the bytes of it that came."""
    drawn = tuple(SeenFragments(d.first_ts, d.pieces, d.ended) for d in each.datagrams[:MOST_SEEN])
    return SeenSizes(
        fragmented=drawn,
        gave_up=tuple(error.ts for error in errors[:MOST_SEEN]),
        left_out=len(each.datagrams) - len(drawn),
    )
