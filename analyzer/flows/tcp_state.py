"""TCP followed per direction (RFC 9293): unwrapping, delivery, retransmissions, holes, windows.

`side` is the endpoint that sent the packet; its direction's row holds what it sent and how much of that
the peer acknowledged. One packet is handled at a time, in capture order.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.integers import Buffer
from analyzer.decode.packet_fields import (
    ACK,
    DF,
    DSACK,
    FLAGS,
    FRAGMENT,
    INBOUND,
    IP_LEN,
    LAYERS,
    NET,
    OUTBOUND,
    OUTER,
    PACKET_DIRECTION,
    PAYLOAD,
    SEQ,
    TS,
    TTL,
    VERSION,
)
from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN, ip_length_on_wire, is_sum_wrong
from analyzer.flows.announced import note_handshake, note_window
from analyzer.flows.fast_path import FARTHEST, may_take_fast_path
from analyzer.flows.flow_tables import (
    C_FILE,
    FAST_BARE,
    FAST_INSIDE,
    FILE_SHIFT,
    MARK_BAD_SUM,
    MARK_DSACK,
    MARK_DUPLICATE,
    MARK_FILLS,
    MARK_HOLE,
    MARK_KEEPALIVE,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_STRAY,
    MARK_SUPER,
    PROGRESS_SHIFT,
    SAW_BACKWARDS,
    SAW_BARE,
    SAW_FIN,
    SAW_FRAGMENT,
    SAW_INSIDE,
    SAW_RST,
    SAW_RST_0,
    State,
)
from analyzer.flows.lookup import NO_FLOW, endpoint_order, flow_of_packet
from analyzer.flows.progress_log import put_progress
from analyzer.flows.recording import RING_MASK, is_capture_duplicate, start_recording, write_row
from analyzer.flows.sequence_holes import close_hole, note_hole, note_late
from analyzer.flows.sizes import drop_ambiguous, forget_larger, is_super, note_delivered, note_sent
from analyzer.kernels.marks import inlined, kernel
from analyzer.settings import AFTERMATH_ROWS, BACKWARDS_NS, HISTORY_ROWS, LONG_HOLE_NS

WRAP = 1 << 32
RUN_RECORDED = 3  # retransmissions of one head before the flow is recorded
NEAR = 1 << 20
"""A number no farther away may always belong to the window: the largest one without window scaling, many times."""
UNSCALED = 16
"""As many times farther where the scale of the window was not seen (RFC 7323 allows 2**14)."""


@inlined
def unwrap_seq(raw: int, reference: int) -> int:
    """The 64-bit number nearest to `reference` whose low 32 bits are `raw`."""
    ahead = (raw - reference) & 0xFFFFFFFF
    if ahead >= 0x80000000:
        ahead -= WRAP
    return reference + ahead


@inlined
def reach(receiver: Any, sender: Any) -> int:
    """How far beyond all seen so far a number of `sender` may lie: twice the receiver's window, or more."""
    if receiver["wscale"] >= 0 and sender["wscale"] >= 0:
        return max(NEAR, 2 * receiver["window"])
    return NEAR * UNSCALED


@kernel
def note_unseen(peer: Any, odd_peer_out: Any, missing: int, ts: int) -> None:
    """The capture does not hold `missing` bytes that were acknowledged; found at `ts`, 0: before the first packet.

    Without the SYN, what is missing at first may have been on its way when the capture began.
    """
    if ts and (peer["mss"] >= 0 or ts - peer["first_ts"] > LONG_HOLE_NS):
        odd_peer_out["unseen"] += missing
    else:
        odd_peer_out["unseen_before"] += missing


@inlined
def note_ack(
    state: State, row: int, me: Any, peer: Any, peer_out: Any, odd_peer_out: Any, h: list[int], frame: int
) -> int:
    """Apply the acknowledgement number to the direction in `row`, which it acknowledges; returns it unwrapped."""
    if not peer["ref"]:
        peer["ref"] = 1
        peer["snd_max"] = h[ACK] + WRAP
        peer["first_seq"] = h[ACK] + WRAP
    ack = unwrap_seq(h[ACK], peer["snd_max"] + 0)
    if h[FLAGS] & RST or not -FARTHEST < ack - peer["snd_max"] < FARTHEST:
        return ack
    if ack > peer["snd_max"]:
        if ack - peer["snd_max"] > reach(me, peer) and not 0 <= ack - odd_peer_out["stray_ack"] < NEAR:
            odd_peer_out["stray_ack"] = ack
            return ack
        note_unseen(peer, odd_peer_out, ack - peer["snd_max"], h[TS] if peer["seen"] else 0)
        peer["snd_max"] = ack
    if not peer["una_known"]:
        peer["una_known"] = 1
        peer["una"] = ack  # no progress yet: it may have been acknowledged long ago
        note_delivered(peer_out, odd_peer_out, ack, frame, h[TS])
    elif ack > peer["una"]:
        peer["una"] = ack
        if (peer_out["progress_ts"] ^ h[TS]) >> PROGRESS_SHIFT:
            put_progress(state, peer_out, row)
        peer_out["progress_ts"] = h[TS]
        if peer_out["odd"]:
            odd_peer_out["run_count"] = 0
        note_delivered(peer_out, odd_peer_out, ack, frame, h[TS])
    if peer_out["odd"] and odd_peer_out["hole_ts"] and ack >= odd_peer_out["hole_end"]:
        # The receiver has the bytes: the capture missed them, not the path.
        missing = odd_peer_out["hole_end"] - odd_peer_out["hole_start"]
        note_unseen(peer, odd_peer_out, missing, odd_peer_out["hole_ts"] if odd_peer_out["hole_frame"] else 0)
        close_hole(odd_peer_out, h[TS])
    if h[DSACK]:
        odd_peer_out["dsacks"] += 1
    return ack


@kernel
def note_resent(me: Any, out: Any, odd_out: Any, h: list[int], seq: int, frame: int, size: int) -> int:
    """Take in a segment of bytes sent before; returns 1 if the flow's packets should be recorded now."""
    out["odd"] = 1
    odd_out["resent"] += 1
    odd_out["resent_max"] = max(odd_out["resent_max"], size)
    if odd_out["resent_frame"] == 0:
        odd_out["resent_frame"] = frame
    odd_out["resent_ts"] = h[TS]
    oldest = not me["una_known"] or seq <= me["una"] < seq + h[PAYLOAD]
    if not oldest and odd_out["run_count"] and odd_out["run_seq"] <= me["una"]:
        return 0  # sent because of SACK, beside the run of the oldest outstanding byte
    trouble = 0
    if odd_out["run_count"] and odd_out["run_seq"] == seq:
        if h[PAYLOAD] < odd_out["run_len"] or h[DF] < odd_out["run_df"]:
            trouble = 1  # the sender tries smaller, or lets routers fragment
            if size < odd_out["size_cap"] or odd_out["size_cap"] == 0:
                odd_out["size_cap"] = size
                forget_larger(
                    out, odd_out, size
                )  # with offload, what is sent again at its old size leaves in smaller pieces
        odd_out["run_count"] += 1
    else:
        odd_out["run_count"] = 1
        odd_out["run_ts"] = h[TS]
    odd_out["run_seq"] = seq
    odd_out["run_len"] = h[PAYLOAD]
    odd_out["run_df"] = h[DF]
    odd_out["longest_run"] = max(odd_out["longest_run"], odd_out["run_count"])
    if odd_out["run_count"] == RUN_RECORDED or trouble:
        return 1
    # While the run lasts, so does the recording: the ladder of a hang is sparse, its last steps count.
    return 1 if odd_out["run_count"] > RUN_RECORDED else 0


@inlined
def note_segment(
    state: State,
    number: int,
    me: Any,
    out: Any,
    odd_out: Any,
    peer: Any,
    h: list[int],
    frame: int,
    side: int,
    seq: int,
    ack: int,
) -> int:
    """Take in the sequence space that a packet occupies; returns its MARK_ bits."""
    flow = state.flows[number]
    payload = h[PAYLOAD]
    end = seq + payload + (1 if h[FLAGS] & SYN else 0) + (1 if h[FLAGS] & FIN else 0)
    if not me["ref"]:
        me["ref"] = 1
        me["snd_max"] = end
        me["first_seq"] = seq
        me["seen"] = 1
        return note_sent(out, odd_out, peer, h, end, frame, ip_length_on_wire(h))
    ahead = seq - me["snd_max"]
    first = not me["seen"]
    me["seen"] = 1
    if h[FLAGS] & SYN and ahead != 0 and h[SEQ] != me["base"] and not first:
        if out["data_packets"]:
            return MARK_STRAY
        # Another attempt, with another initial sequence number: what came before it was no data.
        me["base"] = h[SEQ]
        me["first_seq"] = seq
        me["snd_max"] = end
        me["una_known"] = 0
        return 0
    if not first and ahead > reach(peer, me) and not 0 <= seq - odd_out["stray_seq"] < NEAR:
        odd_out["stray_seq"] = end
        return MARK_STRAY
    # A direction that carried full-size packets needs no closer look at its holes.
    full = peer["mss"] + (40 if h[VERSION] == 4 else 60) if peer["mss"] > 0 else 0
    small_so_far = out["max_sent"] < full or out["max_sent"] == 0
    if end == seq:
        if 0 < ahead < FARTHEST and not first and flow["recording"] == 0 and small_so_far:
            start_recording(state, number, 64, AFTERMATH_ROWS)  # a bare ACK beyond bytes that did not come
        return MARK_KEEPALIVE if ahead == -1 else 0
    if not -FARTHEST < ahead < FARTHEST:
        return 0
    if ahead >= 0:
        marks = 0
        if ahead > 0 and not first:
            note_hole(me, out, odd_out, h, seq, frame)
            marks = MARK_HOLE
            if small_so_far:
                start_recording(state, number, 64, AFTERMATH_ROWS)
        elif ahead > 0 and payload and odd_out["hole_ts"] == 0:
            # The first packet seen: what the peer acknowledges of the bytes before it is not in the capture.
            out["odd"] = 1
            odd_out["hole_start"] = me["snd_max"]
            odd_out["hole_end"] = seq
            odd_out["hole_ts"] = h[TS]
            odd_out["hole_frame"] = 0
        me["snd_max"] = end
        if payload:
            marks |= note_sent(out, odd_out, peer, h, end, frame, ip_length_on_wire(h))
        return marks
    # Where packets are cut or merged on the way, one has many copies.
    if is_capture_duplicate(
        state, h, flow, side, seq, ack, 64 if state.odd_flows[number]["layers"] or odd_out["super_packets"] else 16
    ):
        odd_out["duplicates"] += 1
        return MARK_DUPLICATE
    if ahead == -1 and payload <= 1 and not h[FLAGS] & (SYN | FIN):
        odd_out["keepalives"] += 1
        return MARK_KEEPALIVE
    marks = MARK_RESENT
    if payload:
        marks |= note_late(odd_out, h, seq)
        size = ip_length_on_wire(h)
        if is_super(peer, h[VERSION], h[IP_LEN], size):
            marks |= MARK_SUPER
        drop_ambiguous(out, odd_out, seq, end, payload, h[DF])
        if me["una_known"] and end <= me["una"]:
            odd_out["spurious"] += 1
            marks |= MARK_SPURIOUS
        elif not marks & MARK_FILLS and note_resent(me, out, odd_out, h, seq, frame, size):
            start_recording(state, number, HISTORY_ROWS, AFTERMATH_ROWS)
    me["snd_max"] = max(me["snd_max"], end)
    return marks


@inlined
def track_tcp(state: State, buf: Buffer, h: list[int], frame: int, known: int) -> int:
    """Follow one decoded TCP packet; returns its flow number, or NO_FLOW. `known` is that number, -1: to be found."""
    side = endpoint_order(h)
    number = known if known >= 0 else flow_of_packet(state, h, side)
    if number == NO_FLOW:
        return NO_FLOW
    flow = state.flows[number]
    odd = state.odd_flows[number]
    me = state.directions[2 * number + side]
    out = state.transfers[2 * number + side]
    peer = state.directions[2 * number + 1 - side]
    peer_out = state.transfers[2 * number + 1 - side]
    odd_out = state.odd_transfers[2 * number + side]
    odd_peer_out = state.odd_transfers[2 * number + 1 - side]
    size = ip_length_on_wire(h)
    frame_id = state.counters[C_FILE] << FILE_SHIFT | frame
    if h[LAYERS] and not odd["layers"]:
        flow["seen"] |= SAW_INSIDE
        odd["layers"] = h[LAYERS]
        odd["overhead"] = h[NET] - h[OUTER]
    if not h[LAYERS]:
        flow["seen"] |= SAW_BARE
    if flow["packets"] == 0:
        flow["first_ts"] = h[TS]
        flow["first_frame"] = frame
        if state.counters[C_FILE]:
            odd["file"] = state.counters[C_FILE]
    flow["packets"] += 1
    flow["bytes"] += size
    if h[TS] < flow["last_ts"] - BACKWARDS_NS:
        flow["seen"] |= SAW_BACKWARDS
        start_recording(state, number, HISTORY_ROWS, AFTERMATH_ROWS)
    flow["last_ts"] = h[TS]
    if not me["base_set"]:
        me["base_set"] = 1
        me["base"] = h[SEQ] if h[FLAGS] & SYN else (h[SEQ] - 1) & 0xFFFFFFFF
    if not peer["base_set"] and h[FLAGS] & ACK_FLAG:
        peer["base_set"] = 1
        peer["base"] = (h[ACK] - 1) & 0xFFFFFFFF
    if h[PACKET_DIRECTION] == INBOUND:
        odd_out["came_in"] += 1
    elif h[PACKET_DIRECTION] == OUTBOUND:
        odd_out["went_out"] += 1
    me["packets"] += 1
    me["last_ts"] = h[TS]
    if me["first_ts"] == 0:
        me["first_ts"] = h[TS]
    me["ttl_min"] = min(me["ttl_min"], h[TTL])
    me["ttl_max"] = max(me["ttl_max"], h[TTL])
    note_handshake(flow, odd, me, h, side, frame_id)
    seq = unwrap_seq(h[SEQ], me["snd_max"] + 0) if me["ref"] else h[SEQ] + WRAP
    ack = 0
    if h[FLAGS] & ACK_FLAG:
        if (
            h[PAYLOAD] == 0
            and flow["last_row"] >= 0
            and state.ring[flow["last_row"] & RING_MASK]["side"] == side
            and is_capture_duplicate(state, h, flow, side, seq, unwrap_seq(h[ACK], peer["snd_max"] + 0), 3)
        ):
            odd_out["duplicates"] += 1
            write_row(state, buf, h, frame, number, side, seq, unwrap_seq(h[ACK], peer["snd_max"] + 0), MARK_DUPLICATE)
            return number
        ack = note_ack(state, 2 * number + 1 - side, me, peer, peer_out, odd_peer_out, h, frame_id)
        if peer_out["progress_ts"] == h[TS]:
            peer_out["progress_frame"] = frame_id
    if note_window(me, out, odd_out, peer, h, frame_id):
        start_recording(state, number, HISTORY_ROWS, AFTERMATH_ROWS)
    marks = 0
    if h[FLAGS] & RST:
        flow["seen"] |= SAW_RST | SAW_RST_0 << side
        me["seen"] = 1
    else:
        marks = note_segment(state, number, me, out, odd_out, peer, h, frame_id, side, seq, ack)
    if h[FLAGS] & FIN:
        flow["seen"] |= SAW_FIN
        if out["fin_ts"] == 0:
            out["fin_ts"] = h[TS]
    if h[FRAGMENT]:
        flow["seen"] |= SAW_FRAGMENT
    if h[DSACK]:
        marks |= MARK_DSACK
    if marks & MARK_RESENT and h[PAYLOAD] and not h[FRAGMENT] and is_sum_wrong(buf, h):
        marks |= MARK_BAD_SUM
    if h[PAYLOAD] and not marks & (MARK_DUPLICATE | MARK_STRAY):
        out["data_packets"] += 1
        out["payload_bytes"] += h[PAYLOAD]
        out["last_data_ts"] = h[TS]
        out["last_data_frame"] = frame_id
        out["last_data_len"] = size
        if not h[DF]:
            odd_out["nodf_packets"] += 1
    write_row(state, buf, h, frame, number, side, seq, ack, marks)
    if flow["recording"] and (
        odd_out["hole_ts"] or odd_out["run_count"] or odd_peer_out["hole_ts"] or odd_peer_out["run_count"]
    ):
        flow["recording"] = AFTERMATH_ROWS  # the trouble is not over yet
    if out["odd"] and odd_out["hole_ts"] and flow["recording"] == 0 and h[TS] - odd_out["hole_ts"] > LONG_HOLE_NS:
        start_recording(state, number, HISTORY_ROWS, 1)
    flow["fast_path"] = 0
    if may_take_fast_path(flow, me, out, odd_out, peer, peer_out, odd_peer_out):
        bare = FAST_BARE if flow["seen"] & SAW_BARE else 0
        flow["fast_path"] = bare | (FAST_INSIDE if flow["seen"] & SAW_INSIDE else 0)
    return number
