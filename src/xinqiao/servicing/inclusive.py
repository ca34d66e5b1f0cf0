"""Inclusive loans to small firms (普惠型小微企业贷款): which firms' loans are reported as such.

By the reporting definition: loans to small and micro firms (standard of 2017), to individual businesses and
to owners for their business, where all that the institution grants the firm is 10 million CNY at most;
discounted bills are out.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Tx, acting

CAP_CNY = Decimal("10000000.00")
SIZES = frozenset(("small", "micro"))
INDIVIDUAL = "individual"
BILLS = "bill"
"""The pattern of products that discount bills."""


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
