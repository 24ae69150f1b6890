"""The table of flows or UDP conversations as Parquet: typed columns, units and meanings in the schema's metadata."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.report.formats.arrow_columns import arrow_column
from analyzer.report.wishes import Wishes
from analyzer.tables.columns import FLOWS, UDP_FLOWS, Column
from analyzer.tables.flow_table import flow_rows, udp_flow_rows

CHUNK_ROWS = 1_000_000
"""Rows that become one piece of a column: texts of one piece may have 2 GiB."""


class ParquetReport:
    """The flow table as Parquet."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [to_parquet(analysis)]}


class UdpParquetReport:
    """The table of UDP conversations as Parquet."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [_parquet(list(udp_flow_rows(analysis)), UDP_FLOWS)]}


def to_parquet(analysis: Analysis) -> bytes:
    """The flow table as a Parquet file."""
    return _parquet(list(flow_rows(analysis)), FLOWS)


def _parquet(rows: Sequence[Sequence[Any]], declared: Sequence[Column]) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(arrow_table(rows, declared), out)
    return out.getvalue()


def arrow_table(rows: Sequence[Sequence[Any]], declared: Sequence[Column]) -> Any:
    """Rows of cells as a table of Apache Arrow; times are ns. A column of lists holds text, but `streams` numbers."""
    import pyarrow as pa

    types: dict[str, Any] = {
        "int": pa.int64(),
        "count": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "category": pa.dictionary(pa.int8(), pa.string()),
        "time": pa.timestamp("ns", tz="UTC"),
        "list": pa.list_(pa.string()),
    }
    fields = []
    for column in declared:
        notes = {"description": column.text} | ({"unit": column.unit} if column.unit else {})
        kind = pa.list_(pa.int64()) if column.name == "streams" else types[column.kind]
        fields.append(pa.field(column.name, kind, metadata=notes))
    schema = pa.schema(fields, metadata={"schema": tool.SCHEMA, "tool": f"{tool.NAME} {tool.__version__}"})
    tables = []
    for begin in range(0, max(len(rows), 1), CHUNK_ROWS):
        some = rows[begin : begin + CHUNK_ROWS]
        cells = zip(*some, strict=True) if some else [()] * len(fields)
        columns = [arrow_column(values, field.type) for values, field in zip(cells, fields, strict=True)]
        tables.append(pa.Table.from_arrays(columns, schema=schema))
    return pa.concat_tables(tables)
