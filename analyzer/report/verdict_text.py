"""What the verdicts are called, what they mean, and the sentence that opens every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from analyzer.model.analysis import Analysis, Totals
from analyzer.model.brief import Brief
from analyzer.model.finding import Finding, shown_addresses
from analyzer.model.flow import Flow, PathMtu
from analyzer.model.path import Path, Unprobing
from analyzer.model.text import bracket, joined, plural, printable
from analyzer.model.verdicts import BY_NAME, PROBLEMS, SURE_PROBLEMS, VERDICTS, complete, rank


class Words(NamedTuple):
    """How a verdict is spoken of."""

    title: str  # heads a diagnosis
    short: str  # one of several in a list
    meaning: str  # one line, for tables and glossaries


WORDS: dict[str, Words] = {
    "blackhole": Words(
        "PMTUD black hole, confirmed",
        "black hole",
        "Packets above some size vanish, smaller ones pass, and no PTB tells the sender.",
    ),
    "ptb_ignored": Words(
        "PTB ignored by the sender",
        "PTB ignored",
        "A PTB told that the packets are too big, but the sender kept their size.",
    ),
    "blackhole_probable": Words(
        "PMTUD black hole, probable",
        "probable black hole",
        "Looks like a black hole, but small packets are proven to pass only before the stall, "
        "or the capture ends early.",
    ),
    "blackhole_suspected": Words(
        "PMTUD black hole, suspected at the receiver",
        "suspected black hole",
        "Small packets arrive around a hole of full-size ones that is not filled, or only much later.",
    ),
    "blackhole_recovered": Words(
        "PMTUD black hole, recovered after a hang",
        "recovered black hole",
        "Large packets vanished until the sender, untold, tried smaller ones; the next flow may hang too.",
    ),
    "fragment_loss": Words(
        "Large packets without DF are lost",
        "fragment loss",
        "Large packets that may be fragmented (DF clear) vanish, small ones pass.",
    ),
    "content_drop": Words(
        "One payload is dropped, whatever its size",
        "content drop",
        "One packet never passes although others as large do: its content matters, not its size.",
    ),
    "dead_path": Words(
        "The path is dead",
        "dead path",
        "Nothing passes any more, small packets included.",
    ),
    "zero_window": Words(
        "The receiver closed its window",
        "zero window",
        "The receiving application does not read, so the sender has to wait.",
    ),
    "stall": Words(
        "Stalled, cause unknown",
        "unexplained stall",
        "The same data was sent again and again, and none of the known causes explains it.",
    ),
    "inconclusive": Words(
        "This capture cannot tell",
        "undecided",
        "The capture lacks what it takes to decide.",
    ),
    "loss": Words(
        "Ordinary loss",
        "ordinary loss",
        "Packets were lost, and what was lost got through in the end.",
    ),
    "pmtud_ok": Words(
        "PMTUD works",
        "PMTUD worked",
        "A PTB told the path MTU, the sender obeyed, and its data got through.",
    ),
    "no_df": Words(
        "Large packets pass only without DF",
        "only without DF",
        "Packets of full size got through, but the network may have fragmented them.",
    ),
    "ok": Words(
        "Full-size packets pass",
        "full size passes",
        "Packets of full size got through.",
    ),
    "not_exercised": Words(
        "Nothing large was sent",
        "nothing large sent",
        "Every packet was too small to tell.",
    ),
}
complete(WORDS, VERDICTS, "words")


SETTING_WORDS = {
    "platforms": "platforms whose commands are given",
    "max_decompressed_bytes": "what compressed input may decompress to, or how many times its size",
    "episode_retransmissions": "retransmissions of one segment that make a stall",
    "episode_span_ns": "least time from the first to the last of them",
    "capture_useless": "share of them missing above which nothing is concluded",
    "chance": "a series of losses expected that often by chance is no evidence",
    "hole_ns": "time after which a hole seen at the receiver counts",
    "silence_ns": "time without an answer that is worth a remark",
    "exercised_bytes": "packets below this size say nothing about a path MTU",
    "capture_loss": "share of acknowledged bytes missing above which no confidence is high",
    "sent_again_ns": "a packet resent so long after a PTB ignores it",
    "control_wait_ns": "silence of the peer that shows its packet was acknowledged",
}
"""What each threshold of `Settings` decides."""


def _route(flow: Flow) -> str:
    return f"{flow.sender.ip} -> {flow.receiver.ip}"


class _Opening(NamedTuple):
    one: str  # predicate for one flow: "1 of 12 flows ..."
    many: str


_OPENINGS: dict[str, _Opening] = {
    "blackhole": _Opening("hangs in a PMTUD black hole", "hang in a PMTUD black hole"),
    "ptb_ignored": _Opening(
        "hangs because its sender ignores PTBs (ICMP packet too big)",
        "hang because their sender ignores PTBs (ICMP packet too big)",
    ),
    "blackhole_probable": _Opening("probably hangs in a PMTUD black hole", "probably hang in a PMTUD black hole"),
    "blackhole_suspected": _Opening(
        "looks like a PMTUD black hole, seen from the receiver's side",
        "look like a PMTUD black hole, seen from the receiver's side",
    ),
    "blackhole_recovered": _Opening(
        "hung in a PMTUD black hole and recovered", "hung in a PMTUD black hole and recovered"
    ),
    "fragment_loss": _Opening("loses large packets without DF", "lose large packets without DF"),
    "content_drop": _Opening(
        "hangs on a packet that is dropped for its content, not its size",
        "hang on a packet that is dropped for its content, not its size",
    ),
    "dead_path": _Opening(
        "hangs, and nothing is seen to get through any more", "hang, and nothing is seen to get through any more"
    ),
    "zero_window": _Opening(
        "waits for a receiver that closed its window", "wait for a receiver that closed its window"
    ),
    "stall": _Opening("stalls, and no known cause explains it", "stall, and no known cause explains it"),
}
complete(_OPENINGS, SURE_PROBLEMS, "opening of the report")


def headline(analysis: Analysis, findings: Sequence[Finding] | None = None) -> str:
    """The answer, in one or two sentences. `findings` are the analysis' own, where they are known already."""
    known = analysis.all_findings if findings is None else findings
    alone = [each for each in known if each.trouble is not None]
    counts = analysis.verdict_counts
    if not alone:
        return _of_flows(analysis, counts, known) if counts else _without_flows(analysis)
    told = _of_troubles(alone)
    if not counts:
        return f"{told} No TCP flow {'matches' if analysis.selection else 'is in this capture'}."
    flows = _of_flows(analysis, counts, known, opening="In TCP flows no path MTU problem was found")
    first = counts.keys() & SURE_PROBLEMS and rank(min(counts, key=rank)) <= rank(alone[0].verdict)
    return f"{flows} {told}" if first else f"{told} {flows}"


def _of_troubles(alone: Sequence[Finding]) -> str:
    """What packets of no flow show: of the gravest in a sentence or two, of the others how many there are."""
    gravest = alone[0]
    if gravest.trouble is None:
        return ""
    sizes = sizes_sentence(gravest)
    more = f" {plural(len(alone) - 1, 'more finding')} without a flow." if len(alone) > 1 else ""
    return f"{gravest.trouble.headline}{f' {sizes}.' if sizes else ''}{more}"


def _of_flows(analysis: Analysis, counts: Counter[str], findings: Sequence[Finding], opening: str = "") -> str:
    """What the flows show."""
    gravest = min(counts, key=rank)
    if gravest not in SURE_PROBLEMS:
        return _no_problem(analysis, counts, opening)
    alike = [each for each in findings if each.verdict == gravest and each.trouble is None]
    words = _OPENINGS[gravest]
    predicate = words.one if counts[gravest] == 1 else words.many
    ends = (_several(alike[0].senders, analysis.named), _several(alike[0].receivers, analysis.named))
    sentence = f"{_share(counts[gravest], analysis)} {predicate}, from {ends[0]} to {ends[1]}"
    if len(alike) > 1:
        sentence += f", and {plural(len(alike) - 1, 'other path')} likewise"
    sentence += "."
    if sizes := sizes_sentence(alike[0]):
        sentence += f" {sizes}."
    others = [v for v in VERDICTS if v in PROBLEMS and v != gravest and counts[v]]
    if others:
        sentence += f" Also: {joined([f'{counts[v]:,} x {WORDS[v].short}' for v in others])}."
    return sentence


SHOWN_ENDS = 2
"""Addresses and prefixes in a sentence; the others are counted."""


def _several(addresses: Sequence[str], named: Callable[[str], str]) -> str:
    shown = [named(address) for address in shown_addresses(addresses)]
    more = [f"{len(shown) - SHOWN_ENDS:,} more"] if len(shown) > SHOWN_ENDS else []
    return joined(shown[:SHOWN_ENDS] + more)


def sizes_sentence(finding: Finding) -> str:
    """Which sizes vanish and which arrive, as far as the finding's flows tell; empty where size is no matter."""
    if finding.lost is None:
        return ""
    size = finding.path_mtu
    if finding.verdict == "ptb_ignored" and size.exact is not None:
        return f"{finding.lost}-byte packets are too big, as a router said: the path MTU is {size.exact} bytes"
    kind = "packets without DF" if finding.verdict == "fragment_loss" else "packets"
    text = sizes_words(finding.verdict, finding.lost, finding.crossed, kind)
    if finding.verdict == "blackhole_recovered":
        text += ", until the sender made them smaller by itself"
    return f"{text[:1].upper()}{text[1:]}"


def sizes_words(verdict: str, lost: int | None, crossed: int | None, kind: str = "packets") -> str:
    """Which sizes were seen to get lost, and which to arrive, in bytes of IP: no more than that."""
    if BY_NAME[verdict].at_receiver:
        return f"nothing above {crossed} bytes arrives" if crossed else "large packets do not arrive"
    vanish, arrive = ("vanished", "arrived") if verdict == "blackhole_recovered" else ("vanish", "arrive")
    text = f"{lost}-byte {kind} {vanish}" if lost is not None else f"large {kind} {vanish}"
    return f"{text}, {crossed}-byte packets {arrive}" if crossed else text


def _share(count: int, analysis: Analysis) -> str:
    total = len(analysis.all_flows)
    selected = "selected " if analysis.selection else ""
    if total == 1:
        return f"The only {selected}flow"
    return f"{count:,} of {total:,} {selected}flows"


def most_hit(flows: Sequence[tuple[int, Brief]]) -> int:
    """The first flow of the path that most of some flows share, by its stream."""
    routes = Counter((brief.sender, brief.receiver) for _, brief in flows)
    route, _ = routes.most_common(1)[0]
    return next(stream for stream, brief in flows if (brief.sender, brief.receiver) == route)


Paths = Mapping[tuple[str, str], Path]
"""What the capture tells of each direction between two addresses, by source and destination."""


def paths_of(analysis: Analysis) -> Paths:
    """The paths of an analysis, to be looked up by their addresses."""
    return {(path.src, path.dst): path for path in analysis.all_paths}


def pooled_mtu(flow: Flow, paths: Paths) -> PathMtu:
    """The path MTU in the flow's direction, from all flows of its two addresses where the capture has it."""
    path = paths.get((flow.sender.ip, flow.receiver.ip))
    if path is None or path.at_least is path.at_most is path.exact is None:
        return flow.path_mtu
    return PathMtu(path.at_least, path.at_most, path.exact)


def _no_problem(analysis: Analysis, counts: Counter[str], opening: str) -> str:
    total = len(analysis.all_flows)
    selected = "selected " if analysis.selection else ""
    undecided, untested = counts["inconclusive"], counts["not_exercised"]
    if undecided == total:
        return f"This capture cannot tell whether {_all(total, selected)} a path MTU problem."
    if untested == total:
        return f"{opening or 'No problem seen'}, but nothing was tested: {_none(total, selected)} sent a large packet."
    said = [
        (count, words)
        for count, words in (
            (counts["ok"], "carried full-size packets"),
            (counts["pmtud_ok"], "obeyed a PTB"),
            (counts["loss"], "had ordinary packet loss"),
            (counts["no_df"], "sent large packets only without DF"),
            (untested, "sent nothing large enough to tell"),
            (undecided, "are such that this capture cannot tell" if undecided > 1 else "is such that it cannot tell"),
        )
        if count
    ]
    (first, words), *others = said
    if others:
        these = f"{first:,} of {total:,} {selected}flows"
    elif total == 1:
        these = f"the only {selected}flow"
    else:
        these = f"{'both' if total == 2 else f'all {total:,}'} {selected}flows"
    parts = [f"{these} {words}", *(f"{count:,} {words}" for count, words in others)]
    return f"{opening or 'No path MTU problem found'}: {', '.join(parts)}.{_working_paths(analysis)}"


def _all(total: int, selected: str) -> str:
    return f"its only {selected}flow has" if total == 1 else f"its {total:,} {selected}flows have"


def _none(total: int, selected: str) -> str:
    return f"the only {selected}flow never" if total == 1 else f"none of the {total:,} {selected}flows"


def _working_paths(analysis: Analysis) -> str:
    paths = paths_of(analysis)
    routes = {_route(flow): pooled_mtu(flow, paths).exact for flow in analysis.flows_with({"pmtud_ok"})}
    known = [(route, mtu) for route, mtu in routes.items() if mtu is not None]
    if not known:
        return ""
    route, mtu = known[0]
    more = f", and on {plural(len(known) - 1, 'other path')}" if len(known) > 1 else ""
    return f" PMTUD worked: the path MTU {route} is {mtu} bytes{more}."


FEW = 4
"""Candidates up to which naming them helps."""


def _without_flows(analysis: Analysis) -> str:
    totals = analysis.totals
    if analysis.selection:
        return f"No flow matches {analysis.selection}; the capture has {plural(totals.flows, 'flow')}."
    if not totals.packets:
        return "The capture holds no packets."
    parts = []
    if totals.icmp_packets:
        parts.append(f"{totals.icmp_packets:,} ICMP")
    if totals.udp_packets:
        parts.append(f"{totals.udp_packets:,} UDP")
    parts += undecoded(analysis)
    found = "".join(f" {line[:1].upper()}{line[1:]}." for line in pings(analysis)[:1]) or _told_sizes(analysis)
    if totals.udp_flows and not found:
        found = f" No path MTU problem is seen in {plural(totals.udp_flows, 'UDP conversation')}."
    return f"No TCP in this capture: {plural(totals.packets, 'packet')} ({', '.join(parts)}).{found}"


def pings(analysis: Analysis) -> list[str]:
    """What pings with DF tell of each path, a line a path; those that say nothing are left out."""
    lines = []
    for path in analysis.all_paths:
        answered = [probe for probe in path.probes if probe.reply is not None]
        told = [probe for probe in path.probes if probe.ptb_mtu is not None]
        size = PathMtu(path.at_least, path.at_most, path.exact)
        if path.without_df is not None:
            lines.append(_without_df(path, path.without_df))
        if not path.probes or not (answered or told) or size == PathMtu():
            continue
        lost = sorted({probe.ip_len for probe in path.probes if probe.reply is None and probe.ptb_mtu is None})
        parts = [f"{max(probe.ip_len for probe in answered)} bytes answered"] if answered else []
        parts += [f"{min(size for size in lost)} not"] if lost else []
        parts += [f"a router named {min(probe.ptb_mtu or 0 for probe in told)}"] if told else []
        near = f"; consistent with {'; '.join(path.consistent_with)}" if 0 < len(path.consistent_with) <= FEW else ""
        lines.append(
            f"pings {path.src} -> {path.dst}: path MTU {bracket(size.on_links_of(path.src))} ({', '.join(parts)}){near}"
        )
    return lines


def _told_sizes(analysis: Analysis) -> str:
    """What routers say of paths on which nothing else is known."""
    told = [path for path in analysis.all_paths if path.exact is not None]
    if not told:
        return ""
    first = f"the path MTU {told[0].src} -> {told[0].dst} is {told[0].exact} bytes"
    more = f", and of {plural(len(told) - 1, 'other path')} they name it, too" if len(told) > 1 else ""
    return f" PTBs say that {first}{more}."


def _without_df(path: Path, pings: Unprobing) -> str:
    fragments = f", {pings.in_fragments} in fragments" if pings.in_fragments else ""
    return (
        f"large pings {path.src} -> {path.dst} without DF ({pings.sent} sent{fragments}; {pings.answered} answered): "
        "they may be fragmented on the way, and prove nothing about the path MTU"
    )


def udp_packets(totals: Totals) -> str:
    """How many packets are UDP, and of how many conversations."""
    return f"{totals.udp_packets:,} UDP in {plural(totals.udp_flows, 'conversation')}"


def undecoded(analysis: Analysis) -> list[str]:
    """Packets that were not looked into, by reason, the most frequent first."""
    ordered = sorted(analysis.totals.undecoded.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:,} {printable(reason)}" for reason, count in ordered if count]
