"""Conversations that several scenarios hold: small talk, large replies, uploads, handshakes, marked messages."""

from __future__ import annotations

from typing import Literal

from lab.vocabulary import Flow, Say

FULL_4, FULL_6 = 1448, 1428  # payload of full segments with timestamps on an MTU of 1500
# A reply of a few full segments and a small last one. All leave at once, so in a black hole the
# small one gets through and the receiver's SACK shows the hole.
TAIL_4, TAIL_6 = 5 * FULL_4 + 300, 5 * FULL_6 + 300
# More than the initial window: only full segments leave, nothing small follows them.
WITHOUT_TAIL = 60_000
# Payloads that filters know.
EICAR_LIKE = b"EICAR-LIKE-PATTERN"
SIGNATURE = b"%%SIGNATURE-OF-SOMETHING-DISLIKED%%"

Talk = tuple[Say, ...]


def small_talk(exchanges: int, every: float = 1.0, request: int = 180, reply: int = 420) -> Talk:
    """Requests and replies that fit any path, on a connection kept alive."""
    one = (
        Say(speaker="client", size=request, after=every),
        Say(speaker="server", size=reply),
    )
    return one * exchanges


def ask(reply: int, request: int = 180) -> Talk:
    """A small request and its reply."""
    return (Say(speaker="client", size=request, after=0.1), Say(speaker="server", size=reply))


def upload(size: int, greeting: int = 90) -> Talk:
    """The server greets, the client sends `size` bytes, the server says thanks."""
    return (
        Say(speaker="server", size=greeting),
        Say(speaker="client", size=size, after=0.1),
        Say(speaker="server", size=60),
    )


def pushes(messages: int, every: float = 1.0, size: int = 200) -> Talk:
    """The server sends a small message now and then; the client never answers."""
    return (Say(speaker="server", size=size, after=every),) * messages


def tls(hello: int, flight: int) -> Talk:
    """The record sizes of a TLS handshake and one exchange behind it; nothing is encrypted."""
    return (
        Say(speaker="client", size=hello, content=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        Say(speaker="server", size=flight, content=b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"),
        Say(speaker="client", size=80, content=b"\x14\x03\x03\x00\x01\x01\x17\x03\x03"),
        Say(speaker="client", size=300, content=b"\x17\x03\x03\x01\x27"),
        Say(speaker="server", size=900, content=b"\x17\x03\x03\x03\x7f"),
    )


def secure_shell(kexinit: int) -> Talk:
    """Banners and key exchange of SSH by their sizes."""
    return (
        Say(speaker="server", size=41, content=b"SSH-2.0-OpenSSH_9.9 example\r\n"),
        Say(speaker="client", size=33, content=b"SSH-2.0-OpenSSH_9.9\r\n"),
        Say(speaker="client", size=1120, content=b"\x00\x00\x04\x5c\x06\x14"),
        Say(speaker="server", size=kexinit, content=b"\x00\x00\x05\xfc\x06\x14"),
        Say(speaker="client", size=48),
        Say(speaker="server", size=1000),
    )


def from_client(size: int, after: float = 0.0, *, heard: bool = True) -> Say:
    """One message of the client."""
    return Say(speaker="client", size=size, after=after, heard=heard)


def from_server(size: int, after: float = 0.0, *, heard: bool = True) -> Say:
    """One message of the server."""
    return Say(speaker="server", size=size, after=after, heard=heard)


def marked(speaker: Literal["client", "server"], size: int, after: float = 0.0) -> Say:
    """A message whose packets a filter knows, at least the first of them."""
    return Say(speaker=speaker, size=size, content=SIGNATURE.ljust(size, b"."), after=after)


BEFORE_LARGE = small_talk(2, every=0.2)
SMALL_TALK = small_talk(3, every=0.2)
TALK_THEN_TAIL = BEFORE_LARGE + ask(TAIL_4)
TAIL_DOWNLOAD = (Flow(talk=TALK_THEN_TAIL),)
DOWNLOAD = (Flow(talk=BEFORE_LARGE + ask(200_000)),)
# Large replies, one after the other, on a connection that had them before.
_PUSH = Say(speaker="server", size=TAIL_4, after=0.3, heard=False)
PUSHING_TALK = (*BEFORE_LARGE, *ask(40_000), *(_PUSH,) * 12, Say(speaker="server", size=100))
# A reply of one segment that a filter knows, and large ones behind it.
CONTENT_TALK = (
    *BEFORE_LARGE,
    *ask(20_000),
    Say(speaker="client", size=180, after=0.5),
    Say(speaker="server", size=1200, content=EICAR_LIKE + b" and so on ...", after=0.1),
    Say(speaker="server", size=4 * FULL_4 + 200, heard=False),
)
CONTENT_HANGS = (Flow(talk=CONTENT_TALK, ends="hangs"),)
