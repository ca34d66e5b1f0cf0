"""ELE01-ELE17, each worked by hand. T is 2024-12-31; November is the last month billed."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from xinqiao.indicator.compute import compute
from xinqiao.kernel.period import add_months

D = date
NOV = D(2024, 11, 1)


def back(number: int) -> date:
    """The month ``number`` months before November 2024."""
    return add_months(NOV, -number)


def power(month: date, kwh: int = 1000, company: str = "A", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A month of electricity at 1 CNY a kWh, due on the 20th of the next month, paid on that day."""
    due = add_months(month, 1).replace(day=20)
    return {
        "company_id": company,
        "meter_no": f"m-{company}",
        "month": month,
        "kwh": kwh,
        "valley_kwh": kwh // 4,
        "max_demand_kw": 10,
        "bill_cents": kwh * 100,
        "penalty_cents": 0,
        "due_on": due,
        "paid_on": due,
        "paid_cents": kwh * 100,
        "known_on": due,
    } | changes


def powers(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "power_month": list(rows)}


def test_ele01_ele02_electricity_of_a_year(evaluate: Evaluate) -> None:
    # two meters, 600 + 300 a month: 12 x 900 = 10,800; the year before 12 x 1,200: -.25; December is unknown
    rows = [power(back(n), 600) for n in range(12)] + [power(back(n), 1200) for n in range(12, 24)]
    rows += [power(back(n), 300, meter_no="m-2") for n in range(12)] + [power(D(2024, 12, 1), 999)]
    assert evaluate(powers(*rows), "ELE01", "ELE02") == {"ELE01": 10_800, "ELE02": -0.25}


def test_ele02_compares_months_known(evaluate: Evaluate) -> None:
    # two months of this year are missing: the average of 10 months, 900 against 1,200
    rows = [power(back(n), 900) for n in range(12) if n not in {3, 4}]
    rows += [power(back(n), 1200) for n in range(12, 24)]
    assert evaluate(powers(*rows), "ELE02") == {"ELE02": -0.25}
    assert evaluate(powers(*rows[:1], *rows[2:]), "ELE02") == {"ELE02": None}  # 9 months are too few


def test_ele01_counts_the_version_known(evaluate: Evaluate) -> None:
    rows = powers(power(NOV, 100), power(NOV, 140, known_on=T), power(NOV, 7, known_on=D(2025, 1, 1)))
    assert evaluate(rows, "ELE01") == {"ELE01": 140}


def peers(number: int) -> list[str]:
    return [f"B{n:02}" for n in range(number)]


def test_ele03_change_on_the_month_against_the_industry(evaluate: Evaluate) -> None:
    # 19 peers go 1000, 1000, 1250 (median step 1.25, then 1); A goes 1000, 600, 600:
    # now 1/1.25 - 1 = -.2, a month before .6/1 - 1 = -.4
    rows = [power(back(n), 1250 if n == 0 else 1000, name) for name in peers(19) for n in range(3)]
    rows += [power(back(0), 600), power(back(1), 600), power(back(2), 1000)]
    tables = {"registry": [firm(name) for name in ["A", *peers(19)]], "power_month": rows}
    assert evaluate(tables, "ELE03", "ELE03P") == {"ELE03": -0.2, "ELE03P": -0.4}


def test_ele04_idle_months(evaluate: Evaluate) -> None:
    # the median is 1,000: 99 is idle, 100 is not, 0 is. February 2024 holds the Spring Festival: left out.
    # July has no bill: unknown
    odd = {1: 99, 2: 100, 3: 0, 9: 0}
    rows = [power(back(n), odd.get(n, 1000)) for n in range(24) if n != 4]
    assert rows[8]["month"] == D(2024, 2, 1)
    assert evaluate(powers(*rows), "ELE04") == {"ELE04": 2}


def test_ele04_of_a_year_mostly_idle(evaluate: Evaluate) -> None:
    # 7 of 12 months at 10 kWh: the median of 24 months is still 1,000; February is among the 7
    rows = [power(back(n), 10 if 5 <= n < 12 else 1000) for n in range(24)]
    assert evaluate(powers(*rows), "ELE04") == {"ELE04": 6}


def test_ele05_ele06_load_and_capacity(evaluate: Evaluate) -> None:
    # November has 720 hours. Load: 3,600 kWh/720 = 5 kW of 10 kW = .5; the meter without a demand is out.
    # Capacity: (3,600 + 720)/(20 kVA x .9 x 720) = .333333; a closed account's 80 kVA do not.
    # November 2023 had 7,200 kWh: 4,320/7,200 - 1 = -.4
    rows = [power(NOV, 3600), power(NOV, 720, meter_no="m-2", max_demand_kw=None), power(back(12), 7200)]
    account = {"company_id": "A", "opened_on": D(2020, 1, 1), "known_on": D(2020, 1, 1)}
    accounts = [
        account | {"meter_no": "m-A", "contract_kva": 15, "closed_on": None},
        account | {"meter_no": "m-2", "contract_kva": 5, "closed_on": D(2025, 2, 1)},
        account | {"meter_no": "m-3", "contract_kva": 80, "closed_on": D(2024, 2, 1)},
    ]
    found = evaluate(powers(*rows) | {"power_account": accounts}, "ELE05", "ELE06", "ELE06Y")
    assert found == {"ELE05": 0.5, "ELE06": 0.333333, "ELE06Y": -0.4}


def test_ele07_valley_share(evaluate: Evaluate) -> None:
    # 40 % now, 25 % a year before: +.15
    rows = [power(NOV, 1000, valley_kwh=400), power(back(12), 2000, valley_kwh=500)]
    assert evaluate(powers(*rows), "ELE07") == {"ELE07": 0.15}


def daily(company: str, odd: int, even: int) -> list[Row]:
    """Every day of October to December 2024; ``odd`` and ``even`` kWh by turns on working days."""
    rows, turn = [], 0
    for n in range(92):
        day = D(2024, 10, 1) + timedelta(days=n)
        working = day.weekday() < 5
        kwh = (odd if turn % 2 else even) if working else 99_999
        turn += working
        rows.append({"company_id": company, "meter_no": "m", "day": day, "kwh": kwh, "known_on": day})
    return rows


def test_ele08_variation_of_working_days(evaluate: Evaluate) -> None:
    # 66 working days, 33 of 80 and 33 of 120 kWh: sample deviation 20 x sqrt(66/65) = 20.153256, over 100.
    # 19 peers vary by 0; of 20 values the 95th percentile lies .05 of the way from 0 to A's:
    # position .95 x 19 = 18.05
    rows = daily("A", 80, 120) + [row for name in peers(19) for row in daily(name, 50, 50)]
    tables = {"registry": [firm(name) for name in ["A", *peers(19)]], "power_day": rows}
    assert evaluate(tables, "ELE08", "ELE08H") == {"ELE08": 0.201533, "ELE08H": 0.010077}


def test_ele09_ele10_ele11_late_bills_and_arrears(evaluate: Evaluate) -> None:
    # late: July paid 40 days after 20 August; October (due 20 Nov) unpaid, 41 days at T, two meters, a month;
    # a bill of June 2023 paid after 100 days ended out of the 12 months.
    # arrears 1000 + 500 of which 200 is paid, average monthly bill (10 x 1,000 + 1,500)/11: 1,300/1045.45
    bills = {back(n): power(back(n)) for n in range(12) if n != 11}
    bills[D(2024, 7, 1)] |= {"paid_on": D(2024, 9, 29), "known_on": D(2024, 9, 29)}
    bills[D(2024, 10, 1)] |= {"paid_on": None, "paid_cents": None}
    second = power(D(2024, 10, 1), 500, meter_no="m-2", paid_on=D(2024, 12, 1), paid_cents=20_000)
    old = power(D(2023, 6, 1), paid_on=D(2023, 10, 28), known_on=D(2023, 10, 28))
    rows = powers(*bills.values(), second, old)
    expected = {"ELE09": 2, "ELE10": 41, "ELE11": round(1300 / (11_500 / 11), 6)}
    assert evaluate(rows, *expected) == expected


def test_ele10_nothing_late(evaluate: Evaluate) -> None:
    expected = {"ELE09": 0, "ELE10": 0, "ELE11": 0}
    assert evaluate(powers(power(NOV)), *expected) == expected


def test_ele12_penalties(evaluate: Evaluate) -> None:
    # 15 CNY of 3 x 1,000: .005; the month 24 back is out
    rows = [power(back(n), penalty_cents=500) for n in (0, 1, 23, 24)]
    assert evaluate(powers(*rows), "ELE12", "ELE17") == {"ELE12": 0.005, "ELE17": 3000}


def event(number: str, kind: str, day: date) -> Row:
    return {"company_id": "A", "event_no": number, "kind": kind, "happened_on": day, "known_on": day}


def test_ele13_ele14_events(evaluate: Evaluate) -> None:
    # a breach on 1 Jan 2022 is within 36M, a suspension on 30 Jun 2024 not within 6M = (30 Jun, T]
    rows = powers(power(NOV))
    rows["power_event"] = [
        event("1", "breach_of_use", D(2022, 1, 1)),
        event("2", "suspended", D(2024, 6, 30)),
    ]
    assert evaluate(rows, "ELE13", "ELE14") == {"ELE13": 1, "ELE14": 0}
    rows["power_event"] = [event("1", "theft", D(2021, 12, 31)), event("2", "closed", D(2024, 7, 1))]
    assert evaluate(rows, "ELE13", "ELE14") == {"ELE13": 0, "ELE14": 1}


def account(name: str | None, number: str = "m", **changes: Any) -> Row:  # noqa: ANN401 - any field
    row = {"company_id": "A", "meter_no": number, "account_name": name, "opened_on": D(2020, 1, 1)}
    return row | {"closed_on": None, "known_on": D(2020, 1, 1)} | changes


def test_ele15_account_name(evaluate: Evaluate) -> None:
    # the firm is 示例-A; blanks, width and punctuation do not matter; a closed account does not count
    tables: Tables = {
        "registry": [firm("A")],
        "power_account": [account("业主"), account("示例（Ａ）", "m2")],
    }
    assert evaluate(tables, "ELE15") == {"ELE15": 1}
    tables["power_account"] = [account("业主"), account("示例-A", "m2", closed_on=D(2024, 1, 1))]
    assert evaluate(tables, "ELE15") == {"ELE15": 0}
    tables["power_account"] = [account(None)]
    assert evaluate(tables, "ELE15") == {"ELE15": None}


def test_ele16_correlation_of_steps(evaluate: Evaluate) -> None:
    # kWh and sales double and halve together for 11 steps, then sales move against electricity once:
    # steps of both are +-ln 2; 11 agree, 1 disagrees. With k as 6 x +1, 6 x -1 and s equal but for the last:
    # k mean 0; s is 5 x +1, 7 x -1 or the reverse, mean -1/6; sum ks = 11 - 1 = 10;
    # r = 10/sqrt(12 x (12 - 12/36)) = .845154
    kwh = [1000 * 2 ** (n % 2) for n in range(13)]
    sold = [*kwh[:12], kwh[11] * 2]
    rows = [power(back(12 - n), kwh[n]) for n in range(13)]
    tables = powers(*rows) | {"invoice": [sale("A", back(12 - n), sold[n]) for n in range(13)]}
    expected = 10 / math.sqrt(12 * (12 - 12 / 36))
    assert evaluate(tables, "ELE16") == {"ELE16": round(expected, 6)}


def test_ele16z_residual_of_two_months(evaluate: Evaluate) -> None:
    # 40 firms, 3 months, so 80 steps; electricity never correlates: it steps by +-ln 2 in equal halves of the
    # firms, sales do not step but for A, which doubles twice. Slope 0 by symmetry (A and its mirror M move
    # electricity against each other and both sales double). With 4 steps of ln 2 among 80:
    # mean ln2/20, sample deviation ln2 x sqrt(80 x .05 x .95/79); z = .95/sqrt(3.8/79) = 4.331555
    names = ["A", "M", *peers(38)]
    registry = [firm(name, industry_code="3311") for name in names]
    rows, invoices = [], []
    for place, name in enumerate(names):
        for n in range(3):
            rows.append(power(back(2 - n), 1000 * 2 ** (n if place % 2 else 2 - n), name))
            sold = 100 * 2**n if name in "AM" else 100
            invoices.append(sale(name, back(2 - n), sold))
    tables = {"registry": registry, "power_month": rows, "invoice": invoices}
    assert evaluate(tables, "ELE16Z") == {"ELE16Z": round(0.95 / math.sqrt(3.8 / 79), 6)}


def test_ele16z_is_for_manufacturing(tmp_path: Path) -> None:
    rows = powers(*(power(back(n)) for n in range(3)))
    rows["invoice"] = [sale("A", back(n), 100) for n in range(3)]
    missing = compute(RowLake(tmp_path, rows), T, ids=["ELE16", "ELE16Z"]).missing.to_pylist()
    assert [row["reason"] for row in missing] == ["SHORT_HISTORY", "NOT_APPLICABLE"]


def test_why_there_is_no_value(tmp_path: Path) -> None:
    unpaid = {"due_on": None, "paid_on": None}
    rows = [power(D(2024, 10, 1), company="B"), power(NOV, 0, max_demand_kw=None, valley_kwh=None, **unpaid)]
    rows.append(power(D(2024, 8, 1), company="C"))
    registry = [firm(name) for name in "ABCE"]
    account_row = account(None) | {"contract_kva": None}
    days = [{"company_id": "A", "meter_no": "m", "day": NOV, "kwh": 1, "known_on": NOV}]
    lake = RowLake(
        tmp_path,
        {"registry": registry, "power_month": rows, "power_account": [account_row], "power_day": days},
    )
    missing = compute(lake, T, ids=[f"ELE{n:02}" for n in range(1, 18)] + ["ELE08H"]).missing.to_pylist()
    found = {(row["company_id"], row["indicator"]): row["reason"] for row in missing}
    assert found[("E", "ELE01")] == "NO_RECORDS"
    assert found[("C", "ELE02")] == "STALE"
    assert found[("B", "ELE02")] == found[("A", "ELE03")] == found[("A", "ELE08")] == "SHORT_HISTORY"
    assert found[("A", "ELE05")] == found[("A", "ELE06")] == found[("A", "ELE09")] == "FIELD_EMPTY"
    assert found[("A", "ELE15")] == "FIELD_EMPTY"
    assert found[("A", "ELE08H")] == "FEW_PEERS"
    assert found[("A", "ELE12")] == "ZERO_DENOMINATOR"
    assert found[("A", "ELE13")] == found[("A", "ELE16")] == "SOURCE_ABSENT"
