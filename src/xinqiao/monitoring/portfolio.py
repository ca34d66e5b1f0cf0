"""The portfolio (组合视图): vintages, roll rates, migration, concentration and expected loss of a loan book.

Pure: frames of ``loan_book`` in, tables out. Sums are CNY, shares 0 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import polars as pl

from xinqiao.kernel.period import month_index
from xinqiao.kernel.text import Text
from xinqiao.loan.classification import CLASSES, NAMES

WRITTEN_OFF, CLOSED = "written_off", "closed"
ENDS = {
    WRITTEN_OFF: Text(zh="核销", en="written off"),
    CLOSED: Text(zh="结清", en="repaid"),
}
TOP = 10


@dataclass(frozen=True, slots=True)
class Vintage:
    """Loans drawn in one quarter: their sum, and of it the share ever bad by each month on book.

    ``shares[k]``: k months after the month of drawing; only months that every loan of it has reached.
    """

    quarter: str
    loans: int
    amount_cny: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """A table of moves: ``shares[i][j]`` of what was in row i came to column j; ``sums`` of rows in CNY."""

    rows: tuple[Text, ...]
    columns: tuple[Text, ...]
    sums: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a division of the book; ``loss_cny`` is its expected loss."""

    key: str
    name: str
    borrowers: int
    exposure_cny: float
    share: float
    loss_cny: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """The book divided by one thing, the largest part first; ``index`` is Herfindahl-Hirschman, 0 to 1.

    ``top``: the share of the ten largest parts.
    """

    parts: tuple[Part, ...]
    index: float
    top: float


@dataclass(frozen=True, slots=True)
class Loss:
    """Exposure, expected loss (PD x LGD x exposure) in CNY, and the exposure in default."""

    borrowers: int
    exposure_cny: float
    loss_cny: float
    default_cny: float

    @property
    def rate(self) -> float:
        """Expected loss to exposure."""
        return self.loss_cny / self.exposure_cny if self.exposure_cny else 0.0


def vintages(months: pl.DataFrame, bad_days: int) -> list[Vintage]:
    """Vintage curves by quarter of drawing: bad is ``bad_days`` overdue once, or written off."""
    if months.is_empty():
        return []
    last = month_index(max(months["on"].to_list()))
    index = pl.col("on").dt.year() * 12 + pl.col("on").dt.month() - 1
    begun = pl.col("drawn_on").dt.year() * 12 + pl.col("drawn_on").dt.month() - 1
    bad = (pl.col("days") >= bad_days) | (pl.col("state") == WRITTEN_OFF)
    loans = (
        months.with_columns(age=index - begun, begun=begun)
        .group_by("loan_id")
        .agg(pl.first("drawn_on", "amount", "begun"), fell=pl.col("age").filter(bad).min())
    )
    quarter = pl.format("{}Q{}", pl.col("drawn_on").dt.year(), pl.col("drawn_on").dt.quarter())
    found = []
    grouped = loans.with_columns(quarter=quarter).sort("quarter").group_by("quarter", maintain_order=True)
    for (name,), part in grouped:
        ages = range(last - max(part["begun"].to_list()) + 1)
        total = float(part["amount"].sum())
        shares = tuple(float(part.filter(pl.col("fell") <= k)["amount"].sum()) / total for k in ages)
        found.append(Vintage(str(name), len(part), total, shares))
    return found


def rolls(months: pl.DataFrame, buckets: Sequence[int], last: int = 12) -> Flow:
    """Roll rates by days overdue: what became of the principal of each bucket a month later.

    Over the ``last`` months kept, weighted by principal. A loan without a later row has been repaid.
    """
    names = _bucket_names(buckets)
    keys = [str(i) for i in range(len(names))]
    place = pl.lit(len(buckets))
    for i in reversed(range(len(buckets))):
        place = pl.when(pl.col("days") <= buckets[i]).then(i).otherwise(place)
    at = months.with_columns(cell=_ended(place.cast(pl.String)))
    return _flow(at, 1, last, dict(zip(keys, names, strict=True)))


def migration(months: pl.DataFrame, span: int, last: int = 12) -> Flow:
    """How the five classes moved over ``span`` months, weighted by principal at the beginning."""
    at = months.with_columns(cell=_ended(pl.col("class")))
    return _flow(at, span, last, {each: NAMES[each] for each in CLASSES})


def _ended(cell: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("state") != "open").then(pl.col("state")).otherwise(cell)


def _bucket_names(buckets: Sequence[int]) -> list[Text]:
    ends = list(buckets)
    out = [Text(zh="未逾期", en="current")]
    for low, high in pairwise(ends):
        out.append(Text(zh=f"{low + 1}–{high} 天", en=f"{low + 1} to {high} days"))
    return [*out, Text(zh=f"{ends[-1]} 天以上", en=f"over {ends[-1]} days")]


def _flow(at: pl.DataFrame, span: int, last: int, names: dict[str, Text]) -> Flow:
    columns = {**names, **ENDS}
    when = pl.col("on").dt.year() * 12 + pl.col("on").dt.month()
    rows = at.with_columns(month=when)
    newest: int = max(rows["month"].to_list(), default=0)
    within = pl.col("month").is_between(newest - last - span + 1, newest - span)
    begins = rows.filter(within, pl.col("state") == "open")
    later = rows.select("loan_id", month=pl.col("month") - span, to="cell")
    moves = begins.join(later, on=["loan_id", "month"], how="left").with_columns(
        pl.col("to").fill_null(CLOSED)
    )
    cells = moves.group_by("cell", "to").agg(pl.col("principal").sum())
    sums = {(a, b): total for a, b, total in cells.iter_rows()}
    totals = [sum(sums.get((a, b), 0.0) for b in columns) for a in names]
    shares = tuple(
        tuple(sums.get((a, b), 0.0) / total if total else 0.0 for b in columns)
        for a, total in zip(names, totals, strict=True)
    )
    return Flow(tuple(names.values()), tuple(columns.values()), tuple(totals), shares)


def expected_loss(loans: pl.DataFrame) -> Loss:
    """The expected loss of open loans over a year."""
    default = loans.filter(pl.col("pd") >= 1.0)
    return Loss(
        loans["company_id"].n_unique(),
        float(loans["exposure"].sum()),
        float((loans["exposure"] * loans["pd"] * loans["lgd"]).sum()),
        float(default["exposure"].sum()),
    )


def concentration(loans: pl.DataFrame, by: str, name: str | None = None) -> Concentration:
    """Open loans divided by the column ``by``; ``name``: the column with the words of a part."""
    whole = float(loans["exposure"].sum()) or 1.0
    loss = (pl.col("exposure") * pl.col("pd") * pl.col("lgd")).sum()
    parts = loans.group_by(pl.col(by).fill_null("-").alias("key")).agg(
        pl.first(name or by).fill_null("-").alias("name"),
        pl.col("company_id").n_unique().alias("borrowers"),
        pl.col("exposure").sum(),
        loss.alias("loss"),
    )
    rows = parts.select("key", "name", "borrowers", "exposure", "loss")
    rows = rows.sort("exposure", "key", descending=[True, False])
    found = [Part(k, n, b, e, e / whole, x) for k, n, b, e, x in rows.iter_rows()]
    return Concentration(tuple(found), sum(p.share**2 for p in found), sum(p.share for p in found[:TOP]))


def month_ends_kept(months: pl.DataFrame) -> list[date]:
    """The month ends there are, the newest first."""
    found: list[date] = months["on"].unique().sort(descending=True).to_list()
    return found
