"""A withdrawn grant stops the next read everywhere: on every page and call, and in every job."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.consent.people import COMPANY
from tests.lending.applying import MODEL, Town, scored_file, town
from tests.portal.walk import every_route
from xinqiao.account.actor import Actor
from xinqiao.consent.grants import of_company, revoke
from xinqiao.db.database import SYSTEM, Database
from xinqiao.portrait.credit_file import publish

Clients = Callable[..., TestClient]
MARK = "7654321"
"""A value of the file that stands nowhere else."""


def published(place: Town) -> None:
    file = scored_file(COMPANY, indicators={"INV01": float(MARK)})
    with place.database.transaction(SYSTEM) as tx:
        publish(tx, [file], [(MODEL.model_id, MODEL.to_json())])


def readers(place: Town) -> list[Actor]:
    client = Actor("bank", frozenset({"api.bank"}), "api", institution=place.bank, client="c1")
    return [place.officer, place.approver, client]


def paths(app: FastAPI, case_id: UUID) -> list[str]:
    """Every GET that names a firm or an application."""
    found = []
    for route in every_route(app):
        if "GET" in (route.methods or ()):
            path = route.path.replace("{company_id}", COMPANY)
            for name in ("{case_id}", "{application_id}"):
                path = path.replace(name, str(case_id))
            if path != route.path:
                found.append("".join(str(uuid4()) if p.endswith("}") else p for p in path.split("{")))
    return found


def told(client: TestClient, path: str) -> str:
    text = client.get(path, params={"purpose": "credit_decision"}).text
    return text.replace(",", "").replace(" ", "")


def test_no_page_or_call_shows_a_value_after_the_withdrawal(
    app: FastAPI, client_as: Clients, database: Database
) -> None:
    place = town(database)
    published(place)
    case_id = place.apply()
    asked = paths(app, case_id)
    assert any(COMPANY in path for path in asked)
    seen = {path for path in asked for reader in readers(place) if _shows(told(client_as(reader), path))}
    assert seen  # the value is there while the grant holds
    with database.transaction(place.agent.scope) as tx:
        for grant in of_company(tx, COMPANY):
            revoke(tx, place.agent, grant.id)
    for reader in readers(place):
        client = client_as(reader)
        assert [path for path in asked if _shows(told(client, path))] == []


def _shows(text: str) -> bool:
    return MARK in text or "765.4" in text or "765.43" in text


def test_an_application_is_not_decided_by_machine_after_the_withdrawal(database: Database) -> None:
    place = town(database)
    published(place)
    case_id = place.apply()
    with database.transaction(SYSTEM) as tx:
        before = tx.execute("SELECT count(*) AS n FROM query_log").fetchone()
    with database.transaction(place.agent.scope) as tx:
        for grant in of_company(tx, COMPANY):
            revoke(tx, place.agent, grant.id)
    found = place.decide(case_id)
    assert found.state not in ("offered", "accepted")
    with database.transaction(SYSTEM) as tx:
        assert tx.execute("SELECT count(*) AS n FROM query_log").fetchone() == before
