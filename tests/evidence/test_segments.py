from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence.segments import near


@given(st.integers(1 << 32, 1 << 40), st.integers(-(1 << 31), (1 << 31) - 1))
def test_near_finds_back_any_number_within_half_the_sequence_space(reference: int, distance: int) -> None:
    number = reference + distance
    assert near(number & 0xFFFF_FFFF, reference) == number
