from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from xinqiao.account.actor import Actor
from xinqiao.portal import htmx

Clients = Callable[[Actor | None], TestClient]


def test_the_script_is_served_only_where_it_is_the_pinned_one(
    client_as: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    if htmx.htmx() is None:
        pytest.skip("the script is not installed: make setup")
    answer = client_as(None).get(htmx.PATH)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert htmx.PATH in client_as(None).get("/nowhere").text
    htmx.htmx.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(htmx, "PINNED", "0" * 64)
        assert htmx.address() is None
        assert client_as(None).get(htmx.PATH).status_code == 404
        assert "<script" not in client_as(None).get("/nowhere").text
    htmx.htmx.cache_clear()
