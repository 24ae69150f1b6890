"""Flows and findings of many groups as tables: Apache Arrow in memory, Parquet in the folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzer.errors import UsageError
from analyzer.model.text import iso_time
from analyzer.report.formats.arrow_columns import arrow_column
from analyzer.report.formats.parquet_report import arrow_table
from analyzer.settings import DAY_NS
from analyzer.tables.columns import FINDINGS, FLOWS, Column

GROUP = Column("group", "text", "name of the group of files that is one capture")
FLEET_FINDING = Column("fleet_finding", "text", "the finding of the whole fleet that it belongs to")
DAY = "day"
OPENING = "opening"
_FIRST_TIME, _STREAM = ([column.name for column in FLOWS].index(name) for name in ("first_time", "stream"))


def check_pyarrow() -> None:
    """Raises UsageError if there is no pyarrow."""
    try:
        import pyarrow as _  # noqa: F401
    except ImportError:
        raise UsageError("expected the package pyarrow, found none; pip install 'pmtu-analyze[cluster]'") from None


@lru_cache(maxsize=1 << 12)
def _day(number: int) -> str:
    return iso_time(number * DAY_NS)[:10]


def day_of(time: int) -> str:
    """The day, in UTC, of a time in ns."""
    return _day(time // DAY_NS)


def flow_table(group: str, rows: Sequence[Sequence[Any]], openings: Any) -> Any:
    """Flows of a group: its name, `FLOWS`, `opening`, and the day of their first packet, by which files are parted.

    `rows` are rows of `FLOWS`; `openings` are `kept_tables.openings_of`, null where they were not seen.
    """
    import pyarrow as pa

    name = _text(group)
    table = arrow_table([[name, *row] for row in rows], [GROUP, *FLOWS])
    streams = [row[_STREAM] for row in rows]
    known = [int(openings[stream]) if stream < len(openings) else 0 for stream in streams]
    table = table.append_column(OPENING, arrow_column([each or None for each in known], pa.uint64()))
    return table.append_column(DAY, arrow_column([day_of(row[_FIRST_TIME]) for row in rows], pa.string()))


def _text(name: str) -> str:
    """A name of a file that may hold bytes that are no UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def concatenated(tables: Sequence[Any]) -> Any:
    """Tables of flows one after the other; None of none."""
    import pyarrow as pa

    return pa.concat_tables(tables) if tables else None


def write_days(table: Any, folder: Path, name: str) -> list[str]:
    """Write flows to `folder`/day=YYYY-MM-DD/NAME.parquet, a file for each day; returns their paths below `folder`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    written = []
    days = table.column(DAY).to_pylist()
    for day in sorted(set(days)):
        part = table.drop_columns([DAY])
        if days.count(day) < len(days):
            part = part.filter(arrow_column([each == day for each in days], pa.bool_()))
        path = folder / f"day={day}" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        pq.write_table(part, unfinished)
        unfinished.replace(path)
        written.append(str(path.relative_to(folder)))
    return written


def write_findings(rows: Sequence[Sequence[Any]], path: Path) -> None:
    """Write the findings of all groups: rows of the group's name, the fleet's finding, then `FINDINGS`."""
    import pyarrow.parquet as pq

    pq.write_table(arrow_table([[_text(row[0]), *row[1:]] for row in rows], [GROUP, FLEET_FINDING, *FINDINGS]), path)
