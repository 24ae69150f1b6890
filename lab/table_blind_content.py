"""Blind set, look-alikes: packets dropped for their content, and the worse of two parallel paths."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import ask, small_talk, upload
from lab.hazards import ContentFilter, NarrowHop
from lab.mishaps import LossyPort, Sprayed
from lab.table_blind_mishaps import MARKER, marked
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import (
    CONTENT_DROP,
    CONTENT_DROP_AT_RECEIVER,
    DEAD_OR_UNEXPLAINED,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_HEAVY: Verdicts = (*LOSS, "stall")
_SMALL = small_talk(3, every=0.2)
_PARALLEL: Verdicts = ("blackhole", "blackhole_probable", "content_drop", "stall")
_LAST_SMALL: Verdicts = ("content_drop", "stall", "dead_path", "inconclusive")

_CONTENT = (
    Scenario(
        name="small_query_dropped",
        shows="a query of 120 bytes is dropped for its content; the next ones and large uploads arrive, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=MARKER),)),
        flows=(
            Flow(
                talk=(
                    *upload(_TAIL_6),
                    marked("client", 120, 0.3),
                    Say(speaker="client", size=3 * FULL_6),
                    Say(speaker="client", size=90, after=0.2),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="first_large_dropped",
        shows="the first full segment of a reply is dropped for its content, two more and a small one arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=MARKER),)),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(
            Flow(
                talk=(
                    *_SMALL,
                    Say(speaker="client", size=180, after=0.1),
                    marked("server", 1460),
                    Say(speaker="server", size=2 * 1460 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="mid_size_dropped_beside_large",
        shows="a message of 700 bytes is dropped for its content, nothing is behind it; others move full ones",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=MARKER),)),
        flows=(
            Flow(port=8080, talk=(ask(20_000) + small_talk(1, every=0.8)) * 10),
            Flow(
                port=8081,
                start=0.5,
                talk=(*small_talk(2, every=0.2), Say(speaker="client", size=180, after=0.1), marked("server", 700)),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=_LAST_SMALL,
                flows={8080: OK, 8081: _LAST_SMALL},
                why="larger packets of the same two hosts get through meanwhile",
            ),
            Capture(role="receiver", accept=(*NO_BLACK_HOLE,), flows={8080: OK, 8081: NO_BLACK_HOLE}),
        ),
    ),
    Scenario(
        name="large_dropped_then_nothing_behind",
        shows="one full segment is dropped for its content after four others arrived, and nothing is behind it, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=MARKER),)),
        flows=(
            Flow(
                talk=(*ask(4 * FULL_6), Say(speaker="client", size=180, after=0.3), marked("server", FULL_6)),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(
            (*DEAD_OR_UNEXPLAINED, "content_drop"), NO_BLACK_HOLE, why="as large ones arrived before"
        ),
    ),
    Scenario(
        name="reset_for_its_content",
        shows="a middlebox resets an upload at one message, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=MARKER, action="reset"),)),
        flows=(
            Flow(talk=(*_SMALL, marked("client", 2 * FULL_6 + 90, 0.2), Say(speaker="server", size=60)), ends="breaks"),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
)

_ECMP_FLOWS = tuple(
    Flow(
        port=8080 + n, start=0.3 * n, talk=small_talk(2, every=0.2) + ask(60_000), ends="any" if n == 2 else "completes"
    )
    for n in range(4)
)
_ECMP_NARROW = Scenario(
    name="parallel_narrow_ipv6",
    shows="of two parallel paths the one that port 8081 takes passes 1420 only, and is a switch, IPv6",
    path_mtu=1420,
    path_mtu_also=1500,
    family=6,
    path=Path(round_trip=0.03, hazards=(NarrowHop(mtu=1420, port=8081),)),
    flows=(
        Flow(port=8080, talk=(ask(20_000) + small_talk(1, every=0.7)) * 8),
        Flow(port=8081, start=0.6, talk=_SMALL + ask(_TAIL_6), ends="hangs"),
    ),
    seconds=14,
    captures=(
        Capture(
            role="sender",
            accept=_PARALLEL,
            flows={8080: OK, 8081: _PARALLEL},
            why="within the flow it is a black hole; as large packets of the other connection get through",
        ),
        Capture(
            role="receiver",
            accept=("blackhole_suspected", *NO_BLACK_HOLE),
            flows={8080: OK, 8081: ("blackhole_suspected", "content_drop", "stall", "inconclusive")},
        ),
    ),
)
_TWO_PATHS = (
    _ECMP_NARROW,
    replace(
        _ECMP_NARROW,
        name="parallel_narrow_ipv6_cured",
        shows="of two parallel paths neither is narrow, IPv6",
        path_mtu=1500,
        path_mtu_also=None,
        path=Path(round_trip=0.03),
        flows=tuple(replace(flow, ends="completes") for flow in _ECMP_NARROW.flows),
        captures=tuple(Capture(role=role, accept=OK) for role in ("sender", "receiver")),
    ),
    Scenario(
        name="parallel_lossy",
        shows="of four connections the one to port 8082 takes a path that loses 30 %",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LossyPort(port=8082, rate=0.3, seed=929),)),
        flows=_ECMP_FLOWS,
        seconds=25,
        captures=tuple(
            Capture(
                role=role,
                accept=NO_BLACK_HOLE,
                flows={8080: LOSS, 8081: LOSS, 8082: NO_BLACK_HOLE, 8083: LOSS},
            )
            for role in ("sender", "receiver")
        ),
    ),
    Scenario(
        name="parallel_dead",
        shows="the path that port 8081 takes loses everything from the beginning on, the other nothing",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LossyPort(port=8081, rate=1.0, seed=1),)),
        flows=(
            Flow(port=8080, talk=(ask(_TAIL_4) + small_talk(1, every=0.5)) * 6),
            Flow(port=8081, start=0.3, talk=ask(_TAIL_4), ends="hangs"),
            Flow(port=8082, start=0.3, talk=small_talk(6, every=0.5)),
        ),
        seconds=10,
        captures=(
            Capture(
                role="sender",
                accept=("ok", "not_exercised", "inconclusive", "dead_path", "stall"),
                flows={8080: OK, 8081: ("not_exercised", "inconclusive", "dead_path", "stall"), 8082: TOO_SMALL},
            ),
        ),
    ),
    Scenario(
        name="sprayed_over_two",
        shows="packets are sprayed over two paths at random; a third of the large ones meets a hop of 1400",
        path_mtu=1400,
        path_mtu_also=1500,
        path=Path(round_trip=0.03, hazards=(Sprayed(mtu=1400, share=0.33, seed=930),)),
        flows=(Flow(talk=_SMALL + ask(80_000), ends="any"),),
        seconds=30,
        captures=at_both_ends(
            (*_HEAVY, "content_drop", "inconclusive"),
            (*_HEAVY, "content_drop", "inconclusive"),
            why="every large segment gets through at its own size in the end",
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
)

BLIND_CONTENT: tuple[Scenario, ...] = (*_CONTENT, *_TWO_PATHS)
