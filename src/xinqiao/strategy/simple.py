"""Three simple policies a bank would try (简单方案), each at the settings that suit it best.

- equal split (平均分配): every company on which some rate earns gets the same amount;
- best rated first (择优): by rating, then by PD, one amount each until the budget is spent;
- score-proportional (按评分比例): the limit follows the score, which is minus the log odds of default.

"Suits it best" means: the single rate for all (``per_rating``: a rate for each rating), the amount, the
number of companies and the zero of the score are tried and the most profitable kept. They know the
budget and the mandate, not the optional caps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.text import Text
from xinqiao.strategy.book import Book
from xinqiao.strategy.choice import Ints
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.plan import NONE, Plan
from xinqiao.strategy.terms import RATINGS

ROUNDS = 40
TURNS = 3
AMOUNTS = 10
SHARES = (0.25, 0.5, 0.75, 1.0)

NAMES = {
    "equal": Text(zh="平均分配", en="equal split"),
    "best_first": Text(zh="择优", en="best rated first"),
    "proportional": Text(zh="按评分比例", en="score-proportional"),
}


Make = Callable[[Book, Ints], Iterator[Ints]]
"""Limits (companies,) that a policy would give, every variant of it, at the rates (companies,)."""


@dataclass(frozen=True)
class Simple:
    """A simple policy at its best: with one rate for all, and with one rate for each rating."""

    id: str
    one_rate: Plan
    per_rating: Plan

    @property
    def name(self) -> Text:
        """The policy in words."""
        return NAMES[self.id]


def simple_policies(book: Book) -> tuple[Simple, ...]:
    """The three policies at their best."""
    makers: dict[str, Make] = {"equal": _equal, "best_first": _best_first, "proportional": _proportional}
    found = []
    for name, make in makers.items():
        trial = _Trial(book, make)
        one = trial.best(trial.everyone(r) for r in range(len(book.rates)))
        found.append(Simple(name, one, trial.per_rating(one)))
    return tuple(found)


class _Trial:
    """Tries rates and variants of one policy; lending nothing is always one of them."""

    def __init__(self, book: Book, make: Make) -> None:
        self.book = book
        self.make = make
        self._same: list[Ints] | None = None

    def everyone(self, rate: int) -> Ints:
        """One rate for all."""
        return np.full(len(self.book.applicants), rate, dtype=np.int64)

    def _limits(self, rate: Ints) -> list[Ints]:
        """Where lines use the budget whatever their rate, limits don't depend on it: made once."""
        if self.book.terms.budget_on != "committed":
            return list(self.make(self.book, rate))
        if self._same is None:
            self._same = list(self.make(self.book, rate))
        return self._same

    def best(self, rates: Iterable[Ints]) -> Plan:
        """The most profitable variant at any of ``rates``."""
        book = self.book
        none = np.zeros(len(book.applicants), dtype=np.int64)
        found, most = (none, none + NONE), 0.0
        for rate in rates:
            for limit in self._limits(rate):
                lent = np.flatnonzero(limit)
                at = (lent, rate[lent])
                profit = float((limit[lent] * book.profit[at] - book.handling[at]).sum())
                if profit > most:
                    found, most = (limit, np.where(limit > 0, rate, NONE)), profit
        return Plan(book, *found)

    def per_rating(self, plan: Plan) -> Plan:
        """Rates of the ratings are chosen in turn, each while the others stand, until none changes."""
        ratings = np.array([each.rating for each in self.book.applicants])
        rate = self.everyone(max(int(plan.rate.max(initial=0)), 0))
        for _ in range(TURNS):
            before = rate
            for rating in RATINGS:
                trials = [np.where(ratings == rating, r, rate) for r in range(len(self.book.rates))]
                plan = self.best([rate, *trials])
                lent = plan.lent & (ratings == rating)
                rate = np.where(ratings == rating, plan.rate[lent][0] if lent.any() else rate, rate)
            if (rate == before).all():
                break
        return plan


def _equal(book: Book, rate: Ints) -> Iterator[Ints]:
    yield _filled(book, rate, _able(book).astype(np.float64))


def _able(book: Book) -> NDArray[np.bool_]:
    """Who may be lent to and earns at some rate."""
    out: NDArray[np.bool_] = (book.high_cny > 0) & (book.profit.max(axis=1) > 0)
    return out


def _proportional(book: Book, rate: Ints) -> Iterator[Ints]:
    """The score's zero is arbitrary: at the worst lendable company, and higher."""
    score = -np.log(book.pd.clip(1e-9, 1 - 1e-9) / (1 - book.pd.clip(1e-9, 1 - 1e-9)))
    able = _able(book)
    if able.any():
        for zero in np.quantile(score[able], (0.0, 0.25, 0.5)) - 1e-6:
            yield _filled(book, rate, np.where(able, np.maximum(score - zero, 0.0), 0.0))


def _best_first(book: Book, rate: Ints) -> Iterator[Ints]:
    """Amounts in tenths of the way from the least to the most; stops at a rating's or PD's cut-off."""
    order = sorted(range(len(book.pd)), key=lambda i: (book.applicants[i].rating, book.pd[i], i))
    able = np.array([i for i in order if _able(book)[i]], dtype=np.int64)
    step = int(book.terms.step_cny)
    use = book.use[able, rate[able]]
    tops = np.linspace(book.low_cny, book.high_cny.max(initial=0), AMOUNTS) // step * step
    for top, share in product(tops, SHARES):
        amount = np.minimum(book.high_cny[able], int(top))
        count = int((np.cumsum(amount * use) <= float(book.terms.budget_cny)).sum())
        limit = np.zeros(len(book.pd), dtype=np.int64)
        chosen = able[: int(count * share)]
        limit[chosen] = np.minimum(book.high_cny[chosen], int(top))
        yield limit


def _filled(book: Book, rate: Ints, weight: Floats) -> Ints:
    """Limits in proportion to ``weight``, as large as the budget allows, within the mandate, in steps.

    A share below the mandate's least is not lent.
    """
    use = book.use[np.arange(len(weight)), rate]
    budget, step = float(book.terms.budget_cny), int(book.terms.step_cny)
    low, high = (
        0.0,
        float(book.high_cny.max(initial=0)) / max(float(weight[weight > 0].min(initial=1.0)), 1e-9),
    )
    best = np.zeros(len(weight), dtype=np.int64)
    for turn in range(ROUNDS + 1):
        middle = (low + high) / 2 if turn else high * (1 + 1e-9)  # no middle gets to the top
        limit = np.minimum((weight * middle // step * step).astype(np.int64), book.high_cny)
        limit[limit < book.low_cny] = 0
        if float((limit * use).sum()) <= budget:
            low, best = middle, limit
            if not turn:
                break
        else:
            high = middle
    return best
