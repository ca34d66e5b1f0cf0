"""A policy's text as tables of cells to edit, and the edited cells back into the text, all else as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from xinqiao.kernel.document import Path
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending.bank_policy import Version, findings
from xinqiao.policy.check import Finding
from xinqiao.policy.rewriting import Rewriting, typed

WORD_TYPES = ("text", "grade", "date")
RULE_FIELDS = ("name/zh", "name/en", "if", "then", "if_missing", "code", "reason/zh", "reason/en")
ENDS: dict[str, tuple[tuple[str, Text], ...]] = {
    "limit": (
        ("expr", Text(zh="额度公式", en="formula")),
        ("min", Text(zh="起点（元）", en="least, CNY")),
        ("max", Text(zh="上限（元）", en="most, CNY")),
        ("step", Text(zh="取整（元）", en="step, CNY")),
        ("if_missing", Text(zh="算不出时", en="where unknown")),
        ("below_min", Text(zh="低于起点时", en="below the least")),
    ),
    "price": (
        ("expr", Text(zh="年利率公式", en="formula")),
        ("min", Text(zh="下限", en="least")),
        ("max", Text(zh="上限", en="most")),
        ("step", Text(zh="取整", en="step")),
        ("if_missing", Text(zh="算不出时", en="where unknown")),
        ("above_max", Text(zh="高于上限时", en="above the most")),
    ),
}
CHOICES = {
    "then": ("refer", "reject"),
    "if_missing": ("ignore", "refer", "reject"),
    "below_min": ("refer", "reject"),
    "above_max": ("cap", "refer", "reject"),
}
BLANK_ROWS = 1


@dataclass(frozen=True, slots=True)
class CellView:
    """One place: its path as the form names it, what stands there, and the words to choose from."""

    path: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A rule, a derived value or a row of a table, with what was found in its lines."""

    path: str
    id: str
    name: Text | None
    cells: tuple[CellView, ...]
    found: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A decision table; ``found``: what concerns the table as a whole."""

    path: str
    id: str
    name: Text
    hit: str
    heads: tuple[tuple[str, Text, bool], ...]
    rows: tuple[Item, ...]
    found: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Editor:
    """The whole text taken apart; ``whole``: the text can be shown in tables at all."""

    version: Version
    found: tuple[Finding, ...]
    errors: int
    whole: bool
    rules: tuple[Item, ...] = ()
    grids: tuple[Grid, ...] = ()
    derived: tuple[Item, ...] = ()
    ends: tuple[tuple[str, Item], ...] = ()
    inputs: tuple[tuple[str, Text, str, str], ...] = ()


def editor(version: Version) -> Editor:
    """``version`` as tables; a text that is no policy at all is shown as text with its faults."""
    found = findings(version.text, version.origin)
    errors = sum(each.severity == "error" for each in found)
    try:
        work, data = Rewriting(version.text, version.origin), yaml.safe_load(version.text)
        return _Reader(version, work, data, found).editor(errors)
    except (UserError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError):
        return Editor(version, found, errors, whole=False)


class _Reader:
    """Takes a text apart; raises whatever plain data of another shape lead to."""

    def __init__(self, version: Version, work: Rewriting, data: Any, found: Sequence[Finding]) -> None:  # noqa: ANN401 - YAML data
        self.version, self.work, self.data, self.found = version, work, data, tuple(found)
        self.names = self._named()

    def editor(self, errors: int) -> Editor:
        """All parts."""
        data = self.data
        inputs = tuple(
            (name, Text(**item["name"]), str(item["type"]), str(item["source"]))
            for name, item in data["inputs"].items()
        )
        return Editor(
            self.version,
            self.found,
            errors,
            whole=True,
            rules=tuple(self._rule(i, rule) for i, rule in enumerate(data["rules"])),
            grids=tuple(self._grid(i, table) for i, table in enumerate(data.get("tables") or ())),
            derived=tuple(
                self._item(("derive", name), name, Text(**item["name"]), ("expr",))
                for name, item in (data.get("derive") or {}).items()
            ),
            ends=tuple(
                (part, self._item((part,), part, None, tuple(key for key, _ in fields)))
                for part, fields in ENDS.items()
            ),
            inputs=inputs,
        )

    def _named(self) -> dict[str, Text]:
        known = {name: Text(**item["name"]) for name, item in self.data["inputs"].items()}
        known |= {name: Text(**item["name"]) for name, item in (self.data.get("derive") or {}).items()}
        for table in self.data.get("tables") or ():
            known |= {name: Text(**item["name"]) for name, item in table["outputs"].items()}
        return known

    def _rule(self, i: int, rule: Mapping[str, Any]) -> Item:
        return self._item(("rules", i), str(rule["id"]), Text(**rule["name"]), RULE_FIELDS)

    def _item(self, path: Path, key: str, name: Text | None, fields: Sequence[str]) -> Item:
        cells = tuple(self._cell((*path, *field.split("/")), field) for field in fields)
        return Item(_joined(path), key, name, cells, self._in(path))

    def _cell(self, path: Path, field: str = "") -> CellView:
        text = self.work.shown(path)
        if text is None:
            raise KeyError(path)
        choices = CHOICES.get(field, ())
        return CellView(_joined(path), text, choices if text in choices else ())

    def _grid(self, i: int, table: Mapping[str, Any]) -> Grid:
        columns = [*table["inputs"], *table["outputs"]]
        heads = tuple((name, self.names[name], name in table["outputs"]) for name in columns)
        rows = []
        for j, row in enumerate(table["rows"]):
            path: Path = ("tables", i, "rows", j)
            cells = tuple(self._cell((*path, k)) for k in range(len(row)))
            rows.append(Item(_joined(path), str(j + 1), None, cells, self._in(path)))
        within = {finding for row in rows for finding in row.found}
        whole = tuple(f for f in self._in(("tables", i)) if f not in within)
        return Grid(
            f"tables/{i}", table["id"], Text(**table["name"]), table["hit"], heads, tuple(rows), whole
        )

    def _in(self, path: Path) -> tuple[Finding, ...]:
        first, last = self.work.span(path)
        return tuple(finding for finding in self.found if first <= finding.line <= last)


def _joined(path: Path) -> str:
    return "/".join(map(str, path))


def _path(text: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in text.split("/"))


def rewritten(version: Version, told: Mapping[str, str]) -> str:
    """The text with the cells of a form: changed ones, rows taken out, added and moved up.

    Raises UserError DOC-SYNTAX or BWB-CELL.
    """
    work = Rewriting(version.text, version.origin)
    data = yaml.safe_load(version.text)
    gone = {_path(name.removeprefix("del:")) for name in told if name.startswith("del:")}
    for name, text in told.items():
        if name.startswith("cell:"):
            path = _path(name.removeprefix("cell:"))
            within = any(path[: len(each)] == each for each in gone)
            if not within and text.strip() != (work.shown(path) or "").strip():
                work.put(path, typed(text, words=_is_words(data, path)))
    for path in gone:
        work.remove(path)
    for name in told:
        if name.startswith("new:"):
            _add(work, data, _path(name.removeprefix("new:")), told)
    text = work.text()
    if told.get("move"):
        work = Rewriting(text, version.origin)
        work.raise_(_path(told["move"]))
        text = work.text()
    return text


def _add(work: Rewriting, data: Mapping[str, Any], path: Path, told: Mapping[str, str]) -> None:
    """A new row of a table, or a new rule, where its cells are filled."""
    lead = f"add:{_joined(path)}/"
    cells = {name.removeprefix(lead): text.strip() for name, text in told.items() if name.startswith(lead)}
    if not any(cells.values()):
        return
    if path == ("rules",):
        name, reason = (
            {lang: cells.get(f"{part}/{lang}", "") for lang in ("zh", "en")} for part in ("name", "reason")
        )
        rule = {
            "id": cells.get("id", ""),
            "name": name,
            "if": cells.get("if", ""),
            "then": cells.get("then", "refer"),
        }
        rule |= {
            "if_missing": cells.get("if_missing", "refer"),
            "code": cells.get("code", ""),
            "reason": reason,
        }
        work.add(path, [rule])
        return
    table = data["tables"][path[1]]
    width = len(table["inputs"]) + len(table["outputs"])
    places = [("tables", path[1], "rows", 0, k) for k in range(width)]
    row = [typed(cells.get(str(k)) or "-", words=_is_words(data, place)) for k, place in enumerate(places)]
    work.add(path, [row])


def _is_words(data: Any, path: Path) -> bool:  # noqa: ANN401 - YAML data
    """Whether only words stand at ``path``: cells of columns of texts, names, codes and expressions."""
    if path[0] == "tables" and len(path) == 5:  # noqa: PLR2004 - tables, i, rows, j, k
        table = data["tables"][path[1]]
        columns = [*table["inputs"], *table["outputs"]]
        name = columns[int(path[4])]
        parts = [data["inputs"], data.get("derive") or {}, *(each["outputs"] for each in data["tables"])]
        kind = next((part[name]["type"] for part in parts if name in part), "text")
        return kind in WORD_TYPES
    return path[-1] in ("zh", "en", "code", "id", "if", "expr", "then", "below_min", "above_max")
