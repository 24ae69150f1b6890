"""Reports of very many files: readable, and made without looking at all of them for each."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

import analyzer
from analyzer.api.views import Evidence
from analyzer.cli.main import main
from analyzer.model.text import file_labels, names_of
from analyzer.report import reasons
from tests.many_files import FILES, captures_of_hosts, written
from tests.reading import ROOT

SAMPLE = ROOT / "sample_pcaps" / "tunnel_blackhole_at_server.pcap"


def test_very_many_damaged_files_are_not_told_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "hosts", captures_of_hosts(), lambda data: data[:-1])
    assert main([str(folder)]) == 0
    told = capsys.readouterr()
    assert told.err.count(" is cut off ") == 20
    assert "20 more files could not be read to their ends" in told.err
    assert told.out.count(" is cut off ") <= 20
    assert "20 more files: damaged, and analysed up to there." in " ".join(told.out.split())


@pytest.fixture
def many(tmp_path: Path) -> analyzer.Analysis:
    return analyzer.analyze(written(tmp_path / "hosts", captures_of_hosts()))


def test_names_of_files_are_made_once_and_in_one_go(many: analyzer.Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twenty thousand files, asking of each name how often it occurs took ten seconds."""
    names = [f"{number % 7}/{number % 11}" for number in range(200)] + ["a/x", "b/y", "b/y"]
    assert names_of(names)[200:] == ("x", "b/y", "b/y (2)")
    assert len(set(names_of(names))) == len(names)
    labels = Mock(wraps=file_labels)
    monkeypatch.setattr(reasons, "file_labels", labels)
    assert len(list(reasons.why_not_lines(many, "blackhole"))) == FILES
    assert labels.call_count == 1

    class Name(str):
        """Tells how often it is compared."""

        __slots__ = ()
        compared = 0

        def __eq__(self, other: object) -> bool:
            Name.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    monkeypatch.setattr("analyzer.model.text.PurePath", lambda path: SimpleNamespace(name=Name(path)))
    names_of([str(number) for number in range(500)])
    assert Name.compared < 5 * 500


def test_a_flow_holds_no_list_of_all_files(many: analyzer.Analysis) -> None:
    evidence = many.flow(3).evidence
    assert isinstance(evidence, Evidence)
    assert len(evidence.files) == FILES
    assert evidence.files[0] is many.files[0].path
    assert not [value for value in vars(evidence).values() if value is not many.files]


def test_a_comparison_names_a_few_of_many_files(many: analyzer.Analysis, tmp_path: Path) -> None:
    compared = analyzer.compare(SAMPLE, many)
    compared.save(tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "007.pcap and 32 more files" in text
    assert "008.pcap" not in text
