"""The table of flows, or of UDP conversations, as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from analyzer.model.analysis import Analysis
from analyzer.model.text import iso_time
from analyzer.report.wishes import Wishes
from analyzer.tables.columns import FLOWS, UDP_FLOWS, Column
from analyzer.tables.flow_table import flow_rows, udp_flow_rows

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula (OWASP, CSV injection)."""


class CsvReport:
    """The flow table as CSV."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [to_csv(analysis).encode()]}


class UdpCsvReport:
    """The table of UDP conversations as CSV."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file."""
        return {target: [_csv(udp_flow_rows(analysis), UDP_FLOWS).encode()]}


def to_csv(analysis: Analysis) -> str:
    """The flow table as CSV (RFC 4180, without pandas): no formula, times as in the JSON."""
    return _csv(flow_rows(analysis), FLOWS)


def _csv(rows: Iterable[Sequence[Any]], declared: Sequence[Column]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(column.name for column in declared)
    for row in rows:
        writer.writerow([_cell(value, column.kind) for value, column in zip(row, declared, strict=True)])
    return out.getvalue()


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return ""
    if kind == "time":
        return iso_time(value)
    if kind == "bool":
        return "true" if value else "false"
    if isinstance(value, str):
        return harmless(value)
    return round(value, 9) if kind == "float" else value


def harmless(text: str) -> str:
    """The text so that no spreadsheet runs it: what could start a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
