"""A card as SQL: one query whose only column is the score, for DuckDB or PostgreSQL.

Points are added as BIGINT and divided once, so the score is the same double as everywhere. Columns
may be of any type that casts to double precision (or text); NULL and NaN are missing. An infinite
value, which scoring refuses, gives a NULL score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from xinqiao.kernel.errors import fail
from xinqiao.scoring.card import Card, Variable

Dialect = Literal["duckdb", "postgres"]
WIDTH = 40
"""Terms of a sum in one bracket: long sums are nested, for parsers that limit depth."""


def to_sql(card: Card, dialect: Dialect, table: str = "applicants") -> str:
    """``SELECT *, ... AS points FROM table``; ``table`` may name a schema before a dot.

    Raises UserError SCR-EXPORT for what the dialect cannot hold.
    """
    source = ".".join(map(identifier, table.split(".")))
    head = f"-- card {card.card_id}, {dialect}; numbers as double precision, NULL and NaN are missing"
    return f"{head}\nSELECT *,\n{expression(card, dialect)} AS points\nFROM {source};\n"


def expression(card: Card, dialect: Dialect) -> str:
    """The score as one SQL expression over the columns of the card."""
    _check(card, dialect)
    parts = [str(card.units(card.base_points))]
    parts += [_case(v, [card.units(b.points) for b in v.bins], dialect) for v in card.variables]
    for pair in card.pairs:
        left, right = card.variable(pair.left), card.variable(pair.right)
        codes = [_case(v, range(len(v.bins)), dialect) for v in (left, right)]
        cells = [card.units(p) for row in pair.points for p in row]
        arms = "".join(f" WHEN {k} THEN {units}" for k, units in enumerate(cells))
        parts.append(f"CASE {codes[0]} * {len(right.bins)} + {codes[1]}{arms} END")
    return f"CAST({_added(parts)} AS DOUBLE PRECISION) / {card.unit}"


def _added(parts: Sequence[str]) -> str:
    brackets = [
        "CAST(0 AS BIGINT)\n + " + "\n + ".join(parts[i : i + WIDTH]) for i in range(0, len(parts), WIDTH)
    ]
    return " + ".join(f"({bracket})" for bracket in brackets)


def _case(variable: Variable, worth: Sequence[int], dialect: Dialect) -> str:
    """What ``variable`` is ``worth`` by bin, as a CASE over its column; NULL for an infinite number."""
    arms = _text_arms(variable) if variable.kind == "categorical" else _number_arms(variable, dialect)
    column = identifier(variable.name)
    last = variable.first_special - 1  # the last range, or other
    told = "".join(f" WHEN {test} THEN {'NULL' if code is None else worth[code]}" for test, code in arms)
    return f"CASE WHEN {column} IS NULL THEN {worth[variable.missing_code]}{told} ELSE {worth[last]} END"


def _number_arms(variable: Variable, dialect: Dialect) -> list[tuple[str, int | None]]:
    """Tests in order, each with its bin.

    DuckDB finds ``= NaN`` false from a Parquet file's statistics, which leave NaN out; PostgreSQL has no
    ``isnan``.
    """
    x = f"CAST({identifier(variable.name)} AS DOUBLE PRECISION)"
    nan = f"isnan({x})" if dialect == "duckdb" else f"{x} = {number('NaN')}"
    arms: list[tuple[str, int | None]] = [(nan, variable.missing_code)]
    arms.append((f"{x} IN ({number('Infinity')}, {number('-Infinity')})", None))
    for code, group in enumerate(variable.specials, variable.first_special):
        if group:
            arms.append((f"{x} IN ({', '.join(number(v) for v in group)})", code))
    arms += [(f"{x} < {number(edge)}", i) for i, edge in enumerate(variable.edges)]
    return arms


def _text_arms(variable: Variable) -> list[tuple[str, int | None]]:
    x = f"CAST({identifier(variable.name)} AS TEXT)"
    groups = [*enumerate(variable.specials, variable.first_special), *enumerate(variable.categories)]
    return [(f"{x} IN ({', '.join(text(str(v)) for v in group)})", code) for code, group in groups if group]


def identifier(name: str) -> str:
    """A quoted identifier, as both dialects write it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text literal; backslashes stand for themselves."""
    return "'" + value.replace("'", "''") + "'"


def number(value: float | str) -> str:
    """A float64 literal: the shortest digits that read back as the same number."""
    return f"CAST('{value}' AS DOUBLE PRECISION)"


def _check(card: Card, dialect: Dialect) -> None:
    """Refuse names and texts the dialect would cut, confuse (DuckDB: A and a) or cannot hold."""
    if dialect == "duckdb" and len({n.casefold() for n in card.names}) < len(card.names):
        fail("SCR-EXPORT", "card", target=dialect, detail="A = a")
    for variable in card.variables:
        texts = [str(v) for group in (*variable.specials, *variable.categories) for v in group]
        if any("\0" in value for value in (variable.name, *texts)):
            fail("SCR-EXPORT", variable.name, target=dialect, detail="NUL")
        if dialect == "postgres" and len(variable.name.encode()) > 63:  # noqa: PLR2004 - PostgreSQL cuts longer names
            fail("SCR-EXPORT", variable.name, target=dialect, detail="> 63 bytes")
