from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.lending.applying import Town, agent_of, bank_with_product, town
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case
from xinqiao.lending.offer import accept, decline, offers

NEED = Decimal(200_000)


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _need(place: Town, amounts: list[int]) -> tuple[UUID, list[UUID]]:
    """One need asked of as many banks as there are amounts; all of them offer."""
    with place.database.transaction(place.agent.scope) as tx:
        request = case.new_request(tx, place.agent, amount_cny=NEED, term_months=12, use="购买原料")
    found = []
    for amount in amounts:
        bank = bank_with_product(place.database)
        found.append(place.apply(amount=amount, institution_id=bank, request_id=request))
        assert place.decide(found[-1]).state == "offered"
    with place.database.transaction(place.agent.scope) as tx:
        by_case = {offer.case_id: offer.id for offer in offers(tx, request_id=request)}
    return request, [by_case[each] for each in found]


def test_one_of_several_offers_is_taken_and_the_others_end(place: Town) -> None:
    request, (first, second, third) = _need(place, [200_000, 200_000, 150_000])
    with place.database.transaction(place.agent.scope) as tx:
        assert accept(tx, place.agent, second).state == "accepted"
    with place.database.transaction(place.agent.scope) as tx:
        states = {each.id: each.state for each in offers(tx, request_id=request)}
        assert states == {first: "withdrawn", second: "accepted", third: "withdrawn"}
        assert case.request(tx, request).accepted_cny == NEED
        for other in (first, third):
            with pytest.raises(UserError) as said:
                accept(tx, place.agent, other)
            assert said.value.code == "LND-OFFER-STATE"


def test_parts_of_a_need_add_up_and_never_beyond_it(place: Town) -> None:
    request, (first, second, third) = _need(place, [120_000, 100_000, 80_000])
    with place.database.transaction(place.agent.scope) as tx:
        accept(tx, place.agent, first)
    with pytest.raises(UserError) as said, place.database.transaction(place.agent.scope) as tx:
        accept(tx, place.agent, second)
    assert said.value.code == "LND-NEED-STATE"
    assert "80,000.00" in said.value.what.zh
    with place.database.transaction(place.agent.scope) as tx:
        accept(tx, place.agent, third)
        assert case.request(tx, request).accepted_cny == NEED


def test_the_database_itself_holds_the_need(place: Town) -> None:
    _need(place, [120_000, 100_000])
    with pytest.raises(psycopg.errors.CheckViolation), place.database.transaction(place.agent.scope) as tx:
        tx.execute("UPDATE offer SET state = 'accepted', closed_at = now()")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE offer SET amount_cny = 1",
        "UPDATE offer SET state = 'open'",
        "UPDATE offer SET rate = 0, state = 'accepted'",
    ],
)
def test_an_offer_is_never_changed(place: Town, statement: str) -> None:
    _need(place, [100_000])
    with pytest.raises(psycopg.Error), place.database.transaction(place.agent.scope) as tx:
        tx.execute(statement)


def test_a_bank_cannot_accept_its_own_offer(place: Town) -> None:
    place.decide(place.apply())
    with pytest.raises(psycopg.Error), place.database.transaction(place.officer.scope) as tx:
        tx.execute("UPDATE offer SET state = 'accepted'")


def test_an_offer_is_open_until_its_time(place: Town) -> None:
    _, (offer,) = _need(place, [100_000])
    with standing(now() + timedelta(days=15)):
        with pytest.raises(UserError) as said, place.database.transaction(place.agent.scope) as tx:
            accept(tx, place.agent, offer)
        assert said.value.code == "LND-OFFER-STATE"


def test_declining_ends_the_application(place: Town) -> None:
    _, (offer,) = _need(place, [100_000])
    with place.database.transaction(place.agent.scope) as tx:
        decline(tx, place.agent, offer, "利率偏高")
        (found,) = offers(tx)
    assert found.state == "declined"
    assert place.see(found.case_id).state == "declined"


def test_offers_come_cheapest_first_and_are_each_sides_own(place: Town) -> None:
    request, _ = _need(place, [200_000, 50_000])
    with place.database.transaction(place.agent.scope) as tx:
        costs = [each.apr for each in offers(tx, request_id=request)]
    assert costs == sorted(costs)
    for scope in (agent_of("91330100900000022B").scope, place.officer.scope):
        with place.database.transaction(scope) as tx:
            assert offers(tx, request_id=request) == []


def test_acceptance_stands_in_the_log(place: Town) -> None:
    _, (offer,) = _need(place, [100_000])
    with place.database.transaction(place.agent.scope) as tx:
        accept(tx, place.agent, offer)
    with place.database.transaction(SYSTEM) as tx:
        kinds = {row["kind"] for row in tx.execute("SELECT kind FROM evidence_entry")}
    assert {"grant", "decision", "offer", "acceptance", "query"} >= {"offer", "acceptance"}
    assert {"decision", "offer", "acceptance"} <= kinds
