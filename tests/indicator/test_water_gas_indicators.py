"""WGS01-WGS05, each worked by hand. T is 2024-12-31; November is the last month billed."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm
from tests.indicator.test_power_indicators import back, power
from xinqiao.indicator.compute import compute
from xinqiao.kernel.period import add_months

D = date


def supply(kind: str, month: date, volume: int = 100, company: str = "A", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A month of water or gas at 1 CNY a cubic metre, due on the 20th of the next month, paid on that day."""
    due = add_months(month, 1).replace(day=20)
    return {
        "company_id": company,
        "meter_no": f"{kind}-{company}",
        "kind": kind,
        "month": month,
        "volume": volume,
        "bill_cents": volume * 100,
        "due_on": due,
        "paid_on": due,
        "paid_cents": volume * 100,
        "known_on": due,
    } | changes


def supplies(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "water_gas_month": list(rows)}


def test_wgs01_wgs02_growth(evaluate: Evaluate) -> None:
    # water: 60 + 30 from two meters against 120: -.25; gas: 150 against 100, 11 months of this year: +.5
    rows = [supply("water", back(n), 60) for n in range(12)]
    rows += [supply("water", back(n), 30, meter_no="w2") for n in range(12)]
    rows += [supply("water", back(n), 120) for n in range(12, 24)]
    rows += [supply("gas", back(n), 150 if n < 12 else 100) for n in range(24) if n != 5]
    assert evaluate(supplies(*rows), "WGS01", "WGS02") == {"WGS01": -0.25, "WGS02": 0.5}


def test_wgs03_wgs04_arrears(evaluate: Evaluate) -> None:
    # late: water of March (paid a day late), water and gas of October (unpaid): 3 periods; two water meters
    # of October are one. Open: 100 + 40 + 100 of which 30 is paid
    march = supply("water", D(2024, 3, 1), paid_on=D(2024, 4, 21), known_on=D(2024, 4, 21))
    october = {"paid_on": None, "paid_cents": None}
    rows = [
        march,
        supply("water", D(2024, 10, 1), **october),
        supply("water", D(2024, 10, 1), 40, meter_no="w2", **october),
        supply("gas", D(2024, 10, 1), paid_on=D(2024, 12, 1), paid_cents=3_000),
        supply("water", D(2023, 10, 1), paid_on=D(2023, 12, 1), known_on=D(2023, 12, 1)),
        supply("gas", D(2024, 9, 1)),
    ]
    assert evaluate(supplies(*rows), "WGS03", "WGS04") == {"WGS03": 3, "WGS04": 210}


def test_wgs04_a_payment_counts_when_known(evaluate: Evaluate) -> None:
    october = D(2024, 10, 1)
    rows = [supply("water", october, paid_on=None, paid_cents=None)]
    rows.append(supply("water", october, paid_on=T, known_on=D(2025, 1, 2)))
    assert evaluate(supplies(*rows), "WGS03", "WGS04") == {"WGS03": 1, "WGS04": 100}
    assert evaluate(supplies(*rows), "WGS04", as_of=D(2025, 1, 2)) == {"WGS04": 0}


def test_wgs05_water_to_electricity(evaluate: Evaluate) -> None:
    # 19 firms use 1 m3 for 10 kWh, A 8 times as much: one of 20 values differs by ln 8:
    # mean ln8/20, sample deviation ln8 x sqrt(20 x .05 x .95/19) = ln8/sqrt(20); z = .95 x sqrt(20)
    names = ["A", *(f"B{n}" for n in range(19))]
    rows = [supply("water", back(n), 800 if name == "A" else 100, name) for name in names for n in range(6)]
    tables: Tables = {"registry": [firm(name) for name in names], "water_gas_month": rows}
    tables["power_month"] = [power(back(n), 1000, name) for name in names for n in range(6)]
    assert evaluate(tables, "WGS05") == {"WGS05": round(0.95 * math.sqrt(20), 6)}


def test_why_there_is_no_value(tmp_path: Path) -> None:
    undated = {"due_on": None, "paid_on": None}
    rows = [supply("water", D(2024, 8, 1)), supply("gas", back(0), company="B", **undated)]
    rows += [supply("water", back(n), 0, "C") for n in range(24)]
    used = [power(back(n), company=name) for name in "AC" for n in range(6)]
    registry = [firm(name) for name in "ABCE"]
    lake = RowLake(tmp_path, {"registry": registry, "water_gas_month": rows, "power_month": used})
    missing = compute(lake, T, ids=[f"WGS0{n}" for n in range(1, 6)]).missing.to_pylist()
    found = {(row["company_id"], row["indicator"]): row["reason"] for row in missing}
    assert found[("A", "WGS01")] == "STALE"
    assert found[("A", "WGS02")] == found[("B", "WGS01")] == found[("E", "WGS04")] == "NO_RECORDS"
    assert found[("B", "WGS02")] == found[("A", "WGS05")] == "SHORT_HISTORY"
    assert found[("B", "WGS03")] == found[("B", "WGS04")] == "FIELD_EMPTY"
    assert found[("C", "WGS01")] == found[("C", "WGS05")] == "ZERO_DENOMINATOR"
