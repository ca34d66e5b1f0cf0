"""Posted needs (融资需求): a firm says what it looks for, institutions answer with a product of theirs.

Institutions see sum, term, use and the rough kind of firm; the name only where the firm wants it. An answer
leads the firm to the usual application, so nothing is read of it before it grants anything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.kernel.text import Text
from xinqiao.lending.case import new_request
from xinqiao.lending.product import offered_product
from xinqiao.portrait.credit_file import CreditFile

OPEN_FOR = timedelta(days=30)
MOST_OPEN = 5
"""Needs a firm may have open at once."""
MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Need:
    """A need as an institution sees it. ``company_id``: None where the firm wants to stay unnamed."""

    id: UUID
    amount_cny: Decimal
    term_months: int
    use: str
    about: str
    industry_section: str | None
    city: str | None
    size: str | None
    grade: str | None
    made_at: datetime
    until: datetime
    state: str
    company_id: str | None
    request_id: UUID | None
    answers: int

    @property
    def is_open(self) -> bool:
        """Whether it can be answered."""
        return self.state == "open" and now() < self.until


@dataclass(frozen=True, slots=True)
class Answer:
    """An institution's answer: one of its products on the shelf (``offer_id``), and words."""

    id: UUID
    need_id: UUID
    institution_id: UUID
    offer_id: UUID
    words: str
    at: datetime


def post(
    tx: Tx,
    actor: Actor,
    *,
    amount_cny: Decimal,
    term_months: int,
    use: str,
    about: str = "",
    named: bool = False,
    file: CreditFile | None = None,
) -> UUID:
    """Post a need of ``actor``'s company; ``file`` tells the kind of firm (its grade only if ``named``).

    Raises UserError LND-ASKED, LND-NEEDS-STATE (too many are open), LND-COMPANY-FORBIDDEN.
    """
    if sum(need.is_open for need in needs(tx)) >= MOST_OPEN:
        fail("LND-NEEDS-STATE", str(actor.company), most=MOST_OPEN)
    request = new_request(tx, actor, amount_cny=amount_cny, term_months=term_months, use=use)
    register = file.register_ if file else None
    score = (file.score if file else None) or {}
    made = new_id()
    row = {
        "id": made,
        "amount_cny": amount_cny,
        "term_months": term_months,
        "use": use.strip(),
        "about": about.strip()[:MOST_WORDS],
        "industry_section": register.industry[:1] if register and register.industry else None,
        "city": f"{register.division[:4]}00" if register and register.division else None,
        "size": register.size if register else None,
        "grade": score.get("grade") if named else None,
        "made_at": now(),
        "until": now() + OPEN_FOR,
    }
    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    tx.execute(f"INSERT INTO need ({names}) VALUES ({places})", row)  # noqa: S608 - our own names
    tx.execute(
        "INSERT INTO need_owner (need_id, company_id, request_id, named) VALUES (%s, %s, %s, %s)",
        [made, actor.company, request, named],
    )
    return made


_SELECT = (
    "SELECT n.*, o.company_id, o.request_id, "
    "(SELECT count(*) FROM need_answer a WHERE a.need_id = n.id) AS answers "
    "FROM need n LEFT JOIN need_owner o ON o.need_id = n.id "
)
_NAMES = tuple(field.name for field in fields(Need))


def needs(tx: Tx, *, only_open: bool = False, limit: int = 200) -> list[Need]:
    """Needs the scope may see, the newest first: a firm's own, or all that institutions can answer."""
    rows = tx.execute(
        _SELECT + "WHERE NOT %s OR (n.state = 'open' AND n.until > %s) ORDER BY n.id DESC LIMIT %s",
        [only_open, now(), limit],
    )
    return [_need(row) for row in rows]


def need(tx: Tx, need_id: UUID) -> Need:
    """One need. Raises UserError LND-NEED-ABSENT."""
    row = tx.execute(_SELECT + "WHERE n.id = %s", [need_id]).fetchone()
    if row is None:
        fail("LND-NEED-ABSENT", str(need_id))
    return _need(row)


def close(tx: Tx, need_id: UUID) -> None:
    """Take no more answers. Raises UserError LND-NEED-ABSENT (none of this firm's, or closed)."""
    done = tx.execute(
        "UPDATE need SET state = 'closed', closed_at = %s WHERE id = %s AND state = 'open'", [now(), need_id]
    )
    if not done.rowcount:
        fail("LND-NEED-ABSENT", str(need_id))
    # whoever could see the name no longer can
    tx.execute("UPDATE need_owner SET named = false WHERE need_id = %s", [need_id])


def answer(tx: Tx, actor: Actor, need_id: UUID, offer_id: UUID, words: str) -> UUID:
    """Answer with a product of ``actor``'s institution; the firm is told.

    Raises UserError LND-NEED-ABSENT (closed or past), LND-PRODUCT-ABSENT, LND-ANSWER-STATE (said before).
    """
    found, offer = need(tx, need_id), offered_product(tx, offer_id)
    if not found.is_open:
        fail("LND-NEED-ABSENT", str(need_id))
    if offer.institution_id != actor.institution or offer.state != "open":
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer.product_id, known="/bank/products")
    made = new_id()
    try:
        with tx.transaction():
            tx.execute(
                "INSERT INTO need_answer (id, need_id, institution_id, offer_id, words, by_person, at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [
                    *(made, need_id, offer.institution_id, offer_id),
                    *(words.strip()[:MOST_WORDS], actor.person, now()),
                ],
            )
    except psycopg.errors.UniqueViolation as error:
        raise user_error("LND-ANSWER-STATE", str(need_id)) from error
    with acting(tx, SYSTEM):
        owner = tx.execute("SELECT company_id FROM need_owner WHERE need_id = %s", [need_id]).fetchone()
    text = Text(zh="{bank}答复了您的融资需求", en="{bank} answered your need").fill(bank=offer.institution)
    if owner is not None:
        notify(tx, to_company=owner["company_id"], text=text, link="/enterprise/needs")
    return made


def answers(tx: Tx, need_id: UUID) -> list[Answer]:
    """Answers to a need the scope may see: all for the firm, its own for an institution."""
    rows = tx.execute(
        "SELECT id, need_id, institution_id, offer_id, words, at FROM need_answer WHERE need_id = %s "
        "ORDER BY at",
        [need_id],
    )
    return [Answer(**row) for row in rows]


def _need(row: Row) -> Need:
    return Need(**{name: row[name] for name in _NAMES})
