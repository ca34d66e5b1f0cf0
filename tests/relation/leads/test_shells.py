from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.relation.leads.cases import ago, apply, firm, named, row, sale, sales


def test_fc01_three_owners_at_one_address_but_not_an_incubator_or_an_agents_clients(tmp_path: Path) -> None:
    shared = [firm(c, address="示例市第1大街１号") for c in "AB"] + [firm("C", address="示例市第1大街 1号")]
    group = [firm(c, phone_hash="t", legal_representative_hash="p") for c in "DEF"]
    hub = [firm(f"H{i}", address="示例市孵化器") for i in range(25)]
    clients = [firm(c, email_hash="e", agent_hash="agent") for c in "XYZ"]
    found = named(tmp_path, "FC01", {"registry": [*shared, *group, *hub, *clients]})
    assert set(found) == {"A", "B", "C"}
    assert found["A"].figures["owners"] == 3


def test_fc02_an_idle_firm_that_changed_hands(tmp_path: Path) -> None:
    items = ("legal_representative", "shareholder", "address")
    changes = [row(company_id=c, changed_on=ago(60), item=item) for c in "ABC" for item in items]
    changes += [row(company_id="D", changed_on=ago(60), item=item) for item in items[:2]]
    tables = {
        "registry": [firm("A"), firm("B"), firm("C", established_on=ago(200)), firm("D")],
        "registry_change": changes,
        "invoice": [sale("B", ago(200), 100), sale("A", ago(600), 100), sale("A", ago(10), 100)],
        "tax_payment": [row(company_id="Q", payment_no="1", tax_kind="vat", due_on=ago(9), due_cents=1)],
        "social_insurance": [row(company_id="Q", insurance="pension", month=date(2024, 1, 1), insured=1)],
    }
    assert set(named(tmp_path, "FC02", tables)) == {
        "A"
    }  # B was in business, C is too young, D changed too little


def test_fc03_sells_a_million_without_staff_or_power(tmp_path: Path) -> None:
    tables = {
        "registry": [firm(c) for c in "ABC"]
        + [firm("D", kind="self_employed"), firm("E", industry_code="I65")],
        "invoice": [row for c in "ABDE" for row in sales(c, 100_000)] + sales("C", 50_000),
        "social_insurance": [row(company_id="B", insurance="pension", month=date(2024, 10, 1), insured=1)],
        "power_month": [row(company_id="Q", meter_no="1", month=date(2024, 10, 1), kwh=5)],
    }
    assert set(named(tmp_path, "FC03", tables)) == {"A"}


def test_fc04_four_of_five_signs_of_a_hired_head(tmp_path: Path) -> None:
    def head(company: str, days: int, **signs: object) -> dict[str, object]:
        told = {"prior_offices": 0, "insured_in_trade": False, "credit_file": False} | signs
        return row(
            company_id=company,
            person_hash=f"p-{company}",
            role="legal_representative",
            held_from=ago(days),
            **told,
        )

    tables = {
        "registry": [firm(c) for c in "ABCD"],
        "registry_person": [
            head("A", 60),
            head("B", 60, credit_file=True),
            head("C", 60, credit_file=True, insured_in_trade=True),
            head("D", 400),
        ],
        "application": [apply("B", 30), apply("C", 30)],
    }
    found = named(tmp_path, "FC04", tables)
    assert {c: lead.figures["score"] for c, lead in found.items()} == {"A": 4, "B": 4}


def test_fc05_a_guarantee_ring_that_also_trades_inside(tmp_path: Path) -> None:
    def surety(a: str, b: str) -> dict[str, object]:
        return row(company_id=a, guarantee_no=a + b, guaranteed_id=b, amount_cents=100, signed_on=ago(300))

    tables = {
        "registry": [firm(c) for c in "ABCDEF"],
        "guarantee": [
            surety("A", "B"),
            surety("B", "A"),
            surety("C", "D"),
            surety("D", "C"),
            surety("E", "F"),
        ],
        "invoice": [
            *sales("A", 100, 3, "B"),
            *sales("A", 100, 3),
            *sales("C", 100),
            *sales("E", 100, 3, "F"),
        ],
    }
    found = named(tmp_path, "FC05", tables)
    assert set(found) == {"A", "B"}
    assert {edge.kind for edge in found["A"].edges} == {"guarantee", "invoice"}


def test_fc06_many_of_one_introducers_firms_are_lost(tmp_path: Path) -> None:
    firms = [f"F{i}" for i in range(10)]
    loans = [
        row(
            company_id=c,
            loan_no=c,
            disbursed_on=ago(200),
            amount_cents=100,
            referrer_hash="r" if i < 6 else "s",
        )
        for i, c in enumerate(firms)
    ]
    tried = [
        row(
            company_id=c,
            contact_no=c,
            loan_no=c,
            kind="telephone",
            tried_on=ago(150),
            reached=i not in {0, 1, 2, 8, 9},
        )
        for i, c in enumerate(firms)
    ]
    later = row(
        company_id="F2", contact_no="again", loan_no="F2", kind="visit", tried_on=ago(140), reached=True
    )
    tables = {"registry": [firm(c) for c in firms], "loan": loans, "loan_contact": tried}
    found = named(tmp_path / "a", "FC06", tables)
    assert set(found) == {"F0", "F1", "F2"}
    assert found["F0"].figures["share"] == 0.5
    assert named(tmp_path / "b", "FC06", tables | {"loan_contact": [*tried, later]}) == {}
