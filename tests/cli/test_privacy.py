"""``xinqiao privacy``: a job proposed at one party, approved at another, and what comes of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli import command
from tests.cli.command import Told, call
from tests.privacy.agreeing import gossip, identity, played
from xinqiao.cli.privacy_jobs import store_of
from xinqiao.db.embedded import Access
from xinqiao.kernel.clock import now
from xinqiao.privacy.agreement.consents import ConsentList, Granted, signed_list
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.alignment import intersection
from xinqiao.privacy.node.node_files import CONFIG, add_peer, make_node

RULES = """
[issuers]
bureau = "{issuer}"

[[sources]]
name = "table"
file = "table.csv"
fields = {{ id = "id" }}

[[rules]]
name = "trial"
peers = ["{peer}"]
kinds = ["intersection"]
purposes = ["credit"]
receivers = ["bank"]
sources = ["table"]
columns = ["id"]
changed_at_least = 0
answer = "{answer}"
"""
DRAFT = """
kind = "intersection"
purpose = "credit"
[params]
result_to = ["bank"]
[[parties]]
name = "bank"
role = "holder"
[parties.input]
source = "table"
key = "id"
key_kind = "text"
rows_at_most = 100
[[parties]]
name = "tax"
role = "holder"
[parties.input]
source = "table"
key = "id"
key_kind = "text"
rows_at_most = 100
missing = "leave_out"
"""


class Trial:
    """Two parties' folders over one database."""

    def __init__(self, folder: Path, access: Access) -> None:
        self.folder = folder
        cards = {name: make_node(folder / name, name, f"127.0.0.1:{port}") for name, port in PORTS.items()}
        for name, peer, answer in (("bank", "tax", "sign"), ("tax", "bank", "ask")):
            add_peer(folder / name, cards[peer])
            config = folder / name / CONFIG
            dsn = f"dsn = {json.dumps(access.app)}\nowner_dsn = {json.dumps(access.owner)}\n"
            rules = RULES.format(issuer=identity("bureau").signing_key, peer=peer, answer=answer)
            config.write_text(dsn + config.read_text("utf-8") + rules, "utf-8")
        (folder / "bank" / "table.csv").write_text("id\na\nb\nc\n", "utf-8")
        (folder / "tax" / "table.csv").write_text("id\nb\nc\nd\n", "utf-8")
        (folder / "job.toml").write_text(DRAFT, "utf-8")

    def call(self, party: str, verb: str, *words: object) -> Told:
        """``xinqiao privacy VERB`` at a party."""
        return call("privacy", verb, *words, "--config", self.folder / party / CONFIG)

    @contextlib.contextmanager
    def stores(self) -> Iterator[tuple[Store, Store]]:
        """Both parties' stores, as their nodes have them."""
        files = (self.folder / "bank" / CONFIG, self.folder / "tax" / CONFIG)
        with store_of(files[0]) as bank, store_of(files[1]) as tax:
            yield bank, tax

    def proposed(self) -> str:
        """A job of the bank's that the tax bureau has heard of."""
        told = self.call("bank", "propose", self.folder / "job.toml")
        assert told.code == 0, told.err
        with self.stores() as both:
            gossip(*both)
        return told.out.split()[2]


PORTS = {"bank": 19001, "tax": 19002}


@pytest.fixture
def trial(tmp_path: Path, access: Access) -> Trial:
    return Trial(tmp_path, access)


def _consents(folder: Path) -> Path:
    until = now() + timedelta(days=1)
    grants = tuple(Granted(subject=s, receiver="bank", purpose="credit", until=until) for s in "bd")
    told = ConsentList(issuer="bureau", made_at=now(), key_kind="text", grants=grants)
    file = folder / "consents.json"
    file.write_text(signed_list(told, identity("bureau")).model_dump_json(), "utf-8")
    return file


def test_a_job_from_draft_to_proof(trial: Trial, tmp_path: Path) -> None:
    job = trial.proposed()
    assert "waiting" in trial.call("tax", "jobs").out
    shown = trial.call("tax", "show", job).out
    assert "bank 得知 learns" in shown
    assert "table (id)  1-100 行 rows" in shown
    assert "已签 signed  bank\n" in shown
    assert "waiting" in trial.call("tax", "jobs").out  # seeing decides nothing
    told = trial.call("tax", "approve", job, "--by", "Li", "--words", "按合同")
    assert told.code == 0
    assert "得知" in told.out
    assert "2" in trial.call("tax", "consents", _consents(tmp_path)).out
    with trial.stores() as (bank, tax):
        gossip(tax, bank)
        gossip(bank, tax)
        manifest = bank.standing()[0].manifest
        played(manifest, [bank, tax], tmp_path, run=intersection.run)
    rows, proof = tmp_path / "rows.parquet", tmp_path / "proof.json"
    told = trial.call("bank", "result", job, "--rows", rows, "--proof", proof)
    assert told.code == 0, told.err
    assert pq.read_table(rows).to_pylist() == [{"id": "b"}]
    assert rows.stat().st_mode & 0o777 == 0o600
    told = call("privacy", "verify", proof)
    assert told.code == 0
    assert "keys not compared: bank, tax" in told.out
    cards = [trial.folder / name / f"{name}.party.json" for name in PORTS]
    told = call("privacy", "verify", proof, "--card", cards[0], "--card", cards[1])
    assert (told.code, told.out.count("名片一致")) == (0, 2)
    assert "not compared" not in told.out
    cards[0].write_text(cards[0].read_text("utf-8").replace("bank", "tax"), "utf-8")
    assert call("privacy", "verify", proof, "--card", cards[0]).code == 1
    proof.write_bytes(proof.read_bytes().replace(b"credit", b"market"))
    assert call("privacy", "verify", proof).code == 1
    assert "done" in trial.call("bank", "jobs").out


def test_an_issuer_signs_a_table_of_grants_that_a_holder_takes_in(trial: Trial, tmp_path: Path) -> None:
    table, out = tmp_path / "grants.csv", tmp_path / "grants.json"
    table.write_text("subject,receiver,purpose,until\nb,bank,credit,2099-12-31\n", "utf-8")
    told = trial.call("bank", "issue", table, "--key-kind", "text", "--out", out)
    assert told.code == 0, told.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert "PRV-CONSENT-LIST" in trial.call("tax", "consents", out).err  # not an issuer it knows
    config = trial.folder / "tax" / CONFIG
    issuer = told.out.splitlines()[-1]
    config.write_text(config.read_text("utf-8").replace("[issuers]", f"[issuers]\n{issuer}"), "utf-8")
    assert "changed 1" in trial.call("tax", "consents", out).out


def test_ids_are_whole_in_a_narrow_window(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other commands need them."""
    job = trial.proposed()
    monkeypatch.setattr(command, "WIDE", "80")
    assert job in trial.call("tax", "jobs").out


def test_a_job_refused_by_a_person(trial: Trial) -> None:
    job = trial.proposed()
    assert "refused" in trial.call("tax", "refuse", job, "--words", "没有合同").out
    for verb in ("approve", "retry", "result"):
        told = trial.call("tax", verb, job)
        assert told.code == 2
        assert "PRV-STATE" in told.err


def test_what_another_party_wrote_is_shown_as_text(trial: Trial) -> None:
    trial.proposed()
    with trial.stores() as (bank, _):
        bank.refused(bank.standing()[0].manifest.job, "tax", "[/] [red]")
    told = trial.call("bank", "jobs")
    assert told.code == 0, told.err
    assert "[/] [red]" in told.out


def test_faults_of_the_command_line_are_told(trial: Trial, tmp_path: Path) -> None:
    assert "PRV-DRAFT" in trial.call("bank", "propose", tmp_path / "absent.toml").err
    assert "PRV-RULE" in trial.call("tax", "propose", _changed(trial.folder, "credit", "market")).err
    assert "PRV-JOB-ABSENT" in trial.call("bank", "approve", "no-id").err
    assert "PRV-CONSENT-LIST" in trial.call("bank", "consents", tmp_path / "absent.json").err


def _changed(folder: Path, old: str, new: str) -> Path:
    file = folder / "changed.toml"
    file.write_text(DRAFT.replace(old, new), "utf-8")
    return file
