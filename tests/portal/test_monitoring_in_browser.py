"""Early warning and the portfolio in a real browser: accessible, at both widths, without scripts."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.lending.applying import COMPANY
from tests.monitoring.watched import desk
from tests.portal.live import Live, press
from xinqiao.db.database import SYSTEM, Database
from xinqiao.monitoring.month import keep_months

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_an_officer_works_through_a_warning(live: Live, browser: Browser, database: Database) -> None:
    bank = desk(database)
    bank.grant()
    bank.publish(INV03=0.3, INV02=-0.5, TAX11=3000.0)
    bank.books.day(date(2026, 8, 1))
    with database.transaction(SYSTEM) as tx:
        keep_months(tx, bank.bank, date(2026, 8, 1))
    with live.page(browser, bank.officer) as page:
        page.goto("/bank/monitoring")
        press(page.locator("form[action$='/round'] button"))
        assert live.look(page, "monitoring") == []
        page.goto(f"/bank/monitoring/{COMPANY}")
        assert live.look(page, "borrower") == []
        page.fill("input[name=words]", "已核实，旺季后回落")
        press(page.locator("form[action*='/tasks/'] button"))
        assert "已核实" in page.inner_text("main")
        page.goto("/bank/portfolio?days=30&span=1&shock=epidemic")
        assert live.look(page, "portfolio") == []
