"""Loss by rate: policers and full queues."""

from __future__ import annotations

from lab.conversations import BEFORE_LARGE, FULL_4, SMALL_TALK, ask, small_talk, upload
from lab.hazards import Bottleneck, Policer
from lab.patterns import mishap
from lab.truths import HEAVY_LOSS, HEAVY_LOSSES, LOSSES, NO_BLACK_HOLE, at_both_ends
from lab.vocabulary import Capture, Flow, Path, Scenario

_POLICED = (
    mishap(
        "policed_20_kb",
        "a policer of 20 kB/s, IPv6 without SACK",
        Path(round_trip=0.04, hazards=(Policer(bytes_per_second=20_000, bucket=6_000),)),
        Flow(talk=SMALL_TALK + ask(60_000), ends="any"),
        family=6,
        accept=NO_BLACK_HOLE,
        seconds=40,
        sysctls={"net.ipv4.tcp_sack": "0"},
    ),
    mishap(
        "policed_first_burst",
        "a policer whose bucket holds three full segments meets the first burst of an upload",
        Path(round_trip=0.04, hazards=(Policer(bytes_per_second=30_000, bucket=4_600),)),
        Flow(talk=upload(9 * FULL_4 + 120), congestion_control="bbr"),
        data="upload",
    ),
    Scenario(
        name="policed",
        shows="a policer without a queue drops what exceeds 150 kB/s",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Policer(bytes_per_second=150_000, bucket=12_000),)),
        flows=(Flow(talk=ask(300_000)),),
        seconds=30,
        captures=HEAVY_LOSSES,
    ),
    Scenario(
        name="policed_to_small_ones",
        shows="a policer whose bucket seldom holds enough for a full segment, while small ones pass",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Policer(bytes_per_second=6_000, bucket=1_600),)),
        flows=(
            Flow(port=8080, talk=BEFORE_LARGE + ask(4 * FULL_4 + 300), ends="any"),
            Flow(port=8081, talk=small_talk(20, every=0.5, request=60, reply=80), ends="any"),
        ),
        seconds=20,
        captures=(
            Capture(role="sender", accept=NO_BLACK_HOLE, facts=("retransmissions", "large_delivered")),
            Capture(role="receiver", accept=NO_BLACK_HOLE),
        ),
    ),
    Scenario(
        name="policed_ipv6_upload",
        shows="a policer without a queue drops what exceeds 60 kB/s, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards=(Policer(bytes_per_second=60_000, bucket=8_000),)),
        flows=(Flow(talk=upload(150_000)),),
        seconds=30,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
)

_QUEUES = (
    Scenario(
        name="full_queue",
        shows="a slow link whose queue overflows",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Bottleneck(bytes_per_second=100_000, queue=15_000),)),
        flows=(Flow(talk=ask(300_000)),),
        seconds=20,
        captures=LOSSES,
    ),
    Scenario(
        name="full_queue_offloads",
        shows="a slow link whose short queue overflows, an upload with segmentation offload",
        path_mtu=1500,
        data="upload",
        offloads=True,
        path=Path(round_trip=0.02, hazards=(Bottleneck(bytes_per_second=80_000, queue=9_000),)),
        flows=(Flow(talk=upload(200_000), congestion_control="reno"),),
        seconds=20,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_POLICED, *_QUEUES)
