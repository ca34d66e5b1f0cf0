from __future__ import annotations

from datetime import timedelta

import pytest

from tests.lending.applying import Town, town
from xinqiao.account.notice import inbox
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, standing
from xinqiao.lending.case_event import events
from xinqiao.lending.deadline import due, sweep
from xinqiao.lending.offer import offers
from xinqiao.lending.queue import counts, queue


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _due(place: Town, case_id: object, at: object) -> None:
    due(place.database, str(case_id), at.isoformat())  # type: ignore[attr-defined] # a time


def test_every_state_that_waits_leaves_a_job_at_its_deadline(place: Town) -> None:
    found = place.decide(place.apply(amount=400_000))
    with place.database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT scheduled_at, args FROM procrastinate_jobs WHERE task_name = 'case.due' ORDER BY id"
        ).fetchall()
    assert len(rows) == 2  # of applied, of screened
    assert rows[-1]["scheduled_at"] == found.due_at
    assert rows[-1]["args"]["due"] == found.due_at.isoformat()  # type: ignore[union-attr] # it waits


def test_what_is_late_is_told_again_and_again(place: Town) -> None:
    found = place.decide(place.apply(amount=400_000))
    first = found.due_at
    assert first is not None
    _due(place, found.id, first)
    assert place.see(found.id) == found  # it is not late yet
    with standing(first + timedelta(seconds=1)):
        assert [line.urgency for line in _queue(place)] == ["late"]
        _due(place, found.id, first)
        once = place.see(found.id)
        assert (once.state, once.escalated, once.version) == ("screened", 1, found.version + 1)
        _due(place, found.id, first)  # the job runs twice
        assert place.see(found.id) == once
    assert once.due_at is not None
    with standing(once.due_at + timedelta(seconds=1)):
        sweep(place.database)
        assert place.see(found.id).escalated == 2
    with place.database.transaction(place.approver.scope) as tx:
        assert sum("超时上报" in n.text.zh for n in inbox(tx, place.approver)) == 2


def _queue(place: Town) -> list[object]:
    with place.database.transaction(place.officer.scope) as tx:
        assert counts(tx, place.officer)["late"] == 1
        return list(queue(tx, place.officer, "late"))


def test_an_offer_nobody_answers_expires_with_its_case(place: Town) -> None:
    found = place.decide(place.apply())
    assert found.due_at is not None
    with standing(found.due_at + timedelta(seconds=1)):
        _due(place, found.id, found.due_at)
        assert place.see(found.id).state == "expired"
    with place.database.transaction(place.agent.scope) as tx:
        assert [each.state for each in offers(tx)] == ["expired"]
        assert events(tx, found.id)[-1].transition == "expire"


def test_the_sweep_finds_what_a_lost_job_left(place: Town) -> None:
    found = place.decide(place.apply())
    sweep(place.database)
    assert place.see(found.id) == found
    with standing(now() + timedelta(days=60)):
        sweep(place.database)
        assert place.see(found.id).state == "expired"
        sweep(place.database)


def test_a_deadline_of_a_state_left_behind_does_nothing(place: Town) -> None:
    case_id = place.apply()
    was = place.see(case_id).due_at
    found = place.decide(case_id)
    with standing(now() + timedelta(hours=2)):
        _due(place, case_id, was)
        assert place.see(case_id) == found
