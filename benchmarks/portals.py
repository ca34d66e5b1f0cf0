"""The running platform under load from a second process, beside a bare FastAPI and PostgreSQL read.

The floor is one route that reads one credit file by its key in one transaction and sends the stored bytes:
what any platform on these parts costs at least. Ours on top: sign-in, permission, row-level security, the
grant, the query log and its evidence, cutting the file to the grant, and the page.
"""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.portal.killing import Agent, Town, make_town, opened_beside
from tests.portal.programs import assertion, new_key, public

from xinqiao.account import seed
from xinqiao.account.actor import Actor
from xinqiao.account.client import description, issue, new_client_id, put_client
from xinqiao.account.session import open_session
from xinqiao.consent.grants import Proof, give
from xinqiao.consent.watch import agree
from xinqiao.db.database import SYSTEM
from xinqiao.kernel.clock import now
from xinqiao.portal.serving import Address, opened

APPLICANTS = 50
CLIENTS = 4
SECONDS = 10
_FLOOR = """
    import sys, psycopg, uvicorn
    from fastapi import FastAPI
    from psycopg_pool import ConnectionPool
    from starlette.responses import Response
    pool = ConnectionPool(sys.argv[1], min_size=4, max_size=20, open=True)
    app = FastAPI()
    @app.get("/{company}")
    def read(company: str) -> Response:
        with pool.connection() as tx:
            tx.execute("SELECT set_config('xinqiao.side', 'system', true)")
            row = tx.execute("SELECT body::text FROM credit_file WHERE company_id = %s "
                "ORDER BY as_of DESC, id DESC LIMIT 1", [company]).fetchone()
        return Response(row[0], media_type="application/json")
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""


@dataclass(frozen=True)
class Timing:
    """Latencies in milliseconds and requests a second."""

    name: str
    p50: float
    p95: float
    rate: float


def section(folder: Path) -> list[str]:
    """Lines of Markdown."""
    with tempfile.TemporaryDirectory(prefix="platform-", dir=folder) as home:
        town = make_town(Path(home) / "home", APPLICANTS)
        officer = _officer(town)
        town.start()
        try:
            lines = _decisions(town)
            rows = [_floor(town), *_reads(town, officer), *_calls(town)]
        finally:
            assert town.process is not None
            town.process.terminate()
            town.process.wait(60)
    floor = rows[0]
    told = [
        [t.name, f"{t.p50:.1f}", f"{t.p95:.1f}", f"{t.rate:.0f}", f"{t.p95 / floor.p95:.1f}"] for t in rows
    ]
    table = ["| what | p50 ms | p95 ms | requests/s | p95 beside the floor |", "|---|---|---|---|---|"]
    table += [f"| {' | '.join(row)} |" for row in told]
    return [*lines, "", *table, "", f"{CLIENTS} clients in a second process, {SECONDS} s each."]


def _officer(town: Town) -> Agent:
    """A bank officer with a session, who may read every company."""
    with opened(town.home, Address("127.0.0.1", town.port)) as platform:
        database, ring = platform.database, platform.keyring
        with database.transaction(SYSTEM) as tx:
            row = tx.execute("SELECT id FROM institution WHERE kind = 'bank'").fetchone()
            assert row is not None
            bank = row["id"]
            agree(tx, bank, 1_000_000)
            person = seed.person(
                tx, ring, name="示范", phone="19900000001", institution_id=bank, roles=("bank.officer",)
            )
            token = open_session(tx, person, "password")
            agents = tx.execute("SELECT person_id, company_id FROM membership WHERE company_id IS NOT NULL")
            people = agents.fetchall()
        for each in people:
            actor = Actor(
                "enterprise",
                frozenset({"enterprise.agent"}),
                "",
                person=each["person_id"],
                company=each["company_id"],
            )
            with database.transaction(actor.scope) as tx:
                give(
                    tx,
                    actor,
                    institution=bank,
                    purposes=["pre_approval"],
                    data_sets=["SCORE", "INV", "TAX", "CRD", "LEADS"],
                    proof=Proof("session", now()),
                )
    return Agent("", token, "")


def _decisions(town: Town) -> list[str]:
    """Fifty companies click at once; how long until each sees its decision."""
    offer = str(town.offers[0])
    forms = [_form(town, agent, offer) for agent in town.agents]
    waits: list[float] = []
    answers: list[float] = []
    start = threading.Barrier(len(town.agents))

    def one(agent: Agent, form: dict[str, str]) -> None:
        start.wait()
        began = time.perf_counter()
        status, location, _ = town.send("POST", f"/enterprise/products/{offer}/apply", agent, form)
        answers.append(time.perf_counter() - began)
        assert status == 303, status
        watcher.decided(location.rpartition("/")[2])
        waits.append(time.perf_counter() - began)

    watcher = _Watcher(town)
    with ThreadPoolExecutor(len(town.agents)) as pool:
        list(pool.map(one, town.agents, forms))
    watcher.close()
    told = [_place(waits, 0.5), _place(waits, 0.95), max(waits)]
    words = (
        f"{len(waits)} companies click “apply” at once: the answer comes after {_place(answers, 0.5):.2f} s "
    )
    words += f"(median; p95 {_place(answers, 0.95):.2f}), the automatic decision is there after "
    return [words + f"{told[0]:.2f} s (median; p95 {told[1]:.2f}, last {told[2]:.2f})."]


class _Watcher:
    """Looks every 50 ms which cases have been decided on."""

    def __init__(self, town: Town) -> None:
        self.database = opened_beside(town)
        self.database.open()
        self.done: set[str] = set()
        self.lock = threading.Condition()
        self.on = True
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while self.on:
            with self.database.transaction(SYSTEM) as tx:
                rows = tx.execute("SELECT id FROM lending_case WHERE state <> 'applied'").fetchall()
            with self.lock:
                self.done = {str(row["id"]) for row in rows}
                self.lock.notify_all()
            time.sleep(0.05)

    def decided(self, case: str) -> None:
        with self.lock:
            assert self.lock.wait_for(lambda: case in self.done, 120), case

    def close(self) -> None:
        self.on = False
        time.sleep(0.2)
        self.database.close()


def _form(town: Town, agent: Agent, offer: str) -> dict[str, str]:
    page = town.send("GET", f"/enterprise/products/{offer}/apply", agent, {})[2]
    shown = re.search(r'name="shown" value="([0-9a-f]+)"', page)
    assert shown is not None
    form = {"amount": "20", "months": "12", "use": "周转", "shown": shown[1], "agreed": "yes"}
    return form | {"csrf": agent.csrf, "once": str(uuid4())}


def _floor(town: Town) -> Timing:
    """The bare read in a server of its own, on the same database."""
    dsn = opened_beside(town).dsn
    port = town.port + 1
    server = subprocess.Popen([sys.executable, "-c", textwrap.dedent(_FLOOR), dsn, str(port)])
    try:
        paths = [f"/{agent.company}" for agent in town.agents]
        _wait(port, paths[0])
        return _load("bare FastAPI + PostgreSQL read", port, paths, "")
    finally:
        server.terminate()
        server.wait(20)


def _reads(town: Town, officer: Agent) -> list[Timing]:
    company = town.agents[0]
    portraits = [f"/bank/companies/{agent.company}?purpose=pre_approval" for agent in town.agents]
    return [
        _load("work queue page", town.port, ["/bank"], officer.token),
        _load("portrait page, 50 companies", town.port, portraits, officer.token),
        _load("own credit page", town.port, ["/enterprise"], company.token),
        _load("matched products page", town.port, ["/enterprise/products"], company.token),
    ]


def _calls(town: Town) -> list[Timing]:
    """A bank's program, with a token it got by its key, over the REST API."""
    key, name = new_key(), new_client_id()
    audience = "http://benchmark"
    with opened_beside(town) as database, database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT id FROM institution WHERE kind = 'bank'").fetchone()
        assert row is not None
        body = description(
            tx, row["id"], name="示范", role="api.bank", keys=public(key), calls_a_minute=6_000
        )
        put_client(tx, row["id"], name, body, None)
        token = issue(tx, assertion(name, key, audience), [audience]).value
    files = [f"/api/v1/companies/{agent.company}" for agent in town.agents]
    asked = "?purpose=pre_approval"
    return [
        _load("API: score, 50 companies", town.port, [f"{f}/score{asked}" for f in files], f"Bearer {token}"),
        _load(
            "API: portrait, 50 companies",
            town.port,
            [f"{f}/portrait{asked}" for f in files],
            f"Bearer {token}",
        ),
    ]


def _wait(port: int, path: str) -> None:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            connection.getresponse().read()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(path)


def _load(name: str, port: int, paths: list[str], token: str) -> Timing:
    """Ask for ``paths`` in turn from another process."""
    command = [sys.executable, "-m", "benchmarks.portals", str(port), token or "-", str(SECONDS), *paths]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    times = [float(line) for line in done.stdout.split()]
    return Timing(name, _place(times, 0.5) * 1000, _place(times, 0.95) * 1000, len(times) / SECONDS)


def _place(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _client(port: int, token: str, seconds: float, paths: list[str]) -> None:
    """The second process: prints the seconds of every request after a warm-up."""
    times: list[float] = []
    told = ("Authorization", token) if token.startswith("Bearer ") else ("Cookie", f"session={token}")
    headers = {} if token == "-" else dict([told])  # noqa: S105 - no token at all
    end = time.monotonic() + seconds + 2

    def one(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        i = first
        while time.monotonic() < end:
            began = time.perf_counter()
            connection.request("GET", paths[i % len(paths)], headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                message = f"{answer.status} {paths[i % len(paths)]} {body[-800:].decode()}"
                raise RuntimeError(message)
            if time.monotonic() > end - seconds:
                times.append(time.perf_counter() - began)
            i += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(CLIENTS)))
    print("\n".join(map(str, times)))


if __name__ == "__main__":
    _client(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:])
