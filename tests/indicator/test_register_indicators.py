"""REG01-REG17, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

from tests.indicator.conftest import Evaluate
from tests.indicator.lakes import Row, Tables, firm

D = date


def test_reg01_age(evaluate: Evaluate) -> None:
    # 1 Jan 2020 to 31 Dec 2024 is 1826 days; /365.25 = 4.99932
    assert evaluate({"registry": [firm("A")]}, "REG01") == {"REG01": 4.9993}


def test_reg02_capital(evaluate: Evaluate) -> None:
    # 400,000 paid in of 1,000,000 CNY
    assert evaluate({"registry": [firm("A")]}, "REG02", "REG02C") == {"REG02": 0.4, "REG02C": 1_000_000}


def change(item: str, day: date, company: str = "A") -> Row:
    return {"company_id": company, "item": item, "changed_on": day, "known_on": day}


def test_reg03_to_reg07_changes_in_a_rolling_year(evaluate: Evaluate) -> None:
    # (31 Dec 2023, 31 Dec 2024]: 31 Dec 2023 is out, 1 Jan 2024 in
    items = {
        "legal_representative": [D(2023, 12, 31), D(2024, 1, 1), D(2024, 8, 15)],
        "shareholder": [D(2024, 2, 1), D(2024, 3, 1), D(2024, 4, 1)],
        "address": [D(2024, 12, 31)],
        "scope": [D(2022, 1, 1)],
    }
    changes = [change(item, day) for item, days in items.items() for day in days]
    tables: Tables = {"registry": [firm("A")], "registry_change": changes}
    ids = ["REG03", "REG04", "REG05", "REG06", "REG07"]
    # REG04: 15 Aug to 31 Dec = 4 whole months
    assert evaluate(tables, *ids) == {"REG03": 2, "REG04": 4, "REG05": 3, "REG06": 1, "REG07": 0}


def listing(kind: str, day: date, removed: date | None) -> Row:
    return {
        "company_id": "A",
        "list": kind,
        "listed_on": day,
        "removed_on": removed,
        "known_on": removed or day,
    }


def test_reg08_to_reg10_lists(evaluate: Evaluate) -> None:
    # irregular: removed in 2022, and one of 2023 removed in 2024: 36M = (31 Dec 2021, T] holds two;
    # a removal known but effective after T does not end an entry
    serious = listing("serious_violation", D(2024, 3, 1), D(2025, 3, 1)) | {"known_on": D(2024, 6, 1)}
    lists = [
        listing("irregular", D(2022, 1, 1), D(2022, 6, 1)),
        listing("irregular", D(2023, 1, 1), D(2024, 6, 1)),
        listing("irregular", D(2021, 12, 31), D(2022, 1, 1)),
        serious,
    ]
    tables: Tables = {"registry": [firm("A")], "registry_listing": lists}
    assert evaluate(tables, "REG08", "REG09", "REG10") == {"REG08": 0, "REG09": 2, "REG10": 1}


def test_reg08_entry_not_removed(evaluate: Evaluate) -> None:
    tables: Tables = {
        "registry": [firm("A")],
        "registry_listing": [listing("irregular", D(2020, 1, 1), None)],
    }
    assert evaluate(tables, "REG08", "REG09") == {"REG08": 1, "REG09": 0}


def encumbrance(kind: str, number: str, **fields: object) -> Row:
    return {
        "company_id": "A",
        "registration_no": number,
        "kind": kind,
        "registered_on": D(2024, 1, 1),
        "released_on": None,
        "equity_share": None,
        "debt_cents": None,
        "known_on": D(2024, 1, 1),
    } | fields


def test_reg11_to_reg13_encumbrances_in_force(evaluate: Evaluate) -> None:
    # frozen .1 + .15; pledged .3 (a released .5 is out); two mortgages of 1m and 0.5m CNY on 1m of capital
    rows = [
        encumbrance("equity_freeze", "1", equity_share=0.1),
        encumbrance("equity_freeze", "2", equity_share=0.15),
        encumbrance("equity_pledge", "3", equity_share=0.3),
        encumbrance("equity_pledge", "4", equity_share=0.5, released_on=D(2024, 5, 1)),
        encumbrance("chattel_mortgage", "5", debt_cents=100_000_000),
        encumbrance("chattel_mortgage", "6", debt_cents=50_000_000),
    ]
    tables: Tables = {"registry": [firm("A")], "registry_encumbrance": rows}
    expected = {"REG11": 0.25, "REG12": 0.3, "REG13": 2, "REG13R": 1.5}
    assert evaluate(tables, *expected) == expected


def test_reg11_unknown_share_is_not_zero(evaluate: Evaluate) -> None:
    rows = [encumbrance("equity_freeze", "1", equity_share=0.1), encumbrance("equity_freeze", "2")]
    tables: Tables = {"registry": [firm("A")], "registry_encumbrance": rows}
    assert evaluate(tables, "REG11", "REG12") == {"REG11": None, "REG12": 0}


def report(year: int, published: date | None) -> Row:
    due = D(year + 1, 6, 30)
    return {
        "company_id": "A",
        "report_year": year,
        "due_on": due,
        "published_on": published,
        "known_on": published or due,
    }


def test_reg14_reports_on_time(evaluate: Evaluate) -> None:
    # due 2022, 2023, 2024: on time, late, never; the one due in 2021 is out: 1/3
    rows = [
        report(2020, D(2021, 6, 1)),
        report(2021, D(2022, 6, 30)),
        report(2022, D(2023, 7, 1)),
        report(2023, None),
    ]
    tables: Tables = {"registry": [firm("A")], "registry_annual_report": rows}
    assert evaluate(tables, "REG14") == {"REG14": 0.333333}


def test_reg15_to_reg17_shared_person_address_telephone(evaluate: Evaluate) -> None:
    # person: A, B active, C revoked -> 2; address: A, B (written otherwise), C -> 3; telephone: A, C -> 2
    registry = [
        firm("A", address="示例市A路1号-2", legal_representative_hash="p"),
        firm("B", address="示例市 a路1号2", legal_representative_hash="p"),
        firm(
            "C",
            address="示例市Ａ路１号（2）",
            legal_representative_hash="p",
            status="revoked",
            phone_hash="t-A",
        ),
        firm("E"),
    ]
    expected = {"REG15": 2, "REG16": 3, "REG17": 2}
    assert evaluate({"registry": registry}, *expected) == expected
