from __future__ import annotations

import json
from datetime import timedelta

import psycopg
import pytest

from tests.consent.people import AT, COMPANY, OTHER, agent, granted, institution, officer
from xinqiao.account.actor import Actor
from xinqiao.consent.draft import Terms, draft
from xinqiao.consent.grants import Proof, document, give, of_company, one, revoke, to_institution
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now, standing, today
from xinqiao.kernel.errors import UserError


def refused(database: Database, actor: Actor, **changes: object) -> str:
    bank = changes.pop("institution", None) or institution(database)
    terms: dict[str, object] = {
        "institution": bank,
        "purposes": ["credit_decision"],
        "data_sets": ["INV"],
        "proof": Proof("session", now()),
        **changes,
    }
    with pytest.raises(UserError) as caught, database.transaction(actor.scope) as tx:
        give(tx, actor, **terms)  # type: ignore[arg-type]
    return caught.value.code


def test_a_grant_keeps_the_bytes_that_were_agreed_to(database: Database) -> None:
    bank = institution(database)
    made = granted(database, bank)
    with database.transaction(agent().scope) as tx:
        told = json.loads(document(tx, made.id))
        assert digest(document(tx, made.id)) == made.digest
    assert told["receiver"] == str(bank)
    assert "示范一号银行" in told["zh"]
    assert "增值税发票" in told["zh"]
    assert "Demo Bank One" in told["en"]
    with database.transaction(SYSTEM) as tx:
        entry = tx.execute("SELECT kind FROM evidence_entry").fetchone()
        assert entry == {"kind": "grant"}


def test_what_was_shown_is_what_is_signed(database: Database) -> None:
    bank = institution(database)
    actor = agent()
    day = today() + timedelta(days=90)
    with database.transaction(actor.scope) as tx:
        terms = Terms.of(
            COMPANY, bank, kind="ordinary", for_=["credit_decision"], sets=["INV", "TAX", "SCORE"], until=day
        )
        shown = draft(tx, terms).digest
    assert granted(database, bank, until=day, shown=shown).digest == shown
    assert refused(database, agent(), institution=bank, until=day, shown=shown) == "CST-SHOWN"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purposes": []}, "CST-TERMS"),
        ({"purposes": ["marketing"]}, "CST-PURPOSE-FORBIDDEN"),
        ({"purposes": ["self"]}, "CST-PURPOSE-FORBIDDEN"),
        ({"data_sets": []}, "CST-TERMS"),
        ({"data_sets": ["EVERYTHING"]}, "CST-TERMS"),
        ({"data_sets": ["INV", "OWNER_INCOME"]}, "CST-TERMS"),
        ({"until": today() - timedelta(days=1)}, "CST-TERMS"),
        ({"until": today() + timedelta(days=400)}, "CST-TERMS"),
        ({"institution": new_id()}, "CST-RECEIVER"),
        ({"proof": Proof("session", now() - timedelta(minutes=20))}, "CST-PROOF"),
        ({"proof": Proof("session", now() + timedelta(days=1))}, "CST-PROOF"),
        ({"proof": Proof("handover", now())}, "CST-PROOF"),
    ],
)
def test_terms_that_do_not_hold_are_refused(
    database: Database, changes: dict[str, object], code: str
) -> None:
    assert refused(database, agent(), **changes) == code


def test_only_an_active_bank_or_guarantee_company_receives(database: Database) -> None:
    for kind in ("holder", "regulator", "operator"):
        assert refused(database, agent(), institution=institution(database, kind)) == "CST-RECEIVER"
    assert refused(database, agent(), institution=institution(database, status="applied")) == "CST-RECEIVER"
    granted(database, institution(database, "guarantee"))


def test_only_the_company_itself_gives(database: Database) -> None:
    bank = institution(database)
    assert refused(database, officer(bank), institution=bank) == "CST-COMPANY-FORBIDDEN"


def test_the_database_lets_nobody_grant_for_another_company(database: Database) -> None:
    bank = institution(database)
    liar = agent()
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.transaction(agent(OTHER).scope) as tx:
        give(
            tx,
            liar,
            institution=bank,
            purposes=["credit_decision"],
            data_sets=["INV"],
            proof=Proof("session", now()),
        )


def test_a_grant_is_never_changed_and_ends_once(database: Database) -> None:
    bank = institution(database)
    made = granted(database, bank)
    for change in ("UPDATE consent_grant SET until = until + interval '1 year'", "DELETE FROM consent_grant"):
        with database.transaction(SYSTEM) as tx:
            assert tx.execute(change).rowcount == 0
    owner, stranger = agent(), agent(OTHER)
    with pytest.raises(UserError, match="CST-GRANT-ABSENT"), database.transaction(stranger.scope) as tx:
        revoke(tx, stranger, made.id)
    with pytest.raises(UserError, match="CST-GRANT-ABSENT"), database.transaction(officer(bank).scope) as tx:
        revoke(tx, officer(bank), made.id)
    with database.transaction(owner.scope) as tx:
        revoke(tx, owner, made.id)
        assert not one(tx, made.id).in_force
    with pytest.raises(UserError, match="CST-GRANT-STATE"), database.transaction(owner.scope) as tx:
        revoke(tx, owner, made.id)


def test_each_side_sees_its_own_grants(database: Database) -> None:
    bank, another = institution(database), institution(database)
    granted(database, bank)
    granted(database, another, company=OTHER)
    with database.transaction(agent().scope) as tx:
        assert [g.institution for g in of_company(tx, COMPANY)] == [bank]
        assert of_company(tx, OTHER) == []
    with database.transaction(officer(bank).scope) as tx:
        assert [g.company_id for g in to_institution(tx, bank)] == [COMPANY]
        assert to_institution(tx, another) == []
    for side in ("operator", "regulator", "holder", "public"):
        watching = Actor(side, frozenset(), "x", institution=new_id())  # type: ignore[arg-type]
        with database.transaction(watching.scope) as tx:
            assert of_company(tx, COMPANY) == []


def test_what_a_product_does_not_declare_is_left_out_and_noted(database: Database) -> None:
    bank = institution(database)
    made = granted(database, bank, data_sets=["INV", "TEL", "SCORE"], declared=["INV", "SCORE"])
    assert made.data_sets == ("INV", "SCORE")
    with database.transaction(SYSTEM) as tx:
        assert tx.execute("SELECT left_out FROM trimmed_request").fetchone() == {"left_out": ["TEL"]}


def test_the_last_day_counts_in_china(database: Database) -> None:
    with standing(AT):
        made = granted(database, institution(database), until=AT.date())
        assert made.until.isoformat() == "2026-03-02T16:00:00+00:00"
        assert made.in_force
        assert made.last_day == AT.date()
    with standing(made.until):
        assert not made.in_force
