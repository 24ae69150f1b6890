"""Packet Too Big messages of every kind: those that help, and those that do not.

The path's devices have an MTU of 1500 here, so that no kernel answers: the narrow hop in the middle
of the path writes the PTBs by hand.
"""

from __future__ import annotations

from typing import Any, Literal

from lab.conversations import WITH_TAIL, WITHOUT_TAIL, ask, small_talk, upload
from lab.handmade import Kind
from lab.hazards import NarrowHop
from lab.truths import (
    HOLE,
    PMTUD_OK,
    PMTUD_OK_AT_RECEIVER,
    PTB_IGNORED,
    at_both_ends,
)
from lab.vocabulary import Capture, Direction, Flow, Path, Scenario, Verdicts

_NARROW = 1400


def _ignored(
    name: str,
    shows: str,
    kind: Kind,
    reasons: Verdicts,
    *,
    accept: Verdicts = PTB_IGNORED,
    said_mtu: int | None = None,
    mtu: int = _NARROW,
    family: Literal[4, 6] = 4,
    data: Direction = "download",
    why: str = "",
    whole: Verdicts = (),
    **settings: Any,
) -> Scenario:
    """`whole` are the reasons that a capture without snap length must find."""
    talk = small_talk(2, every=0.2) + ask(WITH_TAIL)
    if data == "upload":
        talk = upload(WITH_TAIL)
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=mtu,
        family=family,
        data=data,
        path=Path(
            round_trip=0.03,
            hazards=(NarrowHop(mtu=mtu, ptb=kind, said_mtu=said_mtu),),
        ),
        flows=(Flow(talk=talk, ends="hangs"),),
        seconds=14,
        captures=(
            *at_both_ends(accept, HOLE, ptb=("ignored", *reasons), why=why),
            *(
                Capture(role="sender", label="whole", accept=accept, ptb=("ignored", *whole), snap_length=2000)
                for _ in whole[:1]
            ),
        ),
        **settings,
    )


def _heeded(name: str, shows: str, hop: NarrowHop, **settings: Any) -> Scenario:
    settings.setdefault("captures", at_both_ends(PMTUD_OK, PMTUD_OK_AT_RECEIVER, ptb=("accepted",)))
    settings.setdefault("flows", (Flow(talk=small_talk(2, every=0.2) + ask(WITH_TAIL)),))
    return Scenario(
        name=name,
        shows=shows,
        path_mtu=hop.mtu,
        path=Path(round_trip=0.03, hazards=(hop,)),
        seconds=14,
        **settings,
    )


_OTHER_FLOW = ("blackhole", "ptb_ignored")
_CUT_CHECKSUM = "the snap length cuts the PTB, so its checksum cannot be verified here"

PTBS: tuple[Scenario, ...] = (
    _heeded("ptb_plain", "a correct PTB from the middle of the path", NarrowHop(mtu=1400, ptb="plain")),
    _heeded(
        "ptb_plain_ipv6",
        "a correct ICMPv6 PTB from the middle of the path",
        NarrowHop(mtu=1400, ptb="plain"),
        family=6,
    ),
    _heeded(
        "ptb_eight_bytes",
        "a PTB that quotes 8 bytes of TCP, as RFC 792 asks and no more",
        NarrowHop(mtu=1400, ptb="eight_bytes"),
    ),
    _heeded(
        "ptb_rate_limited",
        "only the first large packet is answered",
        NarrowHop(mtu=1400, ptb="plain", limit=1),
        flows=(Flow(talk=ask(WITHOUT_TAIL)),),
    ),
    _heeded(
        "ptb_late",
        "the first PTBs are lost; one gets through after a second and more of retransmissions",
        NarrowHop(mtu=1400, ptb="plain", silent_first=9),
        captures=at_both_ends(
            ("pmtud_ok", "blackhole_recovered"),
            ("ok", "pmtud_ok", "loss", "blackhole_suspected", "blackhole_recovered"),
            ptb=("accepted",),
            why="an episode that a PTB ends",
        ),
    ),
    _heeded(
        "ptb_zero",
        "next-hop MTU 0, as old routers send: Linux falls to 552 bytes and clears DF",
        NarrowHop(mtu=1400, ptb="plain", said_mtu=0),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df"),
            ptb=("accepted", "mtu_zero"),
        ),
    ),
    _heeded(
        "ptb_quote_cut",
        "a correct PTB, recorded with snap lengths that cut its quote",
        NarrowHop(mtu=1400, ptb="plain"),
        captures=(
            Capture(
                role="sender",
                label="96",
                accept=PMTUD_OK,
                ptb=("accepted",),
                snap_length=96,
            ),
            Capture(
                role="sender",
                label="68",
                accept=("pmtud_ok", "ok", "inconclusive", "loss"),
                ptb=("accepted",),
                snap_length=68,
                trust=False,
                why="two of the four bytes of the quoted sequence number are missing",
            ),
            Capture(
                role="sender",
                label="60",
                accept=("pmtud_ok", "ok", "inconclusive", "loss", "stall"),
                ptb=("accepted",),
                snap_length=60,
                trust=False,
                why="the quoted addresses are there, the ports are not",
            ),
        ),
    ),
    _ignored("ptb_zero_ipv6", "ICMPv6 PTB with MTU 0", "plain", ("mtu_zero", "below_1280"), said_mtu=0, family=6),
    _ignored(
        "ptb_not_smaller",
        "the PTB says 1500: not smaller than the packet",
        "plain",
        ("mtu_not_smaller",),
        said_mtu=1500,
    ),
    _ignored(
        "ptb_not_smaller_ipv6",
        "the ICMPv6 PTB says 1500: not smaller than the packet",
        "plain",
        ("mtu_not_smaller",),
        said_mtu=1500,
        family=6,
    ),
    _ignored(
        "ptb_too_optimistic",
        "the PTB says 1450 where only 1400 pass: the sender obeys and is stuck again",
        "plain",
        ("mtu_not_smaller", "accepted"),
        said_mtu=1450,
        accept=("ptb_ignored", "blackhole"),
        why="the first PTB is obeyed, the next ones say nothing new",
    ),
    _ignored(
        "ptb_below_1280",
        "an IPv6 hop of 1200 says so; hosts must not go below 1280",
        "plain",
        ("below_1280",),
        mtu=1200,
        family=6,
    ),
    _ignored(
        "ptb_bad_checksum",
        "the PTB's checksum is wrong",
        "bad_checksum",
        ("checksum", "host"),
        whole=("checksum",),
        why=_CUT_CHECKSUM,
    ),
    _ignored(
        "ptb_bad_checksum_ipv6",
        "the ICMPv6 PTB's checksum is wrong, upload",
        "bad_checksum",
        ("checksum", "host"),
        whole=("checksum",),
        why=_CUT_CHECKSUM,
        family=6,
        data="upload",
    ),
    _ignored("ptb_sequence", "the quoted sequence number is out of the window", "sequence", ("sequence",)),
    _ignored(
        "ptb_sequence_ipv6",
        "the quoted sequence number is out of the window, IPv6",
        "sequence",
        ("sequence",),
        family=6,
    ),
    _ignored(
        "ptb_ports",
        "a NAT rewrote the port of the data but not of the quote",
        "ports",
        ("tuple",),
        accept=("ptb_ignored", "blackhole"),
        why="the quote names no flow of this capture; its sequence number gives it away",
    ),
    _ignored(
        "ptb_addresses",
        "a NAT rewrote the address of the data but not of the quote",
        "addresses",
        ("tuple",),
        accept=("ptb_ignored", "blackhole"),
    ),
    _ignored(
        "ptb_addresses_ipv6",
        "a NAT rewrote the address of the data but not of the quote, IPv6 upload",
        "addresses",
        ("tuple",),
        accept=("ptb_ignored", "blackhole"),
        family=6,
        data="upload",
    ),
    _ignored(
        "ptb_sibling",
        "the PTBs that arrive are about a flow of another host (ECMP); those for this flow do not",
        "sibling",
        ("tuple",),
        accept=_OTHER_FLOW,
        why="no PTB for this flow is in the capture",
    ),
    _ignored(
        "ptb_dropped_by_host_upload",
        "the client's own firewall drops the PTBs, IPv6 upload",
        "plain",
        ("host",),
        family=6,
        data="upload",
        icmp_dropped_at=("client",),
    ),
    _ignored(
        "ptb_dropped_by_host_offloads",
        "the server's own firewall drops the PTBs, segmentation offload",
        "plain",
        ("host",),
        offloads=True,
        icmp_dropped_at=("server",),
    ),
)
