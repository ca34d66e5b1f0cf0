from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.policy.conftest import GOOD, SMALL
from xinqiao.kernel.errors import UserError
from xinqiao.policy.batch import Batch, decide_batch
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide

TYPED = compile_policy(
    SMALL.replace(
        "derive:",
        "  业: {name: {zh: 业, en: trade}, type: text, values: [农, 工], source: application.trade,"
        " if_missing: refer}\n"
        "  日: {name: {zh: 日, en: day}, type: date, source: application.day, if_missing: refer}\n"
        "  黑: {name: {zh: 黑, en: black}, type: bool, source: application.black, if_missing: refer}\n"
        "derive:",
        1,
    ).replace("if: 月数 < 6", "if: 日 >= '2020-02-29' or 业 == '农' or 黑"),
    "typed.yaml",
)
CASE: dict[str, Any] = {**GOOD, "业": "工", "日": "2019-12-31", "黑": False}


def _decided(policy: Policy, name: str, column: Any, plain: list[Any]) -> Batch:  # noqa: ANN401 - any array
    """The batch in which one input varies, checked against single decisions on ``plain``."""
    columns = {key: pa.array([value] * len(plain)) for key, value in CASE.items()} | {name: column}
    columns = {key: value for key, value in columns.items() if key in policy.file.inputs}
    batch = decide_batch(policy, columns)
    for row, (value, got) in enumerate(zip(plain, batch.to_arrow().to_pylist(), strict=True)):
        case = {key: item for key, item in CASE.items() if key in policy.file.inputs} | {name: value}
        want = decide(policy, case)
        codes = " ".join(reason.code for reason in want.reasons)
        assert (got["outcome"], got["reason_codes"]) == (want.outcome, codes), (row, value)
        assert (got["limit_cny"], got["rate"]) == (want.limit_cny, want.rate)
    return batch


NUMBERS: list[Any] = [1_200_000, 900_000, None, 5]


@pytest.mark.parametrize(
    "column",
    [
        np.array([1_200_000, 900_000, np.nan, 5]),
        np.array([1_200_000, 900_000, np.nan, 5], np.float32),
        pa.array(NUMBERS),
        pa.chunked_array([NUMBERS[:1], NUMBERS[1:]]),
        pa.array(NUMBERS, pa.int32()),
        pa.array([None if n is None else Decimal(n) for n in NUMBERS], pa.decimal128(12, 2)),
        pa.array([None if n is None else Decimal(n) for n in NUMBERS], pa.decimal128(30, 2)),
        NUMBERS,
        np.array(NUMBERS, dtype=object),
    ],
)
def test_numbers_of_every_kind(column: Any) -> None:  # noqa: ANN401 - any array
    _decided(TYPED, "年销售额", column, NUMBERS)


def test_numbers_no_double_holds_are_decided_alone() -> None:
    whole = [2**53 + 1, 2**60 + 1, 1_000_000]
    assert _decided(TYPED, "年销售额", np.array(whole), whole).exact_rows == 2
    long = [Decimal("1000000.00000000000000001"), Decimal("1200000.5"), None]
    wide = pa.array(long, pa.decimal128(38, 17))
    assert _decided(TYPED, "年销售额", wide, long).exact_rows == 1


@pytest.mark.parametrize(
    "column",
    [
        ["农", None, "工", "商"],
        np.array(["农", None, "工", "商"], dtype=object),
        pa.array(["农", None, "工", "商"], pa.large_string()),
        pa.array(["农", None, "工", "商"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, 1, 3, 2]), pa.array(["农", None, "商", "工"])),
    ],
)
def test_texts_of_every_kind(column: Any) -> None:  # noqa: ANN401 - any array
    _decided(TYPED, "业", column, ["农", None, "工", "商"])


DAYS = [date(2020, 2, 29), date(2020, 2, 28), None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(DAYS),
        pa.array(["2020-02-29", "2020-02-28", None]),
        pa.array([None if d is None else datetime(d.year, d.month, d.day, 9) for d in DAYS]),  # noqa: DTZ001 - a day without zone
        pa.DictionaryArray.from_arrays(
            pa.array([0, 1, None]), pa.array(["2020-02-29", "2020-02-28", "never"])
        ),
    ],
)
def test_dates_of_every_kind(column: Any) -> None:  # noqa: ANN401 - any array
    _decided(TYPED, "日", column, ["2020-02-29", "2020-02-28", None])


@pytest.mark.parametrize(
    "column",
    [
        [True, False, None],
        np.array([1.0, 0.0, np.nan]),
        pa.array([1, 0, None]),
        pa.array([True, False, None]),
    ],
)
def test_truths_of_every_kind(column: Any) -> None:  # noqa: ANN401 - any array
    _decided(TYPED, "黑", column, [True, False, None])


def test_a_number_that_is_no_truth_is_invalid() -> None:
    _decided(TYPED, "黑", np.array([2.0, np.inf, 0.5]), [2.0, float("inf"), 0.5])


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("年销售额", ["1"]),
        ("年销售额", [True]),
        ("年销售额", pa.array([date(2020, 1, 1)])),
        ("年销售额", [float("inf")]),
        ("年销售额", ["1", 2]),
        ("业", [1.0]),
        ("业", pa.array([1]).dictionary_encode()),
        ("日", ["2020-02-30"]),
        ("黑", ["yes"]),
        ("没有", [1.0]),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, column: Any) -> None:  # noqa: ANN401 - any array
    with pytest.raises(UserError) as error:
        decide_batch(TYPED, {name: column})
    assert error.value.code == "POL-CASE"
    assert name in str(error.value)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        decide_batch(TYPED, {"年销售额": [1.0], "月数": [1.0, 2.0]})


def test_reasons_of_every_kind_and_an_input_without_a_column(small: Policy) -> None:
    columns: dict[str, Any] = {name: [GOOD[name]] * 4 for name in ("评级", "年销售额", "月数")}
    reasons = ["SOURCE_ABSENT", "NO_RECORDS", None, "ELSE"]
    kinds = (reasons, pa.array(reasons), pa.array(reasons).dictionary_encode())
    outcomes = [decide_batch(small, columns, {"波动": why}).to_arrow().to_pylist() for why in kinds]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    for reason, got in zip(reasons, outcomes[0], strict=True):
        want = decide(small, {**GOOD, "波动": None}, {"波动": reason} if reason else {})
        assert got["reason_codes"] == " ".join(r.code for r in want.reasons)
    assert outcomes[0][0]["reason_codes"] != outcomes[0][1]["reason_codes"]
    assert outcomes[0][2] == decide_batch(small, columns, {"波动": [None] * 4}).to_arrow().to_pylist()[2]
