"""A round looks at borrowers under their grants, keeps what it can tell, and feeds the watch-list."""

from __future__ import annotations

from datetime import date

import pytest

from tests.lending.applying import COMPANY, agent_of
from tests.monitoring.panels import made
from tests.monitoring.watched import NEWER, Desk, desk
from xinqiao.consent.grants import revoke
from xinqiao.db.database import SYSTEM, Database
from xinqiao.monitoring.hazard import fit
from xinqiao.monitoring.surveillance import publish_hazard, surveil_one
from xinqiao.monitoring.watch import leave, tasks, watch_list


@pytest.fixture
def bank(database: Database) -> Desk:
    return desk(database)


def reads(bank: Desk) -> int:
    return len(bank.rows("SELECT 1 FROM query_log WHERE purpose = 'post_loan'"))


def test_without_a_grant_for_post_loan_nothing_of_the_firm_is_read(bank: Desk) -> None:
    bank.publish(INV03=0.3, INV02=-0.5)
    found = bank.round()
    assert (found.looked, found.unread, found.raised) == (1, 1, 0)
    (state,) = bank.rows("SELECT * FROM warning_state")
    assert state["unread"] == "CST-FORBIDDEN"
    assert (state["file_as_of"], state["grade"]) == (None, None)
    assert "W101" in state["unknown"]
    assert "W506" not in state["unknown"]
    assert reads(bank) == 0


def test_a_grant_for_another_purpose_is_not_enough(bank: Desk) -> None:
    bank.grant(purposes=("credit_decision",))
    bank.publish(INV03=0.3, INV02=-0.5)
    assert bank.round().unread == 1


def test_signals_speak_from_the_file_and_every_read_is_logged(bank: Desk) -> None:
    bank.grant()
    bank.publish(INV03=0.3, INV02=-0.5)
    found = bank.round()
    assert (found.looked, found.unread, found.entered) == (1, 0, 1)
    assert bank.open_signals() == {"W101"}
    (state,) = bank.rows("SELECT * FROM warning_state")
    assert (state["level"], state["grade"], state["file_as_of"]) == ("orange", "R4", NEWER)
    assert reads(bank) == 1


def test_what_the_grant_does_not_cover_is_unknown_not_silent(bank: Desk) -> None:
    bank.grant(sets=["TAX", "SCORE"])
    bank.publish(INV03=0.3, INV02=-0.5, TAX11=5000.0, lead=1.0)
    bank.round()
    assert bank.open_signals() == {"W301"}
    (state,) = bank.rows("SELECT unknown FROM warning_state")
    assert {"W101", "W701"} <= set(state["unknown"])


def test_new_lawsuits_are_new_against_the_file_of_three_months_before(bank: Desk) -> None:
    bank.grant()
    bank.publish(as_of=date(2025, 12, 31), JUD05=1.0)
    bank.publish(JUD05=2.0, lead=1.0)
    bank.round()
    assert bank.open_signals() == {"W401", "W701"}
    (state,) = bank.rows("SELECT level FROM warning_state")
    assert state["level"] == "red"


def test_a_signal_ends_when_it_is_known_to_be_silent_and_stays_when_nobody_can_tell(bank: Desk) -> None:
    bank.grant()
    bank.publish(INV03=0.3, INV02=-0.5, TAX11=100.0)
    bank.round()
    bank.publish(as_of=date(2026, 4, 30), INV03=1.0, INV02=0.1, TAX11=None)
    found = bank.round(date(2026, 4, 30))
    assert found.ended == 1
    assert bank.open_signals() == {"W301"}
    agent = agent_of(COMPANY)
    (grant,) = bank.rows("SELECT id FROM consent_grant WHERE 'post_loan' = ANY(purposes)")
    with bank.database.transaction(agent.scope) as tx:
        revoke(tx, agent, grant["id"])
    assert bank.round(date(2026, 5, 31)).unread == 1
    assert bank.open_signals() == {"W301"}


def test_the_own_book_warns_of_a_borrower_nobody_may_read(bank: Desk) -> None:
    with bank.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE loan SET days_past_due = 31, unpaid_since = '2026-04-02'")
    bank.round(date(2026, 5, 3))
    assert bank.open_signals() == {"W506", "W507"}
    with bank.database.transaction(bank.officer.scope) as tx:
        (entry,) = watch_list(tx, bank.bank)
        (task,) = tasks(tx, bank.bank)
    assert entry.level == "red"
    assert entry.days_past_due == 31
    assert "本行逾期" in bank.rows("SELECT reason FROM watch_event")[0]["reason"]
    assert task.result is None
    assert bank.rows("SELECT 1 FROM notice WHERE link LIKE '/bank/monitoring/%'")


def test_a_round_again_changes_nothing(bank: Desk) -> None:
    bank.grant()
    bank.publish(INV03=0.3, INV02=-0.5)
    bank.round()
    before = bank.rows("SELECT id FROM warning_signal UNION ALL SELECT id FROM watch_event ORDER BY 1")
    again = bank.round()
    assert (again.raised, again.ended, again.entered) == (0, 0, 0)
    assert (
        bank.rows("SELECT id FROM warning_signal UNION ALL SELECT id FROM watch_event ORDER BY 1") == before
    )


def test_who_was_taken_off_the_list_comes_back_for_a_new_signal_only(bank: Desk) -> None:
    bank.grant()
    bank.publish(INV03=0.3, INV02=-0.5)
    bank.round()
    with bank.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE watch_task SET result = 'no_concern', done_at = now(), done_by = 'x', words = 'y'")
    with bank.database.transaction(bank.officer.scope) as tx:
        leave(tx, bank.officer, COMPANY, "季节性，已核实")
    assert bank.round().entered == 0
    bank.publish(as_of=date(2099, 1, 31), INV03=0.3, INV02=-0.5, TAX16=1.0)
    assert bank.round(date(2099, 1, 31)).entered == 1


def test_the_hazard_model_in_use_tells_the_risk_of_those_who_may_be_read(bank: Desk) -> None:
    with bank.database.transaction(SYSTEM) as tx:
        publish_hazard(tx, fit(made(), date(2024, 3, 31)))
    bank.round()
    assert bank.rows("SELECT pd_12m FROM warning_state")[0]["pd_12m"] is None
    bank.grant()
    bank.publish(INV03=0.4, INV02=-0.3)
    surveil_one(bank.database, institution=str(bank.bank))
    (state,) = bank.rows("SELECT pd_6m, pd_12m FROM warning_state")
    assert 0 < state["pd_6m"] < state["pd_12m"] < 1
