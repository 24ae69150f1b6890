"""What the skim makes of a few packets, in words that tests compare."""

from __future__ import annotations

from typing import Any

from analyzer.flows import flow_tables as tables
from analyzer.flows.table_parts import direction_table
from tests.builders import RAW, Packet, pcap
from tests.reading import Skimmed, skim
from tests.talk import CLIENT_SIDE, SERVER_SIDE

MARKS = {
    name[5:].lower(): value
    for name, value in vars(tables).items()
    if name.startswith("MARK_") and name != "MARK_BAD_SUM"  # the packets made here have no checksums
}


def run(*packets: Packet | list[Packet]) -> Skimmed:
    """Skim the packets as one capture."""
    flat: list[Packet] = []
    for each in packets:
        flat += [each] if isinstance(each, Packet) else each
    return skim(pcap(flat, link=RAW))


def marks(skimmed: Skimmed) -> list[set[str]]:
    """Names of each packet's marks; DF, which nearly all carry, is left out."""
    return [{name for name, bit in MARKS.items() if row["marks"] & bit} - {"df"} for row in skimmed.rows()]


def client(skimmed: Skimmed) -> Any:
    return direction_table(skimmed.state)[CLIENT_SIDE]


def server(skimmed: Skimmed) -> Any:
    return direction_table(skimmed.state)[SERVER_SIDE]
