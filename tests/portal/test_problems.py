from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from starlette.testclient import TestClient

from xinqiao.account.actor import Actor
from xinqiao.db.database import Database

Clients = Callable[[Actor | None], TestClient]


@pytest.mark.parametrize("path", ["/disclosure", "/api/v1/log/keys"])
def test_a_database_that_is_away_is_told_as_such(
    client_as: Clients, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client = client_as(None)

    def gone(*_: object) -> None:
        raise psycopg.OperationalError

    monkeypatch.setattr(Database, "transaction", gone)
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "database" in answer.text
