"""Every file a capture of its own: a line for each, as for a folder of captures of many places.

Of a folder these are all its files but hidden ones, not those of folders in it. One that is no capture gets a line
that says so; only if no file could be read, the command has failed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.cli.command import (
    EXIT_FAILED,
    EXIT_FOUND,
    EXIT_INTERRUPTED,
    EXIT_OK,
    Request,
    complain,
    interruptible,
    is_found,
    settings_of,
    standard_output,
)
from analyzer.errors import CaptureError

if TYPE_CHECKING:
    from analyzer.capture.stop import Stop
    from analyzer.model.analysis import Analysis


def report_each(request: Request) -> int:
    """Print a line for each capture as soon as it is analysed; returns the exit code.

    Raises:
        CaptureError: a folder cannot be read, or has no file.
    """
    read, found, stopped = 0, False, False
    with interruptible([*request.captures, "-"]) as stop:  # together they may take long
        for capture in list(_files(request.captures)):
            analysis = _told(capture, request, stop)
            if analysis is not None:
                read += 1
                found = found or is_found(analysis, request)
            if stop is not None:
                stopped = stop.asked
                stop.over = False
            if stopped:
                break
    if not read:
        return EXIT_FAILED
    if found:
        return EXIT_FOUND
    return EXIT_INTERRUPTED if stopped else EXIT_OK


def _told(capture: str, request: Request, stop: Stop | None) -> Analysis | None:
    """Print the line of a capture; None if it is none."""
    from analyzer.model.text import printable
    from analyzer.report.one_line import damage, line_of

    try:
        analysis = _analysis(capture, request, stop)
        line = line_of(analysis)
    except CaptureError as error:
        analysis, line = None, printable(str(error))
    with standard_output():
        sys.stdout.write(f"{line}\n")
    for problem in damage(analysis) if analysis is not None else ():
        complain(problem)
    return analysis


def _analysis(capture: str, request: Request, stop: Stop | None) -> Analysis:
    from analyzer.api.pipeline import found_in
    from analyzer.cli.progress import ProgressBar
    from analyzer.tables.selection import narrow

    with ProgressBar() as bar:
        analysis = found_in(capture, settings=settings_of(request), progress=bar.update, notify=complain, stop=stop)
    return narrow(analysis, (), request.host, request.port)


def _files(captures: Sequence[str]) -> Iterator[str]:
    for capture in captures:
        folder = Path(capture)
        if capture == "-" or not folder.is_dir():
            yield capture
            continue
        try:
            inside = sorted(str(path) for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        except OSError as error:
            raise CaptureError(capture, None, (error.strerror or str(error)).lower()) from None
        if not inside:
            raise CaptureError(capture, None, "a directory without files")
        yield from inside
