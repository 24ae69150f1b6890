"""Which packet sizes were sent and which provably arrived, in a few integers per direction.

A size counts as delivered when a cumulative ACK covers a packet whose bytes were sent in one shape only.
Super-segments (segmentation or receive offload) are left out: their size never was on the wire.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.fields import DF, IP_LEN, PAYLOAD, TCP_LEN, VERSION
from analyzer.flows.tables import MARK_SUPER
from analyzer.kernel import inlined, kernel

UNKNOWN_LIMIT = 1500  # without an announced MSS: offload is far more common than jumbo frames


@inlined
def is_super(me: Any, peer: Any, h: list[int], size: int) -> bool:
    """True if no wire packet of this size can exist: above the peer's announced MSS, or length 0.

    A full-size packet is MSS + 40 (IPv6: 60) bytes whatever its options (RFC 9293 3.7.1).
    """
    if h[IP_LEN] == 0:
        return True
    if peer["mss"] > 0:
        return size > peer["mss"] + (40 if h[VERSION] == 4 else 60)
    return size > UNKNOWN_LIMIT


@inlined
def note_sent(me: Any, peer: Any, h: list[int], end: int, frame: int, size: int) -> int:
    """Take in the size of new data; returns MARK_SUPER for a super-segment, else 0."""
    payload = h[PAYLOAD]
    if payload == 0:
        return 0
    if is_super(me, peer, h, size):
        me["super_packets"] += 1
        if me["super_frame"] == 0:
            me["super_frame"] = frame
        segment = peer["mss"] - (h[TCP_LEN] - 20)
        if segment > 0 and payload % segment == 0:
            me["super_multiples"] += 1
        return MARK_SUPER
    if size > me["max_sent"]:
        me["max_sent"] = size
        me["max_sent_frame"] = frame
    known = me["delivered"] if h[DF] else me["delivered_nodf"]
    # An equal size goes through again, so that the time of its latest delivery stays known.
    if size < known or (me["size_cap"] and size > me["size_cap"]):
        return 0
    if me["p0_end"] == 0:
        me["p0_end"] = end
        me["p0_frame"] = frame
        me["p0_size"] = size
        me["p0_payload"] = payload
        me["p0_df"] = h[DF]
    elif size > me["p0_size"] and (me["p1_end"] == 0 or size > me["p1_size"]):
        me["p1_end"] = end
        me["p1_frame"] = frame
        me["p1_size"] = size
        me["p1_payload"] = payload
        me["p1_df"] = h[DF]
    return 0


@kernel
def forget_larger(me: Any, size: int) -> None:
    """The sender learned a smaller path MTU: packets on their way that are larger will be sent again.

    With offload the captured resend may look the same, though smaller packets leave the host.
    """
    if me["p1_end"] and me["p1_size"] > size:
        me["p1_end"] = 0
    if me["p0_end"] and me["p0_size"] > size:
        me["p0_end"] = 0


@inlined
def keep_delivered(me: Any, size: int, df: int, frame: int, ack_frame: int, ts: int) -> None:
    """Keep a delivered size if it is the largest of its kind."""
    if df:
        if size >= me["delivered"]:
            me["delivered"] = size
            me["delivered_frame"] = frame
            me["delivered_ack"] = ack_frame
            me["delivered_ts"] = ts
    elif size >= me["delivered_nodf"]:
        me["delivered_nodf"] = size
        me["delivered_nodf_frame"] = frame


@kernel
def move_up(me: Any) -> None:
    """The second packet on its way takes the place of the first."""
    me["p0_end"] = me["p1_end"]
    me["p0_frame"] = me["p1_frame"]
    me["p0_size"] = me["p1_size"]
    me["p0_payload"] = me["p1_payload"]
    me["p0_df"] = me["p1_df"]
    me["p1_end"] = 0


@inlined
def note_delivered(me: Any, ack: int, ack_frame: int, ts: int) -> None:
    """A cumulative ACK arrived: packets below it were delivered."""
    if me["p0_end"] and me["p0_end"] <= ack:
        keep_delivered(me, me["p0_size"], me["p0_df"], me["p0_frame"], ack_frame, ts)
        me["p0_end"] = 0
    if me["p1_end"] and me["p1_end"] <= ack:
        keep_delivered(me, me["p1_size"], me["p1_df"], me["p1_frame"], ack_frame, ts)
        me["p1_end"] = 0
    if me["p0_end"] == 0 and me["p1_end"]:
        move_up(me)


@kernel
def drop_ambiguous(me: Any, seq: int, end: int, payload: int, df: int) -> None:
    """Bytes were sent again in another shape: an ACK no longer tells which packet arrived."""
    start = me["p1_end"] - me["p1_payload"]
    if (
        me["p1_end"]
        and seq < me["p1_end"]
        and end > start
        and (seq != start or payload != me["p1_payload"] or df != me["p1_df"])
    ):
        me["p1_end"] = 0
    start = me["p0_end"] - me["p0_payload"]
    if (
        me["p0_end"]
        and seq < me["p0_end"]
        and end > start
        and (seq != start or payload != me["p0_payload"] or df != me["p0_df"])
    ):
        move_up(me)
