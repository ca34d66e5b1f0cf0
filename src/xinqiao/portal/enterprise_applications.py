"""A firm's applications: where each stands and until when, all offers by cost, and what the firm can do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import File, Form, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending import case as cases_
from xinqiao.lending import offer as offers_
from xinqiao.lending.case_event import Event, events
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case, cases, get
from xinqiao.lending.cost import METHOD, cost_of
from xinqiao.lending.document import MOST_BYTES, documents, hand_in
from xinqiao.lending.hand_on import Next, agree_next, agreed, can_hand_on, choices, hand_on
from xinqiao.lending.machine import machine
from xinqiao.lending.offer_state import Offer, offers
from xinqiao.lending.product import Product
from xinqiao.portal.enterprise import own_company
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.grants import names
from xinqiao.portal.loan_words import REPAYMENTS, STATE_KINDS
from xinqiao.portal.visit import Visit, needs

router = APIRouter()
PAGE = "/enterprise/applications"
Act = Annotated[Visit, needs("company.act")]
Words = Annotated[str, Form(max_length=400)]
STEPS = (
    (Text(zh="提交", en="Submitted"), ("applied",)),
    (
        Text(zh="审批", en="Decision"),
        ("screened", "in_review", "proposed", "returned", "refused", "handed_on"),
    ),
    (Text(zh="要约", en="Offer"), ("offered", "declined", "expired")),
    (Text(zh="签约", en="Contract"), ("accepted", "contracted", "half_signed", "signed")),
    (Text(zh="启用", en="In force"), ("active", "closed")),
)
ENDED = {"refused", "declined", "expired", "withdrawn", "handed_on"}
DONE = {"active", "closed"}
WITH_THE_BANK = {"applied", "screened", "in_review", "proposed"}
MARKED = {"offered", "accepted", "signed", "active", "refused"}


@dataclass(frozen=True, slots=True)
class Shown:
    """An application with the words around it."""

    case: Case
    product: Text
    institution: Text
    kind: str


@dataclass(frozen=True, slots=True)
class Bid:
    """An offer beside others: what it costs in all."""

    offer: Offer
    product: Text
    institution: Text
    repayment: Text
    interest_cny: str
    fees: tuple[tuple[Text, str], ...]
    effective: float


@router.get(PAGE)
def applications_page(visit: Annotated[Visit, needs("company.own")]) -> Response:
    """Open offers of each need side by side, then all applications."""
    own_company(visit)
    known = names(visit.tx)
    listed = [_shown(visit.tx, case, known) for case in cases(visit.tx)]
    bids: dict[UUID, list[Bid]] = defaultdict(list)
    for offer in offers(visit.tx):
        if offer.state == "open":
            bids[offer.request_id].append(_bid(visit.tx, offer, known))
    return visit.page(
        "enterprise_applications.html",
        listed=listed,
        needs=[(cases_.request(visit.tx, key), found) for key, found in bids.items()],
        method=METHOD,
    )


@router.get(f"{PAGE}/{{case_id}}")
def application_page(visit: Annotated[Visit, needs("company.own")], case_id: UUID) -> Response:
    """One application."""
    return _page(visit, case_id)


@router.post(f"{PAGE}/{{case_id}}/accept")
def accept(visit: Act, case_id: UUID, offer: Annotated[UUID, Form()], agreed: Words = "") -> Response:
    """Take the offer."""

    def work() -> None:
        if agreed != "yes":
            fail("CST-AGREE", "agreed")
        offers_.accept(visit.tx, visit.actor, offer)

    return _do(visit, case_id, work)


@router.post(f"{PAGE}/{{case_id}}/decline")
def decline(visit: Act, case_id: UUID, offer: Annotated[UUID, Form()], why: Words = "") -> Response:
    """Leave the offer."""
    return _do(visit, case_id, lambda: offers_.decline(visit.tx, visit.actor, offer, why))


@router.post(f"{PAGE}/{{case_id}}/withdraw")
def withdraw(visit: Act, case_id: UUID, version: Annotated[int, Form()], why: Words = "") -> Response:
    """Take the application back."""
    return _do(visit, case_id, lambda: cases_.withdraw(visit.tx, visit.actor, case_id, version, why))


@router.post(f"{PAGE}/{{case_id}}/resubmit")
def resubmit(visit: Act, case_id: UUID, version: Annotated[int, Form()]) -> Response:
    """Hand in again what was returned."""
    return _do(visit, case_id, lambda: cases_.resubmit(visit.tx, visit.actor, case_id, version))


@router.post(f"{PAGE}/{{case_id}}/human")
def ask_human(visit: Act, case_id: UUID, version: Annotated[int, Form()], why: Words = "") -> Response:
    """Ask that a person looks at what was refused automatically."""
    return _do(visit, case_id, lambda: cases_.ask_human(visit.tx, visit.actor, case_id, version, why))


@router.post(f"{PAGE}/{{case_id}}/documents")
def add_document(
    visit: Act,
    case_id: UUID,
    version: Annotated[int, Form()],
    kind: Annotated[str, Form(max_length=80)],
    file: Annotated[UploadFile, File()],
) -> Response:
    """Hand in one document."""
    data = file.file.read(MOST_BYTES + 1)

    def work() -> None:
        name = file.filename or "document"
        hand_in(visit.tx, visit.actor, case_id, version, kind=kind, name=name, data=data)

    return _do(visit, case_id, work)


@router.post(f"{PAGE}/{{case_id}}/hand-on")
def hand_on_now(
    visit: Act, case_id: UUID, version: Annotated[int, Form()], to: Annotated[str, Form(max_length=200)]
) -> Response:
    """Take a late application to another institution."""
    return _do(visit, case_id, lambda: hand_on(visit.tx, visit.actor, case_id, version, _wish(visit, to)))


@router.post(f"{PAGE}/{{case_id}}/next")
def agree_on_next(
    visit: Act,
    case_id: UUID,
    to: Annotated[list[str], Form(max_length=5)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Agree where the application goes if the institution is late."""

    def work() -> None:
        agree_next(visit.tx, visit.actor, case_id, [_wish(visit, each) for each in to])

    return _do(visit, case_id, work)


def _wish(visit: Visit, told: str) -> Next:
    """A choice of the page: institution, product and grant."""
    institution, _, rest = told.partition("/")
    product, _, grant = rest.partition("/")
    try:
        return Next(UUID(institution), product, UUID(grant))
    except ValueError:
        fail("LND-GRANT-FORBIDDEN", str(visit.actor.company))


def _agreed(tx: Tx, case_id: UUID) -> list[Text]:
    known = names(tx)
    return [known[wish.institution_id] for wish in agreed(tx, case_id)]


def _do(visit: Visit, case_id: UUID, act: Callable[[], object]) -> Response:
    """Act once and show the application again, with the fault where there is one."""

    def work() -> Response:
        act()
        return RedirectResponse(f"{PAGE}/{case_id}", 303)

    return attempt(visit, work, lambda error: _page(visit, case_id, error))


def _page(visit: Visit, case_id: UUID, error: UserError | None = None) -> Response:
    own_company(visit)
    case, known = get(visit.tx, case_id), names(visit.tx)
    past = events(visit.tx, case_id)
    product = product_of(visit.tx, case.institution_id, case.product_id, case.product_version)
    return visit.page(
        "enterprise_application.html",
        400 if error else 200,
        shown=_shown(visit.tx, case, known),
        case=case,
        product=product.file,
        bids=[_bid(visit.tx, offer, known) for offer in offers(visit.tx, case_id=case_id)],
        past=[(event, _kind(event)) for event in reversed(past)],
        reasons=list(_reasons(case, past)),
        wanted=list(_wanted(case, past)),
        papers=documents(visit.tx, case_id),
        steps=list(_steps(case)),
        onward=choices(visit.tx, case) if case.state in WITH_THE_BANK else [],
        late=can_hand_on(case),
        agreed=_agreed(visit.tx, case_id),
        can=_can(case),
        error=error,
        method=METHOD,
    )


def _shown(tx: Tx, case: Case, known: dict[UUID, Text]) -> Shown:
    product = product_of(tx, case.institution_id, case.product_id, case.product_version)
    return Shown(case, product.file.name, known[case.institution_id], STATE_KINDS.get(case.state, ""))


def _bid(tx: Tx, offer: Offer, known: dict[UUID, Text]) -> Bid:
    product: Product = product_of(tx, offer.institution_id, offer.product_id, offer.product_version)
    file = product.file
    cost = cost_of(
        offer.amount_cny,
        offer.rate,
        offer.term_months,
        offer.repayment,  # type: ignore[arg-type] # a way of repayment, as it was offered
        file.fees,
        plan=file.repayment,
    )
    fees = tuple((Text(zh=fee["zh"], en=fee["en"]), f"{Decimal(fee['cny']):,.2f}") for fee in offer.fees)
    return Bid(
        offer,
        file.name,
        known[offer.institution_id],
        REPAYMENTS[offer.repayment],
        f"{cost.interest_cny:,.2f}",
        fees,
        cost.effective,
    )


def _kind(event: Event) -> str:
    return STATE_KINDS.get(event.to_state, "") if event.to_state in MARKED else ""


def _reasons(case: Case, past: list[Event]) -> Iterator[Text]:
    """Why it was refused, from the last refusal."""
    if case.state != "refused":
        return
    last = next((event for event in reversed(past) if event.body.get("reasons")), None)
    for reason in last.body["reasons"] if last else ():
        yield Text(**reason["text"])


def _wanted(case: Case, past: list[Event]) -> Iterator[Text]:
    """What is wanted, from the last return."""
    if case.state != "returned":
        return
    last = next((event for event in reversed(past) if event.body.get("wanted")), None)
    for wish in last.body["wanted"] if last else ():
        yield Text(**wish) if isinstance(wish, dict) else Text(zh=str(wish), en=str(wish))


def _can(case: Case) -> set[str]:
    """What the firm can do now, by the machine."""
    ways = machine().transitions.items()
    can = {name for name, way in ways if "enterprise" in way.by and case.state in way.from_}
    return can - {"ask_human"} if case.state == "refused" and not case.automatic else can


def _steps(case: Case) -> Iterator[tuple[Text, str]]:
    """The line of steps with where the case is."""
    at = next((i for i, (_, states) in enumerate(STEPS) if case.state in states), 1)
    for i, (name, _) in enumerate(STEPS):
        if i == at:
            yield name, "stop" if case.state in ENDED else "done" if case.state in DONE else "now"
        else:
            yield name, "done" if i < at else ""
