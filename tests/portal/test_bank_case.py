from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.lending.applying import Town, town
from tests.lending.bank import STRANGER
from tests.portal.live import Live, press
from xinqiao.account.actor import Actor
from xinqiao.db import jobs
from xinqiao.db.database import Database, new_token
from xinqiao.lending import case, document

Clients = Callable[[Actor | None], TestClient]
CSRF = "test-csrf"


@pytest.fixture
def place(database: Database) -> Town:
    return town(database)


def _post(client: TestClient, path: str, **form: object) -> int:
    told = {"csrf": CSRF, "once": new_token(), **form}
    return client.post(path, data=told).status_code


def _version(place: Town, case_id: UUID) -> int:
    return place.see(case_id).version


def test_a_new_application_is_told_and_waits_in_the_queue(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply(amount=400_000))
    page = client_as(place.officer).get("/bank?view=new")
    assert page.status_code == 200
    assert "示范企业011A" in page.text
    assert "400,000.00" in page.text
    assert f"/bank/cases/{found.id}" in client_as(place.officer).get("/notices").text
    assert "示范企业011A" not in client_as(STRANGER).get("/bank?view=new").text


def test_the_jobs_of_cases_are_declared_with_the_pages(app: FastAPI) -> None:
    assert app.routes
    assert {"case.decide", "case.due", "case.sweep"} <= set(jobs.app.tasks)


def test_two_people_decide_in_the_workbench(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply(amount=400_000))
    path = f"/bank/cases/{found.id}"
    officer, approver = client_as(place.officer), client_as(place.approver)
    assert _post(officer, f"{path}/take", version=found.version) == 303
    terms = {
        "amount_cny": "300000",
        "rate_percent": "4.35",
        "term_months": 12,
        "repayment": "equal_instalment",
    }
    assert (
        _post(officer, f"{path}/propose", version=_version(place, found.id), **terms, note="订单充足") == 303
    )
    assert "另一人复核" in officer.get(path).text
    assert _post(officer, f"{path}/approve", version=_version(place, found.id)) == 403
    page = approver.get(path).text
    assert "订单充足" in page
    assert "4.35%" in page
    assert _post(approver, f"{path}/approve", version=_version(place, found.id)) == 303
    assert place.see(found.id).state == "offered"


def test_who_proposed_cannot_agree_even_with_the_right(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply(amount=400_000))
    path, both = f"/bank/cases/{found.id}", client_as(place.approver)
    assert _post(both, f"{path}/take", version=found.version) == 303
    codes = {"codes": ["BUSINESS"]}
    assert _post(both, f"{path}/propose-refusal", version=_version(place, found.id), **codes) == 303
    assert _post(both, f"{path}/approve", version=_version(place, found.id)) == 403
    second = client_as(place.second)
    assert _post(second, f"{path}/send-back", version=_version(place, found.id), note="再核实") == 303
    assert "再核实" in both.get(path).text


def test_an_old_page_changes_nothing(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply(amount=400_000))
    path, client = f"/bank/cases/{found.id}", client_as(place.officer)
    assert _post(client, f"{path}/take", version=found.version) == 303
    assert _post(client, f"{path}/take", version=found.version) == 409
    assert _post(client, f"{path}/propose-refusal", version=1, codes=["USE"]) == 409
    assert _post(client, f"{path}/return", version=_version(place, found.id), wanted="  \n ") == 400
    assert _post(client, f"{path}/return", version=_version(place, found.id), wanted="合同\n对账单") == 303
    assert place.see(found.id).state == "returned"


def test_another_bank_finds_no_case_no_document_no_decision(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply())
    with place.database.transaction(place.agent.scope) as tx:
        handed = document.hand_in(
            tx, place.agent, found.id, found.version, kind="contract", name="../合同.pdf", data=b"%PDF-1.7 x"
        )
    paths = [f"/bank/cases/{found.id}", f"/bank/cases/{found.id}/documents/{handed}"]
    paths.append(f"/bank/cases/{found.id}/decisions/{found.decision_id}")
    for path in paths:
        assert client_as(STRANGER).get(path).status_code == 404
        told = client_as(place.officer).get(path)
        assert told.status_code == 200
    told = client_as(place.officer).get(paths[1])
    assert told.content == b"%PDF-1.7 x"
    assert told.headers["content-disposition"].startswith("attachment")
    assert client_as(STRANGER).get(f"/api/v1/applications/{found.id}").status_code == 404


def test_the_api_tells_applications_and_proposes(place: Town, client_as: Clients) -> None:
    found = place.decide(place.apply(amount=400_000))
    program = Actor("bank", frozenset({"api.bank"}), "核心系统", institution=place.bank, client="core-1")
    client = client_as(program)
    listed = client.get("/api/v1/applications", params={"state": "screened"}).json()
    assert [each["id"] for each in listed["items"]] == [str(found.id)]
    path = f"/api/v1/applications/{found.id}"
    whole = client.get(path).json()
    assert whole["decisions"][0]["record"]["decision_id"] == found.decision_id
    assert [each["transition"] for each in whole["events"]] == ["apply", "screen"]

    def post(verb: str, body: dict[str, object]) -> dict[str, object]:
        answer = client.post(f"{path}/{verb}", json=body, headers={"Idempotency-Key": new_token()})
        assert answer.status_code == 200, answer.text
        told: dict[str, object] = answer.json()
        return told

    taken = post("take", {"version": found.version})
    assert taken["state"] == "in_review"
    body = {"version": taken["version"], "amount_cny": "250000.00", "rate": "0.0455"}
    told = post("offer", body | {"term_months": 12, "repayment": "equal_instalment"})
    assert told["state"] == "proposed"
    assert _post(client_as(place.approver), f"/bank/cases/{found.id}/approve", version=told["version"]) == 303
    assert place.see(found.id).state == "offered"


def test_the_pages_in_a_browser(place: Town, live: Live, browser: object) -> None:
    first = place.decide(place.apply(amount=400_000))
    place.file(indicators={"REG01": 0.5})
    with place.database.transaction(place.agent.scope) as tx:
        case.withdraw(tx, place.agent, first.id, first.version)
    second = place.decide(place.apply(amount=500_000))
    assert second.state == "refused"
    with place.database.transaction(place.agent.scope) as tx:
        case.ask_human(tx, place.agent, second.id, second.version, "有新订单")
    with live.page(browser, place.approver) as page:  # type: ignore[arg-type] # playwright's own
        page.goto("/bank")
        assert live.look(page, "bank-queue") == []
        press(page.get_by_role("link", name="示范企业011A"))
        assert live.look(page, "bank-case") == []
        press(page.get_by_role("button", name="受理"))
        page.get_by_label("金额（元）").fill("100000")
        page.get_by_label("年利率（%）").fill("4.5")
        assert live.look(page, "bank-propose") == []
        press(page.get_by_role("button", name="提交复核").first)
        assert live.look(page, "bank-proposed") == []
    assert place.see(second.id).state == "proposed"
