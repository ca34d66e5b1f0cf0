from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.command import call
from xinqiao.enterprise.uscc import make_uscc

CODE = make_uscc("91", "330106", "MA2ABCDE")
REGISTER = f"""编号,统一社会信用代码,企业名称,曾用名,住所
F1,{CODE},杭州华兴科技有限公司,杭州新叶电子有限公司；杭州老叶电子有限公司,浙江省杭州市西湖区文三路391号101室
F2,,宁波天和食品有限公司,,
F3,,三列
"""
RECORDS = f"""record_id,uscc,company,address
R1,,杭州华兴科技（有限公司）,
R2,{CODE.lower()},华兴科技,杭州西湖区文三路三百九十一号101室
R3,,杭州老叶电子有限公司,西湖区文三路391号101室
R4,,深圳大疆土建筑有限公司,
R5,,bad
,,宁波天和食品有限公司,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "register.csv").write_text(REGISTER, "gb18030")
    (tmp_path / "records.csv").write_text(RECORDS, "utf-8-sig")
    return tmp_path


def test_every_record_has_its_outcome(folder: Path) -> None:
    words = [
        "--register",
        folder / "register.csv",
        "--records",
        folder / "records.csv",
        "--out",
        folder / "out.csv",
    ]
    told = call("resolve", *words)
    assert told.code == 0, told.err
    rows = list(csv.DictReader((folder / "out.csv").read_text("utf-8").splitlines()))
    assert [row["record_id"] for row in rows] == ["R1", "R2", "R3", "R4", "", "7"]
    assert [row["line"] for row in rows] == ["2", "3", "4", "5", "6", "7"]
    assert [row["outcome"] for row in rows] == ["review", "same", "same", "different", "", "same"]
    assert [row["firm_id"] for row in rows] == ["F1", "F1", "F1", "", "", "F2"]
    assert "代码相同且有效 / the same valid code" in rows[1]["evidence"]
    assert "R5,,bad" in rows[4]["evidence"]
    assert "同一企业 same: 3" in told.out
    assert "register.csv: 2 行 rows, 有误 bad 1" in told.out
    again = call("resolve", *words[:-1], folder / "again.csv")
    assert again.code == 0
    assert (folder / "again.csv").read_bytes() == (folder / "out.csv").read_bytes()


def test_a_table_without_names_is_refused(folder: Path) -> None:
    (folder / "records.csv").write_text("id,address\n1,x\n", "utf-8")
    words = [
        "--register",
        folder / "register.csv",
        "--records",
        folder / "records.csv",
        "--out",
        folder / "out.csv",
    ]
    told = call("resolve", *words)
    assert told.code == 2
    assert "ENT-HEADING  records.csv" in told.err
    assert not (folder / "out.csv").exists()
