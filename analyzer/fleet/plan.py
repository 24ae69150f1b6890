"""Which files are one capture. Emits `Group`."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from analyzer.errors import UsageError
from analyzer.fleet.fleet_sources import Member
from analyzer.model import tool
from analyzer.settings import Settings

LONGEST_NAME = 180
"""Bytes of the name of a group, which becomes that of a file."""

NAMED_FILES = 20
"""Files that a command names one by one."""


@dataclass(frozen=True)
class Group:
    """Files of one capture point, which are one capture."""

    name: str
    members: tuple[Member, ...]
    settings: Settings = field(default_factory=Settings)

    @cached_property
    def size(self) -> int:
        """Bytes of its files, as they lie there."""
        return sum(member.size for member in self.members)

    @cached_property
    def fingerprint(self) -> str:
        """What says that nothing changed since: names, sizes, time stamps, the tool's version, the settings."""
        about = [
            [(each.name, each.size, each.stamp) for each in self.members],
            tool.__version__,
            asdict(self.settings),
        ]
        return hashlib.sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()[:32]

    @property
    def command(self) -> str:
        """The command that writes the report of this group alone; empty where the files are not here, or are many."""
        if len(self.members) > NAMED_FILES or any(each.is_remote for each in self.members):
            return ""
        return shlex.join(["pmtu-analyze", *(each.location for each in self.members), "-o", f"{self.name}.html"])


def grouped(
    members: Iterable[Member], *, pattern: str | None = None, each: bool = False, settings: Settings | None = None
) -> list[Group]:
    """Files by capture point, in the order in which they were found.

    Args:
        members: the files.
        pattern: a regular expression that is looked for in the path of a file below its source; what its first group
            matches, or all that it matches, names the group. A file without is a group of its
            own.
        each: every file is a capture of its own. Without this and a pattern, the files of a folder are one,
            however they were named.
        settings: those of the analysis.

    Raises:
        UsageError: the pattern is no regular expression.
    """
    search = _compiled(pattern) if pattern is not None else None
    found: dict[tuple[str, str], list[Member]] = {}
    for member in members:
        if each:
            key = (_top(member), member.below)
        elif search is not None:
            match = search.search(member.below)
            key = ("", (match.group(1 if match.re.groups else 0) or "") if match else member.below)
        else:
            key = (_top(member), str(PurePosixPath(member.below).parent))
        found.setdefault(key, []).append(member)
    for key, files in found.items():  # what is no capture is told where it stands alone, as `pmtu-analyze` does
        found[key] = [file for file in files if not file.doubtful] or files
    names = file_names([_name_of(key, files) for key, files in found.items()])
    settings = settings or Settings()
    return [Group(name, tuple(files), settings) for name, files in zip(names, found.values(), strict=True)]


def _top(member: Member) -> str:
    """The folder below which a file was found."""
    place = member.name if member.is_remote else member.location
    return place.removesuffix(member.below)


def _name_of(key: tuple[str, str], files: Sequence[Member]) -> str:
    """What a group is called, but for characters and lengths that names of files cannot have."""
    top, folder = key
    if folder != ".":
        return folder
    alone = len(files) == 1 and not files[0].found
    return files[0].below if alone else PurePosixPath(top.rstrip("/")).name


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--group-by: expected a regular expression, found {pattern!r} ({error})") from None


def file_names(keys: Sequence[str]) -> list[str]:
    """Names for files, one for each key: no two alike, not too long, no path in them, none hidden."""
    out: list[str] = []
    taken: set[str] = set()
    for key in keys:
        name = key.strip("/").replace("/", "__").replace("\0", "") or "captures"
        name = f"_{name}" if name.startswith(".") else name
        if len(name.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
            digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]
            name = f"{name[: LONGEST_NAME // 4]}~{digest}"
        plain, number = name, 1
        while name in taken:
            number += 1
            name = f"{plain}~{number}"
        taken.add(name)
        out.append(name)
    return out
