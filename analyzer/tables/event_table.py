"""Tables of what an analysis holds in memory: recorded packets, PTBs, runs of retransmissions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.decode.tcp import ACK_FLAG, FIN, RST, SYN
from analyzer.evidence.retransmissions import series_of
from analyzer.evidence.segments import Segment
from analyzer.flows.flow_tables import MARK_DF, MARK_DUPLICATE, MARK_HOLE, PACKET
from analyzer.model.statement import FrameRef
from analyzer.model.text import file_labels
from analyzer.tables.columns import CATEGORIES, EPISODES, EVENTS, FRAGMENTS, KINDS, PTBS
from analyzer.tables.frames import Array, flags_in_words, frame_of, marks_of, maybe, named, table, with_files

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.model.analysis import Analysis
    from analyzer.model.flow import Flow


def event_table(analysis: Analysis, flows: Sequence[Flow]) -> pd.DataFrame:
    """The recorded packets of some flows."""
    recorded = [flow for flow in flows if flow.timeline is not None and len(flow.timeline)]
    lines = [flow.timeline for flow in recorded if flow.timeline is not None]
    rows = np.concatenate(lines) if lines else np.zeros(0, PACKET)
    counts = [len(line) for line in lines]
    client = np.repeat(np.array([flow.client_side for flow in recorded], np.int64), counts)
    scales = np.array([flow.window_scales for flow in recorded], np.int64).reshape(-1, 2)
    scale = np.repeat(scales, counts, axis=0)[np.arange(len(rows)), rows["side"]]
    flags, marks = rows["flags"].astype(np.int64), marks_of(rows["marks"])
    acks = (flags & ACK_FLAG) != 0
    window = rows["window"].astype(np.int64) << np.where(flags & SYN, 0, scale)
    values: dict[str, Any] = {
        "stream": rows["flow"].astype(np.int64),
        "frame": rows["frame"],
        "file": named(rows["file"], file_labels(analysis.files)),
        "time": rows["ts"],
        "direction": named(np.where(rows["side"] == client, 0, 1), CATEGORIES["direction"]),
        "kind": _kinds(rows, flags, marks, window),
        "seq_raw": rows["seq"] & 0xFFFFFFFF,
        "ack_raw": maybe(rows["ack"] & 0xFFFFFFFF, acks),
        "ip_len": rows["ip_len"].astype(np.int64),
        "payload_len": rows["payload"].astype(np.int64),
        "window": window,
        "flags": flags_in_words(flags),
        "ttl": rows["ttl"].astype(np.int64),
        **marks,
    }
    return frame_of(values, with_files(EVENTS, analysis.files))


def _kinds(rows: Array, flags: Array, marks: dict[str, Array], window: Array) -> Any:
    tests = {
        "duplicate": marks["duplicate"],
        "syn": (flags & SYN) != 0,
        "rst": (flags & RST) != 0,
        "fin": (flags & FIN) != 0,
        "keepalive": marks["keepalive"],
        "retransmission": marks["retransmission"],
        "zero_window": (window == 0) & ((flags & ACK_FLAG) != 0),
        "hole": (rows["marks"] & MARK_HOLE) != 0,
        "data": rows["payload"] > 0,
    }
    codes = np.select(list(tests.values()), [KINDS.index(name) for name in tests], KINDS.index("ack"))
    return named(codes, KINDS)


def ptb_table(analysis: Analysis) -> pd.DataFrame:
    """The PTBs of the capture, with what verdicts say about them: of a selection those about its flows."""
    labels = file_labels(analysis.files)
    rows: list[list[Any]] = [
        [
            ptb.frame.frame,
            labels[ptb.frame.file],
            ptb.time,
            told.stream,
            ptb.mtu,
            ptb.router,
            told.effect,
            told.reason,
            ptb.destination,
            ptb.protocol or None,
            ptb.source or None,
            ptb.source_port,
            ptb.receiver or None,
            ptb.receiver_port,
            ptb.ip_len or None,
            told.verdict,
        ]
        for ptb, told in analysis.told_ptbs()
    ]
    return table(rows, PTBS, labels)


def fragment_table(analysis: Analysis) -> pd.DataFrame:
    """The DataFrame `analysis.fragments`."""
    rows: list[list[Any]] = [
        [
            each.src,
            each.dst,
            each.protocol,
            each.point,
            each.complete,
            each.first_only,
            each.later_only,
            each.partial,
            each.overlapping,
            each.gave_up,
            each.whole,
            each.verdict,
        ]
        for each in analysis.all_fragments
    ]
    return table(rows, FRAGMENTS)


def episode_table(analysis: Analysis, flow: Flow) -> pd.DataFrame:
    """The runs of retransmissions among a flow's recorded packets, in order of time."""
    segments = _segments(flow)
    labels = file_labels(analysis.files)
    rows: list[list[Any]] = []
    for side in (0, 1):
        acks = [segment.ack for segment in segments if segment.side != side and segment.has_ack]
        for run in series_of(segments, side, max(acks, default=0)):
            first, head = run.first, run.stuck_segment
            rows.append(
                [
                    flow.stream,
                    CATEGORIES["direction"][0 if side == flow.client_side else 1],
                    first.ref.frame,
                    labels[first.ref.file],
                    first.ts,
                    head.seq & 0xFFFFFFFF,
                    head.ip_len,
                    head.payload,
                    head.df,
                    run.retransmission_count,
                    run.span / 1e9,
                    run.acked_by.ref.frame if run.acked_by is not None else None,
                    run.is_episode(analysis.settings),
                ]
            )
    return table(sorted(rows, key=lambda row: row[4]), EPISODES, labels)


def _segments(flow: Flow) -> list[Segment]:
    """The recorded packets as the evidence reads them, but for SACK, which runs do not need."""
    if flow.timeline is None:
        return []
    names = PACKET.names or ()
    out = []
    for values in flow.timeline.tolist():
        row = dict(zip(names, values, strict=True))
        if row["marks"] & MARK_DUPLICATE:
            continue
        flags, payload = row["flags"], row["payload"]
        out.append(
            Segment(
                ref=FrameRef(row["file"], row["frame"]),
                ts=row["ts"],
                side=row["side"],
                seq=row["seq"],
                end=row["seq"] + payload + bool(flags & SYN) + bool(flags & FIN),
                payload=payload,
                ip_len=row["ip_len"],
                ack=row["ack"],
                window=row["window"],
                flags=flags,
                df=bool(row["marks"] & MARK_DF),
                ip_id=row["ip_id"],
                ttl=row["ttl"],
                marks=row["marks"],
                sack=(),
            )
        )
    return out
