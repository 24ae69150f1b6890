"""DataFrames: from rows or from whole numpy columns, with the dtypes that `columns` declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.flows.flow_tables import (
    MARK_DF,
    MARK_DUPLICATE,
    MARK_INSIDE,
    MARK_KEEPALIVE,
    MARK_NO_LENGTH,
    MARK_RESENT,
    MARK_SPURIOUS,
    MARK_SUPER,
)
from analyzer.tables.columns import CATEGORIES, DTYPES, OF_FILES, Column

if TYPE_CHECKING:
    import pandas as pd


FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
"""By bit, the lowest first (RFC 9293 3.1, RFC 3168)."""

FLAG_ORDER = ("SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")

NO_TIME = np.iinfo(np.int64).min
"""A time that is missing: numpy's NaT."""

Array = np.ndarray[Any, Any]


def table(rows: Sequence[Sequence[Any]], columns: Sequence[Column], files: Sequence[str] = ()) -> pd.DataFrame:
    """A table of rows of Python values; None is missing.

    Where the column `file` is a category, `files` are its categories; with one file it is left out.
    """
    import pandas as pd

    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    values: dict[str, Any] = {column.name: list(each) for column, each in zip(columns, cells, strict=True)}
    if files:
        values["file"] = pd.Categorical(values["file"], categories=list(files))
        columns = with_files(columns, files)
    return frame_of(values, columns)


def frame_of(values: Mapping[str, Any], columns: Sequence[Column]) -> pd.DataFrame:
    """A table of whole columns: lists, numpy arrays, or what pandas made already. Units are in its `attrs`."""
    import pandas as pd

    series: dict[str, pd.Series[Any]] = {}
    for column in columns:
        given = values[column.name]
        if isinstance(given, np.ndarray):
            given = np.ascontiguousarray(given)  # a field of structured rows would keep all of them alive
        if isinstance(given, pd.Categorical):
            series[column.name] = pd.Series(given, copy=False)
        elif column.kind == "time":
            if isinstance(given, list):
                given = [NO_TIME if ts is None else ts for ts in given]
            times = np.asarray(given, dtype=np.int64).view("datetime64[ns]")
            series[column.name] = pd.Series(pd.DatetimeIndex(times, tz="UTC"))
        elif column.kind == "category":
            dtype = pd.CategoricalDtype(list(CATEGORIES[column.name]), ordered=column.name == "verdict")
            series[column.name] = pd.Series(given, dtype=dtype)
        else:
            series[column.name] = pd.Series(given, dtype=DTYPES[column.kind], copy=False)
    out = pd.DataFrame(series, copy=False)
    out.attrs["units"] = {column.name: column.unit for column in columns if column.unit}
    return out


def with_files(columns: Sequence[Column], files: Sequence[object]) -> tuple[Column, ...]:
    """The columns, without those that only tell files apart where there is one; with all of them where several."""
    if len(files) <= 1:
        return tuple(column for column in columns if column.name != "file")
    out: list[Column] = []
    for column in columns:
        out.append(column)
        if column.name in OF_FILES:
            out.append(OF_FILES[column.name])
    return tuple(out)


def named(codes: Array, names: Sequence[str]) -> Any:
    """Categories by their index; -1 is missing."""
    import pandas as pd

    return pd.Categorical.from_codes(np.asarray(codes, np.int64), dtype=pd.CategoricalDtype(list(names)))


def maybe(numbers: Array, present: Array) -> Any:
    """Integers of which only those that are `present` are known."""
    import pandas as pd

    return pd.arrays.IntegerArray(numbers.astype(np.int64), ~present)


def flags_in_words(flags: Array) -> Any:
    """TCP flags in words; the combinations that occur are the categories."""
    bits = flags & 0xFF
    seen = np.bincount(bits, minlength=256) > 0
    return named((np.cumsum(seen) - 1)[bits], [flag_words(int(kind)) for kind in np.flatnonzero(seen)])


def flag_words(flags: int) -> str:
    """TCP flags as words, SYN, FIN and RST first: "SYN ACK"; "none" where none is set."""
    return " ".join(name for name in FLAG_ORDER if flags >> FLAG_NAMES.index(name) & 1) or "none"


def marks_of(marks: Array) -> dict[str, Array]:
    """The columns that the skim's MARK_ bits make."""
    return {
        "df": (marks & MARK_DF) != 0,
        "retransmission": (marks & (MARK_RESENT | MARK_SPURIOUS)) != 0,
        "keepalive": (marks & MARK_KEEPALIVE) != 0,
        "duplicate": (marks & MARK_DUPLICATE) != 0,
        "offloaded": (marks & (MARK_SUPER | MARK_NO_LENGTH)) != 0,
        "encapsulated": (marks & MARK_INSIDE) != 0,
    }
