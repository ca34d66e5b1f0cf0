"""Handing an application on (转办下一家): an institution misses its deadline, the firm goes to the next.

The firm does it itself, or has named beforehand where it goes next. Each place needs a grant of its own,
given before: nobody reads the firm's file because another institution was slow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Grant, of_company
from xinqiao.db.database import Row, Tx
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending.case import PURPOSE, Asked, begin, check_fit, check_grant, decide_later, row_of
from xinqiao.lending.case_product import on_offer
from xinqiao.lending.case_state import Case, get, move, opened
from xinqiao.lending.machine import machine

MOST_NEXT = 5


@dataclass(frozen=True, slots=True)
class Next:
    """A product of an institution and the grant to it. ``answers``: what the product asks of the firm."""

    institution_id: UUID
    product_id: str
    grant_id: UUID
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a case could go: a product that fits it, of an institution with a grant in force."""

    institution_id: UUID
    institution: Text
    product_id: str
    product: Text
    grant_id: UUID


def can_hand_on(case: Case) -> bool:
    """Whether the institution has missed a deadline on it."""
    late = case.escalated > 0 or case.overdue
    return late and case.state in machine().transitions["hand_on"].from_


def agree_next(tx: Tx, actor: Actor, case_id: UUID, wishes: Sequence[Next]) -> None:
    """Name, in order, where the case goes next if its institution is late; an empty list: nowhere.

    Raises UserError LND-NEXT-STATE (too many, or the case is decided), LND-GRANT-FORBIDDEN, LND-ASKED,
    LND-PRODUCT-ABSENT.
    """
    case = get(tx, case_id)
    if actor.person is None or case.is_agreed or not case.is_open or len(wishes) > MOST_NEXT:
        fail("LND-NEXT-STATE", str(case_id), most=MOST_NEXT)
    for wish in wishes:
        check_grant(tx, actor, wish.institution_id, wish.grant_id)
        check_fit(on_offer(tx, wish.institution_id, wish.product_id).product, _asked(case, wish))
    kept = [next_of(row) for row in _rows(tx, case_id)]
    if kept == list(wishes):
        return
    if kept:  # what was agreed stays on record; the newer word counts from its place on
        fail("LND-NEXT-STATE", str(case_id), most=MOST_NEXT)
    for n, wish in enumerate(wishes, 1):
        _keep(tx, case, n, wish, actor.person)


def hand_on(tx: Tx, actor: Actor, case_id: UUID, version: int, wish: Next) -> UUID:
    """The firm hands a late case on itself: it ends here, and is applied for there. The new case's id.

    Raises UserError LND-HAND-STATE (no deadline was missed), LND-GRANT-FORBIDDEN, LND-OPEN-STATE, LND-ASKED,
    LND-VERSION-STATE.
    """
    case = opened(tx, case_id, version)
    if not can_hand_on(case):
        fail("LND-HAND-STATE", str(case_id))
    check_grant(tx, actor, wish.institution_id, wish.grant_id)
    move(tx, actor, case, "hand_on")
    row = row_of(tx, actor, _asked(case, wish)) | {"grant_id": wish.grant_id, "applied_at": now()}
    made = begin(tx, actor, "apply", row)
    decide_later(tx, made)
    return made.id


def go_on(tx: Tx, by: Actor, case: Case) -> Case | None:
    """Send a late case where the firm agreed it goes next (scope SYSTEM); None: nowhere it can go.

    A place whose grant has ended, or whose product is no longer on offer, is passed over.
    """
    if not can_hand_on(case):
        return None
    rows = _rows(tx, case.id)
    for at in range(len(rows)):
        try:
            with tx.transaction():
                return _arrive(tx, by, case, rows[at:])
        except UserError:
            continue  # not there any more: the firm's next wish
    return None


def _arrive(tx: Tx, by: Actor, case: Case, rows: Sequence[Row]) -> Case:
    first, wish = rows[0], next_of(rows[0])
    firm = Actor("enterprise", frozenset(), by.name, person=first["agreed_by"], company=case.company_id)
    check_grant(tx, firm, wish.institution_id, wish.grant_id)
    row = row_of(tx, firm, _asked(case, wish)) | {"grant_id": wish.grant_id, "applied_at": now()}
    ended = move(tx, by, case, "hand_on")
    arrived = Actor("system", frozenset(), by.name, institution=wish.institution_id)
    made = begin(tx, arrived, "arrive", row)
    tx.execute(
        "UPDATE case_next SET led_to = %s WHERE case_id = %s AND n = %s", [made.id, case.id, first["n"]]
    )
    for n, left in enumerate(rows[1:], 1):
        _keep(tx, made, n, next_of(left), left["agreed_by"])
    decide_later(tx, made)
    return ended


def agreed(tx: Tx, case_id: UUID) -> list[Next]:
    """Where the case goes next, as agreed, the first first."""
    return [next_of(row) for row in _rows(tx, case_id)]


def next_of(row: Row) -> Next:
    """The wish of a row."""
    return Next(row["institution_id"], row["product_id"], row["grant_id"], dict(row["answers"]))


def choices(tx: Tx, case: Case) -> list[Choice]:
    """Where the firm could go: products on offer that fit, of institutions it has given a grant."""
    held = {each.institution: each for each in _held(tx, case) if each.institution != case.institution_id}
    rows = tx.execute(
        "SELECT p.institution_id, p.product_id, i.name, i.name_en FROM institution_product p "
        "JOIN institution i ON i.id = p.institution_id WHERE p.state = 'open' AND i.status = 'active' "
        "AND p.institution_id = ANY(%(held)s) AND p.effective_from <= %(day)s "
        "AND coalesce(p.effective_to, %(day)s) >= %(day)s ORDER BY i.name, p.product_id",
        {"held": list(held), "day": today()},
    ).fetchall()
    found = []
    for row in rows:
        product = on_offer(tx, row["institution_id"], row["product_id"]).product
        grant_id = held[row["institution_id"]].id
        try:
            check_fit(product, _asked(case, Next(row["institution_id"], row["product_id"], grant_id)))
        except UserError:
            continue
        name = Text(zh=row["name"], en=row["name_en"] or row["name"])
        found.append(Choice(row["institution_id"], name, row["product_id"], product.name, grant_id))
    return found


def _held(tx: Tx, case: Case) -> list[Grant]:
    return [each for each in of_company(tx, case.company_id) if PURPOSE in each.purposes and each.in_force]


def _asked(case: Case, wish: Next) -> Asked:
    return Asked(
        wish.institution_id,
        wish.product_id,
        case.amount_cny,
        case.term_months,
        case.use,
        case.request_id,
        wish.answers,
    )


def _rows(tx: Tx, case_id: UUID) -> list[Row]:
    return tx.execute(
        "SELECT * FROM case_next WHERE case_id = %s AND led_to IS NULL ORDER BY n", [case_id]
    ).fetchall()


def _keep(tx: Tx, case: Case, n: int, wish: Next, by: UUID) -> None:
    tx.execute(
        "INSERT INTO case_next (case_id, n, company_id, institution_id, product_id, grant_id, answers, "
        "agreed_by, agreed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            case.id,
            n,
            case.company_id,
            wish.institution_id,
            wish.product_id,
            wish.grant_id,
            Jsonb(dict(wish.answers)),
            by,
            now(),
        ],
    )
