"""`analyze` of a fleet, and the `Fleet` that it returns."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.api.pipeline import check_platforms
from analyzer.fleet.answer import Answer, FleetFinding, answer_of, finding_ids
from analyzer.fleet.crossing import Joint, crossings, datagram_crossings, joints, merged
from analyzer.fleet.day_tables import check_pyarrow, write_findings
from analyzer.fleet.fleet_sources import in_all
from analyzer.fleet.keeping import Kept
from analyzer.fleet.plan import Group, grouped
from analyzer.fleet.running import join_here, join_on, run_here, run_on
from analyzer.model.verdicts import SIZE_PROBLEMS
from analyzer.settings import Settings
from analyzer.tables.columns import FINDINGS

if TYPE_CHECKING:
    from distributed import Client

Progress = Callable[[int, int, int, int], None]
"""Called with captures done, captures in all, bytes of them done, bytes in all: those of a run before count.

For the first time when workers are there, and then whenever some captures are done."""


@dataclass(frozen=True)
class Fleet:
    """The result of many captures. Flows are in the Parquet files of `folder`."""

    answer: Answer
    folder: Path | None
    interrupted: bool = False

    @property
    def findings(self) -> tuple[FleetFinding, ...]:
        """What is wrong, over all captures, the gravest first."""
        return self.answer.findings

    def __repr__(self) -> str:
        from analyzer.fleet.terminal import lines_of

        return "\n".join(lines_of(self.answer))

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"


def analyze(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    client: Client | None = None,
    output: str | os.PathLike[str] | None = None,
    group_by: str | None = None,
    each: bool = False,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Fleet:
    """Analyse many captures, and say what they show together.

    Args:
        sources: files, folders, patterns (`*`, `**`), and what fsspec reads: `s3://`, `gs://`, `https://` (single
            files). Credentials and endpoints come from the environment, here and on the workers.
        client: of the Dask cluster whose workers are to do it; None: this process.
        output: the folder of results (see `keeping`). What is finished there already is not done again. Without one,
            nothing is written, neither flows nor the JSON of captures are kept, and groups that saw the same flows are
            not joined.
        group_by: a regular expression that finds the capture point in the path of a file below its source. Without it
            the files of a folder are one capture.
        each: every file is a capture of its own.
        settings: as for `analyzer.analyze`.
        progress: called when work begins, and whenever some captures are done.

    Raises:
        CaptureError: a source names no file, or cannot be listed. A capture that cannot be read is told in the answer.
        UsageError: something cannot be carried out, or a package is missing.
    """
    named = [sources] if isinstance(sources, (str, os.PathLike)) else sources
    plan = planned([os.fspath(each) for each in named], group_by=group_by, each=each, settings=settings or Settings())
    kept = Kept(Path(output)) if output is not None else None
    return run(plan, kept, nullcontext(client), progress)


def planned(sources: Sequence[str], *, group_by: str | None, each: bool, settings: Settings) -> list[Group]:
    """The groups that sources name. Args and errors are those of `analyze`."""
    check_platforms(settings.platforms)
    check_pyarrow()
    return grouped(in_all(sources), pattern=group_by, each=each, settings=settings)


def run(
    plan: Sequence[Group],
    kept: Kept | None,
    workers: AbstractContextManager[Client | None],
    progress: Progress | None = None,
) -> Fleet:
    """Do what is left of a plan. Ctrl-C ends that; what is done until then is kept and told.

    `workers` hands out a client of those that are to do it, or None for this process; where nothing is left, it is not
    entered.
    """
    summaries: dict[str, dict[str, Any]] = {}
    together: dict[str, dict[str, Any]] = {}
    interrupted = False
    try:
        with _Workers(workers) as at_work:
            _do(plan, summaries, kept, lambda left: _judged(left, at_work.client()), progress)
            if kept is not None and len(plan) > 1:
                of_flows = crossings(kept.flows) if _any_limited(summaries.values()) else []
                found = joints(merged(of_flows, datagram_crossings(summaries.values())), plan)
                if found or (kept.folder / "joined").exists():
                    groups = [joint.group for joint in found]
                    apart = Kept(kept.folder / "joined")
                    _do(groups, together, apart, lambda left: _joined(found, left, kept, at_work.client()))
    except KeyboardInterrupt:
        interrupted = True
    answer = answer_of(summaries.values(), len(plan) - len(summaries), joined=together.values(), plan=plan)
    if kept is not None:
        _write(answer, kept)
    return Fleet(answer, kept.folder if kept is not None else None, interrupted)


def _any_limited(summaries: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a flow is limited by size: of others no captures are joined, and all flows need not be read for that."""
    return any(not SIZE_PROBLEMS.isdisjoint(each.get("verdicts", ())) for each in summaries)


class _Workers:
    """Who does the work; they are asked for when there is some."""

    def __init__(self, workers: AbstractContextManager[Client | None]) -> None:
        self._workers = workers
        self._stack = ExitStack()
        self._asked = False
        self._client: Client | None = None

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def client(self) -> Client | None:
        if not self._asked:
            self._asked = True
            self._client = self._stack.enter_context(self._workers)
        return self._client


def _do(
    plan: Sequence[Group],
    summaries: dict[str, dict[str, Any]],
    kept: Kept | None,
    judged_of: Callable[[Sequence[Group]], Any],
    progress: Progress | None = None,
) -> None:
    """Fill in the summaries of groups: those that stand, and then the others, as `judged_of` hands them out."""
    if kept is not None:
        summaries |= kept.finished(plan)
    left = [group for group in plan if group.name not in summaries]
    if not left:
        return
    sizes = {group.name: group.size for group in plan}
    done_bytes = sum(sizes[name] for name in summaries)
    with closing(judged_of(left)) as coming:
        if progress is not None:
            progress(len(summaries), len(plan), done_bytes, sum(sizes.values()))
        for batch in coming:
            if kept is not None:
                kept.add(batch)
            for judged in batch:
                summaries[judged.name] = judged.summary
                done_bytes += sizes[judged.name]
            if progress is not None:
                progress(len(summaries), len(plan), done_bytes, sum(sizes.values()))


def _judged(groups: Sequence[Group], client: Client | None) -> Any:
    return run_here(groups) if client is None else run_on(client, groups)


def _joined(found: Sequence[Joint], groups: Sequence[Group], kept: Kept, client: Client | None) -> Any:
    """Those of the joints that are left."""
    left = [joint for joint in found if joint.group in groups]

    def tables(name: str) -> bytes:
        return kept.tables_of(name).read_bytes()

    return join_here(left, tables) if client is None else join_on(client, left, tables)


def _write(answer: Answer, kept: Kept) -> None:
    from analyzer.fleet.fleet_page import page_bytes

    write_findings(list(_finding_rows(answer)), kept.folder / "findings.parquet")
    kept.replace("index.html", page_bytes(answer))


def _finding_rows(answer: Answer) -> Iterator[list[Any]]:
    ids = finding_ids(answer.findings)
    for each in answer.groups:
        for row in each["findings"]:
            example = row[_EXAMPLE]
            yield [each["name"], ids.get((each["name"], example)), *row]


_EXAMPLE = [column.name for column in FINDINGS].index("example")
