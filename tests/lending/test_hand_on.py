from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.lending.applying import PRODUCT, Town, bank_with_product, town
from xinqiao.consent.grants import revoke
from xinqiao.db.database import SYSTEM, Database, Scope
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case
from xinqiao.lending.case_event import events
from xinqiao.lending.case_state import Case, cases
from xinqiao.lending.deadline import sweep
from xinqiao.lending.hand_on import Next, agree_next, agreed, choices, hand_on

LATE = timedelta(days=30)


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _waiting(place: Town) -> Case:
    """A case that waits for an officer of the first bank."""
    found = place.decide(place.apply(amount=400_000))
    assert found.state == "screened"
    return found


def _wish(place: Town) -> Next:
    bank = bank_with_product(place.database)
    return Next(bank, PRODUCT, place.grant(bank=bank))


def _agree(place: Town, case_id: UUID, *wishes: Next) -> None:
    with place.database.transaction(place.agent.scope) as tx:
        agree_next(tx, place.agent, case_id, wishes)


def _all(place: Town) -> dict[UUID, Case]:
    with place.database.transaction(SYSTEM) as tx:
        return {each.institution_id: each for each in cases(tx)}


def test_the_firm_hands_a_late_case_on_itself(place: Town) -> None:
    found, wish = _waiting(place), _wish(place)
    for at, code in ((now(), "LND-HAND-STATE"), (now() + LATE, None)):
        with standing(at), place.database.transaction(place.agent.scope) as tx:
            if code is None:
                made = hand_on(tx, place.agent, found.id, found.version, wish)
            else:
                with pytest.raises(UserError) as said:
                    hand_on(tx, place.agent, found.id, found.version, wish)
                assert said.value.code == code
    assert place.see(found.id).state == "handed_on"
    after = place.see(made)
    assert (after.institution_id, after.state, after.request_id) == (
        wish.institution_id,
        "applied",
        found.request_id,
    )
    assert place.decide(made).state == "screened"


def test_a_case_goes_by_itself_where_the_firm_agreed(place: Town) -> None:
    found, wishes = _waiting(place), [_wish(place), _wish(place)]
    _agree(place, found.id, *wishes)
    with standing(now() + LATE):
        sweep(place.database)
    told = _all(place)
    assert told[place.bank].state == "handed_on"
    second = told[wishes[0].institution_id]
    assert (second.state, second.grant_id, second.applied_by) == (
        "applied",
        wishes[0].grant_id,
        place.agent.person,
    )
    with place.database.transaction(Scope("bank", institution=wishes[0].institution_id)) as tx:
        (only,) = events(tx, second.id)
        assert only.transition == "arrive"
        assert str(place.bank) not in str(only)  # who was slow is nobody's business
    with place.database.transaction(place.agent.scope) as tx:
        assert agreed(tx, second.id) == wishes[1:]


def test_a_place_whose_grant_has_ended_is_passed_over_and_without_one_it_is_escalated(place: Town) -> None:
    found, wishes = _waiting(place), [_wish(place), _wish(place)]
    _agree(place, found.id, *wishes)
    with place.database.transaction(place.agent.scope) as tx:
        revoke(tx, place.agent, wishes[0].grant_id)
    with standing(now() + LATE):
        sweep(place.database)
    told = _all(place)
    assert wishes[0].institution_id not in told
    assert told[wishes[1].institution_id].state == "applied"

    other = _waiting(place)
    _agree(place, other.id, Next(wishes[1].institution_id, PRODUCT, wishes[1].grant_id))
    with standing(now() + LATE):  # there the same is open already: it stays, and is told to the approvers
        sweep(place.database)
        assert (place.see(other.id).state, place.see(other.id).escalated) == ("screened", 1)


def test_every_place_needs_a_grant_of_its_own(place: Town) -> None:
    found, bank = _waiting(place), bank_with_product(place.database)
    assert found.grant_id is not None
    with pytest.raises(UserError) as said:
        _agree(place, found.id, Next(bank, PRODUCT, found.grant_id))  # that grant is to the first bank
    assert said.value.code == "LND-GRANT-FORBIDDEN"
    with place.database.transaction(place.agent.scope) as tx:
        assert choices(tx, found) == []
    grant = place.grant(bank=bank)
    with place.database.transaction(place.agent.scope) as tx:
        assert [(c.institution_id, c.grant_id) for c in choices(tx, found)] == [(bank, grant)]


def test_what_is_decided_or_agreed_is_not_agreed_again(place: Town) -> None:
    wish = _wish(place)
    offered = place.decide(place.apply())
    with place.database.transaction(place.agent.scope) as tx:
        case.withdraw(tx, place.agent, offered.id, offered.version)
    with pytest.raises(UserError) as said:
        _agree(place, offered.id, wish)
    assert said.value.code == "LND-NEXT-STATE"
    found = _waiting(place)
    _agree(place, found.id, wish)
    _agree(place, found.id, wish)  # the same word twice
    with pytest.raises(UserError) as said:
        _agree(place, found.id)
    assert said.value.code == "LND-NEXT-STATE"


def test_a_bank_hands_nothing_on_and_sees_no_wishes(place: Town) -> None:
    found = _waiting(place)
    _agree(place, found.id, _wish(place))
    with place.database.transaction(place.officer.scope) as tx:
        assert tx.execute("SELECT 1 FROM case_next").fetchone() is None
    with pytest.raises(psycopg.Error) as said, place.database.transaction(place.officer.scope) as tx:
        tx.execute("UPDATE lending_case SET state = 'handed_on', version = version + 1")
    assert said.value.sqlstate == "XQ002"
