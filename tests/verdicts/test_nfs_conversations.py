"""NFS over UDP: calls and replies by the identifier of the transaction (RFC 5531)."""

from __future__ import annotations

import pytest

from tests.builders import CLIENT, SERVER, Packet
from tests.datagram_talk import FAR, accused, analysed, rules, sent

NFS = 2049


def call(xid: int, size: int = 128) -> bytes:
    """A call of NFS 3, so large that its IP packet has `size` bytes."""
    header = [xid, 0, 2, 100_003, 3, 6]
    return b"".join(word.to_bytes(4) for word in header).ljust(size - 28, b"\x05")


def reply(xid: int, size: int) -> bytes:
    return b"".join(word.to_bytes(4) for word in [xid, 1, 0]).ljust(size - 28, b"\x07")


def reads(size: int = 8_000, *, asked: int = 4, answered: bool = True) -> list[Packet]:
    """Calls with small replies, and one whose large reply is asked for again and again; taken beside the server."""
    packets = []
    for i in range(5):
        packets.append(sent(5 + i / 10, call(100 + i), sport=700, dport=NFS))
        packets.append(sent(5.01 + i / 10, reply(100 + i, 200 + i), sport=700, dport=NFS, back=True, df=False))
    for i in range(asked):
        packets.append(sent(6 + 1.1 * i, call(7), sport=700, dport=NFS))
        if answered:
            packets.append(sent(6.01 + 1.1 * i, reply(7, size), sport=700, dport=NFS, back=True, df=False))
    for i in range(3):
        packets.append(sent(8 + i / 10, call(200 + i), sport=700, dport=NFS))
        packets.append(sent(8.01 + i / 10, reply(200 + i, 150 + i), sport=700, dport=NFS, back=True, df=False))
    return packets


def test_a_large_reply_that_is_asked_for_again_while_smaller_ones_come() -> None:
    [trouble] = accused(reads())
    assert (trouble.rule, trouble.sender, trouble.receiver, trouble.lost) == ("udp/fragments", SERVER, CLIENT, 8_000)
    assert "NFS" in trouble.headline
    assert any("proto=tcp" in fix.command for fix in trouble.fixes)
    assert {flow.protocol for flow in analysed(reads()).all_udp_flows if flow.server.port == NFS} == {"nfs"}


def test_healthy_twins() -> None:
    assert not accused(reads(asked=1))
    assert not accused(reads(asked=2))
    assert not accused(reads(size=1_000))
    assert not accused(reads(answered=False))  # the server is slow with one of them
    others = [sent(7.5 + i / 10, call(300 + i), sport=700, dport=NFS) for i in range(3)]
    large = [sent(7.51 + i / 10, reply(300 + i, 8_000), sport=700, dport=NFS, back=True, df=False) for i in range(3)]
    assert not accused([*reads(), *others, *large])


def test_a_large_write_that_is_never_answered() -> None:
    small = [
        sent(5, call(1), sport=700, dport=NFS, ttl=64),
        sent(5.1, reply(1, 150), sport=700, dport=NFS, back=True, ttl=FAR),
    ]
    writes = [sent(6 + at, call(2, 8_000), sport=700, dport=NFS, ttl=64, df=False) for at in (0, 1.1, 3.3, 7.7)]
    assert [rule for rule, _ in rules([*small, *writes])] == ["udp/fragments"]
    answered = [sent(14, reply(2, 150), sport=700, dport=NFS, back=True, ttl=FAR)]
    assert not accused([*small, *writes, *answered])


def test_of_other_programs_on_that_port_nothing_is_read() -> None:
    packets = [sent(5 + i, b"no call of RPC, but something else", sport=700, dport=NFS) for i in range(4)]
    assert {flow.rule for flow in analysed(packets).all_udp_flows} <= {"udp/no-answer", "udp/one-direction"}


def busy(writes: int, between: int, size: int, *, answered: bool = False) -> list[Packet]:
    """Large calls, side by side, that are sent again while `between` small ones a second are answered."""
    packets = []
    for i in range(between * 12):
        at = 4 + i / between
        packets.append(sent(at, call(1_000 + i), sport=700, dport=NFS, ttl=64))
        packets.append(sent(at + 0.002, reply(1_000 + i, 150), sport=700, dport=NFS, back=True, ttl=FAR))
    for i in range(writes):
        xid = 50 + i
        tries = [6 + at + i / 1000 for at in (0, 1.1, 3.3, 7.7)]
        packets += [sent(at, call(xid, size), sport=700, dport=NFS, ttl=64, df=size < 1500) for at in tries]
        if answered:
            packets.append(sent(14 + i / 1000, reply(xid, 150), sport=700, dport=NFS, back=True, ttl=FAR))
    return sorted(packets, key=lambda packet: packet.ts)


@pytest.mark.parametrize("writes", [1, 3, 12])
@pytest.mark.parametrize("between", [2, 20, 100])
@pytest.mark.parametrize("size", [1_428, 8_000])
def test_large_writes_that_are_repeated_between_many_small_calls(writes: int, between: int, size: int) -> None:
    """However much goes between two repeats: it is not called healthy; with late answers, nothing is accused.

    Where what follows is too much to be kept, whether there was an answer at last is said to be unknown.
    """
    found = analysed(busy(writes, between, size))
    [flow] = [flow for flow in found.all_udp_flows if flow.server.port == NFS]
    family = {"blackhole", "blackhole_probable"} if size < 1500 else {"fragment_loss"}
    assert flow.verdict in ({"inconclusive"} if between == 100 else family), flow
    assert not accused(busy(writes, between, size, answered=True))
