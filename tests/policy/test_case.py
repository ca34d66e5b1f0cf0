from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.policy.conftest import GOOD
from xinqiao.kernel.errors import UserError
from xinqiao.policy.case import Case, bind, read_inputs
from xinqiao.policy.compiled import Policy
from xinqiao.policy.logic import exact_of

KNOWN = ("INV01", "INV05", "INV28", "REG01")
CASE: dict[str, Any] = {
    "company_id": "E1",
    "as_of": "2020-12-31",
    "indicators": {"INV01": 1000000.1, "INV28": None, "INV05": 0.1},
    "missing": {"INV28": "NO_RECORDS"},
    "score": {"grade": "A", "points": 600, "pd": 0.02},
    "application": {"amount_cny": 5},
}


def test_a_case_is_bound_by_source(small: Policy) -> None:
    inputs = bind(small, Case.from_json(CASE, "case.json", KNOWN))
    assert {name: exact_of(value) for name, value in inputs.values.items()} == {
        "评级": "A",
        "年销售额": Decimal("1000000.1"),
        "月数": None,
        "波动": Decimal("0.1"),
    }
    assert dict(inputs.reasons) == {"月数": "NO_RECORDS"}


def test_what_a_case_leaves_out_is_missing(small: Policy) -> None:
    inputs = bind(small, Case("E1", date(2020, 1, 1), {}, {}, {}, {}))
    assert set(inputs.values.values()) == {None}
    assert set(inputs.reasons.values()) == {"NOT_GIVEN"}


@pytest.mark.parametrize(
    "bad",
    [
        [],
        {**CASE, "extra": 1},
        {**CASE, "indicators": [1]},
        {**CASE, "missing": {"INV28": ["NO_RECORDS"]}},
        {**CASE, "as_of": "2020-13-01"},
        {**CASE, "as_of": None},
        {k: v for k, v in CASE.items() if k != "company_id"},
    ],
)
def test_a_wrong_case_is_refused(bad: object) -> None:
    with pytest.raises(UserError, match="POL-CASE"):
        Case.from_json(bad, "case.json", KNOWN)


@pytest.mark.parametrize(
    "bad", [{"年销售额": "很多"}, {"年销售额": True}, {"评级": 3}, {"年销售额": float("inf")}, {"别的": 1}]
)
def test_a_value_of_another_type_is_refused(small: Policy, bad: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="POL-CASE"):
        read_inputs(small, {**GOOD, **bad}, {})


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (np.float64(0.1), Decimal("0.1")),
        (np.int64(3), Decimal(3)),
        (0.30000000000000004, Decimal("0.30000000000000004")),
        (Decimal("1.10"), Decimal("1.1")),
        (float("nan"), None),
        (1e18, None),
        (-1e300, None),
    ],
)
def test_numbers_are_read_as_written(small: Policy, given: object, read: Decimal | None) -> None:
    assert exact_of(read_inputs(small, {**GOOD, "年销售额": given}, {}).values["年销售额"]) == read


def test_flags_are_zero_or_one(shipped: Policy) -> None:
    found = [
        read_inputs(shipped, {"经营异常": v}, {}).values["经营异常"] for v in (0.0, 1.0, True, 2.0, None)
    ]
    assert found == [False, True, True, None, None]


def test_an_unknown_indicator_is_named_with_what_may_be_meant() -> None:
    case = {**CASE, "indicators": {"inv1": 5.0, "INV05": 0.1}, "missing": {"QQQ": "NO_RECORDS"}}
    with pytest.raises(UserError, match="POL-CASE") as caught:
        Case.from_json(case, "case.json", KNOWN)
    assert "QQQ, inv1 (INV" in caught.value.what.zh
    assert "INV01" in caught.value.what.zh


def test_numbers_that_a_float_writes_are_floats(small: Policy) -> None:
    for given in (5, 0.25, Decimal("0.25"), np.int64(7), 10**15):
        assert type(read_inputs(small, {"年销售额": given}, {}).values["年销售额"]) is float
    for given in (2**53 + 1, Decimal("0.1000000000000000055")):
        assert read_inputs(small, {"年销售额": given}, {}).values["年销售额"] == Decimal(given)
