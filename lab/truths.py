"""Sets of verdicts that an honest reader may give, each with the reason why it is that set.

The words are the verdicts of the analyzer. A set has one member where the capture proves the
matter and several where it leaves a choice.
"""

from __future__ import annotations

from typing import Any

from lab.edits import Edit
from lab.vocabulary import Capture, Fact, Verdicts

# The head of the stream is sent again and again, smaller packets get through meanwhile.
BLACK_HOLE: Verdicts = ("blackhole",)
# As above, but the only small packet that provably got through meanwhile is an ACK: it stopped the
# other side's retransmissions of its request.
BLACK_HOLE_BY_ACK: Verdicts = ("blackhole", "blackhole_probable")
# Nothing small was sent after the large packets, so only what happened before speaks for the path.
BLACK_HOLE_WITHOUT_CONTROL: Verdicts = ("blackhole_probable",)
# Certain or probable: it depends on what else of the path is believed.
SOME_BLACK_HOLE: Verdicts = ("blackhole", "blackhole_probable")
# Too few copies of the head for certainty.
TOO_EARLY: Verdicts = ("inconclusive", "blackhole_probable", "blackhole")
MAYBE: Verdicts = ("blackhole", "blackhole_probable", "inconclusive")
# The receiver acknowledges (SACK) something small behind a hole of full segments.
HOLE: Verdicts = ("blackhole_suspected",)
# Beyond the narrow hop nothing of the reply is ever seen: the request is acknowledged, then silence.
# A very careful reader may notice that the last ACK carries a sequence number far behind the data
# that arrived (the client repeated its request and the server answered with a duplicate ACK).
NEVER_SHOWN: Verdicts = ("inconclusive", "blackhole_suspected")
# Beyond the narrow hop of an upload: a connection on which the client says nothing.
NOTHING_ASKED: Verdicts = ("inconclusive", "not_exercised")
# A hole appears only if a tail-loss probe happened to send a small segment alone.
HOLE_OR_NOTHING: Verdicts = ("blackhole_suspected", "inconclusive")
# Beyond a limit of sizes: a hole, a silence, or small packets only.
SEEN_BEYOND: Verdicts = ("blackhole_suspected", "inconclusive", "not_exercised")
# The receiver of an upload that never arrives.
UPLOAD_UNSEEN: Verdicts = ("inconclusive", "not_exercised", "blackhole_suspected")
# Outer packets that are fragments show the inner sizes at best in part.
OUTSIDE_OF_FRAGMENTS: Verdicts = ("blackhole", "blackhole_probable", "blackhole_suspected", "inconclusive")
RECOVERED: Verdicts = ("blackhole_recovered",)
# The receiver sees the hole and, seconds later, the same bytes in smaller pieces.
RECOVERED_AT_RECEIVER: Verdicts = ("blackhole_recovered", "blackhole_suspected")
# As above, but it is chance how much of the hang arrived.
RECOVERED_BEYOND: Verdicts = (
    "blackhole_recovered",
    "blackhole_suspected",
    "inconclusive",
    "ok",
    "loss",
    "not_exercised",
)
# Some stacks cut smaller at the second timeout already, so the hang is short: one retransmission at
# full size. Whoever demands three before he speaks of a black hole has to leave it unexplained.
QUICKLY_RECOVERED: Verdicts = ("blackhole_recovered", "stall")
QUICKLY = "a single retransmission at full size comes before the smaller ones"
PTB_IGNORED: Verdicts = ("ptb_ignored",)
PTB_IGNORED_OR_HOLE: Verdicts = ("ptb_ignored", "blackhole")
PMTUD_OK: Verdicts = ("pmtud_ok",)
# The receiver of a flow whose sender was told the path MTU sees a hole that is filled within an RTT.
PMTUD_OK_AT_RECEIVER: Verdicts = ("ok", "pmtud_ok", "loss", "not_exercised")
OK: Verdicts = ("ok",)
FINE: Verdicts = ("ok", "loss")
OK_OR_SMALL: Verdicts = ("ok", "not_exercised")
TOO_SMALL: Verdicts = ("not_exercised",)
LOSS: Verdicts = ("loss", "ok")
HEAVY_LOSS: Verdicts = (*LOSS, "stall")
# Segments as large arrive meanwhile.
NOT_SIZE: Verdicts = ("loss", "stall", "content_drop")
CONTENT_DROP: Verdicts = ("content_drop",)
CONTENT_DROP_AT_RECEIVER: Verdicts = ("content_drop", "stall", "loss", "inconclusive", "ok")
# Whether a payload, the flow or the path is the matter, nobody can tell from one flow; sizes are not.
FILTERED: Verdicts = ("content_drop", "dead_path", "stall", "inconclusive")
ZERO_WINDOW: Verdicts = ("zero_window",)
# An application that says nothing more, at either end.
SILENT: Verdicts = ("not_exercised", "inconclusive")
# The receiver on a path that died before anything large came: it only sees that nothing more is said.
QUIET: Verdicts = ("inconclusive", "not_exercised")
# A connection of small messages that gets no answer any more.
UNANSWERED: Verdicts = ("not_exercised", "inconclusive", "dead_path", "stall")
# A path that died, seen by a sender that had nothing small to send: the head is repeated in vain,
# but segments of that size got through before.
DEAD_OR_UNEXPLAINED: Verdicts = ("dead_path", "stall", "inconclusive")
HANGS: Verdicts = ("stall", "dead_path", "inconclusive", "loss")
# The recording ends before anything is certain.
NOT_YET: Verdicts = ("inconclusive", "stall", "loss", "ok", "not_exercised")
# The recorder has seen a part only.
PARTLY: Verdicts = ("inconclusive", "ok", "loss")
# Whatever it is called, it is no black hole.
NO_BLACK_HOLE: Verdicts = (
    "ok",
    "loss",
    "stall",
    "inconclusive",
    "not_exercised",
    "dead_path",
    "content_drop",
)
NO_BLACK_HOLE_BEYOND: Verdicts = (*NO_BLACK_HOLE, "zero_window")

# What a capture must hold besides.
RETRANSMITS: tuple[Fact, ...] = ("retransmissions",)
ARRIVES: tuple[Fact, ...] = ("super_segments",)  # what is above the limit is in the capture, at either end
BOTH_SIZES: tuple[Fact, ...] = ("too_large_delivered",)  # before, or on another path


def at_both_ends(
    sender: Verdicts,
    receiver: Verdicts,
    *,
    ptb: Verdicts = (),
    why: str = "",
    why_receiver: str = "",
    facts: tuple[Fact, ...] = (),
    facts_sender: tuple[Fact, ...] = (),
) -> tuple[Capture, ...]:
    """Captures at the two hosts; PTBs are seen at the sender only."""
    return (
        Capture(role="sender", accept=sender, ptb=ptb, why=why, facts=(*facts, *facts_sender)),
        Capture(role="receiver", accept=receiver, why=why_receiver, facts=facts),
    )


def edited(*edits: Edit, label: str, accept: Verdicts, why: str = "") -> Capture:
    """The sender's capture as a poorer recorder would have left it."""
    return Capture(role="sender", label=label, accept=accept, edits=edits, trust=False, why=why)


def outside(accept: Verdicts, why: str = "", **settings: Any) -> Capture:
    """The outer packets of a tunnel."""
    return Capture(role="underlay", accept=accept, why=why, snap_length=192, **settings)


PMTUD_WORKS = at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",))
NEVER_TOO_LARGE = at_both_ends(OK, OK)
LOSSES = at_both_ends(LOSS, LOSS, facts_sender=RETRANSMITS)
HEAVY_LOSSES = at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=RETRANSMITS)
