"""What was named as a source: local files and folders, and what fsspec reads. Emits `Member`."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from analyzer.capture.sources import expand, is_capture
from analyzer.errors import CaptureError, UsageError

SCHEMES = ("s3", "gs", "gcs", "https", "http")
"""What is read by fsspec; each but the last two needs a package of its own."""

PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "https": "aiohttp", "http": "aiohttp"}
EXTRA = "pip install 'pmtu-analyze[cluster]'"
WILDCARDS = frozenset("*?[")
STAMPS = ("ETag", "etag", "LastModified", "mtime", "updated")
"""Where a file system says what changes when a file does; the first that it has."""

CALLED = re.compile(r"\.(pcapng|pcap|cap)\d*(\.(gz|zst|xz|bz2|lz4))?$", re.IGNORECASE)
"""Names of captures, those of ring buffers among them."""

BLOCK_BYTES = 8 << 20
"""What is asked for at a time of a file that is not here."""


PEEKED_BLOCK_BYTES = 4 << 10
"""As above, of which only the beginning is of interest."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a group."""

    location: str
    """Where a worker finds it: an absolute path, or a URL."""
    name: str
    """What messages and reports call it: as `pmtu-analyze` would. A URL has no query, which may be a signature."""
    below: str
    """Its path below the source that named it, which says to which group it belongs."""
    size: int
    stamp: str
    """Changes when the file does."""
    found: bool
    """Nobody named it: it was found in a folder."""
    doubtful: bool = False
    """It is called as captures are, but does not begin as one."""

    @property
    def is_remote(self) -> bool:
        """True if it is read by fsspec."""
        return is_url(self.location)


def is_url(text: str) -> bool:
    """True if a source is the name of something that fsspec reads."""
    return "://" in text


def members_of(source: str) -> Iterator[Member]:
    """The files that a source names: itself, those of a folder and its folders, or those that a pattern fits.

    Raises:
        CaptureError: there is none, or they cannot be listed.
        UsageError: a URL that cannot be read, or that holds credentials.
    """
    found = list(_remote(source) if is_url(source) else _local(source))
    if not found:
        what = "a pattern that fits no file" if WILDCARDS & set(source) else "a directory without captures"
        raise CaptureError(told(source), None, what)
    yield from found


def _local(source: str) -> Iterator[Member]:
    if not source:
        raise CaptureError("''", None, "expected the name of a capture, found an empty one")
    if source == "-":
        raise UsageError("expected files, found - (standard input), which cannot be read by workers")
    path = Path(source)
    if path.is_dir():
        yield from _below(path, path)
    elif path.exists() or not WILDCARDS & set(source):
        yield _member(path, path.name, found=False)
    else:
        for name in sorted(glob.glob(source, recursive=True)):  # noqa: PTH207 - a pattern may be absolute
            path = Path(name)
            if path.is_dir():
                yield from _below(path, path.parent)
            elif _may_be_capture(path) or _is_called_capture(path):
                member = _member(path, _below_pattern(name, source), found=True)
                yield member if _may_be_capture(path) else replace(member, doubtful=True)


def _below_pattern(name: str, pattern: str) -> str:
    """The part of a name from the first part of the pattern on that has a wildcard."""
    fixed = 0
    for part in Path(pattern).parts:
        if WILDCARDS & set(part):
            break
        fixed += 1
    return str(Path(*Path(name).parts[fixed:]))


def _below(folder: Path, top: Path) -> Iterator[Member]:
    """The captures in a folder and its folders, those of one folder by name. Hidden folders are passed over."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise CaptureError(str(folder), None, (error.strerror or str(error)).lower()) from None
    if any(each.is_file() for each in inside):
        try:
            captures = expand([str(folder)])  # the same files that `pmtu-analyze` takes of it
        except CaptureError:
            captures = []
        taken = {Path(os.fspath(each)) for each in captures}  # type: ignore[arg-type]  # of a folder come paths
        for path in inside:
            if path in taken or _is_called_capture(path):
                member = _member(path, str(path.relative_to(top)), found=True)
                yield member if path in taken else replace(member, doubtful=True)
    for each in inside:
        if each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
            yield from _below(each, top)


def _is_called_capture(path: Path) -> bool:
    return CALLED.search(path.name) is not None and not path.name.startswith(".") and path.is_file()


def _may_be_capture(path: Path) -> bool:
    """Who tries to read what cannot be looked into will say why not."""
    try:
        return is_capture(path)
    except OSError:
        return True


def _member(path: Path, below: str, *, found: bool) -> Member:
    try:
        status = path.stat()
        size, stamp = status.st_size, str(status.st_mtime_ns)
    except OSError:  # who reads it says why not
        size, stamp = 0, ""
    return Member(str(path.absolute()), str(path), below, size, stamp, found)


def _remote(source: str) -> Iterator[Member]:
    if "@" in urlsplit(source).netloc:
        raise UsageError(f"{told(source)}: expected credentials in the environment, found some in the address")
    system, path = _system(source)
    scheme = source.partition("://")[0]
    web = scheme in ("http", "https")
    try:
        if WILDCARDS & set(path) and not web:
            listed = system.glob(path, detail=True)
            top = path[: min(path.index(each) for each in WILDCARDS & set(path))].rpartition("/")[0]
        elif web or system.isfile(path):
            listed, top = {path: system.info(path)}, path.rpartition("/")[0]
        else:
            listed, top = system.find(path, detail=True), path.rstrip("/")
    except Exception as error:
        raise CaptureError(told(source), None, problem_of(error)) from None
    yield from _listed(listed, top, source, web=web)


def _listed(listed: Mapping[str, Mapping[str, Any]], top: str, source: str, *, web: bool) -> Iterator[Member]:
    scheme = source.partition("://")[0]
    for path, about in sorted(listed.items()):
        if about.get("type", "file") != "file" or path.endswith("/"):
            continue
        location = path if web else f"{scheme}://{path}"
        below = urlsplit(path).path.rpartition("/")[2] if web else path.removeprefix(top).lstrip("/")
        yield Member(location, told(location), below, int(about.get("size") or 0), _stamp(about), location != source)


def _stamp(about: Mapping[str, Any]) -> str:
    """What a file system says of a file that changes when the file does."""
    return next((str(about[key]) for key in STAMPS if about.get(key)), "")


def stamp_now(member: Member) -> str:
    """The stamp that a file has now.

    Raises:
        CaptureError: it cannot be asked for.
    """
    try:
        if not member.is_remote:
            return str(Path(member.location).stat().st_mtime_ns)
        system, path = _system(member.location)
        return _stamp(system.info(path, refresh=True) if "s3" in member.location[:3] else system.info(path))
    except UsageError as error:
        raise CaptureError(member.name, None, str(error)) from None
    except Exception as error:
        raise CaptureError(member.name, None, problem_of(error)) from None


def told(source: str) -> str:
    """A source as a message may name it: a URL without credentials, and without a query, which may be a signature."""
    if not is_url(source):
        return source
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}://{source.partition('://')[2].rpartition('@')[2]}"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def problem_of(error: BaseException) -> str:
    """Why a file could not be read. Texts of exceptions are not told: they may hold addresses with signatures."""
    if isinstance(error, FileNotFoundError):
        return "no such file or directory"
    if isinstance(error, PermissionError) or type(error).__name__ == "NoCredentialsError":
        return "expected permission to read it, found none: are the credentials in the environment?"
    number = f" ({os.strerror(error.errno).lower()})" if isinstance(error, OSError) and error.errno else ""
    return f"cannot be read: {type(error).__name__}{number}"


def _system(source: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    scheme = source.partition("://")[0]
    if scheme not in SCHEMES:
        raise UsageError(f"{told(source)}: expected s3://, gs:// or https://, found {scheme}://")
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise UsageError(f"{told(source)}: expected the package fsspec, found none; {EXTRA}") from None
    try:
        system, path = url_to_fs(source)
    except ImportError:
        package = PACKAGES[scheme]
        how = f"pip install {package}" if package == "gcsfs" else EXTRA
        raise UsageError(f"{told(source)}: expected the package {package}, found none; {how}") from None
    return system, path


@contextmanager
def opened(member: Member) -> Iterator[BinaryIO]:
    """A file that is not here, open to be read from its start on.

    Raises:
        CaptureError: it cannot be opened.
    """
    try:
        system, path = _system(member.location)
        file = system.open(path, "rb", block_size=BLOCK_BYTES, cache_type="readahead")
    except UsageError as error:
        raise CaptureError(member.name, None, str(error)) from None
    except Exception as error:
        raise CaptureError(member.name, None, problem_of(error)) from None
    with file:
        yield file


def _is_web(member: Member) -> bool:
    return member.location.startswith(("http://", "https://"))


@contextmanager
def fetching(member: Member) -> Iterator[Callable[[int, int], bytes]]:
    """What reads a file from one place to another, and nothing beyond.

    Raises:
        CaptureError: it cannot be opened; and, when it is read, other than what was asked for comes.
    """
    if not member.is_remote:
        with Path(member.location).open("rb") as file:

            def read(start: int, end: int) -> bytes:
                file.seek(start)
                return file.read(end - start)

            yield read
        return
    try:
        system, path = _system(member.location)
    except UsageError as error:
        raise CaptureError(member.name, None, str(error)) from None

    if _is_web(member):  # opened, it refuses what a server without ranges sends before all of it has come
        with system.open(path, "rb", cache_type="none") as file:

            def ask(start: int, end: int) -> bytes:
                file.seek(start)
                return bytes(file.read(end - start))

            yield ask
        return

    def fetch(start: int, end: int) -> bytes:
        end = min(end, member.size)
        data = bytes(system.cat_file(path, start=start, end=end)) if start < end else b""
        if len(data) != max(end - start, 0):  # it is another one by now
            raise CaptureError(member.name, start, f"expected {end - start} bytes, found {len(data)}")
        return data

    yield fetch


def head_of(member: Member, count: int) -> bytes:
    """The first bytes of a file; none where it cannot be read, which whoever reads it will say."""
    try:
        if not member.is_remote:
            with Path(member.location).open("rb") as file:
                return file.read(count)
        system, path = _system(member.location)
        if _is_web(member):  # a server that knows no ranges would send all of it
            with system.open(path, "rb", block_size=PEEKED_BLOCK_BYTES) as file:
                return bytes(file.read(count))
        return bytes(system.cat_file(path, start=0, end=count))
    except Exception:
        return b""


def in_all(sources: Sequence[str]) -> list[Member]:
    """The files of all sources, each once."""
    if not sources:
        raise UsageError("expected a SOURCE")
    found: dict[str, Member] = {}
    for source in sources:
        for member in members_of(source):
            found.setdefault(member.location, member)
    return list(found.values())
