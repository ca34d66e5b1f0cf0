from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from xinqiao.db.database import new_id
from xinqiao.lending.release_rule import K
from xinqiao.lending.statistics import Case, approvals, by_month, funnel, lent, times

START = datetime(2026, 3, 2, tzinfo=UTC)


def a_case(number: int, **changes: object) -> Case:
    told: dict[str, object] = {
        "id": new_id(),
        "company_id": f"firm{number}",
        "institution_id": new_id(),
        "product_id": "p",
        "state": "accepted",
        "automatic": True,
        "applied_at": START + timedelta(days=number),
        "decided_at": START + timedelta(days=number, seconds=4),
        "amount_cny": Decimal(500_000),
        "section": "C",
        "division": "330102",
        "size": "small",
        "first_time": False,
        "offered_at": START + timedelta(days=number, seconds=4),
        "lent_cny": Decimal(300_000),
        "rate": Decimal("0.0412"),
        "accepted_at": START + timedelta(days=number, hours=2),
    }
    return Case(**(told | changes))


REFUSED = {"state": "refused", "offered_at": None, "lent_cny": None, "rate": None, "accepted_at": None}


def test_the_funnel_narrows_and_tells_how_long_it_took() -> None:
    found = [a_case(i) for i in range(23)] + [a_case(i, **REFUSED) for i in range(23, 40)]
    stages = funnel(found)
    assert [(s.name, s.figure.count) for s in stages] == [
        ("applied", 40),
        ("decided", 40),
        ("offered", 20),
        ("accepted", 20),
    ]
    assert stages[2].share == 0.5
    assert stages[1].figure.median_seconds == 4
    assert stages[3].figure.median_seconds == 7200


def test_a_stage_of_four_firms_is_not_told() -> None:
    found = [a_case(i) for i in range(4)] + [a_case(i, **REFUSED) for i in range(4, 40)]
    assert [s.name for s in funnel(found)] == ["applied", "decided"]


def test_an_approval_share_needs_five_on_either_side() -> None:
    found = [a_case(i) for i in range(20)] + [a_case(i, **REFUSED) for i in range(20, 24)]
    (all_,) = approvals(found, lambda c: c.section or "")
    assert all_.approved is None
    found.append(a_case(24, **REFUSED))
    (all_,) = approvals(found, lambda c: c.section or "")
    assert all_.approved == 20 / 25


def test_lending_by_group_and_month() -> None:
    found = [a_case(i) for i in range(12)] + [a_case(i, section="F") for i in range(12, 14)]
    table = lent(found, lambda c: c.section or "")
    assert table.cells == ()
    assert table.others is not None
    assert table.others.count == 10
    assert table.others.rate == Decimal("0.0410")
    months = by_month([a_case(i) for i in range(60)])
    assert [key for key, _ in months.cells] == ["2026-03", "2026-04"] or months.others


def test_times_of_decisions_by_machine_and_by_people() -> None:
    slow = {"automatic": False, "decided_at": START + timedelta(days=30)}
    found = [a_case(i) for i in range(6)] + [a_case(i, **slow) for i in range(6, 9)]
    assert times(found, automatic=False) is None
    told = times(found, automatic=True)
    assert told is not None
    assert told.median_seconds == 4


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from("ABC")), max_size=60))
def test_no_published_figure_is_about_fewer_than_five_firms(rows: list[tuple[int, bool, str]]) -> None:
    found = [a_case(n, section=s, **({} if ok else REFUSED)) for n, ok, s in rows]
    for approval in approvals(found, lambda c: c.section or ""):
        assert approval.applied.firms >= K
        if approval.key is not None and approval.approved is not None:
            for outcome in ("offered", "refused"):
                part = {c.company_id for c in found if (c.section, c.outcome) == (approval.key, outcome)}
                assert len(part) >= K
    for stage in funnel(found):
        assert stage.figure.firms >= K
