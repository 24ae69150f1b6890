"""The entry of the command: streams, errors as one line, exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from analyzer.cli.command import EXIT_OK, complain, execute
from analyzer.errors import PmtuAnalyzeError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # as shells report SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (by default those of the process) and return its exit code."""
    _prepare_streams()
    _quicken_start()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words and all(word == "-" or not word.startswith("-") for word in words):
            # Captures and no option: nothing to parse. Newer typer versions load pydantic to convert
            # options, which takes longer than reading a small capture.
            return execute(words)
        from analyzer.cli.options import parse_and_run

        return parse_and_run(words)
    except PmtuAnalyzeError as error:
        complain(str(error))
    except BrokenPipeError:
        # The reader has seen enough (`| head`). What Python would still flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED  # who pressed the key knows why
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        complain(f"{name}{error.strerror or error}")
    except MemoryError:
        complain("out of memory")
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
