"""The scenarios behind the captures kept in sample_pcaps/, each fault beside its healthy twin."""

from __future__ import annotations

from lab.conversations import EICAR_LIKE, TAIL_4, WITHOUT_TAIL, ask, pushes, small_talk, upload
from lab.hazards import Bottleneck, ContentFilter, FragmentFilter, LinkDown, RandomLoss
from lab.settings import CLAMP_1380
from lab.truths import BLACK_HOLE, NEVER_SHOWN, OK, TOO_SMALL
from lab.vocabulary import Capture, Ends, Flow, Path, Say, Scenario

_TUNNEL = Path(kind="tunnel", mtu=1420, round_trip=0.03)


def _story(large: Ends) -> tuple[Flow, ...]:
    """Three connections through one tunnel; `large` says how the two with large replies end."""
    return (
        Flow(port=8080, talk=small_talk(17, every=1.0)),
        Flow(
            port=8081,
            start=0.5,
            talk=small_talk(3, every=0.3) + ask(WITHOUT_TAIL),
            ends=large,
        ),
        Flow(
            port=8082,
            start=3.0,
            talk=small_talk(2, every=0.3) + ask(TAIL_4),
            ends=large,
        ),
    )


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="tunnel_blackhole",
        shows="a tunnel of MTU 1420, ICMP filtered: small replies on keep-alive connections pass, large replies hang",
        path_mtu=1420,
        path=_TUNNEL,
        icmp_dropped_at=("server_router",),
        flows=_story("hangs"),
        seconds=20,
        captures=(
            Capture(
                role="sender",
                accept=BLACK_HOLE,
                flows={8080: TOO_SMALL, 8081: BLACK_HOLE, 8082: BLACK_HOLE},
                sample="tunnel_blackhole_at_server.pcap",
            ),
            Capture(
                role="receiver",
                accept=("blackhole_suspected",),
                flows={
                    8080: TOO_SMALL,
                    8081: NEVER_SHOWN,
                    8082: ("blackhole_suspected",),
                },
                why="port 8082: the small last segment of the reply arrives behind a hole of five "
                "full segments that is never filled; port 8081: nothing of the reply ever "
                "arrives, so this point cannot tell a black hole from a server that is silent; only "
                "the sequence number of its last ACK betrays that something is missing",
                sample="tunnel_blackhole_at_client.pcap",
            ),
            Capture(role="before", accept=BLACK_HOLE),
            Capture(role="after", accept=("blackhole_suspected",)),
            Capture(
                role="underlay",
                accept=("inconclusive", "not_exercised"),
                why="the tunnel is opaque: there is no TCP flow to see",
                trust=False,
            ),
        ),
    ),
    Scenario(
        name="tunnel_pmtud_ok",
        shows="the same tunnel with ICMP let through: the PTB (MTU 1420) arrives and the reply is cut smaller",
        path_mtu=1420,
        path=_TUNNEL,
        flows=_story("completes"),
        seconds=25,
        captures=(
            Capture(
                role="sender",
                accept=("pmtud_ok",),
                ptb=("accepted",),
                flows={8080: TOO_SMALL, 8081: ("pmtud_ok",), 8082: ("ok", "pmtud_ok")},
                why="port 8082: the server remembers the path MTU that port 8081 found out, "
                "so it never sends a packet too large",
                sample="tunnel_pmtud_ok_at_server.pcap",
            ),
            Capture(role="receiver", accept=("ok", "pmtud_ok", "loss")),
        ),
    ),
    Scenario(
        name="tunnel_mss_clamped",
        shows="the same tunnel and filter, but the routers clamp the MSS to 1380: nothing is ever too large",
        path_mtu=1420,
        path=_TUNNEL,
        icmp_dropped_at=("server_router",),
        rules={"server_router": CLAMP_1380},
        flows=_story("completes"),
        seconds=25,
        captures=(
            Capture(
                role="sender",
                accept=OK,
                flows={8080: TOO_SMALL, 8081: OK, 8082: OK},
                sample="tunnel_mss_clamped_at_server.pcap",
            ),
            Capture(role="receiver", accept=OK),
        ),
    ),
    Scenario(
        name="tso_blackhole",
        shows="segmentation offload (TSO) on: the server's first sending is one super-segment, its "
        "retransmissions are single segments",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        offloads=True,
        icmp_dropped_at=("server_router",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),),
        seconds=16,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, sample="tso_blackhole_at_server.pcap"),
            Capture(
                role="receiver",
                accept=("blackhole_suspected", "inconclusive"),
                why="the small last segment dies inside its super-segment; only the tail-loss "
                "probe, which sends it alone, can show the hole",
            ),
        ),
    ),
    Scenario(
        name="tso_pmtud_ok",
        shows="segmentation offload on and a PTB: the same super-segment is sent again, "
        "segmented smaller, and is ACKed",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        offloads=True,
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4)),),
        captures=(
            Capture(
                role="sender",
                accept=("pmtud_ok",),
                ptb=("accepted",),
                sample="tso_pmtud_ok_at_server.pcap",
            ),
            Capture(role="receiver", accept=("ok", "pmtud_ok")),
        ),
    ),
    Scenario(
        name="ipv6_upload_blackhole",
        shows="an IPv6 upload: ICMPv6 type 2 is filtered, the client's large segments vanish",
        path_mtu=1400,
        data="upload",
        family=6,
        path=Path(mtu=1400, round_trip=0.04),
        icmp_dropped_at=("client_router",),
        flows=(Flow(talk=upload(TAIL_4), ends="hangs"),),
        seconds=16,
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, sample="ipv6_upload_blackhole_at_client.pcap"),
            Capture(role="receiver", accept=("blackhole_suspected",)),
        ),
    ),
    Scenario(
        name="ipv6_upload_pmtud_ok",
        shows="the same IPv6 upload with ICMPv6 let through",
        path_mtu=1400,
        data="upload",
        family=6,
        path=Path(mtu=1400, round_trip=0.04),
        flows=(Flow(talk=upload(TAIL_4)),),
        captures=(
            Capture(
                role="sender",
                accept=("pmtud_ok",),
                ptb=("accepted",),
                sample="ipv6_upload_pmtud_ok_at_client.pcap",
            ),
            Capture(role="receiver", accept=("ok", "pmtud_ok", "loss")),
        ),
    ),
    Scenario(
        name="recovered_by_mtu_probing",
        shows="tcp_mtu_probing=1: after about three seconds the sender falls back to payloads of 1024 bytes by itself",
        path_mtu=1420,
        path=Path(mtu=1420, round_trip=0.02),
        icmp_dropped_at=("server_router",),
        sysctls={"net.ipv4.tcp_mtu_probing": "1"},
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4)),),
        seconds=15,
        captures=(
            Capture(
                role="sender",
                accept=("blackhole_recovered",),
                sample="recovered_by_mtu_probing_at_server.pcap",
            ),
            Capture(role="receiver", accept=("blackhole_recovered", "blackhole_suspected")),
        ),
    ),
    Scenario(
        name="ptb_ignored_by_host",
        shows="the PTB reaches the server, whose own firewall drops it behind the capture point",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        icmp_dropped_at=("server",),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), ends="hangs"),),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("ptb_ignored",),
                ptb=("ignored", "host"),
                sample="ptb_ignored_by_host_at_server.pcap",
            ),
            Capture(role="receiver", accept=("blackhole_suspected",)),
        ),
    ),
    Scenario(
        name="random_loss",
        shows="ordinary loss: 6 % of all packets, whatever their size",
        path_mtu=1500,
        path=Path(
            round_trip=0.03,
            hazards=(RandomLoss(rate=0.06, seed=4),),
            hazards_back=(RandomLoss(rate=0.06, seed=5),),
        ),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(200_000)),),
        captures=(
            Capture(role="sender", accept=("loss", "ok"), sample="random_loss_at_server.pcap"),
            Capture(role="receiver", accept=("loss", "ok")),
        ),
    ),
    Scenario(
        name="zero_window",
        shows="the client does not read for eight seconds: its window closes",
        path_mtu=1500,
        path=Path(round_trip=0.02),
        flows=(
            Flow(
                talk=(
                    Say(speaker="client", size=180),
                    Say(speaker="server", size=60_000, reader_pauses=8.0),
                ),
                receive_buffer=8192,
            ),
        ),
        seconds=20,
        captures=(
            Capture(role="sender", accept=("zero_window",), sample="zero_window_at_server.pcap"),
            Capture(role="receiver", accept=("zero_window",)),
        ),
    ),
    Scenario(
        name="dead_path",
        shows="the path dies in the middle of a transfer: nothing passes any more in either "
        "direction, small packets included",
        path_mtu=None,
        path=Path(
            round_trip=0.02,
            hazards=(Bottleneck(bytes_per_second=100_000, queue=60_000), LinkDown(since=1.2)),
            hazards_back=(LinkDown(since=1.2),),
        ),
        flows=(
            Flow(port=8080, talk=ask(400_000), ends="hangs"),
            Flow(port=8081, talk=pushes(12, every=0.5), ends="hangs"),
        ),
        seconds=16,
        captures=(
            Capture(
                role="sender",
                accept=("dead_path",),
                why="the small messages of port 8081 are not acknowledged either",
                sample="dead_path_at_server.pcap",
            ),
            Capture(
                role="receiver",
                accept=("inconclusive", "ok", "stall", "dead_path", "loss"),
                why="the data simply ends: nothing is outstanding as far as this point can see",
            ),
        ),
    ),
    Scenario(
        name="content_drop",
        shows="a middlebox drops one payload for ever, while segments of the same size behind it get through",
        path_mtu=1500,
        path=Path(round_trip=0.02, hazards=(ContentFilter(marker=EICAR_LIKE),)),
        flows=(
            Flow(
                talk=(
                    *small_talk(2, every=0.2),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=4 * 1448),
                    Say(speaker="client", size=180, after=0.1),
                    Say(speaker="server", size=1448, content=EICAR_LIKE + b" and so on ..."),
                    Say(speaker="server", size=6 * 1448),
                ),
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=(
            Capture(role="sender", accept=("content_drop",), sample="content_drop_at_server.pcap"),
            Capture(
                role="receiver",
                accept=("content_drop", "stall", "loss", "inconclusive", "ok"),
                why="a hole that is never filled, but segments as large arrive",
            ),
        ),
    ),
    Scenario(
        name="fragment_loss",
        shows="DF clear: the router fragments the large packets and a firewall drops the fragments",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02, hazards=(FragmentFilter(),)),
        flows=(
            Flow(
                talk=small_talk(2, every=0.2) + ask(TAIL_4),
                without_df=True,
                ends="hangs",
            ),
        ),
        seconds=16,
        captures=(
            Capture(role="sender", accept=("fragment_loss",), sample="fragment_loss_at_server.pcap"),
            Capture(
                role="receiver",
                accept=("fragment_loss", "blackhole_suspected", "inconclusive", "stall"),
                why="the fragments never arrive, so this point does not know that DF was clear",
                trust=False,
            ),
        ),
    ),
    Scenario(
        name="fragments_delivered",
        shows="DF clear and the fragments get through: no trouble, but no PMTUD either",
        path_mtu=1400,
        path=Path(mtu=1400, round_trip=0.02),
        flows=(Flow(talk=small_talk(2, every=0.2) + ask(TAIL_4), without_df=True),),
        captures=(
            Capture(role="sender", accept=("no_df",), sample="fragments_delivered_at_server.pcap"),
            Capture(
                role="receiver",
                accept=("no_df", "ok", "not_exercised"),
                why="what arrives are fragments",
                trust=False,
            ),
        ),
    ),
)
