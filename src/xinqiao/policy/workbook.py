"""Decision tables as a workbook (XLSX), the way business people keep them: one sheet a table.

::

    row 1   评级             开票波动          额度比例        names as the policy has them; frozen, filtered
    row 2   信用评级 / ...                                    names in words
    row 3   grade            ratio            ratio           type and unit
    row 4   条件 condition   条件 condition   结果 result     where the import knows the head's end by
    row 5   R1..R3           < 0.6            0.25            the rows, as docs/policy.md writes cells

The same policy gives the same bytes: nothing in the file tells when it was written.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, time

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.cell import MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

from xinqiao.kernel.text import Text
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import MAX_ROWS, Cell, Derive, Input, Output, PolicyFile, Table
from xinqiao.policy.kinds import Base

FIRST_ROW = 5
PARTS_ROW = FIRST_ROW - 1
GUIDE = "说明 Guide"

_TITLE_CHARS = 31
_EXACT_DIGITS = 15
"""Decimal digits that spreadsheets keep and show of any number."""

_WIDTHS = (12, 40)
_MEASURED_ROWS = 200
_HEAD = PatternFill("solid", fgColor="DDE7F0")
_NOTE = Font(color="666666", italic=True)
_SAME_DAY = (1980, 1, 1, 0, 0, 0)

_WORDS = (
    Text(
        zh="每张表一页，第 1–4 行是表头，请勿改动；从第 5 行起每行一条规则，可增、删、改、移动。",
        en="One sheet a table. Rows 1 to 4 are its head, leave them; from row 5 on each row is a rule.",
    ),
    Text(
        zh="条件写法：- 任意；0.5 或 R3 等于；>= 0.8 比较；0.2..0.5 含两端；[0.2..0.5) 圆括号一端不含；"
        "R1..R4 评级区间；[甲, 乙] 其中之一；not 放在前面表示不满足。",
        en="Conditions: - anything; 0.5 or R3 equals; >= 0.8 compares; 0.2..0.5 with both ends; [0.2..0.5) "
        "without the round end; R1..R4 a span of grades; [A, B] one of; not in front of one negates it.",
    ),
    Text(
        zh="不可留空格子，任意写 -；不可用公式；比率写 0.25，不写 25；日期写 2020-12-31。",
        en="No empty cell, write - for any; no formulas; a ratio is 0.25, not 25; a date is 2020-12-31.",
    ),
    Text(
        zh="改好后：xinqiao policy import 本文件 --policy 旧政策 --out 新政策，再 policy check 新政策。",
        en="Then: xinqiao policy import THIS --policy OLD --out NEW, and xinqiao policy check NEW.",
    ),
)


def sheet_titles(file: PolicyFile) -> list[str]:
    """The title of each table's sheet: its id, as far as sheets may be called so, each once."""
    titles: list[str] = [GUIDE]
    for table in file.tables:
        plain = re.sub(r"[\[\]:*?/\\']", "_", table.id)[:_TITLE_CHARS].strip() or "_"
        title, number = plain, 1
        while title.casefold() in {each.casefold() for each in titles}:
            number += 1
            title = f"{plain[: _TITLE_CHARS - len(f'~{number}')]}~{number}"
        titles.append(title)
    return titles[1:]


def parts(table: Table) -> list[str]:
    """What the last row of the head says of each column: condition or result."""
    return ["条件 condition"] * len(table.inputs) + ["结果 result"] * len(table.outputs)


def export_tables(policy: Policy) -> bytes:
    """The decision tables of ``policy`` as the bytes of an XLSX file."""
    book = Workbook()
    guide = book.active
    if not isinstance(guide, Worksheet):
        raise TypeError(guide)  # a new workbook has one sheet
    _guide(guide, policy)
    for title, table in zip(sheet_titles(policy.file), policy.file.tables, strict=True):
        _sheet(book.create_sheet(title), policy, table)
    return _saved(book, datetime.combine(policy.file.effective.from_, time()))


def _guide(sheet: Worksheet, policy: Policy) -> None:
    """What the workbook is, how cells are written, and the lists that cells choose from."""
    sheet.title = GUIDE
    file = policy.file
    pairs = zip(sheet_titles(file), file.tables, strict=True)
    tables = [f"{title}：{table.name}（hit: {table.hit}）" for title, table in pairs]
    words = [word for text in _WORDS for word in (text.zh, text.en)]
    for line in (f"{file.name}  {file.id} {file.version}", *words, *tables):
        sheet.append([line])
        _as_text(sheet.cell(sheet.max_row, 1))
        sheet.cell(sheet.max_row, 1).alignment = Alignment(wrap_text=True, vertical="top")
    sheet["A1"].font = Font(bold=True)
    sheet.column_dimensions["A"].width = 100
    for i, grade in enumerate(file.grades):
        _as_text(sheet.cell(i + 1, 3, grade))


def _sheet(sheet: Worksheet, policy: Policy, table: Table) -> None:
    names = [*table.inputs, *table.outputs]
    items = [policy.items[name] for name in names]
    sheet.append(names)
    sheet.append([str(item.name) for item in items])
    sheet.append([_type(item) for item in items])
    sheet.append(parts(table))
    for row in table.rows:
        sheet.append([_value(cell, policy.kinds[name].base) for name, cell in zip(names, row, strict=True)])
    for column in sheet.iter_cols():
        for cell in column:
            _as_text(cell)
    for line in range(1, FIRST_ROW):
        for cell in sheet[line]:
            cell.fill = _HEAD
            cell.font = Font(bold=True) if line == 1 else _NOTE
    last = get_column_letter(len(names))
    sheet.freeze_panes = f"A{FIRST_ROW}"
    sheet.auto_filter.ref = f"A{FIRST_ROW - 1}:{last}{FIRST_ROW - 1 + len(table.rows)}"
    for j, name in enumerate(names):
        letter = get_column_letter(j + 1)
        sheet.column_dimensions[letter].width = _width(sheet, j + 1)
        if policy.kinds[name].base == "grade":
            _choices(sheet, letter, len(policy.file.grades), strict=name in table.outputs)


def _type(item: Input | Derive | Output) -> str:
    unit = {"money": "元 CNY", "ratio": "0.25 = 25%"}.get(item.type, item.unit or "")
    return f"{item.type} {unit}".strip()


def _value(cell: Cell, base: Base) -> Cell:
    """A cell as the sheet holds it; a number of more digits than sheets keep becomes a text."""
    if base == "number" and isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell if float(f"{cell:.{_EXACT_DIGITS}g}") == cell else repr(cell)
    return cell


def _as_text(cell: SheetCell | MergedCell) -> None:
    """Texts stay texts: ``== 5`` is a condition, not a formula."""
    if isinstance(cell, SheetCell) and isinstance(cell.value, str):
        cell.data_type = "s"
        cell.quotePrefix = cell.value.startswith("=")


def _width(sheet: Worksheet, column: int) -> float:
    lines = min(sheet.max_row, _MEASURED_ROWS)
    texts = (str(sheet.cell(line, column).value) for line in range(1, lines + 1))
    longest = max(sum(1 if char.isascii() else 2 for char in text) for text in texts)
    return float(min(max(longest + 2, _WIDTHS[0]), _WIDTHS[1]))


def _choices(sheet: Worksheet, letter: str, grades: int, *, strict: bool) -> None:
    """The grades to choose from; a condition may be a span or list, so there they are only offered."""
    listed = DataValidation(type="list", formula1=f"'{GUIDE}'!$C$1:$C${grades}", allow_blank=False)
    listed.showErrorMessage = strict
    listed.add(f"{letter}{FIRST_ROW}:{letter}{FIRST_ROW - 1 + MAX_ROWS}")
    sheet.add_data_validation(listed)


def _saved(book: Workbook, day: datetime) -> bytes:
    """The bytes of ``book`` with every date in them set to ``day`` or left out."""
    first, second = io.BytesIO(), io.BytesIO()
    book.save(first)
    book.properties.created = book.properties.modified = day
    with zipfile.ZipFile(second, "w") as out:
        for name, data in _members(first):
            told = tostring(book.properties.to_tree()) if name == "docProps/core.xml" else data
            out.writestr(zipfile.ZipInfo(name, _SAME_DAY), told, zipfile.ZIP_DEFLATED)
    return second.getvalue()


def _members(packed: io.BytesIO) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(packed) as members:
        for member in members.infolist():
            yield member.filename, members.read(member)
