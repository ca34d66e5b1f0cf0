from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.relation.leads.cases import ago, apply, firm, named, row, sale, sales


def test_fi01_three_firms_in_a_circle_and_a_chain_that_does_not_close(tmp_path: Path) -> None:
    circle = [*sales("A", 90_000, 3, "B"), *sales("B", 80_000, 3, "C"), *sales("C", 85_000, 3, "A")]
    chain = [*sales("D", 90_000, 3, "E"), *sales("E", 80_000, 3, "F")]
    found = named(tmp_path, "FI01", {"registry": [firm(c) for c in "ABCDEF"], "invoice": [*circle, *chain]})
    assert set(found) == {"A", "B", "C"}
    assert found["A"].severity == "high"
    assert found["A"].figures["firms"] == 3
    assert {(e.source, e.target) for e in found["A"].edges} == {("A", "B"), ("B", "C"), ("C", "A")}


def test_fi01_a_circle_of_unlike_sums_is_medium_and_a_thin_one_none(tmp_path: Path) -> None:
    unlike = [*sales("A", 90_000, 3, "B"), *sales("B", 20_000, 3, "C"), *sales("C", 85_000, 3, "A")]
    thin = [
        *(row for c, d in (("D", "E"), ("E", "F"), ("F", "D")) for row in sales(c, 4_000, 3, d)),
        *(row for c in "DEF" for row in sales(c, 900_000, 3, "X")),
    ]
    tables = {"registry": [firm(c) for c in "ABCDEF"], "invoice": [*unlike, *thin]}
    found = named(tmp_path, "FI01", tables)
    assert {company: lead.severity for company, lead in found.items()} == dict.fromkeys("ABC", "medium")


def test_fi02_mutual_invoices_by_their_ratio_and_not_within_a_group(tmp_path: Path) -> None:
    rows = [
        *sales("A", 100_000, 2, "B"),
        *sales("B", 90_000, 2, "A"),  # 0.9
        *sales("C", 100_000, 2, "D"),
        *sales("D", 60_000, 2, "C"),  # 0.6
        *sales("E", 100_000, 2, "F"),
        *sales("F", 60_000, 1, "E"),  # 60,000 in all: too little
        *sales("G", 100_000, 2, "H"),
        *sales("H", 100_000, 2, "G"),  # one legal representative
    ]
    register = [firm(c) for c in "ABCDEF"] + [firm(c, legal_representative_hash="p-1") for c in "GH"]
    found = named(tmp_path, "FI02", {"registry": register, "invoice": rows})
    assert {c: lead.severity for c, lead in found.items()} == {
        "A": "high", "B": "high", "C": "medium", "D": "medium",
    }  # fmt: skip
    assert found["A"].figures["ratio"] == 0.9


def test_fi03_amounts_just_under_the_cap(tmp_path: Path) -> None:
    often = [sale("A", ago(200 - i), 9_960 if i % 4 == 0 else 5_000, invoice_no=str(i)) for i in range(40)]
    run = [sale("B", ago(200 - i), 99_900 if i < 10 else 5_000, invoice_no=str(i)) for i in range(60)]
    few = [sale("C", ago(200 - i), 9_990, invoice_no=str(i)) for i in range(19)]
    over = [sale("D", ago(200 - i), 10_000.01, invoice_no=str(i)) for i in range(40)]
    found = named(
        tmp_path, "FI03", {"registry": [firm(c) for c in "ABCD"], "invoice": [*often, *run, *few, *over]}
    )
    assert set(found) == {"A", "B"}
    assert found["A"].figures["share"] == 0.25
    assert found["B"].figures["in_row"] == 10
    assert found["A"].records_total == 10


def _year(company: str, early: float, late: float) -> list[dict[str, object]]:
    return [
        sale(company, date(2024, m, 15), late if m > 9 else early, invoice_no=str(m)) for m in range(1, 13)
    ]


def test_fi04_a_surge_before_applying_but_not_a_season(tmp_path: Path) -> None:
    steady = [row for i in range(5) for row in _year(f"S{i}", 100, 100)]
    tables = {
        "registry": [firm("A"), firm("B")] + [firm(f"S{i}") for i in range(5)]
        + [firm(f"W{i}", industry_code="52") for i in range(3)],
        "invoice": [*_year("A", 100, 300), *_year("B", 100, 300), *steady]
        + [row for i in range(3) for row in _year(f"W{i}", 100, 300)],
        "application": [apply("A", 30), apply("B", 200), apply("W0", 30)],
    }  # fmt: skip
    found = named(tmp_path, "FI04", tables)
    assert set(found) == {"A"}  # B applied too long ago, W0's whole industry tripled
    assert found["A"].figures["ratio"] == 3


def test_fi04_a_young_firm_with_a_million_in_a_month(tmp_path: Path) -> None:
    young = firm("A", established_on=date(2024, 9, 1))
    tables = {
        "registry": [young, firm("B")],
        "invoice": [sale(c, date(2024, 10, 5), 1_200_000) for c in "AB"],
    }
    assert set(named(tmp_path, "FI04", tables)) == {"A"}


def test_fi05_voids_and_red_letters_after_the_loan(tmp_path: Path) -> None:
    void = [
        sale("A", ago(300 - i), 100, invoice_no=str(i), status="void" if i % 5 == 0 else "valid")
        for i in range(40)
    ]
    red = [*sales("B", 1000, 6), sale("B", ago(20), -1500)]
    clean = [*sales("C", 1000, 6), sale("C", ago(20), -300)]
    loans = [row(company_id=c, loan_no=c, disbursed_on=ago(40), amount_cents=100) for c in "BC"]
    found = named(
        tmp_path,
        "FI05",
        {"registry": [firm(c) for c in "ABC"], "invoice": [*void, *red, *clean], "loan": loans},
    )
    assert {c: lead.severity for c, lead in found.items()} == {"A": "medium", "B": "high"}
    assert found["A"].figures["void_share"] == 0.2


def test_fi06_a_wholesaler_that_sells_what_it_never_bought(tmp_path: Path) -> None:
    def trade(company: str, sold: str, bought: str, cny: float) -> list[dict[str, object]]:
        out = sales(company, 100_000, 6, goods_code=sold)
        return [*out, *sales(company, cny, 6, goods_code=bought, direction="input")]

    tables = {
        "registry": [firm("A"), firm("B"), firm("C", industry_code="33"), firm("D")],
        "invoice": [
            *trade("A", "1301", "3401", 80_000),
            *trade("B", "1301", "1302", 80_000),
            *trade("C", "1301", "3401", 80_000),
            *trade("D", "1301", "1301", 10_000),
        ],
    }
    found = named(tmp_path, "FI06", tables)
    assert set(found) == {"A", "D"}
    assert found["A"].figures["overlap"] == 0
    assert found["D"].figures["purchases_to_sales"] == 0.1


def test_fi07_one_terminal_for_three_owners_and_an_agents_clients(tmp_path: Path) -> None:
    rows = [row for c in "ABC" for row in sales(c, 10, 2, terminal_hash="t1")]
    rows += [row for c in "DEF" for row in sales(c, 10, 2, terminal_hash="t2")]
    rows += [row for c in "GH" for row in sales(c, 10, 2, terminal_hash="t3")]
    register = [firm(c) for c in "ABCGH"] + [firm(c, agent_hash="agent") for c in "DEF"]
    found = named(tmp_path, "FI07", {"registry": register, "invoice": rows})
    assert {c: lead.severity for c, lead in found.items()} == dict.fromkeys("ABC", "high") | dict.fromkeys(
        "DEF", "low"
    )


def test_fi08_sells_to_firms_struck_off_lost_or_just_born(tmp_path: Path) -> None:
    register = [firm(c) for c in "ABC"] + [
        firm("X", status="revoked"),
        firm("Y"),
        firm("Z", established_on=date(2024, 6, 1)),
    ]
    lost = row(company_id="Y", event_no="1", kind="abnormal_household", began_on=ago(100))
    good = [row for c in "ABC" for row in sales(c, 100_000, 12, "outside")]
    tables = {
        "registry": register,
        "tax_event": [lost],
        "invoice": [
            *good,
            *sales("A", 50_000, 2, "X"),
            sale("B", date(2024, 7, 1), 100_000, "Z", counterparty_id="Z"),
            sale("C", date(2024, 11, 1), 100_000, "Z", counterparty_id="Z"),
        ],
    }
    found = named(tmp_path, "FI08", tables)
    assert set(found) == {"A", "B"}  # by November Z was five months old
    assert {edge.kind for edge in found["B"].edges} == {"young"}


def test_fi09_sales_far_above_staff_and_power_of_the_industry(tmp_path: Path) -> None:
    firms = [f"F{i:02d}" for i in range(35)]
    invoice = [r for i, c in enumerate(firms) for r in sales(c, 100_000 + 3_000 * i, 12)]
    invoice += sales("Z", 9_000_000, 12)
    staff = [
        row(company_id=c, insurance="pension", month=date(2024, 11, 1), insured=10) for c in [*firms, "Z"]
    ]
    tables = {"registry": [firm(c) for c in [*firms, "Z"]], "invoice": invoice, "social_insurance": staff}
    found = named(tmp_path, "FI09", tables)
    assert set(found) == {"Z"}
    assert found["Z"].figures["staff_z"] > 3
    assert "power_z" not in found["Z"].figures
