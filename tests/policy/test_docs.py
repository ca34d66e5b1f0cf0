"""The worked example of docs/policy.md does what the page says."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.policy.case import Case, bind
from xinqiao.policy.check import check_policy
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.kinds import FUNCTIONS
from xinqiao.policy.mandate import load_mandate
from xinqiao.policy.wording import MISSING

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policy.md").read_text("utf-8")


def _block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def policy() -> Policy:
    return compile_policy(_block("yaml"), "docs/policy.md")


@pytest.fixture
def case() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(_block("json"))
    return data


def test_the_example_is_approved_as_worked_out(policy: Policy, case: dict[str, Any]) -> None:
    decision = decide_inputs(policy, bind(policy, Case.from_json(case, "case.json", indicators())))
    assert decision.outcome == "approve"
    assert (decision.limit_cny, decision.rate) == (Decimal(700000), Decimal("0.0535"))
    assert [note.source for note in decision.notes] == ["A02"]
    assert next(step.detail for step in decision.trace if step.id == "terms") == "row 2"


def test_the_example_refers_for_the_other_reason(policy: Policy, case: dict[str, Any]) -> None:
    case["missing"]["REG01"] = "NO_RECORDS"
    decision = decide_inputs(policy, bind(policy, Case.from_json(case, "case.json", indicators())))
    assert decision.outcome == "refer"


def test_the_example_passes_the_check() -> None:
    units = {name: indicator.unit.id for name, indicator in indicators().items()}
    assert check_policy(_block("yaml"), "docs/policy.md", units, load_mandate("small_firm_loan")) == ()


def test_every_missing_reason_and_function_is_documented() -> None:
    assert [code for code in MISSING if f"`{code}`" not in PAGE] == []
    expressions = (DOCS / "expressions.md").read_text("utf-8")
    assert [name for name in FUNCTIONS if f"`{name}(" not in expressions] == []
