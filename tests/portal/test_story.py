"""The whole story in a real browser, with real sign-in and the jobs of a running platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.lending.applying import MODEL, scored_file
from tests.portal.live import PHONE, Live, press, serving
from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Proof, give
from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database
from xinqiao.enterprise.resident_id import check_digit
from xinqiao.enterprise.uscc import make_uscc
from xinqiao.kernel.clock import now
from xinqiao.kernel.protect import Keyring
from xinqiao.lending import case
from xinqiao.lending.deciding import decide
from xinqiao.lending.product import catalog_product, put_on_shelf
from xinqiao.portal.app import create_app
from xinqiao.portal.authentication import authenticate
from xinqiao.portal.platform import Platform
from xinqiao.portrait.credit_file import publish

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "Story-pass-1"  # noqa: S105 - of the test
USCC = make_uscc("91", "330102", "MA9G0001")
PRODUCT = "invoice_flow"
FIRST17 = "33010219800101001"
IDENTITY = FIRST17 + check_digit(FIRST17)
OWNER = "示范负责人"


@dataclass
class Story:
    """A platform with a bank, its people, an operator and a company nobody acts for yet."""

    live: Live
    database: Database


def _others(database: Database, ring: Keyring, bank: UUID) -> None:
    """Six more companies apply: no figure is shown of fewer than five."""
    product = catalog_product(PRODUCT)
    for i in range(6):
        key = make_uscc("91", "330102", f"MA9G1{i:03d}")
        with database.transaction(SYSTEM) as tx:
            publish(tx, [scored_file(key)])
            person = seed.person(tx, ring, name=f"示范{i}", phone=f"1980000{i:04d}", company_id=key)
        actor = Actor("enterprise", frozenset({"enterprise.agent"}), "示范", person=person, company=key)
        with database.transaction(actor.scope) as tx:
            grant = give(
                tx,
                actor,
                institution=bank,
                purposes=["credit_decision"],
                data_sets=sorted(product.data_sets),
                proof=Proof("session", now()),
                declared=product.data_sets,
            )
            made = case.apply(
                tx,
                actor,
                institution_id=bank,
                product_id=PRODUCT,
                amount_cny=Decimal(200_000),
                term_months=12,
                use="周转",
                grant_id=grant.id,
            )
        decide(database, str(made))


@pytest.fixture
def story(database: Database, tmp_path: Path) -> Iterator[Story]:
    """The platform, running."""
    ring = Keyring({"k1": bytes(range(32))}, "k1")
    with database.transaction(SYSTEM) as tx:
        filed: dict[str, Any] = {"filing_number": "示范备案 1"}
        operator = seed.institution(tx, kind="operator", name="示范运营方", uscc=_code(1), **filed)
        bank = seed.institution(tx, kind="bank", name="示范银行", uscc=_code(2), **filed)
        people = {"bank.officer": bank, "bank.approver": bank, "operator.admin": operator}
        for i, (role, where) in enumerate(people.items()):
            phone = f"1990000{i:04d}"
            seed.person(
                tx, ring, name=role, phone=phone, password=PASSWORD, institution_id=where, roles=(role,)
            )
        put_on_shelf(tx, bank, PRODUCT)
        put_on_shelf(tx, bank, "tax_large")
        publish(tx, [scored_file(USCC)], [(MODEL.model_id, MODEL.to_json())])
        seed.representative(tx, ring, company_id=USCC, name=OWNER, identity=IDENTITY)
    _others(database, ring, bank)
    with serving(
        create_app(
            Platform(database, ring, authenticate, tmp_path, "http://127.0.0.1", generated=True, secure=False)
        )
    ) as url:
        live = Live(url, lambda _: "")
        with jobs.working(database, ring):
            yield Story(live, database)
        assert live.told == []


def _code(number: int) -> str:
    return make_uscc("91", "330102", f"MA9T{number:04d}")


def _sound(live: Live, page: Page, name: str) -> None:
    assert live.look(page, f"story-{name}") == [], name


def _sign_in(page: Page, phone: str) -> None:
    page.goto("/sign-in")
    form = page.locator("form", has=page.locator("#password"))
    form.locator("[name=phone]").fill(phone)
    form.locator("[name=password]").fill(PASSWORD)
    press(form.locator("button.primary"))


def _register(live: Live, page: Page) -> None:
    page.goto("/")
    _sound(live, page, "01-home")
    page.goto("/register")
    page.fill("#uscc", USCC)
    page.fill("#phone", "13900000001")
    press(page.locator("form button.primary"))
    messages = page.context.new_page()
    messages.goto("/messages")
    code = re.search(r"\b(\d{6})\b", messages.inner_text("main"))
    assert code is not None
    messages.close()
    page.fill("#code", code[1])
    page.fill("#name", OWNER)
    page.fill("#identity", IDENTITY)
    page.fill("#password", PASSWORD)
    _sound(live, page, "02-register")
    press(page.locator("main form button.primary"))
    page.wait_for_url("**/enterprise")


def _apply(live: Live, page: Page, wan: str) -> str:
    page.goto("/enterprise/products")
    _sound(live, page, "04-products")
    press(page.locator("a[href*='/apply']").first)
    page.fill("[name=amount]", wan)
    page.check("[name=agreed]")
    _sound(live, page, "05-apply")
    press(page.locator("main form button.primary"))
    page.wait_for_url("**/enterprise/applications/*")
    return page.url.rpartition("/")[2]


def _until(page: Page, words: str) -> None:
    """Load the page again until it says ``words``: no script does it here."""
    for _ in range(60):
        if words in page.inner_text("main"):
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(page.inner_text("main")[:2000])


@pytest.mark.slow
def test_from_registration_to_the_operators_funnel(story: Story, browser: Browser) -> None:
    """On a phone the company, at a desk the bank and the operator; every page is looked at in both widths."""
    live = story.live
    with live.page(browser, width=PHONE) as company, live.page(browser) as bank:
        _register(live, company)
        _sound(live, company, "03-credit")
        made = _apply(live, company, "40")
        _sign_in(bank, "19900000000")
        bank.wait_for_url("**/bank")
        _until(bank, "示范企业")
        _sound(live, bank, "06-queue")
        bank.goto(f"/bank/cases/{made}")
        _sound(live, bank, "07-case")
        bank.goto(f"/bank/companies/{USCC}?purpose=credit_decision")
        _sound(live, bank, "08-portrait")
        bank.goto(f"/bank/cases/{made}")
        if bank.locator(f"form[action$='{made}/take'] button").count():
            _two_people(live, bank, made)
        company.goto(f"/enterprise/applications/{made}")
        _until(company, "接受要约")
        _sound(live, company, "11-offer")
        company.check("form[action$='accept'] [name=agreed]")
        press(company.locator("form[action$='accept'] button.primary"))
        _until(company, "已接受")
        _sound(live, company, "12-accepted")
        company.goto("/enterprise/grants")
        _sound(live, company, "13-grants")
        _sign_out(bank)
        _sign_in(bank, "19900000002")
        bank.wait_for_url("**/operator")
        _sound(live, bank, "14-operator")
        bank.goto("/operator/funnel")
        _sound(live, bank, "15-funnel")
        assert re.search(r"[5-7]", bank.inner_text("main"))


def _two_people(live: Live, bank: Page, made: str) -> None:
    press(bank.locator(f"form[action$='{made}/take'] button"))
    _sound(live, bank, "09-propose")
    bank.fill("[name=rate_percent]", "5.5")
    press(bank.locator(f"form[action$='{made}/propose'] button.primary"))
    assert bank.locator(f"form[action$='{made}/approve']").count() == 0
    _sign_out(bank)
    _sign_in(bank, "19900000001")
    bank.goto(f"/bank/cases/{made}")
    _sound(live, bank, "10-approve")
    press(bank.locator(f"form[action$='{made}/approve'] button.primary"))


def _sign_out(page: Page) -> None:
    press(page.locator("form[action='/sign-out'] button"))


@pytest.mark.slow
def test_a_refused_company_is_told_why_and_may_ask_for_a_person(story: Story, browser: Browser) -> None:
    live = story.live
    with story.database.transaction(SYSTEM) as tx:
        weak = scored_file(USCC, indicators={"REG10": 1.0, "INV28": 3.0, "INV01": 90_000.0})
        publish(tx, [weak])
        offer = tx.execute("SELECT id FROM institution_product WHERE product_id = %s", [PRODUCT]).fetchone()
    assert offer is not None
    with live.page(browser) as company:
        _register(live, company)
        company.goto(f"/enterprise/products/{offer['id']}/apply")
        company.fill("[name=amount]", "20")
        company.check("[name=agreed]")
        press(company.locator("main form button.primary"))
        _until(company, "申请人工复核")
        _sound(live, company, "16-refused")
        press(company.locator("form[action$='human'] button.primary"))
        _until(company, "人工")
