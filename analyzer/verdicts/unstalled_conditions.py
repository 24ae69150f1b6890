"""The conditions of the rules for directions without a stall: each a clause, and what of the facts shows it."""

from __future__ import annotations

from analyzer.verdicts.rule import Condition
from analyzer.verdicts.unstalled_explanations import ok_frames
from analyzer.verdicts.unstalled_facts import UnstalledFacts

C = Condition[UnstalledFacts]


def _closed_at_the_end(c: UnstalledFacts) -> bool:
    # Where data came before, a window that is closed for a moment as the capture ends is nothing special.
    return c.closed_to_the_end and (c.closed_ns >= c.settings.episode_span_ns or not c.direction.count["data_packets"])


def _ok(c: UnstalledFacts) -> bool:
    direction = c.direction
    goal = min(direction.full_size, c.settings.exercised_bytes) if direction.full_size else c.settings.exercised_bytes
    if direction.delivered >= goal:
        return True
    # Super-segments all acknowledged without a loss: the full-size packets they were cut into arrived.
    return (
        direction.count["super_packets"] > 0
        and direction.count["una"] > direction.count["first_seq"]
        and not direction.count["nodf_packets"]
    )


def _no_df(c: UnstalledFacts) -> bool:
    direction = c.direction
    if direction.delivered_nodf and 0 < direction.count["nodf_packets"] < direction.count["data_packets"]:
        return True  # a sender that clears DF on the way has met a limit
    goal = min(direction.full_size, c.settings.exercised_bytes) if direction.full_size else c.settings.exercised_bytes
    return direction.delivered_nodf >= goal or (
        direction.count["super_packets"] > 0 and direction.count["nodf_packets"] > 0
    )


one_direction_only = C(
    "the capture holds packets of this direction only",
    lambda c: c.direction.count["data_packets"] > 0 and c.direction.peer["packets"] == 0,
)
mostly_missing = C("most of the acknowledged bytes are missing from the capture", lambda c: c.useless)
lossy = C("more than a few acknowledged bytes of this direction are missing from the capture", lambda c: c.lossy)
unrecorded_stall = C(
    "a segment was sent again three times or more, to no avail as the capture ends, and not all of it was recorded",
    lambda c: c.unrecorded_stall,
)
ptb_answered = C("a PTB came, and what it quotes was acknowledged afterwards", lambda c: c.answered_ptb)
ptb_pending = C("a PTB came, and the capture does not show whether it was obeyed", lambda c: c.pending_ptb)
window_long_closed = C(
    "the receiver closed its window for a second or more, and somebody wanted to send",
    lambda c: c.closed_frame if c.closed_ns >= c.settings.episode_span_ns and c.held_back else None,
)
window_closed_at_the_end = C("the window is closed when the capture ends", _closed_at_the_end)
hole_of_full_size = C(
    "a hole that full-size packets fit stays open for three seconds or more, and only smaller ones arrive around it",
    lambda c: c.suspicious_hole.opened_by if c.suspicious_hole else None,
)
cut_smaller = C(
    "three seconds or more after the request the answer came in pieces that add up to full-size segments",
    lambda c: c.recut_after_ns >= c.settings.hole_ns,
)
hole_so_far = C(
    "a hole that full-size packets fit is open, and only smaller ones were seen",
    lambda c: c.unexplained_hole.opened_by if c.unexplained_hole else None,
)
hole_to_the_end = C(
    "a hole stays open for three seconds or more, to the end of the capture",
    lambda c: c.lasting_hole.opened_by if c.lasting_hole else None,
)
silent = C(
    "a request was acknowledged and then nothing came for three seconds or more, not captured at the one who is silent",
    lambda c: c.silence_ns >= c.settings.silence_ns and not c.direction.at_sender,
)
lost_something = C("segments were sent again, or came late", lambda c: c.real_losses > 0)
full_size_passed = C(
    "packets of full size got through, or large segments did without a loss",
    _ok,
    ok_frames,
)
passed_without_df = C("large packets got through without DF", _no_df)
large_unanswered = C(
    "a packet large enough to tell was sent", lambda c: c.direction.count["max_sent"] >= c.settings.exercised_bytes
)
