"""The pages of early warning and of the portfolio, as an officer uses them."""

from __future__ import annotations

import re
from datetime import date

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.lending.applying import COMPANY
from tests.lending.bank import person
from tests.monitoring.watched import Desk, desk
from tests.portal.conftest import CSRF, sign
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.monitoring.month import keep_months

MONITORING = "/bank/monitoring"
OPERATOR = Actor("operator", frozenset({"operator.analyst"}), "运营戊", person=new_id())


@pytest.fixture
def bank(database: Database) -> Desk:
    found = desk(database)
    found.books.day(date(2026, 8, 1))
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE loan SET days_past_due = 121, unpaid_since = '2026-04-02', class = 'substandard'")
        keep_months(tx, found.bank, date(2026, 8, 1))
    return found


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, follow_redirects=False)


def headers(actor: Actor) -> dict[str, str]:
    return {"x-test-actor": sign(actor)}


def post(client: TestClient, who: Actor, path: str, **form: str) -> int:
    told = form | {"csrf": CSRF, "once": str(new_id())}
    return client.post(path, data=told, headers=headers(who)).status_code


def test_an_officer_looks_checks_and_takes_a_borrower_off_the_list(bank: Desk, client: TestClient) -> None:
    officer = bank.officer
    assert "名单上没有借款人" in client.get(MONITORING, headers=headers(officer)).text
    assert post(client, officer, f"{MONITORING}/round") == 303
    page = client.get(MONITORING, headers=headers(officer)).text
    assert "本行逾期满30天" in page
    assert "30 days overdue here" in page
    own = f"{MONITORING}/{COMPANY}"
    page = client.get(own, headers=headers(officer)).text
    assert "CST-FORBIDDEN" in page
    task = re.search(rf'action="{own}/tasks/([0-9a-f-]+)"', page)
    assert task is not None
    assert post(client, officer, f"{own}/leave", reason="已还") == 409
    assert post(client, officer, f"{own}/tasks/{task[1]}", result="collect", words="") == 400
    assert post(client, officer, f"{own}/tasks/{task[1]}", result="collect", words="已上门，转催收") == 303
    assert "转催收" in client.get(own, headers=headers(officer)).text
    assert post(client, officer, f"{own}/leave", reason="转催收部门") == 303
    assert post(client, officer, f"{own}/watch", level="yellow", reason="继续观察") == 303
    assert "继续观察" in client.get(own, headers=headers(officer)).text


def test_another_bank_and_who_may_only_look_change_nothing(bank: Desk, client: TestClient) -> None:
    stranger = person("officer")
    assert client.get(f"{MONITORING}/{COMPANY}", headers=headers(stranger)).status_code == 404
    assert post(client, stranger, f"{MONITORING}/{COMPANY}/watch", level="red", reason="x") == 404
    product = person("product", institution=bank.bank)
    assert client.get(MONITORING, headers=headers(product)).status_code == 200
    assert post(client, product, f"{MONITORING}/round") == 403


def test_the_portfolio_page_and_its_files(bank: Desk, client: TestClient) -> None:
    page = client.get("/bank/portfolio?days=90&span=1&shock=epidemic", headers=headers(bank.officer))
    assert page.status_code == 200
    for said in ("预期损失", "Vintages", "HHI", "2026Q1", "疫情情景", "31–60 天", "次级"):
        assert said in page.text, said
    assert '<svg class="chart' in page.text
    for name, head in {
        "vintages": "quarter,loans,amount_cny,month_0",
        "rolls": "from,principal_cny",
        "migration": "from,principal_cny",
        "concentration": "dimension,part,name,borrowers,exposure_cny",
    }.items():
        file = client.get(f"/bank/portfolio/{name}.csv", headers=headers(bank.officer))
        assert file.status_code == 200
        assert file.text.removeprefix("\ufeff").startswith(head)
    assert client.get("/bank/portfolio/other.csv", headers=headers(bank.officer)).status_code == 422


def test_an_empty_book_says_so(app: FastAPI, client: TestClient) -> None:
    stranger = person("officer")
    assert app is not None
    assert "还没有贷款" in client.get("/bank/portfolio", headers=headers(stranger)).text
    assert client.get(MONITORING, headers=headers(stranger)).status_code == 200


def test_the_operator_sees_nothing_of_so_few_firms(bank: Desk, client: TestClient) -> None:
    assert bank.loan
    page = client.get("/operator/portfolio", headers=headers(OPERATOR))
    assert page.status_code == 200
    assert "企业太少" in page.text
    assert "12.0万元" not in page.text
    assert client.get("/bank/portfolio", headers=headers(OPERATOR)).status_code == 403
