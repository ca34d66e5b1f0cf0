"""What a company does with its application: apply, submit again, ask for a person, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg

from xinqiao.account.actor import Actor
from xinqiao.consent.grants import one as grant
from xinqiao.db import jobs
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.lending.case_product import on_offer
from xinqiao.lending.case_state import Case, get, move, opened, start
from xinqiao.lending.offer_state import close_offer
from xinqiao.lending.product import Product

DECIDE = "case.decide"
"""The job of the automatic decision, deferred in the transaction of the application itself."""
PURPOSE = "credit_decision"
MOST_CNY = Decimal(10) ** 9
MOST_WORDS = 200
ASK_WITHIN = timedelta(days=30)
"""How long after an automatic refusal a person can be asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is applied for, where."""

    institution_id: UUID
    product_id: str
    amount_cny: Decimal
    term_months: int
    use: str
    request_id: UUID | None
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """A need for money, asked of one or several institutions."""

    id: UUID
    company_id: str
    amount_cny: Decimal
    accepted_cny: Decimal
    term_months: int
    use: str
    made_at: datetime


def new_request(tx: Tx, actor: Actor, *, amount_cny: Decimal, term_months: int, use: str) -> UUID:
    """A need of ``actor``'s company; applications that name it share it. Raises UserError LND-ASKED."""
    _check(amount_cny, term_months, use)
    made = new_id()
    tx.execute(
        "INSERT INTO loan_request (id, company_id, amount_cny, term_months, use, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [made, _company(actor), amount_cny, term_months, use.strip(), now()],
    )
    return made


def request(tx: Tx, request_id: UUID) -> Request:
    """A need the scope may see. Raises UserError LND-REQUEST-ABSENT."""
    row = tx.execute("SELECT * FROM loan_request WHERE id = %s", [request_id]).fetchone()
    if row is None:
        fail("LND-REQUEST-ABSENT", str(request_id))
    return Request(**row)


def apply(
    tx: Tx,
    actor: Actor,
    *,
    institution_id: UUID,
    product_id: str,
    amount_cny: Decimal,
    term_months: int,
    use: str,
    grant_id: UUID,
    request_id: UUID | None = None,
    answers: Mapping[str, Any] | None = None,
) -> UUID:
    """Apply for ``actor``'s company at ONE institution, under the grant to it; a job decides.

    ``request_id``: the need this is for, when several institutions are asked; a need of its own otherwise.
    ``answers``: what the product asks of the firm. Raises UserError LND-ASKED, LND-PRODUCT-ABSENT,
    LND-GRANT-FORBIDDEN, LND-OPEN-STATE (the same was applied for and is still open).
    """
    check_grant(tx, actor, institution_id, grant_id)
    asked = Asked(institution_id, product_id, amount_cny, term_months, use, request_id, answers or {})
    row = row_of(tx, actor, asked)
    case = begin(tx, actor, "apply", row | {"grant_id": grant_id, "applied_at": now()})
    decide_later(tx, case)
    return case.id


def draft(
    tx: Tx,
    actor: Actor,
    *,
    institution_id: UUID,
    product_id: str,
    amount_cny: Decimal,
    term_months: int,
    use: str,
    request_id: UUID | None = None,
    answers: Mapping[str, Any] | None = None,
) -> UUID:
    """An application kept for later, unseen by the institution. Raises as ``apply`` but for the grant."""
    asked = Asked(institution_id, product_id, amount_cny, term_months, use, request_id, answers or {})
    row = row_of(tx, actor, asked)
    return begin(tx, actor, "draft", row).id


def submit(tx: Tx, actor: Actor, case_id: UUID, version: int, grant_id: UUID) -> None:
    """Apply with a draft. Raises UserError LND-GRANT-FORBIDDEN, LND-MOVE-STATE, LND-VERSION-STATE."""
    case = opened(tx, case_id, version)
    check_grant(tx, actor, case.institution_id, grant_id)
    decide_later(tx, move(tx, actor, case, "apply", grant_id=grant_id, applied_at=now()))


def resubmit(tx: Tx, actor: Actor, case_id: UUID, version: int, grant_id: UUID | None = None) -> None:
    """Hand in again what was returned, under the same grant or a new one. Raises as ``submit`` does."""
    case = opened(tx, case_id, version)
    if grant_id is None:
        grant_id = case.grant_id
    if grant_id is None:
        fail("LND-GRANT-FORBIDDEN", str(case.institution_id))
    check_grant(tx, actor, case.institution_id, grant_id)
    decide_later(tx, move(tx, actor, case, "resubmit", grant_id=grant_id))


def ask_human(tx: Tx, actor: Actor, case_id: UUID, version: int, why: str = "") -> None:
    """A person of the institution is to look at what was refused automatically.

    Raises UserError LND-HUMAN-STATE where a person has decided already, or more than 30 days ago.
    """
    case = opened(tx, case_id, version)
    late = case.closed_at is not None and now() - case.closed_at > ASK_WITHIN
    if case.state == "refused" and (not case.automatic or late):
        fail("LND-HUMAN-STATE", str(case_id))
    move(tx, actor, case, "ask_human", {"why": why.strip()[:MOST_WORDS]}, human_review=True)


def withdraw(tx: Tx, actor: Actor, case_id: UUID, version: int, why: str = "") -> None:
    """Take the application back, an open offer with it. Raises LND-MOVE-STATE, LND-VERSION-STATE."""
    case = opened(tx, case_id, version)
    close_offer(tx, case.id, "withdrawn")
    move(tx, actor, case, "withdraw", {"why": why.strip()[:MOST_WORDS]})


def row_of(tx: Tx, actor: Actor, asked: Asked) -> dict[str, Any]:
    """The columns a new case begins with."""
    _check(asked.amount_cny, asked.term_months, asked.use)
    product = on_offer(tx, asked.institution_id, asked.product_id).product
    check_fit(product, asked)
    if actor.person is None:
        fail("LND-COMPANY-FORBIDDEN", actor.side)
    return {
        "id": new_id(),
        "request_id": _need(tx, actor, asked),
        "company_id": _company(actor),
        "institution_id": asked.institution_id,
        "product_id": asked.product_id,
        "product_version": product.version,
        "amount_cny": asked.amount_cny,
        "term_months": asked.term_months,
        "use": asked.use.strip(),
        "answers": _answers(product, asked.answers),
        "applied_by": actor.person,
        "deadlines": product.file.deadlines.model_dump(),
    }


def _need(tx: Tx, actor: Actor, asked: Asked) -> UUID:
    """The need this is for; one of its own unless told."""
    amount = asked.amount_cny
    if asked.request_id is None:
        return new_request(tx, actor, amount_cny=amount, term_months=asked.term_months, use=asked.use)
    if amount > request(tx, asked.request_id).amount_cny:
        fail("LND-ASKED", str(asked.request_id), detail="多于融资需求 more than the need")
    return asked.request_id


def begin(tx: Tx, actor: Actor, transition: str, row: Mapping[str, Any]) -> Case:
    """A new case. Raises UserError LND-OPEN-STATE where the same is asked there already."""
    try:
        return start(tx, actor, transition, row)
    except psycopg.errors.UniqueViolation as error:
        raise user_error("LND-OPEN-STATE", str(row["product_id"])) from error


def decide_later(tx: Tx, case: Case) -> None:
    """Queue the automatic decision, in the transaction of the application."""
    jobs.defer(tx, DECIDE, lock=f"case:{case.id}", case_id=str(case.id))


def _company(actor: Actor) -> str:
    if actor.side != "enterprise" or actor.company is None:
        fail("LND-COMPANY-FORBIDDEN", actor.side)
    return actor.company


def _check(amount_cny: Decimal, term_months: int, use: str) -> None:
    """What is asked for makes sense at all."""
    if not amount_cny.is_finite() or not 0 < amount_cny <= MOST_CNY or round(amount_cny, 2) != amount_cny:
        fail("LND-ASKED", "amount_cny", detail=str(amount_cny)[:40])
    if not 1 <= term_months <= 360:  # noqa: PLR2004 - thirty years, as the table has it
        fail("LND-ASKED", "term_months", detail=str(term_months))
    if not 0 < len(use.strip()) <= MOST_WORDS:
        fail("LND-ASKED", "use", detail=f"1-{MOST_WORDS} 字 characters")


def check_fit(product: Product, asked: Asked) -> None:
    """The product has loans of this sum and term."""
    limit, months = product.file.limit, product.file.tenor.months
    if not limit.min <= asked.amount_cny <= limit.max:
        fail("LND-ASKED", "amount_cny", detail=f"{limit.min:,.0f} – {limit.max:,.0f}")
    if asked.term_months not in months:
        fail("LND-ASKED", "term_months", detail=", ".join(map(str, months)))


def _answers(product: Product, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Plain answers to what the product asks and nothing else; the platform fills in what it knows."""
    plain = all(value is None or isinstance(value, str | int | float | bool) for value in answers.values())
    if (
        set(answers) - set(product.asks)
        or not plain
        or any(len(str(v)) > MOST_WORDS for v in answers.values())
    ):
        fail("LND-ASKED", "answers", detail=", ".join(product.asks) or "无 none")
    return dict(answers)


def check_grant(tx: Tx, actor: Actor, institution_id: UUID, grant_id: UUID) -> None:
    """The grant is this company's, to this institution, for a credit decision, and in force."""
    found = grant(tx, grant_id)
    fits = found.company_id == _company(actor) and found.institution == institution_id
    if not (fits and PURPOSE in found.purposes and found.in_force):
        fail("LND-GRANT-FORBIDDEN", str(institution_id))


__all__ = [
    "Asked",
    "Request",
    "apply",
    "ask_human",
    "begin",
    "check_fit",
    "check_grant",
    "decide_later",
    "draft",
    "get",
    "new_request",
    "request",
    "resubmit",
    "row_of",
    "submit",
    "withdraw",
]
