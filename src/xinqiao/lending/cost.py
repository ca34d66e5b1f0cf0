"""What a loan costs in all (综合融资成本): every cash flow, fees included, as a rate a year.

Two figures, always named: ``nominal`` is the monthly internal rate of return times twelve, the way an
annual percentage rate is shown; ``effective`` compounds it. A flat rate never stands for either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import gcd

from xinqiao.kernel.text import Text
from xinqiao.lending.product_format import Fee, ProductFile, Repayment, RepaymentRule
from xinqiao.loan.cost import ANY_DAY, effective, monthly_irr, plan_of
from xinqiao.loan.terms import Grace

COST_CEILING = 0.24
"""All-in cost a year beyond which nothing is offered."""
METHOD = Text(
    zh="综合年化成本按全部现金流的内部收益率计算（月内部收益率×12，单利口径），含全部费用",
    en="all-in cost a year: monthly internal rate of return of all cash flows times twelve (simple form), "
    "all fees in",
)
EFFECTIVE = Text(zh="复利口径（有效年利率）", en="compounded (effective annual rate)")
CENT = Decimal("0.01")
DAYS_MORE = Decimal(365) / 360
"""What a year's interest by days over 360 comes to, beside the rate."""
BY_MONTHS = RepaymentRule(ways=("equal_instalment",), day_count="30/360")
"""Months of a twelfth of a year, nothing else agreed."""
SAMPLE_CNY = Decimal(100_000)


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a loan. ``flows``: month by month as the borrower sees them, what is received first."""

    nominal: float
    effective: float
    interest_cny: Decimal
    fees_cny: Decimal
    fees: tuple[tuple[Text, Decimal], ...]
    flows: tuple[Decimal, ...]

    @property
    def blocked(self) -> bool:
        """Whether it may not be offered."""
        return self.nominal > COST_CEILING


def cost_of(
    principal: Decimal,
    rate: Decimal,
    months: int,
    way: Repayment,
    fees: Sequence[Fee] = (),
    *,
    plan: RepaymentRule = BY_MONTHS,
) -> Cost:
    """The all-in cost of a loan repaid ``way``, before its days are known: every month is as long.

    For ``flat`` the rate is a year's share of the original sum. ``plan``: months between repayments, grace,
    season and day count; where days count over 360, a year bears 365 of them.
    """
    due = schedule(principal, rate, months, way, plan=plan)
    charged = [charges(fee, principal, months) for fee in fees]
    flows = [principal - sum((sums[0] for sums in charged), Decimal(0))]
    for month in range(1, months + 1):
        paid = sum(due[month - 1]) + sum((sums[month] for sums in charged), Decimal(0))
        flows.append(-paid)
    nominal = monthly_irr([float(flow) for flow in flows]) * 12
    return Cost(
        nominal=nominal,
        effective=effective(nominal / 12),
        interest_cny=sum((part[1] for part in due), Decimal(0)),
        fees_cny=sum((sum(sums, Decimal(0)) for sums in charged), Decimal(0)),
        fees=tuple((fee.name, sum(sums, Decimal(0))) for fee, sums in zip(fees, charged, strict=True)),
        flows=tuple(flows),
    )


def schedule(
    principal: Decimal,
    rate: Decimal,
    months: int,
    way: Repayment,
    *,
    plan: RepaymentRule = BY_MONTHS,
) -> list[tuple[Decimal, Decimal]]:
    """Principal and interest of every month, to the cent, as the loan engine plans them."""
    out = [(Decimal(0), Decimal(0))] * months
    season = season_of(plan) if way == "seasonal" else ()
    if plan.day_count == "ACT/360" and way != "flat":
        rate *= DAYS_MORE
    made = plan_of(principal, rate, months, way, every=plan.every_months, season=season, grace=grace_of(plan))
    for due in made.dues:
        month = (due.due.year - ANY_DAY.year) * 12 + due.due.month - ANY_DAY.month
        out[month - 1] = (due.principal, due.interest)
    return out


def grace_of(plan: RepaymentRule) -> Grace:
    """The grace of a product, in instalments."""
    every = plan.every_months
    return Grace(principal=plan.grace_months // every, interest=plan.interest_grace_months // every)


def season_of(plan: RepaymentRule) -> tuple[int, ...]:
    """Months principal falls due in, each as often as its share weighs: 40 % and 60 % are 2 and 3 times."""
    shares = {int(month): int(share * 10_000) for month, share in plan.season.items()}
    unit = gcd(*shares.values()) or 1
    return tuple(month for month, share in sorted(shares.items()) for _ in range(share // unit))


def charges(fee: Fee, principal: Decimal, months: int) -> list[Decimal]:
    """What is charged at the start and in every month."""
    sums = [Decimal(0)] * (months + 1)
    match fee.kind:
        case "fixed":
            sums[0] = fee.cny
        case "upfront":
            sums[0] = _cents(principal * fee.rate)
        case "monthly":
            sums[1:] = [_cents(principal * fee.rate)] * months
        case _:
            for month in range(0, months, 12):
                share = Decimal(min(12, months - month)) / 12
                sums[month] = _cents(principal * fee.rate * share)
    return sums


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def dearest(file: ProductFile) -> tuple[float, Repayment, int]:
    """The greatest all-in cost a product can come to: its highest rate over all terms and ways."""
    found = [
        (cost_of(sum_, file.pricing.max, months, way, file.fees, plan=file.repayment).nominal, way, months)
        for sum_ in {file.limit.min, file.limit.max}
        for months in file.tenor.months
        for way in file.repayment.ways
    ]
    return max(found, key=lambda each: each[0])


@dataclass(frozen=True, slots=True)
class Fees:
    """The all-in cost a year of a product, near enough to rank by: fees spread over the sum really used.

    ``cost_of`` gives the exact figure; what is shown and signed is always that one.
    """

    interest: float
    shares: float
    fixed: float

    @classmethod
    def of(cls, file: ProductFile, months: float) -> Fees:
        """The fees of a product for a term, each as a share of a year."""
        way = file.repayment.ways[0]
        used = 0.5 + 0.5 / months if way in {"equal_instalment", "equal_principal", "flat"} else 1.0
        yearly = {"monthly": 12.0, "yearly": 1.0}
        shares = sum(float(fee.rate) * yearly.get(fee.kind, 12.0 / months) for fee in file.fees)
        fixed = sum(float(fee.cny) * 12.0 / months for fee in file.fees)
        return cls(1.0 / used if way == "flat" else 1.0, shares / used, fixed / used)

    def cost(self, rate: float, lent: float) -> float:
        """The cost at a rate, for a sum."""
        return rate * self.interest + self.shares + (self.fixed / lent if lent > 0 else 0.0)
