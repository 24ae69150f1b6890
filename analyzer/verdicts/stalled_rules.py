"""The rule tables. Each row: what it needs, how sure it is, and how it is told.

`STALLED` judges one run of retransmissions, `PLAIN` (in `plain`) a direction without a stall. The first row
whose `applies` holds wins. Rows rest on how TCP works; docs of the verdicts are in the contract's words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.verdicts import explanations as words
from analyzer.verdicts.stalled_facts import LARGE_LOST, SEVERAL, Facts

FEW_MISSING = 0.05
"""Share of the acknowledged bytes that a capture may miss before what it proves is proven no more than weakly."""


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


def _arrived(f: Facts) -> bool:
    """It was seen where it was going to: the path carries it."""
    fell_back = f.resolved and f.fell_back is not None and f.gave_up_size
    return (fell_back or (f.hung and not f.resolved)) and f.arrived is not None and f.peer_gone is None


def _refused(f: Facts) -> bool:
    return not f.resolved and f.refused is not None and f.refused.kind == "ack"


def _reset(f: Facts) -> bool:
    return not f.resolved and f.refused is not None and f.refused.kind == "data"


def _peer_gone(f: Facts) -> bool:
    return not f.resolved and f.peer_gone is not None and f.control is None


def _pmtud_ok(f: Facts) -> bool:
    return f.resolved and bool(f.obeyed) and not f.blamed


def _taught_by_sibling(f: Facts) -> bool:
    return f.resolved and f.told is not None


def _contradicted(f: Facts) -> bool:
    """A packet as large of this connection got through: size is not what decides."""
    return f.as_large != (None, None)


def _ptb_ignored(f: Facts) -> bool:
    # What contradicts the PTB outranks it: as large got through since, or smaller ones fail as well.
    if not f.blamed or f.as_large[1] is not None:
        return False
    return f.failed is None or f.control is not None


def _ptb_pending(f: Facts) -> bool:
    """A PTB that asks for less came, and the capture does not show what the sender made of it."""
    if f.resolved or f.failed is not None or f.as_large[1] is not None:
        return False
    return any(p.plausible and p.mtu < f.head.ip_len and p not in f.ignored for p in f.about)


def _recovered(f: Facts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and f.head.df
        and f.oversized
        and (f.control is not None or (f.just_before is not None and f.failed is None and len(f.large_lost) >= SEVERAL))
        and not f.capture_lossy
        and not _contradicted(f)
    )


def _recovered_confidence(f: Facts) -> str:
    return "high" if f.episode and f.control is not None and f.control.kind == "data" else "medium"


def _fragments_recovered(f: Facts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and not f.head.df
        and f.oversized
        and f.control is not None
        and not _contradicted(f)
    )


def _resolved(f: Facts) -> bool:
    return f.resolved


def _by_chance(f: Facts) -> bool:
    """So much else is lost that the run may be bad luck."""
    if not f.hung:
        return False
    return f.unlucky or f.siblings_unlucky or f.damaged


def _content_drop(f: Facts) -> bool:
    if not f.hung or f.as_large[1] is None:
        return False
    if f.others_hang is not None and f.passed is None and f.peer_spoke is None:
        return False  # all of them stopped at once, and nothing is heard any more
    # Where other packets were lost as well and the peer fell silent, it is the path that died.
    return f.failed is None or f.peer_spoke is not None


def _content_or_path(f: Facts) -> bool:
    """Another connection got as large through meanwhile, this one lost a single segment."""
    return (
        f.hung
        and f.siblings_as_large[1] is not None
        and f.as_large[1] is None
        and len(f.large_lost) < SEVERAL
        and _own_control(f)
        and f.losses.expected < f.settings.chance
    )


def _loss_at_the_end(f: Facts) -> bool:
    """Its answer may be on its way when the capture ends, and packets as large did get through: ordinary loss."""
    due = max(f.settings.control_wait_ns, 2 * f.way.rtt)
    return not f.hung and _contradicted(f) and f.way.ended_ts - f.run.first.ts < due


def _short_blackhole(f: Facts) -> bool:
    return (
        not f.hung
        and f.run.retransmissions >= 2
        and f.oversized
        and f.head.df
        and f.control is not None
        and f.control.kind == "data"
        and not f.capture_lossy
        and not _contradicted(f)
        and f.siblings_as_large == (None, None, None)
        and f.arrived is None
    )


def _slow_blackhole(f: Facts) -> bool:
    """Two retransmissions only, but over a time that takes other senders more, and much was lost beside."""
    return (
        not f.hung
        and f.run.retransmissions >= 2
        and f.run.span >= f.settings.hole_ns
        and f.oversized
        and f.head_size_known
        and f.head.df
        and f.failed is None
        and (f.before is not None or f.control is not None)
        and len(f.large_lost) >= LARGE_LOST
        and not f.capture_lossy
        and not _contradicted(f)
        and f.siblings_as_large == (None, None, None)
        and f.arrived is None
    )


def _reset_early(f: Facts) -> bool:
    return not f.hung and f.refused is not None and f.run.span >= f.settings.episode_span_ns


def _too_short(f: Facts) -> bool:
    return not f.hung


def _too_lossy(f: Facts) -> bool:
    return f.capture_blind


def _stuck_by_size(f: Facts) -> bool:
    """What all black holes of an unanswered segment have in common: DF, its size, something smaller that passes."""
    return f.episode and f.control is not None and f.oversized and f.head_size_known and f.head.df


def _blackhole(f: Facts) -> bool:
    return _stuck_by_size(f) and not _contradicted(f) and f.siblings_as_large[:2] == (None, None)


def _blackhole_confidence(f: Facts) -> str:
    if f.way.missing_share > FEW_MISSING:
        return "low"
    # Not what came later, which the words tell: the end of a capture must not make it surer.
    control = f.control
    seen_from_start = f.way.full_size > 0
    sure = seen_from_start and control is not None and control.kind == "data" and control.frames and f.failed is None
    return "high" if sure and not f.only_one_tried and not f.capture_lossy else "medium"


def _own_control(f: Facts) -> bool:
    """Something of this connection passes: where others carry all sizes, their small packets say nothing of it."""
    return f.control is not None and f.control.kind != "sibling"


def _parallel_paths(f: Facts) -> bool:
    """Other connections get as large through meanwhile, this one has lost several and delivered none."""
    return (
        _stuck_by_size(f)
        and _own_control(f)
        and not _contradicted(f)
        and f.siblings_as_large[1] is not None
        and len(f.large_lost) >= SEVERAL
    )


def _path_changed(f: Facts) -> bool:
    # What other connections get through says little of one that may be cut off by itself; what they lose says more.
    cut_off = f.control is not None and f.control.kind != "data" and not f.siblings_lost and not f.settled
    return (
        _stuck_by_size(f)
        and f.as_large[1] is None
        and f.siblings_as_large[1] is None
        and len(f.narrowed) >= LARGE_LOST
        and not cut_off
    )


def _changed_confidence(f: Facts) -> str:
    alone = f.control is not None and f.control.kind != "data" and not f.siblings_lost
    return "low" if alone else "medium"


def _other_paths_before(f: Facts) -> bool:
    """As large got through in another connection, but before: it may have gone another way, or the path was wider."""
    return _stuck_by_size(f) and _own_control(f) and not _contradicted(f) and len(f.large_lost) >= SEVERAL


def _fragment_loss(f: Facts) -> bool:
    small = f.control is not None or (f.before is not None and f.failed is None and f.passed is not None)
    several = not f.only_one_tried or f.control is not None
    return f.oversized and f.hung and not f.head.df and small and several and not _contradicted(f)


def _fragment_confidence(f: Facts) -> str:
    sure = f.control is not None and f.control.kind == "data" and f.siblings_as_large[1] is None
    return "high" if sure else "low"


def _payload_fails(f: Facts) -> bool:
    """Data of any size fails while bare ACKs, or other connections, get through."""
    return f.failed is not None and f.failed.kind == "data" and f.passed is not None and f.passed.kind != "data"


def _dead_path(f: Facts) -> bool:
    if f.control is not None:
        return False
    if f.failed is not None:
        return True
    # Nothing smaller was tried, but packets as large used to get through, or the stuck one is small itself.
    return f.passed is None and f.peer_spoke is None and (_carried_as_large(f) or f.small)


def _carried_as_large(f: Facts) -> bool:
    return f.as_large[0] is not None or f.siblings_as_large[0] is not None


def _dead_confidence(f: Facts) -> str:
    if f.failed is None:
        return "low"
    return "high" if f.failed.kind != "sibling" and f.peer_spoke is None else "medium"


def _probable(f: Facts) -> bool:
    return (
        f.episode
        and f.oversized
        and f.head_size_known
        and f.head.df
        and f.failed is None
        and not _contradicted(f)
        and not f.way.backwards  # whether others failed at that time is not known
        and f.siblings_as_large[:2] == (None, None)
        and (f.before is not None or f.passed is not None)
    )


def _starts_late(f: Facts) -> bool:
    return f.before is None and f.passed is None and f.way.full_size == 0


def _always(_: Facts) -> bool:
    return True


STALLED: tuple[StallRule, ...] = (
    StallRule("inconclusive", _one_sided, _low, words.one_sided),
    StallRule("zero_window", _zero_window, _high, words.zero_window),
    StallRule("pmtud_ok", _pmtud_ok, _high, words.pmtud_ok),
    StallRule("pmtud_ok", _taught_by_sibling, _medium, words.taught_by_sibling),
    StallRule("stall", _arrived, _medium, words.arrived),
    StallRule("stall", _refused, _medium, words.refused),
    StallRule("ptb_ignored", _ptb_ignored, _high, words.ptb_ignored),
    StallRule("inconclusive", _ptb_pending, _low, words.ptb_pending),
    StallRule("blackhole_recovered", _recovered, _recovered_confidence, words.recovered),
    StallRule("fragment_loss", _fragments_recovered, _medium, words.fragment_loss),
    StallRule("loss", _resolved, _high, words.loss_in_run),
    StallRule("stall", _reset_early, _medium, words.refused),
    StallRule("loss", _loss_at_the_end, _medium, words.loss_at_the_end),
    StallRule("blackhole_probable", _short_blackhole, _low, words.short_blackhole),
    StallRule("blackhole_probable", _slow_blackhole, _low, words.slow_blackhole),
    StallRule("inconclusive", _too_short, _low, words.too_short),
    StallRule("stall", _by_chance, _low, words.by_chance),
    StallRule("content_drop", _content_drop, _high, words.content_drop),
    StallRule("stall", _reset, _medium, words.refused),
    StallRule("stall", _peer_gone, _low, words.peer_gone),
    StallRule("content_drop", _content_or_path, _medium, words.content_or_path),
    StallRule("inconclusive", _too_lossy, _low, words.too_lossy),
    StallRule("blackhole", _blackhole, _blackhole_confidence, words.blackhole),
    StallRule("blackhole_probable", _parallel_paths, _medium, words.parallel_paths),
    StallRule("blackhole_probable", _path_changed, _changed_confidence, words.path_changed),
    StallRule("blackhole_probable", _other_paths_before, _low, words.other_paths_before),
    StallRule("fragment_loss", _fragment_loss, _fragment_confidence, words.fragment_loss),
    StallRule("stall", _payload_fails, _medium, words.payload_fails),
    StallRule("dead_path", _dead_path, _dead_confidence, words.dead_path),
    StallRule("blackhole_probable", _probable, _medium, words.probable),
    StallRule("inconclusive", _starts_late, _low, words.starts_late),
    StallRule("stall", _always, _low, words.stall),
)


def judge_run(facts: Facts) -> StallRule:
    """The first rule that applies to a run."""
    return next(rule for rule in STALLED if rule.applies(facts))
