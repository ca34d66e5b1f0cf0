"""The graph's tables on small regions worked by hand, and their independence of what is known later."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.indicator.lakes import Row, RowLake, T, Tables, firm, sale
from xinqiao.relation.measures import RELATION_TABLES, relation_tables
from xinqiao.source.contract import contracts

OLD = date(2023, 1, 1)


def stake(company: str, holder: str, share: float | None, **changes: Any) -> Row:  # noqa: ANN401 - any field
    """A holding; people's ids begin with p."""
    kind = "person" if holder.startswith("p") else "company"
    row = {"company_id": company, "holder_id": holder, "holder_kind": kind, "share": share}
    return row | {"held_from": OLD, "known_on": OLD} | changes


def guarantee(giver: str, firm_: str, cny: float = 100, **changes: Any) -> Row:  # noqa: ANN401 - any field
    row = {"company_id": giver, "guarantee_no": f"{giver}-{firm_}", "guaranteed_id": firm_}
    return row | {"amount_cents": round(cny * 100), "signed_on": OLD, "known_on": OLD} | changes


def applied(company: str, day: date, number: str = "1", **changes: Any) -> Row:  # noqa: ANN401 - any field
    row = {"company_id": company, "application_no": f"{company}{number}", "applied_on": day}
    return row | {"amount_cents": 100_000, "industry_code": "51", "known_on": day} | changes


def traded(seller: str, buyer: str, cny: float, day: date = date(2024, 6, 3), **changes: Any) -> Row:  # noqa: ANN401 - any field
    return sale(seller, day, cny, buyer, counterparty_id=buyer, **changes)


def listed(company: str, list_: str, **changes: Any) -> Row:  # noqa: ANN401 - any field
    return {"company_id": company, "list": list_, "listed_on": OLD, "known_on": OLD} | changes


def one(folder: Path, name: str, tables: Tables, as_of: date = T) -> dict[str, Row]:
    """The table ``name``, by company."""
    table = relation_tables(RowLake(folder, tables), as_of, [name])[name]
    assert table.column_names == list(RELATION_TABLES[name].columns)
    return {row["company_id"]: row for row in table.to_pylist()}


def picked(rows: dict[str, Row], *names: str) -> dict[str, tuple[Any, ...]]:
    return {company: tuple(row[name] for name in names) for company, row in rows.items()}


def test_declared_fields_are_those_of_the_contracts() -> None:
    for table in RELATION_TABLES.values():
        assert next(iter(table.columns)) == "company_id"
        assert set(table.needs) <= set(table.reads)
        for contract, fields in table.reads.items():
            assert set(fields) <= set(contracts()[contract].fields)


def test_nothing_delivered_gives_no_rows(tmp_path: Path) -> None:
    tables = relation_tables(RowLake(tmp_path, {}), T)
    assert set(tables) == set(RELATION_TABLES)
    assert all(table.num_rows == 0 for table in tables.values())
    kinds = {str(field.type) for table in tables.values() for field in table.schema}
    assert kinds == {"string", "int64", "double"}


def test_control(tmp_path: Path) -> None:
    # p1 holds 51 % of B, B 51 % of A; of C only p2's 40 % is recorded; D is self-employed; E has no holder
    rows = one(
        tmp_path,
        "relation_control",
        {
            "registry": [*map(firm, "ABCE"), firm("D", kind="self_employed")],
            "registry_holding": [
                stake("A", "B", 0.51),
                stake("A", "p2", 0.49),
                stake("B", "p1", 0.51),
                stake("B", "p3", 0.49),
                stake("C", "p2", 0.4),
                stake("C", "p1", 0.9, held_until=date(2024, 1, 1)),
            ],
        },
    )
    names = (
        "controller_id",
        "controller_kind",
        "controller_known",
        "layers",
        "ultimate_holders",
        "same_control",
    )
    assert picked(rows, *names) == {
        "A": ("p1", "person", 1, 2, 2, 1),
        "B": ("p1", "person", 1, 1, 2, 1),
        "C": (None, None, 0, None, 1, 0),
        "D": ("p-D", "person", 1, 1, 1, 0),
    }
    assert rows["A"]["controller_share"] == pytest.approx(0.2601)
    assert rows["A"]["controller_votes"] == pytest.approx(0.51)
    assert rows["C"]["controller_share"] == pytest.approx(0.4)  # the largest holder's
    assert rows["C"]["unknown_share"] == pytest.approx(0.6)


def test_shares_from_capital_and_faults_of_shares(tmp_path: Path) -> None:
    rows = one(
        tmp_path,
        "relation_control",
        {
            "registry": [firm("A"), firm("B"), firm("C")],
            "registry_holding": [
                stake("A", "p1", None, subscribed_cents=300),
                stake("A", "p2", None, subscribed_cents=100),
                stake("B", "p1", 0.8),
                stake("B", "p2", 0.8),
                stake("C", "p1", None, subscribed_cents=300),
                stake("C", "p2", None),
            ],
        },
    )
    assert picked(rows, "controller_id", "largest_stake", "over_held", "unknown_share") == {
        "A": ("p1", 0.75, 0, 0.0),
        "B": (None, 0.5, 1, 0.0),
        "C": (None, 0.0, 0, 1.0),
    }
    assert rows["C"]["controller_share"] is None


def test_guarantee_circle(tmp_path: Path) -> None:
    # A -> B -> C -> A is a circle, C and D guarantee each other, D -> E -> F is a chain, G alone
    given_ = ["AB", "BC", "CA", "CD", "DC", "DE", "EF"]
    rows = one(
        tmp_path,
        "relation_guarantee",
        {"registry": [*map(firm, "ABCDEFG")], "guarantee": [guarantee(a, b) for a, b in given_]},
    )
    names = ("scc_size", "in_cycle", "cycle_length", "mutual", "depth", "reach", "network_size")
    assert picked(rows, *names) == {
        "A": (4, 1, 3, 0, 2, 5, 6),
        "B": (4, 1, 3, 0, 2, 5, 6),
        "C": (4, 1, 2, 1, 2, 5, 6),
        "D": (4, 1, 2, 1, 2, 5, 6),
        "E": (1, 0, None, 0, 1, 1, 6),
        "F": (1, 0, None, 0, 0, 0, 6),
        "G": (1, 0, None, 0, 0, 0, 1),
    }
    assert picked(rows, "guaranteed", "guarantors", "given_cents", "received_cents")["C"] == (
        2,
        2,
        20_000,
        20_000,
    )


def test_a_guarantee_released_counts_no_more(tmp_path: Path) -> None:
    tables = {
        "registry": [firm("A"), firm("B")],
        "guarantee": [
            guarantee("A", "B"),
            guarantee("A", "B", ended_on=date(2024, 5, 1), known_on=date(2024, 6, 1)),
        ],
    }
    seen = [
        one(tmp_path, "relation_guarantee", tables, day)["A"] for day in (date(2024, 5, 31), date(2024, 6, 1))
    ]
    assert [row["guaranteed"] for row in seen] == [1, 0]


def test_neighbours_and_bad_ones(tmp_path: Path) -> None:
    # A - B by a stake, A - C by a person, A - D by a guarantee; D - E by a stake
    month = {"account_no": "1", "month": date(2024, 11, 1), "known_on": date(2024, 12, 5)}
    rows = one(
        tmp_path,
        "relation_neighbours",
        {
            "registry": [*map(firm, "ABDE"), firm("C", legal_representative_hash="p-A")],
            "registry_holding": [stake("A", "B", 0.1), stake("E", "D", 0.2)],
            "guarantee": [guarantee("A", "D")],
            "court_list": [
                listed("B", "dishonest", entry_no="1", subject="company"),
                listed("E", "dishonest", entry_no="2", subject="company", removed_on=date(2024, 1, 1)),
            ],
            "registry_listing": [listed("C", "irregular")],
            "credit_month": [
                {"company_id": "E", "days_past_due": 40} | month,
                {"company_id": "D", "days_past_due": 29} | month,
                {"company_id": "A", "days_past_due": 90} | month | {"month": date(2024, 9, 1)},
                {"company_id": "A", "days_past_due": 0} | month,
            ],
        },
    )
    names = ("neighbours", "bad_neighbours", "two_hop", "bad_two_hop")
    assert picked(rows, *names) == {
        "A": (3, 2, 1, 1),
        "B": (1, 0, 2, 1),
        "C": (1, 0, 2, 1),
        "D": (2, 1, 2, 2),
        "E": (1, 0, 1, 0),
    }


def test_community_without_itself(tmp_path: Path) -> None:
    pairs = ["AB", "BC", "CA", "XY", "YZ", "ZX", "CX"]
    rows = one(
        tmp_path,
        "relation_community",
        {
            "registry": [*map(firm, "ABCXYZ")],
            "guarantee": [guarantee(a, b) for a, b in pairs],
            "credit_list": [listed("A", "serious_dishonest"), listed("Y", "fraud_confirmed")],
        },
    )
    assert picked(rows, "community_size", "other_members", "other_bad") == {
        "A": (3, 2, 0),
        "B": (3, 2, 1),
        "C": (3, 2, 1),
        "X": (3, 2, 1),
        "Y": (3, 2, 0),
        "Z": (3, 2, 1),
    }


def test_rings(tmp_path: Path) -> None:
    day, before = date(2024, 12, 20), date(2024, 12, 1)  # 30 days to T begin on 2 December
    rows = one(
        tmp_path,
        "relation_ring",
        {
            "registry": [
                firm("A", phone_hash="t"),
                firm("B", phone_hash="t", address="示例市文三路三百九十一号"),
                firm("C", address="示例市文三路391号"),
                firm("D", address="示例孵化器1号"),
                firm("E", address="示例孵化器1号"),
            ],
            "application": [
                applied("A", day, device_hash="d", ip_hash="i", agent_hash="g"),
                applied("B", day, device_hash="d", agent_hash="g", amount_cents=105_000),
                applied("B", day, "2", device_hash="d", agent_hash="g", amount_cents=200_000, intent_no="n"),
                applied("B", day, "3", agent_hash="g", amount_cents=200_000, intent_no="n"),
                applied("C", before, device_hash="d", agent_hash="g"),
                applied("D", day, ip_hash="i"),
            ],
        },
    )
    names = ("device_firms_30d", "ip_firms_30d", "agent_applications_30d", "agent_alike_30d")
    assert picked(rows, *names) == {
        "A": (1, 1, 3, 1),
        "B": (1, 0, 3, 1),
        "C": (0, 0, 0, 0),
        "D": (0, 1, 0, 0),
        "E": (0, 0, 0, 0),
    }
    assert picked(rows, "phone_firms", "address_firms", "ring_size", "ring_keys") == {
        "A": (1, 0, 4, 4),  # telephone, device, agent, network address
        "B": (1, 1, 4, 4),  # telephone, device, agent, address
        "C": (0, 1, 4, 1),
        "D": (0, 0, 4, 1),
        "E": (0, 0, 1, 0),
    }


def test_proximity_falls_with_distance(tmp_path: Path) -> None:
    rows = one(
        tmp_path,
        "relation_proximity",
        {
            "registry": [*map(firm, "ABCD")],
            "guarantee": [guarantee("A", "B"), guarantee("B", "C")],
            "credit_list": [
                listed("A", "fraud_confirmed"),
                listed("D", "fraud_confirmed", known_on=date(2025, 1, 1)),
            ],
        },
    )
    assert rows["A"]["ppr"] > rows["C"]["ppr"] > rows["D"]["ppr"] == 0
    assert rows["B"]["ppr"] > rows["C"]["ppr"]
    assert {row["seeds"] for row in rows.values()} == {1}
    assert rows["B"]["ppr_percentile"] == 0.75 or rows["B"]["ppr_percentile"] == 0.5


def test_trade(tmp_path: Path) -> None:
    # A, B, C invoice in a circle of at least 20,000; A and D back and forth; E's sales outside the platform
    rows = one(
        tmp_path,
        "relation_trade",
        {
            "registry": [*map(firm, "ABCDE")],
            "registry_holding": [stake("A", "p", 0.6), stake("B", "p", 0.6), stake("D", "A", 0.3)],
            "invoice": [
                traded("A", "B", 20_000),
                traded("B", "C", 30_000),
                traded("C", "A", 40_000),
                traded("A", "D", 10_000),
                sale("A", date(2024, 6, 3), 5_000, "D", direction="input", counterparty_id="D"),
                traded("A", "C", 99_000, status="void"),
                traded("A", "C", 99_000, date(2023, 12, 31)),
                sale("E", date(2024, 6, 3), 70_000, "outside"),
            ],
        },
    )
    names = (
        "output_cents",
        "circular_cents",
        "circles",
        "mutual_cents",
        "related_cents",
        "buyers",
        "sellers",
    )
    assert picked(rows, *names) == {
        "A": (3_000_000, 2_000_000, 1, 500_000, 3_000_000, 2, 2),
        "B": (3_000_000, 2_000_000, 1, 0, 0, 1, 1),
        "C": (4_000_000, 2_000_000, 1, 0, 0, 1, 1),
        "D": (None, 0, 0, 500_000, 500_000, 1, 1),  # known from A's purchase only
        "E": (7_000_000, 0, 0, 0, 0, 0, 0),
    }
    assert (rows["E"]["upstream_tier"], rows["E"]["downstream_tier"]) == (1, 1)
    assert rows["B"]["upstream_tier"] is None  # what A, B and C buy they buy of one another, but for a ninth


def test_a_core_firm_and_its_suppliers(tmp_path: Path) -> None:
    # G and H report no invoices: that A takes all of their sales we know of says nothing
    invoices = [traded(seller, "A", 40_000) for seller in "BCDEF"]
    invoices += [sale("A", date(2024, 6, 3), 9, "G", direction="input", counterparty_id=s) for s in "GH"]
    invoices.append(sale("A", date(2024, 6, 3), 300_000, "x"))
    rows = one(
        tmp_path,
        "relation_trade",
        {
            "registry": [*map(firm, "ABCDEFG")],
            "invoice": [*invoices, sale("B", date(2024, 6, 3), 60_000, "x")],
        },
    )
    names = ("is_core", "dependants", "core_id", "core_dependence")
    assert picked(rows, *names)["A"] == (1, 5, None, 0)
    assert picked(rows, *names)["B"] == (0, 0, "A", 0.4)
    assert picked(rows, *names)["G"] == (0, 0, None, None)
    assert rows["A"]["upstream_tier"] == pytest.approx(2, abs=1e-3)
    assert rows["B"]["downstream_tier"] == pytest.approx(1.4)


def test_stress_from_failing_neighbours(tmp_path: Path) -> None:
    # X fails: half of A's sales, all of B's purchases, a guarantee by C of a tenth of its sales
    rows = one(
        tmp_path,
        "relation_contagion",
        {
            "registry": [*map(firm, "ABCDX")],
            "court_list": [listed("X", "bankruptcy", entry_no="1", subject="company")],
            "guarantee": [guarantee("C", "X", 1_000)],
            "registry_holding": [stake("D", "X", 0.4)],
            "invoice": [
                traded("A", "X", 500),
                sale("A", date(2024, 6, 3), 500, "outside"),
                traded("X", "B", 100),
                sale("B", date(2024, 6, 3), 100, "X", direction="input", counterparty_id="X"),
                sale("C", date(2024, 6, 3), 10_000, "outside"),
            ],
        },
    )
    names = ("failing_customers", "failing_suppliers", "failing_guaranteed_cents", "failing_holders")
    assert picked(rows, *names) == {
        "A": (0.5, None, 0, 0),
        "B": (None, 1, 0, 0),
        "C": (0, None, 100_000, 0),
        "D": (None, None, 0, 0.4),
        "X": (0, 0, 0, 0),
    }
    direct = {company: row["direct_stress"] for company, row in rows.items()}
    assert direct == pytest.approx({"A": 0.3, "B": 0.3, "C": 0.1, "D": 0.12, "X": 0})


DAYS = st.integers(0, 900).map(lambda late: date(2023, 1, 1) + timedelta(days=late))
FIRMS = st.sampled_from("ABCDEF")


@st.composite
def regions(draw: st.DrawFn) -> Tables:
    """A small region whose records become known before and after T."""

    def some(make: Any, *parts: Any) -> list[Row]:  # noqa: ANN401 - a maker of rows and what it takes
        drawn = draw(st.lists(st.tuples(DAYS, *parts), max_size=8))
        return [make(*values) | {"known_on": day} for day, *values in drawn]

    known = {"known_on": OLD}
    return {
        "registry": [firm(company) | known for company in "ABCDEF"]
        + some(lambda c, p: firm(c, legal_representative_hash=p), FIRMS, st.sampled_from("pq")),
        "registry_holding": [
            stake("A", "p", 0.1),
            *some(stake, FIRMS, st.sampled_from(["A", "B", "p1", "p2"]), st.sampled_from([0.2, 0.5, 0.6])),
        ],
        "guarantee": [guarantee("A", "B"), *some(guarantee, FIRMS, FIRMS)],
        "application": [
            applied("A", date(2024, 12, 30)),
            *some(lambda c, d: applied(c, date(2024, 12, 20), device_hash=d), FIRMS, st.sampled_from("xy")),
        ],
        "invoice": [
            traded("A", "B", 9),
            *some(lambda a, b, n: traded(a, b, n * 20_000.0), FIRMS, FIRMS, st.integers(1, 4)),
        ],
        "credit_list": [
            listed("F", "fraud_confirmed"),
            *some(lambda c: listed(c, "fraud_confirmed"), FIRMS),
        ],
        "court_list": [
            listed("F", "dishonest", entry_no="0", subject="company"),
            *some(
                lambda c, n: listed(c, "dishonest", entry_no=n, subject="company"),
                FIRMS,
                st.sampled_from("123"),
            ),
        ],
    }


@settings(max_examples=12)
@given(regions(), st.integers(1, 3))
def test_what_becomes_known_later_and_the_files_change_nothing(region: Tables, parts: int) -> None:
    known = {name: [row for row in rows if row["known_on"] <= T] for name, rows in region.items()}
    with TemporaryDirectory() as folder:
        late = relation_tables(
            RowLake(Path(folder, "late"), {k: v[::-1] for k, v in region.items()}, parts), T
        )
        plain = relation_tables(RowLake(Path(folder, "known"), known), T)
    for name, table in plain.items():
        assert table.equals(late[name]), name
