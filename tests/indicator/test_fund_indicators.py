"""HPF01-HPF05, each worked by hand. T is 2024-12-31; November is the last month known."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm
from tests.indicator.test_social_indicators import insured
from xinqiao.indicator.compute import compute
from xinqiao.kernel.period import add_months

D = date
NOV = D(2024, 11, 1)


def fund(month: date, people: int = 10, cny: float = 1000, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A month of the housing fund, known on the 20th of the month after."""
    return {
        "company_id": "A",
        "month": month,
        "contributors": people,
        "paid_cents": round(cny * 100),
        "status": "normal",
        "known_on": add_months(month, 1).replace(day=20),
    } | changes


def back(number: int) -> date:
    """The month ``number`` months before November 2024."""
    return add_months(NOV, -number)


def funds(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "housing_fund": list(rows)}


def test_hpf01_contributors_to_insured(evaluate: Evaluate) -> None:
    # 4 of 16; December's 99 are known in January
    tables = funds(fund(NOV, 4), fund(D(2024, 12, 1), 99))
    tables["social_insurance"] = [insured(NOV, 16)]
    assert evaluate(tables, "HPF01") == {"HPF01": 0.25}


def test_hpf02_interrupted_months(evaluate: Evaluate) -> None:
    # of 12 months: 2 without a row, nobody in 1, nothing paid in 1, stopped in 1; a deferral does not count
    broken = {3: {"contributors": 0}, 4: {"paid_cents": 0}, 5: {"status": "stopped"}}
    broken[6] = {"status": "deferred", "paid_cents": 0}
    rows = [fund(back(n), **broken.get(n, {})) for n in range(14) if n not in {1, 2, 12}]
    assert evaluate(funds(*rows), "HPF02") == {"HPF02": 5}


def test_hpf03_contribution_per_head(evaluate: Evaluate) -> None:
    # 3 months: (900 + 900 + 600)/(10 + 10 + 4) = 100; 3 before: 1,000/8 = 125 each: -.2
    rows = [fund(back(0), 10, 900), fund(back(1), 10, 900), fund(back(2), 4, 600)]
    rows += [fund(back(n), 8, 1000) for n in (3, 4, 5)]
    assert evaluate(funds(*rows), "HPF03", "HPF03G") == {"HPF03": 100, "HPF03G": -0.2}


def test_hpf04_relief(evaluate: Evaluate) -> None:
    # reduced in December 2023, the first of the 12 months; a month earlier does not count
    rows = [fund(back(n)) for n in range(11)]
    assert evaluate(funds(*rows, fund(back(11), status="reduced")), "HPF04") == {"HPF04": 1}
    assert evaluate(funds(*rows, fund(back(11)), fund(back(12), status="deferred")), "HPF04") == {"HPF04": 0}


def test_hpf05_runs(evaluate: Evaluate) -> None:
    # months 0-2 back, a gap at 3, 4-10 back (a deferral at 7 does not break it), stopped at 11, 12-13 back:
    # longest 7, current 3
    rows = [fund(back(n)) for n in range(14) if n not in {3, 7, 11}]
    rows += [fund(back(7), cny=0, status="deferred"), fund(back(11), status="stopped")]
    assert evaluate(funds(*rows), "HPF05", "HPF05C") == {"HPF05": 7, "HPF05C": 3}


def test_hpf05_interrupted_now(evaluate: Evaluate) -> None:
    rows = funds(fund(back(0), people=0), fund(back(1)))
    assert evaluate(rows, "HPF05", "HPF05C") == {"HPF05": 1, "HPF05C": 0}


def test_hpf05_of_nobody(evaluate: Evaluate) -> None:
    assert evaluate(funds(fund(back(0), people=0)), "HPF05", "HPF05C") == {"HPF05": 0, "HPF05C": 0}


def test_an_account_that_stopped_long_ago_is_interrupted(evaluate: Evaluate) -> None:
    # last month June; windows end in October, 2 months before December: 4 of 12 months are gone
    rows = funds(*(fund(back(n)) for n in range(5, 30)))
    assert evaluate(rows, "HPF02", "HPF05C") == {"HPF02": 4, "HPF05C": 0}


def test_hpf02_takes_the_version_known(evaluate: Evaluate) -> None:
    # March was paid late: the version with the payment is known in 2025 only
    rows = [fund(back(n)) for n in range(12) if n != 8]
    rows += [fund(back(8), cny=0), fund(back(8), known_on=D(2025, 1, 1))]
    assert evaluate(funds(*rows), "HPF02") == {"HPF02": 1}
    assert evaluate(funds(*rows), "HPF02", as_of=D(2025, 1, 1)) == {"HPF02": 0}


def test_why_there_is_no_value(tmp_path: Path) -> None:
    rows = [fund(back(4)), fund(NOV, company_id="B", status=None, paid_cents=None), fund(NOV, company_id="C")]
    staff = [insured(NOV, 3), insured(NOV, 0, "C")]
    registry = [firm(name) for name in "ABCE"]
    lake = RowLake(tmp_path, {"registry": registry, "housing_fund": rows, "social_insurance": staff})
    missing = compute(lake, T, ids=["HPF01", "HPF02", "HPF03", "HPF03G", "HPF04"]).missing.to_pylist()
    found = {(row["company_id"], row["indicator"]): row["reason"] for row in missing}
    assert found[("A", "HPF01")] == "STALE"
    assert found[("B", "HPF01")] == found[("E", "HPF03")] == "NO_RECORDS"
    assert found[("C", "HPF01")] == found[("B", "HPF03")] == "ZERO_DENOMINATOR"
    assert found[("C", "HPF02")] == found[("C", "HPF03G")] == "SHORT_HISTORY"
    assert found[("B", "HPF04")] == "FIELD_EMPTY"
