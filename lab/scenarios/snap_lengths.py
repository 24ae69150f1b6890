"""Snap lengths and other forms of a recording."""

from __future__ import annotations

from lab.conversations import TAIL_4, TAIL_6, ask, small_talk, upload
from lab.edits import MirrorTwice, PppoeSession, VlanTag
from lab.hazards import NarrowHop
from lab.patterns import black_hole, hole_and_twin
from lab.ptb_patterns import ptb_heeded, ptb_useful
from lab.truths import BLACK_HOLE, BLACK_HOLE_BY_ACK, HOLE, OK, PMTUD_OK, PMTUD_OK_AT_RECEIVER
from lab.vocabulary import Capture, Scenario

_DOWNLOAD_FORMS = hole_and_twin(
    "taped",
    "a download into 1402, recorded in many forms",
    1402,
    "ptb",
    talk=small_talk(3, every=0.3) + ask(TAIL_4),
    captures=(
        Capture(role="sender", label="112", accept=BLACK_HOLE, snap_length=112),
        Capture(role="sender", label="96", accept=BLACK_HOLE, snap_length=96),
        Capture(
            role="sender",
            label="80",
            accept=BLACK_HOLE_BY_ACK,
            snap_length=80,
            trust=False,
            why="two of the blocks' eight bytes are missing: SACK cannot be read",
        ),
        Capture(role="sender", label="68", accept=BLACK_HOLE_BY_ACK, snap_length=68, trust=False),
        Capture(role="sender", label="64", accept=BLACK_HOLE_BY_ACK, snap_length=64, trust=False),
        Capture(role="sender", label="sll", accept=BLACK_HOLE, interface="any", link_type="LINUX_SLL", snap_length=110),
        Capture(role="sender", label="sll2", accept=BLACK_HOLE, interface="any"),
        Capture(role="sender", label="vlan", accept=BLACK_HOLE, edits=(VlanTag(4094),)),
        Capture(role="sender", label="pppoe", accept=BLACK_HOLE, edits=(PppoeSession(),)),
        Capture(role="sender", label="twice", accept=BLACK_HOLE, edits=(MirrorTwice(900_000),)),
        Capture(role="before", label="any", accept=BLACK_HOLE, interface="any"),
        Capture(role="after", label="any", accept=HOLE, interface="any", link_type="LINUX_SLL"),
        Capture(role="receiver", label="vlans", accept=HOLE, edits=(VlanTag(7), VlanTag(1200))),
        Capture(role="receiver", label="twice", accept=HOLE, edits=(MirrorTwice(25_000),)),
    ),
    twin_captures=(
        Capture(role="sender", label="sll", accept=PMTUD_OK, ptb=("accepted",), interface="any", link_type="LINUX_SLL"),
        Capture(role="sender", label="vlans", accept=PMTUD_OK, ptb=("accepted",), edits=(VlanTag(7), VlanTag(1200))),
        Capture(role="sender", label="twice", accept=PMTUD_OK, ptb=("accepted",), edits=(MirrorTwice(900_000),)),
        Capture(
            role="sender",
            label="64",
            accept=("pmtud_ok", "ok", "loss", "inconclusive"),
            ptb=("accepted", "ignored"),
            snap_length=64,
            trust=False,
            why="the quote in the PTB is cut in the quoted ports",
        ),
        Capture(role="after", label="any", accept=PMTUD_OK_AT_RECEIVER, interface="any"),
        Capture(role="receiver", label="twice", accept=PMTUD_OK_AT_RECEIVER, edits=(MirrorTwice(25_000),)),
    ),
)
_QINQ = (VlanTag(30), VlanTag(200))
_UPLOAD_FORMS = hole_and_twin(
    "recorders_ipv6",
    "an IPv6 upload into 1396, recorded in many forms",
    1396,
    "wide",
    data="upload",
    family=6,
    talk=upload(TAIL_6),
    captures=(
        Capture(role="sender", label="100", accept=BLACK_HOLE, snap_length=100),
        Capture(
            role="sender",
            label="86",
            accept=BLACK_HOLE_BY_ACK,
            snap_length=86,
            trust=False,
            why="the timestamps fill what is left of the options: SACK is cut off",
        ),
        Capture(role="sender", label="72", accept=BLACK_HOLE_BY_ACK, snap_length=72, trust=False),
        Capture(role="sender", label="sll", accept=BLACK_HOLE, interface="any", link_type="LINUX_SLL"),
        Capture(role="sender", label="sll2", accept=BLACK_HOLE, interface="any"),
        Capture(role="sender", label="qinq", accept=BLACK_HOLE, edits=_QINQ),
        Capture(role="before", accept=BLACK_HOLE),
        Capture(
            role="before",
            label="any",
            accept=BLACK_HOLE,
            interface="any",
            why="packets that are forwarded are there twice, with the hop limit one less; the large ones only once",
        ),
        Capture(role="after", label="raw", accept=HOLE, interface="core"),
        Capture(role="receiver", label="qinq", accept=HOLE, edits=_QINQ),
        Capture(
            role="receiver",
            label="72",
            accept=("blackhole_suspected", "inconclusive"),
            snap_length=72,
            trust=False,
        ),
    ),
    twin_captures=(
        Capture(role="sender", label="86", accept=OK, snap_length=86),
        Capture(role="sender", label="72", accept=OK, snap_length=72),
        Capture(role="sender", label="sll2", accept=OK, interface="any"),
        Capture(role="before", label="any", accept=OK, interface="any"),
        Capture(role="after", label="raw", accept=OK, interface="core"),
        Capture(role="receiver", label="qinq", accept=OK, edits=_QINQ),
    ),
)

_FORMS = (
    *_DOWNLOAD_FORMS,
    *_UPLOAD_FORMS,
    black_hole(
        "snap_lengths",
        "snap lengths from 54 to 96 bytes",
        1420,
        captures=(
            Capture(role="sender", label="96", accept=BLACK_HOLE, snap_length=96),
            Capture(role="sender", label="80", accept=BLACK_HOLE_BY_ACK, snap_length=80),
            Capture(
                role="sender",
                label="68",
                accept=BLACK_HOLE_BY_ACK,
                snap_length=68,
                trust=False,
                why="the timestamps fill what is left of the options: SACK is cut off",
            ),
            Capture(role="sender", label="64", accept=BLACK_HOLE_BY_ACK, snap_length=64, trust=False),
            Capture(role="sender", label="54", accept=BLACK_HOLE_BY_ACK, snap_length=54, trust=False),
            Capture(
                role="receiver",
                label="64",
                accept=("blackhole_suspected", "inconclusive"),
                snap_length=64,
                trust=False,
            ),
        ),
    ),
    black_hole(
        "snap_lengths_ipv6",
        "snap lengths of 74 (headers without options), 64 (half a TCP header) and 96, IPv6",
        1420,
        family=6,
        captures=(
            Capture(role="sender", label="96", accept=BLACK_HOLE_BY_ACK, snap_length=96),
            Capture(role="sender", label="74", accept=BLACK_HOLE_BY_ACK, snap_length=74, trust=False),
            Capture(
                role="sender",
                label="64",
                accept=("inconclusive", "blackhole", "blackhole_probable", "stall"),
                snap_length=64,
                trust=False,
                why="ports and sequence number are there, ACK number and flags are not",
            ),
        ),
    ),
)

_PTBS = (
    ptb_heeded(
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
    ptb_useful(
        "told_and_cut_ipv6",
        "a correct ICMPv6 PTB, recorded with snap lengths around the 110 bytes that its quote needs",
        NarrowHop(mtu=1282, ptb="plain"),
        family=6,
        captures=(
            Capture(role="sender", label="112", accept=PMTUD_OK, ptb=("accepted",), snap_length=112),
            Capture(
                role="sender",
                label="108",
                accept=("pmtud_ok", "ok", "inconclusive", "loss"),
                ptb=("accepted",),
                snap_length=108,
                trust=False,
                why="two of the four bytes of the quoted sequence number are missing",
            ),
            Capture(
                role="sender",
                label="72",
                accept=("pmtud_ok", "ok", "inconclusive", "loss", "stall"),
                ptb=("accepted",),
                snap_length=72,
                trust=False,
                why="the quoted addresses are cut",
            ),
        ),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_FORMS, *_PTBS)
