"""Judgements of a loan's risk by two people: its class, marks, the cure, facts of its debtor, a write-off."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form
from fastapi.routing import APIRouter
from pydantic import BaseModel, Field, field_validator
from starlette.responses import Response

from xinqiao.account.approval import Outcome
from xinqiao.kernel.errors import fail
from xinqiao.loan.classification import Class
from xinqiao.portal.bank_loans import PAGE, Approve, Handle, Read, Words, act
from xinqiao.portal.loan_risk import entries
from xinqiao.portal.loan_view import loan_view
from xinqiao.portal.visit import Visit
from xinqiao.servicing import book, risk

router = APIRouter()
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
HUNDRED = Decimal(100)


class _Form(BaseModel):
    """A form whose boxes for a share may be left empty."""

    @field_validator("loss_percent", "overdue_percent", mode="before", check_fields=False)
    @classmethod
    def _left_empty(cls, value: object) -> object:
        return None if value == "" else value


class Judgement(_Form):
    """What is said of one loan: all of it, each time."""

    words: Annotated[str, Field(max_length=400)] = ""
    class_: Annotated[Class | Literal[""], Field(alias="class")] = ""
    able: bool = False
    technical: bool = False
    use_changed: bool = False
    refinanced: bool = False
    impaired: bool = False
    loss_percent: Percent | None = None

    def marks(self) -> dict[str, object]:
        """Marks by name, those taken away too."""
        said = self.model_dump(include={"technical", "use_changed", "refinanced", "impaired"})
        share = _share(self.loss_percent)
        return said | {"loss_share": None if share is None else str(share)}


class Debtor(_Form):
    """What is known of a debtor as a whole."""

    source: Annotated[str, Field(max_length=400)] = ""
    bad_elsewhere: bool = False
    evades: bool = False
    bankrupt: bool = False
    retail: bool = False
    overdue_percent: Percent | None = None


@router.post(f"{PAGE}/{{loan_id}}/risk/class")
def propose_class(visit: Handle, loan_id: UUID, said: Annotated[Judgement, Form()]) -> Response:
    """Propose a class, marks or the cure to a second person."""

    def work() -> None:
        told: dict[str, Any] = {"words": said.words, "class_": said.class_ or None, "able": said.able}
        risk.propose_class(visit.tx, visit.actor, loan_id, marks=said.marks(), **told)

    return act(visit, loan_id, work)


@router.post(f"{PAGE}/{{loan_id}}/risk/debtor")
def propose_debtor(visit: Handle, loan_id: UUID, said: Annotated[Debtor, Form()]) -> Response:
    """Propose what is known of the debtor to a second person."""

    def work() -> None:
        told = said.model_dump(exclude={"overdue_percent"})
        share = _share(said.overdue_percent)
        risk.propose_debtor(visit.tx, visit.actor, loan_id, overdue_share=share, **told)

    return act(visit, loan_id, work)


@router.get(f"{PAGE}/{{loan_id}}/write-off")
def write_off_page(visit: Read, loan_id: UUID) -> Response:
    """What a write-off would book today, and the form to propose it."""
    view = loan_view(visit, loan_id)
    return visit.page(
        "bank_write_off.html",
        view=view,
        entries=entries(visit, view.row),
        may_handle=visit.actor.may("loan.handle"),
    )


@router.post(f"{PAGE}/{{loan_id}}/write-off")
def propose_write_off(visit: Handle, loan_id: UUID, words: Words = "") -> Response:
    """Propose a write-off to a second person."""
    return act(visit, loan_id, lambda: risk.propose_write_off(visit.tx, visit.actor, loan_id, words=words))


@router.post(f"{PAGE}/{{loan_id}}/risk/{{approval_id}}/approve")
def approve(visit: Approve, loan_id: UUID, approval_id: UUID) -> Response:
    """The second person agrees."""
    return act(visit, loan_id, lambda: _decide(visit, loan_id, approval_id, "approved"))


@router.post(f"{PAGE}/{{loan_id}}/risk/{{approval_id}}/refuse")
def refuse(visit: Approve, loan_id: UUID, approval_id: UUID, reason: Words = "") -> Response:
    """The second person does not agree."""
    return act(visit, loan_id, lambda: _decide(visit, loan_id, approval_id, "refused", reason))


def _decide(visit: Visit, loan_id: UUID, approval_id: UUID, outcome: Outcome, reason: str = "") -> None:
    """Only what waits on this very loan is decided from its page."""
    row = book.loan(visit.tx, loan_id)
    found = {each.id: each for each in risk.waiting(visit.tx, row.institution_id, row)}.get(approval_id)
    if found is None:
        fail("ACC-APPROVAL-ABSENT", str(approval_id))
    risk.decide(visit.tx, visit.actor, found, outcome, reason)


def _share(percent: Decimal | None) -> Decimal | None:
    return None if percent is None else percent / HUNDRED
