from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from xinqiao.account import notifier, seed
from xinqiao.db.database import SYSTEM, Database
from xinqiao.enterprise.resident_id import check_digit
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.protect import Keyring
from xinqiao.portal.app import create_app
from xinqiao.portal.authentication import authenticate, local
from xinqiao.portal.platform import Platform

PASSWORD = "七月 的 桥 上 有 风"  # noqa: S105 - of a test
NEW = "一个 新 的 长 密码 吧"
USCC = make_uscc("91", "350200", "MA2XQ001")
IDENTITY = "35020019800101001"
IDENTITY += check_digit(IDENTITY)


@pytest.fixture
def real(database: Database, tmp_path: Path) -> Platform:
    """The platform with its own sign-in."""
    ring = Keyring({"k1": os.urandom(32)}, "k1")
    return Platform(database, ring, authenticate, tmp_path, "http://testserver", generated=True, secure=False)


@pytest.fixture
def visitor(real: Platform) -> Iterator[TestClient]:
    with TestClient(create_app(real), follow_redirects=False) as client:
        yield client


@pytest.fixture
def company(real: Platform) -> str:
    with real.database.transaction(SYSTEM) as tx:
        tx.execute("INSERT INTO company (id, name, uscc) VALUES ('C1', '示范一号商贸有限公司', %s)", [USCC])
        seed.representative(tx, real.keyring, company_id="C1", name="郑法人", identity=IDENTITY)
    return "C1"


@pytest.fixture
def person(real: Platform, company: str) -> UUID:
    with real.database.transaction(SYSTEM) as tx:
        return seed.person(
            tx, real.keyring, name="郑法人", phone="13600000001", password=PASSWORD, company_id=company
        )


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def code(real: Platform) -> str:
    with real.database.transaction(SYSTEM) as tx:
        found = re.search(r"[0-9]{6}", notifier.kept(tx, real.keyring)[0].text.zh)
    assert found is not None
    return found[0]


def form(client: TestClient, page: str, **fields: str) -> dict[str, str]:
    """Fields with what every form of ``page`` sends."""
    text = client.get(page).text
    once = re.search(r'name="once" value="([^"]*)"', text)
    return {"csrf": csrf(text), "once": once[1] if once else "", **fields}


def sign_in(client: TestClient, password: str = PASSWORD, phone: str = "13600000001") -> int:
    return client.post("/sign-in", data={"phone": phone, "password": password}).status_code


def test_a_password_opens_the_portal_of_ones_side(visitor: TestClient, person: UUID) -> None:
    del person
    answer = visitor.post("/sign-in", data={"phone": "136 0000 0001", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/enterprise")
    told = answer.headers["set-cookie"]
    assert "HttpOnly" in told
    assert "SameSite=lax" in told
    assert "郑法人" in visitor.get("/account").text


def test_over_https_the_cookie_is_of_this_host_only(real: Platform, person: UUID) -> None:
    del person
    secure = Platform(
        real.database, real.keyring, authenticate, real.folder, "https://testserver", secure=True
    )
    with TestClient(create_app(secure), base_url="https://testserver", follow_redirects=False) as client:
        told = client.post("/sign-in", data={"phone": "13600000001", "password": PASSWORD}).headers[
            "set-cookie"
        ]
        assert told.startswith("__Host-session=")
        assert "Secure" in told
        assert "Path=/;" in told
        assert "domain" not in told.lower()
        assert client.get("/account").status_code == 200
        assert client.get("/messages").status_code == 404, "only a demo shows messages"


def test_a_wrong_password_says_nothing_about_the_account(visitor: TestClient, person: UUID) -> None:
    del person
    known = visitor.post("/sign-in", data={"phone": "13600000001", "password": "wrong"})
    unknown = visitor.post("/sign-in", data={"phone": "13600000009", "password": "wrong"})
    assert known.status_code == unknown.status_code == 400
    assert "ACC-REFUSED" in known.text
    assert re.sub("1360000000.|value=.[^>]*", "", known.text) == re.sub(
        "1360000000.|value=.[^>]*", "", unknown.text
    )


def test_failures_are_counted_although_each_is_refused(visitor: TestClient, person: UUID) -> None:
    del person
    assert [sign_in(visitor, "wrong") for _ in range(5)] == [400] * 5
    assert sign_in(visitor) == 429


def test_many_tries_from_one_address_are_stopped(visitor: TestClient) -> None:
    told = [sign_in(visitor, "x", f"137{number:08}") for number in range(8)]
    assert set(told) == {400}
    answers = [visitor.post("/sign-in/code", data={"phone": "13700000000"}).status_code for _ in range(30)]
    assert answers[-1] == 429


def test_a_form_of_another_site_is_refused(visitor: TestClient, person: UUID) -> None:
    del person
    told = {"phone": "13600000001", "password": PASSWORD}
    answer = visitor.post("/sign-in", data=told, headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert sign_in(visitor) == 303
    assert visitor.post("/account/sessions/end", data={"once": "1"}).status_code == 403, "no CSRF token"


def test_a_code_signs_in(visitor: TestClient, real: Platform, person: UUID) -> None:
    del person
    page = visitor.post("/sign-in/code", data={"phone": "13600000001", "next": "/notices"})
    assert page.status_code == 200
    assert code(real) in visitor.get("/messages").text
    wrong = visitor.post(
        "/sign-in/code/enter", data={"phone": "13600000001", "code": "000000x", "next": "/notices"}
    )
    assert wrong.status_code == 400
    answer = visitor.post(
        "/sign-in/code/enter", data={"phone": "13600000001", "code": code(real), "next": "/notices"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/notices")


def test_signing_out_ends_the_session_itself(visitor: TestClient, person: UUID) -> None:
    del person
    sign_in(visitor)
    held = dict(visitor.cookies)
    told = form(visitor, "/account")
    assert visitor.post("/sign-out", data=told).status_code == 303
    visitor.cookies.update(held)
    assert visitor.get("/account").status_code == 303, "the old cookie opens nothing"


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere", "/a\nb", "x"]
)
def test_one_is_never_sent_on_to_another_site(visitor: TestClient, person: UUID, path: str) -> None:
    del person
    assert local(path) == ""
    answer = visitor.post("/sign-in", data={"phone": "13600000001", "password": PASSWORD, "next": path})
    assert answer.headers["location"] == "/enterprise"
    assert visitor.get("/language", params={"to": "en", "next": path}).headers["location"] == "/"


def test_the_language_is_remembered(visitor: TestClient) -> None:
    assert visitor.get("/language", params={"to": "en", "next": "/sign-in"}).status_code == 303
    assert 'html lang="en"' in visitor.get("/sign-in").text


def _register(
    visitor: TestClient, real: Platform, name: str = "郑法人", identity: str = IDENTITY
) -> tuple[int, str]:
    first = visitor.post("/register", data={"uscc": USCC.lower(), "phone": "13600000002"})
    assert first.status_code == 200
    assert "示范一号商贸有限公司" in first.text
    fields = {"uscc": USCC, "phone": "13600000002", "code": code(real), "name": name}
    told = visitor.post("/register/confirm", data={**fields, "identity": identity, "password": PASSWORD})
    return told.status_code, told.headers.get("location", told.text)


def test_the_legal_representative_registers_and_is_in(
    visitor: TestClient, real: Platform, company: str
) -> None:
    del company
    assert _register(visitor, real) == (303, "/enterprise")
    visitor.cookies.clear()
    assert sign_in(visitor, phone="13600000002") == 303


def test_an_agent_waits_for_the_legal_representative(
    visitor: TestClient, real: Platform, person: UUID
) -> None:
    del person
    assert _register(visitor, real, name="吴代办") == (303, "/account")
    assert visitor.get("/enterprise").status_code == 403
    with TestClient(create_app(real), follow_redirects=False) as head:
        sign_in(head)
        assert "吴代办" in head.get("/notices").text
        page = head.get("/account/agents").text
        request = re.search(r"/account/agents/([0-9a-f-]{36})\"", page)
        assert request is not None
        told = form(head, "/account/agents", outcome="confirmed")
        assert head.post(f"/account/agents/{request[1]}", data=told).status_code == 303
    visitor.cookies.clear()
    assert sign_in(visitor, phone="13600000002") == 303
    assert visitor.get("/account/agents").status_code == 200
    again = form(visitor, "/account/agents", outcome="confirmed")
    assert visitor.post(f"/account/agents/{request[1]}", data=again).status_code == 403


def test_a_company_is_found_by_a_right_code_only(visitor: TestClient, company: str) -> None:
    del company
    other = make_uscc("91", "350200", "MA2XQ002")
    for uscc, wanted in (
        (USCC[:-1] + ("0" if USCC[-1] != "0" else "1"), "ACC-USCC"),
        (other, "ACC-COMPANY-ABSENT"),
    ):
        answer = visitor.post("/register", data={"uscc": uscc, "phone": "13600000002"})
        assert answer.status_code in (400, 404)
        assert wanted in answer.text


def test_a_code_is_not_spent_on_a_wrong_identity_number(
    visitor: TestClient, real: Platform, company: str
) -> None:
    del company
    status, text = _register(visitor, real, identity=IDENTITY[:-1] + ("0" if IDENTITY[-1] != "0" else "1"))
    assert status == 400
    assert "ACC-IDENTITY" in text
    fields = {"uscc": USCC, "phone": "13600000002", "code": code(real), "name": "郑法人"}
    told = visitor.post("/register/confirm", data={**fields, "identity": IDENTITY, "password": PASSWORD})
    assert told.status_code == 303


def test_the_password_is_changed_with_the_old_one_and_others_are_signed_out(
    visitor: TestClient, real: Platform, person: UUID
) -> None:
    del person
    sign_in(visitor)
    with TestClient(create_app(real), follow_redirects=False) as elsewhere:
        sign_in(elsewhere)
        wrong = form(visitor, "/account", old="wrong", password=NEW)
        assert visitor.post("/account/password", data=wrong).status_code == 400
        told = form(visitor, "/account", old=PASSWORD, password=NEW)
        assert visitor.post("/account/password", data=told).status_code == 303
        assert elsewhere.get("/account").status_code == 303
    assert visitor.get("/account").status_code == 200
    visitor.cookies.clear()
    assert sign_in(visitor) == 400
    assert sign_in(visitor, NEW) == 303


def test_the_idempotency_table_holds_no_session_token(
    visitor: TestClient, real: Platform, person: UUID
) -> None:
    del person
    sign_in(visitor)
    token = next(iter(dict(visitor.cookies).values()))
    with real.database.transaction(SYSTEM) as tx:
        told = json.dumps(tx.execute("SELECT * FROM idempotency").fetchall(), default=str)
        assert token not in told
        assert token not in str(tx.execute("SELECT * FROM session").fetchall())
