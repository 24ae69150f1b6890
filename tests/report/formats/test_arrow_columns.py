from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.report.formats.arrow_columns import arrow_column
from tests.profiles import examples

TEXTS = st.text(max_size=5)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
KINDS: dict[str, tuple[Any, Any]] = {
    "int": (pa.int64(), NUMBERS),
    "uint": (pa.uint64(), st.integers(0, (1 << 64) - 1)),
    "float": (pa.float64(), st.floats(allow_nan=False) | st.integers(-5, 5)),
    "bool": (pa.bool_(), st.booleans()),
    "time": (pa.timestamp("ns", tz="UTC"), NUMBERS),
    "text": (pa.string(), TEXTS),
    "category": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["ok", "loss", "stall", ""])),
    "texts": (pa.list_(pa.string()), st.lists(TEXTS | st.none(), max_size=3)),
    "numbers": (pa.list_(pa.int64()), st.lists(NUMBERS, max_size=3)),
}


@pytest.mark.parametrize("name", KINDS)
@examples(100)
@given(data=st.data())
def test_a_column_is_the_one_that_arrow_makes(name: str, data: st.DataObject) -> None:
    kind, cells = KINDS[name]
    values = data.draw(st.lists(cells | st.none(), max_size=20) | st.lists(cells, max_size=20))
    column = arrow_column(values, kind)
    column.validate(full=True)
    assert column.type == kind
    assert column.equals(pa.array(values, kind))


def test_a_number_that_does_not_fit() -> None:
    with pytest.raises(OverflowError):
        arrow_column([1 << 63], pa.int64())
    with pytest.raises(OverflowError):
        arrow_column([-1], pa.uint64())
    with pytest.raises(OverflowError):
        arrow_column([0, None, 200], pa.int8())
