"""Single packets: every packet of a flow, or of a whole capture in chunks, from another pass over the file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.errors import CaptureError, UsageError
from analyzer.fates import fates_of
from analyzer.flows.tables import FLOW
from analyzer.inputs import Progress, Source, open_source
from analyzer.report.rereading import closing, listed, reader_of
from analyzer.report.tables import packet_table
from analyzer.report.text import file_labels, names_of
from analyzer.results import Analysis, Endpoint, Flow

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

CHUNK_PACKETS = 100_000
"""Packets in one table of `read_packets`, by default: 30 MB."""


def packets_of(flow: Flow, *, compiled: bool | None = None) -> pd.DataFrame:
    """Every TCP packet of the flow as a table, columns as `report.columns` declares them.

    `compiled` forces the compiled or interpreted pass; by default large captures compile.

    Raises:
        UsageError: the capture cannot be read again, or changed since it was analysed.
    """
    rows, edges = rows_of(flow, compiled=compiled)
    labels = file_labels(flow.analysis.files) if flow.analysis is not None else ()
    return packet_table(rows, edges, labels, client_side=flow.client_side, fates=fates_of(rows, edges))


def rows_of(flow: Flow, *, compiled: bool | None = None) -> tuple[Array, Array]:
    """Every TCP packet of the flow, dtype `listing.ROW`, and the edges of their SACK blocks. As `packets_of`."""
    if flow.analysis is None:
        raise UsageError("this flow belongs to no analysis, so its capture is not known")
    analysis = flow.analysis
    with ExitStack() as stack:
        readers = [stack.enter_context(reader_of(analysis, number)) for number in range(len(analysis.files))]
        # One row more than needed, so that the table is never full.
        points = [file.point for file in analysis.files]
        parts = list(listed(readers, _watched(analysis, flow), compiled, None, flow.packet_count + 1, points))
    rows, edges = parts[0] if len(parts) == 1 else (np.concatenate(each) for each in zip(*parts, strict=True))
    rows["stream"] = flow.stream
    return rows, edges


def read_packets(
    paths: Source | Sequence[Source],
    *,
    where: str | None = None,
    chunk: int = CHUNK_PACKETS,
    progress: Progress | None = None,
    compiled: bool | None = None,
) -> Iterator[pd.DataFrame]:
    """All TCP packets of a capture as tables, one after the other, so that it need not fit into memory.

    Columns are those of `flow.packets`, but for the three that need the whole flow (`fate`, `acked_by`,
    `retransmission_of`). Streams are numbered as in Wireshark.

    Args:
        paths: a path, `-` for standard input, an open binary file, or several of these (one capture).
        where: a pandas query that picks packets, as in "window == 0 and payload_len > 0". Chunks of which
            nothing is left are not returned.
        chunk: packets read for one table.
        progress: called after each chunk of the file, as in `analyze`.
        compiled: force the compiled or interpreted pass; by default large captures compile.

    Raises:
        CaptureError: an input is no capture. Like all errors, when the first table is asked for.
    """
    sources = [paths] if isinstance(paths, (str, os.PathLike)) or not isinstance(paths, Sequence) else list(paths)
    if not sources:
        raise CaptureError("(no file)", 0, "expected at least one capture")
    if chunk < 1:
        raise UsageError(f"a chunk of {chunk} packets: it must be 1 or more")
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(open_source(source))) for source in sources]
        labels = names_of([reader.name for reader in readers])
        for rows, edges in listed(readers, None, compiled, progress, chunk):
            table = packet_table(rows, edges, labels)
            if where is not None:
                table = table.query(where)
            if len(table):
                yield table.reset_index(drop=True)


def _watched(analysis: Analysis, flow: Flow) -> Array:
    """The flow as the listing knows it again."""
    watched = np.zeros(1, FLOW)
    row = watched[0]
    ends = (flow.server, flow.client) if flow.client_side else (flow.client, flow.server)
    for letter, end in zip("ab", ends, strict=True):
        for i, word in enumerate(_words(end, analysis)):
            row[f"{letter}{i}"] = word
        row[f"port_{letter}"] = end.port
    row["version"] = flow.version
    row["file"] = flow.file
    row["first_frame"] = flow.first_frame
    row["point"] = analysis.files[flow.file].point
    return watched


def _words(end: Endpoint, analysis: Analysis) -> list[int]:
    packed = ip_address(end.ip).packed
    if analysis.anonymizer is not None:
        packed = analysis.anonymizer.original(packed)
    return [int.from_bytes(packed[i : i + 4], "big") for i in range(0, len(packed), 4)]
