from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from tests.consent.people import granted
from tests.lending.applying import COMPANY, PRODUCT, Town, agent_of, bank_with_product, town
from tests.lending.bank import STRANGER
from xinqiao.consent.grants import revoke
from xinqiao.db.database import PUBLIC, SYSTEM, Database, Scope, new_id
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case
from xinqiao.lending.case_event import events, told, untold
from xinqiao.lending.case_state import cases

OTHER = "91330100900000022B"


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_cny": Decimal(1000)}, "LND-ASKED"),
        ({"amount_cny": Decimal(2_000_000)}, "LND-ASKED"),
        ({"amount_cny": Decimal("100000.001")}, "LND-ASKED"),
        ({"amount_cny": Decimal("NaN")}, "LND-ASKED"),
        ({"amount_cny": Decimal(-5)}, "LND-ASKED"),
        ({"term_months": 24}, "LND-ASKED"),
        ({"term_months": 0}, "LND-ASKED"),
        ({"use": "  "}, "LND-ASKED"),
        ({"use": "x" * 201}, "LND-ASKED"),
        ({"answers": {"grade": "R1"}}, "LND-ASKED"),
        ({"answers": {"own_score": 900}}, "LND-ASKED"),
        ({"product_id": "no_such"}, "LND-PRODUCT-ABSENT"),
        ({"request_id": new_id()}, "LND-REQUEST-ABSENT"),
    ],
)
def test_what_makes_no_sense_is_not_applied_for(place: Town, changes: dict[str, object], code: str) -> None:
    with pytest.raises(UserError) as said:
        place.apply(**{"amount": 200_000, **changes})  # type: ignore[arg-type] # of apply
    assert said.value.code == code


def test_only_people_of_a_company_apply(place: Town) -> None:
    grant = place.grant()
    told = {"institution_id": place.bank, "product_id": PRODUCT, "amount_cny": Decimal(100_000)}
    told |= {"term_months": 12, "use": "x", "grant_id": grant}
    with pytest.raises(UserError) as said, place.database.transaction(place.officer.scope) as tx:
        case.apply(tx, place.officer, **told)  # type: ignore[arg-type] # as apply takes them
    assert said.value.code == "LND-COMPANY-FORBIDDEN"


def test_a_grant_to_another_bank_or_of_another_firm_or_purpose_does_not_do(place: Town) -> None:
    elsewhere = bank_with_product(place.database)
    wrong = [
        place.grant(bank=elsewhere),
        granted(place.database, place.bank, purposes=["post_loan"], company=COMPANY).id,
    ]
    for grant in wrong:
        with pytest.raises(UserError) as said:
            place.apply(grant_id=grant)
        assert said.value.code == "LND-GRANT-FORBIDDEN"
    with pytest.raises(UserError) as said:
        place.apply(grant_id=place.grant(company=OTHER))
    assert said.value.code == "CST-GRANT-ABSENT"


def test_the_same_is_applied_for_once_at_a_time(place: Town) -> None:
    first = place.apply()
    with pytest.raises(UserError) as said:
        place.apply()
    assert said.value.code == "LND-OPEN-STATE"
    with place.database.transaction(place.agent.scope) as tx:
        case.withdraw(tx, place.agent, first, 1)
    assert place.apply() != first


def test_an_application_that_failed_leaves_nothing(place: Town) -> None:
    def half_done() -> None:
        with place.database.transaction(place.agent.scope) as tx:
            case.new_request(tx, place.agent, amount_cny=Decimal(5), term_months=3, use="x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()
    with place.database.transaction(SYSTEM) as tx:
        for table in ("loan_request", "lending_case", "case_event", "case_outbox"):
            assert tx.execute(f"SELECT 1 FROM {table}").fetchone() is None  # noqa: S608 - our own names
        jobs = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'case.decide'"
        assert tx.execute(jobs).fetchone() is None


def test_the_decision_is_queued_in_the_same_transaction(place: Town) -> None:
    place.apply()
    with place.database.transaction(SYSTEM) as tx:
        row = tx.execute(
            "SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'case.decide'"
        ).fetchone()
    assert row == {"n": 1}


def test_each_side_sees_its_own_and_a_draft_is_the_companys(place: Town) -> None:
    sent = place.apply()
    second = bank_with_product(place.database)
    with place.database.transaction(place.agent.scope) as tx:
        kept = case.draft(
            tx,
            place.agent,
            institution_id=second,
            product_id=PRODUCT,
            amount_cny=Decimal(100_000),
            term_months=6,
            use="x",
        )
    bank_two = Scope("bank", institution=second)
    seen = {
        place.agent.scope: {sent, kept},
        place.officer.scope: {sent},
        bank_two: set(),
        STRANGER.scope: set(),
        agent_of(OTHER).scope: set(),
        PUBLIC: set(),
        Scope("operator"): set(),
        Scope("regulator"): set(),
        Scope("holder", institution=place.bank): set(),
    }
    for scope, expected in seen.items():
        with place.database.transaction(scope) as tx:
            assert {each.id for each in cases(tx)} == expected, scope
            for table in ("case_event", "offer", "case_proposal", "case_document", "decision"):
                columns = f"SELECT DISTINCT case_id FROM {table}"  # noqa: S608 - our own names
                assert {row["case_id"] for row in tx.execute(columns)} <= expected, (scope, table)
    with place.database.transaction(place.agent.scope) as tx:
        case.submit(tx, place.agent, kept, 1, place.grant(bank=second))
    with place.database.transaction(bank_two) as tx:
        assert [each.id for each in cases(tx)] == [kept]
        assert [e.transition for e in events(tx, kept)] == ["apply"]


def test_nobody_writes_into_anothers_case(place: Town) -> None:
    sent = place.apply()
    for scope in (STRANGER.scope, agent_of(OTHER).scope, PUBLIC, Scope("operator")):
        with place.database.transaction(scope) as tx:
            done = tx.execute("UPDATE lending_case SET state = 'accepted', version = 9 WHERE id = %s", [sent])
            assert done.rowcount == 0
            assert tx.execute("UPDATE case_event SET body = '{}'").rowcount == 0


@pytest.mark.parametrize(
    ("side", "statement"),
    [
        ("enterprise", "UPDATE lending_case SET state = 'offered', version = version + 1"),
        ("enterprise", "UPDATE lending_case SET state = 'accepted', version = version + 1"),
        ("bank", "UPDATE lending_case SET state = 'offered', version = version + 1"),
        ("bank", "UPDATE lending_case SET state = 'withdrawn', version = version + 1"),
        ("enterprise", "UPDATE lending_case SET amount_cny = 1, version = version + 1, state = 'withdrawn'"),
        ("enterprise", "UPDATE lending_case SET state = 'withdrawn'"),
        ("system", "UPDATE lending_case SET state = 'accepted', version = version + 1"),
        ("enterprise", "DELETE FROM lending_case"),
        ("enterprise", "DELETE FROM offer"),
        ("bank", "DELETE FROM case_proposal"),
        ("system", "DELETE FROM case_event"),
    ],
)
def test_the_database_itself_refuses_what_the_machine_does_not_know(
    place: Town, side: str, statement: str
) -> None:
    place.apply()
    scopes = {"enterprise": place.agent.scope, "bank": place.officer.scope, "system": SYSTEM}
    with pytest.raises(psycopg.Error) as said, place.database.transaction(scopes[side]) as tx:
        tx.execute(statement)
    assert said.value.sqlstate in ("XQ001", "XQ002", "42501")


def test_a_step_without_its_event_is_not_committed(place: Town) -> None:
    place.apply()
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation),
        place.database.transaction(place.agent.scope) as tx,
    ):
        tx.execute("UPDATE lending_case SET state = 'withdrawn', version = version + 1")


def test_returned_cases_come_back_under_a_new_grant(place: Town) -> None:
    grant = place.grant()
    sent = place.apply(grant_id=grant)
    with place.database.transaction(place.agent.scope) as tx:
        revoke(tx, place.agent, grant)
    assert place.decide(sent).state == "returned"
    with pytest.raises(UserError) as said, place.database.transaction(place.agent.scope) as tx:
        case.resubmit(tx, place.agent, sent, 2)
    assert said.value.code == "LND-GRANT-FORBIDDEN"
    with place.database.transaction(place.agent.scope) as tx:
        case.resubmit(tx, place.agent, sent, 2, place.grant())
    assert place.decide(sent).state == "offered"


def test_the_outbox_gives_each_event_once(place: Town) -> None:
    place.decide(place.apply())
    with place.database.transaction(SYSTEM) as tx:
        waiting = untold(tx)
        assert [e.transition for e in waiting] == ["apply", "offer_at_once"]
        with place.database.transaction(SYSTEM) as second:
            assert untold(second) == []  # the first transaction holds them
        told(tx, [e.id for e in waiting])
    with place.database.transaction(SYSTEM) as tx:
        assert untold(tx) == []
    with place.database.transaction(place.officer.scope) as tx:
        assert untold(tx) == []
