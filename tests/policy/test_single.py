"""The written function equals the plain meaning of a policy, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.policy import reference
from tests.policy.conftest import GOOD, SMALL, bent
from tests.policy.strategies import cases, missing_reasons, policies
from tests.policy.test_evaluate import ABSENT, SHIPPED
from xinqiao.kernel.canonical import canonical_json
from xinqiao.policy.case import read_inputs
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide_inputs, decide_json
from xinqiao.policy.single import single

SLOW = settings(  # no shrinking: it takes minutes, and a policy that fails is small enough to read
    max_examples=150,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _same(policy: Policy, case: dict[str, Any], why: dict[str, str]) -> None:
    inputs = read_inputs(policy, case, why)
    expected = reference.decide_inputs(policy, inputs)
    assert decide_json(policy, inputs) == canonical_json(expected.as_json())
    assert decide_inputs(policy, inputs) == expected


@SLOW
@given(policies(), st.lists(st.tuples(cases(), missing_reasons()), min_size=1, max_size=5))
def test_any_policy_decides_any_case_as_the_plain_walk_does(
    policy: Policy, drawn: list[tuple[dict[str, Any], dict[str, str]]]
) -> None:
    for case, why in drawn:
        _same(policy, case, why)


@SLOW
@given(policies(("refer", "reject")), cases(), missing_reasons())
def test_no_policy_approves_on_a_missing_required_value(
    policy: Policy, case: dict[str, Any], why: dict[str, str]
) -> None:
    """Where every input is required, a missing one never ends in an approval, whatever the rest says."""
    inputs = read_inputs(policy, case, why)
    decision = json.loads(decide_json(policy, inputs))
    if inputs.reasons:
        assert decision["outcome"] != "approve"
        assert decision["limit_cny"] is None
    if decision["outcome"] == "approve":
        assert all(step["result"] is not None for step in decision["trace"] if step["kind"] != "derive")


@SLOW
@given(policies(), cases(), missing_reasons())
def test_nothing_unknown_is_approved_unless_written_so(
    policy: Policy, case: dict[str, Any], why: dict[str, str]
) -> None:
    decision = json.loads(decide_json(policy, read_inputs(policy, case, why)))
    if decision["outcome"] == "approve":
        assert {step["effect"] for step in decision["trace"]} == {"ignore", "approve"}
        ends = [step["result"] for step in decision["trace"] if step["kind"] in {"limit", "price"}]
        assert None not in ends
        unknown = {
            step["id"] for step in decision["trace"] if step["kind"] == "rule" and step["result"] is None
        }
        assert unknown <= {note["source"] for note in decision["notes"]}


def test_the_shipped_policy_decides_as_the_plain_walk_does(shipped: Policy) -> None:
    for name in SHIPPED:
        for value in (None, SHIPPED[name]):
            _same(shipped, {**SHIPPED, name: value}, ABSENT)
    for grade in shipped.file.grades:
        _same(shipped, {**SHIPPED, "评级": grade, "年开票额": 123456.7}, ABSENT)


def test_the_source_can_be_read_and_holds_nothing_the_author_wrote(shipped: Policy) -> None:
    source = single(shipped).source
    assert source.startswith("def decide(values, why):\n")
    assert source.isascii()
    assert "< 6.0" in source
    compile(source, "single", "exec")


def test_a_policy_is_written_once(shipped: Policy) -> None:
    assert single(shipped) is single(shipped)


@pytest.mark.parametrize(
    "condition",
    [
        "not " * 36 + "(月数 > 1)",
        "(" * 15 + "月数 > 1" + " and 波动 > 1 or 月数 == 3)" * 15,
        "(月数 > 1 if " * 18 + "波动 > 1" + " else 月数 < 5)" * 18,
        "abs(" * 35 + "波动" + ")" * 35 + " > 2",
        " or ".join(f"波动 == {i}" for i in range(120)),
    ],
)
def test_the_deepest_and_longest_conditions_are_written(condition: str) -> None:
    policy = compile_policy(bent("if: 月数 < 6", f"if: {condition}"), "deep.yaml")
    for months in (None, 3.0, 24.0):
        for variation in (None, 0.2, 3.5):
            _same(policy, {**GOOD, "月数": months, "波动": variation}, {})


def test_a_rule_may_be_called_as_an_input_is() -> None:
    text = SMALL.replace("id: A01", "id: 评级").replace("if: 月数 < 6", "if: missing(月数)")
    policy = compile_policy(
        text[: text.index("derive:")] + text[text.index("rules:") :].replace("比例", "0.5"), "p"
    )
    _same(policy, GOOD, {})
    _same(policy, {**GOOD, "评级": None, "月数": None}, {})
