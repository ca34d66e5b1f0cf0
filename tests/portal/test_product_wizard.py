"""The product wizard: forms and files say the same, faults stand beside their fields, two people open it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.consent.people import institution
from tests.lending.bank import person
from tests.portal.conftest import CSRF
from tests.portal.live import Live, press
from tests.portrait.files import sample_file
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_token
from xinqiao.lending.product import catalog_product, catalog_products, institution_products, put_on_shelf
from xinqiao.lending.product_findings import examine
from xinqiao.lending.product_text import written
from xinqiao.portal import product_pages
from xinqiao.portal.product_costs import costs_of
from xinqiao.portal.product_fields import View
from xinqiao.portal.product_steps import STEPS, Step
from xinqiao.portrait.credit_file import publish

if TYPE_CHECKING:
    from httpx2 import Response
    from playwright.sync_api import Browser, Page

Clients = Callable[[Actor | None], TestClient]
Told = Mapping[str, list[str]]


def cells(view: View) -> Iterator[tuple[str, list[str]]]:
    """What a browser sends of a field left as it is."""
    match view.field.kind:
        case "words":
            yield from ((f"{view.name}/{tongue}", [view.value[tongue]]) for tongue in ("zh", "en"))
        case "bool":
            yield from [(view.name, ["yes"])] if view.value else []
        case "many":
            yield view.name, list(view.value)
        case "rows":
            yield from (each for row in view.rows for cell in row for each in cells(cell))
        case "byname":
            yield from ((f"{view.name}/{name}", [value]) for name, _, value in view.parts)
        case _:
            yield view.name, [view.value]


def form_of(step: Step, data: Mapping[str, Any]) -> dict[str, list[str]]:
    """What a browser sends of a step left as it is."""
    form = dict(each for view in product_pages.views(step, data, ()) for each in cells(view))
    if step.id == "admission":
        used, free, own = product_pages.admission(data, ())
        form["use"] = [choice.id for choice in used]
        form |= {f"with/{c.id}/{g.name}": [g.value] for c in (*used, *free) for g in c.given}
        form |= dict(cells(own))
    if step.id == "limit":
        shown = product_pages.templates(data)
        form["limit/use"] = [next((c.id for c in shown if c.chosen), "")]
        form |= {f"limit/with/{c.id}/{g.name}": [g.value] for c in shown for g in c.given}
        form["limit/formula"] = [str(data["limit"].get("formula", ""))]
    return form


@pytest.mark.parametrize("product", catalog_products())
def test_every_product_of_the_catalog_goes_through_the_forms_unchanged(product: str) -> None:
    known = catalog_product(product)
    data: dict[str, Any] = dict(known.raw)
    for step in STEPS:
        data = product_pages.saved(step, data, form_of(step, data))
    found = examine(written(data))
    assert found.faults == ()
    assert found.product is not None
    assert found.product.file == known.file


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(STEPS), st.data())
def test_whatever_is_typed_the_draft_stays_a_document_and_all_faults_are_told(
    step: Step, data: st.DataObject
) -> None:
    product = catalog_product("premises_mortgage")
    form = form_of(step, product.raw)
    names = data.draw(st.lists(st.sampled_from(sorted(form)), max_size=4))
    printable = st.text(
        st.characters(min_codepoint=32, max_codepoint=0xFFFD, exclude_categories=["Cs", "Cc"]), max_size=12
    )
    form |= {name: [data.draw(printable)] for name in names}
    saved = product_pages.saved(step, product.raw, form)
    text = written(saved)
    found = examine(text)
    assert (found.product is None) == bool(found.faults)
    assert found.data == yaml.safe_load(text)
    costs_of(saved)


# over the application --------------------------------------------------------------------------------


@pytest.fixture
def people(database: Database) -> tuple[Actor, Actor, Actor]:
    own, other = institution(database), institution(database)
    made = (
        person("product", name="产品经理甲", institution=own),
        person("approver", name="审批人乙", institution=own),
        person("product", "approver", name="他行丁", institution=other),
    )
    with database.transaction(SYSTEM) as tx:
        tx.execute("UPDATE institution SET filing_number = 'BA-2026-0007' WHERE id = %s", [own])
        for each in made:
            tx.execute(
                "INSERT INTO person (id, name, made_at) VALUES (%s, %s, now())", [each.person, each.name]
            )
    return made


def send(client: TestClient, path: str, told: Told | None = None, **more: object) -> Response:
    files = {"file": more.pop("file")} if "file" in more else None
    form: dict[str, Any] = {"csrf": CSRF, "once": new_token(), **(told or {})}
    return client.post(path, data=form | {k: str(v) for k, v in more.items()}, files=files)


def begun(client: TestClient, source: str = "") -> str:
    made = send(client, "/bank/products/drafts", source=source)
    assert made.status_code == 303, made.text
    return str(made.headers["location"]).rsplit("/", 1)[0]


def revision(page: str) -> int:
    return int(re.search(r'name="revision" value="(\d+)"', page)[1])  # type: ignore[index] # every step has one


BASICS = {
    "id": ["tea_season"],
    "version": ["1.0"],
    "effective/from": ["2026-01-01"],
    "class": ["guarantee"],
    "pattern": ["season"],
    "name/zh": ["茶季贷"],
    "name/en": ["Tea season loan"],
    "summary/zh": ["茶季收购周转，秋后还本"],
    "summary/en": ["For buying tea, repaid after the season"],
    "audience/zh": ["茶叶加工企业"],
    "audience/en": ["tea makers"],
}


def test_a_product_from_blank_to_the_shelf(
    people: tuple[Actor, Actor, Actor], client_as: Clients, database: Database
) -> None:
    maker, checker, _ = people
    client = client_as(maker)
    at = begun(client)
    first = client.get(f"{at}/basics")
    assert first.status_code == 200
    assert "必填" not in first.text  # nothing was saved yet: nothing is told
    done = send(client, f"{at}/basics", BASICS | {"id": [""]}, revision=1)
    assert done.headers["location"] == f"{at}/basics"
    page = client.get(f"{at}/basics").text
    assert re.search(r'id="f-id"[^>]*aria-invalid="true"', page)
    assert "必填" in page
    done = send(client, f"{at}/basics", BASICS, revision=2)
    assert done.headers["location"] == f"{at}/data"
    stale = send(client, f"{at}/basics", BASICS, revision=2)
    assert stale.status_code == 409
    page = client.get(f"{at}/security").text
    told = {
        "collateral/kinds/0/kind": [""],
        "guarantee/by": ["guarantee_company"],
        "guarantee/share": ["80"],
        "guarantee/joint": ["yes"],
    }
    send(client, f"{at}/security", told, revision=revision(page))
    page = client.get(f"{at}/review").text
    assert "担保意向函" in page  # the guarantor's paper is asked for
    refused = send(client, f"{at}/propose", revision=revision(page))
    assert refused.status_code == 409
    told = {
        "documents": ["business_licence", "guarantee_letter"],
        **{f"authority/{i}/role": [role] for i, role in enumerate(("officer", "approver"))},
        **{f"authority/{i}/limit_cny": [cny] for i, cny in enumerate(("100000", "300,000"))},
        **{f"authority/{i}/rate_min": [rate] for i, rate in enumerate(("4", "3.5"))},
        "flow/mode": ["hybrid"],
        "flow/steps": ["consent", "apply", "screen", "score", "offer", "accept", "contract", "draw"],
    }
    send(client, f"{at}/process", told, revision=revision(page))
    page = client.get(f"{at}/review").text
    assert "产品没有错误" in page
    done = send(client, f"{at}/propose", revision=revision(page), quota_wan="500")
    assert done.headers["location"] == "/bank/products"
    with database.transaction(maker.scope) as tx:
        (offer,) = institution_products(tx, maker.institution)  # type: ignore[arg-type] # a bank's person
    assert (offer.state, offer.product_id, offer.quota_cny) == ("draft", "tea_season", 5_000_000)
    assert send(client, f"/bank/products/{offer.id}/release").status_code == 403
    second = client_as(checker)
    assert "茶季贷" in second.get(f"/bank/products/versions/{offer.id}").text
    assert send(second, f"/bank/products/{offer.id}/release").status_code == 303
    with database.transaction(maker.scope) as tx:
        assert institution_products(tx, maker.institution)[0].state == "open"  # type: ignore[arg-type] # as above


def test_a_new_version_says_what_changed_and_costs_are_live(
    people: tuple[Actor, Actor, Actor], client_as: Clients, database: Database
) -> None:
    maker, checker, stranger = people
    with database.transaction(SYSTEM) as tx:
        offer = put_on_shelf(tx, maker.institution, "flat_quick")  # type: ignore[arg-type] # a bank's person
    client = client_as(maker)
    at = begun(client, str(offer))
    page = client.get(f"{at}/fees").text
    assert "等本等息" in page
    typed = {
        "fees/0/id": ["handling"],
        "fees/0/name/zh": ["手续费"],
        "fees/0/name/en": ["handling"],
        "fees/0/kind": ["upfront"],
        "fees/0/rate": ["3"],
    }
    part = client.post(f"{at}/cost", data={"csrf": CSRF, **typed})
    assert "<html" not in part.text
    assert part.text != client.post(f"{at}/cost", data={"csrf": CSRF}).text
    done = send(client, f"{at}/fees", typed | {"fees/0/rate": ["30"]}, revision=1)
    assert done.status_code == 303
    page = client.get(f"{at}/pricing").text
    assert "24%" in page
    send(client, f"{at}/fees", typed, revision=revision(page))
    page = client.get(f"{at}/review").text
    assert "<code>fees</code>" in page
    assert "1.1" in page
    assert client_as(stranger).get(f"{at}/fees").status_code == 404
    assert client_as(checker).get(f"{at}/fees").status_code == 403


def test_a_file_is_taken_with_its_faults_and_given_back(
    people: tuple[Actor, Actor, Actor], client_as: Clients
) -> None:
    client = client_as(people[0])
    text = catalog_product("power_bill").text
    made = send(client, "/bank/products/drafts/bring", file=("own.yaml", text.encode()))
    at = str(made.headers["location"]).rsplit("/", 1)[0]
    assert client.get(f"{at}/product.yaml").text == text
    faulty = text.replace("usual: 12", "usual: 13")
    assert send(client, f"{at}/text", text=faulty, revision=1).status_code == 303
    assert "13 不在可选期限" in client.get(f"{at}/terms").text
    assert send(client, f"{at}/text", text="a: [", revision=2).status_code == 400
    refused = send(client, "/bank/products/drafts/bring", file=("own.yaml", b"\xff\xfe\x00"))
    assert refused.status_code == 400
    assert send(client, f"{at}/drop").status_code == 303
    assert send(client, f"{at}/text", text=text, revision=2).status_code == 409


def test_a_product_is_tried_on_firms_before_it_is_opened(
    people: tuple[Actor, Actor, Actor], client_as: Clients, database: Database
) -> None:
    maker, _, _ = people
    with database.transaction(SYSTEM) as tx:
        files = [sample_file(f"9133010090{i:07d}T", indicators={"INV28": float(i)}) for i in range(60)]
        publish(tx, files)
    client = client_as(maker)
    at = begun(client, "invoice_micro")
    page = client.get(f"{at}/trial")
    assert page.status_code == 200
    assert "BWB-HISTORY" not in page.text
    assert "<svg" in page.text
    assert "9133010090" not in page.text
    assert "BWB-HISTORY" in client.get(f"{at}/trial?on=own").text
    assert client.get(f"{begun(client)}/trial").status_code == 409


def test_reviews_of_the_year_are_listed(people: tuple[Actor, Actor, Actor], client_as: Clients) -> None:
    assert "没有待办" in client_as(people[1]).get("/bank/annual-reviews").text


def test_the_wizard_in_a_browser(
    live: Live, browser: Browser, people: tuple[Actor, Actor, Actor], database: Database
) -> None:
    maker, _, _ = people
    with database.transaction(SYSTEM) as tx:
        put_on_shelf(tx, maker.institution, "premises_mortgage")  # type: ignore[arg-type] # a bank's person
    with live.page(browser, maker) as page:
        page.goto("/bank/products")
        assert live.look(page, "products-compose") == []
        page.select_option("#f-source", label="目录 catalog · 科技担保贷 Technology guarantee loan")
        press(page.get_by_role("button", name=re.compile("开始编制")))
        _walk(live, page)
        page.goto(page.url)
        assert "产品没有错误" in page.content()


def _walk(live: Live, page: Page) -> None:
    """Every step of the wizard, each saved as it is, but a term that is not on offer."""
    for step in STEPS:
        assert page.url.endswith(f"/{step.id}")
        assert live.look(page, f"wizard-{step.id}") == [], step.id
        if step.id == "terms":
            page.fill("#f-tenor-usual", "13")
            press(page.locator("#step button.primary"))
            assert (
                "13 不在可选期限" in page.locator(".field", has=page.locator("#f-tenor-usual")).inner_text()
            )
            assert live.look(page, "wizard-fault") == []
            page.fill("#f-tenor-usual", "24")
        press(page.locator("#step button.primary"))
    assert live.look(page, "wizard-review") == []
