"""The measured part of docs/performance.md, written between two markers."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.figures import megabytes, number, rates, ratios, seconds, spread, summary
from benchmarks.programs import ALL
from benchmarks.results import Outcome, Results, Series
from benchmarks.targets import Target, added, added_packets, targets

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
LEAST_PEAK = 12e6  # bytes: what the launcher itself may need, see launch.py
LABELS = {program.name: program.label for program in ALL}
PEERS = {program.name for program in ALL if program.peer}


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
    if results.forms:
        lines += ["", "## What is around the packets", "", *_forms(results)]
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
    """Every peer that was faster on the same capture, the largest of its workload; the floors are no peers."""
    rows = []
    for outcome in results.outcomes:
        ours = {one.capture.name: one for one in outcome.of("tool")}
        for program, label in LABELS.items():
            shared = [one for one in outcome.of(program) if one.capture.name in ours]
            if program == "tool" or program not in PEERS or not shared:
                continue
            theirs, mine = shared[-1], ours[shared[-1].capture.name]
            ratio = summary(ratios(mine.seconds, theirs.seconds))
            if ratio.median > 1:
                rows.append(
                    f"- {outcome.title}, {theirs.capture.packets:,} packets: {label} takes"
                    f" {seconds(median(theirs.seconds))}, the tool {seconds(median(mine.seconds))},"
                    f" {spread(ratio)} times as long."
                )
    return rows or ["Nowhere in this run."]


def _outcome(outcome: Outcome) -> list[str]:
    if outcome.skipped:
        return [f"Skipped: {outcome.skipped}."]
    lines = [
        "| program | packets | file | seconds | packets/s | peak memory | time per packet, tool = 1 |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    ours = outcome.of("tool")
    measured_in_full = {one.capture.name for one in ours}
    order = list(LABELS)
    rows = sorted(
        outcome.series,
        key=lambda one: (one.capture.name not in measured_in_full, one.capture.size, order.index(one.program)),
    )
    lines += [_row(one, ours) for one in rows]
    marginal = [row for name in LABELS if (row := _marginal(name, outcome.of(name), ours))]
    if marginal:
        lines += [
            "",
            "What more of the same costs, free of start-up (the difference between two captures of each program):",
            "",
            "| program | added packets | added seconds | packets/s | bytes/s | time per packet, tool = 1 |",
            "|---|---:|---:|---:|---:|---:|",
            *marginal,
        ]
    if outcome.workload == "flows" and len(ours) > 1:
        count = ours[-1].capture.flows - ours[0].capture.flows
        each = (median(ours[-1].peaks) - median(ours[0].peaks)) / count
        lines += [
            "",
            f"Memory for each flow: {each:,.0f} bytes (the difference of the two peaks, for {count:,} flows).",
        ]
    if outcome.verdicts:
        lines += ["", "Verdicts: " + ", ".join(f"{n:,} `{name}`" for name, n in outcome.verdicts.items()) + "."]
    return lines + [line for note in outcome.notes for line in ("", note)]


def _row(one: Series, ours: list[Series]) -> str:
    cells = [LABELS[one.program], f"{one.capture.packets:,}", megabytes(one.capture.size)]
    if not one.samples:
        return "| " + " | ".join([*cells, one.problem, "", "", ""]) + " |"
    relative = ""
    if one.program != "tool" and ours:
        mine = next((own for own in ours if own.capture.name == one.capture.name), ours[-1])
        relative = spread(
            summary(ratios(_each(one.seconds, one.capture.packets), _each(mine.seconds, mine.capture.packets)))
        )
    cells += [
        spread(summary(one.seconds)),
        number(one.capture.packets / median(one.seconds)),
        _peak(one),
        relative,
    ]
    return "| " + " | ".join(cells) + " |"


def _marginal(name: str, series: list[Series], ours: list[Series]) -> str | None:
    if len(series) < 2:
        return None
    packets, more = added_packets(series), added(series)
    cells = [LABELS[name], f"{packets:,}"]
    if not more:
        return "| " + " | ".join([*cells, "less than the noise", "", "", ""]) + " |"
    size = series[-1].capture.size - series[0].capture.size
    relative = ""
    if name != "tool" and added(ours):
        relative = spread(summary(ratios(_each(more, packets), _each(added(ours), added_packets(ours)))))
    cells += [spread(summary(more)), number(median(rates(packets, more))), number(median(rates(size, more))), relative]
    return "| " + " | ".join(cells) + " |"


def _each(figures: list[float], packets: int) -> list[float]:
    return [figure / packets for figure in figures]


def _peak(one: Series) -> str:
    """Less than the launcher itself needs cannot be told."""
    peak = median(one.peaks)
    return f"under {megabytes(LEAST_PEAK)}" if peak < LEAST_PEAK else megabytes(peak)


def _forms(results: Results) -> list[str]:
    """What more packets cost in each form, and in plain Ethernet in the same rounds."""
    first = results.forms[0].of("tool")
    count = f"{first[0].capture.packets:,} and {first[-1].capture.packets:,}"
    lines = [
        f"Ten bulk transfers, captures of {count} packets, each packet in something else: what more packets cost, as"
        " above, in turn with the same in plain Ethernet.",
        "",
        "| form | packets/s | time per packet, Ethernet = 1 |",
        "|---|---:|---:|",
    ]
    for form in results.forms:
        ours, plain = form.of("tool"), form.of("plain")
        if added(ours):
            rate = spread(summary(rates(added_packets(ours), added(ours))))
            relative = spread(summary(ratios(added(ours), added(plain)))) if added(plain) else ""
            lines.append(f"| {form.title} | {rate} | {relative} |")
        else:
            lines.append(f"| {form.title} | less than the noise | |")
    return lines


def _scaling(results: Results, plot: str | None) -> list[str]:
    lines = [f"![Time and peak memory against packets]({plot})", ""] if plot else []
    lines += ["| program | packets | seconds | peak memory |", "|---|---:|---:|---:|"]
    for one in results.scaling:
        if one.samples:
            piped = " (through a pipe)" if one.capture.packets in results.piped else ""
            cells = [f"{one.capture.packets:,}{piped}", spread(summary(one.seconds))]
            cells.append(_peak(one))
            lines.append("| " + " | ".join([LABELS[one.program], *cells]) + " |")
    if results.piped:
        lines += [
            "",
            "What came through a pipe was too large to keep and was generated while it was read, on the other core:"
            " the time of `cat` is that of the generator, below which no reader can be.",
        ]
    return lines
