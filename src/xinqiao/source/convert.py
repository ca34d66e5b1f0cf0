"""A block of texts into typed columns: vectorised where a text needs no mending, by ``parse`` elsewhere.

``_fast`` answers only for texts that ``parse`` would take without a repair, and gives null for all
others; distinct remaining texts are parsed once each. So both paths agree by construction of the
second, and a test holds the first to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl

from xinqiao.source.block import LINE, Block, Fault, row_text
from xinqiao.source.contract import Contract, Field
from xinqiao.source.inline import INLINE_BYTES, NO_DAY, iso_days, words
from xinqiao.source.mapping import Column, Entry, constant
from xinqiao.source.parse import BLANKS, MAX_ID_CHARS, MAX_TEXT_CHARS, Parsed, parser

Rows = npt.NDArray[np.intp]
Series = pl.Series
_Fast = Callable[[Series], Series]

_INT_DIGITS = 15
_EDGE_BLANK = f"^[{BLANKS}]|[{BLANKS}]$"
_CONTROL = r"[\x00-\x1f\x7f]"


@dataclass(slots=True)
class Converted:
    """Typed fields of a block; ``repairs`` and ``faults`` name rows by position, keyed (rule, field)."""

    frame: pl.DataFrame
    repairs: dict[tuple[str, str], Rows] = field(default_factory=dict)
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)


class Converter:
    """Converts blocks of one mapping entry; made once a file."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.contract: Contract = entry.contract
        self._columns = {
            name: _ColumnReader(self.contract.fields[name], column) for name, column in entry.columns.items()
        }
        self._constants = {name: constant(entry, name).value for name in entry.constants}

    @property
    def wanted(self) -> tuple[str, ...]:
        """The file's columns this entry needs, each once."""
        return tuple(dict.fromkeys(column.column for column in self.entry.columns.values()))

    def convert(self, block: Block) -> Converted:
        """All fields of the contract as typed columns (null where not mapped) and ``_line``."""
        height = block.frame.height
        out = Converted(pl.DataFrame())
        done: dict[str, Series] = {}
        for name, reader in self._columns.items():
            done[name] = reader.read(block.frame[reader.column], name, out, plain=block.plain)
        for name, value in self._constants.items():
            done[name] = pl.repeat(value, height, dtype=self.contract.fields[name].polars, eager=True)
        for name, origin in self.entry.copies.items():
            done[name] = done[origin]
        columns = [
            done[name].alias(name)
            if name in done
            else pl.repeat(None, height, dtype=kind.polars, eager=True).alias(name)
            for name, kind in self.contract.fields.items()
        ]
        out.frame = pl.DataFrame([*columns, block.frame[LINE]])
        return out

    def fault(self, block: Block, position: int, column: str, rule: str, value: str) -> Fault:
        """The fault of the record at ``position``, with the mapped part of its row."""
        row = block.frame.row(position, named=True)
        line = row.pop(LINE)
        name = self._columns[column].column if column in self._columns else column
        return Fault(line, name, rule, value, row_text(list(row.values())))


class _ColumnReader:
    def __init__(self, kind: Field, spec: Column) -> None:
        self.kind = kind
        self.column = spec.column
        self.nulls = spec.nulls
        values = dict(spec.values) if spec.values else {}
        self.parse = parser(kind, values, spec.formats, Decimal(str(spec.scale)))
        self.fast = _fast(kind, spec)
        self.fast_plain = _fast_plain if kind.type in ("id", "text") else self.fast

    def read(self, raw: Series, name: str, out: Converted, *, plain: bool) -> Series:
        if self.nulls:
            raw = raw.replace(self.nulls, [""] * len(self.nulls))
        values = (self.fast_plain if plain else self.fast)(raw)
        faulty = np.zeros(0, dtype=np.intp)
        if values.null_count():
            todo = values.is_null() & (raw != "")
            if todo.any():
                values, faulty = self._mend(raw, values, todo, name, out)
        self._bounds(raw, values, name, out)
        if self.kind.required and values.null_count():
            absent = np.setdiff1d(values.is_null().arg_true().to_numpy(), faulty)
            out.faults += [(int(i), name, "missing", "") for i in absent]
        return values

    def _mend(
        self, raw: Series, values: Series, todo: Series, name: str, out: Converted
    ) -> tuple[Series, Rows]:
        places = todo.arg_true().to_numpy().astype(np.intp)
        texts = raw.gather(places)
        unique = texts.unique(maintain_order=True)
        parsed = [self.parse(text) for text in unique]
        codes = texts.replace_strict(unique, range(len(unique)), return_dtype=pl.Int64).to_numpy()
        patch = pl.Series([p.value for p in parsed], dtype=self.kind.polars).gather(codes)
        where = np.full(len(raw), -1)
        where[places] = np.arange(len(places))
        spread = patch.gather(pl.Series(where).replace(-1, None))
        self._note(parsed, codes, places, name, out)
        wrong = np.array([p.fault is not None for p in parsed])[codes]
        for i in places[wrong]:
            place = int(where[i])
            out.faults.append((int(i), name, parsed[codes[place]].fault or "", texts[place]))
        return values.zip_with(~todo, spread), places[wrong]

    @staticmethod
    def _note(
        parsed: list[Parsed], codes: npt.NDArray[np.int64], places: Rows, name: str, out: Converted
    ) -> None:
        for rule in dict.fromkeys(rule for p in parsed for rule in p.repairs):
            hit = np.array([rule in p.repairs for p in parsed])[codes]
            out.repairs[rule, name] = places[hit]

    def _bounds(self, raw: Series, values: Series, name: str, out: Converted) -> None:
        for limit, outside in ((self.kind.min, Series.__lt__), (self.kind.max, Series.__gt__)):
            if limit is not None:
                for i in outside(values, limit).fill_null(value=False).arg_true():
                    out.faults.append((int(i), name, "out_of_range", raw[int(i)]))


def _fast(kind: Field, spec: Column) -> _Fast:  # noqa: PLR0911 - one case per type
    """The vectorised path of a type: the value, or null where ``parse`` must look."""
    match kind.type:
        case "id" | "text":
            return _fast_text(kind.type)
        case "enum" | "bool":
            values = spec.values or {value: value for value in kind.values or []}
            return _fast_choice(values, kind.polars)
        case "money":
            return _fast_money(spec.scale)
        case "date":
            iso = not spec.formats or spec.formats[0] == "%Y-%m-%d"
            return _fast_date if iso else _nothing(kind.polars)
        case "time":
            return lambda raw: _keep(raw, raw.str.contains(r"^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"))
        case "int":
            shape = f"^-?[0-9]{{1,{_INT_DIGITS}}}$"
            return lambda raw: _keep(raw, raw.str.contains(shape)).cast(pl.Int64)
        case _:
            shape = r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$"
            return lambda raw: _keep(raw, raw.str.contains(shape)).cast(pl.Float64)


def _keep(values: Series, mask: Series) -> Series:
    if mask.all():
        return values
    return values.zip_with(mask, pl.repeat(None, len(values), dtype=values.dtype, eager=True))


def _nothing(dtype: pl.DataType) -> _Fast:
    return lambda raw: pl.repeat(None, len(raw), dtype=dtype, eager=True)


def _fast_text(kind: str) -> _Fast:
    limit = MAX_ID_CHARS if kind == "id" else MAX_TEXT_CHARS
    mend = f"{_EDGE_BLANK}|{_CONTROL}" if kind == "id" else _EDGE_BLANK

    def fast(raw: Series) -> Series:
        if raw.str.contains(f"^[!-~]{{1,{MAX_ID_CHARS}}}$").all():
            return raw
        plain = ~raw.str.contains(mend) & (raw.str.len_bytes() <= limit) & (raw != "")
        return _keep(raw, plain)

    return fast


def _fast_plain(raw: Series) -> Series:
    """Ids and texts without any blank or control character."""
    return _keep(raw, raw.str.len_bytes().is_between(1, MAX_ID_CHARS))


def _fast_choice(values: dict[str, str] | dict[str, str | bool], dtype: pl.DataType) -> _Fast:
    if not values:
        return _nothing(dtype)
    old, new = list(values), list(values.values())
    if any(len(text.encode()) > INLINE_BYTES for text in old):
        return lambda raw: raw.replace_strict(old, new, default=None, return_dtype=dtype)
    heads, tails = words(pl.Series(old, dtype=pl.String))
    results = pl.Series([*new, None], dtype=dtype)

    def fast(raw: Series) -> Series:
        head, tail = words(raw)
        codes = np.full(len(raw), len(old), dtype=np.uint32)
        for code in range(len(old)):
            codes[(head == heads[code]) & (tail == tails[code])] = code
        return results.gather(pl.Series(codes)).alias(raw.name)

    return fast


def _fast_money(scale: float) -> _Fast:
    """Exact: at most 15 significant digits, so the nearest integer to float x 10^n is the value."""
    per_unit = round(scale * 100)
    decimals = len(str(per_unit)) - 1
    fraction = rf"(\.[0-9]{{1,{decimals}}})?" if decimals else ""
    shape = f"^-?[0-9]{{1,{_INT_DIGITS - decimals}}}{fraction}$"

    def fast(raw: Series) -> Series:
        exact = _keep(raw, raw.str.contains(shape)).cast(pl.Float64)
        return (exact * per_unit).round().cast(pl.Int64)

    return fast


def _fast_date(raw: Series) -> Series:
    days = iso_days(raw)
    return _keep(pl.Series(raw.name, days).cast(pl.Date), pl.Series(days != NO_DAY))
