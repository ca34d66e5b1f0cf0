"""Fifty companies apply at once while the worker decides: nothing lost, nothing doubled, soon answered."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from tests.lending.applying import Town, agent_of, town
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.jobs import working
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case
from xinqiao.lending.case_event import events
from xinqiao.lending.case_state import cases
from xinqiao.lending.decision import replay
from xinqiao.lending.offer import accept, offers

APPLICANTS = 50
PATIENCE_SECONDS = 60


@pytest.mark.slow
def test_fifty_applicants_at_once(database: Database) -> None:
    place = town(database)
    agents = [agent_of(f"91330100{number:09d}A") for number in range(APPLICANTS)]
    for agent in agents:
        place.file(str(agent.company))
    grants = {agent.company: place.grant(str(agent.company)) for agent in agents}

    def apply(agent: Actor) -> UUID:
        made = place.apply(agent, grant_id=grants[agent.company])
        with pytest.raises(UserError):  # a second click
            place.apply(agent, grant_id=grants[agent.company])
        return made

    with working(database), ThreadPoolExecutor(APPLICANTS) as pool:
        made = list(pool.map(apply, agents))
        _wait(place)
    with database.transaction(SYSTEM) as tx:
        found = cases(tx, limit=500)
        assert {each.id for each in found} == set(made)
        assert {each.state for each in found} == {"offered"}
        assert len(offers(tx)) == APPLICANTS
        for each in found:
            assert [e.transition for e in events(tx, each.id)] == ["apply", "offer_at_once"]
            assert replay(tx, str(each.decision_id)).identical
        seconds = sorted((e.decided_at - e.applied_at).total_seconds() for e in found)  # type: ignore[operator] # decided
    assert seconds[-1] < PATIENCE_SECONDS, seconds


def _wait(place: Town) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with place.database.transaction(SYSTEM) as tx:
            if not cases(tx, states=["applied"]):
                return
        time.sleep(0.1)


def test_two_clicks_on_accept_take_one_offer(database: Database) -> None:
    place = town(database)
    found = place.decide(place.apply())
    with database.transaction(place.agent.scope) as tx:
        (offer,) = offers(tx, case_id=found.id)

    def click(_: int) -> str:
        try:
            with database.transaction(place.agent.scope) as tx:
                return accept(tx, place.agent, offer.id).state
        except UserError as error:
            return error.code

    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(click, range(6)))
    assert sorted(told) == ["LND-OFFER-STATE"] * 5 + ["accepted"]
    with database.transaction(place.agent.scope) as tx:
        assert case.request(tx, found.request_id).accepted_cny == offer.amount_cny
