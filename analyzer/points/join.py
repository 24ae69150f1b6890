"""The analysis of several capture points, joined: reads the flows that matter once more, at all points.

Emits the analysis with points, legs, and what they prove together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

from analyzer.capture.capture_filter import excludes_icmp
from analyzer.decode.link import SLL2
from analyzer.decode.link_names import NAMES
from analyzer.flows.flow_tables import State
from analyzer.flows.table_parts import direction_table, flow_table
from analyzer.model.analysis import Analysis, CaptureFile
from analyzer.model.flow import Flow
from analyzer.model.flow_list import FlowList
from analyzer.model.path import Path
from analyzer.model.points import CapturePoint, Clock, Leg
from analyzer.model.statement import FrameRef
from analyzer.model.text import file_labels, printable
from analyzer.model.verdicts import PROBLEMS, rank, worst
from analyzer.passes.reread import reader_of
from analyzer.passes.walk import Notify
from analyzer.passes.watched import Watch
from analyzer.points.clocks import Clocks, clocks_of, pairings_of
from analyzer.points.connections import Connection, Stall, connections_of, watches_of
from analyzer.points.joined import Joined, PtbWay, leg_of, lost_ptb, told_mtu
from analyzer.points.leg_reasons import Lacks, Reasons
from analyzer.points.legs import Times, legs_of
from analyzer.points.listed_packets import MOST_PTBS, MOST_ROWS, ListedPackets, Lister, list_packets
from analyzer.points.located import revised
from analyzer.points.order import order_of
from analyzer.points.ptb_ways import ptb_ways
from analyzer.points.sightings import Place, Seen, seen_by

NS = 1e9

ANY_DEVICE = NAMES[SLL2]
"""Link type of Linux's "any" device where it says which interface each packet was on."""


def join(
    analysis: Analysis,
    state: State,
    rows: Mapping[int, Sequence[int]],
    judged_alone: Callable[[int], Flow],
    *,
    compiled: bool | None = None,
    notify: Notify | None = None,
    lister: Lister | None = None,
) -> Analysis:
    """The analysis of files of several points, joined.

    Args:
        analysis: each flow judged at each point alone.
        state: the tables of the first pass.
        rows: of each stream, its rows of the flow table.
        judged_alone: tells what a row of the flow table says by itself.
        compiled: force the compiled or interpreted pass; by default large captures compile.
        notify: called with a line for the user before something that takes long.
        lister: lists packets where the files are not read here.
    """
    join_of = _Join(analysis, state, rows, judged_alone)
    return join_of.run(lister if lister is not None else partial(join_of.listed, compiled, notify))


@dataclass
class _Join:
    analysis: Analysis
    state: State
    rows: Mapping[int, Sequence[int]]
    judged_alone: Callable[[int], Flow]

    def run(self, lister: Lister) -> Analysis:
        flows = self._original_flows()
        directions = direction_table(self.state)
        split = self._of_several_interfaces()
        rows = {
            stream: those
            for stream, those in self.rows.items()
            if len(those) > 1 or int(flows["point"][those[0]]) in split
        }
        found = [flow for flow in map(self.analysis.find, rows) if flow is not None]
        connections = connections_of(flows, directions, rows, found)
        whole = sorted({(file.point, -1) for file in self.analysis.files})
        if not connections:
            if len(whole) == 1:
                return self.analysis
            return replace(self.analysis, joined_points=self._points(whole, Clocks({}), {}))
        stalls = {flow.stream: stall for flow in found if (stall := _stall(flow, self.analysis.files)) is not None}
        watched = watches_of(flows, directions, connections, stalls)
        listed = lister(watched.watches, MOST_PTBS if self._of_several_interfaces() else 0)
        of_ptb = listed.rows["watch"] == len(watched.watches)
        packets, ptb_rows = listed.rows[~of_ptb], listed.rows[of_ptb]
        seen = seen_by(packets, watched, connections, flows, split)
        if split and (alone := split - _shared(seen)):
            split -= alone  # nothing went in by one of their interfaces and out by another
            seen = seen_by(packets, watched, connections, flows, split)
        if not split and len(whole) == 1:
            return self.analysis
        places = sorted(
            {place for place in whole if place[0] not in split}
            | {place for each in seen for place in each.at if place[0] in split}
        )
        orders = {each.stream: order_of(each) for each in seen}
        clocks = clocks_of(places, pairings_of(seen, orders))
        running = self._running(places, listed.times, clocks)
        points = self._points(places, clocks, listed.names)
        notes = []
        if listed.full:
            notes.append(f"More than {MOST_ROWS:,} packets would have to be compared; the rest of them were not.")
        by_place = dict(zip(places, points, strict=True))
        all_on = {FrameRef(*of): on for *of, on in ptb_rows[["file", "frame", "interface"]].tolist()}
        seen_on = {ref: on for ref, on in all_on.items() if self.analysis.files[ref.file].point in split}
        ptbs = ptb_ways(self.state, connections, clocks, places, self.analysis.files, seen_on)
        return self._revised(connections, seen, orders, clocks, running, by_place, ptbs, notes)

    def _of_several_interfaces(self) -> frozenset[int]:
        """Points that may be several, since their files hold several interfaces."""
        return frozenset(
            file.point for file in self.analysis.files if file.interfaces > 1 or ANY_DEVICE in file.link_types
        )

    def _original_flows(self) -> Any:
        """The flow table with addresses as they are in the files."""
        flows = flow_table(self.state)
        anonymizer = self.analysis.anonymizer
        if anonymizer is None:
            return flows
        flows = flows.copy()
        for number in range(len(flows)):
            row = flows[number]
            for letter in "ab":
                words = [int(row[f"{letter}{i}"]) for i in range(1 if row["version"] == 4 else 4)]
                original = anonymizer.original(b"".join(word.to_bytes(4) for word in words))
                for i in range(len(words)):
                    row[f"{letter}{i}"] = int.from_bytes(original[4 * i : 4 * i + 4])
        return flows

    def listed(
        self, compiled: bool | None, notify: Notify | None, watches: Sequence[Watch], ptbs: int
    ) -> ListedPackets:
        """The packets of the connections, by reading the files once more."""
        files = self.analysis.files
        with ExitStack() as stack:
            readers = [stack.enter_context(reader_of(self.analysis, number)) for number in range(len(files))]
            points = [file.point for file in files]
            return list_packets(readers, points, watches, ptbs, compiled=compiled, notify=notify)

    def _running(self, places: Sequence[Place], times: Sequence[tuple[int, int]], clocks: Clocks) -> Times:
        out = {}
        for place in places:
            those = [times[i] for i, file in enumerate(self.analysis.files) if file.point == place[0] and times[i][1]]
            if those:
                out[place] = (
                    clocks.time(place, min(t[0] for t in those)),
                    clocks.time(place, max(t[1] for t in those)),
                )
        return out

    def _points(
        self, places: Sequence[Place], clocks: Clocks, names: Mapping[int, Sequence[str]]
    ) -> tuple[CapturePoint, ...]:
        out = []
        for number, place in enumerate(places):
            of = tuple(i for i, file in enumerate(self.analysis.files) if file.point == place[0])
            clock = clocks.of(place)
            stand = Clock(None, None)
            if number == 0:
                stand = Clock(0.0, 0.0)
            elif clock is not None:
                doubt = clock.uncertainty / NS if clock.uncertainty is not None else None
                stand = Clock(clock.offset / NS, doubt, round(clock.drift * 1e6, 3))
            interface = None
            if place[1] >= 0:
                known = names.get(of[0], ())
                interface = known[place[1]] if place[1] < len(known) and known[place[1]] else f"interface {place[1]}"
            own = place[1] if place[1] >= 0 else None
            out.append(CapturePoint(number, of, interface, stand, own))
        return tuple(out)

    def _revised(
        self,
        connections: Sequence[Connection],
        seen: Sequence[Seen],
        orders: Mapping[int, list[Place]],
        clocks: Clocks,
        running: Times,
        points: Mapping[Place, CapturePoint],
        ptbs: Mapping[tuple[int, int], Sequence[PtbWay]],
        notes: list[str],
    ) -> Analysis:
        labels = file_labels(self.analysis.files)
        numbers = {place: point.number for place, point in points.items()}
        names = {place: _name(point, labels) for place, point in points.items()}
        files = {place: frozenset(point.files) for place, point in points.items()}
        deaf = frozenset(place for place in points if not self._keeps_icmp(place))
        changed: dict[int, Flow] = {}
        lacks: dict[int, Lacks] = {}
        of_path: dict[tuple[str, str], list[tuple[tuple[int, ...], list[Leg]]]] = defaultdict(list)
        for connection, each in zip(connections, seen, strict=True):
            flow = self.analysis.flow(connection.stream)
            client = self._client_side(connection, flow)
            both = {}
            for side in (0, 1):
                order = orders[each.stream] if side == 0 else orders[each.stream][::-1]
                about = ptbs.get((connection.stream, side), ())
                legs = legs_of(each, side, order, clocks, running, told_mtu(about))
                kept = tuple(place for place in order if place == order[0] or any(leg.end == place for leg in legs))
                both[side] = Joined(each, side, kept, tuple(legs), tuple(about), numbers, names, files, deaf)
                lost = lost_ptb(both[side])
                if lost is not None:
                    lost[1].ptb_lost = True
            alone = self._alone(connection) if flow.verdict in PROBLEMS else []
            new, lacks[connection.stream] = revised(flow, client, both, alone, self.analysis.settings.platforms)
            changed[connection.stream] = new
            for side in (0, 1):
                ends = (new.client.ip, new.server.ip) if side == client else (new.server.ip, new.client.ip)
                order_numbers = tuple(numbers[place] for place in both[side].order)
                of_path[ends].append((order_numbers, [leg_of(leg, numbers) for leg in both[side].legs]))
        return self._put_together(changed, lacks, of_path, tuple(points.values()), notes)

    def _alone(self, connection: Connection) -> list[tuple[Place, Flow]]:
        """What each point says of the connection by itself."""
        return [((member.point, -1), self.judged_alone(member.row)) for member in connection.members]

    def _client_side(self, connection: Connection, flow: Flow) -> int:
        """The client's side, by the first member's sides."""
        for member in connection.members:
            row = self.state.flows[member.row]
            if member.point == self.analysis.files[flow.file].point and int(row["first_frame"]) == flow.first_frame:
                return flow.client_side ^ member.flipped
        return flow.client_side

    def _keeps_icmp(self, place: Place) -> bool:
        """False if a file of the place was captured with a filter that lets no ICMP through."""
        files = [file for file in self.analysis.files if file.point == place[0]]
        return not any(excludes_icmp(text) for file in files for text in file.filters)

    def _put_together(
        self,
        changed: Mapping[int, Flow],
        lacks: Mapping[int, Lacks],
        of_path: Mapping[tuple[str, str], list[tuple[tuple[int, ...], list[Leg]]]],
        points: tuple[CapturePoint, ...],
        notes: list[str],
    ) -> Analysis:
        analysis = self.analysis
        flows = analysis.all_flows
        if not isinstance(flows, FlowList):
            flows = FlowList.of(flows)
        flows = flows.revised(changed, partial(Reasons, points=lacks))
        paths = []
        for path in analysis.all_paths:
            those = of_path.get((path.src, path.dst), [])
            paths.append(_path(path, pooled([leg for _, legs in those for leg in legs]), changed) if those else path)
        return replace(
            analysis,
            all_flows=flows,
            all_paths=tuple(paths),
            joined_points=points,
            totals=replace(analysis.totals, verdicts=dict(flows.counts())),
            notes=(*analysis.notes, *notes),
        )


def _shared(seen: Sequence[Seen]) -> frozenset[int]:
    """Points of which two interfaces saw the same connection, and the same packets of it."""
    found = set()
    for each in seen:
        for one, two in combinations(sorted(each.at), 2):
            if one[0] == two[0] and any(each.shared(one, two, side).first for side in (0, 1)):
                found.add(one[0])
    return frozenset(found)


def _name(point: CapturePoint, labels: Sequence[str]) -> str:
    more = " and others" if len(point.files) > 1 else ""
    interface = f" ({printable(point.interface)})" if point.interface is not None else ""
    return f"{labels[point.files[0]]}{more}{interface}"


def _stall(flow: Flow, files: Sequence[CaptureFile]) -> Stall | None:
    """Where the flow got stuck."""
    if flow.stalled is None or flow.direction is None:
        return None
    side = flow.client_side if flow.direction == "client_to_server" else 1 - flow.client_side
    return Stall(side, flow.stalled.seq, files[flow.file].point)


def pooled(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """Legs between the same points as one each: of all connections of a path."""
    groups: dict[tuple[int, int], list[Leg]] = defaultdict(list)
    for leg in legs:
        groups[leg.start, leg.end].append(leg)
    return tuple(_pooled(same) for same in groups.values())


def _pooled(legs: Sequence[Leg]) -> Leg:
    """What several connections say of a leg: where some find it narrow, what those say."""
    ending = [leg for leg in legs if leg.ends == "size"] or [leg for leg in legs if leg.ends] or list(legs)
    first = ending[0]
    return replace(
        first,
        at_least=max((leg.at_least for leg in ending if leg.at_least), default=None),
        at_most=min((leg.at_most for leg in ending if leg.at_most), default=None),
        lost=sum(leg.lost for leg in ending),
        of=sum(leg.of for leg in ending),
        segments=sum(leg.segments for leg in ending),
        sure=any(leg.sure for leg in ending),
        ptb_lost=any(leg.ptb_lost for leg in legs),
        mss_clamped=any(leg.mss_clamped for leg in legs),
        df_cleared=any(leg.df_cleared for leg in legs),
        fragmented=any(leg.fragmented for leg in legs),
        translated=any(leg.translated for leg in legs),
        altered=sum(leg.altered for leg in legs),
        missed=sum(leg.missed for leg in legs),
        frames=tuple(ref for leg in ending for ref in leg.frames)[:32],
    )


def _path(path: Path, legs: tuple[Leg, ...], changed: Mapping[int, Flow]) -> Path:
    """The path with its legs, and with what its flows' verdicts became."""
    graver = [
        flow
        for stream in path.streams
        if (flow := changed.get(stream)) is not None
        and (flow.sender.ip, flow.receiver.ip) == (path.src, path.dst)
        and rank(flow.verdict) < rank(path.verdict)
    ]
    most = [flow.path_mtu.at_most for flow in graver if flow.path_mtu.at_most is not None]
    at_most = min([*most, *([path.at_most] if path.at_most is not None else [])], default=None)
    return replace(path, legs=legs, verdict=worst([path.verdict, *(flow.verdict for flow in graver)]), at_most=at_most)
