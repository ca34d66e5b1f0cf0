from __future__ import annotations

from datetime import date

import polars as pl

from xinqiao.city.truth import Truth
from xinqiao.indicator.compute import compute
from xinqiao.source.lake import Lake

MUTUAL = 0.1  # the red flag of INV21


def test_mutual_invoicing_is_found_where_it_was_planted_and_in_its_look_alikes(
    region: Truth, lake: Lake
) -> None:
    planted = pl.read_parquet(region.table).drop_nulls("ring").unique("company_id")
    assert planted.group_by("ring").len()["len"].to_list() == [2, 2]  # this seed plants two pairs
    flagged: set[str] = set()
    for day in (date(2024, 6, 30), date(2025, 6, 30)):
        values = pl.DataFrame(compute(lake, day, ids=["INV21"]).values)
        flagged |= set(values.filter(pl.col("INV21") > MUTUAL)["company_id"])
    told = pl.read_parquet(region.table.with_name("fraud.parquet")).filter(pl.col("rule") == "FI02")
    look_alikes = set(told.filter("innocent")["company_id"])  # settle inside a group: seen, not fraud
    assert set(planted["company_id"]) == set(told.filter(~pl.col("innocent"))["company_id"])
    assert set(planted["company_id"]) <= flagged <= set(planted["company_id"]) | look_alikes
