"""The rule tables. Each row: what it needs, how sure it is, and how it is told.

`STALLED` judges one run of retransmissions, `PLAIN` (in `plain`) a direction without a stall. The first row
whose `applies` holds wins. Rows rest on how TCP works; docs of the verdicts are in the contract's words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.verdicts import explanations as words
from analyzer.verdicts.stalled_facts import LARGE_LOST, SEVERAL, StalledFacts

FEW_MISSING = 0.05
"""Share of the acknowledged bytes that a capture may miss before what it proves is proven no more than weakly."""


class StalledRule(NamedTuple):
    """One row of the table for stalled runs."""

    verdict: str
    applies: Callable[[StalledFacts], bool]
    confidence: Callable[[StalledFacts], str]
    words: Callable[[StalledFacts], str]


def _high(_: StalledFacts) -> str:
    return "high"


def _medium(_: StalledFacts) -> str:
    return "medium"


def _low(_: StalledFacts) -> str:
    return "low"


def _one_sided(f: StalledFacts) -> bool:
    return f.direction.one_sided


def _zero_window(f: StalledFacts) -> bool:
    return f.window_closed


def _arrived(f: StalledFacts) -> bool:
    """It was seen where it was going to: the path carries it."""
    fell_back = f.resolved and f.fell_back is not None and f.gave_up_size
    return (fell_back or (f.hung and not f.resolved)) and f.arrived is not None and f.peer_gone is None


def _refused(f: StalledFacts) -> bool:
    return not f.resolved and f.refused is not None and f.refused.kind == "ack"


def _reset(f: StalledFacts) -> bool:
    return not f.resolved and f.refused is not None and f.refused.kind == "data"


def _peer_gone(f: StalledFacts) -> bool:
    return not f.resolved and f.peer_gone is not None and f.control is None


def _pmtud_ok(f: StalledFacts) -> bool:
    return f.resolved and bool(f.obeyed) and not f.blamed


def _taught_by_sibling(f: StalledFacts) -> bool:
    return f.resolved and f.told is not None


def _contradicted(f: StalledFacts) -> bool:
    """A packet as large of this connection got through: size is not what decides."""
    return f.as_large != (None, None)


def _ptb_ignored(f: StalledFacts) -> bool:
    # What contradicts the PTB outranks it: as large got through since, or smaller ones fail as well.
    if not f.blamed or f.as_large[1] is not None:
        return False
    return f.failed is None or f.control is not None


def _ptb_pending(f: StalledFacts) -> bool:
    """A PTB that asks for less came, and the capture does not show what the sender made of it."""
    if f.resolved or f.failed is not None or f.as_large[1] is not None:
        return False
    return any(p.plausible and p.mtu < f.stuck_segment.ip_len and p not in f.ignored for p in f.about)


def _recovered(f: StalledFacts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and f.stuck_segment.df
        and f.oversized
        and (f.control is not None or (f.just_before is not None and f.failed is None and len(f.large_lost) >= SEVERAL))
        and not f.capture_lossy
        and not _contradicted(f)
    )


def _recovered_confidence(f: StalledFacts) -> str:
    return "high" if f.episode and f.control is not None and f.control.kind == "data" else "medium"


def _fragments_recovered(f: StalledFacts) -> bool:
    return (
        f.resolved
        and f.fell_back is not None
        and f.gave_up_size
        and not f.stuck_segment.df
        and f.oversized
        and f.control is not None
        and not _contradicted(f)
    )


def _resolved(f: StalledFacts) -> bool:
    return f.resolved


def _by_chance(f: StalledFacts) -> bool:
    """So much else is lost that the run may be bad luck."""
    if not f.hung:
        return False
    return f.unlucky or f.siblings_unlucky or f.damaged


def _content_drop(f: StalledFacts) -> bool:
    if not f.hung or f.as_large[1] is None:
        return False
    if f.others_hang is not None and f.passed is None and f.peer_spoke is None:
        return False  # all of them stopped at once, and nothing is heard any more
    # Where other packets were lost as well and the peer fell silent, it is the path that died.
    return f.failed is None or f.peer_spoke is not None


def _content_or_path(f: StalledFacts) -> bool:
    """Another connection got as large through meanwhile, this one lost a single segment."""
    return (
        f.hung
        and f.siblings_as_large[1] is not None
        and f.as_large[1] is None
        and len(f.large_lost) < SEVERAL
        and _own_control(f)
        and f.losses.expected < f.settings.chance
    )


def _loss_at_the_end(f: StalledFacts) -> bool:
    """Its answer may be on its way when the capture ends, and packets as large did get through: ordinary loss."""
    due = max(f.settings.control_wait_ns, 2 * f.direction.rtt)
    return not f.hung and _contradicted(f) and f.direction.ended_ts - f.series.first.ts < due


def _short_blackhole(f: StalledFacts) -> bool:
    return (
        not f.hung
        and f.series.retransmission_count >= 2
        and f.oversized
        and f.stuck_segment.df
        and f.control is not None
        and f.control.kind == "data"
        and not f.capture_lossy
        and not _contradicted(f)
        and f.siblings_as_large == (None, None, None)
        and f.arrived is None
    )


def _slow_blackhole(f: StalledFacts) -> bool:
    """Two retransmissions only, but over a time that takes other senders more, and much was lost beside."""
    return (
        not f.hung
        and f.series.retransmission_count >= 2
        and f.series.span >= f.settings.hole_ns
        and f.oversized
        and f.stuck_size_known
        and f.stuck_segment.df
        and f.failed is None
        and (f.before is not None or f.control is not None)
        and len(f.large_lost) >= LARGE_LOST
        and not f.capture_lossy
        and not _contradicted(f)
        and f.siblings_as_large == (None, None, None)
        and f.arrived is None
    )


def _reset_early(f: StalledFacts) -> bool:
    return not f.hung and f.refused is not None and f.series.span >= f.settings.episode_span_ns


def _too_short(f: StalledFacts) -> bool:
    return not f.hung


def _too_lossy(f: StalledFacts) -> bool:
    return f.capture_blind


def _stuck_by_size(f: StalledFacts) -> bool:
    """What all black holes of an unanswered segment have in common: DF, its size, something smaller that passes."""
    return f.episode and f.control is not None and f.oversized and f.stuck_size_known and f.stuck_segment.df


def _blackhole(f: StalledFacts) -> bool:
    return _stuck_by_size(f) and not _contradicted(f) and f.siblings_as_large[:2] == (None, None)


def _blackhole_confidence(f: StalledFacts) -> str:
    if f.direction.missing_share > FEW_MISSING:
        return "low"
    # Not what came later, which the words tell: the end of a capture must not make it surer.
    control = f.control
    seen_from_start = f.direction.full_size > 0
    sure = seen_from_start and control is not None and control.kind == "data" and control.frames and f.failed is None
    return "high" if sure and not f.only_one_tried and not f.capture_lossy else "medium"


def _own_control(f: StalledFacts) -> bool:
    """Something of this connection passes: where others carry all sizes, their small packets say nothing of it."""
    return f.control is not None and f.control.kind != "sibling"


def _parallel_paths(f: StalledFacts) -> bool:
    """Other connections get as large through meanwhile, this one has lost several and delivered none."""
    return (
        _stuck_by_size(f)
        and _own_control(f)
        and not _contradicted(f)
        and f.siblings_as_large[1] is not None
        and len(f.large_lost) >= SEVERAL
    )


def _path_changed(f: StalledFacts) -> bool:
    # What other connections get through says little of one that may be cut off by itself; what they lose says more.
    cut_off = f.control is not None and f.control.kind != "data" and not f.siblings_lost and not f.settled
    return (
        _stuck_by_size(f)
        and f.as_large[1] is None
        and f.siblings_as_large[1] is None
        and len(f.narrowed) >= LARGE_LOST
        and not cut_off
    )


def _changed_confidence(f: StalledFacts) -> str:
    alone = f.control is not None and f.control.kind != "data" and not f.siblings_lost
    return "low" if alone else "medium"


def _other_paths_before(f: StalledFacts) -> bool:
    """As large got through in another connection, but before: it may have gone another way, or the path was wider."""
    return _stuck_by_size(f) and _own_control(f) and not _contradicted(f) and len(f.large_lost) >= SEVERAL


def _fragment_loss(f: StalledFacts) -> bool:
    small = f.control is not None or (f.before is not None and f.failed is None and f.passed is not None)
    several = not f.only_one_tried or f.control is not None
    return f.oversized and f.hung and not f.stuck_segment.df and small and several and not _contradicted(f)


def _fragment_confidence(f: StalledFacts) -> str:
    sure = f.control is not None and f.control.kind == "data" and f.siblings_as_large[1] is None
    return "high" if sure else "low"


def _payload_fails(f: StalledFacts) -> bool:
    """Data of any size fails while bare ACKs, or other connections, get through."""
    return f.failed is not None and f.failed.kind == "data" and f.passed is not None and f.passed.kind != "data"


def _dead_path(f: StalledFacts) -> bool:
    if f.control is not None:
        return False
    if f.failed is not None:
        return True
    # Nothing smaller was tried, but packets as large used to get through, or the stuck one is small itself.
    return f.passed is None and f.peer_spoke is None and (_carried_as_large(f) or f.small)


def _carried_as_large(f: StalledFacts) -> bool:
    return f.as_large[0] is not None or f.siblings_as_large[0] is not None


def _dead_confidence(f: StalledFacts) -> str:
    if f.failed is None:
        return "low"
    return "high" if f.failed.kind != "sibling" and f.peer_spoke is None else "medium"


def _probable(f: StalledFacts) -> bool:
    return (
        f.episode
        and f.oversized
        and f.stuck_size_known
        and f.stuck_segment.df
        and f.failed is None
        and not _contradicted(f)
        and not f.direction.backwards  # whether others failed at that time is not known
        and f.siblings_as_large[:2] == (None, None)
        and (f.before is not None or f.passed is not None)
    )


def _starts_late(f: StalledFacts) -> bool:
    return f.before is None and f.passed is None and f.direction.full_size == 0


def _always(_: StalledFacts) -> bool:
    return True


STALLED: tuple[StalledRule, ...] = (
    StalledRule("inconclusive", _one_sided, _low, words.one_sided),
    StalledRule("zero_window", _zero_window, _high, words.zero_window),
    StalledRule("pmtud_ok", _pmtud_ok, _high, words.pmtud_ok),
    StalledRule("pmtud_ok", _taught_by_sibling, _medium, words.taught_by_sibling),
    StalledRule("stall", _arrived, _medium, words.arrived),
    StalledRule("stall", _refused, _medium, words.refused),
    StalledRule("ptb_ignored", _ptb_ignored, _high, words.ptb_ignored),
    StalledRule("inconclusive", _ptb_pending, _low, words.ptb_pending),
    StalledRule("blackhole_recovered", _recovered, _recovered_confidence, words.recovered),
    StalledRule("fragment_loss", _fragments_recovered, _medium, words.fragment_loss),
    StalledRule("loss", _resolved, _high, words.loss_in_run),
    StalledRule("stall", _reset_early, _medium, words.refused),
    StalledRule("loss", _loss_at_the_end, _medium, words.loss_at_the_end),
    StalledRule("blackhole_probable", _short_blackhole, _low, words.short_blackhole),
    StalledRule("blackhole_probable", _slow_blackhole, _low, words.slow_blackhole),
    StalledRule("inconclusive", _too_short, _low, words.too_short),
    StalledRule("stall", _by_chance, _low, words.by_chance),
    StalledRule("content_drop", _content_drop, _high, words.content_drop),
    StalledRule("stall", _reset, _medium, words.refused),
    StalledRule("stall", _peer_gone, _low, words.peer_gone),
    StalledRule("content_drop", _content_or_path, _medium, words.content_or_path),
    StalledRule("inconclusive", _too_lossy, _low, words.too_lossy),
    StalledRule("blackhole", _blackhole, _blackhole_confidence, words.blackhole),
    StalledRule("blackhole_probable", _parallel_paths, _medium, words.parallel_paths),
    StalledRule("blackhole_probable", _path_changed, _changed_confidence, words.path_changed),
    StalledRule("blackhole_probable", _other_paths_before, _low, words.other_paths_before),
    StalledRule("fragment_loss", _fragment_loss, _fragment_confidence, words.fragment_loss),
    StalledRule("stall", _payload_fails, _medium, words.payload_fails),
    StalledRule("dead_path", _dead_path, _dead_confidence, words.dead_path),
    StalledRule("blackhole_probable", _probable, _medium, words.probable),
    StalledRule("inconclusive", _starts_late, _low, words.starts_late),
    StalledRule("stall", _always, _low, words.stall),
)


def judge_stalled(facts: StalledFacts) -> StalledRule:
    """The first rule that applies to a run."""
    return next(rule for rule in STALLED if rule.applies(facts))
