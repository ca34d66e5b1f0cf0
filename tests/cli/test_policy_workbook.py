from __future__ import annotations

from pathlib import Path

import openpyxl

from tests.cli.command import call
from tests.policy.conftest import SMALL


def test_tables_go_out_and_come_back(tmp_path: Path) -> None:
    policy, book, new = tmp_path / "政策.yaml", tmp_path / "sub" / "表.xlsx", tmp_path / "新.yaml"
    policy.write_text(SMALL, "utf-8")
    told = call("policy", "export", policy, "--out", book)
    assert (told.code, "1 张表，2 行 / 1 tables, 2 rows" in told.out) == (0, True)
    edited = openpyxl.load_workbook(book)
    edited["share"]["C6"] = 0.2
    edited.save(book)
    told = call("policy", "import", book, "--policy", policy, "--out", new)
    assert told.code == 0
    assert "share：改 1 行，增 0 行，删 0 行 / 1 rows changed, 0 added, 0 removed" in told.out
    assert new.read_text("utf-8") == SMALL.replace('"-", 0.1]', '"-", 0.2]')
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_policy_that_came_back_unchanged_is_the_same_file(tmp_path: Path) -> None:
    book, new = tmp_path / "t.xlsx", tmp_path / "new.yaml"
    policy = tmp_path / "政策.yaml"
    policy.write_bytes("\ufeff".encode() + SMALL.replace("\n", "\r\n").encode())
    assert call("policy", "export", policy, "--out", book).code == 0
    assert call("policy", "import", book, "--policy", policy, "--out", new).code == 0
    assert new.read_bytes() == policy.read_bytes()


def test_a_place_that_cannot_be_written_is_a_user_error(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("x")
    told = call("policy", "export", "small_firm_credit", "--out", blocker / "t.xlsx")
    assert told.code == 2
    assert "FILE-WRITE" in told.err


def test_a_fault_names_sheet_and_cell(tmp_path: Path) -> None:
    book = tmp_path / "t.xlsx"
    assert call("policy", "export", "small_firm_credit", "--out", book).code == 0
    edited = openpyxl.load_workbook(book)
    edited["spread"]["B7"] = "=B6"
    edited.save(book)
    told = call("policy", "import", book, "--policy", "small_firm_credit", "--out", tmp_path / "n.yaml")
    assert told.code == 2
    assert "t.xlsx [spread] B7" in told.err
    assert not (tmp_path / "n.yaml").exists()
