"""The groups of a fleet, analysed here, or by the workers of Dask. Only this file knows `distributed`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from analyzer.errors import PmtuAnalyzeError, UsageError
from analyzer.fleet.crossing import Joint
from analyzer.fleet.cutting import Part, cut, cut_range, whole_file
from analyzer.fleet.joining import Asked, judge_together, list_asked, questions
from analyzer.fleet.judging import Judged, failed, judge
from analyzer.fleet.plan import Group
from analyzer.fleet.sealed import opened, sealed
from analyzer.fleet.spreading import batches, is_spread, ranges_in
from analyzer.points.listed_packets import ListedPackets

if TYPE_CHECKING:
    from distributed import Client

WAITING_TASKS = 4
"""Tasks a thread of a worker that are asked for at a time: of more, what was found would wait in memory."""

TRIES = 2
"""How often what went wrong in a worker, but for the reading of captures, is tried again."""

THREADS_EVERY_S = 1.0
"""Between two questions how many threads workers have."""

WORKERS_WITHIN = "60s"
"""How long a scheduler may have no worker."""


SCHEDULER_WITHIN = "10s"
"""How long a scheduler may take to answer."""


WORKER_BYTES = 4_000_000_000
"""Memory of a worker on this machine, or its share of the machine's where that is less. Dask has it put what it
holds on disk from 60 % of that on, begin nothing new from 80 % on, and ends it and does its part again at 95 %."""


WITHOUT_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
"""What workers on this machine begin with: Ctrl-C, which reaches them too, is for this process, which ends them."""


Tables = Callable[[str], bytes]
"""Hands out what was kept of a group for joining it with others, by its name."""


class _Task(NamedTuple):
    groups: Sequence[Group]
    spread: bool = False
    """The files of its only group are shared among workers."""


def judge_all(groups: Sequence[Group]) -> list[Judged]:
    """Analyse some groups one after the other."""
    return [judge(group) for group in groups]


def _judge_parts(group: Group, counts: Sequence[int], *parts: Part) -> list[Judged]:
    """Analyse a group of parts; of each file there are so many."""
    coming = iter(parts)
    return [judge(group, [whole_file(list(islice(coming, count))) for count in counts])]


def run_here(groups: Sequence[Group]) -> Iterator[list[Judged]]:
    """Analyse groups in this process, one after the other."""
    for batch in batches(groups):
        yield judge_all(batch)


def run_on(client: Client, groups: Sequence[Group]) -> Iterator[list[Judged]]:
    """Analyse groups on the workers of a cluster; they come in the order in which they are done.

    What a worker was doing that is lost is done again by others (Dask's `allowed-failures`); a group on which several
    were lost has failed, and the rest goes on.

    Raises:
        UsageError: there are no workers.
    """
    from distributed import as_completed

    _wait_for_workers(client)
    threads = _Threads(client)
    waiting = _tasks(groups, threads())[::-1]
    asked: dict[Any, _Task] = {}
    done = as_completed()
    try:
        while waiting or asked:
            while waiting and len(asked) < WAITING_TASKS * threads():
                task = waiting.pop()
                future = _asked(client, task)
                asked[future] = task
                done.add(future)
            future = next(done)
            task = asked.pop(future)
            try:
                yield future.result()
            except Exception as error:
                if len(task.groups) == 1:
                    yield [failed(task.groups[0], _why(task.groups[0], error))]
                else:  # one of them may have ended the workers
                    waiting += [_Task([group]) for group in task.groups]
            finally:
                future.release()
    finally:
        if asked:
            client.cancel(list(asked), force=True)


def join_here(joints: Sequence[Joint], tables: Tables) -> Iterator[list[Judged]]:
    """Judge groups together in this process; `tables` hands out what was kept of a group."""
    for joint in joints:
        yield [judge_together(joint, [tables(group.name) for group in joint.of], _list_all)]


def _list_all(asked: Sequence[Asked]) -> list[ListedPackets]:
    return [list_asked(each) for each in asked]


def join_on(client: Client, joints: Sequence[Joint], tables: Tables) -> Iterator[list[Judged]]:
    """As `join_here`, by the workers of a cluster: each group is read by one of them, and another one judges.

    No more sets than workers have threads are in memory here at a time.

    Raises:
        UsageError: there are no workers.
    """
    from distributed import as_completed

    _wait_for_workers(client)
    threads = _Threads(client)
    waiting = list(reversed(joints))
    asked: dict[Any, Joint] = {}
    done = as_completed()
    try:
        while waiting or asked:
            while waiting and len(asked) < threads():
                joint = waiting.pop()
                future = _joined(client, joint, [tables(group.name) for group in joint.of])
                asked[future] = joint
                done.add(future)
            future = next(done)
            joint = asked.pop(future)
            try:
                yield [future.result()]
            except Exception as error:
                yield [failed(joint.group, _why(joint.group, error))]
            finally:
                future.release()
    finally:
        if asked:
            client.cancel(list(asked), force=True)


def _wait_for_workers(client: Client) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKERS_WITHIN)
    except TimeoutError:
        raise UsageError(f"expected workers, found none at the scheduler within {WORKERS_WITHIN}") from None


def _joined(client: Client, joint: Joint, tables: Sequence[bytes]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tables are handed over once, however large
        wanted = _submitted(client, sealed(questions, joint, tables))
        listed = [_submitted(client, sealed(_list_one, number), wanted) for number in range(len(joint.of))]
        return _submitted(client, sealed(_judge_listed, joint, tables), *listed)


def _list_one(number: int, asked: Sequence[Asked]) -> ListedPackets | str | None:
    """What the group of that number is asked for; None if nothing is; why not, if it cannot be read."""
    try:
        return list_asked(asked[number]) if asked else None
    except PmtuAnalyzeError as error:
        return str(error)


def _judge_listed(joint: Joint, tables: Sequence[bytes], *listed: ListedPackets | str | None) -> Judged:
    def lists(_: Sequence[Asked]) -> list[ListedPackets]:
        for each in listed:
            if isinstance(each, str):
                raise PmtuAnalyzeError(each)
        return [each for each in listed if isinstance(each, ListedPackets)]

    return judge_together(joint, tables, lists)


class _Threads:
    """How many tasks the workers of a cluster do at a time. Workers come and go; the scheduler is asked at times."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked_at = 0.0
        self._known = 0

    def __call__(self) -> int:
        """At least 1."""
        now = monotonic()
        if not self._known or now > self._asked_at + THREADS_EVERY_S:
            self._asked_at = now
            self._known = sum(self._client.nthreads().values())
        return max(self._known, 1)


def _tasks(groups: Sequence[Group], threads: int) -> list[_Task]:
    """What to ask for, the largest first."""
    in_all = sum(group.size for group in groups)
    spread = [group for group in groups if is_spread(group, in_all, threads)]
    taken = {group.name for group in spread}
    rest = [group for group in groups if group.name not in taken]
    return [*(_Task([group], spread=True) for group in spread), *map(_Task, batches(rest))]


def _asked(client: Client, task: _Task) -> Any:
    if not task.spread:
        return _submitted(client, sealed(judge_all, task.groups))
    group = task.groups[0]
    how = len(group.members), group.settings.max_decompressed_bytes
    counts, parts = [], []
    for member in group.members:
        ranges = ranges_in(member)
        if ranges:
            parts += [_submitted(client, sealed(cut_range, member, each)) for each in ranges]
        else:
            parts.append(_submitted(client, sealed(cut, member, *how)))
        counts.append(max(len(ranges), 1))
    return _submitted(client, sealed(_judge_parts, group, counts), *parts)


def _submitted(client: Client, call: bytes, *inputs: Any) -> Any:
    """The future of a sealed call; `inputs` are futures of its last arguments."""
    return client.submit(opened, call, *inputs, pure=False, retries=TRIES)


def _why(group: Group, error: Exception) -> str:
    if type(error).__name__ == "KilledWorker":
        return f"{group.name}: several workers were lost while they read it (out of memory?)"
    return f"{group.name}: the worker failed: {type(error).__name__}"


@contextmanager
def local_workers(count: int) -> Iterator[Client]:
    """A client of so many worker processes on this machine, each with one thread and at most `WORKER_BYTES`."""
    distributed = _distributed()
    cluster = distributed.LocalCluster(
        n_workers=count,
        threads_per_worker=1,
        memory_limit=min(WORKER_BYTES, distributed.system.MEMORY_LIMIT // count),
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.ERROR,
        preload=[WITHOUT_CTRL_C],
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@contextmanager
def scheduler_at(address: str) -> Iterator[Client]:
    """A client of the cluster whose scheduler is at an address.

    Raises:
        UsageError: there is none.
    """
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=SCHEDULER_WITHIN)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--scheduler: expected a scheduler at {address}, found none ({type(error).__name__})"
        ) from None
    with client:
        yield client


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise UsageError("expected the package distributed, found none; pip install 'pmtu-analyze[cluster]'") from None
    return distributed
