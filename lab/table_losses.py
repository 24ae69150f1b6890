"""Look-alikes: loss, reordering, duplication and content filters must never be called a black hole."""

from __future__ import annotations

from lab.conversations import WITH_TAIL, ask, small_talk, upload
from lab.hazards import (
    Bottleneck,
    BurstLoss,
    ContentFilter,
    LoseData,
    Policer,
    RandomLoss,
)
from lab.truths import (
    CONTENT_DROP,
    CONTENT_DROP_AT_RECEIVER,
    LOSS,
    NO_BLACK_HOLE,
    OK,
    at_both_ends,
)
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

_MARKER = b"EICAR-LIKE-PATTERN"
_MARKED = Say(speaker="server", size=1448, content=_MARKER + b" and so on ...")
DOWNLOAD = (Flow(talk=small_talk(2, every=0.2) + ask(200_000)),)
_LOSSES = at_both_ends(LOSS, LOSS, facts_sender=("retransmissions",))
_HEAVY_LOSSES = at_both_ends((*LOSS, "stall"), (*LOSS, "stall"), facts_sender=("retransmissions",))


def lossy(rate: float, seed: int) -> Path:
    """A path that loses packets of both directions alike, whatever their size."""
    return Path(
        round_trip=0.03,
        hazards=(RandomLoss(rate=rate, seed=seed),),
        hazards_back=(RandomLoss(rate=rate, seed=seed + 1),),
    )


_LOST = (
    Scenario(
        name="loss_1_percent",
        shows="1 % of the packets are lost, both directions",
        path_mtu=1500,
        path=lossy(0.01, 11),
        flows=DOWNLOAD,
        seconds=20,
        captures=_LOSSES,
    ),
    Scenario(
        name="loss_3_percent_upload_ipv6",
        shows="3 % of the packets are lost, IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=lossy(0.03, 21),
        flows=(Flow(talk=upload(250_000)),),
        seconds=20,
        captures=_LOSSES,
    ),
    Scenario(
        name="loss_10_percent",
        shows="10 % of the packets are lost, both directions",
        path_mtu=1500,
        path=lossy(0.10, 31),
        flows=(Flow(talk=small_talk(4, every=0.2) + ask(120_000), ends="any"),),
        seconds=30,
        captures=_HEAVY_LOSSES,
    ),
    Scenario(
        name="loss_no_sack",
        shows="3 % of the packets are lost and SACK is off",
        path_mtu=1500,
        path=lossy(0.03, 41),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=DOWNLOAD,
        seconds=25,
        captures=_LOSSES,
    ),
    Scenario(
        name="loss_offloads",
        shows="3 % loss behind a sender with segmentation offload",
        path_mtu=1500,
        offloads=True,
        path=lossy(0.03, 51),
        flows=(Flow(talk=ask(400_000)),),
        seconds=20,
        captures=_LOSSES,
    ),
    Scenario(
        name="loss_bursts",
        shows="bursts of loss, some ten packets each",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(BurstLoss(enter=0.02, leave=0.12, seed=9),)),
        flows=(Flow(talk=ask(250_000)),),
        seconds=30,
        captures=_HEAVY_LOSSES,
    ),
    Scenario(
        name="policed",
        shows="a policer without a queue drops what exceeds 150 kB/s",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Policer(bytes_per_second=150_000, bucket=12_000),)),
        flows=(Flow(talk=ask(300_000)),),
        seconds=30,
        captures=_HEAVY_LOSSES,
    ),
    Scenario(
        name="full_queue",
        shows="a slow link whose queue overflows",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(Bottleneck(bytes_per_second=100_000, queue=15_000),)),
        flows=(Flow(talk=ask(300_000)),),
        seconds=20,
        captures=_LOSSES,
    ),
    Scenario(
        name="unlucky_segment",
        shows="the only full segment is lost five times by chance and then gets through as it is",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(LoseData(which=frozenset({1, 2, 3, 4, 5}), min_payload=1000),),
        ),
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(1448)),),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), (*LOSS, "stall", "inconclusive")),
    ),
    Scenario(
        name="unlucky_flight",
        shows="a whole flight and the first retransmissions are lost by chance, then all is well",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(LoseData(which=frozenset(range(1, 10)), min_payload=1000),),
        ),
        flows=(Flow(talk=small_talk(3, every=0.2) + ask(WITH_TAIL)),),
        seconds=20,
        captures=at_both_ends(
            ("loss", "stall"),
            (*LOSS, "stall", "blackhole_suspected"),
            why_receiver="a hole of full segments that is filled seconds later at full size",
        ),
    ),
)

_CONTENT = (
    Scenario(
        name="content_drop_first",
        shows="the first large segment of a connection is dropped for its content, those behind it arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER),)),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    _MARKED,
                    Say(speaker="server", size=4 * 1448 + 200),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, (*CONTENT_DROP_AT_RECEIVER, "blackhole_suspected")),
    ),
    Scenario(
        name="content_drop_other_flow",
        shows="a reply of one dropped segment, while another connection moves large segments",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER),)),
        flows=(
            Flow(port=8080, talk=(ask(30_000) + small_talk(1, every=1.0)) * 8),
            Flow(
                port=8081,
                start=1.0,
                talk=(*small_talk(1, every=0.2), Say(speaker="client", size=180), _MARKED),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=(
            Capture(
                role="sender",
                accept=("content_drop", "stall"),
                flows={8080: OK, 8081: ("content_drop", "stall")},
                why="as large ones pass in the other flow of the same pair",
            ),
        ),
    ),
    Scenario(
        name="content_drop_upload_ipv6",
        shows="an upload of which one segment is dropped for its content, IPv6",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER),)),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=2 * 1428),
                    Say(speaker="client", size=1428, content=_MARKER + b" and so on ...", after=0.2),
                    Say(speaker="client", size=5 * 1428),
                ),
                ends="hangs",
            ),
        ),
        seconds=14,
        captures=at_both_ends(CONTENT_DROP, CONTENT_DROP_AT_RECEIVER),
    ),
    Scenario(
        name="middlebox_reset",
        shows="a middlebox answers one large reply with RSTs to both ends",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(ContentFilter(marker=_MARKER, action="reset"),)),
        flows=(
            Flow(
                talk=(*small_talk(3, every=0.2), Say(speaker="client", size=180), _MARKED),
                ends="breaks",
            ),
        ),
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts=("reset",)),
    ),
)

LOSSES: tuple[Scenario, ...] = (*_LOST, *_CONTENT)
