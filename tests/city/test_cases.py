from __future__ import annotations

import io
import math

import pyarrow as pa
import pytest
from pyarrow import feather

from tests.policy.conftest import SMALL
from xinqiao.city.cases import generate_cases
from xinqiao.kernel.errors import UserError
from xinqiao.policy.compiled import compile_policy
from xinqiao.policy.evaluate import decide
from xinqiao.policy.frame import read_frame
from xinqiao.policy.load import load_policy

POLICY = load_policy("small_firm_credit")
TABLE = generate_cases(POLICY, 20_000, 1)


def _bytes(table: pa.Table) -> bytes:
    out = io.BytesIO()
    feather.write_feather(table.combine_chunks(), out, compression="uncompressed")
    return out.getvalue()


def test_the_same_arguments_give_the_same_rows_and_a_longer_table_begins_with_the_shorter() -> None:
    assert _bytes(generate_cases(POLICY, 20_000, 1)) == _bytes(TABLE)
    assert _bytes(generate_cases(POLICY, 300, 1)) == _bytes(TABLE.slice(0, 300))
    assert _bytes(generate_cases(POLICY, 300, 2)) != _bytes(TABLE.slice(0, 300))


def test_a_table_says_that_it_is_generated_and_for_which_policy() -> None:
    assert TABLE.schema.metadata == {
        b"generated": b"true",
        b"policy": b"small_firm_credit 1.0",
        b"seed": b"1",
    }


def test_the_edges_of_the_policy_are_hit_and_missed_by_one_binary_digit() -> None:
    voided = set(TABLE["INV06"].drop_null().to_pylist())
    assert {0.2, 0.4, math.nextafter(0.4, 1), math.nextafter(0.4, 0)} <= voided
    assert {-1.0, 1e19} <= voided


def test_missing_values_come_as_null_and_as_nan_with_reasons_and_without() -> None:
    values, reasons = TABLE["REG01"].to_pylist(), TABLE["REG01.missing"].to_pylist()
    gone = [value is None or math.isnan(value) for value in values]
    assert {None, "nan"} <= {None if v is None else str(v) for v in values}
    assert {r for r, g in zip(reasons, gone, strict=True) if g} >= {None, "SOURCE_ABSENT", "NO_RECORDS"}
    assert all(r is None for r, g in zip(reasons, gone, strict=True) if not g)


@pytest.mark.parametrize("policy", [POLICY, compile_policy(SMALL, "small.yaml")])
def test_every_outcome_and_every_rule_is_met(policy: object) -> None:
    frame = read_frame(policy, generate_cases(policy, 3_000, 1))  # type: ignore[arg-type] # parametrize loses the type
    values = {name: column.to_pylist() for name, column in frame.columns.items()}
    seen: dict[str, int] = {}
    for i in range(3_000):
        decision = decide(policy, {name: column[i] for name, column in values.items()})  # type: ignore[arg-type] # as above
        for word in (decision.outcome, *(reason.source for reason in decision.reasons)):
            seen[word] = seen.get(word, 0) + 1
    assert {"approve", "refer", "reject"} <= set(seen)
    assert {rule.rule.id for rule in policy.rules} <= set(seen)  # type: ignore[attr-defined] # as above
    assert seen["approve"] > 300


def test_texts_and_dates_are_drawn_from_what_the_policy_names() -> None:
    text = SMALL.replace(
        "derive:",
        "  行业: {name: {zh: 行业, en: trade}, type: text, values: [农业, 工业], source: application.trade,"
        " if_missing: ignore}\n"
        "  注册日: {name: {zh: 注册日, en: day}, type: date, source: application.since, if_missing: ignore}\n"
        "derive:",
        1,
    ).replace("if: 月数 < 6", "if: 注册日 > '2020-02-29' and 行业 == '农业'")
    table = generate_cases(compile_policy(text, "p.yaml"), 5_000, 3)
    assert {"农业", "工业"} < set(table["trade"].to_pylist())
    assert {"2020-02-28", "2020-02-29", "2020-03-01"} < set(table["since"].to_pylist())


@pytest.mark.parametrize("rows", [0, 200_000_000])
def test_an_impossible_number_of_rows_is_refused(rows: int) -> None:
    with pytest.raises(UserError) as error:
        generate_cases(POLICY, rows, 1)
    assert error.value.code == "CITY-CASES"
