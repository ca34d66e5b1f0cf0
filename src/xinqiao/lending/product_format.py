"""The loan product as a file (贷款产品): what may be written, before any meaning is checked.

Admission, limit and price are written in the language of decision policies (docs/policy.md); all else are
parameters that the case, the contract and the servicing of a loan read.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from xinqiao.kernel.text import Text
from xinqiao.policy.format import Adverse, Derive, Effective, Exact, Expression, Input, Rounding, Rule, Table

Class = Literal["credit", "collateral", "supply_chain", "guarantee"]
LenderType = Literal[
    "bank",
    "micro_lender",
    "guarantee_company",
    "pawnshop",
    "finance_lease",
    "factoring",
    "local_asset_manager",
    "regional_equity_market",
    "private",
]
"""Who lends: a bank, one of the seven kinds of local financial organisation, or somebody in private."""
Repayment = Literal[
    "equal_instalment",
    "equal_principal",
    "interest_only_then_bullet",
    "bullet",
    "flat",
    "seasonal",
]
DayCount = Literal["ACT/360", "ACT/365F", "30/360", "ACT/ACT"]
ID = r"^[a-z][a-z0-9_]*$"


class Part(BaseModel):
    """Strict: an unknown key is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Months = Annotated[tuple[int, ...], BeforeValidator(_tuple), Field(min_length=1)]
Words = Annotated[tuple[str, ...], BeforeValidator(_tuple)]
Allocation = Annotated[
    tuple[Literal["penalty", "interest", "fee", "principal"], ...],
    BeforeValidator(_tuple),
    Field(min_length=4, max_length=4),
]
Repayments = Annotated[tuple[Repayment, ...], BeforeValidator(_tuple), Field(min_length=1)]


class Use(Part):
    """A shared component taken over; ``with`` sets its parameters."""

    use: str = Field(pattern=ID)
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Data(Part):
    """Data sets (source codes, SCORE, LEADS) the product cannot do without, and those that help."""

    needs: Words
    helps: Words = ()


class ScoreRule(Part):
    """The worst grade lent to; ``own_card``: a bank may add its own card to the platform's score."""

    worst_grade: str = Field(alias="worst_grade")
    own_card: bool = True


class LimitRule(Part):
    """The limit in CNY: a ``formula`` in the policy language or a template (``use``), capped at ``max``.

    The result is rounded to ``step``.
    """

    formula: Expression | None = None
    use: str | None = Field(default=None, pattern=ID)
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    min: Exact
    max: Exact
    step: Exact
    if_missing: Adverse = "refer"
    below_min: Adverse = "reject"

    @model_validator(mode="after")
    def _one(self) -> LimitRule:
        if (self.formula is None) == (self.use is None):
            message = "either a formula or a template"
            raise ValueError(message)
        return self


class Caps(Part):
    """The most this institution lends in all to one firm, and to one group, if it holds this product."""

    firm_cny: Exact | None = None
    group_cny: Exact | None = None


class Pricing(Part):
    """LPR of the day for the tenor plus the spread of the grade; ``adjust`` adds a ratio of its own.

    ``reset``: the rate stays (``fixed``), or follows the LPR on each anniversary, its spread kept.
    """

    spread: dict[str, Exact] = Field(min_length=1)
    adjust: Expression | None = None
    min: Exact
    max: Exact
    step: Exact = Decimal("0.0005")
    rounding: Rounding = "half_up"
    above_max: Literal["cap", "refer", "reject"] = "cap"
    reset: Literal["fixed", "anniversary"] = "fixed"


class Tenor(Part):
    """Terms on offer in months; a business loan beyond ``review_months`` is judged again every year."""

    months: Months
    usual: int
    review_months: int = 12


class Drawdown(Part):
    """How money is drawn: once, again and again within the limit (随借随还), or in tranches.

    ``window_months``: for how long after signing; None: as long as the limit runs.
    """

    kind: Literal["single", "revolving", "tranches"]
    least_cny: Exact = Decimal(1000)
    most_tranches: int = Field(default=1, ge=1, le=60)
    window_months: int | None = Field(default=None, ge=1)
    paid_to: Literal["borrower", "seller", "either"] = "either"


class UseOfFunds(Part):
    """What the money is for (资金用途): purposes allowed and forbidden, by id of the catalog.

    Above ``entrusted_cny`` a drawing is paid straight to the seller (受托支付); papers are shown within
    ``proof_days``.
    """

    allowed: Words = ()
    forbidden: Words = ("real_estate", "securities", "lending_on")
    entrusted_cny: Exact | None = None
    proof_days: int = Field(default=30, ge=0)


class RepaymentRule(Part):
    """Ways of repayment on offer, the usual one first; ``season``: share of the principal due by month.

    ``grace_months``: no principal falls due; ``interest_grace_months``: no interest either, it falls due with
    the first instalment after.
    """

    ways: Repayments
    day_count: DayCount = "ACT/360"
    every_months: int = Field(default=1, ge=1, le=12)
    grace_months: int = Field(default=0, ge=0)
    interest_grace_months: int = Field(default=0, ge=0)
    season: dict[str, Exact] = {}
    rounding: Literal["half_up", "half_even"] = "half_up"
    allocation: Allocation = ("penalty", "interest", "fee", "principal")


class Fee(Part):
    """A fee the borrower pays. ``to``: who gets it.

    ``rate`` is of the drawn sum (upfront), of the original sum every month or year, or ``cny`` is a fixed
    sum once. Every fee is part of the all-in cost.
    """

    id: str = Field(pattern=ID)
    name: Text
    kind: Literal["upfront", "monthly", "yearly", "fixed"]
    rate: Exact = Decimal(0)
    cny: Exact = Decimal(0)
    to: Literal["lender", "guarantor", "third_party"] = "lender"


class Prepayment(Part):
    """Early repayment: from which month, at what share of the sum repaid early.

    ``then``: what a part repaid early does: fewer instalments, smaller ones, or the next ones are paid.
    """

    after_months: int = Field(default=0, ge=0)
    rate: Exact = Decimal(0)
    then: Literal["shorter", "smaller", "next"] = "shorter"


class Penalty(Part):
    """What is added to the rate of the contract on what is overdue or misused, as a share of that rate.

    ``compound``: overdue interest bears it too (复利). Within ``grace_days`` nothing is added.
    """

    overdue: Exact = Decimal("0.5")
    misuse: Exact = Decimal("1.0")
    grace_days: int = Field(default=0, ge=0, le=30)
    compound: bool = False


class Pledge(Part):
    """A kind of collateral and its haircut: 0.3 means 70 % of the value counts."""

    kind: Literal[
        "home", "premises", "land", "equipment", "inventory", "receivable", "patent", "warehouse_receipt",
        "deposit", "vehicle", "livestock",
    ]  # fmt: skip
    haircut: Exact


class Collateral(Part):
    """What secures the loan: values after haircut cover the loan ``coverage`` times."""

    kinds: Annotated[tuple[Pledge, ...], BeforeValidator(_tuple), Field(min_length=1)]
    coverage: Exact = Decimal(1)
    revalue_months: int = 12


class Guarantee(Part):
    """Who else answers for the loan, for what share, and whether jointly (连带责任)."""

    by: Literal["guarantee_company", "owner", "core_firm", "insurer", "government_fund"]
    share: Exact = Decimal(1)
    joint: bool = True


class Chain(Part):
    """The trade a supply chain loan stands on: ``advance`` of what the core firm owes, ordered or sold.

    ``basis``: receivables of, orders or awards of, or goods bought from the core firm. ``recourse``: the
    borrower pays if the core firm does not.
    """

    basis: Literal["receivable", "order", "award", "purchase"]
    advance: Exact
    confirmed: bool = True
    recourse: bool = True


class Authority(Part):
    """Who may decide up to what limit and down to what rate; above it the next one."""

    role: Literal["officer", "approver", "committee"]
    limit_cny: Exact
    rate_min: Exact


class Flow(Part):
    """How the application runs: online, with a person, or both; ``steps`` by id in order."""

    mode: Literal["online", "hybrid", "with_person"]
    steps: Words
    forced_reading_seconds: int = 0


class Deadlines(Part):
    """Calendar days: automatic check, review, decision, the firm's papers, its answer, each signature."""

    screen: int = Field(default=1, ge=1)
    review: int = Field(default=3, ge=1)
    decide: int = Field(default=5, ge=1)
    documents: int = Field(default=7, ge=1)
    offer: int = Field(default=14, ge=1)
    sign: int = Field(default=14, ge=1)


class ProductFile(Part):
    """A product as written."""

    id: str = Field(pattern=ID)
    version: str = Field(pattern=r"^[0-9]+(\.[0-9]+)*$")
    effective: Effective
    class_: Class = Field(alias="class")
    pattern: str = Field(pattern=ID)
    lender_type: LenderType = "bank"
    name: Text
    summary: Text
    audience: Text
    data: Data
    score: ScoreRule
    admission: list[Use | Rule] = Field(min_length=1, max_length=60)
    inputs: dict[str, Input] = {}
    derive: dict[str, Derive] = {}
    tables: list[Table] = []
    limit: LimitRule
    pricing: Pricing
    tenor: Tenor
    drawdown: Drawdown
    repayment: RepaymentRule
    fees: Annotated[tuple[Fee, ...], BeforeValidator(_tuple)] = ()
    prepayment: Prepayment = Prepayment()
    penalty: Penalty = Penalty()
    collateral: Collateral | None = None
    guarantee: Guarantee | None = None
    chain: Chain | None = None
    caps: Caps = Caps()
    use: UseOfFunds = UseOfFunds()
    documents: Words = ()
    authority: Annotated[tuple[Authority, ...], BeforeValidator(_tuple), Field(min_length=1)]
    flow: Flow
    deadlines: Deadlines = Deadlines()


class Parameter(Part):
    """A number a component lets a product set."""

    name: Text
    type: Literal["money", "ratio", "number", "integer", "text"]
    default: Any
    range: Annotated[tuple[Exact, Exact] | None, BeforeValidator(_tuple)] = None


class AdmissionComponent(Part):
    """An admission rule shared by products; ``$name`` in its texts stands for a parameter."""

    params: dict[str, Parameter] = {}
    rule: dict[str, Any]


class LimitTemplate(Part):
    """A limit formula shared by products; ``$name`` stands for a parameter."""

    name: Text
    params: dict[str, Parameter] = {}
    formula: str


class Components(Part):
    """``catalog/components``: shared inputs, derived values, rules, limits, documents, steps, purposes."""

    inputs: dict[str, Input] = {}
    derive: dict[str, Derive] = {}
    admission: dict[str, AdmissionComponent] = {}
    limits: dict[str, LimitTemplate] = {}
    documents: dict[str, Text] = {}
    steps: dict[str, Text] = {}
    purposes: dict[str, Text] = {}


class LprRow(Part):
    """The loan prime rate published on a day, as ratios a year; ``five_years`` where it is known."""

    published: date
    one_year: Exact
    five_years: Exact | None = None
    source: str
