"""Two policies on what is known: the bank's own decided applications, or an anonymous sample.

The bank's own cases are its own and listed by company. The sample holds no id, and figures of it about fewer
than ``K`` firms are not told.
"""

from __future__ import annotations

import json
from typing import Literal

import pyarrow as pa
from psycopg import sql

from xinqiao.db.database import SYSTEM, Row, Tx, acting
from xinqiao.kernel.errors import fail
from xinqiao.lending.preapproval import case_table
from xinqiao.policy.compiled import Policy
from xinqiao.policy.diff import Diff, compare
from xinqiao.policy.frame import REASON, Frame, read_frame, read_records

Source = Literal["own", "sample"]
SAMPLE = 4000
LEAST = 30
LGD = 0.6
"""Loss given default where nobody says another."""


def backtest(tx: Tx, policies: tuple[Policy, Policy], source: Source, lgd: float = LGD) -> Diff:
    """Both policies on the same companies. Raises UserError BWB-HISTORY (too few), POL-CASES."""
    frames = _own(tx, policies) if source == "own" else _sample(tx, policies)
    return compare(*policies, frames, lgd)


def _own(tx: Tx, policies: tuple[Policy, Policy]) -> tuple[Frame, Frame]:
    """The bank's decided applications, each company as last decided on."""
    rows = tx.execute(
        "SELECT record FROM (SELECT DISTINCT ON (company_id) company_id, made_at, record FROM decision "
        "ORDER BY company_id, made_at DESC) d ORDER BY made_at DESC LIMIT %s",
        [SAMPLE],
    )
    contents = [json.loads(bytes(row["record"])) for row in rows]
    _enough(len(contents))
    first, second = (read_records(policy, contents) for policy in policies)
    return first, second


def _enough(found: int) -> None:
    if found < LEAST:
        fail("BWB-HISTORY", "backtest", found=found, least=LEAST)


def _sample(tx: Tx, policies: tuple[Policy, Policy]) -> tuple[Frame, Frame]:
    """The same companies each time, as their latest files know them, without ids or names."""
    sources = {item.source for policy in policies for item in policy.file.inputs.values()}
    with acting(tx, SYSTEM):
        rows = _facts(tx, sorted(s.split(".", 1)[1] for s in sources if s.startswith("indicator.")))
    _enough(len(rows))
    first, second = (case_table(policy, rows) for policy in policies)
    for name in ("pd", "grade", "peer_group"):
        if name not in first.column_names:
            kind = pa.float64() if name == "pd" else pa.string()
            values = [
                row.get("register.peer_group" if name == "peer_group" else f"score.{name}") for row in rows
            ]
            first = first.append_column(name, pa.array(values, kind))
    return read_frame(policies[0], first), read_frame(policies[1], second)


def _facts(tx: Tx, names: list[str]) -> list[Row]:
    """Rows as ``preapproval.case_row`` makes them, taken out of the files by the database itself."""
    told: list[sql.Composable] = [
        sql.SQL("body->'score' AS score, body->'register_'->>'peer_group' AS peers")
    ]
    for i, name in enumerate(names):
        entry = sql.SQL("body->'indicators'->{name}").format(name=sql.Literal(name))
        told.append(
            sql.SQL("({e}->>'value')::float8 AS v{i}, {e}->>'missing' AS m{i}").format(
                e=entry, i=sql.SQL(str(i))
            )
        )
    query = sql.SQL(
        "SELECT {told} FROM credit_file f JOIN (SELECT max(id) AS id FROM credit_file GROUP BY company_id) l "
        "USING (id) ORDER BY md5(company_id) LIMIT {most}"
    ).format(told=sql.SQL(", ").join(told), most=sql.Literal(SAMPLE))
    out = []
    for row in tx.execute(query):
        score = row["score"] or {}
        fact: Row = {f"score.{k}": v for k, v in score.items() if not isinstance(v, list | dict)}
        fact["register.peer_group"] = row["peers"]
        for i, name in enumerate(names):
            fact[f"indicator.{name}"] = row[f"v{i}"]
            fact[f"indicator.{name}{REASON}"] = row[f"m{i}"]
        out.append(fact)
    return out
