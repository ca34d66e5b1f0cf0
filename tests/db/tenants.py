"""One row of one tenant in every table, whatever the table: to try whether another tenant sees it.

Constraints and triggers of the test's own database are taken away, so that rows can be written without
knowing the tables; row-level security stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from xinqiao.db.database import Scope, Side

FIRST = UUID("0197aaaa-0000-7000-8000-000000000001")
"""The tenant whose rows there are: institution, person and the id of every row."""
FIRST_COMPANY = "C-FIRST"
SECOND = UUID("0197bbbb-0000-7000-8000-000000000002")
SECOND_COMPANY = "C-SECOND"
MARK = "LEAK-8f31c5"
"""Stands in every text of the first tenant's rows."""
SIDES: tuple[Side, ...] = ("public", "enterprise", "bank", "guarantee", "holder", "operator", "regulator")
ENGINE = ("procrastinate_", "migration")
"""Tables of the job queue and of migrations: read by workers only, they name ids and hold no one's data."""
LATER = {"timestamptz?", "outcometext?", "roletext?"}
"""Columns that are empty as long as a row is in use: left so."""
OPEN = {
    "institution": "who takes part is public",
    "company": "the public register",
    "institution_product": "the shelf is public",
    "case_machine": "which status may follow which: the same for everybody",
    "policy_news": "news of policies is public",
    "deployment": "what role the platform has is published",
    "embed_site": "which sites may embed a page stands in its headers",
    "evidence_entry": "the log is public: hashes and salted commitments only",
    "need": "lenders see what is needed; who needs it stands in need_owner",
    "need_owner": "lenders see who posted a need if the firm chose to be named",
    "log_checkpoint": "the log is public",
    "log_cosignature": "the log is public",
    "log_leaf": "the log is public",
    "log_node": "the log is public",
    "log_public_key": "the log is public",
    "log_witness": "the log is public",
}
"""Tables whose rows everybody may see, each with the reason."""
WORKED = {
    "compliance_record": "the operator's own records of compliance",
    "objection": "the operator answers objections",
    "objection_event": "the operator answers objections",
    "query_agreement": "the operator keeps the agreements under which institutions query",
    "query_block": "the operator lifts blocks",
    "subject_request": "the operator answers requests of data subjects",
    "supply_agreement": "the operator keeps the agreements with data holders",
    "supply_price": "the operator keeps the prices of data",
    "trimmed_request": "the operator sees requests that went beyond what a product needs",
}
"""Tables that the operator works on, each with the reason; the regulator and all others see none of it."""
RECORDED = {
    "case_outbox": "written in the transaction of the event by whoever caused it, read by the platform",
    "evidence_entry": "recorded in the transaction of the act by whoever acts",
    "evidence_opening": "recorded in the transaction of the act by whoever acts, read by its subject",
    "evidence_pending": "recorded in the transaction of the act by whoever acts, read by the platform",
    "trimmed_request": "written where a request was trimmed, read by the operator",
    "log_witness": "the operator admits witnesses",
    "need": "a need without its owner: who posted it stands in need_owner, which is secured",
}
"""Tables into which others than the tenant may write a row, each with the reason."""
BY_KEY = {"idempotency": "found by owner and key only, both told by the caller"}


@dataclass(frozen=True)
class Table:
    """A table and what its columns hold."""

    name: str
    secured: bool
    columns: dict[str, str]
    policies: str


def second(side: Side) -> Scope:
    """The other tenant, on a side."""
    return Scope(side, SECOND, SECOND_COMPANY, SECOND)


def first(side: Side) -> Scope:
    """The tenant whose rows they are, on a side."""
    return Scope(side, FIRST, FIRST_COMPANY, FIRST)


def tables(owner: str) -> list[Table]:
    """All tables of the product."""
    with psycopg.connect(owner, row_factory=dict_row) as connection:
        rows = connection.execute(
            "SELECT c.relname, c.relrowsecurity, (SELECT json_object_agg(a.attname, t.typname || "
            "CASE WHEN a.attnotnull THEN '' ELSE '?' END) "
            "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid "
            "AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' "
            "AND a.attidentity = '') AS columns, "
            "(SELECT string_agg(coalesce(p.qual, '') || ' ' || coalesce(p.with_check, ''), ' ') "
            "FROM pg_policies p WHERE p.tablename = c.relname) AS policies "
            "FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace "
            "ORDER BY c.relname"
        ).fetchall()
    return [Table(r["relname"], r["relrowsecurity"], r["columns"], r["policies"] or "") for r in rows]


def values(table: Table, tenant: UUID = FIRST, company: str = FIRST_COMPANY) -> dict[str, Any]:
    """A row of ``tenant``: ids its own, texts the mark, columns compared with a company its company."""
    of_company = set(re.findall(r"\(?(\w+) = xq_company\(\)", table.policies)) | {"company_id", "to_company"}
    of_person = set(re.findall(r"\(?(\w+) = \(?xq_person\(\)\)?::text", table.policies)) - of_company
    plain: dict[str, Any] = {
        "uuid": tenant,
        "_uuid": [tenant],
        "_int8": [1],
        "text": MARK,
        "_text": [MARK],
        "_numeric": [1],
        "_date": ["2026-03-02"],
        "bytea": MARK.encode(),
        "bool": True,
        "jsonb": psycopg.types.json.Jsonb({"mark": MARK}),
        "json": psycopg.types.json.Json({"mark": MARK}),
        "date": "2026-03-02",
        "timestamptz": "2026-03-02T04:00:00Z",
    }
    told = {}
    for name, kind in table.columns.items():
        if name in of_company and kind.startswith("text"):
            told[name] = company
        elif name in of_person and kind.startswith("text"):
            told[name] = str(tenant)
        elif kind not in LATER and name + kind not in LATER:
            kind = kind.rstrip("?")  # noqa: PLW2901 - the type itself
            told[name] = plain.get(kind, 1 if kind in {"int2", "int4", "int8", "numeric", "float8"} else None)
    return told


def insert(table: Table, told: dict[str, Any]) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement that writes ``told``."""
    names = [name for name, value in told.items() if value is not None]
    statement = sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT DO NOTHING"
    ).format(
        sql.Identifier(table.name),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(map(sql.Placeholder, names)),
    )
    return statement, told


def loosen(owner: str) -> None:
    """Take constraints and triggers away; the policies stay."""
    with psycopg.connect(owner, row_factory=dict_row) as connection:
        for kind in ("c", "f"):
            rows = connection.execute(
                "SELECT conrelid::regclass::text AS of, conname FROM pg_constraint "
                "WHERE contype = %s AND connamespace = 'public'::regnamespace AND conrelid <> 0 "
                "AND coninhcount = 0",
                [kind],
            ).fetchall()
            for row in rows:
                connection.execute(
                    sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
                        sql.Identifier(row["of"]), sql.Identifier(row["conname"])
                    )
                )
        for table in tables_of(connection):
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
            connection.execute(
                sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO xinqiao_app").format(
                    sql.Identifier(table)
                )
            )


def tables_of(connection: psycopg.Connection[Any]) -> list[str]:
    """Names of all tables but the engine's."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = 'public'::regnamespace"
    ).fetchall()
    return [row["relname"] for row in rows if not row["relname"].startswith(ENGINE)]


def fill(owner: str, *, but: frozenset[str] = frozenset()) -> list[Table]:
    """Write the first tenant's row into every table that is secured, and give those tables."""
    secured = [t for t in tables(owner) if t.secured and t.name not in but]
    with psycopg.connect(owner) as connection:
        for table in secured:
            connection.execute(*insert(table, values(table)))
    return secured
