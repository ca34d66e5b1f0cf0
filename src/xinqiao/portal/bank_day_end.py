"""The institution's days: business day, trial balance, classes, reconciliation, allowance rates."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal
from uuid import UUID

from fastapi import File, Form, UploadFile
from fastapi.routing import APIRouter
from starlette.responses import RedirectResponse, Response

from xinqiao.account.approval import open_approvals
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.loan.classification import CLASSES, NAMES, REASONS, Class
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.bank_scorecards import sent
from xinqiao.portal.visit import Visit, needs
from xinqiao.servicing import day_end, provision, reconciliation
from xinqiao.servicing.statement import trial

router = APIRouter()
PATH = "/bank/day-end"
RECONCILE = "/bank/reconciliation"
SHOWN = 100
ACCOUNTS: dict[str, Text] = {
    "cash": Text(zh="存放资金", en="cash"),
    "loan_principal": Text(zh="贷款本金", en="loan principal"),
    "interest_receivable": Text(zh="应收利息", en="interest receivable"),
    "penalty_receivable": Text(zh="应收罚息", en="penalty receivable"),
    "fee_receivable": Text(zh="应收费用", en="fees receivable"),
    "borrower_credit": Text(zh="暂收款", en="held for borrowers"),
    "interest_income": Text(zh="利息收入", en="interest income"),
    "penalty_income": Text(zh="罚息收入", en="penalty income"),
    "fee_income": Text(zh="手续费收入", en="fee income"),
    "waived": Text(zh="减免支出", en="waived"),
    "loan_loss_allowance": Text(zh="贷款损失准备", en="loan loss allowance"),
    "provision_expense": Text(zh="资产减值损失", en="provision expense"),
    "recovery_income": Text(zh="已核销收回", en="recoveries"),
}
Reads = Annotated[Visit, needs("loan.read")]
Handles = Annotated[Visit, needs("loan.handle")]
Approves = Annotated[Visit, needs("loan.approve")]
_CHANGED = """
    SELECT k.*, coalesce(c.name, l.company_id) AS company FROM loan_class k JOIN loan l ON l.id = k.loan_id
    LEFT JOIN company c ON c.id = l.company_id WHERE k.institution_id = %s
    ORDER BY k.on_date DESC, k.at DESC, k.id LIMIT %s
"""


@router.get(PATH)
def page(visit: Reads) -> Response:
    """Where the day stands; the page loads itself anew while a day-end is at work."""
    bank = own_institution(visit)
    found = day_end.state(visit.tx, bank)
    if found.half_done is not None:
        visit.headers["Refresh"] = "3"
    return visit.page(
        "bank_day_end.html",
        state=found,
        may_close=(found.half_done or found.day) <= today(),
        trial=trial(visit.tx, bank),
        accounts=ACCOUNTS,
        changes=visit.tx.execute(_CHANGED, [bank, SHOWN]).fetchall(),
        classes=NAMES,
        reasons=REASONS,
        rates=provision.rates(visit.tx, bank, found.day),
        waiting=open_approvals(visit.tx, bank, provision.KIND),
        today=today(),
    )


@router.post(f"{PATH}/close")
def close(visit: Approves) -> Response:
    """Close the open business day, in the background."""

    def work() -> Response:
        day_end.close_next(visit.tx, visit.actor)
        return RedirectResponse(PATH, 303)

    return visit.once(work)


@router.post(f"{PATH}/rates")
def propose_rates(  # noqa: PLR0917 - the fields of a form
    visit: Handles,
    since: Annotated[date, Form()],
    normal: Annotated[str, Form(max_length=10)],
    special_mention: Annotated[str, Form(max_length=10)],
    substandard: Annotated[str, Form(max_length=10)],
    doubtful: Annotated[str, Form(max_length=10)],
    loss: Annotated[str, Form(max_length=10)],
) -> Response:
    """Propose the institution's own rates of the loss allowance, in percent."""
    told = dict(zip(CLASSES, (normal, special_mention, substandard, doubtful, loss), strict=True))

    def work() -> Response:
        provision.propose_rates(visit.tx, visit.actor, _shares(told), since)
        return RedirectResponse(PATH, 303)

    return visit.once(work)


@router.post(f"{PATH}/rates/{{approval_id}}")
def decide_rates(
    visit: Approves, approval_id: UUID, outcome: Annotated[Literal["approved", "refused"], Form()]
) -> Response:
    """Decide on proposed rates, as the second person."""

    def work() -> Response:
        provision.decide_rates(visit.tx, visit.actor, approval_id, outcome)
        return RedirectResponse(PATH, 303)

    return visit.once(work)


@router.get(RECONCILE)
def differences_page(visit: Reads) -> Response:
    """Files of the core system, and where its book and ours differ."""
    bank = own_institution(visit)
    return visit.page(
        "bank_reconciliation.html",
        files=reconciliation.files(visit.tx, bank),
        open=reconciliation.differences(visit.tx, bank, state="open"),
        settled=reconciliation.differences(visit.tx, bank, state="settled")[:SHOWN],
        kinds=reconciliation.KINDS,
        columns=",".join(reconciliation.COLUMNS),
        yesterday=day_end.business_day(visit.tx, bank) - timedelta(days=1),
    )


@router.post(RECONCILE)
def compare(visit: Handles, day: Annotated[date, Form()], file: Annotated[UploadFile, File()]) -> Response:
    """Compare a day's file; the same file again changes nothing."""
    data, name = sent(file)

    def work() -> Response:
        reconciliation.reconcile(visit.tx, visit.actor, day, data, name)
        return RedirectResponse(RECONCILE, 303)

    return visit.once(work)


@router.post(f"{RECONCILE}/{{difference_id}}/settle")
def settle(visit: Handles, difference_id: UUID, words: Annotated[str, Form(max_length=500)] = "") -> Response:
    """Close a difference with what was found."""

    def work() -> Response:
        reconciliation.settle(visit.tx, visit.actor, difference_id, words)
        return RedirectResponse(RECONCILE, 303)

    return visit.once(work)


def _shares(told: dict[Class, str]) -> dict[Class, Decimal]:
    """Percents as shares. Raises UserError SRV-RATES."""
    try:
        return {cls: Decimal(text.strip()) / 100 for cls, text in told.items()}
    except InvalidOperation:
        fail("SRV-RATES", "rates")
