"""From what flows, PTBs and pings say to paths: one direction between two addresses, and its bracket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.decode.icmp import KIND_ECHO_REQUEST
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.icmp_errors import IcmpErrors
from analyzer.evidence.icmp_rows import port_unreachable
from analyzer.flows.flow_tables import C_ICMPS, State
from analyzer.knowledge.overheads import consistent_with
from analyzer.model.path import Path, Probe, Unprobing
from analyzer.model.verdicts import SIZE_PROBLEMS, VERDICTS, worst
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import MAX_HEALTHY_PAIRS, Settings
from analyzer.verdicts.bulk_verdicts import BulkVerdicts, hosts_in_common

if TYPE_CHECKING:
    from analyzer.evidence.ptb import PtbSeen
    from analyzer.model.statement import FrameRef
    from analyzer.model.trouble import Trouble
    from analyzer.verdicts.judge import Judgement
    from analyzer.verdicts.judge_many import JudgedTogether


@dataclass
class Pool:
    """What the flows of one direction between two addresses say together."""

    at_least: list[int] = field(default_factory=list)
    at_most: list[int] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    without_df: Unprobing | None = None
    alone: list[str] = field(default_factory=list)  # verdicts that pings, PTBs and fragments show by themselves
    told_at: int | None = None  # ns: when a router first named a size, for packets of no TCP flow
    came_at: int | None = None  # ns: when a host last said that a large datagram with DF had come
    refused: Collection[FrameRef] = ()  # of `probes`: what ICMP errors other than PTBs are about
    misses_pings: bool = False  # answers to some are there without them: the capture misses answers likewise
    arrived: bool = False  # they were captured where they had arrived


class Pools(dict[tuple[str, str], Pool]):
    """What is known of each direction, by source and destination address."""

    def __missing__(self, hosts: tuple[str, str]) -> Pool:
        made = self[hosts] = Pool()
        return made

    def paths(self, settings: Settings) -> tuple[Path, ...]:
        """The paths, by their addresses."""
        return tuple(_path(src, dst, pool, settings) for (src, dst), pool in sorted(self.items()))


def add_judgement(pool: Pool, stream: int, judgement: Judgement) -> None:
    """Add what was found about one direction of a flow."""
    pool.streams.append(stream)
    pool.verdicts.append(judgement.verdict)
    bracket = judgement.path_mtu
    if bracket.at_least is not None:
        pool.at_least.append(bracket.at_least)
    if bracket.at_most is not None:
        pool.at_most.append(bracket.at_most)
    if bracket.exact is not None:
        pool.exact.append(bracket.exact)


def add_together(
    pools: Pools, together: JudgedTogether, collector: Collector, hosts: Mapping[int, tuple[str, str]]
) -> None:
    """As `add_judgement` of both directions of many flows; `hosts` has the addresses of each of their pairs."""
    numbers = collector.pairs[together.rows]
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    streams = [[collector.numbers[row] for row in together.rows[members].tolist()] for members in groups]
    for judgement in together.judged.directions:
        bracket = [np.array(together.column(value)) for value in judgement.path_mtu]
        for members, own in zip(groups, streams, strict=True):
            ends = hosts[int(numbers[members[0]])]
            pool = pools[ends[judgement.side], ends[1 - judgement.side]]
            pool.streams += own  # both ways hold the same objects
            pool.verdicts.append(judgement.verdict)
            for known, sizes, best in zip(
                (pool.at_least, pool.at_most, pool.exact), bracket, (np.max, np.min, np.min), strict=True
            ):
                if sizes.dtype != object:
                    known.append(int(best(sizes[members])))


def add_bulk(collector: Collector, bulk: BulkVerdicts, opened: Any, seen: Any, pools: Pools) -> int:
    """Add what the quiet flows that were opened say of their paths, one pair of hosts at a time.

    Returns how many pairs of hosts are left out, beyond MAX_HEALTHY_PAIRS.
    """
    groups, left_out = hosts_in_common(collector.flows, bulk.shown & opened, seen & ~bulk.rows, MAX_HEALTHY_PAIRS)
    for members in groups:
        ends = [ip for ip, _ in collector.endpoints(int(members[0]))]
        streams = members.tolist()  # both ways hold the same objects
        if not isinstance(collector.numbers, range):
            streams = [collector.numbers[row] for row in streams]
        for side in (0, 1):
            pool = pools[ends[side], ends[1 - side]]
            pool.streams += streams
            pool.verdicts.append(VERDICTS[int(bulk.by_side[side][members].min())])
            delivered = int(bulk.delivered[side][members].max())
            if delivered:
                pool.at_least.append(delivered)
    return left_out


def _path(src: str, dst: str, pool: Pool, settings: Settings) -> Path:
    answered = [p.ip_len for p in pool.probes if p.reply is not None]
    at_least = max([*pool.at_least, *answered], default=None)
    largest = max(answered, default=1 << 30)
    unanswered = Counter(
        p.ip_len
        for p in pool.probes
        if p.reply is None and p.ip_len > largest and p.ptb_mtu is None and p.frame not in pool.refused
    )
    told = [p.ptb_mtu for p in pool.probes if p.ptb_mtu]
    # One lost ping is loss; two of a size above all that were answered are not. What is larger than a router said
    # is lost for that, whether it said so each time or not.
    carried = max(pool.at_least, default=0)
    tells = not pool.arrived and not pool.misses_pings
    lost = [size - 1 for size, count in unanswered.items() if count >= 2 and size > carried and tells]
    exact = min([*pool.exact, *told], default=None)
    at_most = min([*pool.at_most, *lost, *told], default=None)
    if at_least is not None and at_most is not None and at_least > at_most:
        at_least = None  # flows contradict each other (several paths, or a change): only the limit is safe
    open_end = any(size < min(told, default=1 << 30) for size in lost)
    verdict = worst(pool.verdicts) if pool.verdicts else "inconclusive" if open_end else "not_exercised"
    if pool.alone:
        verdict = worst((*pool.verdicts, *pool.alone))
    elif pool.told_at is not None and not pool.verdicts and not pool.probes:
        # Whether the sender went by it is not in the capture, unless something large came after.
        verdict = "pmtud_ok" if pool.came_at is not None and pool.came_at > pool.told_at else "inconclusive"
    elif not pool.verdicts and not open_end and at_least is not None and at_least >= settings.exercised_bytes:
        verdict = "pmtud_ok" if told else "ok"
    limited = (verdict in SIZE_PROBLEMS and bool(pool.verdicts)) or at_most is not None
    least = at_least
    if ":" in src and at_most is not None and at_most >= LEAST_V6_MTU:
        least = max(at_least or 0, LEAST_V6_MTU)  # no IPv6 link is narrower
    return Path(
        src=src,
        dst=dst,
        at_least=at_least,
        at_most=at_most,
        exact=exact,
        verdict=verdict,
        consistent_with=consistent_with(least, at_most, exact) if limited else (),
        streams=tuple(sorted(pool.streams)),
        probes=tuple(pool.probes),
        without_df=pool.without_df,
    )


def add_probes(
    state: State, collector: Collector, errors: IcmpErrors, pools: Pools, settings: Settings
) -> list[Trouble]:
    """Pings, their replies, and what routers said; all have the same identifier and sequence number.

    Returns what pings alone show to be wrong.
    """
    icmps = state.icmps[: state.counters[C_ICMPS]]
    if not (icmps["kind"] == KIND_ECHO_REQUEST).any():
        return []
    from analyzer.verdicts.ping_sweeps import judged_pings, pings_of  # most captures have none
    from analyzer.verdicts.sweep import Sweep

    found = []
    for hosts, pings in pings_of(icmps, errors.refused.pings, collector.ptbs, settings).items():
        pool = pools[hosts]
        trouble = judged_pings(hosts, pings, max(pool.at_least, default=0), collector.end, settings)
        pool.probes += pings.probes
        pool.without_df = pings.without_df
        pool.refused = pings.refused
        pool.arrived = Sweep(pings.trials, collector.end).beside_receiver
        pool.misses_pings = pings.missed > 0
        if trouble is not None:
            _add_trouble(pool, trouble)
            found.append(trouble)
    return found


def add_answered_datagrams(
    state: State, collector: Collector, errors: IcmpErrors, pools: Pools, settings: Settings
) -> list[Trouble]:
    """UDP datagrams with DF of which their receiver says that nobody listens: they came, as tracepath's last do.

    Returns what such datagrams show to be wrong, where larger ones get no answer.
    """
    if not port_unreachable(state.icmps[: state.counters[C_ICMPS]]).any():
        return []
    for (src, _, dst, _), refusals in errors.refused.datagrams.items():
        for each in refusals:
            if each.closed and each.df and each.size >= LEAST_V6_MTU:
                pool = pools[src, dst]
                pool.at_least.append(each.size)
                pool.came_at = max(each.ts, pool.came_at or 0)
    from analyzer.verdicts.udp_probes import judged_udp_probes, udp_probes_of  # few captures have such errors

    found = []
    for hosts, probes in udp_probes_of(state, errors.refused, collector.ptbs).items():
        carried = max(pools[hosts].at_least, default=0) if hosts in pools else 0
        trouble = judged_udp_probes(hosts, probes, carried, collector.end, settings)
        if trouble is not None:
            _add_trouble(pools[hosts], trouble)
            found.append(trouble)
    return found


def _add_trouble(pool: Pool, trouble: Trouble) -> None:
    size = trouble.path_mtu
    if size.at_least is not None:
        pool.at_least.append(size.at_least)
    if size.at_most is not None:
        pool.at_most.append(size.at_most)
    pool.alone.append(trouble.verdict)


def add_lone_ptbs(ptbs: Iterable[PtbSeen], troubles: Iterable[Trouble], pools: Pools) -> None:
    """PTBs about packets of no TCP flow: of others of these hosts, the path is no wider."""
    for ptb in ptbs:
        if ptb.flow >= 0 or ptb.quoted_echo is not None or not ptb.is_valid:
            continue
        pool = pools[ptb.quoted_src, ptb.quoted_dst]
        answered = (probe.ip_len for probe in pool.probes if probe.reply is not None)
        if max([*pool.at_least, *answered], default=0) <= ptb.mtu:  # else the path changed, or there are several
            pool.exact.append(ptb.mtu)
            pool.at_most.append(ptb.mtu)
            pool.told_at = ptb.ts if pool.told_at is None else min(pool.told_at, ptb.ts)
    for trouble in troubles:
        pools[trouble.sender, trouble.receiver].alone.append(trouble.verdict)
