"""The report on a terminal: the answer, the verdict table, a diagnosis for each problem, what was read.

Lines are laid out here, to the cell; rich does colours, and only what the terminal at hand can show.
Nothing is ever parsed as markup.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from analyzer.model.analysis import Analysis
from analyzer.model.statement import Fix
from analyzer.model.text import plural
from analyzer.report.diagnosis import Diagnosis, Remark
from analyzer.report.document import Document, advice, document_of, rule_suffix
from analyzer.report.findings import FirstSteps
from analyzer.report.formats.terminal_tables import GAP, VERDICT_STYLES, finding_table, flow_table
from analyzer.report.labels import STEPS, below

if TYPE_CHECKING:
    from analyzer.report.changes import ChangeTable

PIPED_WIDTH = 80
"""Columns where standard output is no terminal and COLUMNS is not set: fits mail and tickets."""

LEAST_WIDTH = 60
PROSE_WIDTH = 100
"""Longer lines of prose are hard to read."""

HEADLINE_WIDTH = 120

SHOWN_FINDINGS = 5
SHOWN_DIAGNOSES = 1
"""Findings that are told in full: the gravest. All others are a line of the table."""

SHOWN_CURES = 3
"""Of the ways to mend it, the best first; what comes behind is a stopgap. Fewer where the report would be too long."""

MOST_LINES = 99
"""Of a report that is not asked for in full: what can be read before one acts."""

SHOWN_NAMES = 8
"""Addresses whose names are listed."""

SHOWN_CHANGES = 10

INDENT = 2
LABEL_WIDTH = 11
SHELLS = frozenset({"linux", "macos", "mikrotik", "docker", "calico", "cilium", "aws", "gcp", "azure"})
"""Platforms whose commands may be continued on the next line after a backslash."""

STYLES = {"bad": "bold red", "warn": "bold yellow", "good": "bold green", "plain": "bold"}


def show(analysis: Analysis, *, show_all: bool = False, file: TextIO | None = None) -> None:
    """Print the report.

    Args:
        analysis: what to report.
        show_all: list healthy flows, and every row and diagnosis.
        file: where to; standard output by default.
    """
    console = make_console(file)
    for line in lines_of(document_of(analysis, show_all=show_all, all_udp=show_all), console, show_all=show_all):
        line.rstrip()
        console.print(line, soft_wrap=True)


class _Console(Console):
    """Leaves a closed pipe to the caller, who knows the right exit code; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def make_console(file: TextIO | None = None) -> Console:
    """A console that colours only for a terminal (and not with NO_COLOR), 80 columns wide elsewhere."""
    console = _Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and not os.environ.get("COLUMNS", "").isdigit():
        console.width = PIPED_WIDTH
    console.width = max(console.width, LEAST_WIDTH)
    return console


def lines_of(document: Document, console: Console, *, show_all: bool = False) -> Iterator[Text]:
    """The report, line by line."""
    for cures in range(SHOWN_CURES, 0, -1):
        lines = list(_lines(document, console, None if show_all else cures))
        if show_all or len(lines) <= MOST_LINES:
            break
    yield from lines


def _lines(document: Document, console: Console, cures: int | None) -> Iterator[Text]:
    """With so many ways to mend it; None: with all there is."""
    show_all = cures is None
    prose = min(console.width, PROSE_WIDTH)
    wide = min(console.width, HEADLINE_WIDTH)
    if document.changes is not None:
        yield from _wrapped(console, Text(document.changes.answer, STYLES[document.changes.tone]), wide)
        yield Text()
        yield from _changes(document.changes, console, show_all=show_all)
        yield Text()
        yield from _wrapped(console, Text(f"The first capture: {document.headline}"), wide)
    else:
        yield from _wrapped(console, Text(document.headline, STYLES[document.tone]), wide)
    if document.also_seen:
        yield from _wrapped(console, Text(document.also_seen), wide)
    if document.first is not None:
        yield Text()
        yield from _first(document.first, console, prose)
    findings = document.findings if show_all else document.findings[:SHOWN_FINDINGS]
    if findings:
        yield Text()
        yield from finding_table(findings, console)
    if hidden := len(document.findings) - len(findings):
        yield Text(f"{plural(hidden, 'more finding')}: --all, --json or -o report.html", "dim")
    if show_all and document.rows:
        yield Text()
        yield from flow_table(document.rows, console)
    if document.not_listed:
        yield from _wrapped(console, Text(f"{document.not_listed} (--all lists them)", "dim"), prose)
    shown = document.diagnoses if show_all else document.diagnoses[:SHOWN_DIAGNOSES]
    for diagnosis in shown:
        yield Text()
        yield from _diagnosis(diagnosis, console, prose, cures)
    if hidden := len(document.diagnoses) - len(shown):
        yield Text()
        yield Text(f"{plural(hidden, 'more finding')} told in full by --all, or each by --stream EXAMPLE", "dim")
    yield Text()
    names = document.names if show_all else document.names[:SHOWN_NAMES]
    for i, (address, name) in enumerate(names):
        yield from _labelled(console, "" if i else "Names", Text(f"{address}: {name}"), prose, label_style="dim")
    if hidden := len(document.names) - len(names):
        text = f"and those of {plural(hidden, 'more address', 'more addresses')}: --all or --json"
        yield from _labelled(console, "", Text(text, "dim"), prose)
    for note in document.notes:
        yield from _labelled(console, "Note", Text(note), prose, label_style="yellow")
    for i, fact in enumerate(document.facts):
        yield from _labelled(console, "" if i else "Capture", Text(fact, "dim"), prose, label_style="dim")


def _wrapped(console: Console, text: Text, width: int) -> list[Text]:
    return list(text.wrap(console, width))


def _labelled(
    console: Console, label: str, body: Text, width: int, *, indent: int = 0, label_style: str = "cyan"
) -> Iterator[Text]:
    """A paragraph hanging behind its label."""
    left = indent + LABEL_WIDTH
    for i, line in enumerate(_wrapped(console, body, width - left) or [Text()]):
        head = Text(" " * indent)
        head.append((label if i == 0 else "").ljust(LABEL_WIDTH), label_style)
        yield head + line


def _first(first: FirstSteps, console: Console, width: int) -> Iterator[Text]:
    """What to do in the first minute."""
    yield from _labelled(console, "When", Text(first.when), width, indent=INDENT)
    if first.confirm:
        head = Text(" " * INDENT + STEPS["confirm"].ljust(LABEL_WIDTH), "cyan")
        for line in continued(first.confirm, width - len(head)):
            yield head + Text(line, "bold")
            head = Text(" " * len(head))
        yield from _labelled(
            console, "", Text(f"{first.confirm_where}: {first.confirm_means}", "dim"), width, indent=INDENT
        )
    if first.fix:
        yield from _labelled(console, STEPS["fix"], Text(f"{first.fix} ({below})"), width, indent=INDENT)


# A comparison.


def _changes(changes: ChangeTable, console: Console, *, show_all: bool) -> Iterator[Text]:
    """Each path: its outcome, and what it was and is, one below the other."""
    rows = changes.rows if show_all else changes.rows[:SHOWN_CHANGES]
    yield from _wrapped(console, Text(f"Compared with {changes.later}:", "dim"), console.width)
    for finding in changes.findings if show_all else changes.findings[:SHOWN_CHANGES]:
        yield from _wrapped(console, Text(finding.sentence, VERDICT_STYLES[finding.tone]), console.width)
    verdicts = max((len(cell) for row in rows for cell in (row.before, row.after)), default=0)
    for row in rows:
        line = Text(f"{row.path}: ")
        line.append(row.outcome.lower(), VERDICT_STYLES[row.tone])
        yield from _wrapped(console, line, console.width)
        for when, verdict, size in (("before", row.before, row.before_mtu), ("after", row.after, row.after_mtu)):
            yield Text(" " * INDENT + when.ljust(LABEL_WIDTH), "cyan") + Text(f"{verdict.ljust(verdicts)}{GAP}{size}")
        if len(changes.rows) > 1:
            yield from _labelled(console, "", Text(row.sentence, "dim"), console.width, indent=INDENT)
    if hidden := len(changes.rows) - len(rows):
        yield Text(f"{plural(hidden, 'more path')}: use --all or --json", "dim")


# A diagnosis.


def _diagnosis(diagnosis: Diagnosis, console: Console, width: int, cures: int | None) -> Iterator[Text]:
    title = Text(f"{diagnosis.name}: ", "bold")
    title.append(diagnosis.title, STYLES[diagnosis.tone])
    title.append(f" ({diagnosis.confidence} confidence{rule_suffix(diagnosis)})", "dim")
    yield from _wrapped(console, title, width)
    several_files = any(each.file for each in diagnosis.frame_filters)
    ends = Text(f"{diagnosis.shown_by}, " if diagnosis.finding else "", "dim")
    ends.append(diagnosis.endpoints + ("" if several_files else f" ({diagnosis.display_filter})"))
    for line in _wrapped(console, ends, width - INDENT):
        yield Text(" " * INDENT) + line
    yield from _statements("What", [diagnosis.what], console, width)
    for i, place in enumerate(diagnosis.where):
        yield from _labelled(console, "" if i else "Where", Text(place), width, indent=INDENT)
    if diagnosis.strip is not None:
        for i, leg in enumerate(diagnosis.strip.lines):
            yield from _labelled(console, "" if i else "Legs", Text(leg), width, indent=INDENT)
    yield from _statements("Why", diagnosis.why, console, width)
    yield from _statements("Ruled out", diagnosis.ruled_out, console, width)
    yield from _steps(diagnosis, console, width, cures)
    filters = [diagnosis.display_filter] if several_files else []
    filters += [f"{each.file}: {each.text}" if each.file else each.text for each in diagnosis.frame_filters]
    for i, wanted in enumerate(filters):
        yield from _labelled(console, "" if i else "Wireshark", Text(wanted, "dim"), width, indent=INDENT)
    if diagnosis.same and cures is None:
        yield from _labelled(console, "Also", Text(diagnosis.same), width, indent=INDENT)


def _statements(label: str, statements: Sequence[Remark], console: Console, width: int) -> Iterator[Text]:
    for i, statement in enumerate(statements):
        body = Text(statement.text)
        if statement.frames:
            body.append(f" [{statement.frames}]", "dim")
        yield from _labelled(console, "" if i else label, body, width, indent=INDENT)


def _steps(diagnosis: Diagnosis, console: Console, width: int, cures: int | None) -> Iterator[Text]:
    """Each step: its command, to be picked out at a glance, then where it belongs and what it does."""
    number = 0
    for kind, fixes in diagnosis.steps:
        shown = fixes[:cures] if kind == "fix" else fixes
        for place, fix in enumerate(shown):
            number += 1
            label = "" if place else STEPS[kind]
            head = Text(" " * INDENT + label.ljust(LABEL_WIDTH), "cyan")
            head.append(f"{number}. ", "not bold default")
            yield from _step(fix, head, console, width)
        if hidden := len(fixes) - len(shown):
            left = Text(" " * (INDENT + LABEL_WIDTH + len("1. ")))
            yield left + Text(f"{plural(hidden, 'more way', 'more ways')}: --all", "dim")


def _step(fix: Fix, head: Text, console: Console, width: int) -> Iterator[Text]:
    left = " " * len(head)
    for command in fix.commands:
        if command.lead:
            head = Text(left).append(command.lead, "dim")
        for line in continued(command.line, width - len(head)) if fix.platform in SHELLS else [command.line]:
            yield head + Text(line, "bold")
            head = Text(left)
    for part in _wrapped(console, Text(advice(fix)), width - len(left)):
        yield head + part
        head = Text(left)


def continued(command: str, width: int) -> Iterator[str]:
    r"""A shell command on lines of at most `width` where that can be, joined by `\` so that it pastes.

    Breaks between words only, and not between an option and its value.
    """
    pieces = re.findall(r"-[^\s']*(?: (?!-)(?:[^\s']|'[^']*')+)?|(?:[^\s']|'[^']*')+", command)
    line = pieces[0] if pieces else ""
    for i, piece in enumerate(pieces[1:], 2):
        ending = 0 if i == len(pieces) else len(" \\")
        if len(line) + 1 + len(piece) + ending > width:
            yield line + " \\"
            line = "    " + piece
        else:
            line += " " + piece
    yield line
