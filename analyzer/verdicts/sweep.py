"""A sweep of sizes by packets with DF that ask for an answer: whether those without one show a black hole.

One lost probe is loss. What shows a black hole are several larger than all that were answered, each between smaller
ones of the same minute that were answered, and no PTB. Probes never make it certain: a firewall that lets only small
ones pass looks the same, and whether the probe or its answer was lost they do not tell. Of pings see `ping_sweeps`, of
UDP `udp_probes`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import comb
from typing import NamedTuple

from analyzer.knowledge.fixes import fixes_for
from analyzer.model.flow import PathMtu
from analyzer.model.seen_sizes import SeenDatagram, SeenSizes, together
from analyzer.model.statement import FrameRef, RuledOut, Statement
from analyzer.model.text import plural, seconds
from analyzer.model.trouble import Kind, Trouble
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import (
    ANSWERED_BY_NS,
    INITIAL_TTLS,
    LEAST_PINGS_LOST,
    LEAST_PINGS_SPAN_NS,
    ONE_TRIAL_NS,
    SAME_MINUTE_NS,
    Settings,
)

Hosts = tuple[str, str]
"""From where, and to where."""

SHOW = {"blackhole": "show", "blackhole_probable": "probably meet"}

MOST_FRAMES = 16
"""Frames that a statement lists."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A probe with DF, sent once however often it was captured."""

    ref: FrameRef
    ts: int  # ns
    size: int  # bytes of IP
    reply: FrameRef | None
    told: int | None  # MTU that a router named for it
    ttl: int
    reply_ttl: int
    stream: int | None = None  # of UDP, the conversation
    port: int = 0  # of UDP, where it was sent


class Words(NamedTuple):
    """What probes of one kind are called."""

    kind: Kind
    one: str
    plain: str  # several
    answer: str  # how one is answered, behind "answered"
    doubt: str  # what they do not tell


class Sweep:
    """What the probes of one kind from one address to another show.

    Args:
        trials: in order of time.
        end: when the capture ends, ns.
        missed: answers whose probes the capture misses: it misses answers likewise.
        unheard: others without an answer, which may have another reason: they only tell that nothing was answered.
        doubtful: the lost ones may have come, to somebody who does not answer.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        end: int,
        missed: int = 0,
        *,
        unheard: Sequence[Trial] = (),
        doubtful: bool = False,
    ) -> None:
        self.trials = trials
        self.missed = missed
        self.unheard = unheard
        self.doubtful = doubtful
        self.answered = [trial for trial in trials if trial.reply is not None]
        self.largest = max((trial.size for trial in self.answered), default=None)
        told = [trial.told for trial in trials if trial.told is not None]
        self.told = min(told, default=None)
        self._end = end

    @cached_property
    def lost(self) -> list[Trial]:
        """Those larger than all that were answered that nobody answered, though there was time to."""
        if self.largest is None:
            return []
        most = self.told if self.told is not None else 1 << 30
        lost = [t for t in self.trials if t.reply is None and t.told is None and self.largest < t.size <= most]
        kept: list[Trial] = []
        for trial in lost:
            if trial.ts > self._end - ANSWERED_BY_NS:
                break
            if not kept or trial.ts - kept[-1].ts >= ONE_TRIAL_NS:
                kept.append(trial)
        return kept

    @cached_property
    def small_lost(self) -> list[Trial]:
        """Lost ones no larger than some that were answered: loss, whatever the size."""
        return [t for t in self.trials if t.reply is None and t.told is None and t.size <= (self.largest or 0)]

    @cached_property
    def before(self) -> list[Trial]:
        """The lost ones with an answered one in the minute before.

        Where small ones, too, get no answer any more, those since the last answer are not among them: that is silence.
        """
        last = self._times[-1]
        small = (trial for trial in self.unheard if trial.size <= (self.largest or 0))
        silent = any(trial.ts > last for trial in (*self.small_lost, *small))
        lost = [trial for trial in self.lost if trial.ts < last] if silent else self.lost
        return [trial for trial in lost if self._answered_in(trial.ts - SAME_MINUTE_NS, trial.ts)]

    @cached_property
    def between(self) -> list[Trial]:
        """Those with another in the minute after, too."""
        return [trial for trial in self.before if self._answered_in(trial.ts, trial.ts + SAME_MINUTE_NS)]

    def controls(self) -> list[Trial]:
        """The answered ones of those minutes."""
        near = self.between or self.before
        first, last = near[0].ts - SAME_MINUTE_NS, near[-1].ts + SAME_MINUTE_NS
        return [trial for trial in self.answered if first <= trial.ts <= last]

    def _answered_in(self, start: int, end: int) -> bool:
        at = bisect_left(self._times, start)
        return at < len(self._times) and self._times[at] <= end

    @cached_property
    def _times(self) -> list[int]:
        return [trial.ts for trial in self.answered]

    @property
    def in_one_go(self) -> bool:
        """True if one short outage explains them."""
        lost = self.between
        if lost[-1].ts - lost[0].ts >= LEAST_PINGS_SPAN_NS:
            return False
        return not any(self._answered_in(one.ts, other.ts) for one, other in pairwise(lost))

    def by_chance(self, lost: Sequence[Trial]) -> float:
        """How likely it is that losses which do not look at sizes take just the largest.

        Without any other loss they may have come all at once: so many ways there are to choose those that are lost.
        """
        by_place = 1 / comb(len(lost) + len(self.controls()), len(lost))
        if not self._loses:
            return by_place
        return float(max(self._share ** len(lost), by_place))

    @property
    def _loses(self) -> int:
        """How many were lost whatever their size."""
        return len(self.small_lost) + self.missed

    @cached_property
    def _share(self) -> float:
        """Their share, as far as they tell it."""
        return (self._loses + 1) / (self._loses + len(self.controls()) + 2)  # Laplace: of few, not too few

    def smallest(self, lost: Sequence[Trial], chance: float) -> int:
        """The least size that these show to be lost for its size, bytes.

        Where others get lost whatever their size, so may the smallest of these: as many are needed up to a size as
        chance hardly takes.
        """
        sizes = sorted(trial.size for trial in lost)
        if not self._loses:
            return sizes[0]
        enough = next((count for count in range(1, len(sizes)) if self._share**count <= chance), len(sizes))
        return sizes[enough - 1]

    @property
    def beside_receiver(self) -> bool:
        """True if they were captured where they had arrived: routers passed the probes, and none their answers."""
        return any(t.ttl not in INITIAL_TTLS and t.reply_ttl in INITIAL_TTLS for t in self.answered)

    @property
    def on_one_link(self) -> bool:
        """True if nothing tells at which end they were captured."""
        return all(t.ttl in INITIAL_TTLS and t.reply_ttl in INITIAL_TTLS for t in self.answered)

    def verdict(self, version: int, settings: Settings) -> tuple[str, str] | None:
        """Verdict and confidence; None: they show no black hole."""
        if not self.before or self.beside_receiver:
            return None
        if min(trial.size for trial in self.lost) <= LEAST_V6_MTU:  # hardly a path is narrower, of IPv6 none
            return None
        sure = len(self.between) >= LEAST_PINGS_LOST and not (self.in_one_go or self.on_one_link or self.doubtful)
        if sure and self.by_chance(self.between) <= settings.chance:
            return "blackhole", "medium"
        enough = len(self.before) >= LEAST_PINGS_LOST or len(self.between) >= LEAST_PINGS_LOST - 1
        if enough and self.by_chance(self.before) <= (1 if self._loses else 2) * settings.chance:
            return "blackhole_probable", "low"
        return None


def judged_sweep(
    hosts: Hosts, sweep: Sweep, words: Words, protocol: str, carried: int, settings: Settings
) -> Trouble | None:
    """The black hole that probes show, or None.

    Args:
        hosts: from where, and to where.
        sweep: what is known of all between them.
        words: what they are called.
        protocol: theirs.
        carried: bytes of IP of the largest other packet that is known to get through this way, 0 unknown.
        settings: thresholds.
    """
    if sweep.largest is None or not sweep.lost:
        return None
    src, dst = hosts
    version = 6 if ":" in src else 4
    smallest = min(trial.size for trial in sweep.lost)
    found = sweep.verdict(version, settings) if carried < smallest else None
    if found is None:
        return None
    verdict, confidence = found
    lost = sweep.between if verdict == "blackhole" else sweep.before
    smallest = sweep.smallest(lost, settings.chance)
    size = PathMtu(max(sweep.largest, carried), smallest - 1, None)
    return Trouble(
        kind=words.kind,
        protocol=protocol,
        verdict=verdict,
        confidence=confidence,
        sender=src,
        receiver=dst,
        path_mtu=size,
        lost=smallest,
        headline=f"{words.plain[:1].upper()}{words.plain[1:]} from {src} to {dst} {SHOW[verdict]} a PMTUD black hole.",
        explanation=_explanation(sweep, lost, smallest, words),
        rests_on=_frames(lost),
        evidence=tuple(_evidence(sweep, lost, words)),
        ruled_out=tuple(_ruled_out(sweep, lost, words)),
        fixes=fixes_for(
            verdict, sender_ip=src, receiver_ip=dst, path_mtu=size, version=version, platforms=settings.platforms
        ),
        first_time=lost[0].ts,
        last_time=lost[-1].ts,
        streams=tuple(sorted({trial.stream for trial in lost if trial.stream is not None})),
        seen=_seen(sweep, lost),
    )


def _seen(sweep: Sweep, lost: Sequence[Trial]) -> SeenSizes:
    """All of them, to be drawn: answered, lost for their size, and those of which nothing tells why."""
    refs = {trial.ref for trial in lost}
    trials = sorted([*sweep.trials, *sweep.unheard], key=lambda trial: trial.ts)
    came = (True if trial.reply is not None else False if trial.ref in refs else None for trial in trials)
    probes = (SeenDatagram(trial.ts, trial.size, True, each) for trial, each in zip(trials, came, strict=True))
    return together([SeenSizes(datagrams=tuple(probes))])


def _explanation(sweep: Sweep, lost: Sequence[Trial], smallest: int, words: Words) -> str:
    number = plural(len(lost), words.one)
    text = f"{number} with DF of {_sizes(lost)} bytes got no answer, while those of up to {sweep.largest} bytes did"
    if lost is sweep.between:
        text += " before and after each of them"
    else:
        text += " before them; nothing shows that the path was still there when they were lost"
    text += f", and no PTB told that {smallest} bytes are too big."
    return f"{text} A firewall that answers, or lets pass, only small {words.plain} looks the same."


def _sizes(trials: Iterable[Trial]) -> str:
    sizes = sorted({trial.size for trial in trials})
    return f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"


def _frames(trials: Iterable[Trial]) -> tuple[FrameRef, ...]:
    return tuple(trial.ref for trial in trials)[:MOST_FRAMES]


def _evidence(sweep: Sweep, lost: Sequence[Trial], words: Words) -> Iterable[Statement]:
    span = (lost[-1].ts - lost[0].ts) / 1e9
    yield Statement(f"lost: {plural(len(lost), words.one)} of {_sizes(lost)} bytes over {seconds(span)}", _frames(lost))
    controls = sweep.controls()
    replies = tuple(trial.reply for trial in controls if trial.reply is not None)[:MOST_FRAMES]
    yield Statement(
        f"control: {plural(len(controls), words.one)} of {_sizes(controls)} bytes answered{words.answer}", replies
    )
    largest = next(trial for trial in sweep.answered if trial.size == sweep.largest)
    if largest.reply is not None:
        yield Statement(f"largest answered: {largest.size} bytes", (largest.ref, largest.reply))
    if sweep.on_one_link:
        yield Statement("no packet had passed a router, so that nothing tells at which end it was captured", ())
    yield Statement(words.doubt, ())


def _ruled_out(sweep: Sweep, lost: Sequence[Trial], words: Words) -> Iterable[RuledOut]:
    yield RuledOut("pmtud_ok", f"no PTB for these {words.plain} in this capture", ())
    small = sweep.small_lost
    answered = f"{len(sweep.controls())} smaller ones of the same minutes were answered"
    share = f"{answered}, {len(small)} not" if small else f"{answered}, and none was lost"
    yield RuledOut("loss", share, ())
    if lost is sweep.between:
        after = next(t for t in sweep.answered if t.ts > lost[-1].ts)
        frames = (after.reply,) if after.reply is not None else ()
        yield RuledOut("dead_path", f"a smaller {words.one} was answered after the last of them", frames)
