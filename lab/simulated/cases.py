"""Conversations seen at three or four points of a path, each with where its packets end, and its harmless twins.

The path is `client`, `router-a`, `router-b`, `server`, with a link between each two. A case says which element is to
blame; whoever has a part of the captures can tell from that which leg it must be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lab.headers import TCP, Packet
from lab.simulated.case import DOWN, DOWN_6, LONG, UP, V6, Case
from lab.simulated.elements import (
    Change,
    Drop,
    Element,
    Link,
    Tap,
    Way,
    clamp,
    damaged,
    nat,
    no_icmp,
    without_df,
)
from lab.simulated.hosts import Stack
from lab.simulated.path import Talk

HOLE = frozenset({"blackhole"})
ANY_HOLE = frozenset({"blackhole", "blackhole_probable"})


def _path(*between: Sequence[Element], taps: dict[str, Tap] | None = None) -> list[Element]:
    """Four taps with elements between them; links where nothing is said."""
    taps = taps or {}
    names = ["client", "router-a", "router-b", "server"]
    out: list[Element] = []
    for number, name in enumerate(names):
        if number:
            out += between[number - 1] if number <= len(between) and between[number - 1] else [Link()]
        out.append(taps.get(name) or Tap(name))
    return out


def _blame(elements: Callable[[], Sequence[Element]], test: Callable[[Element], bool]) -> int:
    found = [index for index, element in enumerate(elements()) if test(element)]
    return found[0] if found else -1


def _narrow(element: Element) -> bool:
    return isinstance(element, Link) and min(element.mtu, element.mtu_back) < 1500


def _filter(element: Element) -> bool:
    return isinstance(element, Drop)


def _hole(name: str, elements: Callable[[], Sequence[Element]], **changes: object) -> Case:
    case = Case(name, elements, (Talk(DOWN),), "size", blamed=_blame(elements, _narrow), verdicts=HOLE)
    return replace(case, **changes)  # type: ignore[arg-type]


def _fine(name: str, elements: Callable[[], Sequence[Element]], **changes: object) -> Case:
    return replace(Case(name, elements, (Talk(DOWN),)), **changes)  # type: ignore[arg-type]


def _talk(**stack: object) -> tuple[Talk, ...]:
    each = Stack(**stack)  # type: ignore[arg-type]
    return (Talk(DOWN, client_stack=each, server_stack=each),)


def _talk6(writes: tuple[tuple[str, float, int], ...] = DOWN_6, **stack: object) -> tuple[Talk, ...]:
    each = Stack(**({"mss": 1440} | stack))  # type: ignore[arg-type]
    return (Talk(writes, client_stack=each, server_stack=each, client=V6[0], server=V6[1]),)


def _silent(mtu: int = 1400, **more: object) -> Link:
    return Link(mtu_back=mtu, ptb="silent", **more)  # type: ignore[arg-type]


def _large_payload(at: int, span: int = 1) -> Callable[[Packet, bytes, Way, float], bool]:
    """Drops the server's segment that holds this byte, counted from its first."""

    def rule(seen: Packet, data: bytes, way: Way, now: float) -> bool:
        del data, now
        start = (seen.seq - 3_000_000_000) & 0xFFFFFFFF
        return way == "to_client" and seen.protocol == TCP and start <= at < start + seen.payload_len * span

    return rule


def _dead(since: float, until: float = 1e9) -> Drop:
    return Drop(lambda seen, data, way, now: since <= now < until)


def _twice(seen: Packet, data: bytes, way: Way, now: float) -> Sequence[bytes]:
    del seen, way, now
    return [data, data]


def _spoilt(rule: Callable[[Packet, bytes, Way, float], bool]) -> Change:
    return Change(lambda seen, data, way, now: [damaged(seen, data) if rule(seen, data, way, now) else data])


def _some(share: float, seed: int, least: int) -> Drop:
    luck = random.Random(seed)
    return Drop(lambda seen, data, way, now: seen.ip_len >= least and luck.random() < share)


MERGING = {"server": Tap("server", merges=0.0004), "client": Tap("client", merges=0.0006)}


def _offload() -> dict[str, Tap]:
    return {name: replace(tap, seen=[]) for name, tap in MERGING.items()}


NAT = nat("192.0.2.10", "198.51.100.77", 10_000)
OUTSIDE = (("198.51.100.77", 10_000),)

E = Callable[[], Sequence[Element]]


def _e(*between: Callable[[], Sequence[Element]] | None, taps: Callable[[], dict[str, Tap]] | None = None) -> E:
    return lambda: _path(*[make() if make else () for make in between], taps=taps() if taps else None)


def _m(element: Callable[[], Element]) -> Callable[[], Sequence[Element]]:
    return lambda: [element()]


def _dropping_icmp() -> Sequence[Element]:
    return [Link(), Drop(no_icmp)]


def _cases() -> list[Case]:
    out: list[Case] = []

    def add(case: Case) -> None:
        out.append(case)

    def lost_ptb(name: str, elements: E, **more: object) -> None:
        add(_hole(name, elements, ptb_dropped=_blame(elements, _filter), **more))

    middle, first, last = _e(None, _m(_silent)), _e(None, None, _m(_silent)), _e(_m(_silent))
    add(_hole("silent_middle", middle))
    add(_hole("silent_first_leg", first))
    add(_hole("silent_last_leg", last))
    add(_hole("silent_switch", _e(None, _m(lambda: _silent(1460, hop=False)))))
    lost_ptb("ptb_lost_at_once", _e(None, _m(lambda: Link(mtu_back=1400)), _dropping_icmp))
    lost_ptb("ptb_lost_later", _e(_m(lambda: Link(mtu_back=1420)), None, _dropping_icmp))
    lost_ptb("ptb_lost_between_routers", _e(_m(lambda: Link(mtu_back=1420)), lambda: [Link(), Drop(no_icmp)]))
    up = _e(None, _m(lambda: Link(mtu=1400, ptb="silent")))
    add(_hole("upload_silent", up, talks=(Talk(UP),), way="to_server"))
    lost_ptb(
        "upload_ptb_lost", _e(lambda: [Drop(no_icmp), Link()], None, _m(lambda: Link(mtu=1380))),
        talks=(Talk(UP),), way="to_server",
    )  # fmt: skip
    add(_hole("ipv6_silent", _e(None, _m(lambda: _silent(1380))), talks=_talk6()))
    add(
        _hole(
            "ipv6_bare",
            _e(None, _m(lambda: _silent(1380))),
            talks=_talk6(tuple((w, t, 9 * 1440 + 700 if c > 5000 else c) for w, t, c in DOWN), timestamps=False),
        )
    )
    lost_ptb("ipv6_ptb_lost", _e(_m(lambda: Link(mtu_back=1340)), None, _dropping_icmp), talks=_talk6())
    add(_hole("offload_silent", _e(None, _m(_silent), taps=_offload)))
    lost_ptb("offload_ptb_lost", _e(None, _m(lambda: Link(mtu_back=1400)), _dropping_icmp, taps=_offload))
    add(_hole("nat_before", _e(lambda: [Link(), NAT], _m(_silent)), outside=OUTSIDE))
    add(_hole("nat_behind", _e(_m(_silent), lambda: [NAT, Link()]), outside=OUTSIDE))
    lost_ptb(
        "nat_ptb_lost", _e(_m(lambda: Link(mtu_back=1400)), lambda: [NAT, Link()], _dropping_icmp), outside=OUTSIDE
    )
    add(_hole("clamped_one_way", _e(lambda: [Link(), clamp(1360, way="to_client")], _m(_silent))))
    inside = {"router-b": lambda: Tap("router-b", inside=True)}
    add(_hole("underlay", _e(None, _m(_silent), taps=lambda: {"router-b": inside["router-b"]()})))
    add(
        _hole(
            "underlay_hole_within",
            _e(
                _m(lambda: _silent(1450)),
                taps=lambda: {"router-a": Tap("router-a", inside=True), "router-b": Tap("router-b", inside=True)},
            ),
        )
    )
    add(
        _hole(
            "recovered", middle, talks=_talk(falls_back=3), verdicts=frozenset({"blackhole_recovered"}), sure=False,
        )
    )  # fmt: skip
    add(
        _hole(
            "ptb_ignored", _e(None, _m(lambda: Link(mtu_back=1400))), talks=_talk(heeds_ptb=False),
            verdicts=frozenset({"ptb_ignored"}),
        )
    )  # fmt: skip
    pieces = _e(None, lambda: [Drop(lambda seen, data, way, now: seen.fragment), Link(mtu_back=1400)])
    add(
        _hole(
            "fragments_lost",
            pieces,
            talks=_talk(df=False),
            blamed=_blame(pieces, _filter),
            verdicts=frozenset({"fragment_loss"}),
            sure=False,
        )
    )
    apart = _e(
        None, lambda: [Drop(lambda seen, data, way, now: seen.fragment), Link()], _m(lambda: Link(mtu_back=1400))
    )
    add(
        _hole(
            "fragments_lost_later",
            apart,
            talks=_talk(df=False),
            blamed=_blame(apart, _filter),
            verdicts=frozenset({"fragment_loss"}),
            sure=False,
            certain=False,
        )
    )
    odd = _e(None, _m(lambda: _silent(narrow_for=lambda seen: seen.destination_port % 2 == 1)))
    four = tuple(Talk(DOWN, ports=(40_001 + i, 443), begins=0.05 * i) for i in range(4))
    add(
        _hole(
            "parallel_paths",
            odd,
            talks=four,
            ports=frozenset({40_001, 40_003}),
            verdicts=ANY_HOLE | {"content_drop"},
            sure=False,
        )
    )
    add(
        _hole(
            "two_of_four_hosts",
            _e(None, _m(lambda: _silent(narrow_for=lambda seen: seen.destination == "192.0.2.10"))),
            talks=(four[0], replace(four[1], client="192.0.2.11"), four[2], replace(four[3], client="192.0.2.12")),
            ports=frozenset({40_001, 40_003}),
        )
    )
    firewall = _e(taps=None)
    no_large = partial(Drop, lambda seen, data, way, now: way == "to_client" and seen.ip_len > 1400)
    add(
        _hole(
            "host_firewall", lambda: [no_large(), *firewall()],
            blamed=0, verdicts=frozenset({"blackhole", "stall", "blackhole_probable"}), certain=False, sure=False,
        )
    )  # fmt: skip
    add(_hole("without_timestamps", middle, talks=_talk(timestamps=False)))
    add(_hole("without_ids", middle, talks=_talk(identifies=False)))
    add(_hole("without_either", middle, talks=_talk(identifies=False, timestamps=False)))
    add(_hole("without_sack", middle, talks=_talk(sack=False), verdicts=ANY_HOLE))
    wide = tuple((who, time, 9 * 8948 + 700 if count > 5000 else count) for who, time, count in DOWN)
    add(
        _hole(
            "jumbo",
            _e(
                *[
                    _m(lambda: Link(mtu=9000, mtu_back=9000)),
                    _m(lambda: Link(mtu=9000, mtu_back=1500, ptb="silent")),
                    _m(lambda: Link(mtu=9000, mtu_back=9000)),
                ]
            ),
            talks=(Talk(wide, client_stack=Stack(mss=8960), server_stack=Stack(mss=8960)),),
            blamed=3,
            sure=False,
        )
    )
    twice = _e(_m(_silent), lambda: [Change(_twice), Link()])
    add(_hole("copied_on_the_way", twice))
    one_way = lambda: {"router-a": Tap("router-a", only="to_client"), "router-b": Tap("router-b", only="to_client")}  # noqa: E731
    add(_hole("one_direction", _e(None, _m(_silent), taps=one_way)))
    add(
        _hole(
            "long_with_drift",
            _e(None, _m(_silent), taps=lambda: {"router-a": Tap("router-a", drift=80e-6)}),
            talks=(Talk(LONG),),
            seconds=330,
        )
    )
    late = lambda: {"router-b": Tap("router-b", begins=0.45), "client": Tap("client", begins=0.25)}  # noqa: E731
    add(_hole("begun_later", _e(None, _m(_silent), taps=late)))
    narrower = _e(None, _m(lambda: _silent(since=3.0)))
    twofold = (*DOWN[:6], ("client", 4.0, 100), ("server", 4.05, 9 * 1448 + 700), ("client", 6.0, 50))
    add(_hole("narrower_later", narrower, talks=(Talk(twofold),), verdicts=ANY_HOLE, sure=False))
    # Harmless twins, and other troubles.
    add(_fine("plain", _e()))
    add(_fine("plain_ipv6", _e(), talks=_talk6()))
    add(_fine("plain_offload", _e(taps=_offload)))
    add(_fine("plain_nat", _e(lambda: [Link(), NAT]), outside=OUTSIDE))
    add(_fine("plain_underlay", _e(taps=lambda: {"router-b": Tap("router-b", inside=True)})))
    for seed, (share, where) in enumerate(((0.03, 1), (0.1, 2), (0.2, 0), (0.25, 1))):

        def lossy(share: float = share, where: int = where, seed: int = seed) -> Sequence[Element]:
            legs: list[Callable[[], Sequence[Element]] | None] = [None, None, None]
            legs[where] = _m(lambda: Link(loss=share, loss_back=share, random=random.Random(seed)))
            return _e(*legs)()

        add(_fine(f"lossy_{int(share * 100)}", lossy, talks=(Talk((*DOWN, ("server", 3.0, 40_000))),)))
        add(_fine(f"lossy_{int(share * 100)}_four_flows", lossy, talks=four, seconds=8))
    add(_fine("large_ones_lossy", _e(None, lambda: [_some(0.5, 4, 1000), Link()])))
    add(_fine("dead", _e(None, lambda: [_dead(0.62), Link()]), kind="all", blamed=3))
    talkative = (*DOWN, ("server", 1.0, 100), ("server", 2.0, 100))
    add(
        _fine(
            "dead_both_talk",
            _e(None, lambda: [_dead(0.62), Link()]),
            kind="all",
            blamed=3,
            talks=(Talk(talkative), Talk(DOWN, ports=(40_002, 443))),
        )
    )
    add(_fine("outage", _e(None, lambda: [_dead(0.62, 3.0), Link()])))
    add(_fine("outage_with_fallback", _e(None, lambda: [_dead(0.62, 4.0), Link()]), talks=_talk(falls_back=3)))
    add(_fine("zero_window", _e(), talks=(Talk(DOWN, client_stack=Stack(window_shut_after=4000)),)))
    content = _e(None, lambda: [Drop(_large_payload(5000)), Link()])
    add(_fine("content", content, kind="content", blamed=_blame(content, _filter)))
    payload = _e(
        None,
        lambda: [Drop(lambda seen, data, way, now: way == "to_client" and now > 0.62 and seen.payload_len > 0), Link()],
    )
    add(_fine("payload_filter", payload))
    add(_fine("pmtud_works", _e(None, _m(lambda: Link(mtu_back=1400))), kind="size", blamed=3, certain=False))
    add(
        _fine(
            "pmtud_works_ipv6",
            _e(None, None, _m(lambda: Link(mtu_back=1380))),
            kind="size",
            blamed=5,
            talks=_talk6(),
            certain=False,
        )
    )
    add(_fine("clamped", _e(lambda: [Link(), clamp(1360)], _m(_silent))))
    spoilt = _e(None, lambda: [_spoilt(_large_payload(5000)), Link()])
    add(_fine("damaged", spoilt, kind="damaged", blamed=3))
    add(
        _fine(
            "damaged_large",
            _e(None, lambda: [_spoilt(lambda seen, data, way, now: way == "to_client" and seen.ip_len > 1400), Link()]),
            kind="damaged",
            blamed=3,
        )
    )
    add(_fine("fragments_arrive", _e(None, _m(lambda: Link(mtu_back=1400))), talks=_talk(df=False)))
    add(_fine("df_cleared", _e(None, lambda: [Link(mtu_back=1400), Change(without_df)])))
    add(_fine("copied", _e(None, lambda: [Change(_twice), Link()])))
    add(_fine("peer_gone", lambda: [Drop(lambda seen, data, way, now: now > 0.62), *_path()], certain=False))
    return out


CASES = {case.name: case for case in _cases()}

HELD_OUT = frozenset(sorted(CASES)[1::3])
"""Every third of them was kept out of sight until the first version was complete."""
