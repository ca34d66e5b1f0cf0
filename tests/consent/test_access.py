from __future__ import annotations

from datetime import timedelta

import pytest

from tests.consent.people import AT, COMPANY, OTHER, agent, granted, institution, officer
from xinqiao.account.actor import ANYONE, Actor
from xinqiao.consent.access import permit
from xinqiao.consent.grants import revoke
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import standing
from xinqiao.kernel.errors import UserError

DECISION = "credit_decision"


def refused(database: Database, actor: Actor, company: str = COMPANY, purpose: str = DECISION) -> str:
    with pytest.raises(UserError) as caught, database.transaction(actor.scope) as tx:
        permit(tx, actor, company, purpose)
    return caught.value.code


def test_a_grant_opens_what_it_names_and_what_is_public(database: Database) -> None:
    bank = institution(database)
    grant = granted(database, bank)
    reader = officer(bank)
    with database.transaction(reader.scope) as tx:
        allowed = permit(tx, reader, COMPANY, DECISION)
        assert tx.execute("SELECT xq_side() AS side").fetchone() == {"side": "bank"}
    assert allowed.grant_id == grant.id
    assert {"INV", "TAX", "SCORE", "REG", "JUD"} <= allowed.data_sets
    assert "CRD" not in allowed.data_sets
    assert allowed.until == grant.until
    assert str(allowed.query_id)[-12:] in allowed.watermark


def test_without_a_grant_for_this_reader_company_and_purpose_nothing_is_read(database: Database) -> None:
    bank, another = institution(database), institution(database)
    granted(database, bank)
    assert refused(database, officer(another)) == "CST-FORBIDDEN"
    assert refused(database, officer(bank), OTHER) == "CST-FORBIDDEN"
    assert refused(database, officer(bank), purpose="post_loan") == "CST-FORBIDDEN"
    assert refused(database, officer(bank), purpose="self") == "CST-FORBIDDEN"
    assert refused(database, officer(bank), purpose="marketing") == "CST-PURPOSE-FORBIDDEN"
    assert refused(database, ANYONE) == "CST-FORBIDDEN"
    for side in ("operator", "regulator", "holder"):
        watching = Actor(side, frozenset(), "x", person=new_id(), institution=bank)  # type: ignore[arg-type]
        assert refused(database, watching) == "CST-FORBIDDEN"


def test_a_revoked_grant_stops_the_next_read_and_keeps_the_log(database: Database) -> None:
    bank = institution(database)
    grant = granted(database, bank)
    reader = officer(bank)
    with database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, DECISION)
    owner = agent()
    with database.transaction(owner.scope) as tx:
        revoke(tx, owner, grant.id, "不再需要")
    assert refused(database, reader) == "CST-FORBIDDEN"
    with database.transaction(SYSTEM) as tx:
        assert tx.execute("SELECT count(*) AS n FROM query_log").fetchone() == {"n": 1}


def test_an_expired_grant_stops_the_next_read(database: Database) -> None:
    with standing(AT):
        bank = institution(database)
        granted(database, bank, until=AT.date() + timedelta(days=30))
    with standing(AT + timedelta(days=30)):
        reader = officer(bank)
        with database.transaction(reader.scope) as tx:
            permit(tx, reader, COMPANY, DECISION)
    with standing(AT + timedelta(days=31)):
        assert refused(database, reader) == "CST-FORBIDDEN"


def test_a_suspended_institution_reads_nothing(database: Database) -> None:
    bank = institution(database)
    granted(database, bank)
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE institution SET status = 'suspended' WHERE id = %s", [bank])
    assert refused(database, officer(bank)) == "CST-BLOCKED-FORBIDDEN"


def test_a_firm_reads_its_own_file_and_no_other(database: Database) -> None:
    owner = agent()
    with database.transaction(owner.scope) as tx:
        own = permit(tx, owner, COMPANY, "self")
        assert own.grant_id is None
        assert {"SCORE", "LEADS", "CRD"} <= own.data_sets
    assert refused(database, owner, OTHER, "self") == "CST-FORBIDDEN"
    assert refused(database, owner, COMPANY, DECISION) == "CST-FORBIDDEN"


def test_a_job_reads_for_the_institution_it_works_for(database: Database) -> None:
    bank = institution(database)
    granted(database, bank)
    machine = Actor("system", frozenset(), "自动决策", institution=bank)
    with database.transaction(SYSTEM) as tx:
        assert permit(tx, machine, COMPANY, DECISION).grant_id
    assert refused(database, Actor("system", frozenset(), "platform")) == "CST-FORBIDDEN"


def test_two_grants_for_one_purpose_add_up(database: Database) -> None:
    bank = institution(database)
    granted(database, bank, data_sets=["INV"])
    granted(database, bank, data_sets=["ELE"])
    reader = officer(bank)
    with database.transaction(reader.scope) as tx:
        assert {"INV", "ELE"} <= permit(tx, reader, COMPANY, DECISION).data_sets
