"""`python benchmarks`: make the captures, run everything, write the page."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import measure
from benchmarks.captures import HERE, CaptureError, Made, Wanted, make, missing_bytes
from benchmarks.forms import FORMS
from benchmarks.page import measured, write
from benchmarks.plot import draw
from benchmarks.programs import ALL, TOOL, Program
from benchmarks.results import Outcome, Results, Series, load
from benchmarks.workloads import Workload, in_form, scaling, workloads

PAGE = HERE.parent / "docs" / "performance.md"
Pair = tuple[Wanted, Wanted]  # two lengths of the same
_SPARE = 1.3  # of disk and memory, beyond what a capture needs


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code: 0 measured, 2 wrong usage or no room for the captures."""
    options = _parser().parse_args(arguments)
    kept = options.captures / f"results{'_quick' if options.quick else ''}.json"
    if options.again:
        if not kept.exists():
            return _fail(f"there are no results in {options.captures}")
        results = load(kept)
    else:
        chosen = [
            one for one in workloads(quick=options.quick) if not options.workloads or one.name in options.workloads
        ]
        forms = dict.fromkeys(FORMS) if not options.workloads or "forms" in options.workloads else {}
        pairs = [in_form(kind, quick=options.quick) for kind in forms]
        with_scaling = not options.workloads or "scaling" in options.workloads
        lengths = scaling(quick=options.quick) if with_scaling else []
        files = [wanted for one in chosen for wanted in one.wanted] + lengths[:-1]
        files += [wanted for pair in pairs[:2] for wanted in pair]  # plain Ethernet, and one form at a time
        options.captures.mkdir(parents=True, exist_ok=True)
        need, free = missing_bytes(files, options.captures), shutil.disk_usage(options.captures).free
        _say(f"captures: {need / 1e9:.1f} GB to make in {options.captures}, {free / 1e9:.0f} GB free")
        if need * 1.05 > free:
            return _fail("too little room; choose another directory with --captures, or --quick, or fewer --workloads")
        programs = [one for one in ALL if one.installed()]
        results = Results(_machine(), options.runs, options.quick)
        for workload in chosen:
            results.outcomes.append(_run(workload, programs, options))
        results.forms = [_in_form(pair, pairs[0], options) for pair in pairs]
        for pair in pairs[:1]:
            _remove(pair, options)
        for wanted in lengths:
            _scale(wanted, programs, options, results)
        results.save(kept)
    page: Path | None = options.page
    if page is None and not options.quick and not options.workloads:
        page = PAGE
    if page is None:
        sys.stdout.write(measured(results, None))
        return 0
    picture = page.with_suffix(".png")
    page.parent.mkdir(parents=True, exist_ok=True)
    if results.scaling:
        draw(results, picture)
    write(page, measured(results, picture.name if results.scaling else None))
    _say(f"written: {page}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python benchmarks",
        description="Measure the tool beside its peers and write docs/performance.md. A full run needs about 9 GB for"
        " its captures (10 GB more for a while, if there is room), as much memory as the largest of them to keep it in"
        " the page cache, and an hour.",
    )
    names = [one.name for one in workloads(quick=False)]
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rounds of alternating runs (default 5)")
    parser.add_argument(
        "--workloads", nargs="+", choices=[*names, "forms", "scaling"], metavar="NAME",
        help=f"only these: {', '.join(names)}, forms, scaling; the page is written only with --page",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="small captures, to see that all works; no page by default"
    )
    parser.add_argument(
        "--captures", type=Path, metavar="DIR", default=Path(tempfile.gettempdir()) / "pmtu-analyze-benchmark",
        help="where the captures are kept (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="write the result there (default docs/performance.md)"
    )
    parser.add_argument(
        "--patience", type=float, default=900, metavar="SECONDS", help="the longest that a run may take"
    )
    parser.add_argument("--again", action="store_true", help="write the page from the results of the last run")
    return parser


def _run(workload: Workload, programs: list[Program], options: argparse.Namespace) -> Outcome:
    outcome = Outcome(workload.name, workload.title, workload.about)
    try:
        captures = [_made(wanted, options) for wanted in workload.captures]
        slices = [_made(wanted, options) for wanted in workload.slices]
    except CaptureError as error:
        outcome.skipped = str(error)
        _say(f"{workload.name}: skipped: {error}")
        return outcome
    jobs = [
        (program, made)
        for program in programs
        if not (workload.tunnel and program.slow and not program.tunnels)
        and (not program.only or workload.name in program.only)
        for made in (slices or captures if program.slow else captures)
        if program.on(made.path) is not None
    ]
    outcome.series = measure.alternate(jobs, options.runs, options.patience, _say)
    if any(one.program == TOOL.name and one.samples for one in outcome.series):
        outcome.verdicts, notes = measure.verdicts(captures[-1])
        outcome.notes += [f"The tool says: {note}" for note in notes]
    if workload.tunnel:
        outcome.notes.append("tcptrace and tcpdump do not look inside the tunnel: they see UDP only.")
    return outcome


def _in_form(pair: Pair, plain: Pair, options: argparse.Namespace) -> Outcome:
    """One form, in turn with plain Ethernet. Its captures are removed."""
    form = pair[0].kind
    outcome = Outcome(form, FORMS[form].title, "")
    programs = {TOOL: pair, replace(TOOL, name="plain"): plain}
    jobs = [(program, _made(wanted, options)) for program, wanteds in programs.items() for wanted in wanteds]
    outcome.series = measure.alternate(jobs, options.runs, options.patience, _say)
    if pair != plain:
        _remove(pair, options)
    return outcome


def _remove(pair: Pair, options: argparse.Namespace) -> None:
    for wanted in pair:
        (options.captures / wanted.name).unlink()


def _made(wanted: Wanted, options: argparse.Namespace) -> Made:
    _say(f"making {wanted.name}")
    return make(wanted, options.captures)


def _scale(wanted: Wanted, programs: list[Program], options: argparse.Namespace, results: Results) -> None:
    """One length: from a file if it fits on the disk and in memory, else generated into a pipe."""
    fits = shutil.disk_usage(options.captures).free > _SPARE * wanted.expected_bytes
    runs = min(options.runs, measure.SLOW_RUNS)
    existed = (options.captures / wanted.name).exists()
    if (not fits and not existed) or _available_memory() < _SPARE * wanted.expected_bytes:
        series: list[Series] = measure.through_a_pipe(wanted.amount, runs, options.patience, _say)
        results.piped.append(wanted.amount)
    else:
        made = _made(wanted, options)
        fast = [
            (program, made) for program in programs if not program.slow and not program.unpacks and not program.only
        ]
        series = measure.alternate(fast, runs, options.patience, _say)
        if wanted.amount >= 10**8 and not existed:
            made.path.unlink()
    results.scaling += series


def _available_memory() -> float:
    """Bytes that new files in the page cache may take."""
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) * 0.8


def _machine() -> dict[str, str]:
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "processor:": f"{model} ({len(os.sched_getaffinity(0))} cores)",
        "memory:": f"{memory:.0f} GB",
        "Linux": platform.release().partition("-")[0],
        "Python": platform.python_version(),
    }


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _fail(why: str) -> int:
    _say(f"benchmarks: {why}")
    return 2
