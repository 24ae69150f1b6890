"""Closed windows and slow readers."""

from __future__ import annotations

from lab.conversations import SMALL_TALK, TAIL_4, ask, small_talk
from lab.settings import ROUTERS
from lab.truths import BLACK_HOLE, HOLE, OK, ZERO_WINDOW, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_SLOWLY: Verdicts = ("zero_window", "ok", "loss")

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
                talk=(
                    *SMALL_TALK,
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=80_000, reader_pauses=60.0),
                ),
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
    Scenario(
        name="zero_window_long",
        shows="the reader is away for twenty seconds: window probes with growing gaps",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=100_000, reader_pauses=20.0),
                ),
                receive_buffer=16_384,
            ),
        ),
        seconds=40,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="zero_window_upload",
        shows="a server that does not read an upload, IPv6; the capture ends meanwhile",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=300_000, reader_pauses=60.0),
                ),
                receive_buffer=16_384,
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="zero_window_18_s_ipv6",
        shows="the reader of an IPv6 download is away for eighteen seconds",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.05),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=150_000, reader_pauses=18.0),
                ),
                receive_buffer=30_000,
            ),
        ),
        seconds=40,
        captures=at_both_ends(ZERO_WINDOW, ZERO_WINDOW),
    ),
    Scenario(
        name="slow_reader",
        shows="a client that reads 15 kB/s of an offered 120 kB: its window closes and opens",
        path_mtu=1500,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=120_000, reader_pace=15_000.0),
                ),
                receive_buffer=12_000,
            ),
        ),
        seconds=30,
        captures=at_both_ends(("zero_window", "ok", "loss"), ("zero_window", "ok", "loss")),
    ),
)

_BESIDE_OTHERS = (
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
            Flow(port=8081, start=0.4, talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),
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

SCENARIOS: tuple[Scenario, ...] = (*_WINDOWS, *_BESIDE_OTHERS)
