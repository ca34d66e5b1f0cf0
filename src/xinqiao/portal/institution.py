"""An institution's own people and programs: what gives power is proposed by one and decided by another."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse, Response

from xinqiao.account.actor import permissions
from xinqiao.account.approval import open_approvals
from xinqiao.account.audit import lines, note
from xinqiao.account.client import CALLS_A_DAY, CALLS_A_MINUTE, CLIENT_ROLES, clients, end_client
from xinqiao.account.granting import KINDS_HERE, decide_grant, propose_client, propose_keys, propose_role
from xinqiao.account.institution import ROLES, get_institution
from xinqiao.account.membership import leave, people
from xinqiao.kernel.errors import fail, user_error
from xinqiao.portal.visit import Visit, needs

router = APIRouter(include_in_schema=False)
Admin = Annotated[Visit, needs("institution.admin")]
Word = Annotated[str, Form(max_length=200)]
MAX_KEYS_CHARS = 10_000


def _home() -> Response:
    return RedirectResponse("/institution", 303)


@router.get("/institution")
def institution_page(visit: Admin) -> Response:
    """People, programs, what waits for a second person, and what was done."""
    own = visit.actor.institution
    if own is None:
        fail("ACC-INSTITUTION-ABSENT", "institution")
    institution = get_institution(visit.tx, own)
    return visit.page(
        "institution.html",
        institution=institution,
        people=people(visit.tx, own),
        roles=ROLES[institution.kind],
        clients=clients(visit.tx, own),
        client_roles=CLIENT_ROLES[institution.kind],
        scopes=sorted(
            {p for p, each in permissions().items() if set(CLIENT_ROLES[institution.kind]) & {*each.roles}}
        ),
        limits=(CALLS_A_MINUTE, CALLS_A_DAY),
        waiting=[each for each in open_approvals(visit.tx, own) if each.kind in KINDS_HERE],
        audit=lines(visit.tx, own),
        token_address=f"{visit.platform.address.rstrip('/')}/api/v1/token",
    )


@router.post("/institution/roles")
def add_role(visit: Admin, name: Word, phone: Word, role: Word) -> Response:
    """Propose a role for somebody."""

    def work() -> Response:
        propose_role(visit.tx, visit.platform.keyring, visit.actor, name=name, phone=phone, role=role)
        return _home()

    return visit.once(work)


@router.post("/institution/roles/{membership_id}/end")
def end_role(visit: Admin, membership_id: UUID) -> Response:
    """End a role at once: taking power away needs no second person."""

    def work() -> Response:
        row = leave(visit.tx, membership_id)
        note(visit.tx, visit.actor, "role.ended", str(row["person_id"]), {"role": row["role"]})
        return _home()

    return visit.once(work)


@router.post("/institution/approvals/{approval_id}")
def decide(
    visit: Admin,
    approval_id: UUID,
    outcome: Annotated[Literal["approved", "refused"], Form()],
    reason: Word = "",
) -> Response:
    """The second person's decision."""

    def work() -> Response:
        decide_grant(visit.tx, visit.actor, approval_id, outcome, reason)
        return _home()

    return visit.once(work)


@router.post("/institution/clients")
def add_client(
    visit: Admin,
    *,
    name: Word,
    role: Word,
    keys: Annotated[str, Form(max_length=MAX_KEYS_CHARS)],
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    sandbox: Annotated[bool, Form()] = False,
    calls_a_minute: Annotated[int, Form()] = CALLS_A_MINUTE,
    calls_a_day: Annotated[int, Form()] = CALLS_A_DAY,
) -> Response:
    """Propose a program."""

    def work() -> Response:
        propose_client(
            visit.tx,
            visit.actor,
            name=name,
            role=role,
            keys=_key_set(keys),
            scopes=scopes,
            sandbox=sandbox,
            calls_a_minute=calls_a_minute,
            calls_a_day=calls_a_day,
        )
        return _home()

    return visit.once(work)


@router.post("/institution/clients/{client_id}/keys")
def change_keys(
    visit: Admin, client_id: str, keys: Annotated[str, Form(max_length=MAX_KEYS_CHARS)]
) -> Response:
    """Propose other keys for a program."""

    def work() -> Response:
        propose_keys(visit.tx, visit.actor, client_id, _key_set(keys))
        return _home()

    return visit.once(work)


@router.post("/institution/clients/{client_id}/end")
def switch_off(visit: Admin, client_id: str) -> Response:
    """Switch a program off at once."""

    def work() -> Response:
        end_client(visit.tx, client_id)
        note(visit.tx, visit.actor, "client.ended", client_id)
        return _home()

    return visit.once(work)


def _key_set(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise user_error("ACC-KEYS", "keys", detail="JSON") from None
    if isinstance(told, dict) and "kty" in told:
        return {"keys": [told]}
    return told if isinstance(told, dict) else {}
