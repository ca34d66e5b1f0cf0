from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.portal.conftest import CSRF
from tests.portal.live import Live, press, serving
from tests.portal.programs import new_key, public
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.account.membership import hats
from xinqiao.db.database import SYSTEM, new_token
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.protect import Keyring
from xinqiao.portal.app import create_app
from xinqiao.portal.authentication import authenticate
from xinqiao.portal.platform import Platform

Clients = Callable[[Actor | None], TestClient]
ADMIT = {
    "kind": "bank",
    "name": "示范九号银行",
    "uscc": make_uscc("91", "350200", "MA2XQ009"),
    "filing_number": "示范许可-9",
    "first_name": "甲",
    "first_phone": "13500000001",
    "second_name": "乙",
    "second_phone": "13500000002",
}


def post(client: TestClient, path: str, **fields: object) -> Any:  # noqa: ANN401 - a Response
    return client.post(path, data={"csrf": CSRF, "once": new_token(), **fields})


@pytest.fixture
def admins(platform: Platform) -> list[Actor]:
    """Two administrators of a bank, then two of the operator."""
    out = []
    with platform.database.transaction(SYSTEM) as tx:
        for kind, role in (("bank", "bank.admin"), ("operator", "operator.admin")):
            made = seed.institution(
                tx,
                kind=kind,  # type: ignore[arg-type] # both are kinds
                name=f"示范{kind}",
                uscc=make_uscc("91", "350200", f"MA2XQ{'A' if kind == 'bank' else 'B'}01"),
                filing_number="示范备案-1",
            )
            for place in (1, 2):
                person = seed.person(
                    tx,
                    platform.keyring,
                    name=f"{kind}{place}",
                    phone=f"1350000{'1' if kind == 'bank' else '2'}00{place}",
                    institution_id=made,
                    roles=[role],
                )
                out.append(Actor(kind, frozenset({role}), f"{kind}{place}", person, made))  # type: ignore[arg-type]
    return out


def _waiting(client: TestClient, path: str) -> str:
    found = re.search(rf'{path}/approvals/([0-9a-f-]{{36}})"', client.get(path).text)
    return found[1] if found else ""


def test_a_role_takes_two_people(client_as: Clients, platform: Platform, admins: list[Actor]) -> None:
    one, two = client_as(admins[0]), client_as(admins[1])
    told = {"name": "新柜员", "phone": "13500009999", "role": "bank.officer"}
    assert post(one, "/institution/roles", **told).status_code == 303
    assert _waiting(one, "/institution") == "", "the proposer has no button"
    waiting = _waiting(two, "/institution")
    own = post(one, f"/institution/approvals/{waiting}", outcome="approved")
    assert (own.status_code, "ACC-SAME-FORBIDDEN" in own.text) == (403, True)
    other = post(client_as(admins[2]), f"/institution/approvals/{waiting}", outcome="approved")
    assert other.status_code == 404, "another institution does not even see it"
    assert post(two, f"/institution/approvals/{waiting}", outcome="approved").status_code == 303
    assert post(two, f"/institution/approvals/{waiting}", outcome="approved").status_code == 409
    page = one.get("/institution").text
    assert "新柜员" in page
    assert "role.grant.approved" in page
    with platform.database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT id FROM person WHERE name = '新柜员'").fetchone()
        assert row is not None
        assert [hat.roles for hat in hats(tx, row["id"])] == [{"bank.officer"}]


def test_a_refused_role_is_not_given(client_as: Clients, platform: Platform, admins: list[Actor]) -> None:
    post(client_as(admins[0]), "/institution/roles", name="某人", phone="13500009998", role="bank.approver")
    two = client_as(admins[1])
    post(two, f"/institution/approvals/{_waiting(two, '/institution')}", outcome="refused", reason="不需要")
    with platform.database.transaction(SYSTEM) as tx:
        assert tx.execute("SELECT * FROM membership WHERE role = 'bank.approver'").fetchall() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "operator.admin"},
        {"phone": "123"},
        {"name": " "},
    ],
)
def test_what_makes_no_role_is_refused(
    client_as: Clients, admins: list[Actor], fields: dict[str, str]
) -> None:
    told = {"name": "某人", "phone": "13500009997", "role": "bank.officer"} | fields
    assert post(client_as(admins[0]), "/institution/roles", **told).status_code == 400


def test_a_program_and_its_keys_take_two_people(
    client_as: Clients, platform: Platform, admins: list[Actor]
) -> None:
    one, two = client_as(admins[0]), client_as(admins[1])
    told = {"name": "核心系统", "role": "api.bank", "keys": json.dumps(public(new_key())), "sandbox": "true"}
    assert post(one, "/institution/clients", **told).status_code == 303
    waiting = _waiting(two, "/institution")
    assert post(two, f"/institution/approvals/{waiting}", outcome="approved").status_code == 303
    client_id = re.search(r"/institution/clients/(c-[0-9a-f]+)/keys", one.get("/institution").text)
    assert client_id is not None
    key = new_key()
    changed = post(two, f"/institution/clients/{client_id[1]}/keys", keys=json.dumps(public(key)))
    assert changed.status_code == 303
    post(one, f"/institution/approvals/{_waiting(one, '/institution')}", outcome="approved")
    with platform.database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT * FROM api_client").fetchone()
        assert row is not None
        assert row["sandbox"] is True
        assert row["keys"]["keys"][0]["kid"] == key.kid
    private = json.dumps({"keys": [new_key().as_dict(private=True)]})
    assert post(one, "/institution/clients", **(told | {"keys": private})).status_code == 400
    assert post(one, "/institution/clients", **(told | {"keys": "no json"})).status_code == 400
    assert post(one, f"/institution/clients/{client_id[1]}/end").status_code == 303
    assert post(one, f"/institution/clients/{client_id[1]}/end").status_code == 400 + 4
    other = post(client_as(admins[2]), f"/institution/clients/{client_id[1]}/end")
    assert other.status_code == 404


def test_keys_changed_by_one_alone_are_refused_by_the_database(
    platform: Platform, admins: list[Actor]
) -> None:
    bank = admins[0]
    assert bank.institution is not None
    with platform.database.transaction(SYSTEM) as tx:
        seed.api_client(
            tx,
            institution_id=bank.institution,
            client_id="c-1",
            name="核心系统",
            role="api.bank",
            keys=public(new_key()),
            sandbox=False,
        )
    for change in ("keys = '{}'", "scopes = '{platform.admin}'", "calls_a_day = 9999999", "sandbox = true"):
        with pytest.raises(Exception, match="second person"), platform.database.transaction(bank.scope) as tx:
            tx.execute(f"UPDATE api_client SET {change}")  # type: ignore[arg-type] # noqa: S608 - of the test


def test_a_member_joins_by_two_operators(client_as: Clients, platform: Platform, admins: list[Actor]) -> None:
    one, two = client_as(admins[2]), client_as(admins[3])
    path = "/operator/institutions"
    assert post(one, path, **ADMIT).status_code == 303
    assert "示范九号银行" in two.get(path).text
    waiting = _waiting(two, path)
    assert post(one, f"{path}/approvals/{waiting}", outcome="approved").status_code == 403
    assert post(two, f"{path}/approvals/{waiting}", outcome="approved").status_code == 303
    with platform.database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT * FROM institution WHERE name = '示范九号银行'").fetchone()
        assert row is not None
        assert row["status"] == "active"
        people = tx.execute("SELECT role FROM membership WHERE institution_id = %s", [row["id"]]).fetchall()
        assert [each["role"] for each in people] == ["bank.admin", "bank.admin"]
    assert post(one, f"{path}/{row['id']}/status", to="suspended").status_code == 303
    post(two, f"{path}/approvals/{_waiting(two, path)}", outcome="approved")
    with platform.database.transaction(SYSTEM) as tx:
        person = tx.execute("SELECT id FROM person WHERE name = '甲'").fetchone()
        assert person is not None
        assert hats(tx, person["id"]) == [], "nobody acts for a suspended institution"
    again = post(one, f"{path}/{row['id']}/status", to="suspended")
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"filing_number": ""}, "ACC-FILING"),
        ({"uscc": "1"}, "ACC-USCC"),
        ({"second_phone": "13500000001"}, "ACC-FIRST"),
        ({"kind": "club"}, "ACC-INSTITUTION"),
        ({"filing_expires_on": "soon"}, "ACC-DATE"),
    ],
)
def test_B02_a_member_without_what_it_needs_is_refused(  # noqa: N802 - the requirement's id
    client_as: Clients, admins: list[Actor], fields: dict[str, str], code: str
) -> None:
    answer = post(client_as(admins[2]), "/operator/institutions", **(ADMIT | fields))
    assert answer.status_code == 400
    assert code in answer.text


def test_a_filing_takes_two_operators(client_as: Clients, platform: Platform, admins: list[Actor]) -> None:
    one, two = client_as(admins[2]), client_as(admins[3])
    path = f"/operator/institutions/{admins[0].institution}/filing"
    assert post(one, path, number="示范许可-新", expires_on="2030-12-31").status_code == 303
    waiting = _waiting(two, "/operator/institutions")
    post(two, f"/operator/institutions/approvals/{waiting}", outcome="approved")
    with platform.database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT * FROM institution WHERE id = %s", [admins[0].institution]).fetchone()
    assert row is not None
    assert (row["filing_number"], str(row["filing_expires_on"])) == ("示范许可-新", "2030-12-31")


@pytest.mark.slow
def test_the_pages_stand_in_a_browser(live: Live, browser: Any, admins: list[Actor]) -> None:  # noqa: ANN401 - playwright is optional
    for who, path in (
        (None, "/sign-in"),
        (None, "/register"),
        (None, "/messages"),
        (admins[0], "/institution"),
        (admins[0], "/account"),
        (admins[0], "/account/confirm"),
        (admins[0], "/notices"),
        (admins[2], "/operator/institutions"),
    ):
        with live.page(browser, who) as page:
            page.goto(path)
            assert live.look(page, path.strip("/").replace("/", "-")) == [], path


@pytest.mark.slow
def test_a_passkey_is_made_and_signs_in(database: Any, tmp_path: Path, browser: Any) -> None:  # noqa: ANN401 - playwright is optional
    """With Chromium's own virtual authenticator, and our real sign-in."""
    ring = Keyring({"k1": os.urandom(32)}, "k1")
    real = Platform(database, ring, authenticate, tmp_path, "", generated=True, secure=False)
    app = create_app(real)
    with database.transaction(SYSTEM) as tx:
        seed.person(tx, ring, name="周一", phone="13700000001", password="Seven rivers 7", company_id="C1")  # noqa: S106
    with serving(app) as url:
        address = url.replace("127.0.0.1", "localhost")  # passkeys hold for names, not for numbers
        app.state.platform = replace(real, address=address)
        context = browser.new_context(base_url=address)
        page = context.new_page()
        tool = context.new_cdp_session(page)
        tool.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
        options |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
        tool.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        page.goto("/sign-in?next=/account")
        page.fill("#phone", "13700000001")
        page.fill("#password", "Seven rivers 7")
        page.click("form[action='/sign-in'] button")
        page.wait_for_url(f"{address}/account")
        page.click("form[data-passkey] button")
        page.wait_for_selector("form[action='/account/passkeys/remove']")
        press(page.locator("form[action='/sign-out'] button"))
        page.goto("/sign-in?next=/account")
        page.click("form[data-passkey] button")
        page.wait_for_url(f"{address}/account")
        assert "周一" in page.content()
        context.close()
    with database.transaction(SYSTEM) as tx:
        methods = tx.execute("SELECT method FROM session ORDER BY id").fetchall()
        assert [row["method"] for row in methods] == ["password", "passkey"]
        assert UUID(str(tx.execute("SELECT person_id FROM passkey").fetchall()[0]["person_id"]))
