"""What the demo shows besides applications: no portal is empty, and running it again adds nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from starlette.testclient import TestClient

from tests.consent.people import institution
from tests.lending.applying import MODEL, scored_file
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.account.institution import Kind
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.need import needs
from xinqiao.lending.product import put_on_shelf
from xinqiao.lending.push import news
from xinqiao.portal import demo_rest
from xinqiao.portrait.credit_file import publish


def staff(database: Database, at: UUID, side: Kind, role: str, phone: str) -> Actor:
    ring = Keyring({"k1": bytes(range(32))}, "k1")
    with database.transaction(SYSTEM) as tx:
        person = seed.person(tx, ring, name="示范人员", phone=phone, institution_id=at, roles=(role,))
    return Actor(side, frozenset({role}), "示范人员", person=person, institution=at)


def firm(database: Database, place: int) -> Actor:
    key = make_uscc("91", "330102", f"MA9R{place:04d}")
    with database.transaction(SYSTEM) as tx:
        publish(tx, [scored_file(key)], [(MODEL.model_id, MODEL.to_json())])
    return Actor("enterprise", frozenset({"enterprise.agent"}), "示范", person=new_id(), company=key)


def test_every_portal_has_something_and_again_adds_nothing(
    database: Database, tmp_path: Path, client_as: Callable[[Actor | None], TestClient]
) -> None:
    steward = staff(database, institution(database, "holder"), "holder", "holder.steward", "19900009001")
    bank = institution(database, "bank")
    officer = staff(database, bank, "bank", "bank.officer", "19900009002")
    operator = staff(database, institution(database, "operator"), "operator", "operator.admin", "19900009003")
    with database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, bank, "invoice_flow")
    firms = [firm(database, i) for i in range(6)]
    for _ in range(2):
        demo_rest.supplies(database, tmp_path, [(steward, ("ELE", "TAX"), Decimal("0.20"))])
        demo_rest.needs_posted(database, firms, [officer, officer], random.Random(1))  # noqa: S311 - a demo's
        demo_rest.policy_news(database, operator)
    with database.transaction(SYSTEM) as tx:
        assert len(needs(tx)) == len(firms)
        assert any(each.answers for each in needs(tx))
        assert len(news(tx)) == len(demo_rest.NEWS)
    client = client_as(steward)
    assert "有效" in client.get("/holder").text
    deliveries = client.get("/holder/deliveries").text
    for name in ("power_month.csv", "tax_rating.csv"):
        assert deliveries.count(name) == 1
    assert deliveries.count("部分隔离") == len(demo_rest.DELIVERED)
