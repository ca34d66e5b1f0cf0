from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending.machine import machine
from xinqiao.lending.product_format import Deadlines

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def test_the_database_knows_the_same_ways(database: Database) -> None:
    told = {
        (name, state, state if way.to is None else way.to, tuple(way.by))
        for name, way in machine().transitions.items()
        for state in way.from_
    }
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute("SELECT transition, from_state, to_state, sides FROM case_machine").fetchall()
    assert {(r["transition"], r["from_state"], r["to_state"], tuple(r["sides"])) for r in rows} == told


def test_every_state_can_be_reached_and_every_open_one_left() -> None:
    reached, states = {""}, machine().states
    for _ in states:
        reached |= {w.to for w in machine().transitions.values() if w.to and reached & set(w.from_)}
    assert reached == {"", *states}
    for name in machine().open_states:
        assert any(name in w.from_ and w.to not in (None, name) for w in machine().transitions.values()), name


def test_every_open_state_has_a_deadline_and_what_follows() -> None:
    days = Deadlines().model_dump()
    for name, state in machine().states.items():
        due = machine().due(name, days, AT)
        assert (due is not None) == (state.waits != "nobody") == (state.at_due is not None), name
        if due is not None:
            assert due > AT
            assert name in machine().transitions[state.at_due or ""].from_
    assert machine().due("offered", days, AT) == AT + timedelta(days=14)


def test_a_way_that_is_not_there_is_refused_in_words() -> None:
    with pytest.raises(UserError) as told:
        machine().target("accept", "in_review", "x")
    assert told.value.code == "LND-MOVE-STATE"
    assert "审查中" in told.value.what.zh
