"""What a report says of findings: their row in a table, and the first steps against the gravest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzer.model.finding import Finding, shown_addresses
from analyzer.model.flow import Flow
from analyzer.model.statement import Fix
from analyzer.model.surroundings import Beside
from analyzer.model.text import clock, day_clock, plural, seconds
from analyzer.model.verdicts import BY_NAME

SHOWN_ENDS = 2
"""Addresses and prefixes in a cell; the others are counted."""

SHOWN_WAYS = 3
"""Fixes that the first screen names."""


class FindingRow(NamedTuple):
    """A finding in the table that opens every report."""

    id: str
    flows: str
    senders: str
    receivers: str
    verdict: str
    tone: str  # bad, warn, good, plain
    crossed: str  # bytes, or -
    lost: str
    stalled: str  # of the example
    example: str  # "stream 3", "pings"
    names: tuple[str, str]  # of sender and receiver, where each is one address with a name; else empty


class FirstSteps(NamedTuple):
    """When the gravest trouble was, what shows it, and what helps; empty where there is nothing to say."""

    when: str
    confirm_where: str
    confirm: str  # a command
    confirm_means: str  # what its outcome says
    fix: str


def finding_row(finding: Finding, example: Flow | None, name_of: Callable[[str], str]) -> FindingRow:
    """The row of a finding; `name_of` tells the name of an address, or nothing."""
    sender, receiver = (name_of(ends[0]) if len(ends) == 1 else "" for ends in (finding.senders, finding.receivers))
    return FindingRow(
        id=finding.id,
        flows=f"{len(finding.streams):,}" if finding.streams else "-",
        senders=ends_text(finding.senders),
        receivers=ends_text(finding.receivers),
        verdict=finding.verdict,
        tone=BY_NAME[finding.verdict].tone,
        crossed=str(finding.crossed or "-"),
        lost=str(finding.lost or "-"),
        stalled=stalled_text(example) if example is not None else "-",
        example=shown_by(finding),
        names=(sender, receiver),
    )


def stalled_text(flow: Flow) -> str:
    """How long a flow stalled, or "-" where it did not, or the capture shows no span of it."""
    return seconds(flow.stalled.seconds) if flow.stalled is not None and flow.stalled.waited else "-"


def ends_text(addresses: Sequence[str]) -> str:
    """Addresses in short: those of one network as that, and of many the first."""
    shown = shown_addresses(addresses)
    if len(shown) > SHOWN_ENDS:
        return f"{', '.join(shown[:SHOWN_ENDS])} +{len(shown) - SHOWN_ENDS:,}"
    return ", ".join(shown)


def beside_text(beside: Beside) -> str:
    """What went well on the same way, as a sentence."""
    flows = f" ({plural(beside.flows, 'flow')})" if beside.flows else ""
    pairs = "another pair" if beside.pairs == 1 else f"{beside.pairs:,} other pairs"
    carried = "full-size packets" if beside.crossed is None else f"packets of {beside.crossed} bytes"
    return f"{carried} got through between {pairs} of hosts of these networks{flows}"


def shown_by(finding: Finding) -> str:
    """What shows a finding: a flow by its number, or packets of none."""
    return f"stream {finding.example}" if finding.trouble is None else finding.trouble.shown_by


def first_steps(finding: Finding, example: Flow | None, fixes: Sequence[Fix]) -> FirstSteps:
    """What to do first about a finding, of all `fixes`; `example` is the flow that shows it best."""
    confirm = next((fix for fix in fixes if fix.kind == "confirm" and fix.commands), None)
    ways = list(dict.fromkeys(fix.short for fix in fixes if fix.kind == "fix" and fix.short))
    return FirstSteps(
        when=_when(finding, example),
        confirm_where=confirm.where if confirm is not None else "",
        confirm=confirm.commands[0].line if confirm is not None else "",
        confirm_means=_means(confirm),
        fix=", or ".join(ways[:SHOWN_WAYS]),
    )


def _means(confirm: Fix | None) -> str:
    return confirm.why if confirm is not None else ""


def _when(finding: Finding, example: Flow | None) -> str:
    first, last = day_clock(finding.first_time), day_clock(finding.last_time)
    if last == first or finding.last_time <= finding.first_time:
        return clock(finding.first_time)
    until = last[1] if last[0] == first[0] else " ".join(last)
    of = ""
    if example is not None:
        of = f" (first and last {'transmission' if example.stalled is not None else 'packet'})"
    return f"{first[0]} {first[1]} - {until} UTC{of}"
