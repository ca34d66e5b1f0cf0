"""Data contracts: what a record of a source is, read from ``catalog/contracts/*.yaml``.

A contract names the fields with type, unit, sensitivity and allowed values, the natural key, the
event time (when it happened) and the known time (when the platform learnt of it), the checks each
record must pass and what is worth observing. A fault in a contract is found when it is loaded,
with its line: an unknown source, unknown fields, checks that do not parse or do not type, fields the
law forbids to collect (采集禁区).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Default

from xinqiao.kernel.canonical import digest
from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.source.check import compile_check, compile_value
from xinqiao.source.forbidden import forbidden_reason
from xinqiao.source.holder import sources

FieldType = Literal["id", "text", "enum", "date", "time", "bool", "int", "money", "ratio"]
Level = Literal["L1", "L2", "L3", "L4", "L5"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Ids of contracts and fields: they become names in SQL and of folders, and ``_`` begins our own columns."""

_ARROW: dict[str, pa.DataType] = {
    "money": pa.int64(),
    "int": pa.int64(),
    "date": pa.date32(),
    "bool": pa.bool_(),
    "ratio": pa.float64(),
}
_POLARS: dict[str, pl.DataType] = {
    "money": pl.Int64(),
    "int": pl.Int64(),
    "date": pl.Date(),
    "bool": pl.Boolean(),
    "ratio": pl.Float64(),
}


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Field(_Document):
    """One field. ``money`` is integer cents of CNY, ``ratio`` a fraction (1 = 100 %), ``time`` HH:MM:SS."""

    type: FieldType
    name: Text
    sensitivity: Level
    required: bool = False
    outcome: bool = False
    values: list[str] | None = None
    min: float | None = None
    max: float | None = None

    @property
    def arrow(self) -> pa.DataType:
        """The field's type in the lake."""
        return _ARROW.get(self.type, pa.string())

    @property
    def polars(self) -> pl.DataType:
        """The field's type while it is converted."""
        return _POLARS.get(self.type, pl.String())


class Repair(_Document):
    """What is tried on a row that fails a check: ``field`` becomes ``expr``, then the check runs again."""

    field: str
    expr: str
    name: Text


class Check(_Document):
    """A condition every record should meet; a null result passes (missing is not a fault)."""

    id: str
    name: Text
    expr: str
    on_fail: Literal["quarantine", "flag"]
    repair: Repair | None = None


class Observation(_Document):
    """Something counted and reported but never acted on.

    Rows where ``expr`` holds, or whose ``unique`` fields occur more than once in the file.
    """

    id: str
    name: Text
    expr: str | None = None
    unique: list[str] | None = None


class Contract(_Document):
    """A source's contract; ``version`` is the digest of its text."""

    id: str
    name: Text
    source: str
    holder: Text
    grain: Text
    sensitivity: Level
    keys: list[str]
    company: str
    event: str
    known: str
    partition: list[str]
    fields: dict[str, Field]
    checks: list[Check] = []
    observe: list[Observation] = []
    version: str = Default(default="", exclude=True)

    @property
    def level(self) -> Level:
        """Sensitivity of the whole record: the highest of its own and its fields' (组合取高)."""
        return max(self.sensitivity, *(field.sensitivity for field in self.fields.values()))

    @property
    def schema(self) -> pa.Schema:
        """Columns of the lake's files: all fields, then the file's id and the line number."""
        columns = [(name, field.arrow) for name, field in self.fields.items()]
        return pa.schema([*columns, ("_file", pa.string()), ("_line", pa.int64())])


def load_contract(text: str, origin: str) -> Contract:
    """Parse and check a contract; ``origin`` is the file's name for errors.

    Raises UserError DOC-* (not a contract), CON-SOURCE, CON-FIELD, CON-TYPE, CON-CHECK,
    CON-FORBIDDEN, EXPR-*.
    """
    contract, lines = parse(text, Contract, origin)
    _check_names(contract, lines)
    _check_fields(contract, lines)
    _check_rules(contract, lines)
    return contract.model_copy(update={"version": digest(text.encode())[:16]})


def _check_names(contract: Contract, lines: Lines) -> None:
    if contract.source not in sources():
        fail("CON-SOURCE", lines.where(("source",)), source=contract.source, known=", ".join(sources()))
    used = {"company": [contract.company], "event": [contract.event], "known": [contract.known]}
    used |= {"keys": contract.keys, "partition": contract.partition}
    for place, names in used.items():
        for name in names:
            if name not in contract.fields:
                fail("CON-FIELD", lines.where((place,)), field=name, known=", ".join(contract.fields))
    for place in ("event", "known"):
        name = used[place][0]
        if contract.fields[name].type != "date":
            fail("CON-TYPE", lines.where((place,)), field=name, detail="event/known: date")
    for name in contract.partition:
        if contract.fields[name].type != "enum" or not contract.fields[name].required:
            fail("CON-TYPE", lines.where(("partition",)), field=name, detail="partition: required enum")


def _check_fields(contract: Contract, lines: Lines) -> None:
    _check_allowed((contract.id, contract.name.zh, contract.name.en), lines.where(("name",)))
    _check_name(contract.id, lines.where(("id",)))
    for name, field in contract.fields.items():
        where = lines.where(("fields", name))
        if (field.type == "enum") != bool(field.values):
            fail("CON-TYPE", where, field=name, detail="values <=> enum")
        _check_allowed((name, field.name.zh, field.name.en, *(field.values or ())), where)
        _check_name(name, where)


def _check_name(name: str, where: str) -> None:
    if _NAME.fullmatch(name) is None:
        fail("CON-TYPE", where, field=name, detail=f"name: {_NAME.pattern}")


def _check_allowed(words: Iterable[str], where: str) -> None:
    """Nothing that must not be collected: not as a field, not as one of its values, not as the whole."""
    for word in words:
        if law := forbidden_reason(word):
            fail("CON-FORBIDDEN", where, field=word, law=law)


def _check_rules(contract: Contract, lines: Lines) -> None:
    types = {name: field.polars for name, field in contract.fields.items()}
    for i, check in enumerate(contract.checks):
        compile_check(check.expr, types, lines.where(("checks", i, "expr")))
        if repair := check.repair:
            where = lines.where(("checks", i, "repair"))
            if repair.field not in types:
                fail("CON-FIELD", where, field=repair.field, known=", ".join(types))
            compile_value(repair.expr, types, types[repair.field], where)
    for i, seen in enumerate(contract.observe):
        where = lines.where(("observe", i))
        if (seen.expr is None) == (seen.unique is None):
            fail("CON-TYPE", where, field=seen.id, detail="expr | unique")
        if seen.expr is not None:
            compile_check(seen.expr, types, where)
        for name in seen.unique or []:
            if name not in types:
                fail("CON-FIELD", where, field=name, known=", ".join(types))


@cache
def contracts() -> dict[str, Contract]:
    """All contracts of the catalog by id, in the order of their file names."""
    folder = files("xinqiao").joinpath("catalog", "contracts")
    found: dict[str, Contract] = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".yaml") and not file.name.startswith("_"):
            loaded = load_contract(file.read_text("utf-8"), file.name)
            found[loaded.id] = loaded
    return found


def contract(contract_id: str) -> Contract:
    """The contract ``contract_id``; raises UserError CON-UNKNOWN."""
    known = contracts()
    if contract_id not in known:
        fail("CON-UNKNOWN", contract_id, known=", ".join(known))
    return known[contract_id]
