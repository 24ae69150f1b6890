"""Ordinary loss: by chance, in bursts, by bit errors, on long paths."""

from __future__ import annotations

from lab.conversations import (
    BEFORE_LARGE,
    DOWNLOAD,
    FULL_6,
    SMALL_TALK,
    TALK_THEN_TAIL,
    ask,
    pushes,
    small_talk,
    upload,
)
from lab.hazards import BurstLoss, RandomLoss
from lab.mishaps import BitErrors, Damage
from lab.patterns import mishap, trouble
from lab.settings import BARE, lossy
from lab.truths import FINE, HEAVY_LOSS, HEAVY_LOSSES, LOSS, LOSSES, NO_BLACK_HOLE, RETRANSMITS, at_both_ends
from lab.vocabulary import Flow, Path, Say, Scenario, Verdicts

_LOST: Verdicts = ("loss", "ok", "stall", "inconclusive")
_ANY = (Flow(talk=(*small_talk(3, every=0.2), *ask(60_000)), ends="any"),)

_RATES = (
    mishap(
        "loss_2_percent_bare",
        "2 % loss, an IPv6 upload without SACK and timestamps",
        Path(round_trip=0.05, hazards=(RandomLoss(rate=0.02, seed=921),)),
        Flow(talk=upload(300_000)),
        data="upload",
        family=6,
        sysctls=BARE,
    ),
    mishap(
        "loss_3_percent_paced",
        "3 % loss, BBR paced to 60 kB/s",
        Path(round_trip=0.04, hazards=(RandomLoss(rate=0.03, seed=922),)),
        Flow(talk=SMALL_TALK + ask(200_000), congestion_control="bbr", pacing=60_000),
    ),
    mishap(
        "loss_12_percent_upload",
        "12 % loss, a short upload",
        Path(round_trip=0.04, hazards=(RandomLoss(rate=0.12, seed=923),)),
        Flow(talk=upload(70_000), ends="any"),
        data="upload",
        accept=NO_BLACK_HOLE,
    ),
    mishap(
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
    Scenario(
        name="loss_1_percent",
        shows="1 % of the packets are lost, both directions",
        path_mtu=1500,
        path=lossy(0.01, 11),
        flows=DOWNLOAD,
        seconds=20,
        captures=LOSSES,
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
        captures=LOSSES,
    ),
    Scenario(
        name="loss_10_percent",
        shows="10 % of the packets are lost, both directions",
        path_mtu=1500,
        path=lossy(0.10, 31),
        flows=(Flow(talk=small_talk(4, every=0.2) + ask(120_000), ends="any"),),
        seconds=30,
        captures=HEAVY_LOSSES,
    ),
    Scenario(
        name="loss_no_sack",
        shows="3 % of the packets are lost and SACK is off",
        path_mtu=1500,
        path=lossy(0.03, 41),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=DOWNLOAD,
        seconds=25,
        captures=LOSSES,
    ),
    Scenario(
        name="loss_offloads",
        shows="3 % loss behind a sender with segmentation offload",
        path_mtu=1500,
        offloads=True,
        path=lossy(0.03, 51),
        flows=(Flow(talk=ask(400_000)),),
        seconds=20,
        captures=LOSSES,
    ),
    Scenario(
        name="loss_2_percent_ipv6_reno",
        shows="2 % of the packets are lost, both directions, IPv6, Reno",
        path_mtu=1500,
        family=6,
        path=lossy(0.02, 311),
        flows=(Flow(talk=BEFORE_LARGE + ask(260_000), congestion_control="reno"),),
        seconds=25,
        captures=at_both_ends(LOSS, LOSS, facts_sender=("retransmissions",)),
        together=True,
    ),
    Scenario(
        name="loss_5_percent_upload_offloads",
        shows="5 % of the packets are lost, an upload with segmentation offload",
        path_mtu=1500,
        data="upload",
        offloads=True,
        path=lossy(0.05, 321),
        flows=(Flow(talk=upload(200_000)),),
        seconds=30,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_8_percent_bbr",
        shows="8 % of the packets are lost, BBR, no timestamps",
        path_mtu=1500,
        path=lossy(0.08, 331, rtt=0.05),
        sysctls={"net.ipv4.tcp_timestamps": "0"},
        flows=(Flow(talk=BEFORE_LARGE + ask(200_000), congestion_control="bbr", ends="any"),),
        seconds=25,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_15_percent",
        shows="15 % of the packets are lost, both directions, no SACK",
        path_mtu=1500,
        path=lossy(0.15, 341),
        sysctls={"net.ipv4.tcp_sack": "0"},
        flows=(Flow(talk=small_talk(4, every=0.2) + ask(60_000), ends="any"),),
        seconds=40,
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE, facts_sender=("retransmissions",)),
    ),
    Scenario(
        name="loss_15_percent_small_replies",
        shows="15 % of the packets are lost on three connections whose replies are one full segment each, IPv6",
        path_mtu=1500,
        family=6,
        path=lossy(0.15, 351),
        flows=tuple(
            Flow(port=8080 + n, start=0.3 * n, talk=(BEFORE_LARGE + ask(FULL_6)) * 4, ends="any") for n in range(3)
        ),
        seconds=25,
        captures=at_both_ends(NO_BLACK_HOLE, NO_BLACK_HOLE),
    ),
    Scenario(
        name="wraps_and_loses_ipv6",
        shows="3 % loss while the sequence numbers of an IPv6 upload pass 2^32",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.03, hazards=(RandomLoss(rate=0.03, seed=381),)),
        flows=(Flow(talk=upload(150_000), initial_sequence=2**32 - 70_000),),
        seconds=20,
        captures=at_both_ends(LOSS, LOSS, facts=("sequence_wraps",), facts_sender=("retransmissions",)),
    ),
)

_BURSTS = (
    mishap(
        "long_bursts",
        "long bursts of loss, now and then, no SACK",
        Path(round_trip=0.04, hazards=(BurstLoss(enter=0.008, leave=0.12, seed=926),)),
        Flow(talk=SMALL_TALK + ask(250_000), ends="any"),
        accept=NO_BLACK_HOLE,
        seconds=40,
        sysctls={"net.ipv4.tcp_sack": "0"},
    ),
    Scenario(
        name="loss_bursts",
        shows="bursts of loss, some ten packets each",
        path_mtu=1500,
        path=Path(round_trip=0.03, hazards=(BurstLoss(enter=0.02, leave=0.12, seed=9),)),
        flows=(Flow(talk=ask(250_000)),),
        seconds=30,
        captures=HEAVY_LOSSES,
    ),
    Scenario(
        name="bursts_ipv6_upload",
        shows="short bursts of loss, an IPv6 upload",
        path_mtu=1500,
        data="upload",
        family=6,
        path=Path(round_trip=0.04, hazards=(BurstLoss(enter=0.02, leave=0.4, seed=12),)),
        flows=(Flow(talk=upload(250_000)),),
        seconds=30,
        captures=at_both_ends(HEAVY_LOSS, HEAVY_LOSS, facts_sender=("retransmissions",)),
    ),
)

_EXTREMES = (
    mishap(
        "damaged_segments",
        "one data segment in twenty-five arrives damaged, and the receiver's kernel rejects it, an upload",
        Path(round_trip=0.04, hazards=(Damage(rate=0.04, seed=927),)),
        Flow(talk=upload(200_000)),
        data="upload",
    ),
    trouble(
        "loss_50_percent",
        "half of the server's packets are lost, whatever their size",
        RandomLoss(rate=0.5, seed=71),
        sender=_LOST,
        facts=RETRANSMITS,
        flows=_ANY,
        seconds=30.0,
    ),
    trouble(
        "bit_errors_1e4",
        "one bit in ten thousand is wrong: seven of ten full segments are lost, one of three hundred small ones in ten",
        BitErrors(rate=1e-4, seed=72),
        back=(BitErrors(rate=1e-4, seed=73),),
        sender=_LOST,
        facts=RETRANSMITS,
        flows=_ANY,
        seconds=30.0,
    ),
    trouble(
        "bit_errors_1e6",
        "twin: one bit in a million is wrong",
        BitErrors(rate=1e-6, seed=74),
        sender=FINE,
        flows=(Flow(talk=(*small_talk(3, every=0.2), *ask(60_000))),),
    ),
    trouble(
        "rtt_2s_loss",
        "a round trip of two seconds, 8 % of the packets are lost",
        RandomLoss(rate=0.08, seed=75),
        back=(RandomLoss(rate=0.08, seed=76),),
        rtt=2.0,
        sender=_LOST,
        facts=RETRANSMITS,
        flows=_ANY,
        seconds=50.0,
    ),
    trouble(
        "rtt_2s",
        "twin: a round trip of two seconds, nothing is lost",
        rtt=2.0,
        sender=FINE,
        flows=(Flow(talk=TALK_THEN_TAIL),),
        seconds=40.0,
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_RATES, *_BURSTS, *_EXTREMES)
