"""The folder of results: what is written as soon as it is there, and what stands from a run before.

    DIR/index.html                          the fleet's answer
    DIR/groups/NAME.json                    of each group what `pmtu-analyze --json` prints
    DIR/flows/day=YYYY-MM-DD/*.parquet      all flows, by the day (UTC) of their first packet
    DIR/findings.parquet                    the findings of all groups
    DIR/tables/NAME.zst                     of each group what joining it with others needs: `kept_tables`
    DIR/joined/                             the same of groups that saw the same flows, analysed together
    DIR/finished.jsonl                      a line for each batch of groups that is done, and all that is needed of them

A batch is there as a whole or not at all: its line is written last.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from analyzer.errors import UsageError
from analyzer.fleet.day_tables import concatenated, write_days
from analyzer.fleet.judging import Judged
from analyzer.fleet.plan import Group

FINISHED = "finished.jsonl"


class Kept:
    """The folder of results of a fleet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            for each in (self.groups, self.flows):
                each.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{folder}: cannot be a folder of results: {(error.strerror or str(error)).lower()}"
            ) from None

    @property
    def groups(self) -> Path:
        """The folder of JSON files."""
        return self.folder / "groups"

    @property
    def flows(self) -> Path:
        """The folder of Parquet files of flows."""
        return self.folder / "flows"

    @property
    def tables(self) -> Path:
        """The folder of what joining needs."""
        return self.folder / "tables"

    def finished(self, plan: Sequence[Group]) -> dict[str, dict[str, Any]]:
        """What stands of a run before, by the names of groups: what fits the plan. All else of it is taken away."""
        wanted = {group.name: group.fingerprint for group in plan}
        if not (self.folder / FINISHED).is_file():  # nothing in here is known to be ours
            self._rewrite([])
            return {}
        stand = [batch for batch in self._batches() if self._stands(batch, wanted)]
        self._remove_all_but(stand)
        self._rewrite(stand)
        return {summary["name"]: summary for batch in stand for summary in batch["groups"]}

    def _batches(self) -> Iterator[dict[str, Any]]:
        for line in (self.folder / FINISHED).read_text(encoding="utf-8").splitlines():
            try:
                batch = json.loads(line)
            except ValueError:  # the last line of a run that was killed
                continue
            if not isinstance(batch, dict) or "tables" not in batch:
                continue  # it was another version
            if all("hosts" in each for each in batch["groups"]):
                yield batch

    def _stands(self, batch: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
        files = [self.flows / name for name in batch["flows"]]
        files += [self._json(summary["name"]) for summary in batch["groups"]]
        files += [self.tables_of(name) for name in batch["tables"]]
        return all(wanted.get(each["name"]) == each["fingerprint"] for each in batch["groups"]) and all(
            file.is_file() for file in files
        )

    def _remove_all_but(self, batches: Iterable[Mapping[str, Any]]) -> None:
        """Take away what other groups or versions left, and what a run that was killed had begun."""
        stand = set()
        for batch in batches:
            stand |= {self.flows / name for name in batch["flows"]}
            stand |= {self._json(summary["name"]) for summary in batch["groups"]}
            stand |= {self.tables_of(name) for name in batch["tables"]}
        for file in [
            *self.groups.glob("*.json"),
            *self.flows.glob("day=*/*.parquet"),
            *self.tables.glob("*.zst"),
            *self.folder.rglob("*.unfinished"),
        ]:
            if file not in stand:
                file.unlink(missing_ok=True)

    def _rewrite(self, batches: Iterable[Mapping[str, Any]]) -> None:
        self.replace(FINISHED, "".join(f"{json.dumps(batch)}\n" for batch in batches).encode())

    def _json(self, name: str) -> Path:
        return self.groups / f"{name}.json"

    def tables_of(self, name: str) -> Path:
        """What joining needs of a group."""
        return self.tables / f"{name}.zst"

    def replace(self, name: str, data: bytes) -> None:
        """Write a file of the folder, which is there as a whole or not at all."""
        unfinished = self.folder / f"{name}.unfinished"
        unfinished.write_bytes(data)
        unfinished.replace(self.folder / name)

    def add(self, batch: Sequence[Judged]) -> None:
        """Keep what was found in some groups; of those that could not be read there is nothing to keep.

        Raises:
            OSError: it cannot be written.
        """
        import zstandard

        read = [each for each in batch if each.summary["error"] is None]
        if not read:
            return
        for each in read:
            path = self._json(each.name)
            unfinished = path.with_suffix(".unfinished")
            with unfinished.open("wb") as file:
                zstandard.ZstdDecompressor().copy_stream(io.BytesIO(each.json), file)
            unfinished.replace(path)
            if each.tables:
                self.tables.mkdir(exist_ok=True)
                self.replace(f"tables/{each.name}.zst", each.tables)
        table = concatenated([each.flows for each in read if each.flows is not None])
        name = hashlib.sha256("\n".join(each.fingerprint for each in read).encode()).hexdigest()[:16]
        flows = write_days(table, self.flows, name) if table is not None else []
        tables = [each.name for each in read if each.tables]
        line = {"flows": flows, "tables": tables, "groups": [each.summary for each in read]}
        with (self.folder / FINISHED).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")
            file.flush()
            os.fsync(file.fileno())
