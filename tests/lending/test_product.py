"""Products on the shelf of institutions, over a real database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from xinqiao.account.actor import Actor
from xinqiao.db.database import PUBLIC, SYSTEM, Database, Scope, Tx, new_id
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.lending.product import (
    catalog_product,
    catalog_products,
    close_product,
    draft_product,
    institution_products,
    offered_product,
    open_products,
    put_on_shelf,
    release_product,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY, MARCH, APRIL = date(2026, 3, 2), date(2026, 3, 31), date(2026, 4, 1)


def bank(tx: Tx, name: str, filing: str | None = "BA-2026-0001") -> UUID:
    key = new_id()
    tx.execute(
        "INSERT INTO institution (id, kind, name, uscc, filing_number, filing_expires_on, changed_on, "
        "status, applied_at) VALUES (%s, 'bank', %s, %s, %s, '2030-01-01', '2026-01-01', 'active', %s)",
        [key, name, str(key)[:18], filing, NOW],
    )
    return key


def person(tx: Tx, institution: UUID, roles: frozenset[str]) -> Actor:
    key = new_id()
    tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范人员', %s)", [key, NOW])
    return Actor("bank", roles, "示范人员", person=key, institution=institution)


@pytest.fixture
def two(database: Database) -> tuple[UUID, Actor, Actor]:
    with database.transaction(SYSTEM) as tx:
        key = bank(tx, "示范一号银行")
        return (
            key,
            person(tx, key, frozenset({"bank.product"})),
            person(tx, key, frozenset({"bank.approver"})),
        )


def test_the_catalog_holds_products_of_all_four_classes() -> None:
    found = catalog_products()
    assert {product.file.class_ for product in found.values()} == {
        "credit",
        "collateral",
        "supply_chain",
        "guarantee",
    }
    assert len(found) >= 40


def test_an_unknown_product_is_told_with_those_known() -> None:
    with pytest.raises(UserError, match="LND-PRODUCT-ABSENT"):
        catalog_product("nothing_like_it")


def test_a_draft_is_opened_by_a_second_person_and_then_seen_by_all(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    key, maker, checker = two
    with clock.standing(NOW):
        with database.transaction(maker.scope) as tx:
            offer = draft_product(tx, maker, "tax_standard", quota_cny=Decimal(5000000))
        with database.transaction(PUBLIC) as tx:
            assert open_products(tx) == []
            assert institution_products(tx, key) == []
        with database.transaction(checker.scope) as tx:
            release_product(tx, checker, offer)
        with database.transaction(PUBLIC) as tx:
            (found,) = open_products(tx)
    assert (found.id, found.institution, found.product_id) == (offer, "示范一号银行", "tax_standard")
    assert found.quota_cny == Decimal(5000000)
    assert found.product.name.zh == "税信贷"


def test_who_proposed_does_not_release(database: Database, two: tuple[UUID, Actor, Actor]) -> None:
    _, maker, _ = two
    with clock.standing(NOW):
        with database.transaction(maker.scope) as tx:
            offer = draft_product(tx, maker, "tax_standard")
        with pytest.raises(UserError, match="FOUR-EYES"), database.transaction(maker.scope) as tx:
            release_product(tx, maker, offer)
        with pytest.raises(psycopg.errors.Error), database.transaction(maker.scope) as tx:
            tx.execute(
                "UPDATE institution_product SET state = 'open', released_by = proposed_by WHERE id = %s",
                [offer],
            )


def test_another_bank_neither_sees_a_draft_nor_touches_an_offer(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    _, maker, checker = two
    with database.transaction(SYSTEM) as tx:
        other = bank(tx, "示范二号银行")
        stranger = person(tx, other, frozenset({"bank.approver"}))
    with clock.standing(NOW):
        with database.transaction(maker.scope) as tx:
            offer = draft_product(tx, maker, "tax_standard")
        with database.transaction(stranger.scope) as tx, pytest.raises(UserError, match="ABSENT"):
            offered_product(tx, offer)
        with database.transaction(checker.scope) as tx:
            release_product(tx, checker, offer)
        with database.transaction(stranger.scope) as tx, pytest.raises(UserError, match="ABSENT"):
            close_product(tx, stranger, offer)
        with database.transaction(stranger.scope) as tx:
            done = tx.execute("UPDATE institution_product SET quota_cny = 1 WHERE id = %s", [offer])
            assert done.rowcount == 0
        with (
            pytest.raises(psycopg.errors.Error),
            database.transaction(Scope("bank", institution=other)) as tx,
        ):
            put_on_shelf(tx, other, "tax_standard")


def test_a_version_once_open_is_closed_never_rewritten_or_deleted(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    key, _, checker = two
    with clock.standing(NOW):
        with database.transaction(SYSTEM) as tx:
            offer = put_on_shelf(tx, key, "tax_standard")
        for change in ("version = '9'", "source = 'x'", "product_id = 'power_bill'", "state = 'draft'"):
            with (
                pytest.raises(psycopg.errors.Error, match="never rewritten"),
                database.transaction(SYSTEM) as tx,
            ):
                tx.execute(f"UPDATE institution_product SET {change} WHERE id = %s", [offer])  # noqa: S608 - written above
        with database.transaction(SYSTEM) as tx:
            assert tx.execute("DELETE FROM institution_product WHERE id = %s", [offer]).rowcount == 0
        with database.transaction(checker.scope) as tx:
            close_product(tx, checker, offer)
        with database.transaction(checker.scope) as tx, pytest.raises(UserError, match="LND-PRODUCT-STATE"):
            close_product(tx, checker, offer)
        with database.transaction(PUBLIC) as tx:
            assert open_products(tx) == []
            assert offered_product(tx, offer).state == "closed"


def test_a_new_version_takes_the_place_of_the_one_open(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    key, maker, checker = two
    text = catalog_product("tax_standard").text.replace('version: "1.0"', 'version: "1.1"')
    with clock.standing(NOW):
        with database.transaction(SYSTEM) as tx:
            first = put_on_shelf(tx, key, "tax_standard")
        with database.transaction(maker.scope) as tx:
            second = draft_product(tx, maker, "tax_standard", source=text)
        with database.transaction(checker.scope) as tx:
            release_product(tx, checker, second)
        with database.transaction(PUBLIC) as tx:
            assert [offer.id for offer in open_products(tx)] == [second]
            assert offered_product(tx, first).product.version == "1.0"
            assert offered_product(tx, second).product.version == "1.1"
        with database.transaction(maker.scope) as tx, pytest.raises(UserError, match="LND-PRODUCT-STATE"):
            draft_product(tx, maker, "tax_standard", source=text)


def test_a_version_of_a_later_day_leaves_the_one_before_on_offer_until_then(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    key, maker, checker = two
    text = catalog_product("tax_standard").text
    later = text.replace('version: "1.0"', 'version: "1.1"').replace("2025-06-01", "2026-04-01")
    third = text.replace('version: "1.0"', 'version: "1.2"')
    with clock.standing(NOW):
        with database.transaction(SYSTEM) as tx:
            first = put_on_shelf(tx, key, "tax_standard")
        for source in (later, third):
            with database.transaction(maker.scope) as tx:
                offer = draft_product(tx, maker, "tax_standard", source=source)
            with database.transaction(checker.scope) as tx:
                release_product(tx, checker, offer)
            with database.transaction(PUBLIC) as tx:
                told = [[o.product.version for o in open_products(tx, day)] for day in (TODAY, MARCH, APRIL)]
                assert told == ([["1.0"], ["1.0"], ["1.1"]] if source == later else [["1.2"]] * 3)
        with database.transaction(PUBLIC) as tx:
            assert offered_product(tx, first).state == "closed"


def test_B02_an_institution_without_a_filing_in_force_offers_nothing(database: Database) -> None:  # noqa: N802 - named by the requirement's id
    with database.transaction(SYSTEM) as tx:
        key = bank(tx, "示范三号银行", filing=None)
        maker, checker = person(tx, key, frozenset()), person(tx, key, frozenset())
    with clock.standing(NOW):
        with database.transaction(maker.scope) as tx:
            offer = draft_product(tx, maker, "tax_standard")
        with database.transaction(checker.scope) as tx, pytest.raises(UserError, match="LND-FILING-STATE"):
            release_product(tx, checker, offer)


def test_offers_of_a_suspended_institution_leave_the_shelf(
    database: Database, two: tuple[UUID, Actor, Actor]
) -> None:
    key, _, _ = two
    with clock.standing(NOW), database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, key, "tax_standard")
        assert len(open_products(tx)) == 1
        tx.execute("UPDATE institution SET status = 'suspended' WHERE id = %s", [key])
        assert open_products(tx) == []
