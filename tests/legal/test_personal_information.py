"""What the laws on personal information and data ask, one test for each row of docs/legal.md (P, D, T)."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.consent.people import COMPANY, agent, granted, institution, officer
from tests.consent.test_texts import written
from tests.consent.test_watch import operator
from tests.lending.applying import town
from tests.portal.test_grants import chosen, form, signed
from xinqiao.account.actor import Actor
from xinqiao.consent import personal, records, requests, retention
from xinqiao.consent.access import permit
from xinqiao.consent.grants import revoke
from xinqiao.consent.terms import special_sets
from xinqiao.consent.texts import ELEMENTS, load_text
from xinqiao.db.database import SYSTEM, Database
from xinqiao.evidence.log import record
from xinqiao.kernel.clock import standing, today
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.case import ask_human
from xinqiao.lending.release_rule import K, Member, release
from xinqiao.source.contract import contracts
from xinqiao.source.holder import sources

Clients = Callable[..., TestClient]
DECISION = "credit_decision"
RING = Keyring({"k1": bytes(32)}, "k1")


def test_P01_a_personal_item_is_deleted_when_its_grant_ends(database: Database) -> None:
    made = granted(database, institution(database), data_sets=["OWNER_CONTACT"])
    with database.transaction(agent().scope) as tx:
        personal.admit(tx, RING, COMPANY, "OWNER_CONTACT", "13800000000", grant_id=made.id)
    with standing(made.until - timedelta(seconds=1)), database.transaction(SYSTEM) as tx:
        assert retention.sweep(tx).personal_items == 0
    with standing(made.until), database.transaction(SYSTEM) as tx:
        assert retention.sweep(tx).personal_items == 1


def test_P02_after_a_withdrawal_the_next_read_is_refused_and_the_log_stays(
    client_as: Clients, database: Database
) -> None:
    bank = institution(database)
    made = granted(database, bank)
    reader, owner = officer(bank), agent()
    with database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, DECISION)
    with database.transaction(owner.scope) as tx:
        revoke(tx, owner, made.id)
    client = Actor("bank", frozenset({"api.bank"}), "api", institution=bank, client="c1")
    for what in ("portrait", "score"):
        told = client_as(client).get(f"/api/v1/companies/{COMPANY}/{what}?purpose={DECISION}")
        assert (told.status_code, told.json()["code"]) == (403, "CST-FORBIDDEN")
    page = client_as(reader).get(f"/bank/companies/{COMPANY}")
    assert "INV01" not in page.text
    with pytest.raises(UserError, match="CST-FORBIDDEN"), database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, DECISION)
    with database.transaction(SYSTEM) as tx:
        assert tx.execute("SELECT count(*) AS n FROM query_log").fetchone() == {"n": 1}


@pytest.mark.parametrize("missing", ELEMENTS)
def test_P03_without_one_of_the_five_elements_a_text_is_not_published(missing: str) -> None:
    with pytest.raises(UserError, match="CST-TEXT"):
        load_text(written(missing), "x.yaml")


def test_P04_all_banks_at_once_is_refused(client_as: Clients, database: Database) -> None:
    banks = [str(institution(database)) for _ in range(2)]
    client = client_as(agent())
    good = signed(client, chosen(banks[0]))
    for many in (banks, ["all"]):
        answer = client.post("/enterprise/grants", data={**good, "once": str(uuid4()), "institution": many})
        assert "CST-RECEIVER" in answer.text
    assert "示范一号银行" in client.get("/enterprise/grants/text", params=chosen(banks[0])).text  # type: ignore[arg-type]


def test_P05_whoever_is_refused_by_a_machine_can_ask_for_a_person(database: Database) -> None:
    place = town(database)
    place.file(indicators={"REG01": 0.5})
    found = place.decide(place.apply())
    assert (found.state, found.automatic) == ("refused", True)
    with database.transaction(place.agent.scope) as tx:
        ask_human(tx, place.agent, found.id, found.version, "请看订单")
    assert place.see(found.id).human_review


def test_P06_sensitive_items_are_signed_alone_with_why_and_what_it_may_do(
    client_as: Clients, database: Database
) -> None:
    bank = institution(database)
    assert "OWNER_ACCOUNT" in special_sets()
    with pytest.raises(UserError, match="CST-TERMS"):
        granted(database, bank, data_sets=["INV", "OWNER_ACCOUNT"])
    terms = chosen(bank, kind="special", data=["OWNER_ACCOUNT"])
    page = client_as(agent()).get("/enterprise/grants/text", params=terms).text  # type: ignore[arg-type]
    assert "必要性" in page
    assert "不利后果" in page


@pytest.mark.parametrize("kind", ["access", "copy", "correct", "delete", "explain"])
def test_P07_each_right_has_a_request_that_is_answered(
    client_as: Clients, database: Database, kind: str
) -> None:
    firm, admin = client_as(agent()), operator(database)
    assert firm.post("/enterprise/requests", data=form(kind=kind, statement="请办理")).status_code == 303
    with database.transaction(admin.scope) as tx:
        made = requests.queue(tx)[0]
        assert made.kind == kind
        requests.answer(tx, admin, made.id, "已办理")
    assert "已办理" in firm.get("/enterprise/objections").text


def test_P08_assessments_and_breaches_are_kept_three_years_with_every_part(database: Database) -> None:
    admin = operator(database)
    for kind in ("impact_assessment", "breach"):
        parts = dict.fromkeys(records.PARTS[kind], "已评估")  # type: ignore[index] # both are kinds
        with database.transaction(admin.scope) as tx:
            records.add(tx, admin, kind, "自动化决策", parts)  # type: ignore[arg-type]
        parts.popitem()
        with pytest.raises(UserError, match="CST-RECORD"), database.transaction(admin.scope) as tx:
            records.add(tx, admin, kind, "自动化决策", parts)  # type: ignore[arg-type]
    with database.transaction(admin.scope) as tx:
        assert all(r.keep_until >= today() + timedelta(days=3 * 365) for r in records.records(tx))
        assert len(records.records(tx)) == 2


def test_P09_hashed_people_stay_under_the_rules_of_personal_information(database: Database) -> None:
    field = contracts()["registry_person"].fields["person_hash"]
    assert field.sensitivity in ("L3", "L4", "L5")  # a pseudonym is not anonymous
    with database.transaction(SYSTEM) as tx:
        record(tx, "grant", {"x": 1}, subject=COMPANY)
        assert retention.erase(tx, COMPANY) == 1  # and what ties the log to it can be deleted
        assert tx.execute("SELECT count(*) AS n FROM evidence_entry").fetchone() == {"n": 1}


def test_D01_every_source_and_field_has_a_level() -> None:
    assert all(source.sensitivity for source in sources().values())
    assert all(f.sensitivity for c in contracts().values() for f in c.fields.values())
    assert "audit" in records.KINDS  # the yearly assessment has its place in the file


def test_D02_what_was_collected_beyond_need_is_deleted(database: Database) -> None:
    made = granted(database, institution(database), data_sets=["OWNER_CONTACT"])
    owner = agent()
    with database.transaction(owner.scope) as tx:
        personal.admit(tx, RING, COMPANY, "OWNER_CONTACT", "13800000000", grant_id=made.id)
        revoke(tx, owner, made.id)
    with database.transaction(SYSTEM) as tx:
        assert retention.sweep(tx).personal_items == 1


def test_T01_a_contract_is_as_sensitive_as_its_most_sensitive_field() -> None:
    for contract in contracts().values():
        levels = [contract.sensitivity, *(field.sensitivity for field in contract.fields.values())]
        assert contract.level == max(levels)


@pytest.mark.parametrize(("firms", "shown"), [(K - 1, False), (K, True)])
def test_T03_below_five_nothing_is_published(*, firms: int, shown: bool) -> None:
    members = [Member(company=f"c{n}", amount_cny=Decimal(100)) for n in range(firms)]
    assert bool(release({"one": members}).cells) is shown


def test_T04_no_answer_of_the_api_has_a_field_that_proves_identity(app: FastAPI) -> None:
    secret = {"password", "pin", "cvv", "fingerprint", "id_hash", "phone", "resident_id", "sealed"}
    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    asked = {
        part.split("/")[-1]
        for path in app.openapi()["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        for media in answer.get("content", {}).values()
        for part in [media.get("schema", {}).get("$ref", "")]
    }
    for name in asked & set(schemas):
        assert secret.isdisjoint(schemas[name].get("properties", {})), name
