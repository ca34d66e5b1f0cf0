"""Loan products (贷款产品): read from files, checked, and made into the policy that decides.

A product's admission, limit and price become a decision policy of its own (``policy_on``), with the loan
prime rate of the day written into it: its text alone makes the decision again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from pydantic import ValidationError

from xinqiao.indicator.definition import indicators
from xinqiao.kernel.document import Lines, read_yaml, shape_faults
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.lending.lpr import lpr, published
from xinqiao.lending.product_check import product_faults, some_day
from xinqiao.lending.product_format import ProductFile
from xinqiao.lending.product_policy import PolicyText, Written, terms_only, write_policy
from xinqiao.policy.compiled import Policy, compile_file, compile_policy
from xinqiao.policy.format import Input, PolicyFile
from xinqiao.portrait.credit_file import SCORE

FILLED_IN = frozenset(
    (
        *("amount_cny", "term_months", "company_kind", "size", "peer_group", "in_default", "industry"),
        *("industry_section", "industry_division", "industry_group"),
    )
)
"""Fields of an application the platform fills in itself; any other is asked of the firm."""
NOT_ASKED = "NOT_ASKED"
"""Why a field is missing before there is an application: matching shows the product all the same."""


@dataclass(frozen=True)
class Product:
    """A product of one version. ``text`` is how it was written."""

    file: ProductFile
    text: str
    origin: str
    raw: dict[str, Any] = field(repr=False)
    lines: Lines = field(repr=False)

    def __hash__(self) -> int:
        return hash((self.file.id, self.file.version, self.text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Product) and self.text == other.text

    @property
    def id(self) -> str:
        """The product's id."""
        return self.file.id

    @property
    def version(self) -> str:
        """The version as written."""
        return self.file.version

    @property
    def name(self) -> Text:
        """The name."""
        return self.file.name

    @property
    def data_sets(self) -> frozenset[str]:
        """What a grant to apply covers: no more than the product reads."""
        return frozenset((*self.file.data.needs, *self.file.data.helps))

    @cached_property
    def questions(self) -> dict[str, Input]:
        """Fields of the application the firm itself fills in, as the policy reads them."""
        inputs = self.policy_on(some_day(self.file)).file.inputs.values()
        asked = ((each.source.removeprefix("application."), each) for each in inputs)
        return {
            name: each
            for name, each in asked
            if each.source.startswith("application.") and name not in FILLED_IN
        }

    @cached_property
    def asks(self) -> dict[str, Text]:
        """Fields the firm fills in, and their names."""
        return {name: each.name for name, each in self.questions.items()}

    def in_force(self, on: date) -> bool:
        """Whether this version is on offer on a day."""
        span = self.file.effective
        return span.from_ <= on and (span.to is None or on <= span.to)

    def policy_on(self, on: date, term_months: int | None = None) -> Policy:
        """The policy that decides on a day, for a term (the usual one unless told).

        Raises UserError LND-TERM or LND-LPR.
        """
        months = self.file.tenor.usual if term_months is None else term_months
        if months not in self.file.tenor.months:
            offered = ", ".join(map(str, self.file.tenor.months))
            fail("LND-TERM", self.id, months=months, offered=offered)
        rate, row = lpr(on, months), published(on)
        if row is None:
            raise AssertionError(on)  # then there was no rate either
        return _policy(self, row.published, rate, months)


@lru_cache(maxsize=1024)
def terms_policy(product: Product, on: date) -> Policy:
    """A policy of limit and rate alone, for the usual term: what a batch works out for all firms at once."""
    months = product.file.tenor.usual
    policy = product.policy_on(on)
    row = published(on)
    if row is None:
        raise AssertionError(on)  # then policy_on had failed
    made = Written(product.file, product.raw, product.lines)
    text = write_policy(made, base=(row.published, lpr(on, months)), term_months=months)
    file = PolicyFile.model_validate(terms_only(text.data))
    return compile_file(file, Lines(policy.file.id), policy.text, _units())


@lru_cache(maxsize=1024)
def _policy(product: Product, on: date, rate: Decimal, months: int) -> Policy:
    made = Written(product.file, product.raw, product.lines)
    text = write_policy(made, base=(on, rate), term_months=months)
    origin = f"{product.id}.policy"
    try:
        file = PolicyFile.model_validate(text.data)
        return compile_file(file, Lines(origin), text.text, _units())
    except (ValidationError, UserError):
        return _told(text, origin)


def _told(text: PolicyText, origin: str) -> Policy:
    """A faulty policy read from its text, so that the fault is told at the line its author wrote."""
    try:
        return compile_policy(text.text, origin, _units())
    except UserError as error:
        raise text.told(error) from error


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {name: item.unit.id for name, item in indicators().items()}


def parse_product(text: str, origin: str) -> Product:
    """A checked product; ``origin`` (a file name) goes into errors.

    Raises UserError DOC-*, LND-*, POL-* or EXPR-*, each with file and line.
    """
    raw, lines = read_yaml(text, origin)
    try:
        file = ProductFile.model_validate(raw)
    except ValidationError as error:
        faults = shape_faults(error, lines)
        detail = "; ".join(f"line {line} {what}" for line, what in faults)
        raise user_error("DOC-SHAPE", f"{origin}:{faults[0][0]}", detail=detail) from error
    product = Product(file, text, origin, raw, lines)
    for path, words in product_faults(file):
        fail("LND-PRODUCT", lines.where(path), detail=words)
    policy = product.policy_on(some_day(file))
    _check_data(product, policy)
    return product


def _check_data(product: Product, policy: Policy) -> None:
    """No more is read than the firm is told: inputs stay within the declared data sets."""
    known = indicators()
    for name, item in policy.file.inputs.items():
        family, field_name = item.source.split(".", 1)
        wanted = known[field_name].source if family == "indicator" else SCORE if family == "score" else None
        if wanted is not None and wanted not in product.data_sets:
            fail("LND-PRODUCT", product.lines.where(("data",)), detail=f"{name} reads {wanted}, not declared")
