"""The report as Markdown, for GitHub, GitLab and Jira: plain headings, lists, tables, code and images.

Text is made safe word by word: a word that could be markup, a link, a mention, a reference to a ticket or an emoji is
written as code, where nothing but a backtick means anything. No HTML is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from analyzer.model.analysis import Analysis
from analyzer.model.statement import Fix
from analyzer.model.text import runs_of
from analyzer.report import labels
from analyzer.report.beside import link_to, records
from analyzer.report.changes import ChangeTable
from analyzer.report.diagnosis import Diagnosis, Remark
from analyzer.report.document import advice, fair_choice, rule_suffix, with_name
from analyzer.report.figures.drawable import drawable_of, file_suffix, name_of
from analyzer.report.figures.own_settings import load_matplotlib
from analyzer.report.findings import FindingRow, FirstSteps
from analyzer.report.page import Page, page_of
from analyzer.report.wishes import Wishes

SHOWN_DIAGNOSES = 10
SHOWN_ROWS = 100
SHOWN_FINDINGS = 50
"""So that the text stays below 30,000 characters: Jira takes 32,767, GitHub 65,536."""

MEMBERS_IN_ALL, LEAST_MEMBERS = 1000, 10
"""Flows that all findings list together; and those of one finding once that many are listed."""

FIGURES_BESIDE = 6
"""Timelines written beside a Markdown report at most."""

_RISKY = re.compile(
    r"[\\`*_\[\]{}@~|$]"  # markup, mathematics, cells; mentions, labels, snippets, references by their kind
    r"|<[A-Za-z/!?]|&#?\w"  # tags, entities, epics
    r"|:(?!\d\d?:)[\w+-]+:"  # emoji, but no minutes
    r"|://|www\.|(?:mailto|xmpp):|\w\.[^\W\d_]{2,}"  # links, and names of hosts, which some link, too
    r"|#\w|!['\"\w(\[]|%['\"\w]|/[\w.-]+>"  # issues, images and merge requests, milestones, projects
    r"|(?-i:(?<![A-Za-z0-9])[A-Z][A-Z0-9]+-\d)|G[HL]-\d"  # tickets, as Jira and custom links have them
    r"|(?<![a-z0-9])[0-9a-f]{7,40}(?![a-z0-9])",  # commits
    re.IGNORECASE,
)
"""What GitHub, GitLab, Jira or their kind may make something of: GitLab's "GitLab-specific references", GitHub's
"Autolinked references and URLs", section 6.9 of the GFM specification. None of them looks into code."""

_LEADING = re.compile(r"(?:\d+[.)]|[-+=]+)$|[#>]|/\w")
"""A word that makes a heading, list, quotation or command (GitLab's quick actions) of the line that it begins."""

_TRAILING = re.compile(r"[.,:;)]*$")


class MarkdownReport:
    """The report as Markdown, with timelines beside it."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes) -> dict[Path, Iterable[bytes]]:
        """The timelines, and the page that links to them."""
        page = page_of(analysis)
        beside: dict[Path, list[bytes]] = {}
        links: dict[int | str, str] = {}
        if wishes.plots:
            shown = fair_choice(page.document.diagnoses, SHOWN_DIAGNOSES)
            chosen = fair_choice(drawable_of(shown), FIGURES_BESIDE)
            if chosen:
                load_matplotlib(alone=wishes.alone)
            for diagnosis in chosen:
                from analyzer.report.figures.diagnosis_figure import diagnosis_figure
                from analyzer.report.figures.timelines import image

                file = target.with_name(f"{target.stem}-{file_suffix(diagnosis)}.png")
                beside[file] = [image(diagnosis_figure(analysis, diagnosis), "png")]
                links[diagnosis.drawn_as] = link_to(file.name)
        text = to_markdown(page, links, records(beside.items()))
        return {**beside, target: [text.encode("utf-8", "backslashreplace")]}


def to_markdown(page: Page, images: Mapping[int | str, str] | None = None, beside: Sequence[str] = ()) -> str:
    """The report as Markdown.

    Args:
        page: what to say.
        images: links to the figures (see `beside.link_to`) by `Diagnosis.drawn_as`; those of flows without a
            diagnosis are not used.
        beside: lines about the files of these links.
    """
    return "\n".join(_lines(page, images or {}, beside)) + "\n"


def prose(text: str) -> str:
    """Text in which nothing is markup, but for words in backticks, which are code."""
    inline = _inline(text)
    first, _, rest = inline.partition(" ")
    return f"{code(first)} {rest}".rstrip() if _LEADING.match(first) else inline


def _inline(text: str) -> str:
    """As `prose`, where no line begins."""
    parts = re.split(r"`([^`]+)`", text)
    out = ""
    for i, part in enumerate(parts):
        safe = code(part.strip() or part) if i % 2 else _plain(part)
        # Backticks that touch would be taken for one longer fence.
        out += " " + safe if out.endswith("`") and safe.startswith("`") else safe
    return " ".join(out.split())


def _plain(text: str) -> str:
    words = re.split(r"(\s+)", text)
    return "".join(_word(word) if _RISKY.search(word) else word for word in words)


def _word(word: str) -> str:
    """A word as code, without the punctuation around it."""
    core = word.lstrip("(") or word
    end = _TRAILING.search(core)
    tail = end[0] if end is not None and end.start() > 0 else ""
    return word.removesuffix(core) + code(core.removesuffix(tail)) + tail


def code(text: str) -> str:
    """Text as a code span, whatever backticks are in it."""
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def cell(text: str) -> str:
    """A table cell: as `prose`, and no bar ends it."""
    return _inline(text).replace("|", "\\|")


def _lines(page: Page, images: Mapping[int | str, str], beside: Sequence[str]) -> Iterator[str]:
    document = page.document
    if document.changes is not None:
        yield from _changes(document.changes)
        yield from ("", f"## {labels.first_capture}", "", prose(document.headline))
    else:
        yield f"# {prose(document.headline)}"
    if document.also_seen:
        yield from ("", prose(document.also_seen))
    if document.first is not None:
        yield from _first(document.first)
    if document.findings:
        yield from _findings(document.findings)
    for note in document.notes:
        yield from ("", f"> {prose(note)}")
    if page.picture is not None:
        yield from ("", prose(f"{page.picture.description} {page.picture.consistent}"))
    room = MEMBERS_IN_ALL
    for diagnosis in fair_choice(document.diagnoses, SHOWN_DIAGNOSES):
        yield ""
        yield from _diagnosis(diagnosis, images)
        if len(diagnosis.members) > 1:
            yield from ("", prose(_members(diagnosis, room)))
            room = max(room - len(diagnosis.members), LEAST_MEMBERS)
    if (hidden := len(document.diagnoses) - SHOWN_DIAGNOSES) > 0:
        yield from ("", prose(labels.more_diagnoses(hidden)))
    if document.rows:
        yield ""
        yield from _flows(page)
    yield ""
    yield from _capture(page)
    yield from beside
    yield from ("", f"## {labels.settings}", "", prose(f"{page.tool}. {page.caveat}"), "")
    for setting in page.settings:
        yield f"- {code(setting.name)}: {prose(setting.value)} ({prose(setting.meaning)})"
    if page.glossary:
        yield from ("", f"## {labels.glossary}", "")
        for term in page.glossary:
            yield f"- {code(term.verdict)}: {prose(f'{term.title}. {term.meaning}')}"


def _first(first: FirstSteps) -> Iterator[str]:
    yield from ("", f"- {labels.when}: {prose(first.when)}")
    if first.confirm:
        means = f"{prose(first.confirm_where)}: {prose(first.confirm_means)}"
        yield f"- {labels.STEPS['confirm']}: {code(first.confirm)} {means}"
    if first.fix:
        yield f"- {labels.STEPS['fix']}: {prose(first.fix)} ({labels.below})"


def _findings(findings: Sequence[FindingRow]) -> Iterator[str]:
    yield from ("", f"| {' | '.join(labels.FINDINGS)} |", "|---|---:|---|---|---|---:|---:|---:|---:|")
    for row in findings[:SHOWN_FINDINGS]:
        ends = [with_name(end, name) for end, name in zip((row.senders, row.receivers), row.names, strict=True)]
        cells = (cell(ends[0]), cell(ends[1]), code(row.verdict), row.crossed, row.lost, row.stalled)
        yield f"| {row.id} | {row.flows} | {' | '.join(cells)} | {row.example} |"
    if len(findings) > SHOWN_FINDINGS:
        yield from ("", prose(labels.more_findings(len(findings) - SHOWN_FINDINGS)))


def _changes(changes: ChangeTable) -> Iterator[str]:
    yield from (
        f"# {prose(changes.answer)}",
        "",
        f"{labels.compared} ({labels.compared_with} {code(changes.later)}):",
        "",
    )
    if changes.findings:
        yield from (f"| {' | '.join(labels.FINDING_CHANGES)} |", "|---|---|---|---:|---|")
        for each in changes.findings[:SHOWN_ROWS]:
            found = (each.finding or labels.new, each.senders, each.receivers, each.paths, each.outcome)
            yield f"| {' | '.join(cell(text) for text in found)} |"
        yield ""
    names = (labels.path, labels.outcome, labels.before, labels.path_mtu, labels.after, labels.path_mtu)
    yield from (f"| {' | '.join(names)} |", "|---|---|---|---|---|---|")
    for row in changes.rows[:SHOWN_ROWS]:
        cells = (row.path, row.outcome, row.before, row.before_mtu, row.after, row.after_mtu)
        yield f"| {' | '.join(cell(text) for text in cells)} |"
    if len(changes.rows) > 1:
        yield ""
        yield from (f"- {prose(row.sentence)}" for row in changes.rows[:SHOWN_ROWS])


def _diagnosis(diagnosis: Diagnosis, images: Mapping[int | str, str]) -> Iterator[str]:
    shown_by = f"{diagnosis.shown_by[:1].upper()}{diagnosis.shown_by[1:]}"
    yield f"## {diagnosis.name}: {prose(diagnosis.title)}"
    yield from (
        "",
        prose(f"{shown_by}, {diagnosis.endpoints}, {diagnosis.confidence} {labels.confidence}{rule_suffix(diagnosis)}"),
    )
    yield from ("", _statement(diagnosis.what))
    for place in diagnosis.where:
        yield from ("", prose(place))
    if diagnosis.strip is not None:
        yield from ("", f"### {labels.legs}", "")
        yield from (f"- {prose(leg)}" for leg in diagnosis.strip.lines)
    if diagnosis.drawn_as in images:
        yield from ("", f"![{name_of(diagnosis)}]({images[diagnosis.drawn_as]})")
    yield from _statements(labels.evidence, diagnosis.why)
    yield from _statements(labels.ruled_out, diagnosis.ruled_out)
    for kind, fixes in diagnosis.steps:
        yield from _fixes(labels.STEPS[kind], fixes)
    yield from (
        "",
        f"### {labels.wireshark}",
        "",
        labels.wireshark_flow if diagnosis.flow is not None else labels.wireshark_packets,
        "",
        *_block(diagnosis.display_filter),
    )
    if diagnosis.frame_filters:
        yield from ("", labels.wireshark_frames)
        for each in diagnosis.frame_filters:
            yield from ("", prose(f"{each.file}:"), "") if each.file else ("",)
            yield from _block(each.text)


def _members(diagnosis: Diagnosis, most: int) -> str:
    """The flows of a finding, `most` of them at most."""
    listed = diagnosis.members[:most]
    streams = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs_of(listed))
    left = len(diagnosis.members) + diagnosis.more - len(listed)
    more = f"; and {labels.more_members(left)}" if left else ""
    return f"{labels.members(len(listed) + left, diagnosis.name)}: {streams}{more}."


def _statement(statement: Remark) -> str:
    frames = f" ({prose(statement.frames)})" if statement.frames else ""
    return prose(statement.text) + frames


def _statements(heading: str, statements: Sequence[Remark]) -> Iterator[str]:
    if statements:
        yield from ("", f"### {heading}", "")
        yield from (f"- {_statement(each)}" for each in statements)


def _block(text: str) -> tuple[str, ...]:
    """A fenced block. What stands in one is made by this tool and has no backticks."""
    return ("```sh", *text.splitlines(), "```")


def _fixes(heading: str, fixes: Sequence[Fix]) -> Iterator[str]:
    if not fixes:
        return
    yield from ("", f"### {heading}")
    for number, fix in enumerate(fixes, 1):
        yield from ("", f"{number}. {prose(advice(fix))}")
        for command in fix.commands:
            if command.lead:
                yield from ("", f"   {command.lead.strip()}")
            yield from ("", *(f"   {line}" for line in _block(command.line)))


def _flows(page: Page) -> Iterator[str]:
    rows = page.document.rows
    names = (
        labels.stream, labels.verdict, labels.ends, labels.path_mtu, labels.stalled, labels.packets,
        labels.filter,
    )  # fmt: skip
    yield from (f"## {labels.flows}", "", f"{labels.table(len(rows))}:", "")
    yield f"| {' | '.join(names)} |"
    yield "|---:|---|---|---|---:|---:|---|"
    for row in rows[:SHOWN_ROWS]:
        ends = f"{with_name(row.client, row.names[0])} {row.arrow} {with_name(row.server, row.names[1])}"
        cells = (code(row.verdict), cell(ends), cell(row.path_mtu), row.stalled, row.packets, code(row.display_filter))
        yield f"| {row.key} | {' | '.join(cells)} |"
    if len(rows) > SHOWN_ROWS:
        yield from ("", prose(labels.more_rows(len(rows) - SHOWN_ROWS)))


def _capture(page: Page) -> Iterator[str]:
    yield from (f"## {labels.capture}", "")
    for file in page.files:
        damage = f"; {file.damage}" if file.damage else ""
        yield f"- {labels.file} {code(file.name)}: {prose(f'{file.packets}, {file.size}, {file.kind}{damage}')}"
        yield f"- SHA-256: {code(file.sha256)}"
    for fact in page.facts:
        yield f"- {fact.name}: {prose(fact.value)}"
