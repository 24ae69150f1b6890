"""Sources: what the user named, as readers; and whether it can be read once more."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from analyzer.capture.compression import is_compressed
from analyzer.capture.container import COUNT
from analyzer.capture.pcap import FILE_HEADER, read_file_header
from analyzer.capture.reader import SECTION_MAGIC, CaptureReader
from analyzer.errors import CaptureError
from analyzer.model.analysis import Rereadable

if TYPE_CHECKING:
    from analyzer.capture.stop import Stop

Source = str | os.PathLike[str] | BinaryIO
Given = Source | bytes | bytearray | memoryview


class _Bytes(io.BytesIO):
    """A capture in memory, as an open file. Later changes of what was given do not reach it."""

    name = "bytes in memory"


def sources_of(given: Given | Sequence[Given]) -> list[Source]:
    """What a caller gave as a capture, one source or several, as a list of what can be opened.

    Raises:
        TypeError: something is neither a path, an open binary file nor bytes.
        CaptureError: nothing at all was given.
    """
    alone = isinstance(given, (str, os.PathLike, bytes, bytearray, memoryview)) or not isinstance(given, Sequence)
    sources = [_source(each) for each in ([cast(Given, given)] if alone else cast("Sequence[Given]", given))]
    if not sources:
        raise CaptureError("(no file)", None, "expected at least one capture")
    return sources


def _source(given: Given) -> Source:
    if isinstance(given, (bytes, bytearray, memoryview)):
        return _Bytes(bytes(given))
    if given == "":
        raise CaptureError(
            "''", None, "expected the name of a capture, found an empty one"
        )  # Path("") is this directory
    if isinstance(given, (str, os.PathLike)) or hasattr(given, "readinto"):
        return given
    expected = "expected a path, an open binary file, the bytes of a capture, or a list of these"
    if hasattr(given, "read") and hasattr(given, "encoding"):
        name = getattr(given, "name", type(given).__name__)
        raise TypeError(f'{expected}, found {name} open as text: open it with "rb", or give its `buffer`')
    raise TypeError(f"{expected}, found {'None' if given is None else f'an object of type {type(given).__name__}'}")


def is_capture(path: Path) -> bool:
    """True if a regular file starts as a capture or a compressed file does. Raises OSError."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(FILE_HEADER)
    return (
        head.startswith(SECTION_MAGIC)
        or is_compressed(head)
        or (len(head) == FILE_HEADER and read_file_header(head, [0] * COUNT))
    )


class Standing(os.PathLike[str]):
    """A file that stands for another one: what is read is at `path`, what is told of it has the other's name."""

    def __init__(self, path: str, name: str, *, found: bool = False) -> None:
        self.path = path
        self.name = name
        self.found = found  # as `InDirectory`

    def __fspath__(self) -> str:
        return self.path


class InDirectory(str):
    """The name of a file that was found in a directory: nobody named it, so one that cannot be read is left out."""

    __slots__ = ()


def is_optional(source: Source) -> bool:
    """True if a source that is no capture is left out where there are others."""
    return isinstance(source, InDirectory) or (isinstance(source, Standing) and source.found)


def expand(sources: Sequence[Source]) -> list[Source]:
    """The sources, with the captures in it for each directory, by name. Raises CaptureError if there is none."""
    found: list[Source] = []
    for source in sources:
        if not isinstance(source, (str, os.PathLike)) or source == "-" or not Path(source).is_dir():
            found.append(source)
            continue
        try:
            inside = [InDirectory(path) for path in sorted(Path(source).iterdir()) if _may_be_capture(path)]
        except OSError as error:
            raise CaptureError(os.fspath(source), None, (error.strerror or str(error)).lower()) from None
        if not inside:
            raise CaptureError(os.fspath(source), None, "a directory without captures")
        found += inside
    return found


def _may_be_capture(path: Path) -> bool:
    """As `is_capture`; who tries to read what cannot be looked into will say why not."""
    try:
        return is_capture(path)
    except FileNotFoundError:  # it was there when the directory was listed
        return False
    except OSError:
        return True


def without_repeated(sources: Sequence[Source]) -> tuple[list[Source], list[tuple[str, str]]]:
    """The sources, each file once, whatever its names; and of each that was left out its name, and the one taken."""
    known: dict[object, Source] = {}
    repeated = []
    for source in sources:
        key = _identity(source)
        if key in known:
            repeated.append((name_of(source), name_of(known[key])))
        if key not in known or (isinstance(known[key], InDirectory) and not isinstance(source, InDirectory)):
            known[key] = source  # by the name that somebody gave
    return list(known.values()), repeated


def _identity(source: Source) -> object:
    """What all names of a regular file have in common; of all else something of its own."""
    if source == "-" or not isinstance(source, (str, os.PathLike)):
        return id(source)
    try:
        status = Path(source).stat()
    except (OSError, ValueError):
        return id(source)
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else id(source)


def name_of(source: Source) -> str:
    """What the source is called in messages and reports."""
    if isinstance(source, str) and source == "-":
        return "standard input"
    if isinstance(source, Standing):
        return source.name
    return str(os.fspath(source) if isinstance(source, (str, os.PathLike)) else getattr(source, "name", "open file"))


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


def open_source(source: Source, most_bytes: int | None = None, stop: Stop | None = None) -> CaptureReader:
    """A reader of the source, not started yet; for `most_bytes` and `stop` see there.

    Raises:
        CaptureError: it cannot be opened.
    """
    opened: Path | BinaryIO
    if isinstance(source, str) and source == "-":
        if sys.stdin is None:  # as after `<&-`
            raise CaptureError(name_of(source), None, "closed")
        opened = sys.stdin.buffer
    else:
        opened = Path(source) if isinstance(source, (str, os.PathLike)) else source
    return CaptureReader(opened, name_of(source), most_bytes, stop)


def files_behind(source: Source, again: Rereadable | None) -> list[Path | BinaryIO]:
    """The regular file that a source is, for `Analysis.inputs`; `again` is what `rereadable` says of it."""
    if again is not None and isinstance(again.source, Path):
        return [again.source]
    if source == "-":
        return files_behind(sys.stdin.buffer, None) if sys.stdin is not None else []
    if isinstance(source, (str, os.PathLike)):
        return []
    name = getattr(source, "name", None)
    try:
        # Under its name it is still known once it is closed.
        named = [Path(name).absolute()] if isinstance(name, (str, os.PathLike)) and Path(name).is_file() else []
        return [source, *named] if stat.S_ISREG(os.fstat(source.fileno()).st_mode) else []
    except (AttributeError, OSError, ValueError):
        return []  # there is no file behind it
