"""Rules for a direction in which no segment is stuck: what its sizes, windows, holes and silence tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from analyzer.evidence.conversation import Way
from analyzer.evidence.holes import Hole, fits_full_size
from analyzer.evidence.ptb import PtbSeen, acked_after
from analyzer.evidence.segments import FrameRef, refs
from analyzer.flows.tables import SAW_FIN, SAW_RST
from analyzer.settings import Settings
from analyzer.verdicts.words import seconds

UNANSWERED = 2
"""Retransmissions of the peer without an answer after which the other side counts as gone."""

REQUEST_PACKETS = 10
"""Data packets up to which what the peer sent looks like a request, whose answer may be missed."""


@dataclass
class Calm:
    """Facts about one direction without a stall."""

    way: Way
    settings: Settings
    seen: int  # SAW_ bits of the flow
    established: bool
    to_client: bool  # the direction from the server, where answers are expected

    @cached_property
    def answered_ptb(self) -> tuple[PtbSeen, FrameRef] | None:
        """A PTB and the later packet that acknowledged the bytes it quotes."""
        for ptb in self.way.ptbs:
            if ptb.defect in (None, "mtu_zero"):
                ack = acked_after(ptb, self.way.segments, self.way.side)
                if ack is not None:
                    return ptb, ack.ref
        return None

    @cached_property
    def pending_ptb(self) -> PtbSeen | None:
        """A PTB after which the capture shows nothing of the quoted bytes."""
        return next((p for p in self.way.ptbs if p.plausible), None)

    @cached_property
    def closed_ns(self) -> int:
        """How long the peer kept its window closed, ns."""
        peer = self.way.peer
        still = self.way.capture_end - peer["window_zero_ts"] if peer["window_zero_ts"] else 0
        return max(peer["window_zero_longest"], still)

    @cached_property
    def unexplained_hole(self) -> Hole | None:
        """A hole that full-size packets may have left, while only smaller ones were ever seen; or None.

        That is what a black hole before the capture point leaves, and for a moment ordinary loss too.
        """
        way = self.way
        full = way.full_size
        largest = max(way.count["max_sent"], way.delivered)
        if way.count["super_packets"] or largest >= (full or self.settings.exercised_bytes):
            return None
        for hole in way.holes:
            first_fill = hole.filled_by[0].ip_len if hole.filled_by else 0
            quick = hole.filled_ts is not None and hole.filled_ts - hole.opened_by.ts < self.settings.hole_ns
            if (
                not quick
                and all(not s.super_segment and s.ip_len < (full or 1 << 30) for s in hole.arrived)
                and fits_full_size(hole.missing, way.peer["mss"])
                and first_fill < (full or self.settings.exercised_bytes)
            ):
                return hole
        return None

    @cached_property
    def lossy(self) -> bool:
        """Too many acknowledged bytes are missing from the capture to believe in its holes."""
        return self.way.missing_share > self.settings.capture_loss

    @cached_property
    def suspicious_hole(self) -> Hole | None:
        """The unexplained hole if it stayed open long enough (contract: `blackhole_suspected`)."""
        hole = self.unexplained_hole
        if hole is None or (hole.filled_ts is None and self.way.peer["run_count"] >= UNANSWERED):
            return None  # what this side gets is not answered either: it is gone, not only its large packets
        if self.lossy:
            return None
        end = hole.filled_ts if hole.filled_ts is not None else self.way.capture_end
        return hole if end - hole.opened_by.ts >= self.settings.hole_ns else None

    @cached_property
    def recut_hole(self) -> Hole | None:
        """A hole filled by pieces that add up to full-size segments: the sender cut its segments smaller."""
        way = self.way
        full = way.full_size
        if not full or max(way.count["max_sent"], way.delivered) >= full:
            return None
        payloads = {way.peer["mss"], way.peer["mss"] - 12}
        for hole in way.holes:
            pieces = hole.filled_by
            halves = {a.payload + b.payload for a, b in pairwise(pieces) if a.end == b.seq}
            if all(piece.ip_len < full for piece in pieces) and halves & payloads:
                return hole
        return None

    @cached_property
    def recut_after_ns(self) -> int:
        """How long after the peer's last data the first piece of the re-cut segments came; 0 if not so."""
        hole = self.recut_hole
        asked = self.way.peer["last_data_ts"]
        first = hole.filled_by[0].ts if hole is not None else 0
        before = [s.ts for s in self.way.segments if s.side == self.way.side and s.data and s.ts < first]
        return max(0, min([first, *(t for t in before if t > asked)]) - asked) if asked and hole is not None else 0

    @cached_property
    def silence_ns(self) -> int:
        """Time since the peer's acknowledged request during which this side sent no data; 0 if not so.

        Only what looks like a request counts, and only where the answer would be new: the peer spoke
        last, and neither side closed in good order.
        """
        way, peer = self.way, self.way.peer
        if (
            not self.to_client
            or not self.established
            or peer["last_data_ts"] <= way.count["last_data_ts"]
            or not peer["last_data_ts"]
        ):
            return 0
        if peer["una"] < peer["snd_max"] - 1 or (self.seen & SAW_FIN and not self.seen & SAW_RST and way.at_sender):
            return 0
        if peer["data_packets"] > REQUEST_PACKETS and not way.count["data_packets"]:
            return 0
        fin = next((s for s in way.segments if s.side == way.side and s.fin), None)
        if fin is not None and fin.ts - peer["last_data_ts"] < self.settings.silence_ns:
            return 0
        return way.capture_end - peer["last_data_ts"]

    @cached_property
    def real_losses(self) -> int:
        """Segments sent again that the peer did not have, as far as the capture tells."""
        count = self.way.count
        resent = max(0, count["resent"] - count["spurious"] - count["dsacks"])
        late = count["filled"] if count["hole_longest"] > max(self.way.rtt, 10_000_000) else 0
        if self.recut_hole is not None:
            late = 0  # the size was changed, not the luck
        return resent + late


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
    return c.closed_ns >= c.settings.episode_span_ns


def _zero_window_words(c: Calm) -> str:
    return (
        f"The receiver closed its window for {seconds(c.closed_ns)} ({c.way.frame(c.way.peer['window_zero_frame'])}): "
        "the sender was waiting for the receiver, not for the path."
    )


def _zero_window_frames(c: Calm) -> tuple[FrameRef, ...]:
    return (FrameRef.at(c.way.peer["window_zero_frame"]),)


def _hole_words(c: Calm) -> str:
    hole = c.suspicious_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    full = f" (full size is {c.way.full_size} bytes)" if c.way.full_size else ""
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
        f"less) that add up to segments of full size ({c.way.full_size} bytes): the sender cut them smaller, at once "
        "after a PTB, or after it had sent them whole in vain for all that time. Capture at the sender to tell."
    )


def _recut_frames(c: Calm) -> tuple[FrameRef, ...]:
    return refs(c.recut_hole.filled_by) if c.recut_hole else ()


def _young_hole_words(c: Calm) -> str:
    hole = c.unexplained_hole
    assert hole is not None  # noqa: S101  # the rule requires it
    if c.lossy:
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
    return (FrameRef.at(c.way.peer["last_data_frame"]),)


def _loss_words(c: Calm) -> str:
    count = c.way.count
    again = f"{count['resent']} segments were sent again" if count["resent"] != 1 else "One segment was sent again"
    if not count["resent"]:
        again = f"{count['filled']} segments came late"
    return f"Ordinary loss: {again}, and all of it got through at its own size in the end."


def _loss_frames(c: Calm) -> tuple[FrameRef, ...]:
    frame = c.way.count["resent_frame"] or c.way.count["hole_frame"]
    return (FrameRef.at(frame),) if frame else ()


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
    return tuple(FrameRef.at(count[k]) for k in ("delivered_frame", "delivered_ack") if count[k])


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
    return (FrameRef.at(frame),) if frame else ()


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
    return (FrameRef.at(c.way.count["max_sent_frame"]),)


def _not_exercised_words(c: Calm) -> str:
    if not c.established and not c.way.count["data_packets"]:
        return "The connection was not established: no packet large enough to tell was sent."
    largest = max(c.way.count["max_sent"], c.way.peer["max_sent"])
    return (
        f"No packet large enough to tell was sent: the largest with data has {largest} bytes."
        if largest
        else ("No data was sent, so no packet was large enough to tell.")
    )


CALM: tuple[CalmRule, ...] = (
    CalmRule("inconclusive", _one_sided, "low", _one_sided_words, _no_frames),
    CalmRule("pmtud_ok", lambda c: c.answered_ptb is not None, "high", _pmtud_words, _pmtud_frames),
    CalmRule("inconclusive", lambda c: c.pending_ptb is not None, "low", _pending_words, _pending_frames),
    CalmRule("zero_window", _zero_window, "high", _zero_window_words, _zero_window_frames),
    CalmRule("blackhole_suspected", lambda c: c.suspicious_hole is not None, "medium", _hole_words, _hole_frames),
    CalmRule("inconclusive", lambda c: c.recut_after_ns >= c.settings.hole_ns, "low", _recut_words, _recut_frames),
    CalmRule("inconclusive", lambda c: c.unexplained_hole is not None, "low", _young_hole_words, _young_hole_frames),
    CalmRule("inconclusive", _silent, "low", _silent_words, _silent_frames),
    CalmRule("loss", lambda c: c.real_losses > 0, "high", _loss_words, _loss_frames),
    CalmRule("ok", _ok, "high", _ok_words, _ok_frames),
    CalmRule("no_df", _no_df, "high", _no_df_words, _no_df_frames),
    CalmRule("inconclusive", _unanswered, "low", _unanswered_words, _unanswered_frames),
    CalmRule("not_exercised", lambda _: True, "high", _not_exercised_words, _no_frames),
)


def judge_calm(calm: Calm) -> CalmRule:
    """The first rule that applies to a direction without a stall."""
    return next(rule for rule in CALM if rule.applies(calm))
