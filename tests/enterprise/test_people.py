from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from xinqiao.enterprise.people import TIES, companies_of, other_companies, people_of, ties

REGISTRY = {"company_id": pl.String, "legal_representative_hash": pl.String, "known_on": pl.Date}
PEOPLE = {
    "company_id": pl.String, "person_hash": pl.String, "role": pl.String, "held_from": pl.Date,
    "held_until": pl.Date, "known_on": pl.Date,
}  # fmt: skip
HOLDINGS = {
    "company_id": pl.String, "holder_id": pl.String, "holder_kind": pl.String, "share": pl.Float64,
    "held_from": pl.Date, "held_until": pl.Date, "known_on": pl.Date,
}  # fmt: skip


def day(month: int, of: int = 1) -> date:
    return date(2020 + (month - 1) // 12, (month - 1) % 12 + 1, of)


def frame(rows: list[tuple[object, ...]], schema: dict[str, type[pl.DataType]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


WORKED = (
    frame(
        [
            ("甲", "p1", day(1)),
            ("甲", "p1", day(5)),
            ("甲", "p2", day(8)),
            ("乙", "p1", day(3)),
            ("丙", None, day(2)),
            ("丙", "p3", day(4)),
        ],
        REGISTRY,
    ),
    frame(
        [
            ("甲", "p2", "legal_representative", day(7), None, day(8)),
            ("甲", "p4", "director", day(1), None, day(1)),
            ("甲", "p4", "director", day(1), day(6), day(7)),
            ("丁", "p4", "manager", day(2), None, day(2)),
        ],
        PEOPLE,
    ),
    frame(
        [
            ("甲", "p1", "person", 0.6, day(1), None, day(1)),
            ("甲", "p1", "person", 0.4, day(1), None, day(9)),
            ("甲", "戊", "company", 0.4, day(1), None, day(1)),
            ("丁", "p1", "person", 1.0, day(2), day(20), day(20)),
        ],
        HOLDINGS,
    ),
)


def told(as_of: date) -> set[tuple[object, ...]]:
    found = ties(*WORKED, as_of)
    assert found.schema == TIES
    return {(r["person"], r["company"], r["role"], r["held_from"], r["held_until"], r["share"], r["current"])
            for r in found.to_dicts()}  # fmt: skip


def test_a_day_worked_by_hand() -> None:
    assert told(day(6)) == {
        ("p1", "甲", "legal_representative", day(1), None, None, True),
        ("p1", "乙", "legal_representative", day(3), None, None, True),
        ("p3", "丙", "legal_representative", day(4), None, None, True),
        ("p4", "甲", "director", day(1), None, None, True),  # that it ended is known only in month 7
        ("p4", "丁", "manager", day(2), None, None, True),
        ("p1", "甲", "holder", day(1), None, 0.6, True),
    }


def test_a_later_day_knows_more() -> None:
    assert told(day(21)) == {
        ("p1", "甲", "legal_representative", day(1), day(8), None, False),
        ("p2", "甲", "legal_representative", day(7), None, None, True),  # once, with the exact date
        ("p1", "乙", "legal_representative", day(3), None, None, True),
        ("p3", "丙", "legal_representative", day(4), None, None, True),
        ("p4", "甲", "director", day(1), day(6), None, False),
        ("p4", "丁", "manager", day(2), None, None, True),
        ("p1", "甲", "holder", day(1), None, 0.4, True),
        ("p1", "丁", "holder", day(2), day(20), 1.0, False),
    }


def test_people_companies_and_their_other_companies() -> None:
    known = ties(*WORKED, day(21))
    assert people_of(known, "丁")["person"].to_list() == ["p1", "p4"]
    assert companies_of(known, "p1")["company"].unique().sort().to_list() == sorted(["丁", "乙", "甲"])
    others = other_companies(known, "甲").select("company", "person", "role", "role_here", "current").rows()
    assert others == [
        ("丁", "p1", "holder", "holder,legal_representative", False),
        ("丁", "p4", "manager", "director", True),
        ("乙", "p1", "legal_representative", "holder,legal_representative", True),
    ]
    assert other_companies(known, "丙").height == 0
    assert people_of(known, "none").height == 0


def test_nothing_known_is_an_empty_table() -> None:
    assert told(day(1) - timedelta(days=1)) == set()
    assert ties(frame([], REGISTRY), frame([], PEOPLE), frame([], HOLDINGS), day(1)).schema == TIES


DAYS = st.integers(0, 60).map(lambda n: date(2020, 1, 1) + timedelta(days=n))
FIRMS, FOLK = st.sampled_from(["甲", "乙"]), st.sampled_from(["p1", "p2"])
ENDS = st.one_of(st.none(), DAYS)
ROLES = st.sampled_from(["director", "legal_representative"])
RECORDS = st.tuples(
    st.lists(
        st.tuples(FIRMS, st.one_of(st.none(), FOLK), DAYS), max_size=6, unique_by=lambda r: (r[0], r[2])
    ),
    st.lists(st.tuples(FIRMS, FOLK, ROLES, DAYS, ENDS, DAYS), max_size=6, unique_by=lambda r: (r[:4], r[5])),
    st.lists(
        st.tuples(FIRMS, FOLK, st.sampled_from(["person", "company"]), st.just(0.5), DAYS, ENDS, DAYS),
        max_size=6,
        unique_by=lambda r: (r[:3], r[4], r[6]),
    ),
)


@given(RECORDS, DAYS)
def test_records_known_later_change_nothing(
    records: tuple[list[tuple[object, ...]], ...], as_of: date
) -> None:
    schemas = (REGISTRY, PEOPLE, HOLDINGS)
    known = [[row for row in rows if row[-1] <= as_of] for rows in records]  # type: ignore[operator]  # a date
    whole = ties(*(frame(rows, schema) for rows, schema in zip(records, schemas, strict=True)), as_of)
    part = ties(*(frame(rows, schema) for rows, schema in zip(known, schemas, strict=True)), as_of)
    assert whole.equals(part)
