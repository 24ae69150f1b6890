"""Which groups are analysed together by one worker, and of which each file is cut by whichever worker is free."""

from __future__ import annotations

import os
from collections.abc import Sequence

from analyzer.capture.compression import is_compressed
from analyzer.fleet import ranges
from analyzer.fleet.fleet_sources import Member, head_of
from analyzer.fleet.plan import Group
from analyzer.fleet.ranges import Range

PEEKED_BYTES = 32
"""Bytes that say of which format a file is."""

BATCH_GROUPS = 40
"""Small groups that are one task: asking for one costs some ms."""

BATCH_BYTES = 32 << 20
"""Bytes of the captures of one task from which on it takes no more."""

COMPRESSED_ENDS = (".gz", ".zst", ".xz", ".bz2", ".lz4")
"""Ends of names of files that are compressed, most likely: only the order of tasks rests on that."""

COMPRESSED_WORK = 5
"""A byte of a compressed file takes so many times as long as one of another: measured with gzip, rounded."""

LEAST_SPREAD_BYTES = 16 << 20
"""A group of fewer bytes is done by one worker before others have begun."""

MOST_SPREAD_BYTES = 16 << 30
"""A group of more bytes is read by one worker from file to file: cut to its headers it might not fit into memory."""


def batches(groups: Sequence[Group]) -> list[list[Group]]:
    """Groups as tasks, those that take longest first, so that none of them begins last."""
    out: list[list[Group]] = []
    room = 0
    for group in sorted(groups, key=lambda each: -_work(each)):
        if not out or len(out[-1]) >= BATCH_GROUPS or group.size > room:
            out.append([])
            room = BATCH_BYTES
        out[-1].append(group)
        room -= group.size
    return out


def _work(group: Group) -> int:
    """How long a group takes, in bytes of a capture that is not compressed."""
    return sum(
        each.size * (COMPRESSED_WORK if each.name.lower().endswith(COMPRESSED_ENDS) else 1) for each in group.members
    )


def is_spread(group: Group, in_all: int, workers: int) -> bool:
    """Whether workers share the files of a group: it would keep one of them busy while others have nothing to do.

    Args:
        group: one of the groups.
        in_all: bytes of all groups that are to be analysed.
        workers: how many workers there are.
    """
    if workers < 2 or not LEAST_SPREAD_BYTES <= group.size <= MOST_SPREAD_BYTES:
        return False
    if group.size * workers * 2 <= in_all:
        return False
    several = len(group.members) > 1 or any(ranges_in(member) for member in group.members)
    return several and _are_apart(group.members) and any(map(_costs_to_read, group.members))


def _costs_to_read(member: Member) -> bool:
    """A file that is here and not compressed is analysed as quickly as it can be read."""
    return member.is_remote or is_compressed(head_of(member, PEEKED_BYTES))


def ranges_in(member: Member) -> list[Range]:
    """The ranges by which a file is read; none if it is read as a whole."""
    if not member.is_remote or member.size < 2 * ranges.RANGE_BYTES:
        return []
    if not ranges.is_plain(head_of(member, PEEKED_BYTES)):
        return []
    return list(ranges.ranges_of(member.size, ranges.RANGE_BYTES))


def _are_apart(members: Sequence[Member]) -> bool:
    """Whether no file is there under two names: it is read once, with a note."""
    known = set()
    for member in members:
        if not member.is_remote:
            try:
                status = os.stat(member.location)  # noqa: PTH116 - all files of a fleet
            except OSError:
                return False
            known.add((status.st_dev, status.st_ino))
    return len(known) == sum(not member.is_remote for member in members)
