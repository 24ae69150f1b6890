"""Blind set: scripted timelines of other stacks, healthy and not; they prove nothing about those systems."""

from __future__ import annotations

from lab.scripted import Ack, Data, Ends, Event, Ptb, Script
from lab.table_scripts import again, flight, recut

_QUICKLY = "a single retransmission at full size comes before the smaller ones"
_QUICKLY_RECOVERED = ("blackhole_recovered", "stall")
_NOT_SIZE = ("loss", "stall", "content_drop")


def _all(full: int, tail: int = 300) -> int:
    return 3 * full + tail


def _delivered(at: float, full: int) -> tuple[Event, ...]:
    """A flight that arrives."""
    return (*flight(at, full)[:4], Ack(at + 0.03, _all(full)))


BLIND_TIMELINES: tuple[Script, ...] = (
    Script(
        name="scripted_macos_ipv6",
        shows="macOS, IPv6: the MSS falls to 1200 at the second timeout",
        path_mtu=1280,
        accept=_QUICKLY_RECOVERED,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.26, length=1440),
            *recut(1.8, 1200, 3 * 1440, _all(1440)),
        ),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_macos_slow_path",
        shows="macOS over a VPN of 1380 with long timeouts: two retransmissions at full size, then 1200 without DF",
        path_mtu=1380,
        accept=("blackhole_recovered", "stall"),
        events=(
            *flight(1.0, 1460),
            *again(2.0, 4.0, length=1460),
            *recut(8.0, 1200, 3 * 1460, _all(1460), df=False),
        ),
        why="two retransmissions at full size",
    ),
    Script(
        name="scripted_macos_healthy_upturn",
        shows="macOS: three flights arrive, the head of the fourth is lost once and comes again at full size",
        path_mtu=1500,
        accept=("loss", "ok"),
        events=(
            *(Data(1.0 + n / 10_000, n * 1460, 1460) for n in range(3)),
            Ack(1.03, 3 * 1460),
            *(Data(1.1 + n / 10_000, (3 + n) * 1460, 1460) for n in range(3)),
            Ack(1.13, 3 * 1460, ((4 * 1460, 6 * 1460),)),
            Data(1.35, 3 * 1460, 1460),
            Ack(1.38, 6 * 1460),
            Ends(1.4, 6 * 1460, "fin"),
        ),
    ),
    Script(
        name="scripted_windows_1380",
        shows="Windows on a path of 1380: three timeouts, then 536",
        path_mtu=1380,
        accept=("blackhole_recovered",),
        ttl=128,
        events=(*flight(1.0, 1460), *again(1.32, 1.96, 3.24), *recut(5.8, 536, 3 * 1460, _all(1460))),
    ),
    Script(
        name="scripted_windows_ipv6_1280",
        shows="Windows, IPv6: after four timeouts the same bytes are cut to fit 1280",
        path_mtu=1280,
        accept=("blackhole_recovered",),
        ttl=128,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.31, 1.93, 3.17, 5.65, length=1440),
            *recut(10.6, 1220, 3 * 1440, _all(1440)),
        ),
    ),
    Script(
        name="scripted_windows_told",
        shows="Windows: a PTB of 1400 comes at once and is obeyed",
        path_mtu=1400,
        accept=("pmtud_ok",),
        ptb=("accepted",),
        ttl=128,
        events=(*flight(1.0, 1460), Ptb(1.02, 0, 1460, 1400), *recut(1.04, 1360, 3 * 1460, _all(1460))),
    ),
    Script(
        name="scripted_windows_told_in_vain",
        shows="Windows: the PTB of 1400 comes twice, and the same size goes out again and again",
        path_mtu=1400,
        accept=("ptb_ignored",),
        ptb=("ignored", "host"),
        ttl=128,
        events=(
            *flight(1.0, 1460),
            Ptb(1.02, 0, 1460, 1400),
            *again(1.3),
            Ptb(1.32, 0, 1460, 1400),
            *again(1.9, 3.1, 5.5, 10.3),
            Ends(19.9, _all(1460), "rst"),
        ),
    ),
    Script(
        name="scripted_windows_dead_after_success",
        shows="Windows: two flights arrive, then nothing passes any more, the small last segment included",
        path_mtu=1500,
        accept=("dead_path", "stall", "inconclusive"),
        ttl=128,
        events=(
            *_delivered(1.0, 1460),
            *(Data(2.0 + n / 10_000, _all(1460) + n * 1460, 1460) for n in range(2)),
            Data(2.0003, _all(1460) + 2 * 1460, 200),
            *(Data(at, _all(1460), 1460) for at in (2.3, 2.9, 4.1, 6.5, 11.3)),
            Ends(20.9, _all(1460) + 2 * 1460 + 200, "rst"),
        ),
    ),
    Script(
        name="scripted_windows_healthy",
        shows="Windows, healthy: several flights, IPv6",
        path_mtu=1500,
        accept=("ok",),
        ttl=128,
        family=6,
        mss=1440,
        events=(
            *_delivered(1.0, 1440),
            Data(1.5, _all(1440), 1440),
            Ack(1.53, _all(1440) + 1440),
            Ends(1.6, _all(1440) + 1440, "fin"),
        ),
    ),
    Script(
        name="scripted_freebsd_1300",
        shows="FreeBSD with pmtud_blackhole_detection on a path of 1300: 1200 at the second timeout",
        path_mtu=1300,
        accept=_QUICKLY_RECOVERED,
        events=(*flight(1.0, 1448), *again(1.23, length=1448), *recut(1.69, 1200, 3 * 1448, _all(1448))),
        why=_QUICKLY,
    ),
    Script(
        name="scripted_freebsd_hangs_ipv6",
        shows="FreeBSD by default, IPv6: the same size until it gives up",
        path_mtu=1420,
        accept=("blackhole",),
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.23, 1.69, 2.61, 4.45, 8.13, 15.49, length=1440),
            Ends(30.2, _all(1440), "rst"),
        ),
    ),
    Script(
        name="scripted_freebsd_dropped_content",
        shows="FreeBSD: the first segment is dropped for ever, the two as large behind it arrive",
        path_mtu=1500,
        accept=("content_drop",),
        events=(
            *(Data(1.0 + n / 10_000, n * 1448, 1448) for n in range(3)),
            Ack(1.03, 0, ((1448, 3 * 1448),)),
            *again(1.23, 1.69, 2.61, 4.45, 8.13, length=1448),
        ),
    ),
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
            Ack(10.03, _all(536)),
            Ends(10.1, _all(536), "fin"),
        ),
    ),
    Script(
        name="scripted_embedded_never_falls_back",
        shows="an embedded stack with an MSS of 1460 on a path of 1480: the same size every three seconds, no back-off",
        path_mtu=1480,
        accept=("blackhole", "blackhole_probable", "stall"),
        ttl=255,
        events=(*flight(1.0, 1460), *again(4.0, 7.0, 10.0, 13.0, 16.0), Ends(19.0, _all(1460), "rst")),
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
            *recut(1.08, 966, 3 * 1460, _all(1460)),
        ),
    ),
)
