"""The bank's own data and card: uploaded, agreed to by a second person, validated on its own outcomes."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import File, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.lending import own_card, own_data
from xinqiao.lending.own_validation import LEAST, validate
from xinqiao.lending.upload import COMPANY, MOST_BYTES, SAID
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PATH = "/bank/scorecards"
Reads = Annotated[Visit, needs("case.read")]
Edits = Annotated[Visit, needs("product.edit")]
Releases = Annotated[Visit, needs("product.release")]
Upload = Annotated[UploadFile, File()]


def sent(file: UploadFile) -> tuple[bytes, str]:
    """An upload, read no further than its limit needs, and its name."""
    return file.file.read(MOST_BYTES + 1), (file.filename or "upload").replace("\\", "/").rsplit("/", 1)[-1]


def _back() -> Response:
    return RedirectResponse(PATH, 303)


@router.get("/bank/scorecards")
def scorecards_page(visit: Reads) -> Response:
    """What the bank has uploaded, and the card that counts."""
    institution, data = own_institution(visit), own_data.in_use(visit.tx)
    return visit.page(
        "bank_scorecards.html",
        data=data,
        summary=[] if data is None else own_data.summary(visit.tx, data),
        uploads=own_data.uploads(visit.tx),
        cards=own_card.cards(visit.tx),
        current=own_card.current(visit.tx, institution),
        limits=SAID,
        names=COMPANY,
    )


@router.post("/bank/scorecards/data")
def upload_data(visit: Edits, file: Upload) -> Response:
    """Replace the bank's own data."""
    data, name = sent(file)

    def work() -> Response:
        own_data.upload(visit.tx, visit.actor, data, name)
        return _back()

    return visit.once(work)


@router.post("/bank/scorecards/cards")
def upload_card(visit: Edits, file: Upload) -> Response:
    """Propose a card."""
    data, name = sent(file)

    def work() -> Response:
        own_card.propose(visit.tx, visit.actor, data, name)
        return _back()

    return visit.once(work)


@router.post("/bank/scorecards/cards/{card_id}/agree")
def agree(visit: Releases, card_id: UUID) -> Response:
    """Use a card from now on, as the second person."""

    def work() -> Response:
        own_card.agree(visit.tx, visit.actor, card_id)
        return _back()

    return visit.once(work)


@router.post("/bank/scorecards/stop")
def stop(visit: Releases) -> Response:
    """Use no own card from now on."""

    def work() -> Response:
        own_card.stop(visit.tx, visit.actor)
        return _back()

    return visit.once(work)


@router.get("/bank/scorecards/template.csv")
def template(visit: Reads) -> Response:  # noqa: ARG001 - the permission is its own
    """A points table to begin with."""
    headers = {"Content-Disposition": 'attachment; filename="points.csv"'}
    return Response("\ufeff" + own_card.TEMPLATE, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/bank/scorecards/cards/{card_id}/validate")
def validation_page(visit: Annotated[Visit, needs("portrait.read")], card_id: UUID) -> Response:
    """Measure a card on the bank's labels; a POST, since it reads files under grants and logs each."""

    def work() -> Response:
        found = own_card.one(visit.tx, card_id)
        told = validate(visit.tx, visit.actor, found.card)
        return visit.page("bank_validation.html", card=found, told=told, least=LEAST)

    return visit.once(work)
