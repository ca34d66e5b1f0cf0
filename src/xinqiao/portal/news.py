"""Policy news: the firm reads what concerns it and chooses what it is told; the operator publishes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.lending.push import Choice, choice, choose, news, publish_news
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.visit import Visit, needs
from xinqiao.portrait.credit_file import latest

router = APIRouter()
MINE, THEIRS = "/enterprise/news", "/operator/news"


@router.get(MINE)
def my_news(visit: Annotated[Visit, needs("company.own")]) -> Response:
    """News that concerns the firm, and what it wants to be told."""
    company = own_company(visit)
    try:
        file = latest(visit.tx, company)
        found = [each for each in news(visit.tx) if each.concerns(file)]
    except UserError:  # no file yet: nothing is known of the firm, so all news may concern it
        found = news(visit.tx)
    return visit.page("enterprise_news.html", found=found, wanted=choice(visit.tx, company))


@router.post(f"{MINE}/choice")
def choose_news(
    visit: Annotated[Visit, needs("company.act")],
    told_news: Annotated[str, Form(alias="news", max_length=3)] = "",
    products: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Switch kinds of message on or off."""
    own_company(visit)

    def work() -> Response:
        choose(visit.tx, visit.actor, Choice(news=told_news == "yes", products=products == "yes"))
        return RedirectResponse(MINE, 303)

    return visit.once(work)


@router.get(THEIRS)
def all_news(visit: Annotated[Visit, needs("platform.admin")]) -> Response:
    """All news, and the form for more."""
    return visit.page("operator_news.html", found=news(visit.tx))


@router.post(THEIRS)
def post_news(
    visit: Annotated[Visit, needs("platform.admin")],
    *,
    title_zh: Annotated[str, Form(max_length=200)],
    title_en: Annotated[str, Form(max_length=300)],
    body_zh: Annotated[str, Form(max_length=5000)],
    body_en: Annotated[str, Form(max_length=8000)],
    sections: Annotated[str, Form(max_length=100)] = "",
    divisions: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Publish news for industry sections and division prefixes; none are everybody."""

    def work() -> Response:
        publish_news(
            visit.tx,
            visit.actor,
            title=Text(zh=title_zh, en=title_en),
            body=Text(zh=body_zh, en=body_en),
            sections=sections.upper().split(),
            divisions=divisions.split(),
        )
        return RedirectResponse(THEIRS, 303)

    return visit.once(work)
