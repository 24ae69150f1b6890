"""The flow table as Parquet: typed columns, their units and meanings in the schema's metadata."""

from __future__ import annotations

import io
from typing import Any

from analyzer.report.columns import FLOWS
from analyzer.report.data import TOOL, flow_row, tool_version
from analyzer.results import SCHEMA, Analysis


def to_parquet(analysis: Analysis) -> bytes:
    """The flow table as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Any] = {
        "int": pa.int64(),
        "count": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "category": pa.dictionary(pa.int8(), pa.string()),
        "time": pa.timestamp("ns", tz="UTC"),
    }
    fields = []
    for column in FLOWS:
        notes = {"description": column.text} | ({"unit": column.unit} if column.unit else {})
        fields.append(pa.field(column.name, types[column.kind], metadata=notes))
    schema = pa.schema(fields, metadata={"schema": SCHEMA, "tool": f"{TOOL} {tool_version()}"})
    rows = [flow_row(flow, analysis.files) for flow in analysis.all_flows]
    cells = zip(*rows, strict=True) if rows else [()] * len(fields)
    columns = [pa.array(list(values), type=field.type) for values, field in zip(cells, fields, strict=True)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), out)
    return out.getvalue()
