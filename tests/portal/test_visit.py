from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.portal.walk import every_route
from xinqiao.account.actor import Actor

Clients = Callable[[Actor | None], TestClient]


def test_an_unknown_address_is_told_in_both_ways(client_as: Clients) -> None:
    page = client_as(None).get("/nowhere")
    assert page.status_code == 404
    assert "API-NOT-FOUND" in page.text
    told = client_as(None).get("/api/v1/nowhere").json()
    assert told["code"] == "API-NOT-FOUND"


def test_every_route_names_its_permission(app: FastAPI) -> None:
    for route in every_route(app):
        named = [getattr(d.call, "permission", None) for d in route.dependant.dependencies]
        assert any(named), route.path
