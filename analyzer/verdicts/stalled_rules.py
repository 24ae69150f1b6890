"""The rules for a stalled series of retransmissions. They rest on how TCP works, not on single captures.

`docs/verdicts.md` lists them in words, made from this table.
"""

from __future__ import annotations

from analyzer.verdicts import stalled_conditions as c
from analyzer.verdicts import stalled_explanations as words
from analyzer.verdicts.rule import EVERYTHING, Rule, checked, decide, high, low, medium
from analyzer.verdicts.stalled_facts import StalledFacts


class StalledRule(Rule[StalledFacts]):
    """A rule for a stalled series."""


_STUCK_BY_SIZE = (c.episode, c.oversized, c.size_on_wire, c.with_df)
"""What all black holes of an unanswered segment have in common."""

_BEFORE_SIZE = ("stalled/arrived", "stalled/ptb-ignored", "stalled/ptb-pending", "stalled/lossy-capture")
"""Rules that come before any that blames the size."""

STALLED: tuple[StalledRule, ...] = checked(
    (
        StalledRule(
            id="stalled/one-direction",
            verdict="inconclusive",
            requires=(c.one_direction_only,),
            confidence=low,
            words=words.one_sided,
        ),
        StalledRule(
            id="stalled/zero-window",
            verdict="zero_window",
            requires=(c.window_closed,),
            confidence=high,
            words=words.zero_window,
        ),
        StalledRule(
            id="stalled/pmtud-works",
            verdict="pmtud_ok",
            requires=(c.resolved, c.ptb_obeyed),
            excludes=(c.ptb_blamed,),
            confidence=high,
            words=words.pmtud_ok,
        ),
        StalledRule(
            id="stalled/told-by-sibling",
            verdict="pmtud_ok",
            requires=(c.resolved, c.ptb_about_sibling),
            yields_to=("stalled/pmtud-works",),
            confidence=medium,
            words=words.taught_by_sibling,
        ),
        StalledRule(
            id="stalled/arrived",
            verdict="stall",
            requires=(c.unanswered_or_gave_up_size, c.arrived),
            excludes=(c.peer_gone,),
            confidence=medium,
            words=words.arrived,
        ),
        StalledRule(
            id="stalled/refused",
            verdict="stall",
            requires=(c.answered_by_acks,),
            excludes=(c.resolved,),
            yields_to=("stalled/zero-window",),
            confidence=medium,
            words=words.refused,
        ),
        StalledRule(
            id="stalled/ptb-ignored",
            verdict="ptb_ignored",
            # What contradicts the PTB outranks it: as large got through since, or smaller ones fail as well.
            requires=(c.ptb_blamed,),
            excludes=(c.as_large_since, c.failed_without_control),
            confidence=high,
            words=words.ptb_ignored,
        ),
        StalledRule(
            id="stalled/ptb-pending",
            verdict="inconclusive",
            requires=(c.ptb_outcome_open,),
            excludes=(c.resolved, c.failed, c.as_large_since),
            yields_to=("stalled/one-direction", "stalled/ptb-ignored"),
            confidence=low,
            words=words.ptb_pending,
        ),
        StalledRule(
            id="stalled/recovered",
            verdict="blackhole_recovered",
            requires=(c.resolved, c.gave_up_size, c.with_df, c.oversized, c.control_or_just_before),
            excludes=(c.capture_lossy, c.as_large),
            yields_to=("stalled/pmtud-works", "stalled/told-by-sibling", "stalled/arrived", "stalled/ptb-ignored"),
            confidence=c.recovered_confidence,
            words=words.recovered,
        ),
        StalledRule(
            id="stalled/fragments-recovered",
            verdict="fragment_loss",
            requires=(c.resolved, c.gave_up_size, c.without_df, c.oversized, c.control),
            excludes=(c.as_large,),
            confidence=medium,
            words=words.fragment_loss,
        ),
        StalledRule(
            id="stalled/got-through",
            verdict="loss",
            requires=(c.resolved,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.loss_in_run,
        ),
        StalledRule(
            id="stalled/refused-early",
            verdict="stall",
            requires=(c.answered_at_all, c.lasts_a_second),
            excludes=(
                c.resolved,
                c.hung,
            ),
            confidence=medium,
            words=words.refused,
        ),
        StalledRule(
            id="stalled/loss-at-the-end",
            verdict="loss",
            requires=(c.as_large, c.ends_before_answer_is_due),
            excludes=(
                c.resolved,
                c.hung,
            ),
            yields_to=("stalled/refused-early",),
            confidence=medium,
            words=words.loss_at_the_end,
        ),
        StalledRule(
            id="stalled/short",
            verdict="blackhole_probable",
            requires=(c.sent_again_twice, c.oversized, c.with_df, c.data_control),
            excludes=(c.resolved, c.hung, c.capture_lossy, c.as_large, c.sibling_as_large, c.arrived),
            confidence=low,
            words=words.short_blackhole,
        ),
        StalledRule(
            id="stalled/slow",
            verdict="blackhole_probable",
            # Two retransmissions only, but over a time that takes other senders more, and much was lost beside.
            requires=(
                c.sent_again_twice,
                c.lasts_three_seconds,
                c.oversized,
                c.size_on_wire,
                c.with_df,
                c.control_or_before,
                c.many_large_lost,
            ),
            excludes=(c.resolved, c.hung, c.failed, c.capture_lossy, c.as_large, c.sibling_as_large, c.arrived),
            yields_to=("stalled/short",),
            confidence=low,
            words=words.slow_blackhole,
        ),
        StalledRule(
            id="stalled/too-short",
            verdict="inconclusive",
            excludes=(
                c.resolved,
                c.hung,
            ),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.too_short,
        ),
        StalledRule(
            id="stalled/chance",
            verdict="stall",
            requires=(c.hung, c.by_chance),
            excludes=(c.resolved,),
            confidence=low,
            words=words.by_chance,
        ),
        StalledRule(
            id="stalled/content",
            verdict="content_drop",
            # Where other packets were lost as well and the peer fell silent, it is the path that died.
            requires=(c.hung, c.as_large_since),
            excludes=(c.resolved, c.peer_fell_silent, c.failed_and_silent),
            yields_to=("stalled/chance",),
            confidence=high,
            words=words.content_drop,
        ),
        StalledRule(
            id="stalled/reset",
            verdict="stall",
            requires=(
                c.hung,
                c.answered_by_reset,
            ),
            excludes=(c.resolved,),
            yields_to=("stalled/chance", "stalled/content"),
            confidence=medium,
            words=words.refused,
        ),
        StalledRule(
            id="stalled/peer-gone",
            verdict="stall",
            requires=(
                c.hung,
                c.peer_gone,
            ),
            excludes=(c.resolved, c.control),
            yields_to=("stalled/content",),
            confidence=low,
            words=words.peer_gone,
        ),
        StalledRule(
            id="stalled/content-or-path",
            verdict="content_drop",
            # Another connection got as large through meanwhile, this one lost a single segment.
            requires=(c.hung, c.sibling_as_large_meanwhile, c.own_control, c.no_chance),
            excludes=(c.resolved, c.as_large_since, c.several_large_lost),
            yields_to=("stalled/chance",),
            confidence=medium,
            words=words.content_or_path,
        ),
        StalledRule(
            id="stalled/lossy-capture",
            verdict="inconclusive",
            requires=(
                c.hung,
                c.capture_blind,
            ),
            excludes=(c.resolved,),
            yields_to=("stalled/one-direction", "stalled/arrived", "stalled/content"),
            confidence=low,
            words=words.too_lossy,
        ),
        StalledRule(
            id="stalled/blackhole",
            verdict="blackhole",
            requires=(*_STUCK_BY_SIZE, c.control),
            excludes=(c.resolved, c.as_large, c.sibling_as_large_so_far),
            yields_to=(*_BEFORE_SIZE, "stalled/zero-window"),
            confidence=c.blackhole_confidence,
            words=words.blackhole,
        ),
        StalledRule(
            id="stalled/parallel-paths",
            verdict="blackhole_probable",
            # Where others carry all sizes, their small packets say nothing of this one.
            requires=(
                *_STUCK_BY_SIZE,
                c.own_control,
                c.sibling_as_large_meanwhile,
                c.several_large_lost,
            ),
            excludes=(
                c.resolved,
                c.as_large,
            ),
            confidence=medium,
            words=words.parallel_paths,
        ),
        StalledRule(
            id="stalled/path-changed",
            verdict="blackhole_probable",
            # What other connections get through says little of one that may be cut off; what they lose says more.
            requires=(*_STUCK_BY_SIZE, c.control, c.many_lost_since),
            excludes=(c.resolved, c.as_large_since, c.sibling_as_large_meanwhile, c.cut_off),
            yields_to=(*_BEFORE_SIZE, "stalled/blackhole"),
            confidence=c.changed_confidence,
            words=words.path_changed,
        ),
        StalledRule(
            id="stalled/other-paths-before",
            verdict="blackhole_probable",
            # As large got through elsewhere, but before: it may have gone another way, or the path was wider.
            requires=(*_STUCK_BY_SIZE, c.own_control, c.several_large_lost),
            excludes=(
                c.resolved,
                c.as_large,
            ),
            yields_to=(*_BEFORE_SIZE, "stalled/blackhole", "stalled/parallel-paths", "stalled/path-changed"),
            confidence=low,
            words=words.other_paths_before,
        ),
        StalledRule(
            id="stalled/fragments",
            verdict="fragment_loss",
            requires=(c.hung, c.oversized, c.without_df, c.small_ones_pass, c.several_tried),
            excludes=(
                c.resolved,
                c.as_large,
            ),
            confidence=c.fragment_confidence,
            words=words.fragment_loss,
        ),
        StalledRule(
            id="stalled/payload",
            verdict="stall",
            requires=(
                c.hung,
                c.data_fail_others_pass,
            ),
            excludes=(c.resolved,),
            yields_to=("stalled/chance", "stalled/lossy-capture"),
            confidence=medium,
            words=words.payload_fails,
        ),
        StalledRule(
            id="stalled/dead-path",
            verdict="dead_path",
            requires=(
                c.hung,
                c.nothing_passes,
            ),
            excludes=(
                c.resolved,
                c.control,
            ),
            yields_to=(EVERYTHING,),
            confidence=c.dead_confidence,
            words=words.dead_path,
        ),
        StalledRule(
            id="stalled/no-control",
            verdict="blackhole_probable",
            requires=(*_STUCK_BY_SIZE, c.passed_at_all),
            excludes=(c.resolved, c.failed, c.as_large, c.times_go_back, c.sibling_as_large_so_far),
            yields_to=(EVERYTHING,),
            confidence=medium,
            words=words.probable,
        ),
        StalledRule(
            id="stalled/starts-late",
            verdict="inconclusive",
            requires=(
                c.hung,
                c.starts_within,
            ),
            excludes=(c.resolved,),
            yields_to=("stalled/one-direction", "stalled/lossy-capture", "stalled/dead-path"),
            confidence=low,
            words=words.starts_late,
        ),
        StalledRule(
            id="stalled/unexplained",
            verdict="stall",
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.stall,
        ),
    )
)


def judge_stalled(facts: StalledFacts) -> StalledRule:
    """The rule that decides about a series."""
    return decide(STALLED, facts)
