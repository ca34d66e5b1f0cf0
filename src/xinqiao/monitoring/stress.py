"""The loan book under a shock (压力测试): the scenario files of ``catalog/shocks`` applied to open loans."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from xinqiao.kernel.text import Text
from xinqiao.monitoring.parameters import parameters
from xinqiao.monitoring.portfolio import Loss, expected_loss
from xinqiao.strategy.applicant import Applicant
from xinqiao.strategy.book import moved
from xinqiao.strategy.industry import OTHER, UNKNOWN, told_by_name
from xinqiao.strategy.shock import PD_CAP, Shock, load_shock


@dataclass(frozen=True, slots=True)
class Hit:
    """One line of a scenario: how many borrowers it hits and their exposure in CNY."""

    name: Text
    borrowers: int
    exposure_cny: float


@dataclass(frozen=True, slots=True)
class Stressed:
    """A scenario, the book's loss before and under it, and what each line hits."""

    shock: Shock
    before: Loss
    after: Loss
    hits: tuple[Hit, ...]
    loans: pl.DataFrame


@cache
def scenarios() -> dict[str, Text]:
    """The scenarios of the catalog: id and name."""
    folder = files("xinqiao").joinpath("catalog", "shocks")
    ids = sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))
    return {each: load_shock(each, []).name for each in ids}


def stress(loans: pl.DataFrame, scenario: str) -> Stressed:
    """Open loans under ``scenario`` (an id of the catalog): PD and LGD move, who defaulted stays so.

    Raises UserError STR-NOT-FOUND, STR-SHOCK.
    """
    borrowers = [_borrower(row) for row in loans.iter_rows(named=True)]
    shock = load_shock(scenario, borrowers)
    hits = []
    moves = loans
    for line in shock.lines:
        mask = pl.Series([line.hits(each) for each in borrowers], dtype=pl.Boolean)
        part = loans.filter(mask)
        hits.append(Hit(line.name, part["company_id"].n_unique(), float(part["exposure"].sum())))
        times = 1.0 if line.pd_times is None else float(line.pd_times)
        moves = _moved(moves, mask, float(line.pd_log_odds or 0), times, float(line.lgd_add or 0))
    return Stressed(shock, expected_loss(loans), expected_loss(moves), tuple(hits), moves)


def _moved(loans: pl.DataFrame, hit: pl.Series, odds: float, times: float, lgd: float) -> pl.DataFrame:
    pd = loans["pd"].to_numpy()
    after = pl.Series((moved(pd, pd * 0 + odds) * times).clip(max=PD_CAP))
    alive = pl.Series(hit) & (loans["pd"] < 1.0)
    return loans.with_columns(
        pd=pl.when(alive).then(after).otherwise(pl.col("pd")),
        lgd=pl.when(hit).then((pl.col("lgd") + lgd).clip(0, 1)).otherwise(pl.col("lgd")),
    )


def _borrower(row: dict[str, object]) -> Applicant:
    """The borrower as scenarios see it: industry by the register's section, or else by its name."""
    told = told_by_name(str(row["name"]))
    group = parameters().shock_groups.get(str(row["section"] or ""))
    kind = "sole_trader" if row["kind"] in ("sole_trader", "个体工商户") else told.kind
    size = None if row["size"] is None else str(row["size"])
    industry = group or told.industry or UNKNOWN
    return Applicant(
        str(row["company_id"]), str(row["name"]), 0.0, "A", industry=industry, kind=kind or OTHER, size=size
    )
