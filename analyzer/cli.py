"""The command line: parse, call, print, exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from analyzer.errors import PmtuAnalyzeError, UsageError

if TYPE_CHECKING:
    from analyzer.results import Analysis

EXIT_OK = 0
EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # as shells report SIGINT

PROGRAM = "pmtu-analyze"

# typer brings its own copy of click in some versions and uses the installed one in others; either way its
# usage errors descend from this class: BadParameter <- UsageError <- ClickException.
_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        from analyzer.report.data import tool_version

        typer.echo(f"{PROGRAM} {tool_version()}")
        raise typer.Exit


@app.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def run(
    captures: Annotated[
        list[str],
        typer.Argument(
            metavar="CAPTURE",
            help="pcap or pcapng files, - for standard input; several are one capture, merged in time order.",
            show_default=False,
        ),
    ],
    output: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Also write a report; the suffix picks the format: .json, .csv (flows), "
            ".png, .svg or .pdf (timelines). May repeat.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON to standard output, and nothing else there.")
    ] = False,
    stream: Annotated[
        list[int] | None,
        typer.Option("--stream", metavar="N", min=0, help="Only this flow, by Wireshark's tcp.stream. May repeat."),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="IP", help="Only flows with this address at one end.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Only flows with this TCP port at one end."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="List healthy flows too.")] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option("--fail-on", metavar="VERDICT", help="Exit with 1 if a flow has this verdict. May repeat."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> int:
    """Find Path MTU Discovery black holes in a packet capture.

    Says for each TCP flow whether large packets vanish on its path while small ones pass, between which
    sizes the path MTU lies, which frames prove it, what was ruled out, and what to do. Reads the capture
    only; sends nothing.

    \b
    Exit codes: 0 analysed; 1 a verdict named by --fail-on was found;
    2 wrong usage, or the input is no capture.

    \b
    Examples:
      pmtu-analyze hang.pcapng
      pmtu-analyze hang.pcapng --stream 3 -o timeline.png
      tcpdump -i any -s 128 -w - 'tcp or icmp or icmp6' | pmtu-analyze -
    """  # noqa: D301  # the backslash-b must be one character: it keeps lines as they are
    del version  # its callback has done the work
    targets, verdicts = output or [], fail_on or []
    _check(captures, targets, verdicts, host)
    analysis = _analyze(captures, stream or [], host, port)
    _report(analysis, targets, as_json=as_json, show_all=show_all)
    return EXIT_FOUND if any(flow.verdict in verdicts for flow in analysis.all_flows) else EXIT_OK


def _check(captures: Sequence[str], targets: Sequence[str], verdicts: Sequence[str], host: str | None) -> None:
    """Refuse what cannot work before any time is spent on the capture."""
    if captures.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    if verdicts:
        from analyzer.results import VERDICTS

        for verdict in verdicts:
            if verdict not in VERDICTS:
                raise UsageError(f"--fail-on {verdict!r} is no verdict; verdicts are {', '.join(VERDICTS)}")
    if host is not None:
        from analyzer.report.selection import spellings

        spellings(host)
    if targets:
        from analyzer.report import check_target

        for target in targets:
            check_target(target)


def _analyze(captures: Sequence[str], streams: Sequence[int], host: str | None, port: int | None) -> Analysis:
    from analyzer.pipeline import analyze
    from analyzer.report.progress import ProgressBar
    from analyzer.report.selection import narrow

    with ProgressBar() as bar:
        analysis = analyze(list(captures), progress=bar.update, notify=_complain)
    return narrow(analysis, streams, host, port)


def _report(analysis: Analysis, targets: Sequence[str], *, as_json: bool, show_all: bool) -> None:
    from analyzer.report.document import damage

    for line in damage(analysis):
        _complain(line)
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


def _complain(message: str) -> None:
    """One line on standard error, whatever the message holds."""
    from analyzer.report.text import printable

    line = " ".join(message.split())
    sys.stderr.write(f"{PROGRAM}: {printable(line)}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default those of the process) and return its exit code."""
    _prepare_streams()
    _quicken_start()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words and all(word == "-" or not word.startswith("-") for word in words):
            # Captures and no option: nothing to parse. Newer typer versions load pydantic to convert
            # options, which takes longer than reading a small capture.
            return run(words)
        code = app(args=words, prog_name=PROGRAM, standalone_mode=False)
        return code if isinstance(code, int) else EXIT_OK
    except PmtuAnalyzeError as error:
        _complain(str(error))
    except BrokenPipeError:
        # The reader has seen enough (`| head`). What Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED  # who pressed the key knows why
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _complain(f"{name}{error.strerror or error}")
    except MemoryError:
        _complain("out of memory")
    except _ClickError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        _complain(f"{message.strip().rstrip('.')}; try --help")
    return EXIT_USAGE


def _quicken_start() -> None:
    """Spare what a short run pays for and never uses: threads for linear algebra, collections of young objects."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000, 50, 100)


def _prepare_streams() -> None:
    """Make output that cannot fail: escape what the encoding lacks, ignore closed streams."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
