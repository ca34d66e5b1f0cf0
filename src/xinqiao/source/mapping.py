"""Mappings: which columns of a data set's files fill which fields of which contract (YAML)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic import Field as Default

from xinqiao.kernel.canonical import canonical_json, digest
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.source.contract import Contract, contract, contracts
from xinqiao.source.forbidden import forbidden_reason
from xinqiao.source.parse import Parsed, parser

SCALES = (0.01, 1.0, 10.0, 100.0, 1000.0, 10_000.0, 1_000_000.0, 100_000_000.0)


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Document):
    """How one field is read: ``column`` of the file, texts that mean missing, and what its type needs.

    ``formats`` (dates, strptime), ``scale`` (money: the file's unit in CNY, 10000 for 万元),
    ``values`` (enum and bool: text in the file -> value).
    """

    column: str
    formats: list[str] = []
    scale: float = 1.0
    values: dict[str, str | bool] | None = None
    nulls: list[str] = []


class Entry(_Document):
    """One kind of file of the data set and the contract it fills."""

    label: str
    match: str
    source: str
    sheet: str | None = None
    delimiter: str = ","
    columns: dict[str, Column]
    constants: dict[str, str] = {}
    copies: dict[str, str] = {}

    @field_validator("columns", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: {"column": v} if isinstance(v, str) else v for k, v in value.items()}

    @field_validator("constants", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {k: _constant_text(v) for k, v in value.items()}

    @property
    def contract(self) -> Contract:
        """The contract this entry fills."""
        return contract(self.source)

    @property
    def fields(self) -> tuple[str, ...]:
        """The contract's fields this entry fills, in the contract's order."""
        given = {*self.columns, *self.constants, *self.copies}
        return tuple(name for name in self.contract.fields if name in given)

    @property
    def version(self) -> str:
        """Digest of all that decides what a file's rows become: contract, columns, constants, copies."""
        told = self.model_dump(exclude={"match", "label"}) | {"contract": self.contract.version}
        return digest(canonical_json(told))[:16]


class Mapping(_Document):
    """A data set: its files and what they mean. ``run`` belongs to the command that runs it."""

    id: str
    name: Text
    generated: bool = False
    run: dict[str, Any] = {}
    files: list[Entry] = Default(default_factory=list)

    def entries_for(self, file_name: str, source: str | None = None) -> list[Entry]:
        """Entries whose pattern matches the base name (and whose contract is ``source``)."""
        return [
            e
            for e in self.files
            if fnmatchcase(file_name, e.match) and (source is None or e.source == source)
        ]


def _constant_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; raises UserError SRC-NOT-A-FILE, DOC-*, MAP-*, CON-*."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        fail("SRC-NOT-A-FILE", str(path), found="?")
    return parse_mapping(text, path.name)


def parse_mapping(text: str, origin: str) -> Mapping:
    """Parse and check a mapping text against the contracts."""
    mapping, lines = parse(text, Mapping, origin)
    labels = [(entry.label, entry.source) for entry in mapping.files]
    for i, entry in enumerate(mapping.files):
        if labels.index((entry.label, entry.source)) != i:
            fail(
                "MAP-VALUE",
                lines.where(("files", i, "label")),
                field="label",
                value=entry.label,
                allowed="1x",
            )
        _check_entry(entry, lines, i)
    return mapping


def _check_entry(entry: Entry, lines: Lines, i: int) -> None:
    if entry.source not in contracts():
        fail("CON-UNKNOWN", lines.where(("files", i, "source")), known=", ".join(contracts()))
    _check_fields(entry, lines, i)
    for name, column in entry.columns.items():
        _check_column(entry, name, column, lines.where(("files", i, "columns", name)))
    for name, value in entry.constants.items():
        outcome = constant(entry, name)
        if outcome.fault or outcome.value is None:
            where = lines.where(("files", i, "constants", name))
            fail("MAP-VALUE", where, field=name, value=value, allowed=entry.contract.fields[name].type)
    for name, origin in entry.copies.items():
        where = lines.where(("files", i, "copies", name))
        fields = entry.contract.fields
        if origin not in {*entry.columns, *entry.constants} or fields[origin].type != fields[name].type:
            fail("MAP-VALUE", where, field=name, value=origin, allowed=f"{fields[name].type}")


def _check_fields(entry: Entry, lines: Lines, i: int) -> None:
    fields = entry.contract.fields
    seen: set[str] = set()
    for place, names in (
        ("columns", entry.columns),
        ("constants", entry.constants),
        ("copies", entry.copies),
    ):
        for name in names:
            if name not in fields or name in seen:
                where = lines.where(("files", i, place, name))
                fail("MAP-FIELD", where, field=name, known=", ".join(fields))
            seen.add(name)
    if missing := [name for name, field in fields.items() if field.required and name not in seen]:
        fail("MAP-REQUIRED", lines.where(("files", i)), contract=entry.source, fields=", ".join(missing))


def _check_column(entry: Entry, name: str, column: Column, where: str) -> None:
    field = entry.contract.fields[name]
    if law := forbidden_reason(column.column):
        fail("CON-FORBIDDEN", where, field=column.column, law=law)
    if column.scale not in SCALES or (column.scale != 1 and field.type != "money"):
        fail("MAP-VALUE", where, field=name, value=column.scale, allowed=f"scale {SCALES}")
    if field.type == "enum":
        given = {str(v) for v in (column.values or {}).values()}
        if unknown := given - set(field.values or []):
            fail("MAP-VALUE", where, field=name, value=sorted(unknown), allowed=field.values)
    elif field.type == "bool":
        if any(not isinstance(v, bool) for v in (column.values or {}).values()):
            fail("MAP-VALUE", where, field=name, value=column.values, allowed="true, false")
    elif column.values is not None:
        fail("MAP-VALUE", where, field=name, value="values", allowed="enum, bool")


def constant(entry: Entry, name: str) -> Parsed:
    """The parsed constant ``name`` of an entry (money in CNY)."""
    field = entry.contract.fields[name]
    return parser(field, {}, [], Decimal(1))(entry.constants[name])
