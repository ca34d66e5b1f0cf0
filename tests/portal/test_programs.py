from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import pytest
from fastapi import APIRouter
from joserfc.jwk import ECKey, OctKey, OKPKey
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response
from starlette.testclient import TestClient

from tests.portal.programs import Program, assertion, new_key, public
from xinqiao.account import seed
from xinqiao.account.client import MAX_ASSERTION_LIFE, public_keys
from xinqiao.account.institution import set_status
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring
from xinqiao.portal.app import create_app
from xinqiao.portal.authentication import authenticate
from xinqiao.portal.platform import Platform
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PATH = "/api/v1/trial"


class _Body(BaseModel):
    number: int


@router.get(PATH)
def trial_read(visit: Annotated[Visit, needs("case.read")]) -> Response:
    return JSONResponse({"client": visit.actor.client, "institution": str(visit.actor.institution)})


@router.post(PATH)
def trial_write(visit: Annotated[Visit, needs("api.bank")], body: _Body) -> Response:
    return visit.once(lambda: JSONResponse({"number": body.number}, 201))


@pytest.fixture
def real(database: Database, tmp_path: Path) -> Platform:
    ring = Keyring({"k1": os.urandom(32)}, "k1")
    return Platform(database, ring, authenticate, tmp_path, "http://testserver", secure=False)


@pytest.fixture
def bank(real: Platform) -> UUID:
    with real.database.transaction(SYSTEM) as tx:
        return seed.institution(tx, kind="bank", name="示范一号银行", uscc="91350200MA0000001X")


@pytest.fixture
def program(real: Platform, bank: UUID) -> Iterator[Program]:
    key = new_key()
    with real.database.transaction(SYSTEM) as tx:
        seed.api_client(
            tx,
            institution_id=bank,
            client_id="c-1",
            name="核心系统",
            role="api.bank",
            keys=public(key),
            sandbox=False,
        )
    app = create_app(real)
    app.include_router(router)
    with TestClient(app, follow_redirects=False) as http:
        yield Program(http, "c-1", key)


def _read(program: Program, token: str) -> int:
    return int(program.http.get(PATH, headers={"authorization": f"Bearer {token}"}).status_code)


def test_a_program_gets_a_token_and_acts_for_its_bank(program: Program, bank: UUID) -> None:
    answer = program.http.get(PATH, headers={"authorization": f"Bearer {program.token()}"})
    assert answer.json() == {"client": "c-1", "institution": str(bank)}
    assert _read(program, "nothing") == 401
    assert program.http.get(PATH, headers={"authorization": "Basic eDp5"}).status_code == 401
    assert program.http.get(PATH).status_code == 401


def test_an_assertion_is_good_once(program: Program) -> None:
    told = assertion("c-1", program.key, "http://testserver/api/v1/token")
    assert program.ask_token(told).status_code == 200
    again = program.ask_token(told)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://elsewhere.example"},
        {"sub": "c-2"},
        {"iss": "c-2"},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": int(datetime(2040, 1, 1, tzinfo=UTC).timestamp())},
        {"iat": int(datetime(2040, 1, 1, tzinfo=UTC).timestamp())},
        {"jti": ""},
        {"jti": None},
        {"jti": "x" * 300},
        {"aud": ["http://testserver/api/v1/token"]},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(program: Program, changed: dict[str, object]) -> None:
    told = assertion("c-1", program.key, "http://testserver/api/v1/token", **changed)
    assert program.ask_token(told).status_code == 401


def test_an_assertion_by_another_key_or_none_is_refused(program: Program) -> None:
    audience = "http://testserver/api/v1/token"
    assert program.ask_token(assertion("c-1", new_key(), audience)).status_code == 401
    head, body, _ = assertion("c-1", program.key, audience).split(".")
    for told in ("", "x", f"{head}.{body}.", "eyJhbGciOiJub25lIn0." + body + ".", "a.b.c", "x" * 8000):
        assert program.ask_token(told or ".").status_code == 401


def test_a_token_runs_out_and_ends_with_program_and_institution(
    program: Program, real: Platform, bank: UUID
) -> None:
    token = program.token()
    assert _read(program, token) == 200
    with standing(now() + timedelta(minutes=11)):
        assert _read(program, token) in (200, 401)
    with real.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE access_token SET until = %s", [now() - timedelta(seconds=1)])
    assert _read(program, token) == 401
    token = program.token()
    with real.database.transaction(SYSTEM) as tx:
        set_status(tx, bank, "suspended")
    assert _read(program, token) == 401
    assert program.ask_token().status_code == 401


def test_a_token_can_be_narrower_than_the_program(program: Program) -> None:
    answer = program.ask_token(scope="api.bank")
    assert answer.json()["scope"] == "api.bank"
    assert _read(program, answer.json()["access_token"]) == 403, "case.read was not asked for"
    wide = program.ask_token(scope="platform.admin")
    assert (wide.status_code, wide.json()["error"]) == (403, "invalid_scope")


def test_quotas_hold_for_the_program_as_a_whole(program: Program, real: Platform) -> None:
    token = program.token()
    with real.database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE api_client SET calls_a_day = 3")
    assert [_read(program, token) for _ in range(5)] == [200, 200, 200, 429, 429]


def test_a_signed_write_is_taken(program: Program) -> None:
    assert program.post(PATH, {"number": 1}).status_code == 201


def test_a_write_without_signature_is_refused(program: Program) -> None:
    headers = {"authorization": f"Bearer {program.token()}", "idempotency-key": "k"}
    answer = program.http.post(PATH, json={"number": 1}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "ACC-SIGNATURE")


def test_a_signature_does_not_fit_another_body_address_key_or_time(program: Program) -> None:
    token, body = program.token(), json.dumps({"number": 1}).encode()

    def sent(
        path: str = PATH, content: bytes = body, told: dict[str, str] | None = None, **changed: object
    ) -> int:
        headers = program.headers(token, "POST", PATH, body, **changed) | (told or {})
        return int(program.http.post(path, content=content, headers=headers).status_code)

    assert sent(content=b'{"number": 2}') == 401
    assert sent(path=f"{PATH}?x=1") == 401
    assert sent(told={"idempotency-key": "other"}) == 401
    assert sent(told={"authorization": f"Bearer {program.token()}"}) == 401
    assert sent(created=datetime.now(UTC) - timedelta(minutes=10)) == 401
    assert sent(nonce=None) == 401
    assert sent(tag="other") == 401
    assert sent(covered_component_ids=("@method", "@target-uri")) == 401
    assert sent(told={"content-digest": "sha-256=:AAAA:"}) == 401
    assert sent() == 201


def test_a_signature_is_good_once(program: Program) -> None:
    body = json.dumps({"number": 1}).encode()
    headers = program.headers(program.token(), "POST", PATH, body)
    assert program.http.post(PATH, content=body, headers=headers).status_code == 201
    again = program.http.post(PATH, content=body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (401, "ACC-SIGNATURE")
    fresh = program.headers(program.token(), "POST", PATH, body)
    assert program.http.post(PATH, content=body, headers=fresh).status_code == 201, (
        "the same key, signed anew"
    )


def test_a_body_that_is_too_large_is_not_read(program: Program) -> None:
    answer = program.http.post(PATH, content=b"{}", headers={"content-length": "999999999999"})
    assert answer.status_code == 413


def test_only_public_keys_of_strong_kinds_are_taken() -> None:
    kept = public_keys({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]})
    assert set(kept["keys"][0]) == {"kty", "crv", "x", "kid"}
    bad: list[dict[str, object]] = [
        {},
        {"keys": []},
        {"keys": "x"},
        {"keys": [new_key().as_dict(private=True)]},
        {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]},
        {"keys": [OctKey.generate_key(256).as_dict()]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": 1, "y": 2}]},
        {"keys": [{"kty": ["EC"], "crv": "P-256"}]},
        {"keys": [1]},
    ]
    key = new_key()
    bad.append(public(key, key))
    for told in bad:
        with pytest.raises(UserError, match="ACC-KEYS"):
            public_keys(told)


def test_an_assertion_lives_for_minutes_only() -> None:
    assert timedelta(minutes=5) >= MAX_ASSERTION_LIFE
