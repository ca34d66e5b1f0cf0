from __future__ import annotations

from pathlib import Path

from tests.relation.leads.cases import ago, firm, flow, named, row, sales


def test_fb01_money_that_leaves_the_next_day(tmp_path: Path) -> None:
    through = [
        f
        for i in range(10)
        for f in (flow("A", 100 - i * 5, "in", 90_000), flow("A", 99 - i * 5, "out", 89_000))
    ]
    kept = [
        f
        for i in range(10)
        for f in (flow("B", 100 - i * 5, "in", 90_000), flow("B", 95 - i * 5, "out", 50_000))
    ]
    shops = [
        flow("C", 100 - i, way, 90_000, counterparty_kind="payment_institution")
        for i in range(10)
        for way in ("in", "out")
    ]
    found = named(tmp_path, "FB01", {"registry": [firm("A")], "bank_flow": [*through, *kept, *shops]})
    assert set(found) == {"A"}
    assert found["A"].figures["share"] == 1


def test_fb02_money_that_comes_back_over_two_or_three_firms(tmp_path: Path) -> None:
    def loop(firms: str, start: int, cny: float) -> list[dict[str, object]]:
        pairs = zip(firms, firms[1:] + firms[0], strict=True)
        return [
            flow(a, start - i, "out", cny * (1 - 0.01 * i), counterparty_id=b)
            for i, (a, b) in enumerate(pairs)
        ]

    rows = [
        *loop("ABC", 100, 200_000),
        *loop("ABC", 50, 300_000),
        *loop("DEFG", 90, 200_000),
        *loop("DEFG", 60, 99_000),
    ]
    rows += [*loop("XYZ", 40, 200_000)]  # once is chance
    rows += [flow("P", 100 - 10 * i, "out", 200_000, counterparty_id="Q") for i in range(3)]
    found = named(tmp_path, "FB02", {"registry": [firm("A")], "bank_flow": rows})
    assert set(found) == set("ABCDEFG")
    assert (found["A"].figures["loops"], found["A"].figures["firms"]) == (2, 3)


def test_fb03_round_sums_without_invoices(tmp_path: Path) -> None:
    def inflows(company: str, cny: float) -> list[dict[str, object]]:
        return [
            flow(company, 100 - i, "in", cny, category="operating", counterparty_hash=f"{i}")
            for i in range(12)
        ]

    few = [flow("C", 90 - i, "in", 12_345, category="operating", counterparty_hash="one") for i in range(12)]
    tables = {
        "registry": [firm(c) for c in "ABCD"],
        "bank_flow": [*inflows("A", 50_000), *inflows("B", 50_000), *few, *inflows("D", 12_345)],
        "invoice": sales("B", 50_000),
    }
    found = named(tmp_path, "FB03", tables)
    assert set(found) == {"A", "C"}
    assert found["A"].figures["round_share"] == 1


def test_fb04_a_loan_that_goes_to_the_exchange(tmp_path: Path) -> None:
    loans = [
        row(company_id=c, loan_no=c, disbursed_on=ago(60), amount_cents=100_000_00, entrusted=c == "B")
        for c in "ABCD"
    ]
    rows = [flow(c, 58, "out", 50_000, counterparty_kind="securities", category="investment") for c in "AB"]
    rows += [flow("C", 58, "out", 20_000, counterparty_kind="person", category="payroll")]
    rows += [flow("C", 57, "out", 29_000, counterparty_kind="person", category="operating")]
    rows += [flow("D", 50, "out", 90_000, counterparty_kind="property_developer", category="operating")]
    found = named(tmp_path, "FB04", {"registry": [firm("A")], "loan": loans, "bank_flow": rows})
    assert set(found) == {"A"}  # B is paid to the seller, C stays under 30 %, D's is ten days later
    assert found["A"].figures["share"] == 0.5
