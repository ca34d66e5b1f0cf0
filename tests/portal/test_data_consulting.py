"""A bank's way to outside data, from a need to use, as its people walk it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from tests.consent.people import institution
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Scope, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.protect import Keyring
from xinqiao.privacy.agreement import job_rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]
BY = {
    "own_source": "customers",
    "own_key": "code",
    "peer_source": "power",
    "peer_key": "code",
    "key_kind": "uscc",
}
VALUE = {**BY, "label": "bad", "own_columns": "age,years", "peer_columns": "kwh，peak", "dealer": "platform"}


@pytest.fixture
def bank(database: Database) -> UUID:
    """A bank whose node knows a power company and the platform."""
    made = institution(database)
    peers = {
        name: {"name": name, "certificate": mark * 64, "signing_key": mark * 64}
        for name, mark in (("power", "1"), ("platform", "2"))
    }
    told = Jsonb({"peers": peers, "sources": {"customers": ["age", "bad", "code", "years"]}})
    with database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO privacy_node VALUES (%s, 'bank', %s, %s, %s, %s)",
            [made, "0" * 64, "0" * 64, told, now()],
        )
    return made


def people(database: Database, made: UUID, role: str) -> Actor:
    ring, roles = Keyring({"k1": os.urandom(32)}, "k1"), (f"bank.{role}",)
    phone = f"139{secrets.randbelow(10**8):08d}"
    with database.transaction(SYSTEM) as tx:
        person = seed.person(tx, ring, name=f"某{role}", phone=phone, institution_id=made, roles=roles)
    return Actor("bank", frozenset(roles), f"某{role}", person=person, institution=made)


def post(client: TestClient, path: str, **form: str) -> Any:  # noqa: ANN401 - a Response
    return client.post(path, data=form | {"csrf": CSRF, "once": str(new_id())})


def begun(client: TestClient) -> str:
    """The path of a new project."""
    page = client.get("/bank/data", params={"q": "用电量下降"}).text
    assert "power_month" in page
    answer = post(
        client, "/bank/data", need="用电量下降", purpose="post_loan", peer="power", wanted="power_month"
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def done(database: Database, made: UUID) -> None:
    """The latest job is done, with a result."""
    with database.transaction(Scope("bank", made)) as tx:
        latest = job_rows.jobs(tx)[0]
        assert latest.state == "approved"
        job_rows.move(tx, latest.id, "done", ["approved"], "node")
        tx.execute(
            "INSERT INTO privacy_result VALUES (%s,%s,%s,%s,%s,NULL,%s,%s)",
            [made, latest.id, b"s", "c" * 64, '{"found": 1234}', new_id(), now()],
        )


def test_from_a_need_to_use(client_as: Clients, database: Database, bank: UUID) -> None:
    product, approver = (
        client_as(people(database, bank, "product")),
        client_as(people(database, bank, "approver")),
    )
    path = begun(product)
    assert "PRV-PROJECT-STATE" in post(product, f"{path}/value", **VALUE).text
    assert post(product, f"{path}/coverage", **BY).status_code == 303
    done(database, bank)
    assert "1234" in product.get(path).text
    assert post(product, f"{path}/value", **VALUE).status_code == 303
    with database.transaction(Scope("bank", bank)) as tx:
        asked = job_rows.jobs(tx)[0].manifest
    assert [(p.name, p.role) for p in asked.parties] == [
        ("bank", "bank"),
        ("power", "holder"),
        ("platform", "dealer"),
    ]
    assert asked.party("power").input.columns == ("kwh", "peak")  # type: ignore[union-attr]
    assert asked.party("bank").input.columns == ("bad", "age", "years")  # type: ignore[union-attr]
    signed = {
        "fee_cny": "120000.00",
        "begins_on": str(today()),
        "ends_on": str(today() + timedelta(days=20)),
        "digest": "a" * 64,
    }
    assert "PRV-PROJECT-VALUE-STATE" in post(product, f"{path}/contract", **signed).text
    done(database, bank)
    assert post(product, f"{path}/contract", **signed | {"digest": "no"}).status_code == 400
    assert post(product, f"{path}/contract", **signed).status_code == 303
    assert f'action="{path}/contract/' not in product.get(path).text
    found = re.search(rf'action="({path}/contract/[0-9a-f-]+)"', approver.get(path).text)
    assert found is not None
    assert post(product, found[1], outcome="approved").status_code == 403
    assert post(approver, found[1], outcome="approved").status_code == 303
    assert post(product, f"{path}/deploy").status_code == 303
    page = product.get(path).text
    assert "合同将到期" in page
    assert post(product, f"{path}/close", reason="不再需要").status_code == 303
    assert "不再需要" in product.get(path).text
    assert post(product, f"{path}/deploy").status_code == 409


def test_faults_are_told_and_other_banks_see_nothing(
    client_as: Clients, database: Database, bank: UUID
) -> None:
    product = client_as(people(database, bank, "product"))
    path = begun(product)
    wrong = post(product, f"{path}/coverage", **BY | {"own_source": "No Such"})
    assert wrong.status_code == 400
    assert "PRV-MANIFEST" in wrong.text
    nobody = post(
        product, "/bank/data", need="用电", purpose="post_loan", peer="stranger", wanted="power_month"
    )
    assert "PRV-NODE-ABSENT" in nobody.text
    assert "PRV-NEED" in post(product, "/bank/data", need="用电", purpose="self", peer="power").text
    assert client_as(people(database, bank, "officer")).get("/bank/data").status_code == 403
    other = client_as(people(database, institution(database), "product"))
    assert other.get(path).status_code == 404
    assert "用电量下降" not in other.get("/bank/data").text
    assert "还没有登记对方" in other.get("/bank/data", params={"q": "用电"}).text


def test_pages_in_a_browser(
    live: Live, browser: Browser, client_as: Clients, database: Database, bank: UUID
) -> None:
    actor = people(database, bank, "product")
    client = client_as(actor)
    path = begun(client)
    with live.page(browser, actor) as page:
        page.goto("/bank/data?q=用电量下降")
        assert live.look(page, "bank-data") == []
        post(client, f"{path}/coverage", **BY)
        done(database, bank)
        page.goto(path)
        assert live.look(page, "bank-data-coverage") == []
        post(client, f"{path}/value", **VALUE)
        done(database, bank)
        page.goto(path)
        assert live.look(page, "bank-data-value") == []
