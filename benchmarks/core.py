"""Sixteen invoice indicators written directly in Polars and in pandas, as one would without this project.

Definitions as in catalog/indicators/INV.yaml; all at one date, which is the end of a month.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow.parquet as pq

from xinqiao.kernel.period import add_months

INDICATORS = (
    *("INV01", "INV02", "INV03", "INV05", "INV06", "INV07", "INV09", "INV10"),
    *("INV11", "INV12", "INV13", "INV14", "INV15", "INV17", "INV18", "INV26"),
)
COLUMNS = [
    *("company_id", "direction", "issued_on", "issued_at", "counterparty", "counterparty_kind"),
    *("amount_cents", "status", "status_known_on", "known_on"),
]
LIMITS = (10**6, 10**7, 10**8, 10**9)


YEAR = pl.col("back") < 12
AMOUNT, ISSUED = pl.col("amount_cents"), pl.col("issued_on")


def in_polars(files: list[Path], as_of: date) -> pl.DataFrame:
    """All sixteen, lazily and streaming where Polars can."""
    rows = _polars_rows(files, as_of)
    company = _polars_months(rows).group_by("company_id").agg(**_polars_company())
    joined = company.join(_polars_partners(rows), on="company_id", how="left").sort("company_id")
    return joined.select("company_id", *INDICATORS).collect(engine="streaming")


def _polars_rows(files: list[Path], as_of: date) -> pl.LazyFrame:
    since = add_months(as_of.replace(day=1), -23)
    month = ISSUED.dt.year().cast(pl.Int32) * 12 + ISSUED.dt.month()
    return (
        pl.scan_parquet(files, hive_partitioning=False)
        .select(COLUMNS)
        .filter(pl.col("known_on") <= as_of, as_of >= ISSUED, since <= ISSUED)
        .with_columns(
            back=as_of.year * 12 + as_of.month - month,
            sale=pl.col("direction") == "output",
            valid=(pl.col("status") != "void") | (pl.coalesce("status_known_on", "known_on") > as_of),
        )
    )


def _polars_months(rows: pl.LazyFrame) -> pl.LazyFrame:
    sale, sold = pl.col("sale"), pl.col("valid") & pl.col("sale")
    blue = sold & (AMOUNT > 0)
    hour = pl.col("issued_at").str.slice(0, 2).cast(pl.Int8)
    month_end = (ISSUED.dt.month_end() - ISSUED).dt.total_days() < 3
    capped = pl.any_horizontal(AMOUNT.abs().is_between(limit * 995 // 1000, limit) for limit in LIMITS)
    return rows.group_by("company_id", "back").agg(
        sales=AMOUNT.filter(sold).sum(),
        purchases=AMOUNT.filter(pl.col("valid") & ~sale).sum(),
        rows=sale.sum(),
        void=(sale & ~pl.col("valid")).sum(),
        good=sold.sum(),
        blue=AMOUNT.filter(blue).sum(),
        red=-AMOUNT.filter(sold & (AMOUNT < 0)).sum(),
        late=AMOUNT.filter(blue & month_end).sum(),
        night=(sale & ((hour >= 22) | (hour < 6))).sum(),
        capped=(sold & capped).sum(),
        person=AMOUNT.filter(sold & (pl.col("counterparty_kind") == "person")).sum(),
    )


def _polars_company() -> dict[str, pl.Expr]:
    def year(name: str) -> pl.Expr:
        return pl.col(name).filter(YEAR).sum().cast(pl.Float64)

    sales = pl.col("sales").cast(pl.Float64)
    recent, earlier = pl.col("back") < 3, pl.col("back").is_between(3, 11)
    mean = year("sales") / 12
    spread = ((sales.filter(YEAR).pow(2).sum() - 12 * mean**2) / 11).clip(lower_bound=0).sqrt()
    return {
        "INV01": year("sales") / 100,
        "INV02": year("sales") / sales.filter(~YEAR).sum() - 1,
        "INV03": (sales.filter(recent).sum() / 3) / (sales.filter(earlier).sum() / 9),
        "INV05": spread / mean,
        "INV06": year("void") / year("rows"),
        "INV07": year("red") / year("blue"),
        "INV09": (pl.col("late") / pl.col("blue")).filter(YEAR & (pl.col("blue") > 0)).mean(),
        "INV10": year("night") / year("rows"),
        "INV11": year("capped") / year("good"),
        "INV18": year("purchases") / year("sales"),
        "INV26": year("person") / year("sales"),
    }


def _polars_partners(rows: pl.LazyFrame) -> pl.LazyFrame:
    partners = (
        rows.filter(pl.col("valid"))
        .group_by("company_id", "sale", "counterparty")
        .agg(
            cents=AMOUNT.filter(YEAR).sum(),
            now=(YEAR & (AMOUNT > 0)).any(),
            before=(~YEAR & (AMOUNT > 0)).any(),
        )
    )
    sale, cents = pl.col("sale"), pl.col("cents")
    net, bought = cents.filter(sale & (cents > 0)), cents.filter(~sale & (cents > 0))
    return partners.group_by("company_id").agg(
        INV12=(sale & pl.col("now")).sum(),
        INV13=net.top_k(5).sum() / net.sum(),
        INV14=(net / net.sum()).pow(2).sum(),
        INV15=(sale & pl.col("now") & pl.col("before")).sum() / (sale & pl.col("before")).sum(),
        INV17=bought.top_k(5).sum() / bought.sum(),
    )


def in_pandas(files: list[Path], as_of: date) -> pd.DataFrame:
    """All sixteen with Arrow-backed frames and group-bys on prepared columns."""
    rows = _pandas_rows(files, as_of)
    keys = ["company_id", "back"]
    monthly = rows.groupby(keys, sort=False)[
        ["sales", "purchases", "sale", "void", "good", "blue", "red", "late", "night", "capped", "person"]
    ].sum()
    monthly = monthly.reset_index().astype({"company_id": str})
    last = monthly[monthly["back"] < 12].copy()
    last["late_share"] = (last["late"] / last["blue"]).where(last["blue"] > 0)
    last["squares"] = last["sales"].astype("float64") ** 2
    year = last.groupby("company_id").sum().drop(columns="back").astype("float64")
    out = pd.DataFrame(index=monthly["company_id"].drop_duplicates().sort_values())
    year = year.reindex(out.index)
    before = monthly[monthly["back"] >= 12].groupby("company_id")["sales"].sum()
    recent = monthly[monthly["back"] < 3].groupby("company_id")["sales"].sum()
    recent = recent.reindex(out.index, fill_value=0)
    mean = year["sales"] / 12
    out["INV01"] = year["sales"] / 100
    out["INV02"] = year["sales"] / before.reindex(out.index) - 1
    out["INV03"] = (recent / 3) / ((year["sales"] - recent) / 9)
    out["INV05"] = ((year["squares"] - 12 * mean**2) / 11).clip(lower=0) ** 0.5 / mean
    out["INV06"] = year["void"] / year["sale"]
    out["INV07"] = year["red"] / year["blue"]
    out["INV09"] = last.groupby("company_id")["late_share"].mean().reindex(out.index)
    out["INV10"] = year["night"] / year["sale"]
    out["INV11"] = year["capped"] / year["good"]
    out["INV18"] = year["purchases"] / year["sales"]
    out["INV26"] = year["person"] / year["sales"]
    joined: pd.DataFrame = out.join(_pandas_partners(rows)).reset_index()[["company_id", *INDICATORS]]
    return joined


def _pandas_rows(files: list[Path], as_of: date) -> pd.DataFrame:
    since = add_months(as_of.replace(day=1), -23)
    filters = [("known_on", "<=", as_of), ("issued_on", "<=", as_of), ("issued_on", ">=", since)]
    parts = [pq.read_table(file, columns=COLUMNS, filters=filters, partitioning=None) for file in files]
    rows: pd.DataFrame = pd.concat(
        [part.to_pandas(date_as_object=False) for part in parts], ignore_index=True
    )
    for name in ("company_id", "counterparty", "direction", "status", "counterparty_kind"):
        rows[name] = rows[name].astype("category")
    issued, amount, now = rows["issued_on"], rows["amount_cents"], pd.Timestamp(as_of)
    rows["back"] = as_of.year * 12 + as_of.month - issued.dt.year * 12 - issued.dt.month
    rows["sale"] = rows["direction"] == "output"
    rows["valid"] = (rows["status"] != "void") | (rows["status_known_on"].fillna(rows["known_on"]) > now)
    rows["good"] = rows["sale"] & rows["valid"]
    rows["void"] = rows["sale"] & ~rows["valid"]
    rows["sales"] = amount.where(rows["good"], 0)
    rows["purchases"] = amount.where(rows["valid"] & ~rows["sale"], 0)
    rows["blue"] = rows["sales"].clip(lower=0)
    rows["red"] = (-rows["sales"]).clip(lower=0)
    month_end = issued.dt.days_in_month - issued.dt.day < 3
    rows["late"] = rows["blue"].where(month_end, 0)
    hour = rows.pop("issued_at").str.slice(0, 2).astype("int8")
    rows["night"] = rows["sale"] & ((hour >= 22) | (hour < 6))
    size = amount.abs()
    near = [size.between(limit * 995 // 1000, limit) for limit in LIMITS]
    rows["capped"] = rows["good"] & (near[0] | near[1] | near[2] | near[3])
    rows["person"] = rows["sales"].where(rows["counterparty_kind"] == "person", 0)
    return rows


def _pandas_partners(rows: pd.DataFrame) -> pd.DataFrame:
    valid = rows[rows["valid"]]
    positive, year = valid["amount_cents"] > 0, valid["back"] < 12
    valid = valid.assign(
        cents=valid["amount_cents"].where(year, 0), now=positive & year, before=positive & ~year
    )
    keys = ["company_id", "sale", "counterparty"]
    partner = valid.groupby(keys, observed=True, sort=False)[["cents", "now", "before"]].sum().reset_index()
    partner["company_id"] = partner["company_id"].astype(str)
    customer = partner[partner["sale"]]
    now, before = customer["now"] > 0, customer["before"] > 0
    out = pd.DataFrame({"INV12": now.groupby(customer["company_id"]).sum()})
    kept = (now & before).groupby(customer["company_id"]).sum()
    out["INV15"] = kept.astype("float64") / before.groupby(customer["company_id"]).sum().astype("float64")
    for name, side in (("INV13", customer), ("INV17", partner[~partner["sale"]])):
        net = side[side["cents"] > 0].sort_values("cents", ascending=False)
        groups = net.groupby("company_id")["cents"]
        top = net[groups.cumcount() < 5].groupby("company_id")["cents"].sum()
        out = out.join((top / groups.sum()).rename(name), how="outer")
        if name == "INV13":
            share = net["cents"] / groups.transform("sum")
            out["INV14"] = (share**2).groupby(net["company_id"]).sum()
    return out
