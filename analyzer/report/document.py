"""What a report says, as plain data: every format renders the same `Document`.

    Analysis -> document_of -> Document -> terminal (and whatever comes later)

All strings in it are safe to show: what a capture or a file name could smuggle in is escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, overload

from analyzer.model.analysis import Analysis
from analyzer.model.display_filter import flow_filter, frame_filters, frames_of
from analyzer.model.finding import Finding, Member, findings_of
from analyzer.model.flow import Flow
from analyzer.model.statement import Fix, FrameRef
from analyzer.model.surroundings import Beside, Surroundings
from analyzer.model.text import (
    bracket,
    endpoint,
    file_labels,
    frames_text,
    joined,
    plural,
    printable,
)
from analyzer.model.verdicts import BY_NAME, PROBLEMS, SIZE_PROBLEMS, SURE_PROBLEMS, VERDICTS, rank
from analyzer.report.also_seen import also_seen
from analyzer.report.diagnosis import Diagnosis, Remark, cause_words
from analyzer.report.findings import FindingRow, FirstSteps, beside_text, finding_row, first_steps, stalled_text
from analyzer.report.read_facts import read_facts
from analyzer.report.verdict_text import WORDS, Paths, headline, paths_of
from analyzer.report.where import behind, where_lines

if TYPE_CHECKING:
    from analyzer.report.changes import ChangeTable
    from analyzer.report.strip import Strip

S = TypeVar("S")
T = TypeVar("T")

SHOWN_STREAMS = 4
"""Other flows of a finding that are named beside its example."""

ARROWS = {"client_to_server": "->", "server_to_client": "<-"}
"""Between client (left) and server (right): the way of the packets that the verdict is about."""

NO_DIRECTION = "--"


class Row(NamedTuple):
    """A flow in the verdict table."""

    stream: int
    finding: str  # the letters of the finding that it is part of, or empty
    client: str
    arrow: str
    server: str
    names: tuple[str, str]  # of client and server; empty where none is known
    verdict: str
    tone: str  # bad, warn, good, plain
    path_mtu: str
    stalled: str
    packets: str
    display_filter: str
    protocol: str = "tcp"

    @property
    def key(self) -> str:
        """Its number, with "udp" before it where it is no TCP flow's: "3", "udp 3"."""
        return f"{self.stream}" if self.protocol == "tcp" else f"udp {self.stream}"

    @property
    def anchor(self) -> str:
        """What links to it."""
        return f"{'stream' if self.protocol == 'tcp' else 'udp'}-{self.stream}"


class Made(Sequence[T], Generic[S, T]):
    """Parts of a report, made of `sources` when somebody asks for them: of very many, few are shown."""

    def __init__(self, sources: Sequence[S], make: Callable[[S], T]) -> None:
        self.sources = sources
        self._make = make

    def __len__(self) -> int:
        return len(self.sources)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        """One part, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self._make(source) for source in self.sources[index])
        return self._make(self.sources[index])


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report."""

    headline: str
    also_seen: str  # its second line, or empty
    tone: str  # bad, warn, good
    findings: Sequence[FindingRow]
    first: FirstSteps | None  # what to do first about the gravest finding
    rows: Sequence[Row]
    not_listed: str  # the flows that have no row, or empty
    diagnoses: Sequence[Diagnosis]
    facts: tuple[str, ...]  # what was read
    notes: tuple[str, ...]
    changes: ChangeTable | None = None  # where a later capture was compared; the rest is about the earlier one
    names: Sequence[tuple[str, str]] = ()  # addresses, and what the capture calls them, those of the findings first


def fair_choice(diagnoses: Sequence[Diagnosis], most: int) -> tuple[Diagnosis, ...]:
    """At most so many, in their order: the first of each verdict, then the first of all."""
    if isinstance(diagnoses, Made):
        verdicts = [finding.verdict for finding in diagnoses.sources]
    else:
        verdicts = [diagnosis.verdict for diagnosis in diagnoses]
    return tuple(diagnoses[i] for i in fair_places(verdicts, most))


def fair_places(verdicts: Sequence[str], most: int) -> list[int]:
    """As `fair_choice`, of things by their verdicts: which are chosen, from 0."""
    firsts = {verdict: i for i, verdict in reversed(list(enumerate(verdicts)))}
    chosen = set(firsts.values())
    return sorted(sorted(range(len(verdicts)), key=lambda i: (i not in chosen, i))[:most])


def rule_suffix(diagnosis: Diagnosis) -> str:
    """The rule that decided, to be put behind the confidence."""
    return f", rule {diagnosis.rule}" if diagnosis.rule else ""


def with_name(address: str, name: str) -> str:
    """An address, and behind it its name, if one is known."""
    return f"{address} ({name})" if name else address


def advice(fix: Fix) -> str:
    """Where a fix belongs and what it does, as a sentence."""
    return f"{fix.where[:1].upper()}{fix.where[1:]}: {fix.why}."


def tone_of(verdict: str) -> str:
    """How alarming a verdict is: bad, warn, good, or plain where it says nothing about large packets."""
    return BY_NAME[verdict].tone


def document_of(analysis: Analysis, *, show_all: bool = False, all_udp: bool = False) -> Document:
    """All that a report says about `analysis`; healthy flows get rows only with `show_all`, UDP ones with `all_udp`."""
    listed = problems = analysis.problems
    several_files = len(analysis.files) > 1
    if show_all:
        listed = sorted(analysis.briefs_with(VERDICTS), key=_place)
    findings = findings_of(problems, analysis.all_troubles)

    @cache
    def letters() -> dict[int, str]:  # of a million flows 40 MB: only if flows are listed
        return {stream: finding.id for finding in findings for stream in finding.streams}

    of_udp = {n: each.id for each in findings if each.trouble is not None for n in each.trouble.streams}
    tcp, udp = [stream for stream, _ in listed], list(_udp_listed(analysis, all_udp))

    def row(place: int) -> Row:  # by its place, the rows of TCP first: of a million flows a pair for each takes 60 MB
        if place < len(tcp):
            flow, finding = analysis.flow(tcp[place]), letters().get(tcp[place], "")
        else:
            flow, finding = analysis.udp_flow(udp[place - len(tcp)]), of_udp.get(udp[place - len(tcp)], "")
        return _row(flow, finding, analysis.name_of, several_files=several_files)

    verdicts = analysis.verdict_counts
    gravest = min([*verdicts, *(each.verdict for each in analysis.all_troubles)], key=rank, default="")
    tone = tone_of(gravest) if gravest else "warn"
    if tone == "plain":
        tone = "warn" if set(verdicts) == {"not_exercised"} else "good"
    return Document(
        headline=headline(analysis, findings),
        also_seen=also_seen(analysis),
        tone=tone,
        findings=Made(findings, lambda finding: finding_row(finding, _example(analysis, finding), analysis.name_of)),
        first=_first(analysis, findings),
        rows=Made(range(len(tcp) + len(udp)), row),
        not_listed=_not_listed(analysis, tcp=not show_all, udp=not all_udp),
        diagnoses=_diagnoses(analysis, findings),
        facts=tuple(read_facts(analysis)),
        notes=tuple(printable(note) for note in analysis.notes),
        names=_names(analysis, findings) if analysis.names else (),
        changes=_changes(analysis),
    )


def _names(analysis: Analysis, findings: Sequence[Finding]) -> list[tuple[str, str]]:
    from analyzer.model.host_name import with_sources  # few ask for names

    known = analysis.names or {}
    first = [end for finding in findings for end in (*finding.senders, *finding.receivers)]
    return [(ip, with_sources(known[ip])) for ip in dict.fromkeys((*first, *known)) if ip in known]


def _changes(analysis: Analysis) -> ChangeTable | None:
    if analysis.later is None:
        return None
    from analyzer.report.changes import change_table

    return change_table(analysis, analysis.later)


def _place(member: Member) -> tuple[int, int, int]:
    """Sorts the flows of a whole table: by verdict, of a problem's the longest stalls first."""
    stream, brief = member
    return rank(brief.verdict), brief.first_time - brief.last_time if brief.verdict in PROBLEMS else 0, stream


def _row(flow: Flow, finding: str, name_of: Callable[[str], str], *, several_files: bool) -> Row:
    return Row(
        stream=flow.stream,
        finding=finding,
        client=endpoint(flow.client),
        arrow=ARROWS.get(flow.direction or "", NO_DIRECTION),
        server=endpoint(flow.server),
        names=(name_of(flow.client.ip), name_of(flow.server.ip)),
        verdict=flow.verdict,
        tone=tone_of(flow.verdict),
        path_mtu=bracket(flow.path_mtu.on_links_of(flow.sender.ip)),
        stalled=stalled_text(flow),
        packets=f"{flow.packet_count:,}",
        protocol="tcp" if flow.protocol == "tcp" else "udp",
        display_filter=flow_filter(flow, several_files=several_files),
    )


def _udp_listed(analysis: Analysis, all_udp: bool) -> list[int]:
    """UDP conversations of a table, by stream, the worst first: those that accuse, or all."""
    wanted = VERDICTS if all_udp else [v for v in VERDICTS if v in SIZE_PROBLEMS]
    return [stream for verdict in wanted for stream in analysis.udp_streams_with({verdict})]


def _not_listed(analysis: Analysis, *, tcp: bool, udp: bool) -> str:
    healthy = Counter({v: count for v, count in analysis.verdict_counts.items() if v not in PROBLEMS and tcp})
    listed = ", ".join(f"{healthy[v]:,} {v}" for v in VERDICTS if healthy[v])
    text = f"{plural(healthy.total(), 'flow')} without a problem not listed: {listed}" if healthy else ""
    others = len(analysis.udp_streams_with(set(VERDICTS) - SIZE_PROBLEMS)) if udp else 0
    if not others:
        return text
    return (
        f"{text}; {plural(others, 'UDP conversation')}" if text else f"{plural(others, 'UDP conversation')} not listed"
    )


def _first(analysis: Analysis, findings: Sequence[Finding]) -> FirstSteps | None:
    if not findings or findings[0].verdict not in SURE_PROBLEMS:
        return None
    return first_steps(findings[0], _example(analysis, findings[0]), _fixes(analysis, findings[0]))


def _example(analysis: Analysis, finding: Finding) -> Flow | None:
    return analysis.flow(finding.example) if finding.example is not None else None


def _fixes(analysis: Analysis, finding: Finding) -> Sequence[Fix]:
    example = _example(analysis, finding)
    if example is not None:
        return example.fixes
    return finding.trouble.fixes if finding.trouble is not None else ()


def _diagnoses(analysis: Analysis, findings: Sequence[Finding]) -> Made[Finding, Diagnosis]:
    """One for each finding."""
    labels, paths, names = file_labels(analysis.files), paths_of(analysis), _point_names(analysis)
    around = Surroundings(analysis.all_paths)

    def told(finding: Finding) -> Diagnosis:
        if finding.trouble is not None:
            from analyzer.report.trouble_told import trouble_told  # few captures have any

            return trouble_told(finding.trouble, finding, paths, labels, analysis.named)
        flow = analysis.flow(finding.streams[0] if finding.example is None else finding.example)
        return _diagnosis(flow, paths, labels, analysis.name_of, names, finding, around.beside(finding))

    return Made(findings, told)


def _point_names(analysis: Analysis) -> dict[int, str]:
    """Names of the capture points, where they are several."""
    if not analysis.joined_points:
        return {}
    from analyzer.report.strip import point_names  # of one point there is nothing to name

    return point_names(analysis)


def _strip(flow: Flow, paths: Paths, names: dict[int, str]) -> Strip | None:
    if not names:
        return None
    from analyzer.report.strip import strip_of

    return strip_of(paths.get((flow.sender.ip, flow.receiver.ip)), names)


def diagnosis_of(analysis: Analysis, flow: Flow) -> Diagnosis:
    """All there is to say about one flow, healthy or not."""
    return _diagnosis(flow, paths_of(analysis), file_labels(analysis.files), analysis.name_of, _point_names(analysis))


def _diagnosis(
    flow: Flow,
    paths: Paths,
    labels: Sequence[str],
    name_of: Callable[[str], str],
    points: dict[int, str],
    finding: Finding | None = None,
    beside: Beside | None = None,
) -> Diagnosis:
    ptb_frames = {ptb.frame for ptb in flow.ptb}
    # A name goes behind the port: "198.51.100.20:443 (www.example.com)".
    ends = [endpoint(end) + behind(name_of(end.ip)) for end in (flow.client, flow.server)]
    why = [
        Remark(printable(text), frames_text(frames, labels))
        for text, frames in flow.evidence
        # What the explanation says is not repeated, and the PTBs follow, told in full.
        if (text, frames) != (flow.explanation, flow.rests_on) and (not frames or not ptb_frames.issuperset(frames))
    ]
    if flow.ptb:
        from analyzer.report.ptbs_told import ptbs_told  # most flows have none

        why += [Remark(text, frames_text(frames, labels)) for text, frames in ptbs_told(flow.ptb)]
    return Diagnosis(
        flow=flow,
        shown_by=f"stream {flow.stream}",
        verdict=flow.verdict,
        finding=finding.id if finding is not None else "",
        title=WORDS[flow.verdict].title,
        tone=tone_of(flow.verdict),
        endpoints=f"{ends[0]} {ARROWS.get(flow.direction or '', NO_DIRECTION)} {ends[1]}",
        confidence=flow.confidence,
        rule=flow.rule,
        what=Remark(
            printable(flow.explanation) or WORDS[flow.verdict].meaning,
            frames_text(_unmentioned(flow), labels),
        ),
        where=(
            *where_lines(flow, paths, name_of),
            *([f"Beside it: {beside_text(beside)}"] if beside is not None else []),
        ),
        strip=_strip(flow, paths, points),
        why=tuple(why),
        ruled_out=tuple(
            Remark(
                f"{cause_words(each.cause)}: {printable(each.because)}",
                frames_text(each.frames, labels),
            )
            for each in flow.ruled_out
        ),
        fixes=flow.fixes,
        same=_same([stream for stream in finding.streams if stream != flow.stream] if finding is not None else []),
        members=tuple(sorted(finding.worst)) if finding is not None else (),
        more=len(finding.streams) - len(finding.worst) if finding is not None else 0,
        display_filter=flow_filter(flow, several_files=len(labels) > 1),
        frame_filters=frame_filters(frames_of(flow), labels),
    )


def _unmentioned(flow: Flow) -> list[FrameRef]:
    """Frames behind the explanation that it does not name itself."""
    return [ref for ref in flow.rests_on if ref not in flow.named]


def _same(streams: Sequence[int]) -> str:
    if not streams:
        return ""
    shown = [str(n) for n in sorted(streams)[:SHOWN_STREAMS]]
    if len(streams) > len(shown):
        shown.append(f"{len(streams) - len(shown):,} more")
    return f"{'stream' if len(streams) == 1 else 'streams'} {joined(shown)}"
