"""Black holes: offloads, settings and clocks of the stacks, and how the hosts give up."""

from __future__ import annotations

from dataclasses import replace

from lab.conversations import (
    FULL_4,
    SMALL_TALK,
    TAIL_4,
    TAIL_6,
    TALK_THEN_TAIL,
    WITHOUT_TAIL,
    Talk,
    ask,
    small_talk,
    upload,
)
from lab.hazards import NarrowHop
from lab.patterns import black_hole, hole_and_twin, size_limit
from lab.truths import (
    BLACK_HOLE,
    BLACK_HOLE_BY_ACK,
    FINE,
    HOLE,
    HOLE_OR_NOTHING,
    NEVER_SHOWN,
    OK,
    TOO_EARLY,
    at_both_ends,
)
from lab.vocabulary import Fact, Flow, Path, Say, Scenario


def _breaks(pair: tuple[Scenario, Scenario]) -> tuple[Scenario, Scenario]:
    """The flows of the bad one end with an error instead of hanging."""
    bad, twin = pair
    return replace(bad, flows=tuple(replace(flow, ends="breaks") for flow in bad.flows)), twin


_FLIGHTS: Talk = (
    Say(speaker="server", size=120),
    Say(speaker="client", size=600, after=0.2),
    Say(speaker="client", size=1100, after=0.4),
    Say(speaker="client", size=7 * 1460 + 250, after=0.4),
    Say(speaker="client", size=900, after=0.8),
    Say(speaker="server", size=50),
)
_EQUAL: tuple[Fact, ...] = ("constant_gaps",)
_SHORT_GAPS = {"net.ipv4.tcp_rto_max_ms": "1000"}
_LINEAR = {"net.ipv4.tcp_thin_linear_timeouts": "1"}
_SHORT_TALK = (*small_talk(2, every=0.2), *ask(1448 + 300))

_SETTINGS = (
    black_hole(
        "no_sack",
        "SACK off: nothing shows that the small last segment arrived",
        1400,
        sysctls={"net.ipv4.tcp_sack": "0"},
        captures=at_both_ends(
            BLACK_HOLE_BY_ACK,
            ("blackhole_suspected", "inconclusive"),
            why="the receiver's duplicate ACK proves that something arrived behind the hole",
            why_receiver="the hole is there, but no SACK says so",
        ),
    ),
    black_hole(
        "no_timestamps",
        "timestamps off: full segments carry 1460 bytes",
        1400,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    black_hole(
        "no_sack_no_timestamps",
        "neither SACK nor timestamps, IPv6",
        1400,
        family=6,
        sysctls={"net.ipv4.tcp_sack": "0", "net.ipv4.tcp_timestamps": "0"},
        captures=at_both_ends(
            BLACK_HOLE_BY_ACK,
            ("blackhole_suspected", "inconclusive"),
            why="the receiver's duplicate ACK proves that something arrived behind the hole",
        ),
    ),
    black_hole("bbr", "BBR congestion control", 1400, congestion="bbr"),
    black_hole("reno", "Reno congestion control", 1400, congestion="reno"),
    black_hole(
        "bbr_offloads",
        "BBR and segmentation offload",
        1420,
        congestion="bbr",
        offloads=True,
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    black_hole(
        "offloads_without_tail",
        "segmentation offload, a long download",
        1400,
        offloads=True,
        talk=small_talk(1, every=0.2) + ask(WITHOUT_TAIL),
        captures=at_both_ends(BLACK_HOLE_BY_ACK, NEVER_SHOWN),
    ),
    black_hole(
        "offloads_ipv6_upload",
        "segmentation offload, IPv6 upload, no delay",
        1400,
        rtt=0.0,
        offloads=True,
        family=6,
        data="upload",
        talk=upload(TAIL_4),
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    black_hole(
        "gives_up",
        "tcp_retries2=4: the sender gives the connection up without a FIN or RST",
        1400,
        sysctls={"net.ipv4.tcp_retries2": "4"},
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks"),),
        seconds=20,
    ),
    black_hole(
        "client_gives_up",
        "the client closes the connection after five seconds of waiting",
        1400,
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks", client_patience=5.0),),
        captures=at_both_ends(BLACK_HOLE, HOLE),
        seconds=16,
    ),
    black_hole(
        "wraps_in_hang",
        "an upload hangs just where the sequence numbers pass 2^32",
        1400,
        data="upload",
        flows=(Flow(talk=upload(TAIL_4), ends="hangs", initial_sequence=2**32 - 3000),),
    ),
)

_WITH_TWINS = (
    *hole_and_twin(
        "old_fashioned",
        "no SACK, no timestamps, no tail-loss probe, no RACK, Reno, path MTU 1394",
        1394,
        "ptb",
        talk=SMALL_TALK + ask(5 * 1460 + 300),
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
        flows=(Flow(talk=SMALL_TALK + ask(TAIL_4), pacing=40_000, ends="hangs"),),
    ),
    *hole_and_twin(
        "bbr_narrow_window",
        "BBR and a receiver of few segments, IPv6, path MTU 1310",
        1310,
        "wide",
        family=6,
        flows=(Flow(talk=SMALL_TALK + ask(50_000), congestion_control="bbr", receive_buffer=9_000, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=20,
        twin_captures=at_both_ends(("ok", "zero_window"), ("ok", "zero_window")),
    ),
    *hole_and_twin(
        "ecn_1398",
        "ECN is negotiated, an upload into 1398",
        1398,
        "clamp",
        data="upload",
        talk=upload(TAIL_4),
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
        "upload_flights",
        "an upload in four flights, of which the third is large, no timestamps, path MTU 1472",
        1472,
        "ptb",
        data="upload",
        talk=_FLIGHTS,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    *hole_and_twin(
        "small_window",
        "a receiver that never offers more than some five segments, path MTU 1358",
        1358,
        "wide",
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(60_000), receive_buffer=8_000, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=20,
        twin_captures=at_both_ends(("ok", "zero_window"), ("ok", "zero_window")),
    ),
    *hole_and_twin(
        "mtu_620_no_sack",
        "an upload into a path of 620 bytes, Reno, no SACK",
        620,
        "clamp",
        data="upload",
        talk=upload(5 * FULL_4 + 300),
        congestion="reno",
        sysctls={"net.ipv4.tcp_sack": "0"},
        sender=BLACK_HOLE_BY_ACK,
        receiver=("blackhole_suspected", "inconclusive"),
    ),
    *hole_and_twin(
        "mtu_1464_offloads_upload",
        "segmentation offload, no delay, Reno upload, path MTU 1464",
        1464,
        "ptb",
        data="upload",
        offloads=True,
        path=Path(kind="veth", mtu=1464),
        talk=upload(5 * FULL_4 + 300),
        congestion="reno",
        captures=at_both_ends(BLACK_HOLE, HOLE_OR_NOTHING),
    ),
    *hole_and_twin(
        "mtu_1446_no_timestamps_ipv6",
        "no timestamps, IPv6, RTT 120 ms, path MTU 1446",
        1446,
        "clamp",
        family=6,
        path=Path(mtu=1446, round_trip=0.12),
        talk=small_talk(2, every=0.3) + ask(4 * 1440 + 350),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        seconds=18,
    ),
)

_CLOCKS = (
    size_limit(
        "rto_max_1s",
        "tcp_rto_max_ms=1000: from the third on one second apart",
        1400,
        NarrowHop(mtu=1400),
        sysctls=_SHORT_GAPS,
        facts=_EQUAL,
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks"),),
        seconds=20.0,
    ),
    size_limit(
        "linear_timeouts",
        "tcp_thin_linear_timeouts=1: a short reply is sent again at constant gaps",
        1400,
        NarrowHop(mtu=1400),
        sysctls=_LINEAR,
        facts=_EQUAL,
        talk=_SHORT_TALK,
    ),
    size_limit(
        "rto_max_1s_wide",
        "twin: the same settings, all arrives",
        1500,
        sysctls={**_SHORT_GAPS, **_LINEAR},
        sender=OK,
        receiver=FINE,
    ),
    size_limit("rtt_2s_hole", "a round trip of two seconds", 1400, NarrowHop(mtu=1400), rtt=2.0, seconds=70.0),
    size_limit(
        "gives_up_at_once",
        "tcp_retries2=1: the sender gives up within a second or so",
        1400,
        NarrowHop(mtu=1400),
        sender=TOO_EARLY,
        node_sysctls={"server": {"net.ipv4.tcp_retries2": "1"}},
        flows=(Flow(talk=TALK_THEN_TAIL, ends="breaks"),),
    ),
    size_limit(
        "gives_up_never",
        "twin: the same setting, all arrives",
        1500,
        sender=OK,
        receiver=FINE,
        node_sysctls={"server": {"net.ipv4.tcp_retries2": "1"}},
    ),
)

_ENDINGS = (
    *_breaks(
        hole_and_twin(
            "gives_up_early",
            "tcp_retries2=4: the sender's kernel gives the connection up, path MTU 1422",
            1422,
            "ptb",
            talk=SMALL_TALK + ask(TAIL_4),
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
            flows=(Flow(talk=SMALL_TALK + ask(TAIL_4), client_patience=5.0, ends="hangs"),),
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
            flows=(Flow(talk=SMALL_TALK + ask(TAIL_6), client_patience=4.5, client_aborts=True, ends="hangs"),),
            seconds=16,
        )
    ),
    *hole_and_twin(
        "keepalives_in_the_hang",
        "full segments only; the waiting client sends keep-alives, which are answered, path MTU 1384",
        1384,
        "wide",
        flows=(Flow(talk=SMALL_TALK + ask(60_000), keepalive_seconds=1, ends="hangs"),),
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_SETTINGS, *_WITH_TWINS, *_CLOCKS, *_ENDINGS)
