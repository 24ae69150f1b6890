"""Blind set: what routers and firewalls answer to packets that are too large, or to those that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from lab.conversations import ask, small_talk, upload
from lab.handmade import Kind
from lab.hazards import NarrowHop
from lab.mishaps import FalseWarning
from lab.table_seen_holes import FULL_4, FULL_6
from lab.truths import BLACK_HOLE, HOLE, PMTUD_OK, PMTUD_OK_AT_RECEIVER, PTB_IGNORED, at_both_ends
from lab.vocabulary import Capture, Direction, Flow, Path, Scenario, Verdicts

_OR_HOLE: Verdicts = ("ptb_ignored", "blackhole")
_UNSEEN: Verdicts = ("ok", "loss", "not_exercised", "inconclusive")


def _flow(family: Literal[4, 6], data: Direction, ends: Literal["hangs", "completes"]) -> Flow:
    size = 6 * (FULL_4 if family == 4 else FULL_6) + 210
    return Flow(talk=small_talk(2, every=0.3) + ask(size) if data == "download" else upload(size), ends=ends)


def _answered(
    name: str,
    shows: str,
    mtu: int,
    kind: Kind,
    *,
    hop: NarrowHop | None = None,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    reasons: Verdicts = (),
    accept: Verdicts = PTB_IGNORED,
    ends: Literal["hangs", "completes"] = "hangs",
    **settings: Any,
) -> Scenario:
    ptb: Verdicts = ("ignored", *reasons) if ends == "hangs" else ("accepted", *reasons)
    receiver = HOLE if ends == "hangs" else PMTUD_OK_AT_RECEIVER
    settings.setdefault("captures", at_both_ends(accept, receiver, ptb=ptb))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(round_trip=0.044, hazards=(hop or NarrowHop(mtu=mtu, ptb=kind),)),
        flows=(_flow(family, data, ends),),
        seconds=15,
        **settings,
    )


_PROHIBITED = Scenario(
    name="prohibited_instead_of_too_big",
    shows="a firewall answers packets above 1400 with `administratively prohibited`, which tells TCP nothing",
    path_mtu=1400,
    path=Path(round_trip=0.03),
    rules={"server_router": "meta length > 1400 reject with icmp type admin-prohibited"},
    flows=(_flow(4, "download", "hangs"),),
    seconds=14,
    captures=at_both_ends(BLACK_HOLE, HOLE),
)
_FILTERED = Scenario(
    name="recorded_without_icmp",
    shows="PMTUD works, but the recorder's filter is `tcp`: the PTB is not in the file",
    path_mtu=1394,
    path=Path(mtu=1394, round_trip=0.03),
    flows=(_flow(4, "download", "completes"),),
    captures=(
        Capture(role="sender", accept=_UNSEEN, only="tcp", why="large packets once, smaller ones within an RTT"),
        Capture(role="receiver", accept=PMTUD_OK_AT_RECEIVER, only="tcp"),
    ),
)

_USELESS = (
    _PROHIBITED,
    replace(
        _PROHIBITED,
        name="prohibited_instead_of_too_big_ipv6",
        shows="a firewall answers packets above 1350 of an IPv6 upload with `administratively prohibited`",
        path_mtu=1350,
        family=6,
        data="upload",
        rules={"client_router": "meta length > 1350 reject with icmpv6 type admin-prohibited"},
        flows=(_flow(6, "upload", "hangs"),),
    ),
    _answered(
        "nat_left_its_port",
        "the quote has the port that a NAT put there, 1398",
        1398,
        "ports",
        reasons=("tuple",),
        accept=_OR_HOLE,
    ),
    _answered(
        "nat_left_its_address_ipv6",
        "the quote has an address that a NAT put there, IPv6, 1356",
        1356,
        "addresses",
        family=6,
        reasons=("tuple",),
        accept=_OR_HOLE,
    ),
    _answered(
        "old_sequence_ipv6_upload",
        "the quoted sequence number is long past, an IPv6 upload into 1402",
        1402,
        "sequence",
        family=6,
        data="upload",
        reasons=("sequence",),
    ),
    _answered(
        "broken_checksum_ipv6",
        "PTBs with a wrong checksum, IPv6, 1360, recorded whole",
        1360,
        "bad_checksum",
        family=6,
        captures=(
            Capture(role="sender", accept=PTB_IGNORED, ptb=("ignored", "checksum"), snap_length=1500),
            Capture(role="receiver", accept=HOLE),
        ),
    ),
    _answered(
        "says_1500_of_1468",
        "a hop of 1468 says 1500",
        1468,
        "plain",
        hop=NarrowHop(mtu=1468, ptb="plain", said_mtu=1500),
        data="upload",
        reasons=("mtu_not_smaller",),
    ),
    _answered(
        "says_zero_download",
        "a hop of 1444 says 0, as routers before RFC 1191 did",
        1444,
        "plain",
        hop=NarrowHop(mtu=1444, ptb="plain", said_mtu=0),
        ends="completes",
        reasons=("mtu_zero",),
        accept=("pmtud_ok", "no_df"),
    ),
    _answered(
        "own_firewall_upload",
        "the client's own firewall drops the PTBs, an upload into 1424",
        1424,
        "plain",
        data="upload",
        reasons=("host",),
        icmp_dropped_at=("client",),
    ),
    _answered(
        "sibling_upload",
        "the PTBs that come are about another host's flow, an upload into 1416",
        1416,
        "sibling",
        data="upload",
        reasons=("tuple",),
        accept=_OR_HOLE,
    ),
)

_USEFUL = (
    _FILTERED,
    replace(
        _FILTERED,
        name="recorded_without_icmp_hole",
        shows="PTBs are dropped before they reach the server, and the recorder's filter is `tcp`",
        icmp_dropped_at=("server_router",),
        flows=(_flow(4, "download", "hangs"),),
        seconds=14,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, only="tcp"),
            Capture(role="receiver", accept=HOLE, only="tcp"),
        ),
    ),
    _answered(
        "told_at_the_fourth",
        "the first seven PTBs are lost, then one gets through, IPv6, 1334",
        1334,
        "plain",
        hop=NarrowHop(mtu=1334, ptb="plain", silent_first=7),
        family=6,
        ends="completes",
        captures=at_both_ends(
            ("pmtud_ok", "blackhole_recovered"),
            ("ok", "pmtud_ok", "loss", "blackhole_suspected", "blackhole_recovered"),
            ptb=("accepted",),
            why="an episode that a PTB ends",
        ),
    ),
    replace(
        _answered("told_three_times", "", 1340, "plain", ends="completes", data="upload", accept=PMTUD_OK),
        shows="three hops in a row, each narrower than the one before and each with its own PTB: 1480, 1400, 1340",
        path=Path(
            round_trip=0.044,
            hazards=tuple(NarrowHop(mtu=mtu, ptb="plain") for mtu in (1480, 1400, 1340)),
        ),
    ),
    _answered(
        "told_too_low",
        "a hop of 1400 says 1300, which is believed",
        1400,
        "plain",
        hop=NarrowHop(mtu=1400, ptb="plain", said_mtu=1300),
        ends="completes",
        path_mtu_also=1300,
        accept=PMTUD_OK,
    ),
    _answered(
        "told_eight_bytes",
        "a PTB that quotes 8 bytes of TCP, an upload into 1378",
        1378,
        "eight_bytes",
        data="upload",
        ends="completes",
        accept=PMTUD_OK,
    ),
    replace(
        _answered("warned_without_need", "", 1500, "plain", ends="completes"),
        shows="a router sends two PTBs of 1000 about packets that it passes on",
        path_mtu_also=1000,
        path=Path(round_trip=0.044, hazards=(FalseWarning(above=1400, said_mtu=1000, limit=2),)),
        captures=(
            Capture(
                role="sender",
                accept=("pmtud_ok", "ok", "loss"),
                ptb=("accepted", "ignored"),
                why="the PTB is obeyed; that the large packets arrived shows only by the time of their ACKs",
            ),
            Capture(role="receiver", accept=("ok", "loss", "pmtud_ok")),
        ),
    ),
)

BLIND_ANSWERS: tuple[Scenario, ...] = (*_USELESS, *_USEFUL)
