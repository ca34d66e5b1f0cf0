"""Terms of a lending plan (信贷方案): budget, costs, rating bounds and optional caps, from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.policy.format import Exact
from xinqiao.policy.mandate import Mandate

RATINGS = ("A", "B", "C")
"""Ratings that are lent to, best first."""
REFUSED = "D"
"""The rating that is never lent to."""
Curve = Literal["table", "smooth"]
BudgetOn = Literal["committed", "expected"]


def _share(value: Decimal | None) -> Decimal | None:
    if value is not None and not 0 <= value <= 1:
        message = "a share lies in 0..1"
        raise ValueError(message)
    return value


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Caps(_Frozen):
    """Optional limits; None: not asked for.

    ``industry_share``: most of the budget in one industry. ``least_companies``: least number lent to.
    ``mean_pd``, ``expected_loss``: most mean PD, and most expected loss as a share, both weighted by
    expected take-up.
    """

    industry_share: Exact | None = None
    least_companies: int | None = None
    mean_pd: Exact | None = None
    expected_loss: Exact | None = None

    _shares = field_validator("industry_share", "mean_pd", "expected_loss")(_share)

    @property
    def any(self) -> bool:
        """Whether a cap is asked for."""
        return any(value is not None for value in self.model_dump().values())


class Terms(_Frozen):
    """What a plan is made under; money in CNY, rates and costs a year, see docs/strategy.md."""

    id: str
    name: Text
    mandate: str
    budget_cny: Exact
    budget_on: BudgetOn = "committed"
    step_cny: Exact
    lgd: Exact
    funds_rate: Exact
    operating_rate: Exact
    handling_cny: Exact
    curve: Curve = "table"
    adverse_selection: Exact
    sales_share: Exact | None = None
    ratings: dict[str, Exact]
    caps: Caps = Caps()

    _shares = field_validator("lgd", "funds_rate", "operating_rate")(_share)

    @model_validator(mode="after")
    def _sound(self) -> Terms:
        bounds = [self.ratings.get(rating, Decimal(0)) for rating in RATINGS]
        if set(self.ratings) != set(RATINGS) or not 0 < bounds[0] < bounds[1] < bounds[2] <= 1:
            message = "ratings: upper PDs of A, B and C, rising, in 0..1"
            raise ValueError(message)
        amounts = (self.budget_cny, self.handling_cny, self.adverse_selection, self.sales_share or Decimal(0))
        if min(amounts) < 0 or self.step_cny <= 0 or (self.caps.least_companies or 0) < 0:
            message = "amounts are not negative and the step is more than 0"
            raise ValueError(message)
        return self

    def within(self, mandate: Mandate, where: str) -> Terms:
        """These terms, checked against the mandate; raises UserError STR-TERMS."""
        if any(limit % self.step_cny for limit in mandate.limit_cny):
            fail("STR-TERMS", where, detail=f"step_cny {self.step_cny}, limit_cny {mandate.limit_cny}")
        return self


def catalog_text(kind: str, name: str) -> tuple[str, str]:
    """Text and origin of ``name``: an id below ``catalog/<kind>`` or a file's path.

    Raises UserError STR-NOT-FOUND, STR-FILE.
    """
    folder = files("xinqiao").joinpath("catalog", kind)
    known = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
    if name in known:
        return folder.joinpath(f"{name}.yaml").read_text("utf-8"), f"{name}.yaml"
    if not Path(name).is_file():
        fail("STR-NOT-FOUND", name, kind=kind, name=name, known=", ".join(known))
    try:
        return Path(name).read_text("utf-8-sig"), name
    except (OSError, UnicodeDecodeError) as error:
        raise user_error("STR-FILE", name, detail=str(error)) from error


def load_terms(source: str, changes: Mapping[str, Any] | None = None) -> Terms:
    """The terms ``source`` (an id of the catalog or a file), fields replaced by ``changes``.

    Raises UserError STR-NOT-FOUND, STR-FILE, STR-TERMS or what ``kernel.document.parse`` raises.
    """
    text, origin = catalog_text("plans", source)
    terms, _ = parse(text, Terms, origin)
    try:
        return Terms.model_validate({**dict(terms), **(changes or {})})
    except ValidationError as error:
        detail = "; ".join(f"{'.'.join(map(str, f['loc']))}: {f['msg']}" for f in error.errors())
        raise user_error("STR-TERMS", origin, detail=detail) from error
