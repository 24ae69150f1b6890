"""What reports on paper (HTML, Markdown) say beyond the terminal's, as plain data.

    Analysis -> page_of -> Page (with the Document in it) -> html, markdown

As in a `Document`, what a capture or a file name could smuggle in is escaped for showing; the renderers
escape again for their markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import islice
from typing import NamedTuple

from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.brief import Brief
from analyzer.model.flow import Flow, PathMtu
from analyzer.model.text import bracket, clock, extent, file_labels, joined, plural, printable, seconds
from analyzer.model.verdicts import BY_NAME, CARRYING, SIZE_PROBLEMS, VERDICTS
from analyzer.report.digest import sha256_of
from analyzer.report.document import Document, document_of
from analyzer.report.read_facts import SHOWN_FILES, fragments, more_files
from analyzer.report.verdict_text import (
    SETTING_WORDS,
    WORDS,
    most_hit,
    paths_of,
    pings,
    pooled_mtu,
    sizes_words,
    udp_packets,
    undecoded,
)
from analyzer.report.where import SHOWN_CANDIDATES
from analyzer.settings import DECOMPRESSED_AT_LEAST, DECOMPRESSED_RATIO

BEFORE, BEHIND = "before", "behind"

SHOWN_NAMES = 50
"""Addresses whose names are listed."""

CAVEAT = (
    "A capture shows what passed one point: it cannot prove where packets got lost, nor that ICMP is blocked somewhere."
)


CAVEAT_OF_SEVERAL = (
    "Several captures show where packets got lost between them, as far as none of them missed any; they cannot prove "
    "why, nor that ICMP is blocked somewhere else."
)


class PathPicture(NamedTuple):
    """The path of the gravest finding, to be drawn."""

    sender: str
    receiver: str
    label: str  # the size, short enough for a drawing: "472..1499"
    lost: str  # what gets lost, or empty where nothing does
    narrow: bool  # whether some part of the path is known to be narrower than what was sent
    captured: str  # "before" or "behind" the narrow part
    point: str  # a sentence on the capture point
    consistent: str  # what the size is consistent with, as a sentence
    description: str  # the whole picture in words


class FileFacts(NamedTuple):
    """One capture file."""

    name: str
    sha256: str
    size: str
    packets: str
    kind: str
    damage: str  # empty for a whole file


class Fact(NamedTuple):
    """Something that was measured on the capture as a whole, or a setting."""

    name: str
    value: str
    meaning: str = ""


class Term(NamedTuple):
    """A verdict explained."""

    verdict: str
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report on paper."""

    document: Document
    picture: PathPicture | None
    files: tuple[FileFacts, ...]
    facts: tuple[Fact, ...]
    settings: tuple[Fact, ...]
    glossary: tuple[Term, ...]
    tool: str
    caveat: str


def page_of(analysis: Analysis) -> Page:
    """All that a report on paper says about `analysis`."""
    used = {*analysis.verdict_counts, *(each.verdict for each in analysis.all_troubles)}
    document = document_of(analysis, show_all=True)
    return Page(
        document=document,
        picture=_picture(analysis),
        files=tuple(_files(analysis)),
        facts=(*_facts(analysis), *_names(document)),
        settings=tuple(_settings(analysis)),
        glossary=tuple(Term(v, WORDS[v].title, WORDS[v].meaning) for v in VERDICTS if v in used),
        tool=f"{tool.NAME} {tool.__version__}",
        caveat=CAVEAT_OF_SEVERAL if analysis.joined_points else CAVEAT,
    )


def _picture(analysis: Analysis) -> PathPicture | None:
    """Of the gravest flow, where its verdict is about a size."""
    flow = _pictured(analysis)
    if flow is None:
        return None
    paths = paths_of(analysis)
    size = pooled_mtu(flow, paths)
    path = paths.get((flow.sender.ip, flow.receiver.ip))
    candidates = path.consistent_with if path is not None else ()
    narrow = bracket(size.on_links_of(flow.sender.ip))
    lost = _lost(flow, size) if flow.verdict in SIZE_PROBLEMS else ""
    point = _capture_point(flow)
    consistent = _consistent(candidates)
    about = f"path MTU {narrow} bytes" if narrow != "-" else "path MTU unknown"
    description = f"Path from {flow.sender.ip} to {flow.receiver.ip}: {about}"
    description += f"; {lost}." if lost else "."
    return PathPicture(
        sender=flow.sender.ip,
        receiver=flow.receiver.ip,
        label=narrow,
        lost=lost,
        narrow=bool(lost) or size.exact is not None or size.at_most is not None,
        captured=_side_of_narrow_part(flow),
        point=point,
        consistent=consistent,
        description=f"{description} {point}".strip(),
    )


def _lost(flow: Flow, size: PathMtu) -> str:
    """Which sizes were seen to get lost, and which to arrive: no more than that."""
    if size.exact is not None:
        stuck = f"{flow.stalled.ip_len}-byte packets" if flow.stalled is not None else "larger packets"
        return f"{stuck} are too big, as a router said"
    return sizes_words(flow.verdict, size.at_most + 1 if size.at_most is not None else None, size.at_least)


def _pictured(analysis: Analysis) -> Flow | None:
    """The flow that the headline names, if its verdict is about a size; else the gravest such flow."""
    if analysis.all_troubles and not any(brief.verdict in SIZE_PROBLEMS for _, brief in analysis.problems):
        return None  # a healthy path is not what the report is about
    found = analysis.problems or analysis.briefs_with(CARRYING)
    for verdict in VERDICTS:
        same = [member for member in found if member[1].verdict == verdict and _tells_size(member[1])]
        if same:
            return analysis.flow(most_hit(same))
    return None


def _tells_size(brief: Brief) -> bool:
    if brief.verdict in SIZE_PROBLEMS:
        return True
    if brief.verdict not in CARRYING:
        return False
    return (brief.path_mtu.exact if brief.verdict == "pmtud_ok" else brief.path_mtu.at_least) is not None


def _side_of_narrow_part(flow: Flow) -> str:
    """BEFORE (on the sender's side), BEHIND, or empty where the verdict does not tell.

    Where packets that got lost later are in the capture, it was taken before they got lost.
    """
    if BY_NAME[flow.verdict].at_receiver:
        return BEHIND
    return BEFORE if flow.verdict in SIZE_PROBLEMS or flow.ptb else ""


def _capture_point(flow: Flow) -> str:
    """A sentence on where the capture was taken; empty where nothing is known."""
    side = _side_of_narrow_part(flow)
    ends = {"client": flow.client.ip, "server": flow.server.ip}
    where = flow.vantage.where
    place = f"next to the {where} {ends[where]}" if where in ends else ""
    if where == "between":
        place = "between the two hosts"
    told = [part for part in (f"{side} the narrow part" if side else "", place) if part]
    return f"Captured {', '.join(told)}." if told else ""


def _consistent(candidates: tuple[str, ...]) -> str:
    if not candidates:
        return ""
    if len(candidates) <= SHOWN_CANDIDATES:
        return f"Consistent with {'; '.join(candidates)}."
    return f"Too wide to name a tunnel ({len(candidates)} candidates): Measure tells."


def _files(analysis: Analysis) -> Iterable[FileFacts]:
    sources = analysis.sources or (None,) * len(analysis.files)
    listed = zip(file_labels(analysis.files), analysis.files, sources, strict=True)
    for label, file, source in islice(listed, SHOWN_FILES):
        links = joined([printable(link) for link in file.link_types]) or "no link type"
        yield FileFacts(
            name=label,
            sha256=sha256_of(file, source),
            size=plural(file.bytes, "byte"),
            packets=plural(file.packets, "packet"),
            kind=f"{file.format}, {links}",
            damage="" if file.damaged_at is None else extent(file),
        )


def _facts(analysis: Analysis) -> Iterable[Fact]:
    totals = analysis.totals
    if len(analysis.files) > SHOWN_FILES:
        yield Fact("More files", more_files(analysis))
    if analysis.selection:
        yield Fact("Selection", f"only {printable(analysis.selection)}; the counts below are of the whole capture")
    if totals.packets:
        span = seconds((analysis.last_time - analysis.first_time) / 1e9)
        yield Fact("Time", f"{clock(analysis.first_time)} to {clock(analysis.last_time)} ({span})")
    yield Fact(
        "Packets",
        f"{totals.packets:,}: {totals.tcp_packets:,} TCP in {plural(totals.flows, 'flow')}, "
        f"{totals.icmp_packets:,} ICMP, of which {plural(totals.ptb_packets, 'PTB')}"
        + (f"; {udp_packets(totals)}" if totals.udp_packets else ""),
    )
    for line in pings(analysis):
        yield Fact("Pings", line)
    for line in fragments(analysis):
        yield Fact("Fragments", line)
    yield Fact("Not decoded", ", ".join(undecoded(analysis)) or "nothing: every packet was looked into")
    yield Fact("Capture loss", _capture_loss(totals.unseen_bytes, totals.payload_bytes))
    if dropped := sum(file.dropped for file in analysis.files):
        yield Fact("Dropped", f"{plural(dropped, 'packet')}, as the capturing host says")
    if analysis.joined_points:
        from analyzer.report.strip import clock_lines, strips_of

        for strip in strips_of(analysis)[:SHOWN_FILES]:
            yield Fact("Points", " -> ".join(strip.points))
        for line in clock_lines(analysis):
            yield Fact("Clocks", line)
    filters = list(dict.fromkeys(text for file in analysis.files for text in file.filters))
    for text in filters[:SHOWN_FILES]:
        yield Fact("Capture filter", printable(text))
    if len(filters) > SHOWN_FILES:
        yield Fact("Capture filter", f"and {len(filters) - SHOWN_FILES:,} more")


def _names(document: Document) -> Iterable[Fact]:
    for address, names in document.names[:SHOWN_NAMES]:
        yield Fact("Name", f"{address}: {names}")
    if len(document.names) > SHOWN_NAMES:
        yield Fact(
            "Names", f"and those of {plural(len(document.names) - SHOWN_NAMES, 'more address', 'more addresses')}"
        )


def _capture_loss(unseen: int, seen: int) -> str:
    if not unseen:
        return "none noticed: all TCP data that was acknowledged is in the capture"
    share = 100 * unseen / (unseen + seen)
    percent = f"{share:.1f} %" if share >= 0.1 else "less than 0.1 %"
    return f"{plural(unseen, 'byte')} of TCP data ({percent}) were acknowledged but are not in the capture"


def _most_decompressed(most: int | None) -> str:
    return (
        f"{DECOMPRESSED_RATIO} x, or {DECOMPRESSED_AT_LEAST >> 20} MiB" if most is None else f"{most / (1 << 30):g} GiB"
    )


def _settings(analysis: Analysis) -> Iterable[Fact]:
    for field in fields(analysis.settings):
        value = getattr(analysis.settings, field.name)
        name = field.name
        shown = (", ".join(value) or "a short list for Linux") if isinstance(value, tuple) else f"{value or 0:,}"
        if name.endswith("_ns"):
            name, shown = name.removesuffix("_ns"), f"{value / 1e9:g} s"
        elif name in ("capture_loss", "capture_useless", "chance"):
            shown = f"{100 * value:g} %"
        elif name == "max_decompressed_bytes":
            name, shown = "max_decompressed", _most_decompressed(value)
        elif name.endswith("_bytes"):
            shown = f"{value:,} bytes"
        yield Fact(name, shown, SETTING_WORDS[field.name])
