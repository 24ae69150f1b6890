"""Scripted timelines of FreeBSD, with and without black hole detection."""

from __future__ import annotations

from lab.scripted import FULL, WHOLE, Ack, Data, Ends, Script, again, flight, recut, whole
from lab.truths import QUICKLY, QUICKLY_RECOVERED

SCRIPTS: tuple[Script, ...] = (
    Script(
        name="scripted_freebsd_1300",
        shows="FreeBSD with pmtud_blackhole_detection on a path of 1300: 1200 at the second timeout",
        path_mtu=1300,
        accept=QUICKLY_RECOVERED,
        events=(*flight(1.0, 1448), *again(1.23, length=1448), *recut(1.69, 1200, 3 * 1448, whole(1448))),
        why=QUICKLY,
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
            Ends(30.2, whole(1440), "rst"),
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
        name="scripted_freebsd_recovers",
        shows="FreeBSD with pmtud_blackhole_detection: 1200 at the second timeout, DF kept",
        path_mtu=1400,
        accept=QUICKLY_RECOVERED,
        events=(*flight(1.0), *again(1.25), *recut(1.75, 1200, 3 * FULL, WHOLE)),
        why=QUICKLY,
    ),
    Script(
        name="scripted_freebsd_recovers_ipv6",
        shows="FreeBSD with pmtud_blackhole_detection, IPv6: 1220",
        path_mtu=1280,
        accept=QUICKLY_RECOVERED,
        why=QUICKLY,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, full=1440),
            *again(1.25, length=1440),
            *recut(1.75, 1220, 3 * 1440, 3 * 1440 + 300),
        ),
    ),
    Script(
        name="scripted_freebsd_hangs",
        shows="FreeBSD by default: the same size for ever",
        path_mtu=1400,
        accept=("blackhole",),
        events=(*flight(1.0), *again(1.25, 1.75, 2.75, 4.75, 8.75, 16.75, 32.75)),
    ),
    Script(
        name="scripted_freebsd_jumbo",
        shows="FreeBSD with jumbo frames into a path of 1500: 1200 at the second timeout",
        path_mtu=1500,
        accept=QUICKLY_RECOVERED,
        mss=8960,
        events=(
            *flight(1.0, 8960),
            *again(1.25, length=8960),
            *recut(1.75, 1200, 3 * 8960, 3 * 8960 + 300),
        ),
        why=QUICKLY,
    ),
    Script(
        name="scripted_freebsd_twice",
        shows="FreeBSD on a path of 900: 1200 is still too large, 536 is not",
        path_mtu=900,
        accept=QUICKLY_RECOVERED,
        events=(
            *flight(1.0, 1460),
            *again(1.25, length=1460),
            *again(1.75, 2.75, length=1200),
            *recut(4.75, 536, 3 * 1460, 3 * 1460 + 300),
        ),
        why="one retransmission at full size, two at 1200",
    ),
    Script(
        name="scripted_freebsd_unlucky",
        shows="FreeBSD, healthy twin: a flight is lost, its head once more, then all arrive at full size, IPv6",
        path_mtu=1500,
        accept=("loss", "stall"),
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.25, 1.75, length=1440),
            Ack(1.78, 1440, ((3 * 1440, 3 * 1440 + 300),)),
            Data(1.781, 1440, 1440),
            Data(1.7811, 2 * 1440, 1440),
            Ack(1.811, 3 * 1440 + 300),
            Ends(1.9, 3 * 1440 + 300, "fin"),
        ),
    ),
)
