"""Early warning at a bank: the watch-list, tasks with deadlines, and what the signals say of a borrower."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.db.database import Row
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.monitoring import labels  # noqa: F401 - its job is declared by importing it
from xinqiao.monitoring.month import keep_months
from xinqiao.monitoring.signal import LEVEL_NAMES, LEVELS, Level, signals
from xinqiao.monitoring.surveillance import surveil
from xinqiao.monitoring.watch import RESULTS, finish, leave, steps, tasks, watch, watch_list
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.enterprise_apply import attempt
from xinqiao.portal.problems import status_of
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing.business_day import business_day

router = APIRouter()
PAGE = "/bank/monitoring"
Read = Annotated[Visit, needs("loan.read")]
Handle = Annotated[Visit, needs("loan.handle")]
Words = Annotated[str, Form(max_length=500)]
KINDS = {"red": "bad", "orange": "warn", "yellow": "info"}
STEPS = {
    "entered": Text(zh="列入名单", en="entered the list"),
    "level": Text(zh="级别上升", en="level raised"),
    "left": Text(zh="移出名单", en="left the list"),
    "note": Text(zh="备注", en="note"),
}
_STATES = (
    "SELECT count(*) AS looked, count(*) FILTER (WHERE unread <> '') AS unread, max(looked_on) AS looked_on, "
    "count(*) FILTER (WHERE level IS NOT NULL) AS warned FROM warning_state WHERE institution_id = %s"
)
_BY_SIGNAL = (
    "SELECT signal, count(*) AS n FROM warning_signal WHERE institution_id = %s AND ended_on IS NULL "
    "GROUP BY signal ORDER BY n DESC, signal"
)
_OF_COMPANY = (
    "SELECT * FROM warning_signal WHERE institution_id = %s AND company_id = %s "
    "ORDER BY ended_on IS NOT NULL, raised_on DESC, signal LIMIT 100"
)


@router.get("/bank/monitoring")
def monitoring_page(visit: Read) -> Response:
    """The watch-list, tasks, and which signals speak."""
    return _page(visit)


def _page(visit: Visit, fault: UserError | None = None) -> Response:
    institution = own_institution(visit)
    state = visit.tx.execute(_STATES, [institution]).fetchone()
    listed, todo = watch_list(visit.tx, institution), tasks(visit.tx, institution)
    return visit.page(
        "bank_monitoring.html",
        200 if fault is None else status_of(fault),
        fault=fault,
        state=state,
        listed=listed,
        counts={level: sum(each.level == level for each in listed) for level in reversed(LEVELS)},
        tasks=todo,
        late=sum(task.due_on < today() for task in todo),
        by_signal=[
            (signals().signals[row["signal"]], row["n"])
            for row in visit.tx.execute(_BY_SIGNAL, [institution])
            if row["signal"] in signals().signals
        ],
        groups=signals().groups,
        **_words(),
    )


def _words() -> dict[str, object]:
    return {
        "levels": LEVEL_NAMES,
        "kinds": KINDS,
        "signals": signals().signals,
        "results": RESULTS,
        "today": today(),
    }


@router.post("/bank/monitoring/round")
def look_now(visit: Handle) -> Response:
    """Look at every borrower now; the nightly round does the same."""

    def work() -> Response:
        institution = own_institution(visit)
        day = business_day(visit.tx, institution)
        keep_months(visit.tx, institution, day)
        surveil(visit.tx, institution, day)
        return RedirectResponse(PAGE, 303)

    return attempt(visit, work, lambda fault: _page(visit, fault))


@router.get("/bank/monitoring/{company_id}")
def borrower_page(visit: Read, company_id: str) -> Response:
    """Everything the signals, the list and the tasks hold of one borrower."""
    return _borrower(visit, company_id)


def _borrower(visit: Visit, company_id: str, fault: UserError | None = None) -> Response:
    institution = own_institution(visit)
    raised = visit.tx.execute(_OF_COMPANY, [institution, company_id]).fetchall()
    state = _row(
        visit, "SELECT * FROM warning_state WHERE institution_id = %s AND company_id = %s", company_id
    )
    entry = _row(
        visit,
        "SELECT * FROM watch_entry WHERE institution_id = %s AND company_id = %s AND left_on IS NULL",
        company_id,
    )
    owed = _row(
        visit,
        "SELECT count(*) AS loans, coalesce(sum(principal_cny), 0) AS principal, "
        "coalesce(max(days_past_due), 0) AS days FROM loan WHERE institution_id = %s AND company_id = %s",
        company_id,
    )
    if owed is None or not owed["loans"]:
        fail("MON-BORROWER-ABSENT", company_id)
    return visit.page(
        "bank_borrower.html",
        200 if fault is None else status_of(fault),
        fault=fault,
        company_id=company_id,
        name=_name(visit, company_id),
        state=state,
        entry=entry,
        owed=owed,
        raised=[(signals().signals[r["signal"]], r) for r in raised if r["signal"] in signals().signals],
        unknown=[s for s in signals().signals.values() if s.id in (state or {}).get("unknown", ())],
        steps=steps(visit.tx, institution, company_id),
        step_names=STEPS,
        tasks=tasks(visit.tx, institution, company_id),
        **_words(),
    )


def _row(visit: Visit, statement: str, company_id: str) -> Row | None:
    return visit.tx.execute(statement, [own_institution(visit), company_id]).fetchone()


def _name(visit: Visit, company_id: str) -> str:
    row = visit.tx.execute("SELECT name FROM company WHERE id = %s", [company_id]).fetchone()
    return company_id if row is None else str(row["name"])


@router.post("/bank/monitoring/{company_id}/watch")
def put_on_list(
    visit: Handle, company_id: str, level: Annotated[Level, Form()], reason: Words = ""
) -> Response:
    """A person puts a borrower on the list, or raises its level."""

    def work() -> Response:
        watch(visit.tx, visit.actor, company_id, level, reason)
        return RedirectResponse(f"{PAGE}/{company_id}", 303)

    return attempt(visit, work, lambda fault: _borrower(visit, company_id, fault))


@router.post("/bank/monitoring/{company_id}/leave")
def take_off_list(visit: Handle, company_id: str, reason: Words = "") -> Response:
    """A person takes a borrower off the list."""

    def work() -> Response:
        leave(visit.tx, visit.actor, company_id, reason)
        return RedirectResponse(f"{PAGE}/{company_id}", 303)

    return attempt(visit, work, lambda fault: _borrower(visit, company_id, fault))


@router.post("/bank/monitoring/{company_id}/tasks/{task_id}")
def finish_task(
    visit: Handle,
    company_id: str,
    task_id: UUID,
    result: Annotated[str, Form(max_length=40)],
    words: Words = "",
) -> Response:
    """An officer has done a task."""

    def work() -> Response:
        finish(visit.tx, visit.actor, task_id, result, words)
        return RedirectResponse(f"{PAGE}/{company_id}", 303)

    return attempt(visit, work, lambda fault: _borrower(visit, company_id, fault))
