from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyzer.report.formats import parquet_report
from analyzer.report.formats.parquet_report import to_parquet
from analyzer.tables.flow_table import FLOW_NAMES
from tests.report.factory import START, make_analysis, make_flow


def test_the_flow_table_with_types_and_units() -> None:
    table = pq.read_table(io.BytesIO(to_parquet(make_analysis([make_flow(0), make_flow(1, "ok", direction=None)]))))
    assert table.column_names == FLOW_NAMES
    assert table.schema.metadata[b"schema"] == b"pmtu-analyze/1"
    assert table.schema.field("path_mtu.at_most").metadata[b"unit"] == b"bytes of IP total length"
    assert table["path_mtu.at_most"].to_pylist() == [1499, None]
    assert table["verdict"].to_pylist() == ["blackhole", "ok"]
    assert table["first_time"].type == pa.timestamp("ns", tz="UTC")
    assert table["first_time"].cast(pa.int64()).to_pylist() == [START, START]
    assert table["stalled.df"].to_pylist() == [True, None]


def test_no_flows_give_an_empty_table() -> None:
    assert pq.read_table(io.BytesIO(to_parquet(make_analysis()))).num_rows == 0


def test_every_column_is_explained() -> None:
    schema = pq.read_table(io.BytesIO(to_parquet(make_analysis([make_flow(0)])))).schema
    assert all(field.metadata[b"description"] for field in schema)


def test_every_number_but_counts_and_names_has_a_unit() -> None:
    schema = pq.read_table(io.BytesIO(to_parquet(make_analysis([make_flow(0)])))).schema
    bare = {field.name for field in schema if pa.types.is_floating(field.type) and b"unit" not in field.metadata}
    bare |= {field.name for field in schema if "bytes" in field.name and b"unit" not in field.metadata}
    bare |= {field.name for field in schema if field.name.endswith(("_len", ".mtu")) and b"unit" not in field.metadata}
    assert bare == set()


def test_many_rows_are_pieces_of_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = make_analysis([make_flow(number) for number in range(5)])
    whole = pq.read_table(io.BytesIO(to_parquet(analysis)))
    monkeypatch.setattr(parquet_report, "CHUNK_ROWS", 2)
    assert pq.read_table(io.BytesIO(to_parquet(analysis))).equals(whole)
