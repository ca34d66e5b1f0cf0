"""cumcm2020c through the lake: five indicators against a direct computation in Polars."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cli.conftest import Real
from xinqiao.indicator.compute import compute
from xinqiao.indicator.snapshot import Snapshot
from xinqiao.source.lake import Lake

IDS = ["INV01", "INV06", "INV12", "INV13", "INV18"]
AS_OF = date(2019, 12, 31)


def invoices(folder: Path, pattern: str) -> pl.DataFrame:
    frames = [pl.read_csv(path, infer_schema_length=0) for path in sorted(folder.glob(pattern))]
    frame = pl.concat([f.rename({f.columns[3]: "对手"}) for f in frames], how="diagonal")
    return frame.with_columns(
        pl.col("开票日期").str.slice(0, 10).str.to_date("%Y-%m-%d"),
        (pl.col("金额").cast(pl.Float64) * 100).round().cast(pl.Int64),
        pl.col("发票状态").str.strip_chars(),
    ).filter(pl.col("开票日期").dt.year() == AS_OF.year)


@pytest.mark.real_data
@pytest.mark.slow
def test_five_indicators_equal_polars(real: Real, real_data: Path) -> None:
    folder = real_data / "cumcm2020c"
    snapshot: Snapshot = compute(Lake(real.out / "lake"), AS_OF, ids=IDS)
    ours = pl.DataFrame(pl.from_arrow(snapshot.values))
    assert ours.height == 425

    out, into = invoices(folder, "a*_output*.csv*"), invoices(folder, "a*_input*.csv*")
    valid, bought = (f.filter(pl.col("发票状态") == "有效发票") for f in (out, into))
    by = "企业代号"
    partner = valid.group_by(by, "对手").agg(pl.col("金额").sum()).filter(pl.col("金额") > 0)
    theirs = (
        out.group_by(by)
        .agg(INV06=(pl.col("发票状态") == "作废发票").mean())
        .join(valid.group_by(by).agg(INV01=pl.col("金额").sum() / 100), by, how="left")
        .join(
            valid.filter(pl.col("金额") > 0).group_by(by).agg(INV12=pl.col("对手").n_unique()), by, how="left"
        )
        .join(
            partner.group_by(by).agg(INV13=pl.col("金额").top_k(5).sum() / pl.col("金额").sum()),
            by,
            how="left",
        )
        .join(bought.group_by(by).agg(bought=pl.col("金额").sum() / 100), by, how="left")
        .with_columns(INV18=pl.col("bought").fill_null(0) / pl.col("INV01"))
    )
    both = ours.join(theirs, left_on="company_id", right_on=by, suffix="_polars")
    assert both.height > 400
    for name in IDS:
        pair = both.select(name, f"{name}_polars").drop_nulls()
        assert pair.height > 400
        np.testing.assert_allclose(
            pair[name], pair[f"{name}_polars"], rtol=0, atol=0.0051 if name == "INV01" else 1e-6
        )
