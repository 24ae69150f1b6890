"""Conversations that several scenarios hold: small talk, large replies, uploads, handshakes."""

from __future__ import annotations

from lab.vocabulary import Say

MSS = 1448  # payload of a full-size IPv4 segment with timestamps on an MTU of 1500
INITIAL_WINDOW = 10  # segments, RFC 6928: what leaves before the first ACK

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


# A reply of a few full segments and a small last one. All leave at once, so in a black hole the
# small one gets through and the receiver's SACK shows the hole.
WITH_TAIL = 5 * MSS + 300
# More than the initial window: only full segments leave, nothing small follows them.
WITHOUT_TAIL = 60_000
