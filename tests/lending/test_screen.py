"""The quick screen says what the full decision says, on every product."""

from __future__ import annotations

import functools
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.peers.cases import plain_cases
from xinqiao.city.cases import generate_cases
from xinqiao.lending.product import catalog_products
from xinqiao.lending.screen import screen
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.decision import OUTCOMES, SEVERITY
from xinqiao.policy.evaluate import decide_inputs

DAY = date(2026, 3, 2)
IDS = sorted(catalog_products(DAY))


@functools.cache
def policy_of(product_id: str) -> Policy:
    return catalog_products(DAY)[product_id].policy_on(DAY)


def agree(policy: Policy, plain: dict[str, Any], reasons: dict[str, str]) -> None:
    inputs = read_inputs(policy, plain, reasons)
    full, quick = decide_inputs(policy, inputs), screen(policy).run(inputs, applied=True)
    assert OUTCOMES[quick.severity] == full.outcome
    if full.outcome == "approve":
        assert (quick.limit_cny, quick.rate) == (full.limit_cny, full.rate)
    checks = screen(policy).checks
    said = {(checks[hit.check].id, hit.severity) for hit in quick.hits}
    told = {(reason.source, SEVERITY[reason.effect]) for reason in full.reasons}
    assert said <= told | {("limit", SEVERITY[policy.file.limit.below_min])} or quick.severity < 2
    if quick.severity < 2:
        assert said == told


@pytest.mark.parametrize("product_id", IDS)
def test_the_screen_agrees_with_the_decision_on_generated_cases(product_id: str) -> None:
    policy = policy_of(product_id)
    for plain, reasons in plain_cases(policy, generate_cases(policy, 120, 7)):
        agree(policy, plain, reasons)


@given(st.data())
@settings(max_examples=150)
def test_the_screen_agrees_on_any_value(data: st.DataObject) -> None:
    policy = policy_of(data.draw(st.sampled_from(IDS)))
    plain: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name, item in policy.file.inputs.items():
        value = data.draw(st.none() | _value(item.type, policy.file.grades))
        plain[name] = value
        if value is None:
            reasons[name] = data.draw(
                st.sampled_from(["SOURCE_ABSENT", "NO_RECORDS", "NOT_GIVEN", "NOT_ASKED"])
            )
    agree(policy, plain, reasons)


def _value(kind: str, grades: list[str]) -> st.SearchStrategy[Any]:
    match kind:
        case "grade":
            return st.sampled_from(grades)
        case "text":
            return st.sampled_from(["C", "F", "A", "micro", "company", "self_employed"])
        case "bool":
            return st.sampled_from([0.0, 1.0])
        case "integer":
            return st.integers(0, 80).map(float)
        case "ratio":
            return st.floats(0, 1.5).map(lambda v: round(v, 4))
    return st.floats(0, 3e7).map(lambda v: round(v, 2))


def test_before_an_application_its_own_fields_are_not_asked_yet() -> None:
    policy = policy_of("tax_standard")
    plain = dict.fromkeys(policy.file.inputs, 1.0) | {"评级": "R3"}
    plain |= {"法人年龄": None, "申请金额": None}
    inputs = read_inputs(policy, plain, {})
    ids = [check.id for check in screen(policy).checks]
    before = {ids[hit.check] for hit in screen(policy).run(inputs).hits}
    after = {ids[hit.check] for hit in screen(policy).run(inputs, applied=True).hits}
    assert "owner_age" in after - before


@pytest.mark.parametrize("product_id", IDS)
def test_the_text_of_a_policy_gives_the_policy(product_id: str) -> None:
    policy = policy_of(product_id)
    again = compile_policy(policy.text, f"{product_id}.yaml")
    assert again.file == policy.file
