"""UDP probes of a path: datagrams with DF to ports where nobody listens, which their receiver refuses if they come.

tracepath, traceroute and nping send such. Silence proves less than that of a ping: somebody may listen at the port
after all, and hosts limit how often they refuse (Linux: once a second, after six). So a probe without an answer counts
only where the same port, or those around it, refused smaller ones, and not within a second after an answer. What is
sent on and on in one direction is no probe.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from analyzer.evidence.conversation_rows import Tables
from analyzer.evidence.icmp_errors import Refusal, Refused, is_closed
from analyzer.evidence.ptb import PtbSeen
from analyzer.evidence.row_addresses import ADDRESS_WORDS, numbered, row_address
from analyzer.flows.conversation_tables import SENT_DF, SENT_FRAGMENTED
from analyzer.flows.conversations import LARGE
from analyzer.flows.flow_tables import State
from analyzer.model.statement import FrameRef
from analyzer.model.trouble import Trouble
from analyzer.settings import (
    DUPLICATE_NS,
    INITIAL_TTLS,
    LEAST_PINGS_LOST,
    MOST_PROBES,
    MOST_REFUSED_TRIES,
    MOST_TRIES,
    NEAR_PORTS,
    REFUSED_EACH_NS,
    Settings,
)
from analyzer.verdicts.sweep import Hosts, Sweep, Trial, Words, judged_sweep

PROBES = Words(
    kind="probes",
    one="UDP probe",
    plain="UDP probes",
    answer=" (port unreachable)",
    doubt="whether the probes, or the ICMP errors that answer them, were lost, they do not tell, nor whether somebody "
    "listened at the port meanwhile",
)


@dataclass(slots=True)
class _Known:
    """What is known of one direction between two hosts."""

    refusals: dict[tuple[int, int], list[Refusal]]  # by source and destination port
    said: list[int]  # when the receiver refused something, ns, in order

    def limited(self, ts: int, within: int = REFUSED_EACH_NS) -> bool:
        """Whether what comes then may get no answer since another got one within so many ns before."""
        before = bisect_right(self.said, ts)
        return before > 0 and ts - self.said[before - 1] < within


@dataclass(frozen=True, slots=True)
class UdpProbes:
    """The probes from one address to another, in order of time."""

    proven: list[Trial]  # those with an answer, and those to ports that gave one to another
    near: list[Trial]  # and those to ports between two such
    unheard: list[Trial]  # those without an answer that may have another reason


def udp_probes_of(state: State, refused: Refused, ptbs: Iterable[PtbSeen]) -> dict[Hosts, UdpProbes]:
    """The probes of each direction in which one was refused by its receiver, and large ones got no answer.

    Args:
        state: the tables.
        refused: what ICMP errors other than PTBs quote.
        ptbs: of the capture.
    """
    known: dict[Hosts, _Known] = {}
    for (src, sport, dst, dport), refusals in refused.datagrams.items():
        each = known.setdefault((src, dst), _Known({}, []))
        each.refusals[sport, dport] = refusals
        each.said += [one.ts for one in refusals if one.closed]
    known = {hosts: each for hosts, each in known.items() if each.said}
    if not known:
        return {}
    named: dict[Hosts, int] = {}
    for ptb in ptbs:
        if ptb.is_valid:
            way = ptb.quoted_src, ptb.quoted_dst
            named[way] = min(ptb.mtu, named.get(way, ptb.mtu))
    found = {}
    tables = Tables.of(state)
    recorded = _Recorded(tables)
    for hosts, rows, side in _candidates(tables, known):
        each = known[hosts]
        trials = _trials(tables, recorded, rows, side, each, named.get(hosts, 1 << 30))
        said = sorted([*each.said, *(t.ts for t in trials if t.reply is not None)])
        probes = _comparable(trials, _Known(each.refusals, said))
        if probes is not None:
            found[hosts] = probes
    return found


def _candidates(tables: Tables, known: dict[Hosts, _Known]) -> Iterator[tuple[Hosts, Any, int]]:
    """Conversations of few datagrams, all with DF and of one end, by hosts: rows, and the side that sent."""
    packets = tables.sent["packets"].reshape(-1, 2)
    parts = (tables.rows["fragmented_a"] > 0) | (tables.rows["fragmented_b"] > 0)
    for side in (0, 1):
        mine = tables.sent[side::2]
        few = (packets[:, side] > 0) & (packets[:, side] <= MOST_REFUSED_TRIES) & (packets[:, 1 - side] == 0)
        rows = np.flatnonzero(few & (mine["largest_nodf"] == 0) & tables.udp & ~parts)
        large = np.where(mine["largest_df"][rows] >= LARGE, mine["packets"][rows], 0)
        if large.sum() < LEAST_PINGS_LOST - 1:
            continue
        words = np.stack([tables.rows[name][rows] for name in ADDRESS_WORDS], axis=1)
        groups, count = numbered(words.view(f"S{4 * len(ADDRESS_WORDS)}").ravel())
        large = np.bincount(groups, weights=large, minlength=count)
        members = np.bincount(groups, minlength=count)
        order = np.argsort(groups, kind="stable")
        starts = np.searchsorted(groups[order], np.arange(count + 1))
        for group in np.flatnonzero((large >= LEAST_PINGS_LOST - 1) & (members <= MOST_PROBES)).tolist():
            those = rows[order[starts[group] : starts[group + 1]]]
            row = tables.rows[those[0]]
            version = int(row["version"])
            src, dst = (row_address(row, name, version) for name in ("ab" if side == 0 else "ba"))
            if (src, dst) in known:
                yield (src, dst), those, side


class _Recorded:
    """The recorded datagrams of each conversation."""

    def __init__(self, tables: Tables) -> None:
        flows = tables.datagrams["flow"]
        self._datagrams = tables.datagrams
        self._order = np.argsort(flows, kind="stable")
        self._starts = np.searchsorted(flows[self._order], np.arange(len(tables.rows) + 1))

    def of(self, row: int) -> Any:
        """Those of the conversation of a row, in the order in which they came."""
        return self._datagrams[self._order[self._starts[row] : self._starts[row + 1]]]


def _trials(tables: Tables, recorded: _Recorded, rows: Any, side: int, known: _Known, named: int) -> list[Trial]:
    """The probes in these conversations, in order of time; without those that somebody else than the receiver refused.

    Args:
        tables: of conversations.
        recorded: datagrams.
        rows: in these.
        side: who sent.
        known: the ICMP errors.
        named: the least MTU that a PTB named for this way, bytes.
    """
    sent = tables.sent[2 * rows + side]
    points = tables.rows["point"][rows]
    seen = points == np.bincount(points, weights=sent["packets"]).argmax()  # at the point that saw most of them
    rows, sent = rows[seen], sent[seen]
    names = (f"port_{'ab'[side]}", f"port_{'ba'[side]}", "file", "first_frame", "first_ts")
    columns = [tables.rows[name][rows] for name in names]
    columns += [sent["packets"], sent["largest_df"], sent["bytes"], tables.numbers[rows], rows]
    trials: list[Trial] = []
    for own, other, file, frame, ts, packets, size, total, stream, row in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        refusals = known.refusals.get((own, other), [])
        if packets > MOST_TRIES and not is_closed(refusals):
            continue
        datagrams = recorded.of(row)
        if len(datagrams) == packets:
            probes = _sent(datagrams)
        elif packets * size == total:  # all are of one size
            probes = [(FrameRef(file, frame), ts, size)]
        else:
            continue
        trials += _with_answers(probes, refusals, stream, other, named)
    return sorted(trials, key=lambda trial: trial.ts)


def _sent(rows: Any) -> list[tuple[FrameRef, int, int]]:
    """Frame, time and size of recorded datagrams, without copies by the capture; none if any is unlike a probe."""
    found: list[tuple[FrameRef, int, int]] = []
    if ((rows["marks"] & SENT_DF == 0) | (rows["marks"] & SENT_FRAGMENTED != 0)).any():
        return found
    for row in np.sort(rows, order="ts"):
        ref, ts, size = FrameRef(int(row["file"]), int(row["frame"])), int(row["ts"]), int(row["size"])
        if not found or ts - found[-1][1] > DUPLICATE_NS or size != found[-1][2]:
            found.append((ref, ts, size))
    return found


def _with_answers(
    sent: Sequence[tuple[FrameRef, int, int]], refusals: Sequence[Refusal], stream: int, port: int, named: int
) -> Iterator[Trial]:
    """The datagrams of a conversation, each with what refused it: the next error that quotes its size."""
    several = len({size for _, _, size in sent}) > 1
    times = [ts for _, ts, _ in sent]
    answers: dict[int, Refusal] = {}
    elsewhere: dict[int, Refusal] = {}
    for refusal in refusals:
        before = bisect_right(times, refusal.ts) - 1
        fitting = (i for i in range(before, -1, -1) if not several or sent[i][2] == refusal.size)
        place = next(fitting, None)
        if place is not None and refusal.ref.file == sent[place][0].file:
            answers.setdefault(place, refusal)
        elif place is not None:
            elsewhere.setdefault(place, refusal)  # the next file, or another capture point
    for place, (ref, ts, size) in enumerate(sent):
        answer = answers.get(place) or elsewhere.get(place)
        if answer is None:
            told = named if size > named else None
            yield Trial(ref, ts, size, None, told, INITIAL_TTLS[1], 0, stream, port)
        elif answer.closed:
            yield Trial(ref, ts, size, answer.ref, None, answer.came_ttl, answer.ttl, stream, port)


def _comparable(trials: Sequence[Trial], known: _Known) -> UdpProbes | None:
    """Those that say something of sizes; None where nothing does."""
    ports = sorted({trial.port for trial in trials if trial.reply is not None})
    if not ports:
        return None
    closed = set(ports)
    # A host of which no two answers came closer together may be one that answers no more often. Who sends at a steady
    # pace is a little early now and then.
    answered = [trial.ts for trial in trials if trial.reply is not None]
    least = min((later - one for one, later in pairwise(answered)), default=1 << 62) * 9 // 10
    rare = _Known({}, answered)
    largest = max(trial.size for trial in trials if trial.reply is not None)
    proven: list[Trial] = []
    near: list[Trial] = []
    unheard: list[Trial] = []
    for trial in trials:
        too_soon = trial.size > largest and rare.limited(trial.ts, least)
        if trial.reply is None and (too_soon or known.limited(trial.ts)):
            unheard.append(trial)
        elif trial.port in closed:
            proven.append(trial)
            near.append(trial)
        elif _between(trial.port, ports):
            near.append(trial)
    return UdpProbes(proven, near, unheard)


def _between(port: int, ports: Sequence[int]) -> bool:
    """Whether ports closely below and above are among these, which are in order."""
    place = bisect_left(ports, port)
    return 0 < place < len(ports) and port - ports[place - 1] <= NEAR_PORTS and ports[place] - port <= NEAR_PORTS


def judged_udp_probes(hosts: Hosts, probes: UdpProbes, carried: int, end: int, settings: Settings) -> Trouble | None:
    """The black hole that UDP probes show, or None.

    Args:
        hosts: from where, and to where.
        probes: all between them that say something.
        carried: bytes of IP of the largest other packet that is known to get through this way, 0 unknown.
        end: when the capture ends, ns.
        settings: thresholds.
    """
    found = judged_sweep(hosts, Sweep(probes.proven, end, unheard=probes.unheard), PROBES, "udp", carried, settings)
    if found is None and len(probes.near) > len(probes.proven):
        sweep = Sweep(probes.near, end, unheard=probes.unheard, doubtful=True)
        found = judged_sweep(hosts, sweep, PROBES, "udp", carried, settings)
    return found
