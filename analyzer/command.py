"""What the command does once its words are understood: check, analyse, report, exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.errors import UsageError

if TYPE_CHECKING:
    from analyzer.results import Analysis

EXIT_OK = 0
EXIT_FOUND = 1
PROGRAM = "pmtu-analyze"


def execute(
    captures: Sequence[str],
    *,
    output: Sequence[str] = (),
    as_json: bool = False,
    streams: Sequence[int] = (),
    host: str | None = None,
    port: int | None = None,
    show_all: bool = False,
    fail_on: Sequence[str] = (),
    platforms: Sequence[str] = (),
) -> int:
    """Analyse the captures and report; returns the exit code.

    Raises:
        UsageError: an option cannot be carried out.
        CaptureError: an input is no capture.
    """
    _check(captures, output, fail_on, host, platforms)
    analysis = _analyze(captures, streams, host, port, platforms)
    _report(analysis, output, as_json=as_json, show_all=show_all)
    return EXIT_FOUND if any(flow.verdict in fail_on for flow in analysis.all_flows) else EXIT_OK


def _check(
    captures: Sequence[str],
    targets: Sequence[str],
    verdicts: Sequence[str],
    host: str | None,
    platforms: Sequence[str],
) -> None:
    """Refuse what cannot work before any time is spent on the capture."""
    if captures.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    if verdicts:
        from analyzer.results import VERDICTS

        for verdict in verdicts:
            if verdict not in VERDICTS:
                raise UsageError(f"--fail-on {verdict!r} is no verdict; verdicts are {', '.join(VERDICTS)}")
    if platforms:
        from analyzer.pipeline import check_platforms

        check_platforms(platforms)
    if host is not None:
        from analyzer.report.selection import spellings

        spellings(host)
    if targets:
        from analyzer.report import check_target

        for target in targets:
            check_target(target)


def _analyze(
    captures: Sequence[str], streams: Sequence[int], host: str | None, port: int | None, platforms: Sequence[str]
) -> Analysis:
    from analyzer.pipeline import analyze
    from analyzer.report.progress import ProgressBar
    from analyzer.report.selection import narrow
    from analyzer.settings import Settings

    with ProgressBar() as bar:
        analysis = analyze(
            list(captures), settings=Settings(platforms=tuple(platforms)), progress=bar.update, notify=complain
        )
    return narrow(analysis, streams, host, port)


def _report(analysis: Analysis, targets: Sequence[str], *, as_json: bool, show_all: bool) -> None:
    from analyzer.report.document import damage

    for line in damage(analysis):
        complain(line)
    failure: UsageError | None = None
    for target in targets:
        from analyzer.report import save

        try:
            save(analysis, target)
        except UsageError as error:
            failure = error  # what was found is printed all the same
    if as_json:
        from analyzer.report.data import to_json

        sys.stdout.write(to_json(analysis))
    else:
        from analyzer.report.terminal import show

        show(analysis, show_all=show_all)
    sys.stdout.flush()
    if failure is not None:
        raise failure


def complain(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    from analyzer.report.text import printable

    line = " ".join(message.split())
    sys.stderr.write(f"{PROGRAM}: {printable(line)}\n")
