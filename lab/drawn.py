"""Scenarios drawn at random: any limit with any other trouble, so that no rule fits the laboratory's rows only.

`draw(seed, number)` always gives the same scenario. About half of them have a silent limit of packet sizes
somewhere, the others none at all; up to three further troubles are put on top of either. What follows
from that for the verdicts is in `drawn_truth`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Literal, get_args

from lab.conversations import Talk, ask, pushes, small_talk, tls
from lab.drawn_troubles import Trouble, draw_troubles
from lab.filters import NarrowMember
from lab.hazards import Hazard, NarrowHop
from lab.vocabulary import Capture, Direction, Flow, Node, Path, Say, Scenario

LimitKind = Literal[
    "hop",  # a switch: drops what is too large and cannot say so
    "router",  # a router whose PTBs are filtered
    "member",  # one of two parallel paths
    "narrows",  # the path was wide before
    "second_hop",  # behind one that sends its PTBs
    "late_ptb",  # the PTB comes, but late
    "host",  # the receiver's own firewall, behind the point of capture
]
LIMITS: tuple[LimitKind, ...] = get_args(LimitKind)
_SHARES = (30, 20, 10, 10, 10, 10, 10)
_ROUND_TRIPS = {0.001: 30, 0.02: 40, 0.25: 25, 2.0: 5}  # seconds: share
_SECONDS = {0.001: 14.0, 0.02: 14.0, 0.25: 20.0, 2.0: 45.0}  # recorded, by round trip
_FIRST_PORT = 8080
TALKS = ("answers", "chat", "hello", "tail", "pushes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A size above which packets vanish."""

    kind: LimitKind
    mtu: int
    both_ways: bool = False
    since: float = 0.0
    first_mtu: int = 1500  # of the hop before it, which says so
    member: NarrowMember | None = None

    def befalls(self, flow: Flow) -> bool:
        """Whether the packets of this flow meet it."""
        if self.member is None:
            return True
        return self.member.takes(client_port=flow.client_port or 0, server_port=flow.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What the dice said."""

    scenario: Scenario
    limit: Limit | None
    troubles: tuple[Trouble, ...]


def draw(seed: int, number: int) -> Drawn:
    """The scenario of this number in the series of this seed."""
    dice = random.Random(f"{seed}/{number}")
    round_trip = _one_of(dice, _ROUND_TRIPS)
    data: Direction = "download" if dice.random() < 0.6 else "upload"
    flows = _draw_flows(dice, data)
    limit, ways = _draw_limit(dice) if dice.random() < 0.5 else (None, _Ways())
    troubles = draw_troubles(dice, flows, data, _SECONDS[round_trip])
    for trouble in troubles:
        flows = tuple(trouble.changes(flow) for flow in flows)
    onward = [hazard for trouble in troubles for hazard in trouble.onward]
    back = [hazard for trouble in troubles for hazard in trouble.back]
    if dice.random() < 0.5:
        onward, back = [*ways.onward, *onward], [*ways.back, *back]
    else:
        onward, back = [*onward, *ways.onward], [*back, *ways.back]
    family: Literal[4, 6] = 6 if dice.random() < 0.35 else 4
    snap_length = 128 if dice.random() < 0.5 else 65535
    receiver: Node = "client" if data == "download" else "server"
    scenario = Scenario(
        name=f"drawn_{seed}_{number:04}",
        shows=_words(limit, troubles),
        path_mtu=1500 if limit is None else limit.mtu,
        data=data,
        family=family,
        path=Path(
            mtu=ways.router_mtu,
            mtu_back=ways.router_mtu_back,
            round_trip=round_trip,
            hazards=tuple(onward),
            hazards_back=tuple(back),
        ),
        icmp_dropped_at=("client_router", "server_router") if ways.router_mtu < 1500 else (),
        host_rules={receiver: f"meta length > {ways.host_limit} drop"} if ways.host_limit else {},
        sysctls=_draw_settings(dice),
        node_sysctls={
            "client": {"net.ipv4.tcp_mtu_probing": str(int(dice.random() < 0.3))},
            "server": {"net.ipv4.tcp_mtu_probing": str(int(dice.random() < 0.3))},
        },
        offloads=dice.random() < 0.4,
        flows=flows,
        seconds=_SECONDS[round_trip],
        captures=(
            Capture(role="sender", accept=("inconclusive",), snap_length=snap_length, trust=False),
            Capture(role="receiver", accept=("inconclusive",), snap_length=snap_length, trust=False),
        ),
    )
    return Drawn(scenario=scenario, limit=limit, troubles=troubles)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ways:
    """What a limit puts into the network."""

    onward: tuple[Hazard, ...] = ()
    back: tuple[Hazard, ...] = ()
    router_mtu: int = 1500
    router_mtu_back: int = 1500
    host_limit: int = 0


def _draw_limit(dice: random.Random) -> tuple[Limit, _Ways]:
    kind = dice.choices(LIMITS, _SHARES)[0]
    limit = Limit(
        kind=kind,
        mtu=dice.randint(1280, 1480),
        both_ways=dice.random() < 0.35 and kind != "host",
    )
    if kind == "router":
        return limit, _Ways(router_mtu=limit.mtu, router_mtu_back=limit.mtu if limit.both_ways else 1500)
    if kind == "host":
        return limit, _Ways(host_limit=limit.mtu)
    hops: tuple[Hazard, ...] = (NarrowHop(mtu=limit.mtu),)
    if kind == "member":
        odd: Literal["client", "server"] = "client" if dice.random() < 0.5 else "server"
        member = NarrowMember(mtu=limit.mtu, odd=odd)
        limit, hops = replace(limit, member=member), (member,)
    elif kind == "narrows":
        limit = replace(limit, since=round(dice.uniform(0.5, 4.0), 2))
        hops = (NarrowHop(mtu=limit.mtu, since=limit.since),)
    elif kind == "second_hop":
        limit = replace(limit, mtu=min(limit.mtu, 1440), first_mtu=min(limit.mtu, 1440) + dice.randint(8, 40))
        hops = (NarrowHop(mtu=limit.first_mtu, ptb="plain"), NarrowHop(mtu=limit.mtu))
    elif kind == "late_ptb" and dice.random() < 0.5:
        hops = (NarrowHop(mtu=limit.mtu, ptb="plain", answers_after=round(dice.uniform(0.5, 5.0), 2)),)
    elif kind == "late_ptb":
        hops = (NarrowHop(mtu=limit.mtu, ptb="plain", silent_first=dice.randint(3, 30)),)
    return limit, _Ways(onward=hops, back=hops if limit.both_ways else ())


def _draw_flows(dice: random.Random, data: Direction) -> tuple[Flow, ...]:
    count = dice.randint(2, 4)
    client_ports = dice.sample(range(40_000, 60_000), count)
    flows = []
    for index, client_port in enumerate(client_ports):
        talk = _draw_talk(dice, TALKS[0] if index == 0 else dice.choice(TALKS))
        flows.append(
            Flow(
                talk=talk if data == "download" else _mirrored(talk),
                port=_FIRST_PORT + index,
                client_port=client_port,
                start=0.0 if index == 0 else round(dice.uniform(0.0, 2.5), 2),
                ends="any",
            )
        )
    dice.shuffle(flows)
    return tuple(flows)


def _draw_talk(dice: random.Random, kind: str) -> Talk:
    """As a download; for an upload both sides change their parts."""
    begin = small_talk(dice.randint(0, 3), every=round(dice.uniform(0.1, 0.4), 2))
    if kind == "chat":
        return small_talk(dice.randint(8, 25), every=round(dice.uniform(0.2, 0.8), 2), reply=dice.randint(40, 900))
    if kind == "hello":
        hello = tls(1700, dice.randint(2500, 4500))
        return (*hello, *small_talk(dice.randint(0, 10), every=0.5))
    if kind == "tail":
        return (*begin, *ask(dice.randint(1, 8) * 1448 + dice.randint(50, 900)))
    if kind == "pushes":
        large = Say(speaker="server", size=dice.randint(3000, 9000), after=0.2, heard=False)
        return (*begin, large, *(replace(push, heard=False) for push in pushes(dice.randint(3, 10), every=0.7)))
    exchanges = tuple(
        message
        for _ in range(dice.randint(1, 3))
        for message in (*ask(dice.choice((1448, 4000, 12_000, 60_000, 150_000))), *small_talk(1, every=0.3))
    )
    return (*begin, *exchanges)


def _mirrored(talk: Talk) -> Talk:
    return tuple(replace(say, speaker="server" if say.speaker == "client" else "client") for say in talk)


def _draw_settings(dice: random.Random) -> dict[str, str]:
    settings = {}
    if dice.random() < 0.15:
        settings["net.ipv4.tcp_sack"] = "0"
    if dice.random() < 0.2:
        settings["net.ipv4.tcp_timestamps"] = "0"
    return settings


def _one_of(dice: random.Random, shares: dict[float, int]) -> float:
    return dice.choices(tuple(shares), tuple(shares.values()))[0]


def _words(limit: Limit | None, troubles: tuple[Trouble, ...]) -> str:
    said = "no limit of sizes"
    if limit is not None:
        said = f"{limit.kind} {limit.mtu}{' both ways' if limit.both_ways else ''}"
        said += f" from {limit.since} s on" if limit.since else ""
        said += f", odd {limit.member.odd} ports" if limit.member is not None else ""
        said += f" behind one of {limit.first_mtu} that says so" if limit.kind == "second_hop" else ""
    return "; ".join((said, *(trouble.words for trouble in troubles)))
