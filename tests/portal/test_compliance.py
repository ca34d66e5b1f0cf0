from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.consent.people import COMPANY, agent, granted, institution, officer
from tests.consent.test_watch import operator, reads
from tests.portal.test_grants import form
from xinqiao.consent import objections, requests, watch
from xinqiao.consent.access import permit
from xinqiao.consent.query_log import seal
from xinqiao.consent.supply import check
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError

Clients = Callable[..., TestClient]
PAGE = "/operator/compliance"


def test_an_objection_goes_from_the_firm_to_the_operator_and_back(
    client_as: Clients, database: Database
) -> None:
    bank = institution(database)
    granted(database, bank)
    firm, admin = client_as(agent()), client_as(operator(database))
    raised = firm.post("/enterprise/objections", data=form(item="INV", statement="发票重复"))
    assert raised.status_code == 303, raised.text
    with database.transaction(officer(bank).scope) as tx:
        assert permit(tx, officer(bank), COMPANY, "credit_decision").disputed == {"INV"}
    with database.transaction(SYSTEM) as tx:
        made = objections.queue(tx)[0]
    assert "发票重复" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/objections/{made.id}/check", data=form()).status_code == 303
    answer = form(outcome="corrected", words="已更正，剔除重复发票")
    assert admin.post(f"{PAGE}/objections/{made.id}/answer", data=answer).status_code == 303
    assert "已更正，剔除重复发票" in firm.get("/enterprise/objections").text
    bad = admin.post(f"{PAGE}/objections/{made.id}/answer", data=form(outcome="ignored", words="x"))
    assert bad.status_code == 422


def test_a_complaint_is_answered_and_its_papers_exported(client_as: Clients, database: Database) -> None:
    bank = institution(database)
    firm, admin = client_as(agent()), client_as(operator(database))
    asked = form(kind="complaint", statement="未经同意来电", institution=str(bank))
    assert firm.post("/enterprise/requests", data=asked).status_code == 303
    with database.transaction(SYSTEM) as tx:
        made = requests.queue(tx)[0]
    assert made.institution == bank
    assert made.due_on == today() + timedelta(days=30)
    papers = admin.get(f"{PAGE}/requests/{made.id}/papers").json()
    assert papers["request"]["statement"] == "未经同意来电"
    assert admin.post(f"{PAGE}/requests/{made.id}/answer", data=form(words="已核实")).status_code == 303
    assert "已核实" in firm.get("/enterprise/objections").text
    assert admin.post(f"{PAGE}/requests/{made.id}/answer", data=form(words="x")).status_code == 409


def test_a_stopped_reader_is_let_go_with_a_finding(client_as: Clients, database: Database) -> None:
    bank = institution(database)
    with database.transaction(SYSTEM) as tx:
        watch.agree(tx, bank, 1)
    reads(database, bank, 11)
    with database.transaction(SYSTEM) as tx:
        watch.watch(tx)
        ticket = watch.blocks(tx, opened=True)[0]
    admin = client_as(operator(database))
    assert "示范一号银行" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/blocks/{ticket.id}/lift", data=form(finding="误报")).status_code == 303
    assert "误报" in admin.get(PAGE).text


def test_the_page_says_when_the_query_log_was_tampered_with(
    client_as: Clients, database: Database, access: Access
) -> None:
    bank = institution(database)
    reads(database, bank, 3)
    with database.transaction(SYSTEM) as tx:
        seal(tx)
    admin = client_as(operator(database))
    assert "3 行" in admin.get(f"{PAGE}/chain").text
    with psycopg.connect(access.owner) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE query_log SET reader = 'y'")
    assert "notice bad" in admin.get(f"{PAGE}/chain").text


def test_records_and_agreements_are_added(client_as: Clients, database: Database) -> None:
    holder = institution(database, "holder")
    admin = client_as(operator(database))
    for kind in ("impact_assessment", "breach", "audit", "officer", "filing"):
        assert admin.get(f"{PAGE}/file?kind={kind}").status_code == 200
    record = form(kind="officer", title="负责人", part=["个人信息保护负责人", "王示范"])
    assert admin.post(f"{PAGE}/file", data=record).status_code == 303
    missing = form(kind="officer", title="负责人", part=["个人信息保护负责人"])
    assert "CST-RECORD" in admin.post(f"{PAGE}/file", data=missing).text
    agreement = form(institution=str(holder), source=["TAX"], begins_on=str(today()), duties="来源合法")
    assert admin.post(f"{PAGE}/agreements", data={**agreement, "ends_on": str(today())}).status_code == 303
    with database.transaction(SYSTEM) as tx:
        check(tx, holder, "TAX")
        with pytest.raises(UserError, match="CST-AGREEMENT"):
            check(tx, holder, "ELE")
    page = admin.get(f"{PAGE}/file").text
    assert "王示范" in page
    assert "来源合法" in page


def test_only_the_operator_s_administrator_works_here(client_as: Clients, database: Database) -> None:
    bank = officer(institution(database))
    for path in (PAGE, f"{PAGE}/file", f"{PAGE}/chain", f"{PAGE}/package"):
        assert client_as(bank).get(path).status_code == 403
        assert client_as(agent()).get(path).status_code == 403


def test_the_materials_are_made_from_what_is_in_use(client_as: Clients, database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        tx.execute("INSERT INTO model (id, body) VALUES ('m1', '{}')")
    answer = client_as(operator(database)).get(f"{PAGE}/package")
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert {"models/m1.json", "dimensions.csv", "fraud_rules.csv", "report_template.html"} <= set(names)


def test_everybody_reads_the_disclosure(client_as: Clients) -> None:
    page = client_as(None).get("/disclosure").text
    assert "增值税发票" in page
    assert "20 日内核查" in page
