from __future__ import annotations

import itertools
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.reference import Evaluator, find_rows
from xinqiao.kernel.expression import Logic
from xinqiao.kernel.text import Text
from xinqiao.policy import lookup as module
from xinqiao.policy.compiled import TableStep
from xinqiao.policy.conditions import ANY, Cells
from xinqiao.policy.format import Output, Table
from xinqiao.policy.kinds import Kind, declared
from xinqiao.policy.logic import Value
from xinqiao.policy.lookup import Lookup, compile_lookup

GRADES = ("A", "B", "C", "D")
RANK = {grade: i for i, grade in enumerate(GRADES)}
KINDS: dict[str, Kind] = {
    "grade": declared("grade", None),
    "amount": declared("money", None),
    "share": declared("ratio", None),
    "trade": declared("text", None, ["farm", "shop", "mill", "mine"]),
    "day": declared("date", None),
    "listed": declared("bool", None),
}
WORDS = Text(zh="表", en="table")

NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 0.1, 0.2, 0.30000000000000004, 2**60])
DAYS = st.sampled_from(["2019-12-31", "2020-01-01", "2020-02-29", "2021-01-01"])


def _ranges(points: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    two = st.lists(points, min_size=2, max_size=2, unique=True).map(sorted)
    whole = st.tuples(two, st.sampled_from(["{}..{}", "[{}..{}]", "[{}..{})", "({}..{}]", "({}..{})"]))
    return whole.map(lambda pair: pair[1].format(*pair[0]))


def _ordered(points: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    compared = st.tuples(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), points).map(
        lambda pair: f"{pair[0]} {pair[1]}"
    )
    return compared | _ranges(points) | points | st.lists(points, min_size=1, max_size=3).map(_list)


def _list(items: list[Any]) -> str:
    return f"[{', '.join(map(str, items))}]"


def _named(words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    word = st.sampled_from(words)
    return word | word.map(lambda w: f"!= {w}") | st.lists(word, min_size=1, max_size=3).map(_list)


SPANS = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda p: f"{GRADES[min(p)]}..{GRADES[max(p)]}")
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "grade": _named(GRADES) | SPANS,
    "amount": _ordered(NUMBERS),
    "share": _ordered(NUMBERS),
    "trade": _named(("farm", "shop", "mill")),
    "day": _ordered(DAYS),
    "listed": st.sampled_from([True, False, "true", "!= true"]),
}
VALUES: dict[str, list[Value]] = {
    "grade": [*GRADES, None],
    "amount": [None, *(Decimal(x) for x in ("-2", "0", "0.1", "0.3", "0.30000000000000004", "2.5", "9e17"))],
    "share": [None, *(Decimal(x) for x in ("-1", "1", "0.2", "0.15", "3", "1.152921504606847e18"))],
    "trade": ["farm", "mill", "mine", None],
    "day": ["2019-01-01", "2019-12-31", "2020-01-01", "2020-02-28", "2020-02-29", "2022-01-01", None],
    "listed": [True, False, None],
}


def _cell(name: str) -> st.SearchStrategy[Any]:
    negated = PLAIN[name].map(lambda cell: f"not {str(cell).lower() if cell in (True, False) else cell}")
    return st.just("-") | PLAIN[name] | negated


@st.composite
def tables(draw: st.DrawFn) -> TableStep:
    columns = draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=4, unique=True))
    hit = draw(st.sampled_from(["first", "unique", "collect-max"]))
    row = st.tuples(*(_cell(name) for name in columns)).map(list)
    return table_step(columns, hit, draw(st.lists(row, min_size=1, max_size=6)))


def table_step(columns: list[str], hit: Any, rows: list[list[Any]]) -> TableStep:  # noqa: ANN401 - a Hit
    cells = Cells(GRADES)
    conditions = []
    for row in rows:
        pairs = zip(columns, row, strict=True)
        parts = [cells.condition(name, KINDS[name], cell, "t:1") for name, cell in pairs]
        tests = tuple(part for part in parts if part is not ANY)
        conditions.append(Logic(1, "and", tests) if tests else ANY)
    outputs = {"out": Output(name=WORDS, type="number")}
    full = [[*row, i] for i, row in enumerate(rows)]
    table = Table(
        id="t", name=WORDS, hit=hit, inputs=columns, outputs=outputs, if_missing={"else": "refer"}, rows=full
    )
    return TableStep(table, tuple((condition, ()) for condition in conditions))


def _cases(step: TableStep) -> list[dict[str, Value]]:
    names = step.table.inputs
    return [
        dict(zip(names, row, strict=True))
        for row in itertools.islice(itertools.product(*(VALUES[n] for n in names)), 400)
    ]


def meant(step: TableStep, case: dict[str, Value]) -> module.Answer:
    """The answer by reading the rows one by one."""
    hits, fault, blamed = find_rows(step, Evaluator(case, RANK))
    return module.Answer(() if fault else tuple(hits), fault, blamed)


def _found(lookup: Lookup, step: TableStep, case: dict[str, Value]) -> module.Answer:
    return lookup.answers[lookup.find([case[name] for name in step.table.inputs])]


@given(tables())
def test_a_lookup_answers_as_the_rows_read_one_by_one(step: TableStep) -> None:
    lookup = compile_lookup(step, GRADES, KINDS)
    for case in _cases(step):
        assert _found(lookup, step, case) == meant(step, case), case


@given(tables())
@settings(max_examples=40)
def test_a_tangled_table_answers_the_same(step: TableStep) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_CELLS", 1)
        lookup = compile_lookup(step, GRADES, KINDS)
        assert lookup.layers is None
        cases = _cases(step)
        for case in cases:
            assert _found(lookup, step, case) == meant(step, case), case
        assert _by_codes(lookup, step, cases) == [_found(lookup, step, case) for case in cases]


def _by_codes(lookup: Lookup, step: TableStep, cases: list[dict[str, Value]]) -> list[module.Answer]:
    columns = [np.array([case[name] for case in cases], object) for name in step.table.inputs]
    pairs = zip(lookup.axes, columns, strict=True)
    codes = [a.codes(c.astype(np.float64) if a.base == "number" else c) for a, c in pairs]
    return [lookup.answers[i] for i in lookup.find_codes(codes)]


@given(tables())
def test_columns_of_codes_answer_as_single_values(step: TableStep) -> None:
    lookup = compile_lookup(step, GRADES, KINDS)
    cases = _cases(step)
    assert _by_codes(lookup, step, cases) == [_found(lookup, step, case) for case in cases]


@given(st.lists(st.floats(-1e17, 1e17) | st.integers(-(10**17), 10**17), min_size=1, max_size=4), st.data())
def test_a_double_falls_where_its_shortest_decimal_does(points: list[float], data: st.DataObject) -> None:
    axis = compile_lookup(table_step(["amount"], "first", [[p] for p in points]), GRADES, KINDS).axes[0]
    near = [float(p) for p in points]
    near += [x for p in near for x in (np.nextafter(p, np.inf), np.nextafter(p, -np.inf))]
    column = data.draw(st.lists(st.sampled_from(near) | st.floats(allow_nan=False, allow_infinity=False)))
    codes = axis.codes(np.array([*column, np.nan]))
    assert codes.tolist() == [*(axis.code(Decimal(repr(float(x)))) for x in column), axis.missing]


def _grid() -> TableStep:
    """20,000 rows: 4 grades, 20 amounts, 50 shares, 5 days, and a rest."""
    amounts = [f"[{a * 50_000}..{(a + 1) * 50_000})" for a in range(20)]
    shares = [f"[{s / 50}..{(s + 1) / 50})" for s in range(50)]
    days = [f"[20{d}-01-01..20{d + 1}-01-01)" for d in range(15, 20)]
    rows = [list(row) for row in itertools.product(GRADES, amounts, shares, days)]
    return table_step(["grade", "amount", "share", "day"], "first", [*rows[:-1], ["-", "-", "-", "-"]])


def test_a_table_of_20000_rows_is_ready_in_seconds_and_answers_in_microseconds() -> None:
    step = _grid()
    began = time.process_time()
    lookup = compile_lookup(step, GRADES, KINDS)
    assert time.process_time() - began < 6  # about 1.5 on a free machine
    values: list[Value] = ["C", Decimal(725_000), Decimal("0.555"), "2018-07-01"]
    hit = ((2 * 20 + 14) * 50 + 27) * 5 + 3
    assert lookup.answers[lookup.find(values)] == module.Answer((hit,))
    best = min(_seconds(lookup, values) for _ in range(5))
    assert best < 20e-6  # about 2 on a free machine


def _seconds(lookup: Lookup, values: list[Value]) -> float:
    began = time.process_time()
    for _ in range(1000):
        lookup.find(values)
    return (time.process_time() - began) / 1000


def test_a_large_tangled_table_is_answered_by_sets() -> None:
    rows = [[f"[{i}..{i + 500})", f"[{(i * 7919) % 5000}..{(i * 7919) % 5000 + 400})"] for i in range(5000)]
    step = table_step(["amount", "share"], "first", rows)
    began = time.process_time()
    lookup = compile_lookup(step, GRADES, KINDS)
    assert lookup.layers is None
    assert time.process_time() - began < 10
    for i in range(0, 5000, 613):
        case: dict[str, Value] = {"amount": Decimal(i) + 3, "share": Decimal((i * 31) % 5000)}
        assert _found(lookup, step, case) == meant(step, case)
