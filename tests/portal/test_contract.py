from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from tests.lending.applying import Town, agent_of
from tests.lending.bank import STRANGER
from tests.portal.live import Live
from tests.servicing.contracts import TEXT, Desk, desk
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database, new_token
from xinqiao.lending import duty
from xinqiao.portal.platform import Platform
from xinqiao.servicing.contract import find

Clients = Callable[[Actor | None], TestClient]
CSRF = "test-csrf"
PDF = b"%PDF-"


@pytest.fixture
def bench(database: Database, platform: Platform) -> Desk:
    made = desk(database, platform.keyring, TEXT)
    made.draw()
    return made


def _post(client: TestClient, path: str, **form: object) -> int:
    return client.post(path, data={"csrf": CSRF, "once": new_token(), **form}).status_code


def test_company_and_two_of_the_bank_sign_in_the_browser_without_a_script(
    bench: Desk, client_as: Clients
) -> None:
    place, case_id = bench.place, bench.case_id
    company, path = client_as(place.agent), f"/enterprise/applications/{case_id}/contract"
    bank = f"/bank/cases/{case_id}/contract"
    assert _post(company, f"{path}/sign", version=bench.version, agreed="yes") == 400  # the sheet first
    page = company.get(path)
    assert page.status_code == 200
    assert "综合融资成本明示表" in page.text
    assert "服务费" in page.text
    assert _post(company, f"{path}/sheet") == 400  # not ticked
    assert _post(company, f"{path}/sheet", agreed="yes") == 303
    assert _post(company, f"{path}/sign", version=bench.version, agreed="yes") == 303
    officer, second = client_as(place.officer), client_as(place.second)
    assert "提请签署" in officer.get(bank).text
    assert _post(officer, f"{bank}/sign", version=bench.version) == 400
    assert _post(officer, f"{bank}/propose") == 303
    assert "等待另一名有权人签署" in officer.get(bank).text
    assert _post(second, f"{bank}/sign", version=bench.version) == 303
    bench.open_limit()
    assert "额度已启用" in company.get(path).text
    for client, base in ((company, path), (officer, bank)):
        for name in ("sheet", "contract"):
            assert client.get(f"{base}/{name}.pdf").content.startswith(PDF)


def test_nobody_else_sees_or_signs(bench: Desk, client_as: Clients) -> None:
    path = f"/enterprise/applications/{bench.case_id}/contract"
    bank = f"/bank/cases/{bench.case_id}/contract"
    other = client_as(agent_of("91330100900000022B"))
    assert other.get(path).status_code == other.get(f"{path}/contract.pdf").status_code == 404
    stranger = client_as(STRANGER)
    assert stranger.get(bank).status_code == stranger.get(f"{bank}/contract.pdf").status_code == 404
    assert _post(stranger, f"{bank}/sign", version=1) >= 400
    assert client_as(None).get(path).status_code in (303, 401, 403)


def test_the_bank_draws_a_contract_up_itself(
    database: Database, platform: Platform, client_as: Clients
) -> None:
    bench = desk(database, platform.keyring)
    bank = f"/bank/cases/{bench.case_id}/contract"
    officer = client_as(bench.place.officer)
    assert "出具合同" in officer.get(bank).text
    assert _post(officer, f"{bank}/draw-up") == 303
    with database.transaction(bench.place.officer.scope) as tx:
        assert find(tx, bench.case_id) is not None


def test_the_duty_checklist_is_answered_kept_and_exported(bench: Desk, client_as: Clients) -> None:
    place: Town = bench.place
    path = f"/bank/cases/{bench.case_id}/duty"
    officer = client_as(place.officer)
    assert officer.get(path).status_code == 200
    assert _post(officer, path, answer_identity="not_done") == 400  # without a note
    told = {"answer_identity": "done", "answer_security": "not_applicable", "note_security": "=信用贷款"}
    assert _post(officer, path, **told) == 303
    page = officer.get(f"{path}.csv")
    assert page.text.startswith("\ufeff")
    assert "'=信用贷款" in page.text
    with bench.database.transaction(place.officer.scope) as tx:
        assert {c.item for c in duty.checks(tx, bench.case_id)} == {"identity", "security"}
    assert _post(client_as(STRANGER), path, answer_identity="done") == 404


@pytest.mark.slow
def test_contract_pages_read_well_on_phone_and_desktop(bench: Desk, live: Live, browser: object) -> None:
    sites = {
        bench.place.agent: f"/enterprise/applications/{bench.case_id}/contract",
        bench.place.officer: f"/bank/cases/{bench.case_id}/contract",
    }
    for actor, path in sites.items():
        with live.page(browser, actor) as page:  # type: ignore[arg-type] # playwright's own
            page.goto(path)
            assert live.look(page, path.split("/")[1] + "-contract") == []
