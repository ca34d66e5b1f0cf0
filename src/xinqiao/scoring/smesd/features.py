"""What is known of a firm before its neighbours: attributes, lawsuits, and its area and industry.

All of it comes from the split's own files; nothing here reads an outcome. Counts that grow with the
number of firms in a split are left out, so that a small split looks like a large one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xinqiao.scoring.columns import Floats
from xinqiao.scoring.smesd.read import Firms

Features = dict[str, Floats]
WON_AS_PLAINTIFF, LOST_AS_PLAINTIFF, WON_AS_DEFENDANT, LOST_AS_DEFENDANT = range(4)
RESULTS, CAUSES, COURTS = 4, 11, 4
WINDOWS = (3, 6, 12, 24, 36, 48, 72)  # months before the observation
HALF_LIVES = (6.0, 18.0, 36.0)  # months in which a lawsuit's weight falls to 1/e
COMMON_CAUSES = (0, 1, 5, 7)  # causes that make up most lost cases
LONG_AGO = 60
CONTEXT_PRIOR = 10.0  # firms at the overall mean added to each area's and industry's own


def ratio(top: Floats, bottom: Floats) -> Floats:
    """``top / bottom``, missing where the bottom is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def attributes(split: Firms) -> Features:
    """Capital (10,000 CNY), paid-in share, age (months), numbers of industries."""
    capital = split.firms["registered_capital_wan"].to_numpy(np.float64)
    paid = split.firms["paid_in_capital_wan"].to_numpy(np.float64)
    age = split.firms["age_months"].to_numpy(np.float64)
    out = {
        "capital": capital,
        "paid_in": paid,
        "paid_share": ratio(paid, capital),
        "age": age,
        "capital_by_age": capital / (age + 1),
    }
    for kind in ("area", "industry"):
        rows, _ = members(split, kind)
        out[f"{kind}_names"] = np.bincount(rows, minlength=len(capital)).astype(np.float64)
    return out


def lawsuits(split: Firms) -> Features:
    """Lawsuits by role, result, cause, court and age of the case; shares, pace and recency."""
    n = len(split.firms)
    row = split.nodes.get_indexer(pd.Index(split.lawsuits["node"]))
    read = {c: split.lawsuits[c].to_numpy() for c in ("cause", "court", "result")}
    months = split.lawsuits["months_before_observation"].to_numpy(np.float64)
    everything = np.ones(len(row), dtype=np.bool_)
    lost = read["result"] == LOST_AS_DEFENDANT

    def count(chosen: NDArray[np.bool_], weight: Floats | None = None) -> Floats:
        by = None if weight is None else weight[chosen]
        return np.bincount(row[chosen], weights=by, minlength=n).astype(np.float64)

    out = {
        "suits": count(everything),
        "lost": count(lost),
        "claims": count(read["result"] <= LOST_AS_PLAINTIFF),
    }
    for name, size in (("result", RESULTS), ("cause", CAUSES), ("court", COURTS)):
        out |= {f"{name}_{i}": count(read[name] == i) for i in range(size)}
    for window in WINDOWS:
        out[f"suits_{window}m"] = count(months < window)
        out[f"lost_{window}m"] = count(lost & (months < window))
    for life in HALF_LIVES:
        out[f"suits_fading_{life:.0f}"] = count(everything, np.exp(-months / life))
        out[f"lost_fading_{life:.0f}"] = count(lost, np.exp(-months / life))
    out["long_ago"] = count(months >= LONG_AGO)
    out |= {f"lost_cause_{i}": count(lost & (read["cause"] == i)) for i in COMMON_CAUSES}
    return out | _suit_times(split, out, row, months, lost)


def _suit_times(
    split: Firms,
    counted: Mapping[str, Floats],
    row: NDArray[np.intp],
    months: Floats,
    lost: NDArray[np.bool_],
) -> Features:
    n = len(split.firms)
    age = split.firms["age_months"].to_numpy(np.float64)
    out = {}
    for name, chosen in (("suit", np.ones(len(row), dtype=np.bool_)), ("lost", lost)):
        by = pd.Series(months[chosen]).groupby(row[chosen])
        for measure in ("min", "max", "mean", "std"):
            out[f"{name}_months_{measure}"] = by.agg(measure).reindex(range(n)).to_numpy(np.float64)
    dates = pd.DataFrame({"row": row, "month": months})
    per_date = dates.groupby(["row", "month"]).size().groupby("row")
    out["suit_months"] = per_date.size().reindex(range(n), fill_value=0).to_numpy(np.float64)
    out["suit_burst"] = per_date.max().reindex(range(n)).to_numpy(np.float64)
    out["suit_span"] = out["suit_months_max"] - out["suit_months_min"]
    out["first_by_age"] = out["suit_months_max"] / (age + 1)
    out["suits_by_age"] = counted["suits"] / (age + 1)
    out["lost_share"] = ratio(counted["lost"], counted["suits"])
    out["claim_share"] = ratio(counted["claims"], counted["suits"])
    out["pace"] = ratio(counted["suits_12m"], counted["suits_36m"])
    out["causes"] = np.sum([counted[f"cause_{i}"] > 0 for i in range(CAUSES)], axis=0).astype(np.float64)
    out |= {f"lost_share_{i}": ratio(counted[f"lost_cause_{i}"], counted["lost"]) for i in COMMON_CAUSES}
    return out


def members(split: Firms, kind: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of firms and codes of the names of ``kind`` they have, both (memberships,)."""
    groups = split.groups[split.groups["kind"] == kind]
    codes, _ = pd.factorize(groups["name"], sort=True)
    return split.nodes.get_indexer(pd.Index(groups["node"])), codes


def context(split: Firms, values: Features) -> Features:
    """Mean of ``values`` among the firms of the same area and of the same industries, in this split.

    Means are drawn to that of the whole split as if by 10 more firms. No outcome is used: this says
    how firms around live, and follows them where a later year differs from an earlier one.
    """
    n, out = len(split.firms), {}
    for kind in ("area", "industry"):
        rows, names = members(split, kind)
        has = np.bincount(rows, minlength=n).astype(np.float64)
        for name, value in values.items():
            overall = float(np.mean(value))
            sums = np.bincount(names, weights=value[rows], minlength=1)
            mean = (sums + CONTEXT_PRIOR * overall) / (np.bincount(names, minlength=1) + CONTEXT_PRIOR)
            of_firm = np.bincount(rows, weights=mean[names], minlength=n).astype(np.float64)
            out[f"{kind}_mean_{name}"] = ratio(of_firm, has)
    return out
