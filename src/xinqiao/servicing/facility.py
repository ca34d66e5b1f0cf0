"""Facilities: opened when the contract is signed, frozen, closed; who belongs to which group."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Tx, acting, new_id
from xinqiao.kernel.errors import fail
from xinqiao.kernel.period import add_months
from xinqiao.lending.case_product import product_of
from xinqiao.lending.case_state import get
from xinqiao.lending.offer_state import Offer, offers
from xinqiao.lending.product_format import Caps
from xinqiao.servicing import line
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.facility_row import Facility, State, facilities, facility
from xinqiao.servicing.group import controller_of

SIGNED = ("signed", "active")
__all__ = [
    "Facility",
    "activate",
    "available",
    "close",
    "facilities",
    "facility",
    "freeze",
    "open_facility",
    "regroup",
    "unfreeze",
]


def activate(tx: Tx, actor: Actor, *, case_id: UUID, on: date | None = None) -> UUID:
    """Open the facility of a case whose contract both have signed (``on``: from when).

    Asked for again, it gives the same one. Raises UserError LND-CASE-ABSENT, SRV-CASE-STATE.
    """
    case = get(tx, case_id)
    if case.state not in SIGNED:
        fail("SRV-CASE-STATE", str(case_id), state=case.state_name)
    return open_facility(tx, actor, case_id=case_id, on=on)


def open_facility(tx: Tx, actor: Actor, *, case_id: UUID, on: date | None = None) -> UUID:
    """Open the facility of an accepted offer; that the contract is signed is for ``activate`` to know.

    Raises UserError LND-CASE-ABSENT, SRV-CASE-STATE (no offer was accepted).
    """
    case = get(tx, case_id)
    with acting(tx, SYSTEM):
        # two who activate at once: the second waits here, then finds the first one's facility
        tx.execute("SELECT 1 FROM lending_case WHERE id = %s FOR UPDATE", [case_id])
        found = tx.execute("SELECT id FROM facility WHERE case_id = %s", [case_id]).fetchone()
        if found is not None:
            return UUID(str(found["id"]))
        taken = [offer for offer in offers(tx, case_id=case_id) if offer.state == "accepted"]
        if not taken:
            fail("SRV-CASE-STATE", str(case_id), state=case.state_name)
        made = _open(tx, taken[0], on or business_day(tx, taken[0].institution_id))
    audit.note(tx, actor, "facility.activated", str(made), {"case": str(case_id)})
    return made


def _open(tx: Tx, offer: Offer, on: date) -> UUID:
    product = product_of(tx, offer.institution_id, offer.product_id, offer.product_version)
    made, group_key = new_id(), controller_of(tx, offer.company_id)
    told = {
        "id": made,
        "case_id": offer.case_id,
        "company_id": offer.company_id,
        "institution_id": offer.institution_id,
        "product_id": offer.product_id,
        "product_version": offer.product_version,
        "amount_cny": offer.amount_cny,
        "rate": offer.rate,
        "term_months": offer.term_months,
        "way": offer.repayment,
        "drawdown": product.file.drawdown.kind,
        "group_key": group_key,
        "valid_from": on,
        "valid_until": add_months(on, offer.term_months),
        "state": "active",
    }
    places = ", ".join(f"%({name})s" for name in told)
    tx.execute(f"INSERT INTO facility ({', '.join(told)}) VALUES ({places})", told)  # noqa: S608 - own names
    tx.execute(
        "INSERT INTO credit_line (id, institution_id, kind, key, limit_cny) "
        "VALUES (%s, %s, 'facility', %s, %s)",
        [new_id(), offer.institution_id, str(made), offer.amount_cny],
    )
    _cap(tx, offer, product.file.caps, group_key)
    return made


def _cap(tx: Tx, offer: Offer, caps: Caps, group_key: str | None) -> None:
    """Lower the lines to what the product allows one firm, one group and all its borrowers together."""
    if caps.firm_cny is not None:
        line.lower(tx, offer.institution_id, "company", offer.company_id, caps.firm_cny)
    if caps.group_cny is not None and group_key is not None:
        line.lower(tx, offer.institution_id, "group", group_key, caps.group_cny)
    quota = tx.execute(
        "SELECT quota_cny FROM institution_product "
        "WHERE institution_id = %s AND product_id = %s AND version = %s",
        [offer.institution_id, offer.product_id, offer.product_version],
    ).fetchone()
    if quota is not None and quota["quota_cny"] is not None:
        line.lower(tx, offer.institution_id, "product", offer.product_id, quota["quota_cny"])


def available(tx: Tx, facility_id: UUID) -> Decimal:
    """What can be drawn now, in CNY: the least that any of its limits leaves; 0 where nothing may be drawn.

    Raises UserError SRV-FACILITY-ABSENT.
    """
    found = facility(tx, facility_id)
    day = business_day(tx, found.institution_id)
    if found.state != "active" or not found.valid_from <= day < found.valid_until:
        return Decimal(0)
    with acting(tx, SYSTEM):
        return min((each.left_cny for each in line.lines_of(tx, found)), default=Decimal(0))


def freeze(tx: Tx, actor: Actor, facility_id: UUID, why: str) -> None:
    """Nothing is drawn until ``unfreeze``; repayments go on.

    Raises UserError SRV-FACILITY-ABSENT, SRV-FACILITY-STATE.
    """
    _turn(tx, actor, facility_id, ("active", "frozen"), why)


def unfreeze(tx: Tx, actor: Actor, facility_id: UUID, why: str) -> None:
    """Drawing goes on. Raises UserError SRV-FACILITY-ABSENT, SRV-FACILITY-STATE."""
    _turn(tx, actor, facility_id, ("frozen", "active"), why)


def close(tx: Tx, actor: Actor, facility_id: UUID, why: str = "") -> None:
    """End a facility for good, once its loans are repaid or written off.

    Raises UserError SRV-FACILITY-ABSENT, SRV-FACILITY-STATE, SRV-OPEN-STATE (a loan is open).
    """
    with acting(tx, SYSTEM):
        found = facility(tx, facility_id, lock=True)
        left = tx.execute(
            "SELECT count(*) AS n FROM loan WHERE facility_id = %s AND state = 'open'", [facility_id]
        ).fetchone()
    if left is not None and left["n"]:
        fail("SRV-OPEN-STATE", str(facility_id), loans=left["n"])
    _turn(tx, actor, facility_id, (found.state, "closed"), why)


def regroup(tx: Tx, actor: Actor, facility_id: UUID, group_key: str | None) -> None:
    """Another person controls the company: what is used moves from one group's line to the other's.

    The new group's line may be exceeded by it; then nothing more is drawn. Raises SRV-FACILITY-ABSENT.
    """
    facility(tx, facility_id)
    with acting(tx, SYSTEM):
        found = facility(tx, facility_id, lock=True)
        line.hold_all(tx, found.institution_id)
        tx.execute(
            "UPDATE facility SET group_key = %s, version = version + 1 WHERE id = %s",
            [group_key, facility_id],
        )
        line.count_again(tx, found.institution_id, "group", (found.group_key, group_key))
    audit.note(tx, actor, "facility.regrouped", str(facility_id), {"group": group_key})


def _turn(tx: Tx, actor: Actor, facility_id: UUID, way: tuple[State, State], why: str) -> None:
    """From one state to another, by somebody who may see the facility."""
    facility(tx, facility_id)
    with acting(tx, SYSTEM):
        found = facility(tx, facility_id, lock=True)
        if found.state != way[0] or found.state == "closed":
            fail("SRV-FACILITY-STATE", str(facility_id), state=found.state)
        tx.execute(
            "UPDATE facility SET state = %s, version = version + 1 WHERE id = %s", [way[1], facility_id]
        )
    audit.note(tx, actor, f"facility.{way[1]}", str(facility_id), {"why": why[:200]})
