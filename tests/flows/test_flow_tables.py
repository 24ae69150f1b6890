"""The tables take memory as they are filled, and give it back."""

from __future__ import annotations

from pathlib import Path

from analyzer.flows.flow_tables import new_state


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
