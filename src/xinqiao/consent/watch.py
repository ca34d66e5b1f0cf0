"""Unusual reading (异常查询): ten times what an institution usually reads in an hour, and it is stopped.

Usual is the mean of its active hours of the last 30 days, or what was agreed with it if that is more. Each
block is a ticket for the operator, who lifts it with a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from xinqiao.account.actor import Actor
from xinqiao.account.audit import note
from xinqiao.account.notice import notify
from xinqiao.consent.operators import operators
from xinqiao.db.database import SYSTEM, Database, Tx, new_id
from xinqiao.db.jobs import every
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

TIMES = 10
HISTORY = timedelta(days=30)
AGREED_PER_HOUR = 1_000
"""What counts as agreed with an institution that has agreed to nothing else."""


@dataclass(frozen=True, slots=True)
class Block:
    """A stop and its ticket; open while ``lifted_at`` is None."""

    id: UUID
    institution: UUID
    at: datetime
    reads_per_hour: int
    usual_per_hour: float
    lifted_at: datetime | None
    lifted_by: UUID | None
    finding: str | None


def agree(tx: Tx, institution: UUID, reads_per_hour: int, by: UUID | None = None) -> None:
    """Agree with an institution how much it reads in an hour (scope SYSTEM or operator)."""
    tx.execute(
        "INSERT INTO query_agreement (institution, reads_per_hour, agreed_at, agreed_by) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT (institution) DO UPDATE SET "
        "reads_per_hour = excluded.reads_per_hour, agreed_at = excluded.agreed_at, "
        "agreed_by = excluded.agreed_by",
        [institution, reads_per_hour, now(), by],
    )


@every("* * * * *", "consent.watch")
def watch_job(database: Database) -> None:
    """Look at the last hour."""
    with database.transaction(SYSTEM) as tx:
        watch(tx)


def watch(tx: Tx) -> list[UUID]:
    """Block whoever reads too much (scope SYSTEM). Returns the institutions blocked now.

    An hour before the last block was lifted doesn't count again.
    """
    since = now() - timedelta(hours=1)
    rows = tx.execute(
        "SELECT q.institution, count(*) AS reads, coalesce(a.reads_per_hour, %(agreed)s) AS agreed "
        "FROM query_log q LEFT JOIN query_agreement a ON a.institution = q.institution "
        "WHERE q.at > %(since)s AND q.institution IS NOT NULL AND q.at > coalesce((SELECT max(b.lifted_at) "
        "FROM query_block b WHERE b.institution = q.institution), %(since)s) "
        "GROUP BY q.institution, a.reads_per_hour",
        {"agreed": AGREED_PER_HOUR, "since": since},
    ).fetchall()
    blocked = []
    for row in rows:
        if row["reads"] <= TIMES * row["agreed"]:  # cheap before the look at thirty days
            continue
        usual = max(float(row["agreed"]), _usual(tx, row["institution"], since))
        if row["reads"] > TIMES * usual and _block(tx, row["institution"], row["reads"], usual):
            blocked.append(row["institution"])
    return blocked


def _usual(tx: Tx, institution: UUID, before: datetime) -> float:
    row = tx.execute(
        "SELECT count(*)::float / greatest(count(DISTINCT date_trunc('hour', at)), 1) AS usual "
        "FROM query_log WHERE institution = %s AND at > %s AND at <= %s",
        [institution, before - HISTORY, before],
    ).fetchone()
    return 0.0 if row is None else float(row["usual"])


def _block(tx: Tx, institution: UUID, reads: int, usual: float) -> bool:
    made = tx.execute(
        "INSERT INTO query_block (id, institution, at, reads_per_hour, usual_per_hour) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        [new_id(), institution, now(), reads, usual],
    ).fetchone()
    if made is None:
        return False
    text = Text(
        zh=f"查询异常，已暂停：1小时{reads}次，平时{usual:.0f}次",
        en=f"Reading is stopped: {reads} reads in an hour, usually {usual:.0f}",
    )
    notify(tx, to_institution=institution, text=text, link="/notices")
    for operator in operators(tx):
        notify(tx, to_institution=operator, role="operator.admin", text=text, link="/operator/compliance")
    return True


def lift(tx: Tx, actor: Actor, block_id: UUID, finding: str) -> None:
    """Let the institution read again, with what was found. Raises UserError CST-BLOCK-STATE, CST-WORDS."""
    if not finding.strip():
        fail("CST-WORDS", "finding")
    done = tx.execute(
        "UPDATE query_block SET lifted_at = %s, lifted_by = %s, finding = %s "
        "WHERE id = %s AND lifted_at IS NULL RETURNING id",
        [now(), actor.person, finding.strip()[:2000], block_id],
    ).fetchone()
    if done is None:
        fail("CST-BLOCK-STATE", str(block_id))
    note(tx, actor, "block.lifted", str(block_id), {"finding": finding.strip()[:200]})


def blocks(tx: Tx, *, opened: bool) -> list[Block]:
    """Blocks that still hold, or those lifted, the latest first."""
    rows = tx.execute(
        "SELECT id, institution, at, reads_per_hour, usual_per_hour, lifted_at, lifted_by, finding "
        "FROM query_block WHERE (lifted_at IS NULL) = %s ORDER BY at DESC LIMIT 200",
        [opened],
    )
    return [Block(**row) for row in rows]
