"""The flow table as Parquet: typed columns, their units and meanings in the schema's metadata."""

from __future__ import annotations

import io
from typing import Any

from analyzer.report.data import FLOW_COLUMNS, TOOL, flow_row, tool_version
from analyzer.results import SCHEMA, Analysis

COLUMN_NOTES: dict[str, tuple[str, str]] = {
    "stream": ("", "Wireshark's tcp.stream"),
    "client.ip": ("", "end that opened the connection"),
    "client.port": ("", "TCP port of the client"),
    "server.ip": ("", "the other end"),
    "server.port": ("", "TCP port of the server"),
    "verdict": ("", "the worse of the two directions' verdicts"),
    "confidence": ("", "high, medium or low"),
    "direction": ("", "direction that the verdict is about"),
    "path_mtu.at_least": ("bytes", "IP total length of the largest packet proven delivered"),
    "path_mtu.at_most": ("bytes", "one less than the smallest IP total length proven lost"),
    "path_mtu.exact": ("bytes", "path MTU from a valid PTB"),
    "stalled.first_frame": ("", "frame number of the stalled segment's first transmission"),
    "stalled.ip_len": ("bytes", "IP total length of the stalled segment"),
    "stalled.payload_len": ("bytes", "TCP payload of the stalled segment"),
    "stalled.seq": ("", "TCP sequence number as on the wire"),
    "stalled.df": ("", "true if DF is set, or IPv6"),
    "stalled.retransmissions": ("packets", "retransmissions of the stalled segment"),
    "stalled.seconds": ("s", "from its first transmission to its ACK, or to its last transmission captured"),
    "ptb.count": ("packets", "PTBs about this flow"),
    "explanation": ("", "the verdict in words"),
    "display_filter": ("", "Wireshark display filter for the flow"),
    "frame_filters": ("", "Wireshark display filter for the frames that the verdict rests on"),
    "packets": ("packets", "packets of the flow"),
    "bytes": ("bytes", "their IP total lengths together"),
    "first_time": ("ns", "first packet, nanoseconds since the epoch, UTC"),
    "last_time": ("ns", "last packet, nanoseconds since the epoch, UTC"),
    "file": ("", "capture file in which the flow starts"),
}
"""Unit (empty where there is none) and meaning of each column."""


def to_parquet(analysis: Analysis) -> bytes:
    """The flow table as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Any] = {
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "category": pa.dictionary(pa.int8(), pa.string()),
        "time": pa.timestamp("ns", tz="UTC"),
    }
    fields = []
    for name, kind in FLOW_COLUMNS.items():
        unit, meaning = COLUMN_NOTES[name]
        notes = {"description": meaning} | ({"unit": unit} if unit else {})
        fields.append(pa.field(name, types[kind], metadata=notes))
    schema = pa.schema(fields, metadata={"schema": SCHEMA, "tool": f"{TOOL} {tool_version()}"})
    rows = [flow_row(flow, analysis.files) for flow in analysis.all_flows]
    cells = zip(*rows, strict=True) if rows else [()] * len(fields)
    columns = [pa.array(list(values), type=field.type) for values, field in zip(cells, fields, strict=True)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), out)
    return out.getvalue()
