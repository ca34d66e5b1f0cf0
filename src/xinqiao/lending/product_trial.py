"""A product tried on firms before it is opened: who would pass, with what limits and at what rates.

Firms are the institution's own past applicants, or the platform's sample without ids; of the sample nothing
is told about fewer than ``release_rule.K`` firms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from xinqiao.db.database import Tx
from xinqiao.kernel.clock import today
from xinqiao.kernel.text import Text
from xinqiao.lending.backtest import Source, backtest
from xinqiao.lending.product_check import some_day
from xinqiao.lending.product_load import Product
from xinqiao.lending.release_rule import K
from xinqiao.policy.diff import APPROVE, Diff, Floats
from xinqiao.report.policy_diff import code_names

BINS = 6
MOST_REASONS = 8


@dataclass(frozen=True, slots=True)
class Trial:
    """What the product does to the firms. ``limits`` and ``rates``: (bin, firms) of those that pass.

    ``reasons``: why others don't, the most frequent first. ``least``: no figure is about fewer firms.
    """

    diff: Diff
    least: int
    limits: tuple[tuple[str, int], ...]
    rates: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[Text, int], ...]


def trial(tx: Tx, product: Product, before: Product | None, source: Source) -> Trial:
    """``product`` on firms, beside the version ``before``. Raises UserError BWB-HISTORY, POL-CASES."""
    old, new = before or product, product
    diff = backtest(tx, (old.policy_on(_day(old)), new.policy_on(_day(new))), source)
    least, file = (K if source == "sample" else 1), product.file
    lent = diff.after.outcome == APPROVE
    return Trial(
        diff,
        least,
        _spread(diff.after.limit[lent], (float(file.limit.min), float(file.limit.max)), _money, least),
        _spread(diff.after.rate[lent], (float(file.pricing.min), float(file.pricing.max)), _rate, least),
        _reasons(diff, least),
    )


def _day(product: Product) -> date:
    return max(today(), some_day(product.file))


def _spread(
    values: Floats, bounds: tuple[float, float], said: Callable[[float], str], least: int
) -> tuple[tuple[str, int], ...]:
    """Firms by equal steps between the product's own bounds; steps with too few firms hold none."""
    low, high = bounds
    edges = np.linspace(low, max(high, low + 1e-9), BINS + 1)
    counts, _ = np.histogram(np.clip(values, low, high), edges)
    names = [f"{said(a)}–{said(b)}" for a, b in pairwise(edges.tolist())]
    return tuple((name, told(int(count), least)) for name, count in zip(names, counts, strict=True))


def told(count: int, least: int) -> int:
    """A count that may be told: rounded down to a multiple of ``least``."""
    return count // least * least


def _money(value: float) -> str:
    return f"{value / 10_000:,.0f}" if value >= 100_000 else f"{value / 10_000:,.1f}"  # noqa: PLR2004 - ten times the unit


def _rate(value: float) -> str:
    return f"{value:.2%}"


def _reasons(diff: Diff, least: int) -> tuple[tuple[Text, int], ...]:
    """Why firms do not pass outright, with how many it concerns."""
    names, after = code_names(diff.b), diff.after
    counts: Counter[str] = Counter()
    for place in after.reason[after.outcome != APPROVE].tolist():
        counts.update(set(after.words[place]))
    found = [
        (names.get(code, Text(zh=code, en=code)), told(count, least)) for code, count in counts.most_common()
    ]
    return tuple(each for each in found if each[1])[:MOST_REASONS]
