"""Posted needs on both sides: the firm posts and sees answers, institutions answer with a product."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.enterprise.size import NAMES
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending.need import Need, answer, answers, close, needs, post
from xinqiao.lending.product import institution_products, offered_product
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.enterprise_apply import USES, attempt
from xinqiao.portal.enterprise_products import TERMS, file_of
from xinqiao.portal.groupings import UNKNOWN, division_name, industry_name
from xinqiao.portal.loan_words import wan_of
from xinqiao.portal.visit import Visit
from xinqiao.portal.visit import needs as permission

router = APIRouter()
MINE, THEIRS = "/enterprise/needs", "/bank/needs"


@router.get(MINE)
def my_needs(visit: Annotated[Visit, permission("company.own")]) -> Response:
    """Own needs with their answers, and the form for a new one."""
    return _mine(visit, dict.fromkeys(("amount", "use", "about"), ""))


@router.post(MINE)
def post_need(
    visit: Annotated[Visit, permission("company.act")],
    *,
    amount: Annotated[str, Form(max_length=20)],
    months: Annotated[int, Form()],
    use: Annotated[str, Form(max_length=200)],
    about: Annotated[str, Form(max_length=300)] = "",
    named: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Post a need."""

    def work() -> Response:
        wanted = wan_of(amount)
        if wanted is None:
            fail("LND-ASKED", "amount", detail=amount[:20])
        post(
            visit.tx,
            visit.actor,
            amount_cny=wanted,
            term_months=months,
            use=use,
            about=about,
            named=named == "yes",
            file=file_of(visit.tx, own_company(visit)),
        )
        return RedirectResponse(MINE, 303)

    typed = {"amount": amount, "use": use, "about": about}
    return attempt(visit, work, lambda error: _mine(visit, typed, error))


@router.post(f"{MINE}/{{need_id}}/close")
def close_need(visit: Annotated[Visit, permission("company.act")], need_id: UUID) -> Response:
    """Take no more answers."""

    def work() -> Response:
        close(visit.tx, need_id)
        return RedirectResponse(MINE, 303)

    return visit.once(work)


@router.get(THEIRS)
def posted_needs(visit: Annotated[Visit, permission("case.read")]) -> Response:
    """Open needs, each with the form that answers it."""
    return _theirs(visit)


@router.post(f"{THEIRS}/{{need_id}}")
def answer_need(
    visit: Annotated[Visit, permission("case.handle")],
    need_id: UUID,
    offer: Annotated[UUID, Form()],
    words: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Answer a need with a product."""

    def work() -> Response:
        answer(visit.tx, visit.actor, need_id, offer, words)
        return RedirectResponse(THEIRS, 303)

    return attempt(visit, work, lambda error: _theirs(visit, error))


def _mine(visit: Visit, typed: dict[str, str], error: UserError | None = None) -> Response:
    own_company(visit)
    found = [
        (need, [(each, offered_product(visit.tx, each.offer_id)) for each in answers(visit.tx, need.id)])
        for need in needs(visit.tx)
    ]
    return visit.page(
        "enterprise_needs.html",
        400 if error else 200,
        found=found,
        typed=typed,
        error=error,
        terms=TERMS,
        uses=USES,
    )


def _theirs(visit: Visit, error: UserError | None = None) -> Response:
    own = visit.actor.institution
    shelf = [] if own is None else [o for o in institution_products(visit.tx, own) if o.state == "open"]
    found = [(need, firm_kind(need), answers(visit.tx, need.id)) for need in needs(visit.tx, only_open=True)]
    return visit.page(
        "bank_needs.html",
        400 if error else 200,
        found=found,
        shelf=shelf,
        names={each.id: each.product.file.name for each in shelf},
        may_answer=visit.actor.may("case.handle"),
        error=error,
    )


def firm_kind(need: Need) -> Text:
    """The rough kind of firm behind a need: section, city, size, and its grade where it is named."""
    section = industry_name(need.industry_section or UNKNOWN)
    city = division_name(need.city) if need.city else Text(zh="地区未知", en="place unknown")
    size = NAMES.get(need.size or "UNKNOWN", NAMES["UNKNOWN"])  # type: ignore[call-overload] # any text
    zh = [section.zh, city.zh, f"{size.zh}企业"]
    en = [section.en, city.en, size.en]
    if need.grade:
        zh.append(f"等级 {need.grade}")
        en.append(f"grade {need.grade}")
    return Text(zh=" · ".join(zh), en=" · ".join(en))
