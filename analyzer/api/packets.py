"""Single packets: every packet of a flow, or of a whole capture in chunks, from another pass over the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from analyzer.capture.sources import Given, open_source, sources_of
from analyzer.errors import UsageError
from analyzer.model.text import names_of
from analyzer.passes.reread import closing, listed
from analyzer.passes.walk import Progress
from analyzer.tables.packet_table import packet_table

if TYPE_CHECKING:
    import pandas as pd

CHUNK_PACKETS = 100_000
"""Packets in one table of `read_packets`, by default: 30 MB."""


def read_packets(
    paths: Given | Sequence[Given],
    *,
    where: str | None = None,
    chunk: int = CHUNK_PACKETS,
    progress: Progress | None = None,
    notify: Callable[[str], None] | None = None,
    compiled: bool | None = None,
) -> Iterator[pd.DataFrame]:
    """All TCP packets of a capture as tables, one after the other, so that it need not fit into memory.

    Columns are those of `flow.packets`, but for the three that need the whole flow (`fate`, `acked_by`,
    `retransmission_of`). Streams are numbered as in Wireshark.

    Args:
        paths: a path, `-` for standard input, an open binary file, the bytes of a capture, or several of these (one
            capture).
        where: a pandas query that picks packets, as in "window == 0 and payload_len > 0". Chunks of which
            nothing is left are not returned.
        chunk: packets read for one table.
        progress: called after each chunk of the file, as in `analyze`.
        notify: called with a line for the user before something that takes long: compiling, once a machine.
        compiled: force the compiled or interpreted pass; by default large captures compile.

    Raises:
        TypeError: an input is nothing of that kind, or a file open as text.
        CaptureError: an input is no capture. Like all errors, when the first table is asked for.
    """
    sources = sources_of(paths)
    if chunk < 1:
        raise UsageError(f"a chunk of {chunk} packets: it must be 1 or more")
    with ExitStack() as stack:
        readers = [stack.enter_context(closing(open_source(source))) for source in sources]
        labels = names_of([reader.name for reader in readers])
        for rows, edges in listed(readers, None, compiled, progress, chunk, notify=notify):
            table = packet_table(rows, edges, labels)
            if where is not None:
                table = table.query(where)
            if len(table):
                yield table.reset_index(drop=True)
