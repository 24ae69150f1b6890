"""Headings and short words that the reports on paper share."""

from __future__ import annotations

from analyzer.model.text import plural

report = "Path MTU report on"
confidence = "confidence"
also = "Also"
evidence = "Evidence"
legs = "From point to point"
ruled_out = "Ruled out"
STEPS = {"confirm": "Confirm", "measure": "Measure", "fix": "Fix", "check": "Check"}
"""What to do, by what it is for, in that order."""

when = "When"
below = "commands below"
FINDINGS = ("finding", "flows", "from", "to", "verdict", "passes", "lost", "stalled", "example")
"""Columns of the table of findings."""

FINDING_CHANGES = ("finding", "from", "to", "paths", "outcome")
"""Columns of the table of findings before and after."""

new = "new"
wireshark = "In Wireshark"
wireshark_flow = "Display filter for the flow:"
wireshark_packets = "Display filter for these packets:"
wireshark_frames = "For the frames of this finding:"
flows = "All flows"
stream = "stream"
verdict = "verdict"
finding = "finding"
ends = "client and server"
path_mtu = "path MTU"
stalled = "stalled"
packets = "packets"
filter = "display filter"  # noqa: A001 - read as headings.filter
capture = "The capture"
compared = "Before and after"
path = "path"
outcome = "outcome"
before = "before"
after = "after"
compared_with = "compared with"
first_capture = "The first capture"
file = "File"
glossary = "What the verdicts mean"
settings = "Tool and settings"
thresholds = "Thresholds"


def table(count: int) -> str:
    """Above the table of flows."""
    return f"{plural(count, 'flow')}, the worst first"


def members(count: int, name: str) -> str:
    """Heads the flows of a finding."""
    return f"The {count:,} flows of {name[:1].lower()}{name[1:]}, by their streams"


def more_members(count: int) -> str:
    """Below the worst flows of a finding."""
    return f"{plural(count, 'more flow')}, whose stalls were shorter: write them to a .csv, .parquet or .json report"


def more_findings(count: int) -> str:
    """Below the table of findings, if it was cut."""
    return f"{plural(count, 'more finding')}: write them to a .json report"


def more_rows(count: int) -> str:
    """Below a table that was cut."""
    return f"{plural(count, 'more flow')} not listed here: write them to a .csv or .json report"


def more_diagnoses(count: int) -> str:
    """Below the last diagnosis shown."""
    return f"{plural(count, 'more diagnosis', 'more diagnoses')} left out: `--stream`, `--host` and `--port` pick flows"


def timeline(stream: int) -> str:
    """Names the figure of a flow."""
    return f"Stream {stream} over time, by sequence number and by packet size"


def datagrams(shown_by: str, *, fragments: bool) -> str:
    """Names the figure of what datagrams show."""
    how = "by the bytes of each that came" if fragments else "by size"
    return f"{shown_by[:1].upper()}{shown_by[1:]} over time: datagrams {how}"
