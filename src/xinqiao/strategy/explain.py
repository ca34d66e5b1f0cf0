"""Why a company is in the plan, out of it or at a bound, and why at this rate; in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from xinqiao.kernel.quantity import fixed, money, percent, rate
from xinqiao.kernel.text import Text
from xinqiao.strategy.churn import Floats
from xinqiao.strategy.plan import BUDGET, Plan, worth
from xinqiao.strategy.terms import REFUSED

Standing = Literal["at_most", "between", "at_least", "refused", "sales", "loses", "budget", "caps"]
STANDINGS: dict[Standing, Text] = {
    "at_most": Text(zh="贷到上限", en="at its most"),
    "between": Text(zh="额度居中", en="in between"),
    "at_least": Text(zh="贷到下限", en="at its least"),
    "refused": Text(zh="评级 D", en="rated D"),
    "sales": Text(zh="开票额不足", en="sales too small"),
    "loses": Text(zh="无利可图", en="would lose"),
    "budget": Text(zh="额度已用完", en="budget is spent"),
    "caps": Text(zh="受限制所限", en="held by a cap"),
}
NEAR = 1e-7


@dataclass(frozen=True)
class Line:
    """One company of a plan; money in CNY.

    ``margin``: profit of one CNY of limit at its rate, or at its best rate when it is not lent to;
    ``marginal``: the same after paying the shadow prices of budget and caps.
    """

    place: int
    standing: Standing
    limit_cny: int
    rate: int
    take_up: float | None
    profit_cny: float
    loss_cny: float
    margin: float
    marginal: float | None
    why: Text
    why_rate: Text | None


def explain(plan: Plan) -> list[Line]:
    """A line for every company, in the book's order."""
    net = worth(plan)
    return [_line(plan, i, net) for i in range(len(plan.book.applicants))]


def _line(plan: Plan, i: int, net: Floats) -> Line:
    book, limit = plan.book, int(plan.limit_cny[i])
    lent = limit > 0
    at = int(plan.rate[i]) if lent else int(np.argmax(book.profit[i]))
    marginal = float(net[i, at] if lent else net[i].max())
    standing = _standing(plan, i, marginal)
    return Line(
        place=i,
        standing=standing,
        limit_cny=limit,
        rate=at,
        take_up=float(book.stay[i, at]) if lent else None,
        profit_cny=limit * float(book.profit[i, at]) - (float(book.handling[i, at]) if lent else 0.0),
        loss_cny=limit * float(book.loss[i, at]),
        margin=float(book.profit[i, at]),
        marginal=marginal if np.isfinite(marginal) else None,
        why=_why(plan, i, standing, at, marginal),
        why_rate=_why_rate(plan, i, at) if lent else None,
    )


def _standing(plan: Plan, i: int, marginal: float) -> Standing:
    book, limit = plan.book, int(plan.limit_cny[i])
    if limit:
        if limit >= book.high_cny[i]:
            return "at_most"
        return "at_least" if limit <= book.low_cny else "between"
    if book.applicants[i].rating == REFUSED:
        return "refused"
    if not book.high_cny[i]:
        return "sales"
    if (book.high_cny[i] * book.profit[i] - book.handling[i]).max() <= 0:
        return "loses"
    only_budget = not any(price > NEAR for name, price in (plan.prices or {}).items() if name != BUDGET)
    return "budget" if only_budget or marginal > NEAR else "caps"


def _why(plan: Plan, i: int, standing: Standing, at: int, marginal: float) -> Text:
    book = plan.book
    margin, price = float(book.profit[i, at]), (plan.prices or {}).get(BUDGET, 0.0)
    facts = {
        "pd": percent(float(book.pd[i])),
        "margin": fixed(100 * margin, 2),
        "price": fixed(100 * price, 2),
        "extra": fixed(100 * marginal, 2) if np.isfinite(marginal) else "—",
        "rate": rate(book.rates[at]),
        "most": money(int(book.high_cny[i])),
        "least": money(book.low_cny),
    }
    words = _NO_ROOM if standing == "budget" and marginal > -NEAR else _WHY[standing]
    zh = {k: v.zh if isinstance(v, Text) else v for k, v in facts.items()}
    en = {k: v.en if isinstance(v, Text) else v for k, v in facts.items()}
    return Text(zh=words.zh.format(**zh), en=words.en.format(**en))


_WHY: dict[Standing, Text] = {
    "at_most": Text(
        zh="每 100 元额度赚 {margin} 元，比影子价格多 {extra} 元：贷到上限 {most}",
        en="100 CNY of limit earn {margin}, {extra} above the shadow price: its most, {most}",
    ),
    "between": Text(
        zh="每 100 元额度赚 {margin} 元，与影子价格 {price} 元相当：最后的额度给到这里",
        en="100 CNY of limit earn {margin}, about the shadow price of {price}: the last of the budget",
    ),
    "at_least": Text(
        zh="每 100 元额度赚 {margin} 元，影子价格 {price} 元：因限制或余额只贷下限 {least}",
        en="100 CNY of limit earn {margin} against a shadow price of {price}: a cap, or what was left of the "
        "budget, gives it the least, {least}",
    ),
    "refused": Text(
        zh="违约概率 {pd}，评级 D，按授权不贷", en="PD {pd}, rated D: not lent to under the mandate"
    ),
    "sales": Text(
        zh="按年开票额计算的上限低于 {least}，或开票额未知",
        en="the share of yearly sales allows less than {least}, or sales are not known",
    ),
    "loses": Text(
        zh="违约概率 {pd}，任何利率都亏：最好的 {rate} 每 100 元额度 {margin} 元",
        en="PD {pd}: every rate loses; the best, {rate}, earns {margin} for 100 CNY of limit",
    ),
    "budget": Text(
        zh="利率 {rate} 时最好，每 100 元额度赚 {margin} 元，不及影子价格 {price} 元",
        en="at best, {rate}, 100 CNY of limit earn {margin}, less than the shadow price of {price}",
    ),
    "caps": Text(
        zh="每 100 元额度可赚 {margin} 元，付过各项限制的影子价格后为 {extra} 元",
        en="100 CNY of limit would earn {margin}, but {extra} after the shadow prices of the caps",
    ),
}
_NO_ROOM = Text(
    zh="利率 {rate} 时最好，每 100 元额度赚 {margin} 元，不低于影子价格，但余下的额度不够最低 {least}",
    en="at best, {rate}, 100 CNY of limit earn {margin}, no less than the shadow price, but what is left "
    "does not hold the least loan, {least}",
)


def _why_rate(plan: Plan, i: int, at: int) -> Text:
    """The trade-off at the rate chosen against the rates beside it."""
    book = plan.book
    now = book.profit[i, at]
    stay = percent(float(book.stay[i, at]), 0)
    parts_zh, parts_en = [f"预期 {stay} 的客户留下"], [f"{stay} expected to stay"]
    for other in (at - 1, at + 1):
        if 0 <= other < len(book.rates):
            shown, by = rate(book.rates[other]), fixed(100 * float(book.profit[i, other] - now), 2)
            parts_zh.append(f"利率改为 {shown}：{by} 元")
            parts_en.append(f"at {shown}: {by} CNY")
    return Text(zh="；".join(parts_zh), en="; ".join(parts_en))
