"""The application over a real database, signed in as whom a test likes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from tests.portal.live import Live, serving
from xinqiao.account.actor import Actor
from xinqiao.db import jobs
from xinqiao.db.database import Database, Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.protect import Keyring
from xinqiao.portal.app import create_app
from xinqiao.portal.platform import Platform, Signed

CSRF = "test-csrf"
_ACTORS: dict[str, Actor] = {}


def _authenticate(tx: Tx, request: Request) -> Signed | None:  # noqa: ARG001 - the seam's shape
    actor = _ACTORS.get(request.headers.get("x-test-actor", ""))
    return None if actor is None else Signed(actor, None if actor.client else CSRF, now())


def sign(actor: Actor) -> str:
    """The value of x-test-actor that signs a request as ``actor``."""
    name = f"{len(_ACTORS)}-{id(actor)}"
    _ACTORS[name] = actor
    return name


@pytest.fixture
def platform(database: Database, tmp_path: Path) -> Platform:
    """The platform with test sign-in: the header x-test-actor names the actor."""
    keyring = Keyring({"k1": os.urandom(32)}, "k1")
    return Platform(
        database, keyring, _authenticate, tmp_path, "http://127.0.0.1", generated=True, secure=False
    )


@pytest.fixture
def app(platform: Platform) -> FastAPI:
    """The application, all routers in."""
    return create_app(platform)


@pytest.fixture
def client_as(app: FastAPI) -> Iterator[Callable[[Actor | None], TestClient]]:
    """A client of the application for an actor (None: a visitor); forms must send ``csrf=CSRF``."""
    clients: list[TestClient] = []

    def make(actor: Actor | None) -> TestClient:
        headers = {} if actor is None else {"x-test-actor": sign(actor)}
        client = TestClient(app, headers=headers, follow_redirects=False)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    _ACTORS.clear()


@pytest.fixture
def live(app: FastAPI) -> Iterator[Live]:
    """The application served to real browsers; their consoles must stay silent."""
    with serving(app) as url:
        served = Live(url, sign)
        yield served
        assert served.told == []
    _ACTORS.clear()


@pytest.fixture
def worker(database: Database, platform: Platform) -> Iterator[None]:
    """Jobs are worked off while the test runs."""
    with jobs.working(database, platform.keyring):
        yield
