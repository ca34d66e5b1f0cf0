"""The demo's watching: most borrowers let their lender read on after the loan, and a round has been made."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Mapping, Sequence
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.consent.grants import Proof, give
from xinqiao.consent.terms import ordinary_sets
from xinqiao.db.database import SYSTEM, Database
from xinqiao.kernel import clock
from xinqiao.kernel.errors import UserError
from xinqiao.monitoring.borrower import PURPOSE
from xinqiao.monitoring.labels import flow_back
from xinqiao.monitoring.month import keep_months
from xinqiao.monitoring.surveillance import surveil
from xinqiao.monitoring.watch import finish, tasks
from xinqiao.portal.demo_loans import Lender
from xinqiao.servicing.business_day import business_day

WILLING = 0.85
"""How many borrowers grant the reading after the loan."""
CHECKED = 3
"""Every so-manieth task has been done."""


def watched(
    database: Database, lenders: Sequence[Lender], firms: Mapping[str, Actor], draw: random.Random
) -> None:
    """Month ends, labels, one round a lender and some tasks done; what is there already stays."""
    with database.transaction(SYSTEM) as tx:
        if tx.execute("SELECT 1 FROM warning_state LIMIT 1").fetchone():
            return
    for lender in lenders:
        for company in _borrowers(database, lender.id):
            if company in firms and draw.random() < WILLING:
                _granted(database, firms[company], lender.id)
        with database.transaction(SYSTEM) as tx:
            day = business_day(tx, lender.id)
            keep_months(tx, lender.id, day)
            flow_back(tx, lender.id)
            surveil(tx, lender.id, day)
        _checked(database, lender)


def _borrowers(database: Database, institution: UUID) -> list[str]:
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT DISTINCT company_id FROM loan WHERE institution_id = %s AND state = 'open' ORDER BY 1",
            [institution],
        )
        return [row["company_id"] for row in rows]


def _granted(database: Database, firm: Actor, institution: UUID) -> None:
    with contextlib.suppress(UserError), database.transaction(firm.scope) as tx:
        give(
            tx,
            firm,
            institution=institution,
            purposes=[PURPOSE],
            data_sets=sorted(ordinary_sets()),
            proof=Proof("session", clock.now()),
        )


def _checked(database: Database, lender: Lender) -> None:
    with database.transaction(lender.officer.scope) as tx:
        for task in tasks(tx, lender.id)[::CHECKED]:
            finish(tx, lender.officer, task.id, "keep_watching", "已电话核实，下月回访")
