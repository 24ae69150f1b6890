"""The analysis as data: JSON by the contract's schema, and flat tables of flows and paths."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.findings import VERDICTS, Endpoint, Flow, FrameRef
from analyzer.findings import Path as NetworkPath
from analyzer.report.columns import FLOWS, PATHS
from analyzer.report.filters import flow_filter, frame_filters, frames_of
from analyzer.report.tables import table
from analyzer.report.text import file_labels, printable
from analyzer.results import SCHEMA, Analysis, CaptureFile

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.comparison import Comparison

TOOL = "pmtu-analyze"

NO_VERSION = "0+unknown"
"""Where the package runs from its source tree without being installed."""

INDENTED_FLOWS = 1000
"""Up to so many flows the JSON is laid out for reading: the standard library indents in slow Python."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that starts so for a formula (OWASP, CSV injection)."""


def tool_version() -> str:
    """Version of the installed distribution."""
    try:
        return metadata.version(TOOL)
    except metadata.PackageNotFoundError:
        return NO_VERSION


def iso_time(ns: int) -> str:
    """A time in UTC with all nanoseconds: "2026-11-22T13:50:00.123456789Z"."""
    whole, fraction = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def schema_text() -> str:
    """The JSON Schema (Draft 2020-12) of `to_json`, ending in a newline."""
    return (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")


def to_json(analysis: Analysis) -> str:
    """The JSON report, ending in a newline. Pure ASCII, so nothing in it can steer a terminal."""
    return "".join(json_pieces(analysis))


def json_pieces(analysis: Analysis) -> Iterator[str]:
    """The JSON report in pieces: that of many flows is larger than all that is known of them."""
    if len(analysis.all_flows) <= INDENTED_FLOWS:
        yield _dumps(to_json_dict(analysis), indent=2) + "\n"
        return
    for number, (name, value) in enumerate(_members(analysis)):
        yield f'{", " if number else "{"}"{name}": '
        if isinstance(value, Iterator):
            yield "["
            for place, each in enumerate(value):
                yield f"{', ' if place else ''}{_dumps(each)}"
            yield "]"
        else:
            yield _dumps(value)
    yield "}\n"


def _dumps(value: object, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=True, allow_nan=False)


def to_json_dict(analysis: Analysis) -> dict[str, Any]:
    """The analysis in the contract's schema "pmtu-analyze/1".

    Times are ISO 8601 in UTC, null where the capture holds no packet. With several files a frame is
    `{"file": path, "frame": number}`, else its number.
    """
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in _members(analysis)}


def _members(analysis: Analysis) -> Iterator[tuple[str, Any]]:
    """Names and values of the report's object; an iterator stands for a list that may be long."""
    frame = _frame_writer(analysis.files)
    totals = analysis.totals
    times = totals.packets > 0
    yield "schema", SCHEMA
    yield "tool", {"name": TOOL, "version": tool_version()}
    yield (
        "capture",
        {
            "files": [
                {
                    "path": _unicode(file.path),
                    "format": file.format,
                    "link_types": list(file.link_types),
                    "bytes": file.bytes,
                    "packets": file.packets,
                    "damaged_at": file.damaged_at,
                    "problem": _unicode(file.problem) or None,
                    "filters": [_unicode(text) for text in file.filters],
                    "dropped": file.dropped,
                }
                for file in analysis.files
            ],
            "first_time": iso_time(analysis.first_time) if times else None,
            "last_time": iso_time(analysis.last_time) if times else None,
            "packets": totals.packets,
        },
    )
    yield (
        "totals",
        {
            "packets": totals.packets,
            "tcp_packets": totals.tcp_packets,
            "icmp_packets": totals.icmp_packets,
            "ptb_packets": totals.ptb_packets,
            "undecoded": dict(sorted(totals.undecoded.items())),
            "payload_bytes": totals.payload_bytes,
            "unseen_bytes": totals.unseen_bytes,
            "flows": totals.flows,
            "verdicts": {v: totals.verdicts[v] for v in VERDICTS if v in totals.verdicts},
        },
    )
    yield "selection", analysis.selection or None
    yield "flows", (_flow(flow, analysis.files, frame) for flow in analysis.all_flows)
    yield "paths", (_path(path, frame) for path in analysis.all_paths)
    yield "notes", [_unicode(note) for note in analysis.notes]
    if analysis.comparison is not None:
        yield "comparison", _comparison(analysis.comparison)


def _comparison(comparison: Comparison) -> dict[str, Any]:
    """What became of the paths in a later capture, and what was found in that."""
    from analyzer.report.changes import comparison_dict

    after = to_json_dict(comparison.after)
    return comparison_dict(comparison) | {
        "after": {key: after[key] for key in ("capture", "totals", "flows", "paths", "notes")}
    }


def _unicode(text: str) -> str:
    """Text without lone surrogates (bytes of a file name that are no UTF-8): JSON readers reject them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


_FrameWriter = Callable[[FrameRef], Any]


def _frame_writer(files: Sequence[CaptureFile]) -> _FrameWriter:
    if len(files) <= 1:
        return lambda ref: ref.frame
    paths = [_unicode(file.path) for file in files]
    return lambda ref: {"file": paths[ref.file], "frame": ref.frame}


def _end(end: Endpoint) -> dict[str, Any]:
    return {"ip": end.ip, "port": end.port}


def _flow(flow: Flow, files: Sequence[CaptureFile], frame: _FrameWriter) -> dict[str, Any]:
    stalled = flow.stalled
    return {
        "stream": flow.stream,
        "client": _end(flow.client),
        "server": _end(flow.server),
        "verdict": flow.verdict,
        "confidence": flow.confidence,
        "direction": flow.direction,
        "path_mtu": flow.path_mtu._asdict(),
        "vantage": flow.vantage._asdict(),
        "encapsulation": flow.encapsulation._asdict() if flow.encapsulation else None,
        "stalled": None
        if stalled is None
        else {
            "frames": [frame(ref) for ref in stalled.frames],
            "first_frame": frame(stalled.first_frame),
            "ip_len": stalled.ip_len,
            "payload_len": stalled.payload_len,
            "seq": stalled.seq,
            "df": stalled.df,
            "retransmissions": stalled.retransmissions,
            "seconds": round(stalled.seconds, 9),
        },
        "ptb": [
            {
                "frame": frame(ptb.frame),
                "router": ptb.router,
                "mtu": ptb.mtu,
                "effect": ptb.effect,
                "reason": ptb.reason,
            }
            for ptb in flow.ptb
        ],
        "ruled_out": [
            {"cause": each.cause, "because": each.because, "frames": [frame(ref) for ref in each.frames]}
            for each in flow.ruled_out
        ],
        "explanation": flow.explanation,
        "evidence": [{"text": text, "frames": [frame(ref) for ref in refs]} for text, refs in flow.evidence],
        "fixes": [fix._asdict() for fix in flow.fixes],
        "display_filter": flow_filter(flow, several_files=len(files) > 1),
        "frame_filters": [
            {"file": each.file or None, "filter": each.text}
            for each in frame_filters(frames_of(flow), [_unicode(file.path) for file in files])
        ],
        "packets": flow.packet_count,
        "bytes": flow.bytes,
        "first_time": iso_time(flow.first_time),
        "last_time": iso_time(flow.last_time),
    }


def _path(path: NetworkPath, frame: _FrameWriter) -> dict[str, Any]:
    return {
        "src": path.src,
        "dst": path.dst,
        "at_least": path.at_least,
        "at_most": path.at_most,
        "exact": path.exact,
        "verdict": path.verdict,
        "consistent_with": list(path.consistent_with),
        "streams": list(path.streams),
        "probes": [
            {
                "frame": frame(probe.frame),
                "ip_len": probe.ip_len,
                "reply": frame(probe.reply) if probe.reply is not None else None,
                "ptb_mtu": probe.ptb_mtu,
            }
            for probe in path.probes
        ],
    }


# Flat tables.

FLOW_COLUMNS = {column.name: column.kind for column in FLOWS}
PATH_COLUMNS = {column.name: column.kind for column in PATHS}


def flow_row(flow: Flow, files: Sequence[CaptureFile]) -> list[Any]:
    """A flow's cells in the order of `FLOW_COLUMNS`; times in ns, None where there is nothing."""
    stalled = flow.stalled
    stalled_cells: tuple[Any, ...] = (None,) * 7
    if stalled is not None:
        stalled_cells = (
            stalled.first_frame.frame,
            stalled.ip_len,
            stalled.payload_len,
            stalled.seq,
            stalled.df,
            stalled.retransmissions,
            stalled.seconds,
        )
    file = files[flow.file].path if flow.file < len(files) else ""
    return [
        flow.stream,
        *flow.client,
        *flow.server,
        flow.verdict,
        flow.confidence,
        flow.direction,
        *flow.path_mtu,
        *stalled_cells,
        len(flow.ptb),
        printable(flow.explanation),
        flow_filter(flow, several_files=len(files) > 1),
        "; ".join(
            f"{each.file}: {each.text}" if each.file else each.text
            for each in frame_filters(frames_of(flow), file_labels(files))
        ),
        flow.packet_count,
        flow.bytes,
        flow.first_time,
        flow.last_time,
        printable(file),
    ]


def _path_row(path: NetworkPath) -> list[Any]:
    return [
        path.src,
        path.dst,
        path.at_least,
        path.at_most,
        path.exact,
        path.verdict,
        list(path.consistent_with),
        list(path.streams),
        len(path.probes),
    ]


def flow_table(analysis: Analysis) -> pd.DataFrame:
    """One row a flow: sizes in bytes of IP total length, times in UTC; `file` is where it started."""
    return table([flow_row(flow, analysis.files) for flow in analysis.all_flows], FLOWS)


def path_table(analysis: Analysis) -> pd.DataFrame:
    """One row a pair of addresses and direction; `probes` is the number of pings with DF."""
    return table([_path_row(path) for path in analysis.all_paths], PATHS)


def to_csv(analysis: Analysis) -> str:
    """The flow table as CSV (RFC 4180, without pandas): no formula, times as in the JSON."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(FLOW_COLUMNS)
    kinds = list(FLOW_COLUMNS.values())
    for flow in analysis.all_flows:
        row = flow_row(flow, analysis.files)
        writer.writerow([_cell(value, kind) for value, kind in zip(row, kinds, strict=True)])
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
