"""Jobs as a party keeps them: rows read and moved from state to state, by the node and by the pages.

``proposed`` → ``waiting`` (for a person) → ``approved`` → ``signed`` (by this party) → ``ready`` (by all) →
``running`` → ``done`` or ``failed``, which may become ``ready`` again; ``refused`` and ``expired`` end it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from xinqiao.db.database import Row, Tx, new_id
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.privacy.job.manifest import Manifest, read_manifest

State = Literal[
    "proposed", "waiting", "approved", "signed", "ready", "running", "done", "failed", "refused", "expired"
]
OPEN: tuple[State, ...] = ("proposed", "waiting", "approved", "signed", "ready", "failed")
"""States of a job that may still run."""
ENDED: tuple[State, ...] = ("done", "refused", "expired")
WORDS_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job at this party. ``error``: code of what went wrong last, with ``error_where``."""

    manifest: Manifest
    institution: UUID
    state: State
    rule: str
    attempts: int
    again: bool
    progress: float
    error: str
    error_where: str
    proposed_at: datetime
    ended_at: datetime | None

    @property
    def id(self) -> UUID:
        """The job's id, the same at all parties."""
        return self.manifest.job

    @property
    def may_retry(self) -> bool:
        """Whether it failed and may be tried again."""
        return (
            self.state == "failed"
            and self.attempts < self.manifest.attempts
            and now() < self.manifest.expires
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a job: the state it came to, who moved it, and words."""

    state: str
    by_name: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What other nodes are told of a job, by party as hex: signatures, receipts (signature and body)."""

    signatures: dict[str, str] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A result as it is kept: plain values, and the Parquet file of its rows where there are any."""

    told: dict[str, Any]
    delivered: bytes | None
    evidence: UUID
    at: datetime


_SELECT = (
    "SELECT institution_id, manifest, state, rule, attempts, again, progress, error, "
    "error_where, proposed_at, ended_at FROM privacy_job "
)


def jobs(tx: Tx, states: Collection[State] | None = None, limit: int = 200) -> list[JobRow]:
    """The latest jobs that the transaction's scope may see, in any of ``states``."""
    rows = tx.execute(
        _SELECT + "WHERE %s::text[] IS NULL OR state = ANY(%s) ORDER BY proposed_at DESC, id DESC LIMIT %s",
        [None if states is None else list(states), [] if states is None else list(states), limit],
    )
    return [_job(row) for row in rows]


def live(tx: Tx, since: datetime) -> list[JobRow]:
    """All jobs that may still run, and those that ended after ``since``, the first proposed first."""
    rows = tx.execute(
        _SELECT
        + "WHERE state NOT IN ('done', 'refused', 'expired') OR ended_at > %s ORDER BY proposed_at, id",
        [since],
    )
    return [_job(row) for row in rows]


def not_run(tx: Tx, made_by: str, since: datetime) -> int:
    """How many jobs of a party stand here unrun: those that wait, and those that came to nothing since."""
    row = tx.execute(
        "SELECT count(*) AS n FROM privacy_job WHERE made_by = %s AND "
        "(state IN ('proposed', 'waiting', 'approved', 'signed') "
        "OR (state IN ('refused', 'expired') AND ended_at > %s))",
        [made_by, since],
    ).fetchone()
    return 0 if row is None else int(row["n"])


def one(tx: Tx, job: UUID) -> JobRow:
    """A job. Raises UserError PRV-JOB-ABSENT."""
    found = tx.execute(_SELECT + "WHERE id = %s", [job]).fetchone()
    if found is None:
        fail("PRV-JOB-ABSENT", str(job))
    return _job(found)


def job_id(text: str) -> UUID:
    """The id a person typed. Raises UserError PRV-JOB-ABSENT."""
    try:
        return UUID(text)
    except ValueError:
        return fail("PRV-JOB-ABSENT", text[:64])


def add(tx: Tx, institution: UUID, manifest: Manifest, by_name: str) -> bool:
    """Keep a job as proposed; False where it is there already. Raises UserError PRV-MANIFEST-CHANGED."""
    made = tx.execute(
        "INSERT INTO privacy_job (institution_id, id, manifest, digest, kind, purpose, made_by, state, "
        "proposed_at, expires_at) VALUES (%s,%s,%s,%s,%s,%s,%s,'proposed',%s,%s) ON CONFLICT DO NOTHING",
        [
            institution,
            manifest.job,
            manifest.canonical().decode(),
            manifest.digest,
            manifest.kind,
            manifest.purpose,
            manifest.made_by,
            now(),
            manifest.expires,
        ],
    )
    if made.rowcount:
        _event(tx, institution, manifest.job, state="proposed", by_name=by_name)
        return True
    if one(tx, manifest.job).manifest.digest != manifest.digest:
        fail("PRV-MANIFEST-CHANGED", str(manifest.job))
    return False


def move(
    tx: Tx, job: UUID, to: State, of: Collection[State], by_name: str, *, words: str = "", **columns: object
) -> JobRow:
    """Move a job from one of the states ``of`` to another. Raises UserError PRV-JOB-ABSENT, PRV-STATE.

    ``columns``: of ``privacy_job``, set with it (names are the program's own).
    """
    told = {"state": to, "ended_at": now() if to in (*ENDED, "failed") else None} | columns
    changes = ", ".join(f"{name} = %({name})s" for name in told)
    row = tx.execute(
        f"UPDATE privacy_job SET {changes} WHERE id = %(id)s AND state = ANY(%(of)s) "  # noqa: S608 - names are our own
        "RETURNING institution_id",
        {**told, "id": job, "of": list(of)},
    ).fetchone()
    if row is None:
        fail("PRV-STATE", str(job), state=one(tx, job).state, wanted=to)
    _event(tx, row["institution_id"], job, state=to, by_name=by_name, words=words)
    return one(tx, job)


def approve(tx: Tx, job: UUID, by_name: str, words: str = "") -> JobRow:
    """A person lets a waiting job be signed; the node signs it then. Raises UserError PRV-STATE."""
    return move(tx, job, "approved", ["waiting"], by_name, words=words[:WORDS_AT_MOST])


def refuse(tx: Tx, job: UUID, by_name: str, words: str = "") -> JobRow:
    """A person refuses a job that does not run; others learn that, not the words. Raises PRV-STATE."""
    columns = {"error": "PRV-REFUSED", "error_where": ""}
    return move(tx, job, "refused", OPEN, by_name, words=words[:WORDS_AT_MOST], **columns)


def retry(tx: Tx, job: UUID, by_name: str) -> None:
    """Ask to try a failed job again, at all parties. Raises UserError PRV-ATTEMPTS, PRV-STATE."""
    found = one(tx, job)
    if found.state == "failed" and not found.may_retry:
        fail("PRV-ATTEMPTS", str(job), attempts=found.manifest.attempts)
    move(tx, job, "failed", ["failed"], by_name, again=True)


def events(tx: Tx, job: UUID) -> list[Event]:
    """What happened to a job, the first thing first."""
    rows = tx.execute(
        "SELECT state, by_name, words, at FROM privacy_event WHERE job_id = %s ORDER BY at, id", [job]
    )
    return [Event(**row) for row in rows]


def result(tx: Tx, job: UUID) -> Kept | None:
    """What this party got of a job; None before it is done."""
    row = tx.execute(
        "SELECT told, delivered, evidence_id, at FROM privacy_result WHERE job_id = %s", [job]
    ).fetchone()
    if row is None:
        return None
    delivered = None if row["delivered"] is None else bytes(row["delivered"])
    return Kept(json.loads(row["told"]), delivered, row["evidence_id"], row["at"])


def signers(tx: Tx, job: UUID) -> dict[str, bytes]:
    """The signatures under a job by party."""
    rows = tx.execute("SELECT party, signature FROM privacy_signature WHERE job_id = %s", [job])
    return {row["party"]: bytes(row["signature"]) for row in rows}


def told(tx: Tx, jobs: Sequence[UUID]) -> dict[UUID, Told]:
    """The signatures and receipts of many jobs at once."""
    found = {job: Told() for job in jobs}
    query = "SELECT job_id, party, signature FROM privacy_signature WHERE job_id = ANY(%s)"
    for row in tx.execute(query, [list(jobs)]):
        found[row["job_id"]].signatures[row["party"]] = bytes(row["signature"]).hex()
    query = "SELECT job_id, party, signature || body AS told FROM privacy_receipt WHERE job_id = ANY(%s)"
    for row in tx.execute(query, [list(jobs)]):
        found[row["job_id"]].receipts[row["party"]] = bytes(row["told"]).hex()
    return found


def _event(tx: Tx, institution: UUID, job: UUID, *, state: str, by_name: str, words: str = "") -> None:
    tx.execute(
        "INSERT INTO privacy_event (id, institution_id, job_id, state, by_name, words, at) "
        "VALUES (%s,%s,%s,%s,%s,%s,%s)",
        [new_id(), institution, job, state, by_name, words, now()],
    )


def _job(row: Row) -> JobRow:
    told = {name: row[name] for name in row if name not in ("manifest", "institution_id")}
    return JobRow(manifest=_manifest(row["manifest"]), institution=row["institution_id"], **told)


@lru_cache(maxsize=4096)
def _manifest(text: str) -> Manifest:
    """A kept manifest; the node looks at the same ones twice a second."""
    return read_manifest(text.encode(), "privacy_job")
