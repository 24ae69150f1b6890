"""Parallel paths of which one is narrow, lossy or dead, and loss that depends on the size."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import SMALL_TALK, TAIL_4, TAIL_6, ask, small_talk
from lab.filters import NarrowMember
from lab.hazards import NarrowHop, RandomLoss
from lab.mishaps import LossyPort, Sprayed
from lab.patterns import size_limit
from lab.truths import (
    BOTH_SIZES,
    FINE,
    HEAVY_LOSS,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    SEEN_BEYOND,
    SOME_BLACK_HOLE,
    TOO_SMALL,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_PARALLEL: Verdicts = ("blackhole", "blackhole_probable", "content_drop", "stall")
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
        Flow(port=8081, start=0.6, talk=SMALL_TALK + ask(TAIL_6), ends="hangs"),
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
_MEMBER = NarrowMember(mtu=1400, odd="client")
_ODD, _EVEN = (41_001, 41_003, 41_005), (42_000, 42_002, 42_004, 42_006)


def _members(*, narrow: bool, together: bool) -> Scenario:
    """Seven flows; those with an odd client port go over the other member."""
    ports = [port for pair in zip(_EVEN, (*_ODD, 0), strict=True) for port in pair if port]
    flows = tuple(
        Flow(
            port=8081 if port % 2 else 8080,
            client_port=port,
            talk=(*small_talk(2, every=0.2), *ask(TAIL_4)),
            start=0.1 * index if together else 1.5 * index,
            ends="hangs" if port % 2 and narrow else "completes",
        )
        for index, port in enumerate(ports)
    )
    odd = SOME_BLACK_HOLE if narrow else FINE
    beyond = SEEN_BEYOND if narrow else FINE
    when = "at once" if together else "one after the other"
    return size_limit(
        f"members_{'together' if together else 'in_turn'}{'' if narrow else '_all_wide'}",
        f"{'' if narrow else 'twin: all members are wide; '}seven flows {when} over two parallel paths, by client port",
        1400 if narrow else 1500,
        *((_MEMBER,) if narrow else ()),
        path_mtu_also=1500 if narrow else None,
        flows=flows,
        seconds=22.0,
        captures=(
            Capture(role="sender", accept=odd, flows={8080: FINE, 8081: odd}, facts=BOTH_SIZES if narrow else ()),
            Capture(role="receiver", accept=beyond, flows={8080: FINE, 8081: beyond}),
        ),
    )


_WORSE_PATH = (
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
            Flow(port=8080, talk=(ask(TAIL_4) + small_talk(1, every=0.5)) * 6),
            Flow(port=8081, start=0.3, talk=ask(TAIL_4), ends="hangs"),
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
        flows=(Flow(talk=SMALL_TALK + ask(80_000), ends="any"),),
        seconds=30,
        captures=at_both_ends(
            (*HEAVY_LOSS, "content_drop", "inconclusive"),
            (*HEAVY_LOSS, "content_drop", "inconclusive"),
            why="every large segment gets through at its own size in the end",
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="one_path_narrow",
        shows="several connections, of which only those on one of two parallel paths are hit; the "
        "hop is a switch, so no ICMP can exist",
        path_mtu=1450,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1450, port=8081),)),
        flows=(
            Flow(port=8080, talk=small_talk(2, every=0.2) + ask(20_000)),
            Flow(
                port=8081,
                start=1.0,
                talk=small_talk(2, every=0.2) + ask(TAIL_4),
                ends="hangs",
            ),
            Flow(port=8080, start=4.0, talk=small_talk(2, every=0.2) + ask(20_000)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "content_drop", "stall"),
                why="within the flow it is a black hole; pooled over the two addresses, packets "
                "as large get through on the other path",
                flows={
                    8080: OK,
                    8081: ("blackhole", "blackhole_probable", "content_drop", "stall"),
                },
            ),
        ),
    ),
)

_MEMBERS = (
    _members(narrow=True, together=True),
    _members(narrow=False, together=True),
    _members(narrow=True, together=False),
    _members(narrow=False, together=False),
)

_LOSS_BY_SIZE = (
    size_limit(
        "size_loss_90_percent",
        "nine of ten packets above 1400 bytes are lost",
        1400,
        RandomLoss(rate=0.9, above=1400, seed=81),
        sender=("loss", "stall", "inconclusive", "ok", *SOME_BLACK_HOLE, "content_drop"),
        receiver=(*NO_BLACK_HOLE, "blackhole_suspected"),
        path_mtu_also=1500,
        flows=(Flow(talk=(*small_talk(3, every=0.2), *ask(TAIL_4)), ends="any"),),
        seconds=40.0,
    ),
    size_limit(
        "size_loss_5_percent",
        "twin: one of twenty packets above 1400 bytes is lost",
        1500,
        RandomLoss(rate=0.05, above=1400, seed=82),
        sender=FINE,
        receiver=FINE,
        talk=(*small_talk(3, every=0.2), *ask(60_000)),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_WORSE_PATH, *_MEMBERS, *_LOSS_BY_SIZE)
