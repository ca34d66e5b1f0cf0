from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.command import call


def test_one_object_on_standard_output() -> None:
    told = call("size", "--industry", "C1311", "--staff", "300", "--revenue", "2000", "--json")
    assert told.code == 0
    answer = json.loads(told.out)
    assert answer["size"] == "medium"
    assert set(answer) == {"size", "reason"}
    assert "从业人员 300 人（中型）" in answer["reason"]
    assert "staff 300 persons (medium)" in answer["reason"]


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["7010", "--revenue", "200000", "--assets", "10000"], "large"),
        (["13", "--staff", "299.99", "--revenue", "1e5"], "small"),
        (["5211", "--staff", "9"], "micro"),
        (["5211", "--staff", "10"], "UNKNOWN"),
        (["70", "--staff", "1", "--revenue", "1", "--assets", "1"], "UNKNOWN"),
        (["J"], "NOT_APPLICABLE"),
    ],
    ids=lambda v: v if isinstance(v, str) else v[0],
)
def test_every_answer(words: list[str], size: str) -> None:
    assert json.loads(call("size", "--industry", *words, "--json").out)["size"] == size


def test_people_read_both_languages() -> None:
    told = call("size", "--industry", "L72", "--staff", "50", "--assets", "8000")
    assert told.code == 0
    assert "小型 small" in told.out
    assert "按租赁和商务服务业" in told.out
    assert "as leasing and business services" in told.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--industry", "C", "--staff", "-1"], "ENT-RANGE"),
        (["--industry", "C", "--revenue", "nan"], "ENT-NUMBER"),
        (["--industry", "C", "--assets", "inf"], "ENT-NUMBER"),
        (["--industry", "C", "--assets", "1e300"], "ENT-RANGE"),
        (["--industry", "9999"], "ENT-INDUSTRY"),
        (["--staff", "5"], "ENT-SIZE-OPTION"),
        (["--csv", "x.csv"], "ENT-SIZE-OPTION"),
        (["--csv", "x.csv", "--out", "y.csv", "--staff", "5"], "ENT-SIZE-OPTION"),
    ],
    ids=" ".join,
)
def test_faults_are_told_and_nothing_else_is_printed(words: list[str], code: str) -> None:
    told = call("size", *words, "--json")
    assert told.code == 2
    assert told.out == ""
    assert code in told.err


TABLE = """编号,行业代码,从业人员,营业收入（元）,备注
1,C1311,300,"20,000,000",甲
2,5111,,9999999,乙
3,XX,5,5,丙
4,5111,-5,1,丁
5,5111,1
6,,5,5,戊
7,J66,,,己
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_keeps_every_row(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "in.csv").write_text(TABLE, encoding)
    told = call("size", "--csv", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    assert told.code == 0, told.err
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines()))
    assert [row["size"] for row in rows] == ["medium", "micro", "", "", "", "UNKNOWN", "NOT_APPLICABLE"]
    assert [row["编号"] for row in rows] == ["1", "2", "3", "4", "", "6", "7"]
    assert [row["备注"] for row in rows] == ["甲", "乙", "丙", "丁", "", "戊", "己"]
    assert "ENT-INDUSTRY" in rows[2]["reason"]
    assert "ENT-RANGE" in rows[3]["reason"]
    assert "5,5111,1" in rows[4]["reason"]
    assert "第 4 行 line 4" in told.out
    assert "第 6 行 line 6" in told.out
    assert "bad rows: 3" in told.out


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("industry,revenue（美元）", "ENT-HEADING-UNIT"),
        ("industry,revenue,营业收入", "ENT-HEADING-TWICE"),
        ("code,revenue", "ENT-HEADING"),
        ("industry,size", "ENT-COLUMN-TAKEN"),
    ],
)
def test_headings_that_cannot_be_read(tmp_path: Path, header: str, code: str) -> None:
    (tmp_path / "in.csv").write_text(f"{header}\n{','.join('1' * (header.count(',') + 1))}\n", "utf-8")
    told = call("size", "--csv", tmp_path / "in.csv", "--out", tmp_path / "out.csv")
    assert told.code == 2
    assert f"{code}  in.csv" in told.err
    assert not (tmp_path / "out.csv").exists()


def test_no_column_gives_way_to_our_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("industry,_line\n51,7\n", encoding="utf-8")
    told = call("size", "--csv", tmp_path / "a.csv", "--out", tmp_path / "o.csv")
    assert (told.code, "ENT-COLUMN-TAKEN" in told.err) == (2, True)
    assert not (tmp_path / "o.csv").exists()


def test_an_empty_table_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("industry,staff\n", "utf-8")
    assert call("size", "--csv", tmp_path / "in.csv", "--out", tmp_path / "out.csv").code == 0
    assert (tmp_path / "out.csv").read_text("utf-8") == "industry,staff,size,reason\n"
