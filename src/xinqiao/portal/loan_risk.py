"""What people say of a loan's risk, as its page shows it: what stands, what waits, what may be proposed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xinqiao.account.approval import Approval
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text
from xinqiao.loan.balances import Posting
from xinqiao.loan.classification import NAMES as CLASSES
from xinqiao.portal.bank_portrait import own_institution
from xinqiao.portal.visit import Visit
from xinqiao.servicing import risk
from xinqiao.servicing.book import LoanRow
from xinqiao.servicing.journal import ACCOUNTS

MARKS = {
    "technical": Text(
        zh="技术性逾期（仅因操作原因，数日内）", en="technical delay (operational reason, days only)"
    ),
    "use_changed": Text(zh="擅自改变资金用途", en="money used otherwise without consent"),
    "refinanced": Text(zh="借新还旧", en="repaid by new debt"),
    "impaired": Text(zh="已发生信用减值", en="credit-impaired"),
}
"""Marks of a loan that are so or not."""
FACTS = {
    "bad_elsewhere": Text(zh="在其他银行有不良债务", en="non-performing debt at another bank"),
    "evades": Text(zh="逃废债务", en="evades its debts"),
    "bankrupt": Text(zh="进入破产清算", en="in bankruptcy liquidation"),
    "retail": Text(zh="个人消费者（不适用债务人规则）", en="a consumer (rules on debtors don't apply)"),
}
"""Facts of a debtor that are so or not."""
LOSS = Text(zh="预期信用损失占余额", en="expected loss over the balance")
OVERDUE = Text(zh="全部银行债务中逾期 90 天以上占", en="debts at all banks overdue over 90 days")
ABLE = Text(zh="认定有持续还款能力（上调条件）", en="found able to go on paying (needed for an upgrade)")
RULES = Text(zh="只按规则", en="by the rules alone")
Lines = list[tuple[Text, Decimal]]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A proposal that waits. ``own``: the reader's; ``entries``: what it will book, where it books."""

    found: Approval
    name: Text
    said: tuple[Text, ...]
    why: str
    own: bool
    entries: tuple[Lines, Lines] | None


def risk_view(visit: Visit, row: LoanRow) -> dict[str, Any]:
    """Everything about risk on the page of a loan."""
    institution = own_institution(visit)
    return {
        "waiting": [_waiting(visit, row, each) for each in risk.waiting(visit.tx, institution, row)],
        "told": risk.judgement(visit.tx, row.id),
        "debtor": risk.debtor(visit.tx, institution, row.company_id),
        "may_write_off": risk.may_write_off(row),
        "marks": MARKS,
        "facts": FACTS,
    }


def entries(visit: Visit, row: LoanRow) -> tuple[Lines, Lines] | None:
    """What a write-off today would enter: the accrual until today and the write-off; None if impossible."""
    try:
        accrued, off = risk.write_off_entries(visit.tx, row.id)
    except UserError:
        return None
    return _lines(accrued), _lines(off)


def _lines(found: tuple[Posting, ...]) -> Lines:
    return [(ACCOUNTS[each.account], each.amount) for each in found]


def _waiting(visit: Visit, row: LoanRow, found: Approval) -> Waiting:
    body = found.body
    saying = {risk.CLASS_KIND: _of_class, risk.DEBTOR_KIND: _of_debtor}.get(found.kind)
    return Waiting(
        found,
        risk.NAMES[found.kind],
        tuple(saying(body)) if saying else (),
        body.get("words") or body.get("source", ""),
        own=found.proposed_by == visit.actor.person,
        entries=entries(visit, row) if found.kind == risk.OFF_KIND else None,
    )


def _of_class(body: dict[str, Any]) -> list[Text]:
    cls, marks = body["class"], body["marks"]
    out = [CLASSES[cls] if cls else RULES, *(name for mark, name in MARKS.items() if marks.get(mark))]
    return out + _share(LOSS, marks.get("loss_share")) + ([ABLE] if body["able"] else [])


def _of_debtor(body: dict[str, Any]) -> list[Text]:
    return [name for fact, name in FACTS.items() if body[fact]] + _share(OVERDUE, body["overdue_share"])


def _share(name: Text, share: str | None) -> list[Text]:
    if share is None:
        return []
    percent = f"{Decimal(share) * 100:.2f} %"
    return [Text(zh=f"{name.zh} {percent}", en=f"{name.en}: {percent}")]
