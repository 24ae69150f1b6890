"""Black holes under everyday protocols, most of them beside their cured twins."""

from __future__ import annotations

from lab.conversations import FULL_4, FULL_6, Talk, ask, from_client, from_server, secure_shell, small_talk, tls
from lab.hazards import NarrowHop
from lab.patterns import black_hole, hole_and_twin, size_limit
from lab.truths import BLACK_HOLE, BLACK_HOLE_BY_ACK, FINE, NEVER_SHOWN, OK, TOO_SMALL, UPLOAD_UNSEEN
from lab.vocabulary import Capture, Flow, Path, Say, Scenario

_SMTP: Talk = (
    from_server(60),
    *(
        message
        for size, answer in ((22, 190), (38, 24), (33, 24), (6, 40))
        for message in (from_client(size), from_server(answer))
    ),
    from_client(38_000),
    from_server(33),
)
_GIT: Talk = (
    from_server(41),
    from_client(38),
    from_server(1080),
    from_client(1150),
    *(from_client(120, 0.2), from_server(460)) * 3,
    from_client(6 * FULL_6 + 500, 0.3),
    from_server(70),
)
_NFS: Talk = (
    *small_talk(6, every=0.15, request=140, reply=112),
    *(from_client(140, heard=False),) * 3,
    from_server(32_900),
    from_server(240),
    from_server(32_900),
)
_HTTP2: Talk = (
    from_client(400),
    from_server(90),
    from_client(60, 0.2, heard=False),
    *(from_server(size, heard=False) for size in (700, 1100, 4 * 1460 + 200, 300)),
    from_server(90),
)
_PROXIED: Talk = (from_client(210, 0.1), from_server(39), *tls(hello=517, flight=3 * FULL_4 + 856))
_FTP_CONTROL: Talk = small_talk(14, every=0.8, request=30, reply=48)
_IMAP: Talk = (*small_talk(5, every=0.2, request=40, reply=300), from_client(36), from_server(9 * FULL_4))
_SHELL: Talk = (
    *(from_client(36, 0.1), from_server(36)) * 15,
    from_client(36, 0.2),
    from_server(2 * FULL_6 + 180, heard=False),
    *(from_client(36, 0.5),) * 4,
    from_server(36),
)
_KEYSTROKES: Talk = (Say(speaker="client", size=36, after=0.12), Say(speaker="server", size=36)) * 20
_PASTE: Talk = (*_KEYSTROKES, Say(speaker="client", size=4 * FULL_4 + 208, after=0.5), Say(speaker="server", size=36))
_QUERIES: Talk = tuple(
    message for number in range(25) for message in ask(100 + 37 * number % 600, request=90 + 5 * number)
)
_HELLO: Talk = (Say(speaker="client", size=1700), Say(speaker="server", size=3000))
_NO_SACK = {"net.ipv4.tcp_sack": "0"}

_HANDSHAKES = (
    *hole_and_twin(
        "proxy_connect",
        "a proxy answers CONNECT, then the certificates through it get stuck at 1382",
        1382,
        "clamp",
        flows=(Flow(port=3128, talk=_PROXIED, ends="hangs"),),
    ),
    *hole_and_twin(
        "key_shares_one_way",
        "a ClientHello of 1850 bytes into 1390; the way back is wide",
        1390,
        "wide",
        data="upload",
        path=Path(mtu=1390, mtu_back=1500, round_trip=0.04),
        talk=tls(hello=1850, flight=5000),
    ),
    *hole_and_twin(
        "tls_certificates",
        "a TLS-like handshake with nine kilobytes of certificates, IPv6, BBR, path MTU 1360",
        1360,
        "clamp",
        talk=tls(hello=1100, flight=9100),
        family=6,
        congestion="bbr",
    ),
    *hole_and_twin(
        "large_hello_ipv6",
        "a TLS-like ClientHello of two segments, IPv6, path MTU 1388",
        1388,
        "ptb",
        data="upload",
        talk=tls(hello=1900, flight=1000),
        family=6,
    ),
    black_hole(
        "tls_like",
        "a TLS-like handshake: the ClientHello passes, the server's certificates do not",
        1420,
        talk=tls(hello=517, flight=4200),
    ),
    black_hole(
        "large_hello",
        "a TLS-like handshake whose ClientHello with post-quantum keys is two segments",
        1420,
        data="upload",
        talk=tls(hello=1730, flight=3000),
    ),
    black_hole(
        "ssh_like",
        "an SSH-like handshake: the banners pass, the server's KEXINIT does not",
        1400,
        talk=secure_shell(kexinit=1536),
    ),
    size_limit(
        "hello_no_sack",
        "a ClientHello of two segments without SACK: the small second one arrives",
        1400,
        NarrowHop(mtu=1400),
        data="upload",
        sysctls=_NO_SACK,
        talk=_HELLO,
    ),
    size_limit(
        "hello_no_sack_wide",
        "twin: both segments arrive",
        1500,
        data="upload",
        sysctls=_NO_SACK,
        talk=_HELLO,
        sender=OK,
        receiver=FINE,
    ),
)

_PROTOCOLS = (
    *hole_and_twin(
        "smtp_body",
        "SMTP: the dialogue passes, the body of 38 kB does not, path MTU 1436",
        1436,
        "ptb",
        data="upload",
        talk=_SMTP,
        sender=BLACK_HOLE_BY_ACK,
        receiver=UPLOAD_UNSEEN,
        seconds=16,
    ),
    *hole_and_twin(
        "git_push",
        "a push over SSH: negotiation passes, the pack does not, IPv6, BBR, path MTU 1412",
        1412,
        "clamp",
        data="upload",
        family=6,
        talk=_GIT,
        congestion="bbr",
    ),
    *hole_and_twin(
        "nfs_reads",
        "hosts with jumbo frames and pipelined reads over a switch that passes 1500",
        1500,
        "ptb",
        lan_mtu=9000,
        talk=_NFS,
        seconds=18,
    ),
    *hole_and_twin(
        "http2_streams",
        "small and large frames of several streams on one connection, no timestamps, path MTU 1446",
        1446,
        "wide",
        talk=_HTTP2,
        sysctls={"net.ipv4.tcp_timestamps": "0"},
    ),
    *hole_and_twin(
        "ftp_data",
        "the data connection hangs at 1418 while the control connection goes on",
        1418,
        "wide",
        flows=(
            Flow(port=8021, talk=_FTP_CONTROL),
            Flow(port=8020, start=1.5, talk=small_talk(1, every=0.1) + ask(80_000), ends="hangs"),
        ),
        captures=(
            Capture(role="sender", accept=BLACK_HOLE, flows={8020: BLACK_HOLE, 8021: TOO_SMALL}),
            Capture(role="receiver", accept=NEVER_SHOWN, flows={8020: NEVER_SHOWN, 8021: TOO_SMALL}),
        ),
        twin_captures=tuple(
            Capture(role=role, accept=OK, flows={8020: OK, 8021: TOO_SMALL}) for role in ("sender", "receiver")
        ),
        seconds=16,
    ),
    *hole_and_twin(
        "imap_literal",
        "a mail of exactly nine full segments over PPPoE, path MTU 1492",
        1492,
        "clamp",
        talk=_IMAP,
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
    ),
    *hole_and_twin(
        "shell_listing",
        "keystrokes, then a listing of three segments; the user goes on typing, IPv6, path MTU 1400",
        1400,
        "clamp",
        family=6,
        talk=_SHELL,
    ),
    *hole_and_twin(
        "ssh_paste",
        "keystrokes and their echoes, then one large paste by the client, path MTU 1330",
        1330,
        "ptb",
        data="upload",
        talk=_PASTE,
    ),
    *hole_and_twin(
        "database_result",
        "25 small queries and then one result of 120 kB, Reno, path MTU 1440",
        1440,
        "ptb",
        talk=_QUERIES + ask(120_000),
        congestion="reno",
        sender=BLACK_HOLE_BY_ACK,
        receiver=NEVER_SHOWN,
        seconds=18,
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*_HANDSHAKES, *_PROTOCOLS)
