"""The analysis as JSON, by the schema "pmtu-analyze/1"."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import flow_filter, frame_filters, frames_of
from analyzer.model.finding import Finding, listed_addresses
from analyzer.model.flow import Endpoint, Flow
from analyzer.model.fragment_count import FragmentCount
from analyzer.model.path import Path as NetworkPath
from analyzer.model.seen import Seen
from analyzer.model.statement import Fix, FrameRef
from analyzer.model.surroundings import Beside, Surroundings
from analyzer.model.text import iso_time
from analyzer.model.verdicts import VERDICTS
from analyzer.report.changes import comparison_dict
from analyzer.report.wishes import Wishes

LISTED_STREAMS = 1000
"""Streams of a finding that are listed; each flow is listed itself."""

INDENTED_FLOWS = 1000
"""Up to so many flows the JSON is laid out for reading: the standard library indents in slow Python."""


AFTER = ("capture", "totals", "findings", "flows", "udp_flows", "paths", "ptbs", "fragments", "notes")
"""What is told of the later capture of a comparison."""


class JsonReport:
    """The analysis as JSON."""

    def files(self, analysis: Analysis, target: Path, _: Wishes) -> dict[Path, Iterable[bytes]]:
        """The one file, piece by piece."""
        return {target: (piece.encode() for piece in json_pieces(analysis))}


def schema_text() -> str:
    """The JSON Schema (Draft 2020-12) of `to_json`, ending in a newline."""
    schema = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    schema["$defs"]["verdict"] = {"enum": list(VERDICTS)} | schema["$defs"]["verdict"]
    return json.dumps(schema, indent=2) + "\n"


def _nothing(_: object) -> None:
    pass


def to_json(analysis: Analysis) -> str:
    """The JSON report, ending in a newline. Pure ASCII, so nothing in it can steer a terminal."""
    return "".join(json_pieces(analysis))


def json_pieces(analysis: Analysis, told: Callable[[Flow], object] = _nothing) -> Iterator[str]:
    """The JSON report in pieces: that of many flows is larger than all that is known of them.

    `told` is called with each flow of TCP: of very many, to make them costs more than to write them.
    """
    if len(analysis.all_flows) + len(analysis.all_udp_flows) <= INDENTED_FLOWS:
        yield _dumps(_as_dict(_members(analysis, told)), indent=2) + "\n"
        return
    for number, (name, value) in enumerate(_members(analysis, told)):
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
    """The analysis by the schema "pmtu-analyze/1".

    Times are ISO 8601 in UTC, null where the capture holds no packet. With several files a frame is
    `{"file": path, "frame": number}`, else its number.
    """
    return _as_dict(_members(analysis, _nothing))


def _as_dict(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, Iterator) else value for name, value in members}


def _members(analysis: Analysis, told: Callable[[Flow], object]) -> Iterator[tuple[str, Any]]:
    """Names and values of the report's object; an iterator stands for a list that may be long."""
    paths = [_unicode(file.path) for file in analysis.files]
    frame = _frame_writer(paths)
    totals = analysis.totals
    times = totals.packets > 0
    yield "schema", tool.SCHEMA
    yield "tool", {"name": tool.NAME, "version": tool.__version__}
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
            "udp_packets": totals.udp_packets,
            "undecoded": dict(sorted(totals.undecoded.items())),
            "payload_bytes": totals.payload_bytes,
            "unseen_bytes": totals.unseen_bytes,
            "flows": totals.flows,
            "verdicts": {v: totals.verdicts[v] for v in VERDICTS if v in totals.verdicts},
            "udp_flows": totals.udp_flows,
            "udp_verdicts": {v: totals.udp_verdicts[v] for v in VERDICTS if v in totals.udp_verdicts},
        },
    )
    yield "points", _points(analysis, paths)
    yield "selection", analysis.selection or None
    seen = analysis.seen()
    yield "seen", None if seen is None else _seen(seen)
    around = Surroundings(analysis.all_paths)
    yield "findings", (_finding(finding, analysis, around.beside(finding)) for finding in analysis.all_findings)
    yield "flows", (_flow(flow, paths, frame) for flow in _telling(analysis.all_flows, told))
    yield "udp_flows", (_udp_flow(flow, paths, frame) for flow in analysis.all_udp_flows)
    yield "paths", (_path(path, frame) for path in analysis.all_paths)
    yield "ptbs", _ptbs(analysis, frame)
    yield "fragments", (_fragments(count, frame) for count in analysis.all_fragments)
    yield "notes", [_unicode(note) for note in analysis.notes]
    if analysis.names is not None:
        yield (
            "names",
            {
                ip: [{"name": each.name, "sources": list(each.sources)} for each in found]
                for ip, found in analysis.names.items()
            },
        )
    if analysis.later is not None:
        yield "comparison", _comparison(analysis, analysis.later)


def _telling(flows: Iterable[Flow], told: Callable[[Flow], object]) -> Iterator[Flow]:
    for flow in flows:
        told(flow)
        yield flow


def _seen(seen: Seen) -> dict[str, Any]:
    longest = seen.longest_stall
    return seen._asdict() | {"longest_stall": None if longest is None else round(longest, 6)}


def _comparison(analysis: Analysis, later: Analysis) -> dict[str, Any]:
    """What became of the paths in a later capture, and what was found in that."""
    after = to_json_dict(later)
    return comparison_dict(analysis) | {"after": {key: after[key] for key in AFTER}}


def _unicode(text: str) -> str:
    """Text without lone surrogates (bytes of a file name that are no UTF-8): JSON readers reject them."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _points(analysis: Analysis, paths: Sequence[str]) -> list[dict[str, Any]]:
    """The capture points. The clock of the first is the one that counts."""
    return [
        {
            "number": point.number,
            "files": [paths[number] for number in point.files],
            "interface": _unicode(point.interface) if point.interface is not None else None,
            "clock": point.clock._asdict(),
        }
        for point in analysis.all_points
    ]


_FrameWriter = Callable[[FrameRef], Any]


def _frame_writer(paths: Sequence[str]) -> _FrameWriter:
    if len(paths) <= 1:
        return lambda ref: ref.frame
    return lambda ref: {"file": paths[ref.file], "frame": ref.frame}


def _end(end: Endpoint) -> dict[str, Any]:
    return {"ip": end.ip, "port": end.port}


def _flow(flow: Flow, paths: Sequence[str], frame: _FrameWriter) -> dict[str, Any]:
    stalled = flow.stalled
    return {
        "stream": flow.stream,
        "client": _end(flow.client),
        "server": _end(flow.server),
        "verdict": flow.verdict,
        "rule": flow.rule,
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
            "first_time": iso_time(stalled.first_time),
            "last_time": iso_time(stalled.last_time),
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
        "located": None
        if flow.located is None
        else {
            "between": list(flow.located.between),
            "crossed": flow.located.crossed,
            "lost": flow.located.lost,
            "frames": [frame(ref) for ref in flow.located.frames],
            "ptb_lost_between": list(flow.located.ptb_lost_between) if flow.located.ptb_lost_between else None,
        },
        "explanation": flow.explanation,
        "evidence": [{"text": text, "frames": [frame(ref) for ref in refs]} for text, refs in flow.evidence],
        "fixes": _fixes(flow.fixes),
        "display_filter": flow_filter(flow, several_files=len(paths) > 1),
        "frame_filters": [
            {"file": each.file or None, "filter": each.text} for each in frame_filters(frames_of(flow), paths)
        ],
        "packets": flow.packet_count,
        "bytes": flow.bytes,
        "first_time": iso_time(flow.first_time),
        "last_time": iso_time(flow.last_time),
    }


def _udp_flow(flow: Flow, paths: Sequence[str], frame: _FrameWriter) -> dict[str, Any]:
    """As a TCP flow, but that there are no sequence numbers."""
    members = _flow(flow, paths, frame)
    if members["stalled"] is not None:
        members["stalled"]["seq"] = None
    return {"stream": flow.stream, "protocol": flow.protocol} | members


def _fixes(fixes: Sequence[Fix]) -> list[dict[str, Any]]:
    return [
        {
            "kind": fix.kind,
            "where": fix.where,
            "command": fix.command,
            "why": fix.why,
            "platform": fix.platform,
            "source": fix.source,
        }
        for fix in fixes
    ]


def _finding(finding: Finding, analysis: Analysis, beside: Beside | None) -> dict[str, Any]:
    flow = analysis.flow(finding.example) if finding.example is not None else None
    told = flow if flow is not None else finding.trouble
    located = told.located if told is not None else None
    return {
        "id": finding.id,
        "verdict": finding.verdict,
        "confidence": finding.confidence,
        "protocol": finding.protocol,
        "senders": listed_addresses(finding.senders),
        "receivers": listed_addresses(finding.receivers),
        "crossed": finding.crossed,
        "lost": finding.lost,
        **finding.path_mtu._asdict(),
        "flows": len(finding.streams),
        "streams": list(finding.streams[:LISTED_STREAMS]),
        "udp_streams": list(finding.trouble.streams[:LISTED_STREAMS]) if finding.trouble is not None else [],
        "example": finding.example,
        "first_time": iso_time(finding.first_time),
        "last_time": iso_time(finding.last_time),
        "beside": beside._asdict() if beside is not None else None,
        "leg": list(located.between) if located is not None else None,
        "explanation": told.explanation if told is not None else "",
        "fixes": _fixes(told.fixes if told is not None else ()),
    }


def _ptbs(analysis: Analysis, frame: _FrameWriter) -> Iterator[dict[str, Any]]:
    for ptb, told in analysis.told_ptbs():
        yield {
            "frame": frame(ptb.frame),
            "time": iso_time(ptb.time),
            "stream": told.stream,
            "router": ptb.router,
            "destination": ptb.destination,
            "mtu": ptb.mtu,
            "protocol": ptb.protocol or None,
            "quoted": {
                "source": {"ip": ptb.source or None, "port": ptb.source_port},
                "destination": {"ip": ptb.receiver or None, "port": ptb.receiver_port},
                "ip_len": ptb.ip_len,
                "cut": ptb.cut,
            },
            "effect": told.effect,
            "reason": told.reason,
            "verdict": told.verdict,
        }


def _fragments(count: FragmentCount, frame: _FrameWriter) -> dict[str, Any]:
    return {
        "src": count.src,
        "dst": count.dst,
        "protocol": count.protocol,
        "point": count.point,
        "complete": count.complete,
        "first_only": count.first_only,
        "later_only": count.later_only,
        "partial": count.partial,
        "overlapping": count.overlapping,
        "gave_up": count.gave_up,
        "whole": count.whole,
        "frames": [frame(ref) for ref in count.frames],
        "verdict": count.verdict,
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
        "without_df": None if path.without_df is None else path.without_df._asdict(),
        "legs": [
            {
                "from": leg.start,
                "to": leg.end,
                "at_least": leg.at_least,
                "at_most": leg.at_most,
                "lost": leg.lost,
                "of": leg.of,
                "ends": leg.ends,
                "segments": leg.segments,
                "sure": leg.sure,
                "ptb_lost": leg.ptb_lost,
                "mss_clamped": leg.mss_clamped,
                "df_cleared": leg.df_cleared,
                "fragmented": leg.fragmented,
                "translated": leg.translated,
                "altered": leg.altered,
                "missed": leg.missed,
                "frames": [frame(ref) for ref in leg.frames],
            }
            for leg in path.legs
        ],
    }
