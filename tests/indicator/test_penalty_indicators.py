"""ADM01-ADM07, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, RowLake, T, Tables, firm, record, sale
from xinqiao.indicator.compute import compute
from xinqiao.indicator.flag import red_flags

D = date
JUNE = D(2024, 6, 1)


def penalty(day: date = JUNE, **fields: object) -> Row:
    wanted = {"kind": "fine", "domain": "general", "gravity": "ordinary", "amount_cents": 100_00}
    return record("penalty", day, **(wanted | fields))


def punished(*rows: Row) -> Tables:
    sales = [sale("A", D(2024, 3, 1), 10_000)]
    return {"registry": [firm("A"), firm("B")], "invoice": sales, "penalty": list(rows)}


def test_adm01_adm02_adm04_adm06_penalties(evaluate: Evaluate) -> None:
    # 12 months: the first two (31 Dec 2023 is out of them, in the 24); fines 100 + 100 + 50 of 10,000
    rows = punished(
        penalty(domain="fire", gravity="severe"),
        penalty(D(2024, 1, 1)),
        penalty(D(2023, 12, 31), domain="safety", amount_cents=50_00),
        penalty(D(2023, 1, 1), kind="suspension", amount_cents=None),
        penalty(D(2022, 12, 31), kind="licence_revoked"),
    )
    expected = {"ADM01": 2, "ADM02": 0.025, "ADM04": 1, "ADM06": 2, "ADM06S": 1}
    assert evaluate(rows, *expected) == expected
    assert evaluate(rows, "ADM01", "ADM04", "ADM06", company="B") == {"ADM01": 0, "ADM04": 0, "ADM06": 0}


def test_minor_and_repaired_ones_are_used_nowhere(evaluate: Evaluate) -> None:
    severe = {"kind": "suspension", "domain": "safety", "gravity": "severe", "amount_cents": 9_00}
    rows = punished(
        penalty(**severe | {"gravity": "minor"}),
        penalty(**severe, repaired_on=D(2024, 12, 31)),
        penalty(**severe, shown_until=D(2024, 12, 30)),
    )
    expected = {"ADM01": 0, "ADM02": 0, "ADM04": 0, "ADM06": 0, "ADM06S": 0}
    assert evaluate(rows, *expected) == expected


def test_a_repair_counts_from_the_day_it_was_known(evaluate: Evaluate) -> None:
    first = penalty(decision_no="7")
    repaired = first | {"repaired_on": D(2024, 10, 1), "known_on": D(2025, 1, 1)}
    ahead = penalty(repaired_on=D(2025, 1, 1), shown_until=D(2024, 12, 31))
    assert evaluate(punished(first, repaired, ahead), "ADM01") == {"ADM01": 2}
    assert evaluate(punished(first, repaired, ahead), "ADM01", as_of=D(2025, 1, 1)) == {"ADM01": 0}


def test_adm01_unknown_gravity_counts(evaluate: Evaluate) -> None:
    assert evaluate(punished(penalty(gravity=None)), "ADM01") == {"ADM01": 1}


def test_adm02_reasons(explain: Explain) -> None:
    assert explain(punished(penalty(amount_cents=None)), "ADM02") == {"ADM02": "FIELD_EMPTY"}
    # a warning has no sum; B has no invoices
    assert explain(punished(penalty(kind="warning", amount_cents=None)), "ADM02") == {}
    assert explain(punished(penalty()), "ADM02", company="B") == {"ADM02": "NO_RECORDS"}
    old = punished(penalty()) | {"invoice": [sale("A", D(2020, 1, 1), 1)]}
    assert explain(old, "ADM02") == {"ADM02": "ZERO_DENOMINATOR"}


def test_adm03_list(evaluate: Evaluate) -> None:
    def listed(**fields: object) -> Tables:
        return {"registry": [firm("A")], "credit_list": [record("credit_list", JUNE, **fields)]}

    assert evaluate(listed(list="serious_dishonest"), "ADM03") == {"ADM03": 1}
    assert evaluate(listed(list="fraud_confirmed"), "ADM03") == {"ADM03": 0}
    removed = listed(list="serious_dishonest", removed_on=D(2024, 12, 31))
    assert evaluate(removed, "ADM03") == {"ADM03": 0}


def licence(kind: str, until: date | None, day: date = JUNE) -> Row:
    return record("licence", day, kind=kind, valid_until=until)


def test_adm05_the_licence_that_ends_first(evaluate: Evaluate, explain: Explain) -> None:
    # food: the old one of June was followed by one until 30 Mar 2025 (2 whole months: 31 Dec -> 28 Feb ->
    # 31 Mar would be 3); tobacco ends later; transport has no end
    rows: Tables = {
        "registry": [firm("A"), firm("B")],
        "licence": [
            licence("food", D(2024, 6, 30), D(2020, 1, 1)),
            licence("food", D(2025, 3, 30)),
            licence("tobacco", D(2026, 1, 1)),
            licence("transport", D(2024, 1, 1), D(2020, 1, 1)),
            licence("transport", None),
        ],
    }
    assert evaluate(rows, "ADM05") == {"ADM05": 2}
    assert explain(rows, "ADM05", company="B") == {"ADM05": "NOT_APPLICABLE"}
    rows["licence"] = [licence("food", D(2024, 12, 31))]
    assert evaluate(rows, "ADM05") == {"ADM05": 0}
    rows["licence"] = [licence("food", None)]
    assert explain(rows, "ADM05") == {"ADM05": "NOT_APPLICABLE"}


def test_adm07_latest_grade(evaluate: Evaluate, explain: Explain) -> None:
    def grades(*found: tuple[int, str]) -> Tables:
        rows = [record("public_credit", D(2024, month, 1), grade=grade) for month, grade in found]
        return {"registry": [firm("A"), firm("B")], "public_credit": rows}

    for number, grade in enumerate(("poor", "fair", "good", "excellent"), 1):
        assert evaluate(grades((1, "good"), (3, grade)), "ADM07") == {"ADM07": number}
    assert explain(grades((3, "good")), "ADM07", company="B") == {"ADM07": "NO_RECORDS"}


def test_adm06_is_flagged_only_when_one_is_severe(tmp_path: Path) -> None:
    for gravity, raised in (("ordinary", []), ("severe", ["ADM06"])):
        lake = RowLake(tmp_path / gravity, punished(penalty(domain="fire", gravity=gravity)))
        flags = red_flags(compute(lake, T, ids=["ADM06", "ADM06S"]))
        assert flags["indicator"].to_pylist() == raised
