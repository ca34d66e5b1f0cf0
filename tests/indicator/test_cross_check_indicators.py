"""XC01-XC15, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

import math
import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from tests.indicator.test_bank_indicators import FIRST, flow, wages
from tests.indicator.test_fund_indicators import fund
from tests.indicator.test_power_indicators import back, power
from tests.indicator.test_social_indicators import insured, withheld
from tests.indicator.test_tax_indicators import LAST_YEAR, filed
from xinqiao.enterprise.uscc import ALPHABET, check_character
from xinqiao.indicator.compute import compute

D = date
JUNE = D(2024, 6, 1)


def declared(cny: float, tax: float = 0) -> list[Row]:
    """Returns of 12 months that declare ``cny`` of sales and ``tax`` of output tax in all."""
    rows = [filed("A", end, 0) for end in LAST_YEAR]
    rows[0] |= {"sales_cents": round(cny * 100), "output_tax_cents": round(tax * 100)}
    return rows


def invoiced(cny: float, tax: float = 0) -> list[Row]:
    old = sale("A", D(2021, 1, 1), 1)
    return [old, sale("A", JUNE, cny, tax_cents=round(tax * 100), total_cents=round((cny + tax) * 100))]


MID_YEAR = D(2024, 6, 30)


def stated(cny: float, end: date = MID_YEAR) -> list[Row]:
    """A statement of the year to June 2024, 6 months before the last complete month, or to ``end``."""
    row = {"company_id": "A", "period_end": end, "revenue_cents": round(cny * 100)}
    return [row | {"known_on": D(2024, 9, 30)}]


REVENUE = ["XC01", "XC02", "XC03", "XC04", "XC05", "XC05S", "XC05N", "XC06"]


def test_xc01_to_xc06_four_sources_of_revenue(evaluate: Evaluate) -> None:
    # declared 1,000, invoiced 800 (with tax 1,000: 4/5 of a receipt is sales), received 1,125 = 900 without
    # tax, stated 600. Gaps: 100/1000, 100/900, 200/800, 300/900; the second of 600 800 900 1000 is invoices';
    # largest gap 400/1000
    tables: Tables = {
        "registry": [firm("A")],
        "tax_return": declared(1000),
        "invoice": invoiced(800, 200),
        "bank_flow": [FIRST, flow(JUNE, 1125)],
        "tax_statement": stated(600),
    }
    expected = [0.1, 0.111111, 0.25, 0.333333, 800, 2, 4, 0.4]
    assert evaluate(tables, *REVENUE) == dict(zip(REVENUE, expected, strict=True))


def test_xc05_three_sources_and_no_invoices(evaluate: Evaluate) -> None:
    # declared 900 with 100 of output tax: 9/10 of receipts are sales; 1,100 received is 990; stated 950:
    # the middle of 900 950 990 is the statement's
    tables: Tables = {
        "registry": [firm("A")],
        "tax_return": declared(900, 100),
        "bank_flow": [FIRST, flow(JUNE, 1100)],
        "tax_statement": stated(950),
    }
    found = evaluate(tables, "XC05", "XC05S", "XC05N", "XC06", "XC02")
    assert found == {"XC05": 950, "XC05S": 4, "XC05N": 3, "XC06": round(90 / 990, 6), "XC02": None}


def test_a_statement_is_compared_over_its_own_year(evaluate: Evaluate) -> None:
    # the year 2023: stated 500, invoiced 400, received 250; too old for the credible revenue of 2024, 800
    tables: Tables = {
        "registry": [firm("A")],
        "invoice": [*invoiced(800), sale("A", D(2023, 12, 31), 300), sale("A", D(2023, 1, 1), 100)],
        "bank_flow": [FIRST, flow(D(2023, 6, 1), 250)],
        "tax_statement": stated(500, D(2023, 12, 31)),
    }
    expected = {"XC03": 0.2, "XC04": 0.5, "XC05": 800, "XC05N": 1, "XC06": None}
    assert evaluate(tables, *expected) == expected


def test_xc05_of_two_the_lesser_of_one_itself(evaluate: Evaluate) -> None:
    tables: Tables = {
        "registry": [firm("A")],
        "invoice": invoiced(800),
        "bank_flow": [FIRST, flow(JUNE, 700)],
    }
    ids = ["XC05", "XC05S", "XC05N", "XC06"]
    assert evaluate(tables, *ids) == dict(zip(ids, [700, 3, 2, 0.125], strict=True))
    del tables["bank_flow"]
    assert evaluate(tables, *ids) == dict(zip(ids, [800, 2, 1, None], strict=True))


STAFF = ["XC07", "XC07S", "XC07N", "XC08", "XC09"]


def test_xc07_to_xc09_five_sources_of_staff(evaluate: Evaluate) -> None:
    # insured 8, withheld 10, fund 6, report 20, payroll 16: the third of 6 8 10 16 20 is the withholding's;
    # largest gap 14/20; insured against the report 12/20. Reports of 2020 and without a number do not count
    report = {"company_id": "A", "report_year": 2023, "due_on": D(2024, 6, 30), "staff": 20}
    reports = [
        report | {"known_on": D(2024, 6, 1)},
        report | {"report_year": 2020, "due_on": D(2021, 6, 30), "staff": 99, "known_on": D(2021, 6, 1)},
        report | {"report_year": 2024, "due_on": D(2024, 12, 1), "staff": None, "known_on": D(2024, 12, 1)},
    ]
    tables: Tables = {
        "registry": [firm("A")],
        "social_insurance": [insured(D(2024, 11, 1), 8)],
        "tax_return": [withheld(D(2024, 11, 30), 10)],
        "housing_fund": [fund(D(2024, 11, 1), 6)],
        "registry_annual_report": reports,
        "bank_flow": [FIRST, wages(D(2024, 12, 10), 999, 16)],
    }
    expected = dict(zip(STAFF, [10, 2, 5, 0.7, 0.6], strict=True))
    assert evaluate(tables, *STAFF) == expected


def test_xc07_stale_sources_are_left_out(evaluate: Evaluate) -> None:
    # insurance ended in August, the payroll in September; the fund's 6 of November is all there is
    tables: Tables = {
        "registry": [firm("A")],
        "social_insurance": [insured(D(2024, 8, 1), 8)],
        "housing_fund": [fund(D(2024, 11, 1), 6)],
        "bank_flow": [FIRST, wages(D(2024, 9, 10), 999, 16)],
    }
    expected = {"XC07": 6, "XC07S": 3, "XC07N": 1, "XC08": None}
    assert evaluate(tables, *expected) == expected


def test_xc10_sales_against_electricity(evaluate: Evaluate) -> None:
    # 20 firms on the line sales = 10 x kWh, half at 1,000 and half at 2,000 kWh a month, but A, among the
    # first half, at 8 times the sales. The regression passes through both means of ln(sales):
    # A's residual is ln8 x .9; residuals of the 10: .9 once, -.1 nine times, squares .9; others 0.
    # deviation over n - 1: ln8 x sqrt(.9/19); z = .9/sqrt(.9/19) = 4.135215
    names = ["A", *(f"B{n}" for n in range(19))]
    rows, invoices = [], []
    for place, name in enumerate(names):
        kwh = 1000 if place < 10 else 2000
        rows += [power(back(n), kwh, name) for n in range(12)]
        sold = kwh * 120 * (8 if name == "A" else 1)
        invoices += [sale(name, D(2021, 1, 1), 1), sale(name, JUNE, sold)]
    tables = {"registry": [firm(name) for name in names], "power_month": rows, "invoice": invoices}
    assert evaluate(tables, "XC10") == {"XC10": round(0.9 / math.sqrt(0.9 / 19), 6)}


def account(address: str | None, number: str = "m", **changes: Any) -> Row:  # noqa: ANN401 - any field
    row = {"company_id": "A", "meter_no": number, "address": address, "opened_on": D(2020, 1, 1)}
    return row | {"closed_on": None, "known_on": D(2020, 1, 1)} | changes


@pytest.mark.parametrize(
    ("addresses", "same", "city"),
    [
        (["示例市Ａ路１号"], 1, 1),
        (["示例市B路2号", "示例市A路1号"], 1, 1),
        (["示例市B路2号"], 0, 1),
        (["某某省示例市B路2号"], 0, 1),
        (["另外市A路1号"], 0, 0),
        (["A路1号"], 0, None),
        ([None], None, None),
    ],
)
def test_xc11_xc12_place(
    evaluate: Evaluate, addresses: list[str | None], same: int | None, city: int | None
) -> None:
    # the firm is registered at 示例市A路1号
    accounts = [account(address, f"m{n}") for n, address in enumerate(addresses)]
    accounts.append(account("示例市A路1号", "closed", closed_on=D(2024, 1, 1)))
    tables: Tables = {"registry": [firm("A")], "power_account": accounts}
    assert evaluate(tables, "XC11", "XC12") == {"XC11": same, "XC12": city}


def certificate(kind: str, until: date) -> Row:
    start = D(2022, 1, 1)
    row = {"company_id": "A", "certificate_no": kind, "kind": kind}
    return row | {"valid_from": start, "valid_until": until, "known_on": start}


@pytest.mark.parametrize(
    ("revenue", "research", "conflict"),
    [
        (50_000_000, 2_500_000, 0),  # 5 % of 50 million is enough
        (50_000_000, 2_499_999, 1),
        (50_000_001, 2_000_001, 0),  # 4 % above 50 million
        (200_000_000, 7_999_999, 1),
        (200_000_001, 6_000_001, 0),  # 3 % above 200 million
    ],
)
def test_xc13_high_tech_certificate(evaluate: Evaluate, revenue: int, research: int, conflict: int) -> None:
    statement = stated(revenue)[0] | {"rd_cents": research * 100}
    tables: Tables = {
        "registry": [firm("A")],
        "qualification": [certificate("high_tech", T)],
        "tax_statement": [statement],
    }
    assert evaluate(tables, "XC13") == {"XC13": conflict}


def test_xc14_inventors(evaluate: Evaluate) -> None:
    # one of six inventors insured here: 16.7 %; one of five is 20 %
    def inventors(number: int) -> list[Row]:
        row = {"company_id": "A", "right_no": "1", "known_on": D(2024, 1, 1)}
        return [row | {"person_hash": f"p{n}", "insured_here": n == 0} for n in range(number)]

    tables: Tables = {"registry": [firm("A")], "qualification": [certificate("tech_sme", T)]}
    assert evaluate(tables | {"ip_inventor": inventors(6)}, "XC14") == {"XC14": 1}
    assert evaluate(tables | {"ip_inventor": inventors(5)}, "XC14") == {"XC14": 0}


def test_xc15_check_character(tmp_path: Path) -> None:
    # 50 codes as the standard's rule makes them; one character of each is changed; one is cut short
    dice = random.Random(15)  # noqa: S311 - test data, reproducible on purpose
    good, bad = {}, {"B-short": "9132010012345678"}
    for n in range(50):
        first17 = "".join(dice.choice(ALPHABET) for _ in range(17))
        good[f"G{n}"] = first17 + check_character(first17)
        place, other = dice.randrange(18), dice.choice([*ALPHABET, "I", "?"])
        code = good[f"G{n}"]
        if other != code[place]:
            bad[f"B{n}"] = code[:place] + other + code[place + 1 :]
    registry = [firm(name, uscc=code) for name, code in {**good, **bad, "A": None}.items()]
    snapshot = compute(RowLake(tmp_path, {"registry": registry}), T, ids=["XC15"])
    found = dict(zip(*(snapshot.values[name].to_pylist() for name in ("company_id", "XC15")), strict=True))
    assert found == {**dict.fromkeys(good, 1), **dict.fromkeys(bad, 0), "A": None}


def test_why_there_is_no_value(tmp_path: Path) -> None:
    tables: Tables = {
        "registry": [firm("A", uscc=None)],
        "invoice": [sale("A", JUNE, 1)],
        "bank_flow": [FIRST],
        "qualification": [certificate("high_tech", D(2023, 1, 1)), certificate("specialised", T)],
        "tax_statement": stated(5),
        "ip_inventor": [
            {"company_id": "B", "right_no": "1", "person_hash": "p", "insured_here": True, "known_on": T}
        ],
        "power_month": [power(back(n), company="A") for n in range(12)],
    }
    ids = [f"XC{n:02}" for n in range(1, 16)]
    missing = compute(RowLake(tmp_path, tables), T, ids=ids).missing.to_pylist()
    found = {row["indicator"]: (row["reason"], row["detail"]) for row in missing}
    assert found["XC01"] == ("SOURCE_ABSENT", "tax_return")
    assert found["XC02"] == ("SHORT_HISTORY", None)
    assert found["XC06"] == found["XC08"] == found["XC14"] == ("NO_RECORDS", None)
    assert found["XC10"] == ("SHORT_HISTORY", None)
    assert found["XC13"] == ("FIELD_ABSENT", "tax_statement.rd_cents")
    assert found["XC15"] == ("FIELD_EMPTY", None)
