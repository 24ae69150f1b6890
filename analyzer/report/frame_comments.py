"""What is written into a capture: comments at the frames that prove something, and what all of it comes to.

They are made of what is known of flows as data, hold no payload, and nothing that is not plainly visible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import frames_of
from analyzer.model.flow import Flow
from analyzer.model.statement import FrameRef
from analyzer.model.text import plural, printable
from analyzer.model.trouble import Trouble
from analyzer.report.document import document_of
from analyzer.report.ptbs_told import PTB_REASONS

COMMENTED_FLOWS = 1_000
"""Flows whose frames get comments: the example of each finding first, then the gravest."""

FRAME_COMMENTS = 8
"""Comments at one frame; it may be the control of many flows."""

COMMENT_CHARACTERS = 500
"""Length of a comment: it is read beside a packet."""

SECTION_LINES = 40
"""Comments of the section."""

Comments = dict[FrameRef, list[str]]


class Commented(NamedTuple):
    """Comments by the frames that they belong to, and the problem flows that got none."""

    comments: Comments
    left_out: int


def frame_comments(analysis: Analysis) -> Commented:
    """Comments at the frames that prove the verdicts of flows with a problem."""
    problems = [stream for stream, _ in analysis.problems]
    examples = [finding.example for finding in analysis.all_findings if finding.example is not None]
    streams = list(dict.fromkeys([*examples, *problems]))
    found: Comments = defaultdict(list)
    for trouble in analysis.all_troubles[:COMMENTED_FLOWS]:
        for ref, texts in trouble_comments(trouble).items():
            found[ref] += texts[: FRAME_COMMENTS - len(found[ref])]
    for stream in streams[:COMMENTED_FLOWS]:
        for ref, texts in flow_comments(analysis.flow(stream)).items():
            found[ref] += texts[: FRAME_COMMENTS - len(found[ref])]
    return Commented(dict(found), len(streams[COMMENTED_FLOWS:]))


def trouble_comments(trouble: Trouble) -> Comments:
    """The parts that frames have in what pings, PTBs or fragments show."""
    found: Comments = {}
    against = ((f"speaks against {each.cause}: {each.because}", each.frames) for each in trouble.ruled_out)
    for text, frames in (*trouble.evidence, *against):
        for ref in frames:
            found.setdefault(ref, []).append(_short(f"{trouble.shown_by}: {printable(text)}"))
    for ref in trouble.rests_on:
        found.setdefault(ref, [_short(f"{trouble.shown_by}: {printable(trouble.headline)}")])
    return found


def flow_comments(flow: Flow) -> Comments:
    """The parts that frames have in a flow's verdict. Each of `frames_of` has one, and no other frame."""
    proving = set(frames_of(flow))
    found: Comments = {}

    def say(text: str, frames: Iterable[FrameRef]) -> None:
        comment = _short(f"stream {flow.stream}: {printable(text)}")
        for ref in proving.intersection(frames):
            texts = found.setdefault(ref, [])
            if comment not in texts:
                texts.append(comment)

    for text, frames in flow.parts:
        say(text, frames)
    for ptb in flow.ptb:
        why = f", {PTB_REASONS.get(ptb.reason, ptb.reason)}" if ptb.reason else ""
        say(f"PTB from {ptb.router}: MTU {ptb.mtu}, {ptb.effect}{why}", (ptb.frame,))
    # What has no words of its own is told as in the reports.
    rest = [*flow.evidence, *((f"speaks against {each.cause}: {each.because}", each.frames) for each in flow.ruled_out)]
    for text, frames in rest:
        say(text, [ref for ref in frames if ref not in found])
    if flow.stalled is not None:
        left = [ref for ref in (flow.stalled.first_frame, *flow.stalled.frames) if ref not in found]
        say(f"the {flow.stalled.ip_len}-byte segment that got stuck", left)
    return found


def section_comments(analysis: Analysis, *about: str) -> list[str]:
    """What a capture's section says of itself: the answer, what to do first, `about`, what was read.

    Notes of the report stay there: they hold capture filters, and names of files that were not read.
    """
    return [_short(printable(line), 2 * COMMENT_CHARACTERS) for line in _lines(analysis, about) if line][:SECTION_LINES]


def _lines(analysis: Analysis, about: Iterable[str]) -> Iterator[str]:
    document = document_of(analysis)
    yield f"{tool.NAME} {tool.__version__}: {document.headline}"
    yield document.also_seen
    if (first := document.first) is not None:
        yield f"When: {first.when}"
        yield f"Confirm {first.confirm_where}: {first.confirm}" if first.confirm else ""
        yield f"Fix: {first.fix}" if first.fix else ""
    yield from about
    yield from document.facts


def left_without(commented: Commented) -> str:
    """That flows got no comments, or nothing."""
    if not commented.left_out:
        return ""
    return f"Of {plural(commented.left_out, 'more flow')} with a problem no frame has a comment."


def _short(text: str, most: int = COMMENT_CHARACTERS) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
