"""docs/glossary.md: its names are in the code, and its fields are Wireshark's."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple

import pytest

from tests.reading import ROOT

HEAD = "| term | meaning | Wireshark | Zeek | RFC |"
FIELD = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
TEST = rf"{FIELD.pattern}( == \d+)?"
FILTER = re.compile(rf"{TEST}( and {TEST})*")
RFC = re.compile(r"(near: )?RFC \d{3,4}( \d+(\.\d+)*)?( \([^()|]+\))?")
ZEEK = re.compile(r"[A-Za-z]\w*(\.\w+)?|\^")


class Entry(NamedTuple):
    """A row of a table."""

    group: str
    term: str
    meaning: str
    wireshark: str
    zeek: str
    rfc: str


def entries() -> list[Entry]:
    """All rows of the page."""
    found = []
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for part in text.split("\n## ")[1:]:
        group, *lines = part.splitlines()
        rows = [line for line in lines if line.startswith("|")]
        assert rows[0] == HEAD
        for row in rows[2:]:
            cells = row.strip("|").split("|")
            assert len(cells) == 5, row
            found.append(Entry(group, *(cell.strip() for cell in cells)))
    return found


ENTRIES = entries()


def names_in(cell: str) -> list[str]:
    """What a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def filters() -> list[str]:
    """All display filters on the page."""
    return [name for entry in ENTRIES for name in names_in(entry.wireshark)]


def fields() -> set[str]:
    """All fields in them."""
    return {match[0] for text in filters() for match in FIELD.finditer(text)}


def test_every_cell_is_filled_and_every_term_is_there_once() -> None:
    assert all(all(entry) for entry in ENTRIES)
    terms = [entry.term for entry in ENTRIES]
    assert len(set(terms)) == len(terms)
    names = [name for entry in ENTRIES for name in names_in(entry.term)]
    assert len(set(names)) == len(names)


def test_terms_are_in_order() -> None:
    for group in {entry.group for entry in ENTRIES}:
        terms = [entry.term.split(",")[0].casefold() for entry in ENTRIES if entry.group == group]
        assert terms == sorted(terms), group


def test_names_of_the_code_are_in_the_code() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "analyzer").rglob("*.py")))
    used = set(re.findall(r"\w+", code))
    wanted = [(name, entry.term) for entry in ENTRIES for name in names_in(entry.term)]
    assert wanted
    assert [pair for pair in wanted if pair[0] not in used] == []


def test_filters_fields_and_references_have_the_right_form() -> None:
    assert [text for text in filters() if not FILTER.fullmatch(text)] == []
    for entry in ENTRIES:
        assert [name for name in names_in(entry.zeek) if not ZEEK.fullmatch(name)] == [], entry
        assert entry.rfc == "-" or all(RFC.fullmatch(each) for each in re.split(r", (?=RFC)", entry.rfc)), entry


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_wireshark_knows_every_field() -> None:
    listed = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    known = {line.split("\t")[2] for line in listed.splitlines() if line.startswith("F\t")}
    assert sorted(fields() - known) == []
