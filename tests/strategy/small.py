"""Small portfolios for tests: a mandate of four steps, three rates, a few companies."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from xinqiao.kernel.text import Text
from xinqiao.policy.mandate import Mandate
from xinqiao.strategy.applicant import Applicant
from xinqiao.strategy.book import Book, open_book
from xinqiao.strategy.churn import Churn
from xinqiao.strategy.plan import Plan, limits_of, options_of
from xinqiao.strategy.terms import Terms, load_terms

MANDATE = Mandate(
    id="tiny",
    name=Text(zh="小", en="tiny"),
    limit_cny=[Decimal(20), Decimal(50)],
    rate=[Decimal("0.04"), Decimal("0.15")],
    term_months=[12, 12],
)
RATES = (Decimal("0.04"), Decimal("0.08"), Decimal("0.12"))
CHURN = Churn(RATES, np.array([[0.0, 0.4, 0.8], [0.0, 0.35, 0.7], [0.0, 0.3, 0.6]]))
INDUSTRIES = ("trade", "catering", "unknown")


def terms(**changes: Any) -> Terms:  # noqa: ANN401 - fields of many types
    """The catalog's terms at the size of the tiny mandate."""
    given = {"budget_cny": Decimal(120), "step_cny": Decimal(10), "handling_cny": Decimal(0)}
    return load_terms("small_firm_plan", {**given, **changes})


def company(i: int, pd: float, rating: str = "A", industry: str = "trade", **more: Any) -> Applicant:  # noqa: ANN401 - as above
    return Applicant(f"E{i}", f"企业{i}", pd, rating, industry=industry, kind="company", **more)


def book(applicants: list[Applicant], churn: Churn = CHURN, **changes: Any) -> Book:  # noqa: ANN401 - as above
    return open_book(applicants, churn, MANDATE, terms(**changes))


@st.composite
def books(draw: st.DrawFn, *, most: int = 4, caps: bool = False) -> Book:
    """Random tiny books of round numbers, so that tolerances don't decide; with ``caps`` some limits too."""
    count = draw(st.integers(1, most))
    found = [
        company(
            i,
            draw(st.integers(1, 600)) / 1000,
            draw(st.sampled_from("AABCD")),
            draw(st.sampled_from(INDUSTRIES)),
        )
        for i in range(count)
    ]
    table = np.array([sorted(draw(st.lists(st.integers(0, 100), min_size=3, max_size=3))) for _ in range(3)])
    changes: dict[str, Any] = {
        "budget_cny": Decimal(draw(st.integers(0, 220))),
        "budget_on": draw(st.sampled_from(["committed", "expected"])),
        "lgd": Decimal(draw(st.integers(0, 100))) / 100,
        "handling_cny": Decimal(draw(st.sampled_from([0, 0, 1]))) / 4,
    }
    if caps:
        changes["caps"] = terms().caps.model_copy(
            update={
                "industry_share": draw(st.sampled_from([None, Decimal("0.5")])),
                "mean_pd": draw(st.sampled_from([None, Decimal("0.05")])),
                "expected_loss": draw(st.sampled_from([None, Decimal("0.02")])),
                "least_companies": draw(st.sampled_from([None, 1, 2])),
            }
        )
    return book(found, Churn(RATES, table / 100), **changes)


def brute_force(of: Book) -> float | None:
    """The most profit of all plans, tried one by one; None when no plan keeps the limits."""
    options = options_of(of)
    limits = limits_of(of, options)
    rows = [np.flatnonzero(options.company == i) for i in np.unique(options.company)]
    each = [
        [None, *((k, n) for k in mine for n in range(options.low[k], options.high[k] + 1))] for mine in rows
    ]
    best: float | None = None
    for chosen in product(*each):
        steps = np.zeros(len(options.company), dtype=np.int64)
        for pick in chosen:
            if pick is not None:
                steps[pick[0]] = pick[1]
        if all(limit.used(steps) <= limit.most + 1e-9 for limit in limits):
            value = float((options.fixed * (steps > 0) + options.unit * steps).sum())
            best = value if best is None else max(best, value)
    return best


def within_mandate(plan: Plan) -> bool:
    """Whether every limit and rate keeps the tiny mandate, in whole steps, and D gets nothing."""
    for each, limit, rate in zip(
        plan.book.applicants, plan.limit_cny.tolist(), plan.rate.tolist(), strict=True
    ):
        if limit and (
            each.rating == "D" or limit % 10 or not MANDATE.allows(Decimal(limit), plan.book.rates[rate])
        ):
            return False
        if not limit and rate != -1:
            return False
    return True
