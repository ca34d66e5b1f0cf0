"""Needs: seen by institutions without a name, answered with a product, applied for under one need."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.lending.applying import COMPANY, PRODUCT, Town, agent_of, bank_with_product, town
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.errors import UserError
from xinqiao.lending import need as needs_
from xinqiao.lending.product import open_products
from xinqiao.portrait.credit_file import latest


@pytest.fixture
def firm(database: Database) -> Town:
    return town(database)


def _post(firm: Town, by: Actor | None = None, *, named: bool = False) -> UUID:
    actor = by or firm.agent
    with firm.database.transaction(actor.scope) as tx:
        return needs_.post(
            tx,
            actor,
            amount_cny=Decimal(200_000),
            term_months=12,
            use="购买原料",
            named=named,
            file=latest(tx, COMPANY),
        )


def _shelf(firm: Town) -> UUID:
    with firm.database.transaction(SYSTEM) as tx:
        return next(o.id for o in open_products(tx) if o.institution_id == firm.bank)


def _answer(firm: Town, need_id: UUID, by: Actor | None = None) -> UUID:
    actor = by or firm.officer
    with firm.database.transaction(actor.scope) as tx:
        return needs_.answer(tx, actor, need_id, _shelf(firm), "可以做，利率低")


def test_a_bank_sees_the_need_but_not_whose_it_is(firm: Town) -> None:
    _post(firm)
    with firm.database.transaction(firm.officer.scope) as tx:
        (seen,) = needs_.needs(tx, only_open=True)
        assert (seen.company_id, seen.request_id, seen.grade) == (None, None, None)
        assert (seen.amount_cny, seen.industry_section, seen.city) == (Decimal(200_000), "C", "330100")
        assert tx.execute("SELECT * FROM need_owner").fetchall() == []


def test_a_named_need_shows_name_and_grade(firm: Town) -> None:
    _post(firm, named=True)
    with firm.database.transaction(firm.officer.scope) as tx:
        (seen,) = needs_.needs(tx)
        score = latest(tx, COMPANY).score
    assert score is not None
    assert (seen.company_id, seen.grade) == (COMPANY, score["grade"])


def test_another_firm_sees_nothing(firm: Town) -> None:
    need_id = _post(firm)
    _answer(firm, need_id)
    with firm.database.transaction(agent_of("other").scope) as tx:
        assert needs_.needs(tx) == []
        assert needs_.answers(tx, need_id) == []
        with pytest.raises(UserError, match="LND-NEED-ABSENT"):
            needs_.close(tx, need_id)


def test_an_answer_leads_to_an_application_under_the_same_need(firm: Town) -> None:
    need_id = _post(firm)
    _answer(firm, need_id)
    with firm.database.transaction(firm.agent.scope) as tx:
        (mine,) = needs_.needs(tx)
        (told,) = needs_.answers(tx, need_id)
        notice = tx.execute("SELECT link FROM notice WHERE to_company = %s", [COMPANY]).fetchone()
    assert told.institution_id == firm.bank
    assert notice == {"link": "/enterprise/needs"}
    case_id = firm.apply(request_id=mine.request_id)
    assert firm.see(case_id).request_id == mine.request_id
    assert firm.see(case_id).product_id == PRODUCT


def test_an_institution_sees_no_answer_of_another(firm: Town) -> None:
    need_id = _post(firm)
    _answer(firm, need_id)
    other = bank_with_product(firm.database)
    stranger = Actor(
        "bank", frozenset({"bank.officer"}), "他行", person=firm.second.person, institution=other
    )
    with firm.database.transaction(stranger.scope) as tx:
        assert needs_.answers(tx, need_id) == []
    with pytest.raises(UserError, match="LND-PRODUCT-ABSENT"):
        _answer(firm, need_id, stranger)  # with the first bank's product


def test_the_same_answer_twice_and_a_closed_need_are_refused(firm: Town) -> None:
    need_id = _post(firm)
    _answer(firm, need_id)
    with pytest.raises(UserError, match="LND-ANSWER-STATE"):
        _answer(firm, need_id)
    with firm.database.transaction(firm.agent.scope) as tx:
        needs_.close(tx, need_id)
    with pytest.raises(UserError, match="LND-NEED-ABSENT"):
        _answer(firm, need_id)


def test_a_firm_has_only_so_many_needs_open(firm: Town) -> None:
    for _ in range(needs_.MOST_OPEN):
        _post(firm)
    with pytest.raises(UserError, match="LND-NEEDS-STATE"):
        _post(firm)


def test_a_bank_can_neither_post_nor_change_a_need(firm: Town) -> None:
    need_id = _post(firm)
    with firm.database.transaction(firm.officer.scope) as tx:
        assert tx.execute("UPDATE need SET amount_cny = 1 WHERE id = %s", [need_id]).rowcount == 0
    with (
        pytest.raises(psycopg.errors.InsufficientPrivilege),
        firm.database.transaction(firm.officer.scope) as tx,
    ):
        tx.execute(
            "INSERT INTO need (id, amount_cny, term_months, use, made_at, until) "
            "VALUES (gen_random_uuid(), 1, 1, 'x', now(), now())"
        )
