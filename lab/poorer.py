"""`poorer`: does a poorer capture of the same traffic ever make the analyzer say more?

Every labelled capture is made poorer in three ways: cut to a shorter length, cut to a shorter snap length, and with
5 % of its packets left out. Nobody may be accused in it whom the truth of the whole acquits, and no problem may become
surer than it was on the whole.

Set apart are captures cut within a run: one segment was lost three times or more in a row and has not got through yet.
Such a capture holds what the capture of a black hole would hold; that the same segment gets through later, by luck or
because the path was repaired, is not in it.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.capture_file import CaptureFile, capture_bytes, read_capture
from lab.headers import ACK, TCP
from lab.judging import ACCUSATIONS

_KEPT = Path(__file__).with_name("poorer.json")
_SURENESS = {"low": 0, "medium": 1, "high": 2}
_SNAPS = (64, 68, 70, 72, 80, 96, 128)
_SHARE_LOST = 0.05
_RUN = 3
_PAUSE_NS = 150_000_000
"""A packet that comes this long after the one before is a step of a stall, where what is said may change."""

Ends = frozenset[tuple[str, int]]
"""Both endpoints: without its SYN a connection may seem to be opened by the server."""

Way = tuple[str, int, str, int]
"""One direction: source address and port, destination address and port."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one connection; of several between the same two endpoints, of the worst."""

    verdict: str
    sureness: int
    port: int  # the server's


@dataclass(frozen=True, slots=True)
class Finding:
    """One poorer capture in which more was said."""

    capture: str
    how: str
    flow: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.capture}, {self.how}: {self.flow} was {self.before}, now {self.after}"


@dataclass(slots=True)
class Tried:
    """What came of one capture, or of all."""

    tries: Counter[str] = field(default_factory=Counter)
    accused: list[Finding] = field(default_factory=list)
    in_a_run: list[Finding] = field(default_factory=list)  # accused, too, but like a black hole so far
    surer: list[Finding] = field(default_factory=list)

    def add(self, other: Tried) -> None:
        """Take in what came of another."""
        self.tries.update(other.tries)
        self.accused += other.accused
        self.in_a_run += other.in_a_run
        self.surer += other.surer


def main(arguments: list[str]) -> int:
    """Try all, print what was found, keep the counts for the page on accuracy."""
    options = _parse(arguments)
    labels = options.captures / "truth.json"
    if not labels.exists():
        print(
            f"lab: {labels}: no labelled captures; `python -m lab --out {options.captures}` makes them", file=sys.stderr
        )
        return 2
    truth = json.loads(labels.read_text())
    names = [name for name in sorted(truth) if not options.names or any(word in name for word in options.names)]
    work = partial(try_one, directory=options.captures, truth=truth, cuts=options.cuts, gaps=options.gaps)
    whole = Tried()
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for done in pool.imap_unordered(work, names):
            whole.add(done)
            for kind, found in (("accused", done.accused), ("in a run", done.in_a_run), ("surer", done.surer)):
                for finding in found:
                    print(f"{kind}: {finding}", flush=True)
    print(
        f"{len(names)} captures, {dict(whole.tries)}: {len(whole.accused)} accused, "
        f"{len(whole.in_a_run)} within a run, {len(whole.surer)} surer"
    )
    if options.keep:
        _KEPT.write_text(to_json(len(names), whole))
    return 1 if whole.accused or whole.surer else 0


def to_json(captures: int, whole: Tried) -> str:
    """What is kept for the page."""
    facts = {
        "captures": captures,
        "tries": dict(sorted(whole.tries.items())),
        "accused": sorted(map(str, whole.accused)),
        "in_a_run": dict(sorted(Counter(finding.capture for finding in whole.in_a_run).items())),
        "surer": sorted(map(str, whole.surer)),
    }
    return json.dumps(facts, indent=1) + "\n"


def section(kept: Mapping[str, Any]) -> str:
    """The part of the page on accuracy, from what is kept."""
    tries = ", ".join(f"{count:,} {kind}" for kind, count in kept["tries"].items())
    lines = [
        "## Poorer captures",
        "",
        f"`python -m lab poorer --captures DIR` made {kept['captures']:,} captures poorer in "
        f"{sum(kept['tries'].values()):,} ways ({tries}): cut to a shorter length, most of them beside the steps of a "
        "stall, cut to snap lengths from 64 bytes on, or with 5 % of the packets left out at random.",
        "",
        "| | |",
        "|---|---:|",
        f"| healthy flows accused | {len(kept['accused'])} |",
        f"| problems that became surer | {len(kept['surer'])} |",
        f"| cut within a run, and accused | {sum(kept['in_a_run'].values())} |",
        "",
        "Cut within a run: the same segment was lost three times or more in a row while smaller packets passed, and "
        "the capture ends before it gets through. These captures hold what the capture of a black hole holds, by the "
        "definitions of the verdicts, too. They come from scenarios made for that: "
        f"{', '.join(kept['in_a_run']) or 'none'}.",
        "",
    ]
    for title, found in (("Accused", kept["accused"]), ("Surer", kept["surer"])):
        if found:
            lines += [f"### {title}", "", *(f"- {text}" for text in found), ""]
    return "\n".join(lines)


def kept_section() -> str:
    """The section from what was kept last; empty where nothing was."""
    return section(json.loads(_KEPT.read_text())) if _KEPT.exists() else ""


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab poorer", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("names", nargs="*", help="words in the names of captures to try (default: all)")
    parser.add_argument("--captures", type=Path, default=Path("captures"), help="directory of captures and truth.json")
    parser.add_argument("--cuts", type=int, default=24, help="lengths tried of each capture")
    parser.add_argument("--gaps", type=int, default=6, help="times that 5 %% of the packets are left out")
    parser.add_argument("--jobs", type=int, default=multiprocessing.cpu_count(), help="processes")
    parser.add_argument("--keep", action="store_true", help=f"keep the counts in {_KEPT.name}")
    return parser.parse_args(arguments)


def try_one(name: str, *, directory: Path, truth: Mapping[str, Any], cuts: int, gaps: int) -> Tried:
    """All poorer versions of one capture, each beside the whole."""
    from analyzer.model.verdicts import PROBLEMS

    capture = read_capture(directory / name)
    facts = truth[name]
    whole = _said(capture_bytes(capture, nanoseconds=True))
    out = Tried()
    for kind, how, poorer in poorer_versions(capture, name, cuts, gaps):
        out.tries[kind] += 1
        for ends, now in _said(capture_bytes(poorer, nanoseconds=True)).items():
            before = whole.get(ends)
            known = f"{before.verdict} ({_sure(before)})" if before else "not there"
            port = before.port if before else now.port
            finding = Finding(name, how, f"port {port}", known, f"{now.verdict} ({_sure(now)})")
            if now.verdict in ACCUSATIONS and _acquitted(facts, port, before):
                (out.in_a_run if kind == "lengths" and ends_in_a_run(poorer) else out.accused).append(finding)
            elif (
                before and now.verdict == before.verdict and now.verdict in PROBLEMS and now.sureness > before.sureness
            ):
                out.surer.append(finding)
    return out


def ends_in_a_run(capture: CaptureFile) -> bool:
    """True if at the end some segment with DF was sent three times or more without an acknowledgement."""
    copies: Counter[tuple[Way, int, int]] = Counter()
    acked: dict[Way, int] = {}
    for _, _, packet in capture.packets():
        if packet.protocol != TCP:
            continue
        there = (packet.source, packet.source_port, packet.destination, packet.destination_port)
        back = (packet.destination, packet.destination_port, packet.source, packet.source_port)
        if packet.payload_len and packet.df:
            copies[there, packet.seq, packet.payload_len] += 1
        if packet.flags & ACK and (back not in acked or _ahead(packet.ack, acked[back]) > 0):
            acked[back] = packet.ack
    return any(
        count >= _RUN and _ahead(seq + length, acked.get(there, seq)) > 0
        for (there, seq, length), count in copies.items()
    )


def _ahead(number: int, other: int) -> int:
    """How far one sequence number lies behind another, modulo 2**32."""
    return (number - other + (1 << 31)) % (1 << 32) - (1 << 31)


def poorer_versions(capture: CaptureFile, name: str, cuts: int, gaps: int) -> Iterator[tuple[str, str, CaptureFile]]:
    """(kind, words, poorer capture), the same for the same name."""
    source = random.Random(name)
    records = capture.records
    pauses = [
        n for n in range(1, len(records)) if records[n].time_ns - records[n - 1].time_ns >= _PAUSE_NS
    ]  # before and behind each step
    steps = sorted({n + more for n in pauses for more in (0, 1) if n + more < len(records)})
    lengths = set(source.sample(steps, min(len(steps), cuts // 2)))
    others = [n for n in range(1, len(records)) if n not in lengths]
    lengths |= set(source.sample(others, min(len(others), cuts - len(lengths))))
    for length in sorted(lengths):
        yield "lengths", f"its first {length} packets", capture.with_records(list(records[:length]))
    for snap in _SNAPS:
        if any(len(record.data) > snap for record in records):
            short = [replace(record, data=record.data[:snap]) for record in records]
            yield "snap lengths", f"snap length {snap}", replace(capture.with_records(short), snap_length=snap)
    for number in range(gaps):
        left = [record for record in records if source.random() >= _SHARE_LOST]
        yield "gaps", f"5 % left out, try {number}", capture.with_records(left)


def _acquitted(facts: Mapping[str, Any], port: int, before: Said | None) -> bool:
    """The truth allows no accusation of this flow, nor did the whole capture make one."""
    if before is not None and before.verdict in ACCUSATIONS:
        return False
    by_port = facts.get("flows") or {}
    return not ACCUSATIONS & set(by_port.get(str(port), facts["accept"]))


def _said(data: bytes) -> dict[Ends, Said]:
    import analyzer
    from analyzer.model.verdicts import VERDICTS

    said: dict[Ends, Said] = {}
    for flow in analyzer.analyze(io.BytesIO(data), compiled=False).all_flows:
        ends = frozenset({(flow.client.ip, flow.client.port), (flow.server.ip, flow.server.port)})
        now = Said(flow.verdict, _SURENESS[flow.confidence], flow.server.port)
        if ends not in said or VERDICTS.index(now.verdict) < VERDICTS.index(said[ends].verdict):
            said[ends] = now
    return said


def _sure(said: Said) -> str:
    return next(name for name, value in _SURENESS.items() if value == said.sureness)
