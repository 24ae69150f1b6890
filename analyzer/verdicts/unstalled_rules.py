"""The rules for a direction in which no segment is stuck: what its sizes, windows, holes and silence tell.

`docs/verdicts.md` lists them in words, made from this table. For flows of which nothing is recorded `bulk_verdicts` has
the same rules over whole columns.
"""

from __future__ import annotations

from analyzer.verdicts import unstalled_conditions as c
from analyzer.verdicts import unstalled_explanations as words
from analyzer.verdicts.rule import EVERYTHING, Rule, checked, decide, high, low, medium
from analyzer.verdicts.unstalled_facts import UnstalledFacts


class UnstalledRule(Rule[UnstalledFacts]):
    """A rule for a direction without a stall."""


UNSTALLED: tuple[UnstalledRule, ...] = checked(
    (
        UnstalledRule(
            id="unstalled/one-direction",
            verdict="inconclusive",
            requires=(c.one_direction_only,),
            confidence=low,
            words=words.one_sided_words,
        ),
        UnstalledRule(
            id="unstalled/useless-capture",
            verdict="inconclusive",
            requires=(c.mostly_missing,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.lossy_words,
        ),
        UnstalledRule(
            id="unstalled/not-recorded",
            verdict="inconclusive",
            requires=(c.unrecorded_stall,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.unrecorded_words,
            frames=words.unrecorded_frames,
        ),
        UnstalledRule(
            id="unstalled/pmtud-works",
            verdict="pmtud_ok",
            requires=(c.ptb_answered,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.pmtud_words,
            frames=words.pmtud_frames,
        ),
        UnstalledRule(
            id="unstalled/ptb-pending",
            verdict="inconclusive",
            requires=(c.ptb_pending,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.pending_words,
            frames=words.pending_frames,
        ),
        UnstalledRule(
            id="unstalled/zero-window",
            verdict="zero_window",
            requires=(c.window_long_closed,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.zero_window_words,
            frames=words.zero_window_frames,
        ),
        UnstalledRule(
            id="unstalled/window-closed-at-the-end",
            verdict="inconclusive",
            requires=(c.window_closed_at_the_end,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.closed_at_the_end_words,
            frames=words.zero_window_frames,
        ),
        UnstalledRule(
            id="unstalled/hole",
            verdict="blackhole_suspected",
            requires=(c.hole_of_full_size,),
            yields_to=(EVERYTHING,),
            confidence=medium,
            words=words.hole_words,
            frames=words.hole_frames,
        ),
        UnstalledRule(
            id="unstalled/cut-smaller",
            verdict="inconclusive",
            requires=(c.cut_smaller,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.recut_words,
            frames=words.recut_frames,
        ),
        UnstalledRule(
            id="unstalled/hole-so-far",
            verdict="inconclusive",
            requires=(c.hole_so_far,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.young_hole_words,
            frames=words.young_hole_frames,
        ),
        UnstalledRule(
            id="unstalled/hole-to-the-end",
            verdict="inconclusive",
            requires=(c.hole_to_the_end,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.lasting_hole_words,
            frames=words.lasting_hole_frames,
        ),
        UnstalledRule(
            id="unstalled/silence",
            verdict="inconclusive",
            requires=(c.silent,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.silent_words,
            frames=words.silent_frames,
        ),
        UnstalledRule(
            id="unstalled/loss",
            verdict="loss",
            requires=(c.lost_something,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.loss_words,
            frames=words.loss_frames,
        ),
        UnstalledRule(
            id="unstalled/full-size-passed",
            verdict="ok",
            requires=(c.full_size_passed,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.ok_words,
            frames=words.ok_frames,
        ),
        UnstalledRule(
            id="unstalled/lossy-capture",
            verdict="inconclusive",
            requires=(c.lossy,),
            excludes=(c.full_size_passed,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.lossy_words,
        ),
        UnstalledRule(
            id="unstalled/passed-without-df",
            verdict="no_df",
            requires=(c.passed_without_df,),
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.no_df_words,
            frames=words.no_df_frames,
        ),
        UnstalledRule(
            id="unstalled/unanswered",
            verdict="inconclusive",
            requires=(c.large_unanswered,),
            yields_to=(EVERYTHING,),
            confidence=low,
            words=words.unanswered_words,
            frames=words.unanswered_frames,
        ),
        UnstalledRule(
            id="unstalled/nothing-large",
            verdict="not_exercised",
            yields_to=(EVERYTHING,),
            confidence=high,
            words=words.not_exercised_words,
        ),
    )
)


def judge_unstalled(facts: UnstalledFacts) -> UnstalledRule:
    """The rule that decides about a direction."""
    return decide(UNSTALLED, facts)
