"""First blind set: narrow hops that move, heal, or are met one way; clamps that miss; fallbacks; DF clear."""

from __future__ import annotations

from lab.conversations import ask, small_talk, upload
from lab.hazards import FragmentFilter, NarrowHop
from lab.table_seen_holes import FULL_4, FULL_6, ROUTERS, clamp, hole_and_twin
from lab.truths import (
    BLACK_HOLE,
    HOLE,
    LOSS,
    OK,
    PMTUD_OK,
    RECOVERED,
    RECOVERED_AT_RECEIVER,
    TOO_SMALL,
    ZERO_WINDOW,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_PROBING = {"net.ipv4.tcp_mtu_probing": "1"}
_PROBING_ALWAYS = {"net.ipv4.tcp_mtu_probing": "2"}
_SILENT_FALLBACK: Verdicts = ("blackhole_recovered", "blackhole_suspected", "inconclusive", "not_exercised", "ok")

_CLAMPS = (
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
        talk=small_talk(2, every=0.2) + ask(_TAIL_6),
        rules={"server_router": clamp(1492, family=4)},
    ),
    *hole_and_twin(
        "clamp_of_the_wrong_side",
        "only the server's SYN is clamped: the upload fits, the download hangs, IPv6, path MTU 1426",
        1426,
        "clamp",
        family=6,
        talk=upload(20_000) + ask(_TAIL_6),
        rules={"server_router": clamp(1426, family=6, only='oifname "core"')},
    ),
)

_REPLIES = (ask(_TAIL_4) + small_talk(1, every=0.4)) * 6

_MOVING = (
    Scenario(
        name="narrows_between_replies",
        shows="the path of a kept-alive connection narrows to 1462 between two large replies, and nobody says so",
        path_mtu=1462,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1462, since=1.8),)),
        flows=(
            Flow(talk=_REPLIES, ends="hangs"),
            Flow(port=8081, talk=small_talk(12, every=1.0)),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                flows={8080: ("blackhole", "blackhole_probable", "stall"), 8081: TOO_SMALL},
                why="packets as large got through before, none since",
            ),
        ),
    ),
    Scenario(
        name="narrows_between_replies_cured",
        shows="the path of a kept-alive connection narrows to 1462 between two large replies; the PTB arrives",
        path_mtu=1462,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1462, since=1.8, ptb="plain"),)),
        flows=(Flow(talk=_REPLIES), Flow(port=8081, talk=small_talk(5, every=1.0))),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=PMTUD_OK,
                flows={8080: PMTUD_OK, 8081: TOO_SMALL},
                ptb=("accepted",),
            ),
            Capture(role="receiver", accept=LOSS, flows={8080: ("ok", "loss", "pmtud_ok"), 8081: TOO_SMALL}),
        ),
    ),
    Scenario(
        name="repaired_while_it_hangs",
        shows="somebody repairs the path while a reply hangs: the same segment gets through at its own size",
        path_mtu=1390,
        path_mtu_also=1500,
        family=6,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1390, until=5.0),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(_TAIL_6)),),
        seconds=20,
        captures=at_both_ends(
            ("loss", "stall"),
            (*LOSS, "stall", "blackhole_suspected"),
            why="in the end every segment got through at its own size",
            why_receiver="a hole of full segments that is filled seconds later at full size",
            facts_sender=("retransmissions", "large_delivered"),
        ),
    ),
    Scenario(
        name="port_reused_after_hang",
        shows="a download hangs and the client resets it; from the same port it works a moment later, on a wider path",
        path_mtu=1442,
        path_mtu_also=1500,
        path=Path(round_trip=0.02, hazards=(NarrowHop(mtu=1442, until=7.5),)),
        flows=(
            Flow(
                talk=small_talk(2, every=0.2) + ask(_TAIL_4),
                client_port=46_000,
                client_patience=6.5,
                client_aborts=True,
                ends="breaks",
            ),
            Flow(talk=small_talk(1, every=0.2) + ask(_TAIL_4), client_port=46_000, start=8.5),
        ),
        seconds=20,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole", "blackhole_probable", "stall"),
                facts=("two_syns", "reset"),
                why="the second connection shows that the path was wide again later",
            ),
            Capture(
                role="receiver",
                accept=("blackhole_suspected", "stall", "inconclusive"),
                facts=("two_syns", "reset"),
            ),
        ),
    ),
    Scenario(
        name="both_directions_hang",
        shows="an upload and a download of the same two hosts hang, at hops of 1350 and 1394 bytes",
        path_mtu=1350,
        data="upload",
        path=Path(mtu=1350, mtu_back=1394, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        flows=(
            Flow(port=8080, talk=upload(_TAIL_4), ends="hangs"),
            Flow(port=8081, start=0.5, talk=small_talk(2, every=0.2) + ask(_TAIL_4), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8080: BLACK_HOLE, 8081: HOLE}),
            Capture(role="receiver", accept=BLACK_HOLE, flows={8080: HOLE, 8081: BLACK_HOLE}),
        ),
    ),
    Scenario(
        name="two_stalls",
        shows="one connection meets a black hole of 1430; the upload of another waits for a server that does not read",
        path_mtu=1430,
        path=Path(mtu=1430, mtu_back=1500, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        flows=(
            Flow(
                port=8080,
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=300_000, reader_pauses=60.0),
                ),
                receive_buffer=24_000,
                ends="hangs",
            ),
            Flow(port=8081, start=0.4, talk=small_talk(2, every=0.2) + ask(_TAIL_4), ends="hangs"),
        ),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8080: ZERO_WINDOW, 8081: BLACK_HOLE}),
            Capture(role="receiver", accept=HOLE, flows={8080: ZERO_WINDOW, 8081: HOLE}),
        ),
    ),
    Scenario(
        name="one_stall_is_a_window",
        shows="of two downloads on a healthy path one waits for a client that does not read",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(port=8080, talk=(ask(30_000) + small_talk(1, every=0.5)) * 5),
            Flow(
                port=8081,
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=200_000, reader_pauses=60.0),
                ),
                receive_buffer=20_000,
                ends="hangs",
            ),
        ),
        seconds=12,
        captures=(
            Capture(role="sender", accept=ZERO_WINDOW, flows={8080: OK, 8081: ZERO_WINDOW}),
            Capture(role="receiver", accept=ZERO_WINDOW, flows={8080: OK, 8081: ZERO_WINDOW}),
        ),
    ),
)

_FALLBACK = (
    Scenario(
        name="probing_1072_upload",
        shows="tcp_mtu_probing=1 and a path of 1072: packets of 1076 are still too large, 564 get through",
        path_mtu=1072,
        data="upload",
        path=Path(mtu=1072),
        icmp_dropped_at=ROUTERS,
        sysctls=_PROBING,
        flows=(Flow(talk=upload(_TAIL_4)),),
        seconds=35,
        captures=at_both_ends(RECOVERED, RECOVERED_AT_RECEIVER),
    ),
    Scenario(
        name="probing_bbr_900",
        shows="tcp_mtu_probing=1, BBR, a path of 900",
        path_mtu=900,
        path=Path(mtu=900, round_trip=0.06),
        icmp_dropped_at=ROUTERS,
        sysctls=_PROBING,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(_TAIL_4), congestion_control="bbr"),),
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
        sysctls=_PROBING,
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
        sysctls=_PROBING_ALWAYS,
        flows=(Flow(talk=upload(500_000)),),
        captures=at_both_ends(
            ("ok", "loss", "not_exercised"),
            ("ok", "loss", "not_exercised"),
            why="only the probe is lost and the flow goes on within an RTT",
            facts_sender=("retransmissions",),
        ),
    ),
)

_PLAIN_IP = {"net.ipv4.ip_no_pmtu_disc": "1"}
_NO_DF = (
    Scenario(
        name="no_pmtu_disc_delivered",
        shows="ip_no_pmtu_disc=1: DF is clear, the router cuts packets to 1310 and the fragments arrive",
        path_mtu=1310,
        path=Path(mtu=1310),
        sysctls=_PLAIN_IP,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(90_000)),),
        captures=at_both_ends(
            ("no_df",),
            ("no_df", "ok", "not_exercised", "inconclusive"),
            why_receiver="what arrives are fragments",
        )[:1],
    ),
    Scenario(
        name="no_pmtu_disc_filtered",
        shows="ip_no_pmtu_disc=1: DF is clear, the router cuts packets to 1310 and a firewall drops the fragments",
        path_mtu=1310,
        data="upload",
        path=Path(mtu=1310, hazards=(FragmentFilter(),)),
        sysctls=_PLAIN_IP,
        flows=(Flow(talk=upload(_TAIL_4), ends="hangs"),),
        seconds=14,
        captures=at_both_ends(
            ("fragment_loss",),
            ("fragment_loss", "blackhole_suspected", "stall", "inconclusive"),
            why_receiver="a hole of full segments; only the small packets show that DF is clear",
        ),
    ),
)

SEEN_PATHS: tuple[Scenario, ...] = (*_CLAMPS, *_MOVING, *_FALLBACK, *_NO_DF)
