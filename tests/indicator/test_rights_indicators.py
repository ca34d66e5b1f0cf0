"""IPR01-IPR10, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, record
from xinqiao.indicator.compute import compute
from xinqiao.indicator.flag import red_flags

D = date
JUNE = D(2024, 6, 1)
FIRMS = [firm("A"), firm("B")]


def right(kind: str, applied: date, granted: date | None = None, **fields: object) -> Row:
    return record("ip_right", applied, kind=kind, granted_on=granted, known_on=granted or applied, **fields)


RIGHTS = [
    right("invention", D(2019, 12, 31), D(2021, 6, 1), own_application=True),
    right("invention", D(2005, 1, 1), D(2008, 1, 1), own_application=False),
    right("utility", D(2021, 12, 31), D(2022, 5, 1), own_application=True),
    right("design", D(2022, 12, 31), D(2023, 5, 1), own_application=None),
    right("invention", D(2020, 5, 1), D(2022, 1, 1), own_application=True, lapsed_on=D(2024, 12, 31)),
    right("utility", D(2015, 1, 1), D(2016, 1, 1), own_application=True, lapsed_on=D(2021, 12, 31)),
    right("invention", D(2023, 5, 1)),
    right("trademark", JUNE, D(2024, 12, 1)),
]
"""In force: an invention of exactly 5 years, one of 19.9986, a utility model of 3, a design of 2.

The others: lapsed early on the day, lapsed early too long ago, not granted, not a patent.
"""


def test_ipr01_ipr02_ipr03_counts(evaluate: Evaluate, explain: Explain) -> None:
    # IPR02 from 1 Jan 2022 on: utility model, design, the lapsed invention; IPR03: 2 of 3 known
    rows: Tables = {"registry": FIRMS, "ip_right": RIGHTS}
    expected = {"IPR01": 2, "IPR02": 3, "IPR03": 0.666667}
    assert evaluate(rows, *expected) == expected
    assert evaluate(rows, *expected, company="B") == {"IPR01": 0, "IPR02": 0, "IPR03": None}
    assert explain(rows, "IPR03", company="B") == {"IPR03": "NOT_APPLICABLE"}
    rows["ip_right"] = [right("design", JUNE, JUNE, own_application=None), RIGHTS[0] | {"company_id": "B"}]
    assert explain(rows, "IPR03") == {"IPR03": "FIELD_EMPTY"}


def test_ipr01_ends_after_twenty_years(evaluate: Evaluate) -> None:
    old = right("invention", D(2004, 12, 31), D(2008, 1, 1), own_application=True)
    young = old | {"right_no": "2", "applied_on": D(2005, 1, 1)}
    for row, count in ((old, 0), (young, 1)):
        assert evaluate({"registry": FIRMS, "ip_right": [row]}, "IPR01") == {"IPR01": count}


def test_ipr05_years_left(evaluate: Evaluate, explain: Explain) -> None:
    # days from application to T: 1827 + 7304 + 1096 + 731 = 10958, 30.00137 years of 365.25 days;
    # terms 20 + 20 + 10 + 15 = 65 years: (65 - 30.00137) / 4 = 8.74966
    rows: Tables = {"registry": FIRMS, "ip_right": RIGHTS}
    assert evaluate(rows, "IPR05") == {"IPR05": 8.7497}
    assert explain(rows, "IPR05", company="B") == {"IPR05": "NOT_APPLICABLE"}


def test_ipr06_lapsed_before_their_term(evaluate: Evaluate, explain: Explain) -> None:
    # 1 lapsed within 36 months beside 4 in force; 31 Dec 2021 is out; a utility model ran its 10 years
    whole = right("utility", D(2013, 3, 1), D(2014, 1, 1), lapsed_on=D(2023, 3, 1))
    rows: Tables = {"registry": FIRMS, "ip_right": [*RIGHTS, whole]}
    assert evaluate(rows, "IPR06") == {"IPR06": 0.2}
    assert explain(rows, "IPR06", company="B") == {"IPR06": "NOT_APPLICABLE"}


def test_ipr10_applications_before_a_loan(evaluate: Evaluate, explain: Explain) -> None:
    # (30 Jun 2024, T]: 1 of 4 in 36 months; 31 Dec 2021 is out
    days = [D(2024, 7, 1), D(2024, 6, 30), D(2023, 1, 1), D(2022, 1, 1), D(2021, 12, 31)]
    rows: Tables = {"registry": FIRMS, "ip_right": [right("software", day) for day in days]}
    assert evaluate(rows, "IPR10") == {"IPR10": 0.25}
    assert explain(rows, "IPR10", company="B") == {"IPR10": "NOT_APPLICABLE"}


def test_ipr04_inventors_insured(evaluate: Evaluate, explain: Explain) -> None:
    # p is insured by one of two answers, q is not, r was not compared: 1 of 2
    def inventor(person: str, insured: str) -> Row:
        answer = {"yes": True, "no": False}.get(insured)
        return record("ip_inventor", JUNE, person_hash=person, insured_here=answer)

    found = [inventor("p", "unknown"), inventor("p", "yes"), inventor("q", "no"), inventor("r", "unknown")]
    rows: Tables = {"registry": FIRMS, "ip_inventor": found}
    assert evaluate(rows, "IPR04") == {"IPR04": 0.5}
    assert explain(rows, "IPR04", company="B") == {"IPR04": "NOT_APPLICABLE"}
    rows["ip_inventor"] = [inventor("r", "unknown"), inventor("s", "yes") | {"company_id": "B"}]
    assert explain(rows, "IPR04") == {"IPR04": "FIELD_EMPTY"}


def statement(year: int, research: float | None, revenue: float | None) -> Row:
    cents = [None if cny is None else round(cny * 100) for cny in (research, revenue)]
    known = D(year + 1, 5, 31)
    return record("tax_statement", D(year, 12, 31), rd_cents=cents[0], revenue_cents=cents[1], known_on=known)


def test_ipr07_research_to_revenue(evaluate: Evaluate, explain: Explain) -> None:
    # the latest statement with both is that of 2022: 3 of 60
    found = [statement(2021, 1, 2), statement(2022, 3, 60), statement(2023, None, 70)]
    rows: Tables = {"registry": FIRMS, "tax_statement": found}
    assert evaluate(rows, "IPR07", "IPR07R") == {"IPR07": 0.05, "IPR07R": 60}
    assert explain(rows, "IPR07", company="B") == {"IPR07": "NO_RECORDS"}
    rows["tax_statement"] = [statement(2023, 1, 0)]
    assert explain(rows, "IPR07", "IPR07R") == {"IPR07": "ZERO_DENOMINATOR"}
    rows["tax_statement"] = [statement(2023, None, 1), statement(2023, 1, 1) | {"company_id": "B"}]
    assert explain(rows, "IPR07") == {"IPR07": "FIELD_EMPTY"}


def certificate(kind: str, until: date | None) -> Row:
    return record("qualification", D(2021, 1, 1), kind=kind, valid_until=until)


def test_ipr08_qualifications(evaluate: Evaluate) -> None:
    ids = ["IPR08", "IPR08H", "IPR08N"]
    cases = [
        ([certificate("high_tech", D(2024, 12, 31))], [1, 1, 1]),
        ([certificate("high_tech", D(2024, 12, 30)), certificate("tech_sme", None)], [1, 0, 2]),
        ([certificate("little_giant", D(2024, 12, 30))], [0, 0, 1]),
    ]
    for held, values in cases:
        rows: Tables = {"registry": FIRMS, "qualification": held}
        assert evaluate(rows, *ids) == dict(zip(ids, values, strict=True))
        assert evaluate(rows, *ids, company="B") == dict.fromkeys(ids, 0)


@pytest.mark.parametrize(
    ("revenue", "share", "raised"),
    [
        (50e6, 0.049, True),
        (50e6, 0.05, False),
        (60e6, 0.045, False),
        (200e6, 0.039, True),
        (201e6, 0.03, False),
    ],
)
def test_ipr07_flag_is_of_high_tech_firms(tmp_path: Path, revenue: float, share: float, raised: bool) -> None:  # noqa: FBT001 - a case
    rows: Tables = {
        "registry": FIRMS,
        "tax_statement": [statement(2023, share * revenue, revenue)],
        "qualification": [certificate("high_tech", None)],
    }
    ids = ["IPR07", "IPR07R", "IPR08H"]
    flags = red_flags(compute(RowLake(tmp_path, rows), T, ids=ids))
    assert ("IPR07" in flags["indicator"].to_pylist()) is raised


def pledge(registration: str, number: str, **fields: object) -> Row:
    return record("ip_pledge", JUNE, registration_no=registration, right_no=number, **fields)


def test_ipr09_pledges_in_force(evaluate: Evaluate) -> None:
    # registration 1 holds rights a and b, registration 2 holds a again; 3 was released
    rows: Tables = {
        "registry": FIRMS,
        "ip_pledge": [
            pledge("1", "a"),
            pledge("1", "b"),
            pledge("2", "a"),
            pledge("3", "b", released_on=D(2024, 12, 31)),
        ],
    }
    assert evaluate(rows, "IPR09", "IPR09D") == {"IPR09": 2, "IPR09D": 1}
    assert evaluate(rows, "IPR09", "IPR09D", company="B") == {"IPR09": 0, "IPR09D": 0}
