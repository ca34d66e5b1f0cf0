"""Registering a company: its code, a phone that is proved, and who the person is to the company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from xinqiao.account.code import check_code, send_code
from xinqiao.account.person import (
    MAX_PASSWORD,
    MIN_PASSWORD,
    find,
    make_person,
    plain_phone,
    set_password,
)
from xinqiao.account.representation import stand_for
from xinqiao.account.sign_in import limit_address
from xinqiao.db.database import Row
from xinqiao.enterprise.resident_id import check_resident_id
from xinqiao.enterprise.uscc import check_uscc
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.portal.authentication import caller, own_site
from xinqiao.portal.problems import status_of
from xinqiao.portal.sign_in import admit
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Visit, needs("public.read")]
Word = Annotated[str, Form(max_length=200)]
PURPOSE = "register"


@router.get("/register")
def register_page(visit: Anyone, uscc: str = "") -> Response:
    """Which company, and the phone of who acts for it."""
    return visit.page("register.html", uscc=uscc, phone="", error=None)


@router.post("/register")
def begin(visit: Anyone, uscc: Word, phone: Word) -> Response:
    """Find the company and send a code to the phone."""
    own_site(visit)
    limit_address(visit.tx, caller(visit.request))
    try:
        company = company_of(visit, uscc)
        phone = plain_phone(phone)
    except UserError as error:
        return visit.page("register.html", status_of(error), uscc=uscc, phone=phone, error=error)
    send_code(visit.tx, visit.platform.keyring, visit.platform.notifier, phone, PURPOSE)
    return _second(visit, company, phone)


@dataclass(slots=True)
class _Told:
    """The second form."""

    uscc: Word
    phone: Word
    code: Word
    name: Word
    identity: Word
    password: Word


@router.post("/register/confirm")
def confirm(
    visit: Anyone, *, uscc: Word, phone: Word, code: Word, name: Word, identity: Word, password: Word
) -> Response:
    """Check code and person, and sign in: acting for the company at once, or waiting to be confirmed."""
    own_site(visit)
    limit_address(visit.tx, caller(visit.request))
    company = company_of(visit, uscc)
    told = _Told(uscc, phone, code, name, identity, password)
    refused = _fault(visit, told) or check_code(visit.tx, visit.platform.keyring, phone, PURPOSE, code)
    if refused is not None:
        return _second(visit, company, phone, refused, name)
    person = _person(visit, told)
    standing = stand_for(
        visit.tx,
        visit.platform.keyring,
        company_id=company["id"],
        person_id=person,
        name=name,
        identity=identity,
    )
    return admit(visit, person, "code", "" if standing == "representative" else "/account")


def _fault(visit: Visit, told: _Told) -> UserError | None:
    """What can be told before the code is used up."""
    check = check_resident_id(told.identity, today())
    try:
        if not check.valid:
            worst = next(each for each in check.faults if each.level == "error")
            fail("ACC-IDENTITY", "identity", detail=worst.text)
        if len(told.password) < MIN_PASSWORD and find(visit.tx, visit.platform.keyring, told.phone) is None:
            fail("ACC-PASSWORD", "password", least=MIN_PASSWORD, most=MAX_PASSWORD)
    except UserError as error:
        return error
    return None


def _person(visit: Visit, told: _Told) -> UUID:
    """The person of the phone just proved; one who was here before keeps name and password."""
    ring = visit.platform.keyring
    known = find(visit.tx, ring, told.phone)
    if known is not None:
        return known
    made = make_person(visit.tx, ring, name=told.name, phone=told.phone)
    set_password(visit.tx, made, told.password)
    return made


def company_of(visit: Visit, uscc: str) -> Row:
    """The company of a code, told as the register has it. Raises UserError ACC-USCC, ACC-COMPANY-ABSENT."""
    checked = check_uscc(uscc)
    if not checked.valid:
        near = " / ".join(checked.suggestions)
        detail = Text(
            zh="；".join(each.text.zh for each in checked.faults) + (f"；是否为 {near}" if near else ""),
            en="; ".join(each.text.en for each in checked.faults) + (f"; {near}?" if near else ""),
        )
        fail("ACC-USCC", "uscc", detail=detail)
    row = visit.tx.execute("SELECT id, name, uscc FROM company WHERE uscc = %s", [checked.code]).fetchone()
    if row is None:
        fail("ACC-COMPANY-ABSENT", checked.code)
    return row


def _second(
    visit: Visit, company: Row, phone: str, error: UserError | None = None, name: str = ""
) -> Response:
    status = 200 if error is None else status_of(error)
    return visit.page("register_confirm.html", status, company=company, phone=phone, error=error, name=name)
