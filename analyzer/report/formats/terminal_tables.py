"""The tables of the report on a terminal: findings and flows, laid out to the width at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from analyzer.report.document import Row
from analyzer.report.findings import FindingRow
from analyzer.report.labels import FINDINGS

GAP = "  "
NARROW = 80
"""Below so many columns the last column but one gives way as well."""

VERDICT_STYLES = {"bad": "red", "warn": "yellow", "good": "green", "plain": ""}


class Cells(NamedTuple):
    """A column."""

    title: str
    cells: Sequence[str]
    right: bool  # aligned to the right

    @property
    def width(self) -> int:
        """Of the widest cell."""
        return max(len(self.title), *map(len, self.cells))

    def aligned(self, index: int | None) -> str:
        """A cell, or the title, filled up to the column's width."""
        text = self.title if index is None else self.cells[index]
        return text.rjust(self.width) if self.right else text.ljust(self.width)


class Ends(NamedTuple):
    """The column of addresses: one host, an arrow, and the other."""

    left_title: str
    right_title: str
    cells: Sequence[tuple[str, str, str]]

    def laid_out(self, *, in_one_line: bool) -> tuple[str, list[tuple[str, ...]]]:
        """Title and cells, on one line or on two."""
        if not in_one_line:
            return f"{self.left_title} / {self.right_title}", [(a, f"{arrow} {b}") for a, arrow, b in self.cells]
        width = max(len(self.left_title), *(len(a) for a, _, _ in self.cells))
        arrows = max(len(arrow) for _, arrow, _ in self.cells) + 2
        lines: list[tuple[str, ...]] = [(f"{a.ljust(width)} {arrow} {b}",) for a, arrow, b in self.cells]
        return self.left_title.ljust(width + arrows) + self.right_title, lines


def flow_table(rows: Sequence[Row], console: Console) -> Iterator[Text]:
    """One line a flow, or two where room is short."""
    columns = [
        Cells("verdict", [row.verdict for row in rows], False),
        Cells("path MTU", [row.path_mtu for row in rows], False),
        Cells("stalled", [row.stalled for row in rows], True),
        Cells("packets", [row.packets for row in rows], True),
    ]
    ends = Ends("client", "server", [(row.client, row.arrow, row.server) for row in rows])
    keys = Cells("stream", [row.key for row in rows], True)
    return _table(keys, ends, columns, [row.tone for row in rows], console)


def finding_table(rows: Sequence[FindingRow], console: Console) -> Iterator[Text]:
    """One line a finding, or two where room is short."""
    name, flows, sender, receiver, verdict, crossed, lost, stalled, example = FINDINGS
    columns = [
        Cells(verdict, [row.verdict for row in rows], False),
        Cells(flows, [row.flows for row in rows], True),
        Cells(crossed, [row.crossed for row in rows], True),
        Cells(lost, [row.lost for row in rows], True),
        Cells(example, [row.example for row in rows], False),
        Cells(stalled, [row.stalled for row in rows], True),
    ]
    ends = Ends(sender, receiver, [(row.senders, "->", row.receivers) for row in rows])
    keys = Cells(name, [row.id for row in rows], False)
    return _table(keys, ends, columns, [row.tone for row in rows], console)


def _table(keys: Cells, ends: Ends, columns: Sequence[Cells], tones: Sequence[str], console: Console) -> Iterator[Text]:
    # Where room is short the last column gives way, then a row takes two lines, then addresses are cut.
    layouts = [(columns, True), (columns[:-1], True), (columns, False), (columns[:-1], False)]
    if console.width < NARROW:
        layouts.append((columns[:-2], False))
    for kept, in_one_line in layouts:
        room = console.width - keys.width - sum(len(GAP) + column.width for column in kept) - len(GAP)
        title, lines = ends.laid_out(in_one_line=in_one_line)
        if max(len(line) for cell in lines for line in cell) <= room:
            break
    else:
        lines = [tuple(_shortened(line, room) for line in cell) for cell in lines]
    width = max(len(title), *(len(line) for cell in lines for line in cell))
    header = GAP.join([keys.aligned(None), title.ljust(width), *(column.aligned(None) for column in kept)])
    yield Text(header.rstrip(), "bold")
    yield Text(("-" if console.options.ascii_only else "\u2500") * len(header.rstrip()), "dim")
    for i, tone in enumerate(tones):
        line = Text(keys.aligned(i) + GAP + lines[i][0].ljust(width))
        for column in kept:
            line.append(GAP)
            line.append(column.aligned(i), VERDICT_STYLES[tone] if column is columns[0] else "")
        yield line
        for more in lines[i][1:]:
            yield Text(" " * keys.width + GAP + more)


def _shortened(text: str, room: int) -> str:
    """Of several addresses the first, of one the middle left out: its start names the network, its end the host."""
    if len(text) <= room:
        return text
    first, comma, others = text.partition(", ")
    if comma:
        listed, _, more = others.partition(" +")
        counted = f"{first} +{listed.count(', ') + 1 + int(more.replace(',', '') or 0):,}"
        return counted if len(counted) <= room else _shortened(first, room)
    tail = (room - 2) // 2
    return f"{text[: room - 2 - tail]}..{text[-tail:]}"
