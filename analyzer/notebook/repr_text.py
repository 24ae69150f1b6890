"""Plain text: what `Analysis`, `Flow` and `Evidence` look like in a terminal, and explanations."""

from __future__ import annotations

import html
import io
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from analyzer.model.text import bracket, endpoint, frames_text, names_of, printable
from analyzer.report.document import Document, diagnosis_of, document_of
from analyzer.report.formats.terminal_report import LEAST_WIDTH, PROSE_WIDTH, lines_of, make_console

if TYPE_CHECKING:
    from analyzer.model.analysis import Analysis
    from analyzer.model.flow import Flow
    from analyzer.model.statement import Statement


class Explanation(str):
    """Text that shows itself as it is, line by line, without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f'<pre style="white-space: pre-wrap">{html.escape(self)}</pre>'


def explanation(analysis: Analysis, flow: Flow) -> Explanation:
    """The diagnosis of one flow, as the command prints it."""
    return Explanation(_text(_empty(diagnoses=(diagnosis_of(analysis, flow),))))


def analysis_text(analysis: Analysis) -> str:
    """The answer, the table of flows with a problem, and what was read."""
    return _text(replace(document_of(analysis), diagnoses=(), notes=()))


def flow_line(flow: Flow) -> str:
    """A flow on one line, and why on the next."""
    arrow = {"client_to_server": "->", "server_to_client": "<-"}.get(flow.direction or "", "--")
    size = bracket(flow.path_mtu.on_links_of(flow.sender.ip))
    mtu = f", path MTU {size} bytes" if size != "-" else ""
    return (
        f"Flow {flow.stream}: {endpoint(flow.client)} {arrow} {endpoint(flow.server)}, "
        f"{flow.verdict} ({flow.confidence} confidence){mtu}\n{printable(flow.explanation)}"
    )


def evidence_lines(evidence: Iterable[Statement], files: Sequence[str]) -> list[tuple[str, str]]:
    """Each statement and its frames, in words safe to show."""
    labels = names_of(files)
    return [(printable(text), frames_text(frames, labels)) for text, frames in evidence]


def evidence_text(evidence: Iterable[Statement], files: Sequence[str]) -> str:
    """The statements, one a line."""
    return "\n".join(f"{text} [{frames}]" if frames else text for text, frames in evidence_lines(evidence, files))


def _empty(**parts: object) -> Document:
    document = Document(
        headline="",
        also_seen="",
        tone="good",
        findings=(),
        first=None,
        rows=(),
        not_listed="",
        diagnoses=(),
        facts=(),
        notes=(),
    )
    return replace(document, **parts)  # type: ignore[arg-type]  # fields of Document, by name


def _text(document: Document) -> str:
    console = make_console(io.StringIO())
    console.width = max(LEAST_WIDTH, min(shutil.get_terminal_size().columns, PROSE_WIDTH))
    lines = [line.plain.rstrip() for line in lines_of(document, console)]
    return "\n".join(lines).strip("\n")
