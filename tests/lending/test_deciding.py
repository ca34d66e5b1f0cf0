from __future__ import annotations

import json
from decimal import Decimal

import psycopg
import pytest

from tests.lending.applying import PRODUCT, TEXT, Town, agent_of, town
from tests.lending.bank import STRANGER
from xinqiao.consent.grants import revoke
from xinqiao.consent.objections import raise_objection
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access
from xinqiao.kernel.clock import today
from xinqiao.lending import bank_policy, bank_release, decision, own_card, own_data
from xinqiao.lending.case import ask_human
from xinqiao.lending.case_event import events
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case
from xinqiao.lending.offer import offers
from xinqiao.lending.product import catalog_products, put_on_shelf


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _last(place: Town, found: Case) -> dict[str, object]:
    with place.database.transaction(SYSTEM) as tx:
        return events(tx, found.id)[-1].body


def test_a_good_firm_is_offered_at_once_with_the_cost_of_everything(place: Town) -> None:
    found = place.decide(place.apply())
    assert (found.state, found.automatic) == ("offered", True)
    with place.database.transaction(place.agent.scope) as tx:
        (offer,) = offers(tx, case_id=found.id)
    assert (offer.amount_cny, offer.term_months, offer.automatic) == (200_000, 12, True)
    assert offer.apr > offer.rate == Decimal("0.036000")
    assert offer.fees == [{"zh": "服务费", "en": "service fee", "cny": "2000.00"}]
    with place.database.transaction(place.officer.scope) as tx:
        (kept,) = decision.of_case(tx, found.id)
        assert kept.content["consent"] == str(found.grant_id)
        line = tx.execute("SELECT kind FROM evidence_entry WHERE id = %s", [kept.evidence_id]).fetchone()
    assert line == {"kind": "decision"}


def test_the_decision_runs_twice_without_harm(place: Town) -> None:
    found = place.decide(place.apply())
    assert place.decide(found.id) == found
    with place.database.transaction(SYSTEM) as tx:
        assert len(offers(tx, case_id=found.id)) == 1
        assert [e.transition for e in events(tx, found.id)] == ["apply", "offer_at_once"]


def test_a_young_firm_is_refused_with_its_reasons_and_can_ask_for_a_person(place: Town) -> None:
    place.file(indicators={"REG01": 0.5})
    found = place.decide(place.apply())
    assert (found.state, found.automatic) == ("refused", True)
    assert [r["code"] for r in _last(place, found)["reasons"]] == ["TOO_YOUNG"]  # type: ignore[attr-defined]
    with place.database.transaction(place.agent.scope) as tx:
        ask_human(tx, place.agent, found.id, found.version, "请看订单")
    assert place.see(found.id).state == "screened"
    assert place.see(found.id).human_review


def test_what_is_missing_is_referred_never_approved(place: Town) -> None:
    place.file(indicators={"REG01": None})
    assert place.decide(place.apply()).state == "screened"


def test_a_sum_above_the_first_rung_goes_to_a_person(place: Town) -> None:
    assert place.decide(place.apply(amount=400_000)).state == "screened"


def test_a_product_that_is_not_online_goes_to_a_person(database: Database) -> None:
    place = town(database, TEXT.replace("mode: online", "mode: hybrid"))
    assert place.decide(place.apply()).state == "screened"


def test_a_grant_revoked_before_the_decision_stops_it(place: Town) -> None:
    case_id = place.apply()
    with place.database.transaction(place.agent.scope) as tx:
        granted = tx.execute("SELECT id FROM consent_grant").fetchone()
        assert granted is not None
        revoke(tx, place.agent, granted["id"])
    found = place.decide(case_id)
    assert found.state == "returned"
    with place.database.transaction(SYSTEM) as tx:
        assert decision.of_case(tx, case_id) == []


def test_disputed_data_is_not_refused_on_by_a_machine(place: Town) -> None:
    place.file(indicators={"REG01": 0.5})
    case_id = place.apply()
    with place.database.transaction(place.agent.scope) as tx:
        raise_objection(tx, place.agent, item="REG01", statement="成立日期有误")
    assert place.decide(case_id).state == "screened"


def test_a_company_without_a_file_is_referred(place: Town) -> None:
    other = agent_of("91330100900000033C")
    found = place.decide(place.apply(other))
    assert found.state == "screened"
    assert _last(place, found)["code"] == "PTR-ABSENT"


def test_a_decision_is_made_again_byte_for_byte(place: Town) -> None:
    found = place.decide(place.apply())
    assert found.decision_id is not None
    with place.database.transaction(place.officer.scope) as tx:
        again = decision.replay(tx, found.decision_id)
        stored = decision.decision(tx, found.decision_id)
    assert again.identical, again.faults
    assert again.data == stored.record
    assert json.loads(again.data)["application"]["case_id"] == str(found.id)


def test_a_decision_that_was_changed_does_not_replay(place: Town, access: Access) -> None:
    found = place.decide(place.apply())
    with psycopg.connect(access.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE decision DISABLE TRIGGER append_only")
        owner.execute(
            "UPDATE decision SET record = convert_to(replace(convert_from(record, 'UTF8'), "
            '\'"rate":"0.036"\', \'"rate":"0.030"\'), \'UTF8\')'
        )
    with place.database.transaction(SYSTEM) as tx:
        again = decision.replay(tx, str(found.decision_id))
    assert not again.identical


def test_decisions_and_policies_are_the_institutions_own(place: Town) -> None:
    found = place.decide(place.apply())
    for scope, count in ((place.officer.scope, 1), (STRANGER.scope, 0), (place.agent.scope, 0)):
        with place.database.transaction(scope) as tx:
            assert len(decision.of_case(tx, found.id)) == count
            kept = tx.execute("SELECT count(*) AS n FROM decision_artifact").fetchone()
            assert kept is not None
            assert bool(kept["n"]) is bool(count)


def test_a_banks_own_facts_and_card_join_its_decisions_and_replay(place: Town) -> None:
    by, second = place.officer, place.approver
    table = b"variable,low,high,words,points\nown_years,,3,,-300\nown_years,3,,,20\nown_years,,,missing,0\n"
    with place.database.transaction(by.scope) as tx:
        own_data.upload(tx, by, f"uscc,own_years\n{place.agent.company},1\n".encode(), "own.csv")
        card = own_card.propose(tx, by, table, "card.csv")
    with place.database.transaction(second.scope) as tx:
        own_card.agree(tx, second, card)
    found = place.decide(place.apply())
    with place.database.transaction(by.scope) as tx:
        (kept,) = decision.of_case(tx, found.id)
        assert kept.content["application"]["own_own_years"] == 1
        assert decision.replay(tx, kept.id).identical
    assert kept.content["score"]["grade"] != "R1"
    assert found.state in ("refused", "screened")


def test_a_banks_own_release_decides_and_a_challenger_replays(database: Database) -> None:
    place = town(database, TEXT.replace("min: 50000", "min: 100000").replace("min: 0.035\n", "min: 0.04\n"))
    by, second = place.officer, place.approver
    with place.database.transaction(by.scope) as tx:
        product = product_of(tx, place.bank, PRODUCT, "1.0")
        text = product.policy_on(today(), 12).text
        assert "成立年限 < 2" in text
        strict = text.replace("成立年限 < 2", "成立年限 < 9").replace("不足 2 年", "不足 9 年")
        versions = [bank_policy.bring(tx, by, each) for each in (text, strict)]
        told = bank_release.Proposal(versions[0], versions[1], "live", Decimal(1), "试行")
        release = bank_release.propose(tx, by, told)
    with place.database.transaction(second.scope) as tx:
        bank_release.decide(tx, second, release, released=True)
    found = place.decide(place.apply())
    assert found.state == "refused"
    with place.database.transaction(by.scope) as tx:
        (kept,) = decision.of_case(tx, found.id)
        assert kept.content["release"]["arm"] == bank_release.CHALLENGER
        assert kept.content["release"]["silent"][0]["decision"]["outcome"] == "approve"
        again = decision.replay(tx, kept.id)
    assert again.identical, again.faults


@pytest.mark.slow
def test_every_product_of_the_catalog_can_be_decided_on_and_replayed(place: Town) -> None:
    products = catalog_products()
    made = {}
    for product in products.values():
        with place.database.transaction(SYSTEM) as tx:
            put_on_shelf(tx, place.bank, product.id)
        amount = max(product.file.limit.min, min(Decimal(200_000), product.file.limit.max))
        told = {"product_id": product.id, "term_months": product.file.tenor.usual}
        made[product.id] = place.apply(amount=int(amount), **told)
    for name, case_id in made.items():
        found = place.decide(case_id)
        assert found.state in ("offered", "screened", "refused"), name
        assert found.decision_id is not None, (name, _last(place, found))
        with place.database.transaction(SYSTEM) as tx:
            assert decision.replay(tx, found.decision_id).identical, name
