import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.scoring.test_card import CARD
from xinqiao.scoring.card import Card
from xinqiao.scoring.model import Model
from xinqiao.scoring.rating import master_scale


def export(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("xinqiao")), "card", "export", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def card_file(tmp_path: Path) -> Path:
    path = tmp_path / "card.json"
    path.write_bytes(CARD.to_json())
    return path


def test_sql_runs_where_the_data_are(card_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "card.sql"
    told = export("--card", card_file, "--to", "sql-duckdb", "--table", "firms", "--out", out)
    assert told.returncode == 0, told.stderr
    assert "1 个变量" in told.stdout
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE firms AS SELECT * FROM (VALUES (2.5), (3.0), (NULL)) t(v)")
        found = connection.execute(out.read_text("utf-8")).fetchall()
    assert [r[1] for r in found] == [CARD.score_one({"v": v}) for v in (2.5, 3.0, None)]


def test_python_is_printed_and_runs_without_us(card_file: Path, tmp_path: Path) -> None:
    told = export("--card", card_file, "--to", "python")
    assert told.returncode == 0, told.stderr
    (tmp_path / "exported.py").write_text(told.stdout, "utf-8")
    code = "import exported; print(exported.score({'v': 3}))"
    again = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert float(again.stdout) == CARD.score_one({"v": 3})


@pytest.mark.parametrize("target", ["json", "pmml", "sql-postgres"])
def test_the_card_of_a_runs_model_is_found(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    (folder / "model.json").write_bytes(Model(card=CARD, scale=master_scale()).to_json())
    told = export("--run", tmp_path / "run", "--to", target)
    assert told.returncode == 0, told.stderr
    if target == "json":
        assert Card.from_json(told.stdout) == CARD
    assert CARD.names[0] in told.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--to", "json"], "SCR-OPTION"),
        (["--to", "json", "--card", "a", "--run", "b"], "SCR-OPTION"),
        (["--to", "json", "--card", "nowhere.json"], "SCR-CARD-FORMAT"),
        (["--to", "json", "--run", "nowhere"], "SCR-CARD-FORMAT"),
    ],
)
def test_what_cannot_be_read_is_said(words: list[str], code: str) -> None:
    told = export(*words)
    assert told.returncode == 2
    assert code in told.stderr
