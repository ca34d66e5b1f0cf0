"""Limits and what is used of them (额度): of a facility, a company, a group, a product, an institution.

Whoever draws takes from every line there is for the loan, always in the order of ``ORDER``, so that two who
draw at once wait for each other and never in a circle. What counts as used is principal drawn and not repaid
(a debt written off still counts); a facility that is not revolving keeps what was ever drawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args
from uuid import UUID

from xinqiao.account import audit
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Row, Tx, acting, new_id
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text
from xinqiao.servicing.facility_row import Facility
from xinqiao.servicing.facility_row import facility as get_facility

Kind = Literal["facility", "company", "group", "product", "institution"]
ORDER: tuple[Kind, ...] = get_args(Kind)
"""The order lines are locked in."""
NAMES: dict[Kind, Text] = {
    "facility": Text(zh="本授信额度", en="this facility"),
    "company": Text(zh="单户限额", en="the limit of the company"),
    "group": Text(zh="集团（同一实际控制人）限额", en="the limit of the group (one actual controller)"),
    "product": Text(zh="产品限额", en="the limit of the product"),
    "institution": Text(zh="机构总限额", en="the limit of the institution"),
}
SYSTEM_HAND = Actor("system", frozenset(), "产品限额")
MOST_LISTED = 500
_IN_ORDER = "array_position(ARRAY['facility','company','group','product','institution'], kind), key"
_USED = (
    "SELECT coalesce(sum((l.totals->>'disbursed')::numeric - CASE WHEN %(kind)s = 'facility' "
    "AND f.drawdown <> 'revolving' THEN 0 ELSE (l.totals->>'principal_paid')::numeric END), 0) AS used "
    "FROM loan l JOIN facility f ON f.id = l.facility_id WHERE f.institution_id = %(institution)s AND "
    "CASE %(kind)s WHEN 'facility' THEN f.id::text WHEN 'company' THEN f.company_id "
    "WHEN 'group' THEN f.group_key WHEN 'product' THEN f.product_id ELSE f.institution_id::text END = %(key)s"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A limit in CNY and what is used of it. ``key``: whose it is, by ``kind``."""

    id: UUID
    institution_id: UUID
    kind: Kind
    key: str
    limit_cny: Decimal
    used_cny: Decimal

    @property
    def left_cny(self) -> Decimal:
        """What can still be drawn."""
        return max(self.limit_cny - self.used_cny, Decimal(0))


def set_line(
    tx: Tx, actor: Actor, kind: Kind, key: str, limit_cny: Decimal, *, institution_id: UUID | None = None
) -> Line:
    """Set a limit of the actor's institution (``institution_id`` where the platform acts).

    A new line starts with what is used already; a limit below that stops drawing. Raises UserError SRV-LINE.
    """
    owner = actor.institution or institution_id
    if owner is None or kind not in ORDER or not key or limit_cny < 0:
        fail("SRV-LINE", f"{kind}/{key}"[:120])
    with acting(tx, SYSTEM):
        # nobody draws or repays while the first sum of a new line is worked out
        hold_all(tx, owner)
        told = {"id": new_id(), "institution": owner, "kind": kind, "key": key, "limit": limit_cny}
        row = tx.execute(
            "INSERT INTO credit_line "  # noqa: S608 - ours
            "(id, institution_id, kind, key, limit_cny, used_cny) "
            f"VALUES (%(id)s, %(institution)s, %(kind)s, %(key)s, %(limit)s, ({_USED})) "
            "ON CONFLICT (institution_id, kind, key) DO UPDATE SET limit_cny = excluded.limit_cny "
            "RETURNING *",
            told,
        ).fetchone()
    assert row is not None  # noqa: S101 - inserted or updated
    audit.note(tx, actor, "line.set", f"{kind}/{key}", {"limit_cny": str(limit_cny)})
    return _line(row)


def lower(tx: Tx, institution_id: UUID, kind: Kind, key: str, most_cny: Decimal) -> None:
    """Set a limit to ``most_cny`` unless it is lower: what a product allows at most (scope SYSTEM)."""
    row = tx.execute(
        "SELECT limit_cny FROM credit_line WHERE institution_id = %s AND kind = %s AND key = %s",
        [institution_id, kind, key],
    ).fetchone()
    if row is None or row["limit_cny"] > most_cny:
        set_line(tx, SYSTEM_HAND, kind, key, most_cny, institution_id=institution_id)


def lines(tx: Tx, *, kind: Kind | None = None, used: bool = False) -> list[Line]:
    """Lines the scope may see, of a kind, in locking order; ``used``: those most used first."""
    order = "used_cny / greatest(limit_cny, 0.01) DESC, id" if used else _IN_ORDER
    rows = tx.execute(
        "SELECT * FROM credit_line WHERE (%(kind)s::text IS NULL OR kind = %(kind)s) "  # noqa: S608 - ours
        f"ORDER BY {order} LIMIT %(most)s",
        {"kind": kind, "most": MOST_LISTED},
    )
    return [_line(row) for row in rows]


def lines_of(tx: Tx, facility: Facility) -> list[Line]:
    """Every line a drawing under ``facility`` takes from, in locking order (scope SYSTEM)."""
    return _of(tx, facility, lock=False)


def take(tx: Tx, facility: Facility, amount_cny: Decimal) -> None:
    """Take ``amount_cny`` from every line of ``facility`` (scope SYSTEM), which stay locked to the end.

    Raises UserError SRV-LIMIT-STATE naming the limit that is too small, and what is left of it.
    """
    _hold(tx, facility.institution_id)
    found = _of(tx, facility, lock=True)
    for line in found:
        if line.used_cny + amount_cny > line.limit_cny:
            left = f"{line.left_cny:,.2f}"
            fail("SRV-LIMIT-STATE", str(facility.id), limit=NAMES[line.kind], left=left, kind=line.kind)
    _move(tx, [line.id for line in found], amount_cny)


def give_back(tx: Tx, facility_id: UUID, amount_cny: Decimal) -> None:
    """Give repaid principal back to the lines of a facility (scope SYSTEM); negative: taken back again.

    Only a revolving facility is given anything itself.
    """
    if not amount_cny:
        return
    before = get_facility(tx, facility_id)
    _hold(tx, before.institution_id)
    found = get_facility(tx, facility_id)  # its group may have changed until here
    ids = [
        line.id
        for line in _of(tx, found, lock=True)
        if line.kind != "facility" or found.drawdown == "revolving"
    ]
    with _beyond(tx, allowed=amount_cny < 0):
        _move(tx, ids, -amount_cny)


def keys_of(facility: Facility) -> dict[Kind, str | None]:
    """Whose line of each kind a facility counts in."""
    return {
        "facility": str(facility.id),
        "company": facility.company_id,
        "group": facility.group_key,
        "product": facility.product_id,
        "institution": str(facility.institution_id),
    }


def count_again(tx: Tx, institution_id: UUID, kind: Kind, keys: Sequence[str | None]) -> None:
    """Work out anew what is used of some lines, whose members have changed (scope SYSTEM)."""
    with _beyond(tx, allowed=True):
        for key in sorted({key for key in keys if key is not None}):
            tx.execute(
                f"UPDATE credit_line SET used_cny = ({_USED}) "  # noqa: S608 - ours
                "WHERE institution_id = %(institution)s AND kind = %(kind)s AND key = %(key)s",
                {"institution": institution_id, "kind": kind, "key": key},
            )


def hold_all(tx: Tx, institution_id: UUID) -> None:
    """Nobody takes or gives back until the transaction ends: who counts in which line may be changed."""
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"line {institution_id}"])


def _hold(tx: Tx, institution_id: UUID) -> None:
    tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [f"line {institution_id}"])


@contextlib.contextmanager
def _beyond(tx: Tx, *, allowed: bool) -> Iterator[None]:
    """Inside the block a line may be used beyond its limit (the database looks at the setting)."""
    tx.execute("SELECT set_config('xinqiao.taking_back', %s, true)", ["yes" if allowed else ""])
    yield
    tx.execute("SELECT set_config('xinqiao.taking_back', '', true)")


def faults(tx: Tx, institution_id: UUID) -> list[str]:
    """Lines whose use is not what the loans come to (scope SYSTEM)."""
    rows = tx.execute("SELECT * FROM credit_line WHERE institution_id = %s", [institution_id]).fetchall()
    out = []
    for row in rows:
        told = {"institution": institution_id, "kind": row["kind"], "key": row["key"]}
        used = tx.execute(_USED, told).fetchone()
        if used is not None and used["used"] != row["used_cny"]:
            out.append(f"line {row['kind']}/{row['key']}: {row['used_cny']} used, loans say {used['used']}")
    return out


def _of(tx: Tx, facility: Facility, *, lock: bool) -> list[Line]:
    keys = {kind: key for kind, key in keys_of(facility).items() if key is not None}
    rows = tx.execute(
        "SELECT * FROM credit_line WHERE institution_id = %s AND (kind, key) IN "  # noqa: S608 - ours
        f"(SELECT * FROM unnest(%s::text[], %s::text[])) ORDER BY {_IN_ORDER}{' FOR UPDATE' if lock else ''}",
        [facility.institution_id, list(keys), list(keys.values())],
    )
    return [_line(row) for row in rows]


def _move(tx: Tx, ids: Sequence[UUID], amount_cny: Decimal) -> None:
    tx.execute("UPDATE credit_line SET used_cny = used_cny + %s WHERE id = ANY(%s)", [amount_cny, list(ids)])


def _line(row: Row) -> Line:
    return Line(**row)
