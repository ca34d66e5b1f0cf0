from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest

from xinqiao.account import webhook, webhook_sending
from xinqiao.account.actor import Actor
from xinqiao.account.webhook_signature import headers, new_secret, verified
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError
from xinqiao.kernel.protect import Keyring

RING = Keyring({"k1": os.urandom(32)}, "k1")


def a_bank(database: Database, uscc: str = "91330100100000001A") -> Actor:
    bank = new_id()
    with database.transaction(SYSTEM) as tx:
        tx.execute(
            "INSERT INTO institution (id, kind, name, uscc, changed_on, status, applied_at) "
            "VALUES (%s, 'bank', '示范银行', %s, current_date, 'active', %s)",
            [bank, uscc, now()],
        )
    return Actor("bank", frozenset({"api.bank"}), "程序", institution=bank, client="c1")


class Receiver(BaseHTTPRequestHandler):
    """Answers what the test likes and keeps what came."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
        answers = self.server.answers
        self.send_response(answers.pop(0) if answers else 204)
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def receiver(*answers: int) -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.got, server.answers = [], list(answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def endpoint_at(database: Database, bank: Actor, port: int) -> tuple[UUID, str]:
    with database.transaction(bank.scope) as tx:
        url = f"http://127.0.0.1:{port}/in"
        made = webhook.add_endpoint(tx, bank, RING, url=url, kinds=("application.changed",), loopback=True)
        return made, webhook.secret_of(tx, bank, RING, made)


def tell(database: Database, bank: Actor, event: UUID, kind: str = "application.changed") -> int:
    with database.transaction(SYSTEM) as tx:
        return webhook.tell(tx, bank.institution, kind, {"state": "offered"}, event)


def listed(database: Database, bank: Actor) -> list[webhook.Message]:
    with database.transaction(bank.scope) as tx:
        return webhook.messages(tx, bank)


def test_a_message_comes_signed_once_for_an_event(database: Database) -> None:
    bank, event = a_bank(database), new_id()
    with receiver() as server:
        endpoint, secret = endpoint_at(database, bank, server.server_port)
        assert tell(database, bank, event) == 1
        assert tell(database, bank, event) == 0
        assert tell(database, bank, new_id(), "grant.given") == 0
        webhook_sending.send_due(database, RING, str(endpoint))
        webhook_sending.send_due(database, RING, str(endpoint))
    ((given, body),) = server.got
    assert verified(secret, given, body, now())
    assert given["webhook-id"] == str(event)
    assert json.loads(body)["data"] == {"state": "offered"}
    (message,) = listed(database, bank)
    assert (message.state, message.status, message.attempts) == ("delivered", 204, 1)


def test_what_is_not_heard_is_sent_again_later_with_the_same_bytes(database: Database) -> None:
    bank, event = a_bank(database), new_id()
    with receiver(500, 302) as server:
        endpoint, _ = endpoint_at(database, bank, server.server_port)
        tell(database, bank, event)
        at = now()
        for minutes in (0, 0, 5, 60):
            with standing(at + timedelta(minutes=minutes)):
                webhook_sending.send_due(database, RING, str(endpoint))
    assert len(server.got) == 3
    assert len({(given["webhook-id"], body) for given, body in server.got}) == 1
    assert listed(database, bank)[0].state == "delivered"


def test_it_is_given_up_after_two_days_and_sent_again_when_asked(database: Database) -> None:
    bank = a_bank(database)
    with receiver(*[503] * 10) as server:
        endpoint, _ = endpoint_at(database, bank, server.server_port)
        tell(database, bank, new_id())
        at = now()
        for _ in range(12):
            with standing(at):
                webhook_sending.send_due(database, RING, str(endpoint))
            at += timedelta(days=2)
        (message,) = listed(database, bank)
        assert (message.state, len(server.got)) == ("given_up", 10)
        with database.transaction(bank.scope) as tx:
            webhook.send_again(tx, bank, message.id)
        webhook_sending.send_due(database, RING, str(endpoint))
    assert listed(database, bank)[0].state == "delivered"


def test_a_sender_that_dies_loses_nothing(database: Database) -> None:
    bank = a_bank(database)
    with receiver() as server:
        endpoint, _ = endpoint_at(database, bank, server.server_port)
        tell(database, bank, new_id())
        with database.transaction(SYSTEM) as tx:
            assert webhook_sending._claim(tx, endpoint, RING) is not None
        webhook_sending.send_due(database, RING, str(endpoint))
        assert server.got == []
        with standing(now() + timedelta(minutes=2)):
            webhook_sending.send_due(database, RING, str(endpoint))
        assert len(server.got) == 1


def test_a_closed_port_is_an_attempt_without_status(database: Database) -> None:
    bank = a_bank(database)
    with receiver() as server:
        port = server.server_port
    endpoint, _ = endpoint_at(database, bank, port)
    tell(database, bank, new_id())
    webhook_sending.send_due(database, RING, str(endpoint))
    (message,) = listed(database, bank)
    assert (message.status, message.state) == (None, "waiting")
    assert message.detail.startswith("ConnectError")


def test_another_institution_sees_and_does_nothing(database: Database) -> None:
    bank, other = a_bank(database), a_bank(database, "91330100100000002B")
    endpoint, _ = endpoint_at(database, bank, 9)
    tell(database, bank, new_id())
    (message,) = listed(database, bank)
    assert listed(database, other) == []
    with database.transaction(other.scope) as tx:
        for attempt in (
            lambda: webhook.end_endpoint(tx, other, endpoint),
            lambda: webhook.send_again(tx, other, message.id),
            lambda: webhook.ping(tx, other, endpoint),
        ):
            with pytest.raises(UserError, match="ACC-WEBHOOK-ABSENT"):
                attempt()


def test_the_secret_is_sealed_in_the_table(database: Database) -> None:
    _, secret = endpoint_at(database, a_bank(database), 9)
    with database.transaction(SYSTEM) as tx:
        row = tx.execute("SELECT * FROM webhook_endpoint").fetchone()
    assert secret not in str(row)


def test_the_secret_is_told_for_ten_minutes(database: Database) -> None:
    bank = a_bank(database)
    endpoint, _ = endpoint_at(database, bank, 9)
    with (
        database.transaction(bank.scope) as tx,
        standing(now() + timedelta(minutes=11)),
        pytest.raises(UserError, match="ACC-WEBHOOK-ABSENT"),
    ):
        webhook.secret_of(tx, bank, RING, endpoint)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/in",
        "https://",
        "https://u:p@example.com/",
        "ftp://example.com/",
        "https://example.com/#x",
        "https://例子.example/",
        "https://example.com:99999/",
        "http://10.0.0.1/",
        "https://[::1",
        "",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(UserError, match="ACC-WEBHOOK-URL"):
        webhook.check_url(url, loopback=True)


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://10.1.2.3/x", "https://localhost/"])
def test_nothing_inside_the_house_is_reached(url: str) -> None:
    message = webhook_sending.Claimed(new_id(), new_id(), new_id(), url, new_secret(), b"{}", 1)
    outcome = webhook_sending.post(message)
    assert outcome.status is None
    assert "inside the house" in outcome.detail


def test_a_signature_holds_for_its_body_its_secret_and_five_minutes() -> None:
    secret, at = new_secret(), now()
    given = headers(secret, "m1", at, b"{}")
    assert verified(secret, given, b"{}", at + timedelta(minutes=4))
    assert not verified(secret, given, b"{ }", at)
    assert not verified(new_secret(), given, b"{}", at)
    assert not verified(secret, given, b"{}", at + timedelta(minutes=6))
    assert not verified(secret, given | {"webhook-id": "m2"}, b"{}", at)
    assert not verified(secret, {}, b"{}", at)
