from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.account.conftest import Bank
from xinqiao.account import audit, notice, seed
from xinqiao.account.membership import hats, join, leave, people
from xinqiao.account.person import erase, find, make_person, phone_of
from xinqiao.db.database import SYSTEM, Database, Scope
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.kernel.text import Text

Banks = Callable[[int], Bank]


def test_a_bank_sees_its_own_people_only(database: Database, make_bank: Banks) -> None:
    one, two = make_bank(1), make_bank(2)
    with database.transaction(one.first.scope) as tx:
        assert {row["name"] for row in people(tx, one.id)} == {"管理员11", "管理员12"}
        assert people(tx, two.id) == []
        assert tx.execute("SELECT count(*) AS n FROM person").fetchone() == {"n": 2}
        assert tx.execute("SELECT count(*) AS n FROM credential").fetchone() == {"n": 0}


def test_a_role_without_a_second_person_is_refused_by_the_database(
    database: Database, ring: Keyring, make_bank: Banks
) -> None:
    bank = make_bank(1)
    with database.transaction(SYSTEM) as tx:
        person = make_person(tx, ring, name="李四", phone="13900000001")
    with pytest.raises(psycopg.Error, match="second person"), database.transaction(bank.first.scope) as tx:
        join(tx, person, "bank.officer", basis="approval", institution_id=bank.id)


def test_roles_of_another_kind_of_institution_are_refused(database: Database, make_bank: Banks) -> None:
    bank = make_bank(1)
    assert bank.first.person is not None
    with pytest.raises(UserError, match="ACC-ROLE"), database.transaction(SYSTEM) as tx:
        join(tx, bank.first.person, "operator.admin", basis="onboarding", institution_id=bank.id)


def test_the_last_two_administrators_stay(database: Database, make_bank: Banks) -> None:
    bank = make_bank(1)
    with pytest.raises(UserError, match="ACC-LAST-STATE"), database.transaction(bank.first.scope) as tx:
        leave(tx, people(tx, bank.id)[0]["id"])


def test_a_role_that_ended_does_not_come_back(database: Database, ring: Keyring, make_bank: Banks) -> None:
    bank = make_bank(1)
    with database.transaction(SYSTEM) as tx:
        third = seed.person(
            tx, ring, name="王五", phone="13900000002", institution_id=bank.id, roles=["bank.officer"]
        )
        assert [hat.roles for hat in hats(tx, third)] == [{"bank.officer"}]
        row = next(row for row in people(tx, bank.id) if row["person_id"] == third)
        leave(tx, row["id"])
        assert hats(tx, third) == []
    for statement in (
        "UPDATE membership SET ended_at = NULL WHERE id = %s",
        "DELETE FROM membership WHERE id = %s",
    ):
        with pytest.raises(psycopg.Error, match="does not change"), database.transaction(SYSTEM) as tx:
            tx.execute(statement, [row["id"]])


def test_a_notice_reaches_those_it_is_for(database: Database, make_bank: Banks) -> None:
    one, two = make_bank(1), make_bank(2)
    text = Text(zh="新申请", en="new application")
    with database.transaction(Scope("enterprise", company="C1")) as tx:
        notice.notify(tx, to_institution=one.id, text=text, link="/bank")
        notice.notify(tx, to_institution=one.id, role="bank.approver", text=text, link="/bank")
        notice.notify(tx, to_person=one.first.person, text=text, link="/account")
    with database.transaction(one.first.scope) as tx:
        assert notice.unread(tx, one.first) == 2
        assert [each.link for each in notice.inbox(tx, one.first)] == ["/account", "/bank"]
        notice.mark_read(tx, one.first)
        assert notice.unread(tx, one.first) == 0
    with database.transaction(one.second.scope) as tx:
        assert notice.unread(tx, one.second) == 1
    with database.transaction(two.first.scope) as tx:
        assert notice.inbox(tx, two.first) == []


def test_an_audit_line_stays_and_is_ones_own(database: Database, make_bank: Banks) -> None:
    one, two = make_bank(1), make_bank(2)
    with database.transaction(one.first.scope) as tx:
        audit.note(tx, one.first, "role.granted", "p1", {"role": "bank.officer"})
    with database.transaction(two.first.scope) as tx:
        assert audit.lines(tx, one.id) == []
    with database.transaction(one.second.scope) as tx:
        (line,) = audit.lines(tx, one.id)
        assert (line["action"], line["person_name"]) == ("role.granted", "管理员11")
    with database.transaction(SYSTEM) as tx:
        for statement in ("UPDATE audit_line SET action = 'x'", "DELETE FROM audit_line"):
            assert tx.execute(statement).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(two.first.scope) as tx:
        audit.note(tx, one.first, "role.granted", "in another's name")


def test_erasing_leaves_no_name_and_no_number(database: Database, ring: Keyring) -> None:
    with database.transaction(SYSTEM) as tx:
        person = seed.person(tx, ring, name="赵六", phone="139 0000 0003", company_id="C1")
        assert phone_of(tx, ring, person) == "13900000003"
        erase(tx, person)
        assert find(tx, ring, "13900000003") is None
        assert hats(tx, person) == []
        assert tx.execute("SELECT name FROM person WHERE id = %s", [person]).fetchone() == {"name": ""}
    with pytest.raises(UserError, match="ACC-PERSON-ABSENT"), database.transaction(SYSTEM) as tx:
        phone_of(tx, ring, person)
