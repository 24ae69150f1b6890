"""Why a flow has not some other verdict, on one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.errors import UsageError
from analyzer.model.analysis import Analysis
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.text import file_labels, frames_text, joined, printable
from analyzer.model.verdicts import GROUPS, VERDICTS


def check_verdict(verdict: str, asked_by: str, more: str = "") -> None:
    """Raise UsageError if there is no such verdict; `asked_by` begins the message, `more` ends it."""
    if verdict not in VERDICTS:
        names = ", ".join(VERDICTS)
        raise UsageError(f"{asked_by} {printable(verdict)!r} is no verdict; verdicts are {names}{more}")


def check_named(name: str, asked_by: str) -> None:
    """As `check_verdict`, where a group of verdicts is as good."""
    if name not in GROUPS:
        check_verdict(name, asked_by, f"; {joined([*GROUPS])} stand for several")


def why_not(analysis: Analysis, flow: Flow, verdict: str) -> str | None:
    """What a flow of the analysis lacks to have `verdict`, with the frames that show it; None if it has it.

    Raises:
        UsageError: there is no such verdict, or the analysis was not made of a capture.
    """
    check_verdict(verdict, "why not")
    return _why_not(analysis, flow, verdict, file_labels(analysis.files))


def _why_not(analysis: Analysis, flow: Flow, verdict: str, labels: Sequence[str]) -> str | None:
    if flow.verdict == verdict:
        return None
    flows = (analysis.whole or analysis).all_flows
    found = flows.why_not(flow.stream, verdict) if isinstance(flows, FlowList) else None
    if found is None:
        raise UsageError("why not: nothing is known of this flow's packets")
    frames = frames_text(found.frames, labels)
    return printable(found.text) + (f" ({frames})" if frames else "")


def why_not_lines(analysis: Analysis, verdict: str) -> Iterator[str]:
    """A line for each flow of the analysis."""
    check_verdict(verdict, "why not")
    labels = file_labels(analysis.files)
    for flow in analysis.all_flows:
        reason = _why_not(analysis, flow, verdict, labels)
        if reason is None:
            yield f"stream {flow.stream}: {verdict} it is ({flow.rule})"
        else:
            yield f"stream {flow.stream}: {flow.verdict} ({flow.rule}), not {verdict}: {reason}"
