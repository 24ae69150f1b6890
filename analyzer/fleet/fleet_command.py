"""The command `pmtu-fleet`: its options, its progress, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from analyzer.cli.main import in_words
from analyzer.errors import PmtuAnalyzeError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PROGRAM = "pmtu-fleet"
EXIT_OK, EXIT_FAILED, EXIT_INTERRUPTED = 0, 2, 130
TOLD_EVERY_S = 0.2
LOGGED_EVERY_S = 30.0
"""Between two lines of progress where nobody watches."""

_ClickError: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(name=PROGRAM, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def fleet_of(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Captures, folders of them and of folders, patterns in quotes, s3:// and gs:// with a prefix or "
            "pattern, https:// files. The files of one folder are one capture, merged in time order.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="DIR", help="Folder of results. What it holds is not done again.")
    ],
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Worker processes on this machine.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, as in tcp://10.0.0.1:8786.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by",
            metavar="PATTERN",
            help="A regular expression that finds the capture point in a file's path below its SOURCE, as in "
            "'(host[0-9]+)': files of one capture point are one capture.",
        ),
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Every file is a capture of its own.")] = False,
    platform: Annotated[
        list[str] | None, typer.Option("--platform", metavar="NAME", help="As for pmtu-analyze. May repeat.")
    ] = None,
    max_decompressed: Annotated[
        float | None,
        typer.Option("--max-decompressed", metavar="GIB", help="As for pmtu-analyze, of each file."),
    ] = None,
) -> int:
    """Analyse the captures of many hosts and days, and say what they show together.

    In this process, in some on this machine (--workers), or on a Dask cluster (--scheduler). Ctrl-C keeps what is
    done; the same command goes on from there.
    """
    if workers is not None and scheduler is not None:
        raise UsageError("--workers and --scheduler cannot go together: the scheduler has its workers")
    if each and group_by is not None:
        raise UsageError("--each and --group-by cannot go together")
    from analyzer.cli.command import Request, settings_of
    from analyzer.fleet.fleet_entry import planned, run
    from analyzer.fleet.keeping import Kept
    from analyzer.fleet.running import local_workers, scheduler_at
    from analyzer.fleet.terminal import lines_of

    settings = settings_of(Request((), platforms=platform or (), max_decompressed=max_decompressed))
    plan = planned(sources, group_by=group_by, each=each, settings=settings)
    using: AbstractContextManager[Any] = nullcontext()
    if scheduler is not None:
        using = scheduler_at(scheduler)
    elif workers is not None:
        using = local_workers(workers)
    progress = _Progress()
    fleet = run(plan, Kept(Path(output)), using, progress)
    progress.end()
    sys.stdout.writelines(f"{line}\n" for line in lines_of(fleet.answer))
    sys.stdout.flush()
    complain(f"wrote {Path(output) / 'index.html'}")
    if fleet.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_OK if fleet.answer.groups else EXIT_FAILED


class _Progress:
    """One line on standard error that is written over, or a line now and then."""

    def __init__(self) -> None:
        self._begun = monotonic()
        self._at_first: int | None = None
        self._shown = False
        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._last: float | None = None

    def __call__(self, done: int, in_all: int, done_bytes: int, bytes_in_all: int) -> None:
        now = monotonic()
        if self._at_first is None:
            self._at_first = done_bytes
        if self._last is not None and now - self._last < (TOLD_EVERY_S if self._live else LOGGED_EVERY_S):
            return
        read = f"{done_bytes / 1e9:,.2f} of {bytes_in_all / 1e9:,.2f} GB"
        if self._last is None:
            self._begun = now
        else:
            read += f", {(done_bytes - self._at_first) / max(now - self._begun, 0.001) / 1e6:,.0f} MB/s"
        self._last = now
        line = f"{done:,} of {in_all:,} captures, {read}"
        if self._live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._shown = True
        else:
            complain(line)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def complain(message: str) -> None:
    """One line on standard error."""
    from analyzer.model.text import printable

    sys.stderr.write(f"{PROGRAM}: {printable(' '.join(message.split()))}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default those of the process) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except PmtuAnalyzeError as error:
        complain(str(error))
        return EXIT_FAILED
    except _ClickError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        complain(f"{message.strip().rstrip('.')}; try --help")
        return EXIT_FAILED
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except BaseException as error:  # never a traceback
        complain(in_words(error))
        return EXIT_FAILED
    return code if isinstance(code, int) else EXIT_OK
