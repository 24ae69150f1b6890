"""What the capture and decode layers make of bytes, as plain Python values that tests can compare."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.container import FRAME, GOT_PACKET, I_WIDTH, NEED_BYTES, SKIP
from analyzer.capture.pcapng import next_packet
from analyzer.capture.reader import CaptureReader
from analyzer.decode.packet_fields import (
    COUNT,
    END,
    LINK,
    OK,
    PACKET_DIRECTION,
    START,
    TS,
    UNDECODED_REASONS,
    WIRE_LEN,
)
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_EVENTS, C_FLOWS, C_ICMPS, C_ROWS, C_UDP_ROWS, State
from analyzer.passes.first import Skimmer
from analyzer.passes.one_packet import decode_packet
from analyzer.passes.walk import prepare, walk_inputs
from analyzer.settings import HEAD_BYTES, RING_ROWS

ROOT = Path(__file__).parent.parent
SAMPLE_FOLDER = ROOT / "sample_pcaps"
LAB_FOLDER = ROOT / "tests" / "data" / "lab"
SAMPLES = sorted(SAMPLE_FOLDER.glob("*.pcap"))
LAB = sorted(LAB_FOLDER.glob("*.pcap"))
CAPTURES = [*SAMPLES, *LAB]


class Record(NamedTuple):
    """One packet record as the container walk reports it."""

    frame: int
    ts: int
    link: int
    wire_len: int
    data: bytes


def open_reader(source: bytes | Path) -> CaptureReader:
    if isinstance(source, Path):
        return CaptureReader(source, source.name)
    return CaptureReader(io.BytesIO(source), "bytes")


def walk(reader: CaptureReader) -> Iterator[tuple[memoryview, list[int]]]:
    """Buffer and fields of every record; the damage, if any, is noted in the reader."""
    reader.start()
    h = [0] * COUNT
    interfaces = [0] * (64 * I_WIDTH)
    more = True
    while more:
        view = memoryview(reader.buffer)
        status = next_packet(view, reader.ready, reader.container, interfaces, h)
        if status == GOT_PACKET:
            yield view, h
        view.release()
        if status == NEED_BYTES:
            more = reader.fill()
        elif status == SKIP:
            more = reader.skip()
        elif status != GOT_PACKET:
            reader.note_damage()
            return
    if reader.left_over:
        reader.note_damage()


def records(source: bytes | Path | CaptureReader) -> list[Record]:
    reader = source if isinstance(source, CaptureReader) else open_reader(source)
    return [
        Record(reader.container[FRAME], h[TS], h[LINK], h[WIRE_LEN], bytes(view[h[START] : h[END]]))
        for view, h in walk(reader)
    ]


def decoded(source: bytes | Path) -> Iterator[tuple[bytes, list[int], str]]:
    """Frame bytes, fields (offsets from 0) and the reason why not, "" if decoded, of every record."""
    for record in records(source):
        yield record.data, *decode(record.data, record.link, record.wire_len)


def decode(frame: bytes, link: int, wire_len: int | None = None) -> tuple[list[int], str]:
    """Fields of one frame, and the reason why it was not decoded, "" if it was."""
    h = [-99] * COUNT  # a field that is read without being set shows
    h[START], h[END], h[LINK], h[PACKET_DIRECTION] = 0, len(frame), link, 0
    h[WIRE_LEN] = len(frame) if wire_len is None else wire_len
    reason = decode_packet(memoryview(frame), h)
    assert (reason == OK) == (UNDECODED_REASONS[reason] == "")
    return h, UNDECODED_REASONS[reason]


class Skimmed(NamedTuple):
    """The tables of one run, cut to what is filled, and the readers it read."""

    state: State
    readers: list[CaptureReader]

    def rows(self) -> Any:
        """Every TCP packet in order, the ring's row of it (tests stay below the ring's size)."""
        count = int(self.state.counters[C_ROWS])
        assert count <= RING_ROWS
        return self.state.ring[:count]

    def heads(self) -> Any:
        """First bytes of every TCP packet, as far as they were kept; the rest of a row is undefined."""
        rows = self.rows()
        kept = np.arange(HEAD_BYTES) < rows["header_len"][:, None]
        return np.where(kept, self.state.ring_header_bytes[: len(rows)], 0)

    def tables(self) -> dict[str, Any]:
        """Everything that later stages may read."""
        counters = self.state.counters
        flows, events, icmps = (int(counters[i]) for i in (C_FLOWS, C_EVENTS, C_ICMPS))
        return {
            "counters": counters,
            "flows": self.state.flows[:flows],
            "odd_flows": self.state.odd_flows[:flows],
            "directions": self.state.directions[: 2 * flows],
            "transfers": self.state.transfers[: 2 * flows],
            "odd_transfers": self.state.odd_transfers[: 2 * flows],
            "ring": self.rows(),
            "ring_header_bytes": self.heads(),
            "events": self.state.events[:events],
            "event_header_bytes": self.state.event_header_bytes[:events],
            "icmps": self.state.icmps[:icmps],
            "icmp_header_bytes": self.state.icmp_header_bytes[:icmps],
            "conversations": self.state.conversations[: int(counters[C_CONVERSATIONS])],
            "udp_sent": self.state.udp_sent[: 2 * int(counters[C_CONVERSATIONS])],
            "datagrams": self.state.datagrams[: int(counters[C_UDP_ROWS])],
            "datagram_heads": self.state.datagram_heads[: int(counters[C_UDP_ROWS])],
        }


def skim(*sources: bytes | Path, compiled: bool = False, seed: int = 7, first_row: int = 0) -> Skimmed:
    """Skim captures as one, with the pipeline's own loop; the ring starts at `first_row`."""
    readers = [open_reader(source) for source in sources]
    try:
        for reader in readers:
            reader.start()
        skimmer = Skimmer(compiled=compiled, seed=seed)
        assert skimmer.compiled == compiled
        skimmer.state.counters[C_ROWS] = first_row
        for _ in walk_inputs(skimmer, prepare(skimmer, readers)):
            pass
        skimmer.finish()
    finally:
        for reader in readers:
            reader.close()
    return Skimmed(skimmer.state, readers)


def same(first: Skimmed, second: Skimmed) -> None:
    """Fail with the first table, field and row in which two runs differ."""
    theirs = second.tables()
    for name, table in first.tables().items():
        other = theirs[name]
        assert table.shape == other.shape, name
        for field in table.dtype.names or [...]:
            np.testing.assert_array_equal(table[field], other[field], err_msg=f"{name} {field}")
