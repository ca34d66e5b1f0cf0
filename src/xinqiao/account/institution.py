"""Institutions: banks, guarantee companies, data holders, regulators and the operator."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail

Kind = Literal["bank", "guarantee", "holder", "regulator", "operator"]
KINDS: tuple[Kind, ...] = ("bank", "guarantee", "holder", "regulator", "operator")
ROLES: dict[str, tuple[str, ...]] = {
    "bank": ("bank.officer", "bank.approver", "bank.product", "bank.admin"),
    "guarantee": ("bank.officer", "bank.approver", "bank.product", "bank.admin"),
    "holder": ("holder.steward", "holder.admin"),
    "operator": ("operator.admin", "operator.analyst"),
    "regulator": ("regulator.viewer",),
}
"""Roles that people can hold at each kind of institution."""
ADMIN = {
    "bank": "bank.admin",
    "guarantee": "bank.admin",
    "holder": "holder.admin",
    "operator": "operator.admin",
    "regulator": "regulator.viewer",
}
"""The role of the first people of an institution."""
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
FILE_WITHIN_DAYS, WARN_AFTER_DAYS = 30, 20
"""A change has to be filed within 30 days; from the 20th day on the platform warns."""
MAX_NAME = 120
FilingFault = Literal["absent", "expired", "expires", "change"]


@dataclass(frozen=True, slots=True)
class Institution:
    """A member of the platform. ``filing_number``: of its filing or licence for credit reporting."""

    id: UUID
    kind: Kind
    name: str
    name_en: str
    uscc: str
    filing_number: str | None
    filing_expires_on: date | None
    filed_on: date | None
    changed_on: date
    status: Literal["applied", "active", "suspended"]
    applied_at: datetime
    version: int

    def filing_holds(self, on: date) -> bool:
        """Whether there is a filing that has not expired on that day."""
        return bool(self.filing_number) and (self.filing_expires_on is None or on <= self.filing_expires_on)


_NAMES = tuple(field.name for field in fields(Institution))


def _institution(row: Row) -> Institution:
    return Institution(**{name: row[name] for name in _NAMES})


def add_institution(
    tx: Tx,
    *,
    kind: Kind,
    name: str,
    uscc: str,
    name_en: str = "",
    filing_number: str | None = None,
    filing_expires_on: date | None = None,
) -> UUID:
    """A new institution, waiting to be admitted. Raises UserError ACC-INSTITUTION, ACC-USCC-STATE."""
    uscc, name = uscc.strip().upper(), name.strip()
    if _USCC.fullmatch(uscc) is None or not 1 <= len(name) <= MAX_NAME or kind not in KINDS:
        fail("ACC-INSTITUTION", "institution")
    institution_id = new_id()
    with acting(tx, SYSTEM):
        made = tx.execute(
            "INSERT INTO institution (id, kind, name, name_en, uscc, filing_number, filing_expires_on, "
            "filed_on, changed_on, status, applied_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'applied', %s) "
            "ON CONFLICT (uscc) DO NOTHING RETURNING id",
            [
                institution_id,
                kind,
                name,
                name_en,
                uscc,
                filing_number or None,
                filing_expires_on,
                today() if filing_number else None,
                today(),
                now(),
            ],
        ).fetchone()
    if made is None:
        fail("ACC-USCC-STATE", uscc)
    return institution_id


def set_status(tx: Tx, institution_id: UUID, status: Literal["active", "suspended"]) -> None:
    """Admit or suspend; those signed in there are signed out when suspended."""
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE institution SET status = %s, version = version + 1 WHERE id = %s",
            [status, institution_id],
        )
        if status == "suspended":
            tx.execute(
                "UPDATE session SET ended_at = %s WHERE institution_id = %s AND ended_at IS NULL",
                [now(), institution_id],
            )


def set_filing(tx: Tx, institution_id: UUID, number: str, expires_on: date | None) -> None:
    """Write down the filing as it now stands."""
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE institution SET filing_number = %s, filing_expires_on = %s, filed_on = %s, "
            "version = version + 1 WHERE id = %s",
            [number.strip() or None, expires_on, today(), institution_id],
        )


def get_institution(tx: Tx, institution_id: UUID) -> Institution:
    """An institution. Raises UserError ACC-INSTITUTION-ABSENT."""
    row = tx.execute("SELECT * FROM institution WHERE id = %s", [institution_id]).fetchone()
    if row is None:
        fail("ACC-INSTITUTION-ABSENT", str(institution_id))
    return _institution(row)


def institutions(tx: Tx, *, kind: Kind | None = None, status: str | None = None) -> list[Institution]:
    """Institutions by name, of a kind and in a status if told."""
    rows = tx.execute(
        "SELECT * FROM institution WHERE (%s::text IS NULL OR kind = %s) "
        "AND (%s::text IS NULL OR status = %s) ORDER BY name, id",
        [kind, kind, status, status],
    )
    return [_institution(row) for row in rows]


def rename(tx: Tx, institution_id: UUID, name: str, name_en: str) -> None:
    """Another name: a change that has to be filed."""
    if not 1 <= len(name.strip()) <= MAX_NAME:
        fail("ACC-INSTITUTION", "institution")
    with acting(tx, SYSTEM):
        tx.execute(
            "UPDATE institution SET name = %s, name_en = %s, changed_on = %s, version = version + 1 "
            "WHERE id = %s",
            [name.strip(), name_en.strip(), today(), institution_id],
        )


def filing_faults(institution: Institution, on: date) -> list[FilingFault]:
    """What is due on a day: no number, one that expired or will in 30 days, a change not filed yet."""
    faults: list[FilingFault] = []
    expires = institution.filing_expires_on
    if not institution.filing_number:
        faults.append("absent")
    elif expires is not None and expires < on:
        faults.append("expired")
    elif expires is not None and expires <= on + timedelta(days=FILE_WITHIN_DAYS):
        faults.append("expires")
    filed = institution.filed_on
    changed = institution.changed_on
    if (filed is None or filed < changed) and on >= changed + timedelta(days=WARN_AFTER_DAYS):
        faults.append("change")
    return faults


def operator_filed(tx: Tx, on: date) -> bool:
    """Whether the platform's operator has a filing in force: without one no product is put on the shelf."""
    return any(each.filing_holds(on) for each in institutions(tx, kind="operator", status="active"))
