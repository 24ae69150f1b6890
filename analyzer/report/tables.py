"""DataFrames: from rows or from whole numpy columns, with the dtypes that `columns` declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.decode.tcp import ACK_FLAG
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
from analyzer.report.columns import CATEGORIES, CHUNK_PACKETS, DTYPES, OF_FILES, PACKETS, Column

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.fates import Fates

FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
"""By bit, the lowest first (RFC 9293 3.1, RFC 3168)."""

FLAG_ORDER = ("SYN", "FIN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")

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


# Packets of the second pass.


def packet_table(
    rows: Array, edges: Array, labels: Sequence[str], *, client_side: int | None = None, fates: Fates | None = None
) -> pd.DataFrame:
    """Rows of `passes.second.ROW` as a table; with `fates` it also has the columns that need the whole flow.

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
    if fates is None:
        return frame_of(values, with_files(CHUNK_PACKETS, labels))
    values["fate"] = named(fates.fate, CATEGORIES["fate"])
    for name, places in (("acked_by", fates.acked_by), ("retransmission_of", fates.first_sent)):
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
