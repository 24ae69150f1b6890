"""What was read: the lines that end every report."""

from __future__ import annotations

from analyzer.model.analysis import Analysis
from analyzer.model.fragment_count import FragmentCount
from analyzer.model.text import clock, file_labels, joined, plural, printable, seconds
from analyzer.report.verdict_text import pings, udp_packets, undecoded

SHOWN_FILES = 20
"""Files that are listed one by one; a directory may have thousands."""

SHOWN_FRAGMENTS = 8
"""Lines about fragments."""


def read_facts(analysis: Analysis) -> list[str]:
    """What was read: one line a file, and one that adds the packets up."""
    totals = analysis.totals
    labels = file_labels(analysis.files)
    lines = [
        f"{label}: {plural(file.packets, 'packet')}, {file.format}, "
        f"{joined([printable(link) for link in file.link_types]) or 'no link type'}"
        for label, file in zip(labels, analysis.files[:SHOWN_FILES], strict=False)
    ]
    if len(analysis.files) > SHOWN_FILES:
        lines.append(more_files(analysis))
    if not totals.packets:
        return lines
    span = (analysis.last_time - analysis.first_time) / 1e9
    counted = [f"{totals.tcp_packets:,} TCP in {plural(totals.flows, 'flow')}"]
    if totals.icmp_packets:
        counted.append(f"{totals.icmp_packets:,} ICMP ({plural(totals.ptb_packets, 'PTB')})")
    else:
        counted.append("no ICMP at all")
    if totals.udp_packets:
        counted.append(udp_packets(totals))
    if skipped := undecoded(analysis):
        counted.append(f"not decoded: {', '.join(skipped)}")
    lines.append(f"{seconds(span)} from {clock(analysis.first_time)}; {'; '.join(counted)}")
    return [*lines, *pings(analysis), *fragments(analysis), *_clocks(analysis)]


def fragments(analysis: Analysis) -> list[str]:
    """What came of fragmented datagrams, a line for each sender, receiver and protocol: those with losses first."""
    ordered = sorted(analysis.all_fragments, key=lambda each: -each.incomplete)
    lines = [_fragments(each) for each in ordered[:SHOWN_FRAGMENTS]]
    if len(ordered) > SHOWN_FRAGMENTS:
        lines.append(f"fragments of {len(ordered) - SHOWN_FRAGMENTS:,} more senders, receivers or protocols")
    return lines


def _fragments(each: FragmentCount) -> str:
    counts = (
        (each.complete, "complete"),
        (each.first_only, "of which only the first fragment came"),
        (each.later_only, "without the first fragment"),
        (each.partial, "without some other fragment"),
        (each.overlapping, "with fragments that overlap"),
        (each.gave_up, "that the receiver could not put together in time"),
    )
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    if not each.datagrams:
        given_up = plural(each.gave_up, "datagram")
        return f"fragmented {each.protocol.upper()} {each.src} -> {each.dst}: {given_up} {counts[-1][1]}"
    line = f"fragmented {each.protocol.upper()} {each.src} -> {each.dst}: {plural(each.datagrams, 'datagram')}, {told}"
    if each.verdict == "inconclusive":
        line += "; a filter for ports would hide the rest, so that nothing can be concluded"
    return line


def _clocks(analysis: Analysis) -> list[str]:
    if not analysis.joined_points:
        return []
    from analyzer.report.strip import clock_lines, strips_of  # of one point there is nothing to tell

    chains = list(dict.fromkeys(strip.points for strip in strips_of(analysis)))
    once = [chain for i, chain in enumerate(chains) if chain[::-1] not in chains[:i]]
    orders = [
        f"points in order: {' -> '.join(chain)}{', and back' if chain[::-1] in chains else ''}"
        for chain in once[:SHOWN_FILES]
    ]
    return [*orders, *clock_lines(analysis)]


def more_files(analysis: Analysis) -> str:
    """What is said of the files behind the first SHOWN_FILES."""
    rest = analysis.files[SHOWN_FILES:]
    return f"and {plural(len(rest), 'more file')} with {plural(sum(file.packets for file in rest), 'packet')}"
