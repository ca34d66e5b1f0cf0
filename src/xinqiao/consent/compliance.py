"""What the operator's compliance page shows: what is due, what is late, and what a supervisor would ask."""

from __future__ import annotations

from dataclasses import dataclass

from xinqiao.account.institution import FilingFault, filing_faults, institutions
from xinqiao.consent import deployment, objections, query_log, requests, supply, watch
from xinqiao.consent.deployment import Deployment
from xinqiao.consent.records import Kind, records
from xinqiao.db.database import SYSTEM, Tx, acting
from xinqiao.kernel.clock import today
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.text import Text

COMPANIES_LIMIT = 1_000_000
"""From so many firms on, level 3 of network protection and responsible officers are required."""
COMPANIES_WARN = 800_000
SOON_DAYS = 30
NEEDED: tuple[Kind, ...] = ("impact_assessment", "officer", "audit")
"""Kinds of records that have to be in the compliance file."""
FILINGS: dict[FilingFault, Text] = {
    "absent": Text(zh="运营机构没有备案号", en="the operator has no filing number"),
    "expired": Text(zh="运营机构备案已过期", en="the operator's filing has expired"),
    "expires": Text(zh="运营机构备案30日内到期", en="the operator's filing expires within 30 days"),
    "change": Text(
        zh="变更满20日尚未备案（期限30日）", en="a change has not been filed for 20 days (30 allowed)"
    ),
}


@dataclass(frozen=True, slots=True)
class Overview:
    """Figures of the page; ``warnings`` are what has to be done."""

    deployment: Deployment | None
    companies: int
    open_objections: int
    violations: int
    open_requests: int
    late_requests: int
    reads: int
    unsealed: int
    trimmed: int
    grants: int
    revocations: int
    warnings: tuple[Text, ...]


def overview(tx: Tx) -> Overview:
    """The page's figures (any scope of the operator's; counts are taken as the platform)."""
    with acting(tx, SYSTEM):
        waiting, asked = objections.queue(tx), requests.queue(tx)
        companies = _count(tx, "SELECT count(*) AS n FROM company")
        return Overview(
            deployment=deployment.current(tx),
            companies=companies,
            open_objections=len(waiting),
            violations=objections.violations(tx),
            open_requests=len(asked),
            late_requests=sum(1 for each in asked if (each.days_left or 0) < 0),
            reads=_count(tx, "SELECT number AS n FROM query_head"),
            unsealed=_count(
                tx,
                "SELECT count(*) AS n FROM query_log q WHERE NOT EXISTS "
                "(SELECT FROM query_link l WHERE l.query = q.id)",
            ),
            trimmed=_count(tx, "SELECT count(*) AS n FROM trimmed_request"),
            grants=_count(tx, "SELECT count(*) AS n FROM consent_grant"),
            revocations=_count(tx, "SELECT count(*) AS n FROM consent_revocation"),
            warnings=tuple(_warnings(tx, companies)),
        )


def chain_holds(tx: Tx) -> tuple[bool, int]:
    """Whether the query log is whole, and how many lines of it are (or the first that is not)."""
    with acting(tx, SYSTEM):
        try:
            return True, query_log.verify(tx)
        except UserError as error:
            return False, int(error.where)


def _warnings(tx: Tx, companies: int) -> list[Text]:
    told = [
        FILINGS[fault]
        for operator in institutions(tx, kind="operator", status="active")
        for fault in filing_faults(operator, today())
    ]
    if companies >= COMPANIES_WARN:
        told.append(size_warning(companies))
    held = {record.kind for record in records(tx)}
    names = {
        "impact_assessment": Text(zh="影响评估", en="impact assessment"),
        "officer": Text(zh="负责人任命", en="responsible officers"),
        "audit": Text(zh="年度评估或审计", en="yearly assessment or audit"),
    }
    told += [
        Text(zh=f"合规档案缺：{names[kind].zh}", en=f"missing in the compliance file: {names[kind].en}")
        for kind in NEEDED
        if kind not in held
    ]
    ending = [a for a in supply.agreements(tx) if 0 <= (a.ends_on - today()).days <= SOON_DAYS]
    if ending:
        told.append(
            Text(
                zh=f"{len(ending)} 份数据提供协议 {SOON_DAYS} 日内到期",
                en=f"supply agreements that end within {SOON_DAYS} days: {len(ending)}",
            )
        )
    if stopped := watch.blocks(tx, opened=True):
        told.append(
            Text(
                zh=f"{len(stopped)} 家机构查询被暂停，待核实",
                en=f"institutions stopped from reading: {len(stopped)}",
            )
        )
    return told


def size_warning(companies: int) -> Text:
    """What to say when the number of firms comes near the limit, or passes it."""
    return Text(
        zh=f"企业户数 {companies:,}，达到 {COMPANIES_LIMIT:,} 户须等保三级、两类负责人和专职部门",
        en=f"{companies:,} firms; from {COMPANIES_LIMIT:,} on level 3 protection, two officers and a "
        "department are required",
    )


def _count(tx: Tx, question: str) -> int:
    row = tx.execute(question.encode()).fetchone()
    return 0 if row is None else int(row["n"])
