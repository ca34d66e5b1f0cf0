"""The shipped policy with thresholds by industry and segment."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from xinqiao.indicator.definition import indicators
from xinqiao.policy.case import Case, bind
from xinqiao.policy.check import check_policy
from xinqiao.policy.compiled import Policy
from xinqiao.policy.evaluate import decide_inputs
from xinqiao.policy.load import load_policy
from xinqiao.policy.mandate import load_mandate

UNITS = {i.id: i.unit.id for i in indicators().values()}
GOOD = {
    "INV01": 4e6,
    "INV28": 36.0,
    "INV04": 0.0,
    "INV06": 0.02,
    "INV02": 0.1,
    "INV05": 0.3,
    "REG01": 6.0,
    "REG08": 0.0,
    "REG10": 0.0,
}


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load_policy("small_firm_3nx", UNITS)


def decide(policy: Policy, values: dict[str, Any], application: dict[str, Any], **score: Any) -> Any:  # noqa: ANN401 - parts of a case
    told = {"points": 600, "pd": 0.01, "grade": "R4"} | score
    case = Case("E1", date(2025, 12, 31), GOOD | values, {}, told, application)
    return decide_inputs(policy, bind(policy, case))


def industry(section: str, division: str) -> dict[str, str]:
    return {"industry": division + "10", "industry_section": section, "industry_division": division}


def test_it_has_no_errors_and_stays_within_the_mandate(policy: Policy) -> None:
    found = check_policy(policy.text, "small_firm_3nx", UNITS, load_mandate("small_firm_loan"))
    assert [f.fault.code for f in found if f.severity == "error"] == []


@pytest.mark.parametrize(
    ("months", "told", "outcome"),
    [
        (5.0, industry("C", "C13"), "refer"),
        (6.0, industry("C", "C13"), "reject"),
        (6.0, industry("A", "A01"), "approve"),
        (7.0, industry("A", "A01"), "refer"),
        (6.0, industry("A", "A02"), "refer"),
        (5.0, industry("H", "H62"), "reject"),
        (5.0, industry("H", "H61"), "refer"),
        (3.0, {}, "approve"),
        (6.0, {}, "reject"),
    ],
)
def test_the_division_counts_before_the_section_and_the_default_last(
    policy: Policy, months: float, told: dict[str, str], outcome: str
) -> None:
    assert decide(policy, {"INV04": months}, told).outcome == outcome


@pytest.mark.parametrize(
    ("grade", "told", "outcome"),
    [
        ("R8", industry("C", "C13"), "approve"),
        ("R9", industry("C", "C13"), "refer"),
        ("R8", industry("H", "H62"), "refer"),
        ("R9", industry("H", "H62"), "reject"),
        ("R7", industry("K", "K70"), "reject"),
        ("R9", {}, "refer"),
        ("R10", {}, "reject"),
        ("D", industry("A", "A01"), "reject"),
    ],
)
def test_the_last_grade_admitted_depends_on_the_industry(
    policy: Policy, grade: str, told: dict[str, str], outcome: str
) -> None:
    assert decide(policy, {"INV01": 2e7}, told, grade=grade).outcome == outcome


def test_without_segments_the_limit_is_whole_and_with_them_by_segment(policy: Policy) -> None:
    limits = {
        segment: decide(policy, {}, {}, **({"segment": segment} if segment else {})).limit_cny
        for segment in (None, "established_small", "self_employed", "start_up_micro")
    }
    assert limits == {
        None: 800_000,
        "established_small": 800_000,
        "self_employed": 640_000,
        "start_up_micro": 560_000,
    }


def test_an_unknown_industry_is_judged_as_small_firm_credit_judges(policy: Policy) -> None:
    plain = load_policy("small_firm_credit", UNITS)
    for values in (
        {},
        {"INV06": 0.3},
        {"INV06": 0.5},
        {"INV04": 4.0},
        {"INV02": -0.6},
        {"REG01": None},
        {"REG08": 1.0},
    ):
        for grade in ("R1", "R8", "R9", "R10"):
            one, other = (decide(p, values, {}, grade=grade) for p in (plain, policy))
            assert (one.outcome, one.limit_cny, one.rate) == (other.outcome, other.limit_cny, other.rate)
            assert [r.code for r in one.reasons] == [r.code for r in other.reasons]
