"""Decision tables back from a workbook into the policy file they came from.

The file's own words stay: a row that means the same keeps its bytes, a changed row only gets its
changed cells written, and all that is not a row (comments too) is left as it is. Sheets are read by
``source.read_xlsx``, with its limits; a formula has no known value and is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import yaml
from openpyxl.utils import get_column_letter

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.expression import Node
from xinqiao.policy.compiled import Policy
from xinqiao.policy.conditions import Cells
from xinqiao.policy.format import Cell, PolicyFile, Table
from xinqiao.policy.kinds import Checker, Kind
from xinqiao.policy.workbook import FIRST_ROW, PARTS_ROW, parts, sheet_titles
from xinqiao.source.block import LINE, Limits
from xinqiao.source.read_xlsx import XlsxReader
from xinqiao.source.scan import Opened, file_kind, open_file

Meaning = tuple[Node, ...]

_BARE = re.compile(r"[^\W\d]\w*(\.\.\w+)?")
"""Texts that a policy file holds without quotes: R1, R1..R4, 农业."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows of a table were changed, added and removed."""

    table: str
    changed: int
    added: int
    removed: int


def import_tables(path: Path, policy: Policy, origin: str) -> tuple[str, tuple[Changes, ...]]:
    """The text of ``policy`` with the rows of the workbook ``path``, and what changed, table by table.

    ``origin`` (the policy's file name) goes into errors. Raises UserError SRC-* for a workbook that
    cannot be read safely, POL-SHEET-CELL, POL-ROW, POL-GRADE with sheet and cell, POL-SHEET-TEXT when
    the rows cannot be replaced in the policy's text.
    """
    sheets = [
        _read(path, policy, table, title)
        for table, title in zip(policy.file.tables, sheet_titles(policy.file), strict=True)
    ]
    text, changes = policy.text, []
    for i in reversed(range(len(sheets))):  # from the last, so that earlier places stay
        text, found = _replaced(text, policy, i, sheets[i], origin)
        changes.append(found)
    _verify(text, policy, sheets, origin)
    return text, tuple(reversed(changes))


# reading ------------------------------------------------------------------------------------------


def _read(path: Path, policy: Policy, table: Table, title: str) -> list[list[Cell]]:
    """The rows of a sheet as cells of the policy, each checked on its own."""
    names = (*table.inputs, *table.outputs)
    limits = Limits()
    with open_file(path) as handle:
        kind = file_kind(handle, path.name)
        where = f"{path.name} [{title}]"
        reader = XlsxReader(Opened(handle, kind, where, limits, lambda _: None), title, names)
        place = {name: get_column_letter(reader.header.wanted[name] + 1) for name in names}
        rows: list[list[Cell]] = []
        head: list[str] = []
        reads = _Cells(policy, table)
        for block in reader.blocks():
            for fault in block.faults:
                if fault.line >= FIRST_ROW:
                    cell = f"{where} {place[fault.column]}{fault.line}"
                    fail("POL-SHEET-CELL", cell, detail=f"{fault.rule}: {fault.value}")
            for record in block.frame.iter_rows(named=True):
                line = record[LINE]
                if line == PARTS_ROW:
                    head = [record[name] for name in names]
                elif line >= FIRST_ROW:
                    cells = [(name, record[name], f"{where} {place[name]}{line}") for name in names]
                    rows.append([reads.cell(*each) for each in cells])
    if head != parts(table):  # a row of the head added or removed would move the first rules out of sight
        fail("POL-SHEET-CELL", f"{where} A{PARTS_ROW}", detail=", ".join(parts(table)))
    if not rows:
        fail("POL-SHEET-CELL", f"{where} A{FIRST_ROW}", detail="no rows")
    return rows


class _Cells:
    """Reads and checks the texts of a sheet's cells by the kind of their column."""

    def __init__(self, policy: Policy, table: Table) -> None:
        self.kinds = policy.kinds
        self.table = table
        grades = tuple(policy.file.grades)
        self.cells = Cells(grades)
        self.checker = Checker(policy.kinds, grades)

    def cell(self, name: str, text: str, where: str) -> Cell:
        """The cell as the policy would hold it."""
        plain = text.strip()
        if not plain:
            fail("POL-SHEET-CELL", where, detail="empty")
        kind = self.kinds[name]
        value = _typed(plain, kind)
        tree = self.meaning(name, value, where)
        if name in self.table.inputs:
            self.checker.expect(tree, Kind("bool"), where)
        else:
            self.checker.expect(tree, kind, where)
        return value

    def meaning(self, name: str, cell: Cell, where: str) -> Node:
        """What the cell says, however it is written."""
        if name in self.table.inputs:
            return self.cells.condition(name, self.kinds[name], cell, where)
        return self.cells.output(self.kinds[name], cell, where)


def _typed(text: str, kind: Kind) -> Cell:
    """A text as number or truth value where the column holds such and that is what it says."""
    if kind.base == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind.base != "number":
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if value.is_finite() and value == value.to_integral_value():
        return int(value)
    return float(text) if value.is_finite() and Decimal(repr(float(text))) == value else text


# writing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters ``start`` to ``end`` of the text give way to ``text``."""

    start: int
    end: int
    text: str


def _replaced(text: str, policy: Policy, i: int, new: list[list[Cell]], origin: str) -> tuple[str, Changes]:
    """``text`` with the rows of table ``i`` made to mean ``new``."""
    table = policy.file.tables[i]
    reads = _Cells(policy, table)
    before, after = _meaning(reads, table, table.rows), _meaning(reads, table, new)
    if before == after:
        return text, Changes(table.id, 0, 0, 0)
    place = _Rows(text, _rows_node(text, i), origin)
    edits: list[_Edit] = []
    changed = added = removed = 0
    for a, b, c, d in _differences(before, after):
        both = min(b - a, d - c)
        changed, added, removed = changed + both, added + d - c - both, removed + b - a - both
        for row, other in zip(range(a, a + both), range(c, c + both), strict=True):
            same = [x == y for x, y in zip(before[row], after[other], strict=True)]
            edits += place.change(row, new[other], same)
        edits += [place.remove(row) for row in range(a + both, b)]
        if d - c > both:
            edits.append(place.insert(a + both, new[c + both : d]))
    return _edited(text, edits), Changes(table.id, changed, added, removed)


def _differences(before: list[Meaning], after: list[Meaning]) -> Iterator[tuple[int, int, int, int]]:
    """Rows a to b of ``before`` where rows c to d of ``after`` stand instead, as few as a diff finds."""
    numbers: dict[Meaning, int] = {}  # equal rows, equal numbers: compared often, hashed once
    old, new = ([numbers.setdefault(each, len(numbers)) for each in rows] for rows in (before, after))
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield a, b, c, d


def _edited(text: str, edits: list[_Edit]) -> str:
    parts, place = [], 0
    for edit in sorted(edits, key=lambda each: (each.start, each.end)):
        parts += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join((*parts, text[place:]))


def _rows_node(text: str, i: int) -> yaml.SequenceNode:
    """The YAML node of the rows of table ``i`` of a policy known to be well formed."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in ("tables", i, "rows"):
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            node = next(value for name, value in node.value if name.value == key)
    if not isinstance(node, yaml.SequenceNode):
        raise TypeError(node)  # the policy was read before
    return node


class _Rows:
    """The rows of a table in the text: where each stands, and how to change, remove and insert one."""

    def __init__(self, text: str, node: yaml.SequenceNode, origin: str) -> None:
        self.text = text
        self.rows = [row for row in node.value if isinstance(row, yaml.SequenceNode)]
        self.spans = [(row.start_mark.index, _end(row)) for row in self.rows]
        lines = [(self._line_start(start), self._line_end(end)) for start, end in self.spans]
        apart = all(a[1] <= b[0] for a, b in pairwise(lines))
        dashes = [text.rfind("-", 0, start) for start, _ in self.spans]
        between = [text[dash + 1 : start] for dash, (start, _) in zip(dashes, self.spans, strict=True)]
        if node.flow_style or not apart or any(each.strip() for each in between):
            fail("POL-SHEET-TEXT", f"{origin}:{node.start_mark.line + 1}")
        self.lines = [(self._line_start(dash), end) for dash, (_, end) in zip(dashes, lines, strict=True)]
        self.indent = text[self.lines[0][0] : dashes[0]]
        self.newline = "\r\n" if text[: self.lines[0][0]].endswith("\r\n") else "\n"

    def _line_start(self, place: int) -> int:
        return self.text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        end = self.text.find("\n", place)
        return len(self.text) if end < 0 else end + 1

    def change(self, row: int, cells: Sequence[Cell], same: Sequence[bool]) -> list[_Edit]:
        """Write the cells that differ, or the whole row where its cells cannot be told apart."""
        nodes = self.rows[row].value
        if not all(isinstance(node, yaml.ScalarNode) and node.style in (None, "'", '"') for node in nodes):
            return [_Edit(*self.spans[row], _flow(cells))]
        pairs = zip(nodes, cells, same, strict=True)
        return [
            _Edit(node.start_mark.index, node.end_mark.index, _scalar(cell))
            for node, cell, equal in pairs
            if not equal
        ]

    def remove(self, row: int) -> _Edit:
        """Take the row's lines out, its own comment with them."""
        return _Edit(*self.lines[row], "")

    def insert(self, before: int, rows: Sequence[Sequence[Cell]]) -> _Edit:
        """New rows in front of row ``before``, or behind the last."""
        written = "".join(f"{self.indent}- {_flow(cells)}{self.newline}" for cells in rows)
        place = self.lines[before - 1][1] if before else self.lines[0][0]
        if place and self.text[place - 1] != "\n":
            written = self.newline + written.removesuffix(self.newline)
        return _Edit(place, place, written)


def _end(node: yaml.Node) -> int:
    """Where a node's own text ends; a block's mark would be where the next thing begins."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    return int(node.end_mark.index)


def _flow(cells: Sequence[Cell]) -> str:
    """A row as a policy file writes it: one line, conditions in quotes."""
    return f"[{', '.join(_scalar(cell) for cell in cells)}]"


def _scalar(cell: Cell) -> str:
    quoted = isinstance(cell, str) and not (_BARE.fullmatch(cell) and yaml.safe_load(cell) == cell)
    style = '"' if quoted else None
    flow = yaml.safe_dump(
        [cell], default_style=style, default_flow_style=True, allow_unicode=True, width=math.inf
    )
    return flow.strip().removeprefix("[").removesuffix("]")


def _verify(text: str, policy: Policy, sheets: list[list[list[Cell]]], origin: str) -> None:
    """The text must read as the old policy with the new rows, whatever the edits did."""
    file, _ = parse(text, PolicyFile, origin)
    tables = [
        old.model_copy(update={"rows": new.rows})
        for old, new in zip(policy.file.tables, file.tables, strict=True)
    ]
    meant = True
    for table, rows in zip(file.tables, sheets, strict=True):
        reads = _Cells(policy, table)
        meant &= _meaning(reads, table, table.rows) == _meaning(reads, table, rows)
    if not meant or file != policy.file.model_copy(update={"tables": tables}):
        fail("POL-SHEET-TEXT", origin)


def _meaning(reads: _Cells, table: Table, rows: Sequence[Sequence[Cell]]) -> list[Meaning]:
    names = (*table.inputs, *table.outputs)
    return [tuple(reads.meaning(n, c, table.id) for n, c in zip(names, row, strict=True)) for row in rows]
