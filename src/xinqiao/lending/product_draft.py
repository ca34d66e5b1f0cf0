"""Drafts of products: composed step by step, kept as a text, proposed once nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.document import read_yaml
from xinqiao.kernel.errors import fail
from xinqiao.lending.product import (
    Product,
    catalog_product,
    catalog_products,
    draft_product,
    institution_products,
    offered_product,
)
from xinqiao.lending.product_findings import ORIGIN, examine
from xinqiao.lending.product_text import written
from xinqiao.policy.rewriting import printable

MOST_TEXT = 200_000
USUAL_RULES = (
    "no_dishonesty",
    "no_restriction",
    "no_bankruptcy",
    "no_violation_list",
    "no_abnormal_list",
    "no_serious_dishonesty",
    "no_overdue",
    "classification_sound",
    "three_in_row_six_total",
)
"""What a blank product asks of every firm."""
ALL_STEPS = "all"
"""In ``seen``: faults of every step are told, because the draft began from a whole product."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft. ``based_on``: the product and version it began from; ``revision`` counts its edits."""

    id: UUID
    institution_id: UUID
    text: str
    based_on: str | None
    seen: list[str]
    revision: int
    state: str
    offer_id: UUID | None
    made_by: UUID | None
    made_name: str
    made_at: datetime
    changed_at: datetime

    @property
    def data(self) -> Mapping[str, Any]:
        """The product's plain data as far as it is a document."""
        return examine(self.text).data


def blank(on: date) -> dict[str, Any]:
    """What a product begins from: the usual rules of admission and terms, no name, limit or price yet."""
    steps = ["consent", "apply", "screen", "score", "review", "offer", "accept", "contract", "draw"]
    return {
        "id": "",
        "version": "1.0",
        "effective": {"from": on},
        "class": "credit",
        "pattern": "general",
        "name": {"zh": "", "en": ""},
        "summary": {"zh": "", "en": ""},
        "audience": {"zh": "", "en": ""},
        "data": {"needs": ["REG", "JUD", "ADM", "SCORE", "CRD"]},
        "score": {"worst_grade": "R8"},
        "admission": [*({"use": name} for name in USUAL_RULES), {"use": "years_least", "with": {"years": 1}}],
        "limit": {"use": "fixed_sum", "min": 10000, "max": 300000, "step": 1000},
        "pricing": {"min": 0.035, "max": 0.09, "spread": {"R1..R3": 0.01, "R4..R6": 0.02, "R7..R8": 0.035}},
        "tenor": {"months": [6, 12], "usual": 12},
        "drawdown": {"kind": "single"},
        "repayment": {"ways": ["equal_instalment"]},
        "documents": ["business_licence", "use_of_funds"],
        "authority": [
            {"role": "officer", "limit_cny": 100000, "rate_min": 0.04},
            {"role": "approver", "limit_cny": 300000, "rate_min": 0.035},
        ],
        "flow": {"mode": "online", "steps": steps},
    }


def start(tx: Tx, actor: Actor, source: UUID | str | None = None) -> UUID:
    """A new draft: blank, from a product of the catalog by id, or from an offer of the institution's own.

    Raises UserError LND-PRODUCT-ABSENT.
    """
    if source is None:
        return _insert(tx, actor, written(blank(today())), None, [])
    product = _product(tx, actor, source) if isinstance(source, UUID) else catalog_product(source)
    data = {**product.raw, "version": _next(tx, actor, product), "effective": {"from": today()}}
    return _insert(tx, actor, written(data), f"{product.id} {product.version}", [ALL_STEPS])


def _product(tx: Tx, actor: Actor, offer_id: UUID) -> Product:
    offer = offered_product(tx, offer_id)
    if offer.institution_id != actor.institution:
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer_id, known="/bank/products")
    return offer.product


def _next(tx: Tx, actor: Actor, product: Product) -> str:
    """A version number after every one the institution has of this product."""
    told = [product.version]
    if actor.institution is not None:
        told += [
            o.product.version
            for o in institution_products(tx, actor.institution)
            if o.product_id == product.id
        ]
    parts = max([int(part) for part in version.split(".")] for version in told)
    return ".".join(map(str, [*parts[:-1], parts[-1] + 1] if len(parts) > 1 else [*parts, 1]))


def bring(tx: Tx, actor: Actor, text: str) -> UUID:
    """A new draft from a file, faults and all. Raises UserError DOC-SYNTAX, DOC-LIMIT or BWB-CELL."""
    return _insert(tx, actor, _readable(text), None, [ALL_STEPS])


def _readable(text: str) -> str:
    """A text that is a document at least, so that every step can show its part of it."""
    told = text.replace("\r\n", "\n")
    if len(told) > MOST_TEXT:
        fail("DOC-LIMIT", ORIGIN, detail=f"> {MOST_TEXT:,}")
    printable(told, ORIGIN)
    data, _ = read_yaml(told, ORIGIN)
    if not isinstance(data, dict):
        fail("DOC-SYNTAX", ORIGIN, detail="key: value")
    return told


def _insert(tx: Tx, actor: Actor, text: str, based_on: str | None, seen: list[str]) -> UUID:
    made, at = new_id(), now()
    tx.execute(
        "INSERT INTO product_draft (id, institution_id, text, based_on, seen, made_by, made_name, made_at, "
        "changed_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [made, actor.institution, text, based_on, seen, actor.person, actor.name, at, at],
    )
    return made


def draft(tx: Tx, draft_id: UUID) -> Draft:
    """One draft of the institution. Raises UserError LND-DRAFT-ABSENT."""
    row = tx.execute("SELECT * FROM product_draft WHERE id = %s", [draft_id]).fetchone()
    if row is None:
        fail("LND-DRAFT-ABSENT", str(draft_id))
    return Draft(**row)


def drafts(tx: Tx) -> list[Draft]:
    """The drafts of the institution still open, the last changed first."""
    rows = tx.execute("SELECT * FROM product_draft WHERE state = 'open' ORDER BY changed_at DESC, id")
    return [Draft(**row) for row in rows]


def change(
    tx: Tx, draft_id: UUID, revision: int, step: str, edit: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> Draft:
    """Save one step: ``edit`` makes the new data from the old.

    Raises UserError LND-DRAFT-ABSENT or LND-DRAFT-STATE (changed since ``revision``, or no longer open).
    """
    found = draft(tx, draft_id)
    return _save(tx, found, revision, written(edit(found.data)), step)


def change_text(tx: Tx, draft_id: UUID, revision: int, text: str) -> Draft:
    """Save the whole text. Raises as ``change`` and ``bring`` do."""
    return _save(tx, draft(tx, draft_id), revision, _readable(text), ALL_STEPS)


def _save(tx: Tx, found: Draft, revision: int, text: str, step: str) -> Draft:
    printable(text, ORIGIN)
    row = tx.execute(
        "UPDATE product_draft SET text = %s, revision = revision + 1, changed_at = %s, "
        "seen = CASE WHEN %s = ANY(seen) THEN seen ELSE seen || %s END "
        "WHERE id = %s AND revision = %s AND state = 'open' RETURNING *",
        [text, now(), step, [step], found.id, revision],
    ).fetchone()
    if row is None:
        fail("LND-DRAFT-STATE", str(found.id))
    return Draft(**row)


def drop(tx: Tx, draft_id: UUID) -> None:
    """Give a draft up; it is kept. Raises UserError LND-DRAFT-ABSENT or LND-DRAFT-STATE."""
    draft(tx, draft_id)
    done = tx.execute(
        "UPDATE product_draft SET state = 'dropped', changed_at = %s WHERE id = %s AND state = 'open'",
        [now(), draft_id],
    )
    if done.rowcount != 1:
        fail("LND-DRAFT-STATE", str(draft_id))


def propose(tx: Tx, actor: Actor, draft_id: UUID, revision: int, *, quota_cny: Decimal | None = None) -> UUID:
    """Propose the product for release by a second person; gives the offer's id.

    Raises UserError LND-DRAFT-STATE, LND-DRAFT-FAULTY-STATE, LND-PRODUCT-STATE (the version stands already).
    """
    tx.execute("SELECT 1 FROM product_draft WHERE id = %s FOR UPDATE", [draft_id])
    found = draft(tx, draft_id)
    if found.state != "open" or found.revision != revision:
        fail("LND-DRAFT-STATE", str(draft_id))
    looked = examine(found.text)
    if looked.product is None:
        fail("LND-DRAFT-FAULTY-STATE", ORIGIN, faults=len(looked.faults), first=looked.faults[0].what)
    product = looked.product
    begins = max(today(), product.file.effective.from_)
    offer = draft_product(
        tx, actor, product.id, source=found.text, quota_cny=quota_cny, effective_from=begins
    )
    tx.execute(
        "UPDATE product_draft SET state = 'proposed', offer_id = %s, changed_at = %s WHERE id = %s",
        [offer, now(), draft_id],
    )
    audit.note(tx, actor, "product.propose", f"{product.id} {product.version}")
    return offer


def version_before(tx: Tx, institution_id: UUID, product_id: str) -> Product | None:
    """What a new version would take the place of: the one on offer, else the catalog's of that id."""
    day, offers = today(), institution_products(tx, institution_id)
    held = [
        o.product
        for o in offers
        if o.product_id == product_id
        and o.state == "open"
        and o.effective_from <= day
        and (o.effective_to is None or o.effective_to >= day)
    ]
    return held[0] if held else catalog_products().get(product_id)
