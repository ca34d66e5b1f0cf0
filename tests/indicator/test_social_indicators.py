"""SOC01-SOC09, each worked by hand. T is 2024-12-31; November is the last month known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from xinqiao.indicator.compute import compute
from xinqiao.kernel.period import add_months

D = date
NOV = D(2024, 11, 1)
YEAR = [add_months(NOV, -n) for n in range(12)]  # Nov 2024 back to Dec 2023


def insured(month: date, people: int, company: str = "A", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A month of pension insurance, known on the 20th: a head has 5,000 CNY of base, 1,000 due and paid."""
    return {
        "company_id": company,
        "insurance": "pension",
        "month": month,
        "insured": people,
        "base_cents": people * 500_000,
        "due_cents": people * 100_000,
        "paid_cents": people * 100_000,
        "joined": 0,
        "left": 0,
        "known_on": add_months(month, 1).replace(day=20),
    } | changes


def social(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "social_insurance": list(rows)}


def test_soc01_soc02_people_now_and_a_year_ago(evaluate: Evaluate) -> None:
    # November 2024 has 9, November 2023 had 12: -.25. December is known in January only
    rows = [insured(NOV, 9), insured(D(2023, 11, 1), 12), insured(D(2024, 12, 1), 50)]
    rows.append(insured(NOV, 99, insurance="injury"))
    assert evaluate(social(*rows), "SOC01", "SOC02") == {"SOC01": 9, "SOC02": -0.25}


def test_soc01_takes_the_version_known(evaluate: Evaluate) -> None:
    later = insured(NOV, 30, known_on=D(2025, 1, 2))
    rows = social(insured(NOV, 9), insured(NOV, 7, known_on=D(2024, 12, 24)), later)
    assert evaluate(rows, "SOC01") == {"SOC01": 7}
    assert evaluate(rows, "SOC01", as_of=T + timedelta(days=2)) == {"SOC01": 30}


def test_soc03_leavers_and_joiners(evaluate: Evaluate) -> None:
    # November: 20 at the end, 4 joined, 2 left: 18 at the beginning; October: 18 at the end, nobody moved.
    # leavers 2/36, joiners 4/36; the injury rows do not count twice; November 2023 is out of the 12 months
    rows = [
        insured(NOV, 20, joined=4, left=2),
        insured(NOV, 20, insurance="injury", joined=4, left=2),
        insured(D(2024, 10, 1), 18),
        insured(D(2023, 11, 1), 18, left=9),
    ]
    assert evaluate(social(*rows), "SOC03", "SOC03J") == {"SOC03": 0.055556, "SOC03J": 0.111111}


def test_soc04_months_not_paid(evaluate: Evaluate) -> None:
    # unpaid: March; April paid for one kind; May had nobody; June has no row at all; November 2023 is out
    gap = D(2024, 6, 1)
    unpaid = [D(2024, 3, 1), D(2024, 4, 1)]
    rows = [insured(month, 0 if month == D(2024, 5, 1) else 5) for month in YEAR if month != gap]
    rows = [row | ({"paid_cents": 0} if row["month"] in unpaid else {}) for row in rows]
    rows.append(insured(D(2024, 4, 1), 5, insurance="injury"))
    rows.append(insured(D(2023, 11, 1), 5, paid_cents=0))
    assert evaluate(social(*rows), "SOC04") == {"SOC04": 1}


def test_soc05_arrears(evaluate: Evaluate) -> None:
    # 5,000 due of which 4,000 paid in March; 5,000 unpaid in November; overpaid in April does not offset
    rows = [
        insured(D(2024, 3, 1), 5, paid_cents=400_000),
        insured(NOV, 5, paid_cents=0),
        insured(D(2024, 4, 1), 5, paid_cents=900_000),
    ]
    assert evaluate(social(*rows), "SOC05") == {"SOC05": 6_000}


def test_soc06_base_to_the_local_average(evaluate: Evaluate) -> None:
    # A: 10 people at 3,000; 19 firms of the province with 10 people at 5,000: the average of all is
    # (30,000 + 19 x 50,000)/200 = 4,900; 3,000/4,900 = .612245; a firm of another province does not count
    names = [f"B{n}" for n in range(19)]
    registry = [firm(name, division_code="320102") for name in ["A", *names]]
    registry.append(firm("Z", division_code="330102"))
    rows = [insured(NOV, 10, name) for name in names] + [insured(NOV, 10, base_cents=3_000_000)]
    rows.append(insured(NOV, 10, "Z", base_cents=99_000_000))
    tables = {"registry": registry, "social_insurance": rows}
    assert evaluate(tables, "SOC06") == {"SOC06": 0.612245}
    assert evaluate(tables, "SOC06", company="Z") == {"SOC06": None}  # alone in its province


def test_soc07_kinds(evaluate: Evaluate) -> None:
    # pension and health; nobody in injury; health stands for maternity: 3/5
    rows = [insured(NOV, 5), insured(NOV, 5, insurance="health"), insured(NOV, 0, insurance="injury")]
    rows.append(insured(D(2024, 10, 1), 5, insurance="unemployment"))
    assert evaluate(social(*rows), "SOC07") == {"SOC07": 0.6}


def test_soc07_all_five(evaluate: Evaluate) -> None:
    kinds = ["pension", "health", "unemployment", "injury", "maternity"]
    assert evaluate(social(*(insured(NOV, 5, insurance=kind) for kind in kinds)), "SOC07") == {"SOC07": 1}


def test_soc08_sales_per_head(evaluate: Evaluate) -> None:
    # 1,000 invoiced in 2024, 8 people: 125. Peers: 100 firms of 1 person with 1 .. 100 and A:
    # 101 values, the 99th percentile lies 99 steps above the lowest (0-based), which is 100
    names = [f"B{n}" for n in range(1, 101)]
    rows = [insured(NOV, 1, name) for name in names] + [insured(NOV, 8)]
    invoices = [sale(name, D(2024, 5, 1), n) for n, name in enumerate(names, 1)]
    invoices.append(sale("A", D(2024, 5, 1), 1000))
    registry = [firm(name) for name in ["A", *names]]
    tables = {"registry": registry, "social_insurance": rows, "invoice": invoices}
    assert evaluate(tables, "SOC08", "SOC08H") == {"SOC08": 125, "SOC08H": 100}


def withheld(month_end: date, people: int) -> Row:
    return {
        "company_id": "A",
        "tax_kind": "withheld_income",
        "period_end": month_end,
        "due_on": month_end + timedelta(days=15),
        "staff_declared": people,
        "known_on": month_end + timedelta(days=15),
        "sales_cents": None,
    }


def test_soc09_withholding_against_insured(evaluate: Evaluate) -> None:
    # 25 declared for November (40 for October), 10 insured: 15/25
    tables = social(insured(NOV, 10))
    tables["tax_return"] = [withheld(D(2024, 11, 30), 25), withheld(D(2024, 10, 31), 40)]
    assert evaluate(tables, "SOC09") == {"SOC09": 0.6}


def test_why_there_is_no_value(tmp_path: Path) -> None:
    # the last month of A is August, 4 before December; B has one month and nothing paid is known
    rows = [insured(D(2024, 8, 1), 5), insured(NOV, 5, "B", paid_cents=None), insured(NOV, 0, "C")]
    registry = [firm(name, division_code="320102") for name in "ABCE"]
    invoices = [sale("C", T, 1)]
    lake = RowLake(tmp_path, {"registry": registry, "social_insurance": rows, "invoice": invoices})
    ids = ["SOC01", "SOC02", "SOC03", "SOC04", "SOC05", "SOC06", "SOC08", "SOC08H", "SOC09"]
    missing = compute(lake, T, ids=ids).missing.to_pylist()
    found = {(row["company_id"], row["indicator"]): row["reason"] for row in missing}
    assert found[("A", "SOC01")] == found[("A", "SOC02")] == "STALE"
    assert found[("B", "SOC02")] == "SHORT_HISTORY"
    assert found[("B", "SOC04")] == found[("B", "SOC05")] == "FIELD_EMPTY"
    assert found[("B", "SOC06")] == found[("B", "SOC08H")] == "FEW_PEERS"
    assert found[("B", "SOC08")] == "NO_RECORDS"
    assert found[("C", "SOC03")] == found[("C", "SOC08")] == "ZERO_DENOMINATOR"
    assert found[("E", "SOC01")] == "NO_RECORDS"
    assert found[("C", "SOC09")] == "SOURCE_ABSENT"
