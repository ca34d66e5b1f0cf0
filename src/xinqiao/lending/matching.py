"""Which products fit a firm (匹配): hard admission first, then expected value to the firm.

Ranked by P(approve) x P(accept | rate, limit, term) x what the loan is worth to the firm. A lender whose quota
is spent is left out and said to be; one that is nearly asked too much gives way by its shadow price. There
is no paid placement: nothing a lender could pay for is an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from xinqiao.kernel.clock import today
from xinqiao.kernel.text import Text
from xinqiao.lending.chance import (
    Chances,
    Terms,
    accept_features,
    approve_features,
    firm_features,
    usual_chances,
)
from xinqiao.lending.cost import Cost, cost_of, quick_cost
from xinqiao.lending.eligibility import Barrier, barriers
from xinqiao.lending.product import Offered, Product
from xinqiao.lending.screen import REJECT, Screen, Screened, screen
from xinqiao.policy.case import Case, Inputs, bind
from xinqiao.portrait.credit_file import CreditFile
from xinqiao.scoring.overlay import industry_path

QUOTA_SPENT = Text(zh="该机构本期额度已用完", en="the lender's quota for the period is spent")
USUAL_SHARE = 0.15
"""A firm that names no sum is taken to need this share of a year's sales."""
LEVELS = ("industry_section", "industry_division", "industry_group")


@dataclass(frozen=True, slots=True)
class Request:
    """What a firm is after. ``told``: fields of an application it has already filled in (asked by products)."""

    amount_cny: Decimal | None = None
    term_months: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A product that can be applied for. ``outcome``: approve at once, or refer to a person first.

    ``limit_cny`` and ``rate`` are what the product's own policy would give today, a pre-estimate and no promise.
    ``score`` is the expected value to the firm in CNY: ``p_approve`` x ``p_accept`` x ``value_cny``.
    """

    product: Product
    offer: Offered | None
    outcome: str
    limit_cny: Decimal
    rate: Decimal
    term_months: int
    p_approve: float
    p_accept: float
    value_cny: float
    score: float
    open_: tuple[Barrier, ...] = field(repr=False)

    @cached_property
    def cost(self) -> Cost:
        """The all-in cost of drawing the limit once for the term, repaid the usual way."""
        file = self.product.file
        way = file.repayment.ways[0]
        return cost_of(
            self.limit_cny, self.rate, self.term_months, way, file.fees, every=file.repayment.every_months
        )

    @cached_property
    def why(self) -> tuple[Text, ...]:
        """Why it fits, in words; what a person would still look at stands in ``questions``."""
        return _why(self)

    @cached_property
    def questions(self) -> tuple[Text, ...]:
        """What would be looked at by a person."""
        return tuple(each.reason for each in self.open_)


@dataclass(frozen=True)
class Excluded:
    """A product that cannot be applied for: the rules that exclude, or the quota."""

    product: Product
    offer: Offered | None
    barriers: tuple[Barrier, ...] = field(repr=False)
    reason: Text | None = None

    @property
    def distance(self) -> int:
        """How many rules stand in the way."""
        return len(self.barriers)


@dataclass(frozen=True)
class Matches:
    """``ranked``: best first; ``excluded``: the fewest barriers first."""

    ranked: tuple[Match, ...]
    excluded: tuple[Excluded, ...]


@dataclass(frozen=True, slots=True)
class Firm:
    """What matching reads of a firm, prepared once for all products."""

    case: Case
    features: list[float]
    need_cny: float
    months: int | None


def firm_of(file: CreditFile, request: Request) -> Firm:
    """The firm behind a credit file and its request."""
    values = {name: each.value for name, each in file.indicators.items()}
    missing = {name: each.missing for name, each in file.indicators.items() if each.missing is not None}
    application = {**application_of(file), **request.told}
    if request.amount_cny is not None:
        application["amount_cny"] = float(request.amount_cny)
    if request.term_months is not None:
        application["term_months"] = float(request.term_months)
    score = {name: file.score.get(name) for name in ("points", "pd", "grade")} if file.score else {}
    sales = values.get("INV01") or values.get("TAX05") or values.get("BNK01")
    known = {
        "pd": score.get("pd"),
        "sales_cny": sales,
        "years": values.get("REG01"),
        "lenders": values.get("CRD04"),
        "size": file.register_.size,
        "section": application.get("industry_section"),
    }
    need = float(request.amount_cny) if request.amount_cny else USUAL_SHARE * sales if sales else 300_000.0
    case = Case(file.company_id, file.as_of, values, missing, score, application)
    return Firm(case, firm_features(known), need, request.term_months)


def application_of(file: CreditFile) -> dict[str, Any]:
    """What the register says, under the names that policies read (as an application carries it)."""
    register = file.register_
    levels = dict(zip(LEVELS, industry_path(register.industry), strict=False))
    told = {"company_kind": register.kind, "industry": register.industry, "size": register.size}
    told |= {"peer_group": register.peer_group, **levels}
    return {name: value for name, value in told.items() if value is not None}


def match(
    file: CreditFile,
    request: Request | None = None,
    products: Sequence[Offered | Product] = (),
    *,
    on: date | None = None,
    chances: Chances | None = None,
    prices: Mapping[str, float] | None = None,
    spent: Mapping[str, Decimal] | None = None,
) -> Matches:
    """Rank ``products`` for a firm. ``prices``: shadow prices by lender; ``spent``: quota used by offer id.

    Pure: the same file, request and products give the same answer.
    """
    return Matcher(products, on or today(), chances or usual_chances(), prices or {}, spent or {}).match(
        firm_of(file, request or Request())
    )


@dataclass(frozen=True)
class _Item:
    """A product made ready: its screen for the day and the term."""

    product: Product
    offer: Offered | None
    lender: str | None
    screen: Screen
    terms: Terms
    months: int


class Matcher:
    """A shelf made ready for a day; matches firm after firm."""

    def __init__(
        self,
        products: Sequence[Offered | Product],
        on: date,
        chances: Chances,
        prices: Mapping[str, float],
        spent: Mapping[str, Decimal],
    ) -> None:
        self.products = products
        self.on = on
        self.chances = chances
        self.prices = prices
        self.spent = spent
        self._ready: dict[int | None, list[_Item]] = {}

    def match(self, firm: Firm) -> Matches:
        """All products for one firm."""
        ranked, excluded = [], []
        for item in self._items(firm.months):
            if self._full(item.offer):
                excluded.append(Excluded(item.product, item.offer, (), QUOTA_SPENT))
                continue
            inputs = bind(item.screen.policy, firm.case)
            found = item.screen.run(inputs)
            if found.severity >= REJECT or found.rate is None:
                stands = barriers(item.screen, inputs, found.hits, max(found.severity, 1))
                excluded.append(Excluded(item.product, item.offer, stands))
            else:
                ranked.append(self._match(firm, item, inputs, found))
        ranked.sort(key=lambda each: (-each.score, each.product.id, str(each.offer and each.offer.id)))
        excluded.sort(key=lambda each: (each.distance, each.product.id))
        return Matches(tuple(ranked), tuple(excluded))

    def _items(self, months: int | None) -> list[_Item]:
        if months not in self._ready:
            self._ready[months] = [_item(each, self.on, months) for each in self.products]
        return self._ready[months]

    def _full(self, offer: Offered | None) -> bool:
        if offer is None or offer.quota_cny is None:
            return False
        return self.spent.get(str(offer.id), Decimal(0)) >= offer.quota_cny

    def _match(self, firm: Firm, item: _Item, inputs: Inputs, found: Screened) -> Match:
        file = item.product.file
        limit = found.limit_cny if found.limit_cny is not None else Decimal(int(firm.need_cny))
        limit = min(max(limit, file.limit.min), file.limit.max)
        rate = found.rate if found.rate is not None else file.pricing.max
        lent = min(float(limit), firm.need_cny)
        cover, wanted = lent / firm.need_cny, float(firm.months or item.months)
        cost = quick_cost(item.product.file, float(rate), item.months, lent)
        open_ = len(found.hits)
        approve = approve_features(item.terms, refer=float(open_ > 0), reasons=float(open_), cover=cover)
        accept = accept_features(item.terms, cost=cost, cover=cover, months=item.months, wanted=wanted)
        p = self.chances.approve.chance(firm.features, approve, item.lender)
        q = self.chances.accept.chance(firm.features, accept, item.lender)
        value = worth(self.chances.worth, lent, cost, min(item.months, wanted))
        score = p * q * (value - lent * self.prices.get(item.lender or "", 0.0))
        outcome = "refer" if open_ else "approve"
        return Match(
            item.product, item.offer, outcome, limit, rate, item.months, p, q, value, score,
            barriers(item.screen, inputs, found.hits, 1),
        )  # fmt: skip


def worth(yearly: float, lent: float, cost: float, months: float) -> float:
    """What a loan is worth to a firm: what the money is worth to it above its cost, for as long as it runs."""
    return lent * max(yearly - cost, 0.0) * months / 12.0


def _item(each: Offered | Product, on: date, months: int | None) -> _Item:
    offer = each if isinstance(each, Offered) else None
    product = offer.product if offer else each
    if not isinstance(product, Product):
        raise TypeError(product)
    term = nearest_term(product, months)
    lender = None if offer is None else str(offer.institution_id)
    return _Item(product, offer, lender, screen(product.policy_on(on, term)), Terms.of(product), term)


@lru_cache(maxsize=4096)
def nearest_term(product: Product, wanted: int | None) -> int:
    """The term on offer nearest to what is wanted, the longer of two; the usual one where nothing is."""
    if wanted is None:
        return product.file.tenor.usual
    return min(product.file.tenor.months, key=lambda months: (abs(months - wanted), -months))


def _why(match: Match) -> tuple[Text, ...]:
    """The strong sides of a match against the product's own range and the firm's need."""
    file = match.product.file
    said = [file.audience]
    if match.outcome == "approve":
        said.append(
            Text(zh="按现有数据各项准入规则均已满足", en="every admission rule is met by the data at hand")
        )
    if match.rate <= file.pricing.min + Decimal("0.005"):
        said.append(Text(zh="利率接近该产品最低档", en="the rate is near this product's lowest"))
    if file.deadlines.decide <= 2:  # noqa: PLR2004 - two days
        said.append(
            Text(zh="线上审批，{d} 天内答复", en="decided online within {d} days").fill(
                d=file.deadlines.decide
            )
        )
    if file.drawdown.kind == "revolving":
        said.append(
            Text(zh="随借随还，不用不计息", en="drawn and repaid at will; what is not drawn costs nothing")
        )
    if file.class_ == "guarantee":
        said.append(Text(zh="由担保机构分担风险，无需抵押", en="a guarantor shares the risk; no collateral"))
    return tuple(said)
