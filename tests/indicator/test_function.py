"""Functions of the expression language that hold for any values, beside a plain statement of them."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xinqiao.indicator.compiler import Scope
from xinqiao.indicator.function import AGGREGATE, SCALAR
from xinqiao.kernel.expression import parse_expression
from xinqiao.kernel.period import month_index

T = date(2024, 12, 31)
FEW = settings(max_examples=25, deadline=None)
maybe = st.none() | st.integers(0, 4) | st.integers(-(10**12), 10**12)


def value(expression: str, **columns: Any) -> Any:  # noqa: ANN401 - any type of the language
    """The expression over one row; missing is None."""
    types = {int: "int64", float: "float64", str: "string", date: "date"}
    table = ibis.memtable(pa.table({"row": [1]}))
    cells = {
        name: ibis.literal(cell, type=types[type(cell)]) if cell is not None else ibis.null("int64")
        for name, cell in columns.items()
    }
    scope = Scope(table.mutate(**cells), T)
    found = ibis.duckdb.connect().to_pyarrow(
        scope.table.select(v=scope.compile(parse_expression(expression, "x")))
    )
    return found["v"].to_pylist()[0]


@FEW
@given(st.lists(maybe, min_size=2, max_size=5))
def test_middle_is_the_lower_median_of_what_is_known(cells: list[int | None]) -> None:
    names = [f"a{n}" for n in range(len(cells))]
    columns = dict(zip(names, cells, strict=True))
    inside = [cell for cell in cells if cell is not None]
    assert value(f"known({', '.join(names)})", **columns) == len(inside)
    middle = value(f"middle({', '.join(names)})", **columns)
    place = value(f"middle_place({', '.join(names)})", **columns)
    assert middle == (median_low(inside) if inside else None)
    assert place == (cells.index(median_low(inside)) + 1 if inside else None)


@FEW
@given(st.dates(date(1970, 1, 1), date(2100, 12, 31)))
def test_weekday_and_month_of_year(day: date) -> None:
    assert value("weekday(d)", d=day) == day.isoweekday()
    assert value("month_of_year(d)", d=day) == day.month


FIRST_DAYS = """2015-02-19 2016-02-08 2017-01-28 2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01
2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 2030-02-03"""


def test_spring_festival_is_a_new_moon_of_the_season() -> None:
    # the first days lie from 21 January to 20 February, and whole lunations (29.530588 days) apart
    days = [date.fromisoformat(text) for text in FIRST_DAYS.split()]
    for day in days:
        assert (1, 21) <= (day.month, day.day) <= (2, 20)
        lunations = (day - days[0]).days / 29.530588
        assert abs(lunations - round(lunations)) < 1 / 29
    for day in days:
        other = day.replace(month=3 - day.month, day=1)
        assert value("spring_festival(m)", m=month_index(day)) is True
        assert value("spring_festival(m)", m=month_index(other)) is False


@pytest.mark.parametrize(
    ("address", "city"),
    [
        ("江苏省南京市鼓楼区", "南京市"),
        ("广西壮族自治区南宁市", "南宁市"),
        ("北京市海淀区", "北京市"),
        ("示例市第3大街5号", "示例市"),
        ("乡下", None),
    ],
)
def test_city(address: str, city: str | None) -> None:
    assert value("city(a)", a=address) == city


@pytest.mark.parametrize(
    ("code", "division"),
    [("F5164", "51"), ("5164", "51"), ("51", "51"), ("f", None), ("", None), ("5", None)],
)
def test_industry_division(code: str, division: str | None) -> None:
    assert value("industry_division(c)", c=code) == division


def test_when_and_ln() -> None:
    assert value("when(a > 1, b)", a=2, b=5) == 5
    assert value("when(a > 1, b)", a=1, b=5) is None
    assert value("when(a > 1, b)", a=None, b=5) is None
    assert [value("ln(a)", a=a) for a in (1, 0, -1)] == [0, None, None]


def over(expression: str, rows: list[dict[str, Any]]) -> list[Any]:
    """A row function over rows of company A, in the order of ``month`` or ``day``."""
    table = ibis.memtable(pa.Table.from_pylist([{"company_id": "A"} | row for row in rows]))
    scope = Scope(table, T)
    result = table.mutate(v=scope.compile(parse_expression(expression, "x"))).order_by(next(iter(rows[0])))
    return ibis.duckdb.connect().to_pyarrow(result)["v"].to_pylist()


@FEW
@given(st.sets(st.integers(24_000, 24_030), min_size=1))
def test_run_and_previous(found: set[int]) -> None:
    months = sorted(found)
    rows = [{"month": month, "x": month * 10} for month in months]
    runs = over("run(month)", rows)
    joined = [a == b for a, b in pairwise(runs)]
    assert joined == [b == a + 1 for a, b in pairwise(months)]
    assert over("previous(x, month)", rows) == [(m - 1) * 10 if m - 1 in found else None for m in months]


@FEW
@given(st.dictionaries(st.integers(0, 40), st.integers(0, 9), min_size=1))
def test_sum_ahead(found: dict[int, int]) -> None:
    rows = [{"day": day, "key": "k", "x": found[day]} for day in sorted(found)]
    expected = [sum(found.get(day + n, 0) for n in range(8)) for day in sorted(found)]
    assert over("sum_ahead(x, key, day, 7)", rows) == expected


def test_every_function_is_described() -> None:
    text = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text("utf-8")
    assert [name for name in (*SCALAR, *AGGREGATE) if f"`{name}(" not in text] == [
        "least",
        "greatest",
        "coalesce",
    ]
    assert all(f"`{name}`" in text for name in ("least", "greatest", "coalesce"))
