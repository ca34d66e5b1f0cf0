from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from tests.policy.conftest import SMALL
from tests.policy.test_lookup import PLAIN
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import Policy, TableStep, compile_policy
from xinqiao.policy.workbook import FIRST_ROW, GUIDE, export_tables, sheet_titles
from xinqiao.policy.workbook_import import Changes, import_tables

ROWS = '      - [A, "< 0.5", 0.3]\n      - [A..C, "-", 0.1]\n'


def _policy(rows: str = ROWS, text: str = SMALL) -> Policy:
    assert ROWS in text
    return compile_policy(text.replace(ROWS, rows), "p.yaml")


def _book(policy: Policy, path: Path) -> tuple[openpyxl.Workbook, Worksheet]:
    path.write_bytes(export_tables(policy))
    book = openpyxl.load_workbook(path)
    return book, book[policy.file.tables[0].id]


def _back(book: openpyxl.Workbook, path: Path, policy: Policy) -> tuple[str, Changes]:
    book.save(path)
    text, changes = import_tables(path, policy, "p.yaml")
    return text, changes[0]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "表.xlsx"


def test_a_sheet_holds_the_table_with_its_head(shipped: Policy, path: Path) -> None:
    book, sheet = _book(shipped, path)
    assert book.sheetnames == [GUIDE, "limit_share", "spread"]
    head = [[cell.value for cell in row] for row in sheet.iter_rows(max_row=FIRST_ROW)]
    assert head == [
        ["评级", "开票波动", "额度比例"],
        [
            "信用评级 / credit grade",
            "月开票额变异系数 / variation of monthly sales",
            "额度比例 / limit share",
        ],
        ["grade", "ratio 0.25 = 25%", "ratio 0.25 = 25%"],
        ["条件 condition", "条件 condition", "结果 result"],
        ["R1..R3", "< 0.6", 0.25],
    ]
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:C16"
    [choices] = sheet.data_validations.dataValidation
    assert choices.formula1 == f"'{GUIDE}'!$C$1:$C$11"
    assert [book[GUIDE].cell(i, 3).value for i in (1, 11)] == ["R1", "D"]


def test_the_same_policy_gives_the_same_bytes_without_a_clock(small: Policy) -> None:
    data = export_tables(small)
    assert data == export_tables(small)
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        assert b"2020-01-01T00:00:00Z" in members.read("docProps/core.xml")
        assert {member.date_time[0] for member in members.infolist()} == {1980}


def test_nothing_changed_keeps_every_byte(shipped: Policy, path: Path) -> None:
    path.write_bytes(export_tables(shipped))
    text, changes = import_tables(path, shipped, "p.yaml")
    assert text == shipped.text
    assert changes == (Changes("limit_share", 0, 0, 0), Changes("spread", 0, 0, 0))


def test_only_the_cells_that_changed_are_written(path: Path) -> None:
    rows = '      - [A, "< 0.5",   0.30]   # 甲\n      # 乙\n      - [A..C, "-", 0.1]\n'
    policy = _policy(rows)
    book, sheet = _book(policy, path)
    sheet["B5"] = "< 0.25"
    text, changes = _back(book, path, policy)
    assert text == policy.text.replace('"< 0.5"', '"< 0.25"')
    assert changes == Changes("share", 1, 0, 0)


def test_rows_are_added_removed_and_moved(path: Path) -> None:
    policy = _policy()
    book, sheet = _book(policy, path)
    sheet.delete_rows(5)
    sheet.append(["D", "-", 0])
    sheet.append(["not [A, B]", "0.1..0.2", 1e-05])
    text, changes = _back(book, path, policy)
    rows = '      - [A..C, "-", 0.1]\n      - [D, "-", 0]\n      - ["not [A, B]", "0.1..0.2", 1.0e-05]\n'
    assert text == policy.text.replace(ROWS, rows)
    assert changes == Changes("share", 0, 2, 1)
    assert compile_policy(text, "p.yaml").file.tables[0].rows[2] == ["not [A, B]", "0.1..0.2", 1e-05]


def test_line_ends_and_a_last_line_without_one_stay(path: Path) -> None:
    text = SMALL.replace(ROWS, "")
    head, tail = text[: text.index("tables:")], text[text.index("tables:") : text.index("rules:")]
    rest = text[text.index("rules:") :]
    moved = (head + rest + tail + ROWS).rstrip("\n").replace("\n", "\r\n")
    policy = compile_policy(moved, "p.yaml")
    book, sheet = _book(policy, path)
    sheet.append(["D", "-", 0])
    assert _back(book, path, policy)[0] == moved + '\r\n      - [D, "-", 0]'


@pytest.mark.parametrize(
    "rows",
    [
        '      - - A\n        - "< 0.5"\n        - 0.3\n      - [A..C, "-", 0.1]\n',
        '      -\n        [A, "< 0.5", 0.3]\n      - [A..C,\n         "-", 0.1]\n',
        '      - [A, "< 0.5", 0.3]\n\n      # end\n      - [A..C, "-", 0.1]\n\n',
    ],
)
def test_rows_written_otherwise_are_replaced_too(rows: str, path: Path) -> None:
    policy = _policy(rows)
    book, sheet = _book(policy, path)
    sheet["C5"] = 0.29
    sheet.insert_rows(6)
    for j, value in enumerate(("B", "> 3", 0.2)):
        sheet.cell(6, j + 1, value)
    text, changes = _back(book, path, policy)
    assert changes == Changes("share", 1, 1, 0)
    found = compile_policy(text, "p.yaml").file.tables[0].rows
    assert found == [["A", "< 0.5", 0.29], ["B", "> 3", 0.2], ["A..C", "-", 0.1]]


def test_rows_on_one_line_cannot_be_replaced_and_say_so(path: Path) -> None:
    policy = _policy().text.replace(f"rows:\n{ROWS}", 'rows: [[A, "< 0.5", 0.3], [A..C, "-", 0.1]]\n')
    book, sheet = _book(compile_policy(policy, "p.yaml"), path)
    sheet["C5"] = 0.29
    with pytest.raises(UserError, match="POL-SHEET-TEXT"):
        _back(book, path, compile_policy(policy, "p.yaml"))


@pytest.mark.parametrize(
    ("cell", "value", "code"),
    [
        ("C5", "=0.1+0.2", "POL-SHEET-CELL"),
        ("B6", None, "POL-SHEET-CELL"),
        ("A5", "Z", "POL-GRADE"),
        ("B5", "< much", "POL-ROW"),
        ("C6", "lots", "POL-ROW"),
        ("C6", True, "POL-ROW"),
        ("B6", "0.9..0.1", "POL-ROW"),
    ],
)
def test_a_bad_cell_is_named_by_sheet_and_address(cell: str, value: Any, code: str, path: Path) -> None:  # noqa: ANN401 - cells hold anything
    policy = _policy()
    book, sheet = _book(policy, path)
    sheet[cell] = value
    with pytest.raises(UserError) as caught:
        _back(book, path, policy)
    assert caught.value.code == code
    assert caught.value.where == f"表.xlsx [share] {cell}"


def test_a_workbook_that_is_none_or_lacks_a_sheet_or_column_is_refused(path: Path) -> None:
    policy = _policy()
    path.write_text("not a workbook")
    with pytest.raises(UserError, match="SRC-XLSX"):
        import_tables(path, policy, "p.yaml")
    book, sheet = _book(policy, path)
    sheet["B1"] = "别的"
    with pytest.raises(UserError, match="SRC-HEADER"):
        _back(book, path, policy)
    sheet["B1"] = "波动"
    sheet.title = "other"
    with pytest.raises(UserError, match="SRC-SHEET"):
        _back(book, path, policy)


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_a_head_that_lost_a_row_is_refused_lest_a_rule_be_taken_for_it(line: int, path: Path) -> None:
    policy = _policy()
    book, sheet = _book(policy, path)
    sheet.delete_rows(line)
    with pytest.raises(UserError, match=r"SRC-HEADER|POL-SHEET-CELL"):
        _back(book, path, policy)


def test_an_equality_written_out_is_no_formula(path: Path) -> None:
    policy = _policy('      - [A, "== 0.5", 0.30000000000000004]\n')
    path.write_bytes(export_tables(policy))
    assert import_tables(path, policy, "p.yaml")[0] == policy.text


def test_numbers_are_those_written(path: Path) -> None:
    policy = _policy()
    book, sheet = _book(policy, path)
    sheet["C5"] = 0.1 + 0.2  # what a sheet shows, and means, is 0.3
    sheet["C6"] = "0.1234567890123456"
    text, _ = _back(book, path, policy)
    assert '"< 0.5", 0.3]' in text
    assert '"-", 0.1234567890123456]' in text


def test_sheet_titles_are_short_safe_and_distinct() -> None:
    ids = ["a/b", "a:b", "x" * 40, "x" * 41, GUIDE, "A_B"]
    file = _policy().file
    tables = [file.tables[0].model_copy(update={"id": each}) for each in ids]
    titles = sheet_titles(file.model_copy(update={"tables": tables}))
    assert len({title.casefold() for title in titles} | {GUIDE.casefold()}) == len(ids) + 1
    assert all(len(title) <= 31 and not set(title) & set("[]:*?/\\") for title in titles)


COLUMNS = {
    "评级": PLAIN["grade"].map(str),
    "年销售额": PLAIN["amount"],
    "行业": PLAIN["trade"],
    "日期": PLAIN["day"],
    "列入": PLAIN["listed"],
}
MORE = """\
  行业: {name: {zh: 行业, en: trade}, type: text, source: application.a, if_missing: ignore}
  日期: {name: {zh: 日期, en: day}, type: date, source: application.b, if_missing: ignore}
  列入: {name: {zh: 列入, en: listed}, type: bool, source: application.c, if_missing: ignore}
derive:
"""
ROW = st.tuples(*(st.just("-") | cells for cells in COLUMNS.values()), st.floats(0, 1e6) | st.integers(0, 99))


def _wide(rows: list[tuple[Any, ...]]) -> str:
    text = SMALL.replace("derive:\n", MORE).replace("inputs: [评级, 波动]", f"inputs: [{', '.join(COLUMNS)}]")
    lines = "".join(f"      - {list(row)!r}\n" for row in rows)
    return text.replace(ROWS, lines.replace("True", "true").replace("False", "false"))


@given(old=st.lists(ROW, min_size=1, max_size=5), new=st.lists(ROW, min_size=1, max_size=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tables_come_back_and_only_what_changed_is_written(
    old: list[tuple[Any, ...]], new: list[tuple[Any, ...]], path: Path
) -> None:
    policy, other = (compile_policy(_wide(rows), "p.yaml") for rows in (old, new))
    path.write_bytes(export_tables(policy))
    assert import_tables(path, policy, "p.yaml")[0] == policy.text
    path.write_bytes(export_tables(other))
    text, _ = import_tables(path, policy, "p.yaml")
    found = compile_policy(text, "p.yaml")
    assert _tables(found) == _tables(other)


def _tables(policy: Policy) -> list[Any]:
    return [step.rows for step in policy.steps if isinstance(step, TableStep)]
