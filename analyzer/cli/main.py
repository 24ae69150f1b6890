"""The entry of the command: streams, errors as one line, exit code."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from analyzer.cli.command import EXIT_FAILED, EXIT_INTERRUPTED, Request, complain, drop, execute, input_is_given
from analyzer.errors import PmtuAnalyzeError

DEBUG = "PMTU_ANALYZE_DEBUG"
"""An environment variable: where it is set, what failed is shown with its traceback."""

SHOWN_CHARACTERS = 300
"""Of the text of an unexpected exception: some hold all that they were given."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default those of the process) and return its exit code."""
    try:
        _prepare_streams()
        _quicken_start()
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except PmtuAnalyzeError as error:
        problem = str(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED  # who pressed the key knows why
    except BaseException as error:  # else Python ends with 1, which means that a verdict was found
        problem = in_words(error)
    finally:
        _settle()
    # Only here the frames of what failed are gone, with all that they held: telling takes memory, too.
    complain(problem)
    _settle()
    return EXIT_FAILED


COMPLETES = "_PMTU_ANALYZE_COMPLETE"
"""Set by a shell that asks how its line may go on."""


def _run(words: Sequence[str]) -> int:
    if not words and COMPLETES not in os.environ and input_is_given():
        words = ["-"]
    if words and all(word == "-" or not word.startswith("-") for word in words):
        # Captures and no option: nothing to parse. Newer typer versions load pydantic to convert
        # options, which takes longer than reading a small capture.
        return execute(Request(words))
    from analyzer.cli.options import parse_and_run

    return parse_and_run(words)


def in_words(error: BaseException) -> str:
    """What to tell of an exception that stands for no mistake of the user."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if os.environ.get(DEBUG):
        _show_traceback(error)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}"
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("analyzer"):
        return f"expected the package {error.name.partition('.')[0]}, found none"
    return _as_a_fault(error)


def _as_a_fault(error: BaseException) -> str:
    """A line that is worth reporting: what happened, where, and in which version."""
    import platform

    from analyzer.model import tool

    try:
        text = str(error)
    except Exception:  # a text that cannot be had must not hide what it was about
        text = ""
    what = type(error).__name__ + (f": {text[:SHOWN_CHARACTERS]}" if text else "")
    home = os.path.dirname(os.path.dirname(__file__)) + os.sep  # noqa: PTH120 - pathlib may not be loaded yet
    place = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(home):
            place = f", {file.removeprefix(home)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return (
        f"internal error: {what} ({tool.NAME} {tool.__version__}{place}, Python {platform.python_version()}, "
        f"{sys.platform}). This is a fault of the program. Please report it to whoever gave it to you: this line, the "
        f"command and, if others may see it, the capture. {DEBUG}=1 shows where it comes from"
    )


def _show_traceback(error: BaseException) -> None:
    import traceback
    from contextlib import suppress

    from analyzer.model.text import printable

    lines = "".join(traceback.format_exception(error)).splitlines()
    with suppress(OSError, ValueError):
        sys.stderr.writelines(f"{printable(line)}\n" for line in lines)


def _quicken_start() -> None:
    """Spare what a short run pays for and never uses.

    Threads for linear algebra, collections of young objects, and the search for cycles in all that was loaded when the
    process ends anyway, a fifth of a run. Nothing waits for that search: files are closed by whoever opened them.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(100_000, 50, 100)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def _prepare_streams() -> None:
    """Make output that cannot fail: escape what the encoding lacks, ignore closed streams."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _settle() -> None:
    """Write what is left, or drop it: Python would try once more at its end, and exit with 120 where that fails."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            drop(stream)
