"""ENV01-ENV05, each worked by hand. T is 2024-12-31."""

from __future__ import annotations

from datetime import date

from tests.indicator.conftest import Evaluate, Explain
from tests.indicator.lakes import Row, Tables, firm, record

D = date
JUNE = D(2024, 6, 1)
FIRMS = [firm("A"), firm("B")]


def test_env01_latest_rating(evaluate: Evaluate, explain: Explain) -> None:
    def rated(*found: tuple[int, str]) -> Tables:
        rows = [
            record("environment_rating", D(year + 1, 5, 1), rating_year=year, grade=grade)
            for year, grade in found
        ]
        return {"registry": FIRMS, "environment_rating": rows}

    for number, grade in enumerate(("black", "red", "yellow", "blue", "green"), 1):
        assert evaluate(rated((2022, "blue"), (2023, grade)), "ENV01") == {"ENV01": number}
    # the rating of 2024 is given in May 2025
    assert evaluate(rated((2023, "blue"), (2024, "red")), "ENV01") == {"ENV01": 4}
    assert explain(rated((2023, "blue")), "ENV01", company="B") == {"ENV01": "NO_RECORDS"}


def event(kind: str, day: date = JUNE, **fields: object) -> Row:
    return record("environment_event", day, **({"kind": kind, "amount_cents": 1_000_00} | fields))


def test_env02_env04_env05_events(evaluate: Evaluate) -> None:
    # fines: 1,000 + 500 within 24 months, 31 Dec 2022 is out, as is the repaired one;
    # exceedances: 2 of the 3 within 12 months are of one day
    rows: Tables = {
        "registry": FIRMS,
        "environment_event": [
            event("penalty"),
            event("penalty", D(2023, 1, 1), amount_cents=500_00),
            event("penalty", D(2022, 12, 31)),
            event("penalty", repaired_on=D(2024, 9, 1)),
            event("exceedance"),
            event("exceedance"),
            event("exceedance", D(2024, 1, 1)),
            event("exceedance", D(2023, 12, 31)),
            event("suspension", D(2024, 1, 1)),
        ],
    }
    expected = {"ENV02": 1_500, "ENV04": 2, "ENV05": 1}
    assert evaluate(rows, *expected) == expected
    assert evaluate(rows, *expected, company="B") == {"ENV02": 0, "ENV04": 0, "ENV05": 0}


def test_env04_env05_repaired_or_old_events_do_not_count(evaluate: Evaluate) -> None:
    rows: Tables = {
        "registry": FIRMS,
        "environment_event": [
            event("rectification", D(2023, 12, 31)),
            event("suspension", repaired_on=D(2024, 12, 31)),
            event("exceedance", repaired_on=D(2024, 12, 31)),
        ],
    }
    assert evaluate(rows, "ENV04", "ENV05") == {"ENV04": 0, "ENV05": 0}
    assert evaluate(rows, "ENV04", "ENV05", as_of=D(2024, 12, 30)) == {"ENV04": 1, "ENV05": 1}


def test_env02_unknown_fine(explain: Explain) -> None:
    rows: Tables = {"registry": FIRMS, "environment_event": [event("penalty", amount_cents=None)]}
    assert explain(rows, "ENV02", "ENV04") == {"ENV02": "FIELD_EMPTY"}


def permit(*, listed: bool, number: str | None, since: date | None, until: date | None) -> Tables:
    fields = {"listed": listed, "permit_no": number, "valid_from": since, "valid_until": until}
    return {"registry": FIRMS, "environment_permit": [record("environment_permit", JUNE, **fields)]}


def test_env03_permit(evaluate: Evaluate, explain: Explain) -> None:
    since, today, tomorrow = D(2022, 1, 1), D(2024, 12, 31), D(2025, 1, 1)
    cases = [
        (permit(listed=True, number="1", since=since, until=today), 1),
        (permit(listed=True, number="1", since=since, until=None), 1),
        (permit(listed=True, number="1", since=since, until=D(2024, 12, 30)), 0),
        (permit(listed=True, number="1", since=tomorrow, until=None), 0),
        (permit(listed=True, number=None, since=None, until=None), 0),
        (permit(listed=False, number="1", since=since, until=tomorrow), 1),
    ]
    assert [evaluate(rows, "ENV03") for rows, _ in cases] == [{"ENV03": value} for _, value in cases]
    unlisted = permit(listed=False, number=None, since=None, until=None)
    assert explain(unlisted, "ENV03") == {"ENV03": "NOT_APPLICABLE"}
    assert explain(unlisted, "ENV03", company="B") == {"ENV03": "NOT_APPLICABLE"}
