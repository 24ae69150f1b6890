"""What the command does once its words are understood: check, analyse, report, exit code."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TextIO

from analyzer.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from analyzer.capture.stop import Stop
    from analyzer.model.analysis import Analysis
    from analyzer.redaction.addresses import Anonymizer
    from analyzer.settings import Settings

MOST_GIB = 1 << 20
"""A pebibyte: who asks for more has mistyped."""

SOON_READ_BYTES = 100_000
"""Captures of so many bytes are read before anybody can want it to end."""

EXIT_OK = 0
EXIT_FOUND = 1
EXIT_FAILED = 2
EXIT_INTERRUPTED = 130  # as shells report SIGINT
PROGRAM = "pmtu-analyze"


class Request(NamedTuple):
    """What was asked for."""

    captures: Sequence[str]
    output: Sequence[str] = ()
    as_json: bool = False
    as_markdown: bool = False
    brief: bool = False
    each: bool = False
    streams: Sequence[int] = ()
    host: str | None = None
    port: int | None = None
    show_all: bool = False
    plots: bool = True
    fail_on: Sequence[str] = ()
    why_not: str | None = None
    platforms: Sequence[str] = ()
    compare: str | None = None
    anonymize: bool = False
    keep_payload: bool = False
    max_decompressed: float | None = None
    names: bool = False


def execute(request: Request) -> int:
    """Analyse the captures and report; returns the exit code. Options are checked before (`checks`).

    Raises:
        UsageError: an option cannot be carried out.
        CaptureError: an input is no capture.
    """
    captures = [*request.captures, *([request.compare] if request.compare is not None else [])]
    if captures.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    with interruptible(captures) as stop:
        judged = analysis = _analyze(request, stop)
    if analysis.later is not None:
        judged = analysis.later
    if stop is not None and stop.asked:
        complain(f"interrupted after {judged.totals.packets:,} packets; these were analysed")
    if not _report(analysis, request):
        return EXIT_FAILED
    if is_found(judged, request):
        return EXIT_FOUND
    return EXIT_INTERRUPTED if stop is not None and stop.asked else EXIT_OK


def is_found(analysis: Analysis, request: Request) -> bool:
    """Whether a flow has a verdict on which the command shall fail, or a path that pings, PTBs or fragments tell of."""
    if not request.fail_on:
        return False
    from analyzer.model.verdicts import VERDICTS, named

    alone = {trouble.verdict for trouble in analysis.all_troubles}
    # Of UDP it may be normal that nothing answers: what accuses nobody counts where it is asked for by its name.
    silent = bool(analysis.udp_streams_with(set(request.fail_on) & {*VERDICTS}))
    return silent or bool(named(request.fail_on) & (analysis.verdict_counts.keys() | alone))


def input_is_given() -> bool:
    """Whether standard input is a file or a pipe: neither a terminal, nor closed, nor /dev/null."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def interruptible(captures: Sequence[str]) -> AbstractContextManager[Stop | None]:
    """What ends the reading at Ctrl-C; nothing where that takes no time."""
    if all(_is_soon_read(capture) for capture in captures) and len(captures) == 1:
        return nullcontext()
    from analyzer.cli.interrupt import stopping

    return stopping()


def _is_soon_read(capture: str) -> bool:
    try:
        status = os.stat(capture)  # noqa: PTH116 - as quick as can be
    except (OSError, ValueError):
        return capture != "-"
    return stat.S_ISREG(status.st_mode) and status.st_size < SOON_READ_BYTES


def settings_of(request: Request) -> Settings:
    """The settings that the request asks for."""
    from analyzer.settings import Settings

    settings = Settings(platforms=tuple(request.platforms))
    if request.max_decompressed is None:
        return settings
    return replace(settings, max_decompressed_bytes=_bytes_of(request.max_decompressed))


def _analyze(request: Request, stop: Stop | None) -> Analysis:
    from analyzer.api.pipeline import found_in
    from analyzer.cli.progress import ProgressBar

    settings = settings_of(request)
    anonymizer = _anonymizer(request)
    host = request.host
    if host is not None and anonymizer is not None:
        from analyzer.tables.selection import anonymous_host

        host = anonymous_host(host, anonymizer)

    def run(captures: Sequence[str], streams: Sequence[int]) -> Analysis:
        with ProgressBar() as bar:
            analysis = found_in(
                list(captures),
                settings=settings,
                progress=bar.update,
                notify=complain,
                anonymizer=anonymizer,
                stop=stop,
                names=request.names,
            )
        if not streams and host is None and request.port is None:
            return analysis
        from analyzer.tables.selection import narrow

        return narrow(analysis, streams, host, request.port)

    analysis = run(request.captures, request.streams)
    if request.compare is None or (stop is not None and stop.asked):
        return analysis
    from analyzer.model.comparison import compared

    # Streams have other numbers there; the paths of the flows that were chosen are what is compared.
    return compared(analysis, run([request.compare], ()))


def _bytes_of(gibibytes: float) -> int:
    if not 0 <= gibibytes <= MOST_GIB:  # neither is nan
        raise UsageError(f"--max-decompressed: expected a number of GiB up to {MOST_GIB:,}, found {gibibytes:g}")
    return int(gibibytes * (1 << 30))


def _anonymizer(request: Request) -> Anonymizer | None:
    if not request.anonymize:
        return None
    from analyzer.redaction.addresses import Anonymizer

    return Anonymizer()


def _report(analysis: Analysis, request: Request) -> bool:
    """Write and print what was asked for; False if a report could not be written, which is told."""
    _tell_of_damage(analysis)
    if analysis.later is not None:
        _tell_of_damage(analysis.later)
    failed = [target for target in request.output if not _write(analysis, target, request)]
    with standard_output():
        _print(analysis, request)
    return not failed


def _tell_of_damage(analysis: Analysis) -> None:
    if any(file.damaged_at is not None for file in analysis.files):
        from analyzer.report.one_line import damage

        for line in damage(analysis):
            complain(line)


def _write(analysis: Analysis, target: str, request: Request) -> bool:
    from analyzer.report.save import save
    from analyzer.report.wishes import Wishes

    try:
        files = save(analysis, target, Wishes(request.plots, request.keep_payload, notify=complain, alone=True))
    except UsageError as error:
        complain(str(error))
        return False  # what was found is printed all the same
    for file in files:
        complain(f"wrote {file} ({file.stat().st_size:,} bytes)")
    return True


def _print(analysis: Analysis, request: Request) -> None:
    if request.as_json:
        from analyzer.report.formats.json_report import json_pieces

        sys.stdout.writelines(json_pieces(analysis))
    elif request.as_markdown:
        from analyzer.report.formats.markdown_report import to_markdown
        from analyzer.report.page import page_of

        sys.stdout.write(to_markdown(page_of(analysis)))
    elif request.why_not is not None:
        from analyzer.report.reasons import why_not_lines

        sys.stdout.writelines(f"{line}\n" for line in why_not_lines(analysis, request.why_not))
    elif request.brief:
        from analyzer.report.one_line import line_of

        sys.stdout.write(f"{line_of(analysis)}\n")
    else:
        from analyzer.report.formats.terminal_report import show

        if not sys.stdout.isatty():
            from analyzer.model.text import capture_name

            sys.stdout.write(f"{capture_name(analysis.files)}:\n")
        show(analysis, show_all=request.show_all)


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
