"""The page of a lending plan: what it earns, how sure that is, what a shock does, and every company."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from xinqiao.kernel.quantity import fixed, percent, wan
from xinqiao.kernel.text import Text
from xinqiao.report.charts.lines import Axis, Cloud, Mark, Series, Stack, clouds, lines, stacks
from xinqiao.report.page import render
from xinqiao.strategy.book import open_book
from xinqiao.strategy.explain import STANDINGS, Line, explain
from xinqiao.strategy.industry import name_words
from xinqiao.strategy.plan import Plan, Statement
from xinqiao.strategy.rating import CLASSES
from xinqiao.strategy.shock import CHANGES, Shocked
from xinqiao.strategy.simple import Simple
from xinqiao.strategy.study import Study
from xinqiao.strategy.terms import RATINGS

MOST_ROWS = 500
"""Companies on the page; plan.csv holds them all."""
_COLOURS = {"A": "c4", "B": "c1", "C": "c5", "D": "c3"}
SURENESS = {
    "given": Text(zh="给定", en="given"),
    "sure": Text(zh="名称明确", en="name says it"),
    "likely": Text(zh="名称大致", en="name suggests it"),
    "unknown": Text(zh="看不出", en="can't be told"),
}


@dataclass(frozen=True)
class _Row:
    """A plan in a table of comparisons: its statement and its profit against the best plan's."""

    name: Text
    made: Statement
    short_cny: float
    share: float | None


def render_strategy(made: Study) -> str:
    """The page of ``made``."""
    rows = explain(made.plan)
    return render(
        "strategy.html",
        page=made,
        title=Text(zh=f"信贷方案：{made.title.zh}", en="lending plan"),
        result=made.plan.statement(),
        optimum=made.plan.optimum,
        book=made.plan.book,
        best_name=Text(zh="最优方案", en="Best plan"),
        shock_name=Text(zh="冲击下最优方案", en="Best plan under the shock"),
        compared=_compared(made.plan.statement(), made.simple),
        charts=_charts(made),
        rows=_sorted(made.plan, rows)[:MOST_ROWS],
        standings=STANDINGS,
        counted=_counted(rows),
        industry=_industry,
        sureness=SURENESS,
        sure=_sureness(made.plan),
        classes=CLASSES,
        prices=_prices(made.plan),
        smooth=_on_smooth_curves(made),
        shock=_shock(made) if made.shocked else None,
    )


def _compared(best: Statement, simple: tuple[Simple, ...]) -> list[_Row]:
    """The simple policies with one rate, then with one for each rating."""
    found = []
    for each in simple:
        for plan, zh, en in (
            (each.one_rate, "统一利率", "one rate"),
            (each.per_rating, "各评级各一利率", "a rate for each rating"),
        ):
            name = Text(zh=f"{each.name.zh}，{zh}", en=f"{each.name.en}, {en}")
            made = plan.statement()
            less = best.profit_cny - made.profit_cny
            found.append(_Row(name, made, less, less / best.profit_cny if best.profit_cny > 0 else None))
    return found


def _counted(rows: list[Line]) -> list[tuple[Text, int]]:
    counts = Counter(row.standing for row in rows)
    return [(words, counts[standing]) for standing, words in STANDINGS.items() if counts[standing]]


def _sorted(plan: Plan, rows: list[Line]) -> list[Line]:
    """The largest limits first, then by margin; the order of equals is the input's."""
    return sorted(
        rows, key=lambda r: (-r.limit_cny, -r.margin if plan.book.high_cny[r.place] else 1.0, r.place)
    )


def _industry(industry: str) -> Text:
    return name_words().industry_name(industry)


def _sureness(plan: Plan) -> list[tuple[Text, int]]:
    counts = Counter[str](each.sureness for each in plan.book.applicants)
    return [(words, counts[key]) for key, words in SURENESS.items() if counts[key]]


def _on_smooth_curves(made: Study) -> float | None:
    """What the plan earns if churn follows the smooth curves; None when it was made with them."""
    if made.terms.curve == "smooth":
        return None
    book = made.plan.book
    terms = made.terms.model_copy(update={"curve": "smooth"})
    return made.plan.statement(open_book(book.applicants, made.churn, made.mandate, terms)).profit_cny


_LIMITS = {
    "budget": Text(zh="总额度每增加 100 元", en="100 CNY more budget"),
    "least_companies": Text(zh="最少户数每减少 1 户", en="one company fewer required"),
    "mean_pd": Text(zh="平均违约概率上限", en="cap on the mean PD"),
    "expected_loss": Text(zh="预期损失上限", en="cap on expected loss"),
}


def _prices(plan: Plan) -> list[tuple[Text, str]]:
    """What loosening each limit that binds is worth."""
    found = []
    for name, price in (plan.prices or {}).items():
        if name.startswith("industry "):
            group = _industry(name.removeprefix("industry "))
            words = Text(zh=f"{group.zh}的上限每增加 100 元", en=f"100 CNY more for {group.en}")
        else:
            words = _LIMITS[name]
        shown = fixed(price if name == "least_companies" else 100 * price, 2)
        if price > 0:
            found.append((words, shown))
    return found


def _charts(made: Study) -> dict[str, Markup]:
    charts = {"budget": _over_budget(made), "lgd": _over_lgd(made), "ratings": _by_rating(made.plan)}
    return charts | ({"rates": _rates(made.plan)} if made.plan.lent.any() else {})


def _over_budget(made: Study) -> Markup:
    profit = [(float(p.budget_cny), p.profit_cny) for p in made.budgets]
    bound = [(float(p.budget_cny), p.bound_cny) for p in made.budgets]
    return lines(
        Text(zh="预期利润随总额度变化", en="expected profit over the budget"),
        [
            Series(Text(zh="最优方案", en="best plan"), profit, "l1"),
            Series(Text(zh="任何方案的上界", en="bound on any plan"), bound, "l4"),
        ],
        Axis(Text(zh="总额度（万元）", en="budget, 10k CNY"), wan),
        Mark(float(made.terms.budget_cny), Text(zh="本方案的总额度", en="budget of this plan")),
    )


def _over_lgd(made: Study) -> Markup:
    again = [(lgd, what.again.profit_cny) for lgd, what in made.lgds if what.again]
    kept = [(lgd, what.kept_cny) for lgd, what in made.lgds if what.kept_cny is not None]
    return lines(
        Text(zh="预期利润随违约损失率变化", en="expected profit over LGD"),
        [
            Series(Text(zh="重新求解", en="planned again"), again, "l1"),
            Series(Text(zh="沿用本方案", en="this plan kept"), kept, "l2"),
        ],
        Axis(Text(zh="违约损失率", en="LGD"), lambda v: percent(v, 0)),
        Mark(float(made.terms.lgd), Text(zh="本方案的假定", en="assumed in this plan")),
    )


def _rates(plan: Plan) -> Markup:
    book = plan.book
    classes = []
    for rating in RATINGS:
        mine = [i for i, a in enumerate(book.applicants) if plan.limit_cny[i] and a.rating == rating]
        dots = [(float(book.pd[i]), float(book.at[plan.rate[i]])) for i in mine]
        classes.append(Cloud(Text(zh=f"评级 {rating}", en=f"rating {rating}"), dots, _COLOURS[rating]))
    return clouds(
        Text(zh="利率与违约概率", en="rate against PD"),
        classes,
        Axis(Text(zh="违约概率", en="PD"), lambda v: percent(v, 1)),
        Axis(Text(zh="年利率", en="yearly rate"), lambda v: percent(v, 1)),
    )


def _by_rating(plan: Plan) -> Markup:
    """Lines by rating: expected take-up and the rest, with the number lent to of all."""
    book = plan.book
    bars = []
    for rating in CLASSES:
        mine = [i for i, each in enumerate(book.applicants) if each.rating == rating]
        lent = [i for i in mine if plan.limit_cny[i]]
        total = float(sum(int(plan.limit_cny[i]) for i in lent))
        drawn = float(sum(int(plan.limit_cny[i]) * float(book.stay[i, plan.rate[i]]) for i in lent))
        bars.append(Stack(rating, (drawn, total - drawn), f"{len(lent)} / {len(mine)}"))
    return stacks(
        Text(zh="额度按评级分布（贷 / 全部户数）", en="lines by rating (lent / all companies)"),
        bars,
        [
            ("c1", Text(zh="预期提款", en="expected take-up")),
            ("c3", Text(zh="授信未提", en="granted, not drawn")),
        ],
        Text(zh="评级", en="rating"),
    )


@dataclass(frozen=True)
class _Moved:
    """A company that the shock moved."""

    place: int
    change: Text
    old_pd: float
    new_pd: float
    old_limit: int
    new_limit: int
    old_rate: str
    new_rate: str


def _shock(made: Study) -> dict[str, object]:
    shocked = made.shocked
    assert shocked is not None  # noqa: S101 - the caller asks only when there is one
    before, kept, after = (
        shocked.before.statement(),
        shocked.before.statement(shocked.book),
        shocked.after.statement(),
    )
    changes = Counter(shocked.change(i) for i in range(len(shocked.book.applicants)))
    moved = list(_moved(shocked))
    return {
        "shocked": shocked,
        "before": before,
        "kept": kept,
        "after": after,
        "lines": list(zip(shocked.shock.lines, shocked.shock.reach(shocked.before.book), strict=True)),
        "changes": [(words, changes[key]) for key, words in CHANGES.items() if changes[key]],
        "moved": moved[:MOST_ROWS],
        "compared": _compared(after, made.shocked_simple),
    }


def _moved(shocked: Shocked) -> Iterator[_Moved]:
    """Companies whose limit or rate moved: those that dropped out first."""
    order = list(CHANGES)
    places = range(len(shocked.book.applicants))
    for i in sorted(places, key=lambda i: (order.index(shocked.change(i)), i)):
        change = shocked.change(i)
        if change not in {"same", "out"}:
            yield _Moved(
                i,
                CHANGES[change],
                float(shocked.before.book.pd[i]),
                float(shocked.book.pd[i]),
                int(shocked.before.limit_cny[i]),
                int(shocked.after.limit_cny[i]),
                _rate(shocked.before, i),
                _rate(shocked.after, i),
            )


def _rate(plan: Plan, i: int) -> str:
    return percent(plan.book.rates[plan.rate[i]], 2) if plan.limit_cny[i] else "—"
