"""The pages of loans in a real browser, at both widths, with what is late, waiting and asked for on them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.portal.live import PHONE, Live, press
from tests.portal.test_loans import lent
from tests.servicing.lent import START, Books
from xinqiao.servicing import deferral, measure

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["lent"]


@pytest.mark.slow
def test_every_page_of_loans_stands(lent: Books, live: Live, browser: Browser) -> None:
    facility = lent.facility()
    loan = lent.draw(facility, 120_000, months=12)
    lent.day(START + timedelta(days=75))
    lent.repay(loan, 1_000)
    firm, officer, second = lent.place.agent, lent.place.officer, lent.place.second
    with lent.database.transaction(firm.scope) as tx:
        deferral.ask(tx, firm, loan, 3, "下游回款延后")
    with lent.database.transaction(officer.scope) as tx:
        measure.propose(tx, officer, loan, {"kind": "rate_change", "rate": "0.04"}, reason="优惠")
    own = ("/enterprise/loans", f"/enterprise/loans/facilities/{facility}", f"/enterprise/loans/{loan}")
    more = (
        f"/enterprise/loans/{loan}/repay?amount=20000&early=smaller",
        f"/enterprise/loans/{loan}/statement",
    )
    bank = (
        "/bank/loans",
        "/bank/loans?view=overdue",
        f"/bank/loans/{loan}",
        "/bank/limits",
        f"/bank/loans/{loan}/statement",
    )
    for actor, paths in ((firm, own + more), (second, bank)):
        with live.page(browser, actor) as page:
            for path in paths:
                page.goto(path)
                name = path.split("?")[0].replace(str(loan), "one").replace("/", "-")
                assert live.look(page, f"loans{name}") == [], path


@pytest.mark.slow
def test_a_company_draws_after_seeing_the_cost(lent: Books, live: Live, browser: Browser) -> None:
    facility = lent.facility()
    with live.page(browser, lent.place.agent, width=PHONE) as page:
        page.goto(f"/enterprise/loans/facilities/{facility}")
        page.get_by_label("金额（元）").fill("80000")
        press(page.get_by_role("button", name="算一算要还多少"))
        assert page.get_by_text("综合年化成本").first.is_visible()
        assert live.look(page, "loans-draw") == []
        page.get_by_role("checkbox").check()
        press(page.get_by_role("button", name="确认提款"))
        assert page.get_by_text("80,000.00").first.is_visible()
