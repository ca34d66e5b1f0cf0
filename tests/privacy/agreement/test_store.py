from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.privacy.agreeing import ROWS, RULE, SUBJECTS, agreed, gossip, identity, party, played, trial
from tests.privacy.manifests import data, signing_key
from tests.privacy.manifests import manifest as manifest_of
from xinqiao.db.database import Database, new_id
from xinqiao.kernel.clock import now, standing
from xinqiao.kernel.errors import UserError, user_error
from xinqiao.privacy.agreement import agreement, job_rows
from xinqiao.privacy.agreement.commitments import disagreements, read_receipt
from xinqiao.privacy.agreement.consents import ConsentList, Granted, signed_list, take_in
from xinqiao.privacy.agreement.signing import sign_manifest
from xinqiao.privacy.agreement.store import Store
from xinqiao.privacy.job import kind
from xinqiao.privacy.job.kind import Result
from xinqiao.privacy.job.manifest import Manifest, Party
from xinqiao.privacy.sums import statistics

ASK = RULE.model_copy(update={"answer": "ask"})


@pytest.fixture(autouse=True)
def _kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "kind_named", {"rows": ROWS}.get)


@pytest.fixture
def bank(database: Database, tmp_path: Path) -> Store:
    return party(database, tmp_path / "bank", "bank")


@pytest.fixture
def tax(database: Database, tmp_path: Path) -> Store:
    return party(database, tmp_path / "tax", "tax", ids=["b", "c", "d", "e"])


def _state(store: Store, manifest: Manifest) -> str:
    with store.transaction() as tx:
        return job_rows.one(tx, manifest.job).state


def test_a_job_runs_when_all_have_signed_and_leaves_receipts(bank: Store, tax: Store, tmp_path: Path) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    played(manifest, [bank, tax], tmp_path)
    for store in (bank, tax):
        with store.transaction() as tx:
            kept = job_rows.result(tx, manifest.job)
            assert kept is not None
            assert kept.told == {"rows": 7}
            assert kept.delivered is None
            row = tx.execute("SELECT kind FROM evidence_entry WHERE id = %s", [kept.evidence]).fetchone()
            assert row == {"kind": "computation"}
            assert [e.state for e in job_rows.events(tx, manifest.job)][-3:] == ["ready", "running", "done"]
        held = next(s for s in store.standing() if s.manifest == manifest)
        receipts = {
            name: read_receipt(manifest, name, bytes.fromhex(told)[64:], bytes.fromhex(told)[:64])
            for name, told in held.receipts.items()
        }
        assert set(receipts) == {"bank", "tax"}
        assert disagreements(receipts) == []


def test_a_person_is_asked_where_a_rule_says_so(database: Database, bank: Store, tmp_path: Path) -> None:
    tax = party(database, tmp_path / "asked", "tax", rules=(ASK,))
    manifest = trial()
    bank.propose(manifest)
    gossip(bank, tax)
    assert _state(tax, manifest) == "waiting"
    with pytest.raises(UserError, match="PRV-STATE"), tax.transaction() as tx:
        job_rows.retry(tx, manifest.job, "Li")
    with tax.transaction() as tx:
        job_rows.approve(tx, manifest.job, "Li", "合同已签")
    gossip(tax, bank)
    assert _state(bank, manifest) == _state(tax, manifest) == "ready"
    with tax.transaction() as tx:
        told = [(e.state, e.by_name) for e in job_rows.events(tx, manifest.job)]
    assert told == [
        ("proposed", "bank"),
        ("waiting", "node"),
        ("approved", "Li"),
        ("signed", "node"),
        ("ready", "node"),
    ]


def test_what_no_rule_allows_is_refused_at_all(database: Database, bank: Store, tmp_path: Path) -> None:
    tax = party(database, tmp_path / "closed", "tax", rules=())
    manifest = trial()
    bank.propose(manifest)
    gossip(bank, tax)
    held = tax.standing()[0]
    assert (held.state, held.refused_by, held.code) == ("refused", "tax", "PRV-RULE")
    bank.refused(manifest.job, "tax", "PRV-RULE")
    held = bank.standing()[0]
    assert (held.state, held.refused_by, held.code) == ("refused", "tax", "PRV-RULE")
    with pytest.raises(UserError, match=r"PRV-SIGNATURE|PRV-STATE"):
        bank.begin(manifest.job, 1)


def test_own_rules_hold_for_own_proposals(database: Database, tmp_path: Path) -> None:
    bank = party(database, tmp_path / "closed", "bank", rules=())
    with pytest.raises(UserError, match="PRV-RULE"):
        bank.propose(trial())
    assert bank.standing() == []


def test_a_person_may_refuse_until_it_runs(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    with tax.transaction() as tx:
        job_rows.refuse(tx, manifest.job, "Li", "no contract")
    held = tax.standing()[0]
    assert (held.state, held.refused_by, held.code) == ("refused", "tax", "PRV-REFUSED")
    with pytest.raises(UserError, match="PRV-STATE"):
        tax.begin(manifest.job, 1)


def test_what_others_tell_is_checked(bank: Store, tax: Store) -> None:
    manifest = trial()
    bank.propose(manifest)
    signatures = dict(bank.standing()[0].signatures)
    for wrong in ({}, {"bank": "00" * 64}, {"bank": "no hex"}, {"tax": signatures["bank"]}, {"x": "00"}):
        with pytest.raises(UserError, match=r"PRV-SIGNATURE|PRV-MANIFEST"):
            tax.heard(manifest, wrong)
    changed = manifest.model_copy(update={"purpose": "marketing"})
    with pytest.raises(UserError, match="PRV-SIGNATURE"):
        tax.heard(changed, signatures)
    assert tax.standing() == []
    tax.heard(manifest, signatures)
    with pytest.raises(UserError, match="PRV-RECEIPT"):
        tax.heard(manifest, signatures, {"bank": "00" * 80})
    told = manifest.model_copy(update={"parties": (manifest.parties[0], bank_twice(manifest))})
    signed = sign_manifest(told, bank.identity.pair).hex()
    with pytest.raises(UserError, match="PRV-MANIFEST"):
        tax.heard(told, {"bank": signed})
    other = trial().model_copy(update={"job": manifest.job})
    with pytest.raises(UserError, match="PRV-MANIFEST-CHANGED"):
        bank.propose(other)


def bank_twice(manifest: Manifest) -> Party:
    """The other party under a name that nobody here has."""
    return manifest.parties[1].model_copy(update={"name": "stranger"})


def test_a_party_can_not_pile_up_jobs_for_people(
    bank: Store, tax: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "PROPOSED_AT_MOST", 2)
    tax.policy = replace(tax.policy, rules=(ASK,))
    for _ in range(3):
        bank.propose(trial())
    with pytest.raises(UserError, match="PRV-TOO-MANY"):
        gossip(bank, tax)
    assert len(tax.standing()) == 2
    for known in tax.standing():  # of these signatures and receipts are taken as before
        tax.heard(known.manifest, known.signatures)


def test_nor_jobs_that_are_refused(bank: Store, tax: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """All jobs of the last day are looked at twice a second, those refused too."""
    monkeypatch.setattr(agreement, "PROPOSED_AT_MOST", 2)
    tax.policy = replace(tax.policy, rules=())
    for _ in range(3):
        bank.propose(trial())
    with pytest.raises(UserError, match="PRV-TOO-MANY"):
        gossip(bank, tax)
    assert [held.state for held in tax.standing()] == ["refused", "refused"]
    with standing(now() + timedelta(days=2)):
        tax.heard(told := trial(), {"bank": sign_manifest(told, bank.identity.pair).hex()})
        assert [held.state for held in tax.standing()] == ["refused"]


@pytest.mark.parametrize("maker", ["bank", "tax"])
def test_nothing_is_kept_in_the_name_of_another(tax: Store, maker: str) -> None:
    """A third party may tell of a job, but only its maker, as this node knows it, has made it."""
    false = signing_key("mallory")
    parties = [
        p.model_copy(update={"signing_key": false.public.hex()}) if p.name == maker else p
        for p in trial().parties
    ]
    told = trial().model_copy(update={"parties": tuple(parties), "made_by": maker})
    with pytest.raises(UserError, match="PRV-PEER-UNKNOWN"):
        tax.heard(told, {maker: sign_manifest(told, false).hex()})
    assert tax.standing() == []


def test_a_failed_job_may_be_tried_again_while_attempts_are_left(
    bank: Store, tax: Store, tmp_path: Path
) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    for attempt in (1, 2):
        for store in (bank, tax):
            store.begin(manifest.job, attempt)
            store.fail(manifest.job, user_error("PRV-PEER-LOST", "tax"))
        assert bank.standing()[0].code == "PRV-PEER-LOST"
    with pytest.raises(UserError, match="PRV-ATTEMPTS"):
        bank.begin(manifest.job, 2)
    with bank.transaction() as tx:
        job_rows.retry(tx, manifest.job, "Wang")
    assert bank.standing()[0].again
    played(manifest, [bank, tax], tmp_path, attempt=3)
    with pytest.raises(UserError, match="PRV-ATTEMPTS"):
        bank.begin(manifest.job, 4)


def test_each_attempt_is_a_run_and_its_commitment_stays(bank: Store, tax: Store) -> None:
    tax.policy = replace(tax.policy, rules=(RULE.model_copy(update={"runs": 2}),))
    manifest = trial()
    agreed(bank, tax, manifest)
    commitments = []
    for attempt in (1, 2):
        tax.begin(manifest.job, attempt)
        tax.fail(manifest.job, user_error("PRV-PEER-LOST", "bank"))
        with tax.transaction() as tx:
            rows = tx.execute("SELECT commitment FROM privacy_input ORDER BY attempt").fetchall()
        assert [row["commitment"] for row in rows][:-1] == commitments
        commitments = [row["commitment"] for row in rows]
    assert len(set(commitments)) == 2
    with pytest.raises(UserError, match="PRV-BUDGET-RUNS"):
        tax.begin(manifest.job, 3)
    for statement in ("UPDATE privacy_input SET salt = ''", "UPDATE privacy_input SET commitment = ''"):
        with pytest.raises(psycopg.InternalError), tax.transaction() as tx:
            tx.execute(statement)


def test_a_receipt_names_the_input_of_its_own_attempt(bank: Store, tax: Store, tmp_path: Path) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    for store in (bank, tax):
        store.begin(manifest.job, 1)
        store.fail(manifest.job, user_error("PRV-PEER-LOST", "tax"))
    played(manifest, [bank, tax], tmp_path, attempt=2)
    with tax.transaction() as tx:
        row = tx.execute("SELECT commitment FROM privacy_input WHERE attempt = 2").fetchone()
    assert row is not None
    told = bytes.fromhex(next(s for s in tax.standing() if s.manifest == manifest).receipts["tax"])
    assert read_receipt(manifest, "tax", told[64:], told[:64]).input == row["commitment"]


def test_runs_are_bounded_for_a_party_without_input(database: Database, tmp_path: Path) -> None:
    names = ("bank", "tax", "platform")
    rule = RULE.model_copy(update={"peers": names, "runs": 1})
    platform = party(database, tmp_path / "platform", "platform", rules=(rule,), names=names)
    for expected in (None, "PRV-BUDGET-RUNS"):
        told = dealt("rows")
        platform.heard(told, {n: sign_manifest(told, signing_key(n)).hex() for n in ("bank", "tax")})
        if expected is None:
            assert platform.begin(told.job, 1).table is None
        else:
            with pytest.raises(UserError, match=expected):
                platform.begin(told.job, 1)


def dealt(name: str) -> Manifest:
    """A job of bank and tax bureau with the platform as dealer."""
    held = {n: ("holder", data("sales")) for n in ("bank", "tax")}
    return manifest_of(name, {**held, "platform": "dealer"})


def test_a_dealer_that_sees_rows_is_compared_against_and_needs_no_grant(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeing = replace(ROWS, roles=(ROWS.roles[0], replace(ROWS.roles[1], sees=True)))
    monkeypatch.setattr(kind, "kind_named", {"rows": seeing}.get)
    names = ("bank", "tax", "platform")
    rule = RULE.model_copy(update={"peers": names, "receivers": names})
    tax = party(database, tmp_path / "tax3", "tax", rules=(rule,), names=names)
    told = dealt("rows")
    brought = data("sales", consents=SUBJECTS)
    parties = tuple(p.model_copy(update={"input": brought}) if p.name == "tax" else p for p in told.parties)
    told = told.model_copy(update={"parties": parties})
    _granted(tax, "a", "b")
    tax.heard(told, {n: sign_manifest(told, signing_key(n)).hex() for n in ("bank", "platform")})
    table = tax.begin(told.job, 1).table
    assert table is not None
    assert table.num_rows == 2
    with tax.transaction() as tx:
        rows = tx.execute("SELECT basis FROM privacy_use WHERE peer = 'platform'").fetchall()
    assert "keys" in {row["basis"] for row in rows}


def test_a_grant_to_the_receiver_alone_gives_no_ids_to_who_aligns(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bank proposes sums over subjects for the platform, and would learn which subjects are common."""
    monkeypatch.setattr(kind, "kind_named", {"statistics": statistics.KIND}.get)
    names = ("bank", "tax", "platform")
    changed = {"peers": names, "receivers": names, "kinds": ("statistics",), "changed_at_least": 0}
    rule = RULE.model_copy(update=changed)
    tax = party(database, tmp_path / "aligning", "tax", rules=(rule,), names=names)
    held = {n: ("holder", data("sales", consents=SUBJECTS)) for n in ("bank", "tax")}
    params = {"measures": ["sum"], "result_to": ["platform"], "over": "subjects"}
    _granted(tax, "a", "b", receiver="platform")
    for common in ([], ["a"]):
        _granted(tax, *common)
        told = manifest_of("statistics", {**held, "platform": "receiver"}, params)
        tax.heard(told, {n: sign_manifest(told, signing_key(n)).hex() for n in ("bank", "platform")})
        table = tax.begin(told.job, 1).table
        assert table is not None
        assert table.column("id").to_pylist() == common
        with tax.transaction() as tx:
            bases = tx.execute("SELECT basis FROM privacy_use WHERE peer = 'bank'").fetchall()
        assert "keys" in {row["basis"] for row in bases}


def test_a_job_past_its_day_ends(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    with standing(now() + timedelta(hours=2)):
        assert [s.state for s in bank.standing()] == ["expired"]
        with pytest.raises(UserError, match=r"PRV-EXPIRED|PRV-STATE"):
            bank.begin(manifest.job, 1)
    with standing(now() + timedelta(days=3)):
        assert bank.standing() == []


def test_a_look_may_leave_out_what_ended_long_ago_but_not_what_may_be_tried_again(
    bank: Store, tax: Store, tmp_path: Path
) -> None:
    done, failed = trial(), trial()
    agreed(bank, tax, done)
    played(done, [bank, tax], tmp_path)
    agreed(bank, tax, failed)
    bank.begin(failed.job, 1)
    bank.fail(failed.job, user_error("PRV-PEER-LOST", "tax"))
    assert {s.manifest.job for s in bank.standing(timedelta(minutes=5))} == {done.job, failed.job}
    with standing(now() + timedelta(minutes=10)):
        assert [s.manifest.job for s in bank.standing(timedelta(minutes=5))] == [failed.job]
        assert {s.manifest.job for s in bank.standing()} == {done.job, failed.job}


def test_sizes_out_of_bounds_stop_the_job_and_nothing_is_spent(
    database: Database, bank: Store, tmp_path: Path
) -> None:
    big = party(database, tmp_path / "big", "tax", ids=[str(n) for n in range(20)])
    manifest = trial()
    assert manifest.parties[1].input is not None
    small = manifest.parties[1].input.model_copy(update={"rows_at_most": 10})
    tax = manifest.parties[1].model_copy(update={"input": small})
    manifest = manifest.model_copy(update={"parties": (manifest.parties[0], tax)})
    agreed(bank, big, manifest)
    with pytest.raises(UserError, match="PRV-ROWS"):
        big.begin(manifest.job, 1)
    assert _state(big, manifest) == "ready"
    with big.transaction() as tx:
        assert tx.execute("SELECT 1 FROM privacy_use").fetchall() == []


def _granted(tax: Store, *subjects: str, revoked: bool = False, receiver: str = "bank") -> None:
    grants = tuple(
        Granted(
            subject=s, receiver=receiver, purpose="credit", until=now() + timedelta(days=9), revoked=revoked
        )
        for s in subjects
    )
    told = ConsentList(issuer="bureau", made_at=now(), key_kind="text", grants=grants)
    with tax.transaction() as tx:
        take_in(tx, tax.identity, tax.institution, signed_list(told, identity("bureau")))


def test_only_rows_with_consent_are_used_and_a_revocation_holds_from_the_next_job(
    bank: Store, tax: Store
) -> None:
    tax.policy = replace(tax.policy, rules=(RULE.model_copy(update={"changed_at_least": 0}),))
    _granted(tax, "b", "c", "d")
    first, second = trial(SUBJECTS), trial(SUBJECTS)
    agreed(bank, tax, first)
    table = tax.begin(first.job, 1).table
    assert table is not None
    assert table.column("id").to_pylist() == ["b", "c", "d"]
    _granted(tax, "b", "c", "d", revoked=True)
    agreed(bank, tax, second)
    table = tax.begin(second.job, 1).table
    assert table is not None
    assert table.num_rows == 0
    strict = trial(SUBJECTS.model_copy(update={"missing": "refuse"}))
    agreed(bank, tax, strict)
    with pytest.raises(UserError, match="PRV-CONSENT"):
        tax.begin(strict.job, 1)


def test_a_rule_taken_away_stops_what_was_signed(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    tax.policy = replace(tax.policy, rules=())
    with pytest.raises(UserError, match="PRV-RULE"):
        tax.begin(manifest.job, 1)


def test_rows_that_are_delivered_are_kept_as_parquet(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    bank.begin(manifest.job, 1)
    bank.finish(manifest.job, Result({"rows": 1}, pa.table({"id": ["a"]})), [])
    with bank.transaction() as tx:
        kept = job_rows.result(tx, manifest.job)
    assert kept is not None
    assert kept.delivered is not None
    assert pq.read_table(pa.BufferReader(kept.delivered)).to_pylist() == [{"id": "a"}]


def test_another_institution_sees_nothing_and_history_stays(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    other = Store(bank.database, new_id(), bank.identity, bank.policy, bank.folder)
    assert other.standing() == []
    with pytest.raises(psycopg.InternalError), bank.transaction() as tx:
        tx.execute("UPDATE privacy_event SET by_name = 'x'")
    with tax.transaction() as tx:
        tx.execute("UPDATE privacy_job SET state = 'signed'")
    for statement in ("SET manifest = '{}'", "SET digest = ''", "SET state = 'running'"):
        with pytest.raises(psycopg.InternalError), tax.transaction() as tx:
            tx.execute("UPDATE privacy_job " + statement)
    with bank.transaction() as tx:
        job_rows.refuse(tx, manifest.job, "Li")
    with pytest.raises(psycopg.InternalError), bank.transaction() as tx:
        tx.execute("UPDATE privacy_job SET state = 'ready'")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), bank.transaction() as tx:
        tx.execute("DELETE FROM privacy_job")


def test_state_kept_between_jobs_is_one_folder_a_deployment(bank: Store, tax: Store) -> None:
    manifest = trial()
    agreed(bank, tax, manifest)
    state = bank.begin(manifest.job, 1).state
    assert state.parent == bank.folder
    assert state.stat().st_mode & 0o777 == 0o700


def test_the_node_introduces_itself(bank: Store) -> None:
    bank.introduce()
    bank.introduce()
    with bank.transaction() as tx:
        row = tx.execute("SELECT name, policy FROM privacy_node").fetchone()
    assert row is not None
    assert row["name"] == "bank"
    assert row["policy"]["sources"] == {"table": ["id", "sales"]}
