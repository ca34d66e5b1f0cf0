"""What firms are told unasked: what concerns them, once, and never what they switched off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.lending.test_matching import CLEAN
from tests.lending.test_product import bank
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Tx, new_id
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending.product import put_on_shelf
from xinqiao.lending.push import Choice, choice, choose, news, publish_news, push_daily
from xinqiao.portrait.credit_file import publish

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FIRM = "91330100900000011A"
TITLE = Text(zh="制造业贴息政策", en="Interest support for manufacturers")
BODY = Text(zh="符合条件的企业可申请。", en="Firms that qualify may apply.")


def someone(tx: Tx) -> Actor:
    key = new_id()
    tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, '示范人员', %s)", [key, NOW])
    return Actor("operator", frozenset({"operator.admin"}), "示范人员", person=key)


@pytest.fixture
def operator(database: Database) -> Actor:
    with clock.standing(NOW), database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(FIRM, indicators=CLEAN)])
        actor = someone(tx)
        tx.execute(
            "INSERT INTO membership (id, person_id, company_id, role, basis, given_at) "
            "VALUES (%s, %s, %s, 'enterprise.agent', 'legal_representative', %s)",
            [new_id(), actor.person, FIRM, NOW],
        )
    return actor


def told(database: Database) -> list[dict[str, Any]]:
    with database.transaction(SYSTEM) as tx:
        return tx.execute("SELECT zh, link FROM notice WHERE to_company = %s ORDER BY id", [FIRM]).fetchall()


def day(database: Database, days: int) -> None:
    with clock.standing(NOW + timedelta(days=days)):
        push_daily(database)


def test_news_reaches_its_audience_once(database: Database, operator: Actor) -> None:
    with clock.standing(NOW), database.transaction(operator.scope) as tx:
        publish_news(tx, operator, title=TITLE, body=BODY, sections=["C"])
        publish_news(tx, operator, title=Text(zh="种植补贴", en="Farming"), body=BODY, sections=["A"])
        publish_news(tx, operator, title=Text(zh="外省", en="Elsewhere"), body=BODY, divisions=["44"])
        assert len(news(tx)) == 3
    day(database, 1)
    day(database, 2)
    assert [row["zh"] for row in told(database)] == [TITLE.zh]


def test_new_products_are_told_once_and_not_more_than_weekly(database: Database, operator: Actor) -> None:  # noqa: ARG001 - registers the firm
    with clock.standing(NOW), database.transaction(SYSTEM) as tx:
        key = bank(tx, "示范一号银行")
        put_on_shelf(tx, key, "invoice_flow")
    day(database, 1)
    (first,) = told(database)
    assert "票易贷" in first["zh"]
    assert first["link"] == "/enterprise/products"
    with clock.standing(NOW + timedelta(days=1)), database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, key, "invoice_micro")
        put_on_shelf(tx, key, "farm_order")  # for growers, which this firm is not
    day(database, 2)
    assert len(told(database)) == 1
    day(database, 9)
    day(database, 17)
    assert [("小票贷" in row["zh"]) for row in told(database)] == [False, True]


def test_what_is_switched_off_is_not_sent(database: Database, operator: Actor) -> None:
    firm = Actor(
        "enterprise", frozenset({"enterprise.agent"}), "示范人员", person=operator.person, company=FIRM
    )
    with clock.standing(NOW):
        with database.transaction(SYSTEM) as tx:
            put_on_shelf(tx, bank(tx, "示范一号银行"), "invoice_flow")
            assert choice(tx, FIRM) == Choice()
        with database.transaction(operator.scope) as tx:
            publish_news(tx, operator, title=TITLE, body=BODY)
        with database.transaction(firm.scope) as tx:
            choose(tx, firm, Choice(news=False, products=False))
    day(database, 1)
    assert told(database) == []
    with clock.standing(NOW), database.transaction(firm.scope) as tx:
        choose(tx, firm, Choice(news=True, products=False))
    day(database, 2)
    assert [row["zh"] for row in told(database)] == [TITLE.zh]


def test_only_the_operator_publishes_and_in_both_languages(database: Database, operator: Actor) -> None:
    with database.transaction(operator.scope) as tx, pytest.raises(UserError, match="LND-NEWS"):
        publish_news(tx, operator, title=Text(zh="有", en=" "), body=BODY)
    firm = Actor("enterprise", frozenset({"enterprise.agent"}), "", person=operator.person, company=FIRM)
    with pytest.raises(psycopg.errors.Error), database.transaction(firm.scope) as tx:
        publish_news(tx, firm, title=TITLE, body=BODY)
