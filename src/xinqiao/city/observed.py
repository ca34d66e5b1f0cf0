"""What real and generated deliveries show of the same facts, each as a sample of values.

The real sets are the user's: invoices of masked firms (``cumcm2020c``), daily electricity of the companies
of one county (``tianchi_power``) and lawsuits of small firms (``smesd``). Every function takes frames with
the same few columns, so both sides are measured alike.
"""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from xinqiao.city.draw import Floats
from xinqiao.city.weather import spring_festival
from xinqiao.kernel.errors import fail

MIN_INVOICES, MIN_DAYS = 30, 200
IDLE_KWH = 1
FESTIVALS = (date(2015, 2, 19), date(2016, 2, 8))
AROUND = (-2, 9)  # days from the festival taken as its trough
LAWSUIT_MONTHS = 60
Samples = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Sides:
    """Real and generated samples of one set, by measure; ``real`` is None where the set is not there."""

    name: str
    real: Samples | None
    generated: Samples


def invoice_samples(rows: pl.DataFrame) -> Samples:
    """Of sales with ``company``, ``day``, ``party``, ``amount`` (CNY) and ``void``.

    One value a company, but every amount.
    """
    valid = rows.filter(~pl.col("void"), pl.col("amount") > 0)
    many = rows.group_by("company").agg(
        void=pl.col("void").mean(),
        red=(pl.col("amount") < 0).sum() / (~pl.col("void")).sum(),
        rows=pl.len(),
        first=pl.col("day").min(),
        last=pl.col("day").max(),
        months=pl.col("day").filter(~pl.col("void")).dt.truncate("1mo").n_unique(),
    )
    many = many.filter(pl.col("rows") >= MIN_INVOICES).sort("company")
    span = many.select(
        months=(pl.col("last").dt.year() - pl.col("first").dt.year()) * 12
        + pl.col("last").dt.month()
        - pl.col("first").dt.month()
        + 1
    )["months"].to_numpy()
    by_party = valid.group_by("company", "party").agg(pl.col("amount").sum())
    top = by_party.group_by("company").agg(share=pl.col("amount").top_k(5).sum() / pl.col("amount").sum())
    top = top.filter(pl.col("company").is_in(many["company"].to_list())).sort("company")
    return {
        "void_rate": many["void"].to_numpy(),
        "red_rate": many["red"].to_numpy(),
        "log_amount": np.sort(np.log10(valid["amount"].to_numpy())),
        "top5_share": top["share"].to_numpy(),
        "invoices_per_month": many["rows"].to_numpy() / span,
        "empty_months": 1 - many["months"].to_numpy() / span,
    }


def power_samples(rows: pl.DataFrame, festivals: tuple[date, ...]) -> Samples:
    """Of ``company``, ``day`` and ``kwh``: idle days, weekends, holiday trough and roughness by company."""
    known = rows.filter(pl.len().over("company") >= MIN_DAYS, pl.col("kwh").median().over("company") > 10)  # noqa: PLR2004 - an account in use
    near = pl.any_horizontal([(pl.col("day") - day).dt.total_days().is_between(*AROUND) for day in festivals])
    week = pl.col("day").dt.weekday()
    table = known.group_by("company").agg(
        idle=(pl.col("kwh") <= IDLE_KWH).mean(),
        weekend=pl.col("kwh").filter(week > 5).mean() / pl.col("kwh").filter(week <= 5).mean(),  # noqa: PLR2004 - Friday
        festival=pl.col("kwh").filter(near).mean() / pl.col("kwh").filter(~near).mean(),
        rough=pl.col("kwh").std() / pl.col("kwh").mean(),
        usual=pl.col("kwh").median().log10(),
    )
    out = table.sort("company").fill_nan(None)
    return {
        "idle_days": out["idle"].drop_nulls().to_numpy(),
        "weekend_ratio": out["weekend"].drop_nulls().to_numpy(),
        "festival_ratio": out["festival"].drop_nulls().to_numpy(),
        "daily_variation": out["rough"].drop_nulls().to_numpy(),
        "log_daily_kwh": out["usual"].drop_nulls().to_numpy(),
    }


def lawsuit_samples(cases: pl.DataFrame, firms: int) -> Samples:
    """Of ``company``, ``cause``, ``defendant`` and ``lost`` (null: unknown), for ``firms`` firms in all."""
    count = cases.group_by("company").len().sort("company")["len"].to_numpy()
    every = np.concatenate([np.zeros(max(0, firms - len(count))), count]).astype(np.float64)
    shares = cases["cause"].value_counts(normalize=True).sort("proportion", descending=True)["proportion"]
    return {
        "cases_per_firm": every,
        "cases_if_any": every[every > 0],
        "any_case": (every > 0).astype(np.float64),
        "defendant": cases["defendant"].cast(pl.Float64).drop_nulls().to_numpy(),
        "lost": cases.filter("defendant")["lost"].cast(pl.Float64).drop_nulls().to_numpy(),
        "commonest_cause": shares.head(1).to_numpy(),
        "second_cause": shares.slice(1, 1).to_numpy(),
    }


def _csv(path: Path, encoding: str = "utf-8") -> pl.DataFrame:
    """A CSV, packed or not, as texts."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode(encoding)
    return pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)


def _found(folder: Path, stem: str) -> Path:
    """The file of the city that holds a table. Raises UserError CITY-NO-TABLE."""
    paths = sorted(folder.glob(f"{stem}.*"))
    if not paths:
        fail("CITY-NO-TABLE", str(folder), table=stem)
    return paths[0]


def _sales(rows: pl.DataFrame, party: str) -> pl.DataFrame:
    """Sales in common columns; rows whose date or amount can't be read are left out on both sides."""
    return rows.select(
        company="企业代号",
        party=party,
        day=pl.col("开票日期").str.to_date(strict=False),
        amount=pl.col("金额").str.replace_all(",", "").cast(pl.Float64, strict=False),
        void=pl.col("发票状态").str.strip_chars() == "作废发票",
    ).drop_nulls(["company", "day", "amount", "void"])


def invoices(data: Path, city: Path) -> Sides:
    """Sales of the real firms and of the generated ones."""
    made = invoice_samples(_sales(_csv(_found(city, "sales"), "gb18030"), "购方代号"))
    folder = data / "cumcm2020c"
    if not folder.is_dir():
        return Sides("cumcm2020c", None, made)
    real = pl.concat([_csv(path) for path in sorted(folder.glob("a?_output_invoices.csv.gz"))])
    return Sides("cumcm2020c", invoice_samples(_sales(real, "购方单位代号")), made)


def power(data: Path, city: Path) -> Sides:
    """Daily electricity of the county's companies and of the generated ones."""
    rows = (
        pl.read_parquet(_found(city, "power_day"))
        .group_by(company="企业代号", day="日期")
        .agg(kwh=pl.col("用电量").sum())
    )
    years = rows["day"].dt.year().unique().sort()
    epoch = date(1970, 1, 1)
    festivals = tuple(epoch + timedelta(days=spring_festival(year)) for year in years)
    made = power_samples(rows, festivals)
    path = data / "tianchi_power" / "daily_kwh.csv.gz"
    if not path.exists():
        return Sides("tianchi_power", None, made)
    wide = _csv(path)
    long = wide.unpivot(index="record_date", variable_name="company", value_name="kwh").select(
        "company", day=pl.col("record_date").str.to_date(), kwh=pl.col("kwh").cast(pl.Float64)
    )
    return Sides("tianchi_power", power_samples(long.drop_nulls(), FESTIVALS), made)


def lawsuits(data: Path, city: Path) -> Sides:
    """Cases of the last LAWSUIT_MONTHS months of real and generated companies (shops left out)."""
    register = _csv(_found(city, "registry")).filter(pl.col("企业类型") != "个体工商户")
    rows = _csv(_found(city, "court_case")).filter(pl.col("企业代号").is_in(register["企业代号"].to_list()))
    last = rows.group_by("企业代号", "案号", "地位").agg(
        pl.col("案由").first(), pl.col("结果").drop_nulls().last()
    )
    made = last.select(
        company="企业代号",
        cause="案由",
        defendant=pl.col("地位") == "被告",
        lost=pl.col("结果").is_in(["败诉", "部分支持"]),
    )
    made_samples = lawsuit_samples(made, register["企业代号"].n_unique())
    folder = data / "smesd"
    if not folder.is_dir():
        return Sides("smesd", None, made_samples)
    firms = _csv(folder / "firms.csv.gz").select("split", "node").unique()
    cases = _csv(folder / "lawsuits.csv.gz").filter(
        pl.col("months_before_observation").cast(pl.Float64) < LAWSUIT_MONTHS
    )
    # results: 0 plaintiff won, 1 plaintiff lost, 2 defendant won, 3 defendant lost
    real = cases.select(
        company=pl.col("split") + pl.col("node"),
        cause="cause",
        defendant=pl.col("result").is_in(["2", "3"]),
        lost=pl.col("result") == "3",
    )
    return Sides("smesd", lawsuit_samples(real, len(firms)), made_samples)


def default_shares(data: Path, city: Path) -> tuple[dict[str, float], float]:
    """Share of defaults: of each real set there, and of the accounts of the city over its whole period."""
    path = _found(city, "credit")
    credit = pl.read_excel(path, engine="openpyxl") if path.suffix == ".xlsx" else _csv(path)
    real: dict[str, float] = {}
    if (rated := data / "cumcm2020c" / "a1_enterprises.csv").exists():
        real["cumcm2020c"] = _share(_csv(rated)["是否违约"] == "是")
    if (firms := data / "smesd" / "firms.csv.gz").exists():
        real["smesd"] = _share(_csv(firms)["bankrupt"] == "1")
    return real, _share(credit["是否违约"] == "是")


def _share(flags: pl.Series) -> float:
    """How many of the flags are set, as a share."""
    return int(flags.sum()) / max(1, len(flags))
