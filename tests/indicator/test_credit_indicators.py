"""CRD01-CRD11, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record, sale

D = date
DECEMBER = D(2024, 12, 1)
SALES = [sale("A", D(2024, 3, 1), 10_000)]
FIRMS = [firm("A"), firm("B")]


def account(number: str, day: date = DECEMBER, **fields: object) -> Row:
    """An account of lender L<number>: 1,000 of 2,000 CNY drawn for a year, in order."""
    usual: dict[str, object] = {
        "account_no": number,
        "lender": f"L{number}",
        "opened_on": D(2023, 1, 1),
        "term_months": 12,
        "granted_cents": 2_000_00,
        "balance_cents": 1_000_00,
        "days_past_due": 0,
        "interest_overdue": False,
        "classification": "normal",
    }
    return record("credit_month", day, **(usual | fields))


def borrowed(*rows: Row) -> Tables:
    return {"registry": FIRMS, "invoice": SALES, "credit_month": list(rows)}


def test_crd01_overdue_now(evaluate: Evaluate, explain: Explain) -> None:
    good, late, interest = account("1"), account("2", days_past_due=1), account("3", interest_overdue=True)
    assert evaluate(borrowed(good), "CRD01") == {"CRD01": 0}
    assert evaluate(borrowed(good, late), "CRD01") == {"CRD01": 1}
    assert evaluate(borrowed(good, interest), "CRD01") == {"CRD01": 1}
    # the last month of account 2 counts: it was late in November only; 4 ended years ago
    cured = [account("2", D(2024, 11, 1), days_past_due=9), account("2")]
    assert evaluate(borrowed(*cured, account("4", D(2020, 1, 1), days_past_due=99)), "CRD01") == {"CRD01": 0}
    assert explain(borrowed(account("1", D(2024, 8, 1))), "CRD01") == {"CRD01": "STALE"}
    unknown = account("2", days_past_due=None)
    assert explain(borrowed(good, unknown), "CRD01") == {"CRD01": "FIELD_EMPTY"}
    assert explain(borrowed(late, unknown), "CRD01") == {}
    assert explain(borrowed(good), "CRD01", company="B") == {"CRD01": "NO_RECORDS"}


def test_crd01_a_month_known_later_does_not_count(evaluate: Evaluate) -> None:
    late = account("1", days_past_due=30, known_on=D(2025, 1, 8))
    assert evaluate(borrowed(account("1", D(2024, 11, 1)), late), "CRD01") == {"CRD01": 0}


def test_crd02_days_and_months_past_due(evaluate: Evaluate, explain: Explain) -> None:
    # 24 months from January 2023 (December 2022 is out): overdue Mar, Apr, May 2023 on account 1, May and
    # June on account 2, then Jan 2024: 5 months, of which 4 on end; most days 45
    overdue = [
        (D(2022, 12, 1), "1", 99),
        (D(2023, 3, 1), "1", 5),
        (D(2023, 4, 1), "1", 35),
        (D(2023, 5, 1), "1", 45),
        (D(2023, 5, 1), "2", 1),
        (D(2023, 6, 1), "2", 31),
        (D(2023, 7, 1), "2", 0),
        (D(2024, 1, 1), "2", 1),
    ]
    rows = borrowed(*(account(number, day, days_past_due=days) for day, number, days in overdue))
    expected = {"CRD02": 45, "CRD02N": 5, "CRD02C": 4}
    assert evaluate(rows, *expected) == expected
    assert evaluate(borrowed(account("1")), *expected) == dict.fromkeys(expected, 0)
    old = borrowed(account("1", D(2022, 12, 1)), account("1", days_past_due=None))
    assert explain(old, *expected) == dict.fromkeys(expected, "STALE")


def test_crd03_worst_classification(evaluate: Evaluate, explain: Explain) -> None:
    classes = ["normal", "special_mention", "substandard", "doubtful", "loss"]
    for level, found in enumerate(classes, 1):
        rows = borrowed(account("1"), account("2", classification=found), account("3", classification=None))
        assert evaluate(rows, "CRD03") == {"CRD03": level}
    rows = borrowed(account("1", classification=None), account("1", D(2024, 1, 1), classification="loss"))
    assert explain(rows, "CRD03") == {"CRD03": "FIELD_EMPTY"}


def test_crd04_crd05_lenders(evaluate: Evaluate, explain: Explain) -> None:
    # owed: L1 (two accounts) and L2, not L3; new: L4's first account is of 1 Oct, L2's second is no first
    rows = borrowed(
        account("1"),
        account("5", lender="L1"),
        account("2"),
        account("6", lender="L2", opened_on=D(2024, 11, 1)),
        account("3", balance_cents=0, opened_on=D(2024, 9, 30)),
        account("4", balance_cents=0, opened_on=D(2024, 10, 1)),
        account("7", D(2024, 9, 1)),
        account("8", D(2024, 8, 1)),
    )
    # 7 was last reported in September, within three months: L7 is owed too; 8 is older
    assert evaluate(rows, "CRD04", "CRD05") == {"CRD04": 3, "CRD05": 1}
    assert explain(borrowed(account("1", opened_on=None)), "CRD05") == {"CRD05": "FIELD_EMPTY"}


def test_crd06_hard_inquiries(evaluate: Evaluate) -> None:
    # 2 months: (31 Oct, T]; 3: (30 Sep, T]; 6: (30 Jun, T]
    days = [D(2024, 11, 1), D(2024, 10, 31), D(2024, 10, 1), D(2024, 9, 30), D(2024, 7, 1), D(2024, 6, 30)]
    found = [record("credit_inquiry", day, purpose="loan_approval") for day in days]
    found += [record("credit_inquiry", DECEMBER, purpose="guarantee")]
    found += [record("credit_inquiry", DECEMBER, purpose=p) for p in ("post_loan", "own_report", None)]
    rows: Tables = {"registry": FIRMS, "credit_inquiry": found}
    expected = {"CRD06": 2, "CRD06B": 4, "CRD06C": 6}
    assert evaluate(rows, *expected) == expected
    assert evaluate(rows, *expected, company="B") == dict.fromkeys(expected, 0)


def asked(day: date, institution: str | None, intent: str | None = None) -> Row:
    return record("application", day, institution=institution, intent_no=intent)


def test_crd07_one_intent_to_several_banks_counts_once(evaluate: Evaluate) -> None:
    # 7 days from 25 Dec: one intent at three banks, bank X twice, an application without either
    day, first = D(2024, 12, 31), D(2024, 12, 25)
    found = [asked(day, bank, "i") for bank in ("X", "Y", "Z")]
    found += [asked(first, "X"), asked(day, "X"), asked(day, None), asked(D(2024, 12, 24), "W")]
    rows: Tables = {"registry": FIRMS, "application": found}
    assert evaluate(rows, "CRD07") == {"CRD07": 3}
    assert evaluate(rows, "CRD07", company="B") == {"CRD07": 0}


def test_crd08_crd10_crd11_balances(evaluate: Evaluate) -> None:
    # balances 1,000 + 3,000 + 500 of 10,000 sales; lines 2,000 + 4,000 hold 4,000; short: 1,000 of the
    # 4,000 with a known term
    rows = borrowed(
        account("1"),
        account("2", balance_cents=3_000_00, granted_cents=4_000_00, term_months=13),
        account("3", balance_cents=500_00, granted_cents=None, term_months=None),
    )
    expected = {"CRD08": 0.45, "CRD10": 0.666667, "CRD11": 0.25}
    assert evaluate(rows, *expected) == expected


def test_crd08_crd10_crd11_reasons(explain: Explain) -> None:
    ids = ["CRD08", "CRD10", "CRD11"]
    unknown = borrowed(account("1", balance_cents=None), account("2"))
    assert explain(unknown, *ids) == {"CRD08": "FIELD_EMPTY", "CRD10": "FIELD_EMPTY"}
    empty = borrowed(account("1", balance_cents=0, granted_cents=0))
    assert explain(empty, *ids) == {"CRD10": "ZERO_DENOMINATOR", "CRD11": "ZERO_DENOMINATOR"}
    assert explain(borrowed(account("1", term_months=None)), *ids) == {"CRD11": "FIELD_EMPTY"}
    old = borrowed(account("1")) | {"invoice": [sale("A", D(2020, 1, 1), 5)]}
    assert explain(old, *ids) == {"CRD08": "ZERO_DENOMINATOR"}
    none = borrowed(account("1")) | {"invoice": [sale("B", D(2024, 1, 1), 5)]}
    assert explain(none, *ids) == {"CRD08": "NO_RECORDS"}
    assert explain(borrowed(account("1", D(2024, 8, 1))), *ids) == dict.fromkeys(ids, "STALE")


def guarantee(cny: float | None, **fields: object) -> Row:
    cents = None if cny is None else round(cny * 100)
    return record("guarantee", D(2024, 1, 1), guaranteed_id="B", amount_cents=cents, **fields)


def test_crd09_guarantees_to_net_assets(evaluate: Evaluate, explain: Explain) -> None:
    # 100 + 50 in force, 500 released on T; net assets 300
    equity = record("tax_statement", D(2023, 12, 31), equity_cents=300_00)
    rows: Tables = {
        "registry": FIRMS,
        "tax_statement": [equity],
        "guarantee": [
            guarantee(100),
            guarantee(50, ended_on=D(2025, 1, 1)),
            guarantee(500, ended_on=D(2024, 12, 31)),
        ],
    }
    assert evaluate(rows, "CRD09") == {"CRD09": 0.5}
    assert explain(rows, "CRD09", company="B") == {"CRD09": "FIELD_EMPTY"}
    assert explain(rows | {"guarantee": [guarantee(None)]}, "CRD09") == {"CRD09": "FIELD_EMPTY"}
    broke = [equity | {"equity_cents": -1}]
    assert explain(rows | {"tax_statement": broke}, "CRD09") == {"CRD09": "ZERO_DENOMINATOR"}
