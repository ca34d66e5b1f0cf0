"""As what the platform runs (部署角色), and where: checked when it starts.

Giving scores to users of information is credit reporting. A public credit platform may do it only through
a filed credit reporting agency; an agency needs its filing; a bank keeps its scores to itself. Information
is stored and processed in China: any other region does not start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

from xinqiao.consent.terms import derived_sets
from xinqiao.db.database import Tx
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail

Role = Literal["public_platform", "credit_reporting", "bank"]
HOME = "CN"


@dataclass(frozen=True, slots=True)
class Deployment:
    """``filing_number``: of the agency that runs it; ``partner``: the filed agency a public platform uses."""

    role: Role
    region: str = HOME
    filing_number: str | None = None
    partner: str | None = None
    changed_at: datetime | None = None

    @property
    def serves_scores(self) -> bool:
        """Whether scores, and what else is made of many sources, may be given to institutions."""
        if self.role == "public_platform":
            return bool(self.partner)
        return self.role == "bank" or bool(self.filing_number)


def of_environment() -> Deployment:
    """XINQIAO_ROLE, XINQIAO_REGION, XINQIAO_FILING, XINQIAO_PARTNER. Raises UserError CST-ROLE."""
    role = os.environ.get("XINQIAO_ROLE", "credit_reporting")
    if role not in get_args(Role):
        fail("CST-ROLE", "XINQIAO_ROLE", role=role[:40], known=", ".join(get_args(Role)))
    return Deployment(
        cast("Role", role),
        os.environ.get("XINQIAO_REGION", HOME),
        os.environ.get("XINQIAO_FILING") or None,
        os.environ.get("XINQIAO_PARTNER") or None,
    )


def begin(tx: Tx, deployment: Deployment) -> None:
    """Start as ``deployment`` (scope SYSTEM). Raises UserError CST-REGION outside of China."""
    if deployment.region != HOME:
        fail("CST-REGION", "XINQIAO_REGION", region=deployment.region[:40])
    tx.execute(
        "INSERT INTO deployment (role, region, filing_number, partner, changed_at) VALUES (%s,%s,%s,%s,%s) "
        "ON CONFLICT (one) DO UPDATE SET role = excluded.role, region = excluded.region, "
        "filing_number = excluded.filing_number, partner = excluded.partner, "
        "changed_at = excluded.changed_at",
        [
            deployment.role,
            deployment.region,
            deployment.filing_number,
            deployment.partner,
            now(),
        ],
    )


def current(tx: Tx) -> Deployment | None:
    """What the platform was started as; None in a database that no server has opened yet."""
    found = tx.execute("SELECT role, region, filing_number, partner, changed_at FROM deployment").fetchone()
    return None if found is None else Deployment(**found)


def withheld(tx: Tx) -> frozenset[str]:
    """Data sets that this deployment may not give to institutions, whatever a grant says."""
    deployment = current(tx)
    return frozenset() if deployment is None or deployment.serves_scores else derived_sets()
