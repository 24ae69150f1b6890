"""What the tool is meant to reach, and whether a run shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import differences, megabytes, number, rates, ratios, seconds, spread, summary
from benchmarks.results import Results, Series

PEAK = 220_000_000


@dataclass(frozen=True)
class Target:
    """One row: `met` is None where the run did not measure it."""

    what: str
    measured: str = "not measured"
    met: bool | None = None


def added(series: list[Series]) -> list[float]:
    """Seconds that the larger of a program's two captures cost more, run by run.

    Empty without two captures, and where the noise was larger than the difference in any run: it then says nothing.
    """
    more = differences(series[0].seconds, series[-1].seconds) if len(series) > 1 else []
    return more if more and min(more) > 0 else []


def added_packets(series: list[Series]) -> int:
    """By how many packets the larger capture is larger."""
    return series[-1].capture.packets - series[0].capture.packets


def targets(results: Results) -> list[Target]:
    """All rows."""
    rows: list[tuple[str, Callable[[Results], tuple[str, bool] | None]]] = [
        ("96-byte snap length, marginal rate: 15 million packets/s", _marginal_rate),
        ("... 5 times tcptrace", lambda r: _marginal_against(r, "tcptrace", 5)),
        ("... ahead of `tcpdump -r F -w X icmp`", lambda r: _marginal_against(r, "tcpdump", 1)),
        ("... 500 times tshark", _marginal_against_slices),
        (
            "96-byte snap length, 5 million packets, whole process: 1.5 times as fast as tcptrace",
            lambda r: _whole_process(r, "snap96", 0, 1.5),
        ),
        ("Bulk, marginal rate: 4 GB/s, or within twice the time of `cat`", _bulk),
        ("One million flows: ahead of tcptrace in time and memory", lambda r: _flows(r, "tcptrace")),
        ("... ahead of tshark in time and memory", _flows_against_slices),
        ("... in 700 MB", lambda r: _bounded(r, "flows", -1, None, 700_000_000)),
        (
            "Two processors, marginal rate: 1.5 times that of one, flows that take turns",
            lambda r: _marginal_against(r, "one", 1.5, "turns"),
        ),
        ("... short flows", lambda r: _marginal_against(r, "one", 1.5, "flows")),
        ("100,000 hung flows of two addresses: under 3 s", lambda r: _bounded(r, "hung", 0, 3, None)),
        ("One million hung flows: under 30 s and 2 GB", lambda r: _bounded(r, "hung", -1, 30, 2_000_000_000)),
        ("Ten million UDP packets: no longer than tcptrace on as many of TCP, in as many flows", _datagrams),
        ("VXLAN, marginal rate: 20 million packets/s", lambda r: _marginal_rate(r, "vxlan", 20e6)),
        (
            "... 10 million packets, whole process: ahead of tcptrace, which does not look inside",
            lambda r: _whole_process(r, "vxlan", -1, 1),
        ),
        ("In every form, marginal rate: 15 million packets/s", _slowest_form),
        ("Lossy capture of 20 million packets, whole process: 3 times as fast as tcptrace, every verdict made", _lossy),
        ("... marginal rate: 3 times tcptrace", lambda r: _marginal_against(r, "tcptrace", 3, "lossy")),
        ("Peak memory under 220 MB on bulk and 96-byte snap length, whatever the length", _memory),
        ("A capture of 30 packets: under 0.4 s", _small),
        ("... healthy: within 1.9 times `import numpy`", lambda r: _start(r, "small", 1.9)),
        ("... with a hang: within 2.4 times", lambda r: _start(r, "trouble", 2.4)),
    ]
    made = []
    for what, measure in rows:
        answer = measure(results)
        made.append(Target(what) if answer is None else Target(what, *answer))
    return made


def _two(results: Results, workload: str, program: str) -> tuple[list[Series], list[Series]] | None:
    outcome = results.outcome(workload)
    if outcome is None:
        return None
    ours, theirs = outcome.of("tool"), outcome.of(program)
    return (ours, theirs) if ours and theirs else None


def _marginal_rate(results: Results, workload: str = "snap96", least: float = 15e6) -> tuple[str, bool] | None:
    outcome = results.outcome(workload)
    ours = outcome.of("tool") if outcome else []
    if not added(ours):
        return None
    rate = summary(rates(added_packets(ours), added(ours)))
    return f"{spread(rate)} packets/s", rate.median >= least


def _bounded(
    results: Results, workload: str, place: int, most: float | None, peak: float | None
) -> tuple[str, bool] | None:
    """Time and memory of the tool on one of a workload's captures, both medians."""
    outcome = results.outcome(workload)
    ours = outcome.of("tool") if outcome else []
    if not ours:
        return None
    time, memory = summary(ours[place].seconds), median(ours[place].peaks)
    said = ([f"{spread(time)} s"] if most else []) + ([megabytes(memory)] if peak else [])
    met = (most is None or time.median < most) and (peak is None or memory < peak)
    return ", ".join(said), met


def _datagrams(results: Results) -> tuple[str, bool] | None:
    """Not of the same rounds: the medians are compared."""
    udp, tcp = results.outcome("udp"), results.outcome("flows")
    ours, theirs = udp.of("tool") if udp else [], tcp.of("tcptrace") if tcp else []
    if not ours or not theirs:
        return None
    one, other = median(ours[-1].seconds), median(theirs[-1].seconds)
    return f"{seconds(one)} against {seconds(other)}", one <= other


def _slowest_form(results: Results) -> tuple[str, bool] | None:
    all_of_them = [(form.title, form.of("tool")) for form in results.forms]
    if not all_of_them or not all(added(ours) for _, ours in all_of_them):
        return None
    rate, title = min((median(rates(added_packets(ours), added(ours))), title) for title, ours in all_of_them)
    return f"{number(rate)} packets/s, {title}", rate >= 15e6


def _start(results: Results, workload: str, most: float) -> tuple[str, bool] | None:
    both = _two(results, workload, "numpy")
    if both is None:
        return None
    ratio = summary(ratios(both[0][0].seconds, both[1][0].seconds))
    return f"{spread(ratio)} times", ratio.median <= most


def _marginal_against(
    results: Results, program: str, times: float, workload: str = "snap96"
) -> tuple[str, bool] | None:
    both = _two(results, workload, program)
    if both is None or not added(both[0]) or not added(both[1]):
        return None
    ratio = summary(ratios(added(both[1]), added(both[0])))
    return f"{spread(ratio)} times", ratio.median >= times


def _marginal_against_slices(results: Results) -> tuple[str, bool] | None:
    both = _two(results, "snap96", "tshark")
    if both is None or not added(both[0]) or not added(both[1]):
        return None
    ours = rates(added_packets(both[0]), added(both[0]))
    theirs = rates(added_packets(both[1]), added(both[1]))
    ratio = summary(ratios(ours, theirs))
    return f"{spread(ratio)} times", ratio.median >= 500


def _whole_process(results: Results, workload: str, place: int, times: float) -> tuple[str, bool] | None:
    """On one of a workload's captures, against tcptrace."""
    both = _two(results, workload, "tcptrace")
    if both is None:
        return None
    ratio = summary(ratios(both[1][place].seconds, both[0][place].seconds))
    return f"{spread(ratio)} times", ratio.median > times


def _bulk(results: Results) -> tuple[str, bool] | None:
    both = _two(results, "bulk", "cat")
    if both is None or not added(both[0]) or not added(both[1]):
        return None
    ours = added(both[0])
    rate = summary(rates(both[0][-1].capture.size - both[0][0].capture.size, ours))
    cats = median(ratios(ours, added(both[1])))
    return f"{spread(rate)}B/s, {number(cats)} times the time of `cat`", rate.median >= 4e9 or cats <= 2


def _flows(results: Results, program: str) -> tuple[str, bool] | None:
    both = _two(results, "flows", program)
    if both is None or both[0][-1].capture != both[1][-1].capture:
        return None
    ours, theirs = both
    time = summary(ratios(theirs[-1].seconds, ours[-1].seconds))
    memory = (median(ours[-1].peaks), median(theirs[-1].peaks))
    text = f"{spread(time)} times as fast; {megabytes(memory[0])} against {megabytes(memory[1])}"
    return _all_judged(results, text, time.median > 1 and memory[0] < memory[1])


def _flows_against_slices(results: Results) -> tuple[str, bool] | None:
    both = _two(results, "flows", "tshark")
    if both is None or not added(both[1]):
        return None
    ours, theirs = both
    packets, slice_packets = ours[-1].capture.packets, added_packets(theirs)
    time = median(added(theirs)) * packets / slice_packets
    growth = (median(theirs[-1].peaks) - median(theirs[0].peaks)) / slice_packets
    memory = median(theirs[-1].peaks) + growth * (packets - theirs[-1].capture.packets)
    mine = (median(ours[-1].seconds), median(ours[-1].peaks))
    text = f"{seconds(mine[0])}, {megabytes(mine[1])}; tshark by its slices {seconds(time)}, {megabytes(memory)}"
    return _all_judged(results, text, mine[0] < time and mine[1] < memory)


def _all_judged(results: Results, text: str, met: bool) -> tuple[str, bool]:
    """A tool that leaves flows out is not ahead of anybody."""
    outcome = results.outcome("flows")
    judged = sum(outcome.verdicts.values()) if outcome else 0
    there = outcome.of("tool")[-1].capture.flows if outcome else 0
    return (text, met) if judged == there else (f"{text}; only {judged:,} of {there:,} flows judged", False)


def _lossy(results: Results) -> tuple[str, bool] | None:
    both = _two(results, "lossy", "tcptrace")
    if both is None:
        return None
    outcome = results.outcome("lossy")
    ratio = summary(ratios(both[1][-1].seconds, both[0][-1].seconds))
    counted = outcome.verdicts if outcome else {}
    every = counted == {"loss": both[0][-1].capture.flows}
    said = ", ".join(f"{count} {verdict}" for verdict, count in counted.items())
    return f"{spread(ratio)} times; verdicts: {said}", ratio.median >= 3 and every


def _memory(results: Results) -> tuple[str, bool] | None:
    peaks = [
        peak
        for workload in ("bulk", "snap96")
        if (outcome := results.outcome(workload)) is not None
        for one in outcome.of("tool")
        for peak in one.peaks
    ]
    return (f"{megabytes(max(peaks))} at most", max(peaks) < PEAK) if peaks else None


def _small(results: Results) -> tuple[str, bool] | None:
    outcome = results.outcome("small")
    ours = outcome.of("tool") if outcome else []
    if not ours:
        return None
    time = summary(ours[0].seconds)
    return f"{spread(time)} s", time.median < 0.4
