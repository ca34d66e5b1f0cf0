"""BNK01-BNK16, each worked by hand. T is 2024-12-31: 6M is July to December 2024, 12M is 2024."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, months, sale
from tests.indicator.test_social_indicators import insured
from tests.indicator.test_tax_indicators import filed, paid
from xinqiao.indicator.compute import compute

D = date
NUMBER = count()


def flow(day: date, cny: float, way: str = "in", company: str = "A", **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A booking with a firm, ordinary business, known on its day."""
    return {
        "company_id": company,
        "account_hash": f"acc-{company}",
        "flow_no": str(next(NUMBER)),
        "booked_on": day,
        "direction": way,
        "amount_cents": round(cny * 100),
        "counterparty_hash": "h-X",
        "counterparty_id": None,
        "counterparty_kind": "company",
        "category": "operating",
        "related": False,
        "payees": None,
        "returned": False,
        "known_on": day,
    } | changes


def out(day: date, cny: float, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return flow(day, cny, "out", **changes)


FIRST = flow(D(2021, 12, 1), 1)
"""Makes the history long enough and counts in no window."""


def bank(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "bank_flow": [FIRST, *rows]}


JUNE, SEP = D(2024, 6, 1), D(2024, 9, 2)


def test_bnk01_bnk02_operating_inflow(evaluate: Evaluate) -> None:
    # 2024: 500 + 100 (no category known) + 30 of foreign exchange; loans, investment, refunds, related, own
    # account, returned and outflow are left out. 2023: 840: 630/840 - 1 = -.25
    rows = [
        flow(JUNE, 500),
        flow(JUNE, 100, category=None, counterparty_kind=None, related=None, returned=None),
        flow(D(2024, 12, 31), 30, category="fx_receipt"),
        *(flow(JUNE, 9, category=kind) for kind in ("loan_in", "repayment", "investment", "refund")),
        flow(JUNE, 9, related=True),
        flow(JUNE, 9, counterparty_kind="own_account"),
        flow(JUNE, 9, returned=True),
        out(JUNE, 9),
        flow(D(2023, 6, 1), 840),
    ]
    assert evaluate(bank(*rows), "BNK01", "BNK02") == {"BNK01": 630, "BNK02": -0.25}


def test_bnk01_counts_bookings_known(evaluate: Evaluate) -> None:
    rows = bank(flow(JUNE, 5), flow(D(2024, 12, 30), 7, known_on=D(2025, 1, 1)))
    assert evaluate(rows, "BNK01") == {"BNK01": 5}
    assert evaluate(rows, "BNK01", as_of=T + timedelta(days=1)) == {"BNK01": 12}


def test_bnk03_inflow_to_invoices_with_tax(evaluate: Evaluate) -> None:
    # 90 received, 100 + 20 of tax invoiced: .75; a void invoice and one of 2023 do not count
    invoices = [sale("A", JUNE, 100, total_cents=12_000), sale("A", JUNE, 7, status="void")]
    invoices.append(sale("A", D(2023, 6, 1), 7))
    rows = bank(flow(JUNE, 90)) | {"invoice": invoices}
    assert evaluate(rows, "BNK03") == {"BNK03": 0.75}


def balance(month: int, average: float | None, low_days: int, account: str = "acc-A") -> Row:
    known = D(2024, month + 1, 5)
    row = {"company_id": "A", "account_hash": account, "month": D(2024, month, 1), "low_days": low_days}
    return row | {"average_cents": None if average is None else round(average * 100), "known_on": known}


def test_bnk04_bnk05_balances_of_all_accounts(evaluate: Evaluate) -> None:
    # November is the last balance known; June to November: 300 + 100 in two accounts; outflow July to
    # December 12,000, 2,000 a month: .2. Low days: the lesser of 10 and 4 a month: 24; May is out
    rows = bank(*(out(day, 2000) for day in months(2024, range(7, 13))))
    rows["bank_balance"] = [balance(n, 300, 10) for n in range(6, 12)]
    rows["bank_balance"] += [balance(n, 100, 4, "acc-2") for n in range(6, 12)] + [balance(5, 9999, 31)]
    assert evaluate(rows, "BNK04", "BNK05") == {"BNK04": 0.2, "BNK05": 24}


def test_bnk06_comes_and_goes(evaluate: Evaluate) -> None:
    # in 1,000, out 980 the same day (2 %): yes; in 500, out 500 the next day: yes; in 400, out 391.99: no;
    # in 300, out 300 two days later: no; out a day before: no. Inflow 1,000 + 500 + 400 + 300 + 200 = 2,400;
    # the lesser of 1,500 in and 1,480 out
    rows = [flow(SEP, 1000), out(SEP, 980)]
    rows += [flow(D(2024, 9, 10), 500), out(D(2024, 9, 11), 500)]
    rows += [flow(D(2024, 9, 20), 400), out(D(2024, 9, 20), 391.99)]
    rows += [flow(D(2024, 10, 1), 300), out(D(2024, 10, 3), 300)]
    rows += [flow(D(2024, 10, 20), 200), out(D(2024, 10, 19), 200)]
    rows += [flow(D(2024, 11, 1), 70, counterparty_kind="own_account"), out(D(2024, 11, 1), 70)]
    assert evaluate(bank(*rows), "BNK06") == {"BNK06": round(1480 / 2400, 6)}


def test_bnk06_one_payment_does_not_answer_many_receipts(evaluate: Evaluate) -> None:
    rows = [out(SEP, 100), *(flow(SEP, 100) for _ in range(5))]
    assert evaluate(bank(*rows), "BNK06") == {"BNK06": 0.2}


def test_bnk07_returned_by_the_payee(evaluate: Evaluate) -> None:
    # paid X 100, got 30 within 7 days and 50 on the 8th: 30; Y paid us first, then was paid: 0;
    # Z was paid 20 twice and returned 25: 25 at most. Outflow 100 + 40 + 40 + 820 = 1,000
    rows = [out(SEP, 100), flow(D(2024, 9, 9), 30), flow(D(2024, 9, 10), 50)]
    rows += [flow(SEP, 40, counterparty_hash="Y"), out(D(2024, 9, 3), 40, counterparty_hash="Y")]
    rows += [out(SEP, 20, counterparty_hash="Z"), out(D(2024, 9, 3), 20, counterparty_hash="Z")]
    rows += [flow(D(2024, 9, 4), 25, counterparty_hash="Z"), out(D(2024, 8, 1), 820, counterparty_hash="W")]
    assert evaluate(bank(*rows), "BNK07") == {"BNK07": 0.055}


def firms(payer: str, payee: str, day: date, cny: float) -> list[Row]:
    """A payment between two firms known by their codes, booked by both."""
    known = {"category": "transfer"}
    return [
        out(day, cny, company=payer, counterparty_id=payee, counterparty_hash=f"h-{payee}", **known),
        flow(day, cny, company=payee, counterparty_id=payer, counterparty_hash=f"h-{payer}", **known),
    ]


def test_bnk07_through_a_third_firm(evaluate: Evaluate) -> None:
    # A pays B 100, B pays C 80 three days later, C pays A 90 on the 7th day: the least leg, 80, of 400;
    # the same again with C paying on the 8th day does not count. Seen from B: 80 of 160 paid
    rows = firms("A", "B", SEP, 100) + firms("B", "C", D(2024, 9, 5), 80) + firms("C", "A", D(2024, 9, 9), 90)
    rows += firms("A", "B", D(2024, 10, 1), 100) + firms("B", "C", D(2024, 10, 2), 80)
    rows += firms("C", "A", D(2024, 10, 9), 90)
    tables = bank(*rows, out(D(2024, 8, 1), 200), flow(D(2021, 12, 1), 1, company="B"))
    tables["registry"] = [firm(name) for name in "ABC"]
    assert evaluate(tables, "BNK07") == {"BNK07": 0.2}


def test_bnk07_small_legs_are_not_followed(evaluate: Evaluate) -> None:
    # A pays B 4.99 of 100, under 5 %
    rows = firms("A", "B", SEP, 4.99) + firms("B", "C", SEP, 5) + firms("C", "A", SEP, 5)
    assert evaluate(bank(*rows, out(D(2024, 8, 1), 95.01)), "BNK07") == {"BNK07": 0}


def test_bnk08_bnk09_cash_and_persons(evaluate: Evaluate) -> None:
    # cash 60 in and 40 out of 400 booked; to persons 30 + 40 cash of 200 paid out, wages of 50 left out
    rows = [
        flow(JUNE, 140),
        flow(JUNE, 60, category="cash", counterparty_kind="person"),
        out(JUNE, 40, category="cash", counterparty_kind="person"),
        out(JUNE, 30, category="transfer", counterparty_kind="person"),
        out(JUNE, 50, category="payroll", counterparty_kind="person"),
        out(JUNE, 80),
        out(JUNE, 999, counterparty_kind="own_account"),
    ]
    assert evaluate(bank(*rows), "BNK08", "BNK09") == {"BNK08": 0.25, "BNK09": 0.35}


def wages(day: date, cny: float, people: int, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return out(day, cny, category="payroll", counterparty_kind="person", payees=people, **changes)


def test_bnk10_wages(evaluate: Evaluate) -> None:
    # nine months of 400, three of 0: mean 300, squares 9 x 100^2 + 3 x 300^2 = 360,000,
    # sample deviation sqrt(360,000/11) = 180.906807: 1 - .603023. Three gaps.
    # The last payroll of November, two bookings: 5 + 1 people of 8 insured
    rows = [wages(day, 400, 9) for day in months(2024, range(2, 10))]
    rows += [wages(D(2024, 11, 10), 300, 5), wages(D(2024, 11, 10), 100, 1, account_hash="acc-2")]
    tables = bank(*rows) | {"social_insurance": [insured(D(2024, 11, 1), 8)]}
    expected = {"BNK10": round(1 - math.sqrt(360_000 / 11) / 300, 6), "BNK10M": 3, "BNK10P": 0.75}
    assert evaluate(tables, *expected) == expected


def test_bnk11_taxes_booked_against_paid_on_record(evaluate: Evaluate) -> None:
    # on record 70 VAT + 25 withheld + 5 late fee = 100; booked 85: .15
    tables = bank(out(JUNE, 85, category="tax", counterparty_kind="government"))
    tables["tax_return"] = [filed("A", D(2024, 4, 30), 1000)]
    tables["tax_payment"] = [
        paid("vat", JUNE, 70, JUNE, late_fee_cents=500),
        paid("withheld_income", JUNE, 25, JUNE),
    ]
    assert evaluate(tables, "BNK11") == {"BNK11": 0.15}


def test_bnk12_debt_service(evaluate: Evaluate) -> None:
    # 45 of principal and interest to 100 earned; a debit that failed does not count
    rows = [
        flow(JUNE, 100),
        out(JUNE, 45, category="repayment"),
        out(JUNE, 9, category="repayment", returned=True),
    ]
    assert evaluate(bank(*rows), "BNK12", "BNK15") == {"BNK12": 0.45, "BNK15": 1}


def test_bnk13_payers(evaluate: Evaluate) -> None:
    # P pays 60 in two bookings, Q (known by its code) 40: .36 + .16; a payment institution and a loan are out
    rows = [flow(JUNE, 20, counterparty_hash="P"), flow(SEP, 40, counterparty_hash="P")]
    rows.append(flow(SEP, 40, counterparty_hash="Q", counterparty_id="Q"))
    rows.append(flow(SEP, 500, counterparty_hash="Z", counterparty_kind="payment_institution"))
    rows.append(flow(SEP, 500, counterparty_hash="L", category="loan_in"))
    assert evaluate(bank(*rows), "BNK13") == {"BNK13": 0.52}


def test_bnk14_small_lenders(evaluate: Evaluate) -> None:
    # two lenders in 6 months with 10 + 20 + 5 of 350 booked; a third only in June
    lender = {"counterparty_kind": "micro_lender"}
    rows = [
        flow(SEP, 10, counterparty_hash="M1", **lender),
        flow(SEP, 20, counterparty_hash="M2", **lender),
        out(SEP, 5, counterparty_hash="M2", **lender),
        flow(D(2024, 6, 30), 99, counterparty_hash="M3", **lender),
        flow(SEP, 315),
    ]
    assert evaluate(bank(*rows), "BNK14", "BNK14S") == {"BNK14": 2, "BNK14S": 0.1}


def test_bnk15_returned_bookings(evaluate: Evaluate) -> None:
    rows = [out(day, 1, returned=True) for day in (D(2023, 12, 31), D(2024, 1, 1), JUNE, JUNE)]
    assert evaluate(bank(*rows), "BNK15") == {"BNK15": 3}


def test_bnk16_after_a_loan(evaluate: Evaluate) -> None:
    # loans on 1 June and 1 July. Securities on 30 Aug (90 days after June's, 60 after July's: once) 10,
    # property on 29 Sep (90 after July's) 20, an investment on 1 July 40; on 30 Sep (91 days): none
    loan = {"category": "loan_in", "counterparty_kind": "bank"}
    rows = [
        flow(JUNE, 1000, **loan),
        flow(D(2024, 7, 1), 1000, **loan),
        out(D(2024, 8, 30), 10, counterparty_kind="securities"),
        out(D(2024, 9, 29), 20, counterparty_kind="property_developer"),
        out(D(2024, 7, 1), 40, category="investment"),
        out(D(2024, 9, 30), 80, counterparty_kind="securities"),
        out(D(2024, 5, 31), 80, counterparty_kind="securities"),
        out(D(2024, 7, 2), 80),
    ]
    assert evaluate(bank(*rows), "BNK16") == {"BNK16": 70}


def test_why_there_is_no_value(tmp_path: Path) -> None:
    rows = [
        flow(D(2024, 12, 1), 5),
        out(D(2020, 1, 1), 1, company="B"),
        flow(D(2024, 12, 1), 5, company="C", category="loan_in", counterparty_kind="bank"),
    ]
    lake = RowLake(
        tmp_path,
        {
            "registry": [firm(name) for name in "ABCE"],
            "bank_flow": rows,
            "bank_balance": [balance(8, 1, 1), balance(11, None, 0, "acc-2") | {"company_id": "B"}],
            "invoice": [sale("A", T, 1)],
        },
    )
    ids = [f"BNK{n:02}" for n in range(1, 17)]
    missing = compute(lake, T, ids=ids).missing.to_pylist()
    found = {(row["company_id"], row["indicator"]): row["reason"] for row in missing}
    assert found[("E", "BNK01")] == found[("C", "BNK04")] == found[("B", "BNK03")] == "NO_RECORDS"
    assert found[("A", "BNK02")] == found[("A", "BNK03")] == found[("A", "BNK06")] == "SHORT_HISTORY"
    assert found[("A", "BNK04")] == "STALE"
    assert found[("A", "BNK16")] == "NOT_APPLICABLE"
    assert ("C", "BNK16") not in found
    for name in ("BNK02", "BNK06", "BNK07", "BNK08", "BNK09", "BNK10", "BNK12", "BNK13"):
        assert found[("B", name)] == "ZERO_DENOMINATOR"
    assert found[("A", "BNK11")] == "SOURCE_ABSENT"
