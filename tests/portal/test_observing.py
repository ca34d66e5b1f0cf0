from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from xinqiao.account.actor import Actor
from xinqiao.portal.observing import TOKEN

Clients = Callable[[Actor | None], TestClient]


def test_lines_and_figures_name_routes_not_what_was_asked_for(
    client_as: Clients, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_as(None)
    with caplog.at_level(logging.INFO, "xinqiao.requests"):
        answer = client.get("/api/v1/companies/91330100900000011A?token=secret")
        client.get("/nowhere/张三")
    lines = [json.loads(record.message) for record in caplog.records if record.name == "xinqiao.requests"]
    assert [(x["route"], x["status"]) for x in lines] == [
        ("/api/v1/companies/{company_id}", 404),
        ("none", 404),
    ]
    assert "91330100900000011A" not in str(lines)
    assert "secret" not in str(lines)
    assert answer.headers["x-request-id"] == lines[0]["id"]
    monkeypatch.setenv(TOKEN, "t0k")
    told = client.get("/metrics", headers={"x-metrics-token": "t0k"}).text
    assert 'route="/api/v1/companies/{company_id}"' in told
    assert "xinqiao_jobs" in told
    assert "91330100900000011A" not in told


def test_figures_are_for_this_machine_or_who_has_the_token(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = TestClient(app, client=("127.0.0.1", 9))
    far = TestClient(app, client=("192.0.2.7", 9))
    assert near.get("/metrics").status_code == 200
    assert far.get("/metrics").status_code == 403
    assert near.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 403
    monkeypatch.setenv(TOKEN, "t0k")
    assert near.get("/metrics").status_code == 403
    assert far.get("/metrics", headers={"x-metrics-token": "t0k"}).status_code == 200
