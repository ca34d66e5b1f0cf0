"""The round of early warning (贷后监测): every borrower looked at, signals kept, the watch-list fed.

A signal nobody can tell any more (consent ended, a source is missing) neither rises nor ends: it stays as it
was last known. What a file says is read under the borrower's grant for the purpose ``post_loan`` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import polars as pl

from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, Tx, acting, new_id
from xinqiao.db.jobs import every, job
from xinqiao.indicator.model import COMPANY
from xinqiao.monitoring.borrower import Borrower, borrowers
from xinqiao.monitoring.hazard import HORIZONS, Hazard
from xinqiao.monitoring.month import lenders
from xinqiao.monitoring.panel import features
from xinqiao.monitoring.parameters import parameters
from xinqiao.monitoring.signal import BEFORE, LEVELS, Level, Said, signals, spoken, table
from xinqiao.monitoring.watch import escalate, watch
from xinqiao.servicing.business_day import business_day

MODEL = "monitoring.hazard"
"""The id under which the hazard model in use is kept among the models."""
Risks = dict[str, dict[int, float]]
"""Company -> horizon in months -> probability of turning bad within it."""
RULE = "预警规则 early-warning rule"


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: borrowers looked at, files not readable, signals raised and ended, entries."""

    looked: int
    unread: int
    raised: int
    ended: int
    entered: int


def surveil(tx: Tx, institution_id: UUID, on: date) -> Round:
    """Look at every borrower of an institution once (any scope of it; the platform reads for it)."""
    with acting(tx, SYSTEM):
        found = borrowers(tx, institution_id, on)
        said = _said(found, on)
        risks = _risks(tx, found)
        raised, ended = _keep_signals(tx, institution_id, found, said, on)
        entered = sum(
            _keep_state(tx, institution_id, each, said[each.company_id], risks, on) for each in found
        )
        escalate(tx, institution_id)
    return Round(len(found), sum(bool(each.unread) for each in found), raised, ended, entered)


def _said(found: Sequence[Borrower], on: date) -> dict[str, Said]:
    if not found:
        return {}
    rows = [{COMPANY: each.company_id, **each.figures} for each in found]
    return spoken(table(rows), on, {each.company_id: each.leads for each in found})


def _keep_signals(
    tx: Tx, institution_id: UUID, found: Sequence[Borrower], said: dict[str, Said], on: date
) -> tuple[int, int]:
    """Signals that speak now and didn't are raised; those known to be silent end."""
    rows = tx.execute(
        "SELECT company_id, signal FROM warning_signal WHERE institution_id = %s AND ended_on IS NULL",
        [institution_id],
    ).fetchall()
    standing = {(row["company_id"], row["signal"]) for row in rows}
    new: list[list[object]] = []
    over: list[list[object]] = []
    for each in found:
        told = said[each.company_id]
        as_of = on if each.file is None else each.file.as_of
        for signal in signals().signals.values():
            stands = (each.company_id, signal.id) in standing
            if signal.id in told.spoken and not stands:
                new.append([new_id(), institution_id, each.company_id, signal.id, signal.level, on, as_of])
            elif stands and signal.id not in told.spoken and signal.id not in told.unknown:
                over.append([on, institution_id, each.company_id, signal.id])
    with tx.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO warning_signal (id, institution_id, company_id, signal, level, raised_on, as_of) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s)",
            new,
        )
        cursor.executemany(
            "UPDATE warning_signal SET ended_on = greatest(raised_on, %s) WHERE institution_id = %s "
            "AND company_id = %s AND signal = %s AND ended_on IS NULL",
            over,
        )
    return len(new), len(over)


def _keep_state(  # noqa: PLR0917 - what a round knows of a borrower
    tx: Tx, institution_id: UUID, each: Borrower, said: Said, risks: Risks, on: date
) -> bool:
    """The borrower's state as it stands, and its entry on the watch-list; tells whether it entered."""
    rows = tx.execute(
        "SELECT signal FROM warning_signal "
        "WHERE institution_id = %s AND company_id = %s AND ended_on IS NULL ORDER BY signal",
        [institution_id, each.company_id],
    )
    open_ = [row["signal"] for row in rows if row["signal"] in signals().signals]
    level = signals().level(open_)
    score = None if each.file is None else each.file.score
    risk = risks.get(each.company_id, {})
    told = {
        "institution_id": institution_id,
        "company_id": each.company_id,
        "looked_on": on,
        "file_as_of": None if each.file is None else each.file.as_of,
        "unread": each.unread,
        "unknown": list(said.unknown),
        "level": level,
        "weight": signals().weight(open_),
        "grade": None if score is None else score.get("grade"),
        "pd": None if score is None else score.get("pd"),
        "pd_6m": risk.get(6),
        "pd_12m": risk.get(12),
    }
    names, places = ", ".join(told), ", ".join(f"%({name})s" for name in told)
    pairs = ", ".join(f"{name} = excluded.{name}" for name in told)
    tx.execute(
        f"INSERT INTO warning_state ({names}) VALUES ({places}) "  # noqa: S608 - our own names
        f"ON CONFLICT (institution_id, company_id) DO UPDATE SET {pairs}",
        told,
    )
    return _enter(tx, institution_id, each.company_id, level, open_)


def _enter(tx: Tx, institution_id: UUID, company_id: str, level: Level | None, open_: Sequence[str]) -> bool:
    if level is None or LEVELS.index(level) < LEVELS.index(parameters().enter):
        return False
    row = tx.execute(
        "SELECT level FROM watch_entry WHERE institution_id = %s AND company_id = %s AND left_on IS NULL",
        [institution_id, company_id],
    ).fetchone()
    if row is not None and LEVELS.index(row["level"]) >= LEVELS.index(level):
        return False
    if row is None and not _news(tx, institution_id, company_id, open_):
        return False
    actor = Actor("system", frozenset(), RULE, institution=institution_id)
    names = [signals().signals[key].name for key in open_]
    reason = "；".join(n.zh for n in names)[:200] + " | " + "; ".join(n.en for n in names)[:280]
    watch(tx, actor, company_id, level, reason, open_)
    return True


def _news(tx: Tx, institution_id: UUID, company_id: str, open_: Sequence[str]) -> bool:
    """Whether a signal speaks that did not when a person last took the borrower off the list."""
    row = tx.execute(
        "SELECT max(left_on) AS left_on FROM watch_entry WHERE institution_id = %s AND company_id = %s",
        [institution_id, company_id],
    ).fetchone()
    if row is None or row["left_on"] is None:
        return True
    found = tx.execute(
        "SELECT 1 FROM warning_signal WHERE institution_id = %s AND company_id = %s AND ended_on IS NULL "
        "AND raised_on > %s AND signal = ANY(%s) LIMIT 1",
        [institution_id, company_id, row["left_on"], list(open_)],
    ).fetchone()
    return found is not None


def publish_hazard(tx: Tx, model: Hazard) -> None:
    """Use ``model`` from the next round on (scope SYSTEM)."""
    tx.execute(
        "INSERT INTO model (id, body) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        [MODEL, model.to_json()],
    )


def _risks(tx: Tx, found: Sequence[Borrower]) -> Risks:
    """By the hazard model, of those whose file was read."""
    row = tx.execute("SELECT body FROM model WHERE id = %s", [MODEL]).fetchone()
    read = [each for each in found if each.file is not None]
    if row is None or not read:
        return {}
    model = Hazard.from_json(bytes(row["body"]))
    rows = [_features(each.figures) for each in read]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(features(), pl.Float64))
    risks = {months: model.pd(frame, months) for months in HORIZONS}
    return {
        each.company_id: {months: round(float(values[i]), 6) for months, values in risks.items()}
        for i, each in enumerate(read)
    }


def _features(figures: dict[str, float | None]) -> dict[str, float | None]:
    def change(name: str) -> float | None:
        now, before = figures.get(name), figures.get(name + BEFORE)
        return None if now is None or before is None else now - before

    return {
        name: change(name.removesuffix("_change")) if name.endswith("_change") else figures.get(name)
        for name in features()
    }


@every("40 21 * * *", "monitoring.rounds")
def surveil_all(database: Database) -> None:
    """Every night: a round of every lender, each in its own transaction."""
    with database.transaction(SYSTEM) as tx:
        found = lenders(tx)
    for institution in found:
        surveil_one(database, institution=str(institution))


@job("monitoring.round")
def surveil_one(database: Database, *, institution: str) -> None:
    """A round of one lender, as of its business day."""
    with database.transaction(SYSTEM) as tx:
        surveil(tx, UUID(institution), business_day(tx, UUID(institution)))
