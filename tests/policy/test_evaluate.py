from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tests.policy.conftest import GOOD, SMALL, bent
from xinqiao.kernel.canonical import canonical_json
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.evaluate import decide

SMALL_POLICY = compile_policy(SMALL, "small.yaml")
INPUTS = st.fixed_dictionaries(
    {
        "评级": st.sampled_from(["A", "B", "C", "D", "E", None]),
        "年销售额": st.none() | st.floats(-1e9, 1e10, allow_nan=False) | st.just(float("nan")),
        "月数": st.none() | st.integers(-1, 40).map(float) | st.just(3.5),
        "波动": st.none() | st.floats(-1, 20, allow_nan=False),
    }
)
REASONS = st.dictionaries(
    st.sampled_from(list(GOOD)), st.sampled_from(["SOURCE_ABSENT", "NO_RECORDS", "WHATEVER"])
)


def _with(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - inputs are of any type
    return {**GOOD, **changes}


def test_a_good_case_is_approved(small: Policy) -> None:
    decision = decide(small, GOOD)
    assert (decision.outcome, decision.limit_cny, decision.rate) == (
        "approve",
        Decimal(300000),
        Decimal("0.04"),
    )
    assert decision.term_months == 12
    assert decision.reasons == ()
    assert decision.notes == ()


def test_the_trace_holds_every_step_with_its_inputs_and_result(small: Policy) -> None:
    trace = decide(small, GOOD).as_json()["trace"]
    assert [(s["kind"], s["id"]) for s in trace] == [
        *[("input", name) for name in GOOD],
        ("derive", "月销售额"),
        ("table", "share"),
        ("rule", "A01"),
        ("rule", "A02"),
        ("limit", "limit"),
        ("price", "price"),
        ("outcome", "outcome"),
    ]
    by_id = {s["id"]: s for s in trace}
    assert by_id["share"]["inputs"] == {"评级": "A", "波动": "0.2"}
    assert by_id["share"]["result"] == {"比例": "0.3"}
    assert by_id["share"]["detail"] == "row 1"
    assert by_id["A01"]["inputs"] == {"月数": "24"}
    assert by_id["A01"]["result"] is False


def test_reject_goes_before_refer_and_refer_before_approve(small: Policy) -> None:
    assert decide(small, _with(月数=3.0, 波动=3.0)).outcome == "reject"
    referred = decide(small, _with(波动=3.0))
    assert referred.outcome == "refer"
    assert (referred.limit_cny, referred.rate, referred.term_months) == (None, None, None)
    codes = [reason.code for reason in decide(small, _with(月数=3.0, 波动=3.0)).reasons]
    assert codes == ["SHORT", "UNSTABLE"]


def test_reasons_are_filled_in_both_languages(small: Policy) -> None:
    texts = [reason.text for reason in decide(small, _with(月数=3.0, 波动=2.5)).reasons]
    assert (texts[0].zh, texts[0].en) == ("只有 3 个月", "only 3 months")
    assert texts[1].zh == "波动 250%"


def test_a_rule_on_a_missing_value_has_the_outcome_written_for_its_reason(small: Policy) -> None:
    decision = decide(small, _with(月数=None))
    assert decision.outcome == "refer"
    assert [r.code for r in decision.reasons] == ["UNKNOWN_A01"]
    ignored = {"波动": "SOURCE_ABSENT"}
    text = bent("inputs: [评级, 波动]", "inputs: [评级, 月数]").replace(
        '[A, "< 0.5", 0.3]', '[A, "> 5", 0.3]'
    )
    plain = compile_policy(text, "p.yaml")
    decision = decide(plain, _with(波动=None), ignored)
    assert decision.outcome == "approve"
    assert [note.code for note in decision.notes] == ["UNKNOWN_A02"]
    assert "波动" in decision.notes[0].text.zh
    assert decide(plain, _with(波动=None), {"波动": "NO_RECORDS"}).outcome == "refer"


def test_a_value_out_of_range_is_missing_not_usable(small: Policy) -> None:
    for bad in ({"波动": 11.0}, {"评级": "Z"}, {"月数": 3.5}):
        decision = decide(small, _with(**bad))
        assert decision.outcome != "approve"
        step = next(s for s in decision.trace if s.id in bad)
        assert (step.result, step.detail) == (None, "INVALID_VALUE")


@pytest.mark.parametrize(
    ("sales", "outcome", "limit"),
    [
        (333_333.0, "reject", None),
        (333_333.34, "approve", 100_000),
        (999_999.99, "approve", 290_000),
        (9_999_999.0, "approve", 1_000_000),
        (-5.0, "reject", None),
    ],
)
def test_the_limit_is_capped_rounded_down_and_has_a_floor(
    small: Policy, sales: float, outcome: str, limit: int | None
) -> None:
    decision = decide(small, _with(年销售额=sales))
    assert decision.outcome == outcome
    assert decision.limit_cny == (None if limit is None else Decimal(limit))


def test_a_limit_below_the_minimum_is_no_reason_of_its_own_beside_a_rejection(small: Policy) -> None:
    alone = decide(small, _with(年销售额=5.0))
    assert [reason.code for reason in alone.reasons] == ["LIMIT_BELOW_MIN"]
    beside = decide(small, _with(年销售额=5.0, 月数=3.0))
    assert [reason.code for reason in beside.reasons] == ["SHORT"]
    step = next(s for s in beside.trace if s.kind == "limit")
    assert (step.result, step.effect) == ("0", "reject")
    referred = decide(small, _with(年销售额=5.0, 波动=3.0))
    assert [reason.code for reason in referred.reasons] == ["LIMIT_BELOW_MIN", "UNSTABLE"]


@pytest.mark.parametrize(
    ("sales", "expr", "limit", "price"),
    [
        (1e6, "0.05", "formula 300000", "formula 0.05"),
        (1e7, "0.01", "formula 3000000, capped at 1000000", "formula 0.01, raised to 0.04"),
        (1e6, "0.2", "formula 300000", "formula 0.2, capped at 0.15"),
    ],
)
def test_the_trace_tells_where_a_bound_was_met(sales: float, expr: str, limit: str, price: str) -> None:
    policy = compile_policy(bent("0.04 if 评级 == 'A' else 0.08", expr), "p.yaml")
    steps = {step.id: step.detail for step in decide(policy, _with(年销售额=sales)).trace}
    assert (steps["limit"], steps["price"]) == (limit, price)


@pytest.mark.parametrize(
    ("expr", "above", "outcome", "rate"),
    [
        ("0.043249", "refer", "approve", "0.043"),
        ("0.04325", "refer", "approve", "0.0435"),
        ("0.01", "refer", "approve", "0.04"),
        ("0.16", "refer", "refer", None),
        ("0.16", "reject", "reject", None),
        ("0.16", "cap", "approve", "0.15"),
        ("波动 / 0", "cap", "refer", None),
    ],
)
def test_the_rate_is_rounded_as_named_and_kept_in_bounds(
    expr: str, above: str, outcome: str, rate: str | None
) -> None:
    text = bent("0.04 if 评级 == 'A' else 0.08", expr).replace("above_max: refer", f"above_max: {above}")
    decision = decide(compile_policy(text, "p.yaml"), GOOD)
    assert (decision.outcome, decision.rate) == (outcome, None if rate is None else Decimal(rate))


def _hit(hit: str, rows: str) -> Policy:
    start = SMALL.index("    rows:")
    text = SMALL[:start] + f"    rows: {rows}\n" + SMALL[SMALL.index("rules:") :]
    return compile_policy(text.replace("hit: first", f"hit: {hit}"), "p.yaml")


def _share(policy: Policy, **changes: Any) -> tuple[object, str]:  # noqa: ANN401 - inputs are of any type
    step = next(s for s in decide(policy, _with(**changes)).trace if s.id == "share")
    assert isinstance(step.result, dict)
    return step.result["比例"], step.detail


def test_first_takes_the_first_row_that_holds() -> None:
    policy = _hit("first", "[[A, '> 1', 0.1], [A, '-', 0.2], [A, '-', 0.3]]")
    assert _share(policy) == ("0.2", "row 2")
    assert _share(policy, 评级="B") == (None, "table_no_row")
    assert _share(policy, 波动=None) == (None, "table_missing")


def test_first_does_not_look_behind_a_hit() -> None:
    assert _share(_hit("first", "[[A, '-', 0.2], [A, '> 1', 0.1]]"), 波动=None) == ("0.2", "row 1")


def test_unique_refuses_two_rows() -> None:
    policy = _hit("unique", "[[A, '< 1', 0.1], [A..B, '-', 0.2]]")
    assert _share(policy) == (None, "table_several_rows")
    assert decide(policy, GOOD).outcome == "refer"
    assert _share(policy, 评级="B") == ("0.2", "row 2")
    assert _share(policy, 波动=None) == (None, "table_missing")


def test_collect_max_takes_the_greatest() -> None:
    policy = _hit("collect-max", "[[A, '< 1', 0.1], [A..B, '-', 0.3], [A, '-', 0.2]]")
    assert _share(policy) == ("0.3", "row 1, 2, 3")
    assert _share(policy, 波动=None) == (None, "table_missing")


def test_causes_reach_through_derived_values() -> None:
    text = bent("if: 月数 < 6", "if: 月销售额 < 6")
    decision = decide(compile_policy(text, "p.yaml"), _with(年销售额=None), {"年销售额": "NO_RECORDS"})
    reason = next(r for r in decision.reasons if r.code == "UNKNOWN_A01")
    assert "年销售额：该企业在数据源中没有记录" in reason.text.zh


@given(INPUTS, REASONS)
def test_the_same_inputs_give_the_same_bytes(inputs: dict[str, Any], why: dict[str, str]) -> None:
    first = canonical_json(decide(SMALL_POLICY, inputs, why).as_json())
    again = canonical_json(decide(SMALL_POLICY, dict(reversed(inputs.items())), why).as_json())
    assert first == again
    assert json.loads(first)["outcome"] in {"approve", "refer", "reject"}


@given(INPUTS, REASONS)
def test_an_approval_has_nothing_against_it(inputs: dict[str, Any], why: dict[str, str]) -> None:
    decision = decide(SMALL_POLICY, inputs, why)
    worst = {step.effect for step in decision.trace if step.kind != "outcome"}
    if decision.outcome == "approve":
        assert worst == {"ignore"}
        assert decision.limit_cny is not None
        assert decision.rate is not None
        assert 100_000 <= decision.limit_cny <= 1_000_000
        assert decision.limit_cny % 10_000 == 0
        assert Decimal("0.04") <= decision.rate <= Decimal("0.15")
    else:
        assert decision.outcome in worst
        assert decision.reasons[0].effect == decision.outcome
        assert (decision.limit_cny, decision.rate, decision.term_months) == (None, None, None)


MISSING = st.sampled_from(["refer", "reject"])
CONDITIONS = st.recursive(
    st.sampled_from(
        ["月数 < 6", "波动 > 2", "月销售额 < 5", "评级 == 'D'", "worse_than(评级, 'B')", "比例 > 1"]
    ),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, MISSING, INPUTS, st.sampled_from(list(GOOD)))
def test_no_policy_approves_on_a_missing_required_value(
    condition: str, missing: str, inputs: dict[str, Any], gone: str
) -> None:
    """Whatever the rule: where no ``ignore`` is written, nothing missing that matters is approved.

    Independent of the interpreter's own bookkeeping: an approval on a missing value must stay an
    approval whatever the value turns out to be (the value did not matter).
    """
    text = bent("if: 月数 < 6", f"if: {condition}").replace("if_missing: ignore", f"if_missing: {missing}")
    text = text.replace("{SOURCE_ABSENT: ignore, else: refer}", missing)
    decision = decide(compile_policy(text, "p.yaml"), {**inputs, gone: None})
    assert decision.outcome != "approve"


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, INPUTS, INPUTS, st.sampled_from(list(GOOD)))
def test_an_approval_without_a_value_stands_whatever_the_value_is(
    condition: str, inputs: dict[str, Any], other: dict[str, Any], gone: str
) -> None:
    """With inputs left to the rules (ignore) and rules that refer, only what does not matter may miss."""
    text = bent("if: 月数 < 6", f"if: {condition}").replace("{SOURCE_ABSENT: ignore, else: refer}", "refer")
    for name in ("评级", "年销售额", "波动"):
        text = _ignoring_input(text, name)
    policy = compile_policy(text, "p.yaml")
    blind = decide(policy, {**inputs, gone: None})
    if blind.outcome == "approve":
        seen = decide(policy, {**inputs, gone: other[gone]})
        assert (seen.outcome, seen.limit_cny, seen.rate) == ("approve", blind.limit_cny, blind.rate)


def _ignoring_input(text: str, name: str) -> str:
    start = text.index(f"  {name}:")
    end = text.index("if_missing:", start)
    tail = text[end:].split("\n", 1)
    closing = "}" if tail[0].endswith("}") else ""
    return text[:end] + f"if_missing: ignore{closing}\n" + tail[1]


SHIPPED: dict[str, Any] = {
    "评级": "R5",
    "违约概率": 0.031,
    "年开票额": 3_456_789.12,
    "开票历史月数": 30.0,
    "断票月数": 0.0,
    "作废率": 0.05,
    "开票同比": 0.12,
    "开票波动": 0.48,
    "成立年限": None,
    "经营异常": None,
    "严重违法失信": None,
    "申请金额": 500_000,
}
ABSENT = {"成立年限": "FIELD_ABSENT", "经营异常": "SOURCE_ABSENT", "严重违法失信": "SOURCE_ABSENT"}


def test_the_shipped_policys_decision_is_kept_as_json(shipped: Policy, snapshot: SnapshotAssertion) -> None:
    decision = decide(shipped, SHIPPED, ABSENT).as_json()
    assert json.dumps(decision, ensure_ascii=False, indent=1, sort_keys=True) == snapshot


@pytest.mark.parametrize(
    ("changes", "outcome", "code"),
    [
        ({"开票历史月数": 5.0}, "reject", "SHORT_HISTORY"),
        ({"断票月数": 6.0}, "reject", "SALES_STOPPED"),
        ({"断票月数": 4.0}, "refer", "SALES_GAPS"),
        ({"作废率": 0.41}, "reject", "VOID_HIGH"),
        ({"作废率": 0.3}, "refer", "VOID_RAISED"),
        ({"开票同比": -0.6}, "refer", "SALES_FALLING"),
        ({"成立年限": 0.5}, "reject", "TOO_YOUNG"),
        ({"经营异常": 1.0}, "reject", "LIST_ABNORMAL"),
        ({"严重违法失信": 1.0}, "reject", "LIST_VIOLATION"),
        ({"评级": "R10"}, "reject", "GRADE_LOW"),
        ({"评级": "D"}, "reject", "GRADE_LOW"),
        ({"评级": "R9"}, "refer", "GRADE_WEAK"),
        ({"评级": None}, "refer", "MISSING_GRADE"),
        ({"年开票额": None}, "refer", "MISSING_INV01"),
        ({"年开票额": 200_000.0}, "reject", "LIMIT_BELOW_MIN"),
        ({"申请金额": -1.0}, "refer", "MISSING_AMOUNT_CNY"),
    ],
)
def test_the_shipped_policys_rules(shipped: Policy, changes: dict[str, Any], outcome: str, code: str) -> None:
    decision = decide(shipped, {**SHIPPED, **changes}, ABSENT)
    assert decision.outcome == outcome
    assert code in [reason.code for reason in decision.reasons]


def test_the_shipped_policy_lends_no_more_than_asked(shipped: Policy) -> None:
    assert decide(shipped, SHIPPED, ABSENT).limit_cny == 500_000
    assert decide(shipped, {**SHIPPED, "申请金额": None}, ABSENT).limit_cny == 690_000


def test_the_shipped_policy_with_nothing_known_approves_nobody(shipped: Policy) -> None:
    assert decide(shipped, {}).outcome == "refer"
