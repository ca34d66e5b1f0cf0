"""What a drawing is for (资金用途), and whom it is paid to (受托支付), by the rule of its product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from xinqiao.db.database import Tx
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.lending.component import library
from xinqiao.lending.product_format import ProductFile
from xinqiao.servicing.facility_row import Facility

ACCOUNT = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{5,38}[0-9A-Za-z]")
MOST_NAME = 120


@dataclass(frozen=True, slots=True)
class Funds:
    """A purpose by its id in the catalog; the payee's name and account where the bank pays the seller."""

    purpose: str
    payee_name: str = ""
    payee_account: str = ""


def purposes(file: ProductFile) -> Mapping[str, Text]:
    """What a product's money may be for, by id: those it names, or all but those it forbids."""
    rule = file.use
    return {
        name: words
        for name, words in library().purposes.items()
        if name not in rule.forbidden and (not rule.allowed or name in rule.allowed)
    }


def entrusted(file: ProductFile, amount_cny: Decimal) -> bool:
    """Whether a drawing of so much is paid straight to the seller."""
    above = file.use.entrusted_cny
    return file.drawdown.paid_to == "seller" or (above is not None and amount_cny > above)


def stripped(funds: Funds) -> Funds:
    """As it is kept: without spaces around what people typed."""
    return Funds(funds.purpose, funds.payee_name.strip(), funds.payee_account.strip())


def checked(file: ProductFile, amount_cny: Decimal, funds: Funds) -> Funds:
    """What is kept of ``funds``. Raises UserError SRV-PURPOSE, SRV-PAYEE (none, or no account)."""
    may = purposes(file)
    if funds.purpose not in may:
        fail("SRV-PURPOSE", "purpose", allowed=_listed(may))
    kept = stripped(funds)
    if not entrusted(file, amount_cny) and not kept.payee_name and not kept.payee_account:
        return kept
    if not 0 < len(kept.payee_name) <= MOST_NAME or ACCOUNT.fullmatch(kept.payee_account) is None:
        fail("SRV-PAYEE", "payee")
    return kept


def _listed(may: Mapping[str, Text]) -> Text:
    return Text(zh="、".join(w.zh for w in may.values()), en=", ".join(w.en for w in may.values()))


def keep(tx: Tx, loan_id: UUID, facility: Facility, funds: Funds) -> None:
    """Keep what a loan was drawn for (scope SYSTEM); it is never changed."""
    told = [funds.purpose, funds.payee_name or None, funds.payee_account or None]
    tx.execute(
        "INSERT INTO loan_use (loan_id, company_id, institution_id, purpose, payee_name, payee_account) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [loan_id, facility.company_id, facility.institution_id, *told],
    )


def funds_of(tx: Tx, loan_id: UUID) -> Funds | None:
    """What a loan the scope may see was drawn for; None for one that came from elsewhere."""
    row = tx.execute(
        "SELECT purpose, payee_name, payee_account FROM loan_use WHERE loan_id = %s", [loan_id]
    ).fetchone()
    return None if row is None else Funds(*(value or "" for value in row.values()))
