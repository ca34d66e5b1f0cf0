"""As what the platform runs (部署角色), and where: checked when it starts.

Giving scores to users of information is credit reporting. A public credit platform may do it only through
a filed credit reporting agency; an agency needs its filing; a bank keeps its scores to itself. Information
is stored and processed in China: any other region does not start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, cast, get_args

from xinqiao.consent.terms import derived_sets
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail

Role = Literal["public_platform", "credit_reporting", "bank"]
HOME = "CN"


@dataclass(frozen=True, slots=True)
class Deployment:
    """``partner``: filing number of the agency that a public platform gives scores through."""

    role: Role
    region: str = HOME
    partner: str | None = None


def of_environment() -> Deployment:
    """XINQIAO_ROLE, XINQIAO_REGION, XINQIAO_PARTNER. Raises UserError CST-ROLE."""
    role = os.environ.get("XINQIAO_ROLE", "credit_reporting")
    if role not in get_args(Role):
        fail("CST-ROLE", "XINQIAO_ROLE", role=role[:40], known=", ".join(get_args(Role)))
    partner = os.environ.get("XINQIAO_PARTNER") or None
    return Deployment(cast("Role", role), os.environ.get("XINQIAO_REGION", HOME), partner)


def begin(tx: Tx, deployment: Deployment) -> None:
    """Start as ``deployment`` (scope SYSTEM). Raises UserError CST-REGION outside of China."""
    if deployment.region != HOME:
        fail("CST-REGION", "XINQIAO_REGION", region=deployment.region[:40])
    tx.execute(
        "INSERT INTO deployment (role, region, partner, changed_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (one) DO UPDATE SET role = excluded.role, region = excluded.region, "
        "partner = excluded.partner, changed_at = excluded.changed_at",
        [deployment.role, deployment.region, deployment.partner, now()],
    )


def current(tx: Tx) -> Deployment | None:
    """What the platform was started as; None in a database that no server has opened yet."""
    found = tx.execute("SELECT role, region, partner FROM deployment").fetchone()
    return None if found is None else Deployment(**found)


def withheld(tx: Tx) -> frozenset[str]:
    """Data sets that this deployment may not give to institutions, whatever a grant says."""
    found = tx.execute(
        "SELECT role, partner, EXISTS (SELECT FROM institution i WHERE i.kind = 'operator' "
        "AND i.status = 'active' AND i.filing_number <> '' "
        "AND coalesce(i.filing_expires_on, 'infinity'::date) >= %s) AS filed FROM deployment",
        [today()],
    ).fetchone()
    if found is None or found["role"] == "bank":
        return frozenset()
    allowed = found["partner"] if found["role"] == "public_platform" else found["filed"]
    return frozenset() if allowed else derived_sets()
