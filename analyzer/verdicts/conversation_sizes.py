"""What a figure shows of a UDP conversation: its recorded datagrams, and what is known to have become of each."""

from __future__ import annotations

from analyzer.model.seen_sizes import SeenDatagram, SeenSizes, together
from analyzer.verdicts.conversation_facts import UdpFacts


def sizes_of(facts: UdpFacts, sender: int, *, arrived: bool) -> SeenSizes:
    """The datagrams of both ends.

    Args:
        facts: of the conversation.
        sender: the side whose large ones the verdict is about. Of the other side none is called lost.
        arrived: the capture was taken where these arrive.
    """
    talk = facts.talk
    lost = {each.ref for stuck in facts.stuck for each in stuck.sent} if not arrived else set()
    came = {each.ref for side in (0, 1) for each in talk.delivered(side, facts.end)} - lost
    if arrived:
        came |= {each.ref for each in talk.sent if each.side == sender}
    seen = SeenSizes(
        datagrams=tuple(
            SeenDatagram(
                each.ts,
                each.size,
                each.side == sender,
                False if each.ref in lost else True if each.ref in came else None,
            )
            for each in talk.sent
        ),
        ptbs=tuple((ptb.ts, ptb.mtu) for ptb in facts.valid_ptbs),
        beside=tuple(
            (each.first, each.last, each.sent[sender])
            for each in facts.beside
            if each.same_service and 0 < each.sent[sender] < facts.size
        ),
    )
    return together([seen])
