from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tests.lending.applying import agent_of
from tests.lending.bank import STRANGER
from tests.servicing.contracts import PRODUCT_TEXT, READ_SECONDS, TEXT, Desk, desk, fresh, ring
from xinqiao.account.notice import inbox
from xinqiao.consent.grants import Proof
from xinqiao.db.database import SYSTEM, Database, Scope
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case
from xinqiao.lending.case_event import events
from xinqiao.lending.deadline import sweep
from xinqiao.lending.offer import offers
from xinqiao.servicing import contract_signing as signing
from xinqiao.servicing.certificate import authorities
from xinqiao.servicing.contract import close_repaid, contract, draw_up, pdf, signatures
from xinqiao.servicing.facility import close, facilities
from xinqiao.servicing.signed_pdf import signatures as signatures_of


@pytest.fixture
def bench(database: Database) -> Desk:
    made = desk(database)
    made.draw()
    return made


def _code(work: object) -> str:
    with pytest.raises(UserError) as said:
        work()  # type: ignore[operator] # a step of the desk
    return said.value.code


def test_from_the_accepted_offer_to_the_open_limit_and_its_end(bench: Desk) -> None:
    assert bench.state == "contracted"
    bench.show()
    bench.sign_sheet()
    bench.sign()
    assert bench.state == "half_signed"
    bench.countersign()
    assert bench.state == "signed"
    bench.open_limit()
    assert bench.state == "active"
    bench.open_limit()  # the job runs twice
    place = bench.place
    with bench.database.transaction(place.agent.scope) as tx:
        (found,) = facilities(tx)
        assert [e.transition for e in events(tx, bench.case_id)][-5:] == [
            "accept", "draw_up", "sign", "countersign", "activate",
        ]  # fmt: skip
    close_repaid(bench.database)
    assert bench.state == "active"
    with bench.database.transaction(place.officer.scope) as tx:
        close(tx, place.officer, found.id)
    close_repaid(bench.database)
    assert bench.state == "closed"


def test_what_is_signed_is_in_the_log_and_each_side_has_its_own(bench: Desk) -> None:
    bench.show()
    bench.sign_sheet()
    bench.sign()
    with bench.database.transaction(bench.place.agent.scope) as tx:
        made = contract(tx, bench.case_id)
        signed = signatures(tx, made.id)
        assert [(s.document, s.party) for s in signed] == [("sheet", "company"), ("contract", "company")]
        for each in signed:
            assert digest(pdf(tx, bench.case_id, each.document)) == each.digest
            row = tx.execute("SELECT body FROM evidence_opening WHERE entry_id = %s", [each.evidence_id])
            assert each.digest.encode() in bytes(row.fetchone()["body"])  # type: ignore[index] # it is there
    for scope in (
        STRANGER.scope,
        agent_of("91330100900000022B").scope,
        Scope("operator"),
        Scope("regulator"),
    ):
        with bench.database.transaction(scope) as tx:
            assert _code(lambda tx=tx: contract(tx, bench.case_id)) == "SRV-CONTRACT-ABSENT"  # type: ignore[misc] # bound now
            assert tx.execute("SELECT 1 FROM signer").fetchone() is None


def test_drawn_up_once_by_whoever_asks(bench: Desk) -> None:
    officer = bench.place.officer
    with bench.database.transaction(officer.scope) as tx:
        first = contract(tx, bench.case_id)
        assert draw_up(tx, officer, bench.keys, bench.case_id) == first
    bench.draw()
    assert bench.version == 4


def test_the_sheet_is_read_and_signed_before_the_contract(database: Database) -> None:
    bench = desk(database, text=PRODUCT_TEXT)
    bench.draw()
    assert _code(bench.sign) == "SRV-SHEET-STATE"
    assert _code(bench.sign_sheet) == "SRV-READ-STATE"  # never shown
    bench.show()
    assert _code(bench.sign_sheet) == "SRV-READ-STATE"
    with standing(now() + timedelta(seconds=READ_SECONDS - 2)):
        bench.show()  # looking again does not begin anew
        assert _code(bench.sign_sheet) == "SRV-READ-STATE"
    with standing(now() + timedelta(seconds=READ_SECONDS + 1)):
        bench.sign_sheet()
        assert _code(bench.sign_sheet) == "SRV-SIGNED-STATE"
        bench.sign()
        assert _code(bench.sign) == "SRV-SIGNED-STATE"
    assert bench.state == "half_signed"


def test_a_signature_needs_somebody_who_proved_who_they_are(bench: Desk) -> None:
    bench.show()
    old = Proof("session", now() - timedelta(hours=1))
    assert _code(lambda: bench.sign_sheet(old)) == "CST-PROOF"
    officer, place = bench.place.officer, bench.place
    with bench.database.transaction(officer.scope) as tx:
        assert _code(lambda: signing.show_sheet(tx, officer, bench.case_id)) == "SRV-SIGN-FORBIDDEN"
    assert _code(bench.countersign) == "SRV-SIGN-STATE"  # the company has not signed
    bench.sign_sheet()
    bench.sign()
    with bench.database.transaction(place.agent.scope) as tx:
        assert (
            _code(
                lambda: signing.countersign(
                    tx, bench.keys, place.agent, bench.case_id, version=bench.version, proof=fresh()
                )
            )
            == "SRV-SIGN-FORBIDDEN"
        )


def test_above_the_first_rung_of_authority_two_people_sign(database: Database) -> None:
    bench = desk(database, text=TEXT)
    bench.draw()
    bench.show()
    bench.sign_sheet()
    assert _code(bench.propose) == "SRV-SIGN-STATE"
    bench.sign()
    place = bench.place
    assert _code(bench.countersign) == "SRV-SIGN-FORBIDDEN"  # an officer alone
    assert _code(lambda: bench.countersign(place.approver)) == "SRV-TWO-STATE"
    bench.propose(place.approver)
    assert _code(bench.propose) == "SRV-PROPOSED-STATE"
    assert _code(lambda: bench.countersign(place.approver)) == "ACC-SAME-FORBIDDEN"
    bench.countersign(place.second)
    assert bench.state == "signed"
    with database.transaction(place.officer.scope) as tx:
        last = signatures(tx, contract(tx, bench.case_id).id)[-1]
    assert (last.name, last.proposed_name) == (place.second.name, place.approver.name)


def test_the_database_itself_refuses_a_state_without_what_makes_it(database: Database) -> None:
    bench = desk(database)
    with pytest.raises(psycopg.Error) as said, database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE lending_case SET state = 'contracted', version = version + 1")
    assert said.value.sqlstate == "XQ002"
    bench.draw()
    for scope, state in ((bench.place.agent.scope, "half_signed"), (SYSTEM, "active")):
        with pytest.raises(psycopg.Error) as said, database.transaction(scope) as tx:
            tx.execute("UPDATE lending_case SET state = %s, version = version + 1", [state])
        assert said.value.sqlstate == "XQ002"


def test_the_database_itself_keeps_the_order_of_signatures(bench: Desk) -> None:
    statement = (
        "INSERT INTO contract_signature (contract_id, case_id, company_id, institution_id, document, party, "
        "person_id, name, at, serial, pdf, digest, evidence_id) SELECT id, case_id, company_id, "
        "institution_id, %s, %s, %s, 'x', now(), '1', '', '', evidence_id FROM contract"
    )
    person = bench.place.agent.person
    for told in (("contract", "company"), ("contract", "institution"), ("sheet", "company")):
        with pytest.raises(psycopg.Error) as said, bench.database.transaction(SYSTEM) as tx:
            tx.execute(statement, [*told, person])
        assert said.value.sqlstate == "XQ002"
    with bench.database.transaction(SYSTEM) as tx:
        assert tx.execute("UPDATE contract SET digest = 'x'").rowcount == 0


def test_before_both_have_signed_the_company_can_leave_and_the_need_is_open_again(bench: Desk) -> None:
    bench.show()
    bench.sign_sheet()
    bench.sign()
    agent = bench.place.agent
    with bench.database.transaction(agent.scope) as tx:
        found = bench.place.see(bench.case_id)
        case.withdraw(tx, agent, bench.case_id, bench.version)
        assert case.request(tx, found.request_id).accepted_cny == 0
        assert [o.state for o in offers(tx)] == ["withdrawn"]
    assert bench.state == "withdrawn"


def test_a_contract_nobody_signs_expires_and_one_the_bank_leaves_is_escalated(database: Database) -> None:
    bench = desk(database)
    bench.draw()
    late = now() + timedelta(days=15)
    with standing(late):
        sweep(database)
    assert bench.state == "expired"
    with database.transaction(bench.place.agent.scope) as tx:
        assert [o.state for o in offers(tx)] == ["expired"]


def test_what_the_bank_leaves_unsigned_is_told_to_its_approvers(bench: Desk) -> None:
    bench.show()
    bench.sign_sheet()
    bench.sign()
    with standing(now() + timedelta(days=15)):
        sweep(bench.database)
        assert (bench.state, bench.place.see(bench.case_id).escalated) == ("half_signed", 1)
    with bench.database.transaction(bench.place.approver.scope) as tx:
        assert any("超时上报" in n.text.zh for n in inbox(tx, bench.place.approver))


@pytest.mark.parametrize("suite", ["international", "guomi"])
def test_the_signed_contract_verifies_offline(database: Database, suite: str) -> None:
    bench = desk(database, ring(suite))
    bench.draw()
    bench.show()
    bench.sign_sheet()
    bench.sign()
    bench.countersign()
    with database.transaction(bench.place.agent.scope) as tx:
        data, roots = pdf(tx, bench.case_id, "contract"), tuple(authorities(tx))
    first, second = signatures_of(data, roots, "x")
    assert (first.valid, first.whole, first.trusted) == (True, False, True)
    assert (second.valid, second.whole, second.trusted) == (True, True, True)
    assert (first.organisation, second.organisation) == ("示范制造有限公司", "示范一号银行")
    with database.transaction(SYSTEM) as tx:
        (kept,) = tx.execute("SELECT sealed_key FROM signer WHERE kind = 'authority'").fetchall()
    assert kept["sealed_key"].startswith("k1")


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig: apt install poppler-utils")
def test_an_outside_verifier_says_both_signatures_are_valid(bench: Desk, tmp_path: Path) -> None:
    bench.show()
    bench.sign_sheet()
    bench.sign()
    bench.countersign()
    with bench.database.transaction(bench.place.agent.scope) as tx:
        data = pdf(tx, bench.case_id, "contract")
    told = _pdfsig(tmp_path / "contract.pdf", data)
    assert told.count("Signature Validation: Signature is Valid.") == 2
    assert "Total document signed" in told
    assert "示范制造有限公司" in told
    at = data.index(b"/MediaBox")
    changed = _pdfsig(tmp_path / "changed.pdf", data[: at + 12] + b"1" + data[at + 13 :])
    assert "Signature is Valid" not in changed


def _pdfsig(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return subprocess.run(
        ["pdfsig", str(path)], capture_output=True, text=True, timeout=60, check=False
    ).stdout
