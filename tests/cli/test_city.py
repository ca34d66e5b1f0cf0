from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from xinqiao.cli.main import build
from xinqiao.kernel.errors import UserError
from xinqiao.source.ingest import ingest_folder
from xinqiao.source.lake import Lake
from xinqiao.source.mapping import load_mapping

WORDS = ["city", "--companies", "150", "--months", "24", "--sources", "REG,CRD"]


def _run(*words: str) -> str:
    result = CliRunner().invoke(build("city"), [*WORDS, *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_region_of_some_sources_is_read_by_the_mapping_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "region"
    assert "生成数据" in _run("--out", str(out))
    names = {path.name for path in (out / "data").iterdir()}
    assert {"registry.csv", "credit.xlsx"} <= names
    assert not any(name.startswith(("sales", "tax", "power")) for name in names)
    report = ingest_folder(out / "data", load_mapping(out / "city.yaml"), Lake(tmp_path / "lake"))
    assert len(report.files) == len(names)
    assert report.quarantined == 0


def test_the_same_words_again_change_nothing_and_other_words_replace_all(tmp_path: Path) -> None:
    out = tmp_path / "region"
    _run("--out", str(out))
    stamp = (out / "data" / "registry.csv").stat().st_mtime_ns
    _run("--out", str(out))
    assert (out / "data" / "registry.csv").stat().st_mtime_ns == stamp
    _run("--out", str(out), "--sources", "ADM")
    assert not (out / "data" / "registry.csv").exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError) as error:
        _run("--out", str(tmp_path))
    assert error.value.code == "RUN-NOT-OURS"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--sources", "REG,XYZ"), "CITY-SOURCES"),
        (("--companies", "1000001"), "CITY-COMPANIES"),
        (("--start", "2023-01-02"), "CITY-START"),
        (("--start", "soon"), "RUN-DATE"),
    ],
)
def test_what_cannot_be_met_is_said(words: tuple[str, ...], code: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        _run("--out", str(tmp_path / "x"), *words)
    assert error.value.code == code
    assert not (tmp_path / "x").exists()


def test_without_a_region_or_a_real_set_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        _run("--out", str(tmp_path / "out"), "--calibrate", str(tmp_path))
    assert error.value.code == "CITY-NO-TABLE"
    assert not (tmp_path / "out").exists()
