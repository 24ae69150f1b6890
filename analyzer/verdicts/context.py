"""What surrounds a flow's evidence: where it was captured, inside of which tunnel, and whom routers told."""

from __future__ import annotations

from typing import Any

from analyzer.decode.layers import layer_names
from analyzer.evidence.direction import Conversation
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.segments import frame_of
from analyzer.evidence.vantage import BETWEEN, UNKNOWN
from analyzer.flows.flow_tables import SAW_BARE
from analyzer.model.flow import Encapsulation, PathMtu, Vantage
from analyzer.model.statement import FrameRef, Statement


def encapsulation(row: Any) -> Encapsulation | None:
    """What carries the flow of a row of the flow table, or None."""
    layers = int(row["layers"])
    if not layers:
        return None
    return Encapsulation(layer_names(layers), int(row["overhead"]), bool(int(row["seen"]) & SAW_BARE))


def captured(where: Vantage, first: FrameRef) -> list[Statement]:
    """Where the capture was taken, if that can be told."""
    if where.where == UNKNOWN:
        return []
    place = "between client and server" if where.where == BETWEEN else f"next to the {where.where}"
    return [Statement(f"Captured {place} ({where.because}).", (first,))]


def announced(conversation: Conversation, row: Any) -> list[Statement]:
    """The MSS that each end announced, as it was at the capture point."""
    client, server = conversation.direction_to_server().count["mss"], conversation.direction_to_client().count["mss"]
    if client <= 0 or server <= 0:
        return []
    frames = (frame_of(int(row["syn_frame"])), frame_of(int(row["syn_ack_frame"])))
    if client == server:
        return [Statement(f"Both ends announced an MSS of {client}.", frames)]
    return [
        Statement(
            f"The client announced an MSS of {client}, the server {server}: the lower one is that host's own, or was "
            "lowered on the way, in one direction only.",
            frames,
        )
    ]


def announced_parts(conversation: Conversation, row: Any) -> list[Statement]:
    """The same, for each of the two frames."""
    told = announced(conversation, row)
    ends = (conversation.direction_to_server(), conversation.direction_to_client())
    return [
        Statement(f"MSS {end.count['mss']} ({flags})", (frame,))
        for statement in told
        for end, flags, frame in zip(ends, ("SYN", "SYN/ACK"), statement.frames, strict=True)
    ]


def carried(inside: Encapsulation | None, size: PathMtu, first: FrameRef) -> list[Statement]:
    """The sizes of the flow's packets outside of what carries them."""
    if inside is None:
        return []
    known = [value for value in (size.at_least, size.at_most) if value is not None]
    outer = "..".join(str(value + inside.overhead) for value in sorted(set(known)))
    text = (
        f"Captured inside {' in '.join(reversed(inside.layers))}, whose headers take {inside.overhead} bytes: "
        "sizes here are those of the inner packets"
    )
    if outer:
        inner = "..".join(str(value) for value in sorted(set(known)))
        text += f" (inner {inner}, outer {outer})"
    if inside.also_bare:
        text += "; the same packets were captured outside of it, too, and are counted once"
    return [Statement(f"{text}.", (first,))]


def tunnel_told(ptbs: list[PtbSeen]) -> list[Statement]:
    """PTBs that quote the packet around the flow's: the tunnel's end knows, the sender may not."""
    return [
        Statement(
            f"{ptb.router} told the tunnel's end {ptb.target} that outer packets may have {ptb.mtu} bytes at most, "
            f"which leaves {ptb.mtu - ptb.overhead} for this flow. The sender learns it only if the tunnel's end "
            "passes it on.",
            (ptb.ref,),
        )
        for ptb in ptbs[:3]
        if ptb.mtu > ptb.overhead
    ]
