"""Nothing wrong: ordinary traffic, links of many sizes, numbers and ports that wrap or come again."""

from __future__ import annotations

from lab.conversations import FULL_4, SMALL_TALK, TAIL_4, TAIL_6, ask, pushes, secure_shell, small_talk, tls, upload
from lab.hazards import Bottleneck
from lab.settings import CLAMP_1380
from lab.truths import LOSS, NEVER_TOO_LARGE, OK, OK_OR_SMALL, TOO_SMALL, at_both_ends
from lab.vocabulary import Flow, Path, Say, Scenario

_TRAFFIC = (
    Scenario(
        name="twenty_small_connections",
        shows="twenty short connections at once",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=tuple(Flow(start=0.1 * n, talk=ask(200 + 40 * n)) for n in range(20)),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
    Scenario(
        name="page_with_twelve_parts",
        shows="a TLS-like page in twelve connections over a slow line with a deep queue, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.05, hazards=(Bottleneck(bytes_per_second=200_000, queue=400_000),)),
        flows=tuple(
            Flow(port=8080 + n, start=0.05 * n, talk=tls(hello=600 + 100 * n, flight=4200) + ask(15_000))
            for n in range(12)
        ),
        seconds=25,
        captures=at_both_ends((*LOSS, "stall"), (*LOSS, "stall")),
    ),
    Scenario(
        name="secure_shell_and_copy",
        shows="an SSH-like session and a copy of 200 kB, segmentation offload and GRO, no delay",
        path_mtu=1500,
        offloads=True,
        receiver_gro=True,
        path=Path(kind="veth", mtu=1500),
        flows=(
            Flow(
                port=8022,
                talk=secure_shell(kexinit=1100) + small_talk(8, every=0.2, request=36, reply=36) + ask(200_000),
            ),
        ),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="ports_in_turn",
        shows="four transfers in turn from one client port, the last one a single full segment, an upload",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.02),
        sysctls={"net.ipv4.tcp_tw_reuse": "1"},
        flows=tuple(
            Flow(talk=upload(size), client_port=48_000, start=2.2 * n)
            for n, size in enumerate((400, 30_000, 90, FULL_4))
        ),
        seconds=20,
        captures=at_both_ends(OK_OR_SMALL, OK_OR_SMALL, facts=("two_syns",)),
    ),
    Scenario(
        name="pushes_of_every_size",
        shows="a server pushes messages of 100 to 20,000 bytes, IPv6, all arrive",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.04),
        flows=(
            Flow(
                talk=tuple(Say(speaker="server", size=100 + 1990 * n, after=0.3) for n in range(11))
                + pushes(3, every=0.3)
            ),
        ),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="small_download_without_trouble",
        shows="nothing larger than 1280 bytes is ever sent",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=small_talk(6, every=0.3)),),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
)

_LINKS = (
    Scenario(
        name="jumbo_server_ordinary_client",
        shows="a server with jumbo frames and a client without: the MSS settles it",
        path_mtu=1500,
        lan_mtu=9000,
        client_lan_mtu=1500,
        path=Path(mtu=9000, round_trip=0.02),
        flows=(Flow(talk=SMALL_TALK + ask(200_000) + upload(200_000)),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="jumbo_healthy",
        shows="jumbo frames all the way, segmentation offload and GRO",
        path_mtu=9000,
        lan_mtu=9000,
        offloads=True,
        receiver_gro=True,
        path=Path(mtu=9000, round_trip=0.02),
        flows=(Flow(talk=SMALL_TALK + ask(900_000), congestion_control="bbr"),),
        captures=at_both_ends(("ok", "loss"), ("ok", "loss")),
    ),
    Scenario(
        name="links_of_1280",
        shows="hosts whose own links are 1280 bytes, IPv6",
        path_mtu=1280,
        lan_mtu=1280,
        family=6,
        path=Path(mtu=1280, round_trip=0.02),
        flows=(Flow(talk=SMALL_TALK + ask(60_000)),),
        captures=at_both_ends(OK_OR_SMALL, OK_OR_SMALL),
    ),
    Scenario(
        name="links_of_1492",
        shows="a client behind PPPoE with the right MTU on its own link",
        path_mtu=1492,
        client_lan_mtu=1492,
        path=Path(mtu=1500, round_trip=0.02),
        flows=(Flow(talk=SMALL_TALK + ask(60_000)),),
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="super_segments_everywhere",
        shows="virtual machines on one host: super-segments cross the whole path uncut",
        path_mtu=1420,
        offloads=True,
        path=Path(kind="veth", mtu=1420),
        rules={"server_router": CLAMP_1380},
        flows=(Flow(talk=ask(200_000)),),
        captures=at_both_ends(OK, OK, facts=("super_segments",)),
    ),
    Scenario(
        name="full_size_healthy",
        shows="a path of 1500 without any trouble, offloads on",
        path_mtu=1500,
        offloads=True,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=tls(hello=517, flight=4200) + ask(100_000)),),
        captures=NEVER_TOO_LARGE,
    ),
)

_ODD = (
    Scenario(
        name="ports_reused",
        shows="a second connection from the same client port: new sequence numbers, same tuple",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        sysctls={"net.ipv4.tcp_tw_reuse": "1"},
        flows=(
            Flow(talk=ask(20_000), client_port=45_000),
            Flow(talk=ask(TAIL_4), client_port=45_000, start=3.0),
        ),
        captures=at_both_ends(OK, OK, facts=("two_syns",)),
    ),
    Scenario(
        name="sequence_wraps",
        shows="an upload whose sequence numbers pass 2^32",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.02),
        flows=(Flow(talk=upload(100_000), initial_sequence=2**32 - 40_000),),
        captures=at_both_ends(OK, OK, facts=("sequence_wraps",)),
    ),
    Scenario(
        name="ports_reused_ipv6",
        shows="three connections in turn from the same client port, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.02),
        sysctls={"net.ipv4.tcp_tw_reuse": "1"},
        flows=(
            Flow(talk=ask(30_000), client_port=47_000),
            Flow(talk=ask(400), client_port=47_000, start=2.5),
            Flow(talk=ask(TAIL_6), client_port=47_000, start=5.0),
        ),
        captures=at_both_ends(OK, OK, facts=("two_syns",)),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_TRAFFIC, *_LINKS, *_ODD)
