"""Scripted timelines of macOS: DF is cleared and the MSS falls to 1200."""

from __future__ import annotations

from lab.scripted import FULL, WHOLE, Ack, Data, Ends, Script, again, flight, lost_head, recut, whole
from lab.truths import NOT_SIZE, QUICKLY, QUICKLY_RECOVERED

SCRIPTS: tuple[Script, ...] = (
    Script(
        name="scripted_macos_ipv6",
        shows="macOS, IPv6: the MSS falls to 1200 at the second timeout",
        path_mtu=1280,
        accept=QUICKLY_RECOVERED,
        family=6,
        mss=1440,
        events=(
            *flight(1.0, 1440),
            *again(1.26, length=1440),
            *recut(1.8, 1200, 3 * 1440, whole(1440)),
        ),
        why=QUICKLY,
    ),
    Script(
        name="scripted_macos_slow_path",
        shows="macOS over a VPN of 1380 with long timeouts: two retransmissions at full size, then 1200 without DF",
        path_mtu=1380,
        accept=("blackhole_recovered", "stall"),
        events=(
            *flight(1.0, 1460),
            *again(2.0, 4.0, length=1460),
            *recut(8.0, 1200, 3 * 1460, whole(1460), df=False),
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
        name="scripted_macos_recovers",
        shows="macOS: at the second timeout DF is cleared and the MSS becomes 1200",
        path_mtu=1400,
        accept=QUICKLY_RECOVERED,
        events=(*flight(1.0), *again(1.3), *recut(1.9, 1200, 3 * FULL, WHOLE, df=False)),
        why=QUICKLY,
    ),
    Script(
        name="scripted_macos_reverts",
        shows="macOS: 1200 without DF is lost as well, so DF and the full size come back",
        path_mtu=1100,
        accept=("blackhole", "blackhole_probable", "fragment_loss", "stall"),
        events=(
            *flight(1.0),
            *again(1.3),
            *again(1.9, 3.1, 5.5, length=1200, df=False),
            *again(10.3, 19.9, 39.1),
        ),
        why="routers that fragment, and a firewall that drops fragments, beside a PMTUD black hole",
    ),
    Script(
        name="scripted_macos_healthy",
        shows="macOS, healthy twin: everything arrives",
        path_mtu=1500,
        accept=("ok",),
        events=(
            Data(1.0, 0, FULL),
            Data(1.0001, FULL, FULL),
            Data(1.0002, 2 * FULL, FULL),
            Data(1.0003, 3 * FULL, 300),
            Ack(1.03, 2 * FULL),
            Ack(1.0301, WHOLE),
            Ends(1.1, WHOLE, "fin"),
        ),
    ),
    Script(
        name="scripted_macos_vpn",
        shows="macOS with an MSS of 1360: at the second timeout DF is cleared and the MSS becomes 1200",
        path_mtu=1300,
        accept=QUICKLY_RECOVERED,
        mss=1360,
        events=(
            *flight(1.0, 1360),
            *again(1.24, length=1360),
            *recut(1.72, 1200, 3 * 1360, 3 * 1360 + 300, df=False),
        ),
        why=QUICKLY,
    ),
    Script(
        name="scripted_macos_unlucky",
        shows="macOS: one segment is lost twice by chance, so that it is cut to 1200; as large ones arrived",
        path_mtu=1500,
        accept=NOT_SIZE,
        events=(
            *lost_head(1460, (1.3,)),
            Data(1.9, 0, 1200, df=False),
            Ack(1.93, 1200, ((1460, 4 * 1460),)),
            Data(1.931, 1200, 260, df=False),
            Ack(1.961, 4 * 1460),
            Ends(2.0, 4 * 1460, "fin"),
        ),
        why="three segments of full size are acknowledged with SACK before the cut",
    ),
)
