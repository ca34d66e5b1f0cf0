"""A company's pages: its credit, matched products, applying, offers; at both widths, without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.lending.applying import COMPANY, TEXT, Town, agent_of, bank_with_product, town
from tests.portal.conftest import CSRF
from tests.portal.live import PHONE, Live, press
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.lending import deciding
from xinqiao.lending.case_state import cases
from xinqiao.lending.product import open_products

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]

PRICEY = TEXT.replace("rate: 0.01", "rate: 0.03")


@pytest.fixture
def firm(database: Database) -> Town:
    """A bank with a product, a company with a file scored by a published model."""
    made = town(database)
    made.file(score={"points": 660.0, "pd": 0.002, "grade": "R1", "contributions": []})
    return made


def _offer_id(firm: Town) -> str:
    with firm.database.transaction(SYSTEM) as tx:
        return str(open_products(tx)[0].id)


def _applied(firm: Town, clients: Clients, **changes: str) -> str:
    """Apply on the page; returns the application's address."""
    client, address = clients(firm.agent), f"/enterprise/products/{_offer_id(firm)}/apply"
    shown = re.search(r'name="shown" value="([0-9a-f]+)"', client.get(address).text)
    assert shown
    form = {"amount": "20", "months": "12", "use": "购买原材料", "agreed": "yes", "shown": shown[1]}
    form |= {"csrf": CSRF, "once": "a", **changes}
    answer = client.post(address, data=form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def _decide(firm: Town) -> None:
    with firm.database.transaction(SYSTEM) as tx:
        waiting = cases(tx, states=["applied"])
    for case in waiting:
        deciding.decide(firm.database, str(case.id))


def test_the_credit_page_explains_the_score(firm: Town, live: Live, browser: Browser) -> None:
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto("/enterprise")
        assert page.get_by_role("heading", name="信用评分").is_visible()
        assert page.get_by_text("R1").first.is_visible()
        assert live.look(page, "enterprise") == []


def test_a_company_without_a_file_is_told_so(client_as: Clients) -> None:
    answer = client_as(agent_of("nobody")).get("/enterprise")
    assert answer.status_code == 200
    assert "还没有生成" in answer.text


def test_a_firm_in_default_gets_no_score(firm: Town, client_as: Clients) -> None:
    firm.file(in_default=True, as_of="2026-06-30", score={"points": 300.0, "pd": 1.0, "grade": "D"})
    text = client_as(firm.agent).get("/enterprise").text
    assert "暂不评分" in text
    assert 'id="h-score"' not in text


def test_products_are_ranked_and_the_others_explained(firm: Town, live: Live, browser: Browser) -> None:
    bank_with_product(firm.database, TEXT.replace("years: 2", "years: 9"))
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto("/enterprise/products?amount=20&months=12")
        assert page.locator("article.product").count() == 1
        assert page.get_by_text("暂不符合").is_visible()
        assert "不少于 9" in page.locator("section.card").last.inner_text()
        assert live.look(page, "enterprise_products") == []


def test_a_sum_that_is_no_number_is_told(firm: Town, client_as: Clients) -> None:
    text = client_as(firm.agent).get("/enterprise/products?amount=abc").text
    assert "请输入数字" in text


def test_apply_and_accept_with_one_click_each(firm: Town, live: Live, browser: Browser) -> None:
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto("/enterprise/products?amount=20&months=12")
        press(page.get_by_role("link", name="申请 Apply for").first)
        assert live.look(page, "enterprise_apply") == []
        page.get_by_role("checkbox").check()
        press(page.get_by_role("button", name="授权并申请"))
        assert page.get_by_text("正在自动审批").is_visible()
        _decide(firm)
        page.goto("/enterprise/applications")
        assert live.look(page, "enterprise_applications") == []
        press(page.get_by_role("link", name="测试贷").last)
        assert live.look(page, "enterprise_offer") == []
        page.get_by_role("checkbox").check()
        press(page.get_by_role("button", name="接受要约"))
        assert page.get_by_text("已接受").first.is_visible()
        assert live.look(page, "enterprise_accepted") == []


def test_a_refusal_gives_reasons_and_a_person_can_be_asked_for(
    firm: Town, live: Live, browser: Browser, client_as: Clients
) -> None:
    firm.file(indicators={"REG01": 1.0}, as_of="2026-06-30")
    address = _applied(firm, client_as)
    _decide(firm)
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto(address)
        assert page.get_by_role("heading", name="为什么没有通过").is_visible()
        assert live.look(page, "enterprise_refused") == []
        page.get_by_label("希望人工考虑的情况").fill("请看新订单")
        press(page.get_by_role("button", name="申请人工复核"))
        assert page.get_by_text("待受理").first.is_visible()


def test_the_grant_covers_that_bank_only_and_what_was_shown(firm: Town, client_as: Clients) -> None:
    _applied(firm, client_as)
    with firm.database.transaction(firm.agent.scope) as tx:
        rows = tx.execute("SELECT institution, purposes, data_sets FROM consent_grant").fetchall()
    assert [(row["institution"], row["purposes"]) for row in rows] == [(firm.bank, ["credit_decision"])]
    assert set(rows[0]["data_sets"]) == {"INV", "SCORE"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"agreed": ""}, "CST-AGREE"),
        ({"shown": "0" * 64}, "CST-SHOWN"),
        ({"amount": "x"}, "LND-ASKED"),
        ({"months": "7"}, "LND-ASKED"),
        ({"need": "x"}, "LND-REQUEST-ABSENT"),
    ],
)
def test_a_fault_leaves_nothing_behind(
    firm: Town, client_as: Clients, changes: dict[str, str], code: str
) -> None:
    client, address = client_as(firm.agent), f"/enterprise/products/{_offer_id(firm)}/apply"
    shown = re.search(r'name="shown" value="([0-9a-f]+)"', client.get(address).text)
    assert shown
    form = {"amount": "20", "months": "12", "use": "我的用途", "agreed": "yes", "shown": shown[1]}
    answer = client.post(address, data={**form, **changes, "csrf": CSRF, "once": "b"})
    assert answer.status_code == 400
    assert code in answer.text
    assert "我的用途" in answer.text  # what was typed is still there
    with firm.database.transaction(firm.agent.scope) as tx:
        assert tx.execute("SELECT id FROM consent_grant").fetchall() == []
        assert cases(tx) == []


def test_sending_the_form_twice_applies_once(firm: Town, client_as: Clients) -> None:
    assert _applied(firm, client_as) == _applied(firm, client_as)
    with firm.database.transaction(firm.agent.scope) as tx:
        assert len(cases(tx)) == 1


def test_another_company_finds_nothing_of_the_first(firm: Town, client_as: Clients) -> None:
    address = _applied(firm, client_as)
    stranger = Actor(
        "enterprise", frozenset({"enterprise.agent"}), "李四", person=firm.agent.person, company="other"
    )
    assert client_as(stranger).get(address).status_code == 404
    assert COMPANY not in client_as(stranger).get("/enterprise/applications").text


def test_offers_of_two_banks_are_compared_by_all_in_cost(firm: Town, client_as: Clients) -> None:
    other = bank_with_product(firm.database, PRICEY)
    first = firm.apply()
    need = firm.see(first).request_id
    firm.apply(institution_id=other, request_id=need)
    _decide(firm)
    text = client_as(firm.agent).get("/enterprise/applications").text
    assert "收到 2 个要约" in text
    costs = [float(c) for c in re.findall(r'data-l="综合年化成本[^"]*">([0-9.]+)%', text)]
    assert len(costs) == 2
    assert costs == sorted(costs)
