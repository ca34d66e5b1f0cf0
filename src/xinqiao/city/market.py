"""A generated loan market with known truth (信贷市场): firms, lenders, and what each would really do.

Lenders have appetites nobody tells (for industries, for size, for risk), relationships with some firms, and
a hidden cut-off; firms have an outside rate, an urgency and a dislike of paperwork of their own. A matching
model sees neither, only who applied where and what came of it; the truth judges its ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.lending.chance import SECTIONS
from xinqiao.lending.matching_batch import Firms, Pairs, Shelf, pairs
from xinqiao.lending.product import catalog_products
from xinqiao.scoring.rating import master_scale

Floats = npt.NDArray[np.float64]
ON = date(2026, 6, 30)
LENDERS = tuple(f"示范{name}号机构" for name in "一二三四五六七八九十")
ALL_SECTIONS = (*SECTIONS, "G", "H", "L", "R")
SECTION_WEIGHTS = (0.05, 0.27, 0.09, 0.28, 0.06, 0.07, 0.06, 0.06, 0.04, 0.02)
KINDS = ("company", "self_employed")
SIZES = ("micro", "small", "medium")
MONTHS = (6.0, 12.0, 24.0, 36.0)
SOURCES = {"TAX": 0.93, "INV": 0.9, "ELE": 0.75, "BNK": 0.7, "SOC": 0.8, "CRD": 0.97, "JUD": 1.0, "ADM": 1.0}
SOURCES |= {"REG": 1.0, "IPR": 0.9, "CUS": 0.9, "ENV": 0.6, "NET": 0.9, "OPN": 0.8}
MICRO_CNY, SMALL_CNY = 3e6, 3e7
"""Sales below which a generated firm is micro, or small."""
WORTH = 0.18
"""What a yuan for a year is worth to a middling firm."""


@dataclass(frozen=True)
class Truth:
    """What nobody is told of each firm: its real risk, outside rate, urgency, patience and worth of money."""

    risk: Floats
    outside: Floats
    urgency: Floats
    patience: Floats
    worth: Floats
    sales: Floats
    section: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Market:
    """Firms, their shelf, and for every pair the real chances of approval and acceptance and the value."""

    shelf: Shelf
    firms: Firms
    found: Pairs
    approve: Floats
    accept: Floats
    value: Floats

    @property
    def expected(self) -> Floats:
        """The true expected value of applying; minus infinity where a product can't be had."""
        return np.where(self.found.eligible, self.approve * self.accept * self.value, -np.inf)


@dataclass(frozen=True)
class History:
    """Applications of the past, by row: firm, product, approved, accepted (approved ones only)."""

    firm: npt.NDArray[np.int64]
    product: npt.NDArray[np.int64]
    approved: npt.NDArray[np.bool_]
    accepted: npt.NDArray[np.bool_]


def market_shelf(on: date = ON) -> Shelf:
    """All products of the catalog, each offered by one of ten lenders."""
    products = tuple(catalog_products(on).values())
    return Shelf(products, tuple(LENDERS[i * 7 % len(LENDERS)] for i in range(len(products))), on)


def generate_market(count: int, seed: int, shelf: Shelf | None = None) -> Market:
    """A market of ``count`` firms. The lenders' appetites are those of the shelf, whatever the seed."""
    ready = shelf or market_shelf()
    rng = np.random.default_rng(seed)
    firms, truth = market_firms(count, rng)
    found = pairs(ready, firms)
    approve = _approve(ready, found, truth, rng)
    accept = _accept(ready, found, firms, truth)
    years = np.minimum(found.months, firms.months[:, None]) / 12
    value = found.lent * np.maximum(truth.worth[:, None] - found.cost, 0) * years
    return Market(ready, firms, found, approve, accept, value)


# firms ----------------------------------------------------------------------------------------


def market_firms(count: int, rng: np.random.Generator) -> tuple[Firms, Truth]:
    """Firms with the values that products read, and what is hidden of them."""
    quality = rng.normal(size=count)
    section = rng.choice(len(ALL_SECTIONS), count, p=SECTION_WEIGHTS)
    alone = rng.random(count) < 0.22  # noqa: PLR2004 - self-employed
    sales = np.exp(rng.normal(14.6, 1.3, count) + 0.25 * quality - 1.2 * alone)
    drawn: Floats = np.clip(rng.gamma(1.8, 3.2, count) + 0.3, 0.3, 35).astype(np.float64)
    years: Floats = drawn.round(2)
    risk = 1 / (1 + np.exp(3.6 + 1.1 * quality + 0.15 * np.log(sales / 2e6) + 0.03 * years))
    seen = np.clip(1 / (1 + np.exp(-(np.log(risk / (1 - risk)) + rng.normal(0, 0.5, count)))), 4e-4, 0.9)
    columns = (
        _score(seen) | _register(section, sales, years, quality, alone, rng) | _traces(sales, quality, rng)
    )
    columns |= _credit(quality, rng) | _special(section, sales, quality, rng)
    reasons = _gaps(columns, count, rng)
    need = np.round(sales * np.exp(rng.normal(-2.0, 0.7, count)), -3)
    firms = Firms(
        columns | {"application.amount_cny": np.clip(need, 20_000, 8e6)},
        reasons,
        np.clip(need, 20_000, 8e6),
        rng.choice(MONTHS, count, p=(0.2, 0.5, 0.18, 0.12)),
    )
    hidden = rng.normal(size=(4, count))
    truth = Truth(
        risk,
        np.exp(np.log(0.075) + 0.25 * hidden[0] + 0.12 * np.log(risk / 0.03)),
        hidden[1],
        hidden[2],
        WORTH * np.exp(0.2 * hidden[3]),
        sales,
        section,
    )
    return firms, truth


def _score(pd: Floats) -> dict[str, Any]:
    scale = master_scale()
    bounds = np.array([grade.pd_upper for grade in scale.grades])
    places = np.minimum(np.searchsorted(bounds, pd), len(bounds) - 1)
    grades = pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int8)), [g.id for g in scale.grades])
    return {"score.pd": pd, "score.grade": grades}


def _words(places: npt.NDArray[Any], words: tuple[str, ...]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int8)), list(words))


def _register(  # noqa: PLR0917 - all of a firm's own numbers
    section: npt.NDArray[np.int64],
    sales: Floats,
    years: Floats,
    quality: Floats,
    alone: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> dict[str, Any]:
    n = len(sales)
    size = np.where(alone | (sales < MICRO_CNY), 0, np.where(sales < SMALL_CNY, 1, 2))
    trouble = 1 / (1 + np.exp(4.6 + 0.9 * quality))
    return {
        "application.industry_section": _words(section, ALL_SECTIONS),
        "application.company_kind": _words(alone.astype(int), KINDS),
        "application.size": _words(size, SIZES),
        "indicator.REG01": years,
        "indicator.REG03": rng.poisson(0.08, n).astype(float),
        "indicator.REG08": _flag(rng, trouble),
        "indicator.REG10": _flag(rng, trouble / 5),
        "indicator.REG11": np.where(rng.random(n) < trouble, np.round(rng.random(n), 3), 0.0),
        "indicator.REG13R": np.round(rng.exponential(0.4, n), 3),
        "indicator.JUD01": _flag(rng, trouble / 2),
        "indicator.JUD04": _flag(rng, trouble / 2),
        "indicator.JUD07": _flag(rng, trouble),
        "indicator.JUD10": _flag(rng, trouble / 8),
        "indicator.ADM01": rng.poisson(0.25 * np.exp(-0.4 * quality)).astype(float),
        "indicator.ADM03": _flag(rng, trouble / 6),
        "indicator.ADM04": _flag(rng, trouble / 6),
        "indicator.ADM05": np.round(rng.uniform(0, 48, n)),
        "indicator.ADM07": np.clip(np.round(3 + 0.6 * quality + rng.normal(0, 0.5, n)), 1, 4),
    }


def _flag(rng: np.random.Generator, chance: Floats) -> Floats:
    return (rng.random(len(chance)) < chance).astype(float)


def _traces(sales: Floats, quality: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Tax, invoices, power, staff and account flows, all around the same sales."""
    n = len(sales)

    def around(share: float, spread: float) -> Floats:
        return np.round(sales * share * np.exp(rng.normal(0, spread, n)), 2)

    growth = 0.05 + 0.15 * quality + rng.normal(0, 0.25, n)
    months = np.round(np.clip(rng.gamma(2.0, 22, n), 1, 180))
    return {
        "indicator.TAX01": around(0.018, 0.7),
        "indicator.TAX04": np.minimum(3, rng.binomial(3, 0.9, n)).astype(float),
        "indicator.TAX05": around(0.97, 0.1),
        "indicator.TAX10": rng.poisson(0.5 * np.exp(-0.5 * quality)).astype(float),
        "indicator.TAX11": np.where(rng.random(n) < 0.05 * np.exp(-0.5 * quality), around(0.003, 0.5), 0.0),
        "indicator.TAX14": np.clip(np.round(3.4 + 0.8 * quality + rng.normal(0, 0.6, n)), 1, 5),
        "indicator.TAX16": _flag(rng, 0.01 * np.exp(-0.5 * quality)),
        "indicator.TAX17M": _flag(rng, 0.005 * np.exp(-0.5 * quality)),
        "indicator.INV01": around(1.0, 0.12),
        "indicator.INV02": np.round(growth, 4),
        "indicator.INV04": rng.binomial(12, np.clip(0.08 * np.exp(-0.4 * quality), 0, 0.9)).astype(float),
        "indicator.INV05": np.round(np.exp(rng.normal(-0.9, 0.4, n)), 4),
        "indicator.INV06": np.round(np.clip(rng.beta(1.5, 14, n), 0, 1), 4),
        "indicator.INV12": 1.0 + rng.poisson(np.clip(np.log10(sales) * 3 - 10, 1, None)),
        "indicator.INV15": np.round(np.clip(0.55 + 0.1 * quality + rng.normal(0, 0.2, n), 0, 1), 4),
        "indicator.INV28": months,
        "indicator.XQ06": around(0.75, 0.25),
        "indicator.ELE04": rng.binomial(12, np.clip(0.06 * np.exp(-0.4 * quality), 0, 0.9)).astype(float),
        "indicator.ELE11": _flag(rng, np.full(n, 0.05)) * np.round(rng.random(n), 3),
        "indicator.ELE13": _flag(rng, np.full(n, 0.006)),
        "indicator.ELE15": _flag(rng, np.full(n, 0.75)),
        "indicator.ELE17": around(0.035, 0.9),
        "indicator.SOC01": np.round(sales / 6e5 * np.exp(rng.normal(0, 0.6, n))),
        "indicator.SOC02": np.round(0.02 + 0.08 * quality + rng.normal(0, 0.15, n), 4),
        "indicator.SOC04": rng.binomial(12, 0.03, n).astype(float),
        "indicator.BNK01": around(0.85, 0.3),
        "indicator.BNK06": np.round(rng.beta(2, 8, n), 4),
        "indicator.BNK12": np.round(rng.beta(2, 9, n), 4),
        "indicator.BNK14": rng.poisson(0.3, n).astype(float),
    }


def _credit(quality: Floats, rng: np.random.Generator) -> dict[str, Any]:
    n = len(quality)
    late = rng.random(n) < 0.08 * np.exp(-0.6 * quality)
    days = np.where(late, np.round(rng.exponential(25, n)), 0.0)
    lenders = rng.poisson(1.2, n).astype(float)
    return {
        "indicator.CRD01": (late & (rng.random(n) < 0.3)).astype(float),  # noqa: PLR2004 - still late
        "indicator.CRD02": days,
        "indicator.CRD02N": np.ceil(days / 20),
        "indicator.CRD02C": np.ceil(days / 40),
        "indicator.CRD03": np.where(days > 60, 3.0, np.where(days > 20, 2.0, 1.0)),  # noqa: PLR2004 - late by days
        "indicator.CRD04": lenders,
        "indicator.CRD06": rng.poisson(0.8 + 0.4 * lenders).astype(float),
        "indicator.CRD06C": rng.poisson(2.0 + 1.0 * lenders).astype(float),
        "indicator.CRD08": np.round(rng.beta(2, 6, n) * (lenders > 0), 4),
        "indicator.CRD10": np.round(rng.beta(4, 3, n), 4),
        "indicator.NET03C": _flag(rng, np.full(n, 0.03)),
        "indicator.OPN02": _flag(rng, 0.01 * np.exp(-0.5 * quality)),
    }


def _special(
    section: npt.NDArray[np.int64], sales: Floats, quality: Floats, rng: np.random.Generator
) -> dict[str, Any]:
    """Patents, exports and the environment: most firms have none."""
    n = len(sales)
    inventive = rng.random(n) < np.where(np.isin(section, (1, 4, 5)), 0.3, 0.03)
    exporter = rng.random(n) < np.where(np.isin(section, (1, 3)), 0.25, 0.02)
    patents = np.where(inventive, 1.0 + rng.poisson(2.0, n), 0.0)
    return {
        "indicator.IPR01": patents,
        "indicator.IPR03": np.where(inventive, np.round(rng.beta(5, 2, n), 3), np.nan),
        "indicator.IPR05": np.where(inventive, np.round(rng.uniform(3, 18, n), 2), np.nan),
        "indicator.IPR07": np.round(np.where(inventive, rng.beta(2, 30, n), rng.beta(1, 300, n)), 4),
        "indicator.IPR08": (inventive & (rng.random(n) < 0.6)).astype(float),  # noqa: PLR2004 - certified
        "indicator.IPR09D": _flag(rng, np.where(inventive, 0.01, 0.0)),
        "indicator.CUS01": np.where(exporter, np.round(sales / 7 * rng.beta(2, 3, n), 2), np.nan),
        "indicator.CUS06": np.where(exporter, np.clip(np.round(2 + 0.4 * quality), 1, 3), np.nan),
        "indicator.ENV01": np.clip(np.round(3.6 + 0.5 * quality + rng.normal(0, 0.6, n)), 1, 5),
    }


def _gaps(columns: dict[str, Any], count: int, rng: np.random.Generator) -> dict[str, Any]:
    """Some sources know nothing of a firm: their values go, and say why."""
    known = {source: rng.random(count) < share for source, share in SOURCES.items()}
    reasons: dict[str, Any] = {}
    words = ("NO_RECORDS", "SOURCE_ABSENT")
    for name, values in columns.items():
        family, field = name.split(".", 1)
        if family != "indicator":
            continue
        source = "INV" if field.startswith("XQ") else field[:3]
        absent = ~known[source]
        columns[name] = np.where(absent, np.nan, values)
        reasons[name] = _words(absent.astype(int), words)
    return reasons


# what lenders and firms really do -------------------------------------------------------------


def _approve(shelf: Shelf, found: Pairs, truth: Truth, rng: np.random.Generator) -> Floats:
    """The real chance of approval: appetites, relationships, a cut-off, and open questions."""
    fixed = np.random.default_rng(7)
    names = sorted(set(shelf.lenders))
    of = np.array([names.index(lender) for lender in shelf.lenders])
    base = fixed.normal(1.4, 0.5, len(names))
    industry = fixed.normal(0, 0.9, (len(names), len(ALL_SECTIONS)))
    size = fixed.normal(0, 0.6, len(names))
    strict = fixed.uniform(0.4, 1.1, len(names))
    cut = fixed.uniform(0.05, 0.16, len(names))
    ask = fixed.uniform(0.5, 1.6, len(names))
    friends = rng.random((len(truth.risk), len(names))) < 0.12  # noqa: PLR2004 - relationships
    risk = np.log(truth.risk / 0.03)
    z_size = np.log(truth.sales / 2e6) / 2
    lender = base + industry[:, truth.section].T + size * z_size[:, None] - strict * risk[:, None]
    lender = lender - 1.8 * (truth.risk[:, None] > cut) + 0.9 * friends
    pull = lender[:, of] - ask[of] * (found.open_ > 0) - 0.15 * np.minimum(found.open_, 8)
    secured = np.array([product.file.class_ in {"collateral", "guarantee"} for product in shelf.products])
    pull = pull + 0.5 * secured * (risk[:, None] > 0) + fixed.normal(0, 0.25, len(shelf))
    return _sigmoid(pull)


def _accept(shelf: Shelf, found: Pairs, firms: Firms, truth: Truth) -> Floats:
    """The real chance that a firm takes an offer: outside rate, need, term, hurry and patience."""
    cover = found.lent / firms.need_cny[:, None]
    gap = np.log(found.months / firms.months[:, None])
    days = np.array([product.file.deadlines.decide for product in shelf.products])
    hassle = np.array(
        [
            len(p.file.documents) / 4 + len(p.asks) / 3 + (p.file.flow.mode == "with_person")
            for p in shelf.products
        ]
    )
    collateral = np.array([product.file.class_ == "collateral" for product in shelf.products])
    pull = 1.2 + 45 * (truth.outside[:, None] - found.cost) + 2.2 * (np.sqrt(cover) - 0.8)
    pull = pull - 0.6 * gap**2 - np.exp(0.4 * truth.urgency[:, None]) * 0.12 * (days - 2)
    pull = pull - np.exp(-0.4 * truth.patience[:, None]) * 0.45 * hassle - 0.7 * collateral
    return _sigmoid(pull)


def _sigmoid(pull: Floats) -> Floats:
    out: Floats = 1 / (1 + np.exp(-np.clip(pull, -30, 30)))
    return out


def past(market: Market, seed: int, tries: int = 3) -> History:
    """Applications as they were made before there was a ranking: mostly the well-known, some at random."""
    rng = np.random.default_rng(seed)
    fame = np.random.default_rng(11).gumbel(0, 1.0, len(market.shelf))
    n = len(market.firms)
    drawn = np.where(rng.random((n, 1)) < 0.4, 0.0, fame) + rng.gumbel(size=(n, len(market.shelf)))  # noqa: PLR2004
    drawn = np.where(market.found.eligible, drawn, -np.inf)
    product = np.argsort(-drawn, axis=1)[:, :tries].reshape(-1)
    firm = np.repeat(np.arange(n), tries)
    keep = np.isfinite(drawn[firm, product])
    firm, product = firm[keep], product[keep]
    approved = rng.random(len(firm)) < market.approve[firm, product]
    accepted = approved & (rng.random(len(firm)) < market.accept[firm, product])
    return History(firm, product, approved, accepted)
