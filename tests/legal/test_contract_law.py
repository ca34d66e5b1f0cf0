"""What the rules on showing the cost of a loan, and on duties done, ask: L05, L06, L12 of docs/legal.md."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.lending.applying import Town, town
from tests.servicing.contracts import PRODUCT_TEXT, READ_SECONDS, desk
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.lending import duty, review
from xinqiao.lending.offer import Terms
from xinqiao.lending.proposal import proposals
from xinqiao.portal.enterprise_contract import told


def test_L05_the_sheet_is_read_and_signed_or_there_is_no_contract(database: Database) -> None:
    bench = desk(database, text=PRODUCT_TEXT)
    bench.draw()
    with pytest.raises(UserError, match="SRV-SHEET-STATE"):
        bench.sign()
    bench.show()
    with pytest.raises(UserError, match="SRV-READ-STATE"):
        bench.sign_sheet()
    with standing(now() + timedelta(seconds=READ_SECONDS)):
        bench.sign_sheet()
        bench.sign()
    assert bench.state == "half_signed"
    with pytest.raises(psycopg.Error) as said, database.transaction(SYSTEM) as tx:  # nor by another hand
        tx.execute(
            "INSERT INTO contract_signature SELECT contract_id, case_id, company_id, institution_id, "
            "'sheet', 'company', gen_random_uuid(), name, NULL, NULL, at, serial, pdf, digest, evidence_id "
            "FROM contract_signature WHERE document = 'sheet'"
        )
    assert said.value.sqlstate == "XQ002"


def test_L06_the_firm_is_shown_every_charge_its_payee_and_one_yearly_rate(database: Database) -> None:
    bench = desk(database)
    bench.draw()
    with database.transaction(bench.place.agent.scope) as tx:
        sheet = told(tx, bench.case_id)
    items = [row[0] for row in sheet["sheet"]["rows"]]
    assert items[0].startswith("利息")
    assert any("服务费" in item for item in items)
    assert {"担保／增信费", "抵押登记、评估费", "中介、渠道费"} <= set(
        items
    )  # told even where nothing is charged
    assert all(row[3] for row in sheet["sheet"]["rows"])
    rate = float(sheet["cost"]["nominal"].rstrip("%")) / 100
    assert 0.036 < rate < float(sheet["cost"]["effective"].rstrip("%")) / 100 < 0.24
    assert "单利" in sheet["cost"]["method"]["zh"]


def test_L12_duties_are_answered_bound_to_the_judgement_and_exported(database: Database) -> None:
    place: Town = town(database)
    found = place.decide(place.apply(amount=400_000))
    officer, approver = place.officer, place.approver
    terms = Terms(found.amount_cny, Decimal("0.05"), 12, "equal_instalment")
    done = {item: ("done", "") for item, told_ in duty.checklist().items.items() if "offer" in told_.for_}
    done["security"] = ("not_applicable", "信用贷款")
    done.pop("cost")
    with database.transaction(officer.scope) as tx:
        review.take(tx, officer, found.id, found.version)
        duty.answer(tx, officer, found.id, done)
        review.propose_offer(tx, officer, found.id, found.version + 1, terms=terms)
    with database.transaction(approver.scope) as tx:
        review.approve(tx, approver, found.id, found.version + 2)
        (made,) = proposals(tx, found.id)
        assert duty.missing(tx, made) == ["cost"]
        rows = list(csv.DictReader(io.StringIO(duty.export(tx, found.id).lstrip("\ufeff"))))
    assert [row["note"] for row in rows if row["kind"] == "approval"] == ["checklist open: cost"]
    assert sum(row["kind"] == "duty" for row in rows) == len(done)
    assert duty.checklist().exemptions
    with database.transaction(SYSTEM) as tx:
        line = tx.execute("SELECT detail FROM audit_line WHERE action = 'case.approved'").fetchone()
        assert line is not None
        assert line["detail"]["duties_open"] == ["cost"]
        with pytest.raises(psycopg.Error):
            tx.execute("UPDATE duty_check SET answer = 'done'")
