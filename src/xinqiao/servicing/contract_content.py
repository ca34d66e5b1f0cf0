"""What stands in a contract and its cost sheet: texts and tables from case, offer and product.

The wording is our own. Sums are in CNY with two digits; rates are percent a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from xinqiao.kernel.text import Text
from xinqiao.lending.cost import EFFECTIVE, METHOD, cost_of, schedule
from xinqiao.lending.lpr import published
from xinqiao.lending.offer_state import Offer
from xinqiao.lending.product_format import Fee, ProductFile
from xinqiao.lending.product_terms import terms_for
from xinqiao.loan import engine
from xinqiao.loan.cost import monthly_irr
from xinqiao.loan.event import Disburse
from xinqiao.servicing.amount_words import amount_in_words
from xinqiao.servicing.contract_articles import articles, late
from xinqiao.servicing.contract_basis import Basis, cny, percent
from xinqiao.servicing.contract_words import (
    CLASSES,
    DAY_COUNTS,
    DRAWDOWNS,
    FEE_KINDS,
    WAYS,
    WHO,
)


@dataclass(frozen=True, slots=True)
class Costed:
    """What the loan costs if all is drawn on the day and repaid as agreed."""

    rows: tuple[engine.Row, ...]
    interest_cny: Decimal
    fees: tuple[tuple[Fee, Decimal], ...]
    nominal: float
    effective: float


def costed(basis: Basis) -> Costed:
    """The schedule as the engine has it, and the cost of all flows, fees in."""
    offer, file = basis.offer, basis.product.file
    terms = terms_for(
        basis.product,
        amount=offer.amount_cny,
        rate=offer.rate,
        months=offer.term_months,
        way=offer.repayment,
        start=basis.on,
    )
    loan = engine.apply(engine.begin(terms), Disburse(on=basis.on, amount=offer.amount_cny))
    rows = tuple(engine.rows(loan, basis.on))
    flows = _fee_flows(offer, file)
    for row in rows:
        flows[_month(basis.on, row.due)] -= row.principal + row.interest
    rate = monthly_irr([float(flow) for flow in flows])
    told = cost_of(offer.amount_cny, offer.rate, offer.term_months, offer.repayment, file.fees)  # type: ignore[arg-type] # a way
    sums = (sum_ for _, sum_ in told.fees)
    interest = sum((row.interest for row in rows), Decimal(0))
    return Costed(rows, interest, tuple(zip(file.fees, sums, strict=True)), rate * 12, (1 + rate) ** 12 - 1)


def _fee_flows(offer: Offer, file: ProductFile) -> list[Decimal]:
    """Month by month what is received and charged, without what is repaid."""
    told = offer.amount_cny, offer.rate, offer.term_months, offer.repayment
    plan = file.repayment
    flows = list(cost_of(*told, file.fees, plan=plan).flows)  # type: ignore[arg-type] # a way of repayment
    for month, paid in enumerate(schedule(*told, plan=plan), 1):  # type: ignore[arg-type] # a way of repayment
        flows[month] += sum(paid)
    return flows


def _month(since: date, due: date) -> int:
    return max(1, (due.year - since.year) * 12 + due.month - since.month)


def content(basis: Basis) -> dict[str, Any]:
    """The values of both templates, as JSON has them."""
    offer, file, cost = basis.offer, basis.product.file, costed(basis)
    return {
        "number": basis.number,
        "generated": basis.generated,
        "class": file.class_,
        "title": _both(CLASSES[file.class_]),
        "lender": {"name": basis.lender.name, "code": basis.lender.uscc},
        "borrower": {"name": basis.borrower, "code": basis.borrower_code},
        "product": _both(file.name),
        "version": file.version,
        "amount": cny(offer.amount_cny),
        "months": str(offer.term_months),
        "way": _both(WAYS[offer.repayment]),
        "rate": percent(offer.rate),
        "terms": list(_terms(basis)),
        "cost": _cost(cost),
        "sheet": {"head": _heads(*SHEET), "rows": list(_sheet(basis, cost))},
        "contingent": {"head": _heads(*CONTINGENT), "rows": list(_contingent(basis))},
        "schedule": _schedule(cost, basis.on),
        **articles(basis),
    }


SHEET = (
    Text(zh="项目", en="Item"),
    Text(zh="收取方式", en="How"),
    Text(zh="收取标准", en="Standard"),
    Text(zh="收取主体", en="By whom"),
    Text(zh="金额（元）", en="CNY"),
)
CONTINGENT = (
    Text(zh="项目", en="Item"),
    Text(zh="何时发生", en="When"),
    Text(zh="收取标准", en="Standard"),
    Text(zh="收取主体", en="By whom"),
)
ROWS = (
    Text(zh="期次", en="No."),
    Text(zh="到期日", en="Due"),
    Text(zh="本金", en="Principal"),
    Text(zh="利息", en="Interest"),
    Text(zh="费用", en="Fee"),
    Text(zh="剩余本金", en="Balance"),
)


def _both(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _heads(*heads: Text) -> list[dict[str, str]]:
    return [_both(each) for each in heads]


def _terms(basis: Basis) -> Iterator[dict[str, str]]:
    offer, file, case = basis.offer, basis.product.file, basis.case
    found = published(basis.on)
    one = found.five_years if found and offer.term_months >= 60 else found.one_year if found else None  # noqa: PLR2004 - LPR's two tenors
    base = "" if found is None or one is None else _over(offer.rate, one, found.published)
    rows = (
        ("授信额度", "Limit", f"{cny(offer.amount_cny)} 元（{amount_in_words(offer.amount_cny)}）"),
        ("期限", "Term", f"{offer.term_months} 个月，自额度启用之日起"),
        ("年利率（单利）", "Rate a year (simple)", percent(offer.rate) + base),
        ("还款方式", "Repayment", f"{WAYS[offer.repayment].zh}，每 {file.repayment.every_months} 个月一期"),
        ("提款方式", "Drawing", DRAWDOWNS[file.drawdown.kind].zh),
        ("计息规则", "Day count", DAY_COUNTS[file.repayment.day_count].zh),
        ("借款用途", "Use", case.use),
        ("申请编号", "Application", str(case.id)),
    )
    return ({"zh": zh, "en": en, "value": value} for zh, en, value in rows)


def _over(rate: Decimal, lpr: Decimal, published_on: date) -> str:
    points = round((rate - lpr) * 10_000)
    side = "加" if points >= 0 else "减"
    return f"（{published_on:%Y-%m-%d} 公布的 LPR {percent(lpr)} {side} {abs(points)} 个基点）"


def _cost(cost: Costed) -> dict[str, Any]:
    total = cost.interest_cny + sum((sum_ for _, sum_ in cost.fees), Decimal(0))
    rows = [["利息 Interest", "按期", "贷款人 lender", cny(cost.interest_cny)]]
    for fee, sum_ in cost.fees:
        rows.append([f"{fee.name.zh} {fee.name.en}", FEE_KINDS[fee.kind].zh, _who(fee), cny(sum_)])
    rows.append(["合计 Total", "", "", cny(total)])
    head = _heads(SHEET[0], SHEET[1], SHEET[3], SHEET[4])
    return {
        "head": head,
        "rows": rows,
        "nominal": f"{cost.nominal:.2%}",
        "effective": f"{cost.effective:.2%}",
        "method": _both(METHOD),
        "compound": _both(EFFECTIVE),
        "total": cny(total),
    }


def _who(fee: Fee) -> str:
    told = WHO[fee.to]
    return f"{told.zh} {told.en}"


def _standard(fee: Fee) -> str:
    if fee.kind == "fixed":
        return f"{cny(fee.cny)} 元"
    return f"{percent(fee.rate)}（{FEE_KINDS[fee.kind].zh}）"


def _sheet(basis: Basis, cost: Costed) -> Iterator[list[str]]:
    """Item by item: what, how, by which standard, by whom, how much (L05)."""
    yield [
        "利息 Interest",
        f"{WAYS[basis.offer.repayment].zh}",
        f"年利率 {percent(basis.offer.rate)}",
        "贷款人 lender",
        cny(cost.interest_cny),
    ]
    for fee, sum_ in cost.fees:
        yield [f"{fee.name.zh} {fee.name.en}", FEE_KINDS[fee.kind].zh, _standard(fee), _who(fee), cny(sum_)]
    for text in ("担保／增信费", "抵押登记、评估费", "中介、渠道费"):
        if not any(text[:2] in fee.name.zh for fee, _ in cost.fees):
            yield [text, "不收取 none", "—", "—", "0.00"]


def _contingent(basis: Basis) -> Iterator[list[str]]:
    file, rate = basis.product.file, basis.offer.rate
    penalty, misuse = rate * (1 + file.penalty.overdue), rate * (1 + file.penalty.misuse)
    lender = "贷款人 lender"
    yield ["逾期罚息 Penalty interest", late(file), f"年利率 {percent(penalty)}", lender]
    yield ["挪用罚息 Misuse", "未按约定用途使用借款", f"年利率 {percent(misuse)}", lender]
    early = file.prepayment
    told = "不收取 none" if early.rate == 0 else f"提前归还本金的 {percent(early.rate)}"
    when = "提前还款" if early.after_months == 0 else f"提款满 {early.after_months} 个月后提前还款"
    yield ["提前还款违约金 Early repayment", when, told, lender]


def _schedule(cost: Costed, on: date) -> dict[str, Any]:
    rows = [
        [
            str(r.n),
            f"{r.due:%Y-%m-%d}",
            cny(r.principal),
            cny(r.interest),
            cny(r.fee),
            cny(r.balance_after),
        ]
        for r in cost.rows
    ]
    return {"start": f"{on:%Y-%m-%d}", "head": _heads(*ROWS), "rows": rows}
