"""Columns of Apache Arrow from lists of Python's values, as `pyarrow.array` makes them.

That function looks whether it was given something of pandas, and loads it for that: a quarter of a second in each
process that writes a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

WIDE = np.dtype(np.int64)

FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""What numpy calls the types of numbers that Arrow calls otherwise."""


def arrow_column(values: Sequence[Any], kind: Any) -> Any:
    """A column of so many values, None where there is none.

    Args:
        values: numbers, texts, or lists of those, as `kind` says.
        kind: an Arrow type: a number, `bool_`, a time (values count its unit), `string`, a dictionary of `string` by
            `int8`, or a list of any of these.

    Raises:
        OverflowError, ValueError: a number does not fit.
        TypeError: no column of that type can be made.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        places: dict[str, int] = {}
        for value in values:
            if value is not None:
                places.setdefault(value, len(places))
        indices = [None if value is None else places[value] for value in values]
        dictionary = arrow_column(list(places), kind.value_type)
        return pa.DictionaryArray.from_arrays(arrow_column(indices, kind.index_type), dictionary)
    present = None if None not in values else _bits([value is not None for value in values])
    if pa.types.is_string(kind):
        texts = [b"" if value is None else value.encode() for value in values]
        return pa.Array.from_buffers(kind, len(values), [present, _offsets(texts), pa.py_buffer(b"".join(texts))])
    if pa.types.is_list(kind):
        lists = [() if value is None else value for value in values]
        inside = arrow_column([each for some in lists for each in some], kind.value_type)
        return pa.Array.from_buffers(kind, len(values), [present, _offsets(lists)], children=[inside])
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, len(values), [present, _bits([bool(value) for value in values])])
    numbers = values if present is None else [0 if value is None else value for value in values]
    name = str(kind)  # not kind.to_pandas_dtype(): up to pyarrow 16 that loads pandas
    dtype = WIDE if pa.types.is_timestamp(kind) else np.dtype(FLOATS.get(name, name))
    if dtype.kind in "iu" and numbers:  # up to numpy 1.26 what does not fit becomes another number
        limits = np.iinfo(dtype)
        if min(numbers) < limits.min or max(numbers) > limits.max:
            raise OverflowError(f"expected numbers from {limits.min} to {limits.max}, found one beyond")
    return pa.Array.from_buffers(kind, len(values), [present, pa.py_buffer(np.array(numbers, dtype))])


def _offsets(values: Sequence[Any]) -> Any:
    """Where each of some values begins, if they lie one after the other, and where the last ends."""
    import pyarrow as pa

    return pa.py_buffer(np.array([0, *accumulate(map(len, values))], np.int32))


def _bits(values: Sequence[bool]) -> Any:
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.array(values, np.bool_), bitorder="little"))
