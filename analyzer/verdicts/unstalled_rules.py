"""Rules for a direction in which no segment is stuck: what its sizes, windows, holes and silence tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.evidence.segments import frame_of, refs
from analyzer.model.statement import FrameRef
from analyzer.verdicts.explanations import seconds
from analyzer.verdicts.unstalled_facts import UnstalledFacts


class UnstalledRule(NamedTuple):
    """One row of the table for directions without a stall."""

    verdict: str
    applies: Callable[[UnstalledFacts], bool]
    confidence: str
    words: Callable[[UnstalledFacts], str]
    frames: Callable[[UnstalledFacts], tuple[FrameRef, ...]]


def _no_frames(_: UnstalledFacts) -> tuple[FrameRef, ...]:
    return ()


def _one_sided(c: UnstalledFacts) -> bool:
    return c.direction.count["data_packets"] > 0 and c.direction.peer["packets"] == 0


def _one_sided_words(_: UnstalledFacts) -> str:
    return (
        "The capture holds packets of one direction only, so it cannot tell what arrived. Capture where both "
        "directions pass."
    )


def _pmtud_words(c: UnstalledFacts) -> str:
    assert c.answered_ptb is not None  # noqa: S101  # the rule requires it
    ptb, ack = c.answered_ptb
    mtu = f"announced an MTU of {ptb.mtu}" if ptb.mtu else "reported a packet too big without naming an MTU"
    return (
        f"PMTUD works: {ptb.router} {mtu} ({c.name(ptb.ref)}) and the quoted bytes were acknowledged afterwards "
        f"({c.name(ack)})."
    )


def _pmtud_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (c.answered_ptb[0].ref, c.answered_ptb[1]) if c.answered_ptb else ()


def _pending_words(c: UnstalledFacts) -> str:
    assert c.pending_ptb is not None  # noqa: S101  # the rule requires it
    return (
        f"A PTB came ({c.name(c.pending_ptb.ref)}, MTU {c.pending_ptb.mtu}), but the capture does not show whether "
        "the sender obeyed. Capture longer."
    )


def _pending_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (c.pending_ptb.ref,) if c.pending_ptb else ()


def _zero_window(c: UnstalledFacts) -> bool:
    return c.closed_ns >= c.settings.episode_span_ns and c.held_back


def _zero_window_words(c: UnstalledFacts) -> str:
    return (
        f"The receiver closed its window for {seconds(c.closed_ns)} ({c.name(c.closed_frame)}): "
        "the sender was waiting for the receiver, not for the path."
    )


def _closed_at_the_end(c: UnstalledFacts) -> bool:
    # Where data came before, a window that is closed for a moment as the capture ends is nothing special.
    return c.closed_to_the_end and (c.closed_ns >= c.settings.episode_span_ns or not c.direction.count["data_packets"])


def _closed_at_the_end_words(c: UnstalledFacts) -> str:
    return (
        f"The receiver closed its window ({c.name(c.closed_frame)}) and the capture does not show it open again, "
        "nor that anybody wanted to send. Capture longer."
    )


def _zero_window_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (c.closed_frame,)


def _hole_words(c: UnstalledFacts) -> str:
    hole = c.suspicious_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    full = f" (full size is {c.direction.usual_size} bytes)" if c.direction.usual_size else ""
    largest = max(s.ip_len for s in hole.arrived)
    ending = (
        "It was never filled"
        if hole.filled_ts is None
        else f"It was filled only after {hole.seconds_open(c.direction.capture_end):.1f} s, by smaller packets"
    )
    where = c.name(hole.opened_by.ref)
    return (
        f"{hole.missing} bytes never came, though packets of at most {largest} bytes sent after them did ({where}); no "
        f"packet of full size was seen in this direction{full}. {ending}. Seen from behind the narrow hop a black hole "
        "looks like this; capture at the sender to confirm."
    )


def _hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    hole = c.suspicious_hole
    return (hole.opened_by.ref, *refs(hole.arrived[1:]), *refs(hole.filled_by)) if hole else ()


def _recut_words(c: UnstalledFacts) -> str:
    hole = c.recut_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"The answer came only after {seconds(c.recut_after_ns)}, in pieces ({hole.filled_by[0].ip_len} bytes and "
        f"less) that add up to segments of full size ({c.direction.usual_size} bytes): the sender cut them smaller, at "
        "once after a PTB, or after it had sent them whole in vain for all that time. Capture at the sender to tell."
    )


def _recut_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return refs(c.recut_hole.filled_by) if c.recut_hole else ()


def _young_hole_words(c: UnstalledFacts) -> str:
    hole = c.unexplained_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    if c.lossy or c.useless:
        return (
            f"{hole.missing} bytes before {c.name(hole.opened_by.ref)} are not in the capture, but it lost other "
            f"packets as well ({c.direction.missing_share:.0%} of the acknowledged bytes) and cannot tell."
        )
    return (
        f"{hole.missing} bytes before {c.name(hole.opened_by.ref)} did not come, as many as full packets hold; "
        f"then the capture ends within {hole.seconds_open(c.direction.capture_end):.1f} s. Loss and a black hole look "
        "alike so far. Capture longer, or at the sender."
    )


def _young_hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (c.unexplained_hole.opened_by.ref,) if c.unexplained_hole else ()


def _lasting_hole_words(c: UnstalledFacts) -> str:
    hole = c.lasting_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"{hole.missing} bytes before {c.name(hole.opened_by.ref)} never came within "
        f"{hole.seconds_open(c.direction.capture_end):.1f} s. Packets as large had come before, or the missing ones "
        "were not large: their size does not explain it. Capture at the sender."
    )


def _lasting_hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (c.lasting_hole.opened_by.ref,) if c.lasting_hole else ()


def _lossy(c: UnstalledFacts) -> bool:
    return c.lossy and not _ok(c)


def _lossy_words(c: UnstalledFacts) -> str:
    share = c.direction.missing_share if c.useless else c.direction.own_missing_share
    return (
        f"{share:.0%} of the acknowledged bytes are missing from the capture: it lost packets itself and cannot tell."
    )


def _silent(c: UnstalledFacts) -> bool:
    return c.silence_ns >= c.settings.silence_ns and not c.direction.at_sender


def _silent_words(c: UnstalledFacts) -> str:
    frame = c.direction.peer["last_data_frame"]
    return (
        f"The request in {c.frame(frame)} was acknowledged, then nothing came for {seconds(c.silence_ns)}. Either "
        "the application stayed silent, or its large answer was lost before this capture point. Capture at the sender "
        "of the answer."
    )


def _silent_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (frame_of(c.direction.peer["last_data_frame"]),)


def _loss_words(c: UnstalledFacts) -> str:
    count = c.direction.count
    again = f"{count['resent']} segments were sent again" if count["resent"] != 1 else "One segment was sent again"
    if not count["resent"]:
        again = f"{count['filled']} segments came late"
    unsure = c.direction.count["una"] < c.direction.count["snd_max"]
    end = "what the capture shows the end of got through" if unsure else "all of it got through in the end"
    return f"Ordinary loss: {again}, and {end}.{_longest_wait(c)}"


def _longest_wait(c: UnstalledFacts) -> str:
    series = c.waited
    if series is None or series.acked_by is None or series.waited_ns < c.settings.control_wait_ns:
        return ""
    return (
        f" The longest wait was {seconds(series.waited_ns)}, from {c.name(series.first.ref)} to "
        f"{c.name(series.acked_by.ref)}."
    )


def _loss_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    frame = c.direction.count["resent_frame"] or c.direction.count["hole_frame"]
    return (frame_of(frame),) if frame else ()


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


def _ok_words(c: UnstalledFacts) -> str:
    direction = c.direction
    if direction.delivered >= c.settings.exercised_bytes or (
        direction.full_size and direction.delivered >= direction.full_size
    ):
        what = "of full size " if direction.full_size and direction.delivered >= direction.full_size else ""
        where = (
            f" ({direction.frame(direction.count['delivered_frame'])})"
            if direction.count["delivered"] == direction.delivered
            else ""
        )
        return f"Packets {what}up to {direction.delivered} bytes got through{where}."
    return (
        "Large segments were acknowledged without loss. They were captured before segmentation (offload), so the size "
        "of the packets on the wire is not known."
    )


def _ok_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    count = c.direction.count
    return tuple(frame_of(count[k]) for k in ("delivered_frame", "delivered_ack") if count[k])


def _no_df(c: UnstalledFacts) -> bool:
    direction = c.direction
    if direction.delivered_nodf and 0 < direction.count["nodf_packets"] < direction.count["data_packets"]:
        return True  # a sender that clears DF on the way has met a limit
    goal = min(direction.full_size, c.settings.exercised_bytes) if direction.full_size else c.settings.exercised_bytes
    return direction.delivered_nodf >= goal or (
        direction.count["super_packets"] > 0 and direction.count["nodf_packets"] > 0
    )


def _no_df_words(c: UnstalledFacts) -> str:
    return (
        f"Packets up to {c.direction.delivered_nodf} bytes got through, but without DF: routers may have fragmented "
        "them, so they say nothing about the path MTU."
    )


def _no_df_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    frame = c.direction.count["delivered_nodf_frame"]
    return (frame_of(frame),) if frame else ()


def _unanswered(c: UnstalledFacts) -> bool:
    """A packet large enough was sent last, and the capture does not show whether it arrived."""
    return c.direction.count["max_sent"] >= c.settings.exercised_bytes


def _unanswered_words(c: UnstalledFacts) -> str:
    count = c.direction.count
    return (
        f"A packet of {count['max_sent']} bytes was sent ({c.frame(count['max_sent_frame'])}), but the "
        "capture ends before it shows whether it arrived."
    )


def _unanswered_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    return (frame_of(c.direction.count["max_sent_frame"]),)


NOT_OPENED = "The connection was not established: no packet large enough to tell was sent."


def _not_exercised_words(c: UnstalledFacts) -> str:
    if not c.established and not c.direction.count["data_packets"]:
        return NOT_OPENED
    largest = max(c.direction.count["max_sent"], c.direction.peer["max_sent"])
    return (
        f"No packet large enough to tell was sent: the largest with data has {largest} bytes."
        if largest
        else ("No data was sent, so no packet was large enough to tell.")
    )


UNSTALLED: tuple[UnstalledRule, ...] = (
    UnstalledRule("inconclusive", _one_sided, "low", _one_sided_words, _no_frames),
    UnstalledRule("inconclusive", lambda c: c.useless, "low", _lossy_words, _no_frames),
    UnstalledRule("pmtud_ok", lambda c: c.answered_ptb is not None, "high", _pmtud_words, _pmtud_frames),
    UnstalledRule("inconclusive", lambda c: c.pending_ptb is not None, "low", _pending_words, _pending_frames),
    UnstalledRule("zero_window", _zero_window, "high", _zero_window_words, _zero_window_frames),
    UnstalledRule("inconclusive", _closed_at_the_end, "low", _closed_at_the_end_words, _zero_window_frames),
    UnstalledRule("blackhole_suspected", lambda c: c.suspicious_hole is not None, "medium", _hole_words, _hole_frames),
    UnstalledRule("inconclusive", lambda c: c.recut_after_ns >= c.settings.hole_ns, "low", _recut_words, _recut_frames),
    UnstalledRule(
        "inconclusive", lambda c: c.unexplained_hole is not None, "low", _young_hole_words, _young_hole_frames
    ),
    UnstalledRule(
        "inconclusive", lambda c: c.lasting_hole is not None, "low", _lasting_hole_words, _lasting_hole_frames
    ),
    UnstalledRule("inconclusive", _silent, "low", _silent_words, _silent_frames),
    UnstalledRule("loss", lambda c: c.real_losses > 0, "high", _loss_words, _loss_frames),
    UnstalledRule("ok", _ok, "high", _ok_words, _ok_frames),
    UnstalledRule("inconclusive", _lossy, "low", _lossy_words, _no_frames),
    UnstalledRule("no_df", _no_df, "high", _no_df_words, _no_df_frames),
    UnstalledRule("inconclusive", _unanswered, "low", _unanswered_words, _unanswered_frames),
    UnstalledRule("not_exercised", lambda _: True, "high", _not_exercised_words, _no_frames),
)


def judge_unstalled(calm: UnstalledFacts) -> UnstalledRule:
    """The first rule that applies to a direction without a stall."""
    return next(rule for rule in UNSTALLED if rule.applies(calm))
