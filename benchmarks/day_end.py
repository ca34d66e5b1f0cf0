"""Day-end of many loans beside a plain bulk UPDATE of as many rows in the same database, and killed half-way.

The loans are copies of a few hundred that the engine made: monthly instalments over 12, 24 and 36 months,
drawn over the last months, three in a hundred overdue by one to three instalments. They are loaded with COPY
(without their past events: no loan here needs the engine). After each day every row is compared with what
the engine says of the loan it is a copy of. Environment: BENCH_LOANS (1,000,000).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from xinqiao.account import seed
from xinqiao.db.database import SYSTEM, Database
from xinqiao.db.embedded import Access, Embedded
from xinqiao.db.migrate import migrate
from xinqiao.loan import engine
from xinqiao.loan.calendar import periods
from xinqiao.loan.classification import Class, by_days
from xinqiao.loan.engine import Loan
from xinqiao.loan.event import Disburse, Repay
from xinqiao.loan.terms import Terms
from xinqiao.loan.terms import to_json as terms_to_json
from xinqiao.servicing.accruing import line_of, running_of
from xinqiao.servicing.day_end import run
from xinqiao.servicing.provision import needed, reference_rates
from xinqiao.servicing.standing import Standing, columns, standing, totals_json

DAY = date(2026, 6, 30)
TEMPLATES = 300
LATE = 0.03
KILL_AFTER_SECONDS = 0.35
BASE = 0x0197_0000_0000_7000_8000_0000_0000_0000
STEP = 1 << 16


@dataclass(frozen=True)
class Template:
    """A loan as of a day, to be copied."""

    loan: Loan
    found: Standing
    class_: Class


def template(draw: random.Random, on: date) -> Template:
    """A loan of the engine's, all paid until ``on`` or, three in a hundred, not the last one to three."""
    months = draw.choice([12, 12, 24, 36])
    begun = on - timedelta(days=draw.randint(1, 30 * min(months, 11)))
    terms = Terms(
        principal=Decimal(draw.randrange(50_000, 1_000_000, 10_000)),
        rate=Decimal(draw.randrange(300, 900, 5)) / 10_000,
        periods=periods(begun, months),
        way=draw.choice(["equal_instalment", "equal_principal", "interest_only_then_bullet"]),
    )
    loan = engine.apply(engine.begin(terms), Disburse(on=begun, amount=terms.principal))
    due = [row for row in engine.rows(loan, on) if row.due <= on]
    missed = draw.randint(1, 3) if draw.random() < LATE * 1.5 else 0
    for row in due[: len(due) - missed]:
        loan = engine.apply(loan, Repay(on=row.due, amount=row.principal + row.interest))
    found = standing(loan, on)
    cls = by_days(found.days_past_due)
    wanted = needed(found.totals.principal, cls, reference_rates())
    return Template(loan, standing(loan, on, allowance=wanted), cls)


def _copy(
    connection: psycopg.Connection[Any], table: str, names: list[str], rows: Iterator[list[Any]]
) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def fill(access: Access, bank: UUID, made: list[Template], loans: int) -> None:
    """Load ``loans`` copies: loan number k is a copy of template k modulo their number."""
    with psycopg.connect(access.owner) as connection:
        for table in ("loan", "loan_instalment", "accruing", "facility"):
            _unbind(connection, table)
        facility = UUID(int=BASE - 1)
        connection.execute(
            "INSERT INTO facility (id, case_id, company_id, institution_id, product_id, product_version, "
            "amount_cny, rate, term_months, way, drawdown, valid_from, valid_until, state) VALUES (%s, %s, "
            "'C0', %s, 'p', '1', 1, 0.05, 12, 'bullet', 'single', '2025-01-01', '2030-01-01', 'active')",
            [facility, facility, bank],
        )
        told = [_row(each, bank, facility) for each in made]
        keys = [UUID(int=BASE + k * STEP) for k in range(loans)]
        count = len(made)
        fixed = list(told[0])
        _copy(
            connection,
            "loan",
            ["id", "company_id", *fixed],
            ([key, f"C{k:08}", *told[k % count].values()] for k, key in enumerate(keys)),
        )
        lines = [_line(each) for each in made]
        names = ["loan_id", "institution_id", "version", *lines[0]]
        _copy(
            connection,
            "accruing",
            names,
            ([key, bank, 1, *lines[k % count].values()] for k, key in enumerate(keys)),
        )
        parts = [_instalments(each) for each in made]
        _copy(
            connection,
            "loan_instalment",
            ["loan_id", "company_id", "institution_id", *_PARTS],
            ([key, f"C{k:08}", bank, *part] for k, key in enumerate(keys) for part in parts[k % count]),
        )
        connection.execute("INSERT INTO business_day VALUES (%s, %s)", [bank, DAY])
    _tidy(access)


def _unbind(connection: psycopg.Connection[Any], table: str) -> None:
    """Rows to load need no look-up of what they refer to: it is made just before."""
    rows = connection.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass", [table]
    ).fetchall()
    for (name,) in rows:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")


def _row(each: Template, bank: UUID, facility: UUID) -> dict[str, Any]:
    return {
        "facility_id": facility,
        "institution_id": bank,
        "product_id": "p",
        "product_version": "1",
        "terms": Jsonb(terms_to_json(each.loan.terms)),
        "totals": Jsonb(totals_json(each.found.totals)),
        "drawn_on": each.loan.terms.periods[0][0],
        "class": each.class_,
        **columns(each.found),
    }


def _line(each: Template) -> dict[str, Any]:
    on = each.found.posted_on
    running = running_of(each.loan, on)
    assert running is not None
    return line_of(each.loan, running, on)


_PARTS = ["n", "due", "principal_cny", "interest_cny", "fee_cny", "penalty_cny", "paid_cny", "settled_on"]


def _instalments(each: Template) -> list[list[Any]]:
    return [
        [r.n, r.due, r.principal, r.interest, r.fee, r.penalty, r.paid, r.settled_on]
        for r in engine.rows(each.loan, each.found.posted_on)
    ]


def _tidy(access: Access) -> None:
    with psycopg.connect(access.owner, autocommit=True) as connection:
        for table in ("loan", "accruing", "loan_instalment"):
            connection.execute(f"VACUUM ANALYZE {table}")
        connection.execute("CHECKPOINT")


def floor(access: Access) -> float:
    """Seconds of one plain UPDATE of a total, a sum and the day of every loan."""
    begin = time.perf_counter()
    with psycopg.connect(access.owner) as connection:
        connection.execute(
            "UPDATE loan SET totals = totals || jsonb_build_object('interest_earned', "
            "((totals->>'interest_earned')::numeric + 0.01)::text), interest_cny = interest_cny + 0.01, "
            "posted_on = posted_on + 1"
        )
        seconds = time.perf_counter() - begin
        connection.rollback()
    _tidy(access)
    return seconds


def wrong(access: Access, made: list[Template], day: date) -> int:
    """Loans whose row at the end of ``day`` is not what the engine says."""
    bad = 0
    with psycopg.connect(access.owner) as connection:
        rows = connection.execute(
            "SELECT k, totals, posted_on, interest_cny, penalty_cny, next_due, unpaid_since, days_past_due, "
            "class, count(*) FROM (SELECT *, (row_number() OVER (ORDER BY id) - 1) %% %s AS k FROM loan) l "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9",
            [len(made)],
        ).fetchall()
    for k, totals, posted_on, interest, penalty, next_due, since, late, cls, count in rows:
        want = standing(made[k].loan, day, allowance=Decimal(totals["allowance"]))
        have = (totals, posted_on, interest, penalty, next_due, since, late)
        told = (
            totals_json(want.totals),
            day,
            want.totals.interest,
            want.totals.penalty,
            want.next_due,
            want.unpaid_since,
            want.days_past_due,
        )
        allowance = needed(want.totals.principal, cls, reference_rates())
        bad += count if have != told or Decimal(totals["allowance"]) != allowance else 0
    return bad


def killed(access: Access, bank: UUID, day: date) -> tuple[float, float]:
    """Seconds of a day-end until it is killed with -9, and of the one that goes on."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.day_end", access.app, str(bank), str(day)])
    with psycopg.connect(access.owner, autocommit=True) as connection:
        while process.poll() is None:
            row = connection.execute("SELECT count(*) FROM day_end_batch WHERE day = %s", [day]).fetchone()
            if row is not None and row[0] > 1:
                time.sleep(KILL_AFTER_SECONDS)
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    process.wait()
    first = time.perf_counter() - begin
    with Database(access.app) as database:
        begin = time.perf_counter()
        run(database, bank, day)
    return first, time.perf_counter() - begin


def section(folder: Path) -> list[str]:
    """Lines of Markdown."""
    loans = int(os.environ.get("BENCH_LOANS", "1000000"))
    draw = random.Random(6)  # noqa: S311 - loans to copy, the same ones every time
    made = [template(draw, DAY - timedelta(days=1)) for _ in range(min(TEMPLATES, loans))]
    home = tempfile.mkdtemp(prefix="day-end-", dir=folder)
    with Embedded(Path(home)).running() as access:
        migrate(access.owner)
        with Database(access.app) as database, database.transaction(SYSTEM) as tx:
            bank = seed.institution(
                tx, kind="bank", name="示范银行", uscc="91990101MA9D000023", filing_number="示范 2"
            )
        fill(access, bank, made, loans)
        return _measured(access, bank, made, loans)


def _measured(access: Access, bank: UUID, made: list[Template], loans: int) -> list[str]:
    before = floor(access)
    with Database(access.app) as database:
        begin = time.perf_counter()
        done = run(database, bank, DAY)
        seconds = time.perf_counter() - begin
    assert done.loans == loans, done
    faults = wrong(access, made, DAY)
    _tidy(access)
    after = floor(access)
    day = DAY + timedelta(days=1)
    first, rest = killed(access, bank, day)
    faults += wrong(access, made, day)
    bulk = (before + after) / 2
    late = sum(each.found.unpaid_since is not None for each in made) / len(made)
    return [
        f"{loans:,} loans, {late:.1%} overdue; {done.by_engine} by the engine, {done.reminders:,} reminders.",
        "",
        "| | s | loans/s | x bulk UPDATE |",
        "|---|---:|---:|---:|",
        f"| day-end, 2 connections | {seconds:.1f} | {loans / seconds:,.0f} | {seconds / bulk:.2f} |",
        f"| one UPDATE of as many rows ({before:.1f}, {after:.1f}) | {bulk:.1f} | {loans / bulk:,.0f} | 1 |",
        f"| killed with -9 after {first:.1f} s, then run again | {rest:.1f} | | |",
        "",
        f"Rows that are not what the engine says, both days: {faults}.",
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with Database(sys.argv[1]) as database_:
            run(database_, UUID(sys.argv[2]), date.fromisoformat(sys.argv[3]))
    else:
        with tempfile.TemporaryDirectory(prefix="xinqiao-bench-") as temporary:
            print("\n".join(section(Path(temporary))))
