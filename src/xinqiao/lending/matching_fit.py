"""The chances fitted from a market's history, and rankings judged against a truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xinqiao.lending.chance import Chances, fit
from xinqiao.lending.matching_batch import Firms, Floats, Pairs, Shelf, terms_columns

Places = npt.NDArray[np.int64]


def fit_chances(
    shelf: Shelf,
    firms: Firms,
    found: Pairs,
    rows: tuple[Places, Places],
    outcome: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]],
    *,
    worth: float,
    generated: bool,
) -> Chances:
    """Fit both models from applications: ``rows`` are firm and product, ``outcome`` approved and accepted."""
    firm, product = rows
    approved, accepted = outcome
    x = firms.features()[firm]
    approve, accept = (columns[firm, product] for columns in terms_columns(shelf, found, firms))
    names = sorted(set(shelf.lenders))
    lender = np.array([names.index(each) for each in shelf.lenders])[product]
    first = fit(x, approve, lender, approved.astype(np.float64), names)
    taken = approved
    second = fit(x[taken], accept[taken], lender[taken], accepted[taken].astype(np.float64), names)
    return Chances(first, second, worth, generated, len(firm))


@dataclass(frozen=True)
class Judged:
    """A ranking against the truth, each figure a firm: NDCG@5, share of value lost by the first, hit@3."""

    ndcg: Floats
    regret: Floats
    hit: Floats

    def figures(self) -> dict[str, tuple[float, float]]:
        """Mean and half the width of its 95 % interval."""
        parts = {"ndcg": self.ndcg, "regret": self.regret, "hit": self.hit}
        return {
            name: (float(each.mean()), float(1.96 * each.std(ddof=1) / np.sqrt(len(each))))
            for name, each in parts.items()
        }


def judge(ranking: Floats, truth: Floats, eligible: npt.NDArray[np.bool_]) -> Judged:
    """``ranking`` and ``truth`` hold a value for each firm and product; firms with two choices or more count.

    The gain of a product is its true expected value as a share of the best one's.
    """
    best = np.where(eligible, truth, -np.inf).max(axis=1)
    count = (eligible.sum(axis=1) > 1) & (best > 0)
    ranking = np.where(eligible, ranking, -np.inf)[count]
    gain = np.where(eligible, truth, 0.0)[count] / best[count, None]
    order = np.argsort(-ranking, axis=1, kind="stable")
    shown = np.take_along_axis(gain, order, axis=1)
    ideal = -np.sort(-gain, axis=1)
    weight = 1 / np.log2(np.arange(2, 7))
    ndcg = (shown[:, :5] * weight).sum(axis=1) / (ideal[:, :5] * weight).sum(axis=1)
    hit = (shown[:, :3].max(axis=1) >= 1 - 1e-12).astype(np.float64)
    return Judged(ndcg, 1 - shown[:, 0], hit)


def rival_rankings(shelf: Shelf, found: Pairs, taken: Sequence[int] | Places) -> dict[str, Floats]:
    """What matching is measured beside: lowest rate, highest limit, and most taken in the past."""
    counts = np.bincount(np.asarray(taken), minlength=len(shelf)).astype(np.float64)
    return {
        "rate": -found.rate,
        "limit": found.limit,
        "popularity": np.broadcast_to(counts, found.rate.shape),
    }
