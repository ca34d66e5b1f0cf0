"""The public pages, and posted needs on both sides, at both widths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.lending.applying import Town, town
from tests.portal.live import PHONE, Live, press
from xinqiao.account.actor import Actor
from xinqiao.db.database import Database

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Clients = Callable[[Actor | None], TestClient]


@pytest.fixture
def firm(database: Database) -> Town:
    return town(database)


def test_home_and_shelf(firm: Town, live: Live, browser: Browser) -> None:
    assert firm.bank
    with live.page(browser) as page:
        page.goto("/")
        assert page.get_by_role("heading", name="让信用看得见").is_visible()
        assert live.look(page, "home") == []
        page.goto("/products?kind=credit")
        assert page.get_by_text("测试贷").is_visible()
        assert live.look(page, "home_products") == []


def test_home_sends_people_to_their_own_page(firm: Town, client_as: Clients) -> None:
    assert client_as(firm.agent).get("/").headers["location"] == "/enterprise"
    assert client_as(firm.officer).get("/").headers["location"] == "/bank"


def test_the_shelf_is_empty_of_what_there_is_none_of(firm: Town, client_as: Clients) -> None:
    assert firm.bank
    assert "测试贷" not in client_as(None).get("/products?kind=guarantee").text
    assert client_as(None).get("/products?page=9").status_code == 200


def test_a_need_is_posted_answered_and_leads_to_an_application(
    firm: Town, live: Live, browser: Browser
) -> None:
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto("/enterprise/needs")
        page.get_by_label("金额（万元）").fill("20")
        press(page.get_by_role("button", name="发布"))
        assert page.get_by_text("200,000.00").is_visible()
    with live.page(browser, firm.officer) as page:
        page.goto("/bank/needs")
        page.locator("summary").click()
        page.get_by_label("留言").fill("欢迎申请")
        assert live.look(page, "bank_needs") == []
        press(page.get_by_role("button", name="发送答复"))
        assert page.get_by_text("已答复").is_visible()
    with live.page(browser, firm.agent, width=PHONE) as page:
        page.goto("/enterprise/needs")
        assert live.look(page, "enterprise_needs") == []
        press(page.get_by_role("link", name="申请").last)
        assert page.get_by_label("金额（万元）").input_value() == "20"
        page.get_by_role("checkbox").check()
        press(page.get_by_role("button", name="授权并申请"))
        assert page.get_by_text("正在自动审批").is_visible()


def test_a_bad_sum_keeps_what_was_typed(firm: Town, client_as: Clients) -> None:
    form = {"amount": "许多", "months": "12", "use": "用途甲", "csrf": "test-csrf", "once": "1"}
    answer = client_as(firm.agent).post("/enterprise/needs", data=form)
    assert answer.status_code == 400
    assert "LND-ASKED" in answer.text
    assert "用途甲" in answer.text
