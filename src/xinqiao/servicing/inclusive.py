"""Inclusive loans to small firms (普惠型小微企业贷款): which firms' loans are reported as such.

By the reporting definition: loans to small and micro firms (standard of 2017), to individual businesses and
to owners for their business, where all that the institution grants the firm is 10 million CNY at most;
discounted bills are out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.lending.case_product import product_of

CAP_CNY = Decimal("10000000.00")
SIZES = frozenset(("small", "micro"))
INDIVIDUAL = "self_employed"
"""The register's kind of an individual business (个体工商户)."""
BILLS = "bill"
"""The pattern of products that discount bills."""
_PRODUCTS = "SELECT product_id, version FROM institution_product WHERE institution_id = %s"
_BOOKED = """
    SELECT count(*) AS loans, count(DISTINCT l.company_id) AS firms, coalesce(sum(l.principal_cny), 0) AS cny
    FROM loan l JOIN company c ON c.id = l.company_id
      JOIN (SELECT company_id, sum(amount_cny) AS total FROM facility
            WHERE institution_id = %(of)s AND state <> 'closed' GROUP BY 1) g ON g.company_id = l.company_id
    WHERE l.institution_id = %(of)s AND l.state = 'open' AND g.total <= %(cap)s
      AND (c.size = ANY(%(sizes)s) OR c.kind = %(individual)s)
      AND NOT (l.product_id, l.product_version) IN
        (SELECT * FROM unnest(%(bills)s::text[], %(versions)s::text[]))
"""


@dataclass(frozen=True, slots=True)
class Booked:
    """Open inclusive loans of an institution: how many, to how many firms, and their principal in CNY."""

    loans: int
    firms: int
    cny: Decimal


def is_inclusive(
    *,
    size: str | None,
    total_limit_cny: Decimal,
    individual: bool = False,
    owner: bool = False,
    bill: bool = False,
) -> bool:
    """Whether a loan counts, by the firm's ``size`` and what its institution grants it in all.

    ``individual``: an individual business; ``owner``: an owner's loan for the business.
    """
    whose = size in SIZES or individual or owner
    return whose and not bill and total_limit_cny <= CAP_CNY


def total_limit(tx: Tx, institution_id: UUID, company_id: str) -> Decimal:
    """What an institution grants a company in all (单户授信总额), in CNY: facilities that are not closed."""
    row = tx.execute(
        "SELECT coalesce(sum(amount_cny), 0) AS cny FROM facility "
        "WHERE institution_id = %s AND company_id = %s AND state <> 'closed'",
        [institution_id, company_id],
    ).fetchone()
    assert row is not None  # noqa: S101 - a sum always has its row
    return Decimal(row["cny"])


def inclusive(tx: Tx, institution_id: UUID, company_id: str, *, bill: bool = False) -> bool:
    """Whether a company's loans at an institution are inclusive ones, by the register and its facilities."""
    total = total_limit(tx, institution_id, company_id)
    with acting(tx, SYSTEM):
        row = tx.execute("SELECT kind, size FROM company WHERE id = %s", [company_id]).fetchone()
    kind, size = (None, None) if row is None else (row["kind"], row["size"])
    return is_inclusive(size=size, total_limit_cny=total, individual=kind == INDIVIDUAL, bill=bill)


def booked(tx: Tx, institution_id: UUID) -> Booked:
    """What an institution reports of its open loans as inclusive."""
    versions = [
        (row["product_id"], row["version"])
        for row in tx.execute(_PRODUCTS, [institution_id]).fetchall()
        if product_of(tx, institution_id, row["product_id"], row["version"]).file.pattern == BILLS
    ]
    told = {
        "of": institution_id,
        "cap": CAP_CNY,
        "sizes": sorted(SIZES),
        "individual": INDIVIDUAL,
        "bills": [product for product, _ in versions],
        "versions": [version for _, version in versions],
    }
    with acting(tx, SYSTEM):
        row = tx.execute(_BOOKED, told).fetchone()
    assert row is not None  # noqa: S101 - counts always have their row
    return Booked(row["loans"], row["firms"], row["cny"])
