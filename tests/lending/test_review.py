from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.lending.applying import Town, town
from xinqiao.account.actor import Actor
from xinqiao.account.notice import inbox
from xinqiao.db.database import Database, Tx
from xinqiao.kernel.errors import UserError
from xinqiao.lending import case, review
from xinqiao.lending.case_event import events
from xinqiao.lending.offer import Terms, offers
from xinqiao.lending.proposal import proposals


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def terms(amount: int = 300_000, rate: str = "0.0435", months: int = 12) -> Terms:
    return Terms(Decimal(amount), Decimal(rate), months, "equal_instalment")


def act(place: Town, actor: Actor, work: Callable[[Tx], object]) -> None:
    with place.database.transaction(actor.scope) as tx:
        work(tx)


def taken(place: Town, amount: int = 800_000, by: Actor | None = None) -> UUID:
    found = place.decide(place.apply(amount=amount))
    assert found.state == "screened"
    who = by or place.officer
    act(place, who, lambda tx: review.take(tx, who, found.id, found.version))
    return found.id


def proposed(place: Town, told: Terms, by: Actor | None = None) -> UUID:
    who = by or place.officer
    case_id = taken(place, by=who)
    version = place.see(case_id).version
    act(place, who, lambda tx: review.propose_offer(tx, who, case_id, version, terms=told))
    return case_id


def approve(place: Town, who: Actor, case_id: UUID) -> None:
    act(place, who, lambda tx: review.approve(tx, who, case_id, place.see(case_id).version))


def code_of(place: Town, who: Actor, case_id: UUID) -> str:
    with pytest.raises(UserError) as told:
        approve(place, who, case_id)
    return told.value.code


def test_an_offer_needs_two_people_and_says_who(place: Town) -> None:
    case_id = proposed(place, terms())
    approve(place, place.approver, case_id)
    found = place.see(case_id)
    assert (found.state, found.automatic) == ("offered", False)
    with place.database.transaction(place.officer.scope) as tx:
        (judged,) = proposals(tx, case_id)
        assert (judged.proposed_name, judged.decided_name) == ("客户经理甲", "审批人乙")
        (offer,) = offers(tx, case_id=case_id)
        assert offer.rate == Decimal("0.043500")
    with place.database.transaction(place.agent.scope) as tx:
        assert proposals(tx, case_id) == []
        texts = [n.text.zh for n in inbox(tx, place.agent)]
    assert any("出要约" in text for text in texts)


def test_nobody_approves_what_they_proposed(place: Town) -> None:
    case_id = proposed(place, terms(), by=place.approver)
    assert code_of(place, place.approver, case_id) == "LND-FOUR-EYES-FORBIDDEN"
    assert place.see(case_id).state == "proposed"


def test_the_database_refuses_one_person_whatever_the_code_does(place: Town) -> None:
    proposed(place, terms(), by=place.approver)
    offered = (
        "SELECT gen_random_uuid(), id, request_id, company_id, institution_id, product_id, product_version, "
        "amount_cny, 0.01, 12, 'flat', '[]', 0.01, 'x', true, now(), now() + interval '1 day', 'open' "
        "FROM lending_case"
    )
    alone = "SET decided_by = proposed_by, decided_at = now(), verdict = 'approved', version = 5"
    statements = [
        f"UPDATE case_proposal {alone}",
        "UPDATE lending_case SET state = 'offered', version = version + 1",
        f"INSERT INTO offer {offered}",
    ]
    for statement in statements:
        with pytest.raises(psycopg.Error), place.database.transaction(place.approver.scope) as tx:
            tx.execute(statement)


def test_sums_and_rates_stay_within_authority(place: Town) -> None:
    case_id = proposed(place, terms(700_000, "0.04"))  # the committee's: proposed by an officer
    assert code_of(place, place.approver, case_id) == "LND-AUTHORITY-FORBIDDEN"
    act(place, place.approver, lambda tx: review.send_back(tx, place.approver, case_id, 4, "委员会权限"))
    version = place.see(case_id).version
    act(
        place,
        place.second,
        lambda tx: review.propose_offer(tx, place.second, case_id, version, terms=terms(700_000, "0.04")),
    )
    approve(place, place.approver, case_id)  # two approvers stand for the committee
    assert place.see(case_id).state == "offered"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (terms(900_000), "LND-TERMS"),  # more than was applied for
        (terms(10_000), "LND-TERMS"),  # less than the product lends
        (terms(300_000, "0.0435", 24), "LND-TERMS"),
        (terms(300_000, "0.01"), "LND-AUTHORITY-FORBIDDEN"),
        (terms(300_000, "0.35"), "LND-COST-STATE"),
        (Terms(Decimal(300_000), Decimal("0.05"), 12, "bullet"), "LND-TERMS"),
        (Terms(Decimal(300_000), Decimal("-0.01"), 12, "equal_instalment"), "LND-TERMS"),
    ],
)
def test_terms_beyond_case_product_or_law_are_not_proposed(place: Town, told: Terms, code: str) -> None:
    case_id = taken(place)
    with pytest.raises(UserError) as said:
        act(
            place,
            place.officer,
            lambda tx: review.propose_offer(tx, place.officer, case_id, 3, terms=told),
        )
    assert said.value.code == code
    assert place.see(case_id).state == "in_review"


def test_a_refusal_has_reasons_that_the_company_reads(place: Town) -> None:
    case_id = taken(place)
    for codes in ([], ["NO_SUCH"]):
        with pytest.raises(UserError) as said:
            act(
                place,
                place.officer,
                lambda tx, c=codes: review.propose_refusal(tx, place.officer, case_id, 3, codes=c),  # type: ignore[misc] # the loop's own
            )
        assert said.value.code == "LND-REASON"
    act(
        place,
        place.officer,
        lambda tx: review.propose_refusal(tx, place.officer, case_id, 3, codes=["USE"], note="内部说明"),
    )
    approve(place, place.approver, case_id)
    with place.database.transaction(place.agent.scope) as tx:
        body = events(tx, case_id)[-1].body
    assert [r["code"] for r in body["reasons"]] == ["USE"]
    assert "内部说明" not in str(body)
    with pytest.raises(UserError) as said:  # a person has decided
        act(place, place.agent, lambda tx: case.ask_human(tx, place.agent, case_id, 5))
    assert said.value.code == "LND-HUMAN-STATE"


def test_a_case_is_returned_with_what_is_wanted_and_remarks_stay_inside(place: Town) -> None:
    case_id = taken(place)
    act(place, place.officer, lambda tx: review.remark(tx, place.officer, case_id, "电话未接"))
    for wanted in ([], [" "], ["x"] * 21):
        with pytest.raises(UserError) as said:
            act(
                place,
                place.officer,
                lambda tx, w=wanted: review.give_back(tx, place.officer, case_id, 3, wanted=w),  # type: ignore[misc] # the loop's own
            )
        assert said.value.code == "LND-WANTED"
    act(place, place.officer, lambda tx: review.give_back(tx, place.officer, case_id, 3, wanted=["合同"]))
    assert place.see(case_id).state == "returned"
    with place.database.transaction(place.agent.scope) as tx:
        assert review.remarks(tx, case_id) == []
    with place.database.transaction(place.officer.scope) as tx:
        assert [r.text for r in review.remarks(tx, case_id)] == ["电话未接"]
    act(place, place.agent, lambda tx: case.resubmit(tx, place.agent, case_id, 4))
    found = place.decide(case_id)
    assert (found.state, found.handler) == (
        "screened",
        "客户经理甲",
    )  # an officer has seen it: no machine offers


def test_the_second_of_two_officers_comes_too_late(place: Town) -> None:
    found = place.decide(place.apply(amount=800_000))
    act(place, place.officer, lambda tx: review.take(tx, place.officer, found.id, found.version))
    with pytest.raises(UserError) as said:
        act(place, place.approver, lambda tx: review.take(tx, place.approver, found.id, found.version))
    assert said.value.code == "LND-VERSION-STATE"
    act(place, place.approver, lambda tx: review.hand_over(tx, place.approver, found.id, 3))
    assert place.see(found.id).handler == "审批人乙"


def test_without_a_proposal_there_is_nothing_to_approve(place: Town) -> None:
    assert code_of(place, place.approver, taken(place)) == "LND-PROPOSAL-ABSENT"
