"""TCP followed per direction (RFC 9293): unwrapping, delivery, retransmissions, holes, windows.

`side` is the endpoint that sent the packet; its direction's row holds what it sent and how much of that
the peer acknowledged. One packet is handled at a time, in capture order.
"""

from __future__ import annotations

from typing import Any

from analyzer.decode.fields import (
    ACK,
    DF,
    DSACK,
    FLAGS,
    FRAGMENT,
    HAS_TS,
    LAYERS,
    MSS,
    NET,
    OUTER,
    PAYLOAD,
    SACK_OK,
    SEQ,
    TS,
    TTL,
    VERSION,
    WAY,
    WAY_IN,
    WAY_OUT,
    WINDOW,
    WSCALE,
)
from analyzer.decode.integers import Buffer
from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN, ip_length_on_wire
from analyzer.flows.lookup import endpoint_order, find_slot, new_flow, same_endpoints
from analyzer.flows.record import RING_MASK, bring_back, is_copy, start_recording, write_row
from analyzer.flows.sizes import drop_ambiguous, note_delivered, note_sent
from analyzer.flows.tables import (
    C_FILE,
    C_FLOWS,
    C_LATEST,
    FILE_SHIFT,
    MARK_DSACK,
    MARK_DUPLICATE,
    MARK_FILLS,
    MARK_HOLE,
    MARK_KEEPALIVE,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_SUPER,
    PROGRESS_SHIFT,
    PROGRESS_SLOTS,
    SAW_BARE,
    SAW_FIN,
    SAW_FRAGMENT,
    SAW_RST,
    SAW_SYN,
    SAW_SYN_ACK,
    State,
)
from analyzer.kernel import inlined, kernel
from analyzer.settings import AFTERMATH_ROWS, HISTORY_ROWS, LONG_HOLE_NS

WRAP = 1 << 32
FARTHEST = 1 << 30  # RFC 7323 2.3: the largest window; numbers farther away belong to no live byte
RUN_RECORDED = 3  # retransmissions of one head before the flow is recorded
NO_FLOW = -1


@inlined
def unwrap(raw: int, reference: int) -> int:
    """The 64-bit number nearest to `reference` whose low 32 bits are `raw`."""
    ahead = (raw - reference) & 0xFFFFFFFF
    if ahead >= 0x80000000:
        ahead -= WRAP
    return reference + ahead


@inlined
def flow_of_packet(state: State, h: list[int], side: int) -> int:
    """The packet's flow, made if need be; NO_FLOW if the bound on flows is reached.

    A SYN with another initial sequence number on known endpoints opens a new flow, as in Wireshark.
    """
    opens = h[FLAGS] & (SYN | ACK_FLAG) == SYN
    latest = state.counters[C_LATEST]
    if not opens and latest < state.counters[C_FLOWS] and same_endpoints(state.flows[latest], h, side):
        return latest  # packets of one flow come in runs
    slot = find_slot(state, h, side)
    number = state.slots[slot] - 1
    if number >= 0:
        state.counters[C_LATEST] = number
        if not opens:
            return number
        direction = state.directions[2 * number + side]
        if not direction["base_set"] or direction["base"] == h[SEQ]:
            return number
    if state.counters[C_FLOWS] >= len(state.flows):
        return NO_FLOW
    return new_flow(state, h, side, slot)


@kernel
def number_stream(state: State, h: list[int]) -> None:
    """Give a packet that cannot be followed its stream number all the same, as Wireshark does."""
    flow_of_packet(state, h, endpoint_order(h))


@inlined
def note_handshake(flow: Any, me: Any, h: list[int], side: int, frame: int) -> None:
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
        else:
            flow["client"] = side
            flow["seen"] |= SAW_SYN
            if flow["syn_ts"] == 0:
                flow["syn_ts"] = h[TS]
                flow["syn_frame"] = frame
    elif flow["syn_ack_ts"] and flow["ack_ts"] == 0 and side == flow["client"]:
        flow["ack_ts"] = h[TS]
        flow["ack_frame"] = frame


@inlined
def note_window(me: Any, peer: Any, h: list[int], frame: int) -> bool:
    """Keep the window that this packet announces, and how long it stays closed; True once that is long."""
    if h[FLAGS] & RST or not h[FLAGS] & ACK_FLAG:
        return False
    window = h[WINDOW]
    if not h[FLAGS] & SYN and me["wscale"] >= 0 and peer["wscale"] >= 0:
        window <<= me["wscale"]
    me["window"] = window
    if window == 0:
        me["zero_windows"] += 1
        if me["window_zero_ts"] == 0:
            me["window_zero_ts"] = h[TS]
            if me["window_zero_frame"] == 0:
                me["window_zero_frame"] = frame
    if me["window_zero_ts"]:
        longest = me["window_zero_longest"] + 0
        me["window_zero_longest"] = max(longest, h[TS] - me["window_zero_ts"])
        if window:
            me["window_zero_ts"] = 0
        return longest < LONG_HOLE_NS <= me["window_zero_longest"]
    return False


@kernel
def close_hole(direction: Any, ts: int) -> None:
    """The open hole of a direction was filled or proved harmless at time `ts`."""
    direction["hole_longest"] = max(direction["hole_longest"], ts - direction["hole_ts"])
    direction["hole_ts"] = 0


@inlined
def note_ack(peer: Any, h: list[int], frame: int) -> int:
    """Apply the acknowledgement number to the direction it acknowledges; returns it unwrapped."""
    if not peer["ref"]:
        peer["ref"] = 1
        peer["snd_max"] = h[ACK] + WRAP
        peer["first_seq"] = h[ACK] + WRAP
    ack = unwrap(h[ACK], peer["snd_max"] + 0)
    if h[FLAGS] & RST or not -FARTHEST < ack - peer["snd_max"] < FARTHEST:
        return ack
    if ack > peer["snd_max"]:
        if peer["seen"]:
            peer["unseen"] += ack - peer["snd_max"]
        peer["snd_max"] = ack
    if not peer["una_known"]:
        peer["una_known"] = 1
        peer["una"] = ack
        peer["progress_ts"] = h[TS]
        peer["progress_frame"] = frame
        note_delivered(peer, ack, frame, h[TS])
    elif ack > peer["una"]:
        peer["una"] = ack
        peer["progress_ts"] = h[TS]
        peer["progress_frame"] = frame
        peer["run_count"] = 0
        note_delivered(peer, ack, frame, h[TS])
    if peer["hole_ts"] and ack >= peer["hole_end"]:
        # The receiver has the bytes: the capture missed them, not the path.
        peer["unseen"] += peer["hole_end"] - peer["hole_start"]
        close_hole(peer, h[TS])
    if h[DSACK]:
        peer["dsacks"] += 1
    return ack


@kernel
def note_resent(flow: Any, me: Any, h: list[int], seq: int, frame: int, size: int) -> int:
    """Take in a segment of bytes sent before; returns 1 if the flow's packets should be recorded now."""
    me["resent"] += 1
    me["resent_max"] = max(me["resent_max"], size)
    if me["resent_frame"] == 0:
        me["resent_frame"] = frame
    me["resent_ts"] = h[TS]
    oldest = not me["una_known"] or seq <= me["una"] < seq + h[PAYLOAD]
    if not oldest and me["run_count"] and me["run_seq"] <= me["una"]:
        return 0  # sent because of SACK, beside the run of the oldest outstanding byte
    trouble = 0
    if me["run_count"] and me["run_seq"] == seq:
        if h[PAYLOAD] < me["run_len"] or h[DF] < me["run_df"]:
            trouble = 1  # the sender tries smaller, or lets routers fragment
            if size < me["size_cap"] or me["size_cap"] == 0:
                me["size_cap"] = size
        me["run_count"] += 1
    else:
        me["run_count"] = 1
        me["run_ts"] = h[TS]
    me["run_seq"] = seq
    me["run_len"] = h[PAYLOAD]
    me["run_df"] = h[DF]
    me["longest_run"] = max(me["longest_run"], me["run_count"])
    if me["run_count"] == RUN_RECORDED or trouble:
        return 1
    # While the run lasts, so does the recording: the ladder of a hang is sparse, its last steps count.
    return 1 if me["run_count"] > RUN_RECORDED else 0


@kernel
def note_late(me: Any, h: list[int], seq: int) -> int:
    """A late segment may fill the open hole; returns MARK_FILLS if it does, and closes the hole."""
    end = seq + h[PAYLOAD]
    if not me["hole_ts"] or seq >= me["hole_end"] or end <= me["hole_start"]:
        return 0
    me["filled"] += 1
    if seq <= me["hole_start"]:
        me["hole_start"] = end
    if me["hole_start"] >= me["hole_end"]:
        close_hole(me, h[TS])
    return MARK_FILLS


@kernel
def note_hole(me: Any, h: list[int], seq: int, frame: int) -> None:
    """A segment beyond the highest byte seen: bytes are missing. The first open hole is followed."""
    me["holes"] += 1
    if me["hole_ts"] == 0:
        me["hole_start"] = me["snd_max"]
        me["hole_end"] = seq
        me["hole_ts"] = h[TS]
        me["hole_frame"] = frame


@inlined
def note_segment(
    state: State, flow: Any, me: Any, peer: Any, h: list[int], frame: int, side: int, seq: int, ack: int
) -> int:
    """Take in the sequence space that a packet occupies; returns its MARK_ bits."""
    payload = h[PAYLOAD]
    end = seq + payload + (1 if h[FLAGS] & SYN else 0) + (1 if h[FLAGS] & FIN else 0)
    if not me["ref"]:
        me["ref"] = 1
        me["snd_max"] = end
        me["first_seq"] = seq
        me["seen"] = 1
        return note_sent(me, peer, h, end, frame, ip_length_on_wire(h))
    ahead = seq - me["snd_max"]
    first = not me["seen"]
    me["seen"] = 1
    # A direction that carried full-size packets needs no closer look at its holes.
    full = peer["mss"] + (40 if h[VERSION] == 4 else 60) if peer["mss"] > 0 else 0
    small_so_far = me["max_sent"] < full or me["max_sent"] == 0
    if end == seq:
        if 0 < ahead < FARTHEST and not first and flow["recording"] == 0 and small_so_far:
            start_recording(state, flow, 64, AFTERMATH_ROWS)  # a bare ACK beyond bytes that did not come
        return MARK_KEEPALIVE if ahead == -1 else 0
    if not -FARTHEST < ahead < FARTHEST:
        return 0
    if ahead >= 0:
        marks = 0
        if ahead > 0 and not first:
            note_hole(me, h, seq, frame)
            marks = MARK_HOLE
            if small_so_far:
                start_recording(state, flow, 64, AFTERMATH_ROWS)
        me["snd_max"] = end
        if payload:
            marks |= note_sent(me, peer, h, end, frame, ip_length_on_wire(h))
        return marks
    # Where packets are cut or merged on the way, one has many copies.
    if is_copy(state, h, flow, side, seq, ack, 64 if flow["layers"] or me["super_packets"] else 16):
        me["duplicates"] += 1
        return MARK_DUPLICATE
    if ahead == -1 and payload <= 1 and not h[FLAGS] & (SYN | FIN):
        me["keepalives"] += 1
        return MARK_KEEPALIVE
    marks = MARK_RESENT
    if payload:
        marks |= note_late(me, h, seq)
        size = ip_length_on_wire(h)
        if peer["mss"] > 0 and size > peer["mss"] + (40 if h[VERSION] == 4 else 60):
            marks |= MARK_SUPER
        drop_ambiguous(me, seq, end, payload, h[DF])
        if me["una_known"] and end <= me["una"]:
            me["spurious"] += 1
            marks |= MARK_SPURIOUS
        elif not marks & MARK_FILLS and note_resent(flow, me, h, seq, frame, size):
            start_recording(state, flow, HISTORY_ROWS, AFTERMATH_ROWS)
    me["snd_max"] = max(me["snd_max"], end)
    return marks


@inlined
def track_tcp(state: State, buf: Buffer, h: list[int], frame: int) -> int:
    """Follow one decoded TCP packet; returns its flow number, or NO_FLOW."""
    side = endpoint_order(h)
    number = flow_of_packet(state, h, side)
    if number == NO_FLOW:
        return NO_FLOW
    flow = state.flows[number]
    me = state.directions[2 * number + side]
    peer = state.directions[2 * number + 1 - side]
    size = ip_length_on_wire(h)
    place = state.counters[C_FILE] << FILE_SHIFT | frame
    if h[LAYERS] and not flow["layers"]:
        flow["layers"] = h[LAYERS]
        flow["overhead"] = h[NET] - h[OUTER]
    if not h[LAYERS]:
        flow["seen"] |= SAW_BARE
    if flow["packets"] == 0:
        flow["first_ts"] = h[TS]
        flow["first_frame"] = frame
        flow["file"] = state.counters[C_FILE]
    flow["packets"] += 1
    flow["bytes"] += size
    flow["last_ts"] = h[TS]
    if not me["base_set"]:
        me["base_set"] = 1
        me["base"] = h[SEQ] if h[FLAGS] & SYN else (h[SEQ] - 1) & 0xFFFFFFFF
    if not peer["base_set"] and h[FLAGS] & ACK_FLAG:
        peer["base_set"] = 1
        peer["base"] = (h[ACK] - 1) & 0xFFFFFFFF
    if h[WAY] == WAY_IN:
        me["came_in"] += 1
    elif h[WAY] == WAY_OUT:
        me["went_out"] += 1
    me["packets"] += 1
    me["last_ts"] = h[TS]
    if me["first_ts"] == 0:
        me["first_ts"] = h[TS]
    me["ttl_min"] = min(me["ttl_min"], h[TTL])
    me["ttl_max"] = max(me["ttl_max"], h[TTL])
    note_handshake(flow, me, h, side, place)
    seq = unwrap(h[SEQ], me["snd_max"] + 0) if me["ref"] else h[SEQ] + WRAP
    ack = 0
    if h[FLAGS] & ACK_FLAG:
        if (
            h[PAYLOAD] == 0
            and flow["last_row"] >= 0
            and state.ring[flow["last_row"] & RING_MASK]["side"] == side
            and is_copy(state, h, flow, side, seq, unwrap(h[ACK], peer["snd_max"] + 0), 3)
        ):
            me["duplicates"] += 1
            write_row(state, buf, h, frame, number, side, seq, unwrap(h[ACK], peer["snd_max"] + 0), MARK_DUPLICATE)
            return number
        ack = note_ack(peer, h, place)
        if peer["progress_ts"] == h[TS]:
            slot = (h[TS] >> PROGRESS_SHIFT) & (PROGRESS_SLOTS - 1)
            state.progress[2 * number + 1 - side, slot] = h[TS]
            state.progress[2 * number + 1 - side, PROGRESS_SLOTS + slot] = place
    if note_window(me, peer, h, place):
        start_recording(state, flow, HISTORY_ROWS, AFTERMATH_ROWS)
    marks = 0
    if h[FLAGS] & RST:
        flow["seen"] |= SAW_RST
        me["seen"] = 1
    else:
        marks = note_segment(state, flow, me, peer, h, place, side, seq, ack)
    if h[FLAGS] & FIN:
        flow["seen"] |= SAW_FIN
        if me["fin_ts"] == 0:
            me["fin_ts"] = h[TS]
    if h[FRAGMENT]:
        flow["seen"] |= SAW_FRAGMENT
    if h[DSACK]:
        marks |= MARK_DSACK
    if h[PAYLOAD] and not marks & MARK_DUPLICATE:
        me["data_packets"] += 1
        me["payload_bytes"] += h[PAYLOAD]
        me["last_data_ts"] = h[TS]
        me["last_data_frame"] = place
        me["last_data_len"] = size
        if not h[DF]:
            me["nodf_packets"] += 1
    write_row(state, buf, h, frame, number, side, seq, ack, marks)
    if flow["recording"] and (me["hole_ts"] or me["run_count"] or peer["hole_ts"] or peer["run_count"]):
        flow["recording"] = AFTERMATH_ROWS  # the trouble is not over yet
    if me["hole_ts"] and flow["recording"] == 0 and h[TS] - me["hole_ts"] > LONG_HOLE_NS:
        start_recording(state, flow, HISTORY_ROWS, 1)
    return number


def finish_flow(state: State, number: int) -> None:
    """At the end of the capture: record what is left of a flow whose trouble was not over."""
    for side in range(2):
        direction = state.directions[2 * number + side]
        if direction["run_count"] > 0 or direction["hole_ts"] or direction["window_zero_ts"]:
            bring_back(state, state.flows[number], HISTORY_ROWS)
