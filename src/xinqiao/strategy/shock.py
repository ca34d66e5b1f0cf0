"""Shocks (冲击情景): lines of a YAML file that move PD, LGD and churn by industry and kind of company.

A company takes every line that fits it, in order: log-odds shifts of PD and churn add, factors of PD
multiply, LGD additions add (capped to 0..1).
Ratings stay, as they describe the firm before the shock; the moved PD prices the risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from xinqiao.kernel.document import Lines, parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.policy.format import Exact
from xinqiao.strategy.applicant import Applicant
from xinqiao.strategy.book import Book, moved
from xinqiao.strategy.industry import OTHER, UNKNOWN, name_words
from xinqiao.strategy.plan import Plan, best_plan
from xinqiao.strategy.terms import catalog_text

PD_CAP = 0.9999


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Line(_Frozen):
    """One line: whom it hits (industry groups, kinds or size classes; None: all) and what it does."""

    name: Text
    industry: list[str] | None = Field(default=None, min_length=1)
    kind: list[str] | None = Field(default=None, min_length=1)
    pd_log_odds: Exact | None = None
    pd_times: Exact | None = None
    lgd_add: Exact | None = None
    churn_log_odds: Exact | None = None

    def hits(self, each: Applicant) -> bool:
        """Whether the line fits a company."""
        industry = self.industry is None or each.industry in self.industry
        return industry and (self.kind is None or bool({each.kind, each.size} & set(self.kind)))

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        given = (self.pd_log_odds, self.pd_times, self.lgd_add, self.churn_log_odds)
        return any(value is not None for value in given)


class Shock(_Frozen):
    """A scenario; ``assumed``: its numbers are assumptions, and shown as such."""

    id: str
    name: Text
    assumed: bool
    lines: list[Line] = Field(min_length=1)

    def reach(self, book: Book) -> list[int]:
        """How many companies each line hits."""
        return [sum(line.hits(each) for each in book.applicants) for line in self.lines]

    def apply(self, book: Book) -> Book:
        """The book under the shock."""
        pd, lgd, churn = book.pd.copy(), book.lgd.copy(), 1 - book.stay
        for line in self.lines:
            hit = np.array([line.hits(each) for each in book.applicants], dtype=np.bool_)
            pd = np.where(hit, moved(pd, np.array(float(line.pd_log_odds or 0))), pd)
            times = 1.0 if line.pd_times is None else float(line.pd_times)
            pd = np.where(hit, np.minimum(pd * times, np.maximum(pd, PD_CAP)), pd)
            lgd = np.where(hit, np.clip(lgd + float(line.lgd_add or 0), 0, 1), lgd)
            churn = np.where(hit[:, None], moved(churn, np.array(float(line.churn_log_odds or 0))), churn)
        return replace(book, pd=pd, lgd=lgd, stay=1 - churn)


def load_shock(source: str, applicants: Sequence[Applicant]) -> Shock:
    """The scenario ``source``, an id of the catalog or a file.

    An industry or kind must be in the catalog of names or among the ``applicants``.
    Raises UserError STR-NOT-FOUND, STR-FILE, STR-SHOCK or what ``kernel.document.parse`` raises.
    """
    text, origin = catalog_text("shocks", source)
    shock, lines = parse(text, Shock, origin)
    words = name_words()
    industries = {i.id for i in words.industries} | {a.industry for a in applicants} | {UNKNOWN}
    kinds = {k.id for k in words.kinds} | {OTHER} | {w for a in applicants for w in (a.kind, a.size) if w}
    known = {"industry": industries, "kind": kinds}
    for i, line in enumerate(shock.lines):
        _check(line, i, lines, known)
    return shock


def _check(line: Line, i: int, lines: Lines, known: dict[str, set[str]]) -> None:
    where = ("lines", i)
    if not line.changes:
        fail("STR-SHOCK", lines.where(where), detail="changes nothing / 没有改动")
    if line.pd_log_odds is not None and line.pd_times is not None:
        fail("STR-SHOCK", lines.where((*where, "pd_times")), detail="pd_log_odds, pd_times")
    for field in ("industry", "kind"):
        odd = sorted(set(getattr(line, field) or ()) - known[field])
        if odd:
            fail("STR-SHOCK", lines.where((*where, field)), detail=f"{field}: {', '.join(odd)}")
    if line.pd_times is not None and line.pd_times < 0:
        fail("STR-SHOCK", lines.where((*where, "pd_times")), detail=f"pd_times {line.pd_times}")


Change = Literal["dropped", "reduced", "rate", "same", "raised", "added", "out"]
CHANGES: dict[Change, Text] = {
    "dropped": Text(zh="退出", en="dropped"),
    "reduced": Text(zh="压缩", en="reduced"),
    "rate": Text(zh="仅调利率", en="rate only"),
    "same": Text(zh="不变", en="unchanged"),
    "raised": Text(zh="增加", en="raised"),
    "added": Text(zh="新增", en="added"),
    "out": Text(zh="仍不贷", en="still out"),
}


@dataclass(frozen=True)
class Shocked:
    """A plan, what it brings when the shock comes, and the plan made again under the shock."""

    shock: Shock
    before: Plan
    book: Book
    after: Plan

    def change(self, i: int) -> Change:
        """What became of company ``i``."""
        old, new = int(self.before.limit_cny[i]), int(self.after.limit_cny[i])
        if old == new:
            same = self.before.rate[i] == self.after.rate[i]
            return "out" if not old else "same" if same else "rate"
        if not new or not old:
            return "added" if new else "dropped"
        return "raised" if new > old else "reduced"


def replan(plan: Plan, shock: Shock) -> Shocked:
    """Make the plan again under ``shock``."""
    book = shock.apply(plan.book)
    return Shocked(shock, plan, book, best_plan(book))
