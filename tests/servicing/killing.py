"""Tellers and a day-end, each in its own process, killed again and again while they book; the database too.

Whoever books writes a line before and a line after, to a file that survives the process. What was answered
has to be in the books once; what was not may be there once or not at all, and sent again it counts once.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import PoolTimeout

from tests.servicing.lent import FUNDS, MACHINE, START, Books, books
from xinqiao.db.database import SYSTEM, Database, Tx
from xinqiao.db.embedded import Embedded
from xinqiao.db.migrate import migrate
from xinqiao.kernel.errors import UserError
from xinqiao.servicing import drawdown, repayment
from xinqiao.servicing.business_day import business_day
from xinqiao.servicing.day_end import run
from xinqiao.servicing.line import lines, set_line
from xinqiao.servicing.statement import check

DAY_END = "day-end"
TELLERS = 3
THREADS = 2
COMPANIES = 4
FACILITY_CNY = 200_000
DAY_SECONDS = 1.0
WAIT_SECONDS = 60
GONE = (psycopg.Error, PoolTimeout)


@dataclass(frozen=True)
class Act:
    """One booking that somebody wants: ``of`` a facility (draw) or a loan (repay, settle)."""

    key: str
    kind: str
    of: str
    amount: str

    def do(self, tx: Tx) -> None:
        """Book it."""
        amount, of = Decimal(self.amount), UUID(self.of)
        if self.kind == "draw":
            drawdown.draw(tx, MACHINE, of, amount, funds=FUNDS, key=self.key)
        elif self.kind == "repay":
            repayment.repay(tx, MACHINE, of, amount, key=self.key)
        else:
            repayment.settle_whole(tx, MACHINE, of, key=self.key)


class Notes:
    """A file of lines that are there once ``write`` has returned, whatever becomes of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, word: str, act: Act) -> None:
        """``word``: try, done or no."""
        told = {"word": word, "key": act.key, "kind": act.kind, "of": act.of, "amount": act.amount}
        os.write(self.handle, (json.dumps(told) + "\n").encode())

    @staticmethod
    def read(path: Path) -> Iterator[tuple[str, Act]]:
        """All lines."""
        if path.exists():
            for line in path.read_text().splitlines():
                told: dict[str, Any] = json.loads(line)
                yield told.pop("word"), Act(**told)


class Teller(threading.Thread):
    """Draws and repays until the stop file is there; begins with what was left without an answer."""

    def __init__(
        self, database: Database, notes: Notes, home: Path, seed: int, facilities: list[str]
    ) -> None:
        super().__init__()
        self.database, self.notes, self.stop_file = database, notes, home / "stop"
        self.facilities = facilities
        self.draw = random.Random(seed)  # noqa: S311 - a test repeats by its seed
        self.left: list[Act] = []

    def run(self) -> None:
        while not self.stop_file.exists():
            act = self.left.pop() if self.left else self.think()
            if act is None:
                time.sleep(0.1)
                continue
            self.book(act)
            time.sleep(self.draw.random() * 0.1)

    def book(self, act: Act) -> None:
        """Once; sent again with the same key where no answer came, or left."""
        self.notes.write("try", act)
        while not self.stop_file.exists():
            try:
                with self.database.transaction(SYSTEM) as tx:
                    act.do(tx)
            except UserError as error:
                self.notes.write("no", Act(act.key, error.code, act.of, act.amount))
                return
            except GONE:
                if self.draw.random() < 0.3:
                    return
                time.sleep(0.1)
            else:
                self.notes.write("done", act)
                if self.draw.random() < 0.1:  # the answer got lost on its way: the same again
                    self.left.append(act)
                return

    def think(self) -> Act | None:
        """What to do next: what is overdue is repaid first."""
        key = str(uuid4())
        if self.draw.random() < 0.5:
            amount = self.draw.randrange(1_000, FACILITY_CNY // 4)
            return Act(key, "draw", self.draw.choice(self.facilities), f"{amount}.00")
        with contextlib.suppress(*GONE), self.database.transaction(SYSTEM) as tx:
            row = tx.execute(
                "SELECT id, principal_cny FROM loan WHERE state = 'open' "
                "ORDER BY unpaid_since IS NULL, random() LIMIT 1"
            ).fetchone()
            if row is not None:
                kind = self.draw.choice(("repay", "settle"))
                amount = self.draw.randrange(1, max(2, int(row["principal_cny"] * 110)))
                return Act(key, kind, str(row["id"]), str(Decimal(amount) / 100))
        return None


def teller(home: Path, name: str) -> None:
    """A teller's process."""
    told = json.loads((home / "told.json").read_text())
    path = home / f"{name}.notes"
    left: dict[str, Act] = {}
    for word, act in Notes.read(path):
        if word == "try":
            left[act.key] = act
        else:
            left.pop(act.key, None)
    notes = Notes(path)
    with Database(told["dsn"], size=THREADS + 1) as database:
        threads = [Teller(database, notes, home, os.getpid() + i, told["facilities"]) for i in range(THREADS)]
        threads[0].left = list(left.values())
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _close(database: Database, bank: UUID, day: date) -> None:
    """Day-end, of the day before too if that was killed on its way; a killed run's lock may outlive it."""
    deadline = time.monotonic() + WAIT_SECONDS
    for each in (day - timedelta(days=1), day):
        while each >= START:
            try:
                run(database, bank, each, batch=16, workers=2)
                break
            except UserError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def day_ends(home: Path) -> None:
    """A day-end's process: day after day. A killed one's lock may last a moment longer than it."""
    told = json.loads((home / "told.json").read_text())
    bank = UUID(told["bank"])
    with Database(told["dsn"], size=4) as database:
        while not (home / "stop").exists():
            began = time.monotonic()
            try:
                with database.transaction(SYSTEM) as tx:
                    day = business_day(tx, bank)
                _close(database, bank, day)
                with (home / "days.notes").open("a") as notes:
                    notes.write(f"{day}\n")
            except GONE:
                time.sleep(0.1)
            while time.monotonic() - began < DAY_SECONDS and not (home / "stop").exists():
                time.sleep(0.05)


@dataclass
class Result:
    """What happened, and what is wrong."""

    kills: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    days: int = 0
    loans: int = 0
    faults: list[str] = field(default_factory=list)


FORKS = multiprocessing.get_context("forkserver")
"""A server that has imported everything, so that a killed process is back at once."""
FORKS.set_forkserver_preload(["tests.servicing.warm"])


@dataclass
class Floor:
    """The bank's processes."""

    home: Path
    cluster: Path
    processes: dict[str, BaseProcess] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a process, or start it again."""
        process = FORKS.Process(target=work, args=(self.home, name), name=name)
        process.start()
        self.processes[name] = process

    def kill(self, draw: random.Random) -> str:
        """Kill -9 of one of them, or of the database's postmaster."""
        if draw.random() < 0.3:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((self.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
                return "database"
            return "database while it was down"
        name = draw.choice(sorted(self.processes))
        self.processes[name].kill()
        self.processes[name].join()
        self.start(name)
        return name

    def stop(self) -> list[str]:
        """Let them finish what they are at."""
        (self.home / "stop").touch()
        out = []
        for name, process in self.processes.items():
            process.join(WAIT_SECONDS)
            if process.is_alive():
                process.kill()
                out.append(f"{name} hangs")
            if process.exitcode:
                out.append(f"{name} ended by {process.exitcode}: {_end_of(self.home / f'{name}.log')}")
        return out


def work(home: Path, name: str) -> None:
    """A process: a teller's, or the day-end's. What it says goes to a file of its own."""
    log = os.open(home / f"{name}.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    if name == DAY_END:
        day_ends(home)
    else:
        teller(home, name)


def _end_of(log: Path) -> str:
    return log.read_text()[-800:] if log.exists() else ""


def trial(home: Path, kills: int, seed: int = 1, pause_seconds: float = 2.0) -> Result:
    """Kill ``kills`` times at random moments, then compare what was told with what is in the books."""
    draw = random.Random(seed)  # noqa: S311 - a test repeats by its seed
    found = Result()
    embedded = Embedded(home / "db")
    with embedded.running() as access:
        migrate(access.owner)
        with Database(access.app, size=4) as database:
            bank = _open(database)
            told = {
                "dsn": access.app,
                "bank": str(bank[0].bank),
                "facilities": [str(each) for each in bank[1]],
            }
            (home / "told.json").write_text(json.dumps(told))
            floor = Floor(home, embedded.cluster)
            for name in (*(f"teller-{i}" for i in range(TELLERS)), DAY_END):
                floor.start(name)
            _wait(database)
            for _ in range(kills):
                time.sleep(pause_seconds * (0.2 + draw.random()))
                found.kills[floor.kill(draw)] += 1
            _wait(database)
            found.faults += floor.stop()
            _wait(database)
            _compare(database, bank[0].bank, home, found)
    return found


def _open(database: Database) -> tuple[Books, list[UUID]]:
    """A bank, its facilities, and limits that are too small for all of them."""
    book = books(database)
    firms = [f"91330100{i:09d}A" for i in range(COMPANIES)]
    facilities = [book.facility(FACILITY_CNY, firm) for firm in firms]
    with database.transaction(SYSTEM) as tx:
        most = Decimal(FACILITY_CNY * COMPANIES // 2)
        set_line(tx, MACHINE, "institution", str(book.bank), most, institution_id=book.bank)
        set_line(tx, MACHINE, "company", firms[0], Decimal(FACILITY_CNY // 2), institution_id=book.bank)
    return book, facilities


def _wait(database: Database) -> None:
    """Until the database answers and something was booked."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(*GONE), database.transaction(SYSTEM) as tx:
            if tx.execute("SELECT 1 FROM loan_event LIMIT 1").fetchone():
                return
        time.sleep(0.1)
    message = "the database is away, or nothing was booked"
    raise AssertionError(message)


def _compare(database: Database, bank: UUID, home: Path, found: Result) -> None:
    with database.transaction(SYSTEM) as tx:
        day = business_day(tx, bank)
    _close(database, bank, day)  # what was half done is done, once
    with database.transaction(SYSTEM) as tx:
        events = tx.execute(
            "SELECT loan_id, kind, key, body FROM loan_event WHERE key IS NOT NULL"
        ).fetchall()
        found.faults += check(tx)
        found.faults += [f"{each} is exceeded" for each in lines(tx) if each.used_cny > each.limit_cny]
        late = tx.execute(
            "SELECT count(*) AS n FROM loan WHERE state = 'open' AND posted_on < %s", [day]
        ).fetchone()
        loans = tx.execute("SELECT count(*) AS n FROM loan").fetchone()
    if late is None or late["n"]:
        found.faults.append(f"day-end left {late} loans behind")
    notes = home / "days.notes"
    days = [date.fromisoformat(each) for each in notes.read_text().split()] if notes.exists() else []
    if any(each >= day for each in days) or (days and max(days) < START):
        found.faults.append(f"day-ends {days[-3:]} but the business day is {day}")
    found.days, found.loans = (day - START).days + 1, 0 if loans is None else loans["n"]
    _acts(home, {r["key"]: (r["kind"], r["body"]) for r in events}, found)
    if len({r["key"] for r in events}) != len(events):
        found.faults.append("a key was booked twice")


def _acts(home: Path, booked: dict[str, tuple[str, dict[str, Any]]], found: Result) -> None:
    kinds = {"draw": "disburse", "repay": "repay", "settle": "payoff"}
    tried: dict[str, Act] = {}
    for path in home.glob("teller-*.notes"):
        for word, act in Notes.read(path):
            found.acts[f"{word} {act.kind}"] += 1
            if word == "try":
                tried[act.key] = act
            elif word == "done":
                kind, body = booked.get(act.key, ("", {}))
                if kind != kinds[act.kind]:
                    found.faults.append(f"{act} was answered and is lost")
                elif act.kind != "settle" and Decimal(body["amount"]) != Decimal(act.amount):
                    found.faults.append(f"{act} was booked as {body}")
    found.faults += [f"{key} was booked and never sent" for key in booked.keys() - tried.keys()]
