"""What the law of credit reporting asks of the platform, one test for each row of docs/legal.md (Z, B)."""
# ruff: noqa: N802 - a test bears the id of its row

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.consent.people import AT, COMPANY, agent, granted, institution, officer
from tests.consent.test_watch import operator, reads
from tests.lending.applying import scored_file, town
from tests.lending.bank import person
from tests.portrait.files import sample_file
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.account.approval import decide, propose
from xinqiao.account.institution import filing_faults, get_institution
from xinqiao.consent import (
    deployment,
    objections,
    own,
    personal,
    query_log,
    requests,
    retention,
    supply,
    watch,
)
from xinqiao.consent.access import permit
from xinqiao.consent.compliance import COMPANIES_WARN, overview, size_warning
from xinqiao.consent.deployment import Deployment
from xinqiao.consent.terms import data_sets, derived_sets
from xinqiao.consent.texts import ELEMENTS, texts
from xinqiao.consent.wording import found_in
from xinqiao.db.database import SYSTEM, Database
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.clock import CHINA, now, standing, today
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.decision import of_case, replay
from xinqiao.lending.product import catalog_product, catalog_products, draft_product, release_product
from xinqiao.portal import disclosure
from xinqiao.portrait.credit_file import publish, read
from xinqiao.report.glossary import TERMS
from xinqiao.source.contract import contracts, load_contract
from xinqiao.source.holder import sources

Clients = Callable[..., TestClient]
DECISION = "credit_decision"
RING = Keyring({"k1": bytes(32)}, "k1")
CATALOG = Path(__file__).parents[2] / "src" / "xinqiao" / "catalog"
CONTRACTS = CATALOG / "contracts"


def allowed(database: Database, reader: Actor, **how: Any) -> frozenset[str]:  # noqa: ANN401 - of permit
    with database.transaction(reader.scope) as tx:
        return permit(tx, reader, COMPANY, DECISION, **how).data_sets


def refused(database: Database, reader: Actor, purpose: str = DECISION, **how: Any) -> str:  # noqa: ANN401
    with pytest.raises(UserError) as caught, database.transaction(reader.scope) as tx:
        permit(tx, reader, COMPANY, purpose, **how)
    return caught.value.code


def test_Z01_a_public_platform_without_a_partner_gives_no_scores(
    client_as: Clients, database: Database
) -> None:
    bank = institution(database)
    granted(database, bank)
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(COMPANY)])
        deployment.begin(tx, Deployment("public_platform"))
    client = Actor("bank", frozenset({"api.bank"}), "api", institution=bank, client="c1")
    path = f"/api/v1/companies/{COMPANY}/score?purpose={DECISION}"
    answer = client_as(client).get(path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "CST-ROLE-FORBIDDEN"
    assert allowed(database, officer(bank)).isdisjoint(derived_sets())
    with database.transaction(SYSTEM) as tx:
        deployment.begin(tx, Deployment("public_platform", partner="示范征信备案-1"))
    assert client_as(client).get(path).status_code == 200
    with database.transaction(SYSTEM) as tx:
        deployment.begin(tx, Deployment("credit_reporting"))  # and its operator has no filing yet
    assert client_as(client).get(path).status_code == 403


def test_Z02_a_change_not_filed_is_warned_of_after_twenty_days(database: Database) -> None:
    made = institution(database, "operator")
    with database.transaction(SYSTEM) as tx:
        found = get_institution(tx, made)
        assert "change" not in filing_faults(found, found.changed_on + timedelta(days=19))
        assert "change" in filing_faults(found, found.changed_on + timedelta(days=20))
    with standing(now() + timedelta(days=21)), database.transaction(SYSTEM) as tx:
        assert any("备案" in warning.zh for warning in overview(tx).warnings)


def test_Z03_personal_information_is_not_taken_in_without_a_grant(database: Database) -> None:
    bank = institution(database)
    ordinary = granted(database, bank)
    with_contact = granted(database, bank, data_sets=["OWNER_CONTACT"])
    owner = agent()
    for grant in (None, ordinary.id):
        with pytest.raises(UserError, match="CST-PERSONAL"), database.transaction(owner.scope) as tx:
            personal.admit(tx, RING, COMPANY, "OWNER_CONTACT", "13800000000", grant_id=grant)
    with database.transaction(owner.scope) as tx:
        personal.admit(tx, RING, COMPANY, "OWNER_CONTACT", "13800000000", grant_id=with_contact.id)
    with pytest.raises(psycopg.DatabaseError), database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE personal_item SET grant_id = %s", [ordinary.id])  # the database's own rule
    with database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT sealed FROM personal_item").fetchone()
    assert row is not None
    assert "13800000000" not in row["sealed"]


def test_Z04_what_must_not_be_collected_cannot_be_registered() -> None:
    text = (CONTRACTS / "invoice.yaml").read_text("utf-8")
    with pytest.raises(UserError, match="CON-FORBIDDEN"):
        load_contract(text.replace("issued_at:", "blood_type:", 1), "invoice.yaml")


def test_Z05_income_needs_a_special_grant_with_a_warning(database: Database) -> None:
    bank = institution(database)
    reader = officer(bank)
    granted(database, bank)
    assert refused(database, reader, wanted=["OWNER_INCOME"]) == "CST-SPECIAL-FORBIDDEN"
    special = granted(database, bank, kind="special", data_sets=["OWNER_INCOME"])
    assert special.text_id == "special"
    assert texts()["special"].at(today()).consequence is not None
    with database.transaction(agent().scope) as tx:
        personal.admit(tx, RING, COMPANY, "OWNER_INCOME", "120000", grant_id=special.id)
    with database.transaction(reader.scope) as tx:
        told = personal.read(tx, RING, reader, COMPANY, item="OWNER_INCOME", purpose=DECISION)
    assert told == ["120000"]
    other = institution(database)
    granted(database, other)
    assert refused(database, officer(other), wanted=["OWNER_INCOME"]) == "CST-SPECIAL-FORBIDDEN"


def test_Z06_a_negative_without_a_notice_is_not_taken_in(database: Database) -> None:
    bank = institution(database)
    told: dict[str, Any] = {"kind": "overdue", "began_on": date(2026, 1, 5), "institution": bank}
    with database.transaction(officer(bank).scope) as tx:
        notice = personal.tell(tx, bank, "k1:person", "sms", "a" * 64)
        personal.admit_negative(tx, COMPANY, "k1:person", notice_id=notice, **told)
    for wrong in (None, notice):
        with pytest.raises(UserError, match="CST-NOTICE"), database.transaction(officer(bank).scope) as tx:
            personal.admit_negative(tx, COMPANY, "k1:another", notice_id=wrong, **told)


def negative(database: Database, bank: Any, ended_on: date | None) -> None:  # noqa: ANN401 - an id
    with database.transaction(SYSTEM) as tx:
        notice = personal.tell(tx, bank, "k1:person", "letter", "a" * 64)
        personal.admit_negative(
            tx,
            COMPANY,
            "k1:person",
            kind="overdue",
            began_on=date(2020, 1, 1),
            ended_on=ended_on,
            institution=bank,
            notice_id=notice,
        )


@pytest.mark.parametrize(
    ("ended_on", "seen"), [(date(2021, 11, 21), False), (date(2021, 11, 23), True), (None, True)]
)
def test_Z07_five_years_after_it_ended_a_negative_is_gone(
    database: Database, *, ended_on: date | None, seen: bool
) -> None:
    negative(database, institution(database), ended_on)
    with standing(datetime(2026, 11, 22, 12, tzinfo=CHINA)), database.transaction(SYSTEM) as tx:
        assert bool(personal.negatives(tx, COMPANY)) is seen  # before the job as after it
        assert retention.sweep(tx).negatives == (0 if seen else 1)
        assert bool(tx.execute("SELECT 1 FROM personal_negative").fetchone()) is seen
        if seen:
            found = personal.negatives(tx, COMPANY)[0]
            personal.state(tx, found.id, "因疫情停业，已还清")
            assert personal.negatives(tx, COMPANY)[0].statement == "因疫情停业，已还清"


def test_Z08_own_looks_are_free_and_the_third_is_the_first_that_may_cost(database: Database) -> None:
    owner = agent()
    for day in range(3):
        with standing(AT + timedelta(days=day)), database.transaction(owner.scope) as tx:
            permit(tx, owner, COMPANY, "self")
            permit(tx, owner, COMPANY, "self")  # twice a day is one look
    with standing(AT + timedelta(days=3)), database.transaction(owner.scope) as tx:
        assert own.this_year(tx, COMPANY) == 3
    fee = Decimal("10.00")
    assert [own.fee_cny(nth, fee) for nth in (1, 2, 3)] == [Decimal(0), Decimal(0), fee]
    assert own.fee_cny(3) == 0


def test_Z09_no_read_without_a_listed_purpose(database: Database) -> None:
    bank = institution(database)
    granted(database, bank)
    reader = officer(bank)
    assert refused(database, reader, "marketing") == "CST-PURPOSE-FORBIDDEN"
    assert refused(database, reader, "营销") == "CST-PURPOSE-FORBIDDEN"
    with database.transaction(reader.scope) as tx:
        found = permit(tx, reader, COMPANY, DECISION)
    assert str(found.query_id)[-12:] in found.watermark
    assert refused(database, officer(institution(database))) == "CST-FORBIDDEN"  # nothing is handed on


def test_Z10_credit_records_of_a_firm_need_its_grant(database: Database) -> None:
    bank = institution(database)
    reader = officer(bank)
    assert refused(database, reader, wanted=["CRD"]) == "CST-FORBIDDEN"
    granted(database, bank)
    assert refused(database, reader, wanted=["CRD"]) == "CST-FORBIDDEN"
    granted(database, bank, data_sets=["CRD"])
    assert allowed(database, reader, wanted=["CRD"]) == {"CRD"}


def test_Z11_every_source_names_its_legal_ground() -> None:
    assert all(source.basis for source in sources().values())
    assert {contract.source for contract in contracts().values()} <= set(sources())
    text = (CONTRACTS / "invoice.yaml").read_text("utf-8")
    with pytest.raises(UserError, match="CON-SOURCE"):
        load_contract(text.replace("source: INV", "source: UNGROUNDED", 1), "invoice.yaml")


def test_Z12_the_query_log_names_who_when_what_why_and_cannot_be_changed(
    database: Database,
    access: Any,  # noqa: ANN401 - of the fixture
) -> None:
    bank = institution(database)
    granted(database, bank)
    allowed(database, officer(bank))
    with database.transaction(SYSTEM) as tx:
        line = query_log.about(tx, COMPANY)[0]
        assert all((line.reader, line.person, line.at, line.purpose, line.data_sets))
        query_log.seal(tx)
        assert query_log.verify(tx) == 1
    with psycopg.connect(access.owner) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE query_log SET purpose = 'post_loan'")
    with pytest.raises(UserError, match="CST-CHAIN"), database.transaction(SYSTEM) as tx:
        query_log.verify(tx)


def test_Z13_outside_of_china_the_platform_does_not_start(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XINQIAO_REGION", "SG")
    with pytest.raises(UserError, match="CST-REGION"), database.transaction(SYSTEM) as tx:
        deployment.begin(tx, deployment.of_environment())
    monkeypatch.setenv("XINQIAO_REGION", "CN")
    with database.transaction(SYSTEM) as tx:
        deployment.begin(tx, deployment.of_environment())


def test_Z14_objections_are_marked_at_once_and_late_answers_counted(database: Database) -> None:
    bank = institution(database)
    with standing(AT):
        granted(database, bank)
        owner = agent()
        with database.transaction(owner.scope) as tx:
            objections.raise_objection(tx, owner, "INV", "发票重复")
        with database.transaction(officer(bank).scope) as tx:
            assert permit(tx, officer(bank), COMPANY, DECISION).disputed == {"INV"}
    for day, warned, late in ((14, 0, 0), (15, 1, 0), (21, 1, 1)):
        with standing(AT + timedelta(days=day)), database.transaction(SYSTEM) as tx:
            assert (objections.remind(tx), objections.violations(tx)) == (warned, late)


def test_Z15_a_complaint_has_thirty_days_and_papers_to_pass_on(database: Database) -> None:
    owner = agent()
    with database.transaction(owner.scope) as tx:
        made = requests.ask(tx, owner, "complaint", "未经同意查询")
        assert requests.of_company(tx, COMPANY)[0].due_on == today() + timedelta(days=30)
    with database.transaction(operator(database).scope) as tx:
        assert "未经同意查询" in requests.papers(tx, made).decode()


def test_B01_whatever_is_given_to_judge_credit_is_marked_a_credit_service() -> None:
    assert all(item.credit_service for item in data_sets().values())
    assert set(sources()) | {"SCORE", "LEADS"} <= set(data_sets())


def people(database: Database, bank: UUID, *roles: str) -> list[Actor]:
    """Two people of a bank who hold ``roles`` there."""
    with database.transaction(SYSTEM) as tx:
        made = [
            seed.person(tx, RING, name="示范", phone=f"1380000000{n}", institution_id=bank, roles=[*roles])
            for n in range(2)
        ]
    return [Actor("bank", frozenset(roles), "示范", person=each, institution=bank) for each in made]


@pytest.mark.parametrize("filed", [False, True])
def test_B02_without_a_filing_no_product_goes_on_the_shelf(database: Database, *, filed: bool) -> None:
    bank = institution(database)
    proposer, second = people(database, bank, "bank.product", "bank.approver")
    with database.transaction(SYSTEM) as tx:
        seed.institution(
            tx, kind="operator", name="示范运营", uscc="9" * 18, filing_number="示范-1" if filed else None
        )
        if filed:
            tx.execute("UPDATE institution SET filing_number = '示范-2' WHERE id = %s", [bank])
    with database.transaction(proposer.scope) as tx:
        offer = draft_product(tx, proposer, "bill_discount")
    if filed:
        with database.transaction(second.scope) as tx:
            release_product(tx, second, offer)
    else:
        with pytest.raises(UserError, match="LND-FILING-STATE"), database.transaction(second.scope) as tx:
            release_product(tx, second, offer)


def test_B03_what_a_product_does_not_declare_is_left_out_with_a_warning(database: Database) -> None:
    bank = institution(database)
    needs = catalog_product("bill_discount").file.data.needs
    declared = [code for code in needs if not data_sets()[code].open]
    made = granted(database, bank, data_sets=[*declared, "TEL"], declared=declared)
    assert "TEL" not in made.data_sets
    with database.transaction(SYSTEM) as tx:
        assert overview(tx).trimmed == 1
    assert own.FEE_CNY == 0  # and collecting costs the firm nothing


def test_B04_when_an_agreement_ends_nothing_more_is_taken_in(database: Database) -> None:
    holder = institution(database, "holder")
    with standing(AT), database.transaction(SYSTEM) as tx:
        ends = AT.date() + timedelta(days=10)
        supply.agree(tx, holder, ["TAX"], begins_on=AT.date(), ends_on=ends, duties="来源、质量、安全")
    for day, fine in ((0, True), (10, True), (11, False)):
        with standing(AT + timedelta(days=day)), database.transaction(SYSTEM) as tx:
            if fine:
                supply.check(tx, holder, "TAX")
            else:
                with pytest.raises(UserError, match="CST-AGREEMENT-FORBIDDEN"):
                    supply.check(tx, holder, "TAX")


def test_B05_the_text_tells_purpose_scope_term_and_withdrawal() -> None:
    for text in texts().values():
        version = text.at(today())
        assert all(getattr(version, element) is not None for element in ELEMENTS)
        assert version.rights is not None
        assert "撤回" in version.rights.zh


def test_B06_counterparties_leave_as_indicators_only(database: Database) -> None:
    bank = institution(database)
    granted(database, bank, data_sets=["INV"])
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(COMPANY)])
    with database.transaction(officer(bank).scope) as tx:
        file, _ = read(tx, officer(bank), COMPANY, DECISION)
    assert file.indicators["INV01"].value is not None
    assert file.edges == ()
    assert file.names == {}


def test_B07_what_was_published_is_only_added_to(database: Database) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(COMPANY)])
    with pytest.raises(psycopg.DatabaseError, match="append-only"), database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE credit_file SET body = '{}'")
    assert any(item.source == "XC" for item in indicators().values())  # sources are compared


def test_B08_no_record_a_model_learns_from_can_be_tied_to_a_person() -> None:
    for contract in contracts().values():
        words = f"{' '.join(contract.fields)} {contract.name.en}"
        assert "resident_id" not in words
        assert "personal_negative" not in words


def test_B09_ten_times_the_usual_stops_reading_and_opens_a_ticket(database: Database) -> None:
    bank = institution(database)
    granted(database, bank)
    with database.transaction(SYSTEM) as tx:
        watch.agree(tx, bank, 4)
    reads(database, bank, 41)
    with database.transaction(SYSTEM) as tx:
        assert watch.watch(tx) == [bank]
        assert len(watch.blocks(tx, opened=True)) == 1
    assert refused(database, officer(bank)) == "CST-BLOCKED-FORBIDDEN"


def test_B10_terms_are_explained_and_the_firm_s_words_stand_beside_the_data(database: Database) -> None:
    assert TERMS
    owner = agent()
    with database.transaction(owner.scope) as tx:
        objections.raise_objection(tx, owner, "JUD", "该案已撤诉")
    with database.transaction(officer(institution(database)).scope) as tx:
        assert [o.statement for o in objections.statements(tx, COMPANY)] == ["该案已撤诉"]


def test_B11_a_decision_names_its_reasons_and_is_made_again_byte_for_byte(database: Database) -> None:
    place = town(database)
    place.file(indicators={"REG01": 0.5})
    found = place.decide(place.apply())
    with database.transaction(SYSTEM) as tx:
        stored = of_case(tx, found.id)[0]
        assert replay(tx, stored.id).identical
        assert "TOO_YOUNG" in stored.record.decode()
    score = scored_file(COMPANY).score
    assert score is not None
    assert score["contributions"]


def test_B12_the_materials_hold_models_dimensions_and_thresholds(
    client_as: Clients, database: Database
) -> None:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [], [("m1", b"{}")])
    data = client_as(operator(database)).get("/operator/compliance/package").content
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.read("models/m1.json") == b"{}"
    assert "INV01" in archive.read("dimensions.csv").decode("utf-8-sig")
    assert "limits" in archive.read("fraud_rules.csv").decode("utf-8-sig")
    assert any(name.startswith("scales/") for name in archive.namelist())


def test_B13_promises_and_borrowed_authority_are_not_published(database: Database) -> None:
    assert found_in("本产品包过")
    assert found_in("政府 认证的贷款")
    assert found_in("GOVERNMENT-certified loans")
    assert not found_in("凭纳税记录申请，以审批结果为准")
    for product in catalog_products().values():
        told = (product.file.name, product.file.summary, product.file.audience)
        assert not found_in(*(words for text in told for words in (text.zh, text.en))), product.id
    proposer = person("product", institution=institution(database))
    text = (CATALOG / "products" / "bill_discount.yaml").read_text("utf-8")
    loud = text.replace("summary: {zh: ", "summary: {zh: 包过，", 1)
    with pytest.raises(UserError, match="CST-WORDING"), database.transaction(proposer.scope) as tx:
        draft_product(tx, proposer, "bill_discount", source=loud)


def test_B14_near_a_million_firms_the_operator_is_warned() -> None:
    assert COMPANIES_WARN == 800_000
    assert "等保三级" in size_warning(COMPANIES_WARN).zh


def test_B15_what_is_exported_is_approved_by_a_second_person_and_logged(database: Database) -> None:
    bank = institution(database)
    first, second = people(database, bank, "bank.officer")
    with database.transaction(first.scope) as tx:
        made = propose(tx, first, "export", COMPANY, {})
    with pytest.raises(UserError, match="ACC-SAME-FORBIDDEN"), database.transaction(first.scope) as tx:
        decide(tx, first, made, "approved")
    with database.transaction(second.scope) as tx:
        decide(tx, second, made, "approved")
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute("SELECT action FROM audit_line ORDER BY at, id").fetchall()
    assert [row["action"] for row in rows][-2:] == ["export.proposed", "export.approved"]


def test_B16_the_database_itself_holds_no_other_region(database: Database) -> None:
    with pytest.raises(psycopg.errors.CheckViolation), database.transaction(SYSTEM) as tx:
        tx.execute("INSERT INTO deployment (role, region, changed_at) VALUES ('bank', 'US', now())")


def test_B17_a_new_category_stands_on_the_public_page_at_once(
    client_as: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "海洋渔业登记" not in client_as(None).get("/disclosure").text
    fresh = sources()["REG"].model_copy(
        update={"name": sources()["REG"].name.model_copy(update={"zh": "海洋渔业登记"})}
    )
    monkeypatch.setattr(disclosure, "sources", lambda: {**sources(), "SEA": fresh})
    page = client_as(None).get("/disclosure").text
    assert "海洋渔业登记" in page
    assert "异议" in page
