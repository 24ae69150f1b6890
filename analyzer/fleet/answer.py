"""What all groups of a fleet say together. Emits `Answer`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from analyzer.fleet.day_tables import day_of
from analyzer.fleet.judging import brief_from
from analyzer.fleet.plan import Group
from analyzer.model.brief import Brief
from analyzer.model.finding import UNBOUNDED, Finding, findings_of, prefix_of
from analyzer.model.flow import PathMtu
from analyzer.model.verdicts import BY_NAME, SIZE_PROBLEMS, SURE_PROBLEMS, VERDICTS, rank

SHOWN_HOPS = 20
"""Places in the network that are told; each explains stalls that those before it do not."""

LARGE_PASS = frozenset({"ok", "pmtud_ok"})
"""Verdicts that say that large packets got through."""

Summary = Mapping[str, Any]
"""Of a group, as `judging.summary_of`."""


class Seen(NamedTuple):
    """A flow with a problem, or what packets of no flow show, and where."""

    group: str
    stream: int | None
    routers: tuple[str, ...]
    brief: Brief


@dataclass(frozen=True, slots=True)
class FleetFinding:
    """The same trouble on the same way, wherever it was captured."""

    finding: Finding
    """Its `streams` and `example` are numbers of this fleet, not of a capture."""
    flows: int
    groups: tuple[str, ...]
    routers: tuple[str, ...]
    days: tuple[str, ...]
    example: Seen
    members: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """What stalls have in common: packets too large for it get stuck on the way to, from or at a place."""

    kind: str
    """to: a prefix of receivers. from: one of senders. way: both. router: who sent PTBs about them."""
    place: str
    at_least: int | None
    """Bytes of IP: what the brackets of its stalls have in common."""
    at_most: int | None
    stalls: int
    """Of those that no hop before this one explains."""
    ends: int
    """Prefixes at the other side; for a router of senders. One end alone may be where the trouble is, too."""
    groups: tuple[str, ...]
    passed: int
    """Flows of the same place that got larger packets through: not all of its ways are that narrow."""


@dataclass(frozen=True, slots=True)
class WayCount:
    """Flows from one prefix to another."""

    sender: str
    receiver: str
    verdict: str
    """The worst."""
    flows: int
    verdicts: Mapping[str, int]
    at_least: int | None
    """Bytes of IP: largest that got through in any of its flows."""
    bracket: tuple[int | None, int | None] | None
    """Of its flows that are limited by size, what most of them have in common."""
    days: Mapping[str, Mapping[str, int]]
    """The verdicts of each day."""


class Change(NamedTuple):
    """What became of a way from one day on which it was seen to the next."""

    sender: str
    receiver: str
    before: str
    before_verdict: str
    after: str
    after_verdict: str
    became: str
    """appeared, gone or other."""


class JoinedLeg(NamedTuple):
    """Two groups between which packets get lost for their size: the same flows, or datagrams, were captured in both."""

    joined: str
    """Name of the groups that were joined."""
    sender: str
    receiver: str
    before: str
    """Group that saw the packets."""
    behind: str
    """Group that did not."""
    at_least: int | None
    at_most: int | None
    lost: int
    protocol: str
    """tcp; of datagrams what is in them, as udp."""
    fragmented: bool
    """Whether these are fragmented, and their size that of all fragments together."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The fleet's answer."""

    groups: tuple[Summary, ...]
    """Those that were read, the worst first."""
    unread: tuple[Summary, ...]
    waiting: int
    """Groups that are still to be done, after an interruption."""
    verdicts: Mapping[str, int]
    findings: tuple[FleetFinding, ...]
    hops: tuple[Hop, ...]
    stalls: int
    """Flows limited by size, which hops are to explain."""
    unlisted: int
    """Flows with a problem beyond the first ones of a group: counted, but in no finding."""
    ways: tuple[WayCount, ...]
    changes: tuple[Change, ...]
    days: tuple[str, ...]
    joined: tuple[Summary, ...] = ()
    """Groups that saw the same flows limited by size, or datagrams of the same hosts, analysed together."""
    legs: tuple[JoinedLeg, ...] = ()

    @property
    def first_time(self) -> int | None:
        """Time of the first packet, ns."""
        return min((each["first_time"] for each in self.groups if each["first_time"] is not None), default=None)

    @property
    def last_time(self) -> int | None:
        """Time of the last packet, ns."""
        return max((each["last_time"] for each in self.groups if each["last_time"] is not None), default=None)

    def total(self, name: str) -> int:
        """Sum of `files`, `size`, `bytes`, `packets` or `flows` over all groups that were read."""
        return sum(int(each[name]) for each in self.groups)


def answer_of(
    summaries: Iterable[Summary], waiting: int = 0, *, joined: Iterable[Summary] = (), plan: Iterable[Group] = ()
) -> Answer:
    """What the summaries of groups say together.

    Args:
        summaries: of each group that is done.
        waiting: how many are not.
        joined: of groups that saw the same flows, analysed together.
        plan: all groups, which says whose the files of a capture point are.
    """
    together = tuple(each for each in joined if each["error"] is None)
    every = sorted(summaries, key=lambda each: each["name"])
    read = [each for each in every if each["error"] is None]
    seen = list(_seen(read))
    verdicts: Counter[str] = Counter()
    for each in read:
        verdicts.update(each["verdicts"])
    ways = _ways(read, seen)
    return Answer(
        groups=tuple(sorted(read, key=_gravity)),
        unread=tuple(each for each in every if each["error"] is not None),
        waiting=waiting,
        verdicts={name: verdicts[name] for name in VERDICTS if verdicts[name]},
        findings=_findings(seen),
        hops=_hops(seen, read),
        stalls=sum(each.brief.verdict in SIZE_PROBLEMS for each in seen),
        unlisted=sum(each["problems_in_all"] - len(each["problems"]) for each in read),
        ways=ways,
        changes=tuple(_changes(ways)),
        days=tuple(sorted({day for each in read for day, *_ in each["ways"]})),
        joined=together,
        legs=tuple(_joined_legs(together, {member.name: group.name for group in plan for member in group.members})),
    )


def _joined_legs(joined: Iterable[Summary], group_of: Mapping[str, str]) -> Iterable[JoinedLeg]:
    for each in joined:
        names = [", ".join(dict.fromkeys(group_of.get(file, file) for file in files)) for files in each["points"]]
        for src, dst, start, end, *sizes in each["legs"]:
            yield JoinedLeg(each["name"], src, dst, names[start], names[end], *sizes)


def worst_of(summary: Summary) -> str | None:
    """The worst verdict of a group's flows and of what shows trouble without one; None where there is nothing."""
    every = [*summary["verdicts"], *(brief[0] for brief in summary["troubles"])]
    return min(every, key=rank, default=None)


def _gravity(summary: Summary) -> tuple[int, int, str]:
    worst = worst_of(summary)
    return rank(worst) if worst else len(VERDICTS), -summary["problems_in_all"], summary["name"]


def _seen(read: Iterable[Summary]) -> Iterable[Seen]:
    for each in read:
        for stream, routers, *brief in each["problems"]:
            yield Seen(each["name"], stream, tuple(routers), brief_from(brief))
        for brief in each["troubles"]:
            yield Seen(each["name"], None, (), brief_from(brief))


def finding_ids(findings: Iterable[FleetFinding]) -> dict[tuple[str, int], str]:
    """The id of the fleet's finding of each flow that is in one, by its group and stream."""
    return {
        (each.group, each.stream): found.finding.id
        for found in findings
        for each in found.members
        if each.stream is not None
    }


def _findings(seen: Sequence[Seen]) -> tuple[FleetFinding, ...]:
    """By the rule by which flows of one capture become findings."""
    out = []
    for finding in findings_of((number, each.brief) for number, each in enumerate(seen)):
        members = [seen[number] for number in finding.streams]
        example = seen[finding.example if finding.example is not None else finding.streams[0]]
        out.append(
            FleetFinding(
                finding,
                sum(each.stream is not None for each in members),
                tuple(dict.fromkeys(each.group for each in members)),
                tuple(dict.fromkeys(router for each in members for router in each.routers)),
                tuple(sorted({day_of(each.brief.first_time) for each in members})),
                example,
                tuple(members),
            )
        )
    return tuple(out)


def _range(size: PathMtu) -> tuple[int, int]:
    if size.exact is not None:
        return size.exact, size.exact
    return size.at_least or 0, size.at_most if size.at_most is not None else UNBOUNDED


def common_bracket(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], list[int]]:
    """What most of some ranges have in common, and which of them have it."""
    edges = sorted([(low, 0, 1) for low, _ in ranges] + [(high, 1, -1) for _, high in ranges])
    most = depth = place = 0
    for size, _, step in edges:
        depth += step
        if depth > most:
            most, place = depth, size
    having = [number for number, (low, high) in enumerate(ranges) if low <= place <= high]
    return (max(ranges[i][0] for i in having), min(ranges[i][1] for i in having)), having


def _hops(seen: Sequence[Seen], read: Sequence[Summary]) -> tuple[Hop, ...]:
    """The places that explain most stalls, each of those that are left by the ones before it."""
    left = [each for each in seen if each.brief.verdict in SIZE_PROBLEMS]
    largest = _largest(read)
    out: list[Hop] = []
    while left and len(out) < SHOWN_HOPS:
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, each in enumerate(left):
            for router in each.routers:
                places["router", router].append(number)
            places["to", prefix_of(each.brief.receiver)].append(number)
            places["from", prefix_of(each.brief.sender)].append(number)
        best: tuple[tuple[int, int, str], Hop, list[int]] | None = None
        for (kind, place), members in places.items():
            hop, explained = _hop(kind, place, [(number, left[number]) for number in members], largest)
            # A router that says so itself is surest; of prefixes the one that many others meet at.
            weight = (hop.stalls, hop.ends + (len(left) if kind == "router" else 0), place)
            if best is None or weight > best[0]:
                best = weight, hop, explained
        if best is None:
            break
        out.append(best[1])
        taken = set(best[2])
        left = [each for number, each in enumerate(left) if number not in taken]
    return tuple(out)


def _hop(
    kind: str,
    place: str,
    members: Sequence[tuple[int, Seen]],
    largest: Mapping[tuple[str, str], Sequence[tuple[int, int]]],
) -> tuple[Hop, list[int]]:
    (low, high), having = common_bracket([_range(each.brief.path_mtu) for _, each in members])
    explained = [members[i] for i in having]
    other = "sender" if kind != "from" else "receiver"
    ends = {prefix_of(getattr(each.brief, other)) for _, each in explained}
    passed = sum(flows for size, flows in largest.get((kind, place), ()) if size > high)
    if kind != "router" and len(ends) == 1:  # nothing tells which of its two ends it is
        (end,) = ends
        kind, place = "way", f"{end} -> {place}" if kind == "to" else f"{place} -> {end}"
    hop = Hop(
        kind,
        place,
        low or None,
        high if high < UNBOUNDED else None,
        len(explained),
        len(ends),
        tuple(dict.fromkeys(each.group for _, each in explained)),
        passed,
    )
    return hop, [number for number, _ in explained]


def _largest(read: Iterable[Summary]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """By place, the largest packet that healthy flows of a day and way got through, and how many they are."""
    out: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for each in read:
        for _, sender, receiver, verdicts, size in each["ways"]:
            healthy = sum(count for verdict, count in verdicts.items() if verdict not in SURE_PROBLEMS)
            if healthy and size:
                out["to", receiver].append((size, healthy))
                out["from", sender].append((size, healthy))
    return out


def _ways(read: Iterable[Summary], seen: Iterable[Seen]) -> tuple[WayCount, ...]:
    verdicts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    days: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    largest: dict[tuple[str, str], int] = defaultdict(int)
    for each in read:
        for day, sender, receiver, counts, size in each["ways"]:
            way = sender, receiver
            verdicts[way].update(counts)
            days[way][day].update(counts)
            largest[way] = max(largest[way], size)
    ranges: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for one in seen:
        if one.brief.verdict in SIZE_PROBLEMS and one.stream is not None:
            ranges[prefix_of(one.brief.sender), prefix_of(one.brief.receiver)].append(_range(one.brief.path_mtu))
    out = []
    for way, counts in verdicts.items():
        bracket = common_bracket(ranges[way])[0] if ranges.get(way) else None
        out.append(
            WayCount(
                *way,
                min(counts, key=rank),
                counts.total(),
                {name: counts[name] for name in VERDICTS if counts[name]},
                largest[way] or None,
                None if bracket is None else (bracket[0] or None, bracket[1] if bracket[1] < UNBOUNDED else None),
                dict(sorted(days[way].items())),
            )
        )
    return tuple(sorted(out, key=lambda each: (rank(each.verdict), -each.flows, each.sender, each.receiver)))


def _changes(ways: Iterable[WayCount]) -> Iterable[Change]:
    for way in ways:
        for (before, then), (after, now) in pairwise(way.days.items()):
            was, became_of_it = min(then, key=rank), min(now, key=rank)
            bad, still = was in SURE_PROBLEMS, became_of_it in SURE_PROBLEMS
            if bad and still:
                became = "other" if _kind(was) != _kind(became_of_it) else ""
            elif bad:  # where nothing large was sent, nobody knows
                became = "gone" if LARGE_PASS & now.keys() else ""
            else:
                became = "appeared" if still else ""
            if became:
                yield Change(way.sender, way.receiver, before, was, after, became_of_it, became)


def _kind(verdict: str) -> str:
    return BY_NAME[verdict].told_as or verdict
