"""What else is known of the hosts of a UDP conversation: what is beside it, TCP, and fragments that did not come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.decode.packet_fields import REASON_NOT_IP
from analyzer.evidence.datagrams import COMPLETE, FIRST_ONLY, LATER_ONLY, PARTIAL, fragments_of
from analyzer.evidence.row_addresses import ADDRESS_WORDS, numbered, row_address
from analyzer.flows.datagram_protocols import IKE_PORTS
from analyzer.flows.flow_tables import C_FRAGMENTS, C_PAIRS, C_UNDECODED, State
from analyzer.flows.questions import DNS_PORT
from analyzer.flows.table_parts import flow_table
from analyzer.model.statement import FrameRef
from analyzer.model.wire_sizes import LEAST_V6_MTU
from analyzer.settings import WAITED_NS

if TYPE_CHECKING:
    from analyzer.evidence.conversation_rows import Tables
    from analyzer.evidence.exchanges import Talk

MOST_BESIDE = 256
"""Conversations of the same hosts that are looked at beside one."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Another conversation of the same two hosts in which nothing had to be sent again."""

    ref: FrameRef
    stream: int
    first: int  # ns
    last: int
    sent: tuple[int, int]  # bytes of IP of the largest whole packet of side 0 and 1
    with_df: tuple[int, int]
    same_service: bool
    before: bool = False  # the exchange began in it, on another port of this service (RFC 7296 2.23)


@dataclass(frozen=True, slots=True)
class Pieces:
    """First fragments whose datagrams are not complete, and whether later ones may have been left out."""

    refs: frozenset[FrameRef]
    hidden: bool  # none that a capture filter for ports leaves out is in the capture: there may have been such a filter


NO_PIECES = Pieces(frozenset(), hidden=False)


class TcpToPort53:
    """Which hosts connect to port 53 of which others by TCP, and when."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self, client: str, server: str, after: int, until: int) -> bool:
        """Whether `client` does so to `server` between these times, ns."""
        return any(after < ts <= until for ts in self._times.get((client, server), ()))

    @cached_property
    def _times(self) -> dict[tuple[str, str], list[int]]:
        table = flow_table(self._state)
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for port, ends in (("port_a", "ba"), ("port_b", "ab")):
            for row in np.flatnonzero(np.asarray(table[port]) == DNS_PORT).tolist():
                client, server = (row_address(table[row], name, int(table[row]["version"])) for name in ends)
                found[client, server].append(int(table[row]["first_ts"]))
        return found


def pieces_of(state: State) -> Pieces:
    """Which first fragments came without all others."""
    count, pairs = int(state.counters[C_FRAGMENTS]), int(state.counters[C_PAIRS])
    found = fragments_of(state.fragments[:count], state.pairs[:pairs])
    partly = [d for each in found for d in each.of(FIRST_ONLY, PARTIAL)]
    later = any(each.of(COMPLETE, PARTIAL, LATER_ONLY) for each in found)
    return Pieces(
        frozenset(ref for datagram in partly for ref in datagram.frames),
        hidden=not later and not state.counters[C_UNDECODED + REASON_NOT_IP],
    )


class _Silent(NamedTuple):
    """Conversations of two hosts in which one got no answer, by service and time: columns."""

    services: Any  # port and capture point
    times: Any  # of the first datagram, ns
    packets_before: Any  # in all that stand before; one more than there are conversations


PORT_SHIFT = 32


class Hosts:
    """The conversations of each two hosts."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        rows = tables.rows
        words = np.stack([rows[name] for name in ADDRESS_WORDS], axis=1)
        groups, count = numbered(words.view(f"S{4 * len(ADDRESS_WORDS)}").ravel())
        self._groups = groups
        self._order = np.argsort(groups, kind="stable")
        self._starts = np.searchsorted(groups[self._order], np.arange(count + 1))
        self._silent: dict[tuple[int, int, int], _Silent] = {}
        self._clean: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._made: dict[tuple[int, int, int], Beside] = {}

    def _rows(self, group: int) -> Any:
        """The conversations of two hosts."""
        return self._order[self._starts[group] : self._starts[group + 1]]

    def group(self, row: int) -> int:
        """A number for the two hosts of a conversation."""
        return int(self._groups[row])

    def unanswered(self, talk: Talk, side: int, first: int, last: int, end: int) -> int:
        """How many packets, none large, one end sent to the service of a conversation from ports that got no answer.

        Args:
            talk: the conversation.
            side: the end.
            first: no such conversation begins before, ns.
            last: or later.
            end: when the capture ends, ns: what may still be answered then does not count.
        """
        key = self.group(talk.row), side, talk.client
        if key not in self._silent:
            self._silent[key] = self._silent_of(*key, end)
        found = self._silent[key]
        service = talk.ends[1 - talk.client][1] << PORT_SHIFT | talk.point
        low, high = np.searchsorted(found.services, [service, service + 1])
        begin = low + np.searchsorted(found.times[low:high], first)
        stop = low + np.searchsorted(found.times[low:high], last, side="right")
        return int(found.packets_before[stop] - found.packets_before[begin])

    def _silent_of(self, group: int, side: int, client: int, end: int) -> _Silent:
        tables, rows = self._tables, self._rows(group)
        mine, other = tables.sent[2 * rows + side], tables.sent[2 * rows + 1 - side]
        alike = tables.udp[rows] & (other["packets"] == 0)
        alike &= np.maximum(mine["largest_df"], mine["largest_nodf"]) <= LEAST_V6_MTU
        alike &= tables.rows["last_ts"][rows] + WAITED_NS <= end
        alike &= tables.rows["fragmented_a"][rows] + tables.rows["fragmented_b"][rows] == 0
        rows = rows[alike]
        ports = tables.rows["port_a" if client == 1 else "port_b"][rows].astype(np.int64)
        services, times = ports << PORT_SHIFT | tables.rows["point"][rows], tables.rows["first_ts"][rows]
        order = np.lexsort((times, services))
        packets = mine["packets"][alike][order].astype(np.int64)
        return _Silent(services[order], times[order], np.concatenate([[0], np.cumsum(packets)]))

    def beside(self, row: int, talk: Talk, same: Collection[int] = ()) -> list[Beside]:
        """Other conversations of these hosts in which nothing was sent again, nearest in time; but not the `same`."""
        point, at = int(self._tables.rows["point"][row]), int(self._tables.rows["first_ts"][row])
        key = self.group(row), point
        if key not in self._clean:
            self._clean[key] = self._clean_of(*key)
        clean, times = self._clean[key]
        place, most = int(np.searchsorted(times, at)), MOST_BESIDE + len(same) + 1
        rows = np.sort(clean[max(place - most, 0) : place + most])
        rows = rows[~np.isin(rows, [row, *same])]
        rows = rows[np.argsort(np.abs(self._tables.rows["first_ts"][rows] - at), kind="stable")[:MOST_BESIDE]]
        service = talk.ends[1 - talk.client][1]
        return [self._beside(each, service, 1 - talk.client) for each in rows.tolist()]

    def _clean_of(self, group: int, point: int) -> tuple[Any, Any]:
        """Conversations of two hosts at a point in which both spoke and nothing was sent again, and their times."""
        tables, rows = self._tables, self._rows(group)
        sent = tables.sent["packets"]
        clean = tables.udp[rows] & (tables.rows["resent"][rows] == 0) & (tables.rows["point"][rows] == point)
        clean &= (sent[2 * rows] > 0) & (sent[2 * rows + 1] > 0)
        rows = rows[clean]
        times = tables.rows["first_ts"][rows]
        order = np.argsort(times, kind="stable")
        return rows[order], times[order]

    def _beside(self, row: int, service: int, side: int) -> Beside:
        """One of them; the same is beside many."""
        key = row, service, side
        if key not in self._made:
            self._made[key] = self._besides(row, service, side)
        return self._made[key]

    def _besides(self, row: int, service: int, side: int) -> Beside:
        each, sent = self._tables.rows[row], self._tables.sent[2 * row : 2 * row + 2]
        opaque = self._tables.tunnel(row) > 0  # what of it came nobody knows
        parts = (each["fragmented_a"], each["fragmented_b"])
        whole = [
            0 if opaque or n else int(max(s["largest_df"], s["largest_nodf"])) for n, s in zip(parts, sent, strict=True)
        ]
        return Beside(
            FrameRef(int(each["file"]), int(each["first_frame"])),
            int(self._tables.numbers[row]),
            int(each["first_ts"]),
            int(each["last_ts"]),
            (whole[0], whole[1]),
            (0, 0) if opaque else (int(sent[0]["largest_df"]), int(sent[1]["largest_df"])),
            (port := int(each["port_a" if side == 0 else "port_b"])) == service,
            before=port != service and {port, service} <= IKE_PORTS,
        )
