from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.account.test_webhook import receiver
from tests.consent.people import COMPANY, granted, institution
from tests.lending.applying import town
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.account.webhook_sending import send_due
from xinqiao.account.webhook_signature import verified
from xinqiao.consent.grants import revoke
from xinqiao.consent.handover import register_key
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.suite import INTERNATIONAL
from xinqiao.lending import case_webhook, deciding
from xinqiao.portal.platform import Platform
from xinqiao.portrait import batch_file
from xinqiao.portrait.credit_file import publish

Clients = Callable[[Actor | None], TestClient]


def program(bank: UUID, role: str = "api.bank", *, sandbox: bool = False) -> Actor:
    side = "bank" if role == "api.bank" else "holder"
    return Actor(side, frozenset({role}), "示范程序", institution=bank, client=f"c-{role}", sandbox=sandbox)


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(new_id())}


@pytest.fixture
def bank(database: Database) -> UUID:
    with database.transaction(SYSTEM) as tx:
        publish(tx, [sample_file(COMPANY)])
    return institution(database)


def test_a_score_needs_a_grant_and_stops_with_it(client_as: Clients, database: Database, bank: UUID) -> None:
    client = client_as(program(bank))
    url = f"/api/v1/companies/{COMPANY}/score?purpose=credit_decision"
    assert client.get(url).status_code == 403
    grant = granted(database, bank)
    told = client.get(url).json()
    assert told["grade"] == "R4"
    assert told["reading"]["grant_id"] == str(grant.id)
    assert client.get(url.replace("credit_decision", "post_loan")).status_code == 403
    assert client.get(url.replace("credit_decision", "marketing")).status_code == 422
    agent = Actor("enterprise", frozenset({"enterprise.agent"}), "张", person=new_id(), company=COMPANY)
    with database.transaction(agent.scope) as tx:
        revoke(tx, agent, grant.id)
    assert client.get(url).json()["code"] == "CST-FORBIDDEN"


def test_the_portrait_shows_what_is_covered_only(client_as: Clients, database: Database, bank: UUID) -> None:
    granted(database, bank, data_sets=["TAX"])
    url = f"/api/v1/companies/{COMPANY}/portrait?purpose=credit_decision"
    file = client_as(program(bank)).get(url).json()["file"]
    assert file["register"]["name"].startswith("示范企业")
    assert file["score"] is None
    assert "TAX05" in file["indicators"]
    assert "INV01" not in file["indicators"]
    assert client_as(program(institution(database))).get(url).status_code == 403


@pytest.mark.usefixtures("bank")
def test_the_register_is_public(client_as: Clients) -> None:
    assert client_as(None).get(f"/api/v1/companies/{COMPANY}").json()["industry"] == "C1310"
    assert client_as(None).get("/api/v1/companies/NOBODY").json()["code"] == "PTR-ABSENT"


def test_a_sandbox_key_sees_invented_firms_and_nothing_else(
    client_as: Clients, database: Database, bank: UUID
) -> None:
    granted(database, bank)
    sandbox, real = client_as(program(bank, sandbox=True)), client_as(program(bank))
    url = "/api/v1/companies/{}/score?purpose=credit_decision"
    assert sandbox.get(url.format("SANDBOX0003")).json()["generated"] is True
    assert sandbox.get(url.format(COMPANY)).json()["code"] == "API-SANDBOX-FORBIDDEN"
    assert sandbox.get("/api/v1/consents").json()["code"] == "API-SANDBOX-FORBIDDEN"
    assert real.get(url.format("SANDBOX0003")).status_code == 403
    assert real.get(url.format(COMPANY)).status_code == 200


def test_a_batch_is_answered_line_by_line(client_as: Clients, database: Database, bank: UUID) -> None:
    granted(database, bank, purposes=["pre_approval"])
    client = client_as(program(bank))
    body = {"purpose": "pre_approval", "companies": [COMPANY, "NOBODY", COMPANY] * 30}
    sent = key()
    made = client.post("/api/v1/batches", json=body, headers=sent)
    assert made.status_code == 202, made.text
    assert client.post("/api/v1/batches", json=body, headers=sent).json() == made.json()
    batch = made.json()["id"]
    assert client.get(f"/api/v1/batches/{batch}/result").json()["code"] == "PTR-BATCH-STATE"
    for _ in range(2):
        batch_file.work(database, batch=batch, institution=str(bank))
    assert client.get(f"/api/v1/batches/{batch}").json()["answered"] == 90
    lines = [json.loads(x) for x in client.get(f"/api/v1/batches/{batch}/result").text.splitlines()]
    assert len(lines) == 90
    assert lines[0]["grade"] == "R4"
    assert lines[1]["error"] == "CST-FORBIDDEN"
    assert client_as(program(institution(database))).get(f"/api/v1/batches/{batch}").status_code == 404


def test_webhooks_by_api(client_as: Clients, database: Database, bank: UUID, platform: Platform) -> None:
    client = client_as(program(bank))
    with receiver(500) as server:
        body = {"url": f"http://127.0.0.1:{server.server_port}/", "kinds": ["application.changed"]}
        sent = key()
        made = client.post("/api/v1/webhooks", json=body, headers=sent).json()
        assert client.post("/api/v1/webhooks", json=body, headers=sent).json() == made
        assert "secret" in made
        endpoint = made["id"]
        assert client.post(f"/api/v1/webhooks/{endpoint}/ping", headers=key()).status_code == 202
        send_due(database, platform.keyring, endpoint=endpoint)
        (message,) = client.get("/api/v1/webhooks/messages").json()["messages"]
        assert (message["state"], message["status"]) == ("waiting", 500)
        client.post(f"/api/v1/webhooks/messages/{message['id']}/redelivery", headers=key())
        send_due(database, platform.keyring, endpoint=endpoint)
        given, data = server.got[-1]
        assert verified(made["secret"], given, data, now())
    assert "secret" not in str(client.get("/api/v1/webhooks").json()["endpoints"][0].get("secret") or "")
    assert client.request("DELETE", f"/api/v1/webhooks/{endpoint}", headers=key()).status_code == 200
    assert client.get("/api/v1/webhooks").json() == {"endpoints": []}
    with database.transaction(SYSTEM) as tx:
        kept = tx.execute("SELECT convert_from(answer, 'UTF8') AS a FROM idempotency").fetchall()
    assert not any("whsec_" in row["a"] for row in kept)


def test_a_platform_hands_over_a_consent_applies_and_is_told(
    client_as: Clients, database: Database, platform: Platform
) -> None:
    bank = town(database).bank
    outside, pair = institution(database, "holder"), INTERNATIONAL.generate()
    with database.transaction(SYSTEM) as tx:
        register_key(tx, "k-1", outside, pair.public)
    client = client_as(program(outside, "api.platform"))
    terms = {
        "company_id": COMPANY,
        "institution_id": str(bank),
        "purposes": ["credit_decision"],
        "data_sets": ["INV", "TAX", "SCORE"],
        "until": (today() + timedelta(days=30)).isoformat(),
    }
    drafted = client.post("/api/v1/consents/draft", json=terms).json()
    assert COMPANY in drafted["text"]["zh"] or "示范" in drafted["text"]["zh"]
    signature = INTERNATIONAL.sign(pair, base64.b64decode(drafted["document"]))
    proof = {"agreed_at": now().isoformat(), "key": "k-1"}
    wrong = terms | proof | {"signature": base64.b64encode(bytes(64)).decode()}
    assert client.post("/api/v1/consents", json=wrong, headers=key()).json()["code"] == "CST-HANDOVER"
    right = terms | proof | {"signature": base64.b64encode(signature).decode()}
    made = client.post("/api/v1/consents", json=right, headers=key())
    assert made.status_code == 201, made.text
    product = client.get("/api/v1/products").json()["products"][0]
    application = {
        "reference": "GOV-2026-1",
        "consent_id": made.json()["id"],
        "company_id": COMPANY,
        "institution_id": str(bank),
        "product_id": product["product_id"],
        "amount_cny": "300000.00",
        "term_months": 12,
        "use": "采购原料",
    }
    sent = key()
    with receiver() as server:
        hook = {"url": f"http://127.0.0.1:{server.server_port}/", "kinds": ["application.changed"]}
        endpoint = client.post("/api/v1/webhooks", json=hook, headers=key()).json()["id"]
        first = client.post("/api/v1/platform/applications", json=application, headers=sent)
        assert first.status_code == 201, first.text
        again = client.post("/api/v1/platform/applications", json=application, headers=sent)
        assert again.json() == first.json()
        doubled = client.post("/api/v1/platform/applications", json=application, headers=key())
        assert doubled.json()["code"] == "API-REFERENCE-STATE"
        deciding.decide(database, first.json()["id"])
        case_webhook.dispatch(database)
        send_due(database, platform.keyring, endpoint=endpoint)
        states = [json.loads(body)["data"]["state"] for _, body in server.got]
    told = client.get("/api/v1/platform/applications/GOV-2026-1").json()
    assert states[0] == "applied"
    assert told["state"] == states[-1] != "applied"
    assert [step["state"] for step in told["steps"]] == states
    other = client_as(program(institution(database, "holder"), "api.platform"))
    assert other.get("/api/v1/platform/applications/GOV-2026-1").status_code == 404
    consent = made.json()["id"]
    ended = client.post(f"/api/v1/consents/{consent}/withdrawal", json={}, headers=key())
    assert ended.status_code == 200
    score = client_as(program(bank)).get(f"/api/v1/companies/{COMPANY}/score?purpose=credit_decision")
    assert score.status_code == 403


def test_a_platform_applies_only_under_its_own_consents(
    client_as: Clients, database: Database, bank: UUID
) -> None:
    grant = granted(database, bank)
    body = {
        "reference": "X-1",
        "consent_id": str(grant.id),
        "company_id": COMPANY,
        "institution_id": str(bank),
        "product_id": "any",
        "amount_cny": 300000,
        "term_months": 12,
        "use": "采购",
    }
    client = client_as(program(institution(database, "holder"), "api.platform"))
    told = client.post("/api/v1/platform/applications", json=body, headers=key())
    assert told.json()["code"] == "CST-GRANT-ABSENT"


@pytest.mark.parametrize(
    "change",
    [
        {"amount_cny": 0.1},
        {"amount_cny": True},
        {"term_months": "12"},
        {"until": 20000},
        {"extra": 1},
        {"institution_id": 7},
        {"use": 5},
    ],
)
def test_types_are_strict(client_as: Clients, bank: UUID, change: dict[str, object]) -> None:
    body: dict[str, object] = {
        "reference": "X-1",
        "consent_id": str(new_id()),
        "company_id": COMPANY,
        "institution_id": str(bank),
        "product_id": "any",
        "amount_cny": "300000.00",
        "term_months": 12,
        "use": "采购",
    }
    client = client_as(program(bank, "api.platform"))
    url = "/api/v1/platform/applications"
    if "until" in change:
        url = "/api/v1/consents/draft"
        body = {"company_id": COMPANY, "institution_id": str(bank), "purposes": ["p"], "data_sets": ["INV"]}
    assert client.post(url, json=body | change, headers=key()).status_code == 422


def test_a_write_without_a_key_is_refused(client_as: Clients, bank: UUID) -> None:
    told = client_as(program(bank)).post("/api/v1/batches", json={"purpose": "post_loan", "companies": ["x"]})
    assert told.status_code == 422
    assert "idempotency-key" in told.json()["what"]["en"].lower()
