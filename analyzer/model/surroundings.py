"""What went well beside a finding: between the same networks, packets as large got through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.model.finding import Finding, prefix_of
from analyzer.model.path import Path
from analyzer.model.verdicts import CARRYING


class Beside(NamedTuple):
    """Other pairs of addresses of the networks of a finding that carried what gets lost there."""

    pairs: int  # of sender and receiver
    flows: int  # TCP flows between them
    crossed: int | None  # bytes of IP: that much crossed on each; None where size is no matter


class Surroundings:
    """The paths of a capture by the networks that they join.

    Args:
        paths: all of them.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._by_networks: dict[tuple[str, str], list[Path]] = defaultdict(list)
        for path in paths:
            self._by_networks[prefix_of(path.src), prefix_of(path.dst)].append(path)

    def beside(self, finding: Finding) -> Beside | None:
        """What went well in the direction of a finding, between other addresses of its networks. None: nothing did."""
        own = set(finding.streams)
        senders, receivers = (set(map(prefix_of, ends)) for ends in (finding.senders, finding.receivers))
        near = (p for src in senders for dst in receivers for p in self._by_networks.get((src, dst), ()))
        carried = [path for path in near if _carries(path, finding.lost) and own.isdisjoint(path.streams)]
        if not carried:
            return None
        crossed = min((path.at_least or 0 for path in carried), default=0) if finding.lost is not None else None
        return Beside(len(carried), len(_streams(carried)), crossed)


def _carries(path: Path, lost: int | None) -> bool:
    """Whether the path is known to carry what the finding's does not: so many bytes, or full-size packets."""
    if lost is None:
        return path.verdict in CARRYING
    return path.at_least is not None and path.at_least >= lost


def _streams(paths: Sequence[Path]) -> set[int]:
    return {stream for path in paths for stream in path.streams}
