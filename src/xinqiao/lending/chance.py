"""How likely a lender approves and a firm accepts: two logistic models fitted from the market's history.

Approval and acceptance depend on the firm, the lender and the terms, and nothing else: no lender can pay
to be shown earlier, for there is no input that could say so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from xinqiao.lending.product_load import Product

Floats = npt.NDArray[np.float64]

SECTIONS = ("A", "C", "E", "F", "I", "M")
FIRM = ("one", "risk", "sales", "age", "owes", "micro", *(f"section_{each}" for each in SECTIONS))
"""What is known of a firm, in this order; an unknown value stands in the middle (0)."""
CLASSES = ("collateral", "supply_chain", "guarantee")
APPROVE = ("refer", "reasons", "cover", *CLASSES)
ACCEPT = ("cost", "cover", "term", "days", "asks", "person", *CLASSES)
COST_SCALE = 40.0
"""Two and a half points of cost a year weigh as one."""
PRIOR = 1.0
"""Ridge on every weight but the common ones: a lender with little history is taken for an average one."""


def firm_features(known: Mapping[str, Any]) -> list[float]:
    """A firm's features from ``pd``, ``sales_cny``, ``years``, ``lenders``, ``size`` and ``section``."""
    pd, sales, years = known.get("pd"), known.get("sales_cny"), known.get("years")
    section = known.get("section")
    return [
        1.0,
        0.0 if pd is None else _clip(math.log(max(pd, 1e-6) / max(1 - pd, 1e-6)) + 4.0, 3.0) / 1.5,
        0.0 if sales is None or sales <= 0 else _clip(math.log(sales / 2e6), 4.0) / 2.0,
        0.0 if years is None else _clip(math.log1p(max(years, 0.0)) - 1.8, 2.0),
        1.0 if (known.get("lenders") or 0) > 0 else 0.0,
        1.0 if known.get("size") == "micro" else 0.0,
        *(1.0 if section == each else 0.0 for each in SECTIONS),
    ]


def _clip(value: float, bound: float) -> float:
    return -bound if value < -bound else min(value, bound)


@dataclass(frozen=True)
class Terms:
    """What of a product does not hang on the firm."""

    classes: tuple[float, ...]
    days: float
    asks: float
    person: float

    @classmethod
    def of(cls, product: Product) -> Terms:
        """The terms of a product."""
        return _terms(product)


@cache
def _terms(product: Product) -> Terms:
    file = product.file
    return Terms(
        classes=tuple(1.0 if file.class_ == each else 0.0 for each in CLASSES),
        days=math.log1p(file.deadlines.decide) - 1.5,
        asks=len(product.asks) / 3 + len(file.documents) / 6,
        person={"online": 0.0, "hybrid": 0.5, "with_person": 1.0}[file.flow.mode],
    )


def approve_features(terms: Terms, *, refer: float, reasons: float, cover: float) -> list[float]:
    """Of a firm and a product: sent to a person, how many open questions, share of the need covered."""
    return [refer, min(reasons, 8.0) / 4.0, cover - 0.7, *terms.classes]


def accept_features(terms: Terms, *, cost: float, cover: float, months: float, wanted: float) -> list[float]:
    """``cost``: all-in cost a year; ``months`` on offer and ``wanted``."""
    gap = _clip(math.log(months / wanted), 1.5) if wanted > 0 else 0.0
    return [
        (cost - 0.05) * COST_SCALE,
        cover - 0.7,
        gap,
        terms.days,
        terms.asks,
        terms.person,
        *terms.classes,
    ]


def sigmoid(value: float) -> float:
    """The logistic function, kept within what a float holds."""
    return 1.0 / (1.0 + math.exp(-_clip(value, 30.0)))


@dataclass(frozen=True)
class Logit:
    """Common weights of firm and terms, and each lender's own of the firm on top."""

    firm: tuple[float, ...]
    terms: tuple[float, ...]
    lenders: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def of_firm(self, firm: Sequence[float], lender: str | None) -> float:
        """The part of the sum that hangs on the firm and the lender."""
        total = sum([a * b for a, b in zip(self.firm, firm, strict=True)])
        own = self.lenders.get(lender) if lender is not None else None
        return total if own is None else total + sum([a * b for a, b in zip(own, firm, strict=True)])

    def of_terms(self, terms: Sequence[float]) -> float:
        """The part that hangs on the terms."""
        return sum([a * b for a, b in zip(self.terms, terms, strict=True)])

    def chance(self, firm: Sequence[float], terms: Sequence[float], lender: str | None) -> float:
        """The probability."""
        return sigmoid(self.of_firm(firm, lender) + self.of_terms(terms))

    def weights(self, lender: str | None) -> Floats:
        """Weights of the firm under a lender."""
        own = self.lenders.get(lender) if lender is not None else None
        base = np.asarray(self.firm)
        return base if own is None else base + np.asarray(own)


@dataclass(frozen=True)
class Chances:
    """Both models. ``worth``: of a yuan for a year to a firm; ``generated``: fitted on made data."""

    approve: Logit
    accept: Logit
    worth: float
    generated: bool
    rows: int = 0

    def to_json(self) -> str:
        """As it is kept."""
        parts = {"approve": self.approve, "accept": self.accept}
        told: dict[str, Any] = {
            name: {
                "firm": dict(zip(FIRM, _rounded(part.firm), strict=True)),
                "terms": dict(
                    zip(APPROVE if name == "approve" else ACCEPT, _rounded(part.terms), strict=True)
                ),
                "lenders": {key: _rounded(own) for key, own in sorted(part.lenders.items())},
            }
            for name, part in parts.items()
        }
        head = {"generated": self.generated, "rows": self.rows, "worth": self.worth}
        return json.dumps({**head, **told}, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Chances:
        """As ``to_json`` gave it."""
        data = json.loads(text)

        def part(name: str, words: Sequence[str]) -> Logit:
            told = data[name]
            own = {key: tuple(values) for key, values in told["lenders"].items()}
            firm = tuple(told["firm"][word] for word in FIRM)
            return Logit(firm, tuple(told["terms"][word] for word in words), own)

        return cls(
            part("approve", APPROVE), part("accept", ACCEPT), data["worth"], data["generated"], data["rows"]
        )


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), 5) for value in values]


@cache
def usual_chances() -> Chances:
    """The models the platform starts with, fitted by ``xinqiao benchmark matching`` on made data."""
    path = files("xinqiao").joinpath("catalog", "matching", "chances.json")
    return Chances.from_json(path.read_text("utf-8"))


def fit(firm: Floats, terms: Floats, lender: npt.NDArray[np.int64], y: Floats, names: Sequence[str]) -> Logit:
    """Fit by Newton's method: common weights nearly free, each lender's own drawn to nought.

    ``lender`` is the place of each row's lender in ``names``.
    """
    rows, width = firm.shape
    blocks = np.zeros((rows, width * len(names)))
    for place in range(len(names)):
        mine = lender == place
        blocks[mine, place * width : (place + 1) * width] = firm[mine]
    x = np.hstack([firm, terms, blocks])
    ridge = np.full(x.shape[1], 1e-3)
    ridge[width + terms.shape[1] :] = PRIOR
    weights = np.zeros(x.shape[1])
    for _ in range(15):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (p - y) + ridge * weights
        bend = (x.T * (p * (1 - p))) @ x + np.diag(ridge + 1e-9)
        step = np.linalg.solve(bend, slope)
        weights -= step
        if np.abs(step).max() < 1e-5:  # noqa: PLR2004 - past the digits kept
            break
    first, second = width, width + terms.shape[1]
    own = weights[second:].reshape(len(names), width)
    return Logit(
        tuple(weights[:first].tolist()),
        tuple(weights[first:second].tolist()),
        {name: tuple(row.tolist()) for name, row in zip(names, own, strict=True)},
    )
