"""A bank's own policies: versions of a text, edited as drafts, checked, and frozen once proposed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import yaml

from xinqiao.account.actor import Actor
from xinqiao.db.database import Row, Tx, new_id
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.lending.product import institution_products
from xinqiao.policy.check import Finding, check_policy
from xinqiao.policy.compiled import Policy, compile_policy
from xinqiao.policy.load import built_in, read_policy
from xinqiao.policy.mandate import load_mandate
from xinqiao.policy.rewriting import printable

MANDATE = "small_firm_loan"


@dataclass(frozen=True, slots=True)
class Version:
    """One text of a policy. ``revision`` counts its edits; ``frozen``: proposed once, so it stays."""

    id: UUID
    institution: UUID
    policy: str
    number: int
    text: str
    note: str
    revision: int
    frozen: bool
    made_by: str
    made_at: datetime
    changed_at: datetime

    @property
    def origin(self) -> str:
        """The file name that stands in errors."""
        return f"{self.policy}-v{self.number}.yaml"


@lru_cache(maxsize=64)
def compiled(text: str, origin: str) -> Policy:
    """The policy of a text, kept ready. Raises what ``compile_policy`` raises."""
    return compile_policy(text, origin, _units())


@lru_cache(maxsize=64)
def findings(text: str, origin: str) -> tuple[Finding, ...]:
    """All faults of a text, by line; a policy of the catalog is held against its mandate too.

    A product's policy is bounded by the product itself, whose limits every offer is held against.
    """
    known = origin.rpartition("-v")[0] in built_in()
    return check_policy(text, origin, _units(), load_mandate(MANDATE) if known else None)


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return {name: indicator.unit.id for name, indicator in indicators().items()}


def versions(tx: Tx, policy: str | None = None) -> list[Version]:
    """The versions of the institution of the transaction, the newest first."""
    rows = tx.execute(
        "SELECT * FROM bank_policy_version WHERE (%(policy)s::text IS NULL OR policy = %(policy)s) "
        "ORDER BY policy, number DESC",
        {"policy": policy},
    )
    return [Version(**row) for row in rows]


def version(tx: Tx, version_id: UUID) -> Version:
    """One version. Raises UserError BWB-ABSENT."""
    row = tx.execute("SELECT * FROM bank_policy_version WHERE id = %s", [version_id]).fetchone()
    if row is None:
        fail("BWB-ABSENT", str(version_id), what="政策版本 policy version")
    return Version(**row)


def start(tx: Tx, actor: Actor, source: UUID | str, note: str = "") -> UUID:
    """A new draft with the text of another version, or of a policy of the catalog by id.

    Raises UserError BWB-ABSENT.
    """
    if isinstance(source, UUID):
        text = version(tx, source).text
    elif source in built_in():
        text = read_policy(source)[0]
    else:
        text = product_policy(tx, actor.institution, source).text
    return _insert(tx, actor, text, note)


def product_policy(tx: Tx, institution: UUID | None, product_id: str) -> Policy:
    """What decides today by a product as the institution offers it, for its usual term.

    Raises UserError BWB-ABSENT where it offers no such product.
    """
    for offer in [] if institution is None else institution_products(tx, institution):
        if offer.product.id == product_id and offer.state != "closed":
            return offer.product.policy_on(today())
    return fail("BWB-ABSENT", product_id, what="政策或产品 policy or product")


def bring(tx: Tx, actor: Actor, text: str, note: str = "") -> UUID:
    """A new draft from a file of the bank's. Raises UserError DOC-SYNTAX, DOC-SHAPE or as compiling does."""
    compiled(text, "upload.yaml")
    return _insert(tx, actor, text, note)


def _insert(tx: Tx, actor: Actor, text: str, note: str) -> UUID:
    made, at = new_id(), now()
    policy = str(yaml.safe_load(text)["id"])
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 70))", [f"{actor.institution}{policy}"])
    tx.execute(
        "INSERT INTO bank_policy_version "
        "(id, institution, policy, number, text, note, made_by, made_at, changed_at) "
        "SELECT %s, %s, %s, coalesce(max(number), 0) + 1, %s, %s, %s, %s, %s "
        "FROM bank_policy_version WHERE institution = %s AND policy = %s",
        [made, actor.institution, policy, text, note, actor.name, at, at, actor.institution, policy],
    )
    return made


def save(tx: Tx, version_id: UUID, revision: int, text: str) -> None:
    """Replace a draft's text, if nobody has changed it since ``revision``.

    Raises UserError BWB-STATE, BWB-CELL.
    """
    printable(text, str(version_id))
    changed = tx.execute(
        "UPDATE bank_policy_version SET text = %s, revision = revision + 1, changed_at = %s "
        "WHERE id = %s AND revision = %s AND NOT frozen RETURNING id",
        [text, now(), version_id, revision],
    ).fetchone()
    if changed is None:
        fail("BWB-STATE", str(version_id), detail="已被他人修改或已提交 changed by somebody else or proposed")


def freeze(tx: Tx, version_id: UUID) -> Row:
    """Freeze a version without errors for release. Raises UserError BWB-ABSENT, BWB-FAULTY-STATE."""
    found = version(tx, version_id)
    errors = [f for f in findings(found.text, found.origin) if f.severity == "error"]
    if errors or str(yaml.safe_load(found.text)["id"]) != found.policy:
        fail("BWB-FAULTY-STATE", found.origin, errors=len(errors) or 1)
    if not found.frozen:
        tx.execute("UPDATE bank_policy_version SET frozen = true WHERE id = %s", [version_id])
    return {"policy": found.policy, "institution": found.institution}
