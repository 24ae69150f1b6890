"""Sets of verdicts that an honest reader may give, each with the reason why it is that set.

The words are those of the analyzer's contract. A set has one member where the capture proves the
matter and several where it leaves a choice.
"""

from __future__ import annotations

from lab.vocabulary import Capture, Fact, Verdicts

# The head of the stream is sent again and again, smaller packets get through meanwhile.
BLACK_HOLE: Verdicts = ("blackhole",)
# As above, but the only small packet that provably got through meanwhile is an ACK: it stopped the
# other side's retransmissions of its request.
BLACK_HOLE_BY_ACK: Verdicts = ("blackhole", "blackhole_probable")
# Nothing small was sent after the large packets, so only what happened before speaks for the path.
BLACK_HOLE_WITHOUT_CONTROL: Verdicts = ("blackhole_probable",)
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
RECOVERED: Verdicts = ("blackhole_recovered",)
# The receiver sees the hole and, seconds later, the same bytes in smaller pieces.
RECOVERED_AT_RECEIVER: Verdicts = ("blackhole_recovered", "blackhole_suspected")
PTB_IGNORED: Verdicts = ("ptb_ignored",)
PMTUD_OK: Verdicts = ("pmtud_ok",)
# The receiver of a flow whose sender was told the path MTU sees a hole that is filled within an RTT.
PMTUD_OK_AT_RECEIVER: Verdicts = ("ok", "pmtud_ok", "loss", "not_exercised")
OK: Verdicts = ("ok",)
TOO_SMALL: Verdicts = ("not_exercised",)
LOSS: Verdicts = ("loss", "ok")
CONTENT_DROP: Verdicts = ("content_drop",)
CONTENT_DROP_AT_RECEIVER: Verdicts = ("content_drop", "stall", "loss", "inconclusive", "ok")
ZERO_WINDOW: Verdicts = ("zero_window",)
# An application that says nothing more, at either end.
SILENT: Verdicts = ("not_exercised", "inconclusive")
DEAD_PATH: Verdicts = ("dead_path",)
# A path that died, seen by a sender that had nothing small to send: the head is repeated in vain,
# but segments of that size got through before.
DEAD_OR_UNEXPLAINED: Verdicts = ("dead_path", "stall", "inconclusive")
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
