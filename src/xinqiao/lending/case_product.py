"""What a case needs to know of the product that was applied for."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal
from uuid import UUID

from xinqiao.db.database import Row, Tx
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import fail
from xinqiao.lending.product import Offered, Product, offered_product

Rung = Literal["officer", "approver", "committee"]


def on_offer(tx: Tx, institution_id: UUID, product_id: str) -> Offered:
    """The product that can be applied for today. Raises UserError LND-PRODUCT-ABSENT."""
    row = tx.execute(
        "SELECT p.id FROM institution_product AS p JOIN institution AS i ON i.id = p.institution_id "
        "WHERE p.institution_id = %(institution)s AND p.product_id = %(product)s AND p.state = 'open' "
        "AND i.status = 'active' AND p.effective_from <= %(day)s "
        "AND coalesce(p.effective_to, %(day)s) >= %(day)s",
        {"institution": institution_id, "product": product_id, "day": today()},
    ).fetchone()
    return _offered(tx, row, product_id)


def product_of(tx: Tx, institution_id: UUID, product_id: str, version: str) -> Product:
    """The product as it was applied for, on offer still or not. Raises UserError LND-PRODUCT-ABSENT."""
    row = tx.execute(
        "SELECT id FROM institution_product WHERE institution_id = %s AND product_id = %s AND version = %s",
        [institution_id, product_id, version],
    ).fetchone()
    return _offered(tx, row, product_id).product


def _offered(tx: Tx, row: Row | None, product_id: str) -> Offered:
    if row is None:
        fail("LND-PRODUCT-ABSENT", product_id[:80], product=product_id[:80], known="/enterprise/products")
    return offered_product(tx, row["id"])


def rung_of(product: Product, amount_cny: Decimal, rate: Decimal) -> Rung:
    """Who may grant this sum at this rate. Raises UserError LND-AUTHORITY-FORBIDDEN where nobody may."""
    ladder = product.file.authority
    found = [rung.role for rung in ladder if amount_cny <= rung.limit_cny and rate >= rung.rate_min]
    if not found:
        fail("LND-AUTHORITY-FORBIDDEN", product.id, amount=f"{amount_cny:,.2f}", rate=f"{rate:.2%}")
    return found[0]
