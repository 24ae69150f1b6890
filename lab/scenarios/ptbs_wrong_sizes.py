"""PTBs that name a wrong size: zero, too large, too small."""

from __future__ import annotations

from dataclasses import replace

from lab.hazards import NarrowHop
from lab.mishaps import FalseWarning
from lab.ptb_patterns import ptb_answered, ptb_flows, ptb_heeded, ptb_ignored, ptb_useful, ptb_useless
from lab.truths import PMTUD_OK, PTB_IGNORED_OR_HOLE, at_both_ends
from lab.vocabulary import Capture, Path, Scenario

_BELIEVED = (
    ptb_answered(
        "told_too_low",
        "a hop of 1400 says 1300, which is believed",
        1400,
        "plain",
        hop=NarrowHop(mtu=1400, ptb="plain", said_mtu=1300),
        ends="completes",
        path_mtu_also=1300,
        accept=PMTUD_OK,
    ),
    replace(
        ptb_answered("warned_without_need", "", 1500, "plain", ends="completes"),
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
    ptb_heeded(
        "ptb_zero",
        "next-hop MTU 0, as old routers send: Linux falls to 552 bytes and clears DF",
        NarrowHop(mtu=1400, ptb="plain", said_mtu=0),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df"),
            ptb=("accepted", "mtu_zero"),
        ),
    ),
    Scenario(
        name="told_296",
        shows="a path of 296 says so: Linux goes down to 552 only, but clears DF there, and the router cuts",
        path_mtu=296,
        path=Path(mtu=296, round_trip=0.036),
        flows=ptb_flows(4, "download", "completes"),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df", "inconclusive"),
            ptb=("accepted",),
            why_receiver="what arrives are fragments",
        ),
    ),
    ptb_useful(
        "told_too_little",
        "a router says 296 where 1372 pass: Linux goes down to 552 and clears DF",
        NarrowHop(mtu=1372, ptb="plain", said_mtu=296),
        captures=at_both_ends(
            ("pmtud_ok", "no_df"),
            ("ok", "pmtud_ok", "loss", "not_exercised", "no_df"),
            ptb=("accepted",),
            why="what gets through afterwards has DF clear, so nothing in this capture refutes the router",
        ),
        path_mtu_also=296,
    ),
)

_REFUSED = (
    ptb_answered(
        "says_1500_of_1468",
        "a hop of 1468 says 1500",
        1468,
        "plain",
        hop=NarrowHop(mtu=1468, ptb="plain", said_mtu=1500),
        data="upload",
        reasons=("mtu_not_smaller",),
    ),
    ptb_answered(
        "says_zero_download",
        "a hop of 1444 says 0, as routers before RFC 1191 did",
        1444,
        "plain",
        hop=NarrowHop(mtu=1444, ptb="plain", said_mtu=0),
        ends="completes",
        reasons=("mtu_zero",),
        accept=("pmtud_ok", "no_df"),
    ),
    ptb_ignored("ptb_zero_ipv6", "ICMPv6 PTB with MTU 0", "plain", ("mtu_zero", "below_1280"), said_mtu=0, family=6),
    ptb_ignored(
        "ptb_not_smaller",
        "the PTB says 1500: not smaller than the packet",
        "plain",
        ("mtu_not_smaller",),
        said_mtu=1500,
    ),
    ptb_ignored(
        "ptb_not_smaller_ipv6",
        "the ICMPv6 PTB says 1500: not smaller than the packet",
        "plain",
        ("mtu_not_smaller",),
        said_mtu=1500,
        family=6,
    ),
    ptb_ignored(
        "ptb_too_optimistic",
        "the PTB says 1450 where only 1400 pass: the sender obeys and is stuck again",
        "plain",
        ("mtu_not_smaller", "accepted"),
        said_mtu=1450,
        accept=("ptb_ignored", "blackhole"),
        why="the first PTB is obeyed, the next ones say nothing new",
    ),
    ptb_ignored(
        "ptb_below_1280",
        "an IPv6 hop of 1200 says so; hosts must not go below 1280",
        "plain",
        ("below_1280",),
        mtu=1200,
        family=6,
    ),
    ptb_useless(
        "zero_ipv6_upload",
        "ICMPv6 PTBs with MTU 0 answer an upload into a path of 1350",
        1350,
        "plain",
        ("mtu_zero", "below_1280"),
        said=0,
        family=6,
        data="upload",
    ),
    ptb_useless(
        "says_9000",
        "the PTB says 9000 where only 1330 pass",
        1330,
        "plain",
        ("mtu_not_smaller",),
        said=9000,
    ),
    ptb_useless(
        "says_1440_ipv6",
        "the PTB says 1440 where only 1300 pass: obeyed once, then stuck, IPv6 upload",
        1300,
        "plain",
        ("mtu_not_smaller", "accepted"),
        said=1440,
        family=6,
        data="upload",
        accept=PTB_IGNORED_OR_HOLE,
        why="the first PTB is obeyed, the next ones say nothing new",
    ),
    ptb_useless(
        "says_1000_ipv6",
        "an IPv6 hop of 1296 says 1000, which hosts must ignore",
        1296,
        "plain",
        ("below_1280",),
        said=1000,
        family=6,
        data="upload",
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_BELIEVED, *_REFUSED)
