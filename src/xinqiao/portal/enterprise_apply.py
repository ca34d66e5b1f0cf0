"""Applying: one page with the terms and the grant to that one institution, one click, one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query
from fastapi.routing import APIRouter
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from xinqiao.account.sign_in import check_again
from xinqiao.consent.draft import Draft, Terms, draft
from xinqiao.consent.grants import FRESH, Proof, give, last_day
from xinqiao.consent.terms import data_sets, open_sets, ordinary_sets
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail, user_error
from xinqiao.lending.case import apply
from xinqiao.lending.cost import METHOD, cost_of
from xinqiao.lending.matching import Request, nearest_term
from xinqiao.lending.product import Offered, Product, offered_product
from xinqiao.policy.format import Input
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.enterprise_products import file_of, matched
from xinqiao.portal.loan_words import CLASSES, DRAWDOWNS, REPAYMENTS, wan_of
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
GRANT_DAYS = 180
PURPOSES = ("credit_decision",)
USES = ("购买原材料", "支付货款", "发放工资", "设备购置", "租金与水电", "其他经营周转")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form holds, as typed, so that a fault does not cost the typing."""

    amount: str = ""
    months: int = 0
    use: str = ""
    need: str = ""


def sets_of(offer: Offered) -> tuple[str, ...]:
    """The data sets the product reads that need a grant; never more."""
    data = offer.product.file.data
    return tuple(sorted({*data.needs, *data.helps, "SCORE"} & ordinary_sets() - open_sets()))


def drafted(visit: Visit, offer: Offered) -> Draft:
    """The grant this application needs: to that institution, for the decision, of what the product reads."""
    terms = Terms.of(
        own_company(visit),
        offer.institution_id,
        kind="ordinary",
        for_=PURPOSES,
        sets=sets_of(offer),
        until=last_day(GRANT_DAYS),
    )
    return draft(visit.tx, terms)


def attempt(visit: Visit, work: Callable[[], Response], again: Callable[[UserError], Response]) -> Response:
    """Do ``work`` once; where it fails nothing of it stays and ``again`` shows the form with the fault."""
    try:
        with visit.tx.transaction():
            return visit.once(work)
    except UserError as error:
        return again(error)


@router.get("/enterprise/products/{offer_id}/apply")
def apply_page(
    visit: Annotated[Visit, needs("company.act")],
    offer_id: UUID,
    amount: Annotated[str, Query(max_length=20)] = "",
    months: Annotated[int, Query(ge=0, le=360)] = 0,
    need: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Terms, pre-estimate, and the grant's whole text."""
    return _page(visit, offer_id, Asked(amount, months, "", need))


@router.post("/enterprise/products/{offer_id}/apply")
def apply_now(
    visit: Annotated[Visit, needs("company.act")],
    offer_id: UUID,
    *,
    amount: Annotated[str, Form(max_length=20)],
    months: Annotated[int, Form()],
    use: Annotated[str, Form(max_length=200)],
    shown: Annotated[str, Form(max_length=64)],
    agreed: Annotated[str, Form(max_length=3)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    need: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Grant and apply in one transaction; the automatic decision follows in seconds."""
    asked = Asked(amount, months, use, need)
    refused = confirm(visit, password)
    if refused is not None:
        return _page(visit, offer_id, asked, refused)

    def work() -> Response:
        if agreed != "yes":
            fail("CST-AGREE", "agreed")
        offer = offered_product(visit.tx, offer_id)
        grant = give(
            visit.tx,
            visit.actor,
            institution=offer.institution_id,
            purposes=PURPOSES,
            data_sets=sets_of(offer),
            proof=Proof("session", visit.confirmed_at or now()),
            until=last_day(GRANT_DAYS),
            shown=shown,
        )
        case_id = apply(
            visit.tx,
            visit.actor,
            institution_id=offer.institution_id,
            product_id=offer.product_id,
            amount_cny=_sum(amount),
            term_months=months,
            use=use,
            grant_id=grant.id,
            request_id=_need(need),
            answers=answers_of(offer.product, visit.request.state.form),
        )
        return RedirectResponse(f"/enterprise/applications/{case_id}", 303)

    return attempt(visit, work, lambda error: _page(visit, offer_id, asked, error))


def answers_of(product: Product, form: FormData) -> dict[str, Any]:
    """What the form tells of the product's own questions (fields ``ask_NAME``); blank ones are left out.

    Raises UserError LND-ASKED for a number that is none.
    """
    told: dict[str, Any] = {}
    for name, item in product.questions.items():
        text = form.get(f"ask_{name}")
        if isinstance(text, str) and text.strip():
            told[name] = _answer(item, text.strip(), name)
    return told


def _answer(item: Input, text: str, name: str) -> str | float | bool:
    if item.type == "bool":
        return text == "yes"
    if item.type in ("text", "date", "grade"):
        return text[:200]
    try:
        return float(text) / (100 if item.type == "ratio" else 1)
    except ValueError:
        fail("LND-ASKED", name, detail=text[:20])


def confirm(visit: Visit, password: str) -> UserError | None:
    """A signature needs a fresh sign-in; an older one is renewed by the password given with the form."""
    if not stale(visit):
        return None
    if visit.actor.person is None:
        return user_error("ACC-CONFIRM", "password")
    refused = check_again(visit.tx, visit.actor.person, password)
    if refused is None:
        visit.confirmed_at = now()
    return refused


def stale(visit: Visit) -> bool:
    """Whether the person has to prove again who they are before they sign."""
    return visit.confirmed_at is None or now() - visit.confirmed_at > FRESH


def _sum(amount: str) -> Decimal:
    wanted = wan_of(amount)
    if wanted is None:
        fail("LND-ASKED", "amount", detail=amount[:20])
    return wanted


def _need(need: str) -> UUID | None:
    try:
        return UUID(need) if need else None
    except ValueError:
        fail("LND-REQUEST-ABSENT", need[:40])


def _page(visit: Visit, offer_id: UUID, asked: Asked, error: UserError | None = None) -> Response:
    offer = offered_product(visit.tx, offer_id)
    if offer.state != "open":
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer.product_id, known="/enterprise/products")
    file = file_of(visit.tx, own_company(visit))
    wanted = Request(amount_cny=wan_of(asked.amount), term_months=asked.months or None)
    found = matched(visit.tx, file, wanted) if file else None
    match = next((m for m in found.ranked if m.offer and m.offer.id == offer_id), None) if found else None
    product = offer.product.file
    sample = cost_of(
        Decimal(100_000),
        product.pricing.max,
        product.tenor.usual,
        product.repayment.ways[0],
        product.fees,
        plan=product.repayment,
    )
    paper = drafted(visit, offer)
    return visit.page(
        "enterprise_apply.html",
        400 if error else 200,
        offer=offer,
        product=product,
        match=match,
        most=sample.nominal,
        asked=asked,
        months=asked.months or (match.term_months if match else nearest_term(offer.product, None)),
        error=error,
        stale=stale(visit),
        draft=paper,
        sets=[data_sets()[code].name for code in paper.terms.data_sets],
        paragraphs=list(zip(paper.text.zh.split("\n"), paper.text.en.split("\n"), strict=True)),
        uses=USES,
        questions=offer.product.questions,
        told=getattr(visit.request.state, "form", {}),
        method=METHOD,
        classes=CLASSES,
        repayments=REPAYMENTS,
        drawdowns=DRAWDOWNS,
    )
