"""How one column is cut into bins: finely without a look at the outcome, then joined by what it says.

Fine bins are counted once; everything after works on their counts, never on rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from xinqiao.kernel.text import Text
from xinqiao.scoring.card import MAX_BINS, MISSING, OTHER, Bin, Kind, Variable
from xinqiao.scoring.codes import number_codes
from xinqiao.scoring.columns import Column, Floats, Texts
from xinqiao.scoring.compiled import variable_codes
from xinqiao.scoring.merging import Block, Rules, Totals, merge_blocks
from xinqiao.scoring.periods import Periods
from xinqiao.scoring.trend import trend_rates

Specials = tuple[tuple[float | str, ...], ...]
Join = Callable[[NDArray[np.intp]], list[Block]]  # of fine codes in their order
Sign = Literal[-1, 0, 1]
DIGITS = 6  # decimals kept of WOE, IV and coefficients, so that a card's bytes do not hang on the last bit
ENOUGH = 100  # rows of a text that tell its bad rate, however small its share: many texts are not all rare


@dataclass(frozen=True, slots=True)
class Prebins:
    """One column cut finely without a look at the outcome.

    Fine codes: ranges between ``cuts`` (or one code per word), then specials, then missing last.
    ``shape`` is the column's variable before any cut: its name, sign, kind and specials.
    """

    shape: Variable
    cuts: tuple[float, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def ordinary(self) -> int:
        """How many fine codes are neither special nor missing."""
        return len(self.words) if self.shape.kind == "categorical" else len(self.cuts) + 1

    @property
    def size(self) -> int:
        """How many fine codes there are."""
        return self.ordinary + len(self.shape.specials) + 1

    def codes(self, values: Floats | Texts) -> NDArray[Any]:
        """Fine codes of ``values`` (rows,): uint8, for many words int32. Other kinds hold gaps only."""
        if isinstance(values, Texts):
            known = {word: i for i, word in enumerate(self.words)} | self._specials()
            table = [*(known.get(word, self.size - 1) for word in values.words), self.size - 1]
            found: NDArray[Any] = np.asarray(table, dtype=_narrow(self.size))[values.codes]
            return found
        out: NDArray[Any] = np.full(len(values), self.size - 1, dtype=_narrow(self.size))
        if self.shape.kind == "numeric":
            number_codes(values, np.asarray(self.cuts), self._specials(), self.size - 1, out)
        return out

    def _specials(self) -> dict[Any, int]:
        known: dict[Any, int] = {}
        for code, group in enumerate(self.shape.specials, self.ordinary):
            for value in group:
                known.setdefault(value, code)
        return known


def _narrow(size: int) -> type[np.uint8 | np.int32]:
    return np.uint8 if size <= MAX_BINS else np.int32


def prebins(name: str, values: Floats | Texts, *, sign: int, specials: Specials, most: int) -> Prebins:
    """At most ``most`` fine bins of numbers, by quantiles of ``values`` (rows,); of texts one a word."""
    if isinstance(values, Texts):
        return Prebins(unfilled(name, specials, categories=()), words=tuple(sorted(values.words)))
    taken = [v for group in specials for v in group]
    known = ~np.isnan(values)
    if taken:
        known &= ~np.isin(values, taken)
    ordered, most = np.sort(values[known]), min(most, MAX_BINS - 1 - len(specials))
    cuts = _quantile_cuts(ordered, most) if len(ordered) else ()
    return Prebins(unfilled(name, specials, sign=sign), cuts=cuts)


def _quantile_cuts(ordered: Floats, most: int) -> tuple[float, ...]:
    """Short numbers that part the sorted values into bins of about as many rows."""
    starts = np.unique(ordered[(np.arange(most) * len(ordered)) // most])
    if len(starts) == 1 and starts[0] < ordered[-1]:
        starts = np.append(starts, ordered[np.searchsorted(ordered, starts[0], side="right")])
    below = ordered[np.searchsorted(ordered, starts[1:], side="left") - 1]
    return tuple(short_cut(low, high) for low, high in zip(below.tolist(), starts[1:].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Cut:
    """One column binned: ``place`` (fine codes,) gives the bin of each fine code.

    ``count``, ``bad``, ``woe`` (bins,) as in ``card.Bin``; ``iv`` as in ``card.Variable``. ``note``
    says what was joined to last through all periods.
    """

    shape: Variable
    place: NDArray[np.intp]
    count: Floats
    bad: Floats
    woe: list[float]
    iv: float
    note: str = ""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.shape.name

    @property
    def table(self) -> Floats:
        """WOE by fine code."""
        out: Floats = np.asarray(self.woe)[self.place]
        return out

    @property
    def spread(self) -> float:
        """Standard deviation of WOE over the rows counted; 1 where WOE is the same for all."""
        share, woe = self.count / self.count.sum(), np.asarray(self.woe)
        return math.sqrt(share @ (woe - share @ woe) ** 2) or 1.0

    def variable(self) -> Variable:
        """The variable with counts, WOE and IV; points are still 0."""
        return _described(self.shape, self.count, self.bad, self.woe, self.iv)


def cut(fine: Prebins, count: Floats, bad: Floats, rules: Rules, periods: Periods | None = None) -> Cut:
    """Join the fine bins of a column that hold ``count`` rows and ``bad`` bads, both (fine codes,).

    ``periods``, the same by period, makes the bins time-stable.
    """
    totals = Totals(float(count.sum()), float(bad.sum()))
    soft = bad.astype(np.float64)
    if fine.shape.kind == "numeric":
        soft[: fine.ordinary] = _softened(count[: fine.ordinary], soft[: fine.ordinary], fine, rules)

    def join(order: NDArray[np.intp]) -> list[Block]:
        counts = list(zip(count[order].tolist(), soft[order].tolist(), strict=True))
        blocks = merge_blocks(counts, fine.shape.sign, totals, rules) if counts else []
        return blocks if periods is None else periods.joined(blocks, order)

    if fine.shape.kind == "numeric":
        shape, place = _joined_ranges(fine, count, join)
    else:
        least = max(min(totals.n * rules.min_share, ENOUGH), 1)
        shape, place = _joined_words(fine, count, soft, least, join)
    place[fine.ordinary :] = np.arange(shape.first_special, len(shape.bins))
    bins = len(shape.bins)
    n, b, s = (counted(place, w, bins) for w in (count, bad, soft))
    woe, iv = _evidence(shape, n, s, totals, rules)
    return Cut(shape, place, n, b, woe, iv, periods.note if periods is not None else "")


def _softened(count: Floats, bad: Floats, fine: Prebins, rules: Rules) -> Floats:
    """Bads per range, mixed with the trend's as if ``rules.trend`` companies lay on the trend."""
    rows, known = float(count.sum()), count > 0
    if rows == 0 or rules.trend == 0:
        return bad
    out = bad.copy()
    rates = np.asarray(trend_rates(count[known].tolist(), bad[known].tolist(), fine.shape.sign))
    share = rules.trend / (rules.trend + rows)
    out[known] = (1 - share) * bad[known] + share * rates * count[known]
    return out


def _joined_ranges(fine: Prebins, count: Floats, join: Join) -> tuple[Variable, NDArray[np.intp]]:
    """The shape of the bins that stay, and the bin of each fine code; ranges as they stand."""
    known = np.flatnonzero(count[: fine.ordinary] > 0)
    starts = known[[b.first for b in join(known)[1:]]] if len(known) else known
    edges = tuple(fine.cuts[i - 1] for i in starts)
    shape = unfilled(fine.shape.name, fine.shape.specials, sign=fine.shape.sign, edges=edges)
    return shape, np.searchsorted(starts, np.arange(fine.size), side="right")


def _joined_words(
    fine: Prebins, count: Floats, soft: Floats, least: float, join: Join
) -> tuple[Variable, NDArray[np.intp]]:
    """The same for texts: common words are ordered by bad rate and joined, rare ones fall in ``other``."""
    common = [i for i in range(fine.ordinary) if count[i] >= least]
    common.sort(key=lambda i: (soft[i] / count[i], fine.words[i]))
    blocks = join(np.asarray(common, dtype=np.intp))
    groups = [sorted(common[b.first : b.last + 1]) for b in blocks]
    names = tuple(tuple(fine.words[i] for i in group) for group in groups)
    place = np.full(fine.size, len(groups), dtype=np.intp)
    for k, group in enumerate(groups):
        place[group] = k
    return unfilled(fine.shape.name, fine.shape.specials, categories=names), place


def short_cut(low: float, high: float) -> float:
    """The number with the fewest digits in (low, high], near the middle; low < high."""
    middle = low + (high - low) / 2
    for digits in range(1, 17):
        cut = float(f"{middle:.{digits}g}")
        if low < cut <= high:
            return cut
    return high


def _range_labels(edges: Sequence[float]) -> list[Text]:
    if not edges:
        return [Text(zh="任意值", en="any value")]
    shown = [f"{e:.12g}" for e in edges]
    middle = [f"[{a}, {b})" for a, b in pairwise(shown)]
    return [Text(zh=t, en=t) for t in (f"< {shown[0]}", *middle, f"≥ {shown[-1]}")]


def unfilled(
    name: str,
    specials: Specials = (),
    *,
    sign: int = 0,
    edges: tuple[float, ...] = (),
    categories: tuple[tuple[str, ...], ...] | None = None,
) -> Variable:
    """A variable with its bins named but not yet counted; ``categories`` None: numeric, cut at ``edges``."""
    if categories is None:
        labels = _range_labels(edges)
        kinds: list[Kind] = ["range"] * len(labels)
    else:
        labels = [*(Text(zh="、".join(g), en=", ".join(g)) for g in categories), OTHER]
        kinds = ["category"] * len(categories)
        kinds.append("other")
    bins = [Bin(kind=kind, label=label) for kind, label in zip(kinds, labels, strict=True)]
    for group in specials:
        shown = ", ".join(f"{v:g}" if isinstance(v, int | float) else v for v in group)
        bins.append(Bin(kind="special", label=Text(zh=f"特殊值 {shown}", en=f"special {shown}")))
    bins.append(Bin(kind="missing", label=MISSING))
    return Variable(
        name=name,
        sign=cast("Sign", sign),
        kind="numeric" if categories is None else "categorical",
        edges=edges,
        categories=categories or (),
        specials=specials,
        bins=tuple(bins),
    )


def filled(shape: Variable, column: Column, y: Floats, soft: Floats, rules: Rules) -> Variable:
    """``shape`` with counts of ``y``, WOE and IV of the softened outcomes ``soft``; all (rows,)."""
    codes, bins = variable_codes(shape, column), len(shape.bins)
    count, bad, sums = (counted(codes, w, bins) for w in (np.ones(len(y)), y, soft))
    woe, iv = _evidence(shape, count, sums, Totals(float(len(y)), float(y.sum())), rules)
    return _described(shape, count, bad, woe, iv)


def counted(codes: NDArray[Any], weight: Floats, size: int) -> Floats:
    """Sums of ``weight`` by code, shape (size,)."""
    return np.asarray(np.bincount(codes, weights=weight, minlength=size), dtype=np.float64)


def _evidence(
    shape: Variable, count: Floats, soft: Floats, totals: Totals, rules: Rules
) -> tuple[list[float], float]:
    """WOE of each bin and IV, from rows and softened bads per bin."""
    n, sums = count.tolist(), soft.tolist()
    woe = [round(totals.woe(a, b, rules.smoothing), DIGITS) + 0.0 for a, b in zip(n, sums, strict=True)]
    goods, bads = totals.n - totals.bad, totals.bad
    if rules.empty_missing == "pessimistic":
        worst = min((w for w, a in zip(woe, n, strict=True) if a), default=0.0)
        for i in range(shape.first_special, len(woe)):
            woe[i] = woe[i] if n[i] else min(worst, 0.0)
    shares = (((a - b) / goods - b / bads) * w for a, b, w in zip(n, sums, woe, strict=True))
    return woe, round(sum(shares), DIGITS)


def _described(shape: Variable, count: Floats, bad: Floats, woe: list[float], iv: float) -> Variable:
    told = zip(shape.bins, count.tolist(), bad.tolist(), woe, strict=True)
    bins = tuple(
        Bin(kind=empty.kind, label=empty.label, count=int(n), bad=int(b), woe=w) for empty, n, b, w in told
    )
    return shape.model_copy(update={"bins": bins, "iv": iv})
