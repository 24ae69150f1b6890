"""First blind set, look-alikes: readers and applications that wait, probes of idle hosts, and scans."""

from __future__ import annotations

from lab.conversations import ask, small_talk
from lab.table_seen_holes import FULL_6
from lab.truths import OK, SILENT, TOO_SMALL, ZERO_WINDOW, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Say, Scenario, Verdicts

_TAIL_6 = 5 * FULL_6 + 300
_UNANSWERED: Verdicts = ("not_exercised", "inconclusive", "dead_path", "stall")

SEEN_WAITING: tuple[Scenario, ...] = (
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
    Scenario(
        name="thinks_in_the_middle",
        shows="the server sends half of its reply, thinks for nine seconds and sends the rest, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=_TAIL_6),
                    Say(speaker="server", size=_TAIL_6, after=9.0),
                ),
                keepalive_seconds=3,
            ),
        ),
        seconds=20,
        captures=at_both_ends(OK, OK),
    ),
    Scenario(
        name="upload_never_answered",
        shows="the server takes a large upload and never says thanks",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=60_000),
                    Say(speaker="server", size=60, after=60.0),
                ),
                ends="hangs",
            ),
        ),
        seconds=12,
        captures=at_both_ends(
            (*OK, "inconclusive"),
            (*OK, "inconclusive"),
            why="packets of full size got through; whether an answer is due, nobody can tell",
        ),
    ),
    Scenario(
        name="small_question_never_answered_ipv6",
        shows="the server takes the third small request and never replies, keep-alives every two seconds, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.03),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.3),
                    Say(speaker="client", size=240),
                    Say(speaker="server", size=300, after=60.0),
                ),
                keepalive_seconds=2,
                ends="hangs",
            ),
        ),
        seconds=12,
        captures=at_both_ends(SILENT, SILENT),
    ),
    Scenario(
        name="only_keep_alives",
        shows="an idle connection of small messages with keep-alive probes every second",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(
            Flow(
                talk=(*small_talk(3, every=0.2), Say(speaker="client", size=60, after=9.0)),
                keepalive_seconds=1,
            ),
        ),
        seconds=16,
        captures=at_both_ends(TOO_SMALL, TOO_SMALL),
    ),
    Scenario(
        name="scan_ipv6",
        shows="closed ports that answer with RST and filtered ports that do not answer, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(round_trip=0.02),
        rules={"server_router": "tcp dport 9100-9104 drop"},
        flows=tuple(
            Flow(port=port, talk=ask(100), listening=False, ends="hangs" if port >= 9100 else "breaks")
            for port in (21, 80, 110, 143, 993, 9100, 9101, 9102, 9103, 9104)
        ),
        seconds=8,
        captures=(
            Capture(role="sender", accept=_UNANSWERED),
            Capture(role="receiver", accept=_UNANSWERED),
        ),
    ),
    Scenario(
        name="syn_flood",
        shows="400 SYNs from hosts that are not there, beside one healthy download",
        path_mtu=1500,
        syn_flood=400,
        path=Path(round_trip=0.02),
        flows=(
            Flow(port=8080, talk=small_talk(1, every=0.1), ends="any"),
            Flow(port=8081, start=0.4, talk=small_talk(8, every=0.8) + ask(30_000)),
        ),
        seconds=14,
        captures=(Capture(role="sender", accept=OK, flows={8080: _UNANSWERED, 8081: OK}),),
    ),
)
