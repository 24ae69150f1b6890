"""Writing a report: the list of formats, and what may be written where."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from analyzer.errors import UsageError
from analyzer.model.analysis import Analysis
from analyzer.model.text import printable
from analyzer.report.beside import is_to_be_written
from analyzer.report.put_in_place import put
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


def _udp_csv() -> Report:
    from analyzer.report.formats.csv_report import UdpCsvReport

    return UdpCsvReport()


def _udp_parquet() -> Report:
    from analyzer.report.formats.parquet_report import UdpParquetReport

    return UdpParquetReport()


def _parquet() -> Report:
    from analyzer.report.formats.parquet_report import ParquetReport

    return ParquetReport()


def _image() -> Report:
    from analyzer.report.formats.image_report import ImageReport

    return ImageReport()


def _evidence() -> Report:
    from analyzer.report.formats.evidence_capture import EvidenceCapture

    return EvidenceCapture()


def _annotated() -> Report:
    from analyzer.report.formats.annotated_capture import AnnotatedCapture

    return AnnotatedCapture()


class Format(NamedTuple):
    """A kind of report: how names end that ask for it, and what writes it, loaded only then."""

    suffix: str
    load: Callable[[], Report]
    reads_again: bool = False  # the capture is read once more to write it
    needs: str = ""  # a package that is not installed with the tool
    one_file: bool = False  # it is about frame numbers, which are those within a file


ANNOTATED = "annotated.pcapng"
"""How names of annotated captures end: "annotated.pcapng", "case7-annotated.pcapng"."""

UDP_CSV, UDP_PARQUET = "udp.csv", "udp.parquet"
"""How names of tables of UDP conversations end: "udp.csv", "case7.udp.csv". Those of TCP flows are tables of their own:
both number their rows by stream."""

FORMATS = (
    Format(".html", _html),
    Format(".md", _markdown),
    Format(".json", _json),
    Format(UDP_CSV, _udp_csv),
    Format(".csv", _csv),
    Format(UDP_PARQUET, _udp_parquet, needs="pyarrow"),
    Format(".parquet", _parquet, needs="pyarrow"),
    Format(".png", _image),
    Format(".svg", _image),
    Format(".pdf", _image),
    Format(ANNOTATED, _annotated, reads_again=True, one_file=True),
    Format(".pcapng", _evidence, reads_again=True),
)
"""All formats, each before those that its names could ask for as well. A new one is a file in `formats` and a row here.
"""

SUFFIXES = tuple(each.suffix for each in FORMATS if each.suffix.startswith("."))

BY_SUFFIX = {each.suffix: each for each in FORMATS}


def check_suffix(path: str | os.PathLike[str]) -> str:
    """The format that a file's name asks for, as that in `BY_SUFFIX`: how it ends, in lower case.

    Raises:
        UsageError: no such format, and the message names all there are; or a package for it is not installed.
    """
    name = printable(os.fspath(path))
    ending = Path(path).suffix.lower()
    special = (each.suffix for each in FORMATS if not each.suffix.startswith("."))
    suffix = next((each for each in special if Path(path).name.lower().endswith(each)), ending)
    if suffix not in BY_SUFFIX:
        raise UsageError(f"{name}: unknown kind of report; its suffix must be one of {', '.join(SUFFIXES)}")
    needed = BY_SUFFIX[suffix].needs
    if needed and not _is_installed(needed):
        missing = f"expected the package {needed} for a {ending} report, found none"
        raise UsageError(f"{name}: {missing}: pip install {needed}")
    return suffix


def _is_installed(package: str) -> bool:
    from importlib.util import find_spec  # only here: it looks, and loads nothing

    return find_spec(package) is not None


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


def check_not_an_input(target: Path, inputs: Iterable[str | os.PathLike[str] | BinaryIO]) -> None:
    """Refuse a report in the place of a capture that is read, whatever its names: links, and how file systems spell.

    Args:
        target: where the report shall be.
        inputs: the captures, by their paths or open.

    Raises:
        UsageError: it is one of them.
    """
    taken = _identity(target)
    if taken is not None and any(_identity(each) == taken for each in inputs):
        raise UsageError(f"{printable(str(target))}: is the capture itself; the report needs another name")


def _identity(file: str | os.PathLike[str] | BinaryIO) -> tuple[int, int] | None:
    """What all names of a regular file have in common, as in `os.path.samestat`; None of all else."""
    try:
        status = os.stat(file if isinstance(file, (str, os.PathLike)) else file.fileno())  # noqa: PTH116 - or a number
    except (AttributeError, OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def save(analysis: Analysis, path: str | os.PathLike[str], wishes: Wishes = Wishes()) -> list[Path]:  # noqa: B008 - immutable
    """Write a report, each file whole or not at all; returns the files that were written, the page last.

    Args:
        analysis: what to report.
        path: its suffix picks the format. An existing regular file is replaced, but for a capture that the analysis
            was made of; nobody may then read it who might not before. A symbolic link is refused: it could lead
            elsewhere. The timelines of a Markdown report are written beside it, as "report-stream-3.png" beside
            "report.md"; there, only timelines are replaced that the report to be replaced names, and that nobody
            has changed since.
        wishes: what else is asked of it.

    Raises:
        UsageError: unknown suffix, something else in the place of a file, the file cannot be written, or the
            capture cannot be read again for an evidence capture.
    """
    kind = BY_SUFFIX[check_target(path)]
    target = Path(path)
    inputs = [*analysis.inputs, *(analysis.later.inputs if analysis.later is not None else ())]
    check_not_an_input(target, inputs)
    files = kind.load().files(analysis, target, wishes)
    beside = {file: list(pieces) for file, pieces in files.items() if file != target}
    # All of them are looked at before one is written: page and timelines stay those of one report.
    new = [file for file, content in beside.items() if _is_to_be_written(file, content, target)]
    written = [*new, target]
    for file in written:

        def last_look(file: Path = file) -> None:
            """What was not there when the work began may be there now."""
            check_target(file)
            check_not_an_input(file, inputs)
            if file != target:
                is_to_be_written(file, beside[file], target)

        try:
            put(file, beside.get(file, files[file]), last_look, wishes.notify)
        except OSError as error:
            raise UsageError(f"{printable(str(file))}: cannot be written: {error.strerror or error}") from error
    return written


def _is_to_be_written(beside: Path, content: Sequence[bytes], target: Path) -> bool:
    check_target(beside)
    return is_to_be_written(beside, content, target)
