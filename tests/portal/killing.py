"""A platform in its own process, killed again and again while people grant, apply, accept and revoke.

Every write carries a key of its own. One that was answered has to be there once; one that was not answered
is sent again with the same key, or left: then it may be there once or not at all.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psycopg

from tests.lending.applying import MODEL, scored_file
from tests.portrait.files import PLAIN
from xinqiao.account import seed
from xinqiao.account.session import open_session
from xinqiao.consent import query_log
from xinqiao.db.database import SYSTEM, Database, Row
from xinqiao.db.embedded import Embedded
from xinqiao.evidence.export import export, verify_export
from xinqiao.evidence.proof import log_key
from xinqiao.evidence.sequencer import sequence
from xinqiao.evidence.trust import Trust
from xinqiao.indicator.definition import indicators
from xinqiao.kernel.protect import Keyring
from xinqiao.lending.product import put_on_shelf
from xinqiao.portal.serving import Address, opened
from xinqiao.portrait.credit_file import publish

COMPANIES = 24
PEOPLE = 4
"""Threads; each acts for companies of its own."""
PRODUCTS = ("tax_standard", "invoice_flow", "tax_graded", "power_bill", "startup", "tax_first")
SOUND = PLAIN | {"TAX01": 80_000.0, "TAX04": 3.0, "TAX08": 1.0, "TAX14": 5.0, "CRD03": 1.0}
SOUND |= {"INV12": 30.0, "ELE15": 1.0, "ELE17": 600_000.0}
"""A firm that every product but the start-ups' lends to; two of them only if it tells its owner's age."""
WAITING = "正在自动审批"
GRANTS = "/enterprise/grants"
WAIT_SECONDS = 90
SLOW_SECONDS = 300
"""For a start, an end and all decisions on a loaded machine, where eight seconds of work take two minutes."""
LOG = logging.getLogger("xinqiao.kill")


@dataclass
class Agent:
    """A company's agent with a session."""

    company: str
    token: str
    csrf: str


@dataclass
class Told:
    """What the platform acknowledged. ``unsure``: companies and offers whose application got no answer.

    ``tried``: cases and grants whose acceptance or revocation was sent, answered or not; ``resent``: acts
    acknowledged only after a request without an answer had been sent again.
    """

    applied: dict[tuple[str, str], str] = field(default_factory=dict)
    unsure: set[tuple[str, str]] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    resent: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    answers: Counter[str] = field(default_factory=Counter)


@dataclass
class Town:
    """A seeded platform: its folder, where it listens, agents and what is on the shelf."""

    home: Path
    port: int
    agents: list[Agent]
    offers: list[UUID]
    process: subprocess.Popen[bytes] | None = None

    @property
    def cluster(self) -> Path:
        """Where the database's files are."""
        return Embedded(self.home / "db").cluster

    def start(self) -> None:
        """Start the server's process and wait until it answers."""
        command = [str(Path(sys.executable).parent / "xinqiao"), "serve"]
        command += ["--home", str(self.home), "--port", str(self.port)]
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + SLOW_SECONDS
        while time.monotonic() < deadline:
            try:
                status, _, _ = self.send("GET", "/sign-in", None, {})
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
                continue
            if status < 500:
                return
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def end(self) -> None:
        """End the server's process as a person would, at the last by force."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(SLOW_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def send(self, method: str, path: str, agent: Agent | None, form: dict[str, str]) -> tuple[int, str, str]:
        """Status, Location and body of a request; OSError where no whole answer came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            if agent is not None:
                headers["Cookie"] = f"session={agent.token}"
            connection.request(method, path, urlencode(form) if form else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()


def make_town(home: Path, companies: int = COMPANIES) -> Town:
    """Seed a platform in ``home``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with opened(home, Address("127.0.0.1", port), generated=True) as platform:
        database, ring = platform.database, platform.keyring
        with database.transaction(SYSTEM) as tx:
            operator = "91990101MA9D0000158"[:18]
            seed.institution(tx, kind="operator", name="示范运营方", uscc=operator, filing_number="示范 1")
            bank = seed.institution(
                tx, kind="bank", name="示范银行", uscc="91990101MA9D000023", filing_number="示范 2"
            )
            offers = [put_on_shelf(tx, bank, product) for product in PRODUCTS]
            keys = [f"9133010090{i:07d}A" for i in range(companies)]
            sound = dict.fromkeys(indicators(), 0.0) | SOUND
            files = [scored_file(key, indicators=sound) for key in keys]
            publish(tx, files, [(MODEL.model_id, MODEL.to_json())])
            people = [
                seed.person(tx, ring, name=f"示范{i}", phone=f"198{i:08d}", company_id=key)
                for i, key in enumerate(keys)
            ]
        agents = []
        for key, person in zip(keys, people, strict=True):
            with database.transaction(SYSTEM) as tx:
                token = open_session(tx, person, "password")
                row = tx.execute("SELECT csrf FROM session WHERE person_id = %s", [person]).fetchone()
            assert row is not None
            agents.append(Agent(key, token, row["csrf"]))
    return Town(home, port, agents, offers)


class Person(threading.Thread):
    """Somebody who acts for some companies until told to stop."""

    def __init__(
        self, town: Town, agents: list[Agent], told: Told, number: int, stop: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.town, self.agents, self.told, self.stop = town, agents, told, stop
        self.draw = random.Random(number)  # noqa: S311 - a test repeats by its seed
        self.open: list[tuple[Agent, str]] = []
        self.todo = [(agent, offer) for agent in agents for offer in town.offers]
        self.draw.shuffle(self.todo)

    def run(self) -> None:
        """Apply where nothing was applied for yet; accept, withdraw a grant or look in between."""
        while not self.stop.is_set() and self.todo:
            agent, offer = self.todo.pop()
            self.apply(agent, str(offer))
            if self.open and self.draw.random() < 0.8:
                self.answer(*self.open[self.draw.randrange(len(self.open))])
            if self.draw.random() < 0.2:
                self.revoke(agent)
            time.sleep(self.draw.random() * 0.1)

    def apply(self, agent: Agent, offer: str) -> None:
        """Apply once; the page is fetched for the text that is signed."""
        path = f"/enterprise/products/{offer}/apply"
        page = self.get(agent, path)
        shown = re.search(r'name="shown" value="([0-9a-f]+)"', page)
        if shown is None:
            return
        form = {"amount": "20", "months": "12", "use": "周转", "shown": shown[1], "agreed": "yes"}
        if 'name="ask_owner_age"' in page and self.draw.random() < 0.8:
            form["ask_owner_age"] = "45"
        found = self.post(agent, path, form, "apply")
        if found is None:
            self.told.unsure.add((agent.company, offer))
        elif found[0] == 303:
            case = found[1].rpartition("/")[2]
            self.told.applied[agent.company, offer] = case
            self.open.append((agent, case))
        else:
            self.told.answers[f"apply {found[0]} {_code(found[2])}"] += 1

    def answer(self, agent: Agent, case: str) -> None:
        """Accept the offer of a case if there is one; a case that a person has to look at is let go."""
        path = f"/enterprise/applications/{case}"
        page = self.get(agent, path)
        offer = re.search(r'name="offer" value="([0-9a-f-]+)"', page)
        if offer is not None:
            self.told.tried.add(case)
            found = self.post(agent, f"{path}/accept", {"offer": offer[1], "agreed": "yes"}, "accept")
            if found is not None and found[0] == 303:
                self.told.accepted.add(case)
            elif found is not None:
                self.told.answers[f"accept {found[0]} {_code(found[2])}"] += 1
        if WAITING not in page:
            self.open.remove((agent, case))

    def revoke(self, agent: Agent) -> None:
        """Revoke a grant of the company, whatever it was given for."""
        ways = re.findall(r'action="(/enterprise/grants/[0-9a-f-]+/revoke)"', self.get(agent, GRANTS))
        if not ways:
            return
        path = self.draw.choice(ways)
        grant = path.split("/")[-2]
        self.told.tried.add(grant)
        found = self.post(agent, path, {}, "revoke")
        if found is not None and found[0] == 303:
            self.told.revoked.add(grant)
        elif found is not None:
            self.told.answers[f"revoke {found[0]} {_code(found[2])}"] += 1

    def get(self, agent: Agent, path: str) -> str:
        """A page, asked for until it comes."""
        while not self.stop.is_set():
            try:
                status, _, body = self.town.send("GET", path, agent, {})
            except OSError:
                time.sleep(0.2)
                continue
            if status < 500:
                return body
            time.sleep(0.2)
        return ""

    def post(self, agent: Agent, path: str, form: dict[str, str], act: str) -> tuple[int, str, str] | None:
        """The definite answer to a write; None where none came and it is not sent again."""
        told = form | {"csrf": agent.csrf, "once": str(uuid4())}
        patient = self.draw.random() < 0.7
        deadline, sent = time.monotonic() + WAIT_SECONDS, 0
        while time.monotonic() < deadline:
            sent += 1
            try:
                found = self.town.send("POST", path, agent, told)
                if found[0] < 500:
                    self.told.answered += 1
                    self.told.resent[act] += found[0] == 303 and sent > 1
                    return found
            except OSError:
                pass
            if not patient:
                return None
            time.sleep(0.2)
        return None


def _code(page: str) -> str:
    found = re.search(r"[A-Z]{3}-[A-Z-]+", page)
    return found[0] if found else ""


def kill(town: Town, draw: random.Random) -> str:
    """Kill -9 of the server's process, or of the database's."""
    assert town.process is not None
    if draw.random() < 0.5:
        town.process.kill()
        town.process.wait()
        town.start()
        return "server"
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((town.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        return "database"
    return "database while it was down"


@dataclass
class Result:
    """What happened."""

    told: Told
    kills: Counter[str]
    cases: int
    faults: list[str]


def wait_for_acts(told: Told, draw: random.Random) -> None:
    """Until some more writes were answered, few or many, and a random moment longer: so a slow machine does
    not kill a server before it has done anything.
    """
    wanted, deadline = told.answered + draw.randrange(1, 2 * PEOPLE), time.monotonic() + WAIT_SECONDS
    while told.answered < wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(draw.random() * 0.5)


def trial(home: Path, kills: int, seed_number: int = 1) -> Result:
    """Kill ``kills`` times at random moments under load, then compare what was told with what is there."""
    town, told, stop = make_town(home, max(COMPANIES, 3 * kills)), Told(), threading.Event()
    draw = random.Random(seed_number)  # noqa: S311 - a test repeats by its seed
    people = [Person(town, town.agents[i::PEOPLE], told, i, stop) for i in range(PEOPLE)]
    done: Counter[str] = Counter()
    try:
        town.start()
        for person in people:
            person.start()
        for _ in range(kills):
            wait_for_acts(told, draw)
            done[kill(town, draw)] += 1
            LOG.info("%s, %s accepted, %s revoked", done, len(told.accepted), len(told.revoked))
        enough = time.monotonic() + WAIT_SECONDS
        while not (told.accepted and told.revoked) and time.monotonic() < enough:
            time.sleep(0.2)
        stop.set()
        for person in people:
            person.join(WAIT_SECONDS + 30)
        faults = [f"{p.name} hangs" for p in people if p.is_alive()]
        time.sleep(1)
        wait_for_decisions(town)
    finally:
        stop.set()
        town.end()
    with opened(home, Address("127.0.0.1", town.port)) as platform:
        cases, more = compare(platform.database, told)
        more += log_faults(platform.database, platform.keyring)
    return Result(told, done, cases, faults + more)


def wait_for_decisions(town: Town) -> None:
    """Wait until every application was decided on: jobs of killed workers are run again."""
    deadline = time.monotonic() + SLOW_SECONDS
    with opened_beside(town) as database:
        while time.monotonic() < deadline:
            try:
                with database.transaction(SYSTEM) as tx:
                    waiting = tx.execute(
                        "SELECT count(*) AS n FROM lending_case WHERE state = 'applied'"
                    ).fetchone()
                if waiting is not None and waiting["n"] == 0:
                    return
            except psycopg.Error:
                pass
            time.sleep(0.5)


def opened_beside(town: Town) -> Database:
    """The running platform's database, found by its folder."""
    embedded = Embedded(town.home / "db")
    return Database(embedded._access(embedded._secrets()).app, size=2)


def compare(database: Database, told: Told) -> tuple[int, list[str]]:
    """How many cases there are, and every acknowledged act that is lost or doubled."""
    with database.transaction(SYSTEM) as tx:
        rows = tx.execute("SELECT * FROM lending_case").fetchall()
        shelf = tx.execute("SELECT id, product_id FROM institution_product").fetchall()
        moves = tx.execute("SELECT case_id, transition FROM case_event").fetchall()
        decided = Counter(str(r["case_id"]) for r in tx.execute("SELECT case_id FROM decision").fetchall())
        offered = Counter(str(r["case_id"]) for r in tx.execute("SELECT case_id FROM offer").fetchall())
        grants = tx.execute("SELECT id FROM consent_grant").fetchall()
        ended = {str(r["grant_id"]) for r in tx.execute("SELECT * FROM consent_revocation").fetchall()}
        logged = Counter(r["kind"] for r in tx.execute("SELECT kind FROM evidence_entry").fetchall())
        query_log.seal(tx)
        query_log.verify(tx)
    accepted = Counter(str(r["case_id"]) for r in moves if r["transition"] == "accept")
    ungranted = {str(r["case_id"]) for r in moves if r["transition"] == "lack_grant"}
    faults = _applications(rows, told, {str(r["id"]): r["product_id"] for r in shelf})
    faults += [f"acceptance of {case} is lost" for case in told.accepted - set(accepted)]
    faults += [f"revocation of {grant} is lost" for grant in told.revoked - ended]
    faults += [f"{one} was accepted or revoked unasked" for one in ({*accepted} | ended) - told.tried]
    for what, counts in (("accepted", accepted), ("decided on", decided), ("offered to", offered)):
        faults += [f"{case} was {what} {n} times" for case, n in counts.items() if n != 1]
    undecided = {str(r["id"]) for r in rows} - set(decided) - ungranted
    faults += [f"{case} was never decided on" for case in undecided]
    if len(grants) != len(rows):
        faults.append(f"{len(grants)} grants for {len(rows)} applications")
    there = {"grant": len(grants), "revocation": len(ended), "offer": len(offered)}
    there |= {"decision": len(decided), "acceptance": len(accepted)}
    faults += [f"{n} {kind}s, {logged[kind]} in the log" for kind, n in there.items() if logged[kind] != n]
    return len(rows), faults


def log_faults(database: Database, ring: Keyring) -> list[str]:
    """What is wrong with the evidence log, every line of which must have its place and be what was signed."""
    sequence(database, ring)
    with database.transaction(SYSTEM) as tx:
        key = log_key(tx)
        loose = tx.execute(
            "SELECT count(*) AS n FROM evidence_entry LEFT JOIN log_leaf ON entry_id = id "
            "WHERE entry_id IS NULL"
        ).fetchone()
    lines = b"".join(export(database)).splitlines(keepends=True)
    faults = [str(found.text) for found in verify_export(lines, Trust(key)) if not found.holds]
    return faults if loose is None or loose["n"] == 0 else [*faults, f"{loose['n']} lines without a place"]


def _applications(rows: list[Row], told: Told, offers: dict[str, str]) -> list[str]:
    there = Counter((r["company_id"], r["product_id"]) for r in rows)
    ids = {str(r["id"]) for r in rows}
    faults = [f"application {case} is lost" for case in told.applied.values() if case not in ids]
    faults += [f"{key} applied {n} times" for key, n in there.items() if n > 1]
    known = {(company, offers[offer]) for company, offer in (*told.applied, *told.unsure)}
    faults += [f"{key} applied without asking" for key in there if key not in known]
    return faults
