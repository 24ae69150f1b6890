"""Between which hosts a group saw datagrams, and when: by that groups find each other whose datagrams are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any

import numpy as np

from analyzer.api.pipeline import Tables
from analyzer.evidence.row_addresses import address
from analyzer.flows.conversation_tables import MANY
from analyzer.flows.flow_tables import C_CONVERSATIONS, C_FRAGMENTS, C_PAIRS, SIDES
from analyzer.flows.table_parts import conversation_table
from analyzer.model.trouble import Trouble
from analyzer.model.verdicts import VERDICTS, rank
from analyzer.points.datagram_legs import of_datagrams

MOST_HOSTS = 5_000
"""Pairs of hosts that are kept of a group: those with trouble, and of the others those with most packets."""

WORDS = 4
"""32-bit words of an address; of IPv4 those behind the first are 0."""

HEALTHY = len(VERDICTS)
"""Instead of the rank of a verdict."""

Rows = tuple[Any, Any]
"""Hosts, int64 (rows, 9): IP version and the words of both addresses, the lower one first; and int64
(rows, 4): ns of the first packet and of the last, how many there were, and the rank of the verdict."""


def hosts_of(tables: Tables, troubles: Iterable[Trouble]) -> list[list[Any]]:
    """Pairs of hosts between which datagrams of UDP, ESP, or fragments went, at most `MOST_HOSTS`.

    Each is [address, the other address, ns of the first packet, ns of the last, worst verdict limited by size]; the
    verdict is None where no datagrams got lost for their size.

    Args:
        tables: what was read of a group.
        troubles: what was found in it.
    """
    counters = tables.state.counters
    if not counters[C_CONVERSATIONS] and not counters[C_FRAGMENTS]:
        return []
    parts = _conversations(tables), _fragments(tables), _stuck(troubles)
    ends, figures = (np.concatenate(those) for those in zip(*parts, strict=True))
    if not len(ends):
        return []
    order = np.lexsort(ends.T)
    ends, figures = ends[order], figures[order]
    starts = np.flatnonzero(np.concatenate([[True], (ends[1:] != ends[:-1]).any(axis=1)]))
    ways = (np.minimum, np.maximum, np.add, np.minimum)
    ends, figures = ends[starts], np.stack([way.reduceat(figures[:, i], starts) for i, way in enumerate(ways)], axis=1)
    kept = np.lexsort((-figures[:, 2], figures[:, 3] == HEALTHY))[:MOST_HOSTS]
    return [
        [*_addresses(hosts), first, last, VERDICTS[worst] if worst != HEALTHY else None]
        for hosts, (first, last, _, worst) in zip(ends[kept].tolist(), figures[kept].tolist(), strict=True)
    ]


def _stuck(troubles: Iterable[Trouble]) -> Rows:
    """The hosts whose large datagrams get lost."""
    about = of_datagrams(troubles)
    ends = np.array([_ends(each.sender, each.receiver) for each in about], np.int64)
    figures = np.array([(each.first_time, each.last_time, 0, rank(each.verdict)) for each in about], np.int64)
    return ends.reshape(-1, 1 + 2 * WORDS), figures.reshape(-1, 4)


def _conversations(tables: Tables) -> Rows:
    """The hosts of conversations of UDP and ESP."""
    talks = conversation_table(tables.state)
    sent = tables.state.udp_sent["packets"][: SIDES * len(talks)].astype(np.int64)
    names = ["version", *(f"{letter}{i}" for letter in "ab" for i in range(WORDS))]
    ends = np.stack([talks[name].astype(np.int64) for name in names], axis=1)
    packets = sent[::SIDES] + sent[1::SIDES]
    figures = np.stack([talks["first_ts"], talks["last_ts"], packets, np.full(len(talks), HEALTHY)], axis=1)
    single = talks["recording"] != MANY
    return ends[single], figures[single]


def _fragments(tables: Tables) -> Rows:
    """The hosts of fragments, a row for each of these."""
    counters = tables.state.counters
    pairs = tables.state.pairs[: int(counters[C_PAIRS])]
    rows = tables.state.fragments[: int(counters[C_FRAGMENTS])]
    rows = rows[pairs["many"][rows["pair"]] == 0]
    pairs = pairs[rows["pair"]]
    one, two = (np.stack([pairs[f"{letter}{i}"].astype(np.int64) for i in range(WORDS)], axis=1) for letter in "sd")
    apart = one != two
    place = np.argmax(apart, axis=1)[:, None]
    swapped = np.take_along_axis(one, place, 1) > np.take_along_axis(two, place, 1)
    lower, upper = np.where(swapped, two, one), np.where(swapped, one, two)
    ends = np.concatenate([pairs["version"].astype(np.int64)[:, None], lower, upper], axis=1)
    one_each, healthy = np.ones(len(rows), np.int64), np.full(len(rows), HEALTHY)
    return ends, np.stack([rows["ts"], rows["ts"], one_each, healthy], axis=1)


def _ends(one: str, two: str) -> list[int]:
    addresses = sorted(ip_address(each).packed for each in (one, two))
    words = [int.from_bytes(packed[4 * i : 4 * i + 4]) for packed in addresses for i in range(WORDS)]
    return [4 if len(addresses[0]) == WORDS else 6, *words]


def _addresses(ends: Sequence[int]) -> list[str]:
    version, *words = ends
    return [address((words[i], words[i + 1], words[i + 2], words[i + 3]), version) for i in (0, WORDS)]
