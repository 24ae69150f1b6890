"""Flows with the same trouble on the same way, told as one. Emits `Finding`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from heapq import nsmallest
from ipaddress import ip_address, ip_network
from itertools import chain, islice

from analyzer.model.brief import Brief
from analyzer.model.flow import PathMtu
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import BY_NAME, CONFIDENCES, rank

PREFIX_LENGTHS = {4: 24, 6: 64}
"""What is one network where nobody says otherwise: the usual size of a subnet."""

ONE_PREFIX = 3
"""Addresses of one prefix from which on the prefix is written instead."""

LISTED_ADDRESSES = 16
"""Addresses that are listed one by one at most; of more, prefixes are."""

MOST_COMPARED = 64
"""Findings of one prefix that a flow's bracket is compared with at most."""

WORST_LISTED = 500
"""Flows of a finding that a report lists."""

UNBOUNDED = 1 << 30

Member = tuple[int, Brief]
"""A flow by its stream number, and its brief."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Flows whose verdicts are of one kind, whose brackets overlap, and that share a sender's or receiver's prefix."""

    id: str  # A, B, ... Z, AA: the gravest first
    verdict: str  # the gravest of its flows'
    confidence: str  # of the flows of that verdict the surest
    senders: tuple[str, ...]  # addresses of the ends whose packets it is about
    receivers: tuple[str, ...]
    path_mtu: PathMtu  # what the brackets of its flows have in common, of IPv6 from 1280 on
    passed: int | None  # bytes of IP: the largest packet that got through
    lost: int | None  # bytes of IP: the smallest packet that got stuck for its size, None where size does not matter
    streams: tuple[int, ...]
    worst: tuple[int, ...]  # those that a report lists, WORST_LISTED at most: the surest, then the longest stalls
    example: int | None  # the stream that shows it best; None where no flow shows it
    first_time: int  # ns: the first transmission of what got stuck, in any of its flows
    last_time: int  # and the last one
    protocol: str = "tcp"
    trouble: Trouble | None = None  # what shows it where no flow does

    @property
    def crossed(self) -> int | None:
        """Bytes of IP of the largest packet known to get through; None where size is no matter."""
        return self.passed if self.lost is not None else None


def shown_addresses(addresses: Iterable[str]) -> list[str]:
    """Addresses for people, those of a prefix as the prefix if there are three or more."""
    by_prefix: dict[str, list[str]] = defaultdict(list)
    for address in dict.fromkeys(addresses):
        by_prefix[prefix_of(address)].append(address)
    out: list[str] = []
    for prefix, members in by_prefix.items():
        out += [prefix] if len(members) >= ONE_PREFIX else members
    return out


def listed_addresses(addresses: Sequence[str]) -> list[str]:
    """Addresses for machines: one by one, or as prefixes if they are more than LISTED_ADDRESSES."""
    if len(addresses) <= LISTED_ADDRESSES:
        return list(addresses)
    return list(dict.fromkeys(prefix_of(address) for address in addresses))


@lru_cache(maxsize=1 << 16)
def prefix_of(address: str) -> str:
    """The /24 or /64 in which an address lies."""
    if ":" not in address:
        return f"{address.rpartition('.')[0]}.0/{PREFIX_LENGTHS[4]}"  # there may be very many
    return str(ip_network(f"{address}/{PREFIX_LENGTHS[ip_address(address).version]}", strict=False))


def findings_of(problems: Iterable[Member], troubles: Iterable[Trouble] = ()) -> tuple[Finding, ...]:
    """The findings that some flows make, the gravest first, of equals the one with most flows.

    What packets of no flow show (`troubles`) is a finding of its own, but where a flow of these hosts tells as much.
    """
    ways: dict[tuple[str, str, str, PathMtu], list[Member]] = defaultdict(list)
    for member in problems:
        brief = member[1]
        ways[kind_of(brief.verdict), brief.sender, brief.receiver, brief.path_mtu].append(member)
    drafts = _Drafts()
    for (kind, sender, receiver, size), members in sorted(ways.items(), key=_weight):
        drafts.take(kind, sender, receiver, _range(size), members)
    ordered = sorted(drafts.all, key=lambda d: (d.gravest, -len(d.members), d.members[0][0]))
    found = [draft.finding("") for draft in ordered]
    if alone := [_alone(trouble) for trouble in troubles if not any(_tells(each, trouble) for each in found)]:
        found = sorted([*found, *alone], key=lambda each: rank(each.verdict))
    return tuple(replace(each, id=_letters(number)) for number, each in enumerate(found))


def _tells(finding: Finding, trouble: Trouble) -> bool:
    """Whether a finding of flows is about the same packets being too big."""
    if not BY_NAME[finding.verdict].limited_by_size:
        return False
    return trouble.sender in finding.senders and trouble.receiver in finding.receivers


def _alone(trouble: Trouble) -> Finding:
    return Finding(
        id="",
        verdict=trouble.verdict,
        confidence=trouble.confidence,
        senders=(trouble.sender,),
        receivers=(trouble.receiver,),
        path_mtu=trouble.path_mtu,
        passed=trouble.path_mtu.at_least,
        lost=trouble.lost,
        streams=(),
        worst=(),
        example=None,
        first_time=trouble.first_time,
        last_time=trouble.last_time,
        protocol=trouble.protocol,
        trouble=trouble,
    )


def kind_of(verdict: str) -> str:
    """Verdicts of one kind are the same trouble, more or less sure: all that call a hang a black hole are one."""
    return BY_NAME[verdict].told_as or verdict


def _weight(way: tuple[tuple[str, str, str, PathMtu], list[Member]]) -> tuple[int, int, int]:
    """What is narrowest is taken first, so that what fits many does not keep those apart."""
    low, high = _range(way[0][3])
    return high - low, -len(way[1]), way[1][0][0]


def _range(size: PathMtu) -> tuple[int, int]:
    if size.exact is not None:
        return size.exact, size.exact
    return size.at_least or 0, size.at_most if size.at_most is not None else UNBOUNDED


@dataclass(slots=True)
class _Draft:
    low: int
    high: int
    members: list[Member] = field(default_factory=list)

    @property
    def gravest(self) -> int:
        return min(rank(brief.verdict) for _, brief in self.members)

    def finding(self, name: str) -> Finding:
        gravest = self.gravest
        worst = [member for member in self.members if rank(member[1].verdict) == gravest]
        example, shown = max(worst, key=telling)
        briefs = [brief for _, brief in self.members]
        exact = next((brief.path_mtu.exact for brief in briefs if brief.path_mtu.exact is not None), None)
        stuck = [brief.stuck for brief in briefs if brief.stuck is not None]
        size = PathMtu(self.low or None, self.high if self.high < UNBOUNDED else None, exact)
        return Finding(
            id=name,
            verdict=shown.verdict,
            confidence=min((brief.confidence for _, brief in worst), key=CONFIDENCES.index),
            senders=tuple(dict.fromkeys(brief.sender for brief in briefs)),
            receivers=tuple(dict.fromkeys(brief.receiver for brief in briefs)),
            path_mtu=size.on_links_of(shown.sender) if stuck else size,
            passed=size.at_least,
            lost=min(stuck, default=None),
            streams=tuple(sorted(stream for stream, _ in self.members)),
            worst=tuple(stream for stream, _ in nsmallest(WORST_LISTED, self.members, key=gravity)),
            example=example,
            first_time=min(brief.first_time for brief in briefs),
            last_time=max(brief.last_time for brief in briefs),
        )


class _Drafts:
    """Findings as far as they are known, by the prefixes of their senders and receivers."""

    def __init__(self) -> None:
        self.all: list[_Draft] = []
        self._by_prefix: dict[tuple[str, str, str], dict[int, _Draft]] = defaultdict(dict)

    def take(self, kind: str, sender: str, receiver: str, size: tuple[int, int], members: list[Member]) -> None:
        places = ((kind, "from", prefix_of(sender)), (kind, "to", prefix_of(receiver)))
        low, high = size
        near = chain.from_iterable(islice(self._by_prefix[place].values(), MOST_COMPARED) for place in places)
        draft = next((d for d in near if d.low <= high and low <= d.high), None)
        if draft is None:
            draft = _Draft(low, high)
            self.all.append(draft)
        draft.low, draft.high = max(draft.low, low), min(draft.high, high)
        draft.members += members
        for place in places:
            self._by_prefix[place].setdefault(id(draft), draft)


def telling(member: Member) -> tuple[int, int, int]:
    """Sorts flows of one kind by how well they show it: confidence, known sizes, then the first."""
    stream, brief = member
    known = sum(value is not None for value in brief.path_mtu)
    return -CONFIDENCES.index(brief.confidence), known, -stream


def gravity(member: Member) -> tuple[int, int, int, int]:
    """Sorts flows, the worst first: by verdict, of equals the surest, of these the longest stalls."""
    stream, brief = member
    return rank(brief.verdict), CONFIDENCES.index(brief.confidence), brief.first_time - brief.last_time, stream


def _letters(number: int) -> str:
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name
