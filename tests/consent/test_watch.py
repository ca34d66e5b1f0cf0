from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.consent.people import AT, COMPANY, granted, institution, officer
from xinqiao.account.actor import Actor
from xinqiao.consent.access import permit
from xinqiao.consent.watch import agree, blocks, lift, watch
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError


def reads(database: Database, bank: UUID, count: int) -> None:
    with database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO query_log (id, at, company_id, side, institution, reader, purpose, grants, "
            "data_sets) SELECT gen_random_uuid(), %s, %s, 'bank', %s, 'x', 'credit_decision', '{}', '{}' "
            "FROM generate_series(1, %s)",
            [now(), COMPANY, bank, count],
        )


def operator(database: Database) -> Actor:
    made = institution(database, "operator")
    return Actor("operator", frozenset({"operator.admin"}), "运营", institution=made, person=new_id())


def test_ten_times_the_usual_stops_reading_until_the_operator_lifts_it(database: Database) -> None:
    bank, quiet = institution(database), institution(database)
    granted(database, bank)
    granted(database, quiet)
    admin = operator(database)
    with database.transaction(SYSTEM) as tx:
        agree(tx, bank, 5)
        agree(tx, quiet, 5)
    reads(database, bank, 51)
    reads(database, quiet, 49)
    with database.transaction(SYSTEM) as tx:
        assert watch(tx) == [bank]
        assert watch(tx) == []
    reader = officer(bank)
    with pytest.raises(UserError, match="CST-BLOCKED"), database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, "credit_decision")
    with database.transaction(officer(quiet).scope) as tx:
        permit(tx, officer(quiet), COMPANY, "credit_decision")
    with database.transaction(admin.scope) as tx:
        ticket = blocks(tx, opened=True)[0]
        assert (ticket.institution, ticket.reads_per_hour) == (bank, 51)
        lift(tx, admin, ticket.id, "批量预授信，已核实")
    with database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, "credit_decision")
    with database.transaction(SYSTEM) as tx:
        assert watch(tx) == []
        told = tx.execute("SELECT count(*) AS n FROM notice WHERE to_institution = %s", [admin.institution])
        assert told.fetchone() == {"n": 1}
    with pytest.raises(UserError, match="CST-BLOCK-STATE"), database.transaction(admin.scope) as tx:
        lift(tx, admin, ticket.id, "again")


def test_what_is_usual_grows_with_use(database: Database) -> None:
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        agree(tx, bank, 5)
    for day in range(1, 6):
        with standing(AT - timedelta(days=day)):
            reads(database, bank, 40)
    with standing(AT):
        reads(database, bank, 399)
        with database.transaction(SYSTEM) as tx:
            assert watch(tx) == []
        reads(database, bank, 2)
        with database.transaction(SYSTEM) as tx:
            assert watch(tx) == [bank]


def test_a_bank_cannot_lift_its_own_block(database: Database) -> None:
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        agree(tx, bank, 1)
    reads(database, bank, 11)
    with database.transaction(SYSTEM) as tx:
        watch(tx)
    own = officer(bank)
    with database.transaction(own.scope) as tx:
        ticket = blocks(tx, opened=True)[0]
    with pytest.raises(UserError, match="CST-BLOCK-STATE"), database.transaction(own.scope) as tx:
        lift(tx, own, ticket.id, "ok")
