"""NET01-NET07 on small graphs, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

import pytest

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record, sale

D = date
DAY = D(2024, 1, 1)


def stake(company: str, holder: str, share: float | None, **fields: object) -> Row:
    kind = "person" if holder.islower() else "company"
    return record("registry_holding", DAY, company, holder_id=holder, holder_kind=kind, share=share, **fields)


def firms(*names: str) -> list[Row]:
    return [firm(name) for name in names]


def test_net01_stake_of_the_controller(evaluate: Evaluate, explain: Explain) -> None:
    # p holds .6 of B and B holds .7 of A, p another .1: p controls A with .6 x .7 + .1 = .52
    held = [stake("B", "p", 0.6), stake("A", "B", 0.7), stake("A", "p", 0.1), stake("A", "q", 0.2)]
    rows: Tables = {"registry": firms("A", "B", "C"), "registry_holding": held}
    assert evaluate(rows, "NET01", "NET01K") == {"NET01": 0.52, "NET01K": 1}
    # without the stake of B known at T nobody controls B, so B itself is the end of A's chain
    held[0] |= {"known_on": D(2025, 1, 1)}
    assert evaluate(rows, "NET01") == {"NET01": 0.7}
    assert explain(rows, "NET01K", company="C") == {"NET01K": "NO_RECORDS"}


def test_net01_nobody_controls(evaluate: Evaluate) -> None:
    held = [stake("A", name, 0.25) for name in "pqrs"]
    assert evaluate({"registry": firms("A"), "registry_holding": held}, "NET01", "NET01K") == {
        "NET01": 0.25,
        "NET01K": 0,
    }


def guaranteed(giver: str, taker: str, **fields: object) -> Row:
    return record("guarantee", DAY, giver, guaranteed_id=taker, amount_cents=100, **fields)


def test_net02_bad_neighbours(evaluate: Evaluate, explain: Explain) -> None:
    # A's neighbours: B it guarantees, C it holds, E with the same representative; C is dishonest,
    # B was until October; G is bad and no neighbour
    registry = [*firms("A", "B", "C", "G", "H"), firm("E", legal_representative_hash="p-A")]
    june = {"list": "dishonest", "subject": "company"}
    rows: Tables = {
        "registry": registry,
        "registry_holding": [stake("C", "A", 0.8)],
        "guarantee": [guaranteed("A", "B")],
        "court_list": [
            record("court_list", DAY, "C", **june),
            record("court_list", DAY, "B", **june, removed_on=D(2024, 10, 1)),
            record("court_list", DAY, "G", **june),
        ],
    }
    assert evaluate(rows, "NET02") == {"NET02": 0.333333}
    assert explain(rows, "NET02", company="H") == {"NET02": "NOT_APPLICABLE"}


def test_net03_guarantee_circles(evaluate: Evaluate) -> None:
    # A -> B -> C -> A; D guarantees A and stands in no circle
    ring = [guaranteed("A", "B"), guaranteed("B", "C"), guaranteed("C", "A"), guaranteed("D", "A")]
    rows: Tables = {"registry": firms("A", "B", "C", "D", "E"), "guarantee": ring}
    found = {name: evaluate(rows, "NET03", "NET03C", company=name) for name in "ADE"}
    assert found["A"] == {"NET03": 3, "NET03C": 1}
    assert found["D"] == found["E"] == {"NET03": 1, "NET03C": 0}
    ring[2] |= {"ended_on": D(2024, 12, 1)}
    assert evaluate(rows, "NET03", "NET03C") == {"NET03": 1, "NET03C": 0}


def test_net04_bad_firms_of_the_community(evaluate: Evaluate) -> None:
    # two cliques of four, tied by one guarantee: A's community is A B C D, of whose others C is bad
    groups = ["ABCD", "EFGH"]
    ties = [guaranteed(a, b) for group in groups for a in group for b in group if a < b]
    rows: Tables = {
        "registry": firms(*"ABCDEFGH"),
        "guarantee": [*ties, guaranteed("D", "E")],
        "court_list": [record("court_list", DAY, "C", list="dishonest", subject="company")],
    }
    assert evaluate(rows, "NET04") == {"NET04": 0.333333}
    assert evaluate(rows, "NET04", company="C") == {"NET04": 0}
    assert evaluate(rows, "NET04", company="E") == {"NET04": 0}


def applied(company: str, day: date, **fields: object) -> Row:
    return record("application", day, company, **fields)


def test_net05_net06_applications(evaluate: Evaluate) -> None:
    # within 30 days: B and C from A's device, B from its address; E's application of November is older.
    # A's agent brought A, B and C; B is of A's industry and amount, C asks for ten times as much
    december = D(2024, 12, 20)
    usual = {"agent_hash": "g", "industry_code": "51", "amount_cents": 1_000_000}
    rows: Tables = {
        "registry": firms("A", "B", "C", "E", "F"),
        "application": [
            applied("A", december, device_hash="d", ip_hash="i", **usual),
            applied("B", december, device_hash="d", ip_hash="i", **usual),
            applied("C", december, device_hash="d", ip_hash="j", **usual | {"amount_cents": 10_000_000}),
            applied("E", D(2024, 11, 20), device_hash="d", ip_hash="i", **usual),
        ],
    }
    expected = {"NET05": 2, "NET06": 3, "NET06A": 1}
    assert evaluate(rows, *expected) == expected
    assert evaluate(rows, *expected, company="F") == {"NET05": 0, "NET06": 0, "NET06A": 0}


def test_net07_proximity_to_fraud(evaluate: Evaluate) -> None:
    # X is the seed, A guarantees it, B guarantees A, C stands apart
    rows: Tables = {
        "registry": firms("A", "B", "C", "X"),
        "guarantee": [guaranteed("A", "X"), guaranteed("B", "A")],
        "credit_list": [record("credit_list", DAY, "X", list="fraud_confirmed")],
    }
    near = {name: evaluate(rows, "NET07", "NET07P", company=name) for name in "ABCX"}
    assert near["A"]["NET07"] > near["B"]["NET07"] > near["C"]["NET07"] == 0  # type: ignore[operator] # no value is missing here
    assert near["A"]["NET07P"] > near["C"]["NET07P"] == 0  # type: ignore[operator] # as above
    rows["credit_list"][0] |= {"known_on": D(2025, 1, 1)}
    assert evaluate(rows, "NET07") == {"NET07": 0}


@pytest.mark.parametrize(
    ("absent", "ids"),
    [
        ("registry_holding", ["NET01", "NET01K"]),
        ("guarantee", ["NET03", "NET03C"]),
        ("application", ["NET05", "NET06", "NET06A"]),
        ("credit_list", ["NET07", "NET07P"]),
    ],
)
def test_records_absent_are_not_zero(explain: Explain, absent: str, ids: list[str]) -> None:
    rows: Tables = {
        "registry": firms("A", "B"),
        "invoice": [sale("A", DAY, 1)],
        "registry_holding": [stake("A", "p", 1)],
        "guarantee": [guaranteed("A", "B")],
        "application": [applied("A", DAY)],
        "credit_list": [record("credit_list", DAY, "B")],
    }
    assert explain(rows, *ids) == {}
    del rows[absent]
    assert explain(rows, *ids) == dict.fromkeys(ids, "SOURCE_ABSENT")
