"""The measured part of docs/performance.md, written between two markers."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.figures import megabytes, number, rates, ratios, seconds, spread, summary
from benchmarks.programs import ALL
from benchmarks.results import Outcome, Results, Series
from benchmarks.targets import Target, added, added_packets, targets

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
LABELS = {program.name: program.label for program in ALL}


def measured(results: Results, plot: str | None) -> str:
    """The part as Markdown. `plot` is the address of the picture, relative to the page."""
    machine = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    lines = [f"Measured on: {machine}. Medians of {results.runs} runs, least and greatest in brackets.", ""]
    if results.quick:
        lines += ["**A quick run on captures a hundredth as large: the figures say nothing about speed.**", ""]
    lines += ["## Targets", "", "| target | measured | met |", "|---|---|---|"]
    lines += [_target(one) for one in targets(results)]
    lines += ["", "## Where a peer is ahead", "", *_ahead(results)]
    for outcome in results.outcomes:
        lines += ["", f"## {outcome.title}", "", f"{outcome.about}.", "", *_outcome(outcome)]
    if results.scaling:
        lines += ["", "## Length of the capture", "", *_scaling(results, plot)]
    return "\n".join(lines) + "\n"


def write(page: Path, part: str) -> None:
    """Put the part between the page's markers; the page is begun if there is none."""
    text = page.read_text(encoding="utf-8") if page.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"{page} has no {BEGIN} ... {END}")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{BEGIN}\n\n{part}\n{END}{after}", encoding="utf-8")


def _target(one: Target) -> str:
    met = {None: "-", True: "yes", False: "**no**"}[one.met]
    return f"| {one.what} | {one.measured} | {met} |"


def _ahead(results: Results) -> list[str]:
    """Every peer that was faster on the same capture; the floors are no peers."""
    rows = []
    for outcome in results.outcomes:
        ours = {one.capture.name: one for one in outcome.of("tool")}
        for one in outcome.series:
            mine = ours.get(one.capture.name)
            if one.program in ("tool", "cat", "unpack") or not one.samples or mine is None:
                continue
            ratio = summary(ratios(mine.seconds, one.seconds))
            if ratio.median > 1:
                rows.append(
                    f"- {outcome.title}, {number(one.capture.packets)} packets: {LABELS[one.program]} takes"
                    f" {seconds(median(one.seconds))}, the tool {seconds(median(mine.seconds))}:"
                    f" {spread(ratio)} times as long."
                )
    return rows or ["Nowhere in this run."]


def _outcome(outcome: Outcome) -> list[str]:
    if outcome.skipped:
        return [f"Skipped: {outcome.skipped}."]
    lines = [
        "| program | packets | file | seconds | packets/s | peak memory | the tool is faster by |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    ours = {one.capture.name: one for one in outcome.of("tool")}
    order = list(LABELS)
    for one in sorted(outcome.series, key=lambda one: (one.capture.size, order.index(one.program))):
        lines.append(_row(one, ours.get(one.capture.name), outcome.of("tool")))
    marginal = [row for name in LABELS if (row := _marginal(name, outcome.of(name), outcome.of("tool")))]
    if marginal:
        lines += [
            "",
            "What more of the same costs, free of start-up (the difference between two captures of each program):",
            "",
            "| program | added packets | added seconds | packets/s | bytes/s | the tool is faster by |",
            "|---|---:|---:|---:|---:|---:|",
            *marginal,
        ]
    if outcome.workload == "flows" and len(flows := outcome.of("tool")) > 1:
        count = flows[-1].capture.flows - flows[0].capture.flows
        each = (median(flows[-1].peaks) - median(flows[0].peaks)) / count
        lines += [
            "",
            f"Memory for each flow: {each:,.0f} bytes (the difference of the two peaks, for {count:,} flows).",
        ]
    if outcome.verdicts:
        lines += ["", "Verdicts: " + ", ".join(f"{n:,} `{name}`" for name, n in outcome.verdicts.items()) + "."]
    return lines + [line for note in outcome.notes for line in ("", note)]


def _row(one: Series, mine: Series | None, ours: list[Series]) -> str:
    cells = [LABELS[one.program], f"{one.capture.packets:,}", megabytes(one.capture.size)]
    if not one.samples:
        return "| " + " | ".join([*cells, one.problem, "", "", ""]) + " |"
    faster = ""
    if one.program != "tool" and mine is not None:
        faster = spread(summary(ratios(one.seconds, mine.seconds)))
    elif one.program != "tool" and ours:
        rate = rates(ours[-1].capture.packets, ours[-1].seconds)
        faster = f"{number(summary(ratios(rate, rates(one.capture.packets, one.seconds))).median)} in packets/s"
    peak = median(one.peaks)
    cells += [
        spread(summary(one.seconds)),
        number(one.capture.packets / median(one.seconds)),
        "under 10 MB" if peak < 10e6 else megabytes(peak),
        faster,
    ]
    return "| " + " | ".join(cells) + " |"


def _marginal(name: str, series: list[Series], ours: list[Series]) -> str | None:
    more = added(series)
    if not more:
        return None
    packets = added_packets(series)
    size = series[-1].capture.size - series[0].capture.size
    faster = ""
    if name != "tool" and added(ours):
        mine = rates(added_packets(ours), added(ours))
        faster = spread(summary(ratios(mine, rates(packets, more))))
    cells = [LABELS[name], f"{packets:,}", spread(summary(more)), number(summary(rates(packets, more)).median)]
    return "| " + " | ".join([*cells, number(summary(rates(size, more)).median), faster]) + " |"


def _scaling(results: Results, plot: str | None) -> list[str]:
    lines = [f"![Time and peak memory against packets]({plot})", ""] if plot else []
    lines += ["| program | packets | seconds | peak memory |", "|---|---:|---:|---:|"]
    for one in results.scaling:
        if one.samples:
            peak = median(one.peaks)
            piped = " (through a pipe)" if one.capture.packets in results.piped else ""
            cells = [f"{one.capture.packets:,}{piped}", spread(summary(one.seconds))]
            cells.append("under 10 MB" if peak < 10e6 else megabytes(peak))
            lines.append("| " + " | ".join([LABELS[one.program], *cells]) + " |")
    if results.piped:
        lines += [
            "",
            "What came through a pipe was too large to keep and was generated while it was read, on the other core:"
            " the time of `cat` is that of the generator, below which no reader can be.",
        ]
    return lines
