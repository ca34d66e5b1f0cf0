"""DuckDB and Spark give equal values on all indicators, within one unit of precision."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.indicator.lakes import RowLake, T, Tables, sale
from tests.indicator.region import COMPANIES, START
from tests.indicator.sparks import tiny_spark
from xinqiao.indicator import engine as engines
from xinqiao.indicator.compute import compute
from xinqiao.indicator.definition import indicators
from xinqiao.indicator.engine import Spark, engine_of
from xinqiao.kernel.errors import UserError

SEED = 20_241_231


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    spark = tiny_spark()
    yield spark
    spark.stop()


def region() -> Tables:
    """A thousand invoices among five companies and outsiders, two years, all contracts."""
    dice = random.Random(SEED)  # noqa: S311 - test data, reproducible on purpose
    rows = []
    for _ in range(1_000):
        day = START + timedelta(days=dice.randrange((T - START).days + 40))
        buyer = dice.choice([*COMPANIES, *COMPANIES, "X", "Y", "Z"])
        row = sale(dice.choice(COMPANIES), day, dice.choice([-50.55, 99.9, 9960, 1234.56]), buyer)
        row |= {
            "direction": dice.choice(["input", "output"]),
            "counterparty_id": dice.choice([None, buyer, buyer]),
            "counterparty_kind": dice.choice(["company", "person", None]),
            "goods_code": dice.choice(["0101", "0202", "0303", None]),
            "issued_at": dice.choice(["02:00:00", "13:00:00", None]),
            "status": dice.choice(["valid"] * 7 + ["void"]),
            "status_known_on": dice.choice([None, day + timedelta(days=20)]),
            "original_issued_on": day - timedelta(days=dice.randrange(200)),
            "known_on": day + timedelta(days=dice.choice([0, 0, 30])),
        }
        rows.append(row)
    return {"invoice": rows} | register(dice)


def register(dice: random.Random) -> Tables:
    days = [START + timedelta(days=n * 60) for n in range(14)]
    firms = [
        {
            "company_id": company,
            "name": company,
            "status": dice.choice(["active", "active", "revoked"]),
            "established_on": dice.choice(days),
            "legal_representative_hash": dice.choice("pq"),
            "registered_capital_cents": 100_000 * dice.randrange(1, 9),
            "paid_in_capital_cents": 7_000 * dice.randrange(9),
            "address": dice.choice(["示例路1号", "示例路 １ 号（1）", "示例路2号"]),
            "industry_code": dice.choice(["51", "F52"]),
            "phone_hash": dice.choice("tu"),
            "known_on": day,
        }
        for company in COMPANIES
        for day in dice.sample(days, 2)
    ]
    events = [
        {"company_id": dice.choice(COMPANIES), "on": dice.choice(days), "n": dice.randrange(64)}
        for _ in range(40)
    ]
    items = ["legal_representative", "shareholder", "address", "scope"]
    kinds = ["equity_freeze", "equity_pledge", "chattel_mortgage"]
    lists = ["irregular", "irregular", "serious_violation"]
    return {
        "registry": firms,
        "registry_change": [
            {
                "company_id": e["company_id"],
                "changed_on": e["on"],
                "item": items[e["n"] % 4],
                "known_on": e["on"],
            }
            for e in events
        ],
        "registry_listing": [
            {
                "company_id": e["company_id"],
                "list": lists[e["n"] % 3],
                "listed_on": e["on"],
                "removed_on": e["on"] + timedelta(days=90) if e["n"] % 2 else None,
                "known_on": e["on"],
            }
            for e in events[:8]
        ],
        "registry_encumbrance": [
            {
                "company_id": e["company_id"],
                "registration_no": str(e["n"]),
                "kind": kinds[e["n"] % 3],
                "registered_on": e["on"],
                "released_on": None,
                "equity_share": e["n"] / 640,
                "debt_cents": e["n"] * 1_000,
                "known_on": e["on"],
            }
            for e in events[:12]
        ],
        "registry_annual_report": [
            {
                "company_id": e["company_id"],
                "report_year": e["on"].year - 1,
                "due_on": e["on"],
                "published_on": e["on"] + timedelta(days=e["n"] - 32),
                "known_on": e["on"] + timedelta(days=40),
            }
            for e in events
        ],
    }


@pytest.mark.slow
def test_duckdb_equals_spark_on_all_indicators(session: Any, tmp_path: Path) -> None:  # noqa: ANN401 - an optional package
    lake = RowLake(tmp_path, region(), parts=3)
    duck, spark = compute(lake, T), compute(lake, T, engine=Spark(session))
    assert duck.missing.equals(spark.missing)
    assert duck.values["company_id"].equals(spark.values["company_id"])
    filled = 0
    for name, indicator in indicators().items():
        one, other = (table[name].to_numpy() for table in (duck.values, spark.values))
        np.testing.assert_allclose(one, other, rtol=0, atol=indicator.unit.precision * 1.000001, err_msg=name)
        filled += int(np.isfinite(one).any())
    assert filled == len(indicators()) - 2  # all but INV25 and INV27 have values to compare


def test_spark_without_java_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="IND-SPARK"), engine_of("spark"):
        pass


def test_spark_without_pyspark_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark.sql", None)
    with pytest.raises(UserError, match="IND-SPARK"), engine_of("spark"):
        pass
