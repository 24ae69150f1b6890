"""Segments that two processors share: the tables are to the bit what one leaves, however the work falls out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import reader
from analyzer.capture.container import COUNT as CONTAINER
from analyzer.capture.container import FRAME, I_WIDTH, NEED_BYTES, POS
from analyzer.decode.packet_fields import COUNT, POINT
from analyzer.flows.flow_tables import C_PACKETS, C_RECENT
from analyzer.flows.table_pages import new_state
from analyzer.kernels.cache import load_kernels
from analyzer.passes import first, segment_board, segment_flows, shared_segments, two_cores
from analyzer.passes.first import FOREVER, Skimmer
from analyzer.passes.packet_queue import ITEM, ODD_PACKET, OTHER_BLOCK, is_worth_sharing
from analyzer.passes.segment_board import B_END, B_POINT, B_UNTIL, B_WALKED, BOARD, WALK
from analyzer.passes.shared_segments import WAITING, do_task, examples, lead, view_of
from analyzer.passes.two_cores import GROUP, Pair
from tests.builders import ACK, CLIENT, FIN, PSH, SERVER, SYN, Packet, ethernet, ipv4, pcap, pcap_records, tcp
from tests.reading import CAPTURES, ROOT, Skimmed, same, skim
from tests.traffic import generated

UDP = sorted((ROOT / "tests" / "data" / "udp").glob("*.pcap*"))[::7]


class Taken:
    """How many packets were taken by two, and how often something ended that."""

    def __init__(self) -> None:
        self.packets = 0
        self.ends: list[int] = []


def watch(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Let two share whatever there is, also small chunks, and go on at once after what does not fit in."""
    taken = Taken()
    take = Pair.take

    def watched(self: Pair, view: Any, end: int, container: Any, *rest: Any) -> int:
        before = int(container[FRAME])
        status = take(self, view, end, container, *rest)
        taken.packets += int(container[FRAME]) - before
        taken.ends.append(status)
        return status

    monkeypatch.setattr(Pair, "take", watched)
    monkeypatch.setattr(Skimmer, "shared_from", 0)
    monkeypatch.setattr(two_cores, "LEAST_ALONE", 64)
    monkeypatch.setattr(two_cores, "FAR_ENOUGH", 1)
    monkeypatch.setattr(first, "is_worth_sharing", lambda _: True)
    monkeypatch.setattr(two_cores, "processors", lambda: 2)
    return taken


def alike(usual: Skimmed, shared: Skimmed) -> None:
    """As `same`; which flows were found lately is no result."""
    for each in (usual, shared):
        each.state.counters[C_RECENT:] = 0
    same(usual, shared)


def conversations(count: int, turns: int) -> bytes:
    """`count` flows that take turns: opened, data and answers, closed; some send again what they sent."""
    packets: list[Packet] = []
    for turn in range(turns):
        for flow in range(count):
            client = f"10.{flow >> 8 & 255}.{flow & 255}.1"
            port = 1024 + flow
            sent = 100 * max(turn - 3 - (flow % 7 == 0 and turn > 6), 0)
            step = (
                ipv4(tcp(sport=port, dport=80, seq=1000, flags=SYN), src=client, dst=SERVER),
                ipv4(tcp(sport=80, dport=port, seq=5000, ack=1001, flags=SYN | ACK), src=SERVER, dst=client),
                ipv4(tcp(sport=port, dport=80, seq=1001, ack=5001), src=client, dst=SERVER),
            )
            if turn < len(step):
                frame = step[turn]
            elif turn == turns - 1:
                frame = ipv4(
                    tcp(sport=port, dport=80, seq=1001 + sent, ack=5001, flags=FIN | ACK), src=client, dst=SERVER
                )
            elif flow % 3 == 2 and turn % 2:
                frame = ipv4(tcp(sport=80, dport=port, seq=5001, ack=1001 + sent), src=SERVER, dst=client)
            else:
                frame = ipv4(
                    tcp(bytes(100), sport=port, dport=80, seq=1001 + sent, ack=5001, flags=PSH | ACK),
                    src=client,
                    dst=SERVER,
                )
            packets.append(Packet(1_000_000_000 + 10_000 * len(packets), ethernet(frame)))
    return pcap(packets, link=1)


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """What is shared is compiled: else it would come some time later."""
    load_kernels(examples, GROUP)


@pytest.fixture(scope="module")
def many() -> bytes:
    """Some segments of packets of 3,000 flows."""
    return conversations(3_000, 12)


@pytest.mark.parametrize("path", [*CAPTURES, *UDP], ids=lambda path: path.stem)
def test_captures_are_the_same_by_one_and_by_two(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = skim(path, compiled=True)
    watch(monkeypatch)
    alike(usual, skim(path, compiled=True))


@pytest.mark.parametrize("size", [5_000, 100_000, 8 << 20])
def test_many_flows_are_the_same_whatever_the_chunks(size: int, many: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = skim(many, compiled=True)
    taken = watch(monkeypatch)
    monkeypatch.setattr(reader, "CHUNK_BYTES", size)
    alike(usual, skim(many, compiled=True))
    assert taken.packets > 35_000


@pytest.mark.parametrize("name", ["few flows", "many flows", "pcapng"])
def test_traffic_without_sense_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = skim(generated()[name], compiled=True)
    taken = watch(monkeypatch)
    alike(usual, skim(generated()[name], compiled=True))
    assert ODD_PACKET in taken.ends
    assert (OTHER_BLOCK in taken.ends) == (name == "pcapng")


def test_several_files_take_turns(many: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [many[:24] + b"".join(pcap_records(many)[i::3]) for i in range(3)]
    usual = skim(*parts, compiled=True)
    watch(monkeypatch)
    alike(usual, skim(*parts, compiled=True))


# One processor stands for two here: whoever comes for a task may find that the other one has done some meanwhile.


class Simulated(Skimmer):
    """Takes packets as two would, interpreted; `falls` says how many tasks the other one does before each of mine."""

    falls: list[int]

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.mine, self.other = view_of(self.state), view_of(self.state)
        self.board = [0] * BOARD
        self.walk, self.h2, self.q2 = ([0] * COUNT for _ in range(3))
        self.items = [0] * (segment_board.ITEMS)
        self.order = np.zeros(segment_board.ORDER, np.int64)
        self.shared = 0

    def take(self, view: Any, end: int, container: Any, interfaces: Any, until: int = FOREVER) -> int:
        usual = segment_board.claim
        tables = (self.board, self.items, self.order)
        turn = 0

        def claim(board: list[int]) -> int:
            nonlocal turn
            turn += 1
            for _ in range(self.falls[turn % len(self.falls)]):
                task = usual(board)
                if task < 0:
                    break
                if segment_board.GROUPS < task < WALK and not board[B_WALKED]:
                    raise AssertionError  # who waits for the walk must not be the one who has it to do
                do_task(self.other, 1, task, *tables, view, container, interfaces[0], self.walk, self.h2, self.q2)
            return usual(board)

        while True:
            self.board[B_POINT], self.board[B_END], self.board[B_UNTIL] = self._h[POINT], end, until
            before = int(self.state.counters[C_PACKETS])
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(shared_segments, "claim", claim)
                status = lead(
                    self.state, self.mine, self.other, *tables, self._h, self._q, self.walk, view, container,
                    interfaces[0],
                )  # fmt: skip
            self.shared += int(self.state.counters[C_PACKETS]) - before
            if status not in (ODD_PACKET, OTHER_BLOCK):
                return status
            begin = container[POS]
            for least in range(16, end - begin + 16, 16):  # one packet, or what else there is
                status = super().take(view, min(begin + least, end), container, interfaces, until)
                if status != NEED_BYTES or container[POS] > begin:
                    break
            if status != NEED_BYTES or container[POS] == begin:
                return status


@settings(deadline=None, max_examples=40)  # each walks through hundreds of packets, interpreted
@given(
    packets=st.sampled_from([1, 2, 7, 32]),
    groups=st.sampled_from([1, 2, 8]),
    neighbours=st.integers(0, 3),
    looked_up=st.sampled_from([1, 4, 1000]),
    falls=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    name=st.sampled_from(["few flows", "many flows", "pcapng", "orderly"]),
)
def test_whoever_takes_what_the_tables_are_the_same(
    packets: int, groups: int, neighbours: int, looked_up: int, falls: list[int], name: str
) -> None:
    data = conversations(20, 9) if name == "orderly" else generated()[name]
    if name in ("few flows", "many flows"):
        data = data[:24] + b"".join(pcap_records(data)[:250])
    usual = skim(data)
    with pytest.MonkeyPatch.context() as patched:
        small = {
            "SEGMENT_PACKETS": packets,
            "GROUPS": groups,
            "NEIGHBOURS": neighbours,
            "LOOKED_UP": looked_up,
            "TASKS": 1 + groups + -(-packets // looked_up),
            "ORDER": (1 + groups, 1 + packets),
            "ITEMS": 2 * packets * ITEM,
        }
        for module in (segment_board, segment_flows, shared_segments):
            for constant, value in small.items():
                if hasattr(module, constant):
                    patched.setattr(module, constant, value)
        patched.setattr(Simulated, "falls", falls, raising=False)
        patched.setattr("tests.reading.Skimmer", Simulated)
        shared = skim(data)
    alike(usual, shared)


def test_a_port_used_again_within_a_segment_is_another_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = []
    for number in range(40):
        port, first_seq = 40000 + number % 3, 1000 + 7_000_000 * number
        packets += [
            ipv4(tcp(sport=port, seq=first_seq, flags=SYN)),
            ipv4(
                tcp(sport=80, dport=port, seq=9 * first_seq, ack=first_seq + 1, flags=SYN | ACK), src=SERVER, dst=CLIENT
            ),
            ipv4(tcp(bytes(50), sport=port, seq=first_seq + 1, ack=9 * first_seq + 1)),
        ]
    data = pcap([Packet(1_000_000 * i, each) for i, each in enumerate(packets)])
    usual = skim(data, compiled=True)
    taken = watch(monkeypatch)
    alike(usual, skim(data, compiled=True))
    assert taken.packets >= len(packets) - 3  # all but the very first, in one segment


def test_one_processor_takes_all_alone(many: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = watch(monkeypatch)
    monkeypatch.setattr(two_cores, "processors", lambda: 1)
    skim(many, compiled=True)
    assert taken.ends == []


def pair_of(lead: Callable[..., int], follow: Callable[..., int]) -> Pair:
    """Two who do nothing but what is said here."""
    h, q = np.zeros(COUNT, np.int64), np.zeros(COUNT, np.int64)
    return Pair({"lead": lead, "follow": follow}, new_state(0, flows=8, events=8, icmps=8), h, q)


def take_nothing(pair: Pair) -> int:
    """A chunk of nothing for a pair, whatever it makes of it."""
    return pair.take(np.zeros(8, np.uint8), 8, np.zeros(CONTAINER, np.int64), np.zeros(I_WIDTH, np.int64), FOREVER)


def test_what_goes_wrong_in_the_other_thread_is_told() -> None:
    """And nobody waits for ever for the task that it had."""

    def fail(*_: object) -> int:
        raise IndexError("follow left the bounds of an array")

    pair = pair_of(lambda *_: WAITING, fail)
    with pytest.raises(IndexError, match="follow left"):
        take_nothing(pair)


def test_who_interrupts_gets_whole_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What both had begun is brought to its end first."""
    answers = [NEED_BYTES, WAITING, WAITING]
    pair = pair_of(lambda *_: answers.pop(), lambda *_: 0)

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        take_nothing(pair)
    assert answers == []


def test_sharing_is_worth_it_where_many_flows_take_turns() -> None:
    assert is_worth_sharing(skim(conversations(60, 5)).state)  # each begins, not long before
    assert not is_worth_sharing(skim(conversations(5, 200)).state)
