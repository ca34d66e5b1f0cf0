"""JUD01-JUD11, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record, sale

D = date
JUNE = D(2024, 6, 1)


def entry(kind: str, day: date = JUNE, **fields: object) -> Row:
    return record("court_list", day, **({"list": kind, "subject": "company"} | fields))


def listed(*rows: Row) -> Tables:
    return {"registry": [firm("A"), firm("B")], "court_list": list(rows)}


def test_jud01_jud04_jud10_lists_in_force(evaluate: Evaluate) -> None:
    rows = listed(entry("dishonest"), entry("consumption_limit"), entry("bankruptcy"))
    assert evaluate(rows, "JUD01", "JUD04", "JUD10") == {"JUD01": 1, "JUD04": 1, "JUD10": 1}
    # B is in the register and on no list
    assert evaluate(rows, "JUD01", "JUD04", "JUD10", company="B") == {"JUD01": 0, "JUD04": 0, "JUD10": 0}


@pytest.mark.parametrize("subject", ["legal_representative", "controller"])
def test_jud01_the_people_behind_it_count_jud10_not(evaluate: Evaluate, subject: str) -> None:
    rows = listed(
        *(entry(kind, subject=subject) for kind in ("dishonest", "consumption_limit", "bankruptcy"))
    )
    assert evaluate(rows, "JUD01", "JUD04", "JUD10") == {"JUD01": 1, "JUD04": 1, "JUD10": 0}


def test_jud01_removed_is_over_at_once(evaluate: Evaluate) -> None:
    # removed on 31 Dec: over at T; removed on 1 Jan 2025, known now: still in force
    over = entry("dishonest", removed_on=D(2024, 12, 31))
    still = entry("consumption_limit", removed_on=D(2025, 1, 1))
    assert evaluate(listed(over, still), "JUD01", "JUD04") == {"JUD01": 0, "JUD04": 1}


def test_jud01_counts_from_the_day_it_was_known(evaluate: Evaluate) -> None:
    late = entry("dishonest", known_on=D(2025, 1, 1))
    removed = entry("consumption_limit", entry_no="7")
    removal = removed | {"removed_on": D(2024, 12, 1), "known_on": D(2025, 1, 2)}
    assert evaluate(listed(late, removed, removal), "JUD01", "JUD04") == {"JUD01": 0, "JUD04": 1}


def enforcement(day: date, cny: float | None, **fields: object) -> Row:
    return record("court_enforcement", day, amount_cents=None if cny is None else round(cny * 100), **fields)


def enforced(*rows: Row) -> Tables:
    return {
        "registry": [firm("A")],
        "invoice": [sale("A", D(2024, 3, 1), 10_000)],
        "court_enforcement": list(rows),
    }


def test_jud02_jud03_jud11_enforcement(evaluate: Evaluate) -> None:
    # open: 300 of which 100 are left, and 50 -> 150 of 10,000; closed 500 is out; broken off with 70
    # left of 80 -> JUD11; filed in the year: 300, 50 and the closed one (31 Dec 2023 is out)
    rows = enforced(
        enforcement(D(2024, 1, 1), 300, unpaid_cents=10_000),
        enforcement(D(2024, 12, 31), 50),
        enforcement(D(2024, 2, 1), 500, ended_on=D(2024, 5, 1)),
        enforcement(D(2023, 12, 31), 80, unpaid_cents=7_000, terminated_on=D(2024, 4, 1)),
    )
    assert evaluate(rows, "JUD02", "JUD03", "JUD11") == {"JUD02": 0.015, "JUD03": 3, "JUD11": 70}


def test_jud02_without_sales_or_sum(explain: Explain) -> None:
    rows = enforced(enforcement(JUNE, None))
    assert explain(rows, "JUD02", "JUD03", "JUD11") == {"JUD02": "FIELD_EMPTY"}
    rows["invoice"] = [sale("A", D(2020, 3, 1), 10_000)]
    rows["court_enforcement"] = [enforcement(JUNE, 5)]
    assert explain(rows, "JUD02") == {"JUD02": "ZERO_DENOMINATOR"}
    rows["invoice"] = [sale("Z", D(2024, 3, 1), 10_000)]
    assert explain(rows, "JUD02") == {"JUD02": "NO_RECORDS"}


def case(day: date, cause: str = "contract", role: str = "defendant", **fields: object) -> Row:
    return record("court_case", day, **({"cause": cause, "role": role, "amount_cents": 100_00} | fields))


def cases(*rows: Row) -> Tables:
    return {"registry": [firm("A")], "court_case": list(rows)}


def test_jud05_jud07_sued_over_contracts_and_loans(evaluate: Evaluate) -> None:
    # 24 months: (31 Dec 2022, T]; contract, private lending, small loan; not labour, not as plaintiff
    rows = cases(
        case(D(2023, 1, 1)),
        case(D(2022, 12, 31)),
        case(JUNE, "private_lending"),
        case(JUNE, "small_loan"),
        case(JUNE, "labour"),
        case(JUNE, "bank_loan", role="plaintiff"),
    )
    assert evaluate(rows, "JUD05", "JUD07") == {"JUD05": 3, "JUD07": 1}


def test_jud07_reaches_back_36_months(evaluate: Evaluate) -> None:
    assert evaluate(cases(case(D(2022, 1, 1), "bank_loan")), "JUD05", "JUD07") == {"JUD05": 0, "JUD07": 1}
    assert evaluate(cases(case(D(2021, 12, 31), "bank_loan")), "JUD07") == {"JUD07": 0}
    assert evaluate(cases(case(JUNE, "private_lending")), "JUD07") == {"JUD07": 0}


def report(year: int, assets: float, debt: float) -> Row:
    due = D(year + 1, 6, 30)
    fields = {"assets_cents": round(assets * 100), "liabilities_cents": round(debt * 100)}
    return record("registry_annual_report", due, report_year=year, published_on=due, **fields)


def statement(year: int, equity: float | None, known: date) -> Row:
    cents = None if equity is None else round(equity * 100)
    return record("tax_statement", D(year, 12, 31), equity_cents=cents, known_on=known)


def test_jud06_against_net_assets(evaluate: Evaluate) -> None:
    # sued for 100 + 150 (any cause); the report of 2023 has 1,500 - 500, the statement of 2022 is older,
    # that of 2023 without equity does not count
    sued = cases(case(JUNE, "tort"), case(JUNE, "labour", amount_cents=150_00), case(D(2022, 1, 1)))
    reports = [report(2022, 9, 1), report(2023, 1_500, 500)]
    statements = [statement(2022, 4_000, D(2023, 5, 1)), statement(2023, None, D(2024, 5, 1))]
    sued |= {"registry_annual_report": reports, "tax_statement": statements}
    assert evaluate(sued, "JUD06") == {"JUD06": 0.25}
    # of one year the statement is taken; one known after T is not
    sued["tax_statement"].append(statement(2023, 500, D(2024, 5, 2)) | {"company_id": "A"})
    sued["tax_statement"].append(statement(2024, 1, D(2025, 5, 1)))
    assert evaluate(sued, "JUD06") == {"JUD06": 0.5}


def test_jud06_reasons(explain: Explain) -> None:
    sued = cases(case(JUNE)) | {"registry_annual_report": [report(2023, 500, 500)]}
    assert explain(sued, "JUD06") == {"JUD06": "ZERO_DENOMINATOR"}
    assert explain(cases(case(JUNE)), "JUD06") == {"JUD06": "FIELD_EMPTY"}
    sued = cases(case(JUNE, amount_cents=None)) | {"registry_annual_report": [report(2023, 500, 0)]}
    assert explain(sued, "JUD06") == {"JUD06": "FIELD_EMPTY"}


DECEMBER = D(2024, 12, 1)


def insured(people: int, month: date = DECEMBER) -> Row:
    known = month + timedelta(days=30)
    return record("social_insurance", month, insurance="pension", insured=people, known_on=known)


def test_jud08_labour_cases_by_people_insured(evaluate: Evaluate, explain: Explain) -> None:
    # 2 labour cases within 24 months, one before; 40 people insured in December
    labour = cases(
        case(JUNE, "labour"), case(D(2023, 1, 1), "labour"), case(D(2022, 1, 1), "labour"), case(JUNE)
    )
    labour |= {"social_insurance": [insured(40)]}
    assert evaluate(labour, "JUD08") == {"JUD08": 0.05}
    labour |= {"social_insurance": [insured(40, D(2024, 9, 1))]}
    assert explain(labour, "JUD08") == {"JUD08": "STALE"}
    labour |= {"social_insurance": [insured(0)]}
    assert explain(labour, "JUD08") == {"JUD08": "ZERO_DENOMINATOR"}
    labour |= {"social_insurance": [insured(1) | {"company_id": "Z"}]}
    assert explain(labour, "JUD08") == {"JUD08": "NO_RECORDS"}


def test_jud09_judgments_lost(evaluate: Evaluate, explain: Explain) -> None:
    # judged within 36 months, whenever filed and in any role: lost 1, in part 1 (a half), won 2; settled
    # is no judgment, the one lost in 2021 too old: 1.5 of 4
    day = D(2021, 6, 1)
    rows = cases(
        case(day, judged_on=D(2022, 1, 1), result="lost"),
        case(day, judged_on=JUNE, result="partly", role="plaintiff"),
        case(day, judged_on=JUNE, result="won"),
        case(day, judged_on=JUNE, result="won"),
        case(day, judged_on=JUNE, result="settled"),
        case(day, judged_on=D(2021, 12, 31), result="lost"),
        case(day),
    )
    assert evaluate(rows, "JUD09", "JUD09N") == {"JUD09": 0.375, "JUD09N": 4}
    assert explain(cases(case(day)), "JUD09", "JUD09N") == {"JUD09": "ZERO_DENOMINATOR"}


def test_court_records_absent_are_not_zero(explain: Explain) -> None:
    only = {"registry": [firm("A")], "court_case": [case(JUNE)]}
    ids = ["JUD01", "JUD03", "JUD05"]
    assert explain(only, *ids) == {"JUD01": "SOURCE_ABSENT", "JUD03": "SOURCE_ABSENT"}
    unregistered = cases(case(JUNE)) | {"invoice": [sale("Z", JUNE, 1)]}
    assert explain(unregistered, "JUD05", company="Z") == {"JUD05": "NO_RECORDS"}
