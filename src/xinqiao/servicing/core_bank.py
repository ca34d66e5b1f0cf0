"""A bank's core system (核心系统): postings sent to it with a key each, and a simulated one to try it with.

The simulated core is a small HTTP server that keeps its own books in a file: ``POST /postings`` takes an
entry (the header ``Idempotency-Key`` is its id, the same one twice is booked once), and
``GET /days/2026-07-01.csv`` tells what it has as of a day, as ``reconciliation`` reads it.
"""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx2

from xinqiao.db.database import SYSTEM, Database, Row
from xinqiao.kernel.clock import now
from xinqiao.kernel.errors import fail, user_error
from xinqiao.servicing.reconciliation import COLUMNS

BATCH = 500
TIMEOUT_SECONDS = 10.0
LONGEST = 1_000_000
PRINCIPAL = "loan_principal"
ZERO = Decimal(0)
_UNSENT = """
    SELECT e.id, e.booked_on, e.kind, e.loan_id,
      json_object_agg(l.account, l.amount_cny::text) AS lines
    FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id
    WHERE e.institution_id = %s AND e.booked_on <= %s
      AND NOT EXISTS (SELECT 1 FROM core_posting c WHERE c.entry_id = e.id)
    GROUP BY e.id ORDER BY e.booked_on, e.id LIMIT %s
"""


def send(database: Database, institution_id: UUID, day: date, url: str) -> int:
    """Send every entry booked until ``day`` that the core at ``url`` has not taken yet; how many it took.

    Killed between the core's answer and our note of it, the entry is sent again and the core knows its key.
    Raises UserError SRV-CORE where it can't be reached or refuses.
    """
    sent = 0
    with httpx2.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        while True:
            with database.transaction(SYSTEM) as tx:
                rows = tx.execute(_UNSENT, [institution_id, day, BATCH]).fetchall()
            if not rows:
                return sent
            numbers = [(row["id"], institution_id, _post(client, row), now()) for row in rows]
            with database.transaction(SYSTEM) as tx, tx.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO core_posting (entry_id, institution_id, core_number, sent_at) "
                    "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    numbers,
                )
            sent += len(rows)


def day_file(url: str, day: date) -> bytes:
    """What the core at ``url`` has as of a day. Raises UserError SRV-CORE."""
    with httpx2.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        return _answer(client, "GET", f"/days/{day.isoformat()}.csv").content


def _post(client: httpx2.Client, row: Row) -> str:
    loan = row["loan_id"] and str(row["loan_id"])
    told = {"day": str(row["booked_on"]), "kind": row["kind"], "loan": loan, "lines": row["lines"]}
    answer = _answer(client, "POST", "/postings", json=told, headers={"Idempotency-Key": str(row["id"])})
    return str(answer.json()["number"])


def _answer(client: httpx2.Client, method: str, path: str, **told: Any) -> httpx2.Response:  # noqa: ANN401 - of the client
    try:
        answer = client.request(method, path, **told)
    except httpx2.HTTPError as error:
        raise user_error("SRV-CORE", str(client.base_url), detail=type(error).__name__) from error
    if not answer.is_success:
        fail("SRV-CORE", str(client.base_url), detail=f"{answer.status_code} {answer.text[:200]}")
    return answer


class CoreBank:
    """The books of a simulated core: entries by key, kept in a file that is only added to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                entry = json.loads(line)
                self.entries[entry["key"]] = entry

    def book(self, key: str, told: dict[str, Any]) -> str:
        """Book an entry once for its key; its number. Raises ValueError where it does not balance."""
        if sum((Decimal(amount) for amount in told["lines"].values()), ZERO):
            message = "the lines don't sum to zero"
            raise ValueError(message)
        with self.lock:
            if key not in self.entries:
                number = f"{len(self.entries) + 1:010}"
                entry = {"key": str(UUID(key)), "number": number, **told}
                with self.path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(entry) + "\n")
                self.entries[entry["key"]] = entry
            return str(self.entries[key]["number"])

    def file(self, day: date) -> bytes:
        """The file of a day: principal by loan as of its end, and the entries of the day."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        with self.lock:
            entries = [entry for entry in self.entries.values() if entry["day"] <= day.isoformat()]
        for loan, (amount, off) in sorted(_balances(entries).items()):
            status = "written_off" if off else "open" if amount else "closed"
            writer.writerow(["balance", loan, f"{amount:.2f}", status])
        for entry in entries:
            if entry["day"] == day.isoformat():
                debits = sum((Decimal(a) for a in entry["lines"].values() if Decimal(a) > 0), ZERO)
                writer.writerow(["posting", entry["key"], f"{debits:.2f}", "booked"])
        return out.getvalue().encode()


def _balances(entries: list[dict[str, Any]]) -> dict[str, tuple[Decimal, bool]]:
    """Principal outstanding by loan, and whether it was written off."""
    found: dict[str, tuple[Decimal, bool]] = {}
    for entry in entries:
        if entry["loan"] is not None and PRINCIPAL in entry["lines"]:
            amount, off = found.get(entry["loan"], (ZERO, False))
            off = (off or entry["kind"] == "write_off") and entry["kind"] != "counter"
            found[entry["loan"]] = (amount + Decimal(entry["lines"][PRINCIPAL]), off)
    return found


@contextmanager
def serving(core: CoreBank, port: int = 0) -> Iterator[str]:
    """The simulated core answering on the loopback for as long as the block lasts; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.core = core  # type: ignore[attr-defined] # read by the handler
    thread = threading.Thread(target=server.serve_forever, name="core", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers what ``CoreBank`` can."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Book an entry."""
        key, length = self.headers.get("Idempotency-Key"), int(self.headers.get("Content-Length") or 0)
        if self.path != "/postings" or not key or not 0 < length <= LONGEST:
            self._say(400, b'{"error": "POST /postings with an Idempotency-Key"}')
            return
        try:
            number = self._core().book(key, json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, ArithmeticError) as error:
            self._say(422, json.dumps({"error": str(error)}).encode())
            return
        self._say(200, json.dumps({"number": number}).encode())

    def do_GET(self) -> None:
        """The file of a day."""
        try:
            day = date.fromisoformat(self.path.removeprefix("/days/").removesuffix(".csv"))
        except ValueError:
            self._say(404, b"{}")
            return
        self._say(200, self._core().file(day), "text/csv; charset=utf-8")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: whoever runs it sees its answers."""

    def _core(self) -> CoreBank:
        return cast("CoreBank", self.server.core)  # type: ignore[attr-defined] # given by ``serving``

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
