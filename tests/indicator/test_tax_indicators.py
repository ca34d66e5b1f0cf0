"""TAX01-TAX20, each worked by hand. T is 2024-12-31 unless said; VAT of November is the last filed."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from xinqiao.indicator.compute import compute
from xinqiao.kernel.period import add_months, month_end

D = date


def filed(company: str, period_end: date, cny: float | None, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A VAT return of ``cny`` in time: due on the 15th of the month after, filed on the 10th."""
    due = add_months(period_end.replace(day=15), 1)
    return {
        "company_id": company,
        "tax_kind": "vat",
        "period_end": period_end,
        "due_on": due,
        "filed_on": due.replace(day=10),
        "sales_cents": None if cny is None else round(cny * 100),
        "export_sales_cents": 0,
        "revenue_cents": None,
        "due_cents": 0,
        "output_tax_cents": 0,
        "carried_credit_cents": 0,
        "staff_declared": None,
        "known_on": due.replace(day=11),
    } | changes


def ends(first: date, number: int, step: int = 1) -> list[date]:
    """``number`` month ends from ``first`` on, every ``step`` months."""
    return [month_end(add_months(first.replace(day=1), n * step)) for n in range(number)]


NOV = D(2024, 11, 30)
LAST_YEAR = ends(D(2023, 12, 31), 12)  # Dec 2023 to Nov 2024
YEAR_BEFORE = ends(D(2022, 12, 31), 12)


def returns(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "tax_return": list(rows)}


def paid(kind: str, due: date, cny: float, paid_on: date | None, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return {
        "company_id": "A",
        "payment_no": f"{kind}-{due}-{cny}",
        "tax_kind": kind,
        "due_on": due,
        "due_cents": round(cny * 100),
        "paid_on": paid_on,
        "paid_cents": None if paid_on is None else round(cny * 100),
        "late_fee_cents": 0,
        "deferred": False,
        "known_on": paid_on or due,
    } | changes


def payments(*rows: Row) -> Tables:
    return returns(*(filed("A", end, 100) for end in YEAR_BEFORE + LAST_YEAR)) | {"tax_payment": list(rows)}


def test_tax01_tax02_tax03_tax_paid(evaluate: Evaluate) -> None:
    # 2024: 300 VAT + 50 income tax + 10 surcharge; withheld, deed and land VAT are left out; 2023: 450.
    # 360 / 450 - 1 = -0.2; 24 months: 810. What was paid on 31 Dec 2022 is out of all windows
    jan = D(2024, 1, 15)
    rows = payments(
        paid("vat", jan, 300, jan),
        paid("income_tax", jan, 50, D(2024, 12, 31)),
        paid("surcharge", jan, 10, jan),
        *(paid(kind, jan, 1000, jan) for kind in ("withheld_income", "deed", "land_vat", "other")),
        paid("vat", D(2023, 1, 15), 450, D(2023, 1, 1)),
        paid("vat", D(2023, 1, 16), 77, D(2022, 12, 31)),
    )
    expected = {"TAX01": 360, "TAX02": 810, "TAX03": -0.2}
    assert evaluate(rows, *expected) == expected


def test_tax04_months_with_tax_paid(evaluate: Evaluate) -> None:
    # Oct twice, Dec once; Sep is out; the unpaid sum of Nov does not count
    days = [D(2024, 9, 30), D(2024, 10, 1), D(2024, 10, 31), D(2024, 12, 31)]
    rows = [paid("vat", day, 5, day) for day in days] + [paid("vat", D(2024, 11, 15), 5, None)]
    assert evaluate(payments(*rows), "TAX04") == {"TAX04": 2}


def test_a_company_that_files_and_never_paid_has_paid_nothing(evaluate: Evaluate) -> None:
    other = paid("vat", D(2024, 1, 15), 5, D(2024, 1, 15), company_id="B")
    expected = {"TAX01": 0, "TAX04": 0, "TAX11": 0, "TAX12": 0}
    assert evaluate(payments(other), *expected) == expected


def test_tax05_tax06_declared_sales_to_the_last_period_known(evaluate: Evaluate) -> None:
    # December is not filed at T: 12 months are Dec 2023 .. Nov 2024, 12 x 90 = 1080, before 12 x 120 = 1440
    rows = [filed("A", end, 90) for end in LAST_YEAR] + [filed("A", end, 120) for end in YEAR_BEFORE]
    assert evaluate(returns(*rows), "TAX05", "TAX06") == {"TAX05": 1080, "TAX06": -0.25}


def test_tax05_counts_the_version_known(evaluate: Evaluate) -> None:
    # November was 90, amended to 50 in December (known) and to 10 in January (not yet)
    amended = [filed("A", NOV, 50, known_on=D(2024, 12, 20)), filed("A", NOV, 10, known_on=D(2025, 1, 5))]
    rows = [filed("A", end, 90) for end in LAST_YEAR] + amended
    assert evaluate(returns(*rows), "TAX05") == {"TAX05": 11 * 90 + 50}


def test_tax05_of_a_quarterly_filer(evaluate: Evaluate) -> None:
    # Q4 is not filed at T: the four quarters to September, 4 x 300
    rows = [filed("A", end, 300) for end in ends(D(2023, 3, 31), 7, 3)]
    assert evaluate(returns(*rows), "TAX05") == {"TAX05": 1200}


def test_tax05_of_a_company_that_stopped_filing(evaluate: Evaluate) -> None:
    # last return June 2024; windows end at September (3 months before December): Oct 2023 .. Jun 2024 = 9
    rows = [filed("A", end, 10) for end in ends(D(2023, 1, 31), 18)]
    assert evaluate(returns(*rows), "TAX05") == {"TAX05": 90}


def test_tax06_needs_two_years(evaluate: Evaluate) -> None:
    rows = [filed("A", end, 1) for end in YEAR_BEFORE[1:] + LAST_YEAR]
    assert evaluate(returns(*rows), "TAX06") == {"TAX06": None}


def test_tax07_and_its_peers(evaluate: Evaluate) -> None:
    # A: 3 of 100 = 3 %. 21 firms of division 51 with burdens 1 % .. 21 %: P10 is 3 %, P90 19 %
    # (21 values: the 10th percentile lies 0.1 x 20 = 2 steps above the lowest); F5164 is division 51 too
    names = ["A", *(f"B{n}" for n in range(20))]
    burden = dict(zip(names, [3, 1, 2, *range(4, 22)], strict=True))
    registry = [firm(name, industry_code="F5164" if name == "B3" else "51") for name in names]
    rows = [filed(name, end, 100, due_cents=burden[name] * 100) for name in names for end in LAST_YEAR]
    found = evaluate({"registry": registry, "tax_return": rows}, "TAX07", "TAX07L", "TAX07H")
    assert found == {"TAX07": 0.03, "TAX07L": 0.03, "TAX07H": 0.19}


def test_tax07_few_peers(evaluate: Evaluate) -> None:
    rows = [filed("A", end, 100, due_cents=300) for end in LAST_YEAR]
    assert evaluate(returns(*rows), "TAX07", "TAX07L") == {"TAX07": 0.03, "TAX07L": None}


def income(company: str, end: date, revenue: float, due: float) -> Row:
    cents = {"revenue_cents": round(revenue * 100), "due_cents": round(due * 100)}
    return filed(company, end, None, tax_kind="income_tax", **cents)


def test_tax08_income_tax_burden(evaluate: Evaluate) -> None:
    # quarters to September: 4 x 5 of 4 x 400 = 1.25 %; September 2023 is out
    rows = [income("A", end, 400, 5) for end in ends(D(2023, 12, 31), 4, 3)]
    rows.append(income("A", D(2023, 9, 30), 1, 1))
    assert evaluate(returns(*rows), "TAX08") == {"TAX08": 0.0125}


def test_tax08l_peers(evaluate: Evaluate) -> None:
    # 21 firms with 1 % .. 21 % have their P10 at 3 %
    names = ["A", *(f"B{n}" for n in range(20))]
    rows = [filed(name, end, 1) for name in names for end in LAST_YEAR]
    rows += [income(name, NOV, 100, n) for n, name in enumerate(names, 1)]
    tables = {"registry": [firm(name) for name in names], "tax_return": rows}
    assert evaluate(tables, "TAX08", "TAX08L") == {"TAX08": 0.01, "TAX08L": 0.03}


def test_tax09_zero_months(evaluate: Evaluate) -> None:
    # Jan and Feb 2024 declared as 0; a missing return is no zero
    rows = [filed("A", end, 0 if end < D(2024, 3, 1) else 9) for end in ends(D(2024, 1, 31), 11)]
    rows.append(filed("A", D(2023, 11, 30), 0))
    assert evaluate(returns(*rows), "TAX09") == {"TAX09": 2}


def test_tax09_a_quarter_is_three_months(evaluate: Evaluate) -> None:
    rows = [filed("A", end, 0 if end.month == 6 else 9) for end in ends(D(2023, 3, 31), 7, 3)]
    assert evaluate(returns(*rows), "TAX09") == {"TAX09": 3}


def test_tax10_late_returns(evaluate: Evaluate) -> None:
    # due 15 Jan 2023 filed the 16th: late; due 15 Feb 2023 filed on the day: in time; due 15 Mar 2024,
    # never filed: late; due 15 Dec 2022: out of the window; November, due 15 Dec 2024, filed 20 Jan 2025:
    # not known, so late and open
    known = D(2024, 3, 16)
    rows = [
        filed("A", D(2022, 12, 31), 1, filed_on=D(2023, 1, 16), known_on=D(2023, 1, 17)),
        filed("A", D(2023, 1, 31), 1, filed_on=D(2023, 2, 15), known_on=D(2023, 2, 16)),
        filed("A", D(2024, 2, 29), None, filed_on=None, known_on=known),
        filed("A", D(2022, 11, 30), 1, filed_on=D(2023, 1, 16), known_on=D(2023, 1, 17)),
        filed("A", NOV, None, filed_on=None, known_on=D(2024, 12, 16)),
        filed("A", NOV, 1, filed_on=D(2025, 1, 20), known_on=D(2025, 1, 21)),
    ]
    assert evaluate(returns(*rows), "TAX10") == {"TAX10": 3}


def test_tax11_arrears(evaluate: Evaluate) -> None:
    # 100 unpaid + 60 of which 25 was paid; due at T: not yet; deferred: none; paid in January: not known
    rows = [
        paid("vat", D(2024, 5, 15), 100, None),
        paid("vat", D(2024, 6, 15), 60, D(2024, 7, 1), paid_cents=2500),
        paid("vat", T, 7, None),
        paid("vat", D(2024, 7, 15), 1000, None, deferred=True),
        paid("vat", D(2024, 11, 15), 3, None),
        paid("vat", D(2024, 11, 15), 3, D(2025, 1, 3)),
        paid("vat", D(2024, 8, 15), 40, D(2024, 8, 30)),
    ]
    assert evaluate(payments(*rows), "TAX11") == {"TAX11": 100 + 35 + 3}


def test_tax12_longest_arrears(evaluate: Evaluate) -> None:
    # 20 days in 2024; 90 days ended 14 Dec 2022, before the window; open since 1 Dec: 30 days
    rows = [
        paid("vat", D(2024, 5, 15), 1, D(2024, 6, 4)),
        paid("vat", D(2022, 9, 15), 1, D(2022, 12, 14)),
        paid("vat", D(2024, 12, 1), 1, None),
        paid("vat", D(2024, 1, 1), 1, None, deferred=True),
    ]
    assert evaluate(payments(*rows), "TAX12") == {"TAX12": 30}


def test_tax13_late_fees(evaluate: Evaluate) -> None:
    # 3 of 200 paid, all taxes
    rows = [
        paid("vat", D(2024, 5, 15), 150, D(2024, 6, 4), late_fee_cents=300),
        paid("deed", D(2023, 5, 15), 50, D(2023, 5, 15)),
    ]
    assert evaluate(payments(*rows), "TAX13") == {"TAX13": 0.015}


def rating(year: int, level: str) -> Row:
    day = D(year + 1, 4, 30)
    return {"company_id": "A", "rating_year": year, "level": level, "rated_on": day, "known_on": day}


def test_tax14_tax15_levels(evaluate: Evaluate) -> None:
    # 2022 A (5), 2023 M (3): 3, down by 2; the rating of 2024 comes in April 2025
    rows = [rating(2022, "A"), rating(2023, "M"), rating(2024, "D")]
    tables: Tables = {"registry": [firm("A")], "tax_rating": rows}
    assert evaluate(tables, "TAX14", "TAX15") == {"TAX14": 3, "TAX15": -2}


@pytest.mark.parametrize(("level", "grade"), [("A", 5), ("B", 4), ("M", 3), ("C", 2), ("D", 1)])
def test_tax14_order(evaluate: Evaluate, level: str, grade: int) -> None:
    tables: Tables = {"registry": [firm("A")], "tax_rating": [rating(2023, level)]}
    assert evaluate(tables, "TAX14", "TAX15") == {"TAX14": grade, "TAX15": None}


def event(number: str, kind: str, began: date, ended: date | None) -> Row:
    known = ended or began
    row = {"company_id": "A", "event_no": number, "kind": kind, "began_on": began}
    return row | {"ended_on": ended, "known_on": known}


def test_tax16_tax17_events(evaluate: Evaluate) -> None:
    # abnormal: once lifted in 2024 (declared 1 Jan 2024: in 12M), once in 2022; not abnormal now.
    # an audit in 2022 is in 36M = (31 Dec 2021, T]; a major violation on 31 Dec 2021 is out
    rows = [
        event("1", "abnormal_household", D(2024, 1, 1), D(2024, 6, 1)),
        event("2", "abnormal_household", D(2022, 1, 1), D(2022, 2, 1)),
        event("3", "audit_case", D(2022, 1, 1), None),
        event("4", "major_violation", D(2021, 12, 31), None),
    ]
    tables = returns(filed("A", NOV, 1)) | {"tax_event": rows}
    expected = {"TAX16": 0, "TAX16N": 1, "TAX17": 1, "TAX17M": 0}
    assert evaluate(tables, *expected) == expected


def test_tax16_tax17m_open(evaluate: Evaluate) -> None:
    rows = [
        event("1", "abnormal_household", D(2020, 1, 1), None),
        event("2", "major_violation", D(2022, 1, 1), None),
    ]
    tables = returns(filed("A", NOV, 1)) | {"tax_event": rows}
    expected = {"TAX16": 1, "TAX16N": 0, "TAX17": 1, "TAX17M": 1}
    assert evaluate(tables, *expected) == expected


def test_tax18_declared_against_invoiced_in_the_same_months(evaluate: Evaluate) -> None:
    # declared Dec 2023 .. Nov 2024 12 x 80 = 960; invoiced in those months 12 x 100 = 1200, and 999 in
    # December 2024, of which no return is known: 240/1200
    rows = returns(*(filed("A", end, 80) for end in LAST_YEAR))
    rows["invoice"] = [sale("A", end, 100) for end in LAST_YEAR] + [sale("A", T, 999)]
    assert evaluate(rows, "TAX18") == {"TAX18": 0.2}


def test_tax19_statement_against_declared(evaluate: Evaluate) -> None:
    # the statement of 2023 says 1000; declared for 2023: 12 x 75 = 900; 100/1000
    rows = returns(*(filed("A", end, 75) for end in ends(D(2023, 1, 31), 12)), filed("A", NOV, 5000))
    statement = {"company_id": "A", "period_end": D(2023, 12, 31), "revenue_cents": 100_000}
    rows["tax_statement"] = [
        statement | {"known_on": D(2024, 5, 31)},
        statement | {"period_end": D(2022, 12, 31), "revenue_cents": 7, "known_on": D(2023, 5, 31)},
    ]
    assert evaluate(rows, "TAX19") == {"TAX19": 0.1}


def test_tax20_input_tax_carried_forward(evaluate: Evaluate) -> None:
    # at the end of November 72 carried forward, output tax 12 x 10: .6; exports 3 of 100 a month
    rows = [
        filed(
            "A",
            end,
            100,
            output_tax_cents=1000,
            export_sales_cents=300,
            carried_credit_cents=7200 if end == NOV else 999_900,
        )
        for end in LAST_YEAR
    ]
    assert evaluate(returns(*rows), "TAX20", "TAX20X") == {"TAX20": 0.6, "TAX20X": 0.03}


def reason(root: Path, tables: Tables, name: str) -> str:
    rows = compute(RowLake(root, tables), T, ids=[name]).missing.to_pylist()
    return str(next(row["reason"] for row in rows if row["company_id"] == "A"))


def test_why_there_is_no_value(tmp_path: Path) -> None:
    short = returns(filed("A", NOV, 0))
    paid_once = short | {"tax_payment": [paid("vat", D(2024, 1, 15), 5, D(2024, 1, 15))]}
    none = {"registry": [firm("A")], "tax_return": [filed("B", NOV, 1)]}
    found = [
        reason(tmp_path / "1", none, "TAX05"),
        reason(tmp_path / "2", short, "TAX06"),
        reason(tmp_path / "3", short, "TAX07"),
        reason(tmp_path / "4", short, "TAX07L"),
        reason(tmp_path / "5", short, "TAX01"),
        reason(tmp_path / "6", paid_once, "TAX03"),
        reason(tmp_path / "7", returns(filed("A", NOV, 5, due_cents=None)), "TAX07"),
    ]
    assert found == [
        "NO_RECORDS",
        "SHORT_HISTORY",
        "ZERO_DENOMINATOR",
        "FEW_PEERS",
        "SOURCE_ABSENT",
        "SHORT_HISTORY",
        "FIELD_EMPTY",
    ]


def test_what_is_filed_later_is_seen_later(evaluate: Evaluate) -> None:
    late = filed("A", NOV, 90, filed_on=D(2025, 1, 2), known_on=D(2025, 1, 3))
    rows = returns(*(filed("A", end, 90) for end in LAST_YEAR[:-1]), late)
    assert evaluate(rows, "TAX05") == {"TAX05": 11 * 90}
    assert evaluate(rows, "TAX05", as_of=T + timedelta(days=3)) == {"TAX05": 12 * 90}
