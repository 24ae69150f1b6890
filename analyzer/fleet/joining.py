"""Groups that saw the same flows, judged as one capture of several points, by what was found in each. Emits `Judged`.

Their tables come together (`kept_tables`), and tell which packets of which flows have to be compared. Each group is
asked for the rows of these (`passes.watched`), by whichever worker can read it; who judges reads no capture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from analyzer.api.together import found_together, listed_in
from analyzer.errors import CaptureError, PmtuAnalyzeError
from analyzer.fleet.crossing import Joint
from analyzer.fleet.cutting import readable
from analyzer.fleet.fleet_sources import problem_of, stamp_now
from analyzer.fleet.judging import Judged, failed, kept_of
from analyzer.fleet.kept_tables import unpacked
from analyzer.fleet.plan import Group
from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.passes.watched import Watch
from analyzer.points.listed_datagrams import WantedDatagrams
from analyzer.points.listed_packets import ListedPackets


class Asked(NamedTuple):
    """What a group is asked for."""

    group: Group
    files: tuple[CaptureFile, ...]  # as they were read before
    watches: Sequence[Watch]
    ptbs: int
    datagrams: WantedDatagrams


Lists = Callable[[Sequence[Asked]], Sequence[ListedPackets]]


class _Enough(Exception):  # noqa: N818 - nothing went wrong
    """Ends an analysis that has told what it asks for."""


def questions(joint: Joint, tables: Sequence[bytes]) -> list[Asked]:
    """What the groups will be asked for; nothing, if the tables are enough or cannot be read."""
    found: list[Asked] = []

    def note(asked: Sequence[Asked]) -> Sequence[ListedPackets]:
        found.extend(asked)
        raise _Enough

    with suppress(_Enough, PmtuAnalyzeError):  # who judges finds out, too
        _analysis(joint, tables, note)
    return found


def list_asked(asked: Asked) -> ListedPackets:
    """List packets of a group, by reading it.

    Raises:
        CaptureError: it cannot be read, or is not what it was.
    """
    for member in asked.group.members:
        if stamp_now(member) != member.stamp:
            raise CaptureError(member.name, None, "changed since it was analysed")
    with readable(asked.group) as ready:
        return listed_in(ready.sources, asked.files, asked.watches, asked.ptbs, asked.datagrams, ready.settings)


def judge_together(joint: Joint, tables: Sequence[bytes], lists: Lists) -> Judged:
    """Judge groups together. What cannot be read is told, not raised.

    Args:
        joint: the groups.
        tables: what was kept of each of them.
        lists: lists packets of them.
    """
    try:
        return kept_of(joint.group, _analysis(joint, tables, lists))
    except PmtuAnalyzeError as error:
        return failed(joint.group, str(error))
    except MemoryError:
        return failed(joint.group, "out of memory")
    except Exception as error:
        return failed(joint.group, f"{joint.group.name}: {problem_of(error)}")


def _analysis(joint: Joint, tables: Sequence[bytes], lists: Lists) -> Analysis:
    parts = [unpacked(data, group.name) for data, group in zip(tables, joint.of, strict=True)]

    def ask(wanted: Sequence[Sequence[Watch]], ptbs: int, datagrams: WantedDatagrams) -> Sequence[ListedPackets]:
        return lists(
            [
                Asked(group, part.files, watches, ptbs, datagrams)
                for group, part, watches in zip(joint.of, parts, wanted, strict=True)
            ]
        )

    return found_together(parts, ask, joint.group.settings)
