"""Signing a contract (签约): the sheet, read long enough; then the company; then the institution."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from xinqiao.account import approval
from xinqiao.account.actor import Actor
from xinqiao.account.institution import get_institution
from xinqiao.consent.grants import FRESH, Proof
from xinqiao.db import jobs
from xinqiao.db.database import SYSTEM, Database, Tx, acting
from xinqiao.db.jobs import job
from xinqiao.evidence.log import record
from xinqiao.kernel.canonical import digest
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.case_state import Case, get, move, opened
from xinqiao.lending.deciding import platform_actor
from xinqiao.servicing.certificate import Holder, signer
from xinqiao.servicing.contract import ACTIVATE, Contract, Document, Party, contract, pdf, signatures
from xinqiao.servicing.facility import activate
from xinqiao.servicing.signing import Place, sign_pdf

APPROVAL = "contract.sign"
"""Kind of the proposal that the institution sign, where it takes two people."""
PLACES: dict[tuple[Document, Party], Place] = {
    ("sheet", "company"): Place("Sheet-Borrower", (57, 74, 266, 136)),
    ("contract", "company"): Place("Borrower", (62, 589, 272, 652)),
    ("contract", "institution"): Place("Lender", (323, 589, 533, 652)),
}
"""The boxes the templates draw, in points from the lower left of the last page."""
REASON = "loan contract"


@dataclass(frozen=True, slots=True)
class Reading:
    """When a person was first shown the sheet, and from when it can be signed."""

    since: datetime
    ready_at: datetime

    @property
    def left_seconds(self) -> int:
        """How long there is still to read."""
        return max(0, -((now() - self.ready_at) // timedelta(seconds=1)))


def show_sheet(tx: Tx, actor: Actor, case_id: UUID) -> Reading:
    """Note that the sheet is shown to the person who acts for the company; the first time counts.

    Raises UserError SRV-CONTRACT-ABSENT, SRV-SIGN-FORBIDDEN.
    """
    found, person = contract(tx, case_id), _company_person(actor)
    with acting(tx, SYSTEM):
        tx.execute(
            "INSERT INTO sheet_shown (contract_id, company_id, institution_id, person_id, at) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [found.id, found.company_id, found.institution_id, person, now()],
        )
        row = tx.execute(
            "SELECT at FROM sheet_shown WHERE contract_id = %s AND person_id = %s", [found.id, person]
        ).fetchone()
    assert row is not None  # noqa: S101 - just written, or before
    return Reading(row["at"], row["at"] + timedelta(seconds=found.read_seconds))


def sign_sheet(tx: Tx, ring: Keyring, actor: Actor, case_id: UUID, proof: Proof) -> None:
    """The company signs the sheet of the all-in cost, once it has been shown long enough.

    Raises UserError CST-PROOF, SRV-READ-STATE (too early), SRV-SIGNED-STATE, SRV-SIGN-STATE.
    """
    found, person = contract(tx, case_id), _company_person(actor)
    _fresh(proof)
    _in_state(tx, case_id, "contracted")
    with acting(tx, SYSTEM):
        row = tx.execute(
            "SELECT at FROM sheet_shown WHERE contract_id = %s AND person_id = %s", [found.id, person]
        ).fetchone()
    if row is None or row["at"] + timedelta(seconds=found.read_seconds) > now():
        fail("SRV-READ-STATE", found.number, seconds=found.read_seconds)
    _sign(tx, ring, actor, found, ("sheet", "company"))


def sign(tx: Tx, ring: Keyring, actor: Actor, case_id: UUID, *, version: int, proof: Proof) -> None:
    """The company signs the contract. Without its signature under the sheet it can't.

    Raises UserError CST-PROOF, SRV-SHEET-STATE, SRV-SIGNED-STATE, LND-MOVE-STATE, LND-VERSION-STATE.
    """
    case = opened(tx, case_id, version)
    found = contract(tx, case_id)
    _company_person(actor)
    _fresh(proof)
    if not any(each.document == "sheet" for each in signatures(tx, found.id)):
        fail("SRV-SHEET-STATE", found.number)
    told = _sign(tx, ring, actor, found, ("contract", "company"))
    move(tx, actor, case, "sign", {"digest": told})


def propose_signature(tx: Tx, actor: Actor, case_id: UUID) -> UUID:
    """Ask a second person of the institution to sign a contract the company has signed.

    Raises UserError SRV-SIGN-STATE, SRV-PROPOSED-STATE (asked before), ACC-TWO-FORBIDDEN.
    """
    found = contract(tx, case_id)
    _in_state(tx, case_id, "half_signed")
    if waiting(tx, actor, case_id) is not None:
        fail("SRV-PROPOSED-STATE", found.number)
    return approval.propose(tx, actor, APPROVAL, str(case_id), {"digest": found.digest})


def waiting(tx: Tx, actor: Actor, case_id: UUID) -> approval.Approval | None:
    """The open proposal to sign the contract of a case."""
    if actor.institution is None:
        return None
    with acting(tx, SYSTEM):  # who proposed is told by name, also when they have left
        found = approval.open_approvals(tx, actor.institution, APPROVAL)
    return next((each for each in found if each.subject == str(case_id)), None)


def countersign(tx: Tx, ring: Keyring, actor: Actor, case_id: UUID, *, version: int, proof: Proof) -> None:
    """The institution signs; above the first rung of authority as the second of two people.

    The limit is opened by a job of the same transaction. Raises UserError CST-PROOF, SRV-SIGN-STATE,
    SRV-TWO-STATE (nobody asked for it), ACC-SAME-FORBIDDEN (one's own proposal), SRV-SIGN-FORBIDDEN.
    """
    case = opened(tx, case_id, version)
    found = contract(tx, case_id)
    _fresh(proof)
    if actor.institution != found.institution_id or actor.person is None:
        fail("SRV-SIGN-FORBIDDEN", found.number)
    _in_state(tx, case_id, "half_signed")
    told = _sign(tx, ring, actor, found, ("contract", "institution"), asked=_asked(tx, actor, found))
    move(tx, actor, case, "countersign", {"digest": told})
    if ACTIVATE in jobs.app.tasks:
        jobs.defer(tx, ACTIVATE, lock=f"case:{case.id}", case_id=str(case.id))


def _asked(tx: Tx, actor: Actor, found: Contract) -> approval.Approval | None:
    """The proposal this signature decides, where it takes two people."""
    if not found.two_people:
        return None
    if not actor.may("case.approve"):
        fail("SRV-SIGN-FORBIDDEN", found.number)
    asked = waiting(tx, actor, found.case_id)
    if asked is None:
        fail("SRV-TWO-STATE", found.number)
    approval.decide(tx, actor, asked.id, "approved")
    return asked


@job(ACTIVATE)
def open_limit(database: Database, case_id: str) -> None:
    """Open the limit of a signed contract; does nothing where that is done."""
    with database.transaction(SYSTEM) as tx:
        case = get(tx, UUID(case_id))
        if case.state == "signed":
            by = platform_actor(case.institution_id)
            facility = activate(tx, by, case_id=case.id)
            move(tx, by, case, "activate", {"facility": str(facility)})


def _company_person(actor: Actor) -> UUID:
    if actor.side != "enterprise" or actor.person is None:
        fail("SRV-SIGN-FORBIDDEN", actor.side)
    return actor.person


def _fresh(proof: Proof) -> None:
    """A signature needs a person who proved who they are just now."""
    if proof.method != "session" or not timedelta(0) <= now() - proof.at <= FRESH:
        fail("CST-PROOF", proof.method)


def _in_state(tx: Tx, case_id: UUID, state: str) -> Case:
    case = get(tx, case_id)
    if case.state != state:
        fail("SRV-SIGN-STATE", str(case_id), state=case.state_name)
    return case


def _sign(
    tx: Tx,
    ring: Keyring,
    actor: Actor,
    found: Contract,
    what: tuple[Document, Party],
    *,
    asked: approval.Approval | None = None,
) -> str:
    """Put a signature into the document as it stands; its digest then. Both copies stay."""
    document, party = what
    if any((each.document, each.party) == what for each in signatures(tx, found.id)):
        fail("SRV-SIGNED-STATE", found.number)
    at = now()
    with acting(tx, SYSTEM):
        tx.execute("SELECT 1 FROM contract WHERE id = %s FOR UPDATE", [found.id])
        by = signer(tx, ring, _holder(tx, actor, found, party), found.algorithm)
        data = sign_pdf(
            pdf(tx, found.case_id, document), by, PLACES[what], at, why=f"{REASON} {found.number}"
        )
        told = {"contract": str(found.id), "number": found.number, "case": str(found.case_id)}
        told |= {"step": f"{document} signed by the {party}", "serial": by.serial, "at": at.isoformat()}
        evidence = record(
            tx,
            "contract",
            told | {"digest": digest(data)},
            subject=found.company_id,
            institution=found.institution_id,
        )
        row = {
            "contract_id": found.id,
            "case_id": found.case_id,
            "company_id": found.company_id,
            "institution_id": found.institution_id,
            "document": document,
            "party": party,
            "person_id": actor.person,
            "name": actor.name,
            "proposed_by": None if asked is None else asked.proposed_by,
            "proposed_name": None if asked is None else asked.proposer,
            "at": at,
            "serial": by.serial,
            "pdf": data,
            "digest": digest(data),
            "evidence_id": evidence,
        }
        places = ", ".join(f"%({name})s" for name in row)
        tx.execute(f"INSERT INTO contract_signature ({', '.join(row)}) VALUES ({places})", row)  # noqa: S608 - our own names
    return digest(data)


def _holder(tx: Tx, actor: Actor, found: Contract, party: Party) -> Holder:
    person = str(actor.person)
    if party == "institution":
        named = get_institution(tx, found.institution_id)
        return Holder(party, str(named.id), named.name, named.uscc, person, actor.name)
    firm = tx.execute("SELECT name, uscc FROM company WHERE id = %s", [found.company_id]).fetchone()
    name = found.company_id if firm is None else firm["name"]
    code = found.company_id if firm is None else firm["uscc"] or found.company_id
    return Holder(party, found.company_id, name, code, person, actor.name)
