"""The monthly panel (月度面板): every borrower at every month's end, as known on that day.

What a row holds was known at its date: indicators are read as of it, the own book ends with it. Only
``falls_on``, the day the borrower first reaches the days overdue that count as bad, lies ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.model import COMPANY
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.kernel.document import parse
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months, month_end
from xinqiao.lending.outcome import BAD_DAYS
from xinqiao.monitoring.signal import BEFORE, MONTHS_BEFORE, signals, wanted
from xinqiao.relation.leads.find import find_leads
from xinqiao.source.as_of import AsOf
from xinqiao.source.lake import Lake

WARN_DAYS = 30
"""Days overdue from which on nobody needs a warning any more."""
LATE_MONTHS = 6
LEADS = "leads.parquet"
Tick = Callable[[date], None]
_MONTHS = """
    SELECT company_id, m.month, CAST(sum(m.balance_cents) AS DOUBLE) AS balance,
        CAST(sum(m.granted_cents) AS DOUBLE) AS granted,
        max(coalesce(m.days_past_due, 0)) AS days, min(m.opened_on) AS opened_on
    FROM credit_month m JOIN credit c USING (company_id, account_no) GROUP BY 1, 2
"""


class Watched(BaseModel):
    """What the hazard model looks at: indicators, and those whose change over three months counts too."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    watched: list[str]
    changes: list[str]


@cache
def watched() -> Watched:
    """The list of the catalog. Raises UserError DOC-*, MON-SIGNAL (no such indicator)."""
    file = files("xinqiao").joinpath("catalog", "monitoring", "hazard.yaml")
    found, lines = parse(file.read_text("utf-8"), Watched, "catalog/monitoring/hazard.yaml")
    for name in (*found.watched, *found.changes):
        if name not in indicators():
            fail("MON-SIGNAL", lines.where(("watched",)), detail=name)
    return found


def asked() -> list[str]:
    """All indicators a panel needs: for the signals and for the model."""
    used = {*wanted(), *watched().watched, *watched().changes}
    return [name for name in indicators() if name in used]


@dataclass(frozen=True, slots=True)
class Book:
    """A lender's own loans by borrower and month's end: company_id, on, balance, granted, days, opened_on.

    Known on the day itself, as a lender's own books are. Sums in cents.
    """

    months: pl.DataFrame

    @classmethod
    def of_lake(cls, lake: Lake, until: date) -> Book:
        """The accounts in the contract ``credit`` (the own ones) as ``credit_month`` tells of them.

        Raises UserError MON-BOOK where there are none.
        """
        with AsOf(lake, until, ["credit", "credit_month"]) as at:
            rows = pl.DataFrame(at.table(_MONTHS))
        if rows.is_empty():
            fail("MON-BOOK", str(lake.root))
        return cls(rows.with_columns(on=pl.col("month").dt.month_end()).drop("month").sort(COMPANY, "on"))

    def reached(self, days: int) -> pl.DataFrame:
        """Company and the first day (``falls_on``) it was ``days`` overdue."""
        late = self.months.filter(pl.col("days") >= days)
        day = pl.col("on") - pl.duration(days=1) * (pl.col("days") - days)
        return late.group_by(COMPANY).agg(falls_on=day.min())

    def at(self, on: date) -> pl.DataFrame:
        """The borrowers of the month ending ``on`` with the figures named in ``signal.OWN``."""
        begins = add_months(on, -LATE_MONTHS)
        months = self.months.filter(pl.col("on") <= on, pl.col("on") > begins)
        late = months.group_by(COMPANY).agg(own_late_months_6m=(pl.col("days") > 0).sum().cast(pl.Float64))
        now = self.months.filter(pl.col("on") == on, pl.col("balance") > 0)
        return now.join(late, on=COMPANY).select(
            COMPANY,
            own_days_past_due=pl.col("days").cast(pl.Float64),
            own_late_months_6m="own_late_months_6m",
            own_utilisation=pl.col("balance") / pl.col("granted"),
            months_on_book=(pl.lit(on) - pl.col("opened_on")).dt.total_days() / 30.44,
            granted=pl.col("granted").cast(pl.Float64),
        )


def month_ends(first: date, last: date) -> list[date]:
    """The ends of all months from that of ``first`` to ``last``."""
    out = [month_end(first)]
    while (following := month_end(add_months(out[-1].replace(day=1), 1))) <= last:
        out.append(following)
    return [day for day in out if day <= last]


def snapshots(lake: Lake, dates: Iterable[date], folder: Path, tick: Tick = lambda _: None) -> None:
    """Work out indicators and the leads that signals rest on at each of ``dates``; what is there stays.

    A date counts once its indicators, written last, are whole, so it can be killed and run again.
    """
    for day in dates:
        place = folder / day.isoformat()
        if not (place / "values.parquet").is_file():
            place.mkdir(parents=True, exist_ok=True)
            _write_leads(lake, day, place)
            compute(lake, day, ids=asked()).write(place)
        tick(day)


def _write_leads(lake: Lake, day: date, place: Path) -> None:
    rules = {s.lead for s in signals().signals.values() if s.lead is not None}
    found = [(lead.company_id, lead.rule) for lead in find_leads(lake, day, sorted(rules)).leads]
    frame = pl.DataFrame(found, schema={COMPANY: pl.String, "rule": pl.String}, orient="row")
    frame.unique().sort(pl.all()).write_parquet(place / LEADS)


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows: company_id, as_of, falls_on (bad from then on; null: not seen), warns_on, and ``features``.

    Beside them the columns that signals read. ``leads`` by date: company -> rules. Sorted by date, company.
    """

    rows: pl.DataFrame
    features: tuple[str, ...]
    leads: dict[date, dict[str, set[str]]]
    seen_until: date


def panel(folder: Path, book: Book, dates: Sequence[date], seen_until: date) -> Panel:
    """Put together what ``snapshots`` wrote at ``dates`` and the own book.

    Those at risk: borrowers who owe, are less than ``WARN_DAYS`` and were never ``BAD_DAYS`` overdue. A date
    needs the one three months before it among those written, or its changes are unknown.
    """
    bad = book.reached(BAD_DAYS)
    warned = book.reached(WARN_DAYS).rename({"falls_on": "warns_on"})
    parts = [_at(folder, book, day).join(bad, on=COMPANY, how="left") for day in dates]
    parts = [p.filter(pl.col("falls_on").is_null() | (pl.col("falls_on") > pl.col("as_of"))) for p in parts]
    parts = [p.filter(pl.col("own_days_past_due") < WARN_DAYS) for p in parts]
    rows = pl.concat(parts, how="diagonal").join(warned, on=COMPANY, how="left").sort("as_of", COMPANY)
    return Panel(rows, features(), {day: _leads(folder / day.isoformat()) for day in dates}, seen_until)


def features() -> tuple[str, ...]:
    """The columns a hazard model learns from."""
    own = ("own_days_past_due", "own_late_months_6m", "own_utilisation", "months_on_book", "granted")
    return (*own, *watched().watched, *(f"{name}_change" for name in watched().changes))


def signs() -> dict[str, int]:
    """Which way each feature points: +1 more is better, -1 worse, 0 free."""
    known = {i.id: {"+": 1, "-": -1, "~": 0}[i.direction] for i in indicators().values()}
    own = {"own_days_past_due": -1, "own_late_months_6m": -1, "own_utilisation": 0}
    return own | {f: known.get(f.removesuffix("_change"), 0) for f in features() if f not in own}


def _at(folder: Path, book: Book, day: date) -> pl.DataFrame:
    before = month_end(add_months(day.replace(day=1), -MONTHS_BEFORE))
    now = _values(folder, day)
    if now is None:
        fail("MON-BOOK", str(folder / day.isoformat()))
    earlier = _values(folder, before)
    if earlier is None:
        earlier = now.with_columns(pl.lit(None, pl.Float64).alias(n) for n in now.columns if n != COMPANY)
    joined = now.join(
        earlier.rename({n: n + BEFORE for n in earlier.columns if n != COMPANY}), on=COMPANY, how="left"
    )
    changes = {f"{n}_change": pl.col(n) - pl.col(n + BEFORE) for n in watched().changes}
    return (
        book.at(day)
        .join(joined.with_columns(**changes), on=COMPANY, how="left")
        .with_columns(as_of=pl.lit(day))
    )


def _values(folder: Path, day: date) -> pl.DataFrame | None:
    place = folder / day.isoformat()
    if not (place / "values.parquet").is_file():
        return None
    found = pl.DataFrame(Snapshot.read(place).values)
    lacking = [pl.lit(None, pl.Float64).alias(n) for n in asked() if n not in found.columns]
    return found.with_columns(lacking)


def _leads(place: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for company, rule in pl.read_parquet(place / LEADS).iter_rows():
        found.setdefault(company, set()).add(rule)
    return found


def day_number(days: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Days since 1970 as floats, NaN where null."""
    return days.cast(pl.Date).to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
