"""Names of hosts in messages: DNS answers (RFC 1035), TLS ClientHello (RFC 8446, 6066), name blocks of a pcapng.

Everything here is read from bytes of unknown origin: what does not fit is left, and nothing is followed for long.

    DNS:    0 id  2 flags  4 questions  6 answers  8 authorities  10 more  12 question ...  answer ...
    record: name, type, class, 4 bytes of time, length, data      name: labels, or a pointer to earlier ones
    TLS:    0 type  1 version  3 length  5 message type  6 its length  9 version  11 random  43 session id ...
    block:  records of type, length, address, names that end in zeros
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from analyzer.decode.integers import be16, le16
from analyzer.model.host_name import LONGEST_NAME, host_name, host_name_of

DNS_HEADER = 12
RECORD_HEAD = 10
TYPE_A, TYPE_CNAME, TYPE_AAAA = 1, 5, 28
ADDRESS_BYTES = {TYPE_A: 4, TYPE_AAAA: 16}
POINTER = 0xC0
MOST_RECORDS = 64
"""Records of an answer that are read. One of 512 bytes has room for half as many."""

CLIENT_HELLO = 43
"""Where its session id begins."""
EXTENSION_SERVER_NAME = 0

NAME_RECORDS = {1: 4, 2: 16}
"""Types of records in a name block: bytes of their addresses."""

Named = tuple[bytes, str]
"""An address in network order and its name."""


class _CutError(Exception):
    """The message ends before what it promises, or is none."""


def dns_names(message: bytes) -> list[Named]:
    """The addresses of a DNS answer, each with the name that was asked for, or without a question with its own.

    An address belongs to the name that was asked for if CNAME records lead from that to it.
    """
    found: list[Named] = []
    with suppress(_CutError):  # what came before the cut counts
        _read_answer(message, found)
    return found


def _read_answer(message: bytes, found: list[Named]) -> None:
    if len(message) < DNS_HEADER:
        raise _CutError
    questions, answers = be16(message, 4), be16(message, 6)
    o, asked = DNS_HEADER, ""
    for number in range(min(questions, MOST_RECORDS)):
        labels, o = _labels(message, o)
        o += 4
        asked = host_name(labels) if number == 0 else asked
    leads_here: set[tuple[bytes, ...]] = set()
    if questions:
        leads_here.add(_key(_labels(message, DNS_HEADER)[0]))
    for _ in range(min(answers, MOST_RECORDS)):
        owner, o = _labels(message, o)
        if o + RECORD_HEAD > len(message):
            raise _CutError
        kind, length = be16(message, o), be16(message, o + 8)
        o += RECORD_HEAD
        if o + length > len(message):
            raise _CutError
        mine = not questions or _key(owner) in leads_here
        if kind == TYPE_CNAME and questions and mine:
            leads_here.add(_key(_labels(message, o)[0]))
        name = asked if questions else host_name(owner)
        if mine and name and ADDRESS_BYTES.get(kind) == length:
            found.append((message[o : o + length], name))
        o += length


def _key(labels: list[bytes]) -> tuple[bytes, ...]:
    return tuple(label.lower() for label in labels)


def _labels(message: bytes, o: int) -> tuple[list[bytes], int]:
    """The labels of the name at `o`, and where it ends. Pointers lead back only, so that none is followed twice."""
    labels: list[bytes] = []
    after, earliest, total = -1, o, 0
    while True:
        if o >= len(message):
            raise _CutError
        length = message[o]
        if length >= POINTER:
            if o + 2 > len(message):
                raise _CutError
            after = o + 2 if after < 0 else after
            o = be16(message, o) & 0x3FFF
            if o >= earliest:
                raise _CutError
            earliest = o
            continue
        if length > 63 or o + 1 + length > len(message):
            raise _CutError
        o += 1
        if not length:
            return labels, o if after < 0 else after
        labels.append(message[o : o + length])
        o += length
        total += length + 1
        if total > LONGEST_NAME + 1:
            raise _CutError


def server_name(hello: bytes) -> str:
    """The server's name in a TLS record that begins with a ClientHello, possibly cut; empty if there is none."""
    try:
        return _server_name(hello)
    except IndexError:
        return ""


def _server_name(hello: bytes) -> str:
    o = CLIENT_HELLO
    o += 1 + hello[o]  # session id
    o += 2 + (hello[o] << 8 | hello[o + 1])  # cipher suites
    o += 1 + hello[o]  # compression
    end = min(o + 2 + (hello[o] << 8 | hello[o + 1]), len(hello))
    o += 2
    while o + 4 <= end:
        kind, length = be16(hello, o), be16(hello, o + 2)
        o += 4
        if kind == EXTENSION_SERVER_NAME:
            # length of the list, type of the first name (0: host), its length, the name
            size = be16(hello, o + 3) if o + 5 <= end else 0
            inside = hello[o + 2] == 0 and 5 + size <= length and o + 5 + size <= end if size else False
            return host_name_of(hello[o + 5 : o + 5 + size]) if inside else ""
        o += length
    return ""


def names_in_block(body: bytes, *, big: bool) -> Iterator[Named]:
    """The names of a pcapng's name resolution block; `body` is what lies between its lengths."""
    half = be16 if big else le16
    o = 0
    while o + 4 <= len(body):
        kind, length = half(body, o), half(body, o + 2)
        o += 4
        if kind == 0 or o + length > len(body):
            return
        size = NAME_RECORDS.get(kind, 0)
        if size and length > size:
            for text in body[o + size : o + length].split(b"\0"):
                if name := host_name_of(text):
                    yield body[o : o + size], name
        o += length + (-length & 3)
