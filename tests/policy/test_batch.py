from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy.conftest import bent
from tests.policy.lively import lively
from tests.policy.strategies import cases, missing_reasons, policies
from xinqiao.city.cases import generate_cases
from xinqiao.kernel.errors import UserError
from xinqiao.policy import batch as module
from xinqiao.policy.batch import EFFECTS, OUTCOMES, Batch, decide_batch
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide_json
from xinqiao.policy.frame import read_frame


def _alone(
    policy: Policy, columns: Mapping[str, Sequence[Any]], missing: Mapping[str, Sequence[Any]], row: int
) -> dict[str, Any]:
    values = {name: column[row] for name, column in columns.items()}
    why = {name: column[row] for name, column in missing.items() if column[row] is not None}
    found: dict[str, Any] = json.loads(decide_json(policy, read_inputs(policy, values, why)))
    return found


def _said(batch: Batch, row: int) -> dict[tuple[str, str], str]:
    pairs = zip(batch.checks, batch.effects[:, row].tolist(), strict=True)
    return {(check.id, check.code): EFFECTS[effect] for check, effect in pairs if effect}


def _differences(
    policy: Policy,
    batch: Batch,
    columns: Mapping[str, Sequence[Any]],
    missing: Mapping[str, Sequence[Any]],
) -> list[tuple[int, object, object]]:
    """Rows in which anything differs from the single decision."""
    table = batch.to_arrow().to_pylist()
    out: list[tuple[int, object, object]] = []
    for row, got in enumerate(table):
        want = _alone(policy, columns, missing, row)
        expected = {
            "outcome": want["outcome"],
            "limit_cny": None if want["limit_cny"] is None else Decimal(want["limit_cny"]),
            "rate": None if want["rate"] is None else Decimal(want["rate"]),
            "reason_codes": " ".join(reason["code"] for reason in want["reasons"]),
        }
        said = {(reason["source"], reason["code"]): reason["effect"] for reason in want["reasons"]}
        if got != expected or _said(batch, row) != said:
            out.append((row, got, expected))
        assert OUTCOMES[batch.outcome[row]] == want["outcome"]
    return out


def checked(policy: Policy, rows: int, seed: int) -> Batch:
    """Generated cases decided as a batch and one by one: no difference."""
    frame = read_frame(policy, generate_cases(policy, rows, seed))
    batch = decide_batch(policy, frame.columns, frame.missing)
    columns = {name: column.to_pylist() for name, column in frame.columns.items()}
    missing = {name: column.to_pylist() for name, column in frame.missing.items()}
    assert _differences(policy, batch, columns, missing) == []
    return batch


CASES = int(os.environ.get("XINQIAO_CASES", "25000"))
"""The long run: XINQIAO_CASES=100000."""


@pytest.mark.slow
def test_generated_cases_are_decided_as_one_by_one(shipped: Policy) -> None:
    batch = checked(shipped, CASES, 1)
    assert set(np.unique(batch.outcome)) == {0, 1, 2}
    assert batch.exact_rows < CASES / 1000  # 6 of 100,000 when this was written


def test_cases_of_the_small_policy_are_decided_as_one_by_one(small: Policy) -> None:
    assert checked(small, 5_000, 2).exact_rows < 50


def test_limits_by_the_month_hang_on_the_34th_digit_and_are_decided_as_one_by_one() -> None:
    text = bent("expr: 年销售额 * 比例", "expr: 月销售额 * 3 if 波动 < 5 else 月销售额 * 1.2 + 100")
    assert checked(compile_policy(text, "p.yaml"), 4_000, 3).exact_rows < 40


def test_a_limit_too_small_for_doubles_still_says_that_it_is_too_small() -> None:
    text = bent("expr: 年销售额 * 比例", "expr: 年销售额 * abs(min(0, 0.5 - 波动) / 9007199254740993)")
    policy = compile_policy(text, "p.yaml")
    assert checked(policy, 300, 5).exact_rows > 0
    assert "LIMIT_BELOW_MIN" in {check.code for check in decide_batch(policy, {"年销售额": [1.0]}).checks}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), st.lists(st.tuples(cases(), missing_reasons()), min_size=1, max_size=8))
def test_any_policy_decides_a_batch_as_one_by_one(
    policy: Policy, drawn: list[tuple[dict[str, Any], dict[str, str]]]
) -> None:
    inputs = policy.file.inputs
    columns = {name: [case.get(name) for case, _ in drawn] for name in inputs}
    missing = {name: [why.get(name) for _, why in drawn] for name in inputs}
    for name, column in columns.items():
        columns[name] = _uniform(inputs[name].type, column)
    batch = decide_batch(policy, columns, missing)
    assert _differences(policy, batch, columns, missing) == []


def _uniform(kind: str, column: list[Any]) -> list[Any]:
    """A column is of one type: numbers become doubles."""
    if kind in ("text", "grade", "date"):
        return column
    return [None if value is None else float(value) for value in column]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lively(), st.integers(0, 10**6))
def test_close_calls_are_decided_as_one_by_one(policy: Policy, seed: int) -> None:
    checked(policy, 200, seed)


def test_no_rows_give_an_empty_batch(small: Policy) -> None:
    batch = decide_batch(small, {"年销售额": np.empty(0)})
    assert (len(batch), batch.to_arrow().num_rows, batch.exact_rows) == (0, 0, 0)


def test_progress_is_told_and_chunks_do_not_show(small: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = read_frame(small, generate_cases(small, 1_000, 4))
    whole = decide_batch(small, frame.columns, frame.missing)
    monkeypatch.setattr(module, "CHUNK", 300)
    done: list[int] = []
    parts = decide_batch(small, frame.columns, frame.missing, done.append)
    assert done == [300, 600, 900, 1000]
    assert parts.to_arrow().equals(whole.to_arrow())
    assert np.array_equal(parts.effects, whole.effects)


def test_an_infinity_is_refused_and_named(small: Policy) -> None:
    columns = {"年销售额": np.array([1.0, np.inf]), "月数": np.array([1.0, 2.0])}
    with pytest.raises(UserError) as error:
        decide_batch(small, columns)
    assert error.value.code == "POL-CASE"
    assert "年销售额" in error.value.where
