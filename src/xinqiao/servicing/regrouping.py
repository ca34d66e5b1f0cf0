"""Groups kept up to date (集团调整): every night, whom a debtor's loans count with follows its newest file.

Where the newest file says nothing of who holds the company, what was known before stays.
"""

from __future__ import annotations

from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.jobs import every
from xinqiao.kernel.text import Text
from xinqiao.lending.case_product import product_of
from xinqiao.servicing import facility, line
from xinqiao.servicing.group import control_known

MACHINE = Actor("system", frozenset(), "集团调整")
_IN_USE = (
    "SELECT f.company_id, array_agg(f.id ORDER BY f.id) AS ids FROM facility f WHERE f.state <> 'closed' "
    "OR EXISTS (SELECT FROM loan l WHERE l.facility_id = f.id AND l.state <> 'closed') GROUP BY 1 ORDER BY 1"
)


@every("50 16 * * *", "servicing.regroup")
def nightly(database: Database) -> None:
    """Before the nights' day-ends (in UTC): move what counts in another group now."""
    follow(database)


def follow(database: Database) -> int:
    """Regroup every facility whose company is controlled by another by its newest file; how many.

    Each company in a transaction of its own; done again it changes nothing.
    """
    with database.transaction(SYSTEM) as tx:
        companies = tx.execute(_IN_USE).fetchall()
    count = 0
    for row in companies:
        with database.transaction(SYSTEM) as tx:
            known, controller = control_known(tx, row["company_id"])
            if known:
                count += sum(_moved(tx, each, controller) for each in row["ids"])
    return count


def _moved(tx: Tx, facility_id: UUID, controller: str | None) -> bool:
    """Whether a facility counts in another group from now on; its bank is told."""
    found = facility.facility(tx, facility_id)
    if found.group_key == controller:
        return False
    facility.regroup(tx, MACHINE, facility_id, controller)
    product = product_of(tx, found.institution_id, found.product_id, found.product_version)
    cap = product.file.caps.group_cny
    if cap is not None and controller is not None:
        line.lower(tx, found.institution_id, "group", controller, cap)
    text = Text(
        zh=f"实际控制人有变化：授信 {str(facility_id)[-8:]} 改计入另一集团的限额",
        en=f"control has changed: facility {str(facility_id)[-8:]} counts in another group's limit",
    )
    notify(tx, to_institution=found.institution_id, role="bank.officer", text=text, link="/bank/limits")
    return True
