"""CUS01-CUS06, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record
from xinqiao.kernel.period import add_months, month_end

D = date
JUNE = D(2024, 6, 1)
FIRMS = [firm("A"), firm("B")]


def declared(day: date, usd: float, country: str | None = "US", **fields: object) -> Row:
    """An export of ``usd`` dollars at 7 CNY."""
    money = {"usd_cents": round(usd * 100), "amount_cents": round(usd * 700)}
    return record(
        "customs_declaration", day, **({"direction": "export", "country": country} | money | fields)
    )


def test_cus01_cus02_exports_and_growth(evaluate: Evaluate) -> None:
    # 2024: 100 + 50, imports are none; 2023: 200; 31 Dec 2022 is before both: 150 / 200 - 1
    rows: Tables = {
        "registry": FIRMS,
        "customs_declaration": [
            declared(D(2024, 1, 1), 100),
            declared(D(2024, 12, 31), 50),
            declared(JUNE, 30, direction="import"),
            declared(D(2023, 5, 1), 200),
            declared(D(2022, 12, 31), 999),
        ],
    }
    assert evaluate(rows, "CUS01", "CUS02") == {"CUS01": 150, "CUS02": -0.25}


def test_cus01_cus02_reasons(explain: Explain) -> None:
    rows: Tables = {"registry": FIRMS, "customs_declaration": [declared(D(2023, 2, 1), 1)]}
    assert explain(rows, "CUS01", "CUS02") == {"CUS02": "SHORT_HISTORY"}
    assert explain(rows, "CUS01", company="B") == {"CUS01": "NO_RECORDS"}
    rows["customs_declaration"] = [declared(D(2022, 2, 1), 1)]
    assert explain(rows, "CUS02") == {"CUS02": "ZERO_DENOMINATOR"}


def test_cus03_countries(evaluate: Evaluate, explain: Explain) -> None:
    # 60 to US, 40 to DE (20 + 20); an unknown country and imports are left out: .36 + .16
    rows: Tables = {
        "registry": FIRMS,
        "customs_declaration": [
            declared(JUNE, 60),
            declared(JUNE, 20, "DE"),
            declared(D(2024, 1, 1), 20, "DE"),
            declared(JUNE, 20, None),
            declared(JUNE, 20, "FR", direction="import"),
            declared(D(2023, 12, 31), 20, "FR"),
        ],
    }
    assert evaluate(rows, "CUS03") == {"CUS03": 0.52}
    rows["customs_declaration"] = [declared(JUNE, 60, None), declared(JUNE, 1) | {"company_id": "B"}]
    assert explain(rows, "CUS03") == {"CUS03": "FIELD_EMPTY"}
    rows["customs_declaration"] = [declared(D(2023, 1, 1), 60)]
    assert explain(rows, "CUS03") == {"CUS03": "ZERO_DENOMINATOR"}


def flow(day: date, cny: float, **fields: object) -> Row:
    known = {"direction": "in", "category": "fx_receipt", "amount_cents": round(cny * 100)}
    return record("bank_flow", day, flow_no="1", account_hash="a", **(known | fields))


def test_cus04_receipts_in_foreign_currency(evaluate: Evaluate, explain: Explain) -> None:
    # exports of 100 dollars are 700 CNY; received 350 + 140, one returned, one of last year, one spent
    rows: Tables = {
        "registry": FIRMS,
        "customs_declaration": [declared(JUNE, 100), declared(D(2023, 6, 1), 100)],
        "bank_flow": [
            flow(D(2024, 1, 1), 350, returned=False),
            flow(JUNE, 140),
            flow(JUNE, 70, returned=True),
            flow(D(2023, 12, 31), 70),
            flow(JUNE, 70, direction="out"),
            flow(JUNE, 70, category="operating"),
        ],
    }
    assert evaluate(rows, "CUS04") == {"CUS04": 0.7}
    rows["customs_declaration"].append(declared(JUNE, 1, amount_cents=None))
    assert explain(rows, "CUS04") == {"CUS04": "FIELD_EMPTY"}
    rows["customs_declaration"] = [declared(D(2023, 6, 1), 100)]
    assert explain(rows, "CUS04") == {"CUS04": "ZERO_DENOMINATOR"}
    rows["bank_flow"] = [flow(JUNE, 1, company_id="B")]
    assert explain(rows, "CUS04") == {"CUS04": "NO_RECORDS"}


def filed(period_end: date, exported: float) -> Row:
    due = add_months(period_end.replace(day=15), 1)
    money = {"sales_cents": 1_000_00, "export_sales_cents": round(exported * 100)}
    return record("tax_return", period_end, tax_kind="vat", due_on=due, filed_on=due, known_on=due, **money)


def test_cus05_exports_against_returns(evaluate: Evaluate, explain: Explain) -> None:
    # the last return is of November: 12 months from December 2023, 80 CNY a month declared = 960;
    # at customs 14 dollars a month = 98 CNY, 1,176 in 12 months; December 2024 is not declared yet:
    # so 216 of 1,176
    months = [month_end(add_months(D(2023, 12, 1), n)) for n in range(13)]
    rows: Tables = {
        "registry": FIRMS,
        "tax_return": [filed(month, 80) for month in months[:12]],
        "customs_declaration": [declared(month, 14) for month in months],
    }
    assert evaluate(rows, "CUS05") == {"CUS05": 0.183673}
    assert explain(rows | {"tax_return": [filed(months[11], 80)]}, "CUS05") == {"CUS05": "SHORT_HISTORY"}
    others = [filed(months[11], 80) | {"company_id": "B"}]
    assert explain(rows | {"tax_return": others}, "CUS05") == {"CUS05": "NO_RECORDS"}
    none = [filed(month, 0) for month in months[:12]]
    imports = [declared(JUNE, 1, direction="import")]
    nothing = rows | {"tax_return": none, "customs_declaration": imports}
    assert explain(nothing, "CUS05") == {"CUS05": "ZERO_DENOMINATOR"}
    unknown = [declared(JUNE, 1, amount_cents=None)]
    assert explain(rows | {"customs_declaration": unknown}, "CUS05") == {"CUS05": "FIELD_EMPTY"}


def test_cus06_latest_rating(evaluate: Evaluate, explain: Explain) -> None:
    for number, level in enumerate(("dishonest", "general", "aeo"), 1):
        found = [
            record("customs_rating", D(2020, 1, 1), level="general"),
            record("customs_rating", JUNE, level=level),
            record("customs_rating", JUNE.replace(month=7), level="general", known_on=D(2025, 1, 1)),
        ]
        rows: Tables = {"registry": FIRMS, "customs_rating": found}
        assert evaluate(rows, "CUS06") == {"CUS06": number}
    assert explain(rows, "CUS06", company="B") == {"CUS06": "NO_RECORDS"}
