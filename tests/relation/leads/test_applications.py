from __future__ import annotations

from pathlib import Path

from tests.relation.leads.cases import ago, apply, firm, named, row


def test_fa01_changed_within_180_days_before_applying(tmp_path: Path) -> None:
    changes = [
        row(company_id="A", changed_on=ago(100), item="legal_representative"),
        row(company_id="B", changed_on=ago(300), item="legal_representative"),
        row(company_id="C", changed_on=ago(100), item="scope"),
        row(company_id="D", changed_on=ago(10), item="address"),
    ]
    tables = {
        "registry": [firm(c) for c in "ABCD"],
        "registry_change": changes,
        "application": [apply(c, 30) for c in "ABCD"],
    }
    found = named(tmp_path, "FA01", tables)
    assert set(found) == {"A"}  # D changed after it had applied
    assert found["A"].figures["days_before"] == 70


def test_fa02_three_banks_in_a_week_but_one_intent_counts_once(tmp_path: Path) -> None:
    def ask(company: str, days: int, bank: int, intent: str) -> dict[str, object]:
        return apply(company, days, f"{bank}", institution=f"B{bank}", intent_no=intent)

    tables = {
        "registry": [
            firm("A"),
            firm("B"),
            firm("C", legal_representative_hash="p"),
            firm("D", legal_representative_hash="p"),
        ],
        "application": [
            *(ask("A", 30 + i, i, f"A{i}") for i in range(3)),
            *(ask("B", 30, i, "one click") for i in range(6)),
            *(ask("C", 40 + 5 * i, i, f"C{i}") for i in range(3)),
            *(ask("D", 42 + 5 * i, 5 + i, f"D{i}") for i in range(2)),
        ],
    }
    found = named(tmp_path, "FA02", tables)
    assert set(found) == {"A", "C", "D"}
    assert (found["A"].figures["in_7_days"], found["C"].figures["in_30_days"]) == (3, 5)


def test_fa03_one_device_for_three_owners_but_not_a_public_hall(tmp_path: Path) -> None:
    near = [apply(c, 30 + i, device_hash="d") for i, c in enumerate("ABC")]
    spread = [apply(c, 30 + 40 * i, device_hash="e") for i, c in enumerate("DEF")]
    hall = [apply(f"H{i}", 20 + i, ip_hash="hall") for i in range(25)]
    family = [apply(c, 30, device_hash="f") for c in "XYZ"]
    register = [firm(c) for c in "ABCDEF"] + [firm(f"H{i}") for i in range(25)]
    register += [firm(c, legal_representative_hash="p") for c in "XYZ"]
    tables = {"registry": register, "application": [*near, *spread, *hall, *family]}
    assert set(named(tmp_path, "FA03", tables)) == {"A", "B", "C"}


def test_fa04_an_agents_ten_alike_applications(tmp_path: Path) -> None:
    gang = [apply(f"G{i}", 20 + i, agent_hash="g", template_hash="x") for i in range(10)]
    park = [
        apply(
            f"P{i}",
            20 + i,
            agent_hash="p",
            template_hash=f"t{i}",
            amount_cents=1000 * i,
            industry_code=f"{i}",
        )
        for i in range(12)
    ]
    few = [apply(f"F{i}", 20 + i, agent_hash="f", template_hash="y") for i in range(9)]
    found = named(tmp_path, "FA04", {"application": [*gang, *park, *few], "registry": [firm("G0")]})
    assert set(found) == {f"G{i}" for i in range(10)}
    assert found["G0"].figures["applications"] == 10


def test_fa05_papers_that_were_altered(tmp_path: Path) -> None:
    def paper(company: str, **signs: object) -> dict[str, object]:
        return row(company_id=company, application_no="1", document_no="1", checked_on=ago(20), **signs)

    tables = {
        "registry": [firm("A")],
        "application_document": [
            paper("A", amount_layer=True, incremental_saves=2),
            paper("B", amount_layer=True, incremental_saves=0),
            paper("C", mixed_fonts=True, scanned=True),
            paper("D", verification_failed=True, scanned=True),
            paper("E"),
        ],
    }
    assert set(named(tmp_path, "FA05", tables)) == {"A", "D"}


def test_fa06_many_lines_or_one_line_for_many(tmp_path: Path) -> None:
    def line(company: str, phone: str, lines: int, **more: object) -> dict[str, object]:
        return row(
            company_id=company,
            phone_hash=phone,
            kind="mobile",
            holder_lines=lines,
            opened_on=ago(900),
            **more,
        )

    tables = {
        "registry": [firm(c) for c in "ABCDE"],
        "phone_line": [
            line("A", "1", 5),
            *(line(c, "2", 1) for c in "BCD"),
            line("E", "3", 9, closed_on=ago(100)),
        ],
    }
    assert set(named(tmp_path, "FA06", tables)) == {"A", "B", "C", "D"}
