"""Blind set, healthy or waiting: closed windows, slow readers, silent applications, crowds of small connections."""

from __future__ import annotations

from lab.conversations import ask, pushes, secure_shell, small_talk, tls, upload
from lab.hazards import Bottleneck
from lab.table_seen_holes import FULL_4, FULL_6, ROUTERS
from lab.truths import LOSS, OK, SILENT, TOO_SMALL, ZERO_WINDOW, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_SMALL = small_talk(3, every=0.2)
_SLOWLY: Verdicts = ("zero_window", "ok", "loss")
_OK_OR_SMALL: Verdicts = ("ok", "not_exercised")


_WINDOWS = (
    Scenario(
        name="zero_window_25_s_upload",
        shows="the server does not read an upload for twenty-five seconds",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=200_000, after=0.1, reader_pauses=25.0),
                ),
                receive_buffer=24_000,
            ),
        ),
        seconds=45,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="zero_window_before_full_segments_end",
        shows="a reader with room for two segments is away at once, IPv6; it never comes back",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*_SMALL, Say(speaker="client", size=180), Say(speaker="server", size=80_000, reader_pauses=60.0)),
                receive_buffer=6_000,
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="reader_of_8_kb_per_second",
        shows="a client that reads 8 kB/s, BBR, no timestamps",
        path_mtu=1500,
        path=Path(round_trip=0.05),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(
            Flow(
                talk=(Say(speaker="client", size=180), Say(speaker="server", size=90_000, reader_pace=8_000.0)),
                receive_buffer=16_000,
                congestion_control="bbr",
            ),
        ),
        seconds=30,
        captures=at_both_ends(_SLOWLY, _SLOWLY),
    ),
    Scenario(
        name="window_closes_twice",
        shows="two large replies, each left unread for five seconds",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, reader_pauses=5.0),
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, reader_pauses=5.0),
                ),
                receive_buffer=20_000,
            ),
        ),
        seconds=30,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
        together=True,
    ),
)

_SILENCE = (
    Scenario(
        name="silent_after_small_login_ipv6",
        shows="a login dialogue after which the server says nothing for the rest of the recording, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*_SMALL, Say(speaker="client", size=60), Say(speaker="server", size=5000, after=60.0)),
                ends="hangs",
            ),
        ),
        seconds=10,
        captures=at_both_ends(SILENT, SILENT),
    ),
    Scenario(
        name="long_think_before_large",
        shows="the server thinks for twelve seconds before its first large reply, keep-alives meanwhile",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(*_SMALL, Say(speaker="client", size=300), Say(speaker="server", size=_TAIL_4, after=12.0)),
                keepalive_seconds=2,
            ),
        ),
        seconds=25,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="client_silent_after_greeting",
        shows="the server greets and the client never speaks",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(Flow(talk=(Say(speaker="server", size=120), Say(speaker="client", size=50, after=60.0)), ends="hangs"),),
        seconds=8,
        captures=at_both_ends(SILENT, SILENT),
    ),
    Scenario(
        name="hourly_chat",
        shows="pushes of 60 to 1200 bytes with pauses, never a large packet, on a path of 1300",
        path_mtu=1300,
        path=Path(mtu=1300, round_trip=0.03),
        icmp_dropped_at=ROUTERS,
        flows=(
            Flow(talk=tuple(Say(speaker="server", size=size, after=1.1) for size in (60, 700, 1200, 90, 1100, 1180))),
        ),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
)

_HEALTHY = (
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
        captures=at_both_ends(_OK_OR_SMALL, _OK_OR_SMALL, facts=("two_syns",)),
    ),
    Scenario(
        name="pings_and_chat_told",
        shows="small messages, and echo requests with DF of which those above 1404 bytes are answered with a PTB",
        path_mtu=1404,
        path=Path(mtu=1404, round_trip=0.02),
        flows=(Flow(talk=small_talk(9, every=0.3)),),
        pings=(84, 1500, 1404, 1405, 900),
        captures=(
            Capture(
                role="sender",
                accept=TOO_SMALL,
                ptb=("accepted", "ignored", "tuple"),
                why="the PTBs are about the echo requests, not about the connection",
            ),
            Capture(role="receiver", accept=TOO_SMALL),
        ),
    ),
    Scenario(
        name="pings_of_1500_pass",
        shows="echo requests of 1500 bytes come back while a chat goes on",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(Flow(talk=small_talk(9, every=0.3)),),
        pings=(1500, 84, 1472, 1428),
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
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
)

BLIND_QUIET: tuple[Scenario, ...] = (*_WINDOWS, *_SILENCE, *_HEALTHY)
