"""HTML for notebooks: small, without scripts or anything from elsewhere, readable on light and dark pages.

Every string is escaped: names, comments and addresses come out of files that somebody mailed.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from analyzer.model.text import bracket, plural, printable
from analyzer.notebook.repr_text import evidence_lines
from analyzer.report.diagnosis import Remark
from analyzer.report.document import Row, diagnosis_of, document_of, rule_suffix
from analyzer.report.figures.own_settings import load_matplotlib, own_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analyzer.model.analysis import Analysis
    from analyzer.model.flow import Flow
    from analyzer.model.statement import Fix, Statement

SHOWN_ROWS = 20

COLOURS = {"bad": "#D55E00", "warn": "#CC7A00", "good": "#009E73", "plain": "inherit"}
"""Of verdicts; dark enough for white pages, light enough for black ones."""

FAINT = "opacity: 0.7"
NUMBER = "text-align: right"
TEXT = "text-align: left"


def analysis_html(analysis: Analysis) -> str:
    """The answer, the table of flows, the brackets of the paths where there are any, and what was read."""
    document = document_of(analysis)
    parts = [f'<p style="color: {COLOURS[document.tone]}"><b>{_safe(document.headline)}</b></p>']
    if document.also_seen:
        parts.append(f"<p>{_safe(document.also_seen)}</p>")
    if document.rows:
        parts.append(_table(document.rows[:SHOWN_ROWS]))
    hidden = len(document.rows) - SHOWN_ROWS
    if hidden > 0:
        parts.append(_faint(f"{plural(hidden, 'more flow')} with a problem: see .flows"))
    if document.not_listed:
        parts.append(_faint(f"{document.not_listed} (see .flows)"))
    if any(path.at_most is not None for path in analysis.all_paths):
        load_matplotlib()
        from analyzer.notebook.plots import plot_paths

        parts.append(_picture("Bracket of the path MTU of each path", (9, 0.9), partial(plot_paths, analysis)))
    parts += [_faint(note) for note in document.notes]
    parts += [_faint(fact) for fact in document.facts]
    return _page(parts)


def flow_html(analysis: Analysis, flow: Flow) -> str:
    """The verdict, why, the timeline where packets were recorded, and the fix."""
    told = diagnosis_of(analysis, flow)
    size = bracket(flow.path_mtu.on_links_of(flow.sender.ip))
    parts = [
        f'<p><b>Stream {flow.stream}: <span style="color: {COLOURS[told.tone]}">{_safe(told.title)}</span></b> '
        f"({_safe(told.confidence)} confidence{_safe(rule_suffix(told))})<br>{_safe(told.endpoints)}"
        + (f"<br>path MTU {_safe(size)} bytes" if size != "-" else "")
        + f"<br><code>{_safe(told.display_filter)}</code></p>",
        f"<p>{_statement(told.what)}</p>",
    ]
    if flow.timeline is not None and len(flow.timeline):
        load_matplotlib()
        from analyzer.notebook.plots import plot_flow

        title = f"Time against sequence number of stream {flow.stream}"
        parts.append(_picture(title, (10, 4.4), partial(plot_flow, analysis, flow)))
    parts += _listing("Why", [_statement(each) for each in told.why])
    parts += _listing("Ruled out", [_statement(each) for each in told.ruled_out])
    parts += _listing("Fix", [_fix(fix) for fix in told.fixes])
    return _page(parts)


def evidence_html(evidence: Iterable[Statement], files: Sequence[str]) -> str:
    """The statements, each with its frames."""
    return _page(_listing("Evidence", [_statement(Remark(*line)) for line in evidence_lines(evidence, files)]))


def _page(parts: Iterable[str]) -> str:
    return f"<div>{''.join(parts)}</div>"


def _safe(text: str) -> str:
    return html.escape(printable(text))


def _faint(text: str) -> str:
    return f'<p style="{FAINT}">{_safe(text)}</p>'


def _statement(statement: Remark) -> str:
    frames = f' <span style="{FAINT}">[{_safe(statement.frames)}]</span>' if statement.frames else ""
    return _safe(statement.text) + frames


def _listing(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    return [f"<p><b>{title}</b></p><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"]


def _fix(fix: Fix) -> str:
    # Notebooks' own style sheets take the fixed width from a <pre> inside a list.
    command = "\n".join(_safe(line) for line in fix.command.splitlines())
    return f'<pre style="font-family: monospace">{command}</pre>{_safe(fix.where)}: {_safe(fix.why)}.'


def _table(rows: Sequence[Row]) -> str:
    head = "".join(
        f'<th style="{style}">{title}</th>'
        for title, style in (
            ("stream", NUMBER),
            ("client", TEXT),
            ("", TEXT),
            ("server", TEXT),
            ("verdict", TEXT),
            ("path MTU", TEXT),
            ("stalled", NUMBER),
            ("packets", NUMBER),
        )
    )
    lines = []
    for row in rows:
        cells = [
            (row.key, NUMBER),
            (row.client, TEXT),
            (row.arrow, TEXT),
            (row.server, TEXT),
            (row.verdict, f"{TEXT}; color: {COLOURS[row.tone]}"),
            (row.path_mtu, TEXT),
            (row.stalled, NUMBER),
            (row.packets, NUMBER),
        ]
        lines.append("".join(f'<td style="{style}">{_safe(cell)}</td>' for cell, style in cells))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _picture(title: str, size: tuple[float, float], draw: Callable[[Axes], Axes]) -> str:
    """What `draw` draws as an inline PNG, in our own style. The figure is nobody else's: pyplot does not know it."""
    from matplotlib.figure import Figure

    out = io.BytesIO()
    with own_settings():
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(out, format="png", bbox_inches="tight", dpi=100, backend="agg")
    image = base64.b64encode(out.getvalue()).decode()
    return f'<p><img alt="{_safe(title)}" style="max-width: 100%" src="data:image/png;base64,{image}"></p>'
