"""API for outside platforms (government portals, e-commerce, utilities): products, consents, applications.

The firm agrees on the platform's own page: it shows the draft's text word for word, signs the draft's bytes
with a key registered before, and hands both over. The application then goes to that one institution.
"""

from __future__ import annotations

import base64
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from xinqiao.account.actor import Actor
from xinqiao.consent import handover
from xinqiao.consent.grants import Grant, to_institution
from xinqiao.consent.handover import Handed
from xinqiao.db.database import Scope, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.lending import case as lending
from xinqiao.lending.case_event import Event, events
from xinqiao.lending.case_state import Case, get
from xinqiao.lending.offer_state import offers
from xinqiao.lending.product import open_products
from xinqiao.portal.api import (
    PROBLEMS,
    VERSION,
    WRITES,
    CompanyKey,
    Day,
    Id,
    In,
    Instant,
    Money,
    Out,
    answer,
    once,
)
from xinqiao.portal.visit import Visit, needs

router = APIRouter(prefix=VERSION, tags=["platform 外部平台"], responses=PROBLEMS)
Outside = Annotated[Visit, needs("api.platform")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,80}$", description="贵方编号 your own number")]


class ProductOut(Out):
    """A product on offer: what it is, and of whom."""

    offer_id: UUID
    product_id: str
    version: str
    institution_id: UUID
    institution: str
    name: Text


class Products(Out):
    """All products on offer today."""

    products: tuple[ProductOut, ...]


class TermsIn(In):
    """What a firm is to agree to: one receiver, its purposes and data sets, the last day."""

    company_id: CompanyKey
    institution_id: Id
    purposes: list[str] = Field(min_length=1, max_length=10)
    data_sets: list[str] = Field(min_length=1, max_length=40)
    until: Day


class Draft(Out):
    """The text to show word for word, and the bytes (base64) to sign when the firm's agent agrees."""

    text: Text
    text_id: str
    text_version: int
    document: str
    digest: str


class ConsentIn(TermsIn):
    """A consent taken on your page: when, and your signature (base64) over the draft's document."""

    agreed_at: Instant
    key: str = Field(min_length=1, max_length=80)
    signature: str = Field(min_length=1, max_length=200)


class Consent(Out):
    """A grant as it stands."""

    id: UUID
    company_id: str
    institution_id: UUID
    purposes: tuple[str, ...]
    data_sets: tuple[str, ...]
    given_at: datetime
    until: datetime
    ended_at: datetime | None
    in_force: bool


class Consents(Out):
    """The grants to your institution, the latest first."""

    consents: tuple[Consent, ...]


class EndIn(In):
    """Why a consent ends."""

    reason: str = Field(default="", max_length=500)


class ApplyIn(In):
    """An application of a firm whose consent was handed over. ``answers``: what the product asks of it."""

    reference: Reference
    consent_id: Id
    company_id: CompanyKey
    institution_id: Id
    product_id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,80}$")
    amount_cny: Money
    term_months: int = Field(ge=1, le=360)
    use: str = Field(min_length=1, max_length=200)
    answers: dict[str, str | bool | int] = Field(default_factory=dict, max_length=40)


class StepOut(Out):
    """A step of an application."""

    seq: int
    transition: str
    name: Text
    state: str
    at: datetime


class OfferOut(Out):
    """An offer; ``apr`` has all fees in, by ``apr_method``."""

    id: UUID
    amount_cny: Decimal
    rate: Decimal
    term_months: int
    repayment: str
    apr: Decimal
    apr_method: str
    until: datetime
    state: str


class Application(Out):
    """An application and how far it is. The firm accepts an offer here, signed in, not by API."""

    id: UUID
    reference: str
    company_id: str
    institution_id: UUID
    product_id: str
    amount_cny: Decimal
    term_months: int
    state: str
    due_at: datetime | None
    steps: tuple[StepOut, ...]
    offers: tuple[OfferOut, ...]


@router.get("/products", response_model=Products, summary="在售产品 products on offer")
def products(visit: Annotated[Visit, needs("public.read")]) -> Response:
    """Every product on offer today, in no paid order."""
    told = [
        ProductOut(
            offer_id=o.id,
            product_id=o.product_id,
            version=o.product.version,
            institution_id=o.institution_id,
            institution=o.institution,
            name=o.product.file.name,
        )
        for o in open_products(visit.tx)
    ]
    return answer(Products(products=tuple(told)))


@router.post("/consents/draft", response_model=Draft, summary="授权文本 text of a consent")
def draft(visit: Outside, body: TermsIn) -> Response:
    """The text the firm has to see, and what you sign. Changes nothing, so it takes no key."""
    made = handover.prepare(visit.tx, _handed(body))
    return answer(
        Draft(
            text=made.text,
            text_id=made.text_id,
            text_version=made.text_version,
            document=base64.b64encode(made.document).decode(),
            digest=made.digest,
        )
    )


@router.post(
    "/consents", status_code=201, response_model=Consent, dependencies=WRITES, summary="移交授权 hand over"
)
def consent(visit: Outside, body: ConsentIn) -> Response:
    """Hand over a consent with its proof; it is a grant at once and stands in the evidence log."""
    handed = _handed(body, body.agreed_at, body.key, body.signature)
    return once(visit, lambda: _consent(handover.hand_over(visit.tx, visit.actor, handed)), 201)


def _handed(body: TermsIn, at: datetime | None = None, key: str = "", signature: str = "") -> Handed:
    agreed = at or now()
    if agreed.tzinfo is None:
        fail("API-SHAPE", "agreed_at", detail="a time with its zone, such as 2026-01-31T09:30:00+08:00")
    return Handed(
        body.company_id,
        body.institution_id,
        body.purposes,
        body.data_sets,
        body.until,
        agreed,
        key,
        signature,
    )


def _consent(grant: Grant) -> Consent:
    return Consent(
        id=grant.id,
        company_id=grant.company_id,
        institution_id=grant.institution,
        purposes=grant.purposes,
        data_sets=grant.data_sets,
        given_at=grant.given_at,
        until=grant.until,
        ended_at=grant.ended_at,
        in_force=grant.in_force,
    )


@router.get("/consents", response_model=Consents, summary="收到的授权 grants received")
def received(visit: Annotated[Visit, needs("portrait.read")]) -> Response:
    """The grants firms gave your institution: what you may read, for what, until when."""
    found = [] if visit.actor.institution is None else to_institution(visit.tx, visit.actor.institution)
    return answer(Consents(consents=tuple(_consent(grant) for grant in found)))


class Ended(Out):
    """The consent ``id`` has ended."""

    id: UUID


@router.post(
    "/consents/{consent_id}/withdrawal",
    response_model=Ended,
    dependencies=WRITES,
    summary="撤回授权 withdraw",
)
def withdraw(visit: Outside, consent_id: UUID, body: EndIn) -> Response:
    """The firm withdrew on your page: the next read is refused everywhere."""

    def work() -> Ended:
        handover.take_back(visit.tx, visit.actor, consent_id, body.reason)
        return Ended(id=consent_id)

    return once(visit, work)


@router.post(
    "/platform/applications",
    status_code=201,
    response_model=Application,
    dependencies=WRITES,
    summary="提交申请 apply",
)
def apply(visit: Outside, body: ApplyIn) -> Response:
    """Apply for a firm at ONE institution under the consent handed over to it. A decision takes seconds."""

    def work() -> Application:
        refer(visit, body)
        return _application(visit, body.reference)

    return once(visit, work, 201)


def refer(visit: Visit, body: ApplyIn) -> None:
    """Make the application and remember whose it is. Raises UserError API-REFERENCE-STATE."""
    made = visit.tx.execute(
        "INSERT INTO referral (id, company_id, platform_id, client, reference, grant_id, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (platform_id, reference) DO NOTHING RETURNING id",
        [
            new_id(),
            body.company_id,
            visit.actor.institution,
            visit.actor.client,
            body.reference,
            body.consent_id,
            now(),
        ],
    ).fetchone()
    if made is None:
        raise user_error("API-REFERENCE-STATE", body.reference)
    _own_consent(visit, body)
    with acting(visit.tx, Scope("enterprise", company=body.company_id)):
        case = lending.apply(
            visit.tx,
            _agent(visit.actor, body.company_id),
            institution_id=body.institution_id,
            product_id=body.product_id,
            amount_cny=body.amount_cny,
            term_months=body.term_months,
            use=body.use,
            grant_id=body.consent_id,
            answers=body.answers,
        )
    visit.tx.execute("UPDATE referral SET case_id = %s WHERE id = %s", [case, made["id"]])


def _own_consent(visit: Visit, body: ApplyIn) -> None:
    """Only under a consent this platform handed over itself. Raises UserError CST-GRANT-ABSENT."""
    with acting(visit.tx, Scope("system")):
        found = visit.tx.execute(
            "SELECT FROM consent_grant g JOIN consent_handover_key k ON k.id = g.proof ->> 'key' "
            "WHERE g.id = %s AND g.company_id = %s AND g.institution = %s AND k.institution = %s",
            [body.consent_id, body.company_id, body.institution_id, visit.actor.institution],
        ).fetchone()
    if found is None:
        fail("CST-GRANT-ABSENT", str(body.consent_id))


def _agent(platform: Actor, company_id: str) -> Actor:
    """The firm, acting through the platform: the events show the platform's name."""
    person = uuid5(NAMESPACE_URL, f"client:{platform.client}")
    roles = frozenset({"enterprise.agent"})
    return Actor("enterprise", roles, platform.name, person, None, company_id, platform.client)


@router.get("/platform/applications/{reference}", response_model=Application, summary="申请状态 status")
def status(visit: Outside, reference: str) -> Response:
    """How far the application is that you made under ``reference``."""
    return answer(_application(visit, reference))


def _application(visit: Visit, reference: str) -> Application:
    row = visit.tx.execute(
        "SELECT company_id, case_id FROM referral WHERE platform_id = %s AND reference = %s",
        [visit.actor.institution, reference[:80]],
    ).fetchone()
    if row is None or row["case_id"] is None:
        fail("PTR-ABSENT", reference[:80])
    with acting(visit.tx, Scope("enterprise", company=row["company_id"])):
        case = get(visit.tx, row["case_id"])
        steps = tuple(_step(e) for e in events(visit.tx, case.id))
        made = tuple(
            OfferOut(**{name: getattr(o, name) for name in OfferOut.model_fields})
            for o in offers(visit.tx, case_id=case.id)
        )
    return _shown(case, reference, steps, made)


def _step(event: Event) -> StepOut:
    return StepOut(
        seq=event.seq, transition=event.transition, name=event.name, state=event.to_state, at=event.at
    )


def _shown(case: Case, reference: str, steps: tuple[StepOut, ...], made: tuple[OfferOut, ...]) -> Application:
    return Application(
        id=case.id,
        reference=reference,
        company_id=case.company_id,
        institution_id=case.institution_id,
        product_id=case.product_id,
        amount_cny=case.amount_cny,
        term_months=case.term_months,
        state=case.state,
        due_at=case.due_at,
        steps=steps,
        offers=made,
    )
