"""What was read: the lines that end every report."""

from __future__ import annotations

from analyzer.model.analysis import Analysis
from analyzer.model.text import clock, file_labels, joined, plural, printable, seconds
from analyzer.report.verdict_text import pings, undecoded

SHOWN_FILES = 20
"""Files that are listed one by one; a directory may have thousands."""


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
    if skipped := undecoded(analysis):
        counted.append(f"not decoded: {', '.join(skipped)}")
    lines.append(f"{seconds(span)} from {clock(analysis.first_time)}; {'; '.join(counted)}")
    return [*lines, *pings(analysis), *_clocks(analysis)]


def _clocks(analysis: Analysis) -> list[str]:
    if not analysis.joined_points:
        return []
    from analyzer.report.strip import clock_lines, strips_of  # of one point there is nothing to tell

    orders = [f"points in order: {' -> '.join(strip.points)}" for strip in strips_of(analysis)[:SHOWN_FILES]]
    return [*orders, *clock_lines(analysis)]


def more_files(analysis: Analysis) -> str:
    """What is said of the files behind the first SHOWN_FILES."""
    rest = analysis.files[SHOWN_FILES:]
    return f"and {plural(len(rest), 'more file')} with {plural(sum(file.packets for file in rest), 'packet')}"
