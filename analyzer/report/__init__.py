"""Reports: the analysis as text, data and figures.

Analysis -> document (all wording, plain data) -> terminal
         -> data (JSON, CSV, DataFrames)
         -> figures (timelines)
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from analyzer.errors import UsageError
from analyzer.report.text import printable
from analyzer.results import Analysis

SUFFIXES = (".json", ".csv", ".png", ".svg", ".pdf")
"""Report formats by the suffix of the file's name; the last three are timelines."""


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for, as its suffix in lower case.

    Raises:
        UsageError: no such format; the message names all there are.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        name = printable(os.fspath(path))
        raise UsageError(f"{name}: unknown kind of report; its suffix must be one of {', '.join(SUFFIXES)}")
    return suffix


def check_target(path: str | os.PathLike[str]) -> str:
    """As `check_suffix`, and refuses what cannot be written: a symbolic link, a missing directory."""
    suffix = check_suffix(path)
    target = Path(path)
    if target.is_symlink():
        raise UsageError(f"{printable(str(target))}: is a symbolic link; name the file itself")
    if not target.parent.is_dir():
        raise UsageError(f"{printable(str(target))}: there is no directory {printable(str(target.parent))}")
    return suffix


def save(analysis: Analysis, path: str | os.PathLike[str]) -> None:
    """Write a report, whole or not at all.

    Args:
        analysis: what to report.
        path: its suffix picks the format. An existing file is replaced, a symbolic link is refused: it
            could lead elsewhere.

    Raises:
        UsageError: unknown suffix, a symbolic link, nothing to draw, or the file cannot be written.
    """
    suffix = check_target(path)
    target = Path(path)
    content = _rendered(analysis, suffix)
    try:
        _replace(target, content)
    except OSError as error:
        raise UsageError(f"{printable(str(target))}: cannot be written: {error.strerror or error}") from error


def _rendered(analysis: Analysis, suffix: str) -> bytes:
    if suffix in (".json", ".csv"):
        from analyzer.report import data

        return (data.to_json(analysis) if suffix == ".json" else data.to_csv(analysis)).encode()
    from analyzer.report.figures import timelines_image

    return timelines_image(analysis, suffix.removeprefix("."))


def _replace(target: Path, content: bytes) -> None:
    """Put `content` in place in one step: a reader sees the old file or the new one, never half of it."""
    temporary = target.with_name(f".{target.name[:40]}.{os.urandom(8).hex()}")
    # O_EXCL: never through a file or link that somebody put there. The umask applies as to any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(content)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
