from __future__ import annotations

from datetime import timedelta

import pytest

from tests.consent.people import AT, COMPANY, OTHER, agent, granted, institution, officer
from tests.consent.test_watch import operator
from xinqiao.consent import objections
from xinqiao.consent.access import permit
from xinqiao.consent.objections import Outcome
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import standing
from xinqiao.kernel.errors import UserError

RAISED = AT


def raised(database: Database) -> objections.Objection:
    actor = agent()
    with database.transaction(actor.scope) as tx:
        return objections.one(tx, objections.raise_objection(tx, actor, "INV", "红冲发票重复计入"))


def disputed(database: Database) -> frozenset[str]:
    with database.transaction(SYSTEM) as tx:
        found = tx.execute("SELECT institution FROM consent_grant LIMIT 1").fetchone()
    assert found is not None
    reader = officer(found["institution"])
    with database.transaction(reader.scope) as tx:
        return permit(tx, reader, COMPANY, "credit_decision").disputed


@pytest.mark.parametrize(("outcome", "still"), [("corrected", False), ("cleared", False), ("recorded", True)])
def test_the_mark_is_there_at_once_and_goes_with_the_answer(
    database: Database, *, outcome: Outcome, still: bool
) -> None:
    granted(database, institution(database))
    admin = operator(database)
    assert disputed(database) == frozenset()
    made = raised(database)
    assert disputed(database) == {"INV"}
    with database.transaction(admin.scope) as tx:
        objections.begin_check(tx, admin, made.id)
    assert disputed(database) == {"INV"}
    with database.transaction(admin.scope) as tx:
        objections.answer(tx, admin, made.id, outcome, "已与税务发票核对")
    assert disputed(database) == ({"INV"} if still else frozenset())
    with database.transaction(agent().scope) as tx:
        told = objections.of_company(tx, COMPANY)[0]
        assert told.answer == "已与税务发票核对"
        assert [o.statement for o in objections.statements(tx, COMPANY)] == (
            ["红冲发票重复计入"] if still else []
        )
    with pytest.raises(UserError, match="CST-OBJECTION-STATE"), database.transaction(admin.scope) as tx:
        objections.answer(tx, admin, made.id, "cleared", "again")


def test_twenty_days_then_a_violation(database: Database) -> None:
    admin = operator(database)
    with standing(RAISED):
        made = raised(database)
        assert made.due_on == RAISED.date() + timedelta(days=20)
        with database.transaction(SYSTEM) as tx:
            assert objections.remind(tx) == 0
    for day, warned, violated in ((14, 0, 0), (15, 1, 0), (20, 1, 0), (21, 1, 1)):
        with standing(RAISED + timedelta(days=day)), database.transaction(SYSTEM) as tx:
            assert objections.remind(tx) == warned, day
            assert objections.violations(tx) == violated, day
    with standing(RAISED + timedelta(days=25)), database.transaction(admin.scope) as tx:
        objections.answer(tx, admin, made.id, "cleared", "迟到的答复")
        assert objections.violations(tx) == 1
        assert objections.queue(tx) == []


def test_a_firm_withdraws_its_own_only(database: Database) -> None:
    made = raised(database)
    with pytest.raises(UserError, match="ABSENT"), database.transaction(agent(OTHER).scope) as tx:
        objections.withdraw(tx, agent(OTHER), made.id)
    with database.transaction(agent().scope) as tx:
        objections.withdraw(tx, agent(), made.id)
        assert objections.violations(tx) == 0
    with database.transaction(SYSTEM) as tx:
        states = tx.execute("SELECT state FROM objection_event ORDER BY at, id").fetchall()
    assert [row["state"] for row in states] == ["raised", "withdrawn"]


@pytest.mark.parametrize(
    ("item", "words", "code"),
    [("INV", " ", "CST-WORDS"), ("INV", "x" * 4001, "CST-WORDS"), ("<b>", "x", "CST-ITEM")],
)
def test_what_is_not_an_objection_is_refused(database: Database, item: str, words: str, code: str) -> None:
    actor = agent()
    with pytest.raises(UserError, match=code), database.transaction(actor.scope) as tx:
        objections.raise_objection(tx, actor, item, words)


def test_a_bank_sees_the_mark_but_not_the_objection(database: Database) -> None:
    bank = institution(database)
    granted(database, bank)
    raised(database)
    with database.transaction(officer(bank).scope) as tx:
        assert objections.of_company(tx, COMPANY) == []
