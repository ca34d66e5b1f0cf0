"""The automatic decision on an application (自动审批): a job deferred in the transaction that applied.

It reads the firm's file under the grant given with the application, decides by the product's policy (or
the bank's own release of it), keeps the record, and then offers, refuses or refers. A person decides
where anything stands in the way; what cannot be decided is referred, never approved.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent.access import Permit
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import job
from xinqiao.kernel.errors import UserError, fail
from xinqiao.lending.case import DECIDE, PURPOSE
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import Case, get, move
from xinqiao.lending.deciding_basis import SCORE, panel_of
from xinqiao.lending.decision import Stored, keep
from xinqiao.lending.offer import Terms, costed, make
from xinqiao.lending.own_data import as_application, facts
from xinqiao.lending.product import Product
from xinqiao.policy.record import Subject
from xinqiao.policy.scorer import IN_DEFAULT, PEER_GROUP
from xinqiao.portrait.credit_file import CreditFile, read
from xinqiao.scoring.overlay import industry_path
from xinqiao.scoring.segment import INDUSTRY, KIND

NO_GRANT = "CST-FORBIDDEN"
LEVELS = ("industry_section", "industry_division", "industry_group")
NOT_COVERED = "NOT_COVERED"


@job(DECIDE)
def decide(database: Database, case_id: str) -> None:
    """Decide on a case that was applied for; does nothing where that is done."""
    with database.transaction(SYSTEM) as tx:
        case = get(tx, UUID(case_id))
        if case.state == "applied":
            decide_case(tx, case)


def platform_actor(institution_id: UUID) -> Actor:
    """The platform, reading and deciding for one institution."""
    return Actor("system", frozenset(), "自动审批 automatic decision", institution=institution_id)


def decide_case(tx: Tx, case: Case) -> Case:
    """Decide on ``case``, in state applied (scope SYSTEM)."""
    by = platform_actor(case.institution_id)
    try:
        file, permit = read(tx, by, case.company_id, PURPOSE)
    except UserError as error:
        if error.code == NO_GRANT:
            return move(tx, by, case, "lack_grant", {"wanted": [error.fix.model_dump()]})
        return _refer(tx, by, case, error)
    try:
        product = product_of(tx, case.institution_id, case.product_id, case.product_version)
        if file.score is None:
            fail("LND-SCORE-STATE", case.company_id)
        panel = panel_of(tx, case, product, file)
        made = panel.record(_subject(tx, case, file, permit))
    except UserError as error:
        return _refer(tx, by, case, error)
    kept = keep(tx, case, panel, made)
    return _conclude(tx, case, product, kept, disputed=bool(permit.disputed))


def _refer(tx: Tx, by: Actor, case: Case, error: UserError) -> Case:
    """A person decides, since the machine could not."""
    return move(tx, by, case, "screen", {"code": error.code, "why": error.what.model_dump()})


def _subject(tx: Tx, case: Case, file: CreditFile, permit: Permit) -> Subject:
    """What is decided on: the file as granted, and the application with the bank's own facts."""
    values = {name: each.value for name, each in file.indicators.items()}
    missing = {n: each.missing or NOT_COVERED for n, each in file.indicators.items() if each.value is None}
    register = file.register_
    told = {KIND: register.kind, INDUSTRY: register.industry, PEER_GROUP: register.peer_group}
    told |= dict(zip(LEVELS, industry_path(register.industry), strict=False)) | {"size": register.size}
    own = as_application(facts(tx, case.institution_id, case.company_id))
    application: dict[str, Any] = {**case.answers, **own}
    application |= {name: value for name, value in told.items() if value is not None}
    application |= {"amount_cny": float(case.amount_cny), "term_months": case.term_months, "use": case.use}
    application |= {"case_id": str(case.id), SCORE: file.score} | (
        {IN_DEFAULT: True} if file.in_default else {}
    )
    return Subject(case.company_id, file.as_of, values, missing, application, str(permit.grant_id))


def _conclude(tx: Tx, case: Case, product: Product, kept: Stored, *, disputed: bool) -> Case:
    """What follows from a decision: an offer or a refusal at once, or a person."""
    by, found, marks = (
        platform_actor(case.institution_id),
        kept.decision,
        {"automatic": True, "decision_id": kept.id},
    )
    person = case.human_review or case.handler is not None or disputed
    if found.outcome == "reject" and not person:
        reasons = [r.as_json() for r in found.reasons if r.effect == "reject"]
        told = [{"code": r["code"], "text": r["text"]} for r in reasons]
        return move(tx, by, case, "refuse_at_once", {"reasons": told}, **marks)
    terms = _terms(case, product, kept)
    if terms is not None and not person and _within(product, terms):
        made = make(tx, case, terms, automatic=True)
        return move(tx, by, case, "offer_at_once", {"offer": str(made)}, **marks)
    return move(tx, by, case, "screen", {"outcome": found.outcome}, **marks)


def _terms(case: Case, product: Product, kept: Stored) -> Terms | None:
    """What an approval offers: no more than asked for, in the product's usual way of repayment."""
    found = kept.decision
    if found.outcome != "approve" or found.limit_cny is None or found.rate is None:
        return None
    amount = min(found.limit_cny, case.amount_cny).quantize(Decimal("0.01"))
    rate = found.rate.quantize(Decimal("0.000001"))
    return Terms(amount, rate, case.term_months, product.file.repayment.ways[0])


def _within(product: Product, terms: Terms) -> bool:
    """Whether ``terms`` may be offered without a person: an online product, a sum on its first rung.

    The rate is the released policy's own, so no person's authority over rates is asked for.
    """
    try:
        costed(product, terms)
    except UserError:
        return False
    return product.file.flow.mode == "online" and terms.amount_cny <= product.file.authority[0].limit_cny
