"""A group's files as somebody reads them: as they lie there, or cut to their headers, here or by other workers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from analyzer.capture.container import INTERFACES, SECTION_FIRST
from analyzer.capture.reader import CaptureReader
from analyzer.capture.sources import InDirectory, Source, Standing
from analyzer.errors import CaptureError, PmtuAnalyzeError
from analyzer.fleet.fleet_sources import Member, fetching, opened, problem_of
from analyzer.fleet.plan import Group
from analyzer.fleet.ranges import Range, RangeFile
from analyzer.passes.blanked import blank
from analyzer.settings import Settings

COMPRESSION = 1
"""Zstandard's level for captures without payload. With -5 they took twice the room, and no less time."""

UNLIMITED = (1 << 62) - 1
"""What capture files without payload may decompress to: those that they stand for were bounded when they were read."""


@dataclass(frozen=True)
class Part:
    """A file of a group without its payload, compressed; or why it has to be read as it is."""

    data: bytes
    problem: str = ""
    described: bool = False
    """Of a range: it describes interfaces, or begins a section."""


class Readable(NamedTuple):
    """A group's files as `found_in` takes them."""

    sources: list[Source]
    settings: Settings
    scratch: bool  # they are gone afterwards


def cut(member: Member, among: int, most_decompressed: int | None) -> Part:
    """A file of a group of `among` files read to its headers."""
    import zstandard

    out: list[bytes] = []
    compressor = zstandard.ZstdCompressor(level=COMPRESSION).compressobj()
    try:
        with _reader(member, most_decompressed) as reader:
            reader.among = among
            blank(reader, lambda data: out.append(compressor.compress(data)))
    except PmtuAnalyzeError as error:
        return Part(b"", str(error))
    except Exception as error:  # whatever a file system raises
        return Part(b"", f"{member.name}: {problem_of(error)}")
    return Part(b"".join([*out, compressor.flush()]))


def cut_range(member: Member, wanted: Range) -> Part:
    """A range of a large file read to its headers. The parts of all its ranges, one after the other, are the file's."""
    import zstandard

    out: list[bytes] = []
    compressor = zstandard.ZstdCompressor(level=COMPRESSION).compressobj()
    try:
        with fetching(member) as fetch:
            records = RangeFile(fetch, member.name, wanted)
            skipped = [0 if wanted.start == 0 else records.header_bytes]

            def write(data: memoryview) -> None:
                passed = min(skipped[0], len(data))
                skipped[0] -= passed
                out.append(compressor.compress(data[passed:]))

            reader = CaptureReader(cast("BinaryIO", records), member.name)
            left_over = blank(reader, write)
            if not left_over or wanted.last:
                known = int(reader.container[INTERFACES]), int(reader.container[SECTION_FIRST])
                return Part(b"".join([*out, compressor.flush()]), described=known != records.described)
            return Part(b"", f"{member.name}: the ranges do not end where records do")
    except PmtuAnalyzeError as error:
        return Part(b"", str(error))
    except Exception as error:  # whatever a file system raises
        return Part(b"", f"{member.name}: {problem_of(error)}")


def whole_file(parts: Sequence[Part]) -> Part:
    """The part that is a file, of its ranges: Zstandard's frames may follow each other."""
    if len(parts) == 1:
        return parts[0]
    problem = next((part.problem for part in parts if part.problem), "")
    if any(part.described for part in parts[:-1]):
        problem = "interfaces are described behind the first packet, which the ranges behind that do not know"
    return Part(b"" if problem else b"".join(part.data for part in parts), problem)


@contextmanager
def _reader(member: Member, most_decompressed: int | None) -> Iterator[CaptureReader]:
    if member.is_remote:
        with opened(member) as file:
            reader = CaptureReader(file, member.name, most_decompressed)
            try:
                yield reader
            finally:
                reader.close()
        return
    reader = CaptureReader(Path(member.location), member.name, most_decompressed)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def readable(group: Group, parts: Sequence[Part] | None = None) -> Iterator[Readable]:
    """The files of a group, or `parts`, which stand for them. What is not here is brought here, without its payload.

    Raises:
        CaptureError: one that is not here cannot be read.
    """
    if parts is None and not any(member.is_remote for member in group.members):
        yield Readable([_source(member) for member in group.members], group.settings, scratch=False)
        return
    with tempfile.TemporaryDirectory(prefix="pmtu-fleet-") as folder:
        sources, whole = [], False
        for number, member in enumerate(group.members):
            path = Path(folder) / str(number)
            if parts is not None:
                path.write_bytes(parts[number].data)
            elif member.is_remote:
                whole = not _brought_without_payload(member, path, group) or whole
            sources.append(_source(member, path if parts is not None or member.is_remote else None))
        # What was brought as it is keeps the bound on what it decompresses to.
        settings = group.settings if whole else replace(group.settings, max_decompressed_bytes=UNLIMITED)
        yield Readable(sources, settings, scratch=True)


def _source(member: Member, path: Path | None = None) -> Any:
    if path is not None:
        return Standing(str(path), member.name, found=member.found)
    if member.name == member.location:
        return InDirectory(member.location) if member.found else member.location
    return Standing(member.location, member.name, found=member.found)


def _brought_without_payload(member: Member, path: Path, group: Group) -> bool:
    part = cut(member, len(group.members), group.settings.max_decompressed_bytes)
    if not part.problem:
        path.write_bytes(part.data)
        return True
    with opened(member) as source, path.open("wb") as target:
        try:
            shutil.copyfileobj(source, target, 1 << 20)
        except Exception as error:
            raise CaptureError(member.name, None, problem_of(error)) from None
    return False
