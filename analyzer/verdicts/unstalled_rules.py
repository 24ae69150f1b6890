"""Rules for a direction in which no segment is stuck: what its sizes, windows, holes and silence tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from analyzer.evidence.segments import frame_of, refs
from analyzer.model.statement import FrameRef
from analyzer.verdicts.explanations import seconds
from analyzer.verdicts.unstalled_facts import Calm


class CalmRule(NamedTuple):
    """One row of the table for directions without a stall."""

    verdict: str
    applies: Callable[[Calm], bool]
    confidence: str
    words: Callable[[Calm], str]
    frames: Callable[[Calm], tuple[FrameRef, ...]]


def _no_frames(_: Calm) -> tuple[FrameRef, ...]:
    return ()


def _one_sided(c: Calm) -> bool:
    return c.way.count["data_packets"] > 0 and c.way.peer["packets"] == 0


def _one_sided_words(_: Calm) -> str:
    return (
        "The capture holds packets of one direction only, so it cannot tell what arrived. Capture where both "
        "directions pass."
    )


def _pmtud_words(c: Calm) -> str:
    assert c.answered_ptb is not None  # noqa: S101  # the rule requires it
    ptb, ack = c.answered_ptb
    mtu = f"announced an MTU of {ptb.mtu}" if ptb.mtu else "reported a packet too big without naming an MTU"
    return (
        f"PMTUD works: {ptb.router} {mtu} ({c.way.name(ptb.ref)}) and the quoted bytes were acknowledged afterwards "
        f"({c.way.name(ack)})."
    )


def _pmtud_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (c.answered_ptb[0].ref, c.answered_ptb[1]) if c.answered_ptb else ()


def _pending_words(c: Calm) -> str:
    assert c.pending_ptb is not None  # noqa: S101  # the rule requires it
    return (
        f"A PTB came ({c.way.name(c.pending_ptb.ref)}, MTU {c.pending_ptb.mtu}), but the capture does not show whether "
        "the sender obeyed. Capture longer."
    )


def _pending_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (c.pending_ptb.ref,) if c.pending_ptb else ()


def _zero_window(c: Calm) -> bool:
    return c.closed_ns >= c.settings.episode_span_ns and c.held_back


def _zero_window_words(c: Calm) -> str:
    return (
        f"The receiver closed its window for {seconds(c.closed_ns)} ({c.way.name(c.closed_frame)}): "
        "the sender was waiting for the receiver, not for the path."
    )


def _closed_at_the_end(c: Calm) -> bool:
    # Where data came before, a window that is closed for a moment as the capture ends is nothing special.
    return c.closed_to_the_end and (c.closed_ns >= c.settings.episode_span_ns or not c.way.count["data_packets"])


def _closed_at_the_end_words(c: Calm) -> str:
    return (
        f"The receiver closed its window ({c.way.name(c.closed_frame)}) and the capture does not show it open again, "
        "nor that anybody wanted to send. Capture longer."
    )


def _zero_window_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (c.closed_frame,)


def _hole_words(c: Calm) -> str:
    hole = c.suspicious_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    full = f" (full size is {c.way.usual_size} bytes)" if c.way.usual_size else ""
    largest = max(s.ip_len for s in hole.arrived)
    ending = (
        "It was never filled"
        if hole.filled_ts is None
        else f"It was filled only after {hole.seconds_open(c.way.capture_end):.1f} s, by smaller packets"
    )
    where = c.way.name(hole.opened_by.ref)
    return (
        f"{hole.missing} bytes never came, though packets of at most {largest} bytes sent after them did ({where}); no "
        f"packet of full size was seen in this direction{full}. {ending}. Seen from behind the narrow hop a black hole "
        "looks like this; capture at the sender to confirm."
    )


def _hole_frames(c: Calm) -> tuple[FrameRef, ...]:
    hole = c.suspicious_hole
    return (hole.opened_by.ref, *refs(hole.arrived[1:]), *refs(hole.filled_by)) if hole else ()


def _recut_words(c: Calm) -> str:
    hole = c.recut_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"The answer came only after {seconds(c.recut_after_ns)}, in pieces ({hole.filled_by[0].ip_len} bytes and "
        f"less) that add up to segments of full size ({c.way.usual_size} bytes): the sender cut them smaller, at once "
        "after a PTB, or after it had sent them whole in vain for all that time. Capture at the sender to tell."
    )


def _recut_frames(c: Calm) -> tuple[FrameRef, ...]:
    return refs(c.recut_hole.filled_by) if c.recut_hole else ()


def _young_hole_words(c: Calm) -> str:
    hole = c.unexplained_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    if c.lossy or c.useless:
        return (
            f"{hole.missing} bytes before {c.way.name(hole.opened_by.ref)} are not in the capture, but it lost other "
            f"packets as well ({c.way.missing_share:.0%} of the acknowledged bytes) and cannot tell."
        )
    return (
        f"{hole.missing} bytes before {c.way.name(hole.opened_by.ref)} did not come, as many as full packets hold; "
        f"then the capture ends within {hole.seconds_open(c.way.capture_end):.1f} s. Loss and a black hole look alike "
        "so far. Capture longer, or at the sender."
    )


def _young_hole_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (c.unexplained_hole.opened_by.ref,) if c.unexplained_hole else ()


def _lasting_hole_words(c: Calm) -> str:
    hole = c.lasting_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"{hole.missing} bytes before {c.way.name(hole.opened_by.ref)} never came within "
        f"{hole.seconds_open(c.way.capture_end):.1f} s. Packets as large had come before, or the missing ones were not "
        "large: their size does not explain it. Capture at the sender."
    )


def _lasting_hole_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (c.lasting_hole.opened_by.ref,) if c.lasting_hole else ()


def _lossy(c: Calm) -> bool:
    return c.lossy and not _ok(c)


def _lossy_words(c: Calm) -> str:
    share = c.way.missing_share if c.useless else c.way.own_missing_share
    return (
        f"{share:.0%} of the acknowledged bytes are missing from the capture: it lost packets itself and cannot tell."
    )


def _silent(c: Calm) -> bool:
    return c.silence_ns >= c.settings.silence_ns and not c.way.at_sender


def _silent_words(c: Calm) -> str:
    frame = c.way.peer["last_data_frame"]
    return (
        f"The request in {c.way.frame(frame)} was acknowledged, then nothing came for {seconds(c.silence_ns)}. Either "
        "the application stayed silent, or its large answer was lost before this capture point. Capture at the sender "
        "of the answer."
    )


def _silent_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (frame_of(c.way.peer["last_data_frame"]),)


def _loss_words(c: Calm) -> str:
    count = c.way.count
    again = f"{count['resent']} segments were sent again" if count["resent"] != 1 else "One segment was sent again"
    if not count["resent"]:
        again = f"{count['filled']} segments came late"
    unsure = c.way.count["una"] < c.way.count["snd_max"]
    end = "what the capture shows the end of got through" if unsure else "all of it got through in the end"
    return f"Ordinary loss: {again}, and {end}.{_longest_wait(c)}"


def _longest_wait(c: Calm) -> str:
    run = c.waited
    if run is None or run.acked_by is None or run.waited_ns < c.settings.control_wait_ns:
        return ""
    return (
        f" The longest wait was {seconds(run.waited_ns)}, from {c.way.name(run.first.ref)} to "
        f"{c.way.name(run.acked_by.ref)}."
    )


def _loss_frames(c: Calm) -> tuple[FrameRef, ...]:
    frame = c.way.count["resent_frame"] or c.way.count["hole_frame"]
    return (frame_of(frame),) if frame else ()


def _ok(c: Calm) -> bool:
    way = c.way
    goal = min(way.full_size, c.settings.exercised_bytes) if way.full_size else c.settings.exercised_bytes
    if way.delivered >= goal:
        return True
    # Super-segments all acknowledged without a loss: the full-size packets they were cut into arrived.
    return (
        way.count["super_packets"] > 0 and way.count["una"] > way.count["first_seq"] and not way.count["nodf_packets"]
    )


def _ok_words(c: Calm) -> str:
    way = c.way
    if way.delivered >= c.settings.exercised_bytes or (way.full_size and way.delivered >= way.full_size):
        what = "of full size " if way.full_size and way.delivered >= way.full_size else ""
        where = f" ({way.frame(way.count['delivered_frame'])})" if way.count["delivered"] == way.delivered else ""
        return f"Packets {what}up to {way.delivered} bytes got through{where}."
    return (
        "Large segments were acknowledged without loss. They were captured before segmentation (offload), so the size "
        "of the packets on the wire is not known."
    )


def _ok_frames(c: Calm) -> tuple[FrameRef, ...]:
    count = c.way.count
    return tuple(frame_of(count[k]) for k in ("delivered_frame", "delivered_ack") if count[k])


def _no_df(c: Calm) -> bool:
    way = c.way
    if way.delivered_nodf and 0 < way.count["nodf_packets"] < way.count["data_packets"]:
        return True  # a sender that clears DF on the way has met a limit
    goal = min(way.full_size, c.settings.exercised_bytes) if way.full_size else c.settings.exercised_bytes
    return way.delivered_nodf >= goal or (way.count["super_packets"] > 0 and way.count["nodf_packets"] > 0)


def _no_df_words(c: Calm) -> str:
    return (
        f"Packets up to {c.way.delivered_nodf} bytes got through, but without DF: routers may have fragmented them, so "
        "they say nothing about the path MTU."
    )


def _no_df_frames(c: Calm) -> tuple[FrameRef, ...]:
    frame = c.way.count["delivered_nodf_frame"]
    return (frame_of(frame),) if frame else ()


def _unanswered(c: Calm) -> bool:
    """A packet large enough was sent last, and the capture does not show whether it arrived."""
    return c.way.count["max_sent"] >= c.settings.exercised_bytes


def _unanswered_words(c: Calm) -> str:
    count = c.way.count
    return (
        f"A packet of {count['max_sent']} bytes was sent ({c.way.frame(count['max_sent_frame'])}), but the "
        "capture ends before it shows whether it arrived."
    )


def _unanswered_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (frame_of(c.way.count["max_sent_frame"]),)


NOT_OPENED = "The connection was not established: no packet large enough to tell was sent."


def _not_exercised_words(c: Calm) -> str:
    if not c.established and not c.way.count["data_packets"]:
        return NOT_OPENED
    largest = max(c.way.count["max_sent"], c.way.peer["max_sent"])
    return (
        f"No packet large enough to tell was sent: the largest with data has {largest} bytes."
        if largest
        else ("No data was sent, so no packet was large enough to tell.")
    )


CALM: tuple[CalmRule, ...] = (
    CalmRule("inconclusive", _one_sided, "low", _one_sided_words, _no_frames),
    CalmRule("inconclusive", lambda c: c.useless, "low", _lossy_words, _no_frames),
    CalmRule("pmtud_ok", lambda c: c.answered_ptb is not None, "high", _pmtud_words, _pmtud_frames),
    CalmRule("inconclusive", lambda c: c.pending_ptb is not None, "low", _pending_words, _pending_frames),
    CalmRule("zero_window", _zero_window, "high", _zero_window_words, _zero_window_frames),
    CalmRule("inconclusive", _closed_at_the_end, "low", _closed_at_the_end_words, _zero_window_frames),
    CalmRule("blackhole_suspected", lambda c: c.suspicious_hole is not None, "medium", _hole_words, _hole_frames),
    CalmRule("inconclusive", lambda c: c.recut_after_ns >= c.settings.hole_ns, "low", _recut_words, _recut_frames),
    CalmRule("inconclusive", lambda c: c.unexplained_hole is not None, "low", _young_hole_words, _young_hole_frames),
    CalmRule("inconclusive", lambda c: c.lasting_hole is not None, "low", _lasting_hole_words, _lasting_hole_frames),
    CalmRule("inconclusive", _silent, "low", _silent_words, _silent_frames),
    CalmRule("loss", lambda c: c.real_losses > 0, "high", _loss_words, _loss_frames),
    CalmRule("ok", _ok, "high", _ok_words, _ok_frames),
    CalmRule("inconclusive", _lossy, "low", _lossy_words, _no_frames),
    CalmRule("no_df", _no_df, "high", _no_df_words, _no_df_frames),
    CalmRule("inconclusive", _unanswered, "low", _unanswered_words, _unanswered_frames),
    CalmRule("not_exercised", lambda _: True, "high", _not_exercised_words, _no_frames),
)


def judge_calm(calm: Calm) -> CalmRule:
    """The first rule that applies to a direction without a stall."""
    return next(rule for rule in CALM if rule.applies(calm))
