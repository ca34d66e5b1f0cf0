"""Pre-approval of a list: each company read under its grant, decided by the bank's policy, as a job.

A list is worked off in chunks, one transaction each, so a killed worker loses at most a chunk that nobody
has seen, and the job goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

import pyarrow as pa

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Row, Tx, new_id
from xinqiao.db.jobs import defer, job
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import UserError, fail
from xinqiao.kernel.text import Text
from xinqiao.lending import own_card
from xinqiao.lending.bank_policy import product_policy
from xinqiao.lending.bank_release import Deciding, deciding
from xinqiao.lending.own_data import as_application, facts_of
from xinqiao.lending.upload import SAID, known_companies, read_sheet
from xinqiao.policy.batch import decide_batch
from xinqiao.policy.compiled import Policy
from xinqiao.policy.frame import REASON, column_names, read_frame
from xinqiao.policy.release import CHAMPION
from xinqiao.portrait.credit_file import CreditFile, read
from xinqiao.source.block import LINE

JOB = "bank.preapprove"
PURPOSE = "pre_approval"
CHUNK = 100
MOST = 20_000
AMOUNT = ("amount_cny", "申请金额", "拟授信额度")
NOT_COVERED = "NOT_COVERED"
"""Why an indicator is missing whose source the grant leaves out."""
STATES: dict[str, Text] = {
    "waiting": Text(zh="排队中", en="waiting"),
    "decided": Text(zh="已测算", en="decided"),
    "no_grant": Text(zh="无有效授权", en="no grant"),
    "no_file": Text(zh="平台无该企业", en="not on the platform"),
    "not_covered": Text(zh="授权不含评分", en="grant without the score"),
    "invalid": Text(zh="数据异常", en="invalid"),
}


@dataclass(frozen=True, slots=True)
class Batch:
    """A list and how far it is."""

    id: UUID
    institution: UUID
    name: str
    policy: str
    rows: int
    done: int
    side: str
    person: UUID
    person_name: str
    made_at: datetime
    ended_at: datetime | None

    @property
    def actor(self) -> Actor:
        """Who the companies are read for: the person who uploaded the list."""
        return Actor(
            "guarantee" if self.side == "guarantee" else "bank",
            frozenset({"bank.officer"}),
            self.person_name,
            self.person,
            self.institution,
        )


def start(tx: Tx, actor: Actor, data: bytes, name: str, policy: str) -> UUID:
    """Queue the list of a file. Raises UserError SRC-*, BWB-FILE, BWB-ROW, POL-NOT-FOUND."""
    sheet = read_sheet(data, name)
    if sheet.frame.height > MOST:
        fail("BWB-FILE", name, detail=f"{sheet.frame.height:,} > {MOST:,} 行 rows", limit=SAID)
    assert actor.institution is not None  # noqa: S101 - people of a bank
    _deciding(tx, actor.institution, policy)
    column = next((each for each in AMOUNT if each in sheet.columns), None)
    known = known_companies(tx, sheet.frame[sheet.company].to_list())
    rows = sheet.frame.iter_rows(named=True)
    entries = [(row[LINE], row[sheet.company], _amount(row, column, name)) for row in rows]
    made = new_id()
    tx.execute(
        "INSERT INTO bank_batch (id, institution, name, policy, rows, side, person, person_name, made_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            made,
            actor.institution,
            name[:200],
            policy,
            len(entries),
            actor.side,
            actor.person,
            actor.name,
            now(),
        ],
    )
    lines, told, amounts = (list(column) for column in zip(*entries, strict=True))
    tx.execute(
        "INSERT INTO bank_batch_row (batch, institution, line, company_id, amount_cny) "
        "SELECT %s, %s, l, c, a FROM unnest(%s::int[], %s::text[], %s::numeric[]) AS r (l, c, a)",
        [made, actor.institution, lines, [known.get(each, each) for each in told], amounts],
    )
    defer(tx, JOB, lock=str(made), batch=str(made))
    return made


def _amount(row: Mapping[str, str], column: str | None, name: str) -> Decimal | None:
    text = row[column].strip().replace(",", "") if column else ""
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 < value < Decimal(10) ** 12:
        fail("BWB-ROW", f"{name}:{row[LINE]}", column=str(column), detail=repr(text))
    return value


@job(JOB)
def run(database: Database, batch: str) -> None:
    """Work a list off; can be run twice."""
    with database.transaction(SYSTEM) as tx:
        found = one(tx, UUID(batch))
    while _chunk(database, found):
        pass


def _chunk(database: Database, batch: Batch) -> bool:
    """Decide the next rows in one transaction; whether there were any."""
    with database.transaction(batch.actor.scope) as tx:
        rows = tx.execute(
            "SELECT line, company_id, amount_cny FROM bank_batch_row WHERE batch = %s AND state = 'waiting' "
            "ORDER BY line LIMIT %s FOR UPDATE SKIP LOCKED",
            [batch.id, CHUNK],
        ).fetchall()
        if rows:
            now_deciding = _deciding(tx, batch.institution, batch.policy)
            _keep(tx, batch, _decided(tx, batch, now_deciding, rows))
        waiting = tx.execute(
            "SELECT count(*) AS n FROM bank_batch_row WHERE batch = %s AND state = 'waiting'", [batch.id]
        ).fetchone()
        left = waiting["n"] if waiting else 0
        tx.execute(
            "UPDATE bank_batch SET done = rows - %(left)s, "
            "ended_at = CASE WHEN %(left)s = 0 THEN coalesce(ended_at, %(at)s) END WHERE id = %(id)s",
            {"left": left, "at": now(), "id": batch.id},
        )
    return bool(rows)


def _deciding(tx: Tx, institution: UUID, policy: str) -> Deciding:
    """The bank's own release, a policy of the catalog, or that of a product it offers."""
    try:
        return deciding(tx, institution, policy)
    except UserError as error:
        if error.code != "POL-NOT-FOUND":
            raise
    return Deciding({CHAMPION: product_policy(tx, institution, policy)}, None, None)


def _decided(tx: Tx, batch: Batch, by: Deciding, rows: Sequence[Row]) -> list[Row]:
    """Every row with its state, and those that could be read decided by the arm drawn for them."""
    own = facts_of(tx, batch.institution, [row["company_id"] for row in rows])
    card = own_card.current(tx, batch.institution)
    out, cases = [], []
    for row in rows:
        told: Row = {**row, "state": "decided", "grant_id": None, "query_id": None}
        try:
            with tx.transaction():  # a refusal leaves no trace of the scope it was found under
                file, permit = read(tx, batch.actor, row["company_id"], PURPOSE)
        except UserError as error:
            state = "no_file" if error.code == "PTR-ABSENT" else "no_grant"
            out.append(told | {"state": state, "reasons": error.code})
            continue
        told |= {"grant_id": permit.grant_id, "query_id": permit.query_id}
        if file.score is None:
            out.append(told | {"state": "not_covered"})
            continue
        known = own.get(row["company_id"], {})
        score = _with_own(file, card, known)
        cases.append((told | {"grade": score["grade"]}, case_row(file, score, row["amount_cny"], known)))
    arms: dict[str, list[tuple[Row, Row]]] = {}
    for told, case in cases:
        arms.setdefault(by.draw(told["company_id"]).arm, []).append((told, case))
    for arm, some in arms.items():
        out += _by(by.policies[arm], arm, some)
    return out


def _with_own(file: CreditFile, card: own_card.OwnCard | None, own: Mapping[str, float | str]) -> Row:
    score = dict(file.score or {})
    if card is None:
        return score
    values = {name: value.value for name, value in file.indicators.items()}
    return own_card.on_top(score, card.card, own_card.points(card.card, values, own))


def case_row(file: CreditFile, score: Row, amount: Decimal | None, own: Mapping[str, float | str]) -> Row:
    """What is known of a company by source: ``indicator.INV01``, ``score.pd``, ``application.amount_cny``."""
    row: Row = {f"score.{name}": value for name, value in score.items() if not isinstance(value, list | dict)}
    for name, value in file.indicators.items():
        row[f"indicator.{name}"] = value.value
        if value.value is None:
            row[f"indicator.{name}{REASON}"] = value.missing
    row |= {f"application.{name}": value for name, value in as_application(dict(own)).items()}
    if amount is not None:
        row["application.amount_cny"] = float(amount)
    return row


def case_table(policy: Policy, rows: Sequence[Row]) -> pa.Table:
    """Rows of ``case_row`` as the table of cases that ``policy`` reads."""
    told: dict[str, pa.Array] = {}
    for name, column in column_names(policy).items():
        item = policy.file.inputs[name]
        words = item.type in ("text", "grade", "date")
        values = [row.get(item.source) for row in rows]
        if item.source.startswith("application.") and all(value is None for value in values):
            continue
        told[column] = pa.array(values, pa.string() if words else pa.float64())
        if item.source.startswith("indicator."):
            reasons = [
                row.get(item.source + REASON, NOT_COVERED) if value is None else None
                for row, value in zip(rows, values, strict=True)
            ]
            told[column + REASON] = pa.array(reasons, pa.string())
    return pa.table(told)


def _by(policy: Policy, arm: str, some: Sequence[tuple[Row, Row]]) -> list[Row]:
    frame = read_frame(policy, case_table(policy, [case for _, case in some]))
    decided = decide_batch(policy, frame.columns, frame.missing).to_arrow().to_pylist()
    return [
        told
        | {
            "arm": arm,
            "outcome": row["outcome"],
            "limit_cny": row["limit_cny"],
            "rate": row["rate"],
            "reasons": row["reason_codes"],
        }
        for (told, _), row in zip(some, decided, strict=True)
    ]


def _keep(tx: Tx, batch: Batch, rows: Sequence[Row]) -> None:
    names = ("state", "outcome", "limit_cny", "rate", "grade", "reasons", "arm", "grant_id", "query_id")
    at = now()
    with tx.cursor() as cursor:
        cursor.executemany(
            "UPDATE bank_batch_row SET state = %s, outcome = %s, limit_cny = %s, rate = %s, grade = %s, "
            "reasons = %s, arm = %s, grant_id = %s, query_id = %s, decided_at = %s "
            "WHERE batch = %s AND line = %s",
            [[*(row.get(name) for name in names), at, batch.id, row["line"]] for row in rows],
        )


def one(tx: Tx, batch: UUID) -> Batch:
    """A list. Raises UserError BWB-ABSENT."""
    row = tx.execute("SELECT * FROM bank_batch WHERE id = %s", [batch]).fetchone()
    if row is None:
        fail("BWB-ABSENT", str(batch), what="批次 batch")
    return Batch(**row)


def batches(tx: Tx, most: int = 50) -> list[Batch]:
    """The lists of the bank, the newest first."""
    rows = tx.execute("SELECT * FROM bank_batch ORDER BY made_at DESC, id DESC LIMIT %s", [most])
    return [Batch(**row) for row in rows]


def counts(tx: Tx, batch: UUID) -> list[Row]:
    """Rows by state and outcome, with the sum of the limits."""
    return tx.execute(
        "SELECT state, outcome, count(*) AS n, sum(limit_cny) AS amount FROM bank_batch_row WHERE batch = %s "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        [batch],
    ).fetchall()


def rows_of(tx: Tx, batch: UUID, most: int | None = None) -> list[Row]:
    """The rows of a list in its order, with the companies' names."""
    return tx.execute(
        "SELECT r.*, c.name FROM bank_batch_row r LEFT JOIN company c ON c.id = r.company_id "
        "WHERE batch = %s ORDER BY line LIMIT %s",
        [batch, most],
    ).fetchall()
