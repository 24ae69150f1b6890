"""The tables take memory as they are filled, and give it back."""

from __future__ import annotations

import mmap
import resource
from pathlib import Path
from typing import Any

import pytest

from analyzer.flows.flow_tables import State
from analyzer.flows.table_pages import new_state
from analyzer.settings import MAX_EVENTS, MAX_FLOWS, MAX_ICMP


def resident() -> int:
    """Memory of this process that is not of files, MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("RssAnon:")[1].split()[0]) >> 10


def test_empty_tables_take_no_memory_however_many_were_made_before() -> None:
    before = resident()
    for _ in range(4):
        state = new_state(0)
        assert sum(table.nbytes for table in state) > 400 << 20
        assert not any(table[-1].any() for table in state[1:] if table.dtype.names is None)
        del state
    assert resident() - before < 8


def test_filled_tables_give_their_memory_back() -> None:
    before = resident()
    state = new_state(0)
    state.event_header_bytes[:] = 1
    assert resident() - before > 30
    del state
    assert resident() - before < 8
    assert not new_state(0).event_header_bytes.any()


def addresses(state: State) -> int:
    """Bytes of addresses that the tables take, MB."""
    return sum(int(table.nbytes) for table in state) >> 20


def test_tables_take_no_more_addresses_than_the_input_can_fill() -> None:
    whole, small, middle = (new_state(0, input_bytes=each) for each in (1 << 40, 14_000, 10_000_000))
    assert (len(whole.flows), len(whole.events), len(whole.icmps)) == (MAX_FLOWS, MAX_EVENTS, MAX_ICMP)
    assert addresses(small) < 80
    # The smallest packet that can be followed: a record's header, IP's, and the first 16 bytes of TCP's.
    assert min(len(middle.flows), len(middle.events)) > 10_000_000 // (16 + 20 + 16)
    assert addresses(middle) < 640


def test_where_addresses_are_few_there_are_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = 0
    real = mmap.mmap

    def few(number: int, size: int, **more: Any) -> mmap.mmap:
        nonlocal taken
        taken += size
        if size > 100 << 20:
            raise OSError(12, "Cannot allocate memory")
        return real(number, size, **more)

    monkeypatch.setattr(mmap, "mmap", few)
    state = new_state(0)
    assert 100_000 < len(state.flows) < MAX_FLOWS
    assert len(state.transfers) == 2 * len(state.flows)
    assert len(state.slots) >= 2 * len(state.flows)
    monkeypatch.setattr(mmap, "mmap", lambda *_, **__: few(-1, 1 << 40))
    with pytest.raises(MemoryError):
        new_state(0)


def test_a_limit_of_addresses_is_not_used_up_by_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1_000_000 << 10, 0))
    assert addresses(new_state(0)) < 250
    assert len(new_state(0, flows=8).flows) == 8
