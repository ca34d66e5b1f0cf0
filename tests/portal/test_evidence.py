"""The log over HTTP, its pages, and the two commands against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from tests.cli.command import call
from tests.lending.applying import town
from tests.portal.conftest import CSRF
from tests.portal.live import Live
from xinqiao.account.actor import Actor
from xinqiao.db.database import SYSTEM, Database, new_id
from xinqiao.evidence.bundle import Bundle, extract
from xinqiao.evidence.cosigning import add_witness
from xinqiao.evidence.log import record
from xinqiao.evidence.note import Checkpoint, Note, SigningKey
from xinqiao.evidence.sequencer import identity, sequence
from xinqiao.evidence.trust import Trust
from xinqiao.evidence.verify import verify, verify_bundle
from xinqiao.kernel.clock import now, standing
from xinqiao.lending import decision
from xinqiao.portal.platform import Platform

Clients = Callable[[Actor | None], TestClient]
FIRM = Actor("enterprise", frozenset({"enterprise.agent"}), "张三", person=new_id(), company="C1")
OTHER = Actor("enterprise", frozenset({"enterprise.agent"}), "李四", person=new_id(), company="C2")
ADMIN = Actor("operator", frozenset({"operator.admin"}), "王五", person=new_id(), institution=new_id())
WITNESS = SigningKey.generate("bank.example/w", "witness")
API = "/api/v1/log"


@pytest.fixture
def entries(platform: Platform) -> list[UUID]:
    """Seven entries about C1, placed half a minute ago."""
    with standing(now() - timedelta(seconds=30)):
        with platform.database.transaction(SYSTEM) as tx:
            made = [record(tx, "grant", {"receiver": "示范一号银行", "n": n}, subject="C1") for n in range(7)]
        sequence(platform.database, platform.keyring)
    return sorted(made)


def trust_of(client: TestClient, path: Path, needed: int = 0) -> Trust:
    text = client.get(f"{API}/keys").text
    path.write_text(text.replace("needed 0", f"needed {needed}"), "utf-8")
    return Trust.read(path)


def test_anybody_reads_the_log(client_as: Clients, entries: list[UUID], tmp_path: Path) -> None:
    client = client_as(None)
    note = Note.read(client.get(f"{API}/checkpoint").text)
    assert Checkpoint.read(note.text).size == len(entries) == 7
    assert note.signed_by(trust_of(client, tmp_path / "keys").log) is not None
    told = client.get(f"{API}/entries", params={"start": 2, "count": 3}).json()
    assert [json.loads(line)["id"] for line in told["lines"]] == [str(e) for e in entries[2:5]]
    assert client.get(f"{API}/inclusion", params={"index": 3}).json()["line"] == told["lines"][1]
    assert len(client.get(f"{API}/consistency", params={"old": 3, "new": 7}).json()["proof"]) > 0
    path = tmp_path / "log.jsonl"
    path.write_bytes(client.get(f"{API}/export").content)
    assert all(f.holds for f in verify(path, Trust.read(tmp_path / "keys")))
    for where, status in (
        ("checkpoint?size=5", 404),
        ("inclusion?index=7", 400),
        ("consistency?old=3&new=9", 400),
        ("entries?count=1001", 422),
        ("entries?start=99999999999999999999", 422),
    ):
        assert client.get(f"{API}/{where}").status_code == status, where


def test_an_empty_log_has_a_page_and_says_so(client_as: Clients) -> None:
    assert client_as(None).get("/evidence").status_code == 200
    assert client_as(None).get(f"{API}/checkpoint").status_code == 404


@pytest.mark.usefixtures("entries")
def test_a_cosignature_comes_from_a_registered_witness(client_as: Clients) -> None:
    client, admin = client_as(None), client_as(ADMIN)
    text = Note.read(client.get(f"{API}/checkpoint/to-cosign").text).text
    told = {"size": 7, "line": WITNESS.sign(text, now())}
    headers = {"Idempotency-Key": "1"}
    assert client.post(f"{API}/cosignatures", json=told, headers=headers).status_code == 403
    form = {"key": str(WITNESS.public), "csrf": CSRF, "once": "1"}
    assert client_as(FIRM).post("/evidence/witnesses", data=form).status_code == 403
    assert admin.post("/evidence/witnesses", data=form).status_code == 303
    for _ in range(2):
        assert client.post(f"{API}/cosignatures", json=told, headers=headers).json()["size"] == 7
    assert (
        client.post(f"{API}/cosignatures", json={"size": "7", "line": "x"}, headers=headers).status_code
        == 422
    )
    assert Note.read(client.get(f"{API}/checkpoint").text).signed_by(WITNESS.public) is not None
    assert "bank.example/w" in admin.get("/evidence").text


def test_a_proof_is_downloaded_by_its_own_company_only(
    client_as: Clients, entries: list[UUID], tmp_path: Path
) -> None:
    page = client_as(FIRM).get("/evidence").text
    assert all(str(entry) in page for entry in entries)
    assert not any(str(entry) in client_as(OTHER).get("/evidence").text for entry in entries)
    told = client_as(FIRM).get(f"/evidence/{entries[3]}")
    bundle = Bundle.read(told.content, "x")
    assert all(f.holds for f in verify_bundle(bundle, trust_of(client_as(None), tmp_path / "k")))
    assert client_as(OTHER).get(f"/evidence/{entries[3]}").status_code == 404
    assert client_as(None).get(f"/evidence/{entries[3]}").status_code == 303  # to sign-in


def test_an_entry_without_a_place_gets_one_when_its_proof_is_asked_for(
    client_as: Clients, database: Database
) -> None:
    with database.transaction(SYSTEM) as tx:
        entry = record(tx, "offer", {"a": 1}, subject="C1")
    told = client_as(FIRM).get(f"/evidence/{entry}")
    assert told.status_code == 200
    assert Bundle.read(told.content, "x").index == 0


def test_a_log_that_stands_still_says_so(client_as: Clients, database: Database) -> None:
    with standing(now() - timedelta(minutes=2)), database.transaction(SYSTEM) as tx:
        record(tx, "offer", {"a": 1}, subject="C1")
    assert "stands still" in client_as(None).get("/evidence").text


def test_a_report_carries_its_proof(client_as: Clients, entries: list[UUID], tmp_path: Path) -> None:
    client = client_as(FIRM)
    form = {"csrf": CSRF, "once": "r"}
    made = client.post(f"/evidence/{entries[0]}/report", data=form)
    assert made.status_code == 303
    told = client.get(made.headers["location"])
    path = tmp_path / "report.html"
    path.write_bytes(told.content)
    assert "示范一号银行" in extract(told.content, "x")[0].decode()
    assert "生成数据" in told.text
    trust = trust_of(client, tmp_path / "k")
    assert all(f.holds for f in verify(path, trust))
    path.write_bytes(told.content.replace("一号".encode(), "二号".encode()))
    assert not all(f.holds for f in verify(path, trust))
    assert client_as(OTHER).post(f"/evidence/{entries[0]}/report", data=form).status_code == 404
    assert client_as(OTHER).get(made.headers["location"]).status_code == 404


def test_witness_and_verify_from_the_command_line(
    live: Live, platform: Platform, entries: list[UUID], client_as: Clients, tmp_path: Path
) -> None:
    words = [
        "witness",
        "--log",
        live.url,
        "--key",
        tmp_path / "w.key",
        "--state",
        tmp_path / "state",
        "--once",
    ]
    first = call(*words, "--name", "bank.example/w")
    assert first.code == 2  # not registered yet
    assert "EVD-REMOTE" in first.err
    key = first.err.split("public key", 1)[1].split()[0]
    with platform.database.transaction(SYSTEM) as tx:
        add_witness(tx, key, None)
    assert call(*words).code == 0
    trust_of(client_as(None), tmp_path / "keys", needed=1)
    path = tmp_path / "evidence.json"
    path.write_bytes(client_as(FIRM).get(f"/evidence/{entries[2]}").content)
    good = call("verify", path, "--keys", tmp_path / "keys")
    assert good.code == 0, good.out + good.err
    assert "verified" in good.out
    assert "bank.example/w" in good.out
    path.write_text(path.read_text("utf-8").replace("一号", "二号"), "utf-8")
    bad = call("verify", path, "--keys", tmp_path / "keys")
    assert bad.code == 1
    assert "不要采信" in bad.out


def test_a_rolled_back_platform_is_refused_by_its_witness(
    live: Live, platform: Platform, entries: list[UUID], tmp_path: Path
) -> None:
    """The database is replaced by an older one that went on otherwise, signed by the same key."""
    assert len(entries) == 7
    (tmp_path / "w.key").write_text(WITNESS.write(), "utf-8")
    with platform.database.transaction(SYSTEM) as tx:
        add_witness(tx, str(WITNESS.public), None)
    words = [
        "witness",
        "--log",
        live.url,
        "--key",
        tmp_path / "w.key",
        "--state",
        tmp_path / "state",
        "--once",
    ]
    assert call(*words).code == 0
    seen = tmp_path / "state" / "checkpoint"
    note = Note.read(seen.read_text("utf-8"))
    told = Checkpoint.read(note.text)
    with platform.database.transaction(SYSTEM) as tx:
        log = identity(tx, platform.keyring)
    forged = str(Checkpoint(told.origin, told.size, b"f" * 32))
    seen.write_text(f"{forged}\n{log.sign(forged)}", "utf-8")
    refused = call(*words)
    assert refused.code == 2
    assert "EVD-FORK" in refused.err
    assert list((tmp_path / "state" / "refused").iterdir())


def test_a_decision_is_proved_with_its_record_to_the_bank_and_without_to_the_firm(
    client_as: Clients, database: Database, tmp_path: Path
) -> None:
    place = town(database)
    found = place.decide(place.apply())
    with database.transaction(place.officer.scope) as tx:
        (kept,) = decision.of_case(tx, found.id)
    bank, firm = (client_as(who).get(f"/evidence/{kept.evidence_id}") for who in (place.officer, place.agent))
    trust = trust_of(client_as(None), tmp_path / "k")
    told = Bundle.read(bank.content, "x")
    assert told.attached == kept.record.decode()
    assert all(f.holds for f in verify_bundle(told, trust))
    changed = told.model_copy(update={"attached": told.attached.replace('"approve', '"reject', 1)})
    assert [f.holds for f in verify_bundle(changed, trust)].count(False) == 1
    own = Bundle.read(firm.content, "x")
    assert own.attached is None
    assert own.document == told.document
    assert all(f.holds for f in verify_bundle(own, trust))


def test_the_page_in_a_browser(live: Live, browser: object, entries: list[UUID]) -> None:
    assert entries
    with live.page(browser, FIRM) as page:  # type: ignore[arg-type] # Playwright's
        page.goto("/evidence")
        assert live.look(page, "evidence") == []
