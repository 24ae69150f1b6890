"""What a packet's header announces for its direction: the options of the handshake, and the receive window."""

from __future__ import annotations

from typing import Any

from analyzer.decode.packet_fields import FLAGS, HAS_TS, MSS, SACK_OK, TS, WINDOW, WSCALE
from analyzer.decode.tcp import ACK_FLAG, RST, SYN
from analyzer.flows.flow_tables import SAW_SYN, SAW_SYN_ACK
from analyzer.kernels.marks import inlined
from analyzer.settings import LONG_HOLE_NS


@inlined
def note_handshake(flow: Any, odd: Any, me: Any, h: list[int], side: int, frame: int) -> None:
    """Take in the options of a SYN or SYN/ACK, and the times of the handshake."""
    if h[FLAGS] & SYN:
        me["mss"] = h[MSS]
        me["wscale"] = h[WSCALE]
        me["sack_ok"] = h[SACK_OK]
        me["has_ts"] = h[HAS_TS]
        if h[FLAGS] & ACK_FLAG:
            flow["client"] = 1 - side
            flow["seen"] |= SAW_SYN_ACK
            if flow["syn_ack_ts"] == 0:
                flow["syn_ack_ts"] = h[TS]
                flow["syn_ack_frame"] = frame
            elif flow["ack_ts"] == 0:
                odd["again_syn_ack_ts"] = h[TS]
        else:
            again = flow["seen"] & SAW_SYN != 0
            first = flow["packets"] == 1
            flow["client"] = side
            flow["seen"] |= SAW_SYN
            # A time of 0 is none, as in the other fields.
            if (not again and not first) or (again and odd["odd_syn_ts"] == 0 and flow["first_ts"] == 0):
                odd["odd_syn_ts"] = h[TS]
                odd["odd_syn_frame"] = frame
            if flow["syn_ack_ts"] != 0:
                if not again:
                    odd["again_syn_ts"] = -1
            elif again:
                odd["again_syn_ts"] = h[TS]
    elif flow["syn_ack_ts"] and flow["ack_ts"] == 0 and side == flow["client"]:
        flow["ack_ts"] = h[TS]
        flow["ack_frame"] = frame


@inlined
def note_window(me: Any, out: Any, odd_out: Any, peer: Any, h: list[int], frame: int) -> bool:
    """Keep the window that this packet announces, and how long it stays closed; True while that is long."""
    if h[FLAGS] & RST or not h[FLAGS] & ACK_FLAG:
        return False
    window = h[WINDOW]
    if not h[FLAGS] & SYN and me["wscale"] >= 0 and peer["wscale"] >= 0:
        window <<= int(me["wscale"])
    me["window"] = window
    if window == 0:
        odd_out["zero_windows"] += 1
        if odd_out["window_zero_ts"] == 0:
            out["odd"] = 1
            odd_out["window_zero_ts"] = h[TS]
            odd_out["window_zero_now"] = frame
    if out["odd"] and odd_out["window_zero_ts"]:
        closed = h[TS] - odd_out["window_zero_ts"]
        if closed > odd_out["window_zero_longest"]:
            odd_out["window_zero_longest"] = closed
            odd_out["window_zero_frame"] = odd_out["window_zero_now"]
        if window:
            odd_out["window_zero_ts"] = 0
        return closed >= LONG_HOLE_NS
    return False
