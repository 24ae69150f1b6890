"""From a timeline to the ways of its conversation, by the tool's own skim."""

from __future__ import annotations

from textwrap import dedent

from analyzer.evidence.direction import Conversation, Direction
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.retransmissions import RetransmissionSeries, series_of
from tests.reading import skim
from tests.scenarios.notation import parse_scenarios
from tests.scenarios.packets import capture_of
from tests.scenarios.words import View


def conversation(text: str, *, at: str = "S", since: float = 0.0, stream: int = 0) -> Conversation:
    """The conversation of a timeline, captured at `at` from `since` on."""
    (scenario,) = parse_scenarios(f"=== unit\n{dedent(text)}")
    capture = capture_of(scenario.records(View(at, since=since)))
    return Collector(skim(capture).state).conversation(stream)


def to_client(text: str, *, at: str = "S", since: float = 0.0, stream: int = 0) -> Direction:
    """The direction server to client of a timeline that starts with a handshake, or with the client."""
    return conversation(text, at=at, since=since, stream=stream).direction_to_client()


def runs(direction: Direction) -> list[RetransmissionSeries]:
    """The runs of retransmissions of a direction."""
    return series_of(direction.segments, direction.side, direction.count["una"])
