"""Explanations in plain words of directions without a stall, and the frames that they rest on."""

from __future__ import annotations

from analyzer.evidence.segments import frame_of, refs
from analyzer.model.statement import FrameRef
from analyzer.model.text import seconds_of
from analyzer.verdicts.unstalled_facts import UnstalledFacts


def one_sided_words(_: UnstalledFacts) -> str:
    """One direction only was captured."""
    return (
        "The capture holds packets of one direction only, so it cannot tell what arrived. Capture where both "
        "directions pass."
    )


def pmtud_words(c: UnstalledFacts) -> str:
    """A PTB came, and what it quotes was acknowledged."""
    assert c.answered_ptb is not None  # noqa: S101  # the rule requires it
    ptb, ack = c.answered_ptb
    mtu = f"announced an MTU of {ptb.mtu}" if ptb.mtu else "reported a packet too big without naming an MTU"
    return (
        f"PMTUD works: {ptb.router} {mtu} ({c.name(ptb.ref)}) and the quoted bytes were acknowledged afterwards "
        f"({c.name(ack)})."
    )


def pmtud_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (c.answered_ptb[0].ref, c.answered_ptb[1]) if c.answered_ptb else ()


def pending_words(c: UnstalledFacts) -> str:
    """A PTB came at the end of the capture."""
    assert c.pending_ptb is not None  # noqa: S101  # the rule requires it
    return (
        f"A PTB came ({c.name(c.pending_ptb.ref)}, MTU {c.pending_ptb.mtu}), but the capture does not show whether "
        "the sender obeyed. Capture longer."
    )


def pending_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (c.pending_ptb.ref,) if c.pending_ptb else ()


def zero_window_words(c: UnstalledFacts) -> str:
    """The receiver closed its window."""
    return (
        f"The receiver closed its window for {seconds_of(c.closed_ns)} ({c.name(c.closed_frame)}): "
        "the sender was waiting for the receiver, not for the path."
    )


def closed_at_the_end_words(c: UnstalledFacts) -> str:
    """The window is closed as the capture ends."""
    return (
        f"The receiver closed its window ({c.name(c.closed_frame)}) and the capture does not show it open again, "
        "nor that anybody wanted to send. Capture longer."
    )


def zero_window_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (c.closed_frame,)


def hole_words(c: UnstalledFacts) -> str:
    """A hole that only smaller packets surround."""
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


def hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    hole = c.suspicious_hole
    return (hole.opened_by.ref, *refs(hole.arrived[1:]), *refs(hole.filled_by)) if hole else ()


def recut_words(c: UnstalledFacts) -> str:
    """Segments cut smaller before the capture point."""
    hole = c.recut_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"The answer came only after {seconds_of(c.recut_after_ns)}, in pieces ({hole.filled_by[0].ip_len} bytes and "
        f"less) that add up to segments of full size ({c.direction.usual_size} bytes): the sender cut them smaller, at "
        "once after a PTB, or after it had sent them whole in vain for all that time. Capture at the sender to tell."
    )


def recut_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return refs(c.recut_hole.filled_by) if c.recut_hole else ()


def young_hole_words(c: UnstalledFacts) -> str:
    """A hole that may yet be filled."""
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


def young_hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (c.unexplained_hole.opened_by.ref,) if c.unexplained_hole else ()


def lasting_hole_words(c: UnstalledFacts) -> str:
    """A hole that its size does not explain."""
    hole = c.lasting_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    return (
        f"{hole.missing} bytes before {c.name(hole.opened_by.ref)} never came within "
        f"{hole.seconds_open(c.direction.capture_end):.1f} s. Packets as large had come before, or the missing ones "
        "were not large: their size does not explain it. Capture at the sender."
    )


def lasting_hole_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (c.lasting_hole.opened_by.ref,) if c.lasting_hole else ()


def lossy_words(c: UnstalledFacts) -> str:
    """The capture lost packets itself."""
    share = c.direction.missing_share if c.useless else c.direction.own_missing_share
    return (
        f"{share:.0%} of the acknowledged bytes are missing from the capture: it lost packets itself and cannot tell."
    )


def unrecorded_words(c: UnstalledFacts) -> str:
    """A hang of which too little was kept."""
    count = c.direction.count
    return (
        f"A segment was sent again {count['run_count']} times, last in {c.frame(count['resent_frame'])}, and is not "
        "acknowledged as the capture ends; but not all of this flow's packets were recorded, since a bound was "
        "reached. Analyse fewer flows at a time: cut the capture by a filter."
    )


def unrecorded_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (frame_of(c.direction.count["resent_frame"]),)


def silent_words(c: UnstalledFacts) -> str:
    """A request without an answer."""
    frame = c.direction.peer["last_data_frame"]
    return (
        f"The request in {c.frame(frame)} was acknowledged, then nothing came for {seconds_of(c.silence_ns)}. Either "
        "the application stayed silent, or its large answer was lost before this capture point. Capture at the sender "
        "of the answer."
    )


def silent_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (frame_of(c.direction.peer["last_data_frame"]),)


def loss_words(c: UnstalledFacts) -> str:
    """Ordinary loss."""
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
        f" The longest wait was {seconds_of(series.waited_ns)}, from {c.name(series.first.ref)} to "
        f"{c.name(series.acked_by.ref)}."
    )


def loss_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    frame = c.direction.count["resent_frame"] or c.direction.count["hole_frame"]
    return (frame_of(frame),) if frame else ()


def ok_words(c: UnstalledFacts) -> str:
    """Full-size packets got through."""
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


def ok_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    count = c.direction.count
    return tuple(frame_of(count[k]) for k in ("delivered_frame", "delivered_ack") if count[k])


def no_df_words(c: UnstalledFacts) -> str:
    """Large packets got through without DF."""
    return (
        f"Packets up to {c.direction.delivered_nodf} bytes got through, but without DF: routers may have fragmented "
        "them, so they say nothing about the path MTU."
    )


def no_df_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    frame = c.direction.count["delivered_nodf_frame"]
    return (frame_of(frame),) if frame else ()


def unanswered_words(c: UnstalledFacts) -> str:
    """The capture ends before it tells."""
    count = c.direction.count
    return (
        f"A packet of {count['max_sent']} bytes was sent ({c.frame(count['max_sent_frame'])}), but the "
        "capture ends before it shows whether it arrived."
    )


def unanswered_frames(c: UnstalledFacts) -> tuple[FrameRef, ...]:
    """The frames that it rests on."""
    return (frame_of(c.direction.count["max_sent_frame"]),)


NOT_OPENED = "The connection was not established: no packet large enough to tell was sent."


def not_exercised_words(c: UnstalledFacts) -> str:
    """Nothing large was sent."""
    if not c.established and not c.direction.count["data_packets"]:
        return NOT_OPENED
    largest = max(c.direction.count["max_sent"], c.direction.peer["max_sent"])
    return (
        f"No packet large enough to tell was sent: the largest with data has {largest} bytes."
        if largest
        else ("No data was sent, so no packet was large enough to tell.")
    )
