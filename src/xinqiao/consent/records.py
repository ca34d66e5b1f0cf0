"""The compliance file (合规档案): impact assessments, breaches, audits, responsible officers, filings.

Each kind has a template whose parts have to be written; a record is only added to the file and kept at
least three years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from xinqiao.account.actor import Actor
from xinqiao.db.database import Tx, new_id
from xinqiao.kernel.clock import now, today
from xinqiao.kernel.errors import fail
from xinqiao.kernel.text import Text

Kind = Literal["impact_assessment", "breach", "audit", "officer", "filing"]
KEEP_DAYS = 3 * 366
MAX_CHARS = 4_000

KINDS: dict[Kind, Text] = {
    "impact_assessment": Text(zh="个人信息保护影响评估", en="impact assessment"),
    "breach": Text(zh="泄露事件处置", en="breach"),
    "audit": Text(zh="合规审计与年度评估", en="audit or yearly assessment"),
    "officer": Text(zh="负责人任命", en="responsible officer"),
    "filing": Text(zh="备案与变更备案", en="filing"),
}
PARTS: dict[Kind, dict[str, Text]] = {
    "impact_assessment": {
        "lawful": Text(
            zh="目的、方式是否合法、正当、必要", en="whether purpose and manner are lawful and needed"
        ),
        "effect": Text(zh="对个人权益的影响和安全风险", en="effect on the person's interests, and risks"),
        "measures": Text(zh="保护措施是否合法有效、与风险相适应", en="whether the measures fit the risk"),
        "result": Text(zh="结论和整改", en="result and what has to change"),
    },
    "breach": {
        "what": Text(zh="信息种类、原因和可能的危害", en="which information, why, and what harm it may do"),
        "remedy": Text(zh="已采取的补救措施和个人可采取的措施", en="what was done, and what people can do"),
        "contact": Text(zh="联系方式", en="whom to contact"),
        "told": Text(
            zh="已通知的监管部门和个人及时间", en="which authorities and people were told, and when"
        ),
    },
    "audit": {
        "scope": Text(zh="范围", en="scope"),
        "findings": Text(zh="发现", en="findings"),
        "result": Text(zh="结论和整改", en="result and what has to change"),
    },
    "officer": {
        "post": Text(zh="职务（信息安全、个人信息保护）", en="post (security, personal information)"),
        "who": Text(zh="任命的人", en="who"),
    },
    "filing": {
        "number": Text(zh="备案号", en="filing number"),
        "subject": Text(zh="备案或变更的事项", en="what was filed or changed"),
    },
}


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the file."""

    id: UUID
    kind: Kind
    title: str
    body: dict[str, Any]
    made_at: datetime
    keep_until: date


def add(tx: Tx, actor: Actor, kind: Kind, title: str, body: Mapping[str, str]) -> UUID:
    """Add a record with all parts of its template (scope operator or SYSTEM). Raises CST-RECORD."""
    missing = [name for name in PARTS[kind] if not body.get(name, "").strip()]
    if missing or not title.strip():
        fail("CST-RECORD", kind, missing=", ".join(missing or ["title"]))
    kept = {name: body[name].strip()[:MAX_CHARS] for name in PARTS[kind]}
    made = new_id()
    tx.execute(
        "INSERT INTO compliance_record (id, kind, title, body, made_at, made_by, keep_until) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            made,
            kind,
            title.strip()[:200],
            Jsonb(kept),
            now(),
            actor.person,
            today() + timedelta(days=KEEP_DAYS),
        ],
    )
    return made


def records(tx: Tx) -> list[Record]:
    """The file, the latest first (scope operator or SYSTEM)."""
    rows = tx.execute(
        "SELECT id, kind, title, body, made_at, keep_until FROM compliance_record "
        "ORDER BY made_at DESC, id DESC LIMIT 500"
    )
    return [Record(**row) for row in rows]
