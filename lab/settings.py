"""Settings of hosts, routers and paths that several scenarios share: firewall rules, sysctls, slow and lossy lines."""

from __future__ import annotations

from lab.hazards import Bottleneck, LinkDown, RandomLoss
from lab.network import ADDRESSES
from lab.vocabulary import Node, Path

CLIENT_4, SERVER_4 = ADDRESSES[4].client, ADDRESSES[4].server
ROUTERS: tuple[Node, ...] = ("server_router", "client_router")

PROBING = {"net.ipv4.tcp_mtu_probing": "1"}  # after a black hole is suspected
PROBING_ALWAYS = {"net.ipv4.tcp_mtu_probing": "2"}
BARE = {"net.ipv4.tcp_timestamps": "0", "net.ipv4.tcp_sack": "0"}

CLAMP_1380 = "tcp flags & (syn | rst) == syn tcp option maxseg size set 1380"
NO_FRAGMENTS = "ip frag-off & 0x3fff != 0 drop"

SLOW_LINE = Bottleneck(bytes_per_second=100_000, queue=60_000)
SLOWER_LINE = Bottleneck(bytes_per_second=90_000, queue=60_000)
SLOWER_LINE_SHORT_QUEUE = Bottleneck(bytes_per_second=90_000, queue=50_000)


def clamp(mtu: int, family: int = 4, only: str = "") -> str:
    """The rule that makes both SYNs (or those that match `only`) ask for packets of `mtu` at most."""
    mss = mtu - (40 if family == 4 else 60)
    return f"{only} tcp flags & (syn | rst) == syn tcp option maxseg size set {mss}"


def drop_above(mtu: int) -> str:
    """A firewall that drops what is larger and says nothing."""
    return f"meta length > {mtu} drop"


def lossy(rate: float, seed: int, rtt: float = 0.03) -> Path:
    """A path that loses packets of both directions alike, whatever their size."""
    return Path(
        round_trip=rtt,
        hazards=(RandomLoss(rate=rate, seed=seed),),
        hazards_back=(RandomLoss(rate=rate, seed=seed + 1),),
    )


def down(since: float, until: float = float("inf")) -> Path:
    """A path on which for a while nothing passes, in either direction."""
    away = (LinkDown(since=since, until=until),)
    return Path(round_trip=0.03, hazards=away, hazards_back=away)
