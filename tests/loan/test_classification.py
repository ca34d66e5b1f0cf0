"""Five classes: requirement L09 (and L11: a renewal by itself lowers nothing)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.loan.classification import (
    CLASSES,
    NAMES,
    REASONS,
    Class,
    Cure,
    Facts,
    bad,
    by_days,
    classify,
    watch_ends,
    worse,
)

ON = date(2026, 7, 1)
CURED = Cure(clean_since=date(2025, 12, 1), periods_paid=6, able=True)


@pytest.mark.parametrize(
    ("days", "cls"),
    [
        (0, "normal"),
        (1, "special_mention"),
        (90, "special_mention"),
        (91, "substandard"),
        (270, "substandard"),
        (271, "doubtful"),
        (360, "doubtful"),
        (361, "loss"),
    ],
)
def test_days_past_due_decide(days: int, cls: Class) -> None:
    assert by_days(days) == cls
    assert classify(Facts(days_past_due=days), ON).cls == cls


@pytest.mark.parametrize(
    ("facts", "cls", "reason"),
    [
        (Facts(use_changed=True), "special_mention", "use_changed"),
        (Facts(refinanced=True), "special_mention", "refinanced"),
        (Facts(bad_elsewhere=True), "special_mention", "bad_elsewhere"),
        (Facts(watched_until=ON), "special_mention", "watched"),
        (Facts(impaired=True), "substandard", "impaired"),
        (Facts(overdue_share=Decimal("0.2001")), "substandard", "overdue_share"),
        (Facts(bad_share=Decimal("0.1001")), "substandard", "bad_share"),
        (Facts(evades=True), "doubtful", "evades"),
        (Facts(impaired=True, loss_share=Decimal("0.5")), "doubtful", "loss_half"),
        (Facts(bankrupt=True), "loss", "bankrupt"),
        (Facts(impaired=True, loss_share=Decimal("0.9")), "loss", "loss_most"),
        (Facts(set_by_hand="doubtful"), "doubtful", "by_hand"),
    ],
)
def test_each_rule_has_its_class_and_says_so(facts: Facts, cls: Class, reason: str) -> None:
    verdict = classify(facts, ON)
    assert (verdict.cls, verdict.reasons) == (cls, (reason,))


@pytest.mark.parametrize(
    "facts",
    [
        Facts(),
        Facts(overdue_share=Decimal("0.20"), bad_share=Decimal("0.10")),
        Facts(loss_share=Decimal("0.95")),
        Facts(days_past_due=5, technical=True),
        Facts(watched_until=date(2026, 6, 30)),
        Facts(overdue_share=Decimal(1), bad_share=Decimal(1), bad_elsewhere=True, retail=True),
        Facts(set_by_hand="normal"),
    ],
)
def test_what_stays_normal(facts: Facts) -> None:
    assert classify(facts, ON).cls == "normal"


def test_a_technical_delay_excuses_days_not_months() -> None:
    assert classify(Facts(days_past_due=91, technical=True), ON).cls == "substandard"


@pytest.mark.parametrize(
    "cure",
    [
        None,
        Cure(clean_since=None, periods_paid=0, able=True),
        Cure(clean_since=date(2026, 1, 2), periods_paid=6, able=True),
        Cure(clean_since=date(2025, 12, 1), periods_paid=1, able=True),
        Cure(clean_since=date(2025, 12, 1), periods_paid=6),
    ],
)
def test_a_bad_loan_stays_substandard_until_cured(cure: Cure | None) -> None:
    verdict = classify(Facts(), ON, before="doubtful", cure=cure)
    assert (verdict.cls, verdict.reasons) == ("substandard", ("not_cured",))


def test_a_cured_loan_goes_up() -> None:
    assert classify(Facts(), ON, before="substandard", cure=CURED).cls == "normal"
    watched = Facts(watched_until=date(2027, 1, 1))
    assert classify(watched, ON, before="substandard", cure=CURED).cls == "special_mention"


def test_the_watch_is_a_year_and_two_periods_at_least() -> None:
    assert watch_ends(date(2026, 1, 31), date(2026, 2, 28)) == date(2027, 1, 31)
    assert watch_ends(date(2026, 1, 31), date(2027, 6, 30)) == date(2027, 6, 30)


@given(st.integers(0, 2000), st.integers(0, 2000), st.sampled_from(CLASSES))
def test_more_days_never_give_a_better_class(one: int, other: int, before: Class) -> None:
    low, high = sorted((one, other))
    first = classify(Facts(days_past_due=low), ON, before=before).cls
    second = classify(Facts(days_past_due=high), ON, before=before).cls
    assert worse(first, second) == second
    assert bad(first) or not bad(before)


def test_everything_is_worded() -> None:
    assert set(NAMES) == set(CLASSES)
    assert {"overdue", "overdue_90", "watched", "by_hand", "not_cured"} <= set(REASONS)
