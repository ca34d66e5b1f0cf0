"""Every route, tried by every role and by another tenant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.db.tenants import FIRST, FIRST_COMPANY, MARK, OPEN, SECOND, SECOND_COMPANY, WORKED, fill, loosen
from tests.portal.conftest import CSRF, sign
from tests.portal.walk import every_route
from xinqiao.account.actor import ANYONE, Actor, permissions
from xinqiao.db.database import Side
from xinqiao.db.embedded import Access

SIDES: dict[str, Side] = {
    "anyone": "public",
    "person": "public",
    "enterprise": "enterprise",
    "bank": "bank",
    "holder": "holder",
    "operator": "operator",
    "regulator": "regulator",
    "api.bank": "bank",
    "api.platform": "holder",
    "api.holder": "holder",
}
SHOWN = {"/messages": "a demo shows everybody what it would have sent; a real platform has no such page"}
ROLES = sorted({role for each in permissions().values() for role in each.roles})


def actor(role: str) -> Actor | None:
    """Somebody of the second tenant who has this role and no other."""
    if role == "anyone":
        return None
    side = SIDES.get(role) or SIDES[role.split(".", maxsplit=1)[0]]
    roles = frozenset({role})
    if role.startswith("api."):
        return Actor(side, roles, role, institution=SECOND, client=f"c-{role}")
    if side == "enterprise":
        return Actor(side, roles, role, SECOND, company=SECOND_COMPANY)
    return Actor(side, roles, role, SECOND, None if role == "person" else SECOND)


def routes(app: FastAPI) -> Iterator[tuple[str, str, str]]:
    """Method, path and permission of every route."""
    for route in every_route(app):
        named = [getattr(each.call, "permission", None) for each in route.dependant.dependencies]
        permission = next(name for name in named if name)
        for method in sorted(route.methods - {"HEAD"}):
            yield method, route.path, permission


def filled(path: str) -> str:
    """``path`` with the first tenant's ids in it."""
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda m: FIRST_COMPANY if "company" in m[1] else str(FIRST), path)


def ask(client: TestClient, who: Actor | None, method: str, path: str) -> Any:  # noqa: ANN401 - a Response
    """The request with nothing in it but what every form and API write carries."""
    headers = {"idempotency-key": f"{method}{path}{who.name if who else ''}"[:200]}
    if who is not None:
        headers["x-test-actor"] = sign(who)
    form = None if method == "GET" or (who and who.client) else {"csrf": CSRF}
    return client.request(method, path, headers=headers, data=form)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_route_opens_to_its_roles_only(app: FastAPI, role: str) -> None:
    who = actor(role)
    wrong = []
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        for method, path, permission in routes(app):
            answer = ask(client, who, method, filled(path))
            may = (who or ANYONE).may(permission)
            refused = "ACC-FORBIDDEN" in answer.text and f"{permission}" in answer.text
            to_sign_in = answer.headers.get("location", "").startswith("/sign-in?next=")
            if who is None and not may:
                right = answer.status_code == 401 or to_sign_in
            elif not may:
                right = answer.status_code == 403 and refused
            else:
                right = answer.status_code not in (401, 500) and not refused
            if not right:
                wrong.append((method, path, answer.status_code))
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_no_route_shows_another_tenants_rows(app: FastAPI, access: Access, role: str) -> None:
    who = actor(role)
    worked = WORKED if who is not None and who.side == "operator" else {}
    loosen(access.owner)
    fill(access.owner, but=frozenset({**OPEN, **worked}))
    leaks = []
    with TestClient(app, follow_redirects=False, raise_server_exceptions=False) as client:
        for method, path, permission in routes(app):
            if method == "GET" and path not in SHOWN and (who or ANYONE).may(permission):
                answer = ask(client, who, method, filled(path))
                if MARK.encode() in answer.content:
                    leaks.append((path, answer.status_code))
    assert leaks == []


def test_every_role_of_the_list_has_a_side() -> None:
    assert {role for role in ROLES if actor(role) is None} == {"anyone"}


def test_the_mark_would_be_seen(app: FastAPI, access: Access) -> None:
    loosen(access.owner)
    fill(access.owner, but=frozenset(OPEN))
    agent = frozenset({"enterprise.agent"})
    own = Actor("enterprise", agent, "first", FIRST, company=FIRST_COMPANY)
    other = Actor("enterprise", agent, "second", SECOND, company=SECOND_COMPANY)
    with TestClient(app) as client:
        assert MARK in ask(client, own, "GET", "/account/agents").text
        assert MARK not in ask(client, other, "GET", "/account/agents").text
