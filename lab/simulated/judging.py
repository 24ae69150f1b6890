"""Whether what was said of a simulated case is true: what is wrong, and what could have been told and was not.

python -m lab.simulated.judging [--held-out] [NAME...]
"""

from __future__ import annotations

import io
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import analyzer
from analyzer.model.verdicts import SIZE_PROBLEMS

from lab.simulated.case import Case
from lab.simulated.cases import HELD_OUT
from lab.simulated.elements import Tap
from lab.simulated.later_cases import ALL
from lab.simulated.path import capture_of


def analysed(
    taps: Sequence[Tap], *, offsets: Sequence[float] = (), poorer: int = -1, seed: int = 0
) -> analyzer.Analysis:
    """The captures of some taps, in that order, read as one; `poorer` is the one that misses 5 % of its packets."""
    files = []
    for number, tap in enumerate(taps):
        offset = offsets[number] if offsets else None
        file = io.BytesIO(capture_of(tap, missing=0.05 if number == poorer else 0.0, seed=seed, offset=offset))
        file.name = f"{tap.name}.pcap"
        files.append(file)
    return analyzer.analyze(files)


def wrong(case: Case, analysis: analyzer.Analysis, names: Sequence[str]) -> Iterator[str]:
    """What is untrue."""
    points = {file.point for file in analysis.files}
    if len(points) != len(names):
        return  # they share too little; nothing is joined
    name_of = {file.point: name for file, name in zip(analysis.files, names, strict=True)}
    true = case.leg(names) if case.kind == "size" else None
    if case.name == "damaged_large" and (case.leg(names) or (None, None))[1] is None:
        return  # nobody behind: what is spoilt for its size never arrives
    for flow in analysis.all_flows:
        concerned = not case.ports or flow.client.port in case.ports
        if flow.located is not None:
            found = tuple(name_of[n] if n is not None else None for n in flow.located.between)
            if not concerned or found != true:
                yield f"located {found}, true is {true if concerned else None}"
            if flow.located.ptb_lost_between is not None:
                lost = tuple(name_of[n] for n in flow.located.ptb_lost_between)
                if lost != case.ptb_leg(names):
                    yield f"PTB lost between {lost}, true is {case.ptb_leg(names)}"
        if case.kind != "size" and flow.verdict in SIZE_PROBLEMS and len(names) > 1 and "single" not in case.name:
            yield f"{flow.verdict} ({flow.rule}) although nothing is narrow"
    order = ["client", "router-a", "router-b", "server"]
    for path in analysis.all_paths:
        to_server = path.src.startswith(("192.0.2.", "198.51.100.77", "2001:db8:c:"))
        for leg in path.legs:
            ends = (name_of[leg.start], name_of[leg.end])
            way = order.index(ends[1]) - order.index(ends[0])
            if (way > 0) != to_server:
                yield f"order {ends}"
            if leg.ends == "size":
                right = case.kind == "size" and (case.way == "to_server") == to_server and ends == case.leg(names)
                if not right:
                    yield f"narrow {ends} {leg.at_least}..{leg.at_most} {leg.lost} of {leg.of}"
            elif leg.ends is not None and not _ends_rightly(case, leg.ends, ends, names):
                yield f"{leg.ends} ends on {ends}, true is {case.kind} {case.leg(names)}"


def _ends_rightly(case: Case, kind: str, ends: tuple[str, str], names: Sequence[str]) -> bool:
    true = case.leg(names)
    both = (true, true[::-1] if true else None) if case.kind == "all" else (true,)  # a dead link is so both ways
    return kind == case.kind and ends in both


def missing(case: Case, analysis: analyzer.Analysis, names: Sequence[str]) -> Iterator[str]:
    """What all points together should have told."""
    if len({file.point for file in analysis.files}) != len(names):
        yield f"only {len({file.point for file in analysis.files})} points recognised"
        return
    for flow in analysis.all_flows:
        if case.ports and flow.client.port not in case.ports:
            continue
        if case.verdicts and flow.verdict not in case.verdicts:
            yield f"{flow.verdict} ({flow.rule}), expected {sorted(case.verdicts)}"
        if case.kind == "size" and case.certain and flow.located is None:
            yield f"not located ({flow.verdict})"
        elif case.kind == "size" and case.certain and case.sure and flow.confidence != "high":
            yield f"confidence {flow.confidence}"
        if flow.located is not None and case.ptb_leg(names) is not None and flow.located.ptb_lost_between is None:
            yield "the PTB is not told"
    ends = {leg.ends for path in analysis.all_paths for leg in path.legs}
    if case.kind in ("content", "all", "damaged") and case.certain and case.kind not in ends:
        yield f"no leg ends {case.kind}"


def clocks_wrong(analysis: analyzer.Analysis, offsets: Sequence[float]) -> Iterator[str]:
    """Offsets that are not what they are said to be."""
    if len({file.point for file in analysis.files}) != len(offsets):
        return  # files that share too little are one point, with one clock
    for point in analysis.all_points:
        if point.clock.offset_s is None or point.clock.uncertainty_s is None:
            continue
        true = offsets[0] - offsets[point.files[0]]
        if abs(point.clock.offset_s - true) > point.clock.uncertainty_s + 0.0005 and not point.clock.drift_ppm:
            yield f"offset of point {point.number}: {point.clock.offset_s}, true is {true}"


def variants(taps: Sequence[Tap], seed: int) -> Iterator[tuple[list[Tap], list[float], int]]:
    """Orders and subsets of the taps, clocks, and one file that misses packets."""
    luck = random.Random(seed)
    chosen = [list(some) for count in (2, 3, 4) for some in combinations(taps, count)]
    chosen += [list(each) for each in luck.sample(list(permutations(taps)), 3)]
    for some in chosen:
        luck.shuffle(some)
        offsets = [luck.choice([-10_800.0, 0.0, 0.4]) for _ in some]
        for poorer in (-1, luck.randrange(len(some))):
            yield some, offsets, poorer


def main(arguments: Sequence[str]) -> int:
    """Judge cases, all that are not held out by default."""
    names = [name for name in arguments if not name.startswith("-")]
    held = "--held-out" in arguments
    faults = tried = untold = 0
    for name in names or [name for name in ALL if (name in HELD_OUT) == held]:
        case = ALL[name]
        taps = case.run()
        lines = []
        whole = [tap.name for tap in taps]
        found = analysed(taps)
        short = list(missing(case, found, whole))
        untold += bool(short)
        lines += [f"  untold: {line}" for line in short]
        bad = list(wrong(case, found, whole))
        lines += [f"  WRONG: {line}" for line in bad]
        faults += len(bad)
        if "--quick" not in arguments:
            for number, (some, offsets, poorer) in enumerate(variants(taps, 7)):
                tried += 1
                found = analysed(some, offsets=offsets, poorer=poorer, seed=number)
                bad = [*wrong(case, found, [tap.name for tap in some])]
                if not any(tap.drift for tap in taps):
                    bad += clocks_wrong(found, offsets)
                faults += len(bad)
                where = f"{[tap.name for tap in some]} {offsets} {poorer} seed {number}"
                lines += [f"  WRONG {where}: {line}" for line in bad]
        print(name, "ok" if not lines else "")
        print("\n".join(lines[:12]), end="\n" if lines else "")
    print(f"{faults} wrong, {untold} untold, {tried} variants")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
