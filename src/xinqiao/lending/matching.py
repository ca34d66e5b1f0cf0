"""Which products fit a firm (匹配): hard admission first, then expected value to the firm.

Ranked by P(approve) x P(accept | rate, limit, term) x what the loan is worth to the firm. A lender whose
quota is spent is left out and said to be; one that is asked too much gives way by its shadow price. There
is no paid placement: nothing a lender could pay for is an input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from xinqiao.kernel.clock import today
from xinqiao.kernel.text import Text
from xinqiao.lending.chance import (
    COST_SCALE,
    Chances,
    Terms,
    accept_features,
    approve_features,
    firm_features,
    sigmoid,
    usual_chances,
)
from xinqiao.lending.cost import Cost, Fees, cost_of
from xinqiao.lending.eligibility import Barrier, barriers
from xinqiao.lending.product import Offered, Product
from xinqiao.lending.screen import REJECT, Hit, Screen, Screened, screen
from xinqiao.policy.case import Case, Inputs, bind
from xinqiao.policy.compiled import Policy
from xinqiao.policy.format import Input
from xinqiao.portrait.credit_file import CreditFile
from xinqiao.scoring.overlay import industry_path

QUOTA_SPENT = Text(zh="该机构本期额度已用完", en="the lender's quota for the period is spent")
USUAL_SHARE = 0.15
"""A firm that names no sum is taken to need this share of a year's sales."""
LEVELS = ("industry_section", "industry_division", "industry_group")


@dataclass(frozen=True, slots=True)
class Request:
    """What a firm is after. ``told``: fields of an application it has already filled in."""

    amount_cny: Decimal | None = None
    term_months: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


class Seen(NamedTuple):
    """A case as a screen saw it."""

    screen: Screen
    inputs: Inputs
    hits: tuple[Hit, ...]
    severity: int

    def barriers(self, severity: int) -> tuple[Barrier, ...]:
        """The checks that speak at least as severely."""
        return barriers(self.screen, self.inputs, self.hits, severity)


@dataclass(eq=False)
class Match:
    """A product that can be applied for. ``outcome``: approve at once, or refer to a person first.

    ``limit_cny`` and ``rate`` are what the product's own policy would give today: an estimate, no promise.
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
    screened: Seen = field(repr=False)

    @cached_property
    def cost(self) -> Cost:
        """The all-in cost of drawing the limit once for the term, repaid the usual way."""
        file = self.product.file
        way = file.repayment.ways[0]
        return cost_of(self.limit_cny, self.rate, self.term_months, way, file.fees, plan=file.repayment)

    @cached_property
    def why(self) -> tuple[Text, ...]:
        """Why it fits, in words; what a person would still look at stands in ``questions``."""
        return _why(self)

    @cached_property
    def questions(self) -> tuple[Text, ...]:
        """What would be looked at by a person."""
        return tuple(each.reason for each in self.screened.barriers(1))


@dataclass(eq=False)
class Excluded:
    """A product that cannot be had: ``distance`` rules exclude, or ``reason`` says the quota is spent."""

    product: Product
    offer: Offered | None
    distance: int
    screened: Seen | None = field(default=None, repr=False)
    reason: Text | None = None

    @cached_property
    def barriers(self) -> tuple[Barrier, ...]:
        """The rules that exclude, each with its reason and the nearest value that passes."""
        return () if self.screened is None else self.screened.barriers(self.screened.severity)


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
    matcher = Matcher(products, on or today(), chances or usual_chances(), prices=prices, spent=spent)
    return matcher.match(firm_of(file, request or Request()))


@dataclass(frozen=True)
class _Item:
    """A product made ready for a term: its screen, and all of its chances that no firm changes."""

    product: Product
    offer: Offered | None
    lender: str | None
    screen: Screen
    shared: bool
    months: int
    limits: tuple[Decimal, Decimal]
    fees: Fees
    approve: float
    accept: float
    price: float


class Matcher:
    """A shelf made ready for a day; matches firm after firm."""

    def __init__(
        self,
        products: Sequence[Offered | Product],
        on: date,
        chances: Chances,
        prices: Mapping[str, float] | None = None,
        spent: Mapping[str, Decimal] | None = None,
        *,
        lenders: Mapping[str, str] | None = None,
    ) -> None:
        """``lenders``: who lends under a plain product, by its id."""
        self.products = products
        self.on = on
        self.chances = chances
        self.prices = prices or {}
        self.spent = spent or {}
        self.lenders = lenders or {}
        self._ready: dict[int | None, tuple[Policy, list[_Item]]] = {}
        told = [
            str(each.institution_id) if isinstance(each, Offered) else self.lenders.get(each.id)
            for each in products
        ]
        self._names: list[str | None] = list(dict.fromkeys(told))
        self._approve = np.array([chances.approve.weights(name) for name in self._names])
        self._accept = np.array([chances.accept.weights(name) for name in self._names])

    def match(self, firm: Firm) -> Matches:
        """All products for one firm."""
        if not self.products:
            return Matches((), ())
        if firm.months not in self._ready:
            self._ready[firm.months] = self._items(firm.months)
        reader, items = self._ready[firm.months]
        inputs = bind(reader, firm.case)
        liking = self._liking(firm.features)
        ranked: list[Match] = []
        excluded: list[Excluded] = []
        for item in items:
            if item.offer is not None and self._full(item.offer):
                excluded.append(Excluded(item.product, item.offer, 0, None, QUOTA_SPENT))
                continue
            mine = inputs if item.shared else bind(item.screen.policy, firm.case)
            found = item.screen.run(mine)
            severity = max([hit[1] for hit in found.hits]) if found.hits else 0
            seen = Seen(item.screen, mine, found.hits, severity)
            if severity < REJECT and found.rate is not None:
                ranked.append(self._match(firm, item, seen, found, liking))
            else:
                stands = sum([hit[1] == severity for hit in found.hits])
                excluded.append(Excluded(item.product, item.offer, stands, seen))
        ranked.sort(key=_by_score)
        excluded.sort(key=_by_distance)
        return Matches(tuple(ranked), tuple(excluded))

    def _liking(self, features: list[float]) -> dict[str | None, tuple[float, float]]:
        """What each lender thinks of a firm, and a firm of each lender, whatever the product."""
        firm = np.array(features)
        pairs = zip((self._approve @ firm).tolist(), (self._accept @ firm).tolist(), strict=True)
        return dict(zip(self._names, pairs, strict=True))

    def _items(self, months: int | None) -> tuple[Policy, list[_Item]]:
        """The products ready for a term, and one policy that reads the inputs of all of them."""
        terms = [(each, *_offer_of(each)) for each in self.products]
        screens = []
        union: dict[str, Input] = {}
        for _, product, _ in terms:
            policy = product.policy_on(self.on, nearest_term(product, months))
            screens.append(screen(policy))
            for name, item in policy.file.inputs.items():
                union.setdefault(name, item)
        items = [
            self._item(product, offer, each, union, nearest_term(product, months))
            for (_, product, offer), each in zip(terms, screens, strict=True)
        ]
        first = screens[0].policy
        return replace(first, file=first.file.model_copy(update={"inputs": union})), items

    def _item(
        self, product: Product, offer: Offered | None, seen: Screen, union: Mapping[str, Input], months: int
    ) -> _Item:
        lender = self.lenders.get(product.id) if offer is None else str(offer.institution_id)
        terms, file = Terms.of(product), product.file
        approve = approve_features(terms, refer=0, reasons=0, cover=0)
        accept = accept_features(terms, cost=0, cover=0, months=1, wanted=1)
        return _Item(
            product=product,
            offer=offer,
            lender=lender,
            screen=seen,
            shared=all(union[name] == item for name, item in seen.policy.file.inputs.items()),
            months=months,
            limits=(file.limit.min, file.limit.max),
            fees=Fees.of(file, months),
            approve=self.chances.approve.of_terms(approve),
            accept=self.chances.accept.of_terms(accept),
            price=self.prices.get(lender or "", 0.0),
        )

    def _full(self, offer: Offered) -> bool:
        return offer.quota_cny is not None and self.spent.get(str(offer.id), Decimal(0)) >= offer.quota_cny

    def _match(
        self,
        firm: Firm,
        item: _Item,
        seen: Seen,
        found: Screened,
        liking: Mapping[str | None, tuple[float, float]],
    ) -> Match:
        limit, rate = found.limit_cny, found.rate
        if limit is None:
            limit = min(max(Decimal(int(firm.need_cny)), item.limits[0]), item.limits[1])
        if rate is None:
            raise AssertionError(item.product.id)  # those are excluded
        need, months = firm.need_cny, item.months
        lent = min(float(limit), need)
        cover, wanted = lent / need, firm.months or months
        cost = item.fees.cost(float(rate), lent)
        open_ = len(found.hits)
        first, second = self.chances.approve.terms, self.chances.accept.terms
        liked, likes = liking[item.lender]
        pull = (
            liked + item.approve + first[0] * (open_ > 0) + first[1] * min(open_, 8) / 4.0 + first[2] * cover
        )
        gap = 0.0 if wanted == months else min(max(math.log(months / wanted), -1.5), 1.5)
        draw = likes + item.accept + second[0] * cost * COST_SCALE + second[1] * cover + second[2] * gap
        p, q = sigmoid(pull), sigmoid(draw)
        value = lent * max(self.chances.worth - cost, 0.0) * min(months, wanted) / 12.0
        score = p * q * (value - lent * item.price)
        outcome = "refer" if open_ else "approve"
        return Match(item.product, item.offer, outcome, limit, rate, months, p, q, value, score, seen)


def _by_score(each: Match) -> tuple[float, str, str]:
    return -each.score, each.product.file.id, str(each.offer and each.offer.id)


def _by_distance(each: Excluded) -> tuple[int, str]:
    return each.distance, each.product.file.id


def _offer_of(each: Offered | Product) -> tuple[Product, Offered | None]:
    return (each.product, each) if isinstance(each, Offered) else (each, None)


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
