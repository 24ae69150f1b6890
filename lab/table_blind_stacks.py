"""Blind set: black holes met by unusual settings of the stack, each with its twin; and jumbo frames beside others."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import ask, small_talk, upload
from lab.table_seen_holes import FULL_4, FULL_6, ROUTERS, clamp, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    HOLE,
    NEVER_SHOWN,
    OK,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    RECOVERED,
    RECOVERED_AT_RECEIVER,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_SMALL = small_talk(3, every=0.2)
_OK_OR_SMALL: Verdicts = ("ok", "not_exercised")
_PROBES: Verdicts = ("ok", "loss", "not_exercised")


def _breaks(pair: tuple[Scenario, Scenario]) -> tuple[Scenario, Scenario]:
    """The flows of the bad one end with an error instead of hanging."""
    bad, twin = pair
    return replace(bad, flows=tuple(replace(flow, ends="breaks") for flow in bad.flows)), twin


_ENDINGS = (
    *_breaks(
        hole_and_twin(
            "gives_up_early",
            "tcp_retries2=4: the sender's kernel gives the connection up, path MTU 1422",
            1422,
            "ptb",
            talk=_SMALL + ask(_TAIL_4),
            sysctls={"net.ipv4.tcp_retries2": "4"},
            seconds=30,
        )
    ),
    *_breaks(
        hole_and_twin(
            "closed_in_the_hang",
            "the client closes with a FIN after five seconds of hanging, path MTU 1456",
            1456,
            "clamp",
            flows=(Flow(talk=_SMALL + ask(_TAIL_4), client_patience=5.0, ends="hangs"),),
            seconds=16,
        )
    ),
    *_breaks(
        hole_and_twin(
            "reset_in_the_hang",
            "the client resets after four seconds of hanging, IPv6, path MTU 1332",
            1332,
            "ptb",
            family=6,
            flows=(Flow(talk=_SMALL + ask(_TAIL_6), client_patience=4.5, client_aborts=True, ends="hangs"),),
            seconds=16,
        )
    ),
    *hole_and_twin(
        "keepalives_in_the_hang",
        "full segments only; the waiting client sends keep-alives, which are answered, path MTU 1384",
        1384,
        "wide",
        flows=(Flow(talk=_SMALL + ask(60_000), keepalive_seconds=1, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
)

_SETTINGS = (
    *hole_and_twin(
        "old_fashioned",
        "no SACK, no timestamps, no tail-loss probe, no RACK, Reno, path MTU 1394",
        1394,
        "ptb",
        talk=_SMALL + ask(5 * 1460 + 300),
        congestion="reno",
        sysctls={
            "net.ipv4.tcp_sack": "0",
            "net.ipv4.tcp_timestamps": "0",
            "net.ipv4.tcp_early_retrans": "0",
            "net.ipv4.tcp_recovery": "0",
        },
        sender=BLACK_HOLE_BY_ACK,
        receiver=("blackhole_suspected", "inconclusive"),
    ),
    *hole_and_twin(
        "paced",
        "a sender paced to 40 kB/s, path MTU 1426",
        1426,
        "clamp",
        flows=(Flow(talk=_SMALL + ask(_TAIL_4), pacing=40_000, ends="hangs"),),
    ),
    *hole_and_twin(
        "bbr_narrow_window",
        "BBR and a receiver of few segments, IPv6, path MTU 1310",
        1310,
        "wide",
        family=6,
        flows=(Flow(talk=_SMALL + ask(50_000), congestion_control="bbr", receive_buffer=9_000, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=20,
        twin_captures=at_both_ends(("ok", "zero_window"), ("ok", "zero_window")),
    ),
    *hole_and_twin(
        "jumbo_without_scaling",
        "jumbo frames without window scaling into a path of 3000",
        3000,
        "ptb",
        lan_mtu=9000,
        talk=_SMALL + ask(3 * 8948 + 700),
        sysctls={"net.ipv4.tcp_window_scaling": "0"},
    ),
    *hole_and_twin(
        "ecn_1398",
        "ECN is negotiated, an upload into 1398",
        1398,
        "clamp",
        data="upload",
        talk=upload(_TAIL_4),
        sysctls={"net.ipv4.tcp_ecn": "1"},
    ),
    *hole_and_twin(
        "upload_1340_bare_ipv6",
        "IPv6 upload without SACK and timestamps, path MTU 1340",
        1340,
        "ptb",
        data="upload",
        family=6,
        talk=upload(5 * 1440 + 300),
        sysctls={"net.ipv4.tcp_sack": "0", "net.ipv4.tcp_timestamps": "0"},
        sender=BLACK_HOLE_BY_ACK,
        receiver=("blackhole_suspected", "inconclusive"),
    ),
    *hole_and_twin(
        "mtu_576_download",
        "a path of 576 bytes, the smallest that every IPv4 host must take",
        576,
        "clamp",
        talk=_SMALL + ask(_TAIL_4),
    ),
    *hole_and_twin(
        "satellite_1408",
        "a satellite's RTT of 620 ms, path MTU 1408",
        1408,
        "wide",
        path=Path(mtu=1408, round_trip=0.62),
        talk=small_talk(2, every=0.3) + ask(_TAIL_4),
        seconds=30,
    ),
    *hole_and_twin(
        "clamp_for_downloads_only",
        "the MSS in the client's SYN is clamped to 1430, the one in the server's is not: uploads hang",
        1430,
        "clamp",
        data="upload",
        talk=ask(20_000) + upload(_TAIL_4),
        rules={"server_router": clamp(1430, only='iifname "core"')},
    ),
)

_MSS_SAVES = Scenario(
    name="small_mss_fits",
    shows="a path of 1400 without PTBs; the client announces an MSS of 1300, so nothing is too large",
    path_mtu=1400,
    path=Path(mtu=1400, round_trip=0.03),
    icmp_dropped_at=ROUTERS,
    flows=(Flow(talk=_SMALL + ask(50_000) + upload(50_000), maximum_segment=1300),),
    captures=at_both_ends(OK, OK),
)
_PROBING = {"net.ipv4.tcp_mtu_probing": "1"}
_PROBING_ALWAYS = {"net.ipv4.tcp_mtu_probing": "2"}
_FALLBACKS = (
    Scenario(
        name="probing_at_the_sender",
        shows="only the server has tcp_mtu_probing=1, path MTU 1386",
        path_mtu=1386,
        path=Path(mtu=1386, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        node_sysctls={"server": _PROBING},
        flows=(Flow(talk=_SMALL + ask(_TAIL_4)),),
        seconds=25,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_at_the_wrong_end",
        shows="only the client has tcp_mtu_probing=1, and the server is the one that hangs, path MTU 1386",
        path_mtu=1386,
        path=Path(mtu=1386, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        node_sysctls={"client": _PROBING},
        flows=(Flow(talk=_SMALL + ask(_TAIL_4), ends="hangs"),),
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
        sysctls={**_PROBING, "net.ipv4.tcp_base_mss": "536"},
        flows=(Flow(talk=upload(_TAIL_4)),),
        seconds=30,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_always_wide",
        shows="tcp_mtu_probing=2 on a healthy path: it begins small and probes its way up",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        sysctls=_PROBING_ALWAYS,
        flows=(Flow(talk=_SMALL + ask(400_000)),),
        seconds=20,
        captures=at_both_ends(_PROBES, _PROBES),
    ),
    Scenario(
        name="probing_always_1380",
        shows="tcp_mtu_probing=2 and BBR on a path of 1380 without PTBs: only probes are lost",
        path_mtu=1380,
        path=Path(mtu=1380, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        sysctls=_PROBING_ALWAYS,
        flows=(Flow(talk=_SMALL + ask(500_000), congestion_control="bbr"),),
        seconds=20,
        captures=at_both_ends(_PROBES, _PROBES),
    ),
    _MSS_SAVES,
    replace(
        _MSS_SAVES,
        name="small_mss_does_not_fit",
        shows="a path of 1400 without PTBs; the client announces an MSS of 1400, which is 40 too many",
        flows=(Flow(talk=_SMALL + ask(5 * 1388 + 300), maximum_segment=1400, ends="hangs"),),
        seconds=14,
        captures=at_both_ends(BLACK_HOLE, HOLE),
    ),
)

_MIXED = (
    Scenario(
        name="jumbo_server_ordinary_client",
        shows="a server with jumbo frames and a client without: the MSS settles it",
        path_mtu=1500,
        lan_mtu=9000,
        client_lan_mtu=1500,
        path=Path(mtu=9000, round_trip=0.02),
        flows=(Flow(talk=_SMALL + ask(200_000) + upload(200_000)),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="jumbo_told_1500",
        shows="hosts with jumbo frames, a hop of 1500 that says so, both directions, IPv6",
        path_mtu=1500,
        lan_mtu=9000,
        family=6,
        path=Path(mtu=1500, round_trip=0.02),
        flows=(Flow(talk=_SMALL + ask(60_000) + upload(60_000)),),
        captures=tuple(Capture(role=role, accept=PMTUD_OK, ptb=("accepted",)) for role in ("sender", "receiver")),
    ),
    Scenario(
        name="jumbo_healthy",
        shows="jumbo frames all the way, segmentation offload and GRO",
        path_mtu=9000,
        lan_mtu=9000,
        offloads=True,
        receiver_gro=True,
        path=Path(mtu=9000, round_trip=0.02),
        flows=(Flow(talk=_SMALL + ask(900_000), congestion_control="bbr"),),
        captures=at_both_ends(("ok", "loss"), ("ok", "loss")),
    ),
    Scenario(
        name="links_of_1280",
        shows="hosts whose own links are 1280 bytes, IPv6",
        path_mtu=1280,
        lan_mtu=1280,
        family=6,
        path=Path(mtu=1280, round_trip=0.02),
        flows=(Flow(talk=_SMALL + ask(60_000)),),
        captures=at_both_ends(_OK_OR_SMALL, _OK_OR_SMALL),
    ),
    Scenario(
        name="links_of_1492",
        shows="a client behind PPPoE with the right MTU on its own link",
        path_mtu=1492,
        client_lan_mtu=1492,
        path=Path(mtu=1500, round_trip=0.02),
        flows=(Flow(talk=_SMALL + ask(60_000)),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="remembered_from_before",
        shows="the first of three connections is told 1440, the others begin with what the host remembers, upload",
        path_mtu=1440,
        data="upload",
        path=Path(mtu=1440, round_trip=0.02),
        flows=tuple(Flow(port=8080 + n, start=1.2 * n, talk=upload(40_000)) for n in range(3)),
        captures=(
            Capture(
                role="sender",
                accept=PMTUD_OK,
                flows={8080: PMTUD_OK, 8081: ("ok", "pmtud_ok"), 8082: ("ok", "pmtud_ok")},
                ptb=("accepted",),
            ),
            Capture(
                role="receiver",
                accept=PMTUD_OK_AT_RECEIVER,
                flows={8080: PMTUD_OK_AT_RECEIVER, 8081: ("ok", "loss"), 8082: ("ok", "loss")},
            ),
        ),
    ),
)

BLIND_STACKS: tuple[Scenario, ...] = (*_ENDINGS, *_SETTINGS, *_FALLBACKS, *_MIXED)
