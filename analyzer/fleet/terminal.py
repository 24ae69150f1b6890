"""The fleet's answer on a terminal: a screen of it. All is in the page."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.fleet.answer import Answer
from analyzer.fleet.words import change_text, ends_text, headline, hop_text, leg_text, minute, result_of, size_text
from analyzer.model.text import plural, printable

SHOWN = 10
"""Rows of each table."""


def lines_of(answer: Answer) -> Iterator[str]:
    """The lines; nothing in them can steer a terminal."""
    for line in _lines(answer):
        yield printable(line)


def _lines(answer: Answer) -> Iterator[str]:
    yield headline(answer)
    yield ""
    yield (
        f"{plural(len(answer.groups), 'capture')}, {plural(answer.total('files'), 'file')}, "
        f"{plural(answer.total('packets'), 'packet')}, {minute(answer.first_time)} to {minute(answer.last_time)} UTC"
    )
    if answer.verdicts:
        yield "flows: " + ", ".join(f"{name} {count:,}" for name, count in answer.verdicts.items())
    if answer.hops:
        yield from _table("What stalls have in common", [hop_text(hop, answer.stalls) for hop in answer.hops])
    if answer.findings:
        rows = [
            f"{each.finding.id:>3}  {each.finding.verdict:<20} {ends_text(each.finding.senders)} -> "
            f"{ends_text(each.finding.receivers)}, path MTU {size_text(each)}: {plural(each.flows, 'flow')} in "
            f"{plural(len(each.groups), 'capture')}, {minute(each.finding.first_time)} to "
            f"{minute(each.finding.last_time)}"
            for each in answer.findings
        ]
        yield from _table("Findings", rows)
    if answer.legs:
        yield from _table("Lost between captures of the same flows", [leg_text(each) for each in answer.legs])
    if answer.changes:
        rows = [f"{each.sender} -> {each.receiver}: {change_text(each)}" for each in answer.changes]
        yield from _table("From day to day", rows)
    if answer.unread:
        yield from _table("Could not be read", [result_of(each) for each in answer.unread])
    if answer.waiting:
        yield ""
        yield f"{plural(answer.waiting, 'capture')} still to be done: the same command goes on from here."


def _table(title: str, rows: list[str]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    yield from (f"  {row}" for row in rows[:SHOWN])
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN:,} more"
