from __future__ import annotations

from decimal import Decimal

from hypothesis import given

from tests.strategy.small import book, books, company, terms
from xinqiao.kernel.errors import UserError
from xinqiao.strategy.book import Book
from xinqiao.strategy.explain import STANDINGS, explain
from xinqiao.strategy.plan import best_plan

MANY = [
    company(1, 0.01),
    company(2, 0.03),
    company(3, 0.05),
    company(4, 0.5, "C"),
    company(5, 0.9, "D"),
    company(6, 0.12, "C"),
]


def test_every_standing_is_told_apart() -> None:
    found = explain(best_plan(book(MANY, budget_cny=Decimal(120))))
    assert [line.standing for line in found] == [
        "at_most",
        "at_most",
        "at_least",
        "loses",
        "refused",
        "budget",
    ]
    assert "评级 D" in found[4].why.zh
    assert "rated D" in found[4].why.en
    assert "every rate loses" in found[3].why.en
    assert "shadow price" in found[0].why.en
    assert found[0].why_rate is not None
    assert "at 4.00%" in found[0].why_rate.en
    assert "60% expected to stay" in found[0].why_rate.en
    assert found[3].why_rate is None


def test_a_limit_in_between_and_sales_too_small() -> None:
    found = explain(best_plan(book([company(1, 0.01), company(2, 0.02)], budget_cny=Decimal(90))))
    assert [line.standing for line in found] == ["at_most", "between"]
    small = book([company(1, 0.01, sales_cny=10.0)], sales_share=Decimal("0.1"))
    (line,) = explain(best_plan(small))
    assert line.standing == "sales"
    assert line.marginal is None


def test_who_is_as_good_as_the_last_is_not_called_worse() -> None:
    twins = [company(1, 0.01), company(2, 0.01)]
    for budget in (50, 10):  # the second is left over; the budget is below the least loan
        found = explain(best_plan(book(twins, budget_cny=Decimal(budget))))
        assert found[-1].standing == "budget"
        assert "no less than the shadow price" in found[-1].why.en
        assert "least loan" in found[-1].why.en
        assert "不够最低" in found[-1].why.zh


def test_who_a_cap_keeps_out_is_told_so() -> None:
    caps = terms().caps.model_copy(update={"industry_share": Decimal("0.1")})
    found = explain(best_plan(book([company(1, 0.01), company(2, 0.02)], caps=caps, budget_cny=Decimal(500))))
    assert sorted(line.standing for line in found) == ["at_most", "caps"]


@given(books(most=6, caps=True))
def test_every_company_has_words_without_gaps_in_both_languages(of: Book) -> None:
    try:
        plan = best_plan(of)
    except UserError:
        return
    found = explain(plan)
    assert [line.place for line in found] == list(range(len(of.applicants)))
    assert sum(line.limit_cny for line in found) == plan.statement().committed_cny
    for line in found:
        assert line.standing in STANDINGS
        assert (line.why_rate is None) == (line.limit_cny == 0)
        for text in (line.why, line.why_rate):
            assert text is None or (
                "{" not in text.zh + text.en and "nan" not in text.en and "inf" not in text.en
            )
