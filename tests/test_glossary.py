"""The page of terms names what there is: in the code, and in Wireshark where that can be asked."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.reading import ROOT

PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| term")]


def test_names_in_the_first_column_are_names_in_the_code() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "analyzer").rglob("*.py")))
    names = [name for row in ROWS for name in re.findall(r"`(\w+)`", row[0])]
    assert len(names) > 20
    assert [name for name in names if not re.search(rf"\b{name}\b", sources)] == []


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_fields_of_wireshark_are_fields_of_wireshark() -> None:
    listed = subprocess.run(["tshark", "-G", "fields"], capture_output=True, text=True, check=True).stdout
    form = r"\b(?:tcp|ip|ipv6|icmp|icmpv6|frame)\.[\w.]+"
    fields = {name for row in ROWS if len(row) > 3 for name in re.findall(form, row[2])}
    known = set(listed.split("\t"))
    assert len(fields) > 12
    assert fields - known == set()
