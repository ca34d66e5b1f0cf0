"""Many firms matched with a whole shelf at once (批量匹配): the same ranking as firm by firm, in columns.

Hard admission is the product's own policy, decided exactly (``policy.batch``); limit and rate come from its
terms. Shadow prices keep lenders within their quotas: a lender asked for more than it has becomes dearer
until the firms that lose least go elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from xinqiao.lending.chance import CLASSES, COST_SCALE, FIRM, SECTIONS, Chances, Logit, Terms
from xinqiao.lending.cost import Fees
from xinqiao.lending.product_load import NOT_ASKED, Product, terms_policy
from xinqiao.lending.product_policy import NO_LIMIT
from xinqiao.policy.batch import EFFECTS, decide_batch
from xinqiao.policy.compiled import Policy

Floats = npt.NDArray[np.float64]
CHUNK = 65_536
TOP = 5
REFER, REJECT = EFFECTS.index("refer"), EFFECTS.index("reject")


@dataclass(frozen=True)
class Firms:
    """Firms in columns.

    ``columns`` by source (``indicator.INV01``, ``score.pd``, ``application.size`` ...), NaN or null where
    missing, ``reasons`` of what is missing; ``need_cny`` and ``months`` wanted of each.
    """

    columns: Mapping[str, Any]
    reasons: Mapping[str, Any]
    need_cny: Floats
    months: Floats

    def __len__(self) -> int:
        return len(self.need_cny)

    def part(self, start: int, stop: int) -> Firms:
        """A run of rows."""
        cut = slice(start, stop)
        columns = {name: column[cut] for name, column in self.columns.items()}
        reasons = {name: column[cut] for name, column in self.reasons.items()}
        return Firms(columns, reasons, self.need_cny[cut], self.months[cut])

    def features(self) -> Floats:
        """As ``chance.firm_features``, a row a firm."""
        n = len(self)
        out = np.zeros((n, len(FIRM)))
        pd = np.clip(self._numbers("score.pd"), 1e-6, 1 - 1e-6)
        out[:, 0] = 1
        out[:, 1] = np.clip(np.log(pd / (1 - pd)) + 4.0, -3, 3) / 1.5
        sales = self._sales()
        with np.errstate(divide="ignore", invalid="ignore"):
            out[:, 2] = np.clip(np.log(sales / 2e6), -4, 4) / 2.0
            out[:, 3] = np.clip(np.log1p(np.maximum(self._numbers("indicator.REG01"), 0)) - 1.8, -2, 2)
        out[~(sales > 0), 2] = 0
        out[:, 4] = self._numbers("indicator.CRD04") > 0
        out[:, 5] = self._is("application.size", "micro")
        for i, section in enumerate(SECTIONS):
            out[:, 6 + i] = self._is("application.industry_section", section)
        return np.nan_to_num(out, copy=False)

    def _sales(self) -> Floats:
        found = np.full(len(self), np.nan)
        for name in ("indicator.BNK01", "indicator.TAX05", "indicator.INV01"):
            column = self._numbers(name)
            found = np.where(np.isnan(column) | (column == 0), found, column)
        return found

    def _numbers(self, name: str) -> Floats:
        column = self.columns.get(name)
        return np.full(len(self), np.nan) if column is None else np.asarray(column, dtype=np.float64)

    def _is(self, name: str, word: str) -> npt.NDArray[np.bool_]:
        column = self.columns.get(name)
        if column is None:
            return np.zeros(len(self), np.bool_)
        words = column.dictionary.to_pylist()
        place = words.index(word) if word in words else -1
        found: npt.NDArray[np.bool_] = column.indices.to_numpy(zero_copy_only=False) == place
        return found


@dataclass(frozen=True)
class Shelf:
    """Products with the lender of each, ready for a day."""

    products: tuple[Product, ...]
    lenders: tuple[str, ...]
    on: date
    full: tuple[Policy, ...] = field(init=False, repr=False)
    terms: tuple[Policy, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "full", tuple(p.policy_on(self.on) for p in self.products))
        object.__setattr__(self, "terms", tuple(terms_policy(p, self.on) for p in self.products))

    def __len__(self) -> int:
        return len(self.products)


@dataclass(frozen=True)
class Pairs:
    """Firms x products: whether a product can be applied for, and what it would give.

    ``open_``: questions left to a person; ``cost``: all-in a year; ``months``: the term nearest to the wish.
    """

    eligible: npt.NDArray[np.bool_]
    open_: npt.NDArray[np.uint8]
    lent: Floats
    rate: Floats
    limit: Floats
    cost: Floats
    months: Floats


def pairs(shelf: Shelf, firms: Firms) -> Pairs:
    """Screen every firm for every product."""
    shape = (len(firms), len(shelf))
    out = Pairs(
        np.zeros(shape, np.bool_), np.zeros(shape, np.uint8), *(np.zeros(shape) for _ in range(5))
    )  # fmt: skip
    not_asked = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(firms), np.int8)), [NOT_ASKED])
    for j, product in enumerate(shelf.products):
        batch = _decided(shelf.full[j], firms, not_asked)
        worked = _decided(shelf.terms[j], firms, not_asked)
        out.eligible[:, j] = (batch.outcome != REJECT) & ~np.isnan(worked.rate)
        out.open_[:, j] = (batch.effects == REFER).sum(axis=0, dtype=np.uint8)
        step = float(product.file.limit.step)
        stepped = np.floor(worked.limit_cny / step + 1e-9) * step
        limit = np.where(worked.limit_cny <= NO_LIMIT, np.floor(firms.need_cny), stepped)
        item = product.file.limit
        out.limit[:, j] = np.clip(limit, float(item.min), float(item.max))
        out.lent[:, j] = np.minimum(out.limit[:, j], firms.need_cny)
        out.rate[:, j] = worked.rate
        out.months[:, j] = _nearest(product, firms.months)
        out.cost[:, j] = _cost(product, worked.rate, out.months[:, j], out.lent[:, j])
    return out


def _decided(policy: Policy, firms: Firms, not_asked: pa.Array) -> Any:  # noqa: ANN401 - a Batch
    columns, missing = {}, {}
    for name, item in policy.file.inputs.items():
        if item.source in firms.columns:
            columns[name] = firms.columns[item.source]
        if item.source in firms.reasons:
            missing[name] = firms.reasons[item.source]
        elif item.source.startswith("application."):
            missing[name] = not_asked
    columns.setdefault("评级", firms.columns["score.grade"])
    return decide_batch(policy, columns, missing)


def _nearest(product: Product, wanted: Floats) -> Floats:
    terms = np.array(sorted(product.file.tenor.months, reverse=True), dtype=np.float64)
    found: Floats = terms[np.abs(terms[None, :] - wanted[:, None]).argmin(axis=1)]
    return found


def _cost(product: Product, rate: Floats, months: Floats, lent: Floats) -> Floats:
    """As ``cost.Fees``, term by term."""
    out = np.empty_like(rate)
    for term in np.unique(months):
        fees, rows = Fees.of(product.file, float(term)), months == term
        out[rows] = rate[rows] * fees.interest + fees.shares + fees.fixed / np.maximum(lent[rows], 1.0)
    return out


# chances --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scores:
    """Expected values (CNY, minus infinity where a product can't be had) and what they are made of."""

    approve: Floats
    accept: Floats
    value: Floats
    expected: Floats


def terms_columns(shelf: Shelf, found: Pairs, firms: Firms) -> tuple[Floats, Floats]:
    """The features of ``chance.approve_features`` and ``accept_features``: firms x products x features."""
    cover = found.lent / firms.need_cny[:, None] - 0.7
    gap = np.clip(np.log(found.months / firms.months[:, None]), -1.5, 1.5)
    each = [Terms.of(product) for product in shelf.products]
    fixed = np.array([[t.days, t.asks, t.person, *t.classes] for t in each])
    shape = cover.shape
    first = [found.open_ > 0, np.minimum(found.open_, 8) / 4.0, cover]
    second = [(found.cost - 0.05) * COST_SCALE, cover, gap]
    approve = np.stack(
        [*first, *(np.broadcast_to(fixed[:, 3 + i], shape) for i in range(len(CLASSES)))], axis=-1
    )
    accept = np.stack(
        [*second, *(np.broadcast_to(fixed[:, i], shape) for i in range(fixed.shape[1]))], axis=-1
    )
    return approve.astype(np.float64), accept


def score(
    shelf: Shelf, found: Pairs, firms: Firms, chances: Chances, prices: Mapping[str, float] | None = None
) -> Scores:
    """The expected value of every pair."""
    x = firms.features()
    approve, accept = terms_columns(shelf, found, firms)
    p = _chance(chances.approve, x, approve, shelf.lenders)
    q = _chance(chances.accept, x, accept, shelf.lenders)
    years = np.minimum(found.months, firms.months[:, None]) / 12.0
    value = found.lent * np.maximum(chances.worth - found.cost, 0.0) * years
    price = np.array([(prices or {}).get(lender, 0.0) for lender in shelf.lenders])
    expected = np.where(found.eligible, p * q * (value - found.lent * price), -np.inf)
    return Scores(p, q, value, expected)


def _chance(model: Logit, x: Floats, terms: Floats, lenders: Sequence[str]) -> Floats:
    weights = np.array([model.weights(lender) for lender in lenders]).T
    total = x @ weights + terms @ np.array(model.terms)
    out: Floats = 1.0 / (1.0 + np.exp(-np.clip(total, -30, 30)))
    return out


@dataclass(frozen=True)
class Ranked:
    """The best products of each firm: places on the shelf, -1 where there are fewer, and their scores."""

    places: npt.NDArray[np.int16]
    scores: npt.NDArray[np.float32]


def ranked(expected: Floats, most: int = TOP) -> Ranked:
    """The ``most`` best of each row, best first; equals in the order of the shelf."""
    order = np.argsort(-expected, axis=1, kind="stable")[:, :most]
    scores = np.take_along_axis(expected, order, axis=1)
    return Ranked(np.where(np.isinf(scores), -1, order).astype(np.int16), scores.astype(np.float32))


def match_batch(
    shelf: Shelf,
    firms: Firms,
    chances: Chances,
    prices: Mapping[str, float] | None = None,
    tick: Callable[[int], None] = lambda _done: None,
) -> Ranked:
    """Rank the shelf for every firm, in runs of rows so that memory stays bounded."""
    parts = []
    for part in _parts(firms):
        parts.append(ranked(score(shelf, pairs(shelf, part), part, chances, prices).expected))
        tick(len(part))
    return Ranked(np.concatenate([p.places for p in parts]), np.concatenate([p.scores for p in parts]))


def _parts(firms: Firms) -> Iterator[Firms]:
    for start in range(0, len(firms), CHUNK):
        yield firms.part(start, min(start + CHUNK, len(firms)))


# quotas ---------------------------------------------------------------------------------------


def shadow_prices(
    shelf: Shelf, found: Pairs, scores: Scores, quotas: Mapping[str, float], *, rounds: int = 60
) -> dict[str, float]:
    """What each lender's yuan must cost, a year's share, so that first choices stay within its quota.

    ``quotas``: expected lending in CNY by lender; a lender not named has none.
    """
    names = sorted(set(shelf.lenders))
    of = np.array([names.index(lender) for lender in shelf.lenders])
    quota = np.array([quotas.get(name, np.inf) for name in names])
    price = np.zeros(len(names))
    chance = scores.approve * scores.accept
    rows = np.arange(len(chance))
    for turn in range(rounds):
        expected = np.where(found.eligible, chance * (scores.value - found.lent * price[of]), -np.inf)
        first = expected.argmax(axis=1)
        wanted = expected[rows, first] > 0
        money = np.where(wanted, chance[rows, first] * found.lent[rows, first], 0.0)
        load = np.bincount(of[first], money, len(names))
        over = np.where(np.isinf(quota), -1.0, load / quota - 1.0)
        price = np.maximum(price + 0.05 / (1 + turn / 6) * np.clip(over, -1, 1), 0.0)
    return dict(zip(names, price.tolist(), strict=True))
