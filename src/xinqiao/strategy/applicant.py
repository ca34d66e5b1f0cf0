"""Applicants (拟授信企业): who may be lent to, read from a table of companies or made up for the demo."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from xinqiao.kernel.errors import fail, user_error
from xinqiao.strategy.industry import Sureness, told_by_name
from xinqiao.strategy.terms import RATINGS, REFUSED, Terms

TEXTS = ("company_id", "name", "rating", "industry", "kind", "size")


@dataclass(frozen=True, slots=True)
class Applicant:
    """One company: yearly PD (0..1) with its interval, rating A-D, industry group, kind, size class.

    ``sales_cny``: sales of the last twelve months; None where not known.
    """

    id: str
    name: str
    pd: float
    rating: str
    pd_low: float | None = None
    pd_high: float | None = None
    industry: str = "unknown"
    sureness: Sureness = "unknown"
    kind: str = "other"
    size: str | None = None
    sales_cny: float | None = None


def rating_of(pd: float, bounds: Sequence[float]) -> str:
    """The rating whose upper PD in ``bounds`` (A, B, C) holds ``pd``; D above all."""
    return next((r for r, upper in zip(RATINGS, bounds, strict=True) if pd <= upper), REFUSED)


def bounds_of(terms: Terms) -> tuple[float, ...]:
    """The upper PDs of A, B and C written in the terms."""
    return tuple(float(terms.ratings[rating]) for rating in RATINGS)


def read_applicants(path: Path, terms: Terms) -> list[Applicant]:
    """The companies of a CSV or Parquet file; raises UserError STR-FILE, STR-COMPANIES."""
    try:
        table = _table(path)
        rows = table.to_pylist()
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise user_error("STR-FILE", str(path), detail=str(error)) from error
    if not {"company_id", "pd"} <= set(table.column_names):
        fail("STR-COMPANIES", str(path), detail="company_id, pd")
    if not rows:
        fail("STR-COMPANIES", str(path), detail="no rows / 没有企业")
    found = [_applicant(row, f"{path}:{i}", terms) for i, row in enumerate(rows, start=2)]
    seen: set[str] = set()
    for line, each in enumerate(found, start=2):
        if each.id in seen:
            what = f"company_id {each.id!r} stands twice / 企业编号重复"
            fail("STR-COMPANIES", f"{path}:{line}", detail=what)
        seen.add(each.id)
    return found


def _table(path: Path) -> pa.Table:
    if path.suffix.lower() == ".parquet":
        return pq.read_table(path)
    texts = pa_csv.ConvertOptions(column_types=dict.fromkeys(TEXTS, pa.string()), strings_can_be_null=True)
    return pa_csv.read_csv(path, convert_options=texts)


def _applicant(row: Mapping[str, Any], where: str, terms: Terms) -> Applicant:
    key, pd = str(row["company_id"] or ""), _share(row, "pd", where)
    if not key or pd is None:
        fail("STR-COMPANIES", where, detail=f"company_id {key!r}, pd {row['pd']!r}")
    low, high = _share(row, "pd_low", where), _share(row, "pd_high", where)
    if not (low if low is not None else pd) <= pd <= (high if high is not None else pd):
        fail("STR-COMPANIES", where, detail=f"pd_low {low} <= pd {pd} <= pd_high {high}")
    rating = row.get("rating") or rating_of(pd, bounds_of(terms))
    if rating not in (*RATINGS, REFUSED):
        fail("STR-COMPANIES", where, detail=f"rating {rating!r}")
    name = str(row.get("name") or key)
    told = told_by_name(name)
    given = row.get("industry")
    return Applicant(
        id=key,
        name=name,
        pd=pd,
        rating=rating,
        pd_low=low,
        pd_high=high,
        industry=given or told.industry,
        sureness="given" if given else told.sureness,
        kind=row.get("kind") or told.kind,
        size=row.get("size") or None,
        sales_cny=_amount(row, where),
    )


def _share(row: Mapping[str, Any], name: str, where: str) -> float | None:
    value = _number(row, name, where)
    if value is not None and not 0 <= value <= 1:
        fail("STR-COMPANIES", where, detail=f"{name} {value}")
    return value


def _amount(row: Mapping[str, Any], where: str) -> float | None:
    value = _number(row, "sales_cny", where)
    return None if value is None else max(0.0, value)


def _number(row: Mapping[str, Any], name: str, where: str) -> float | None:
    given = row.get(name)
    if given is None or given == "":
        return None
    try:
        value = float(given)
    except (TypeError, ValueError) as error:
        raise user_error("STR-COMPANIES", where, detail=f"{name} {given!r}") from error
    if math.isnan(value):
        return None
    if math.isinf(value):
        fail("STR-COMPANIES", where, detail=f"{name} {given!r}")
    return value


DEMO_WORDS = ("建筑工程", "商贸", "物流", "餐饮", "科技", "机械制造", "广告", "医药", "农业开发")


def generated_applicants(count: int, seed: int, terms: Terms) -> list[Applicant]:
    """Companies made up for the demo; PDs follow a beta law with mean 0.18, one in five a sole trader."""
    draw = np.random.default_rng(seed)
    pds = np.clip(draw.beta(0.8, 3.6, count), 0.003, 0.97)
    spread = np.exp(draw.uniform(0.4, 0.9, count))
    found = []
    for i in range(count):
        odds = pds[i] / (1 - pds[i])
        low, high = odds / spread[i], odds * spread[i]
        word = DEMO_WORDS[int(draw.integers(len(DEMO_WORDS)))]
        sole = bool(draw.random() < 0.2)  # noqa: PLR2004 - one in five
        name = f"个体经营G{i + 1}" if sole else f"示范{word}有限公司"
        told = told_by_name(name)
        pd = round(float(pds[i]), 6)
        found.append(
            Applicant(
                id=f"G{i + 1}",
                name=name,
                pd=pd,
                rating=rating_of(pd, bounds_of(terms)),
                pd_low=min(pd, round(float(low / (1 + low)), 6)),
                pd_high=max(pd, round(float(high / (1 + high)), 6)),
                industry=told.industry,
                sureness=told.sureness,
                kind=told.kind,
                sales_cny=round(float(draw.lognormal(14.5, 1.2)), 2),
            )
        )
    return found
