from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.privacy.agreeing import ROWS, agreed, party, played, trial
from xinqiao.cli import privacy_verify
from xinqiao.db.database import Database
from xinqiao.evidence.proof import bundle, log_key
from xinqiao.evidence.trust import Trust
from xinqiao.evidence.verify import verify_bundle
from xinqiao.kernel.errors import UserError
from xinqiao.privacy.agreement import job_rows
from xinqiao.privacy.agreement.job_proof import JobProof, proof_of, verify
from xinqiao.privacy.job import kind


@pytest.fixture
def proof(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobProof:
    monkeypatch.setattr(kind, "kind_named", {"rows": ROWS}.get)
    bank, tax = party(database, tmp_path / "bank", "bank"), party(database, tmp_path / "tax", "tax")
    manifest = trial()
    agreed(bank, tax, manifest)
    played(manifest, [bank, tax], tmp_path)
    with bank.transaction() as tx:
        return proof_of(tx, job_rows.one(tx, manifest.job), "bank", show_result=True)


def _holds(proof: JobProof) -> bool:
    return all(finding.holds for finding in verify(proof.write(), "proof.json"))


def test_a_proof_is_checked_alone_and_any_change_shows(proof: JobProof, tmp_path: Path) -> None:
    assert _holds(proof)
    assert proof.opening is not None
    first, second = proof.signatures["bank"], proof.receipts["bank"]
    changes = [
        {"signatures": proof.signatures | {"tax": first}},
        {"signatures": {"bank": first}},
        {"receipts": {"bank": second}},
        {"receipts": proof.receipts | {"tax": second}},
        {"manifest": proof.manifest.replace("credit", "market")},
        {"opening": proof.opening.model_copy(update={"told": '{"rows":9}'})},
        {"opening": proof.opening.model_copy(update={"party": "tax"})},
    ]
    for change in changes:
        assert not _holds(proof.model_copy(update=change)), change
    file = tmp_path / "proof.json"
    file.write_bytes(proof.write())
    privacy_verify.privacy_verify(file)
    file.write_bytes(proof.model_copy(update=changes[0]).write())
    with pytest.raises(privacy_verify.typer.Exit):
        privacy_verify.privacy_verify(file)
    with pytest.raises(UserError, match="PRV-PROOF"):
        privacy_verify.privacy_verify(tmp_path / "absent.json")


def test_a_proof_holds_without_the_result_and_tells_no_size(proof: JobProof) -> None:
    plain = proof.model_copy(update={"opening": None})
    assert _holds(plain)
    assert b'"rows":6' not in plain.write()
    assert b"size" not in plain.write()


@given(st.binary(max_size=100))
def test_what_is_no_proof_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(UserError, match="PRV-PROOF"):
        verify(data, "proof.json")


def test_a_nodes_own_log_shows_what_it_committed_to(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "kind_named", {"rows": ROWS}.get)
    bank, tax = party(database, tmp_path / "bank", "bank"), party(database, tmp_path / "tax", "tax")
    bank.own_log = True
    manifest = trial()
    agreed(bank, tax, manifest)
    played(manifest, [bank, tax], tmp_path)
    with bank.transaction() as tx:
        kept = job_rows.result(tx, manifest.job)
        assert kept is not None
        found, key = bundle(tx, kept.evidence), log_key(tx)
    assert all(finding.holds for finding in verify_bundle(found, Trust(key)))
    told = json.loads(found.document)
    assert told["manifest"] == manifest.digest
    assert told["party"] == "bank"
