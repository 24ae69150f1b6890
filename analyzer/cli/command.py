"""What the command does once its words are understood: check, analyse, report, exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, TextIO

from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.model.analysis import Analysis
    from analyzer.redaction.addresses import Anonymizer

MOST_GIB = 1 << 20
"""A pebibyte: who asks for more has mistyped."""

EXIT_OK = 0
EXIT_FOUND = 1
EXIT_FAILED = 2
PROGRAM = "pmtu-analyze"


@dataclass(frozen=True)
class _Request:
    """What was asked for."""

    captures: Sequence[str]
    output: Sequence[str]
    as_json: bool
    streams: Sequence[int]
    host: str | None
    port: int | None
    show_all: bool
    plots: bool
    fail_on: Sequence[str]
    why_not: str | None
    platforms: Sequence[str]
    compare: str | None
    anonymize: bool
    keep_payload: bool
    max_decompressed: float | None


def execute(
    captures: Sequence[str],
    *,
    output: Sequence[str] = (),
    as_json: bool = False,
    streams: Sequence[int] = (),
    host: str | None = None,
    port: int | None = None,
    show_all: bool = False,
    plots: bool = True,
    fail_on: Sequence[str] = (),
    why_not: str | None = None,
    platforms: Sequence[str] = (),
    compare: str | None = None,
    anonymize: bool = False,
    keep_payload: bool = False,
    max_decompressed: float | None = None,
) -> int:
    """Analyse the captures and report; returns the exit code.

    Raises:
        UsageError: an option cannot be carried out.
        CaptureError: an input is no capture.
    """
    request = _Request(
        captures, output, as_json, streams, host, port, show_all, plots, fail_on, why_not, platforms, compare,
        anonymize, keep_payload, max_decompressed,
    )  # fmt: skip
    _check(request)
    judged = analysis = _analyze(request)
    if analysis.later is not None:
        judged = analysis.later
    found = any(judged.verdict_counts[verdict] for verdict in fail_on)
    if not _report(analysis, request):
        return EXIT_FAILED
    return EXIT_FOUND if found else EXIT_OK


def _check(request: _Request) -> None:
    """Refuse what cannot work before any time is spent on the capture."""
    captures = [*request.captures, *([request.compare] if request.compare is not None else [])]
    if captures.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    if request.fail_on:
        from analyzer.report.reasons import check_verdict

        for verdict in request.fail_on:
            check_verdict(verdict, "--fail-on")
    if request.why_not is not None:
        from analyzer.report.reasons import check_verdict

        check_verdict(request.why_not, "--why-not")
        if request.as_json:
            raise UsageError("--why-not prints lines and --json prints JSON: ask for one of them")
    if request.platforms:
        from analyzer.api.pipeline import check_platforms

        check_platforms(request.platforms)
    if request.host is not None:
        from analyzer.tables.selection import host_text

        host_text(request.host)
    if request.output:
        _check_targets(request, captures)
    if request.keep_payload and not any(target.lower().endswith(".pcapng") for target in request.output):
        raise UsageError("--keep-payload is about an evidence capture: add -o evidence.pcapng")
    if request.keep_payload and request.anonymize:
        raise UsageError("--anonymize and --keep-payload exclude each other: payload is full of names and addresses")


def _check_targets(request: _Request, captures: Sequence[str]) -> None:
    from pathlib import Path

    from analyzer.capture.sources import rereadable
    from analyzer.report.save import BY_SUFFIX, check_not_an_input, check_target

    for target in request.output:
        kind = BY_SUFFIX[check_target(target)]
        if Path(target).exists():
            check_not_an_input(Path(target), _files(captures))
        if not kind.reads_again:
            continue
        for capture in request.captures:
            is_folder = Path(capture).is_dir()
            if capture == "-" or (Path(capture).exists() and not is_folder and rereadable(capture) is None):
                name = "standard input" if capture == "-" else capture
                raise UsageError(f"{name}: cannot be read twice, which {target} needs; save it to a file first")


def _files(captures: Sequence[str]) -> Iterator[str | os.PathLike[str] | BinaryIO]:
    """The files that are going to be read, those in directories included."""
    from analyzer.capture.sources import expand
    from analyzer.errors import CaptureError

    for capture in captures:
        if capture == "-":
            yield from [sys.stdin.buffer] if sys.stdin is not None else []
            continue
        with suppress(CaptureError):  # which is told when it is read
            yield from expand([capture])


def _analyze(request: _Request) -> Analysis:
    from analyzer.api.pipeline import found_in
    from analyzer.cli.progress import ProgressBar
    from analyzer.settings import Settings

    settings = Settings(platforms=tuple(request.platforms))
    if request.max_decompressed is not None:
        settings = replace(settings, max_decompressed_bytes=_bytes_of(request.max_decompressed))
    anonymizer = _anonymizer(request)
    host = request.host
    if host is not None and anonymizer is not None:
        host = anonymizer.text(host)

    def run(captures: Sequence[str], streams: Sequence[int]) -> Analysis:
        with ProgressBar() as bar:
            analysis = found_in(
                list(captures), settings=settings, progress=bar.update, notify=complain, anonymizer=anonymizer
            )
        if not streams and host is None and request.port is None:
            return analysis
        from analyzer.tables.selection import narrow

        return narrow(analysis, streams, host, request.port)

    analysis = run(request.captures, request.streams)
    if request.compare is None:
        return analysis
    from analyzer.model.comparison import compared

    # Streams have other numbers there; the paths of the flows that were chosen are what is compared.
    return compared(analysis, run([request.compare], ()))


def _bytes_of(gibibytes: float) -> int:
    if not 0 <= gibibytes <= MOST_GIB:  # neither is nan
        raise UsageError(f"--max-decompressed: expected a number of GiB up to {MOST_GIB:,}, found {gibibytes:g}")
    return int(gibibytes * (1 << 30))


def _anonymizer(request: _Request) -> Anonymizer | None:
    if not request.anonymize:
        return None
    from analyzer.redaction.addresses import Anonymizer

    return Anonymizer()


def _report(analysis: Analysis, request: _Request) -> bool:
    """Write and print what was asked for; False if a report could not be written, which is told."""
    from analyzer.report.document import damage

    both = [analysis] if analysis.later is None else [analysis, analysis.later]
    for line in (line for each in both for line in damage(each)):
        complain(line)
    written = True
    for target in request.output:
        from analyzer.report.save import save
        from analyzer.report.wishes import Wishes

        try:
            save(analysis, target, Wishes(request.plots, request.keep_payload, notify=complain, alone=True))
        except UsageError as error:
            complain(str(error))
            written = False  # what was found is printed all the same
    with standard_output():
        if request.as_json:
            from analyzer.report.formats.json_report import json_pieces

            sys.stdout.writelines(json_pieces(analysis))
        elif request.why_not is not None:
            from analyzer.report.reasons import why_not_lines

            sys.stdout.writelines(f"{line}\n" for line in why_not_lines(analysis, request.why_not))
        else:
            from analyzer.report.formats.terminal_report import show

            show(analysis, show_all=request.show_all)
    return written


@contextmanager
def standard_output() -> Iterator[None]:
    """In here it is written, nothing else is done: a reader that goes away (`| head`) has seen enough, and is no error.

    Raises:
        OSError: it cannot be written otherwise; it is told as the name of the file.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop(sys.stdout)
    except OSError as error:
        drop(sys.stdout)
        raise OSError(error.errno, error.strerror, error.filename or "standard output") from error


def drop(stream: TextIO) -> None:
    """Let what the stream still holds, and whatever is written to it from now on, go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def complain(message: str) -> None:
    """One line on standard error, whatever the message holds; where nobody can read it, there is nobody to tell."""
    from analyzer.model.text import printable

    line = " ".join(message.split())
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{PROGRAM}: {printable(line)}\n")
