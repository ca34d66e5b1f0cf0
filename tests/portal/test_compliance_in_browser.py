"""Pages of consent and compliance in a real browser: accessible, at both widths, without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.consent.people import COMPANY, agent, granted, institution, officer
from tests.consent.test_watch import operator, reads
from tests.portal.live import PHONE, Live, press
from xinqiao.consent import objections, records, requests, supply, watch
from xinqiao.consent.access import permit
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel.clock import today

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def told(database: Database) -> None:
    """A firm with grants, reads, objections and complaints."""
    bank, owner = institution(database), agent()
    granted(database, bank)
    with database.transaction(officer(bank).scope) as tx:
        permit(tx, officer(bank), COMPANY, "credit_decision")
    with database.transaction(owner.scope) as tx:
        objections.raise_objection(tx, owner, "INV", "红冲发票重复计入，正确金额见附表")
        requests.ask(tx, owner, "complaint", "未经同意来电", bank)
    with database.transaction(SYSTEM) as tx:
        watch.agree(tx, bank, 1)
    reads(database, bank, 20)
    with database.transaction(SYSTEM) as tx:
        watch.watch(tx)


def test_a_firm_s_pages(live: Live, browser: Browser, database: Database) -> None:
    told(database)
    with live.page(browser, agent(), width=PHONE) as page:
        for path, name in (
            ("/enterprise/grants", "grants"),
            ("/enterprise/grants/new", "grant-new"),
            ("/enterprise/objections", "objections"),
        ):
            page.goto(path)
            assert live.look(page, name) == [], path
        page.goto("/enterprise/grants/new")
        press(page.locator("form.card button.primary"))
        assert live.look(page, "grant-text") == []
        page.check("input[name=agreed]")
        press(page.locator("form.card button.primary"))
        assert page.url.endswith("/enterprise/grants")
        assert page.locator(".badge.good").count() == 2


def test_the_operator_s_pages_and_the_disclosure(live: Live, browser: Browser, database: Database) -> None:
    told(database)
    admin, holder = operator(database), institution(database, "holder")
    with database.transaction(admin.scope) as tx:
        supply.agree(tx, holder, ["TAX"], begins_on=today(), ends_on=today(), duties="来源合法")
        records.add(tx, admin, "officer", "任命", {"post": "个人信息保护负责人", "who": "王示范"})
    with live.page(browser, admin) as page:
        for path, name in (
            ("/operator/compliance", "compliance"),
            ("/operator/compliance/file", "compliance-file"),
            ("/operator/compliance/chain", "compliance-chain"),
            ("/disclosure", "disclosure"),
        ):
            page.goto(path)
            assert live.look(page, name) == [], path
