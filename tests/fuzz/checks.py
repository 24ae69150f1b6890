"""What must hold for any input: an analysis or a CaptureError, in time, in memory, and with all packets counted."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import analyzer
from analyzer.errors import CaptureError
from analyzer.kernels.cache import GROUPS, is_compiled_before
from analyzer.report.formats.csv_report import to_csv
from analyzer.report.formats.html_report import to_html
from analyzer.report.formats.json_report import to_json
from analyzer.report.formats.terminal_report import show

MOST_SECONDS = 2.0
"""Processor time of one run."""
MOST_MEGABYTES = 300
"""Resident memory of the whole process, test harness included."""


class BrokenError(AssertionError):
    """An input for which something did not hold."""


@contextmanager
def in_time() -> Iterator[None]:
    """Raise BrokenError if the block takes more processor time than a run may. Interpreted code is interrupted."""

    def stop(*_: object) -> None:
        raise BrokenError(f"takes more than {MOST_SECONDS} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def analyzed(inputs: Sequence[bytes], *, compiled: bool) -> Any:
    """The analysis, or the text of the CaptureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return analyzer.analyze([io.BytesIO(data) for data in inputs], compiled=compiled)
    except CaptureError as error:
        return str(error)


def check_accounts(analysis: Any) -> None:
    """Every packet read is in exactly one of the counts."""
    counted = analysis.totals
    parts = counted.tcp_packets + counted.icmp_packets + counted.udp_packets + sum(counted.undecoded.values())
    if counted.packets != parts:
        raise BrokenError(f"{counted.packets} packets, but {parts} accounted for")
    read = sum(file.packets for file in analysis.files)
    if counted.packets != read:
        raise BrokenError(f"{counted.packets} packets, but {read} read from the files")
    in_flows = sum(flow.packet_count for flow in analysis.all_flows)
    # A flow that was captured at several points is listed once, with the packets of one of them.
    points = len({file.point for file in analysis.files})
    if in_flows > counted.tcp_packets or (points == 1 and in_flows < counted.tcp_packets):
        raise BrokenError(f"{counted.tcp_packets} TCP packets, but {in_flows} in the flows")


def check_same(one: Any, other: Any) -> None:
    """The interpreted and the compiled run say the same."""
    if isinstance(one, str) or isinstance(other, str):
        same = one == other
    else:
        same = to_json(one) == to_json(other) and one.all_flows == other.all_flows
    if not same:
        raise BrokenError("interpreted and compiled differ")


def check_reports(analysis: Any) -> None:
    """Reports, tables and the second pass can be made."""
    json.loads(to_json(analysis))
    show(analysis, show_all=True, file=io.StringIO())
    to_html(analysis, plots=False)
    to_csv(analysis)
    for flow in analysis.all_flows[:3]:
        _ = flow.packets


def check(inputs: Sequence[bytes], *, compiled: bool, both: bool = False, reports: bool = False) -> Any:
    """Run the analysis of the inputs as one capture; raises BrokenError, or whatever the analysis should not raise."""
    with in_time():
        started = time.process_time()
        result = analyzed(inputs, compiled=compiled)
        if not isinstance(result, str):
            check_accounts(result)  # asks for every flow: they are made when somebody asks
        seconds = time.process_time() - started
    if seconds > MOST_SECONDS:
        raise BrokenError(f"takes {seconds:.1f} s")
    if both:
        with in_time():
            other = analyzed(inputs, compiled=not compiled)
        check_same(result, other)
    if reports and not isinstance(result, str):
        with in_time():
            check_reports(result)
    return result


def most_memory() -> int:
    """Most resident memory of this process so far, MB."""
    # VmHWM starts anew with the program; getrusage's peak is inherited from whoever started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def compile_elsewhere() -> None:
    """Have all kernels in the cache: compiling takes time and memory, which are not what is measured here.

    Reports need others than the analysis. On a new machine that is busy besides, one group takes longer than an input
    may be silent.
    """
    for group, module in GROUPS.items():
        if not is_compiled_before(group):
            code = f"from {module} import examples; from analyzer.kernels.cache import load_kernels as load"
            subprocess.run([sys.executable, "-c", f"{code}; load(examples, {group!r})"], check=True)
