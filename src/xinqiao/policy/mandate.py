"""The bank's mandate (授权书): bounds that no policy and no plan may go beyond."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.policy.format import Exact
from xinqiao.policy.load import built_in, read_document

Span = Annotated[list[Exact], Field(min_length=2, max_length=2)]


class Mandate(BaseModel):
    """What the bank allows: least and most, both included, of limit (CNY), annual rate and term (months)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: Text
    limit_cny: Span
    rate: Span
    term_months: Annotated[list[int], Field(min_length=2, max_length=2)]

    def allows(self, limit_cny: Decimal, rate: Decimal) -> bool:
        """Whether a loan of ``limit_cny`` at ``rate`` lies within."""
        return self._within(self.limit_cny, limit_cny) and self._within(self.rate, rate)

    @staticmethod
    def _within(span: list[Decimal], value: Decimal) -> bool:
        return span[0] <= value <= span[1]


def load_mandate(source: str) -> Mandate:
    """The mandate ``source``: an id of the catalog or a file's path.

    Raises UserError POL-MANDATE-NOT-FOUND, POL-VALUE or what ``kernel.document.parse`` raises.
    """
    found = read_document("mandates", source)
    if found is None:
        fail("POL-MANDATE-NOT-FOUND", source, mandate=source, known=", ".join(built_in("mandates")))
    text, origin = found
    mandate, lines = parse(text, Mandate, origin)
    _check(mandate, lines)
    return mandate


def _check(mandate: Mandate, lines: Lines) -> None:
    for field in ("limit_cny", "rate", "term_months"):
        low, high = getattr(mandate, field)
        if not 0 < low <= high:
            fail("POL-VALUE", lines.where((field,)), detail="more than 0, the least first")
