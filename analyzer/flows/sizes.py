"""Which packet sizes were sent and which provably arrived, in a few integers per direction.

A size counts as delivered when a cumulative ACK covers a packet whose bytes were sent in one shape only.
Super-segments (segmentation or receive offload) are left out: their size never was on the wire.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.packet_fields import DF, IP_LEN, PAYLOAD, TCP_LEN, VERSION
from analyzer.flows.flow_tables import MARK_SUPER
from analyzer.kernels.marks import inlined, kernel
from analyzer.model.wire_sizes import ETHERNET_MTU

UNKNOWN_LIMIT = ETHERNET_MTU  # without an announced MSS: offload is far more common than jumbo frames


@inlined
def is_super(peer: Any, version: int, ip_len: int, size: int) -> bool:
    """True if no wire packet of this size can exist: above the peer's announced MSS, or length 0.

    A full-size packet is MSS + 40 (IPv6: 60) bytes whatever its options (RFC 9293 3.7.1).
    """
    if ip_len == 0:
        return True
    if peer["mss"] > 0:
        return size > peer["mss"] + (40 if version == 4 else 60)
    return size > UNKNOWN_LIMIT


@inlined
def note_sent(out: Any, odd_out: Any, peer: Any, h: list[int], end: int, frame: int, size: int) -> int:
    """Take in the size of new data, if there is any; returns MARK_SUPER for a super-segment, else 0."""
    if h[PAYLOAD] == 0:
        return 0
    return note_size(out, odd_out, peer, h[VERSION], h[IP_LEN], h[TCP_LEN], h[PAYLOAD], h[DF], end, frame, size)


@inlined
def note_size(
    out: Any,
    odd_out: Any,
    peer: Any,
    version: int,
    ip_len: int,
    tcp_len: int,
    payload: int,
    df: int,
    end: int,
    frame: int,
    size: int,
) -> int:
    """As `note_sent`, of a packet with payload that need not be decoded into fields."""
    if is_super(peer, version, ip_len, size):
        odd_out["super_packets"] += 1
        if odd_out["super_frame"] == 0:
            odd_out["super_frame"] = frame
        segment = peer["mss"] - (tcp_len - 20)
        if segment > 0 and payload % segment == 0:
            odd_out["super_multiples"] += 1
        return MARK_SUPER
    if size > out["max_sent"]:
        out["max_sent"] = size
        out["max_sent_frame"] = frame
    known = out["delivered"] if df else odd_out["delivered_nodf"]
    # An equal size goes through again, so that the time of its latest delivery stays known.
    if size < known or (out["odd"] and odd_out["size_cap"] and size > odd_out["size_cap"]):
        return 0
    if out["p0_end"] == 0:
        out["p0_end"] = end
        out["p0_frame"] = frame
        out["p0_size"] = size
        out["p0_payload"] = payload
        out["p0_df"] = df
    elif size > out["p0_size"] and (odd_out["p1_end"] == 0 or size > odd_out["p1_size"]):
        out["odd"] = 1
        odd_out["p1_end"] = end
        odd_out["p1_frame"] = frame
        odd_out["p1_size"] = size
        odd_out["p1_payload"] = payload
        odd_out["p1_df"] = df
    return 0


@kernel
def forget_larger(out: Any, odd_out: Any, size: int) -> None:
    """The sender learned a smaller path MTU: packets on their way that are larger will be sent again.

    With offload the captured resend may look the same, though smaller packets leave the host.
    """
    if odd_out["p1_end"] and odd_out["p1_size"] > size:
        odd_out["p1_end"] = 0
    if out["p0_end"] and out["p0_size"] > size:
        out["p0_end"] = 0


@inlined
def keep_delivered(out: Any, odd_out: Any, size: int, df: int, frame: int, ack_frame: int, ts: int) -> None:
    """Keep a delivered size if it is the largest of its kind."""
    if df:
        if size >= out["delivered"]:
            out["delivered"] = size
            out["delivered_frame"] = frame
            out["delivered_ack"] = ack_frame
            out["delivered_ts"] = ts
    elif size >= odd_out["delivered_nodf"]:
        odd_out["delivered_nodf"] = size
        odd_out["delivered_nodf_frame"] = frame


@kernel
def move_up(out: Any, odd_out: Any) -> None:
    """The second packet on its way takes the place of the first."""
    out["p0_end"] = odd_out["p1_end"]
    out["p0_frame"] = odd_out["p1_frame"]
    out["p0_size"] = odd_out["p1_size"]
    out["p0_payload"] = odd_out["p1_payload"]
    out["p0_df"] = odd_out["p1_df"]
    odd_out["p1_end"] = 0


@inlined
def note_delivered(out: Any, odd_out: Any, ack: int, ack_frame: int, ts: int) -> None:
    """A cumulative ACK arrived: packets below it were delivered. One that it ends within had left in several pieces."""
    if out["p0_end"] and ack > out["p0_end"] - out["p0_payload"]:
        if out["p0_end"] <= ack:
            keep_delivered(out, odd_out, out["p0_size"], out["p0_df"], out["p0_frame"], ack_frame, ts)
        out["p0_end"] = 0
    if not out["odd"]:
        return
    if odd_out["p1_end"] and ack > odd_out["p1_end"] - odd_out["p1_payload"]:
        if odd_out["p1_end"] <= ack:
            keep_delivered(out, odd_out, odd_out["p1_size"], odd_out["p1_df"], odd_out["p1_frame"], ack_frame, ts)
        odd_out["p1_end"] = 0
    if out["p0_end"] == 0 and odd_out["p1_end"]:
        move_up(out, odd_out)


@kernel
def drop_ambiguous(out: Any, odd_out: Any, seq: int, end: int, payload: int, df: int) -> None:
    """Bytes were sent again in another shape: an ACK no longer tells which packet arrived."""
    start = odd_out["p1_end"] - odd_out["p1_payload"]
    if (
        odd_out["p1_end"]
        and seq < odd_out["p1_end"]
        and end > start
        and (seq != start or payload != odd_out["p1_payload"] or df != odd_out["p1_df"])
    ):
        odd_out["p1_end"] = 0
    start = out["p0_end"] - out["p0_payload"]
    if (
        out["p0_end"]
        and seq < out["p0_end"]
        and end > start
        and (seq != start or payload != out["p0_payload"] or df != out["p0_df"])
    ):
        move_up(out, odd_out)
