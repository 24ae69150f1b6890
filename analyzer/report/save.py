"""Writing a report: the list of formats, what may be written where, and each file whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from analyzer.errors import UsageError
from analyzer.model import tool
from analyzer.model.analysis import Analysis
from analyzer.model.text import printable
from analyzer.report.wishes import Wishes


class Report(Protocol):
    """A format, able to write an analysis."""

    def files(self, analysis: Analysis, target: Path, wishes: Wishes, /) -> Mapping[Path, Iterable[bytes]]:
        """The files to write, in pieces, `target` last: once it is there, all it refers to is there."""


def _html() -> Report:
    from analyzer.report.formats.html_report import HtmlReport

    return HtmlReport()


def _markdown() -> Report:
    from analyzer.report.formats.markdown_report import MarkdownReport

    return MarkdownReport()


def _json() -> Report:
    from analyzer.report.formats.json_report import JsonReport

    return JsonReport()


def _csv() -> Report:
    from analyzer.report.formats.csv_report import CsvReport

    return CsvReport()


def _parquet() -> Report:
    from analyzer.report.formats.parquet_report import ParquetReport

    return ParquetReport()


def _image() -> Report:
    from analyzer.report.formats.image_report import ImageReport

    return ImageReport()


def _evidence() -> Report:
    from analyzer.report.formats.evidence_capture import EvidenceCapture

    return EvidenceCapture()


class Format(NamedTuple):
    """A kind of report: the suffix that asks for it, and what writes it, loaded only then."""

    suffix: str
    load: Callable[[], Report]
    reads_again: bool = False  # the capture is read once more to write it


FORMATS = (
    Format(".html", _html),
    Format(".md", _markdown),
    Format(".json", _json),
    Format(".csv", _csv),
    Format(".parquet", _parquet),
    Format(".png", _image),
    Format(".svg", _image),
    Format(".pdf", _image),
    Format(".pcapng", _evidence, reads_again=True),
)
"""All formats. A new one is a file in `formats` and a row here."""

SUFFIXES = tuple(each.suffix for each in FORMATS)

BY_SUFFIX = {each.suffix: each for each in FORMATS}


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
    """As `check_suffix`, and refuses what cannot be written: all but a regular file or a free name."""
    suffix = check_suffix(path)
    target = Path(path)
    name = printable(str(target))
    if not target.parent.is_dir():
        raise UsageError(f"{name}: there is no directory {printable(str(target.parent))}")
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return suffix
    except OSError as error:
        raise UsageError(f"{name}: cannot be written: {error.strerror or error}") from error
    if stat.S_ISLNK(mode):
        raise UsageError(f"{name}: is a symbolic link; name the file itself")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name}: is {'a directory' if stat.S_ISDIR(mode) else 'no regular file'}")
    return suffix


def check_beside(path: Path) -> None:
    """As `check_target`, for a file that the user has not named: only what an earlier report put there is replaced.

    Raises:
        UsageError: something else is in its place.
    """
    check_target(path)
    try:
        with path.open("rb") as file:
            ours = tool.NAME.encode() in file.read(200)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{printable(str(path))}: cannot be written: {error.strerror or error}") from error
    if not ours:
        raise UsageError(f"{printable(str(path))}: exists, and is not the timeline of an earlier report; move it away")


def check_not_a_source(target: Path, sources: Iterable[object]) -> None:
    """Refuse an evidence capture in the place of the capture that it is taken from."""
    for source in sources:
        with suppress(OSError):
            if isinstance(source, (str, os.PathLike)) and target.samefile(source):
                raise UsageError(f"{printable(str(target))}: is the capture itself; the evidence needs another name")


def save(analysis: Analysis, path: str | os.PathLike[str], wishes: Wishes = Wishes()) -> None:  # noqa: B008 - immutable
    """Write a report, each file whole or not at all.

    Args:
        analysis: what to report.
        path: its suffix picks the format. An existing regular file is replaced; a symbolic link is refused:
            it could lead elsewhere. The timelines of a Markdown report are written beside it, as
            "report-stream-3.png" beside "report.md"; there, only timelines of earlier reports are replaced.
        wishes: what else is asked of it.

    Raises:
        UsageError: unknown suffix, something else in the place of a file, the file cannot be written, or the
            capture cannot be read again for an evidence capture.
    """
    kind = BY_SUFFIX[check_target(path)]
    target = Path(path)
    if kind.reads_again:
        check_not_a_source(target, [again.source for again in analysis.sources if again is not None])
    for beside, content in kind.load().files(analysis, target, wishes).items():
        check_target(beside) if beside == target else check_beside(beside)
        try:
            _replace(beside, content)
        except OSError as error:
            raise UsageError(f"{printable(str(beside))}: cannot be written: {error.strerror or error}") from error


def _replace(target: Path, content: Iterable[bytes]) -> None:
    """Put `content` in place in one step: a reader sees the old file or the new one, never half of it."""
    temporary = target.with_name(f".{target.name[:40]}.{os.urandom(8).hex()}")
    # O_EXCL: never through a file or link that somebody put there. The umask applies as to any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.writelines(content)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
