"""Clamped MSS: right, too high, of the wrong side or family, and small by the host's own choice."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import SMALL_TALK, TAIL_4, TAIL_6, ask, small_talk, upload
from lab.patterns import hole_and_twin
from lab.settings import ROUTERS, clamp
from lab.truths import BLACK_HOLE, HOLE, NEVER_TOO_LARGE, OK, at_both_ends
from lab.vocabulary import Flow, Path, Scenario

_CLAMP_1360 = "tcp flags & (syn | rst) == syn tcp option maxseg size set 1360"
_CLAMP_TO_CLIENT = 'iifname "core" ' + _CLAMP_1360
_MSS_SAVES = Scenario(
    name="small_mss_fits",
    shows="a path of 1400 without PTBs; the client announces an MSS of 1300, so nothing is too large",
    path_mtu=1400,
    path=Path(mtu=1400, round_trip=0.03),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=SMALL_TALK + ask(50_000) + upload(50_000), maximum_segment=1300),),
    captures=at_both_ends(OK, OK),
)

_RIGHT = (
    Scenario(
        name="clamped_both_ways",
        shows="both SYNs are clamped to 1360",
        path_mtu=1400,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_1360},
        flows=(Flow(talk=ask(40_000, request=20_000)),),
        captures=NEVER_TOO_LARGE,
    ),
    Scenario(
        name="clamped_one_way_healthy",
        shows="only the client's SYN is clamped; the data go the clamped way",
        path_mtu=1400,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_TO_CLIENT},
        flows=(Flow(talk=ask(40_000)),),
        captures=NEVER_TOO_LARGE,
    ),
    Scenario(
        name="clamped_ipv6",
        shows="both SYNs are clamped to 1360, IPv6 with a path MTU of 1420",
        path_mtu=1420,
        family=6,
        path=Path(mtu=1420),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_1360},
        flows=(Flow(talk=ask(40_000, request=20_000)),),
        captures=NEVER_TOO_LARGE,
    ),
)

_WRONG = (
    *hole_and_twin(
        "clamp_for_downloads_only",
        "the MSS in the client's SYN is clamped to 1430, the one in the server's is not: uploads hang",
        1430,
        "clamp",
        data="upload",
        talk=ask(20_000) + upload(TAIL_4),
        rules={"server_router": clamp(1430, only='iifname "core"')},
    ),
    *hole_and_twin(
        "clamp_too_high",
        "the SYNs are clamped, but to packets of 1452 where only 1420 pass",
        1420,
        "clamp",
        talk=small_talk(2, every=0.2) + ask(5 * 1400 + 300),
        rules={"server_router": clamp(1452)},
    ),
    *hole_and_twin(
        "clamp_of_the_other_family",
        "PPPoE, IPv6: the SYNs are clamped to 1452, which is right for IPv4 only",
        1492,
        "clamp",
        family=6,
        talk=small_talk(2, every=0.2) + ask(TAIL_6),
        rules={"server_router": clamp(1492, family=4)},
    ),
    *hole_and_twin(
        "clamp_of_the_wrong_side",
        "only the server's SYN is clamped: the upload fits, the download hangs, IPv6, path MTU 1426",
        1426,
        "clamp",
        family=6,
        talk=upload(20_000) + ask(TAIL_6),
        rules={"server_router": clamp(1426, family=6, only='oifname "core"')},
    ),
    Scenario(
        name="clamped_one_way_hangs",
        shows="only the client's SYN is clamped; the download works, the upload hangs",
        path_mtu=1400,
        data="upload",
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router", "client_router"),
        rules={"server_router": _CLAMP_TO_CLIENT},
        flows=(Flow(talk=ask(40_000) + upload(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(BLACK_HOLE, HOLE),
    ),
)

_SMALL_MSS = (
    _MSS_SAVES,
    replace(
        _MSS_SAVES,
        name="small_mss_does_not_fit",
        shows="a path of 1400 without PTBs; the client announces an MSS of 1400, which is 40 too many",
        flows=(Flow(talk=SMALL_TALK + ask(5 * 1388 + 300), maximum_segment=1400, ends="hangs"),),
        seconds=14,
        captures=at_both_ends(BLACK_HOLE, HOLE),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_RIGHT, *_WRONG, *_SMALL_MSS)
