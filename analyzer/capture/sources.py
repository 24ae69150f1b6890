"""Sources: what the user named, as readers; and whether it can be read once more."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from analyzer.capture.reader import CaptureReader, is_capture
from analyzer.errors import CaptureError
from analyzer.model.analysis import Rereadable
from analyzer.settings import MAX_DECOMPRESSED_BYTES

Source = str | os.PathLike[str] | BinaryIO


def expand(sources: Sequence[Source]) -> list[Source]:
    """The sources, with the captures in it for each directory, by name. Raises CaptureError if there is none."""
    found: list[Source] = []
    for source in sources:
        if not isinstance(source, (str, os.PathLike)) or source == "-" or not Path(source).is_dir():
            found.append(source)
            continue
        try:
            inside = [str(path) for path in sorted(Path(source).iterdir()) if is_capture(path)]
        except OSError as error:
            problem = f"expected a readable directory, found: {error.strerror}"
            raise CaptureError(os.fspath(source), 0, problem) from None
        if not inside:
            raise CaptureError(os.fspath(source), 0, "expected a directory with captures, found none in it")
        found += inside
    return found


def rereadable(source: Source) -> Rereadable | None:
    """How to read the source once more; None if it can be read only once. To be asked before it is read."""
    if isinstance(source, str) and source == "-":
        return None
    if isinstance(source, (str, os.PathLike)):
        return Rereadable(Path(source).absolute(), 0) if stamp(source) else None
    try:
        return Rereadable(source, source.tell()) if source.seekable() else None
    except (AttributeError, OSError):
        return None


def stamp(source: Source) -> tuple[int, int] | None:
    """Size and modification time (ns) of a regular file named by its path; None for all else."""
    if source == "-" or not isinstance(source, (str, os.PathLike)):
        return None
    try:
        status = Path(source).stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def open_source(source: Source, most_bytes: int = MAX_DECOMPRESSED_BYTES) -> CaptureReader:
    """A reader of the source, not started yet; of compressed input it reads `most_bytes`, decompressed.

    Raises:
        CaptureError: it cannot be opened.
    """
    if isinstance(source, str) and source == "-":
        return CaptureReader(sys.stdin.buffer, "standard input", most_bytes)
    if isinstance(source, (str, os.PathLike)):
        return CaptureReader(Path(source), os.fspath(source), most_bytes)
    return CaptureReader(source, str(getattr(source, "name", "open file")), most_bytes)
