"""The tables of a finished skim with other addresses: all that is judged and told afterwards has these only."""

from __future__ import annotations

from typing import Any

import numpy as np

from analyzer.decode.icmp import KIND_ERROR, KIND_PTB
from analyzer.flows.flow_tables import C_EVENTS, C_ICMPS, C_PAIRS, State
from analyzer.flows.table_parts import conversation_table, flow_table
from analyzer.redaction.addresses import Anonymizer
from analyzer.redaction.packet_rewrite import anonymize_packet

V4_PLACE, V6_PLACE = 12, 8
"""Where the addresses start in an IP header."""


def anonymize_tables(state: State, anonymizer: Anonymizer) -> None:
    """Replace all addresses in place. The tables can be read afterwards, but follow no packets any more."""
    flows = flow_table(state)
    talks = conversation_table(state)
    for letter in "ab":
        _replace(flows, letter, anonymizer)
        _replace(talks, letter, anonymizer)
    icmps = state.icmps[: state.counters[C_ICMPS]]
    for letter in "sd":
        _replace(icmps, letter, anonymizer)
        _replace(state.pairs[: state.counters[C_PAIRS]], letter, anonymizer)
    events = state.events[: state.counters[C_EVENTS]]
    _replace_in_header_bytes(state.event_header_bytes[: len(events)], flows[events["flow"]], events["side"])
    for row, head in zip(icmps, state.icmp_header_bytes, strict=False):
        data = bytearray(head[: row["header_len"]].tobytes())
        if row["kind"] in (KIND_PTB, KIND_ERROR):
            anonymize_packet(data, int(row["version"]), anonymizer)
        else:
            data = bytearray(len(data))  # nobody reads those
        head[:] = 0
        head[: len(data)] = np.frombuffer(data, np.uint8)


def _replace(rows: Any, letter: str, anonymizer: Anonymizer) -> None:
    """Replace the addresses in the fields letter0..letter3 of table rows."""
    names = [f"{letter}{i}" for i in range(4)]
    columns = [rows[name].tolist() for name in names]
    for i, (version, *words) in enumerate(zip(rows["version"].tolist(), *columns, strict=True)):
        length = 1 if version == 4 else 4
        packed = b"".join(word.to_bytes(4) for word in words[:length])
        mapped = anonymizer.packed(packed)
        for k in range(length):
            rows[names[k]][i] = int.from_bytes(mapped[4 * k : 4 * k + 4])


def _replace_in_header_bytes(header_bytes: Any, flows: Any, sides: Any) -> None:
    """Write the flows' new addresses into the IP headers at the start of recorded packets."""
    ends = {}
    for letter in "ab":
        words = np.stack([flows[f"{letter}{i}"] for i in range(4)], axis=1).astype(">u4")
        ends[letter] = words.view(np.uint8).reshape(len(flows), 16)
    first = np.where(sides[:, None] == 0, ends["a"], ends["b"])
    second = np.where(sides[:, None] == 0, ends["b"], ends["a"])
    for version, place, length in ((4, V4_PLACE, 4), (6, V6_PLACE, 16)):
        rows = flows["version"] == version
        header_bytes[rows, place : place + length] = first[rows, :length]
        header_bytes[rows, place + length : place + 2 * length] = second[rows, :length]
