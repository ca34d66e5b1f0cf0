"""One's own account: who one acts for, password, passkeys, sessions; the agents of a company; notices."""

from __future__ import annotations

import base64
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import JSONResponse, RedirectResponse, Response

from xinqiao.account.audit import note
from xinqiao.account.membership import hats
from xinqiao.account.notice import inbox, mark_read
from xinqiao.account.passkey import Site, add, begin_adding, passkeys, remove
from xinqiao.account.person import set_password
from xinqiao.account.representation import agents, answer_request, end_agent, represents, requests, stand_for
from xinqiao.account.session import end_others, wear
from xinqiao.kernel.errors import UserError, fail
from xinqiao.portal.authentication import confirm, home_of, local, session_of
from xinqiao.portal.problems import status_of
from xinqiao.portal.register import company_of
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Own = Annotated[Visit, needs("account.own")]
Agent = Annotated[Visit, needs("company.act")]
Word = Annotated[str, Form(max_length=200)]


def _person(visit: Visit) -> UUID:
    if visit.actor.person is None:
        fail("ACC-FORBIDDEN", visit.request.url.path, permission="account.own")
    return visit.actor.person


def _back(to: str = "/account") -> Response:
    return RedirectResponse(to, 303)


@router.get("/account")
def account_page(visit: Own) -> Response:
    """The account."""
    person = _person(visit)
    session = session_of(visit.tx, visit.request)
    held = [
        {**row, "key": base64.urlsafe_b64encode(row["id"]).decode()} for row in passkeys(visit.tx, person)
    ]
    return visit.page(
        "account.html", hats=hats(visit.tx, person), passkeys=held, session=session, home=home_of(visit.actor)
    )


@router.post("/account/act-for")
def act_for(visit: Own, hat: Word) -> Response:
    """Act for another institution or company from now on."""
    session = session_of(visit.tx, visit.request)
    if session is None:
        fail("ACC-SIGN-IN", "/account")
    wear(visit.tx, session, hat)
    return _back("/account")


@router.post("/account/password")
def change_password(visit: Own, password: Word, old: Word = "") -> Response:
    """Another password; the old one is asked for if there is one, and other sessions end."""
    person = _person(visit)
    session = session_of(visit.tx, visit.request)
    if session is None or session.method == "password":
        confirm(visit, old)

    def work() -> Response:
        set_password(visit.tx, person, password)
        end_others(visit.tx, person, None if session is None else session.id)
        note(visit.tx, visit.actor, "password.changed", str(person))
        return _back()

    return visit.once(work)


@router.get("/account/confirm")
def confirm_page(visit: Own, next: str = "") -> Response:  # noqa: A002 - the field's name
    """Ask for the password before something is signed."""
    return visit.page("account_confirm.html", next=local(next), error=None)


@router.post("/account/confirm")
def confirm_again(visit: Own, password: Word, next: Word = "") -> Response:  # noqa: A002
    """Prove to be there; then back to what is to be signed."""
    try:
        confirm(visit, password)
    except UserError as error:
        return visit.page("account_confirm.html", status_of(error), next=local(next), error=error)
    return _back(local(next) or home_of(visit.actor))


@router.post("/account/sessions/end")
def end_sessions(visit: Own) -> Response:
    """Sign out everywhere else."""

    def work() -> Response:
        session = session_of(visit.tx, visit.request)
        end_others(visit.tx, _person(visit), None if session is None else session.id)
        note(visit.tx, visit.actor, "sessions.ended", str(visit.actor.person))
        return _back()

    return visit.once(work)


@router.post("/account/passkeys/begin")
def passkey_begin(visit: Own) -> Response:
    """What the browser is asked when a passkey is added."""
    asked = begin_adding(visit.tx, Site(visit.platform.address), _person(visit), visit.actor.name)
    return JSONResponse({"id": str(asked.id), "options": asked.options})


@router.post("/account/passkeys")
def passkey_add(
    visit: Own,
    challenge: Annotated[UUID, Form()],
    answer: Annotated[str, Form(max_length=20_000)],
    name: Word = "",
) -> Response:
    """Keep a passkey; the challenge makes it count once."""
    site, person = Site(visit.platform.address), _person(visit)
    add(visit.tx, site, person, challenge_id=challenge, answer=answer, name=name)
    note(visit.tx, visit.actor, "passkey.added", str(person))
    return _back()


@router.post("/account/passkeys/remove")
def passkey_remove(visit: Own, key: Word) -> Response:
    """Forget a passkey."""

    def work() -> Response:
        try:
            told = base64.urlsafe_b64decode(key)
        except ValueError:
            told = b""
        remove(visit.tx, _person(visit), told)
        note(visit.tx, visit.actor, "passkey.removed", str(visit.actor.person))
        return _back()

    return visit.once(work)


@router.post("/account/companies")
def add_company(visit: Own, uscc: Word, identity: Word) -> Response:
    """Act for one more company, or ask its legal representative for it."""

    def work() -> Response:
        company, ring = company_of(visit, uscc), visit.platform.keyring
        person = _person(visit)
        name = visit.actor.name
        stand_for(visit.tx, ring, company_id=company["id"], person_id=person, name=name, identity=identity)
        return _back()

    return visit.once(work)


@router.get("/account/agents")
def agents_page(visit: Agent) -> Response:
    """Who acts for the company, and who asks to."""
    company = visit.actor.company or ""
    return visit.page(
        "account_agents.html",
        agents=agents(visit.tx, company),
        requests=requests(visit.tx, company),
        decides=represents(visit.tx, visit.actor),
    )


@router.post("/account/agents/{request_id}")
def agents_answer(
    visit: Agent, request_id: UUID, outcome: Annotated[Literal["confirmed", "refused"], Form()]
) -> Response:
    """The legal representative's word on somebody who asks."""

    def work() -> Response:
        answer_request(visit.tx, visit.actor, request_id, outcome)
        return _back("/account/agents")

    return visit.once(work)


@router.post("/account/agents/{membership_id}/end")
def agents_end(visit: Agent, membership_id: UUID) -> Response:
    """End an agent's authority."""

    def work() -> Response:
        end_agent(visit.tx, visit.actor, membership_id)
        return _back("/account/agents")

    return visit.once(work)


@router.get("/notices")
def notices_page(visit: Own) -> Response:
    """The inbox."""
    return visit.page("notices.html", notices=inbox(visit.tx, visit.actor))


@router.post("/notices/read")
def notices_read(visit: Own) -> Response:
    """All read."""

    def work() -> Response:
        mark_read(visit.tx, visit.actor)
        return _back("/notices")

    return visit.once(work)
