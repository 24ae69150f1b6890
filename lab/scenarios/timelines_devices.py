"""Scripted timelines with old routers and embedded devices."""

from __future__ import annotations

from lab.scripted import FULL, WHOLE, Ack, Data, Ends, Ptb, Script, again, flight, recut, whole

SCRIPTS: tuple[Script, ...] = (
    Script(
        name="scripted_embedded_device",
        shows="an embedded stack with an MSS of 536 and timeouts of three seconds on a path that loses one segment",
        path_mtu=1500,
        accept=("loss", "not_exercised", "ok", "stall"),
        mss=536,
        ttl=255,
        events=(
            *flight(1.0, 536),
            *again(4.0, 10.0, length=536),
            Ack(10.03, whole(536)),
            Ends(10.1, whole(536), "fin"),
        ),
    ),
    Script(
        name="scripted_embedded_never_falls_back",
        shows="an embedded stack with an MSS of 1460 on a path of 1480: the same size every three seconds, no back-off",
        path_mtu=1480,
        accept=("blackhole", "blackhole_probable", "stall"),
        ttl=255,
        events=(*flight(1.0, 1460), *again(4.0, 7.0, 10.0, 13.0, 16.0), Ends(19.0, whole(1460), "rst")),
        why="gaps that do not grow are no back-off of TCP's, but everything else is there",
    ),
    Script(
        name="scripted_router_says_plateau_1006",
        shows="an old router says MTU 0 on a path of 1300; the sender takes 1492, 1006 and is done",
        path_mtu=1300,
        accept=("pmtud_ok",),
        ptb=("accepted", "ignored", "mtu_zero"),
        events=(
            *flight(1.0, 1460),
            Ptb(1.031, 0, 1460, 0),
            Data(1.04, 0, 1452),
            Ptb(1.071, 0, 1452, 0),
            *recut(1.08, 966, 3 * 1460, whole(1460)),
        ),
    ),
    Script(
        name="scripted_plateau",
        shows="an old router says MTU 0 and the sender takes the next plateau of RFC 1191, 1006",
        path_mtu=1100,
        accept=("pmtud_ok",),
        ptb=("accepted", "mtu_zero"),
        events=(*flight(1.0), Ptb(1.031, 0, FULL, 0), *recut(1.04, 966, 3 * FULL, WHOLE)),
    ),
    Script(
        name="scripted_plateau_1492",
        shows="an old router says MTU 0 and the sender takes the next plateau of RFC 1191, 1492",
        path_mtu=1492,
        accept=("pmtud_ok",),
        ptb=("accepted", "mtu_zero"),
        events=(
            *flight(1.0, 1460),
            Ptb(1.031, 0, 1460, 0),
            *recut(1.04, 1452, 3 * 1460, 3 * 1460 + 300),
        ),
    ),
)
