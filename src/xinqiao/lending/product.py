"""The shelf (货架): products of the catalog, and which institution has which of them on offer.

An institution drafts an offer, another of its people releases it; a version once open is closed, never
rewritten, so a loan keeps the product it was made under.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from uuid import UUID

import psycopg

from xinqiao.account.actor import Actor
from xinqiao.consent import wording
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail, user_error
from xinqiao.lending.product_load import NOT_ASKED, Product, parse_product

__all__ = [
    "NOT_ASKED",
    "Offered",
    "Product",
    "catalog_product",
    "catalog_products",
    "close_product",
    "draft_product",
    "institution_products",
    "offered_product",
    "open_products",
    "parse_product",
    "put_on_shelf",
    "release_product",
]


@cache
def _catalog() -> dict[tuple[str, str], Product]:
    """All products of the catalog by id and version."""
    found: dict[tuple[str, str], Product] = {}
    folder = files("xinqiao").joinpath("catalog", "products")
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        product = parse_product(path.read_text("utf-8"), path.name)
        key = product.id, product.version
        if key in found:
            fail(
                "LND-PRODUCT",
                path.name,
                detail=f"{product.id} {product.version} stands in {found[key].origin}",
            )
        found[key] = product
    return found


def catalog_products(on: date | None = None) -> dict[str, Product]:
    """The catalog's products in force on a day (today), by id.

    Raises UserError LND-*, DOC-* or POL-* for a faulty file.
    """
    day = on or today()
    return {product.id: product for product in _catalog().values() if product.in_force(day)}


def catalog_product(product_id: str, version: str | None = None) -> Product:
    """A product of the catalog, of a version or the one in force. Raises UserError LND-PRODUCT-ABSENT."""
    found = catalog_products().get(product_id) if version is None else _catalog().get((product_id, version))
    if found is None:
        known = ", ".join(sorted({each for each, _ in _catalog()}))
        fail("LND-PRODUCT-ABSENT", product_id, product=f"{product_id} {version or ''}".strip(), known=known)
    return found


@dataclass(frozen=True)
class Offered:
    """A product of an institution. ``id`` names the offer in cases, contracts and the portals."""

    id: UUID
    institution_id: UUID
    institution: str
    product: Product
    state: str
    effective_from: date
    effective_to: date | None
    quota_cny: Decimal | None
    proposed_by: UUID | None = None
    released_by: UUID | None = None

    @property
    def product_id(self) -> str:
        """The id of the product itself."""
        return self.product.id


_SELECT = (
    "SELECT p.*, i.name AS institution FROM institution_product p "
    "JOIN institution i ON i.id = p.institution_id "
)


def open_products(tx: Tx, on: date | None = None) -> list[Offered]:
    """All offers open on a day (today) of institutions in good standing, in the order they were made."""
    rows = tx.execute(
        _SELECT + "WHERE p.state = 'open' AND i.status = 'active' AND p.effective_from <= %(day)s "
        "AND (p.effective_to IS NULL OR p.effective_to >= %(day)s) ORDER BY p.id",
        {"day": on or today()},
    ).fetchall()
    return [_offered(row) for row in rows]


def offered_product(tx: Tx, offer_id: UUID) -> Offered:
    """One offer in any state. Raises UserError LND-PRODUCT-ABSENT."""
    row = tx.execute(_SELECT + "WHERE p.id = %s", [offer_id]).fetchone()
    if row is None:
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer_id, known="/enterprise/products")
    return _offered(row)


def institution_products(tx: Tx, institution_id: UUID) -> list[Offered]:
    """All offers of an institution, the newest first, drafts and closed ones too."""
    rows = tx.execute(_SELECT + "WHERE p.institution_id = %s ORDER BY p.id DESC", [institution_id]).fetchall()
    return [_offered(row) for row in rows]


def draft_product(
    tx: Tx,
    actor: Actor,
    product_id: str,
    *,
    source: str | None = None,
    quota_cny: Decimal | None = None,
    effective_from: date | None = None,
) -> UUID:
    """Propose to offer a product of the catalog, or ``source``, the institution's own text under that id.

    Raises UserError LND-* for a product that is not sound, LND-PRODUCT-STATE where the version stands
    already, CST-WORDING for words that promise a result or borrow a government's name.
    """
    product = catalog_product(product_id) if source is None else _own(source, product_id)
    told = (product.file.name, product.file.summary, product.file.audience)
    wording.check(product.id, *(words for text in told for words in (text.zh, text.en)))
    return _insert(
        tx,
        actor.institution,
        product,
        source,
        quota_cny=quota_cny,
        effective_from=effective_from,
        state="draft",
        by=actor.person,
    )


def put_on_shelf(
    tx: Tx,
    institution_id: UUID,
    product_id: str,
    *,
    quota_cny: Decimal | None = None,
    source: str | None = None,
) -> UUID:
    """Open an offer at once: the platform's own set-up (scope SYSTEM), for no person's hand."""
    product = catalog_product(product_id) if source is None else _own(source, product_id)
    return _insert(
        tx, institution_id, product, source, quota_cny=quota_cny, effective_from=None, state="open", by=None
    )


def _insert(
    tx: Tx,
    institution_id: UUID | None,
    product: Product,
    source: str | None,
    *,
    quota_cny: Decimal | None,
    effective_from: date | None,
    state: str,
    by: UUID | None,
) -> UUID:
    offer_id = new_id()
    begins = effective_from or max(today(), product.file.effective.from_)
    try:
        with tx.transaction():
            tx.execute(
                "INSERT INTO institution_product (id, institution_id, product_id, version, state, "
                "effective_from, effective_to, source, quota_cny, proposed_by, changed_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    *(offer_id, institution_id, product.id, product.version, state, begins),
                    *(product.file.effective.to, source, quota_cny, by, now()),
                ],
            )
    except psycopg.errors.UniqueViolation as error:
        raise user_error("LND-PRODUCT-STATE", product.id, detail=product.version) from error
    return offer_id


def release_product(tx: Tx, actor: Actor, offer_id: UUID) -> None:
    """Open a draft as a second person; the version open before is closed, or ends the day before this begins.

    Raises UserError LND-FOUR-EYES-STATE, LND-PRODUCT-STATE, LND-FILING-STATE (an institution whose filing
    is missing or has expired offers nothing).
    """
    offer = _own_offer(tx, actor, offer_id, "draft")
    if actor.person is None or offer.proposed_by == actor.person:
        fail("LND-FOUR-EYES-STATE", offer.product.id)
    filed = tx.execute(
        "SELECT 1 FROM institution WHERE id = %s AND status = 'active' AND filing_number IS NOT NULL "
        "AND (filing_expires_on IS NULL OR filing_expires_on >= %s)",
        [offer.institution_id, today()],
    ).fetchone()
    if filed is None:
        fail("LND-FILING-STATE", offer.institution)
    _make_room(tx, actor, offer)
    tx.execute(
        "UPDATE institution_product SET state = 'open', released_by = %s, changed_at = %s WHERE id = %s",
        [actor.person, now(), offer_id],
    )


def _make_room(tx: Tx, actor: Actor, offer: Offered) -> None:
    """No two versions of a product are on offer on one day: what is open ends before this one begins."""
    name = f"{offer.institution_id} {offer.product_id}"
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 40))", [name])
    begins = offer.effective_from
    told = {"institution": offer.institution_id, "product": offer.product_id, "begins": begins}
    if begins > today():
        tx.execute(
            "UPDATE institution_product SET effective_to = %(begins)s::date - 1, changed_at = %(at)s "
            "WHERE institution_id = %(institution)s AND product_id = %(product)s AND state = 'open' "
            "AND effective_from < %(begins)s AND coalesce(effective_to, 'infinity') >= %(begins)s",
            told | {"at": now()},
        )
    tx.execute(
        "UPDATE institution_product SET state = 'closed', closed_by = %(by)s, changed_at = %(at)s "
        "WHERE institution_id = %(institution)s AND product_id = %(product)s AND state = 'open' "
        "AND (effective_from >= %(begins)s OR coalesce(effective_to, 'infinity') >= %(begins)s "
        "OR effective_to < %(day)s)",
        told | {"by": actor.person, "at": now(), "day": today()},
    )


def close_product(tx: Tx, actor: Actor, offer_id: UUID) -> None:
    """Take an offer off the shelf; applications made under it go on. Raises UserError LND-PRODUCT-STATE."""
    _own_offer(tx, actor, offer_id, "open")
    tx.execute(
        "UPDATE institution_product SET state = 'closed', closed_by = %s, changed_at = %s WHERE id = %s",
        [actor.person, now(), offer_id],
    )


def _own_offer(tx: Tx, actor: Actor, offer_id: UUID, state: str) -> Offered:
    """An offer of the actor's own institution in a state, locked until the transaction ends."""
    tx.execute("SELECT 1 FROM institution_product WHERE id = %s FOR UPDATE", [offer_id])
    offer = offered_product(tx, offer_id)
    if offer.institution_id != actor.institution:
        fail("LND-PRODUCT-ABSENT", str(offer_id), product=offer_id, known="/bank/products")
    if offer.state != state:
        fail("LND-PRODUCT-STATE", offer.product.id, detail=f"{offer.product.version}: {offer.state}")
    return offer


def _own(source: str, product_id: str) -> Product:
    product = _parsed(source)
    if product.id != product_id:
        fail("LND-PRODUCT", product.lines.where(("id",)), detail=f"{product.id} / {product_id}")
    return product


@lru_cache(maxsize=256)
def _parsed(source: str) -> Product:
    return parse_product(source, "product.yaml")


def _offered(row: Row) -> Offered:
    source: Any = row["source"]
    product = catalog_product(row["product_id"], row["version"]) if source is None else _parsed(source)
    return Offered(
        id=row["id"],
        institution_id=row["institution_id"],
        institution=row["institution"],
        product=product,
        state=row["state"],
        effective_from=row["effective_from"],
        effective_to=row["effective_to"],
        quota_cny=row["quota_cny"],
        proposed_by=row["proposed_by"],
        released_by=row["released_by"],
    )
