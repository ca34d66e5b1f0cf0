"""The watch-list is kept by people: with reasons, deadlines and results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.lending.applying import COMPANY
from tests.monitoring.watched import Desk, desk
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.monitoring.parameters import parameters
from xinqiao.monitoring.watch import escalate, finish, leave, steps, tasks, watch, watch_list

AT = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture
def bank(database: Database) -> Desk:
    return desk(database)


def test_a_borrower_enters_with_a_reason_and_a_task_due_by_its_level(bank: Desk) -> None:
    with clock.standing(AT), bank.database.transaction(bank.officer.scope) as tx:
        watch(tx, bank.officer, COMPANY, "orange", "老板失联")
        (entry,) = watch_list(tx, bank.bank)
        (task,) = tasks(tx, bank.bank)
    assert (entry.company_id, entry.level, entry.owed_cny > 0) == (COMPANY, "orange", True)
    assert (task.due_on - task.made_on).days == parameters().task_days["orange"]


def test_a_level_rises_with_an_earlier_deadline_and_never_falls_by_itself(bank: Desk) -> None:
    with bank.database.transaction(bank.officer.scope) as tx:
        first = watch(tx, bank.officer, COMPANY, "yellow", "观察")
        assert watch(tx, bank.officer, COMPANY, "red", "被执行") == first
        assert watch(tx, bank.officer, COMPANY, "yellow", "好转") == first
        (entry,) = watch_list(tx, bank.bank)
        (task,) = tasks(tx, bank.bank)
        kinds = [step.kind for step in steps(tx, bank.bank, COMPANY)]
    assert entry.level == "red"
    assert task.level == "red"
    assert (task.due_on - task.made_on).days == parameters().task_days["red"]
    assert kinds == ["level", "entered"]


def test_nobody_leaves_while_a_task_is_open_and_a_task_is_done_once(bank: Desk) -> None:
    with bank.database.transaction(bank.officer.scope) as tx:
        watch(tx, bank.officer, COMPANY, "red", "被执行")
        (task,) = tasks(tx, bank.bank)
    with pytest.raises(UserError, match="MON-TASK-OPEN-STATE"), bank.database.transaction(SYSTEM) as tx:
        leave(tx, bank.officer, COMPANY, "无事")
    with bank.database.transaction(bank.officer.scope) as tx:
        finish(tx, bank.officer, task.id, "security_added", "追加房产抵押")
        (done,) = tasks(tx, bank.bank, COMPANY)
        assert (done.result, done.words, done.done_by) == (
            "security_added",
            "追加房产抵押",
            bank.officer.name,
        )
        assert tasks(tx, bank.bank) == []
    with pytest.raises(UserError, match="MON-TASK-STATE"), bank.database.transaction(SYSTEM) as tx:
        finish(tx, bank.officer, task.id, "no_concern", "再来")
    with bank.database.transaction(bank.officer.scope) as tx:
        leave(tx, bank.officer, COMPANY, "已追加担保")
        assert watch_list(tx, bank.bank) == []
        assert steps(tx, bank.bank, COMPANY)[0].reason == "已追加担保"


def test_an_overdue_task_is_told_to_the_approvers_once(bank: Desk) -> None:
    with clock.standing(AT), bank.database.transaction(bank.officer.scope) as tx:
        watch(tx, bank.officer, COMPANY, "red", "被执行")
    for day, told in ((3, 0), (4, 1), (9, 0)):
        with clock.standing(AT + timedelta(days=day)), bank.database.transaction(SYSTEM) as tx:
            assert escalate(tx, bank.bank) == told
    notices = bank.rows("SELECT role FROM notice WHERE link LIKE '/bank/monitoring/%' ORDER BY made_at")
    assert [row["role"] for row in notices] == ["bank.officer", "bank.approver"]


@pytest.mark.parametrize(
    ("code", "act"),
    [
        ("MON-LEVEL", lambda tx, who: watch(tx, who, COMPANY, "purple", "x")),
        ("MON-REASON", lambda tx, who: watch(tx, who, COMPANY, "red", "  ")),
        ("MON-BORROWER-ABSENT", lambda tx, who: watch(tx, who, "91330100900000099Z", "red", "x")),
        ("MON-WATCH-ABSENT", lambda tx, who: leave(tx, who, COMPANY, "x")),
        ("MON-TASK-ABSENT", lambda tx, who: finish(tx, who, new_id(), "collect", "x")),
        ("MON-RESULT", lambda tx, who: finish(tx, who, new_id(), "nothing", "x")),
        ("MON-REASON", lambda tx, who: finish(tx, who, new_id(), "collect", "")),
    ],
)
def test_faults_are_told(bank: Desk, code: str, act: object) -> None:
    with pytest.raises(UserError, match=code), bank.database.transaction(bank.officer.scope) as tx:
        act(tx, bank.officer)  # type: ignore[operator] # one of the acts above


def test_the_database_keeps_what_happened(bank: Desk) -> None:
    with bank.database.transaction(bank.officer.scope) as tx:
        watch(tx, bank.officer, COMPANY, "red", "被执行")
    with pytest.raises(psycopg.Error, match="append"), bank.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE watch_event SET reason = 'x'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), bank.database.transaction(SYSTEM) as tx:
        tx.execute("DELETE FROM watch_entry")
