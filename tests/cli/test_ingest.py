from __future__ import annotations

from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from tests.source.conftest import HEADER, MAPPING, ROW
from xinqiao.cli.ingest import find_jobs, ingest
from xinqiao.kernel.errors import UserError
from xinqiao.source.mapping import parse_mapping


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    (tmp_path / "m.yaml").write_text(MAPPING, "utf-8")
    (tmp_path / "a.csv").write_text(f"{HEADER}\n{ROW}\n{ROW.replace('有效', ' 有效')}\nE1,[red]\n", "utf-8")
    options = ["--mapping", str(tmp_path / "m.yaml"), "--lake", str(tmp_path / "lake")]
    return ["invoice", str(tmp_path / "a.csv"), *options]


def test_it_prints_what_became_of_the_rows(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    app = Typer()
    app.command()(ingest)
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0
    for words in ("a.csv", "读入 read", "合计 total", "去除首尾空白", "列数与表头不符", "quarantine:"):
        assert words in first.output
    assert "already in the lake" not in first.output
    again = CliRunner().invoke(app, arguments)
    assert "already in the lake" in again.output


def test_a_file_no_entry_wants_is_an_error_naming_the_patterns() -> None:
    mapping = parse_mapping(MAPPING.replace('match: "*"', 'match: "sales*.csv"'), "m")
    with pytest.raises(UserError, match=r"SRC-NO-ENTRY.*sales\*\.csv"):
        find_jobs("invoice", [Path("a.csv")], mapping)
    with pytest.raises(UserError, match="SRC-NO-ENTRY"):
        find_jobs("registry", [Path("sales1.csv")], mapping)


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"CON-UNKNOWN.*invoice"):
        ingest("invoices", [tmp_path / "a.csv"], tmp_path / "m.yaml", tmp_path / "lake")
