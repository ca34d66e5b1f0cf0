"""The plan (信贷方案): limit and rate of every company, what they are expected to bring, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from xinqiao.strategy.book import Book
from xinqiao.strategy.choice import Ints, Limit, Options
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.industry import UNKNOWN
from xinqiao.strategy.optimum import Optimum, solve

NONE = -1
"""Rate index of a company that is not lent to."""
BUDGET = "budget"
CENT = 0.01


@dataclass(frozen=True)
class Statement:
    """Expected results of a plan over its year, CNY; the parts of profit add up to it.

    ``used_cny``: of the budget. ``drawn_cny``: expected take-up. ``drawn_sd_cny``: its standard deviation
    when companies decide independently. Means are weighted by expected take-up.
    """

    companies: int
    committed_cny: int
    used_cny: float
    drawn_cny: float
    drawn_sd_cny: float
    interest_cny: float
    loss_cny: float
    funds_cny: float
    operating_cny: float
    handling_cny: float
    profit_cny: float
    mean_rate: float | None
    mean_pd: float | None


@dataclass(frozen=True)
class Plan:
    """``limit_cny`` (0: none) and ``rate`` (index into the book's rates, -1: none), shape (companies,)."""

    book: Book
    limit_cny: Ints
    rate: Ints
    optimum: Optimum | None = None
    prices: Mapping[str, float] | None = None
    """Shadow price of every limit: CNY of profit for one more unit of it."""

    @property
    def lent(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Who is lent to."""
        return self.limit_cny > 0

    def statement(self, book: Book | None = None) -> Statement:
        """What the plan brings, or would bring if ``book`` (the same companies and rates) were true."""
        return statement(book or self.book, self.limit_cny, self.rate)


def statement(book: Book, limit_cny: Ints, rate: Ints) -> Statement:
    """Expected results of these limits and rates under the assumptions of ``book``."""
    who = np.flatnonzero(limit_cny > 0)
    at = (who, rate[who])
    amount = limit_cny[who].astype(np.float64)
    drawn = amount * book.stay[at]
    interest, loss = (amount * part[at] for part in (book.interest, book.loss))
    funds, operating = (drawn * float(c) for c in (book.terms.funds_rate, book.terms.operating_rate))
    handling = book.handling[at]
    total = float(drawn.sum())
    sums = [float(part.sum()) for part in (interest, loss, funds, operating, handling)]
    return Statement(
        companies=len(who),
        committed_cny=int(limit_cny[who].sum()),
        used_cny=float((amount * book.use[at]).sum()),
        drawn_cny=total,
        drawn_sd_cny=float(np.sqrt((amount**2 * book.stay[at] * (1 - book.stay[at])).sum())),
        interest_cny=sums[0],
        loss_cny=sums[1],
        funds_cny=sums[2],
        operating_cny=sums[3],
        handling_cny=sums[4],
        profit_cny=sums[0] - sum(sums[1:]),
        mean_rate=float((drawn * book.at[rate[who]]).sum()) / total if total else None,
        mean_pd=float((drawn * book.default[at]).sum()) / total if total else None,
    )


def options_of(book: Book) -> Options:
    """Every lendable company at every rate, in steps."""
    step = int(book.terms.step_cny)
    who = np.flatnonzero(book.high_cny > 0)
    rates = len(book.rates)
    company, choice = np.repeat(who, rates), np.tile(np.arange(rates), len(who))
    at = (company, choice)
    return Options(
        company=company,
        choice=choice,
        fixed=-book.handling[at],
        unit=book.profit[at] * step,
        low=np.full(len(company), book.low_cny // step, dtype=np.int64),
        high=book.high_cny[company] // step,
    )


def limits_of(book: Book, options: Options) -> list[Limit]:
    """The budget and the caps asked for, as limits on the options; see docs/strategy.md."""
    caps, step = book.terms.caps, int(book.terms.step_cny)
    at = (options.company, options.choice)
    none = np.zeros(len(options.company))
    budget = float(book.terms.budget_cny)
    use = book.use[at] * step
    limits = [Limit(BUDGET, none, use, budget)]
    if caps.industry_share is not None:
        groups = np.array([each.industry for each in book.applicants])[options.company]
        limits += [
            Limit(
                f"industry {group}",
                none,
                np.where(groups == group, use, 0.0),
                float(caps.industry_share) * budget,
            )
            for group in sorted(set(groups.tolist()) - {UNKNOWN})
        ]
    if caps.least_companies:
        limits.append(Limit("least_companies", none - 1, none, -float(caps.least_companies)))
    drawn = book.stay[at] * step
    if caps.mean_pd is not None:
        limits.append(Limit("mean_pd", none, drawn * (book.default[at] - float(caps.mean_pd)), 0.0))
    if caps.expected_loss is not None:
        share = book.loss[at] * step - float(caps.expected_loss) * drawn
        limits.append(Limit("expected_loss", none, share, 0.0))
    return limits


def best_plan(book: Book) -> Plan:
    """The plan of most expected profit. Raises UserError STR-INFEASIBLE, STR-SOLVER."""
    options = options_of(book)
    limits = limits_of(book, options)
    optimum = solve(options, limits)
    count = len(book.applicants)
    limit, rate = np.zeros(count, dtype=np.int64), np.full(count, NONE, dtype=np.int64)
    taken = np.flatnonzero(optimum.steps > 0)
    limit[options.company[taken]] = optimum.steps[taken] * int(book.terms.step_cny)
    rate[options.company[taken]] = options.choice[taken]
    prices = dict(zip([each.name for each in limits], optimum.multipliers.tolist(), strict=True))
    return Plan(book, limit, rate, optimum, prices)


def worth(plan: Plan) -> Floats:
    """CNY that one more CNY of limit would bring after paying every limit's price, (companies, rates).

    Positive: the company deserves more than it has; the mandate, its cap or a step holds it back.
    """
    book = plan.book
    options = options_of(book)
    step = int(book.terms.step_cny)
    net = options.unit.copy()
    prices = plan.prices or {}
    for limit in limits_of(book, options):
        net -= prices.get(limit.name, 0.0) * limit.unit
    out = np.full(book.stay.shape, -np.inf)
    out[options.company, options.choice] = net / step
    return out


def allowed(plan: Plan, book: Book) -> bool:
    """Whether ``plan`` keeps every limit of ``book`` (the same companies and rates), to a cent."""
    if (plan.limit_cny > book.high_cny).any():
        return False
    options = options_of(book)
    mine = plan.rate[options.company] == options.choice
    steps = np.where(mine, plan.limit_cny[options.company], 0) // int(book.terms.step_cny)
    return all(limit.used(steps) <= limit.most + CENT for limit in limits_of(book, options))
