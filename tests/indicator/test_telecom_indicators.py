"""TEL01-TEL06, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record

D = date
FIRMS = [firm("A"), firm("B")]


def line(kind: str, owner: str | None, opened: date, **fields: object) -> Row:
    return record("phone_line", opened, kind=kind, owner=owner, **fields)


def lines(*rows: Row) -> Tables:
    return {"registry": FIRMS, "phone_line": list(rows)}


def test_tel01_the_representatives_mobile_before_the_contacts(evaluate: Evaluate, explain: Explain) -> None:
    # 10 Apr to 31 Dec: 8 whole months; the older one was closed, the contact's is older still
    rows = lines(
        line("mobile", "legal_representative", D(2024, 4, 10)),
        line("mobile", "legal_representative", D(2024, 9, 10)),
        line("mobile", "legal_representative", D(2019, 4, 10), closed_on=D(2024, 12, 31)),
        line("mobile", "contact", D(2015, 1, 1)),
    )
    assert evaluate(rows, "TEL01") == {"TEL01": 8}
    assert evaluate(lines(*rows["phone_line"][2:]), "TEL01") == {"TEL01": 119}
    landline = lines(line("landline", "legal_representative", D(2024, 4, 10)))
    assert explain(landline, "TEL01") == {"TEL01": "NOT_APPLICABLE"}
    assert explain(landline, "TEL01", company="B") == {"TEL01": "NO_RECORDS"}


def test_tel02_lines_under_one_identity(evaluate: Evaluate, explain: Explain) -> None:
    rows = lines(
        line("mobile", "legal_representative", D(2020, 1, 1), holder_lines=3),
        line("mobile", "contact", D(2020, 1, 1), holder_lines=6),
        line("mobile", "company", D(2020, 1, 1), holder_lines=80),
        line("mobile", "contact", D(2020, 1, 1), holder_lines=9, closed_on=D(2024, 1, 1)),
    )
    assert evaluate(rows, "TEL02") == {"TEL02": 6}
    unknown = lines(line("mobile", "contact", D(2020, 1, 1), holder_lines=None))
    assert explain(unknown, "TEL02") == {"TEL02": "FIELD_EMPTY"}


def test_tel03_fixed_lines(evaluate: Evaluate, explain: Explain) -> None:
    rows = lines(
        line("broadband", "company", D(2024, 10, 1)),
        line("landline", "company", D(2024, 9, 1)),
        line("landline", "company", D(2010, 9, 1), closed_on=D(2020, 1, 1)),
    )
    assert evaluate(rows, "TEL03", "TEL03M") == {"TEL03": 1, "TEL03M": 3}
    mobile = lines(line("mobile", "contact", D(2020, 1, 1)))
    assert evaluate(mobile, "TEL03", "TEL03M") == {"TEL03": 0, "TEL03M": None}
    assert explain(mobile, "TEL03M") == {"TEL03M": "NOT_APPLICABLE"}


def month(day: date, times: int | None, phone: str = "p") -> Row:
    return record("phone_month", day, phone_hash=phone, suspensions=times)


def test_tel04_suspensions_in_twelve_months(evaluate: Evaluate, explain: Explain) -> None:
    rows: Tables = {
        "registry": FIRMS,
        "phone_month": [
            month(D(2024, 1, 1), 1),
            month(D(2024, 12, 1), 2),
            month(D(2024, 12, 1), 1, "q"),
            month(D(2024, 5, 1), None),
            month(D(2023, 12, 1), 7),
        ],
    }
    assert evaluate(rows, "TEL04") == {"TEL04": 4}
    rows["phone_month"] = [month(D(2023, 12, 1), 7), month(D(2024, 12, 1), None)]
    assert explain(rows, "TEL04") == {"TEL04": "STALE"}
    assert explain(rows, "TEL04", company="B") == {"TEL04": "NO_RECORDS"}


def test_tel05_identity_of_all_lines(evaluate: Evaluate, explain: Explain) -> None:
    true = line("mobile", "legal_representative", D(2020, 1, 1), verified=True)
    false = line("mobile", "contact", D(2020, 1, 1), verified=False)
    unasked = line("mobile", "contact", D(2020, 1, 1), verified=None)
    firms = line("landline", "company", D(2020, 1, 1), verified=False)
    assert evaluate(lines(true, unasked, firms), "TEL05") == {"TEL05": 1}
    assert evaluate(lines(true, false), "TEL05") == {"TEL05": 0}
    assert explain(lines(unasked, firms), "TEL05") == {"TEL05": "FIELD_EMPTY"}


def applied(company: str, day: date, phone: str | None, **fields: object) -> Row:
    return record("application", day, company, phone_hash=phone, **fields)


def test_tel06_firms_with_the_same_telephone(evaluate: Evaluate, explain: Explain) -> None:
    # 90 days to T begin on 3 Oct. p: A (twice), B, C; q: A, B; D's use of p on 2 Oct is too old,
    # E's not known at T
    day, last = D(2024, 12, 1), D(2024, 10, 3)
    rows: Tables = {
        "registry": [*FIRMS, firm("D")],
        "application": [
            applied("A", day, "p"),
            applied("A", day, "p"),
            applied("A", day, "q"),
            applied("B", last, "p"),
            applied("B", last, "q"),
            applied("C", last, "p"),
            applied("D", D(2024, 10, 2), "p"),
            applied("E", day, "p", known_on=D(2025, 1, 1)),
        ],
    }
    assert evaluate(rows, "TEL06") == {"TEL06": 3}
    assert explain(rows, "TEL06", company="D") == {"TEL06": "NOT_APPLICABLE"}
    rows["application"] = [applied("A", day, "p")]
    assert evaluate(rows, "TEL06") == {"TEL06": 1}
    assert explain(rows, "TEL06", company="B") == {"TEL06": "NO_RECORDS"}
