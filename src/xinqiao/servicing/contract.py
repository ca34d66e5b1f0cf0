"""Contracts (合同): drawn up when an offer is accepted, with the sheet of its cost; then never changed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.account.institution import get_institution
from xinqiao.consent.grants import one as grant
from xinqiao.db.database import SYSTEM, Database, Tx, acting, new_id
from xinqiao.db.jobs import every, job
from xinqiao.evidence.log import record
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.case_product import product_of, rung_of
from xinqiao.lending.case_state import Case, get, move
from xinqiao.lending.deciding import platform_actor
from xinqiao.lending.offer import DRAW_UP
from xinqiao.lending.offer_state import Offer, offers
from xinqiao.servicing.certificate import Algorithm, algorithm_of
from xinqiao.servicing.contract_basis import Basis
from xinqiao.servicing.contract_content import content
from xinqiao.servicing.typesetting import template_digest, typeset

Document = Literal["sheet", "contract"]
Party = Literal["company", "institution"]
TEMPLATES = {"contract": "loan_contract", "sheet": "cost_sheet"}
ACTIVATE = "case.activate"
"""The job that opens the limit of a signed contract (``contract_signing``)."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract without its bytes. ``two_people``: the institution signs with a second person."""

    id: UUID
    case_id: UUID
    company_id: str
    institution_id: UUID
    number: str
    algorithm: Algorithm
    template: str
    sheet_digest: str
    digest: str
    read_seconds: int
    two_people: bool
    drawn_at: datetime
    drawn_by: str
    evidence_id: UUID


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed what, when; ``proposed_name``: who asked for it, where it takes two people."""

    document: Document
    party: Party
    person_id: UUID
    name: str
    proposed_by: UUID | None
    proposed_name: str | None
    at: datetime
    serial: str
    digest: str
    evidence_id: UUID


_COLUMNS = ", ".join(field.name for field in fields(Contract))
_SIGNED = ", ".join(field.name for field in fields(Signature))


def contract(tx: Tx, case_id: UUID) -> Contract:
    """The contract of a case, as far as the scope may see it. Raises UserError SRV-CONTRACT-ABSENT."""
    found = find(tx, case_id)
    if found is None:
        fail("SRV-CONTRACT-ABSENT", str(case_id))
    return found


def find(tx: Tx, case_id: UUID) -> Contract | None:
    """The contract of a case, if it has been drawn up."""
    row = tx.execute(f"SELECT {_COLUMNS} FROM contract WHERE case_id = %s", [case_id]).fetchone()  # noqa: S608 - our own names
    return None if row is None else Contract(**row)


def signatures(tx: Tx, contract_id: UUID) -> list[Signature]:
    """The signatures of a contract and its sheet, the first first."""
    rows = tx.execute(
        f"SELECT {_SIGNED} FROM contract_signature WHERE contract_id = %s ORDER BY at, document DESC",  # noqa: S608 - our own names
        [contract_id],
    )
    return [Signature(**row) for row in rows]


def pdf(tx: Tx, case_id: UUID, document: Document) -> bytes:
    """The document with all signatures there are. Raises UserError SRV-CONTRACT-ABSENT."""
    found = contract(tx, case_id)
    row = tx.execute(
        "SELECT pdf FROM contract_signature WHERE contract_id = %s AND document = %s "
        "ORDER BY at DESC LIMIT 1",
        [found.id, document],
    ).fetchone()
    if row is not None:
        return bytes(row["pdf"])
    name = "body" if document == "contract" else "sheet"
    drawn = tx.execute(f"SELECT {name} AS pdf FROM contract WHERE id = %s", [found.id]).fetchone()  # noqa: S608 - one of two
    assert drawn is not None  # noqa: S101 - it was just found
    return bytes(drawn["pdf"])


def draw_up(tx: Tx, actor: Actor, ring: Keyring, case_id: UUID) -> Contract:
    """Draw up the contract and the sheet of an accepted offer; asked again it gives the same ones.

    By the platform or the institution. Raises UserError SRV-CASE-STATE (no accepted offer), SRV-FONT,
    SRV-ALGORITHM, LND-MOVE-STATE.
    """
    case = get(tx, case_id)
    with acting(tx, SYSTEM):
        tx.execute("SELECT 1 FROM lending_case WHERE id = %s FOR UPDATE", [case_id])
        made = find(tx, case_id)
        if made is None:
            made = _draw(tx, actor, algorithm_of(ring), _basis(tx, case))
            case = get(tx, case_id)
    if case.state == "accepted":
        move(tx, actor, case, "draw_up", {"contract": str(made.id), "digest": made.digest})
    return made


def _basis(tx: Tx, case: Case) -> Basis:
    taken = [offer for offer in offers(tx, case_id=case.id) if offer.state == "accepted"]
    if not taken or case.state != "accepted":
        fail("SRV-CASE-STATE", str(case.id), state=case.state_name)
    firm = tx.execute("SELECT name, uscc FROM company WHERE id = %s", [case.company_id]).fetchone()
    file = tx.execute(
        "SELECT body->>'generated' = 'true' AS generated FROM credit_file WHERE company_id = %s "
        "ORDER BY as_of DESC, id DESC LIMIT 1",
        [case.company_id],
    ).fetchone()
    return Basis(
        number=f"XQ{today():%Y%m%d}-{case.id.hex[-10:].upper()}",
        case=case,
        offer=taken[0],
        product=product_of(tx, case.institution_id, case.product_id, case.product_version),
        lender=get_institution(tx, case.institution_id),
        borrower=case.company_id if firm is None else firm["name"],
        borrower_code=case.company_id if firm is None else firm["uscc"] or case.company_id,
        grant=None if case.grant_id is None else grant(tx, case.grant_id),
        on=today(),
        generated=bool(file and file["generated"]),
    )


def _draw(tx: Tx, actor: Actor, algorithm: Algorithm, basis: Basis) -> Contract:
    case, told, at, made = basis.case, content(basis), now(), new_id()
    body, sheet = (typeset(TEMPLATES[each], told, at) for each in ("contract", "sheet"))
    hashed = {"sheet_digest": digest(sheet), "digest": digest(body)}
    seen = {"contract": str(made), "number": basis.number, "case": str(case.id), "step": "drawn", **hashed}
    evidence = record(
        tx,
        "contract",
        {**seen, "at": at.isoformat()},
        subject=case.company_id,
        institution=case.institution_id,
    )
    row: dict[str, Any] = {
        "id": made,
        "case_id": case.id,
        "company_id": case.company_id,
        "institution_id": case.institution_id,
        "number": basis.number,
        "algorithm": algorithm,
        "template": template_digest(*sorted(TEMPLATES.values())),
        **hashed,
        "read_seconds": basis.product.file.flow.forced_reading_seconds,
        "two_people": _two_people(basis.offer, basis),
        "drawn_at": at,
        "drawn_by": actor.name,
        "evidence_id": evidence,
    }
    kept = row | {"content": Jsonb(told), "sheet": sheet, "body": body}
    places = ", ".join(f"%({name})s" for name in kept)
    tx.execute(f"INSERT INTO contract ({', '.join(kept)}) VALUES ({places})", kept)  # noqa: S608 - our own names
    return Contract(**row)


def _two_people(offer: Offer, basis: Basis) -> bool:
    """Above the first rung of the product's authority two people sign for the institution."""
    return rung_of(basis.product, offer.amount_cny, offer.rate) != "officer"


@job(DRAW_UP, keys=True)
def draw(database: Database, case_id: str, ring: Keyring) -> None:
    """Draw up the contract of a case whose offer was accepted; does nothing where that is done."""
    with database.transaction(SYSTEM) as tx:
        case = get(tx, UUID(case_id))
        if case.state == "accepted":
            draw_up(tx, platform_actor(case.institution_id), ring, case.id)


@every("*/10 * * * *", "case.close_repaid")
def close_repaid(database: Database) -> None:
    """Close the cases whose facility was closed with all its loans repaid."""
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute(
            "SELECT c.id FROM lending_case c JOIN facility f ON f.case_id = c.id "
            "WHERE c.state = 'active' AND f.state = 'closed' AND NOT EXISTS "
            "(SELECT FROM loan l WHERE l.facility_id = f.id AND l.state = 'open') LIMIT 500 "
            "FOR UPDATE OF c SKIP LOCKED"
        ).fetchall()
        for row in rows:
            case = get(tx, row["id"])
            move(tx, platform_actor(case.institution_id), case, "close")
