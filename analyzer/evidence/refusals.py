"""What arrived, arrived: copies of the stuck segment that reached the peer's host, and a peer that had gone.

Absence of an ACK is not absence of arrival. A host refuses segments for reasons of its own: timestamps that run
backwards (PAWS, RFC 7323 5), a wrong checksum, a firewall, a full buffer, a connection that it has closed.
"""

from __future__ import annotations

from analyzer.decode.tcp import ACK_FLAG
from analyzer.evidence.controls import FOREVER, Control
from analyzer.evidence.direction import Direction
from analyzer.evidence.retransmissions import RetransmissionSeries
from analyzer.evidence.segments import Segment, refs
from analyzer.settings import AT_ONCE_NS, LEAST_ANSWERED, SETTLED_NS


def refused(direction: Direction, series: RetransmissionSeries) -> Control | None:
    """Copies of the stuck segment that were answered one round trip later without accepting them, or None."""
    answers = _answers(direction, series)
    resets = [(copy, answer) for copy, answer in answers if answer.rst]
    if resets:
        text = "it is answered by a RST one round trip later: it arrives, and the host has no such connection any more"
        frames = refs([each for pair in resets[:8] for each in pair])
        return Control(text, frames, kind="data", number=len(resets), short="a copy, and the RST that answers it")
    if len(answers) < LEAST_ANSWERED or 2 * len(answers) < series.retransmission_count:
        return None
    text = (
        f"{len(answers)} of its {series.retransmission_count} copies are answered one round trip later by an ACK that "
        "does not advance, and nothing else was on its way: they arrive, and the host refuses them"
    )
    frames = refs([each for pair in answers[:8] for each in pair])
    short = "a copy, and the ACK that answers it without advancing"
    return Control(text, frames, kind="ack", number=len(answers), short=short)


def _answers(direction: Direction, series: RetransmissionSeries) -> list[tuple[Segment, Segment]]:
    """Copies of the stuck segment, each with the packet of the peer that can only answer it."""
    found = []
    copies = {copy.ref for copy in series.tries if copy is not series.original}
    pending: Segment | None = None
    other_ts = -FOREVER  # when other bytes were sent last, which the peer may answer as well
    known: set[tuple[int, int]] = set()
    for s in direction.exchanged:
        if s.side == direction.side:
            if s.ref in copies:
                pending = s
            elif s is not series.first and (s.end > s.seq or s.keepalive):  # its bytes cut smaller may be taken, too
                other_ts, pending = s.ts, None
            continue
        if pending is not None and direction.rtt // 2 <= s.ts - pending.ts <= 2 * direction.rtt + AT_ONCE_NS:
            alone = pending.ts - other_ts > 2 * direction.rtt + SETTLED_NS
            bare = s.end == s.seq and not s.keepalive
            # RFC 9293 3.5.2: what answers a segment of no connection has no ACK flag.
            reset = s.rst and not s.flags & ACK_FLAG
            if reset or (alone and bare and s.has_ack and s.ack == series.seq and set(s.sack) <= known):
                found.append((pending, s))
                pending = None
        known.update(s.sack)
    return found


def peer_gone(direction: Direction, series: RetransmissionSeries) -> Control | None:
    """The peer had gone before: it aborted the connection, or closed it and has said nothing since; or None."""
    rst = direction.first_rst
    if rst is not None and rst.ts == direction.ended_ts and rst.ts <= series.retransmissions[0].ts:
        text = "the peer had aborted the connection before it was sent again"
        return Control(text, (rst.ref,), short="it aborted the connection")
    fin = direction.first_fin
    if fin is None or fin.ts > series.first.ts:
        return None
    if any(not s.resent for s in direction.heard.walk(series.first.ts + 1, FOREVER)):
        return None
    text = "the peer had closed its side before it was sent, and has said nothing since"
    return Control(text, (fin.ref,), short="it closed its side, and has said nothing since")


def arrived(direction: Direction, series: RetransmissionSeries) -> Control | None:
    """Captured at the receiving host, its copies are in the file: they arrived; or None. `at_receiver` holds."""
    came = series.tries
    text = f"captured at its receiver, where {len(came)} transmissions of it arrived"
    wrong = [s for s in came if s.bad_sum]
    if wrong:
        text += f"; the TCP checksum of {len(wrong)} of them is wrong, so the host drops them"
    return Control(text, refs(came[:16]), number=len(came), short="this copy came to the capture point")
