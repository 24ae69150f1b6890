"""The flow table as Parquet: typed columns, their units and meanings in the schema's metadata."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.report.wishes import Wishes
from analyzer.tables.columns import FLOWS
from analyzer.tables.flow_table import flow_rows


class ParquetReport:
    """The flow table as Parquet."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [to_parquet(analysis)]}


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
    schema = pa.schema(fields, metadata={"schema": tool.SCHEMA, "tool": f"{tool.NAME} {tool.__version__}"})
    rows = list(flow_rows(analysis))
    cells = zip(*rows, strict=True) if rows else [()] * len(fields)
    columns = [pa.array(list(values), type=field.type) for values, field in zip(cells, fields, strict=True)]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), out)
    return out.getvalue()
