"""The fleet's answer in words, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.fleet.answer import Answer, Change, FleetFinding, Hop, JoinedLeg, Summary
from analyzer.model.finding import shown_addresses
from analyzer.model.text import iso_time, plural, printable
from analyzer.model.verdicts import BY_NAME, SURE_PROBLEMS

SHOWN_ENDS = 2
BECAME = {"appeared": "a problem that was not there", "gone": "the problem is gone", "other": "another problem"}


def headline(answer: Answer) -> str:
    """The answer in a sentence or two."""
    if not answer.groups:
        return "No capture could be read."
    bad = sum(count for verdict, count in answer.verdicts.items() if verdict in SURE_PROBLEMS)
    captures = sum(bool(SURE_PROBLEMS & each["verdicts"].keys()) for each in answer.groups)
    flows = plural(answer.total("flows"), "flow")
    if not bad:
        return f"No problem in {flows} of {plural(len(answer.groups), 'capture')}."
    text = (
        f"{plural(bad, 'flow')} of {flows} with a problem, in {captures:,} of {plural(len(answer.groups), 'capture')}."
    )
    if answer.hops:
        hop = answer.hops[0]
        text += f" {hop_text(hop, answer.stalls)}"
    return text


SHARED = {
    "to": "go to receivers in {}",
    "from": "come from senders in {}",
    "way": "go the same way, {}",
    "router": "were told by PTBs of the router {}",
}
"""What stalls share, with the place."""

ALONE = {
    "to": "goes to a receiver in {}",
    "from": "comes from a sender in {}",
    "way": "goes the way {}",
    "router": "was told by PTBs of the router {}",
}
"""The same of one stall."""


def shared_text(hop: Hop) -> str:
    """What the stalls of a hop share."""
    return (SHARED if hop.stalls > 1 else ALONE)[hop.kind].format(hop.place)


def hop_text(hop: Hop, of: int) -> str:
    """What some stalls have in common, in a sentence or two."""
    text = f"{hop.stalls:,} of {plural(of, 'flow')} limited by size {shared_text(hop)}: a path MTU {size_text(hop)} "
    text += "would explain them." if hop.stalls > 1 else "would explain it."
    if hop.passed:
        text += f" But {plural(hop.passed, 'other flow')} there got larger packets through."
    return text


def size_text(bracket: Hop | FleetFinding) -> str:
    """A bracket: "between 1,400 and 1,499 bytes"."""
    if isinstance(bracket, FleetFinding) and not BY_NAME[bracket.finding.verdict].limited_by_size:
        return "no matter"
    size = bracket if isinstance(bracket, Hop) else bracket.finding.path_mtu
    low, high = size.at_least, size.at_most
    if isinstance(bracket, FleetFinding) and bracket.finding.path_mtu.exact is not None:
        return f"of {bracket.finding.path_mtu.exact:,} bytes"
    if low is not None and high is not None:
        return f"of {low:,} bytes" if low == high else f"between {low:,} and {high:,} bytes"
    if high is not None:
        return f"of at most {high:,} bytes"
    return f"of at least {low:,} bytes" if low is not None else "that is not known"


def leg_text(leg: JoinedLeg) -> str:
    """Between which groups packets get lost."""
    crossed = f"up to {leg.at_least:,} bytes crossed" if leg.at_least is not None else "none was seen to cross"
    lost = f"{leg.at_most + 1:,} bytes and more did not" if leg.at_most is not None else "larger ones did not"
    what = "" if leg.protocol == "tcp" else f", {'fragmented ' if leg.fragmented else ''}{leg.protocol}"
    return f"{leg.sender} -> {leg.receiver}{what}: between {leg.before} and {leg.behind} {crossed}, {lost}"


def ends_text(addresses: Sequence[str]) -> str:
    """Addresses or prefixes: a few, and how many more."""
    shown = shown_addresses(addresses)
    more = f" and {len(shown) - SHOWN_ENDS:,} more" if len(shown) > SHOWN_ENDS else ""
    return ", ".join(shown[:SHOWN_ENDS]) + more


def minute(time: int | None) -> str:
    """A time of the report, in UTC: "2026-11-22 13:50"."""
    return "-" if time is None else iso_time(time)[:16].replace("T", " ")


def change_text(change: Change) -> str:
    """What became of a way."""
    return f"{change.before} {change.before_verdict}, {change.after} {change.after_verdict}: {BECAME[change.became]}"


def result_of(summary: Summary) -> str:
    """Why a group could not be read, on one line."""
    return printable(" ".join(str(summary["error"]).split()))
