"""Nodes as real processes with real certificates, and what goes wrong between them."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from tests.privacy import drill
from tests.privacy.granting import grants, knows_issuer
from tests.privacy.node.callers import Impostor, client, made_up
from tests.privacy.nodes import OPEN, ROOT, Node, connected, made_nodes, reached, running, until
from tests.privacy.nodes import drill as proposed
from xinqiao.db.embedded import Access
from xinqiao.kernel.clock import now
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.certificate import make_certificate
from xinqiao.privacy.agreement.commitments import disagreements, read_receipt
from xinqiao.privacy.job import kind
from xinqiao.privacy.job.manifest import Consents, Manifest
from xinqiao.privacy.node.frames import Type, frame
from xinqiao.privacy.node.node import STATUS_SECONDS
from xinqiao.privacy.node.node_files import CONFIG

Nodes = Mapping[str, Node]
ROWS = {"bank": 3, "power": 5, "tax": 7, "telecom": 11}
MARKETING = OPEN.model_copy(update={"name": "own", "purposes": ("marketing",)})
AUDIT = OPEN.model_copy(update={"name": "audit", "purposes": ("audit",)})


@pytest.fixture(scope="module", autouse=True)
def _drill_is_known() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "kind_named", kind.kind_named)
        drill.known()
        yield


@pytest.fixture(scope="module")
def nodes(server: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Four, of which the first also knows a party ``old`` whose certificate has expired."""
    folder = tmp_path_factory.mktemp("nodes")
    among_holders = AUDIT.model_copy(update={"peers": ("power", "telecom")})
    rules = dict.fromkeys(ROWS, (AUDIT,)) | {"bank": (AUDIT, MARKETING), "tax": (among_holders,)}
    made = made_nodes(folder, server, ROWS, rules)
    for node in made.values():
        knows_issuer(node.home)
    bank = made["bank"].home
    key, certificate = make_certificate("old", days=1, begins=now() - timedelta(days=2))
    (bank / "peers" / "old.pem").write_bytes(certificate)
    (bank / "peers" / "old.key").write_bytes(key)
    old = f'\n[[peers]]\nname = "old"\ncertificate = "peers/old.pem"\nsigning_key = "{"0" * 64}"\n'
    with (bank / CONFIG).open("a") as file:
        file.write(old)
    with running(made) as up:
        yield up


@pytest.fixture
def pair(nodes: Nodes) -> Nodes:
    return {name: nodes[name] for name in ("bank", "tax")}


def workers(node: Node) -> list[psutil.Process]:
    assert node.process is not None
    return psutil.Process(node.process.pid).children(recursive=True)


def nothing_left(nodes: Nodes) -> None:
    for node in nodes.values():
        if node.process is not None:
            until(lambda node=node: not node.left_behind() and not workers(node))  # type: ignore[misc]


def test_four_parties_go_through_a_job_and_each_can_prove_it(nodes: Nodes) -> None:
    manifest = proposed(nodes, {"bytes": 50_000})
    reached(nodes, manifest, "done")
    receipts = {}
    for name, node in nodes.items():
        with node.store.transaction() as tx:
            kept = job_rows.result(tx, manifest.job)
        assert kept is not None
        assert kept.told == {"rows": sum(ROWS.values())}

        def all_told(node: Node = node) -> dict[str, str]:
            told = {s.manifest.job: s.receipts for s in node.store.standing()}
            return dict(told[manifest.job])

        until(lambda: len(all_told()) == len(nodes), lambda: node.log)  # noqa: B023 - used at once
        body = bytes.fromhex(all_told()[name])
        receipts[name] = read_receipt(manifest, name, body[64:], body[:64])
    assert disagreements(receipts) == []
    nothing_left(nodes)


def test_a_party_killed_mid_job_is_told_by_all_others_and_the_job_can_be_tried_again(nodes: Nodes) -> None:
    manifest = proposed(nodes, {"last_attempt": 1})
    reached(nodes, manifest, "running")
    tax, others = nodes["tax"], {name: node for name, node in nodes.items() if name != "tax"}
    until(lambda: all(any((n.home / "state").rglob("again")) for n in nodes.values()), seconds=60)
    orphans = workers(tax)
    assert orphans
    tax.kill()
    reached(others, manifest, "failed", 10)
    assert {node.error(manifest) for node in others.values()} == {("PRV-PEER-LOST", "tax")}
    nothing_left(others)
    until(lambda: not any(orphan.is_running() for orphan in orphans))
    assert tax.left_behind() != []

    tax.start()
    for node in nodes.values():
        connected(node, 3)
    reached(nodes, manifest, "failed")
    assert tax.left_behind() == []
    with others["telecom"].store.transaction() as tx:  # not the one who made it
        job_rows.retry(tx, manifest.job, "tester")
    reached(nodes, manifest, "done")
    nothing_left(nodes)


def test_a_party_that_falls_silent_is_lost_in_time_and_comes_back(pair: Nodes) -> None:
    manifest = proposed(pair, {"seconds": 100})
    reached(pair, manifest, "running")
    process = pair["tax"].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)  # as a machine that is cut off: no end of a connection is seen
    try:
        reached({"bank": pair["bank"]}, manifest, "failed", 30)
    finally:
        process.send_signal(signal.SIGCONT)
    assert pair["bank"].error(manifest) == ("PRV-PEER-LOST", "tax")
    reached(pair, manifest, "failed")
    assert pair["tax"].error(manifest)[0] in {"PRV-PEER-LOST", "PRV-ELSEWHERE"}
    nothing_left(pair)
    connected(pair["bank"], 3)


@pytest.mark.parametrize(
    ("wrong", "own", "elsewhere"),
    [
        ("raise", ("PRV-WORKER", "tax"), ("PRV-ELSEWHERE", "tax: PRV-WORKER")),
        ("killed", ("PRV-WORKER", "tax"), ("PRV-ELSEWHERE", "tax: PRV-WORKER")),
        ("oversize", ("PRV-ELSEWHERE", "bank: PRV-OVERSIZE"), ("PRV-OVERSIZE", "tax")),
    ],
)
def test_what_goes_wrong_at_one_fails_at_both_and_tells_no_value(
    pair: Nodes, wrong: str, own: tuple[str, str], elsewhere: tuple[str, str]
) -> None:
    manifest = proposed(pair, {"at": "tax", "wrong": wrong})
    reached(pair, manifest, "failed")
    assert pair["tax"].error(manifest) == own
    assert pair["bank"].error(manifest) == elsewhere
    nothing_left(pair)
    for node in pair.values():
        assert drill.VALUE not in node.log
        with node.store.transaction() as tx:
            assert drill.VALUE not in str(job_rows.events(tx, manifest.job))


def test_a_kind_of_the_registry_runs_between_nodes_as_in_plain_text(pair: Nodes) -> None:
    manifest = proposed(pair, {"result_to": ["bank"]}, kind="intersection", columns=())
    reached(pair, manifest, "done")
    with pair["bank"].store.transaction() as tx:
        kept = job_rows.result(tx, manifest.job)
    assert kept is not None
    assert kept.delivered is not None
    rows = pq.read_table(io.BytesIO(kept.delivered)).to_pydict()
    assert sorted(rows["id"]) == ["id-0", "id-1", "id-2"]
    with pair["tax"].store.transaction() as tx:
        other = job_rows.result(tx, manifest.job)
    assert other is not None
    assert "id-0" not in str(other)


def test_what_a_protocol_starts_ends_with_its_job(pair: Nodes) -> None:
    manifest = proposed(pair, {"at": "tax", "wrong": "child"})
    reached(pair, manifest, "done")
    nothing_left(pair)
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "314.15"]]


@pytest.mark.parametrize("purpose", ["marketing", "audit"])
def test_what_a_peers_rules_don_t_allow_is_refused_at_all(nodes: Nodes, purpose: str) -> None:
    """No rule of the others is for marketing; the bank is none of those with whom tax shares for an audit."""
    manifest = proposed(nodes, purpose=purpose)
    reached(nodes, manifest, "refused")
    assert {node.error(manifest)[0] for node in nodes.values()} == {"PRV-RULE"}
    for node in nodes.values():
        assert not [e for e in events(node, manifest) if e in ("ready", "running")]


def events(node: Node, manifest: Manifest) -> list[str]:
    with node.store.transaction() as tx:
        return [event.state for event in job_rows.events(tx, manifest.job)]


@pytest.mark.parametrize(
    ("code", "brought"),
    [("PRV-ROWS", {"rows_at_most": 6}), ("PRV-CONSENT", {"consents": Consents(basis="subjects")})],
)
def test_what_tax_may_not_bring_stops_the_job_at_all_before_anything_is_sent(
    nodes: Nodes, code: str, brought: dict[str, object]
) -> None:
    counted()
    before = {name: sent(node) for name, node in nodes.items()}
    manifest = proposed(nodes, {"bytes": 90_000}, own={"tax": brought})
    reached(nodes, manifest, "failed")
    stopped(nodes, manifest, "tax", code)
    nothing_left(nodes)
    counted()
    for name, node in nodes.items():
        assert sent(node) - before[name] < 90_000


def counted() -> None:
    """Wait until the nodes' status files tell what has been sent by now."""
    time.sleep(3 * STATUS_SECONDS)


def sent(node: Node) -> int:
    """Bytes to all others when the status file was written."""
    return sum(peer.get("bytes_out", 0) for peer in node.status["peers"].values())


def stopped(nodes: Nodes, manifest: Manifest, at: str, code: str) -> None:
    """The job has failed at one party, and the others show whose fault it is and which."""
    for name, node in nodes.items():
        error, where = node.error(manifest)
        shown = (error,) if name == at else (error, where)
        assert shown == ((code,) if name == at else ("PRV-ELSEWHERE", f"{at}: {code}")), name
        with node.store.transaction() as tx:
            assert job_rows.result(tx, manifest.job) is None


# -- consents


def tried_again(nodes: Nodes, manifest: Manifest) -> None:
    """Asked for by the maker's people; the attempt has begun there."""
    maker = nodes[manifest.made_by]
    before = len(events(maker, manifest))
    with maker.store.transaction() as tx:
        job_rows.retry(tx, manifest.job, "tester")
    until(lambda: len(events(maker, manifest)) > before + 1, lambda: maker.log[-2000:])


def test_a_consent_revoked_between_attempts_ends_the_next_one_and_a_new_one_lets_it_go_on(
    nodes: Nodes,
) -> None:
    tax, subjects = nodes["tax"], [f"id-{number}" for number in range(ROWS["tax"])]
    grants(tax.home, subjects, "bank")
    manifest = proposed(
        nodes,
        {"at": "power", "wrong": "once", "result_to": ["bank"], "bytes": 90_000},
        own={"tax": {"consents": Consents(basis="subjects")}},
    )
    reached(nodes, manifest, "failed")
    stopped(nodes, manifest, "power", "PRV-WORKER")

    grants(tax.home, subjects, "bank", revoked=["id-3"])
    counted()
    before = sent(tax)
    tried_again(nodes, manifest)
    until(lambda: tax.error(manifest)[0] == "PRV-CONSENT", lambda: tax.log[-2000:])
    until(lambda: all(node.error(manifest)[1] in ("table", "tax: PRV-CONSENT") for node in nodes.values()))
    reached(nodes, manifest, "failed")
    stopped(nodes, manifest, "tax", "PRV-CONSENT")
    nothing_left(nodes)
    counted()
    assert sent(tax) - before < 90_000
    assert not [name for name, node in nodes.items() if "id-3" in node.log]

    grants(tax.home, subjects, "bank")
    tried_again(nodes, manifest)
    reached(nodes, manifest, "done")
    nothing_left(nodes)


# -- certificates


def refused(node: Node, before: int, code: str, words: str) -> bool:
    told = node.log[before:]
    return '"refused"' in told and code in told and words in told


@pytest.mark.parametrize(
    ("whose", "words"),
    [("none", "did not return a certificate"), ("unknown", "self-signed"), ("old", "expired")],
)
def test_a_caller_without_a_pinned_certificate_in_force_is_refused(
    nodes: Nodes, tmp_path: Path, whose: str, words: str
) -> None:
    bank = nodes["bank"]
    if whose == "unknown":
        shown: tuple[Path | None, Path | None] = made_up(tmp_path, "tax")
    elif whose == "old":
        shown = (bank.home / "peers" / "old.pem", bank.home / "peers" / "old.key")
    else:
        shown = (None, None)
    before = len(bank.log)
    with client(bank, *shown) as line, contextlib.suppress(ssl.SSLError, ConnectionError):
        assert line.recv(1) == b""
    until(lambda: refused(bank, before, "PRV-TLS", words), lambda: bank.log[before:])


def test_a_third_partys_valid_certificate_does_not_pass_as_the_peer(nodes: Nodes) -> None:
    bank, power = nodes["bank"], nodes["power"]
    before = len(bank.log)
    with client(bank, power.home / "certificate.pem", power.home / "key.pem") as line:
        line.sendall(frame(Type.HELLO, b'{"from":"tax","protocol":"xinqiao-node/1","to":"bank"}'))
        told = line.recv(4096)
        assert b"tax" not in told
        assert line.recv(1) == b""
    until(lambda: refused(bank, before, "PRV-FRAME", "hello"), lambda: bank.log[before:])
    connected(bank, 3)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", bytes(300), b"\x16\x03\x01\xff\xff"])
def test_garbage_on_the_port_does_not_disturb_the_node(nodes: Nodes, garbage: bytes) -> None:
    bank = nodes["bank"]
    before = len(bank.log)
    with socket.create_connection(("127.0.0.1", bank.port), timeout=20) as line:
        line.sendall(garbage)
        line.shutdown(socket.SHUT_WR)
        line.settimeout(20)
        while line.recv(4096):
            pass
    until(lambda: refused(bank, before, "PRV-TLS", ""), lambda: bank.log[before:])
    connected(bank, 3)


def test_while_a_party_is_away_nobody_takes_its_place_and_jobs_wait(pair: Nodes, tmp_path: Path) -> None:
    bank, tax = pair["bank"], pair["tax"]
    manifest = proposed(pair, {"seconds": 100})
    reached(pair, manifest, "running")
    assert tax.kill(signal.SIGTERM) == 0  # stopped in order: it tells the others, and leaves nothing
    reached(pair, manifest, "failed", 20)
    assert bank.error(manifest) == ("PRV-STOPPED", "tax")
    assert tax.left_behind() == []

    power = bank.home.parent / "power"
    for shown in ((power / "certificate.pem", power / "key.pem"), made_up(tmp_path, "tax")):
        impostor = Impostor(tax.port, *shown)
        try:
            until(lambda: impostor.calls > 0, seconds=30)  # noqa: B023 - used at once
            until(lambda: bank.status["peers"]["tax"].get("code") == "PRV-TLS", lambda: bank.status, 30)
            assert "self-signed" in bank.status["peers"]["tax"]["en"]
        finally:
            impostor.close()
        assert impostor.heard == b""

    waiting = proposed(pair)
    until(lambda: bank.state(waiting) == "signed")
    tax.start()
    reached(pair, waiting, "done")


def test_a_node_does_not_start_with_an_expired_certificate_of_its_own(nodes: Nodes, tmp_path: Path) -> None:
    home = tmp_path / "late"
    shutil.copytree(nodes["power"].home, home, ignore=shutil.ignore_patterns("work", "state", "*.log"))
    key, certificate = make_certificate("power", days=1, begins=now() - timedelta(days=2))
    (home / "key.pem").write_bytes(key)
    (home / "certificate.pem").write_bytes(certificate)
    done = subprocess.run(
        [*nodes["power"].command, home / CONFIG], capture_output=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.returncode == 2
    assert b"PRV-CERT-EXPIRED" in done.stderr
