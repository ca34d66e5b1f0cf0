from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from xinqiao.account import notice, seed
from xinqiao.account.actor import Actor
from xinqiao.account.membership import hats
from xinqiao.account.person import make_person
from xinqiao.account.representation import agents, answer_request, end_agent, requests, stand_for
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring

IDENTITY = "35020019800101001X"


@pytest.fixture
def head(database: Database, ring: Keyring) -> Actor:
    """The legal representative of C1, registered."""
    with database.transaction(SYSTEM) as tx:
        seed.representative(tx, ring, company_id="C1", name="郑法人", identity=IDENTITY)
        person = make_person(tx, ring, name="郑法人", phone="13600000001")
        told = stand_for(
            tx, ring, company_id="C1", person_id=person, name="郑法人", identity=IDENTITY.lower()
        )
    assert told == "representative"
    return Actor("enterprise", frozenset({"enterprise.agent"}), "郑法人", person, company="C1")


def _agent(database: Database, ring: Keyring, name: str = "郑法人", identity: str = "x") -> UUID:
    with database.transaction(SYSTEM) as tx:
        person = make_person(tx, ring, name=name, phone="13600000002")
        assert stand_for(tx, ring, company_id="C1", person_id=person, name=name, identity=identity) == "asked"
        assert hats(tx, person) == []
    return person


def test_the_legal_representative_is_told_by_name_and_number(database: Database, head: Actor) -> None:
    with database.transaction(SYSTEM) as tx:
        assert head.person is not None
        assert [hat.company for hat in hats(tx, head.person)] == ["C1"]
        assert IDENTITY not in str(tx.execute("SELECT * FROM representative").fetchall())


@pytest.mark.parametrize(("name", "identity"), [("郑法人", "350200198001010028"), ("冒名者", IDENTITY)])
def test_name_alone_or_number_alone_is_not_enough(
    database: Database, ring: Keyring, head: Actor, name: str, identity: str
) -> None:
    del head
    _agent(database, ring, name, identity)


def test_an_agent_acts_once_confirmed_and_until_ended(database: Database, ring: Keyring, head: Actor) -> None:
    agent = _agent(database, ring, "吴代办")
    with database.transaction(head.scope) as tx:
        assert notice.unread(tx, head) == 1
        (request,) = requests(tx, "C1")
        answer_request(tx, head, request["id"], "confirmed")
        assert {row["basis"] for row in agents(tx, "C1")} == {"legal_representative", "authorised"}
    with database.transaction(SYSTEM) as tx:
        assert [hat.company for hat in hats(tx, agent)] == ["C1"]
    with database.transaction(head.scope) as tx:
        row = next(row for row in agents(tx, "C1") if row["basis"] == "authorised")
        end_agent(tx, head, row["id"])
    with database.transaction(SYSTEM) as tx:
        assert hats(tx, agent) == []


def test_an_agent_confirms_nobody(database: Database, ring: Keyring, head: Actor) -> None:
    agent = _agent(database, ring, "吴代办")
    with database.transaction(head.scope) as tx:
        (request,) = requests(tx, "C1")
    posing = Actor("enterprise", frozenset({"enterprise.agent"}), "吴代办", agent, company="C1")
    with pytest.raises(UserError, match="ACC-REPRESENTATIVE"), database.transaction(posing.scope) as tx:
        answer_request(tx, posing, request["id"], "confirmed")
    other = Actor("enterprise", frozenset({"enterprise.agent"}), "别家", head.person, company="C2")
    with database.transaction(other.scope) as tx:
        assert requests(tx, "C1") == []
    with pytest.raises(psycopg.Error), database.transaction(SYSTEM) as tx:
        tx.execute(
            "UPDATE agent_request SET decided_by = person_id, decided_at = now(), outcome = 'confirmed'"
        )


def test_a_request_runs_out(database: Database, ring: Keyring, head: Actor) -> None:
    _agent(database, ring, "吴代办")
    with standing(now() + timedelta(days=31)), database.transaction(head.scope) as tx:
        assert requests(tx, "C1") == []


def test_numbers_cant_be_tried_one_after_the_other(database: Database, ring: Keyring, head: Actor) -> None:
    del head
    with database.transaction(SYSTEM) as tx:
        person = make_person(tx, ring, name="郑法人", phone="13600000003")
    for number in range(4):
        with database.transaction(SYSTEM) as tx:
            stand_for(tx, ring, company_id="C1", person_id=person, name="郑法人", identity=str(number))
    with pytest.raises(UserError, match="ACC-RATE"), database.transaction(SYSTEM) as tx:
        stand_for(tx, ring, company_id="C1", person_id=person, name="郑法人", identity=IDENTITY)
