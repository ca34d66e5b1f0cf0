"""Yearly reviews of facilities that run longer than a year: what is to be done, and what was found."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.kernel.clock import today
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import annual_review

router = APIRouter()


@router.get("/bank/annual-reviews")
def reviews_page(visit: Annotated[Visit, needs("loan.read")]) -> Response:
    """The reviews of the institution, those to be done first."""
    return visit.page("bank_annual_reviews.html", reviews=annual_review.reviews(visit.tx), day=today())


@router.post("/bank/annual-reviews/{review_id}")
def finish(
    visit: Annotated[Visit, needs("loan.handle")],
    review_id: UUID,
    outcome: Annotated[Literal["kept", "frozen"], Form()],
    note: Annotated[str, Form(max_length=2000)],
) -> Response:
    """What the review found."""

    def work() -> Response:
        annual_review.finish(visit.tx, visit.actor, review_id, outcome, note)
        return RedirectResponse(annual_review.PATH, 303)

    return visit.once(work)
