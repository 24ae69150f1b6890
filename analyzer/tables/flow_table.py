"""One row a flow, one row a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.model.display_filter import flow_filter, frame_filters, frames_of
from analyzer.model.finding import Finding, listed_addresses
from analyzer.model.flow import Flow
from analyzer.model.path import Path
from analyzer.model.text import file_labels, printable
from analyzer.tables.columns import FINDINGS, FLOWS, LEGS, PATHS, POINTS, UDP_FLOWS
from analyzer.tables.frames import table

if TYPE_CHECKING:
    import pandas as pd

FLOW_NAMES = [column.name for column in FLOWS]


def flow_rows(analysis: Analysis) -> Iterator[list[Any]]:
    """Each flow's cells in the order of `FLOWS`; times in ns, None where there is nothing."""
    return map(row_maker(analysis), analysis.all_flows)


def row_maker(analysis: Analysis) -> Callable[[Flow], list[Any]]:
    """What makes the cells of a flow, as `flow_rows` tells them."""
    return partial(_flow_row, files=analysis.files, labels=file_labels(analysis.files))


def udp_flow_rows(analysis: Analysis) -> Iterator[list[Any]]:
    """Each UDP conversation's cells in the order of `UDP_FLOWS`; times in ns, None where there is nothing."""
    places = [FLOW_NAMES.index(column.name) for column in UDP_FLOWS if column.name != "protocol"]
    labels = file_labels(analysis.files)
    for flow in analysis.all_udp_flows:
        cells = _flow_row(flow, analysis.files, labels)
        yield [cells[0], flow.protocol, *(cells[place] for place in places[1:])]


def _flow_row(flow: Flow, files: Sequence[CaptureFile], labels: Sequence[str]) -> list[Any]:
    stalled = flow.stalled
    stalled_cells: tuple[Any, ...] = (None,) * 9
    if stalled is not None:
        stalled_cells = (
            stalled.first_frame.frame,
            stalled.ip_len,
            stalled.payload_len,
            stalled.seq,
            stalled.df,
            stalled.retransmissions,
            stalled.seconds,
            stalled.first_time,
            stalled.last_time,
        )
    file = files[flow.file].path if flow.file < len(files) else ""
    return [
        flow.stream,
        *flow.client,
        *flow.server,
        flow.verdict,
        flow.rule,
        flow.confidence,
        flow.direction,
        *flow.path_mtu,
        *stalled_cells,
        len(flow.ptb),
        printable(flow.explanation),
        flow_filter(flow, several_files=len(files) > 1),
        "; ".join(
            f"{each.file}: {each.text}" if each.file else each.text for each in frame_filters(frames_of(flow), labels)
        ),
        flow.packet_count,
        flow.bytes,
        flow.first_time,
        flow.last_time,
        printable(file),
        flow.duration,
        flow.round_trip,
        *flow.mss,
        flow.retransmissions,
        flow.longest_stall,
        " / ".join(flow.encapsulation.layers) if flow.encapsulation else None,
    ]


def _path_row(path: Path) -> list[Any]:
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
        path.without_df.sent if path.without_df is not None else 0,
    ]


def flow_table(analysis: Analysis) -> pd.DataFrame:
    """One row a flow: sizes in bytes of IP total length, times in UTC; `file` is where it started."""
    return table(list(flow_rows(analysis)), FLOWS)


def udp_flow_table(analysis: Analysis) -> pd.DataFrame:
    """The DataFrame `analysis.udp_flows`."""
    return table(list(udp_flow_rows(analysis)), UDP_FLOWS)


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with underscores for the dots in the names of its columns; units go with them."""
    out = table.rename(columns=_without_dots)
    out.attrs["units"] = {_without_dots(name): unit for name, unit in table.attrs["units"].items()}
    return out


def _without_dots(name: str) -> str:
    return name.replace(".", "_")


def path_table(analysis: Analysis) -> pd.DataFrame:
    """One row a pair of addresses and direction; `probes` is the number of pings with DF."""
    return table([_path_row(path) for path in analysis.all_paths], PATHS)


def point_table(analysis: Analysis) -> pd.DataFrame:
    """The DataFrame `analysis.points`."""
    labels = [printable(file.path) for file in analysis.files]
    return table(
        [
            [point.number, [labels[i] for i in point.files], point.interface, *point.clock]
            for point in analysis.all_points
        ],
        POINTS,
    )


def leg_table(analysis: Analysis) -> pd.DataFrame:
    """The DataFrame `analysis.legs`."""
    rows = [
        [path.src, path.dst, *(getattr(leg, name) for name in _LEG_FIELDS)]
        for path in analysis.all_paths
        for leg in path.legs
    ]
    return table(rows, LEGS)


_LEG_FIELDS = ("start", "end", *(column.name for column in LEGS[4:]))


def finding_table(analysis: Analysis) -> pd.DataFrame:
    """The DataFrame `analysis.findings`."""
    return table(finding_rows(analysis), FINDINGS)


def finding_rows(analysis: Analysis) -> list[list[Any]]:
    """Each finding's cells in the order of `FINDINGS`; times in ns, None where there is nothing."""
    return [_finding_row(finding, analysis) for finding in analysis.all_findings]


def _told(finding: Finding, analysis: Analysis) -> str:
    if finding.trouble is not None:
        return finding.trouble.explanation
    return analysis.flow(finding.streams[0] if finding.example is None else finding.example).explanation


def _finding_row(finding: Finding, analysis: Analysis) -> list[Any]:
    return [
        finding.id,
        finding.verdict,
        finding.confidence,
        finding.protocol,
        listed_addresses(finding.senders),
        listed_addresses(finding.receivers),
        finding.crossed,
        finding.lost,
        *finding.path_mtu,
        len(finding.streams),
        list(finding.streams),
        finding.example,
        finding.first_time,
        finding.last_time,
        printable(_told(finding, analysis)),
    ]
