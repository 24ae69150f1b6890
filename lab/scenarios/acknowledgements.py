"""ACKs and control segments that are lost or late, while the data arrive."""

from __future__ import annotations

from lab.conversations import BEFORE_LARGE, SMALL_TALK, TAIL_4, TAIL_6, ask, small_talk, upload
from lab.hazards import LosePureAcks
from lab.headers import ACK, FIN, SYN
from lab.mishaps import DelayBetween, LoseControl
from lab.patterns import mishap
from lab.settings import SLOW_LINE
from lab.truths import HEAVY_LOSS, LOSS, at_both_ends
from lab.vocabulary import Flow, Path, Say, Scenario

_ACKS = (
    mishap(
        "acks_late",
        "for two seconds the ACKs of an IPv6 upload take 1.4 s longer",
        Path(round_trip=0.03, hazards_back=(DelayBetween(since=0.12, until=2.0, seconds=1.4),)),
        Flow(talk=upload(TAIL_6)),
        data="upload",
        family=6,
    ),
    Scenario(
        name="acks_lost_3_s",
        shows="no ACK of an upload comes back for three seconds, while its data arrive",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards_back=(LosePureAcks(rate=1.0, since=0.12, until=3.1),)),
        flows=(
            Flow(
                talk=(
                    Say(speaker="server", size=90),
                    Say(speaker="client", size=TAIL_4, after=0.3),
                    Say(speaker="server", size=60, after=4.0),
                )
            ),
        ),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="ack_loss",
        shows="half of the ACKs are lost on their way back",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards_back=(LosePureAcks(rate=0.5, seed=5),)),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(200_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="ack_loss_total",
        shows="no ACK at all comes back for six seconds, while the data arrive",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(SLOW_LINE,),
            hazards_back=(LosePureAcks(rate=1.0, since=1.0, until=7.0),),
        ),
        flows=(Flow(talk=ask(250_000)),),
        seconds=30,
        captures=at_both_ends(("loss", "stall"), LOSS),
    ),
    Scenario(
        name="acks_lost_80_percent_ipv6",
        shows="four of five ACKs are lost, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards_back=(LosePureAcks(rate=0.8, seed=15),)),
        flows=(Flow(talk=upload(200_000)),),
        seconds=30,
        captures=at_both_ends(HEAVY_LOSS, LOSS),
    ),
    Scenario(
        name="acks_lost_at_first_large",
        shows="no ACK comes back for five seconds from the first large reply on, while the data arrive",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards_back=(LosePureAcks(rate=1.0, since=0.55, until=5.5),)),
        flows=(Flow(talk=BEFORE_LARGE + ask(TAIL_4)),),
        seconds=25,
        captures=at_both_ends(("loss", "stall"), LOSS, facts_sender=("retransmissions",)),
    ),
)

_CONTROL = (
    Scenario(
        name="syn_ack_lost_twice",
        shows="the SYN+ACK is lost twice, then a healthy download",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LoseControl(flags=SYN | ACK, times=2),)),
        flows=(Flow(talk=SMALL_TALK + ask(TAIL_4)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="fin_lost_six_times",
        shows="a healthy upload whose FIN is lost six times",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(LoseControl(flags=FIN | ACK, times=6),)),
        flows=(Flow(talk=upload(TAIL_4)),),
        linger=9.0,
        seconds=20,
        captures=at_both_ends(HEAVY_LOSS, LOSS),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_ACKS, *_CONTROL)
