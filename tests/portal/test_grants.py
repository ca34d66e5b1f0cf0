from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

from starlette.testclient import TestClient

from tests.consent.people import COMPANY, OTHER, agent, granted, institution, officer
from tests.portal.conftest import CSRF
from xinqiao.consent.access import permit
from xinqiao.consent.grants import of_company
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import today

Clients = Callable[..., TestClient]


def form(**values: object) -> dict[str, object]:
    return {"csrf": CSRF, "once": str(uuid4()), **values}


def chosen(bank: object, **changes: object) -> dict[str, object]:
    terms: dict[str, object] = {
        "institution": str(bank),
        "purpose": ["credit_decision"],
        "data": ["INV", "SCORE"],
        "until": (today() + timedelta(days=90)).isoformat(),
    }
    return {**terms, **changes}


def signed(client: TestClient, terms: dict[str, object]) -> dict[str, object]:
    """The form as the page of the text hands it out."""
    page = client.get("/enterprise/grants/text", params=terms)  # type: ignore[arg-type]
    assert page.status_code == 200, page.text
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', page.text)
    assert shown is not None
    return form(**terms, shown=shown[1], agreed="yes")


def test_a_grant_is_read_signed_seen_and_withdrawn(client_as: Clients, database: Database) -> None:
    bank = institution(database)
    client = client_as(agent())
    assert "示范一号银行" in client.get("/enterprise/grants/new").text
    answer = client.post("/enterprise/grants", data=signed(client, chosen(bank)))
    assert answer.status_code == 303, answer.text
    with database.transaction(SYSTEM) as tx:
        made = of_company(tx, COMPANY)[0]
    assert made.data_sets == ("INV", "SCORE")
    with database.transaction(officer(bank).scope) as tx:
        permit(tx, officer(bank), COMPANY, "credit_decision")
    page = client.get("/enterprise/grants").text
    assert "李示范" in page
    assert "授信审批" in page
    assert client.post(f"/enterprise/grants/{made.id}/revoke", data=form()).status_code == 303
    with database.transaction(SYSTEM) as tx:
        assert not of_company(tx, COMPANY)[0].in_force
    again = client.post(f"/enterprise/grants/{made.id}/revoke", data=form())
    assert again.status_code == 409
    assert "CST-GRANT-STATE" in again.text


def test_all_banks_at_once_is_refused(client_as: Clients, database: Database) -> None:
    banks = [str(institution(database)) for _ in range(2)]
    client = client_as(agent())
    good = signed(client, chosen(banks[0]))
    for many in (banks, ["all"], ["*"], [""]):
        answer = client.post("/enterprise/grants", data={**good, "once": str(uuid4()), "institution": many})
        assert answer.status_code == 400
        assert "CST-RECEIVER" in answer.text


def test_signing_needs_the_text_and_the_tick(client_as: Clients, database: Database) -> None:
    client = client_as(agent())
    good = signed(client, chosen(institution(database)))
    assert "CST-AGREE" in client.post("/enterprise/grants", data={**good, "agreed": ""}).text
    other = {**good, "once": str(uuid4()), "data": ["INV", "TAX"]}
    assert "CST-SHOWN" in client.post("/enterprise/grants", data=other).text


def test_the_special_text_warns(client_as: Clients, database: Database) -> None:
    bank = institution(database)
    client = client_as(agent())
    assert "企业主个人收入" in client.get("/enterprise/grants/new?kind=special").text
    terms = chosen(bank, kind="special", data=["OWNER_INCOME"])
    assert "不利后果" in client.get("/enterprise/grants/text", params=terms).text  # type: ignore[arg-type]
    assert client.post("/enterprise/grants", data=signed(client, terms)).status_code == 303


def test_another_company_neither_sees_nor_ends_it(client_as: Clients, database: Database) -> None:
    made = granted(database, institution(database))
    stranger = client_as(agent(OTHER))
    assert str(made.id) not in stranger.get("/enterprise/grants").text
    assert stranger.post(f"/enterprise/grants/{made.id}/revoke", data=form()).status_code == 404
    bank = client_as(officer(made.institution))
    assert bank.get("/enterprise/grants").status_code == 403
