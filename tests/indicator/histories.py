"""Two years of firms with taxes, staff, supplies and bank flows: the histories that random rows lack."""

from __future__ import annotations

import random
from datetime import date, timedelta

from tests.indicator.lakes import Row, Tables, firm, sale
from tests.indicator.test_bank_indicators import flow
from tests.indicator.test_fund_indicators import fund
from tests.indicator.test_power_indicators import back, power
from tests.indicator.test_social_indicators import insured, withheld
from tests.indicator.test_tax_indicators import filed, paid
from tests.indicator.test_water_gas_indicators import supply
from xinqiao.kernel.period import month_end

SEED = 20_241_231
FIRMS = [f"H{n:02}" for n in range(24)]
SOURCES = ["TAX", "SOC", "HPF", "ELE", "WGS", "BNK", "XC"]
MONTHS = 26


def utilities(dice: random.Random, name: str, month: date) -> Tables:
    level = dice.choice([0, 40, 900, 1000, 1500])
    late = {"paid_on": None, "paid_cents": None} if dice.random() < 0.1 else {}
    other = power(month, 100, name, meter_no="m2", max_demand_kw=None)
    return {
        "power_month": [power(month, level, name, penalty_cents=dice.randrange(900), **late), other],
        "water_gas_month": [
            supply("water", month, 10 + dice.randrange(90), name, **late),
            supply("gas", month, dice.randrange(90), name),
        ],
    }


def staff(dice: random.Random, name: str, month: date) -> Tables:
    people = dice.randrange(1, 30)
    moves = {"joined": dice.randrange(3), "left": dice.randrange(3)}
    kinds = ["pension", "health", dice.choice(["injury", "maternity"])]
    some = {"paid_cents": 0} if dice.random() < 0.1 else {}
    declared = withheld(month_end(month), dice.randrange(1, 30)) | {"company_id": name}
    status = dice.choice(["normal"] * 8 + ["deferred", "stopped", None])
    return {
        "social_insurance": [insured(month, people, name, insurance=k, **moves, **some) for k in kinds],
        "housing_fund": [fund(month, dice.randrange(30), people * 99.5, company_id=name, status=status)],
        "tax_return": [declared],
    }


def taxes(dice: random.Random, name: str, month: date) -> Tables:
    end = month_end(month)
    sales = dice.choice([0, 900, 1234.56, 2000])
    due = end + timedelta(days=15)
    row = filed(name, end, sales, due_cents=dice.randrange(9000), output_tax_cents=16_000)
    row |= {"carried_credit_cents": dice.randrange(50_000), "export_sales_cents": dice.randrange(9_000)}
    if dice.random() < 0.1:
        row |= {"filed_on": due + timedelta(days=30), "known_on": due + timedelta(days=31)}
    revenue = {"revenue_cents": 300_000, "due_cents": dice.randrange(9_000)}
    tables: Tables = {"tax_return": [row]}
    if month.month % 3 == 0:
        tables["tax_return"].append(filed(name, end, None, tax_kind="income_tax", **revenue))
    late = due + timedelta(days=dice.choice([-5, -1, 3, 40]))
    tax = paid("vat", due, 12.34, dice.choice([late, late, None]), company_id=name, payment_no=f"{name}{end}")
    return tables | {"tax_payment": [tax | {"late_fee_cents": dice.randrange(99)}]}


def bookings(dice: random.Random, name: str, month: date) -> Tables:
    rows = []
    for _ in range(8):
        other = dice.choice(FIRMS)
        row = flow(
            month + timedelta(days=dice.randrange(27)), dice.choice([99.9, 100, 500, 505]), company=name
        )
        row |= {"direction": dice.choice(["in", "out"]), "counterparty_hash": f"h-{other}"}
        row |= {"counterparty_id": dice.choice([None, other]), "payees": dice.choice([None, 7])}
        row["category"] = dice.choice(
            [*["operating"] * 9, None, "payroll", "tax", "repayment", "loan_in", "cash"]
        )
        row["counterparty_kind"] = dice.choice(
            [*["company"] * 9, None, "person", "micro_lender", "securities", "own_account"]
        )
        row["returned"] = dice.choice([None, False, False, False, True])
        rows.append(row)
    balance = {
        "company_id": name,
        "account_hash": f"acc-{name}",
        "month": month,
        "known_on": month_end(month),
    }
    balance |= {"average_cents": dice.randrange(90_000), "low_days": dice.randrange(9)}
    return {"bank_flow": rows, "bank_balance": [balance]}


def once(dice: random.Random, name: str) -> Tables:
    """What a company has once: an account, ratings, statements, days of electricity."""
    known = date(2023, 5, 1)
    account = {"company_id": name, "meter_no": "m", "opened_on": known, "closed_on": None, "known_on": known}
    account |= {"account_name": dice.choice([f"示例（{name}）", "业主"]), "contract_kva": 5}
    account["address"] = dice.choice([f"示例市{name}路1号", "某省示例市B路", "乡下"])
    statement = {"company_id": name, "period_end": date(2023, 12, 31), "known_on": date(2024, 5, 1)}
    event = {"company_id": name, "event_no": "1", "ended_on": None, "known_on": date(2024, 3, 1)}
    days = [date(2024, 10, 1) + timedelta(days=n) for n in range(92)]
    certificate = {"company_id": name, "certificate_no": "1", "kind": "high_tech", "valid_from": known}
    inventor = {"company_id": name, "right_no": "1", "person_hash": "p", "insured_here": dice.random() < 0.5}
    return {
        "registry": [
            firm(
                name,
                industry_code="3311",
                division_code="320102",
                uscc=dice.choice(["911101080000000000", "91110000MA0000000X"]),
            )
        ],
        "power_account": [account],
        "power_event": [
            {"company_id": name, "event_no": "1", "kind": dice.choice(["theft", "closed"])}
            | {"happened_on": date(2024, 9, 1), "known_on": date(2024, 9, 1)}
        ],
        "power_day": [
            {"company_id": name, "meter_no": "m", "day": d, "kwh": dice.randrange(90), "known_on": d}
            for d in days
        ],
        "tax_rating": [
            {"company_id": name, "rating_year": year, "level": dice.choice("ABMCD")}
            | {"rated_on": date(year + 1, 4, 1), "known_on": date(year + 1, 4, 1)}
            for year in (2022, 2023)
        ],
        "tax_event": [event | {"kind": dice.choice(["abnormal_household", "audit_case"]), "began_on": known}],
        "tax_statement": [
            statement | {"revenue_cents": dice.randrange(1, 2_000_000), "rd_cents": dice.randrange(90_000)}
        ],
        "registry_annual_report": [
            {
                "company_id": name,
                "report_year": 2023,
                "due_on": date(2024, 6, 30),
                "known_on": date(2024, 6, 1),
            }
            | {"staff": dice.randrange(1, 30)}
        ],
        "qualification": [certificate | {"valid_until": None, "known_on": known}],
        "ip_inventor": [inventor | {"known_on": known}],
    }


def histories() -> Tables:
    """Two years of 24 firms, some months missing."""
    dice = random.Random(SEED)  # noqa: S311 - test data, reproducible on purpose
    tables: dict[str, list[Row]] = {"invoice": []}
    for name in FIRMS:
        parts = [once(dice, name)]
        for n in range(MONTHS):
            if dice.random() < 0.95:
                parts += [make(dice, name, back(n)) for make in (utilities, staff, taxes, bookings)]
            tables["invoice"].append(sale(name, back(n), dice.choice([700, 900, 1900]), tax_cents=100))
        for part in parts:
            for contract, rows in part.items():
                tables.setdefault(contract, []).extend(rows)
    return tables
