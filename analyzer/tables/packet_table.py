"""One row a packet, from another pass over the capture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.decode.tcp import ACK_FLAG
from analyzer.evidence.outcomes import Outcomes, outcomes_of
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.text import file_labels
from analyzer.passes.reread import rows_of
from analyzer.tables.columns import CATEGORIES, CHUNK_PACKETS, OF_FILES, PACKETS
from analyzer.tables.frames import Array, flags_in_words, frame_of, marks_of, maybe, named, with_files

if TYPE_CHECKING:
    import pandas as pd


def packets_of(analysis: Analysis, flow: Flow, *, compiled: bool | None = None) -> pd.DataFrame:
    """Every TCP packet of a flow as a table, columns as `tables.columns` declares them.

    `compiled` forces the compiled or interpreted pass; by default large captures compile.

    Raises:
        UsageError: the capture cannot be read again, or changed since it was analysed.
    """
    rows, edges = rows_of(analysis, flow, compiled=compiled)
    labels = file_labels(analysis.files)
    return packet_table(
        rows, edges, labels, client_side=flow.client_side, outcomes=outcomes_of(rows, edges, flow.round_trips)
    )


def packet_table(
    rows: Array,
    edges: Array,
    labels: Sequence[str],
    *,
    client_side: int | None = None,
    outcomes: Outcomes | None = None,
) -> pd.DataFrame:
    """Rows of `passes.second.ROW` as a table; with `outcomes` it also has the columns that need the whole flow.

    `labels` name the files. `client_side` is the client's side where it is known; else what each row knew
    of it is used.
    """
    flags = rows["flags"].astype(np.int64)
    acks = (flags & ACK_FLAG) != 0
    from_client = rows["from_client"] != 0 if client_side is None else rows["side"] == client_side
    values: dict[str, Any] = {
        "stream": rows["stream"].astype(np.int64),
        "frame": rows["frame"],
        "file": named(rows["file"], labels),
        "time": rows["ts"],
        "direction": named(np.where(from_client, 0, 1), CATEGORIES["direction"]),
        "seq": rows["seq"],
        "ack": maybe(rows["ack"], acks),
        "seq_raw": rows["raw_seq"].astype(np.int64),
        "ack_raw": maybe(rows["raw_ack"], acks),
        "wire_len": rows["wire_len"],
        "ip_len": rows["ip_len"].astype(np.int64),
        "payload_len": rows["payload"].astype(np.int64),
        "window": rows["window"].astype(np.int64),
        "flags": flags_in_words(flags),
        "ttl": rows["ttl"].astype(np.int64),
        "sack": _sack(rows, edges),
        **marks_of(rows["marks"]),
    }
    if outcomes is None:
        return frame_of(values, with_files(CHUNK_PACKETS, labels))
    values["fate"] = named(outcomes.outcome, CATEGORIES["fate"])
    for name, places in (("acked_by", outcomes.acked_by), ("retransmission_of", outcomes.first_sent)):
        known = places >= 0
        values[name] = maybe(rows["frame"][places], known)
        values[OF_FILES[name].name] = named(np.where(known, rows["file"][places], -1), labels)
    return frame_of(values, with_files(PACKETS, labels))


def _sack(rows: Array, edges: Array) -> Array:
    """SACK blocks of each row as a tuple of pairs; most rows share the empty tuple."""
    out = np.empty(len(rows), object)
    out[:] = [()] * len(rows) if len(rows) else []
    having = np.flatnonzero(rows["blocks"])
    raw = rows["raw_ack"][having].astype(np.int64)[:, None]
    away = ((edges[having].astype(np.int64) - raw + 0x80000000) & 0xFFFFFFFF) - 0x80000000
    numbers = (rows["ack"][having][:, None] + away).tolist()
    for place, count, row in zip(having.tolist(), rows["blocks"][having].tolist(), numbers, strict=True):
        out[place] = tuple((row[2 * i], row[2 * i + 1]) for i in range(count))
    return out
