"""The book: what one yuan offered to each company at each rate is expected to bring (经济账).

For company i, rate r and one CNY of limit, over one year:

    take-up    s = 1 - churn(rating, r)
    PD         logit p(r) = logit PD + adverse_selection x 100 (r - lowest rate)
    interest   s (1 - p) r          a defaulted loan pays none
    loss       s p LGD
    funds      s funds_rate         on what is drawn, defaulted or not
    operating  s operating_rate
    profit     interest - loss - funds - operating

and for each loan, whatever its size, s handling_cny. All shapes (companies, rates) unless said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xinqiao.policy.mandate import Mandate
from xinqiao.strategy.applicant import Applicant
from xinqiao.strategy.churn import Churn, Floats
from xinqiao.strategy.terms import RATINGS, REFUSED, Terms

EDGE = 1e-9


@dataclass(frozen=True)
class Book:
    """Applicants with all that is assumed about them.

    ``pd``, ``lgd``: shape (companies,); ``stay``: take-up, (companies, rates); ``high_cny``: most that
    may be lent to each, 0 where nothing; ``low_cny``: the mandate's least.
    """

    applicants: tuple[Applicant, ...]
    rates: tuple[Decimal, ...]
    pd: Floats
    lgd: Floats
    stay: Floats
    low_cny: int
    high_cny: NDArray[np.int64]
    terms: Terms

    @cached_property
    def at(self) -> Floats:
        """The rates as floats, shape (rates,)."""
        return np.array([float(rate) for rate in self.rates])

    @cached_property
    def default(self) -> Floats:
        """PD of those who stay at each rate."""
        shift = float(self.terms.adverse_selection) * 100 * (self.at - self.at[0])
        return moved(self.pd[:, None], shift[None, :])

    @cached_property
    def interest(self) -> Floats:
        """Expected interest of one CNY of limit."""
        return self.stay * (1 - self.default) * self.at

    @cached_property
    def loss(self) -> Floats:
        """Expected loss of one CNY of limit."""
        return self.stay * self.default * self.lgd[:, None]

    @cached_property
    def cost(self) -> Floats:
        """Cost of funds and operation of one CNY of limit."""
        return self.stay * float(self.terms.funds_rate + self.terms.operating_rate)

    @cached_property
    def profit(self) -> Floats:
        """Expected profit of one CNY of limit, before the fixed cost of the loan."""
        return self.interest - self.loss - self.cost

    @cached_property
    def handling(self) -> Floats:
        """Expected fixed cost of a loan in CNY."""
        return self.stay * float(self.terms.handling_cny)

    @cached_property
    def use(self) -> Floats:
        """CNY of the budget that one CNY of limit takes."""
        return np.ones_like(self.stay) if self.terms.budget_on == "committed" else self.stay

    def under(self, terms: Terms) -> Book:
        """The same companies under other terms (LGD, costs, budget, caps)."""
        shift = float(terms.lgd - self.terms.lgd)
        return replace(self, terms=terms, lgd=np.clip(self.lgd + shift, 0, 1))

    def with_pd(self, pd: Floats) -> Book:
        """The same companies with other PDs."""
        return replace(self, pd=pd)


def moved(pd: Floats, log_odds: Floats) -> Floats:
    """``pd`` with ``log_odds`` added to its logit; 0 and 1 stay."""
    up = pd * np.exp(log_odds)
    out: Floats = up / (1 - pd + up)
    return out


def open_book(applicants: Sequence[Applicant], churn: Churn, mandate: Mandate, terms: Terms) -> Book:
    """The book of ``applicants``; ``churn`` holds only rates that the mandate allows."""
    curves = churn.smooth() if terms.curve == "smooth" else churn
    index = {rating: i for i, rating in enumerate(RATINGS)}
    rows = [index.get(each.rating, 0) for each in applicants]
    low, high = (int(limit) for limit in mandate.limit_cny)
    tops = [_top(each, terms, low, high) for each in applicants]
    return Book(
        applicants=tuple(applicants),
        rates=churn.rates,
        pd=np.array([each.pd for each in applicants], dtype=np.float64),
        lgd=np.full(len(applicants), float(terms.lgd)),
        stay=1 - curves.table[rows],
        low_cny=low,
        high_cny=np.array(tops, dtype=np.int64),
        terms=terms,
    )


def _top(each: Applicant, terms: Terms, low: int, high: int) -> int:
    """The most that may be lent in whole steps: 0 for D, and where the share of sales is below the least.

    Where a share of sales is asked for and sales are not known, nothing is lent: missing is not enough.
    """
    if each.rating == REFUSED:
        return 0
    if terms.sales_share is None:
        return high
    if each.sales_cny is None:
        return 0
    step = int(terms.step_cny)
    most = min(high, int(float(terms.sales_share) * each.sales_cny / step + EDGE) * step)
    return most if most >= low else 0
