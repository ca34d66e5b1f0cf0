"""View-models that more than one page shows; plain values, independent of other packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from xinqiao.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Performance:
    """How well a model told defaulted companies from others, measured on data it had not seen.

    ``auc_low``..``auc_high`` is the 95 % interval; None is not measured. ``method`` says how, e.g.
    nested 5 folds x 5 repeats; ``as_of`` the date at which the invoices were cut.
    """

    model: Text
    role: Literal["champion", "challenger"]
    method: Text
    as_of: date
    companies: int
    defaults: int
    auc: float
    auc_low: float | None = None
    auc_high: float | None = None
    ks: float | None = None
    gini: float | None = None
    brier: float | None = None
    log_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A file of the run worth opening; ``href`` is relative to the page."""

    href: str
    label: Text
    note: Text | None = None
