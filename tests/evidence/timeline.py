"""From a timeline to the ways of its conversation, by the tool's own skim."""

from __future__ import annotations

from io import BytesIO
from textwrap import dedent

from analyzer.capture.reader import CaptureReader
from analyzer.evidence.direction import Conversation, Way
from analyzer.evidence.flow_index import Collector
from analyzer.evidence.retransmissions import Run, runs_of
from analyzer.passes.first import Skimmer
from tests.scenarios.notation import Scenario, View, capture_of


def conversation(text: str, *, at: str = "S", since: float = 0.0, stream: int = 0) -> Conversation:
    """The conversation of a timeline, captured at `at` from `since` on."""
    scenario = Scenario("unit", None)
    for line in dedent(text).splitlines():
        scenario.read(line)
    reader = CaptureReader(BytesIO(capture_of(scenario.records(View(at, since=since)))), "timeline")
    reader.start()
    skimmer = Skimmer(compiled=False)
    container = [int(value) for value in reader.container]
    with memoryview(bytes(reader.buffer[: reader.ready])) as view:
        skimmer.take(view, reader.ready, container, [[0] * 64])
    skimmer.finish()
    return Collector(skimmer.state).conversation(stream)


def to_client(text: str, *, at: str = "S", since: float = 0.0, stream: int = 0) -> Way:
    """The direction server to client of a timeline that starts with a handshake, or with the client."""
    return conversation(text, at=at, since=since, stream=stream).way_to_client()


def runs(way: Way) -> list[Run]:
    """The runs of retransmissions of a direction."""
    return runs_of(way.segments, way.side, way.count["una"])
