"""The bank's work queue: /bank."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from xinqiao.account.notice import unread
from xinqiao.lending import deadline, deciding  # noqa: F401 - their jobs are declared by importing them
from xinqiao.lending.queue import MOST, VIEWS, View, counts, queue
from xinqiao.portal.loan_words import STATE_KINDS
from xinqiao.portal.visit import Visit, needs

router = APIRouter()


@router.get("/bank", include_in_schema=False)
def bank_queue(
    visit: Annotated[Visit, needs("case.read")],
    view: Annotated[View, Query()] = "open",
    after: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """What waits for the institution, the most urgent first."""
    lines = queue(visit.tx, visit.actor, view, after=after)
    return visit.page(
        "bank_queue.html",
        lines=lines,
        view=view,
        views=VIEWS,
        counts=counts(visit.tx, visit.actor),
        following=after + MOST if len(lines) == MOST else None,
        notices=unread(visit.tx, visit.actor),
        kinds=STATE_KINDS,
    )
