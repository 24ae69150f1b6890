"""Limits of sizes as other networks have them: members, hosts, second hops, late PTBs, other clocks; their twins."""

from __future__ import annotations

from typing import Any

from lab.conversations import WITH_TAIL, Talk, ask, small_talk
from lab.filters import NarrowMember
from lab.hazards import Hazard, NarrowHop, RandomLoss
from lab.mishaps import Damage, LateSyn
from lab.truths import NO_BLACK_HOLE, OK, PMTUD_OK, at_both_ends
from lab.vocabulary import Capture, Fact, Flow, Path, Say, Scenario, Verdicts

_PROBING = {"net.ipv4.tcp_mtu_probing": "1"}
_TALK = small_talk(2, every=0.2) + ask(WITH_TAIL)
_HOLE: Verdicts = ("blackhole", "blackhole_probable")
_SEEN_BEYOND: Verdicts = ("blackhole_suspected", "inconclusive", "not_exercised")
_FELL_BACK: Verdicts = ("blackhole_recovered",)
_FELL_BACK_BEYOND: Verdicts = (
    "blackhole_recovered",
    "blackhole_suspected",
    "inconclusive",
    "ok",
    "loss",
    "not_exercised",
)
_FINE: Verdicts = ("ok", "loss")
_ARRIVES: tuple[Fact, ...] = ("super_segments",)  # what is above the limit is in the capture, at either end
_BOTH: tuple[Fact, ...] = ("too_large_delivered",)  # before, or on the other member
_EQUAL: tuple[Fact, ...] = ("constant_gaps",)
# What arrives and is then refused by the very host: no matter of the path.
_REFUSED: Verdicts = ("stall", "inconclusive", "loss", "content_drop", "dead_path", "not_exercised")


def _wild(
    name: str,
    shows: str,
    mtu: int,
    *hazards: Hazard,
    back: tuple[Hazard, ...] = (),
    rtt: float = 0.02,
    sender: Verdicts = _HOLE,
    receiver: Verdicts = _SEEN_BEYOND,
    ptb: Verdicts = (),
    facts: tuple[Fact, ...] = (),
    arrives: bool = False,
    talk: Talk = _TALK,
    **settings: Any,
) -> Scenario:
    hangs = sender in (_HOLE, _EARLY) and mtu < 1500
    settings.setdefault("flows", (Flow(talk=talk, ends="hangs" if hangs else "completes"),))
    settings.setdefault(
        "captures", at_both_ends(sender, receiver, ptb=ptb, facts_sender=facts, facts=_ARRIVES if arrives else ())
    )
    settings.setdefault("seconds", 16.0)
    return Scenario(
        name=f"wild_{name}",
        shows=shows,
        path_mtu=mtu,
        path=Path(round_trip=rtt, hazards=hazards, hazards_back=back),
        **settings,
    )


_EARLY: Verdicts = ("inconclusive", "blackhole_probable", "blackhole")  # too few copies for more


def _silent(mtu: int, **settings: Any) -> NarrowHop:
    return NarrowHop(mtu=mtu, **settings)


_WRONG: Verdicts = ("blackhole", "blackhole_probable", "content_drop", "stall")
_HOSTS = (
    _wild(
        "host_drops_large",
        "the receiver's own firewall drops large packets, behind the point of capture",
        1400,
        host_rules={"client": "meta length > 1400 drop"},
        receiver=_REFUSED,
        arrives=True,
        path_mtu_also=1500,
    ),
    _wild(
        "host_drops_large_upload_ipv6",
        "the same at a server that receives an upload, IPv6",
        1400,
        host_rules={"server": "meta length > 1400 drop"},
        receiver=_REFUSED,
        arrives=True,
        path_mtu_also=1500,
        family=6,
        data="upload",
        talk=(Say(speaker="server", size=90), Say(speaker="client", size=WITH_TAIL), Say(speaker="server", size=60)),
    ),
    _wild(
        "host_takes_all",
        "twin: the receiver's firewall drops nothing that was sent",
        1500,
        host_rules={"client": "meta length > 1500 drop"},
        sender=OK,
        receiver=_FINE,
    ),
    _wild(
        "wrong_checksums",
        "large packets arrive with a wrong checksum, and the receiver's kernel drops them; whole packets recorded",
        1400,
        Damage(rate=1.0, above=1400),
        path_mtu_also=1500,
        captures=(
            Capture(role="sender", accept=_WRONG, snap_length=2000),
            Capture(role="receiver", accept=_REFUSED, snap_length=2000, facts=(*_ARRIVES, "wrong_checksum")),
        ),
        flows=(Flow(talk=_TALK, ends="hangs"),),
    ),
    _wild(
        "few_wrong_checksums",
        "twin: one large packet in twenty arrives with a wrong checksum",
        1500,
        Damage(rate=0.05, above=1400, seed=5),
        sender=_FINE,
        receiver=(*_FINE, "stall"),
        talk=(*small_talk(2, every=0.2), *ask(90_000)),
    ),
)

_MEMBER = NarrowMember(mtu=1400, odd="client")
_ODD, _EVEN = (41_001, 41_003, 41_005), (42_000, 42_002, 42_004, 42_006)


def _members(*, narrow: bool, together: bool) -> Scenario:
    """Seven flows; those with an odd client port go over the other member."""
    ports = [port for pair in zip(_EVEN, (*_ODD, 0), strict=True) for port in pair if port]
    flows = tuple(
        Flow(
            port=8081 if port % 2 else 8080,
            client_port=port,
            talk=(*small_talk(2, every=0.2), *ask(WITH_TAIL)),
            start=0.1 * index if together else 1.5 * index,
            ends="hangs" if port % 2 and narrow else "completes",
        )
        for index, port in enumerate(ports)
    )
    odd = _HOLE if narrow else _FINE
    beyond = _SEEN_BEYOND if narrow else _FINE
    when = "at once" if together else "one after the other"
    return _wild(
        f"members_{'together' if together else 'in_turn'}{'' if narrow else '_all_wide'}",
        f"{'' if narrow else 'twin: all members are wide; '}seven flows {when} over two parallel paths, by client port",
        1400 if narrow else 1500,
        *((_MEMBER,) if narrow else ()),
        path_mtu_also=1500 if narrow else None,
        flows=flows,
        seconds=22.0,
        captures=(
            Capture(role="sender", accept=odd, flows={8080: _FINE, 8081: odd}, facts=_BOTH if narrow else ()),
            Capture(role="receiver", accept=beyond, flows={8080: _FINE, 8081: beyond}),
        ),
    )


def _short_flows(port: int, begin: float, ends: str) -> tuple[Flow, ...]:
    talk = (Say(speaker="client", size=180), Say(speaker="server", size=2 * 1448))
    hangs: Any = ends
    return tuple(Flow(port=port, talk=talk, start=begin + 0.2 * index, ends=hangs) for index in range(8))


def _narrows(*, narrow: bool) -> Scenario:
    later = _HOLE if narrow else _FINE
    beyond: Verdicts = _SEEN_BEYOND if narrow else _FINE
    return _wild(
        "narrows_short_flows" if narrow else "stays_wide_short_flows",
        "many short flows of two full segments each; from the third second on the path is narrower, and they hang"
        if narrow
        else "twin: many short flows of two full segments each on a path that stays as it is",
        1400 if narrow else 1500,
        *((_silent(1400, since=3.0),) if narrow else ()),
        path_mtu_also=1500 if narrow else None,
        flows=(*_short_flows(8080, 0.0, "completes"), *_short_flows(8081, 3.5, "hangs" if narrow else "completes")),
        seconds=18.0,
        captures=(
            Capture(role="sender", accept=later, flows={8080: _FINE, 8081: later}, facts=_BOTH if narrow else ()),
            Capture(role="receiver", accept=beyond, flows={8080: _FINE, 8081: beyond}),
        ),
    )


_PARALLEL = (
    _members(narrow=True, together=True),
    _members(narrow=False, together=True),
    _members(narrow=True, together=False),
    _members(narrow=False, together=False),
    _narrows(narrow=True),
    _narrows(narrow=False),
)

_LATE: dict[str, Any] = {"back": (LateSyn(seconds=0.3),), "sysctls": _PROBING, "seconds": 30.0}
_RECOVERS: dict[str, Any] = {"sender": _FELL_BACK, "receiver": _FELL_BACK_BEYOND}
_FALLBACKS = (
    _wild(
        "hole_probing", "a true black hole with tcp_mtu_probing=1", 1400, _silent(1400), sysctls=_PROBING, **_RECOVERS
    ),
    _wild(
        "late_syn_probing",
        "a first SYN that is 0.3 s late, a black hole, probing",
        1400,
        _silent(1400),
        **_LATE,
        **_RECOVERS,
    ),
    _wild(
        "late_syn_probing_ipv6",
        "the same over IPv6",
        1400,
        _silent(1400),
        family=6,
        **_LATE,
        **_RECOVERS,
    ),
    _wild(
        "late_syn_probing_offloads",
        "the same with segmentation offload",
        1400,
        _silent(1400),
        offloads=True,
        **_LATE,
        **_RECOVERS,
    ),
    _wild(
        "late_syn_wide", "twin: a late first SYN and probing on a wide path", 1500, sender=OK, receiver=_FINE, **_LATE
    ),
)

_TWO_HOPS: tuple[Hazard, ...] = (NarrowHop(mtu=1450, ptb="plain"), NarrowHop(mtu=1350))
_TWO: dict[str, Any] = {"ptb": ("accepted",), "seconds": 24.0}
_TWO_PROBING: dict[str, Any] = {**_TWO, **_RECOVERS, "sysctls": _PROBING}
_SECOND_HOPS = (
    _wild("two_hops", "the first narrow hop says so, the second one does not", 1350, *_TWO_HOPS, **_TWO),
    _wild("two_hops_ipv6", "the same over IPv6", 1350, *_TWO_HOPS, family=6, **_TWO),
    _wild("two_hops_offloads", "the same with segmentation offload", 1350, *_TWO_HOPS, offloads=True, **_TWO),
    _wild("two_hops_probing", "the same with tcp_mtu_probing=1", 1350, *_TWO_HOPS, **_TWO_PROBING),
    _wild("two_hops_probing_ipv6", "the same over IPv6", 1350, *_TWO_HOPS, family=6, **_TWO_PROBING),
    _wild("two_hops_probing_offloads", "with segmentation offload", 1350, *_TWO_HOPS, offloads=True, **_TWO_PROBING),
    _wild(
        "first_hop_alone",
        "twin: the only narrow hop says so",
        1450,
        _TWO_HOPS[0],
        sender=PMTUD_OK,
        receiver=(*_FINE, "pmtud_ok", "not_exercised"),
        ptb=("accepted",),
    ),
)

_TOLD_LATE: Verdicts = ("pmtud_ok", "blackhole_recovered")
# Those that come when the quoted bytes are acknowledged already lie outside of the window.
_WHEN_TOLD_LATE: Verdicts = ("accepted", "ignored", "sequence")
_LATE_PTBS = (
    _wild(
        "ptb_3s_late",
        "every PTB takes three seconds",
        1400,
        NarrowHop(mtu=1400, ptb="plain", answers_after=3.0),
        sender=_TOLD_LATE,
        facts=("late_ptb",),
        receiver=_FELL_BACK_BEYOND,
        ptb=_WHEN_TOLD_LATE,
    ),
    _wild(
        "ptb_3s_late_ipv6",
        "the same over IPv6",
        1400,
        NarrowHop(mtu=1400, ptb="plain", answers_after=3.0),
        sender=_TOLD_LATE,
        facts=("late_ptb",),
        receiver=_FELL_BACK_BEYOND,
        ptb=_WHEN_TOLD_LATE,
        family=6,
    ),
    _wild(
        "ptb_in_time",
        "twin: the PTB comes at once",
        1400,
        NarrowHop(mtu=1400, ptb="plain"),
        sender=PMTUD_OK,
        receiver=(*_FINE, "pmtud_ok", "not_exercised"),
        ptb=("accepted",),
    ),
)

_HELLO: Talk = (Say(speaker="client", size=1700), Say(speaker="server", size=3000))
_NO_SACK = {"net.ipv4.tcp_sack": "0"}
_SHORT_GAPS = {"net.ipv4.tcp_rto_max_ms": "1000"}
_LINEAR = {"net.ipv4.tcp_thin_linear_timeouts": "1"}
_SHORT_TALK = (*small_talk(2, every=0.2), *ask(1448 + 300))
_CLOCKS = (
    _wild(
        "rto_max_1s",
        "tcp_rto_max_ms=1000: from the third on one second apart",
        1400,
        _silent(1400),
        sysctls=_SHORT_GAPS,
        facts=_EQUAL,
        flows=(Flow(talk=_TALK, ends="breaks"),),
        seconds=20.0,
    ),
    _wild(
        "linear_timeouts",
        "tcp_thin_linear_timeouts=1: a short reply is sent again at constant gaps",
        1400,
        _silent(1400),
        sysctls=_LINEAR,
        facts=_EQUAL,
        talk=_SHORT_TALK,
    ),
    _wild(
        "rto_max_1s_wide",
        "twin: the same settings, all arrives",
        1500,
        sysctls={**_SHORT_GAPS, **_LINEAR},
        sender=OK,
        receiver=_FINE,
    ),
    _wild("rtt_2s_hole", "a round trip of two seconds", 1400, _silent(1400), rtt=2.0, seconds=70.0),
    _wild(
        "hello_no_sack",
        "a ClientHello of two segments without SACK: the small second one arrives",
        1400,
        _silent(1400),
        data="upload",
        sysctls=_NO_SACK,
        talk=_HELLO,
    ),
    _wild(
        "hello_no_sack_wide",
        "twin: both segments arrive",
        1500,
        data="upload",
        sysctls=_NO_SACK,
        talk=_HELLO,
        sender=OK,
        receiver=_FINE,
    ),
    _wild(
        "gives_up_at_once",
        "tcp_retries2=1: the sender gives up within a second or so",
        1400,
        _silent(1400),
        sender=_EARLY,
        node_sysctls={"server": {"net.ipv4.tcp_retries2": "1"}},
        flows=(Flow(talk=_TALK, ends="breaks"),),
    ),
    _wild(
        "gives_up_never",
        "twin: the same setting, all arrives",
        1500,
        sender=OK,
        receiver=_FINE,
        node_sysctls={"server": {"net.ipv4.tcp_retries2": "1"}},
    ),
    _wild(
        "size_loss_90_percent",
        "nine of ten packets above 1400 bytes are lost",
        1400,
        RandomLoss(rate=0.9, above=1400, seed=81),
        sender=("loss", "stall", "inconclusive", "ok", *_HOLE, "content_drop"),
        receiver=(*NO_BLACK_HOLE, "blackhole_suspected"),
        path_mtu_also=1500,
        flows=(Flow(talk=(*small_talk(3, every=0.2), *ask(WITH_TAIL)), ends="any"),),
        seconds=40.0,
    ),
    _wild(
        "size_loss_5_percent",
        "twin: one of twenty packets above 1400 bytes is lost",
        1500,
        RandomLoss(rate=0.05, above=1400, seed=82),
        sender=_FINE,
        receiver=_FINE,
        talk=(*small_talk(3, every=0.2), *ask(60_000)),
    ),
)

WILD_HOLES: tuple[Scenario, ...] = (*_HOSTS, *_PARALLEL, *_FALLBACKS, *_SECOND_HOPS, *_LATE_PTBS, *_CLOCKS)
