"""What cannot work is refused before any time is spent on the capture."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from analyzer.cli.command import Request
from analyzer.errors import CaptureError, UsageError


def check(request: Request) -> None:
    """Refuse what cannot work. Raises UsageError."""
    captures = [*request.captures, *([request.compare] if request.compare is not None else [])]
    _check_printing(request)
    if request.each:
        _check_each(request)
    if request.fail_on:
        from analyzer.report.reasons import check_named

        for verdict in request.fail_on:
            check_named(verdict, "--fail-on")
    if request.why_not is not None:
        from analyzer.report.reasons import check_verdict

        check_verdict(request.why_not, "--why-not")
    if request.platforms:
        from analyzer.api.pipeline import check_platforms

        check_platforms(request.platforms)
    if request.host is not None:
        from analyzer.tables.selection import check_host

        check_host(request.host)
    if request.output:
        _check_targets(request, captures)
    if request.keep_payload and not any(target.lower().endswith(".pcapng") for target in request.output):
        raise UsageError("--keep-payload is about an evidence capture: add -o evidence.pcapng")
    if request.keep_payload and request.anonymize:
        raise UsageError("--anonymize and --keep-payload exclude each other: payload is full of names and addresses")
    if request.names:
        _check_names(request)


def _check_names(request: Request) -> None:
    """Names are found by reading once more."""
    if request.anonymize:
        raise UsageError("--anonymize and --names exclude each other: a name tells whose address it was")
    for capture in (*request.captures, *([request.compare] if request.compare is not None else [])):
        _check_readable_twice(capture, "--names")


def _check_printing(request: Request) -> None:
    """Standard output holds one thing."""
    ways = {
        "--json": request.as_json,
        "--markdown": request.as_markdown,
        "--why-not": request.why_not is not None,
        "--each": request.each,
        "--brief": request.brief and not request.each,  # lines are what --each prints
    }
    asked = [name for name, wanted in ways.items() if wanted]
    if len(asked) > 1:
        raise UsageError(f"{asked[0]} and {asked[1]} both say what is printed: ask for one of them")


def _check_each(request: Request) -> None:
    """Of very many captures there is one line each, and nothing else."""
    unfit = {
        "-o": request.output,
        "--stream": request.streams,
        "--compare": request.compare is not None,
        "--anonymize": request.anonymize,
        "--names": request.names,
        "--all": request.show_all,
    }
    for name, wanted in unfit.items():
        if wanted:
            raise UsageError(f"--each prints a line for each capture, for which {name} has no meaning")


def _check_targets(request: Request, captures: Sequence[str]) -> None:
    from analyzer.report.save import BY_SUFFIX, check_not_an_input, check_target

    for target in request.output:
        kind = BY_SUFFIX[check_target(target)]
        if Path(target).exists():
            check_not_an_input(Path(target), _files(captures))
        if kind.one_file:
            _check_one_file(target, request.captures)
        if not kind.reads_again:
            continue
        for capture in request.captures:
            _check_readable_twice(capture, target)


def _check_readable_twice(capture: str, what: str) -> None:
    from analyzer.capture.sources import rereadable

    is_folder = Path(capture).is_dir()
    if capture == "-" or (Path(capture).exists() and not is_folder and rereadable(capture) is None):
        name = "standard input" if capture == "-" else capture
        raise UsageError(f"{name}: cannot be read twice, which {what} needs; save it to a file first")


def _check_one_file(target: str, captures: Sequence[str]) -> None:
    from analyzer.capture.sources import without_repeated
    from analyzer.report.formats.annotated_capture import check_one_file

    known = sum(capture == "-" for capture in captures)  # of which nobody knows better than that it is one
    named = [capture for capture in captures if capture != "-"]
    files, _ = without_repeated([file for file in _files(named) if isinstance(file, (str, os.PathLike))])
    if known + len(files) > 1:
        check_one_file(target, known + len(files))


def _files(captures: Sequence[str]) -> Iterator[str | os.PathLike[str] | BinaryIO]:
    """The files that are going to be read, those in directories included."""
    from analyzer.capture.sources import expand

    for capture in captures:
        if capture == "-":
            yield from [sys.stdin.buffer] if sys.stdin is not None else []
            continue
        with suppress(CaptureError):  # which is told when it is read
            yield from expand([capture])
