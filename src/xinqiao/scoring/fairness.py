"""Fairness (公平性): do approvals and errors differ between groups of firms beyond their risk?

A difference is a question to answer, not a verdict: groups may differ in risk. So each approval rate
stands beside one that firms of the same PD get on average, and errors beside the outcomes seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xinqiao.scoring.card import Frozen
from xinqiao.scoring.columns import Floats
from xinqiao.scoring.metrics import auc

LEAST = 30
"""Smaller groups are shown but not judged."""
FOUR_FIFTHS = 0.8
PD_BANDS = 10
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


class GroupRow(Frozen):
    """One group; shares lie in 0..1 and are None where nobody is counted.

    ``approval_ratio``: approval rate over that of the best-treated group that is judged.
    ``unexplained``: approval rate less the mean rate of firms of the same PD band, over all groups.
    ``observed``, ``expected``: bad share and mean PD of the firms whose outcome is known.
    ``goods_refused``: share not approved among known goods; ``bads_approved``: approved among known bads.
    ``auc``: None without both outcomes.
    """

    group: str
    companies: int
    approved: int
    approval: float | None
    interval: tuple[float, float] | None
    approval_ratio: float | None
    unexplained: float | None
    mean_pd: float | None
    known: int
    bads: int
    observed: float | None
    expected: float | None
    goods_refused: float | None
    bads_approved: float | None
    auc: float | None
    judged: bool

    @property
    def to_explain(self) -> bool:
        """Whether the rate falls short of four fifths of the best-treated group's (a rule of thumb)."""
        return self.judged and self.approval_ratio is not None and self.approval_ratio < FOUR_FIFTHS


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson, 1927); ``total`` > 0."""
    share, z2 = hits / total, _Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z / (1 + z2 / total) * np.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    low, high = float(middle - half), float(middle + half)
    return max(0.0, min(share, low)), min(1.0, max(share, high))  # equal at the ends, but for rounding


def fairness(
    groups: Sequence[str | None], approved: NDArray[np.bool_], pd: Floats, bad: Floats | None = None
) -> tuple[GroupRow, ...]:
    """One row a group, by name; a firm of group None is left out.

    All of shape (rows,): ``approved``, ``pd`` in 0..1, ``bad`` 1.0, 0.0 or NaN where unknown.
    Raises ValueError when lengths differ.
    """
    names = np.asarray(["" if g is None else g for g in groups], dtype=object)
    outcome = np.full(len(names), np.nan) if bad is None else bad
    if not len(names) == len(approved) == len(pd) == len(outcome):
        message = "groups, approved, pd and bad need one length"
        raise ValueError(message)
    all_ = _Firms(approved, pd, outcome, _usual_rate(approved.astype(np.float64), pd))
    rows = [all_.row(str(name), names == name) for name in sorted(set(names.tolist()) - {""})]
    best = max((r.approval for r in rows if r.judged and r.approval is not None), default=0.0)
    ratios = [r.approval / best if best and r.approval is not None else None for r in rows]
    return tuple(r.model_copy(update={"approval_ratio": q}) for r, q in zip(rows, ratios, strict=True))


def _usual_rate(approved: Floats, pd: Floats) -> Floats:
    """For each firm the approval rate of all firms in its band of PD (tenths of equal size)."""
    cuts = np.unique(np.quantile(pd, np.arange(1, PD_BANDS) / PD_BANDS)) if len(pd) else np.empty(0)
    band = np.searchsorted(cuts, pd, side="right")
    sums = np.bincount(band, weights=approved, minlength=len(cuts) + 1)
    counts = np.bincount(band, minlength=len(cuts) + 1)
    out: Floats = (sums / np.maximum(counts, 1))[band]
    return out


@dataclass(frozen=True, slots=True)
class _Firms:
    """All firms of the report, each array of shape (rows,)."""

    approved: NDArray[np.bool_]
    pd: Floats
    bad: Floats
    usual: Floats

    def row(self, name: str, mine: NDArray[np.bool_]) -> GroupRow:
        total, yes = int(mine.sum()), int(self.approved[mine].sum())
        known = mine & ~np.isnan(self.bad)
        good, failed = known & (self.bad == 0), known & (self.bad == 1)
        both = bool(good.any() and failed.any())
        return GroupRow(
            group=name,
            companies=total,
            approved=yes,
            approval=_mean(self.approved[mine]),
            interval=wilson(yes, total) if total else None,
            approval_ratio=None,
            unexplained=_mean(self.approved[mine] - self.usual[mine]),
            mean_pd=_mean(self.pd[mine]),
            known=int(known.sum()),
            bads=int(failed.sum()),
            observed=_mean(self.bad[known]),
            expected=_mean(self.pd[known]),
            goods_refused=_mean(~self.approved[good]),
            bads_approved=_mean(self.approved[failed]),
            auc=auc(self.pd[known], self.bad[known]) if both else None,
            judged=total >= LEAST,
        )


def _mean(values: NDArray[np.bool_] | Floats) -> float | None:
    return float(np.mean(values)) if len(values) else None
