from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from xinqiao.city.calibration import MEASURES, _distance, calibration_report
from xinqiao.city.observed import invoice_samples, lawsuit_samples, power_samples
from xinqiao.city.truth import Truth
from xinqiao.kernel.errors import UserError


def sales() -> pl.DataFrame:
    """Company A: 40 invoices of 100 CNY in two months, 4 void, 2 reversed, to ten customers."""
    day = [date(2024, 1, 1) + timedelta(days=i) for i in range(40)]
    return pl.DataFrame(
        {
            "company": ["A"] * 40,
            "party": [f"P{i % 10}" for i in range(40)],
            "day": day,
            "amount": [-100.0 if i in (5, 6) else 100.0 for i in range(40)],
            "void": [i < 4 for i in range(40)],
        }
    )


def test_invoice_samples_by_hand() -> None:
    samples = invoice_samples(sales())
    assert samples["void_rate"] == pytest.approx([0.1])
    assert samples["red_rate"] == pytest.approx([2 / 36])
    assert samples["log_amount"].tolist() == [2.0] * 34
    assert samples["invoices_per_month"] == pytest.approx([20.0])
    assert samples["empty_months"] == pytest.approx([0.0])
    # four customers with four valid ones, the fifth with three
    assert samples["top5_share"][0] == pytest.approx(19 / 34)


def test_power_samples_by_hand() -> None:
    start = date(2024, 1, 1)  # a Monday
    day = [start + timedelta(days=i) for i in range(364)]
    rows = pl.DataFrame(
        {"company": ["A"] * 364, "day": day, "kwh": [50.0 if d.weekday() >= 5 else 100.0 for d in day]}
    )
    rows = rows.with_columns(kwh=pl.when(pl.col("day") == start).then(0.0).otherwise("kwh"))
    samples = power_samples(rows, (date(2023, 12, 20),))
    assert samples["idle_days"] == pytest.approx([1 / 364])
    assert samples["weekend_ratio"] == pytest.approx([50 / (100 * 259 / 260)])
    assert samples["log_daily_kwh"] == pytest.approx([2.0])
    assert len(samples["festival_ratio"]) == 0  # no day near it


def test_lawsuit_samples_by_hand() -> None:
    cases = pl.DataFrame(
        {
            "company": ["A", "A", "B"],
            "cause": ["x", "x", "y"],
            "defendant": [True, True, False],
            "lost": [True, False, False],
        }
    )
    samples = lawsuit_samples(cases, firms=4)
    assert sorted(samples["cases_per_firm"]) == [0, 0, 1, 2]
    assert samples["any_case"].mean() == 0.5
    assert samples["defendant"].mean() == pytest.approx(2 / 3)
    assert samples["lost"].mean() == 0.5
    assert samples["commonest_cause"] == pytest.approx([2 / 3])


def test_the_distance_is_scipys() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.normal(size=300), rng.normal(0.4, 1.3, 200)
    assert _distance(left, right) == pytest.approx(ks_2samp(left, right).statistic)
    assert _distance(left, left) == 0


def _real_sets(folder: Path) -> None:
    """Tiny files in the real sets' form."""
    for name in ("cumcm2020c", "smesd", "tianchi_power"):
        (folder / name).mkdir(parents=True)
    lines = ["企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态"]
    lines += [f"E1,{i},2019-0{1 + i % 9}-05,D{i % 7},{100 + i},1,{101 + i}, 有效发票" for i in range(60)]
    lines += [f"E1,9{i},2019-03-05,D1,10,1,11,作废发票" for i in range(5)]
    packed = folder / "cumcm2020c" / "a1_output_invoices.csv.gz"
    packed.write_bytes(gzip.compress("\n".join(lines).encode()))
    (folder / "cumcm2020c" / "a1_enterprises.csv").write_text("企业代号,是否违约\nE1,是\nE2,否\n", "utf-8")
    power = ["record_date,1,2"]
    power += [f"{date(2015, 1, 1) + timedelta(days=i)},{100 + i % 7},{1 + i % 30}" for i in range(400)]
    (folder / "tianchi_power" / "daily_kwh.csv.gz").write_bytes(gzip.compress("\n".join(power).encode()))
    firms = "split,node,bankrupt\ntrain,1,1\ntrain,2,0\n"
    (folder / "smesd" / "firms.csv.gz").write_bytes(gzip.compress(firms.encode()))
    heading = "split,node,cause,court,result,months_before_observation,time_label"
    cases = f"{heading}\ntrain,1,0,0,3,5,1\ntrain,1,1,0,0,90,1\n"
    (folder / "smesd" / "lawsuits.csv.gz").write_bytes(gzip.compress(cases.encode()))


def test_the_report_compares_what_is_there(tmp_path: Path, region: Truth) -> None:
    _real_sets(tmp_path / "real")
    city = region.data.parent
    page = calibration_report(tmp_path / "real", city, tmp_path / "out")
    told = json.loads((tmp_path / "out" / "calibration.json").read_text("utf-8"))
    assert {row["id"] for row in told["rows"]} <= {measure.id for measure in MEASURES}
    void = next(row for row in told["rows"] if row["id"] == "void_rate")
    assert void["real"][1] == pytest.approx(5 / 65)
    assert void["verdict"]["zh"]
    cases = next(row for row in told["rows"] if row["id"] == "cases_per_firm")
    assert cases["real"][:2] == [2, 0.5]  # one case in the last 60 months, the older one left out
    assert dict(told["defaults"]["real"]) == {"cumcm2020c": 0.5, "smesd": 0.5}
    assert told["missing"] == []
    html = page.read_text("utf-8")
    assert "生成数据" in html
    assert html.count("<figure>") >= 10


def test_a_set_that_is_not_there_is_named(tmp_path: Path, region: Truth) -> None:
    _real_sets(tmp_path / "real")
    (tmp_path / "real" / "tianchi_power" / "daily_kwh.csv.gz").unlink()
    page = calibration_report(tmp_path / "real", region.data.parent, tmp_path / "out")
    told = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert told["missing"] == ["tianchi_power"]
    assert not [row for row in told["rows"] if row["source"] == "tianchi_power"]


def test_no_set_at_all_and_no_table_are_refused(tmp_path: Path, region: Truth) -> None:
    with pytest.raises(UserError) as error:
        calibration_report(tmp_path, region.data.parent, tmp_path / "out")
    assert error.value.code == "CITY-NO-REAL"
    (tmp_path / "city" / "data").mkdir(parents=True)
    with pytest.raises(UserError) as error:
        calibration_report(tmp_path, tmp_path / "city", tmp_path / "out")
    assert error.value.code == "CITY-NO-TABLE"


@pytest.mark.real_data
def test_the_real_sets_can_be_read(tmp_path: Path, region: Truth, real_data: Path) -> None:
    page = calibration_report(real_data, region.data.parent, tmp_path)
    told = {row["id"]: row for row in json.loads(page.with_suffix(".json").read_text("utf-8"))["rows"]}
    assert len(told) == len(MEASURES)
    assert told["any_case"]["real"][1] == pytest.approx(0.356, abs=0.001)
    assert told["commonest_cause"]["distance"] < 0.15
