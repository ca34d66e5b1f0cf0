"""Doing and undoing a bulk measure that two people decided, as jobs.

Each loan gets one event through ``book.post`` with a key of its own, so a killed job goes on where it stopped
and books nothing twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.notice import notify
from xinqiao.db.database import SYSTEM, Database, Row, Tx
from xinqiao.db.jobs import job
from xinqiao.evidence import log
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.loan import engine
from xinqiao.loan.event import Reverse
from xinqiao.servicing import book, bulk_action
from xinqiao.servicing.bulk_action import JOB, UNDO_JOB, State
from xinqiao.servicing.bulk_choice import event_of, measure_of
from xinqiao.servicing.business_day import business_day

CHUNK = 25
ZERO = Decimal(0)
COMPANY_TEXT: dict[str, Text] = {
    "defer": Text(
        zh="您的贷款已按政策延期 {months} 个月", en="your loan was deferred by {months} months under a policy"
    ),
    "interest_free": Text(
        zh="您的贷款已按政策免息 {months} 个月",
        en="your loan bears no interest for {months} months under a policy",
    ),
    "rate_change": Text(zh="您的贷款利率已按政策调整", en="the rate of your loan was changed under a policy"),
}


@job(JOB)
def execute(database: Database, action: str) -> None:
    """Do an approved measure, a chunk of loans a transaction; run again it goes on."""
    while _chunk(database, UUID(action), undo=False):
        pass
    _finish(database, UUID(action), "running", "done")


@job(UNDO_JOB)
def undo(database: Database, action: str) -> None:
    """Undo a measure where nothing happened since, a chunk of loans a transaction; run again it goes on."""
    while _chunk(database, UUID(action), undo=True):
        pass
    _finish(database, UUID(action), "undoing", "undone")


def _chunk(database: Database, action_id: UUID, *, undo: bool) -> bool:
    """The next loans of a measure; False when none is left."""
    with database.transaction(SYSTEM) as tx:
        found = tx.execute(
            "SELECT * FROM bulk_action WHERE id = %s AND state = %s",
            [action_id, "undoing" if undo else "running"],
        ).fetchone()
        rows = tx.execute(
            "SELECT * FROM bulk_action_loan WHERE action_id = %s AND state = %s ORDER BY loan_id "
            "LIMIT %s FOR UPDATE",
            [action_id, "done" if undo else "waiting", CHUNK],
        ).fetchall()
        if found is None or not rows:
            return False
        for row in rows:
            told = _undo_one(tx, found, row) if undo else _do_one(tx, found, row)
            tx.execute(
                "UPDATE bulk_action_loan SET state = %(state)s, seq = coalesce(%(seq)s, seq), "
                "note = %(note)s, extra_cny = coalesce(%(extra)s, extra_cny) "
                "WHERE action_id = %(action)s AND loan_id = %(loan)s",
                {"seq": None, "note": "", "extra": None, "action": action_id, "loan": row["loan_id"]} | told,
            )
        return True


def _do_one(tx: Tx, action: Row, row: Row) -> dict[str, Any]:
    """Book the measure on one loan; what it refuses is noted and holds nobody else up."""
    measure = measure_of(action["measure"])
    try:
        with tx.transaction():
            was = book.engine_loan(tx, row["loan_id"])
            event = event_of(measure, business_day(tx, row["institution_id"]))
            became = book.post(tx, _actor(action), row["loan_id"], event, key=_key(action, row, "do"))
            seq = book.loan(tx, row["loan_id"]).version
    except UserError as error:
        return {"state": "failed", "note": f"{error.what.zh} {error.what.en}"[:500]}
    text = COMPANY_TEXT[measure.kind].fill(months=measure.months)
    notify(tx, to_company=row["company_id"], text=text, link=f"/enterprise/loans/{row['loan_id']}")
    return {"state": "done", "seq": seq, "extra": _interest(became) - _interest(was)}


def _undo_one(tx: Tx, action: Row, row: Row) -> dict[str, Any]:
    """Counter the measure on one loan, unless something happened to it since."""
    try:
        with tx.transaction():
            if book.loan(tx, row["loan_id"], lock=True).version != row["seq"]:
                return {"state": "kept", "note": bulk_action.LOAN_STATES["kept"].zh}
            event = Reverse(on=business_day(tx, row["institution_id"]), seq=row["seq"])
            book.post(tx, _actor(action), row["loan_id"], event, key=_key(action, row, "undo"))
    except UserError as error:
        return {"state": "kept", "note": f"{error.what.zh} {error.what.en}"[:500]}
    text = Text(zh="此前按政策作出的调整已撤销", en="the change made under a policy was taken back")
    notify(tx, to_company=row["company_id"], text=text, link=f"/enterprise/loans/{row['loan_id']}")
    return {"state": "undone"}


def _interest(loan: engine.Loan) -> Decimal:
    """Interest of the whole schedule."""
    return sum((row.interest for row in engine.rows(loan, engine.matures_on(loan))), ZERO)


def _key(action: Row, row: Row, verb: str) -> str:
    return f"bulk:{action['id']}:{row['loan_id']}:{verb}"


def _actor(action: Row) -> Actor:
    """The platform, doing what two people of the institution decided."""
    name = f"批量措施 bulk measure: {action['title']}"[:120]
    return Actor("system", frozenset(), name, institution=action["institution_id"])


def _finish(database: Database, action_id: UUID, was: State, becomes: State) -> None:
    with database.transaction(SYSTEM) as tx:
        found = tx.execute(
            "SELECT * FROM bulk_action WHERE id = %s AND state = %s FOR UPDATE", [action_id, was]
        ).fetchone()
        if found is None:
            return
        bulk_action.put(tx, action_id, becomes)
        counts = bulk_action.counts_of(tx, action_id)
        log.record(
            tx,
            "decision",
            bulk_action.body_of(found) | {"state": becomes, "counts": counts},
            subject=str(action_id),
            institution=found["institution_id"],
        )
        said = Text(
            zh=f"批量措施{bulk_action.STATES[becomes].zh}：{found['title']}",
            en=f"bulk measure {bulk_action.STATES[becomes].en}: {found['title']}",
        )
        link = f"/bank/bulk-actions/{action_id}"
        notify(tx, to_institution=found["institution_id"], role="bank.approver", text=said, link=link)
