"""Offers: made on a decision, compared by cost, accepted once and never beyond the need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.db import jobs
from xinqiao.db.database import Tx, new_id
from xinqiao.evidence.log import record
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case, cases_of_request, get, move
from xinqiao.lending.cost import Cost, cost_of
from xinqiao.lending.offer_state import Offer, close_offer, get_offer, offers
from xinqiao.lending.product import Product
from xinqiao.lending.product_format import Repayment

DRAW_UP = "case.draw_up"
"""The job that draws up the contract; deferred with the acceptance where this process declares it."""
METHOD_ID = "irr_times_12"
"""How ``apr`` is worked out: ``cost.METHOD`` in words."""
RATE_STEP = Decimal("0.000001")
MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Terms:
    """What is offered: sum in CNY, rate a year, term and way of repayment."""

    amount_cny: Decimal
    rate: Decimal
    term_months: int
    repayment: Repayment


def costed(product: Product, terms: Terms) -> Cost:
    """The all-in cost of ``terms``.

    Raises UserError LND-TERMS (the product doesn't have them), LND-COST-STATE above 24 % a year.
    """
    file = product.file
    if terms.repayment not in file.repayment.ways or not file.limit.min <= terms.amount_cny <= file.limit.max:
        fail("LND-TERMS", product.id, detail=f"{terms.repayment}, {terms.amount_cny:,.2f}")
    cost = cost_of(
        terms.amount_cny, terms.rate, terms.term_months, terms.repayment, file.fees, plan=file.repayment
    )
    if cost.blocked:
        fail("LND-COST-STATE", product.id, apr=f"{cost.nominal:.2%}")
    return cost


def make(tx: Tx, case: Case, terms: Terms, *, automatic: bool) -> UUID:
    """Put the offer of ``case`` on the table; the case's step to ``offered`` belongs to the caller.

    Raises UserError LND-TERMS, LND-COST-STATE.
    """
    product = product_of(tx, case.institution_id, case.product_id, case.product_version)
    if terms.amount_cny > case.amount_cny or terms.term_months > case.term_months:
        fail("LND-TERMS", str(case.id), detail="多于申请 more than applied for")
    cost, made, at = costed(product, terms), new_id(), now()
    apr = Decimal(repr(cost.nominal)).quantize(RATE_STEP)
    row: Mapping[str, Any] = {
        "id": made,
        "case_id": case.id,
        "request_id": case.request_id,
        "company_id": case.company_id,
        "institution_id": case.institution_id,
        "product_id": case.product_id,
        "product_version": case.product_version,
        "amount_cny": terms.amount_cny,
        "rate": terms.rate,
        "term_months": terms.term_months,
        "repayment": terms.repayment,
        "fees": Jsonb([{"zh": n.zh, "en": n.en, "cny": str(sum_)} for n, sum_ in cost.fees]),
        "apr": apr,
        "apr_method": METHOD_ID,
        "automatic": automatic,
        "made_at": at,
        "until": at + timedelta(days=case.deadlines["offer"]),
    }
    names = ", ".join(row)
    places = ", ".join(f"%({name})s" for name in row)
    tx.execute(f"INSERT INTO offer ({names}) VALUES ({places})", row)  # noqa: S608 - our own names
    told = {"case": str(case.id), "offer": str(made), "rate": str(terms.rate), "apr": str(apr)}
    told |= {"amount_cny": str(terms.amount_cny), "term_months": str(terms.term_months), "at": at.isoformat()}
    record(tx, "offer", told, subject=case.company_id, institution=case.institution_id)
    return made


def accept(tx: Tx, actor: Actor, offer_id: UUID) -> Offer:
    """The company takes an offer; when the need is met, other open applications for it are withdrawn.

    Raises LND-OFFER-ABSENT, LND-OFFER-STATE (closed, or too late), LND-NEED-STATE (beyond need).
    """
    offer = get_offer(tx, offer_id)
    # whoever accepts for one need waits here, so the sum below is right
    need = tx.execute(
        "SELECT amount_cny, accepted_cny FROM loan_request WHERE id = %s FOR UPDATE", [offer.request_id]
    ).fetchone()
    offer = get_offer(tx, offer_id)
    if need is None or offer.state != "open" or offer.until <= now():
        fail("LND-OFFER-STATE", str(offer_id))
    left = need["amount_cny"] - need["accepted_cny"]
    if offer.amount_cny > left:
        fail("LND-NEED-STATE", str(offer_id), left=f"{left:,.2f}")
    close_offer(tx, offer.case_id, "accepted")
    told = {"offer": str(offer_id), "amount_cny": str(offer.amount_cny), "rate": str(offer.rate)}
    case = move(tx, actor, get(tx, offer.case_id), "accept", told)
    body = {**told, "case": str(case.id), "at": now().isoformat()}
    record(tx, "acceptance", body, subject=case.company_id, institution=case.institution_id)
    if offer.amount_cny == left:
        _need_met(tx, actor, case)
    if DRAW_UP in jobs.app.tasks:
        jobs.defer(tx, DRAW_UP, lock=f"case:{case.id}", case_id=str(case.id))
    return get_offer(tx, offer_id)


def _need_met(tx: Tx, actor: Actor, accepted: Case) -> None:
    for case in cases_of_request(tx, accepted.request_id):
        if case.is_open and not case.is_agreed:
            close_offer(tx, case.id, "withdrawn")
            move(tx, actor, case, "withdraw", {"why": "NEED_MET"})


def decline(tx: Tx, actor: Actor, offer_id: UUID, why: str = "") -> None:
    """The company does not take an offer. Raises UserError LND-OFFER-ABSENT, LND-OFFER-STATE."""
    offer = get_offer(tx, offer_id)
    if not close_offer(tx, offer.case_id, "declined"):
        fail("LND-OFFER-STATE", str(offer_id))
    body = {"offer": str(offer_id), "why": why.strip()[:MOST_WORDS]}
    move(tx, actor, get(tx, offer.case_id), "decline", body)


__all__ = ["Offer", "Terms", "accept", "costed", "decline", "get_offer", "make", "offers"]
