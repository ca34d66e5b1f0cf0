"""The life of a loan in a real browser: a product is built and opened by two, applied for, signed, drawn,
repaid early, late, and deferred with others; the contract is verified by somebody else's program.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.consent.people import institution
from tests.lending.applying import COMPANY, MODEL, agent_of, scored_file
from tests.lending.bank import person
from tests.portal.enrolled import enrol
from tests.portal.live import DESK, PHONE, Live, press
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database
from xinqiao.portal.product_steps import STEPS
from xinqiao.portrait.credit_file import publish
from xinqiao.servicing import book, day_end
from xinqiao.servicing.business_day import open_next
from xinqiao.servicing.statement import check

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

READING_SECONDS = 2
Open = Callable[[Actor], AbstractContextManager["Page"]]


class Cast:
    """A bank with its people, and a company that wants a loan."""

    def __init__(self, database: Database) -> None:
        self.database, self.bank = database, institution(database)
        self.manager = person("product", name="产品经理甲", institution=self.bank)
        self.officer = person("officer", name="客户经理乙", institution=self.bank)
        self.approver = person("approver", name="审批人丙", institution=self.bank)
        self.company = agent_of()
        enrol(database, self.bank, self.manager, self.officer, self.approver)
        with database.transaction(SYSTEM) as tx:
            tx.execute("UPDATE institution SET filing_number = 'BA-2026-0007' WHERE id = %s", [self.bank])
            told = [self.company.person, self.company.name]
            tx.execute("INSERT INTO person (id, name, made_at) VALUES (%s, %s, now())", told)
            publish(tx, [scored_file(COMPANY)], [(MODEL.model_id, MODEL.to_json())])

    def days_pass(self, until: date) -> None:
        """Day-ends up to ``until``; the days between have none of their own."""
        with self.database.transaction(SYSTEM) as tx:
            open_next(tx, self.bank, until)
        day_end.run(self.database, self.bank, until, workers=1)

    def loan(self) -> book.LoanRow:
        """The one loan there is."""
        with self.database.transaction(SYSTEM) as tx:
            return book.loans(tx)[0]


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_the_life_of_a_loan(database: Database, live: Live, browser: Browser, tmp_path: Path) -> None:
    """The company's people hold a phone, the bank's sit at a desk; every page is looked at in both widths."""
    cast = Cast(database)

    def opened(actor: Actor) -> AbstractContextManager[Page]:
        return live.page(browser, actor, width=PHONE if actor == cast.company else DESK)

    _product(cast, live, opened)
    case = _applied(cast, live, opened)
    _signed(cast, live, opened, case)
    _verified(cast, opened, case, tmp_path / "contract.pdf")
    _drawn(cast, live, opened)
    _repaid_early(cast, live, opened)
    _late(cast, live, opened)
    _deferred(cast, live, opened)
    with database.transaction(SYSTEM) as tx:
        assert check(tx) == []


def _sound(live: Live, page: Page, name: str) -> None:
    assert live.look(page, f"loan-story-{name}") == [], name


def _until(page: Page, words: str) -> None:
    """Load the page again until it says ``words``: no script does it here."""
    for _ in range(80):
        if words in page.inner_text("main"):
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(page.inner_text("main")[:2000])


def _product(cast: Cast, live: Live, opened: Open) -> None:
    """The manager composes a product from the catalog's, step by step; another person opens it."""
    with opened(cast.manager) as page:
        page.goto("/bank/products")
        page.select_option("#f-source", value="invoice_flow")
        press(page.get_by_role("button", name=re.compile("开始编制")))
        for step in STEPS:
            assert page.url.endswith(f"/{step.id}")
            if step.id == "basics":
                page.fill("[name='name/zh']", "示范票易贷")
            if page.locator("[name='flow/forced_reading_seconds']").count():
                page.fill("[name='flow/forced_reading_seconds']", str(READING_SECONDS))
            press(page.locator("#step button.primary"))
        _sound(live, page, "01-product")
        press(page.locator("form[action$='/propose'] button.primary"))
        assert page.locator("form[action$='/release']").count() == 0
    with opened(cast.approver) as page:
        page.goto("/bank/products")
        press(page.locator("form[action$='/release'] button"))
        assert "示范票易贷" in page.inner_text("main")
        _sound(live, page, "02-opened")


def _applied(cast: Cast, live: Live, opened: Open) -> str:
    """The company applies; where a person has to look, two do; it accepts the offer."""
    with opened(cast.company) as page:
        page.goto("/enterprise/products")
        press(page.locator("a[href*='/apply']").first)
        page.fill("[name=amount]", "20")
        page.check("[name=agreed]")
        press(page.locator("main form button.primary"))
        case = page.url.rpartition("/")[2]
        _decided(cast, opened, case)
        _until(page, "接受要约")
        page.check("form[action$='accept'] [name=agreed]")
        press(page.locator("form[action$='accept'] button.primary"))
        _until(page, "待企业签约")
        _sound(live, page, "03-accepted")
    return case


def _decided(cast: Cast, opened: Open, case: str) -> None:
    """A person takes up what the machine did not decide, and another agrees."""
    with opened(cast.officer) as page:
        for _ in range(80):
            page.goto(f"/bank/cases/{case}")
            if page.locator("form[action$='/take']").count():
                break
            if "已出要约" in page.inner_text("main"):
                return
            page.wait_for_timeout(250)
        press(page.locator("form[action$='/take'] button"))
        page.fill("[name=rate_percent]", "5.5")
        press(page.locator("form[action$='/propose'] button.primary"))
    with opened(cast.approver) as page:
        page.goto(f"/bank/cases/{case}")
        press(page.locator("form[action$='/approve'] button.primary"))


def _signed(cast: Cast, live: Live, opened: Open, case: str) -> None:
    """The sheet is read long enough and signed, then the contract by both sides."""
    path = "/contract"
    with opened(cast.company) as page:
        page.goto(f"/enterprise/applications/{case}{path}")
        _sound(live, page, "04-sheet")
        page.wait_for_timeout(READING_SECONDS * 1000 + 300)
        page.reload()
        for form in ("sheet", "sign"):
            page.check(f"form[action$='contract/{form}'] [name=agreed]")
            press(page.locator(f"form[action$='contract/{form}'] button.primary"))
        _sound(live, page, "05-signed")
    with opened(cast.officer) as page:
        page.goto(f"/bank/cases/{case}{path}")
        if page.locator("form[action$='contract/propose']").count():
            press(page.locator("form[action$='contract/propose'] button"))
    with opened(cast.approver) as page:
        page.goto(f"/bank/cases/{case}{path}")
        press(page.locator("form[action$='contract/sign'] button.primary"))
        _sound(live, page, "06-countersigned")


def _verified(cast: Cast, opened: Open, case: str, to: Path) -> None:
    """Poppler's pdfsig, which knows nothing of us, finds two valid signatures over the whole document."""
    with opened(cast.company) as page:
        data = page.context.request.get(f"/enterprise/applications/{case}/contract/contract.pdf").body()
    assert data.startswith(b"%PDF-")
    to.write_bytes(data)
    program = shutil.which("pdfsig")
    if program is None:
        return  # said and skipped by the test of the contract itself
    told = subprocess.run([program, str(to)], capture_output=True, text=True, timeout=60, check=False).stdout
    assert told.count("Signature Validation: Signature is Valid.") == 2, told


def _drawn(cast: Cast, live: Live, opened: Open) -> None:
    with opened(cast.company) as page:
        page.goto("/enterprise/loans")
        _until(page, "可用")
        press(page.locator("a[href*='/enterprise/loans/facilities/'].button").first)
        page.fill("#f-amount", "50000")
        press(page.get_by_role("button", name="算一算要还多少"))
        _sound(live, page, "07-cost")
        page.check("[name=agreed]")
        press(page.get_by_role("button", name="确认提款"))
        assert "50,000.00" in page.inner_text("main")
        _sound(live, page, "08-drawn")


def _repaid_early(cast: Cast, live: Live, opened: Open) -> None:
    before = cast.loan()
    with opened(cast.company) as page:
        page.goto(f"/enterprise/loans/{before.id}/repay?amount=10000&early=smaller")
        assert "节省利息" in page.inner_text("main")
        _sound(live, page, "09-early")
        press(page.locator("form[method=post][action$='/repay'] button.primary"))
        assert "10,000.00" in page.inner_text("main")
    assert cast.loan().principal_cny <= before.principal_cny - 9_000


def _late(cast: Cast, live: Live, opened: Open) -> None:
    """The first due day passes unpaid; five days later the company pays, the penalty too."""
    due = cast.loan().next_due
    assert due is not None
    cast.days_pass(due + timedelta(days=5))
    loan = cast.loan()
    assert loan.days_past_due == 5
    with opened(cast.company) as page:
        page.goto(f"/enterprise/loans/{loan.id}")
        assert "已逾期 5 天" in page.inner_text("main")
        _sound(live, page, "10-late")
        page.goto(f"/enterprise/loans/{loan.id}/repay")
        press(page.get_by_role("button", name="看看效果"))
        press(page.locator("form[method=post][action$='/repay'] button.primary"))
        assert "已逾期" not in page.inner_text("main")
    with opened(cast.officer) as page:
        page.goto(f"/bank/loans/{loan.id}")
        _sound(live, page, "11-bank-loan")


def _deferred(cast: Cast, live: Live, opened: Open) -> None:
    """All loans of the product move by three months, proposed by one and decided by another."""
    before = cast.loan()
    with opened(cast.officer) as page:
        page.goto("/bank/bulk-actions")
        page.fill("#f-months", "3")
        press(page.locator("form[action$='/preview'] button.primary"))
        page.fill("#f-title", "【示范】受灾企业延期三个月")
        _sound(live, page, "12-bulk")
        press(page.locator("form[action='/bank/bulk-actions'] button.primary"))
        at = page.url
    with opened(cast.approver) as page:
        page.goto(at)
        press(page.locator("button[value=approved]"))
        _until(page, "已执行")
        _sound(live, page, "13-bulk-done")
    after = cast.loan()
    assert before.next_due is not None
    assert after.next_due is not None
    assert after.next_due >= before.next_due + timedelta(days=89)
    with opened(cast.company) as page:
        page.goto(f"/enterprise/loans/{after.id}")
        assert "延期 3 个月" in page.inner_text("main")
        _sound(live, page, "14-deferred")
