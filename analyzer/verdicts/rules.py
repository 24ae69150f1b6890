"""The rule tables. Each row: what it needs, how sure it is, and how it is told.

`STALLED` judges one run of retransmissions, `PLAIN` (in `plain`) a direction without a stall. The first row
whose `applies` holds wins. Rows rest on how TCP works; docs of the verdicts are in the contract's words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.verdicts import words
from analyzer.verdicts.facts import LARGE_LOST, Facts


class StallRule(NamedTuple):
    """One row of the table for stalled runs."""

    verdict: str
    applies: Callable[[Facts], bool]
    confidence: Callable[[Facts], str]
    words: Callable[[Facts], str]


def _high(_: Facts) -> str:
    return "high"


def _medium(_: Facts) -> str:
    return "medium"


def _low(_: Facts) -> str:
    return "low"


def _one_sided(f: Facts) -> bool:
    return f.way.one_sided


def _zero_window(f: Facts) -> bool:
    return f.window_closed


def _ptb_ignored(f: Facts) -> bool:
    return bool(f.ignored)


def _pmtud_ok(f: Facts) -> bool:
    return f.resolved and bool(f.obeyed)


def _ptb_pending(f: Facts) -> bool:
    """A PTB that asks for less came, and the capture does not show what the sender made of it."""
    return not f.resolved and any(p.plausible and p.mtu < f.head.ip_len and p not in f.ignored for p in f.about)


def _contradicted(f: Facts) -> bool:
    """A packet as large got through: size is not what decides."""
    return f.as_large != (None, None)


def _recovered(f: Facts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and f.head.df
        and f.oversized
        and not f.capture_lossy
        and not _contradicted(f)
    )


def _recovered_confidence(f: Facts) -> str:
    return "high" if f.episode and f.passed is not None and f.passed.sure else "medium"


def _fragments_recovered(f: Facts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and not f.head.df
        and f.oversized
        and not _contradicted(f)
    )


def _resolved(f: Facts) -> bool:
    return f.resolved


def _content_drop(f: Facts) -> bool:
    if not f.hung or f.as_large[1] is None:
        return False
    if f.others_hang is not None and f.passed is None and f.peer_spoke is None:
        return False  # all of them stopped at once, and nothing is heard any more
    # Where other packets were lost as well and the peer fell silent, it is the path that died.
    return f.failed is None or f.peer_spoke is not None


def _ended_in_recovery(f: Facts) -> bool:
    """Too short for an episode, and packets as large did get through: ordinary loss, cut off by the end."""
    return not f.hung and _contradicted(f)


def _short_blackhole(f: Facts) -> bool:
    return (
        not f.hung
        and f.run.retransmissions >= 2
        and f.oversized
        and f.head.df
        and f.passed is not None
        and f.passed.sure
        and not f.capture_lossy
    )


def _too_short(f: Facts) -> bool:
    return not f.hung


def _too_lossy(f: Facts) -> bool:
    return f.capture_lossy


def _blackhole(f: Facts) -> bool:
    return f.episode and f.passed is not None and f.passed.sure and f.oversized and f.head.df and not _contradicted(f)


def _blackhole_confidence(f: Facts) -> str:
    # Not what came later (`as_large_later`, which the words tell): the end of a capture must not make it surer.
    seen_from_start = f.way.full_size > 0
    sure = seen_from_start and f.passed is not None and f.passed.frames
    return "high" if sure and not f.only_one_tried else "medium"


def _path_changed(f: Facts) -> bool:
    return (
        f.episode
        and f.passed is not None
        and f.passed.sure
        and f.oversized
        and f.head.df
        and f.as_large[1] is None
        and f.failed is None
        and len(f.large_lost) >= LARGE_LOST
    )


def _fragment_loss(f: Facts) -> bool:
    small = f.passed is not None or (f.before is not None and f.failed is None)
    return f.oversized and not f.head.df and small and not _contradicted(f)


def _fragment_confidence(f: Facts) -> str:
    return "high" if f.passed is not None and f.passed.sure else "low"


def _dead_path(f: Facts) -> bool:
    if f.passed is not None and f.passed.sure:
        return False
    if f.failed is not None:
        return True
    # Nothing smaller was tried, but packets as large used to get through, or the stuck one is small itself.
    return f.passed is None and f.peer_spoke is None and (f.as_large[0] is not None or not f.oversized)


def _dead_confidence(f: Facts) -> str:
    return "high" if f.failed is not None and f.peer_spoke is None else "medium" if f.failed is not None else "low"


def _probable(f: Facts) -> bool:
    return (
        f.episode
        and f.oversized
        and f.head.df
        and f.failed is None
        and not _contradicted(f)
        and (f.before is not None or f.passed is not None)
    )


def _starts_late(f: Facts) -> bool:
    return f.before is None and f.passed is None and f.way.full_size == 0


def _always(_: Facts) -> bool:
    return True


STALLED: tuple[StallRule, ...] = (
    StallRule("inconclusive", _one_sided, _low, words.one_sided),
    StallRule("zero_window", _zero_window, _high, words.zero_window),
    StallRule("ptb_ignored", _ptb_ignored, _high, words.ptb_ignored),
    StallRule("pmtud_ok", _pmtud_ok, _high, words.pmtud_ok),
    StallRule("inconclusive", _ptb_pending, _low, words.ptb_pending),
    StallRule("blackhole_recovered", _recovered, _recovered_confidence, words.recovered),
    StallRule("fragment_loss", _fragments_recovered, _medium, words.fragment_loss),
    StallRule("loss", _resolved, _high, words.loss_in_run),
    StallRule("content_drop", _content_drop, _high, words.content_drop),
    StallRule("loss", _ended_in_recovery, _medium, words.ended_in_recovery),
    StallRule("blackhole_probable", _short_blackhole, _low, words.short_blackhole),
    StallRule("inconclusive", _too_short, _low, words.too_short),
    StallRule("inconclusive", _too_lossy, _low, words.too_lossy),
    StallRule("blackhole", _blackhole, _blackhole_confidence, words.blackhole),
    StallRule("blackhole_probable", _path_changed, _medium, words.path_changed),
    StallRule("fragment_loss", _fragment_loss, _fragment_confidence, words.fragment_loss),
    StallRule("dead_path", _dead_path, _dead_confidence, words.dead_path),
    StallRule("blackhole_probable", _probable, _medium, words.probable),
    StallRule("inconclusive", _starts_late, _low, words.starts_late),
    StallRule("stall", _always, _low, words.stall),
)


def judge_run(facts: Facts) -> StallRule:
    """The first rule that applies to a run."""
    return next(rule for rule in STALLED if rule.applies(facts))
