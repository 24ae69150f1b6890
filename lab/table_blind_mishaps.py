"""Blind set, look-alikes: packets that are lost, late, damaged or overtaken on a path that is wide enough."""

from __future__ import annotations

from typing import Literal

from lab.conversations import ask, pushes, small_talk, upload
from lab.edits import EndAfterRetransmissions
from lab.hazards import (
    BurstLoss,
    Duplication,
    LosePureAcks,
    Policer,
    RandomLoss,
    Reordering,
)
from lab.headers import ACK, FIN, SYN
from lab.mishaps import Damage, DelayBetween, LoseControl, LoseMarked
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import (
    DEAD_OR_UNEXPLAINED,
    LOSS,
    NO_BLACK_HOLE,
    at_both_ends,
)
from lab.vocabulary import Capture, Direction, Flow, Path, Say, Scenario, Verdicts

MARKER = b"%%SIGNATURE-OF-SOMETHING-DISLIKED%%"
_TAIL_4, _TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
_HEAVY: Verdicts = (*LOSS, "stall")
_SMALL = small_talk(3, every=0.2)


def marked(speaker: Literal["client", "server"], size: int, after: float = 0.0) -> Say:
    """A message whose packets a filter knows, at least the first of them."""
    return Say(speaker=speaker, size=size, content=MARKER.ljust(size, b"."), after=after)


def _lossy(
    name: str,
    shows: str,
    path: Path,
    flow: Flow,
    *,
    data: Direction = "download",
    family: Literal[4, 6] = 4,
    accept: Verdicts = _HEAVY,
    seconds: float = 25,
    sysctls: dict[str, str] | None = None,
) -> Scenario:
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=1500,
        data=data,
        family=family,
        path=path,
        flows=(flow,),
        seconds=seconds,
        sysctls=sysctls or {},
        captures=at_both_ends(accept, accept, facts_sender=("retransmissions",)),
    )


_BARE = {"net.ipv4.tcp_timestamps": "0", "net.ipv4.tcp_sack": "0"}
_BY_CHANCE = (
    _lossy(
        "loss_2_percent_bare",
        "2 % loss, an IPv6 upload without SACK and timestamps",
        Path(round_trip=0.05, hazards=(RandomLoss(rate=0.02, seed=921),)),
        Flow(talk=upload(300_000)),
        data="upload",
        family=6,
        sysctls=_BARE,
    ),
    _lossy(
        "loss_3_percent_paced",
        "3 % loss, BBR paced to 60 kB/s",
        Path(round_trip=0.04, hazards=(RandomLoss(rate=0.03, seed=922),)),
        Flow(talk=_SMALL + ask(200_000), congestion_control="bbr", pacing=60_000),
    ),
    _lossy(
        "loss_12_percent_upload",
        "12 % loss, a short upload",
        Path(round_trip=0.04, hazards=(RandomLoss(rate=0.12, seed=923),)),
        Flow(talk=upload(70_000), ends="any"),
        data="upload",
        accept=NO_BLACK_HOLE,
    ),
    _lossy(
        "loss_25_percent",
        "a quarter of the packets is lost, each way, while a server pushes small and large messages, IPv6",
        Path(
            round_trip=0.03,
            hazards=(RandomLoss(rate=0.25, seed=924),),
            hazards_back=(RandomLoss(rate=0.25, seed=925),),
        ),
        Flow(
            talk=(
                *pushes(3, every=0.3),
                *(Say(speaker="server", size=size, after=0.5) for size in (2900, 90, 1428, 300, 4400)),
            ),
            ends="any",
        ),
        family=6,
        accept=NO_BLACK_HOLE,
        seconds=30,
    ),
    _lossy(
        "long_bursts",
        "long bursts of loss, now and then, no SACK",
        Path(round_trip=0.04, hazards=(BurstLoss(enter=0.008, leave=0.12, seed=926),)),
        Flow(talk=_SMALL + ask(250_000), ends="any"),
        accept=NO_BLACK_HOLE,
        seconds=40,
        sysctls={"net.ipv4.tcp_sack": "0"},
    ),
    _lossy(
        "damaged_segments",
        "one data segment in twenty-five arrives damaged, and the receiver's kernel rejects it, an upload",
        Path(round_trip=0.04, hazards=(Damage(rate=0.04, seed=927),)),
        Flow(talk=upload(200_000)),
        data="upload",
    ),
    _lossy(
        "four_times_unlucky",
        "one full segment in the middle is lost four times and then arrives as it is",
        Path(round_trip=0.03, hazards=(LoseMarked(marker=MARKER, times=4),)),
        Flow(
            talk=(
                *_SMALL,
                *ask(2 * FULL_4),
                marked("server", FULL_4, 0.3),
                Say(speaker="server", size=3 * FULL_4 + 100),
            )
        ),
        accept=("loss", "stall", "content_drop"),
    ),
    _lossy(
        "first_one_unlucky_ipv6",
        "the first full segment of an upload is lost five times, the ones behind it never, IPv6",
        Path(round_trip=0.03, hazards=(LoseMarked(marker=MARKER, times=5),)),
        Flow(talk=(*_SMALL, marked("client", FULL_6, 0.2), Say(speaker="client", size=3 * FULL_6 + 100))),
        data="upload",
        family=6,
        accept=("loss", "stall", "content_drop"),
    ),
)

_BY_DELAY = (
    _lossy(
        "delay_spike",
        "for a second everything to the client takes 1.9 s longer; nothing is lost",
        Path(round_trip=0.03, hazards=(DelayBetween(since=0.7, until=1.7, seconds=1.9),)),
        Flow(talk=_SMALL + ask(_TAIL_4) + small_talk(2, every=0.3)),
    ),
    Scenario(
        name="delay_of_six_seconds",
        shows="from before the first large reply on everything to the client takes six seconds; nothing is lost",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(DelayBetween(since=0.75, until=3.5, seconds=6.0),)),
        flows=(Flow(talk=_SMALL + ask(_TAIL_4) + small_talk(2, every=0.3)),),
        seconds=30,
        captures=(
            *at_both_ends(_HEAVY, _HEAVY, facts_sender=("retransmissions",)),
            Capture(
                role="sender",
                label="cut",
                accept=(*DEAD_OR_UNEXPLAINED, "loss"),
                edits=(EndAfterRetransmissions(3, min_payload=1000),),
                trust=False,
                why="the small last segment is not acknowledged either",
            ),
        ),
    ),
    _lossy(
        "acks_late",
        "for two seconds the ACKs of an IPv6 upload take 1.4 s longer",
        Path(round_trip=0.03, hazards_back=(DelayBetween(since=0.12, until=2.0, seconds=1.4),)),
        Flow(talk=upload(_TAIL_6)),
        data="upload",
        family=6,
    ),
    Scenario(
        name="overtaken_without_sack",
        shows="one packet in six is overtaken by those of the next 30 ms, no SACK",
        path_mtu=1500,
        path=Path(round_trip=0.04, hazards=(Reordering(rate=0.16, delay=0.03, seed=928),)),
        flows=(Flow(talk=_SMALL + ask(200_000)),),
        sysctls=_BARE,
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="everything_twice",
        shows="the network delivers every packet twice, both directions, IPv6",
        path_mtu=1500,
        family=6,
        path=Path(
            round_trip=0.03,
            hazards=(Duplication(rate=1.0, delay=0.012, seed=1),),
            hazards_back=(Duplication(rate=1.0, delay=0.012, seed=2),),
        ),
        flows=(Flow(talk=_SMALL + ask(150_000)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
)

_ACKS_AND_CONTROL = (
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
                    Say(speaker="client", size=_TAIL_4, after=0.3),
                    Say(speaker="server", size=60, after=4.0),
                )
            ),
        ),
        seconds=20,
        captures=at_both_ends(("loss", "stall"), _HEAVY, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="syn_ack_lost_twice",
        shows="the SYN+ACK is lost twice, then a healthy download",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(LoseControl(flags=SYN | ACK, times=2),)),
        flows=(Flow(talk=_SMALL + ask(_TAIL_4)),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS),
    ),
    Scenario(
        name="fin_lost_six_times",
        shows="a healthy upload whose FIN is lost six times",
        path_mtu=1500,
        data="upload",
        path=Path(round_trip=0.03, hazards=(LoseControl(flags=FIN | ACK, times=6),)),
        flows=(Flow(talk=upload(_TAIL_4)),),
        linger=9.0,
        seconds=20,
        captures=at_both_ends(_HEAVY, LOSS),
    ),
)

_BY_RATE = (
    _lossy(
        "policed_20_kb",
        "a policer of 20 kB/s, IPv6 without SACK",
        Path(round_trip=0.04, hazards=(Policer(bytes_per_second=20_000, bucket=6_000),)),
        Flow(talk=_SMALL + ask(60_000), ends="any"),
        family=6,
        accept=NO_BLACK_HOLE,
        seconds=40,
        sysctls={"net.ipv4.tcp_sack": "0"},
    ),
    _lossy(
        "policed_first_burst",
        "a policer whose bucket holds three full segments meets the first burst of an upload",
        Path(round_trip=0.04, hazards=(Policer(bytes_per_second=30_000, bucket=4_600),)),
        Flow(talk=upload(9 * FULL_4 + 120), congestion_control="bbr"),
        data="upload",
    ),
)

BLIND_MISHAPS: tuple[Scenario, ...] = (
    *_BY_CHANCE,
    *_BY_DELAY,
    *_ACKS_AND_CONTROL,
    *_BY_RATE,
)
