"""What is true about a generated region: latent state, true PD, and every fault written into its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import rankdata

from xinqiao.city.dirt import KINDS
from xinqiao.city.draw import Flags, Floats
from xinqiao.city.hazard import HORIZON, NEVER, true_pd
from xinqiao.city.scene import Scene
from xinqiao.city.text import company_codes


@dataclass(frozen=True, slots=True)
class Fault:
    """So many rows of a file were given this kind of fault, and this must become of them."""

    file: str
    kind: str
    outcome: str
    rows: int


@dataclass(frozen=True, slots=True)
class Truth:
    """Where the files are and what is true about them.

    ``data`` is the folder to ingest, ``table`` the truth by company and snapshot (never ingested),
    ``rows`` the rows by file name, ``auc`` that of the true PD by snapshot date (ISO).
    """

    data: Path
    table: Path
    rows: dict[str, int]
    faults: tuple[Fault, ...]
    auc: dict[str, float]

    def expected(self, file: str, outcome: str) -> int:
        """How many rows of ``file`` must be repaired, quarantined or flagged because of faults."""
        return sum(f.rows for f in self.faults if f.file == file and f.outcome == outcome)


def faults_of(found: Mapping[str, Counter[str]]) -> tuple[Fault, ...]:
    """The counts as a list, by file and kind; kinds that did not occur stand with 0."""
    return tuple(
        Fault(file, kind.name, kind.outcome, counts[kind.name])
        for file, counts in sorted(found.items())
        for kind in KINDS
        if counts
    )


def snapshot_table(scene: Scene) -> pl.DataFrame:
    """One row per company and snapshot (18 and 12 months before the end).

    ``default_in_12m`` is null for companies that had defaulted by then.
    """
    months = scene.region.calendar.months
    return pl.concat([_snapshot(scene, months - back - 1) for back in (18, 12)])


def _snapshot(scene: Scene, month: int) -> pl.DataFrame:
    region, fate = scene.region, scene.fate
    as_of = int(region.calendar.first_day[month + 1]) - 1
    before = fate.default_month <= month
    within = ~before & (fate.default_month <= month + HORIZON)
    n = region.companies
    return pl.DataFrame(
        {
            "company_id": company_codes(np.arange(n)),
            "as_of": pl.Series(np.full(n, as_of, dtype=np.int32)).cast(pl.Date),
            "operations": fate.operations[:, month],
            "liquidity": fate.liquidity[:, month],
            "governance": fate.governance[:, month],
            "stress": fate.channels.stress(fate.default_month, month),
            "size": region.size,
            "trend": region.trend,
            "ring": pl.Series(scene.network.ring).replace(-1, None),
            "defaulted_before": before,
            "default_in_12m": pl.Series(within).zip_with(
                pl.Series(~before), pl.repeat(None, n, dtype=pl.Boolean, eager=True)
            ),
            "default_on": pl.Series(np.where(fate.default_day < NEVER, fate.default_day, -1))
            .replace(-1, None)
            .cast(pl.Int32)
            .cast(pl.Date),
            "true_pd_12m": pl.Series(true_pd(region, fate, scene.network.ring, month)).zip_with(
                pl.Series(~before), pl.repeat(None, n, dtype=pl.Float64, eager=True)
            ),
        }
    )


def snapshot_scores(table: pl.DataFrame) -> dict[str, float]:
    """Area under the ROC curve of the true PD at each snapshot date."""
    known = table.drop_nulls("default_in_12m")
    return {
        part["as_of"][0].isoformat(): area_under_curve(
            part["default_in_12m"].to_numpy(), part["true_pd_12m"].to_numpy()
        )
        for part in known.partition_by("as_of", maintain_order=True)
    }


def area_under_curve(outcome: Flags, score: Floats) -> float:
    """Probability that a case with the outcome scores above one without, ties half (Mann-Whitney)."""
    ranks = rankdata(score)
    cases = int(outcome.sum())
    others = len(outcome) - cases
    if not cases or not others:
        return float("nan")
    return float((ranks[outcome].sum() - cases * (cases + 1) / 2) / (cases * others))
