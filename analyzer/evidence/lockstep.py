"""Many flows judged at once, by the same code that judges one: numbers that are whole columns.

Flows in bulk are alike: the same packets, at other times, with other numbers. A `Lane` stands for one number of each of
them, and calculates with all. Where a comparison decides which way the code goes, it goes the way of the first flow; a
flow for which the answer is another one leaves (`Lockstep.agree`), and is judged once more, with those that left where
it did. So what holds for the first holds for all that stayed, step by step, and no rule is written down twice.

What a `Lane` cannot do raises TypeError: then its flows are judged one by one. Emits `Lane`, `Lockstep`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

Column = np.ndarray[Any, Any]

EXACT = 1 << 53
"""Whole numbers below are the same as floating-point numbers."""

LARGEST = 1 << 61
"""Numbers that a column begins with are smaller, so that sums of a few of them still are int64."""


class UnlikeError(Exception):
    """These flows cannot be judged together."""


class Lockstep:
    """Flows that are judged together, and where those that left did so."""

    def __init__(self, count: int) -> None:
        self.left_at = np.zeros(count, np.int32)  # which question each flow answers differently first; 0: none
        self._questions = 0

    def agree(self, answers: Column) -> bool:
        """The answer of the first flow; those that have another one leave."""
        self._questions += 1
        first = bool(answers[0])
        if not (answers.all() if first else not answers.any()):
            self.left_at[(answers != first) & (self.left_at == 0)] = self._questions
        return first


class Lane:
    """A number of each of the flows: whole (int64), or a fraction (float64) as Python has it."""

    __slots__ = ("flows", "values")

    def __init__(self, values: Column, flows: Lockstep) -> None:
        self.values = values
        self.flows = flows

    def _with(self, values: Column) -> Lane:
        return type(self)(values, self.flows)

    def __bool__(self) -> bool:
        return self.flows.agree(self.values != 0)

    def __hash__(self) -> int:
        raise TypeError("of these numbers nobody knows whether they are equal to others")

    def __neg__(self) -> Lane:
        return self._with(-self.values)

    def __abs__(self) -> Lane:
        return self._with(np.abs(self.values))

    def __pow__(self, exponent: Any) -> Lane:
        # Python's power and numpy's differ in the last digit now and then.
        powers = [a**b for a, b in zip(self.values.tolist(), _numbers(exponent, len(self.values)), strict=True)]
        return self._with(np.array(powers, np.float64))

    def __rpow__(self, base: Any) -> Lane:
        return self._with(np.array([base**b for b in self.values.tolist()], np.float64))


class Key(Lane):
    """Sequence numbers: equal or not, as they are compared. All keys of one dict or set are such."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 1  # so that no two of them are told apart without being compared


class FrameNumber(Lane):
    """The number of a packet's frame; packets of a flow are in different frames, so its `place` tells it."""

    __slots__ = ("place",)

    def __init__(self, values: Column, flows: Lockstep, place: int) -> None:
        super().__init__(values, flows)
        self.place = place

    def __hash__(self) -> int:
        return self.place

    def _with(self, values: Column) -> Lane:
        return Lane(values, self.flows)


def _numbers(value: Any, count: int) -> list[Any]:
    return value.values.tolist() if isinstance(value, Lane) else [value] * count


def _operand(value: Any, other: Column) -> Any:
    """What a column is calculated with: another column, or a number; None if it is neither."""
    if isinstance(value, Lane):
        value = value.values
        whole = value.dtype.kind != "f", other.dtype.kind != "f"
        if whole[0] != whole[1]:
            _exact(value if whole[0] else other)
        return value
    if isinstance(value, float) and other.dtype.kind != "f":
        _exact(other)
    return value if isinstance(value, (int, float)) else None


def _exact(whole: Column) -> None:
    if len(whole) and int(np.abs(whole).max()) >= EXACT:
        raise UnlikeError("too large to be made a fraction as Python makes it")


def _calculating(operate: Callable[[Any, Any], Any], *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Lane, value: Any) -> Any:
        other = _operand(value, self.values)
        if other is None:
            return NotImplemented
        result = operate(other, self.values) if swapped else operate(self.values, other)
        return value._with(result) if type(value) is Key else self._with(result)

    return method


def _dividing(*, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def method(self: Lane, value: Any) -> Any:
        other = _operand(value, self.values)
        if other is None:
            return NotImplemented
        for each in (self.values, other):
            if isinstance(each, np.ndarray) and each.dtype.kind != "f":
                _exact(each)
        top, bottom = (other, self.values) if swapped else (self.values, other)
        if not np.all(bottom):
            raise UnlikeError("divided by nothing")
        return Lane(top / bottom, self.flows)

    return method


def _floor(a: Any, b: Any) -> Any:
    if not np.all(b):
        raise UnlikeError("divided by nothing")
    return a // b


def _remainder(a: Any, b: Any) -> Any:
    if not np.all(b):
        raise UnlikeError("divided by nothing")
    return a % b


def _comparing(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Lane, value: Any) -> Any:
        other = _operand(value, self.values)
        return NotImplemented if other is None else self.flows.agree(compare(self.values, other))

    return method


def _comparing_frames(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    plain = _comparing(compare)

    def method(self: FrameNumber, value: Any) -> Any:
        if isinstance(value, FrameNumber):
            return compare(self.place, value.place)
        return plain(self, value)

    return method


for _name, _operator in (
    ("add", operator.add),
    ("sub", operator.sub),
    ("mul", operator.mul),
    ("and", operator.and_),
    ("or", operator.or_),
    ("xor", operator.xor),
    ("lshift", operator.lshift),
    ("rshift", operator.rshift),
    ("floordiv", _floor),
    ("mod", _remainder),
):
    setattr(Lane, f"__{_name}__", _calculating(_operator))
    setattr(Lane, f"__r{_name}__", _calculating(_operator, swapped=True))
setattr(Lane, "__truediv__", _dividing())  # noqa: B010
setattr(Lane, "__rtruediv__", _dividing(swapped=True))  # noqa: B010
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Lane, f"__{_name}__", _comparing(getattr(operator, _name)))
for _name in ("eq", "ne"):
    setattr(FrameNumber, f"__{_name}__", _comparing_frames(getattr(operator, _name)))
