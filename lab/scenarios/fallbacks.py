"""MTU probing (RFC 4821): hosts that get over a black hole, and those that probe without need."""

from __future__ import annotations

from typing import Any

from lab.conversations import SMALL_TALK, TAIL_4, TAIL_DOWNLOAD, WITHOUT_TAIL, ask, small_talk, upload
from lab.hazards import NarrowHop
from lab.mishaps import LateSyn
from lab.patterns import RECOVERS, size_limit
from lab.settings import PROBING, PROBING_ALWAYS, ROUTERS
from lab.truths import BLACK_HOLE, FINE, HOLE, OK, RECOVERED, RECOVERED_AT_RECEIVER, at_both_ends
from lab.vocabulary import Flow, Path, Scenario, Verdicts

_SILENT_FALLBACK: Verdicts = ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok")
_PROBES: Verdicts = ("ok", "loss", "not_exercised")
_LATE: dict[str, Any] = {"back": (LateSyn(seconds=0.3),), "sysctls": PROBING, "seconds": 30.0}

_PROBING = (
    Scenario(
        name="probing_1072_upload",
        shows="tcp_mtu_probing=1 and a path of 1072: packets of 1076 are still too large, 564 get through",
        path_mtu=1072,
        data="upload",
        path=Path(mtu=1072),
        icmp_dropped_at=ROUTERS,
        sysctls=PROBING,
        flows=(Flow(talk=upload(TAIL_4)),),
        seconds=35,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_bbr_900",
        shows="tcp_mtu_probing=1, BBR, a path of 900",
        path_mtu=900,
        path=Path(mtu=900, round_trip=0.06),
        icmp_dropped_at=ROUTERS,
        sysctls=PROBING,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), congestion_control="bbr"),),
        seconds=35,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_ipv6_offloads",
        shows="tcp_mtu_probing=1, IPv6, segmentation offload, a path of 1350",
        path_mtu=1350,
        family=6,
        offloads=True,
        path=Path(mtu=1350, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        sysctls=PROBING,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(30_000)),),
        seconds=20,
        captures=at_both_ends(RECOVERED, _SILENT_FALLBACK),
    ),
    Scenario(
        name="probing_always_ipv6",
        shows="tcp_mtu_probing=2, IPv6 upload, a path of 1302: the probes upwards are lost without harm",
        path_mtu=1302,
        data="upload",
        family=6,
        path=Path(mtu=1302, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        sysctls=PROBING_ALWAYS,
        flows=(Flow(talk=upload(500_000)),),
        captures=at_both_ends(
            ("ok", "loss", "not_exercised"),
            ("ok", "loss", "not_exercised"),
            why="only the probe is lost and the flow goes on within an RTT",
            facts_sender=("retransmissions",),
        ),
    ),
    Scenario(
        name="probing_download",
        shows="tcp_mtu_probing=1, a long download: nothing small behind the first flight",
        path_mtu=1420,
        path=Path(mtu=1420, round_trip=0.04),
        icmp_dropped_at=("server_router",),
        sysctls=PROBING,
        flows=(Flow(talk=ask(WITHOUT_TAIL)),),
        seconds=20,
        captures=at_both_ends(
            RECOVERED,
            ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok"),
            why_receiver="silence for four seconds, then small segments: nothing shows that larger ones were tried",
        ),
    ),
    Scenario(
        name="probing_upload_ipv6",
        shows="tcp_mtu_probing=1, IPv6 upload",
        path_mtu=1400,
        data="upload",
        family=6,
        path=Path(mtu=1400),
        icmp_dropped_at=("client_router",),
        sysctls=PROBING,
        flows=(Flow(talk=upload(TAIL_4)),),
        seconds=15,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_offloads",
        shows="tcp_mtu_probing=1 with segmentation offload: sizes captured after the fallback are super-segments",
        path_mtu=1400,
        offloads=True,
        path=Path(mtu=1400),
        icmp_dropped_at=("server_router",),
        sysctls=PROBING,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(40_000)),),
        seconds=15,
        captures=at_both_ends(
            RECOVERED,
            ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok"),
        ),
    ),
    Scenario(
        name="probing_twice",
        shows="tcp_mtu_probing=1 and a path MTU of 700: 1024 is still too large, 512 gets through",
        path_mtu=700,
        path=Path(mtu=700),
        icmp_dropped_at=("server_router",),
        sysctls=PROBING,
        flows=TAIL_DOWNLOAD,
        seconds=30,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_always_upload",
        shows="tcp_mtu_probing=2: the client begins at 1024 and probes upwards; the probes that "
        "are too large are lost without harm",
        path_mtu=1400,
        data="upload",
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("client_router",),
        sysctls=PROBING_ALWAYS,
        flows=(Flow(talk=upload(400_000)),),
        captures=at_both_ends(
            ("ok", "loss", "not_exercised"),
            ("ok", "loss", "not_exercised"),
            why="only the probe is lost and the flow goes on within an RTT",
            facts_sender=("retransmissions",),
        ),
    ),
    Scenario(
        name="probing_always_download",
        shows="tcp_mtu_probing=2 on a server: Linux starts small only on connections that it opens",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        sysctls=PROBING_ALWAYS,
        flows=TAIL_DOWNLOAD,
        seconds=15,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
)

_PROBING_AT_ONE_HOST = (
    Scenario(
        name="probing_at_the_sender",
        shows="only the server has tcp_mtu_probing=1, path MTU 1386",
        path_mtu=1386,
        path=Path(mtu=1386, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        node_sysctls={"server": PROBING},
        flows=(Flow(talk=SMALL_TALK + ask(TAIL_4)),),
        seconds=25,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_at_the_wrong_end",
        shows="only the client has tcp_mtu_probing=1, and the server is the one that hangs, path MTU 1386",
        path_mtu=1386,
        path=Path(mtu=1386, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        node_sysctls={"client": PROBING},
        flows=(Flow(talk=SMALL_TALK + ask(TAIL_4), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(BLACK_HOLE, HOLE),
    ),
    Scenario(
        name="probing_base_536",
        shows="tcp_mtu_probing=1 with a base MSS of 536, an upload into 590",
        path_mtu=590,
        data="upload",
        path=Path(mtu=590, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        sysctls={**PROBING, "net.ipv4.tcp_base_mss": "536"},
        flows=(Flow(talk=upload(TAIL_4)),),
        seconds=30,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_always_wide",
        shows="tcp_mtu_probing=2 on a healthy path: it begins small and probes its way up",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        sysctls=PROBING_ALWAYS,
        flows=(Flow(talk=SMALL_TALK + ask(400_000)),),
        seconds=20,
        captures=at_both_ends(_PROBES, _PROBES),
    ),
    Scenario(
        name="probing_always_1380",
        shows="tcp_mtu_probing=2 and BBR on a path of 1380 without PTBs: only probes are lost",
        path_mtu=1380,
        path=Path(mtu=1380, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        sysctls=PROBING_ALWAYS,
        flows=(Flow(talk=SMALL_TALK + ask(500_000), congestion_control="bbr"),),
        seconds=20,
        captures=at_both_ends(_PROBES, _PROBES),
    ),
)

_LATE_SYN = (
    size_limit(
        "hole_probing",
        "a true black hole with tcp_mtu_probing=1",
        1400,
        NarrowHop(mtu=1400),
        sysctls=PROBING,
        **RECOVERS,
    ),
    size_limit(
        "late_syn_probing",
        "a first SYN that is 0.3 s late, a black hole, probing",
        1400,
        NarrowHop(mtu=1400),
        **_LATE,
        **RECOVERS,
    ),
    size_limit(
        "late_syn_probing_ipv6",
        "the same over IPv6",
        1400,
        NarrowHop(mtu=1400),
        family=6,
        **_LATE,
        **RECOVERS,
    ),
    size_limit(
        "late_syn_probing_offloads",
        "the same with segmentation offload",
        1400,
        NarrowHop(mtu=1400),
        offloads=True,
        **_LATE,
        **RECOVERS,
    ),
    size_limit(
        "late_syn_wide", "twin: a late first SYN and probing on a wide path", 1500, sender=OK, receiver=FINE, **_LATE
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_PROBING, *_PROBING_AT_ONE_HOST, *_LATE_SYN)
